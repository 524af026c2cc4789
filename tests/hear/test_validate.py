"""Validation of models: deliberately broken ones are refused in words, each by its own check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hear.api.source import ModelError
from hear.api.validate import validate_model

MODEL = """
import torch
from torch import nn

class Model(nn.Module):
    sample_rate = 16000
    scene_embedding_size = 4
    timestamp_embedding_size = 4

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.project = nn.Linear(2, 4)
        self.eval()

    def forward(self, frames):
        x = torch.stack((frames.abs().mean(-1), frames.square().mean(-1)), dim=-1)
        return self.project(x)

def load_model(model_file_path=""):
    model = Model()
    return model

def get_scene_embeddings(audio, model):
    return model(audio)

def get_timestamp_embeddings(audio, model):
    hop = model.sample_rate // 20
    padded = nn.functional.pad(audio, (hop // 2, hop // 2))
    embeddings = model(padded.unfold(1, hop, hop))
    times = 50.0 * torch.arange(embeddings.shape[1])
    return embeddings, times.expand(len(audio), -1)
"""
SCENE, EVENT = "return model(audio)", "return embeddings, times.expand(len(audio), -1)"
LOAD = "    return model\n"
BROKEN = {  # what is replaced, by what, and what must be said
    "class": (LOAD, "    return {}\n", "integer sample_rate"),
    "module": (
        LOAD,
        "    return type('M', (), {'sample_rate': 16000})\n",
        r"load_model: expected a torch.nn.Module, .* found type",
    ),
    "size": ("scene_embedding_size = 4", "x = 4", "scene_embedding_size: expected an int above 0"),
    "size type": ("    timestamp_embedding_size = 4", "    timestamp_embedding_size = 4.0", "4.0"),
    "scene size": (SCENE, SCENE + "[:, :3]", "scene_embedding_size 4, found 3"),
    "scene axes": (SCENE, SCENE + "[0]", r"shape \(n_sounds, size\) with n_sounds = 2, found \(4,"),
    "scene batch": (SCENE, SCENE + "[:1]", r"n_sounds = 2, found \(1, 4\)"),
    "dtype": (SCENE, SCENE + ".double()", "get_scene_embeddings: expected float32"),
    "numpy": (SCENE, SCENE + ".numpy()", "expected embeddings as a torch.Tensor, found ndarray"),
    "raises": (SCENE, "raise RuntimeError('no')", "failed on a valid input .form.: RuntimeError"),
    "nan": (SCENE, "return model(audio / audio.std(1, keepdim=True))", "inf for digital silence"),
    "random": (SCENE, SCENE + " + torch.rand(1)", "same embeddings for the same input"),
    "dropout": (
        SCENE,
        "return nn.functional.dropout(model(audio), 0.5)",
        "dropout still on .call model.eval",
    ),
    "batch": (SCENE, "return model(audio / (audio.abs().max() + 1))", "not to depend on the batch"),
    "reload": ("torch.manual_seed(0)", "pass", "load_model: expected the same network at every"),
    "no pair": (EVENT, "return embeddings", r"expected \(embeddings, timestamps\), found Tensor"),
    "time axes": (EVENT, "return embeddings, times", r"timestamps of shape \(2, 22\), found \(22,"),
    "seconds": ("50.0 *", "0.05 *", "are they seconds instead of ms"),
    "samples": ("50.0 *", "800 *", "inside the clip, .* are they samples instead of ms"),
    "beyond": ("50.0 *", "51.0 *", "inside the clip, found 0 to 1071 for a clip of 1070 ms"),
    "negative": ("50.0 *", "-50.0 + 50.0 *", "inside the clip, found -50"),
    "order": ("torch.arange(embeddings.shape[1])", "torch.arange(embeddings.shape[1]).flip(0)",
              "ascending timestamps at regular"),
    "irregular": ("times = ", "times = 4.0 * torch.rand(22)[: embeddings.shape[1]].resize_("
                  "embeddings.shape[1]) + ", "ascending timestamps at regular intervals"),
    "rows": (EVENT, "rows = times.repeat(len(audio), 1); rows[1:] += 5; return embeddings, rows",
             "the same timestamps for all sounds"),
    "nan time": ("50.0 *", "float('nan') *", "expected finite timestamps"),
    "one less": (EVENT, "return embeddings, times[len(times) == 41:].expand(len(audio), -1)",
                 "as many timestamps as embeddings, found 40 and 41 for a clip of 2000 ms"),
    "cut": (EVENT, "return embeddings[:, :9], times.expand(len(audio), -1)[:, :9]", "up to the"),
}  # fmt: skip
ALLOWED = {  # what is accepted with a warning
    "rate": ("sample_rate = 16000", "sample_rate = 24000", "24000 Hz is none of HEAR's"),
    "late": (
        "(hop // 2, hop // 2))",
        "(5 * hop // 2, 0))[:, : audio.shape[1] + hop]",
        "are not the centers .* 900 ms changes the embeddings around 1000 ms",
    ),
    "short": (
        SCENE,
        "assert audio.shape[1] > 4000, 'short'; " + SCENE,
        "clips of 0.2 s give AssertionError",
    ),
    "short nan": (
        SCENE,
        SCENE + " / (audio.shape[1] > 4000)",
        "clips of 0.2 s give values that are not finite",
    ),
    "in place": (SCENE, "audio *= 1.0001; " + SCENE, "modifies the audio"),
    "constant": (SCENE, "return 0 * model(audio) + 1", "two different sounds get the same"),
    "mode": ("self.eval()", "self.drop = nn.Dropout()", "the network is in training mode"),
    "hop": ("// 20", "// 10", "a timestamp every 100 ms"),
}  # fmt: skip


def write(folder: Path, name: str, old: str = "", new: str = "") -> str:
    assert old in MODEL, f"{name}: nothing to break"
    text = MODEL.replace(old, new) if old else MODEL
    if name == "hop":
        text = text.replace("50.0 *", "100.0 *")
    path = folder / f"model_{name.replace(' ', '_')}.py"
    path.write_text(text)
    return str(path)


def test_a_right_model_passes_and_is_described(tmp_path):
    report = validate_model(write(tmp_path, "right"))
    assert report["sample_rate"] == 16000 and report["timestamp_hop_ms"] == 50.0
    assert report["scene_embedding_size"] == report["timestamp_embedding_size"] == 4
    assert report["shortest_scene_clip_s"] == report["shortest_event_clip_s"] == 0.1
    assert len(report["weights_sha256"]) == 64 and len(report["checks"]) == 3
    assert report["warnings"] == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_is_refused_in_words(name, tmp_path):
    old, new, said = BROKEN[name]
    with pytest.raises(ModelError, match=said):
        validate_model(write(tmp_path, name, old, new))


@pytest.mark.parametrize("name", ALLOWED)
def test_what_costs_scores_is_a_warning(name, tmp_path):
    old, new, said = ALLOWED[name]
    warnings = validate_model(write(tmp_path, name, old, new))["warnings"]
    assert len(warnings) == 1 and re.search(said, warnings[0]), warnings


@pytest.mark.parametrize(
    ("tasks_s", "refused"), [({}, False), ({"scene": 0.81}, False), ({"scene": 0.3}, True)]
)
def test_a_model_must_embed_the_shortest_clip_of_the_tasks(tmp_path, tasks_s, refused):
    path = write(tmp_path, "long", SCENE, SCENE + " / (audio.shape[1] >= 0.35 * 16000)")
    said = "get_scene_embeddings: clips of 0.3 s give values that are not finite"
    if refused:
        with pytest.raises(ModelError, match=f"{said}; the tasks have such clips, of 0.3 s"):
            validate_model(path, shortest_s=tasks_s)
    else:
        report = validate_model(path, shortest_s=tasks_s)
        assert report["warnings"] == [said] and report["shortest_scene_clip_s"] == 0.4


def test_all_problems_are_listed_at_once(tmp_path):
    path = write(tmp_path, "right")
    text = Path(path).read_text().replace(SCENE, SCENE + ".double()[:, :3]")
    Path(path).write_text(text.replace("50.0 *", "0.05 *"))
    with pytest.raises(ModelError) as error:
        validate_model(path)
    assert len(str(error.value).splitlines()) == 4


def test_functions_that_the_study_does_not_need_are_not_tried(tmp_path):
    path = write(tmp_path, "events", EVENT, "raise NotImplementedError")
    report = validate_model(path, kinds=("scene",))
    assert "timestamp_hop_ms" not in report
    with pytest.raises(ModelError, match="NotImplementedError"):
        validate_model(path)


def test_other_weights_other_hash(tmp_path):
    first = validate_model(write(tmp_path, "right"))
    second = validate_model(write(tmp_path, "seed", "manual_seed(0)", "manual_seed(1)"))
    assert first["weights_sha256"] != second["weights_sha256"]
