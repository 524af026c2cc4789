"""From a task folder to scores: features on disk, predictions, scoring from predictions alone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from hear.api.model import HearModel
from hear.api.source import ModelError
from hear.features.embed import embed_task
from hear.features.store import StoredSplit, publish, read_stored
from hear.probe.predict import predict_task, split_targets
from hear.probe.training import ProbeError
from hear.protocol import Postprocessing, Protocol
from hear.scores.files import load_predictions, read_header, save_predictions
from hear.scores.score import score_predictions
from hear.tasks.audio_checks import source_sample_rate
from hear.tasks.check import write_manifest
from hear.tasks.folder import read_task
from hear.tasks.manifest import (
    ChangedError,
    chance_level,
    clip_sources,
    read_manifest,
    task_hashes,
    task_rows,
    task_warnings,
    unchanged,
)
from hear.tasks.problems import TaskError
from tests.hear.small_model import HEAR_MODEL

QUICK = Protocol(n_grid_points=1, hidden_dim=16, max_epochs=6, patience=2)

UNKNOWN = "task_metadata.json: evaluation: top5_acc is unknown and ignored"


def run(folder: Path, model: HearModel, view: str, directory: Path, seed: int = 42):
    task = read_task(folder)
    embed_task([task], model, {view: directory}, {"source": "m"}, progress=False)
    publish(directory)
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


def test_scores_need_stored_predictions_and_their_postprocessing_only(make_task, model, tmp_path):
    folder = make_task(embedding_type="event", sample_duration=0.25)
    header, arrays = run(folder, model, "timestamp", tmp_path / "features")
    arrays["0/0/probabilities"][:] = arrays["0/0/targets"]
    save_predictions(tmp_path / "p.npz", header, arrays)
    shutil.rmtree(tmp_path / "features")
    header, arrays = load_predictions(tmp_path / "p.npz")

    def score(min_duration_ms: float) -> float | None:
        chosen = header["folders"][0]["folds"][0]["chosen"]
        chosen["postprocessing"] = Postprocessing(0, min_duration_ms)._asdict()
        rows = score_predictions(header, arrays)
        return {row["metric"]: row["score"] for row in rows}["event_onset_200ms_fms"]

    assert score(0) == 1.0
    assert score(1e6) is None  # no event is that long


def test_failures_name_task_embedding_and_fold(make_task, model, tmp_path):
    folder = make_task(splits=("fold00", "fold01", "fold02"), n_clips=1)
    with pytest.raises(ProbeError, match="tones-v1-full from m, fold fold00, .* one row"):
        run(folder, model, "scene", tmp_path / "features")


@pytest.mark.slow
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


def test_features_of_another_task_are_refused(make_task):
    task = read_task(make_task())
    with pytest.raises(ValueError, match="expected 4 rows of features, found 3"):
        split_targets(task, "train", StoredSplit(np.zeros((3, 2), np.float32)))


def test_a_manifest_has_the_sources_of_every_part(make_task, tmp_path):
    folders = [make_task("tones-v1-full"), make_task("tones2-v1-full")]
    path, sources = tmp_path / "task.json", {"test": {"test_0.wav": "Ann"}}
    (folders[1] / "sources.json").write_text(json.dumps(sources))
    write_manifest(path, "tones", folders, {}, progress=False)
    assert clip_sources(path) == {"tones2-v1-full/test": {"test_0.wav": "Ann"}}
    write_manifest(path, "tones", folders[1:], {}, progress=False)
    assert clip_sources(path) == sources


def test_manifest_round_trip(make_task, tmp_path):
    folder = make_task()
    path = tmp_path / "resources" / "task.json"
    written = write_manifest(path, "tones", [folder], {"seed": 0}, progress=False)
    manifest, folders = read_manifest(path)
    assert manifest == written and folders[0].path == folder
    assert list(task_hashes(manifest)) == [folder.name]
    row = task_rows([path], {"tones": "music"}, {})[0]
    assert (row["n_clips"], row["n_folds"], row["category"]) == (12, 1, "music")
    assert row["chance"] == 0.5 and row["n_events"] is row["n_test_events"] is None


def test_a_task_that_changes_after_its_check_or_while_it_is_read_is_named(make_task, tmp_path):
    folder, path = make_task(), tmp_path / "task.json"  # beside the folder: it was made
    clip = next((folder / "16000" / "test").iterdir())
    manifest = write_manifest(path, "tones", [folder], {}, progress=False)
    folders, whole = read_manifest(path)[1], clip.read_bytes()

    def change() -> None:
        clip.write_bytes(whole[:-2] + b"\x01\x02")
        os.utime(clip, (0, 0))

    with unchanged(path, manifest, folders):
        pass
    with pytest.raises(ChangedError, match=clip.name), unchanged(path, manifest, folders):
        change()
    with pytest.raises(TaskError, match=f"{clip.name}.*changed since .*remove {tmp_path} and"):
        with unchanged(path, manifest, folders):
            pytest.fail("it was read")
    clip.write_bytes(whole)
    with unchanged(path, manifest, folders):  # changed in time alone
        pass
    path = tmp_path / "elsewhere" / "task.json"
    write_manifest(path, "tones", [folder], {}, progress=False)
    labels = folder / "test.json"
    labels.write_text(labels.read_text().replace("low", "high"))
    with pytest.raises(TaskError, match=rf"test\.json: changed .*remove {path} and start"):
        read_manifest(path)


def test_events_are_counted_in_all_and_in_what_is_tested(make_task, tmp_path):
    folder, path = make_task(embedding_type="event"), tmp_path / "task.json"
    clips = json.loads((folder / "test.json").read_text())
    first = next(iter(clips))
    clips[first] = [*clips[first], *clips[first]]
    (folder / "test.json").write_text(json.dumps(clips))
    write_manifest(path, "tones", [folder], {"seed": 0}, progress=False)
    row = task_rows([path], {"tones": "music"}, {})[0]
    n_tested = sum(map(len, clips.values()))
    assert row["n_test_events"] == n_tested == len(clips) + 1
    assert row["n_events"] > n_tested


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


@pytest.mark.parametrize("damage", ["empty", "partial", "other rate"])
def test_an_audio_folder_that_no_model_needs_is_passed_over(make_task, tmp_path, damage):
    folder = make_task(rate_hz=48000)
    shutil.copytree(folder / "48000", folder / "16000")  # its headers say 48000 Hz
    if damage != "other rate":
        shutil.rmtree(folder / "16000" / "train")
    if damage == "empty":
        shutil.rmtree(folder / "16000")
        (folder / "16000").mkdir()
    path = tmp_path / "task.json"
    write_manifest(path, "tones", [folder], {"seed": 0}, progress=False)
    manifest, (task,) = read_manifest(path)
    assert source_sample_rate(task, 16000) == source_sample_rate(task, 32000) == 48000
    (warning,) = task_warnings(manifest)
    assert warning.startswith(f"{folder.name}/16000: models read another rate instead")
    shutil.rmtree(folder / "16000")
    shutil.copytree(make_task("low-v1-full") / "16000", folder / "16000")
    write_manifest(path, "tones", [folder], {"seed": 0}, progress=False)
    manifest, (task,) = read_manifest(path)
    assert source_sample_rate(task, 16000) == 16000 and task_warnings(manifest) == []


def test_warnings_reach_the_task_table_and_the_terminal(make_task, tmp_path, capsys):
    folder = make_task("maestro-v3.0.0-5h", evaluation=["top1_acc", "top5_acc"])
    path = tmp_path / "task.json"
    origin = {"archives": {}, "warnings": ["a.tar.gz: links left out: x"]}
    write_manifest(path, "maestro", [folder], origin, is_official=True)
    found = task_rows([path], {"maestro": "music"}, {})[0]["warnings"].split("; ")
    assert found[:2] == ["a.tar.gz: links left out: x", f"{folder.name}/{UNKNOWN}"]
    assert found[2].startswith(f"{folder.name}/task_metadata.json: HEAR prescribes max_epochs 50,")
    said = capsys.readouterr().err
    assert all(f"warning: {warning}" in said for warning in found)
    write_manifest(path, "maestro", [folder], {}, progress=False)  # a user's task of this name
    assert task_rows([path], {"maestro": "music"}, {})[0]["warnings"] == f"{folder.name}/{UNKNOWN}"


def test_models_that_do_not_follow_the_api_are_refused(tmp_path, model):
    with pytest.raises(ModelError, match="cannot be imported"):
        HearModel("no.such.module")
    path = tmp_path / "half.py"
    path.write_text("def load_model(): return None")
    with pytest.raises(ModelError, match="no function get_scene_embeddings"):
        HearModel(str(path))
    path.write_text(HEAR_MODEL.replace("sample_rate = 32000", ""))
    with pytest.raises(ModelError, match="integer sample_rate"):
        HearModel(str(path))
    path.write_text(HEAR_MODEL.replace("dim=1)\n\ndef get_t", "dim=1)[0]\n\ndef get_t"))
    with pytest.raises(ModelError, match="expected 2 axes and 2 sounds"):
        HearModel(str(path)).embed(torch.zeros(2, 3200), "scene")
    assert HearModel(str(tmp_path / "model.py"), options={"gain": 2.0}).model.gain == 2.0
    with pytest.raises(ModelError, match="load_model failed: TypeError"):
        HearModel(str(tmp_path / "model.py"), options={"gian": 2.0})
    (tmp_path / "neighbor.py").write_text("X = 1")
    path.write_text("from neighbor import X\n" + HEAR_MODEL)
    assert HearModel(str(path)).sample_rate == 32000
    assert model.fingerprint() == HearModel(str(tmp_path / "model.py")).fingerprint()


@pytest.mark.parametrize("header", ["[]", "[" * 100_000, None])
def test_unreadable_predictions_are_named(tmp_path, header):
    path = tmp_path / "x.npz"
    np.savez(path, header=np.array(header or "{}"))
    if header is None:  # packed in a way that zipfile does not know
        content = path.read_bytes()
        method = content.index(b"PK\1\2") + 10
        path.write_bytes(content[:method] + b"\x63\0" + content[method + 2 :])
    with pytest.raises(ValueError, match="x.npz: not a readable file of predictions"):
        load_predictions(path)
    assert read_header(path) == {}
