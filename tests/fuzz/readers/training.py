"""Training recipes."""

from __future__ import annotations

from pathlib import Path

import yaml

from passt.training.config import read_recipe
from passt.training.recipe import RecipeError
from tests.fuzz.mutations import as_yaml, yaml_files
from tests.fuzz.watch import Reader
from workflow.study.config import ROOT

SMALL = {
    "extends": "base.yaml", "name": "mine", "data": "clips", "embed_dim": 192, "depth": 2,
    "num_heads": 3, "crop_s": [0.16, 1.0], "crop_shares": [0.5, 0.5], "n_epochs": 2,
    "epoch_clips": 32, "batch_size": 16, "learning_rate": 1e-4, "gradient_clip": 1.0,
    "initial_weights": "w.safetensors", "averaging": "ema", "patchout_columns": 40,
    "hops": {"hop10": {"patchout_columns": 50}, "hop5": {"patchout_columns": 120, "seed": 1}},
    "fan_in_weights": True, "mask_s": 0.5,
}  # fmt: skip
BASE = b"name: base\nn_time_patches: 99\n"


def _is_mapping(case: bytes) -> bool:
    try:
        return isinstance(yaml.safe_load(case), dict)
    except Exception:  # whatever the parser raises
        return False


def _read(case: bytes, inside: Path) -> None:
    (inside / "base.yaml").write_bytes(BASE)
    (inside / "recipe.yaml").write_bytes(case)
    for hop in ("hop10", "hop5"):
        recipe, _ = read_recipe(inside / "recipe.yaml", hop)
        assert recipe.steps_per_epoch >= 1
        recipe.architecture(10), recipe.deviations()


def readers() -> list[Reader]:
    """Readers of this module."""
    names = ("pretrain_quick.yaml", "pretrain_audioset.yaml")
    shipped = [yaml.safe_load((ROOT / "config" / name).read_text()) for name in names]
    return [
        Reader(
            "training recipes", yaml_files([SMALL, SMALL, *shipped]), _read, (RecipeError,),
            ("recipe.yaml", "base.yaml"), "YAML with keys and values", _is_mapping,
            [as_yaml(SMALL)],
        )
    ]  # fmt: skip
