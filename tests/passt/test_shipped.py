"""The shipped checkpoints are those of their records and run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import passt
from passt.files import sha256_file

FOLDER = Path(__file__).parents[2] / "resources" / "checkpoints_mini"
SHIPPED = sorted(FOLDER.glob("*.safetensors"))
MAX_BYTES = 4_000_000  # small enough to lie in the repository


def test_there_are_some():
    assert SHIPPED


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_checkpoint_is_that_of_its_record_and_runs(path):
    record = json.loads(path.with_suffix(".json").read_text())
    assert sha256_file(path) == record["weights_sha256"]
    assert path.stat().st_size <= MAX_BYTES
    model = passt.load_model(str(path), checkpoint=f"passt_{path.stem.rpartition('_')[2]}")
    assert model.embedder.mel.hop == record["recipe"]["hop"]
    assert model.scene_embedding_size == 192 + len(record["data"]["tags"])
    audio = 0.1 * torch.randn(2, 32000, generator=torch.Generator().manual_seed(0))
    embeddings = passt.get_scene_embeddings(audio, model)
    assert embeddings.isfinite().all() and not torch.allclose(embeddings[0], embeddings[1])
    assert record["curve"][-1]["valid_mAP"] > 3 * record["validation_chance"]
