"""From a task folder to scores: features on disk, predictions, scoring from predictions alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from hear.api.model import HearModel, ModelError
from hear.features.embed import embed_task
from hear.features.shards import join_shards
from hear.features.store import RowWriter, StoredSplit, read_components, read_index, read_stored
from hear.probe.predict import predict_task, split_targets
from hear.probe.training import ProbeError
from hear.protocol import Postprocessing, Protocol
from hear.scores.files import load_predictions, save_predictions
from hear.scores.score import score_predictions
from hear.tasks.folder import read_task
from hear.tasks.manifest import chance_level, read_manifest, task_hashes, task_rows, write_manifest

QUICK = Protocol(n_grid_points=1, hidden_dim=16, max_epochs=6, patience=2)
MODEL = """
import torch

class Model(torch.nn.Module):
    sample_rate = 32000
    scene_embedding_size = timestamp_embedding_size = 2

def load_model(path="", gain=1.0):
    model = Model()
    model.gain = gain
    return model

def get_scene_embeddings(audio, model):
    return model.gain * torch.stack((audio.abs().mean(1), audio.std(1)), dim=1)

def get_timestamp_embeddings(audio, model):
    frames = audio.unfold(1, 1600, 1600)
    values = torch.stack((frames.abs().mean(2), frames.std(2)), dim=2)
    return values, (50.0 * torch.arange(frames.shape[1])).expand(len(audio), -1)
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(MODEL)
    return HearModel(str(path))


def run(folder: Path, model: HearModel, view: str, directory: Path, seed: int = 42):
    task = read_task(folder)
    embed_task([task], model, view, directory, {"source": "m"}, progress=False)
    read = read_stored([(directory, "E")])
    return predict_task([task], read, QUICK, seed, {"embedding": "m"}, progress=False)


def test_scene_task_from_folder_to_scores(make_task, model, tmp_path):
    folder = make_task(splits=("fold00", "fold01", "fold02"), n_clips=6)
    header, arrays = run(folder, model, "scene", tmp_path / "features")
    save_predictions(tmp_path / "p.npz", header, arrays)
    header, arrays = load_predictions(tmp_path / "p.npz")
    rows = score_predictions(header, arrays)
    assert {row["fold"] for row in rows} == {"fold00", "fold01", "fold02"}
    assert {row["metric"] for row in rows} == {"top1_acc", "mAP"}
    assert [row["metric"] for row in rows if row["primary"]] == ["top1_acc"] * 3
    assert all(0 <= row["score"] <= 1 for row in rows)
    order = read_task(folder).order
    assert header["folders"][0]["folds"][1]["files"] == order["fold01"]


def test_event_task_from_folder_to_scores(make_task, model, tmp_path):
    folder = make_task(embedding_type="event", sample_duration=0.25)
    header, arrays = run(folder, model, "timestamp", tmp_path / "features")
    rows = score_predictions(header, arrays)
    metrics = [row["metric"] for row in rows]
    assert metrics[0] == "event_onset_200ms_fms" and "event_onset_200ms_fms.recall" in metrics
    assert arrays["0/0/n_rows"].sum() == len(arrays["0/0/probabilities"])


def test_another_postprocessing_or_metric_needs_the_stored_predictions_only(
    make_task, model, tmp_path
):
    folder = make_task(embedding_type="event", sample_duration=0.25)
    header, arrays = run(folder, model, "timestamp", tmp_path / "features")
    arrays["0/0/probabilities"][:] = arrays["0/0/targets"]
    save_predictions(tmp_path / "p.npz", header, arrays)
    shutil.rmtree(tmp_path / "features")
    header, arrays = load_predictions(tmp_path / "p.npz")

    def scores(**changes) -> dict[str, float]:
        rows = score_predictions(header, arrays, **changes)
        return {row["metric"]: row["score"] for row in rows}

    kept = scores(postprocessing=Postprocessing(0, 0))
    assert kept["event_onset_200ms_fms"] == 1.0
    dropped = scores(postprocessing=Postprocessing(0, 1e6))
    assert dropped["event_onset_200ms_fms"] is None  # no event is that long
    assert list(scores(metrics=["segment_1s_er"])) == ["segment_1s_er"]


def test_failures_name_task_embedding_and_fold(make_task, model, tmp_path):
    folder = make_task(splits=("fold00", "fold01", "fold02"), n_clips=1)
    with pytest.raises(ProbeError, match="tones-v1-full from m, fold fold00, .* one row"):
        run(folder, model, "scene", tmp_path / "features")


