"""Texts of a study: the label of every exhibit, and names of models and tasks."""

from __future__ import annotations

from pathlib import Path

from workflow.study.blocks import block_series
from workflow.study.confounds import confounds
from workflow.study.paths import score_file
from workflow.study.study import Study
from workflow.study.tasks import left_out, read_task_table

EVALUATED_BY = {"heareval": "heareval itself", "stacked": "stacked probes"}
REHEARSAL = "REHEARSAL with generated audio and random weights, no result"
LEADERBOARD = (
    "Official HEAR 2021 scores: leaderboard entries of the challenge on the 19 real tasks; no "
    "model was run here"
)


def label(study: Study) -> str:
    """The label of every exhibit: study, tasks, weights and protocol."""
    if study.origin == "leaderboard":
        return LEADERBOARD
    parts = (
        *_rehearsal(study),
        f"Study {study.name}: {_tasks(study)}",
        *_weights(study),
        _protocol(study),
        *_seeds(study, "probe seeds"),
    )
    return " \u00b7 ".join(parts)


def stamp(study: Study) -> str:
    """The label in at most two lines of a figure."""
    if study.origin == "leaderboard":
        return "Official HEAR 2021 scores of the challenge's entries; no model was run here"
    n = len(study.tasks)
    if study.origin == "mini":
        tasks = f"{n} generated task{'s' * (n != 1)}, not HEAR 2021"
    elif study.is_real:
        tasks = f"{'stand-ins for ' * study.is_rehearsal}{n} HEAR 2021 task{'s' * (n != 1)}"
    else:
        tasks = f"{n} task{'s' * (n != 1)} of the user, not HEAR 2021"
    weights = ["own PaSST weights" if _own(study) else said for said in _weights(study)]
    seeds = _seeds(study, f"seed{'s' * (len(study.seeds) > 1)}")
    protocol = [*other_probe(study), f"protocol {study.protocol.name}"]
    parts = (f"Study {study.name}: {tasks}", *weights, ", ".join(protocol))
    return " \u00b7 ".join([*_rehearsal(study), *parts, *_evaluator(study), *seeds])


def _rehearsal(study: Study) -> list[str]:
    return [REHEARSAL] if study.is_rehearsal else []


def _tasks(study: Study) -> str:
    n = len(study.tasks)
    if study.origin == "mini":
        missing = ", ".join(left_out(study.config))
        without = f", without {missing}, whose sound sources are not installed" if missing else ""
        return f"{n} generated mini tasks (analogs, not the HEAR 2021 tasks){without}"
    if study.origin == "hear2021":
        return f"stand-ins for {coverage(study)}" if study.is_rehearsal else coverage(study)
    kind = "HEAR 2021 task" if study.is_real else "task"
    tasks = f"{n} {kind}{'s' * (n > 1)} from {Path(study.config['task_dir']).name}"
    return tasks + ("" if study.is_real else " (the user's recordings, not the HEAR 2021 suite)")


def coverage(study: Study) -> str:
    """Text on how many of the 19 tasks a study has, and which are missing."""
    table = read_task_table()
    absent = [row["name"] for slug, row in table.items() if slug not in study.tasks]
    if not absent:
        return f"{len(table)} HEAR 2021 tasks"
    share = f"{len(study.tasks)} of {len(table)} HEAR 2021 tasks"
    if len(absent) < len(table) / 2:
        return f"{share}, without: {', '.join(absent)}"
    present = [row["name"] for slug, row in table.items() if slug in study.tasks]
    return f"{share}, only: {', '.join(present)}"


def _weights(study: Study) -> list[str]:
    """Text on the PaSST weights, unless they are the released ones."""
    if own := _own(study):
        return [f"PaSST weights not the released ones ({', '.join(own)})"]
    used = study.used_checkpoints
    return ["PaSST weights random-init"] if used and all(c.is_random for c in used) else []


def _own(study: Study) -> list[str]:
    """Ids of the trained checkpoints that are used and were not released with the paper."""
    return [c.id for c in study.used_checkpoints if c.url is None and not c.is_random]


def _protocol(study: Study) -> str:
    protocol = study.protocol
    words = ", ".join([*other_probe(study), f"protocol {protocol.name}"])
    if protocol.deviations():
        epochs = protocol.max_epochs_cap or protocol.max_epochs
        words += f" ({protocol.n_grid_points} grid points, at most {epochs} epochs)"
    return ", ".join([words, *_evaluator(study)])


def other_probe(study: Study) -> list[str]:
    """Name the probe of exhibits and claims, unless it is heareval's."""
    return [] if study.probe.name == "mlp" else [f"{study.probe.label} probe"]


def _evaluator(study: Study) -> list[str]:
    """Text on the evaluator, unless it is the default one."""
    name = study.evaluator["name"]
    return [] if name == "native" else [f"evaluated by {EVALUATED_BY[name]}"]


def _seeds(study: Study, what: str) -> list[str]:
    """Seeds of the probe of exhibits and claims, if it has any."""
    has_any = study.evaluations[0].has_seed
    return [f"{what} {', '.join(map(str, study.seeds))}"] if has_any else []


def normalization(study: Study) -> str:
    """Divisor of normalized scores; official entries are used for the real tasks only."""
    if study.is_real:
        return "best HEAR 2021 entry"
    return f"best {'trained ' * bool(study.controls)}model of this run"


def model_labels(study: Study) -> dict[str, str]:
    """Display name of each model; the leaderboard's entries go by their own names."""
    return {id: model.label for id, model in study.models.items()}


def task_mark(study: Study) -> str:
    """Mark of the names of generated tasks."""
    return "mini " if study.origin == "mini" else ""


def task_labels(study: Study) -> dict[str, str]:
    """Display name of each task: the paper's where it has one, marked if it is an analog."""
    return {slug: task_mark(study) + spec.name for slug, spec in study.tasks.items()}


def words(study: Study) -> dict:
    """Fields of ``analysis.exhibits.text.FigureText`` derived from the config, in plain types."""
    return {
        "study": study.name,
        "label": label(study),
        "stamp": stamp(study),
        "normalization": normalization(study),
        "models": model_labels(study),
        "tasks": task_labels(study),
        "task_mark": task_mark(study),
        "event_tasks": study.tasks_of("event"),
        "highlight": list(study.highlight),
        "scene_embeddings": study.embeddings_of("scene"),
        "confounds": confounds(study),
        "blocks": block_series(study),
        "judged_model": study.judged_model or "",
        "probes": {one.probe.name: one.probe.label for one in study.evaluations},
        "score_file": score_file("{model}", study.evaluations[0]).removeprefix("results/{study}/"),
    }
