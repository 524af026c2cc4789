"""Stored features: what is embedded once, kept over a kill, and read back in the probe's order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hear.audio.read import read_clip
from hear.features.embed import embed_task
from hear.features.store import (
    ViewWriter,
    check_arrays,
    publish,
    read_components,
    read_index,
    read_stored,
)
from hear.files import sha256_file
from hear.tasks.folder import read_task
from tests.hear.conftest import write_wav


def embed(task, model, view: str, directory: Path, provenance: dict, **options) -> dict:
    index = embed_task([task], model, {view: directory}, provenance, progress=False, **options)
    publish(directory)
    return index[view]


def facts(storage: str = "float32") -> dict:
    return {"view": "scene", "storage": storage, "provenance": {}}


@pytest.mark.parametrize(("kind", "view"), [("scene", "scene"), ("event", "timestamp")])
def test_rows_are_those_of_the_clips_in_stored_order(make_task, model, tmp_path, kind, view):
    task = read_task(make_task(embedding_type=kind, n_clips=5))
    index = embed(task, model, view, tmp_path / "f", {"source": "m"})
    assert index == read_index(tmp_path / "f")
    assert index["sha256"] == {"E": sha256_file(tmp_path / "f" / "E.npy")}
    assert sorted(path.name for path in tmp_path.glob("f*")) == ["f"]
    read_split = read_stored([(tmp_path / "f", "E")])
    for split, files in task.order.items():
        assert index["folders"][task.name][split]["files"] == files
        stored, first = read_split(task, split), 0
        for i, file in enumerate(files):
            path = task.path / "16000" / split / file
            audio = torch.from_numpy(read_clip(path, 32000))[None]
            levels, times = model.embed(audio, view)
            n = 1 if times is None else len(times)
            rows = stored.features[first : first + n]
            np.testing.assert_array_equal(rows, levels["E"].flatten(0, -2).numpy())
            if times is not None:
                assert stored.n_rows[i] == n
                np.testing.assert_array_equal(stored.timestamps_ms[first : first + n], times)
            first += n
        assert first == len(stored.features)


def test_all_views_are_embedded_from_one_decoding(make_task, model, tmp_path, monkeypatch):
    import hear.features.embed as module

    task, decoded = read_task(make_task(embedding_type="event")), []
    real = module.read_clip
    monkeypatch.setattr(module, "read_clip", lambda *a: (decoded.append(a), real(*a))[1])
    views = {"timestamp": tmp_path / "a", "scene": tmp_path / "b"}
    embed_task([task], model, views, {}, progress=False)
    assert len(decoded) == sum(map(len, task.clips.values()))
    for view, directory in views.items():
        publish(directory)
        alone = embed(task, model, view, tmp_path / "alone" / view, {})
        assert read_index(directory)["sha256"] == alone["sha256"]


def test_rows_grow_and_are_refused_in_another_shape(tmp_path):
    writer = ViewWriter(tmp_path / "v", facts())
    for i in range(100):
        writer.append("M", np.full((i, 3), i, np.float64))
    writer.finish_split("t", "train", ["a"] * 4950, None)
    writer.finish({"t": ["train"]})
    publish(tmp_path / "v")
    rows = np.load(tmp_path / "v" / "M.npy", allow_pickle=False)
    assert rows.shape == (4950, 3) and rows.dtype == np.float32 and rows[-1, 0] == 99
    writer = ViewWriter(tmp_path / "w", facts())
    writer.append("M", np.zeros((1, 2)))
    with pytest.raises(ValueError, match="rows of shape"):
        writer.append("M", np.zeros((1, 3)))


def test_float16_is_stored_half_as_large_and_read_as_float32(make_task, model, tmp_path):
    task = read_task(make_task())
    arrays = {}
    for storage in ("float32", "float16"):
        directory = tmp_path / storage
        embed(task, model, "scene", directory, {}, storage=storage)
        assert np.load(directory / "E.npy").dtype == storage
        arrays[storage] = read_components([(directory, "E")], task.name, "train")[:]
        assert arrays[storage].dtype == np.float32
    assert arrays["float16"].tolist() != arrays["float32"].tolist()
    np.testing.assert_allclose(arrays["float16"], arrays["float32"], rtol=2**-11)
    with pytest.raises(ValueError, match="storage: expected one of .*found 'int8'"):
        embed(task, model, "scene", tmp_path / "x", {}, storage="int8")
    with pytest.raises(ValueError, match="too large for float16"):
        ViewWriter(tmp_path / "y", facts("float16")).append("M", np.full((1, 2), 1e6))


@pytest.mark.parametrize("died_with", [KeyboardInterrupt, ValueError])
def test_a_job_that_dies_keeps_the_splits_it_had_finished(make_task, model, tmp_path, died_with):
    task = read_task(make_task())
    whole = embed(task, model, "scene", tmp_path / "whole", {"source": "m"})
    real, embedded = model.embed, []

    def dying(audio, view):
        embedded.append(len(audio))
        if len(embedded) == 3:
            raise died_with
        return real(audio, view)

    model.embed = dying
    with pytest.raises(died_with):
        embed(task, model, "scene", tmp_path / "f", {"source": "m"})
    assert not (tmp_path / "f").exists()
    n = len(embedded)
    resumed = embed(task, model, "scene", tmp_path / "f", {"source": "m"})
    assert len(embedded) == n + 1  # of three splits, two were finished
    assert resumed == whole
    embedded[:] = [0, 0]
    with pytest.raises(died_with):
        embed(task, model, "scene", tmp_path / "f", {"source": "m"})
    embedded[:] = [0, 0, 0]
    embed(task, model, "scene", tmp_path / "f", {"source": "other"})
    assert len(embedded) == 6  # other weights: nothing is kept
    assert not (tmp_path / "f.part").exists()


def test_asked_levels_are_stored_and_others_begin_again(make_task, model, tmp_path):
    """A killed job goes on only where it had begun with the levels that are asked for now."""
    task, real, embedded = read_task(make_task()), model.embed, []

    def two_levels(audio, view):
        embedded.append(len(audio))
        if len(embedded) == 3:
            raise KeyboardInterrupt
        levels, times = real(audio, view)
        return levels | {"E@1": levels["E"] + 1}, times

    model.embed = two_levels
    with pytest.raises(KeyboardInterrupt):
        embed(task, model, "scene", tmp_path / "f", {}, levels={"scene": ["E"]})
    assert [path.name for path in (tmp_path / "f.part").glob("*.npy")] == ["E.npy"]
    both = {"scene": ["E", "E@1"]}
    index = embed(task, model, "scene", tmp_path / "f", {}, levels=both)
    assert len(embedded) == 6 and index["sha256"].keys() == {"E", "E@1"}
    first, second = (np.load(tmp_path / "f" / f"{level}.npy") for level in both["scene"])
    np.testing.assert_array_equal(first + 1, second)
    embedded.clear()
    with pytest.raises(KeyboardInterrupt):
        embed(task, model, "scene", tmp_path / "g", {}, levels=both)
    fewer = embed(task, model, "scene", tmp_path / "g", {}, levels={"scene": ["E"]})
    assert fewer["sha256"] == {"E": index["sha256"]["E"]}
    assert [path.name for path in (tmp_path / "g").glob("*.npy")] == ["E.npy"]


def test_what_is_published_stays_until_the_next_view_is_whole(make_task, model, tmp_path):
    task = read_task(make_task())
    embed(task, model, "scene", tmp_path / "f", {"source": "m"})
    before = (tmp_path / "f" / "E.npy").read_bytes()
    embed_task([task], model, {"scene": tmp_path / "f"}, {"source": "other"}, progress=False)
    assert (tmp_path / "f" / "E.npy").read_bytes() == before
    assert read_index(tmp_path / "f")["provenance"] == {"source": "m"}
    publish(tmp_path / "f")
    assert read_index(tmp_path / "f")["provenance"] == {"source": "other"}
    publish(tmp_path / "f")  # nothing waits: nothing happens
    assert read_index(tmp_path / "f")["provenance"] == {"source": "other"}


def test_components_are_concatenated_in_order_and_checked(tmp_path):
    for view, values in (("a", [[1.0], [2.0]]), ("b", [[3.0], [4.0]]), ("c", [[5.0]])):
        writer = ViewWriter(tmp_path / view, facts())
        writer.append("M", np.array(values, np.float32))
        writer.finish_split("t", "train", [str(value) for value in values], None)
        writer.finish({"t": ["train"]})
        publish(tmp_path / view)
    read = [(tmp_path / view, "M") for view in "ba"]
    assert read_components(read, "t", "train")[:].tolist() == [[3, 1], [4, 2]]
    with pytest.raises(ValueError, match="disagree on the number of rows"):
        read_components([*read, (tmp_path / "c", "M")], "t", "train")
    with pytest.raises(ValueError, match="no split t/valid"):
        read_components(read, "t", "valid")
    with pytest.raises(ValueError, match="not readable"):
        read_index(tmp_path)
    check_arrays(read)
    path = tmp_path / "a" / "M.npy"
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a/M\.npy: changed .*remove it and start again"):
            check_arrays(read)
    for odd in (b"", b"\x93NUMPY", b"PK\x03\x04", np.lib.format.magic(1, 0) + b"\2\0{\n"):
        path.write_bytes(odd)
        with pytest.raises(ValueError, match=r"a/M\.npy: not a file of features"):
            read_components(read, "t", "train")
    path.unlink()
    with pytest.raises(ValueError, match="no such file"):
        check_arrays(read)


def test_clips_that_cannot_be_embedded_are_named(make_task, model, tmp_path, monkeypatch):
    def refuse(audio, view):
        raise ValueError("too short")

    monkeypatch.setattr(model, "embed", refuse)
    with pytest.raises(ValueError, match=r"16000/test/test_.*: too short"):
        embed(read_task(make_task()), model, "scene", tmp_path / "f", {})
    assert not (tmp_path / "f").exists()


def test_the_clip_that_cannot_be_embedded_is_the_one_named(make_task, model, tmp_path):
    folder = make_task()
    order = read_task(folder).order["test"]
    real, calls = model.embed, []

    def refuse_one(audio, view):
        if len(audio) > 1 or len(calls) == 2:
            raise ValueError("no")
        calls.append(audio)
        return real(audio, view)

    model.embed = refuse_one
    with pytest.raises(ValueError, match=f"{order[2]}: no"):
        embed(read_task(folder), model, "scene", tmp_path / "f", {})


def test_values_that_cannot_be_stored_are_refused_with_their_clip(make_task, model, tmp_path):
    model.embed = lambda audio, view: ({"E": torch.full((len(audio), 2), torch.nan)}, None)
    with pytest.raises(ValueError, match=r"/test_\d.wav and 3 more clips: .*E.npy: NaN"):
        embed(read_task(make_task()), model, "scene", tmp_path / "f", {})
    assert not (tmp_path / "f").exists()


def test_all_clips_that_are_too_short_are_named_before_any_is_embedded(make_task, model, tmp_path):
    folder, real, lengths = make_task(sample_duration=None), model.embed, []
    for clip, n_samples in {"test/test_1.wav": 320, "valid/valid_0.wav": 160}.items():
        write_wav(folder / "16000" / clip, n_samples / 16000)

    def refuse_short(audio, view):
        lengths.append(audio.shape[1])
        if audio.shape[1] < 1000:
            raise ValueError("too short")
        return real(audio, view)

    model.embed = refuse_short
    with pytest.raises(ValueError) as error:
        embed(read_task(folder), model, "scene", tmp_path / "f", {})
    expected = "expected a clip that can be embedded (scene), found 0.0"
    assert [line.strip() for line in str(error.value).splitlines()[1:]] == [
        f"16000/valid/valid_0.wav: {expected}10 s: too short",
        f"16000/test/test_1.wav: {expected}20 s: too short",
    ]
    assert lengths == [320, 640, 8000]  # and the first that is long enough


def test_what_a_model_raises_is_one_line_with_the_clip(make_task, model, tmp_path, monkeypatch):
    def fail(audio, model):
        raise RuntimeError("padding size")

    monkeypatch.setattr(model.module, "get_scene_embeddings", fail)
    with pytest.raises(ValueError, match=r"test_\d.wav: model .*scene: RuntimeError.*padding size"):
        embed(read_task(make_task()), model, "scene", tmp_path / "f", {})