def test_same_seed_same_bytes_other_seed_others(make_task, model, tmp_path):
    folder = make_task(splits=("fold00", "fold01", "fold02"), n_clips=6)
    written = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        header, arrays = run(folder, model, "scene", tmp_path / "features", seed)
        save_predictions(tmp_path / name, header, arrays)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1] != written[2]


def perfect_predictions(metrics: list[str]) -> tuple[dict, dict]:
    target = np.eye(3, dtype=np.uint8)[[0, 1, 2, 0]]
    fold = {"name": "test", "files": list("abcd"), "chosen": {"postprocessing": None}}
    folder = {
        "name": "t",
        "labels": list("xyz"),
        "metrics": metrics,
        "embedding_type": "scene",
        "folds": [fold],
    }
    arrays = {"0/0/targets": target, "0/0/probabilities": target.astype(np.float32)}
    return {"seed": 1, "folders": [folder]}, arrays


def test_metrics_added_later_need_no_training():
    header, arrays = perfect_predictions(["top1_acc"])
    assert [row["score"] for row in score_predictions(header, arrays)] == [1.0]
    header["folders"][0]["metrics"] = ["mAP", "aucroc", "d_prime"]
    scores = {row["metric"]: row["score"] for row in score_predictions(header, arrays)}
    assert scores == {"mAP": 1.0, "aucroc": 1.0, "d_prime": "inf"}
    json.loads(json.dumps(scores), parse_constant=lambda name: pytest.fail(name))


def test_undefined_scores_are_null():
    header, arrays = perfect_predictions(["aucroc"])
    arrays["0/0/targets"][:, 0] = 0
    assert score_predictions(header, arrays)[0]["score"] is None


def test_two_folders_are_told_apart():
    header, arrays = perfect_predictions(["top1_acc"])
    header["folders"].append({**header["folders"][0], "name": "u"})
    arrays |= {key.replace("0/0", "1/0"): value for key, value in arrays.items()}
    assert [r["fold"] for r in score_predictions(header, arrays)] == ["t/test", "u/test"]


def test_rows_grow_and_appear_only_when_complete(tmp_path):
    path = tmp_path / "x.npy"
    with RowWriter(path) as writer:
        for i in range(100):
            writer.append(np.full((i, 3), i, np.float64))
        assert not path.exists()
    rows = np.load(path, allow_pickle=False)
    assert rows.shape == (4950, 3) and rows.dtype == np.float32 and rows[-1, 0] == 99
    with pytest.raises(RuntimeError), RowWriter(tmp_path / "y.npy") as writer:
        writer.append(np.zeros((1, 2)))
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]
    with pytest.raises(ValueError, match="rows of shape"), RowWriter(path) as writer:
        writer.append(np.zeros((1, 2)))
        writer.append(np.zeros((1, 3)))


def test_float16_is_stored_half_as_large_and_read_as_float32(make_task, model, tmp_path):
    task = read_task(make_task())
    arrays = {}
    for storage in ("float32", "float16"):
        directory = tmp_path / storage
        embed_task([task], model, "scene", directory, {}, progress=False, storage=storage)
        assert np.load(directory / task.name / "train.E.npy").dtype == storage
        arrays[storage] = read_components([(directory, "E")], task.name, "train")[:]
        assert arrays[storage].dtype == np.float32
    assert arrays["float16"].tolist() != arrays["float32"].tolist()
    np.testing.assert_allclose(arrays["float16"], arrays["float32"], rtol=2**-11)
    with pytest.raises(ValueError, match="storage: expected one of .*found 'int8'"):
        embed_task([task], model, "scene", tmp_path / "x", {}, progress=False, storage="int8")
    with pytest.raises(ValueError, match="too large for float16"):
        with RowWriter(tmp_path / "y.npy", "float16") as writer:
            writer.append(np.full((1, 2), 1e6))


