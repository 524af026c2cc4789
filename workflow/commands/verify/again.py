"""Scores, tables and figures' numbers of a study, made again in a folder of their own.

The workflow's own rules make scores and tables from the stored predictions, in a folder from which
relative paths lead where they lead from the working directory. What is measured (``measure.csv``,
``cost.json``) is taken as it is.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from analysis.exhibits.make import draw_exhibit
from analysis.exhibits.text import FigureText
from analysis.tables.metrics import read_metric_labels
from analysis.tables.scores import write_csv
from hear.files import sha256_file, write_json
from hear.scores.files import content_hash, load_predictions
from workflow.commands.verify.chain import NONE, Break, compared
from workflow.study import exhibits, paths, words
from workflow.study.config import ROOT, ConfigError
from workflow.study.study import Study

OWN = ("results", "logs", ".snakemake")  # folders that the rules write into
MEASURED = "measure.csv"
STEPS = re.compile(r"(\d+) of (\d+) steps")
N_LINES = 12  # of what a failed run says
N_BREAKS = 5  # of one file that are said
TOLERANCE = 1e-6  # of tables by other versions, relative and absolute; chosen


@dataclass(frozen=True)
class Step:
    """What is made again at a time: by which rules, from what of the study's folder."""

    name: str
    rules: tuple[str, ...]
    kept: tuple[str, ...]


PREDICTIONS = Step("probes", ("predict",), ("features",))
TABLES = Step(
    "scores and tables",
    ("score", "score_scene", "score_event", "normalize", "score_official", "bootstrap",
     "score_labels", "sum_costs", "estimate", "estimate_probes", "judge", "list_tasks"),
    ("features", "predictions", MEASURED),
)  # fmt: skip


def table_files(study: Study) -> list[str]:
    """Tables and replicates of a study that are no exhibits and no measurements."""
    results = f"results/{study.name}"
    others = {f"{results}/{file}" for exhibit in exhibits.exhibits(study) for file in exhibit.files}
    others.add(f"{results}/{MEASURED}")
    found = [f for f in exhibits.targets(study) if f.endswith(".csv") and f not in others]
    replicates = [paths.replicates(study, one) for one in study.evaluations if study.models]
    return [*found, *replicates]


def exhibit_files(study: Study) -> list[str]:
    """Numbers of every exhibit of a study."""
    return [f"results/{study.name}/{exhibit.csv}" for exhibit in exhibits.exhibits(study)]


def listed_files(study: Study) -> list[str]:
    """Numbers of the exhibits that have a rule of their own."""
    found = [exhibit for exhibit in exhibits.exhibits(study) if not exhibit.rule]
    return [f"results/{study.name}/{exhibit.csv}" for exhibit in found]


def make(study: Study, place: Path, cores: int, step: Step, files: list[str]) -> None:
    """Make files of a study again by the workflow's rules, in the folder `mirrored`.

    ConfigError with the end of what Snakemake says if they cannot be made.
    """
    here = _mirror(place)
    results = here / "results" / study.name
    results.mkdir(parents=True)
    for name in step.kept:
        if (kept := Path("results", study.name, name).absolute()).exists():
            (results / name).symlink_to(kept)
    # A job for each embedding, so that one file of predictions can be made alone.
    write_json(place / "config.json", study.config | {"job_size": "smallest"})
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile")]
    command += ["--cores", str(cores), "--nolock", "--configfile", str(place / "config.json")]
    command += ["--allowed-rules", *step.rules, "--", *files]
    last: deque[str] = deque(maxlen=N_LINES)
    with (
        subprocess.Popen(
            command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
        tqdm(desc=step.name, unit="job", leave=False) as bar,
    ):
        assert process.stdout is not None, "a pipe was asked for"
        for line in process.stdout:
            last.append(line)
            if steps := STEPS.search(line):
                bar.n, bar.total = int(steps[1]), int(steps[2])
                bar.refresh()
    if process.returncode:
        raise ConfigError("".join(last).rstrip())


def mirrored(place: Path) -> Path:
    """Folder below ``place`` that stands for the working directory."""
    here = Path.cwd().resolve()
    return place / here.relative_to(here.anchor)


def _mirror(place: Path) -> Path:
    """Fill the folder with links to all that lies in the working directory and above, but results.

    So relative paths of a config lead where they lead from the working directory.
    """
    here = Path.cwd().resolve()
    folders = [*reversed(here.parents), here]
    for folder, inner in itertools.zip_longest(folders, folders[1:]):
        copy = place / folder.relative_to(folder.anchor)
        copy.mkdir(exist_ok=True)
        left_out = OWN if inner is None else (inner.name,)
        with suppress(PermissionError):  # a folder above may be closed: then no path leads there
            for path in folder.iterdir():
                if path.name not in left_out:
                    (copy / path.name).symlink_to(path)
    return mirrored(place)


def make_exhibits(study: Study, here: Path) -> None:
    """Draw every exhibit from the tables below ``here`` and write its numbers there."""
    results = here / "results" / study.name
    text = FigureText(**words.words(study), metrics=read_metric_labels(results / "metrics.csv"))
    tables = {name: here / file for name, file in exhibits.tables(study).items()}
    shown = [exhibit for exhibit in exhibits.exhibits(study) if exhibit.rule]
    for exhibit in tqdm(shown, f"exhibits of {study.name}", unit="exhibit", leave=False):
        _, numbers = draw_exhibit(exhibit.id, {name: tables[name] for name in exhibit.of}, text)
        (results / exhibit.csv).parent.mkdir(exist_ok=True)
        write_csv(numbers, results / exhibit.csv)


def compare_files(files: list[str], here: Path, is_exact: bool) -> Iterator[Break]:
    """Compare stored files with those made again below ``here``, byte for byte if ``is_exact``."""
    for file in files:
        made, stored = here / file, Path(file)
        if not stored.is_file():
            yield Break(file, "a file", NONE)
        elif stored.read_bytes() != made.read_bytes():
            yield from _compare_file(file, made, stored, 0.0 if is_exact else TOLERANCE)


def _compare_file(file: str, made: Path, stored: Path, tolerance: float) -> Iterator[Break]:
    try:
        found = _content(stored)
    except (ValueError, KeyError, TypeError) as error:
        yield Break(file, "a file that can be read", str(error))
        return
    breaks = list(itertools.islice(compared(file, _content(made), found, tolerance), N_BREAKS))
    if not breaks and not tolerance:
        breaks = [Break(file, f"sha256 {sha256_file(made)}", sha256_file(stored))]
    yield from breaks


def _content(path: Path) -> Any:
    """Content of a score file, a table (by row and column) or replicates, to be compared."""
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    if path.suffix == ".npz":
        header, arrays = load_predictions(path)
        return header | {"arrays": {name: _arrays(array) for name, array in arrays.items()}}
    with open(path, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, restkey="more", restval=NONE))
    return {f"row {number}": row for number, row in enumerate(rows, start=2)}


def _arrays(array: np.ndarray) -> Any:
    return content_hash({"": array})
