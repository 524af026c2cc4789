"""Recipes of Patchout training: the files that one needs."""

from __future__ import annotations

from pathlib import Path

from passt.training.config import read_keys
from workflow.study.config import shipped_path


def recipe_inputs(recipe: str) -> list[str]:
    """Index of the clips that a recipe names, and the weights that its training starts from."""
    keys = read_keys(Path(shipped_path(f"config/pretrain_{recipe}.yaml")))
    weights = keys.get("initial_weights")
    return [f"{keys['data']}/index.csv", *([shipped_path(weights)] if weights else [])]