@pytest.mark.parametrize(("kind", "view"), [("scene", "scene"), ("event", "timestamp")])
def test_shards_joined_are_the_whole(make_task, model, tmp_path, kind, view):
    task = read_task(make_task(embedding_type=kind, n_clips=5))
    whole, parts, n = tmp_path / "whole", tmp_path / "parts", 7  # more than clips: some are empty
    expected = embed_task([task], model, view, whole, {"source": "m"}, progress=False)
    for i in reversed(range(n)):
        with pytest.raises(ValueError, match=r"index.shard0of7.json: features incomplete"):
            join_shards(parts, n)
        embed_task([task], model, view, parts, {"source": "m"}, progress=False, shard=(i, n))
    assert not (parts / "index.json").exists()
    assert join_shards(parts, n) == expected | {"n_shards": n}
    assert not [*parts.rglob("*.part"), *parts.rglob("*.finished*"), *parts.glob("*.shard*")]
    assert join_shards(parts, n) == read_index(parts)  # a second time changes nothing
    (parts / "index.shard3of7.json").write_text("{}")  # of a join that was killed at its end
    assert join_shards(parts, n) == read_index(parts) and not [*parts.glob("*.shard*")]
    for split in task.splits:
        read = [read_stored([(directory, "E")])(task, split) for directory in (whole, parts)]
        np.testing.assert_array_equal(read[1].features[:], read[0].features[:])
        np.testing.assert_array_equal(read[1].timestamps_ms, read[0].timestamps_ms)
        assert read[1].n_rows == read[0].n_rows
    for i in range(n):
        facts = {"source": "other" if i == 3 else "m"}
        embed_task([task], model, view, parts, facts, progress=False, shard=(i, n))
        assert not (parts / "index.json").exists()  # it named arrays that are no longer there
    with pytest.raises(ValueError, match="shard 3 of 7: provenance: .*'other'"):
        join_shards(parts, n)
    embed_task([task], model, view, parts, {"source": "m"}, progress=False)
    assert not [*parts.rglob("*.shard*.npy")]  # the shards' arrays are not kept beside the whole
    with pytest.raises(ValueError, match="0 <= i < n"):
        embed_task([task], model, view, parts, {}, progress=False, shard=(7, 7))


def test_a_killed_job_keeps_the_splits_it_had_finished(make_task, model, tmp_path):
    task = read_task(make_task())
    embed, embedded = model.embed, []

    def killed_at_valid(audio, view):
        embedded.append(len(audio))
        if len(embedded) == 3:
            raise KeyboardInterrupt
        return embed(audio, view)

    model.embed = killed_at_valid
    arguments = ([task], model, "scene", tmp_path / "f")
    with pytest.raises(KeyboardInterrupt):
        embed_task(*arguments, {"source": "m"}, progress=False)
    embed_task(*arguments, {"source": "m"}, progress=False)
    assert len(embedded) == 4  # two splits, the one cut short, and that again
    embed_task(*arguments, {"source": "m"}, progress=False)
    assert len(embedded) == 7  # a finished run, asked for again, is made again
    embedded.clear()
    with pytest.raises(KeyboardInterrupt):
        embed_task(*arguments, {"source": "m"}, progress=False)
    embed_task(*arguments, {"source": "other"}, progress=False)
    assert len(embedded) == 6  # other weights: nothing is kept


def test_components_are_concatenated_in_order_and_checked(tmp_path):
    for view, values in (("a", [[1.0], [2.0]]), ("b", [[3.0], [4.0]]), ("c", [[5.0]])):
        (tmp_path / view / "t").mkdir(parents=True)
        np.save(tmp_path / view / "t" / "train.M.npy", np.array(values, np.float32))
    read = [(tmp_path / view, "M") for view in "ba"]
    assert read_components(read, "t", "train")[:].tolist() == [[3, 1], [4, 2]]
    with pytest.raises(ValueError, match="disagree on the number of rows"):
        read_components([*read, (tmp_path / "c", "M")], "t", "train")
    with pytest.raises(ValueError, match="incomplete"):
        read_index(tmp_path)


def test_clips_that_cannot_be_embedded_are_named(make_task, model, tmp_path, monkeypatch):
    def refuse(audio, view):
        raise ValueError("too short")

    monkeypatch.setattr(model, "embed", refuse)
    with pytest.raises(ValueError, match=r"16000/test/test_.*: too short"):
        embed_task([read_task(make_task())], model, "scene", tmp_path / "f", {}, progress=False)
    assert not (tmp_path / "f" / "index.json").exists()


def test_features_of_another_task_are_refused(make_task):
    task = read_task(make_task())
    with pytest.raises(ValueError, match="expected 4 rows of features, found 3"):
        split_targets(task, "train", StoredSplit(np.zeros((3, 2), np.float32)))


