"""Training: recipes, tagged clips, stored states, and weights to start from."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from hypothesis import strategies as st
from safetensors.torch import save

from passt.training.config import read_recipe
from passt.training.data import DataError, read_crop, read_data
from passt.training.initial import initial_network
from passt.training.loop import TrainingError, train
from passt.training.recipe import Recipe, RecipeError
from tests.fuzz.mutations import (
    as_csv,
    as_json,
    as_yaml,
    csv_files,
    damaged,
    edited,
    json_files,
    yaml_files,
)  # fmt: skip
from tests.fuzz.readers.audio import CODINGS, sounds, wav_files
from tests.fuzz.readers.tasks import is_object, write
from tests.fuzz.readers.weights import (
    SHAPE,
    is_safetensors,
    is_zip,
    networks,
    saved,
    tensors_of_network,
)  # fmt: skip
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


INDEX = [["file", "split", "labels"], ["0.wav", "train", "low;high"], ["1.wav", "valid", ""]]
TAGS = [["idx", "label"], ["0", "low"], ["1", "high"]]
ORIGIN = {"name": "tones", "seed": 1}
TINY = Recipe(
    name="tiny", embed_dim=SHAPE.embed_dim, depth=1, num_heads=1, n_time_patches=9, workers=0,
    crop_s=(0.16,), crop_shares=(1.0,), n_epochs=1, epoch_clips=2, batch_size=2,
)  # fmt: skip
TINIEST = dataclasses.replace(TINY, embed_dim=8)  # thousands of its states fit into memory


@cache
def _clips() -> dict[str, bytes]:
    """A valid data set by the names of its files."""
    wav = sounds((("WAV", "PCM_16"),), 32_000)[0]
    tables = {"index.csv": as_csv(INDEX), "tags.csv": as_csv(TAGS), "dataset.json": as_json(ORIGIN)}
    return tables | {"0.wav": wav, "1.wav": wav}


def _read_clips(case: tuple[str, bytes], inside: Path) -> None:
    name, content = case
    write(inside, _clips() | {name: content})
    data = read_data(inside)
    for clip in (*data.train.paths, *data.valid.paths):
        assert read_crop(clip, 100, 0.5).shape == (100,)


def _is_known(case: tuple[str, bytes]) -> bool:
    name, content = case
    if name == "dataset.json":
        return is_object(content)
    return content[:4] == b"RIFF" or content.startswith((as_csv(INDEX[:1]), as_csv(TAGS[:1])))


@cache
def _state() -> dict[str, Any]:
    """What a training stores before its first step."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), _clips())
        train(TINIEST, Path(folder), Path(folder), n_steps=0, progress=False)
        return torch.load(Path(folder) / "state.pt", weights_only=True)


@st.composite
def _states(draw: Any) -> bytes:
    """A stored state with a few values changed, or what it says of its training."""
    state = _state()
    if draw(st.booleans()):
        identity = draw(edited([json.loads(state["identity"])]).map(as_json))
        return saved(state | {"identity": identity.decode("utf-8", "surrogatepass")})
    return saved(draw(edited([state])))


def _go_on(case: bytes, inside: Path) -> None:
    write(inside, _clips() | {"state.pt": case})
    train(TINIEST, inside, inside, n_steps=0, progress=False)


@st.composite
def _starts(draw: Any) -> bytes:
    """Tensors of a network, with positions as a transformer of images has them or not."""
    tensors = draw(networks(plain=True)) if draw(st.booleans()) else dict(tensors_of_network())
    if draw(st.booleans()):
        shape = draw(st.lists(st.sampled_from((0, 1, 2, 6, 11, 64)), max_size=4))
        name = draw(st.sampled_from(("pos_embed", "time_new_pos_embed", "patch_embed.proj.weight")))
        tensors[name] = torch.ones(draw(st.sampled_from(((1, 11, 64), tuple(shape)))))
    return save(tensors)


def _start(case: bytes, inside: Path) -> None:
    path = inside / "w.safetensors"
    path.write_bytes(case)
    initial_network(dataclasses.replace(TINY, initial_weights=str(path)), np.eye(4, dtype=bool))


def readers() -> list[Reader]:
    """Readers of this module."""
    names = ("pretrain_quick.yaml", "pretrain_audioset.yaml")
    shipped = [yaml.safe_load((ROOT / "config" / name).read_text()) for name in names]
    files = {
        "index.csv": csv_files(INDEX), "tags.csv": csv_files(TAGS),
        "dataset.json": json_files([ORIGIN]), "0.wav": wav_files() | damaged(sounds(CODINGS)),
    }  # fmt: skip
    clips = st.one_of([st.tuples(st.just(name), cases) for name, cases in files.items()])
    whole, start = saved(_state()), save(dict(tensors_of_network()))
    return [
        Reader(
            "training recipes", yaml_files([SMALL, SMALL, *shipped]), _read, (RecipeError,),
            ("recipe.yaml", "base.yaml"), "YAML with keys and values", _is_mapping,
            [as_yaml(SMALL)],
        ),
        Reader(
            "tagged clips", clips, _read_clips, (DataError,), tuple(files),
            "the columns of its table, a JSON object, or RIFF", _is_known, list(_clips().items()),
        ),
        Reader(
            "states of a training", _states() | _states() | damaged([whole]), _go_on,
            (TrainingError,), ("state.pt",), "a zip archive", is_zip, [whole],
        ),
        Reader(
            "weights to start from", _starts() | _starts() | damaged([start]), _start,
            (ValueError,), ("w.safetensors",), "a header of JSON as long as it says",
            is_safetensors, [start],
        ),
    ]  # fmt: skip
