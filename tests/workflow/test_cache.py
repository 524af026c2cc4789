"""Released weights: downloaded once into the user's cache; what is said where they cannot be."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import torch

import passt
from passt.architecture import Architecture
from passt.cache import cache_folder
from passt.checkpoints import RELEASED, CheckpointError
from passt.transformer import PaSST, initialize

SHAPE = Architecture(embed_dim=64, depth=1, num_heads=1, n_classes=5)
FILE = "tiny.pt"


@pytest.fixture
def released(server, tmp_path, monkeypatch):
    """A released checkpoint of a tiny network at the server's address; nothing is cached."""
    torch.save(initialize(PaSST(SHAPE), 0).state_dict(), tmp_path / "made.pt")
    content = (tmp_path / "made.pt").read_bytes()
    server.files[f"/{FILE}"] = content
    entry = replace(
        RELEASED["passt_hop10"],
        architecture=SHAPE,
        file=f"resources/checkpoints/{FILE}",
        url=f"{server.url}/{FILE}",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    monkeypatch.setitem(RELEASED, "passt_hop10", entry)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("passt.cache.ATTEMPTS", 1)
    (tmp_path / "anywhere").mkdir()
    monkeypatch.chdir(tmp_path / "anywhere")
    return server


def test_weights_are_downloaded_once_from_any_folder(released, tmp_path, monkeypatch, capsys):
    model = passt.load_model(checkpoint="passt_hop10", device="cpu")
    assert f"{FILE}: " in capsys.readouterr().err  # progress
    assert cache_folder() == tmp_path / "cache" / "passt"
    assert list((tmp_path / "anywhere").iterdir()) == []
    released.files.clear()
    monkeypatch.chdir(tmp_path)
    again = passt.load_model(device="cpu")
    audio = torch.zeros(1, 32000)
    assert passt.get_scene_embeddings(audio, model).equal(passt.get_scene_embeddings(audio, again))
    assert len(released.ranges(f"/{FILE}")) == 1


def test_a_dropped_download_goes_on_at_the_next_call(released):
    released.script[f"/{FILE}"] = [("drop", 100_000)]
    with pytest.raises(CheckpointError):
        passt.load_model(device="cpu", progress=False)
    passt.load_model(device="cpu", progress=False)
    assert [asked is None for asked in released.ranges(f"/{FILE}")] == [True, False]


def test_other_contents_than_the_released_are_refused(released):
    content = released.files[f"/{FILE}"]
    released.files[f"/{FILE}"] = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(CheckpointError, match="sha256: expected"):
        passt.load_model(device="cpu", progress=False)
    assert not (cache_folder() / FILE).exists()


@pytest.mark.parametrize("note_was_lost", [False, True])
def test_without_a_known_hash_the_first_load_s_is_expected(released, monkeypatch, note_was_lost):
    entry = replace(RELEASED["passt_hop10"], sha256=None)
    monkeypatch.setitem(RELEASED, "passt_hop10", entry)
    passt.load_model(device="cpu", progress=False)
    if note_was_lost:  # the process was killed after the download
        (cache_folder() / f"{FILE}.sha256").unlink()
    passt.load_model(device="cpu", progress=False)
    with open(cache_folder() / FILE, "ab") as file:
        file.write(b"x")
    with pytest.raises(CheckpointError, match="has sha256 .*, expected"):
        passt.load_model(device="cpu", progress=False)


def test_offline_it_says_where_to_put_the_file(released, capsys):
    released.close()
    with pytest.raises(CheckpointError) as error:
        passt.load_model(device="cpu", progress=False)
    path, url = cache_folder() / FILE, RELEASED["passt_hop10"].url
    assert str(error.value).endswith(f"Download {url} elsewhere, and put it at {path}")
    path.write_bytes(released.files[f"/{FILE}"])
    passt.load_model(device="cpu")


def test_a_study_s_own_copy_is_taken(released, tmp_path):
    copy = tmp_path / "anywhere" / "resources" / "checkpoints" / FILE
    copy.parent.mkdir(parents=True)
    copy.write_bytes(released.files[f"/{FILE}"])
    passt.load_model(device="cpu")
    assert not released.requests and not cache_folder().exists()
