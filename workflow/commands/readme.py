"""Tables and pictures of the default study and the benchmarks, written into README.md and docs/.

    make readme

Replaces the text between the markers ``<!-- name: begin -->`` and ``end`` of each page, and redraws
the pictures in ``docs/pictures/``.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import torch
from matplotlib.figure import Figure
from PIL import Image
from tabulate import tabulate

from analysis.exhibits.numbers import BASE
from analysis.exhibits.style import SMALL_PT, house_style
from analysis.statistics.estimates import read_estimates
from hear.audio.read import open_clip
from hear.metrics.registry import METRICS
from hear.tasks.folder import read_task
from hear.tasks.problems import METADATA_FILE
from mini.registry import MINI_TASKS
from mini.task import SAMPLE_RATE_HZ
from passt.mel import MAX_HZ, MelSpectrogram

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/benchmarks.md", "docs/mini.md", "docs/how_it_works.md")
TABLES = {
    "mini tasks": "results/mini/tables/tasks.md",
    "passes": "benchmarks/results/passes_total.csv",
    "embed speed": "benchmarks/results/embed_speed.csv",
    "embed study": "benchmarks/results/embed_study.csv",
    "cost plan": "benchmarks/results/plan_paper.csv",
    "mini checkpoints": "resources/checkpoints_mini",
    "mini trainings": "docs/mini_large/estimates.csv",
    "mini protocol": "benchmarks/results/mini_protocol_summary.csv",
    "generator seeds": "benchmarks/results/generator_seeds_summary.csv",
    "precision": "benchmarks/results/precision_summary.csv",
    "study minutes": "benchmarks/results/study_minutes.csv",
    "folder speed": "benchmarks/results/folder_speed.csv",
    "probe study": "benchmarks/results/probe_study.csv",
    "probe parity": "benchmarks/results/probe_parity_summary.csv",
}
TRAININGS = {  # compared with BASE: by chance, and by the STFT hop
    "passt_mh_hop10_again": "hop 10, second training",
    "passt_mh_hop5": "hop 5",
    "passt_mh_hop3": "hop 3",
}
COLUMNS = {  # of the files that have more columns than a page has room for
    "probe_parity_summary": [
        *("case", "mkl_path", "n_common_seeds", "mean_native", "mean_heareval", "difference"),
        *("n_equal_scores", "n_equal_choices", "n_hashed", "n_equal_bytes"),
    ],
}
PICTURES = "docs/pictures"
FIGURES = {  # picture: the figure of a study that it shows
    "mini_figure_9.png": "results/mini/figures/figure_9.png",
    "official_figure_9.png": "results/official/figures/figure_9.png",
}
N_COLORS = 64  # of a committed picture: a third of its bytes
N_CLIPS = 3  # spectrograms of a task, at most
MAX_S = 3.0  # of each
BENCHMARKS = ROOT / "benchmarks" / "results"
SPEEDS = {  # rows of the table: file, and the values that select its row
    "scenes of 10 s, CPU": (
        "embed_speed",
        {"case": "scene", "hop_ms": "10", "precision": "float32"},
    ),
    "timestamps of 2 s, RF 160 ms, CPU": (
        "embed_speed",
        {"case": "timestamps_rf160", "hop_ms": "10", "precision": "float32"},
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
RULES_OF = ("config/paper.yaml", "results/paper/report.html")  # config and target
ORIGIN = ["machine", "versions"]  # columns that say where numbers are from: a line below the table


def insert(texts: dict[str, str], name: str, content: str) -> None:
    """Replace the text between the markers of a name, in the page that has them.

    ValueError if no page has both markers.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = next((page for page, text in texts.items() if begin in text and end in text), None)
    if page is None:
        raise ValueError(f"{', '.join(texts)}: expected the markers {begin} and {end}, found none")
    before, _, rest = texts[page].partition(begin)
    texts[page] = f"{before}{begin}\n{content.strip()}\n{end}{rest.partition(end)[2]}"


def content(path: Path) -> str:
    """Markdown of a result: a Markdown file, or the table of a CSV with machine and versions.

    Machines are a column if there are several. For a folder, a table of its training records; for
    estimates, one of differences of trainings.
    """
    if path.is_dir():
        return trainings(sorted(path.glob("*.json")))
    if path.stem == "estimates":
        return differences(path)
    if path.suffix != ".csv":
        return path.read_text(encoding="utf-8")
    if path.stem.startswith("plan"):
        return stages(path)
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    origins = dict.fromkeys(rows.filter(ORIGIN).itertuples(index=False, name=None))
    several = "machine" in rows and rows["machine"].nunique() > 1
    hidden = ["versions"] if several else ORIGIN
    shown = rows.filter(COLUMNS.get(path.stem, rows.columns.difference(hidden, sort=False)))
    return "\n\n".join([markdown(shown.map(rounded)), *(", ".join(o) for o in origins if o)])


