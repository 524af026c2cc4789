"""Progress of a study: running jobs, finished clips and fits, rate, and time left.

    make status CONFIG=config/paper.yaml

The progress is read from files, so that the command works while the study runs, also on a cluster:
outputs, unfinished outputs, and job logs, whose last line is the job's progress (`workflow.logs`).
The time left assumes the current number of parallel jobs. Parts of a stage are weighted by their
hours according to `make plan`; without a plan, by their clips or fits.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tabulate import tabulate

from hear.features.names import INDEX, part_of
from workflow.commands.arguments import checked_study, read_arguments, study_parser
from workflow.commands.workloads import predict_item, workloads
from workflow.logs import JobLog, read_log
from workflow.study import exhibits, paths
from workflow.study.study import Study

STAGES = {"downloads": "archives", "fetch": "tasks", "embed": "clips", "predict": "fits"}
STAGE_OF = {"fetch_task": "fetch"}  # by rule, where the name is another
COLUMNS = ("stage", "done", "jobs", "rate", "left")
SHOWN = 110  # characters of a log's last line


@dataclass
class Piece:
    """Part of a stage: an archive, a task, a view of a task, the probes of an embedding and seed.

    ``n`` is its number of archives, tasks, clips or fits, ``share`` the finished fraction. ``plan``
    is its row of the plan, (stage, task, item); ``logs`` are the names of its logs for all job
    sizes.
    """

    stage: str
    n: int
    share: float
    plan: tuple[str, str, str]
    logs: tuple[str, ...]
    is_begun: bool = True


@dataclass(frozen=True)
class Stage:
    """Progress of a stage; ``n_jobs`` is the number of running jobs.

    ``per_s`` is the number of archives, tasks, clips or fits per second of one job, ``left_s`` the
    seconds left for one job; each None if unknown.
    """

    name: str
    n_done: float
    n: int
    n_jobs: int
    per_s: float | None
    left_s: float | None


def pieces(study: Study) -> Iterator[Piece]:
    """All parts of the long stages, in the order in which jobs make them."""
    manifests = {task: Path(paths.manifest(study, task)) for task in study.tasks}
    for task, spec in study.tasks.items():
        is_there = manifests[task].exists()
        for path in spec.sources if study.origin == "hear2021" else ():
            key = ("fetch", task, f"archives of {task}")
            yield Piece("downloads", 1, float(is_there or path.exists()), key, (path.name,))
        yield Piece("fetch", 1, float(is_there), ("fetch", task, f"clips of {task}"), (task,))
    tasks = study.tasks.items()
    sized = {t: spec for t, spec in tasks if study.origin != "folder" or manifests[t].exists()}
    for work in workloads(dataclasses.replace(study, tasks=sized)):
        kind = study.tasks[work.name].embedding_type
        for source, view in study.views(kind):
            folder = Path(paths.features(study, source, work.name, view))
            part = part_of(folder)
            names = paths.view_files(paths.levels(study, source, view))
            done = all((folder / n).exists() for n in names) or (part / INDEX).exists()
            key = ("embed", work.name, f"{source} {view}")
            logs = (work.name, f"{work.name}.{source}.{view}")
            yield Piece("embed", work.n_clips, float(done), key, logs, part.exists())
        embeddings = dict.fromkeys(study.embeddings_of(kind).values())
        for probe, one in paths.probes(study, kind).items():
            n_fits = work.n_fits(study.protocol, one.probe)
            for embedding, seed in itertools.product(embeddings, study.seeds_of(one)):
                fixed = {"study": study.name, "probe": probe, "task": work.name, "seed": seed}
                path = Path(paths.prediction(embedding).format(**fixed))
                done = path.exists() or path.with_suffix(".ready.npz").exists()
                together = f"{probe}.{work.name}.seed{seed}"
                logs = (together, f"{probe}.{work.name}.{embedding}.seed{seed}")
                key = ("predict", work.name, predict_item(embedding, one))
                yield Piece("predict", n_fits, float(done), key, logs)


def job_logs(study: Study) -> Iterator[tuple[str, JobLog]]:
    """Rule and log of every job of a study that has started."""
    folders = dict.fromkeys(["downloads", paths.collection(study), study.name])
    for folder in (Path("logs", name) for name in folders):
        for path in sorted(folder.rglob("*.log")):
            if (log := read_log(path)) is not None:
                first = path.relative_to(folder).parts[0].removesuffix(".log")
                yield ("downloads" if folder.name == "downloads" else first), log


def read_plan(path: Path) -> dict[tuple[str, str, str], float]:
    """Hours by stage, task and item from `make plan`; empty if it has not been run."""
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        return {(r["stage"], r["task"], r["item"]): float(r["hours"]) for r in rows}


def add_progress(found: Sequence[Piece], logs: Iterable[tuple[str, JobLog]]) -> None:
    """Set the finished fraction of pieces in progress from the jobs' progress bars."""
    for rule, log in logs:
        if log.share is None or not log.is_running:
            continue
        stage, name = STAGE_OF.get(rule, rule), log.path.stem
        mine = [p for p in found if p.stage == stage and name in p.logs and p.share < 1]
        if stage == "embed":  # all views of one source at a time
            mine = [piece for piece in mine if piece.is_begun]
        for piece in mine if stage == "embed" else mine[:1]:
            piece.share = log.share


