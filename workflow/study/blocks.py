"""Models of a study with the features of a single block, for comparison by block."""

from __future__ import annotations

from collections import defaultdict

from passt.variants import split_levels
from workflow.study.study import Study


def block_series(study: Study) -> dict[str, dict[str, int]]:
    """Blocks' numbers by model, by network and receptive field; M alone is the last block.

    If several models have the same block, the first is used. Series with one block are omitted.
    """
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for id, model in study.models.items():
        if (variant := model.variant) is None:
            continue
        level, *others = split_levels(variant.levels)
        if others or not level.startswith("M"):
            continue
        depth = study.checkpoints[variant.checkpoint].architecture.depth
        (block,) = variant.blocks or (depth,)
        fields = "+".join(map(str, variant.receptive_fields_ms))
        series = found[f"{variant.checkpoint}, {fields} ms"]
        if block not in series.values():
            series[id] = block
    return {name: series for name, series in found.items() if len(series) > 1}
