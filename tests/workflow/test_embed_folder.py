"""What the command line embeds of a task's clips are the harness's own features."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.clips import RATE_HZ, SPLIT, write_task
from hear.features.embed import embed_task
from hear.features.store import publish, read_components
from passt.checkpoints import Checkpoint
from passt.folder.embed import FileEmbedder, embed_folder
from passt.folder.table import writer
from passt.hear_api import PaSSTModel
from passt.variants import Embedding, Variant
from passt.weights import load_embedder

SHAPE = {"embed_dim": 192, "depth": 4, "num_heads": 3, "n_classes": 229}
MINI = {"file": "resources/checkpoints_mini/mini_hop10.safetensors", "hop": 320} | SHAPE
LENGTHS_S = [
    0.3,
    0.3,
    1.0,
    1.0,
    1.0,
    2.5,
    12.5,
]  # the harness embeds those of equal length together
LONG_S = 5.0  # longer clips stay in files


@pytest.mark.slow
@pytest.mark.parametrize("at_timestamps", [False, True])
def test_rows_are_the_harness_s_features_bit_for_bit(tmp_path, monkeypatch, at_timestamps):
    monkeypatch.setattr("passt.embedder.BATCH_S", LONG_S)
    monkeypatch.setattr("passt.folder.audio.LONG_S", LONG_S)
    rng = np.random.default_rng(0)
    clips = [rng.uniform(-0.5, 0.5, round(s * RATE_HZ)) for s in LENGTHS_S]
    task = write_task(tmp_path / "task", clips)
    variant = Variant("mini", "LMH", (160,))
    model = PaSSTModel(load_embedder(Checkpoint.from_config("mini", MINI)), variant)
    name = variant.timestamp_embedding if at_timestamps else variant.scene_embedding
    components = Embedding.parse(name).components
    views = {view: tmp_path / view for view, _ in components}
    embed_task([task], model.embedder, views, {}, progress=False)
    for place in views.values():
        publish(place)
    expected = read_components([(views[v], level) for v, level in components], task.name, SPLIT)
    folder, output = task.path / str(RATE_HZ) / SPLIT, tmp_path / "out.npz"
    embed_folder(folder, output, FileEmbedder(model, at_timestamps), writer(output), 2, False)
    found = np.load(output)
    order = [i for file in task.order[SPLIT] for i in np.flatnonzero(found["file"] == file)]
    np.testing.assert_array_equal(found["embedding"][order], expected[:])
