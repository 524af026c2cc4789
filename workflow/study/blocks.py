"""Models of a study that are the features of one block alone, to be compared block by block."""

from __future__ import annotations

from collections import defaultdict

from passt.variants import split_levels
from workflow.study.study import Study


def block_series(study: Study) -> dict[str, dict[str, int]]:
    """Blocks' numbers by model, by network and receptive field; M alone is the last block.

    Of models of one block the first counts. A single block is nothing to compare and left out.
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