def markdown(rows: pd.DataFrame) -> str:
    """Markdown table of unformatted cells."""
    return tabulate(rows, "keys", "github", disable_numparse=True, showindex=False)


def rounded(cell: str) -> str:
    """Round a number to four significant digits, from 10,000 on to a whole; other text is kept."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    if len(cell) <= 6 or number.is_integer():
        return cell
    return f"{number:,.0f}" if abs(number) >= 1e4 else f"{number:.4g}"


def speeds(folder: Path) -> str:
    """Markdown table of the speed of this software and the reference, by kind of work and machine.

    CPU seconds of one core, or rows per second of a GPU, each of the first machine of its file.
    ``folder`` has the benchmarks' CSVs.
    """
    table = []
    for what, (name, wanted) in SPEEDS.items():
        rows = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        rows = rows[rows["machine"] == rows["machine"][0]]
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
    """Markdown of a plan (`workflow.commands.plan`) by stage, with what dominates each."""
    rows, table = pd.read_csv(path), []
    for stage, part in rows.groupby("stage", sort=False):
        hours = part.groupby("item")["hours"].sum()
        largest = (100 * hours / hours.sum()).nlargest(3)
        row = {
            "stage": stage,
            "hours": rounded(f"{hours.sum():.6f}"),
            "disk in GiB": f"{part['disk_gib'].sum():.3g}",
            "memory of a job in GiB": f"{part['memory_gib'].max():.2g}",
            "most of it": ", ".join(f"{item} {x:.0f} %" for item, x in largest.items()),
        }
        table.append(row)
    return f"{markdown(pd.DataFrame(table))}\n\n{rows['machine'][0]}"


def trainings(records: list[Path]) -> str:
    """Markdown table of training records, with the mAP on the way: the coarsest hop first."""
    rows = []
    for path in records:
        record = json.loads(path.read_text(encoding="utf-8"))
        recipe = record["recipe"]
        maps = {
            entry["epoch"]: entry["valid_mAP"] for entry in record["curve"] if "valid_mAP" in entry
        }
        early = min(maps, key=lambda epoch: abs(epoch - recipe["n_epochs"] / 4))
        half = min(maps, key=lambda epoch: abs(epoch - recipe["n_epochs"] / 2))
        rows.append(
            {
                "training": path.stem,
                "STFT hop in ms": recipe["hop"] / 32,
                "seed": recipe["seed"],
                "crops": record["clips_seen"],
                "device": record["device"],
                "minutes": round(record["wall_s"] / 60, 1),
                **{
                    f"mAP at epoch {epoch} of {recipe['n_epochs']}": round(maps[epoch], 3)
                    for epoch in (early, half, recipe["n_epochs"])
                },
                "mAP by chance": round(record["validation_chance"], 3),
            }
        )
    rows.sort(key=lambda row: (-row["STFT hop in ms"], row["seed"]))
    return tabulate(rows, "keys", "github")


def differences(estimates: Path) -> str:
    """Markdown table of each training's mean normalized score minus the base's, with intervals."""
    rows = read_estimates(estimates)
    rows = rows[rows["statistic"] == "difference_of_means"]
    table = []
    for model, name in TRAININGS.items():
        row = {"minus hop 10": name}
        for _, pair in rows[rows["model"].isin([BASE, model])].iterrows():
            if {pair["model"], pair["other_model"]} == {BASE, model}:
                numbers = pair[["estimate", "low", "high"]].to_numpy(float)
                middle, *ends = numbers if pair["model"] == model else -numbers
                row[pair["category"]] = f"{middle:+.3f} [{min(ends):+.3f}, {max(ends):+.3f}]"
        table.append(row)
    return tabulate(table, "keys", "github", disable_numparse=True)


def rules(mermaid: str) -> str:
    """Markdown table of Snakemake's rule graph: each rule and the rules that follow it.

    Without steps that a longer path implies.
    """
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", mermaid))
    next_rules: dict[str, set[str]] = {name: set() for name in names.values()}
    for start, end in re.findall(r"(id\d+) --> (id\d+)", mermaid):
        if start != end:  # official scores are judged by the rule that the study's are judged by
            next_rules[names[start]].add(names[end])

    def after(rule: str) -> set[str]:
        return next_rules[rule].union(*(after(n) for n in next_rules[rule]))

    table = []
    for rule in sorted(next_rules, key=lambda rule: (-len(after(rule)), rule)):
        ends = next_rules[rule]
        direct = [end for end in sorted(ends) if not any(end in after(other) for other in ends)]
        table.append({"rule": f"`{rule}`", "used by": ", ".join(f"`{end}`" for end in direct)})
    return markdown(pd.DataFrame(table))


def agreement(folder: Path) -> str:
    """Markdown table of agreement with references, its closeness, and the test that shows it.

    ``folder`` has the benchmarks' CSVs.
    """
    probes = pd.read_csv(folder / "probe_study.csv")
    n_equal, n = probes["n_equal_predictions"].sum(), probes["n_embeddings"].sum()
    rows = (
        (
            "hear21passt 0.0.26: features, logits, mel level",
            "within 2e-5",
            "`tests/passt/test_golden.py`",
        ),
        (
            "heareval 2021.1.3: test predictions of the probe",
            f"{n_equal} of {n} embeddings byte for byte",
            "`tests/hear/test_heareval.py`, [table](docs/benchmarks.md)",
        ),
        (
            f"heareval and sed_eval: all {len(METRICS)} metrics",
            "within 1e-9",
            "`tests/hear/test_metrics.py`",
        ),
        (
            "simulated truth: 95 % intervals",
            "coverage near nominal, exceptions listed",
            "`tests/analysis/test_coverage.py`, [table](docs/statistics.md#coverage)",
        ),
    )
    columns = ["agrees with", "how closely", "shown by"]
    return markdown(pd.DataFrame(rows, columns=columns))


def spectrograms(tasks: Path, pictures: Path) -> str:
    """Draw clips of every generated task in the folder ``tasks``; return Markdown of them."""
    parts = []
    for slug in MINI_TASKS:
        folders = sorted(path.parent for path in (tasks / slug).glob(f"*/{METADATA_FILE}"))
        if not folders:
            print(f"docs: no {tasks / slug}: no spectrogram of it", file=sys.stderr)
            continue
        task = read_task(folders[0])
        with house_style():
            save(draw_clips(folders[0]), pictures / f"{slug}.png")
        parts += [
            f"### {slug}",
            str(task.metadata["stands_for"]),
            f"![Spectrograms of three clips of {slug}](pictures/{slug}.png)",
        ]
    return "\n\n".join(parts)


def draw_clips(folder: Path) -> Figure:
    """Mel spectrograms of the first clips of a task that differ in their labels."""
    task = read_task(folder)
    split = task.splits[0]
    audio = task.audio(SAMPLE_RATE_HZ, split)
    chosen: dict[str, Path] = {}
    for name, labels in sorted(task.clips[split].items()):
        said = [label["label"] if isinstance(label, dict) else str(label) for label in labels]
        chosen.setdefault(", ".join(dict.fromkeys(said)) or "no event", audio[name])
    figure = Figure(figsize=(7.0, 1.5), layout="constrained")
    panels = figure.subplots(1, min(N_CLIPS, len(chosen)), sharey=True, squeeze=False)[0]
    mel = MelSpectrogram(320)
    for axes, (label, path) in zip(panels, chosen.items(), strict=False):
        with open_clip(path) as file:
            samples = file.read(int(MAX_S * SAMPLE_RATE_HZ), dtype="float32")
        seconds = len(samples) / SAMPLE_RATE_HZ
        levels = mel(torch.from_numpy(samples)[None])[0].numpy()
        axes.imshow(levels, origin="lower", aspect="auto", extent=(0, seconds, 0, len(levels)))
        axes.set_title(label if len(label) <= 40 else f"{label[:38]} ...", fontsize=SMALL_PT)
        axes.set(xlabel="s", yticks=[])
    panels[0].set_ylabel(f"0 to {MAX_HZ / 1000:g} kHz, mel")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Save a figure as a small PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    shrink(buffer, path)


def shrink(picture: Path | io.BytesIO, path: Path) -> None:
    """Store a PNG with `N_COLORS` colors and without time stamps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    few = Image.open(picture).convert("RGB").quantize(N_COLORS, Image.Quantize.MAXCOVERAGE)
    few.save(path, optimize=True)


def main() -> None:
    """Update README.md and docs/ from the results at hand."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    texts = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
    for name, table in TABLES.items():
        if (ROOT / table).exists():
            insert(texts, name, content(ROOT / table))
        else:
            print(f"docs: no {table}: the table of {name} stays as it is", file=sys.stderr)
    insert(texts, "speeds", speeds(BENCHMARKS))
    insert(texts, "agreement", agreement(BENCHMARKS))
    config, target = RULES_OF
    command = ["snakemake", "--configfile", config, "--rulegraph", "mermaid-js", target]
    drawn = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, check=True, capture_output=True, text=True
    )
    insert(texts, "rules", rules(drawn.stdout))
    for name, figure in FIGURES.items():
        if (ROOT / figure).exists():
            shrink(ROOT / figure, ROOT / PICTURES / name)
        else:
            print(f"docs: no {figure}: {name} stays as it is", file=sys.stderr)
    if drawn_tasks := spectrograms(ROOT / "resources/tasks/mini", ROOT / PICTURES):
        insert(texts, "spectrograms", drawn_tasks)
    for page, text in texts.items():
        (ROOT / page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
