"""Rehearse the paper's study: config/paper.yaml on stand-ins, from the downloads to the report.

    make rehearse

Servers on this machine stand in for Zenodo and GitHub, generated clips for the archives, and seeded
random weights of full size for the checkpoints. Everything else is as in the real study, except for
the changes that the command lists. The run is killed during a download and during an embedding, and
resumed. At the end, its time is compared with the estimate of `make plan`. All files are in one
folder; real downloads and results are not touched.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pandas as pd
import yaml

from hear.features.store import NOTE
from hear.files import write_json
from passt.checkpoints import GITHUB, RELEASED, Checkpoint
from passt.download import hashes_of
from workflow.commands.plan import compare, experience, markdown, plan
from workflow.commands.rates import measure
from workflow.commands.rehearse.server import FileServer
from workflow.commands.rehearse.stand_ins import write_archives, write_weights
from workflow.fetch.known import LOCKED
from workflow.fetch.space import ARCHIVES
from workflow.study.config import ROOT, merged, read_yaml, share_libraries
from workflow.study.paths import log_folders
from workflow.study.study import Study, read_study
from workflow.study.tasks import read_task_table
from workflow.study.words import REHEARSAL

PAPER = ROOT / "config" / "paper.yaml"
STUDY = "rehearsal"
CHANGES, SIZES, SERVED = Path("changes.yaml"), Path("tasks.tsv"), Path("served")  # in the folder
# Every checkpoint, base and improved PaSST, and a model for event tasks alone.
MODELS = ["passt_mh_hop10", "passt_l_hop10", "passt_mh_hop3", "passt_lm_2rf_hop5"]
POLL_S = 0.05
LOOPBACK_MB_PER_S = 100.0  # about what is hashed and written while it is received


def released(models: Sequence[str]) -> list[Checkpoint]:
    """Released checkpoints that models of the paper's study need."""
    config = read_yaml(PAPER)
    used = {config["models"].get(model, {}).get("checkpoint") for model in models}
    return [RELEASED[c["released"]] for id, c in config["checkpoints"].items() if id in used]


def stand_in(checkpoint: Checkpoint) -> Path:
    """File that stands in for a checkpoint's weights."""
    return SERVED / Path(str(checkpoint.file)).name


def write_stand_ins(tasks: Sequence[str], checkpoints: Sequence[Checkpoint]) -> None:
    """Write missing archives and weights, the tasks' sizes, and a lock file.

    The lock file has sizes and hashes of the stand-ins, like that of the real files.
    """
    table = read_task_table()
    sizes = [write_archives(table[task], SERVED) for task in tasks]
    pd.DataFrame(sizes).to_csv(SIZES, sep="\t", index=False)
    for seed, checkpoint in enumerate(checkpoints):
        if not stand_in(checkpoint).exists():
            write_weights(checkpoint, stand_in(checkpoint), seed)
    known = {}
    for name, facts in json.loads((ROOT / LOCKED).read_text(encoding="utf-8")).items():
        if (SERVED / name).exists():
            found = hashes_of(SERVED / name)
            known[name] = {kind: found[kind] for kind in facts if kind in found}
    write_json(LOCKED, known)


def changes(models: list[str], tasks: list[str], url: str, github: str) -> dict:
    """Changes to config/paper.yaml; the addresses are those of the servers."""
    hashes = {c.id: hashes_of(stand_in(c))["sha256"] for c in released(models) if c.sha256}
    found = {
        "study": STUDY,
        "rehearsal": str(SIZES),  # for the disk check
        "download": {"url": url, "github": github},
        "checkpoints": {id: {"sha256": sha256} for id, sha256 in hashes.items()},
        "probe_seeds": [42],
        "select_models": models,
        "leaderboard": {"name": REHEARSAL, "url": "none"},
    }
    return found | ({"tasks": tasks} if tasks else {})


