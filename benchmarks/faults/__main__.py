"""Faults: what becomes of a study that is killed, damaged, edited or short of something.

    python -m benchmarks.faults                      # all, hours
    python -m benchmarks.faults kill_run damaged     # some; the rows of the others stay
    python -m benchmarks.faults damaged --seeds 7 8

Each trial puts a small study (`benchmarks/faults/study.py`) back into a temporary folder, provokes
a fault, checks what then lies there, goes on, and compares every stored feature, prediction, score
and figure with an undisturbed run's, byte by byte. Writes ``benchmarks/results/faults.csv``, a row
per trial as it ends, and docs/faults.md from it.
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
        "What becomes of a study when something goes wrong, tried. Each trial provokes a fault in",
        "a small study with every kind of step, goes on with the same command (after the next step",
        "that a message names), and compares every stored feature, prediction, score and figure",
        "with those of an undisturbed run, byte by byte. *Held* means: no finished feature or",
        "prediction was lost or computed again, no wrong result was there at any time, the message",
        "said what it should, and the end was the same. `python -m benchmarks.faults NAME` repeats",
        "a row; the seed of a trial decides its moments, places and bytes.",
        "`benchmarks/results/faults.csv` has a row per trial, with what was said.",
    )
)


@dataclass(frozen=True)
class Fault:
    """A fault: its trials, by seed, how many there are by default, and why there may be none."""

    words: str
    try_: Callable[[Cut, range], Iterator[Row]]
    n: int
    impossible: Callable[[], str] = lambda: ""


FAULTS = {
    fault.try_.__name__: fault
    for fault in (
        Fault("The run is killed", kills.kill_run, 50),
        Fault("A job is killed", kills.kill_job, 10),
        Fault("A long embedding is killed", kills.kill_embed, 10),
        Fault("Ctrl-C", kills.interrupt, 6),
        Fault("SIGTERM", kills.terminate, 6),
        Fault("A node of a cluster dies", limits.dead_node, 1, limits.slurm_is_possible),
        Fault("The disk is full", disk.full_disk, 5, disk.is_possible),
        Fault("The disk is read-only", disk.read_only, 5, disk.is_possible),
        Fault("The temporary folder is full", disk.full_temporary, 1, disk.is_possible),
        Fault("A file is damaged", damage.damaged, 18),
        Fault("A task is edited", changes.edited_task, 4),
        Fault("The config is edited", changes.edited_config, 2),
        Fault("Clocks jump", changes.clocks, 3),
        Fault("A lock was left", changes.stale_lock, 2),
        Fault("Two runs in one folder", changes.two_runs, 4),
        Fault("A model crashes", limits.crashing_model, 4),
        Fault("Memory is short", limits.little_memory, 6),
    )
}


def page(table: pd.DataFrame) -> str:
    """The faults as a Markdown table."""
    lines = [
        f"# Faults, provoked\n\n{HEAD}\n",
        "| fault | provoked by | trials | held | command |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, fault in FAULTS.items():
        rows = table[table["fault"] == name]
        provoked = " ".join((fault.try_.__doc__ or "").split())
        n_held = f"{int(rows['held'].sum())} of {len(rows)}" if len(rows) else "not run"
        command = f"`python -m benchmarks.faults {name}`"
        lines.append(f"| {fault.words} | {provoked} | {len(rows)} | {n_held} | {command} |")
    return "\n".join([*lines, *_messages(table), ""])


def _messages(table: pd.DataFrame) -> Iterator[str]:
    yield "\n## What is said\n\nOne message of each fault, the longest.\n"
    for name, fault in FAULTS.items():
        texts = sorted(set(table.loc[table["fault"] == name, "said"].dropna()), key=len)
        if texts and texts[-1]:
            text = texts[-1] if len(texts[-1]) <= MAX_SAID else f"{texts[-1][:MAX_SAID]} ..."
            yield f"- {fault.words}: `{text.replace('`', chr(39))}`"
    for row in table[~table["held"].astype(bool)].itertuples():
        yield f"- **Did not hold**: {FAULTS[row.fault].words}, {row.trial}: {row.failed}"


def main() -> None:
    """Try the faults that were asked for; write their rows and the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*FAULTS, []], metavar="NAME")
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FIRST", "LAST"))
    parser.add_argument("--work", type=Path, help="a folder to work in, kept for the next call")
    parser.add_argument("--output", type=Path, default=OUTPUT)
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
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(_read(arguments.output)), encoding="utf-8")


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)


if __name__ == "__main__":
    main()
