"""Exported networks: all accepted lengths, refusal of others, the model card's code, parity."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import passt
from passt.__main__ import main
from passt.export import card, onnx_files
from passt.export.graphs import parts
from tests.passt import golden

ROOT = Path(__file__).parents[2]
MINI = ROOT / "resources" / "checkpoints_mini"
HAS_ONNX = all(map(importlib.util.find_spec, onnx_files.PACKAGES))
# The card's code in a process that cannot import torch; clips below and above the scene window,
# and lengths that both the code and the files themselves refuse.
RUN = """
import sys
sys.modules["torch"] = None
{code}
clips = np.load("clips.npz", allow_pickle=False)
found = {{name: np.concatenate(scene(clip)) for name, clip in clips.items()}}
found["times"] = np.concatenate(timestamps(clips["short"], 320), axis=1)
np.savez("found.npz", **found)
sessions = [v for v in globals().values() if isinstance(v, onnxruntime.InferenceSession)]

def run(values):
    for session in sessions:
        values = session.run(None, {{session.get_inputs()[0].name: values}})[0]

for n_samples in {refused}:
    for function in (embed, run):
        try:
            function(np.zeros((1, n_samples), np.float32))
        except Exception as error:
            print(n_samples, function.__name__, type(error).__name__)
"""


@pytest.mark.slow
@pytest.mark.skipif(not HAS_ONNX, reason="needs onnx, onnxscript and onnxruntime")
@pytest.mark.parametrize(
    ("checkpoint", "given"),
    [("passt_hop10", []), ("passt_hop5", ["--apart"]), ("passt_hop3", [])],
)
def test_exported_files_and_their_cards_code_compute_what_passt_does(checkpoint, given, tmp_path):
    network = golden.tiny_released(checkpoint, depth=1, num_heads=1).network
    weights = str(tmp_path / "weights.safetensors")
    save_file(network.state_dict(), weights)
    command = ["export", "--onnx", str(tmp_path / "own.onnx"), "--weights", weights, *given]
    assert main([*command, "--checkpoint", checkpoint]) == 0
    text = (tmp_path / "own.md").read_text()
    names = re.findall(r"\| (own\S*\.onnx) \|", text)
    assert sorted(os.listdir(tmp_path)) == sorted(["own.md", "weights.safetensors", *names])
    for name in names:
        content = (tmp_path / name).read_bytes()
        assert not any(str(place).encode() in content for place in (ROOT, sys.prefix, tmp_path))

    model = passt.load_model(weights, checkpoint, receptive_fields_ms=(320,), device="cpu")
    clips = {name: golden.waveforms(s, 1) for name, s in (("short", 0.7), ("long", 11.0))}
    np.savez(tmp_path / "clips.npz", **{name: clip[0].numpy() for name, clip in clips.items()})
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (part, *_) = parts(model.embedder)
    script = RUN.format(code=code, refused=(part.shortest - 1, part.longest + 1))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        [str(n), function] for n in (part.shortest - 1, part.longest + 1)
        for function in ("embed", "run")
    ]  # fmt: skip
    found = np.load(tmp_path / "found.npz", allow_pickle=False)
    expected = {name: passt.get_scene_embeddings(clip, model) for name, clip in clips.items()}
    expected["times"] = passt.get_timestamp_embeddings(clips["short"], model)[0]
    for name, values in expected.items():
        scale = max(1.0, float(values.abs().max()))
        atol = onnx_files.PARITY * scale
        np.testing.assert_allclose(found[name], values[0], rtol=0, atol=atol, err_msg=name)


@pytest.fixture
def stand_in(monkeypatch):
    """ONNX's packages without them: files are empty, sessions run the parts and err by a number."""

    def install(error: float) -> None:
        written = {}

        def write(part, path, metadata):
            path.touch()
            written[str(path)] = part.module

        class Session:
            def __init__(self, path, options, providers):
                self.module = written[path]

            def run(self, names, given):
                (values,) = given.values()
                with torch.no_grad():
                    returned = self.module(torch.from_numpy(values))
                if len(names) == 1:
                    return [returned.numpy()]
                return [(values + error).numpy() for values in returned]

        runtime = SimpleNamespace(SessionOptions=SimpleNamespace, InferenceSession=Session)
        monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
        monkeypatch.setattr(onnx_files, "PACKAGES", ())
        monkeypatch.setattr(onnx_files, "write", write)
        monkeypatch.setattr(card, "version", lambda package: "1.0")

    return install


@pytest.mark.parametrize(
    ("apart", "names"),
    [(False, ["a.md", "a.onnx"]), (True, ["a.md", "a.mel.onnx", "a.network.onnx"])],
)
def test_files_and_card_are_written_once_they_agree_with_torch(apart, names, stand_in, tmp_path):
    stand_in(4e-6)
    folder = tmp_path / "new"
    made = onnx_files.export_onnx(golden.tiny_embedder(320), folder / "a.onnx", apart)
    assert made[-1].suffix == ".md" and sorted(path.name for path in made) == names
    assert sorted(os.listdir(folder)) == names
    text = made[-1].read_text()
    assert "4801 to 321600" in text and "random, seed 0" in text and "e-06 |" in text


def test_files_that_differ_from_torch_are_not_kept(stand_in, tmp_path):
    stand_in(1e-3)
    (tmp_path / "a.onnx").write_text("of an earlier export")
    with pytest.raises(ValueError, match="logits of 4801 samples: expected torch's values"):
        onnx_files.export_onnx(golden.tiny_embedder(320), tmp_path / "a.onnx")
    assert os.listdir(tmp_path) == ["a.onnx"]
    assert (tmp_path / "a.onnx").read_text() == "of an earlier export"


def test_what_is_missing_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(onnx_files, "PACKAGES", ("numpy", "onnx_of_nowhere"))
    weights = str(MINI / "mini_hop10.safetensors")
    assert main(["export", "--onnx", str(tmp_path / "a.onnx"), "--weights", weights]) == 1
    said = "no package onnx_of_nowhere: pip install numpy onnx_of_nowhere"
    assert capsys.readouterr().err.splitlines()[-1] == f"passt export: {said}"
    assert os.listdir(tmp_path) == []


def test_another_suffix_is_refused(stand_in, tmp_path):
    stand_in(0.0)
    with pytest.raises(ValueError, match=r"expected the name of an \.onnx file, found .*a\.pt"):
        onnx_files.export_onnx(golden.tiny_embedder(320), tmp_path / "a.pt")