def serve(study: Study, zenodo: FileServer, github: FileServer, assets: FileServer) -> None:
    """Serve the stand-ins: a record with its archives; releases, which lead to another server."""
    archives = [path.name for spec in study.tasks.values() for path in spec.sources]
    record = study.config["download"]["record"]
    zenodo.add_record(record, {name: SERVED / name for name in archives})
    for checkpoint in study.used_checkpoints:
        path = f"/github-production-release-asset/{stand_in(checkpoint).name}"
        github.redirects[str(checkpoint.url).removeprefix(GITHUB)] = f"{assets.url}{path}?sig=none"
        assets.files[path] = stand_in(checkpoint)


def rehearse(command: list[str], zenodo: FileServer) -> None:
    """Run a study, killed in the middle of a download and of an embedding; end if it fails."""
    content = max(
        (path for path in zenodo.files if path.endswith("/content")),
        key=lambda path: len(zenodo.content(path)),
    )
    name, half = content.split("/")[-2], len(zenodo.content(content)) // 2
    part, features = ARCHIVES / f"{name}.part", Path("results", STUDY, "features")
    zenodo.script[content] = [("hang", half)]
    stops: dict[str, Callable[[], bool]] = {
        f"the download of {name}": lambda: part.exists() and part.stat().st_size > half / 2,
        "an embedding": lambda: any(features.glob(f"*/*/*.part/{NOTE}")),
    }
    for place, is_reached in stops.items():
        if (status := run(command, is_reached)) is not None:
            break
        print(f"rehearse: killed during {place}; going on", file=sys.stderr)
    else:
        status = run(command, lambda: False)
    if status:
        sys.exit(f"rehearse: the run ended with exit status {status}; logs: {Path.cwd()}/logs")
    if None in zenodo.ranges(content)[1:]:
        sys.exit(f"rehearse: {name}: expected to resume in the middle, requested from the start")


def run(command: list[str], is_reached: Callable[[], bool]) -> int | None:
    """Run a command; kill it when ``is_reached``; return its exit status, or None if killed."""
    process = subprocess.Popen(command, start_new_session=True)
    try:
        while process.poll() is None:
            if is_reached():
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None
            time.sleep(POLL_S)
        return process.returncode
    finally:
        if process.poll() is None:  # this command is being stopped
            os.killpg(process.pid, signal.SIGINT)
            process.wait()


def main() -> None:
    """Write stand-ins, run the study on them, print planned and measured hours."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("rehearsal"), help="default: rehearsal")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="jobs at a time")
    parser.add_argument("--tasks", nargs="+", default=[], help="some of the 19")
    parser.add_argument("--models", nargs="+", default=MODELS, help="ids in config/paper.yaml")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    tasks, models, cores = arguments.tasks, arguments.models, arguments.cores
    arguments.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(arguments.folder)
    share_libraries()
    began = time.monotonic()
    write_stand_ins(tasks or list(read_task_table()), released(models))
    with (
        closing(FileServer()) as zenodo,
        closing(FileServer()) as github,
        closing(FileServer()) as assets,
    ):
        changed = changes(models, tasks, zenodo.url, github.url)
        text = yaml.safe_dump(changed, sort_keys=False, width=100)
        CHANGES.write_text(text, encoding="utf-8")
        print(f"rehearse: config/paper.yaml with these changes:\n\n{text}")
        study = read_study(merged(read_yaml(PAPER), changed))
        serve(study, zenodo, github, assets)
        targets = ["all"]
        if not tasks and study.config["leaderboard"]["model"] in models:
            targets.append(f"results/{STUDY}/leaderboard_row.csv")
        command = [sys.executable, "-m", "workflow.commands.launch", *targets]
        command += ["--cores", str(cores), "--snakefile", str(ROOT / "Snakefile")]
        rehearse([*command, "--configfile", str(PAPER), str(CHANGES)], zenodo)
    took_min = (time.monotonic() - began) / 60
    # How many validations a probe takes is of the run: no measurement foresees it for such clips.
    rows = plan(study, measure(study, cores), experience(STUDY), LOOPBACK_MB_PER_S)
    print(f"\n{markdown(compare(rows, log_folders(study)))}\n")
    print(
        f"rehearse: {took_min:.1f} minutes; {Path.cwd()}/results/{STUDY}/report.html; "
        f"to remove all of it: rm -r {arguments.folder}"
    )


if __name__ == "__main__":
    main()