def summarize(
    name: str, found: list[Piece], logs: list[JobLog], planned: dict[tuple[str, str, str], float]
) -> Stage:
    """Sum up the pieces of one stage, by the logs of its jobs and the hours of the plan."""
    seeds = Counter(piece.plan for piece in found)  # share a row
    has_plan = all(planned.get(row, 0.0) > 0 for row in seeds)
    weights = [planned[p.plan] / seeds[p.plan] if has_plan else p.n for p in found]
    done = sum(weight * piece.share for weight, piece in zip(weights, found, strict=True))
    n_done, left = sum(piece.n * piece.share for piece in found), sum(weights) - done
    spent_s = sum(log.seconds for log in logs)
    per_s, left_s = None, 3600 * left if has_plan or not left else None
    if spent_s and done:
        per_s, left_s = n_done / spent_s, left * spent_s / done
    n_jobs = sum(log.is_running for log in logs)
    return Stage(name, n_done, sum(piece.n for piece in found), n_jobs, per_s, left_s)


def describe(study: Study, planned: dict[tuple[str, str, str], float]) -> list[str]:
    """Lines of text on a study's finished and remaining work and its jobs."""
    found, logs = list(pieces(study)), list(job_logs(study))
    add_progress(found, logs)
    stages = []
    for name in STAGES:
        mine = [piece for piece in found if piece.stage == name]
        told = [log for rule, log in logs if STAGE_OF.get(rule, rule) == name]
        if mine:
            stages.append(summarize(name, mine, told, planned))
    at_once = max(1, sum(stage.n_jobs for stage in stages))
    rows, missing = [_row(stage, at_once) for stage in stages], 0
    for name, files in (("score", paths.scores(study)), ("exhibits", exhibits.targets(study))):
        n = sum(Path(file).exists() for file in files)
        rows.append({"stage": name, "done": f"{n:,} of {len(files):,} files"})
        missing += len(files) - n
    unfinished = {log for piece in found if piece.share < 1 for log in piece.logs}
    stopped = [
        (rule, log)
        for rule, log in logs
        if not log.is_running and not log.is_finished
        if STAGE_OF.get(rule, rule) not in STAGES or log.path.stem in unfinished
    ]
    lines = [
        tabulate(rows, "keys", "github", missingval=""),
        "",
        _total(study, stages, at_once, missing, sum(log.is_running for _, log in logs)),
    ]
    for rule, log in logs:
        if log.is_running:
            lines.append(f"  {_job(rule, log)}, for {_time(log.seconds)}: {_end(log)}")
    if stopped:
        lines.append("Stopped early and not yet restarted:")
    return lines + [
        f"  {_job(rule, log)}, {_time(log.silent_s)} ago: {_end(log)}" for rule, log in stopped
    ]


def _total(study: Study, stages: list[Stage], at_once: int, n_files: int, n_jobs: int) -> str:
    said = f"Study {study.name}: {n_jobs or 'no'} job{'s' * (n_jobs != 1)} running"
    left_s = sum(stage.left_s or 0.0 for stage in stages)
    unknown = ", ".join(stage.name for stage in stages if stage.left_s is None)
    if not left_s and not unknown:
        return said + (f"; {n_files} files left, minutes of work." if n_files else "; all is done.")
    if left_s:
        said += f"; about {_time(left_s / at_once)} left with {at_once} at a time"
    return said + (f"; {unknown}: not known yet; `make plan` estimates it." if unknown else ".")


def _row(stage: Stage, at_once: int) -> dict[str, str | int]:
    unit, rate, left = STAGES[stage.name], "", ""
    if stage.n_jobs and stage.per_s:
        rate = f"{60 * stage.per_s * stage.n_jobs:,.3g} {unit} a minute"
    if stage.n_done < stage.n:
        left = "?" if stage.left_s is None else _time(stage.left_s / at_once)
    done = f"{stage.n_done:,.0f} of {stage.n:,} {unit}"
    return dict(zip(COLUMNS, (stage.name, done, stage.n_jobs or "", rate, left), strict=True))


def _job(rule: str, log: JobLog) -> str:
    return " ".join(dict.fromkeys([rule, log.path.stem])) + f" on {log.host}"


def _end(log: JobLog) -> str:
    line = log.last_line
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def main() -> None:
    """Print how far the study is."""
    parser = study_parser(__doc__)
    try:
        study = checked_study(read_arguments(parser.parse_args()))
        planned = read_plan(Path("results", study.name, "plan.csv"))
        print(*describe(study, planned), sep="\n")
    except (ValueError, OSError) as error:
        sys.exit(f"status: {error}")


if __name__ == "__main__":
    main()
