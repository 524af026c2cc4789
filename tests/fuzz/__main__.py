"""Fuzz every reader of the project with hostile input and count what became of it.

python -m tests.fuzz --write docs/fuzz.csv
python -m tests.fuzz --readers archives --cases 500 --seed 1
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from hypothesis.configuration import set_hypothesis_home_dir

from tests.fuzz.run import find_readers, run_reader

COLUMNS = (
    "reader", "engine", "cases", "past", "accepted", "refused", "longest_s", "peak_mib", "seed",
    "first_check",
)  # fmt: skip


def run_apart(name: str, n_cases: int, number: int) -> dict:
    """Row of a reader that is tried in a process of its own, which may die."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        try:
            return pool.submit(run_reader, name, n_cases, number).result()
        except BrokenProcessPool as error:
            return {"reader": name, "faults": {f"the process died: {error}": ""}}


def run_coverage(name: str, n_cases: int, number: int) -> dict:
    """The same by a coverage-guided fuzzer."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        file, module = Path(folder) / "row.json", "tests.fuzz.coverage"
        command = [sys.executable, "-m", module, name, str(n_cases), str(number), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if not file.exists():
            return {"reader": name, "faults": {f"the process died: {done.stderr[-2000:]}": ""}}
        return json.loads(file.read_text())


def _try(name: str, chosen: argparse.Namespace) -> dict:
    """Try one reader and print what became of its cases."""
    started = time.monotonic()
    try_reader = run_coverage if chosen.coverage else run_apart
    row = try_reader(name, chosen.cases, chosen.seed)
    share = row.get("past", 0) / max(row.get("cases", 0), 1)
    print(
        f"{name}: {row.get('cases', 0)} cases, {share:.0%} past the first check, "
        f"{row.get('accepted', 0)} accepted, {row.get('refused', 0)} refused, "
        f"longest {row.get('longest_s', 0):.2f} s, {row.get('peak_mib', 0)} MiB, "
        f"{time.monotonic() - started:.0f} s",
        flush=True,
    )
    for what, case in row["faults"].items():
        print(f"  FAULT {what}\n    {case}", flush=True)
    return row


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--readers", nargs="+", default=[""], help="parts of their names; all")
    parser.add_argument("--cases", type=int, default=6000, help="for each reader; 6000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="CSV file in which counts are replaced")
    parser.add_argument("--coverage", action="store_true", help="by Atheris, of parsers of bytes")
    parser.add_argument("--list", action="store_true", help="list the readers")
    chosen = parser.parse_args()
    names = [
        name
        for name, reader in find_readers().items()
        if any(part in name for part in chosen.readers)
        and (reader.from_bytes is not None or not chosen.coverage)
    ]
    if chosen.list:
        print("\n".join(names))
        return
    for name in list(names):
        needs = find_readers()[name].needs
        if needs and importlib.util.find_spec(needs) is None:
            print(f"{name}: skipped, {needs} is not installed: pip install {needs}", flush=True)
            names.remove(name)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as home:
        set_hypothesis_home_dir(home)  # its tables of Unicode are made once for all readers
        has_faults = False
        for name in names:
            row = _try(name, chosen)
            has_faults |= bool(row["faults"])
            if chosen.write and not row["faults"]:
                _write(chosen.write, row)
    sys.exit(has_faults)


def _write(path: Path, row: dict) -> None:
    """Replace the row of the same reader and engine, and keep the others."""
    kept = {}
    if path.exists():
        with path.open(newline="", encoding="utf-8") as stream:
            kept = {(row["reader"], row["engine"]): row for row in csv.DictReader(stream)}
    shown = row | {"longest_s": f"{row['longest_s']:.2f}"}
    kept[row["reader"], row["engine"]] = {name: shown[name] for name in COLUMNS}
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept[key] for key in sorted(kept))


if __name__ == "__main__":
    main()
