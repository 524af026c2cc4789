"""Write the tables of the default study and of the benchmarks into the README's markers."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from tabulate import tabulate

ROOT = Path(__file__).parent.parent
TABLES = {
    "mini tasks": "results/mini/tables/tasks.md",
    "embedding speed": "benchmarks/results/embed_speed.csv",
    "passes": "benchmarks/results/passes_total.csv",
    "mini checkpoints": "resources/checkpoints_mini",
    "mini protocol": "benchmarks/results/mini_protocol_summary.csv",
}
ORIGIN = ("machine", "versions")  # columns that say where numbers are from: a line below the table


def insert(text: str, name: str, content: str) -> str:
    """Replace what stands between the markers ``<!-- name: begin -->`` and ``end``.

    Raises
    ------
    ValueError
        If the markers are missing.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if begin not in text or end not in text:
        raise ValueError(f"README.md: expected the markers {begin} and {end}")
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content.strip()}\n{end}{rest.partition(end)[2]}"


def content(path: Path) -> str:
    """Markdown of a result: as it is, or the table of a CSV with its machine and versions below.

    Of a folder, what the records of trainings in it say.
    """
    if path.is_dir():
        return trainings(sorted(path.glob("*.json")))
    if path.suffix != ".csv":
        return path.read_text()
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    shown = [{k: v for k, v in row.items() if k not in ORIGIN} for row in rows]
    table = tabulate(shown, "keys", "github", disable_numparse=True)
    origins = dict.fromkeys(tuple(row[k] for k in ORIGIN if k in row) for row in rows)
    lines = [", ".join(origin) for origin in origins if origin]
    return "\n\n".join([table, *lines])


def trainings(records: list[Path]) -> str:
    """Markdown table of records of trainings, each after the one whose weights it starts from."""
    rows = []
    for path in records:
        record = json.loads(path.read_text())
        start = record["recipe"]["initial_weights"]
        rows.append(
            {
                "training": path.stem,
                "starts from": Path(start).parent.name if start else "random weights",
                "STFT hop in ms": record["recipe"]["hop"] / 32,
                "crops": record["clips_seen"],
                "CPU minutes": round(record["cpu_s"] / 60, 1),
                "validation mAP": round(record["curve"][-1]["valid_mAP"], 3),
                "mAP by chance": round(record["validation_chance"], 3),
            }
        )
    order = {row["training"]: row["starts from"] for row in rows}

    def depth(name: str) -> int:
        return 1 + depth(order[name]) if name in order else 0

    rows.sort(key=lambda row: (depth(row["training"]), row["STFT hop in ms"] * -1))
    return tabulate(rows, "keys", "github")


def main() -> None:
    """Update the README from the results at hand."""
    path = ROOT / "README.md"
    text = path.read_text()
    for name, table in TABLES.items():
        if not (ROOT / table).exists():
            print(f"README.md: no {table}: the table of {name} stays as it is", file=sys.stderr)
            continue
        text = insert(text, name, content(ROOT / table))
    path.write_text(text)


if __name__ == "__main__":
    main()
