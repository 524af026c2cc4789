"""Tables of the default study, the benchmarks and the rule graph, written into the README.

    make readme

What stands between the README's markers ``<!-- name: begin -->`` and ``end`` is replaced.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
from tabulate import tabulate

ROOT = Path(__file__).parents[2]
TABLES = {
    "mini tasks": "results/mini/tables/tasks.md",
    "passes": "benchmarks/results/passes_total.csv",
    "embed study": "benchmarks/results/embed_study.csv",
    "cost plan": "benchmarks/results/plan_paper.csv",
    "mini checkpoints": "resources/checkpoints_mini",
    "mini protocol": "benchmarks/results/mini_protocol_summary.csv",
    "probe study": "benchmarks/results/probe_study.csv",
    "probe parity": "benchmarks/results/probe_parity_summary.csv",
}
COLUMNS = {  # of the files that say more than the README has room for
    "probe_parity_summary": [
        *("case", "mkl_path", "n_common_seeds", "mean_native", "mean_heareval", "difference"),
        *("n_equal_scores", "n_equal_choices", "n_hashed", "n_equal_bytes"),
    ],
}
BENCHMARKS = ROOT / "benchmarks" / "results"
SPEEDS = {  # the README's rows: file, and what its row has; hear21passt but for the probe
    "scenes of 10 s, CPU": ("embed_speed", {"case": "scene", "hop_ms": "10"}),
    "timestamps of 2 s, RF 160 ms, CPU": (
        "embed_speed",
        {"case": "timestamps_rf160", "hop_ms": "10"},
    ),
    "probe of 2,000 clips, 50 labels, CPU": ("probe_speed", {"case": "esc50_like"}),
    "scenes of 10 s, GPU, bfloat16": (
        "gpu",
        {"quantity": "embedding", "case": "scene, hop 10 ms", "precision": "bfloat16"},
    ),
    "timestamps of 4 s, RF 160 ms, GPU, float32": (
        "gpu",
        {"quantity": "embedding", "case": "rf160, hop 10 ms", "precision": "float32"},
    ),
}
RULES_OF = ("config/paper.yaml", "results/paper/report.html")  # what "rules" draws
ORIGIN = ("machine", "versions")  # columns that say where numbers are from: a line below the table


def insert(text: str, name: str, content: str) -> str:
    """Replace what stands between the markers ``<!-- name: begin -->`` and ``end``."""
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
    if path.stem.startswith("plan"):
        return stages(path)
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    origins = dict.fromkeys(rows.filter(ORIGIN).itertuples(index=False, name=None))
    shown = rows.filter(COLUMNS.get(path.stem, rows.columns.difference(ORIGIN, sort=False)))
    return "\n\n".join([markdown(shown.map(rounded)), *(", ".join(o) for o in origins if o)])


def markdown(rows: pd.DataFrame) -> str:
    """Table of cells that are shown as they are."""
    return tabulate(rows, "keys", "github", disable_numparse=True, showindex=False)


def rounded(cell: str) -> str:
    """Cut a number's decimals to four digits that matter; leave everything else."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    return cell if len(cell) <= 6 or number.is_integer() else f"{number:.4g}"


def speeds(folder: Path) -> str:
    """Markdown of a row for each kind of work: this software beside the reference, on what machine.

    CPU seconds of one core, or rows per second of a GPU. ``folder`` has the benchmarks' CSVs.
    """
    table = []
    for what, (name, wanted) in SPEEDS.items():
        rows = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        rows = rows[(rows[list(wanted)] == pd.Series(wanted)).all(axis="columns")]
        if name == "gpu":
            (row,) = rows[rows["compiled"] == "False"].to_dict("records")
            here, there = (f"{rounded(row[key])} {row['unit']}" for key in ("value", "reference"))
        elif name == "probe_speed":
            by_program = rows.set_index(["program", "mkl_path"]).to_dict("index")
            row, slow = by_program["native", "fast"], by_program["heareval", "slow"]
            here, there = f"{rounded(row['cpu_s'])} s", f"{rounded(slow['cpu_s'])} s"
        else:
            (row,) = rows[rows["mkl_path"] == "fast"].to_dict("records")
            here, there = f"{rounded(row['ours_s'])} s", f"{rounded(row['reference_s'])} s"
        table.append(
            {
                "work": what,
                "here": here,
                "reference": f"{there} {'heareval' if name == 'probe_speed' else 'hear21passt'}",
                "times as fast": rounded(row["ratio"]),
                "under the same path": rounded(row.get("ratio_same_path", "")),
                "share of the peak": rounded(row.get("peak_share", "")),
                "machine": row.get("device") if name == "gpu" else row["machine"],
            }
        )
    return markdown(pd.DataFrame(table))


def stages(path: Path) -> str:
    """Markdown of a plan (:mod:`workflow.commands.plan`) by stage, with what dominates each."""
    rows, table = pd.read_csv(path), []
    for stage, part in rows.groupby("stage", sort=False):
        hours = part.groupby("item")["hours"].sum()
        largest = (100 * hours / hours.sum()).nlargest(3)
        row = {
            "stage": stage,
            "hours": f"{hours.sum():.3g}",
            "disk in GiB": f"{part['disk_gib'].sum():.3g}",
            "memory of a job in GiB": f"{part['memory_gib'].max():.2g}",
            "most of it": ", ".join(f"{item} {x:.0f} %" for item, x in largest.items()),
        }
        table.append(row)
    return f"{markdown(pd.DataFrame(table))}\n\n{rows['machine'][0]}"


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
    starts = {row["training"]: row["starts from"] for row in rows}

    def depth(name: str) -> int:
        return 1 + depth(starts[name]) if name in starts else 0

    rows.sort(key=lambda row: (depth(row["training"]), -row["STFT hop in ms"]))
    return tabulate(rows, "keys", "github")


def rules(mermaid: str) -> str:
    """Mermaid flow chart of Snakemake's rule graph, without arrows that longer paths imply."""
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", mermaid))
    next_rules: dict[str, set[str]] = {name: set() for name in names.values()}
    for start, end in re.findall(r"(id\d+) --> (id\d+)", mermaid):
        if start != end:  # official scores are judged by the rule that the study's are judged by
            next_rules[names[start]].add(names[end])

    def after(rule: str) -> set[str]:
        return next_rules[rule].union(*(after(n) for n in next_rules[rule]))

    lines = [
        f"  {rule} --> {end}"
        for rule, ends in next_rules.items()
        for end in sorted(ends)
        if not any(end in after(other) for other in ends)
    ]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


def main() -> None:
    """Update the README from the results at hand."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    path = ROOT / "README.md"
    text = path.read_text()
    for name, table in TABLES.items():
        if (ROOT / table).exists():
            text = insert(text, name, content(ROOT / table))
        else:
            print(f"README.md: no {table}: the table of {name} stays as it is", file=sys.stderr)
    text = insert(text, "speeds", speeds(BENCHMARKS))
    config, target = RULES_OF
    command = ["snakemake", "--configfile", config, "--rulegraph", "mermaid-js", target]
    drawn = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, check=True, capture_output=True, text=True
    )
    text = insert(text, "rules", rules(drawn.stdout))
    path.write_text(text)


if __name__ == "__main__":
    main()
