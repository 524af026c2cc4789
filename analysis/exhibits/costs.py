"""Costs of PaSST: the paper's Table 2 and Figure 3, measured on this machine.

The rows come from the rule ``measure``: ``source`` is ``run`` for values measured on the user's
machine, ``paper`` for Table 2 as printed, ``interspeech2022`` for Table 1 of the original source of
Figure 3: K. Koutini, J. Schlüter, H. Eghbal-zadeh, G. Widmer, Efficient Training of Audio
Transformers with Patchout, Interspeech 2022, arXiv 2110.05069. mAP is never measured here.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.claims.claim import VIT_B
from analysis.exhibits.markdown import to_markdown
from analysis.exhibits.marks import mark
from analysis.exhibits.numbers import count
from analysis.exhibits.style import (
    DARK,
    PALETTE,
    SMALL_PT,
    empty_figure,
    house_style,
    new_figure,
    pale,
)
from analysis.exhibits.text import FigureText
from analysis.tables.scores import check_columns, read_csv

COST_COLUMNS = (
    "hop_ms", "hop", "quantity", "value", "unit", "source", "patchout", "device", "threads",
    "precision", "batch_size", "architecture",
)  # fmt: skip
_TABLE_2 = {  # column to quantity and Patchout, in the paper's order
    "sequence": ("sequence_length", "none"),
    "sequence_patchout": ("sequence_length", "structured"),
    "sequence_with_tokens": ("sequence_length_with_tokens", "none"),
    "sequence_with_tokens_patchout": ("sequence_length_with_tokens", "structured"),
    "train_per_s": ("train_samples_per_s", "none"),
    "train_per_s_patchout": ("train_samples_per_s", "structured"),
    "train_speedup": ("train_speedup", "structured"),
    "inference_per_s": ("inference_samples_per_s", "none"),
    "train_mib_per_sample": ("train_memory_per_sample", "none"),
    "train_mib_per_sample_patchout": ("train_memory_per_sample", "structured"),
    "audioset_map_percent": ("audioset_map", "structured"),
}
_WHOLE = tuple(column for column in _TABLE_2 if column.startswith("sequence"))
TABLE_2_NOTES = (
    "Sequence lengths are counted both ways, as patches alone and with the two tokens (class and "
    "distillation): the paper's 10 ms row counts the tokens, its 5 and 3 ms rows do not, so its "
    "other cells are empty.",
    "AudioSet mAP is the paper's, for networks that its authors trained; it is not measured here.",
)
FIGURE_3_SOURCE = "interspeech2022"
_VIT = "ViT-B"  # the published network, as the rows of papers name it
_SYSTEMS = (  # Figure 3: name, hop in ms, Patchout, network; then networks of Table 2
    ("PaSST-B", 10, "none", _VIT),
    ("PaSST-U", 10, "unstructured", _VIT),
    ("PaSST-S", 10, "structured", _VIT),
    ("PaSST-N-S", 10, "no overlap, structured", _VIT),
    ("PaSST-S, hop 5 ms", 5, "structured", _VIT),
    ("PaSST-S, hop 3 ms", 3, "structured", _VIT),
)
_OTHER_SYSTEMS = (  # Figure 3's that are not measured here
    ("PaSST-L-S", 10, "structured", "ViT-B, 7 blocks"),
    ("AST", 10, "none", "AST"),
    ("AST-N", 10, "no overlap", "AST"),
    ("CNN14", 10, "none", "CNN14"),
    ("RF-CNN", 10, "none", "RF-CNN"),
)
OTHER_SYSTEMS = tuple(system for system, *_ in _OTHER_SYSTEMS)
_LARGEST_PT2 = 700.0  # area of the circle of the most memory, points squared
_ROOM = 0.28  # free share of the horizontal axis on the right, for the last circle's name
_LABEL_PT = 3.0  # distance of a name from its circle, points
_SMALL_NETWORK = (
    " The network measured here is small, not the paper's ViT-B: ratios can be compared "
    "with care, speeds cannot."
)


def read_costs(path: str | Path) -> pd.DataFrame:
    """Read the table of measured and published costs; ScoresError for other columns."""
    costs = read_csv(path, dtype={"value": float}, na_values={"value": [""]})
    check_columns(costs, COST_COLUMNS, path)
    return costs


def table_2(measure: pd.DataFrame, text: FigureText) -> tuple[str, pd.DataFrame]:
    """Return the paper's Table 2, with this machine's row above the paper's for each hop.

    Columns: ``hop_ms``, ``source`` (``this run``, ``paper``), then sequence lengths in patches and
    with tokens, clips of 10 s per second in training and inference, the speed-up of training by
    Patchout, MiB per clip in training, AudioSet mAP in percent, ``device``, ``network``;
    ``_patchout`` columns are with structured Patchout. Values that were not measured or published
    are missing.
    """
    measure = measure[measure["source"].isin(["run", "paper"])]
    cells = measure.set_index(["hop_ms", "source", "quantity", "patchout"])["value"]
    rows = []
    for hop_ms in sorted(measure["hop_ms"].unique(), reverse=True):
        for source, name in (("run", "this run"), ("paper", "paper")):
            mine = measure[(measure["hop_ms"] == hop_ms) & (measure["source"] == source)]
            if mine.empty:
                continue
            row = {"hop_ms": hop_ms, "source": name}
            row |= {c: cells.get((hop_ms, source, *key)) for c, key in _TABLE_2.items()}
            device, network = mine.iloc[0][["device", "architecture"]]
            rows.append(row | {"device": device, "network": network})
    table = pd.DataFrame(rows)
    whole = {column: table[column].astype("Int64") for column in _WHOLE}
    floats = {column: float for column in _TABLE_2 if column not in _WHOLE}
    table = table.assign(**whole).astype(floats).round(2)
    notes = [cost_label(measure, text.study), *TABLE_2_NOTES]
    return to_markdown(table, "\n\n".join(notes)), table


def table_2_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    run = numbers[numbers["source"] == "this run"]
    rows = numbers[["source", "device", "network"]].drop_duplicates().itertuples(index=False)
    machines = "; ".join(f"{row.source}: {row.device}, network {row.network}" for row in rows)
    small = "" if run["network"].eq(VIT_B).all() else _SMALL_NETWORK
    return (
        "Per STFT hop: sequence length, clips of 10 s per second in training and inference, "
        "and memory per additional clip in training, without and with structured "
        f"Patchout; this machine beside the values in the paper ({machines}).{small} "
        f"{' '.join(TABLE_2_NOTES)}"
    )


def table_2_here(text: FigureText, numbers: pd.DataFrame) -> str:
    run = numbers[numbers["source"] == "this run"]
    if run.empty:
        return "nothing measured"
    return f"{run['network'].iloc[0]} on {run['device'].iloc[0]}, with memory, without mAP"


def figure_3(measure: pd.DataFrame, text: FigureText) -> tuple[Figure, pd.DataFrame]:
    """Draw figure 3 for the PaSST networks that were measured on this machine.

    The area of a circle is proportional to the memory per training clip. The upper panel shows the
    published mAP without SWA; networks whose mAP is published with SWA only are in a separate row
    below. The numbers have one row per PaSST network, then the figure's other systems, which were
    not measured; ``published_`` columns are the source's values on a Titan RTX.
    """
    numbers = _figure_3_numbers(measure)
    stamp = replace(text, stamp=cost_label(measure, text.study))  # of the machine, not of scores
    drawn = numbers[numbers["train_samples_per_s"].notna()]
    if drawn.empty:
        return empty_figure("No training speed was measured in this study.", stamp), numbers
    known = drawn["audioset_map_percent"].notna()
    with house_style():
        figure = new_figure(3.1, _notes(measure), stamp)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1))
        largest = drawn["train_memory_per_sample_mib"].max()
        for axes, rows in ((upper, drawn[known]), (lower, drawn[~known])):
            _draw(axes, rows, _LARGEST_PT2 / max(largest, 1e-9))
        upper.set(ylabel="AudioSet mAP in %, published,\nwithout SWA")
        upper.margins(y=0.4)
        lower.set(yticks=[], ylim=(-1.6, 1.6), ylabel="with SWA\nonly")
        high = drawn["train_samples_per_s"].max() / (1 - _ROOM)
        lower.set(xlim=(-0.06 * high, high), xlabel="Training, clips of 10 s per second, this run")
    return figure, numbers


def figure_3_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    measured = numbers["train_samples_per_s"].notna()
    return (
        "Published AudioSet mAP in percent, without SWA, over training speed in clips of 10 s per "
        "second; the area of a circle is the memory per additional clip in the batch. "
        f"{measured.sum()} PaSST networks were measured on this machine; for "
        f"{', '.join(OTHER_SYSTEMS)}, the CSV has the published numbers."
    )


def figure_3_here(text: FigureText, numbers: pd.DataFrame) -> str:
    measured = numbers.loc[numbers["train_samples_per_s"].notna(), "system"]
    return f"{'; '.join(measured) or 'nothing'} on this machine, the area is the memory"


def _figure_3_numbers(costs: pd.DataFrame) -> pd.DataFrame:
    """Return speed and memory measured here beside what Figure 3's source publishes."""
    run = costs[costs["source"] == "run"]
    run = run.set_index(["hop_ms", "patchout", "quantity"])["value"]
    published = costs[costs["source"] == FIGURE_3_SOURCE]
    published = published.set_index(["hop_ms", "patchout", "architecture", "quantity"])["value"]
    rows = []
    for system, hop_ms, patchout, network in (*_SYSTEMS, *_OTHER_SYSTEMS):
        row = {"system": system, "hop_ms": hop_ms, "patchout": patchout}
        if system not in OTHER_SYSTEMS:
            mine = (hop_ms, patchout)
            row["train_samples_per_s"] = run.get((*mine, "train_samples_per_s"))
            row["train_memory_per_sample_mib"] = run.get((*mine, "train_memory_per_sample"))
        key = (hop_ms, patchout, network)
        row["audioset_map_percent"] = published.get((*key, "audioset_map"))
        row["published_train_samples_per_s"] = published.get((*key, "train_samples_per_s"))
        row["published_train_memory_gb"] = published.get((*key, "train_memory_per_sample"))
        rows.append(row)
    table = pd.DataFrame(rows)
    floats = table.columns.difference(["system", "hop_ms", "patchout"])
    table = table.astype(dict.fromkeys(floats, float))
    table.insert(0, "figure", 3)
    return table


