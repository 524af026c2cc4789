"""What PaSST costs: the paper's Table 2 and the numbers of its Figure 3, from measured rows.

The rows come from the rule ``measure``: ``source`` is ``run`` for what was measured on the user's
machine, ``paper`` for Table 2 as printed, ``checkpoint`` for the mAP that the file name of a
released checkpoint states. mAP is never measured here.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

COST_COLUMNS = (
    "hop_ms", "hop", "quantity", "value", "unit", "source", "patchout", "device", "threads",
    "precision", "batch_size", "architecture",
)  # fmt: skip
VIT_B = "768 wide, 12 blocks, 12 heads"  # the released networks
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
    "AudioSet mAP is the paper's, of the networks that its authors trained; none is measured here.",
)
_SYSTEMS = (  # Figure 3: name, hop in ms, Patchout
    ("PaSST without Patchout", 10, "none"),
    ("PaSST-U (400 patches)", 10, "unstructured"),
    ("PaSST-S", 10, "structured"),
    ("PaSST-N (stride 16, no Patchout)", 10, "no overlap"),
    ("PaSST-S, hop 5 ms", 5, "structured"),
    ("PaSST-S, hop 3 ms", 3, "structured"),
)
OTHER_SYSTEMS = ("AST", "CNN14", "RF-CNNs")  # Figure 3's; no source for their values is at hand


def read_costs(path: str | Path) -> pd.DataFrame:
    """Read the table of measured and published costs.

    Raises
    ------
    ValueError
        If the columns are not `COST_COLUMNS`.
    """
    costs = pd.read_csv(path, keep_default_na=False, na_values={"value": [""]})
    if tuple(costs.columns) != COST_COLUMNS:
        expected, found = ", ".join(COST_COLUMNS), ", ".join(costs.columns)
        raise ValueError(f"{path}: expected the columns {expected}; found {found}")
    return costs.astype({"value": float})


def table_2(costs: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's Table 2, this machine's row above the paper's for each hop.

    Parameters
    ----------
    costs : DataFrame
        Columns `COST_COLUMNS`.

    Returns
    -------
    DataFrame
        ``hop_ms``, ``source`` (``this run``, ``paper``), then sequence lengths in patches and with
        tokens, clips of 10 s per second in training and inference, the speed-up of training by
        Patchout, MiB per clip in training, AudioSet mAP in percent, ``device``, ``network``;
        ``_patchout`` columns are with structured Patchout. What was not measured or not published
        is missing.
    """
    cells = costs.set_index(["hop_ms", "source", "quantity", "patchout"])["value"]
    rows = []
    for hop_ms in sorted(costs["hop_ms"].unique(), reverse=True):
        for source, name in _present(costs, hop_ms):
            row = {c: cells.get((hop_ms, source, *key)) for c, key in _TABLE_2.items()}
            first = costs[(costs["hop_ms"] == hop_ms) & (costs["source"] == source)].iloc[0]
            row |= {"device": first["device"], "network": first["architecture"]}
            rows.append({"hop_ms": hop_ms, "source": name} | row)
    table = pd.DataFrame(rows)
    whole = {column: table[column].astype("Int64") for column in _WHOLE}
    return table.assign(**whole).astype({c: float for c in _TABLE_2 if c not in _WHOLE}).round(2)


def _present(costs: pd.DataFrame, hop_ms: int) -> list[tuple[str, str]]:
    """Return the sources that have a row of Table 2 for a hop, with their names in it."""
    found = set(costs.loc[costs["hop_ms"] == hop_ms, "source"])
    names = {"run": "this run", "paper": "paper"}
    return [(source, name) for source, name in names.items() if source in found]


def figure_3_numbers(costs: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of Figure 3: speed and memory measured here, mAP as published.

    Parameters
    ----------
    costs : DataFrame
        Columns `COST_COLUMNS`.

    Returns
    -------
    DataFrame
        Columns ``figure, system, hop_ms, patchout, train_samples_per_s,
        train_memory_per_sample_mib, audioset_map_percent, map_source``; a row for each PaSST
        network measured here, then the paper's other systems with empty cells.
    """
    cells = costs.set_index(["hop_ms", "patchout", "quantity", "source"])["value"]
    rows = []
    for system, hop_ms, patchout in _SYSTEMS:
        key = (hop_ms, patchout)
        published = {s: cells.get((*key, "audioset_map", s)) for s in ("paper", "checkpoint")}
        source = next((s for s, value in published.items() if value is not None), "")
        rows.append(
            {
                "system": system,
                "hop_ms": hop_ms,
                "patchout": patchout,
                "train_samples_per_s": cells.get((*key, "train_samples_per_s", "run")),
                "train_memory_per_sample_mib": cells.get((*key, "train_memory_per_sample", "run")),
                "audioset_map_percent": published.get(source),
                "map_source": source,
            }
        )
    rows += [{"system": system} for system in OTHER_SYSTEMS]
    table = pd.DataFrame(rows).astype({"hop_ms": "Int64"})
    table.insert(0, "figure", 3)
    return table


def table_2_notes(costs: pd.DataFrame, study: str) -> str:
    """Return what must be said below Table 2: machine and network, and how to read the cells."""
    return "\n\n".join([cost_label(costs, study), *TABLE_2_NOTES])


def cost_label(costs: pd.DataFrame, study: str) -> str:
    """Say on what machine and network the speeds were measured, and whether it is PaSST's own."""
    run = costs[costs["source"] == "run"]
    if run.empty:
        return f"Study {study}: nothing was measured"
    first = run.iloc[0]
    size = "the full-size ViT-B" if first["architecture"] == VIT_B else first["architecture"]
    small = "" if first["architecture"] == VIT_B else ", not the paper's ViT-B"
    threads = "" if not first["device"].startswith("CPU") else f", {first['threads']} thread(s)"
    return (
        f"Study {study}: speed and memory measured on {first['device']}{threads}, "
        f"{first['precision']}, batch {first['batch_size']}; network {size}{small}"
    )
