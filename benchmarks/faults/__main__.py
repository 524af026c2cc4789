"""Fault injection: kill, damage, edit and starve a small study, then resume it.

    python -m benchmarks.faults                      # every fault; takes hours
    python -m benchmarks.faults kill_run damaged     # two faults; other rows are kept
    python -m benchmarks.faults damaged --seeds 7 8

Each trial restores a small study (`benchmarks/faults/study.py`) in a temporary folder, injects a
fault, checks the files it left, resumes the study, and compares every stored feature, prediction,
score and figure byte by byte with those of an undisturbed run. Each trial appends a row to
``benchmarks/results/faults.csv``; docs/faults.md is generated from that file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.faults import changes, damage, disk, kills, limits
from benchmarks.faults.study import Cut, Row
from benchmarks.machine import origin

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "benchmarks" / "results" / "faults.csv"
PAGE = ROOT / "docs" / "faults.md"
COLUMNS = ["fault", "trial", "held", "failed", "said", "machine", "versions"]
MAX_SAID = 300  # characters of a message in the table
HEAD = " ".join(
    (
        "Each trial injects one fault into a small study that has every kind of job, follows the",
        "remedy in the error message, and resumes the study with the same command. It then",
        "compares every stored feature, prediction, score and figure byte by byte with those of an",
        "undisturbed run. A trial *held* if no finished feature or prediction was lost or",
        "recomputed, no wrong result was on disk at any time, the message had the expected",
        "content, and the final results were identical. `python -m benchmarks.faults NAME`",
        "repeats a row. The seed of a trial determines when and where the fault strikes and which",
        "bytes it damages. `benchmarks/results/faults.csv` has one row per trial, with its",
        "messages.",
    )
)


@dataclass(frozen=True)
class Fault:
    """A kind of fault: its name, the function that runs its trials, and their default number.

    ``impossible`` returns the reason why this machine cannot run the trials, or an empty string.
    """

    words: str
    try_: Callable[[Cut, range], Iterator[Row]]
    n: int
    impossible: Callable[[], str] = lambda: ""


FAULTS = {
    fault.try_.__name__: fault
    for fault in (
        Fault("The run is killed", kills.kill_run, 50),
        Fault("A job is killed", kills.kill_job, 10),
        Fault("A slow embedding job is killed", kills.kill_embed, 10),
        Fault("Embedding of a folder is killed", kills.kill_folder, 1),
        Fault("Ctrl-C", kills.interrupt, 6),
        Fault("SIGTERM", kills.terminate, 6),
        Fault("A cluster node dies", limits.dead_node, 1, limits.slurm_is_possible),
        Fault("The disk is full", disk.full_disk, 5, disk.is_possible),
        Fault("The disk is read-only", disk.read_only, 5, disk.is_possible),
        Fault("The temporary folder is full", disk.full_temporary, 1, disk.is_possible),
        Fault("A file is damaged", damage.damaged, 18),
        Fault("A task is edited", changes.edited_task, 4),
        Fault("The config is edited", changes.edited_config, 2),
        Fault("File times change", changes.clocks, 3),
        Fault("A stale lock remains", changes.stale_lock, 2),
        Fault("Two runs in one folder", changes.two_runs, 4),
        Fault("A model crashes", limits.crashing_model, 4),
        Fault("Memory runs out", limits.little_memory, 6),
    )
}


def page(table: pd.DataFrame) -> str:
    """Markdown page of all trials: a row per fault, then its messages and the failed trials."""
    lines = [
        f"# Fault injection\n\n{HEAD}\n",
        "| fault | how it is injected | trials | held | command |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, fault in FAULTS.items():
        rows = table[table["fault"] == name]
        provoked = " ".join((fault.try_.__doc__ or "").split()).replace("``", "`")
        n_held = f"{int(rows['held'].sum())} of {len(rows)}" if len(rows) else "not run"
        command = f"`python -m benchmarks.faults {name}`"
        lines.append(f"| {fault.words} | {provoked} | {len(rows)} | {n_held} | {command} |")
    return "\n".join([*lines, *_messages(table), ""])


def _messages(table: pd.DataFrame) -> Iterator[str]:
    yield "\n## Messages\n\nThe longest message of each fault, then the trials that did not hold.\n"
    for name, fault in FAULTS.items():
        said = set(table.loc[table["fault"] == name, "said"].dropna())
        texts = sorted(said, key=lambda text: (len(text), text))
        if texts and texts[-1]:
            text = texts[-1] if len(texts[-1]) <= MAX_SAID else f"{texts[-1][:MAX_SAID]} ..."
            yield f"- {fault.words}: `{text.replace('`', chr(39))}`"
    for row in table[~table["held"].astype(bool)].itertuples():
        yield f"- **Did not hold**: {FAULTS[row.fault].words}, {row.trial}: {row.failed}"


def main() -> None:
    """Run the trials of the given faults; update the table and the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*FAULTS, []], metavar="NAME")
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FIRST", "LAST"))
    parser.add_argument("--work", type=Path, help="working folder, kept for the next call")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="another file: no page is made")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        cut = Cut(arguments.work or Path(temporary) / "work")
        for name in arguments.names or FAULTS:
            fault = FAULTS[name]
            if reason := fault.impossible():
                print(f"{name}: skipped, {reason}", file=sys.stderr)
                continue
            first, last = arguments.seeds or (0, fault.n - 1)
            seeds = range(first, last + 1)
            table = _read(arguments.output)
            old = table["trial"].str.extract(r"seed (\d+)", expand=False).astype(int)
            again = old.isin(seeds) if arguments.seeds else True
            table = table[~((table["fault"] == name) & again)].reset_index(drop=True)
            for row in fault.try_(cut, seeds):
                failed = "; ".join(row.faults)
                print(f"{name}: {row.trial}: {failed or 'held'}", flush=True)
                text = row.said.replace(str(cut.work), "").replace(str(cut.clone), "")
                new = [name, row.trial, not failed, failed, text, *origin().values()]
                table.loc[len(table)] = new
                table.to_csv(arguments.output, index=False)
    if arguments.output == OUTPUT:
        PAGE.write_text(page(_read(OUTPUT)), encoding="utf-8")


def _read(path: Path) -> pd.DataFrame:
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    return pd.read_csv(path, keep_default_na=False)


if __name__ == "__main__":
    main()