def cost_label(costs: pd.DataFrame, study: str) -> str:
    """Text that names the measured machine and network, and whether it is PaSST's ViT-B."""
    run = costs[costs["source"] == "run"]
    if run.empty:
        return f"Study {study}: nothing was measured"
    first = run.iloc[0]
    size = "the full-size ViT-B" if first["architecture"] == VIT_B else first["architecture"]
    small = "" if first["architecture"] == VIT_B else ", not the paper's ViT-B"
    threads = (
        f", {count(int(first['threads']), 'thread')}" if first["device"].startswith("CPU") else ""
    )
    return (
        f"Study {study}: speed and memory measured on {first['device']}{threads}, "
        f"{first['precision']}, batch {first['batch_size']}; network {size}{small}"
    )


def _draw(axes: Axes, rows: pd.DataFrame, pt2_per_mib: float) -> None:
    """Draw a circle per network with its name and memory beside it.

    On the right; on the left for PaSST-U, of the same mAP as the faster PaSST-N-S.
    """
    for place, row in enumerate(rows.itertuples()):
        color = PALETTE[0] if row.hop_ms == 10 else PALETTE[1]
        known = pd.notna(row.audioset_map_percent)
        y = row.audioset_map_percent if known else 0.7 * (-1) ** place
        area = max(pt2_per_mib * row.train_memory_per_sample_mib, 1.0)
        circle = axes.scatter(
            row.train_samples_per_s, y, s=area, color=pale(color), edgecolors=color, zorder=2
        )
        mark(circle, rows.iloc[[place]], [_words(row)])
        left = row.patchout == "unstructured"
        axes.annotate(
            f"{row.system.removeprefix('PaSST-')}\n{row.train_memory_per_sample_mib:.0f} MiB",
            (row.train_samples_per_s, y),
            xytext=((-1) ** left * ((area / math.pi) ** 0.5 + _LABEL_PT), 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            fontsize=SMALL_PT,
            color=DARK,
            linespacing=0.95,
        )
    axes.grid(axis="x")


def _words(row: Any) -> str:
    published = f"{row.audioset_map_percent:g} %" if pd.notna(row.audioset_map_percent) else "none"
    return (
        f"{row.system}\ntraining: {row.train_samples_per_s:.2f} clips per second, this run\n"
        f"memory: {row.train_memory_per_sample_mib:.1f} MiB per clip, this run\n"
        f"AudioSet mAP, published without SWA: {published}"
    )


def _notes(costs: pd.DataFrame) -> list[str]:
    """Notes on the circles, the source of mAP, and missing systems."""
    notes = [
        "Area: memory of one more clip in training. B: no Patchout; U: unstructured, 400 patches; "
        "S: structured; N-S: structured, patches without overlap (2 rows and 20 columns, our "
        "choice: they leave the 254 tokens of Interspeech 2022); default hop 10 ms. mAP: "
        "Koutini et al., Interspeech 2022, Table 1; with SWA it is 47.6 for S, 47.3 for N-S and "
        f"at hops 5 and 3. Not measured here: {', '.join(OTHER_SYSTEMS)}.",
    ]
    run = costs.loc[costs["source"] == "run", "architecture"]
    if (run != VIT_B).any():
        notes.insert(1, "Speed and memory: a small network; mAP: the published ViT-B.")
    return notes
