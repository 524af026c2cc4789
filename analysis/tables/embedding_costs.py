"""Cost of each model's embeddings, summed over their forward passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.tables.scores import read_table

WHERE = ("machine", "device", "threads", "mkl")  # what else seconds depend on
EMBEDDING_COST_COLUMNS = (
    "task", "embedding_type", "model", "passes", "audio_s", "seconds_per_s", *WHERE,
)  # fmt: skip
Pass = Sequence[Mapping[str, Any]]  # an entry per machine: WHERE, audio_s, seconds


def cost_row(task: str, embedding_type: str, model: str, passes: Mapping[str, Pass]) -> dict:
    """Return the cost of one model's embeddings of a task, with `EMBEDDING_COST_COLUMNS`.

    A model is charged in full for every pass of its embedding, even if other models share it:
    ``seconds_per_s``, seconds per second of audio, is the sum over passes, missing if one of them
    was not measured. Values of `WHERE` that differ between passes are joined by "; ".
    """
    row: dict[str, Any] = {"task": task, "embedding_type": embedding_type, "model": model}
    row["passes"] = " ".join(passes)
    entries = [entry for entries in passes.values() for entry in entries]
    if all(passes.values()):
        rates = [_sum(entries, "seconds") / _sum(entries, "audio_s") for entries in passes.values()]
        row |= {
            "seconds_per_s": sum(rates),
            "audio_s": _sum(next(iter(passes.values())), "audio_s"),
        }
    return row | {key: joined(str(entry[key]) for entry in entries) for key in WHERE}


def joined(values: Iterable[str]) -> str:
    """Return the distinct values of a column as one text."""
    return "; ".join(dict.fromkeys(value for value in values if value))


def read_embedding_costs(path: str | Path) -> pd.DataFrame:
    """Read the costs of embeddings; ScoresError for other columns."""
    return read_table(path, EMBEDDING_COST_COLUMNS, {"audio_s": float, "seconds_per_s": float})


def _sum(entries: Pass, key: str) -> float:
    return sum(entry[key] for entry in entries)