def test_manifest_round_trip(make_task, tmp_path):
    folder = make_task()
    path = tmp_path / "resources" / "task.json"
    written = write_manifest(path, "tones", [folder], {"seed": 0}, progress=False)
    manifest, folders = read_manifest(path)
    assert manifest == written and folders[0].path == folder
    assert list(task_hashes(manifest)) == [folder.name]
    row = task_rows([path], {"tones": "music"}, {})[0]
    assert (row["n_clips"], row["n_folds"], row["category"]) == (12, 1, "music")
    assert row["chance"] == 0.5


@pytest.mark.parametrize(
    ("metric", "chance"), [("top1_acc", 0.5), ("mAP", 0.5), ("aucroc", 0.5), ("d_prime", 0.0)]
)
def test_chance_level(make_task, metric, chance):
    assert chance_level(read_task(make_task(evaluation=[metric]))) == chance


def test_events_have_no_chance_level(make_task):
    assert chance_level(read_task(make_task(embedding_type="event"))) is None


def test_every_audio_folder_is_checked(make_task, tmp_path):
    folder = make_task()
    shutil.copytree(folder / "16000", folder / "48000")
    with pytest.raises(ValueError, match="48000/train/.*48000"):
        write_manifest(tmp_path / "task.json", "t", [folder], {}, progress=False)
    shutil.rmtree(folder / "48000")
    metadata = json.loads((folder / "task_metadata.json").read_text())
    metadata["evaluation_params"] = {"task_specific_param_grid": {"max_epoch": [3]}}
    (folder / "task_metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="unknown key 'max_epoch'"):
        write_manifest(tmp_path / "task.json", "t", [folder], {}, progress=False)


def test_values_that_cannot_be_stored_are_refused_with_their_clip(make_task, model, tmp_path):
    model.embed = lambda audio, view: ({"E": torch.full((len(audio), 2), torch.nan)}, None)
    with pytest.raises(ValueError, match=r"/test_\d.wav and 3 more clips: .*test.E.npy: NaN"):
        embed_task([read_task(make_task())], model, "scene", tmp_path / "f", {}, progress=False)
    assert not list((tmp_path / "f").rglob("*.npy"))


def test_the_clip_that_cannot_be_embedded_is_the_one_named(make_task, model, tmp_path):
    folder = make_task()
    order = read_task(folder).order["test"]
    embed = model.embed

    def refuse_one(audio, view):
        if len(audio) > 1 or refuse_one.calls == 2:
            raise ValueError("no")
        refuse_one.calls += 1
        return embed(audio, view)

    refuse_one.calls = 0
    model.embed = refuse_one
    with pytest.raises(ValueError, match=f"{order[2]}: no"):
        embed_task([read_task(folder)], model, "scene", tmp_path / "f", {}, progress=False)


def test_models_that_do_not_follow_the_api_are_refused(tmp_path, model):
    with pytest.raises(ModelError, match="cannot be imported"):
        HearModel("no.such.module")
    path = tmp_path / "half.py"
    path.write_text("def load_model(): return None")
    with pytest.raises(ModelError, match="no function get_scene_embeddings"):
        HearModel(str(path))
    path.write_text(MODEL.replace("sample_rate = 32000", ""))
    with pytest.raises(ModelError, match="integer sample_rate"):
        HearModel(str(path))
    path.write_text(MODEL.replace("dim=1)\n\ndef get_t", "dim=1)[0]\n\ndef get_t"))
    with pytest.raises(ModelError, match="expected 2 axes and 2 sounds"):
        HearModel(str(path)).embed(torch.zeros(2, 3200), "scene")
    assert HearModel(str(tmp_path / "model.py"), options={"gain": 2.0}).model.gain == 2.0
    with pytest.raises(ModelError, match="load_model failed: TypeError"):
        HearModel(str(tmp_path / "model.py"), options={"gian": 2.0})
    (tmp_path / "neighbor.py").write_text("X = 1")
    path.write_text("from neighbor import X\n" + MODEL)
    assert HearModel(str(path)).sample_rate == 32000
    assert model.fingerprint() == HearModel(str(tmp_path / "model.py")).fingerprint()


def test_unreadable_predictions_are_named(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"junk")
    with pytest.raises(ValueError, match="x.npz: not a readable file of predictions"):
        load_predictions(tmp_path / "x.npz")
