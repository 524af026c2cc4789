"""Shares of a training part: nested, by label, and refused where they are too small."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from hear.features.store import StoredSplit
from hear.probe.predict import predict_task
from hear.probe.train_part import draw_train_clips
from hear.probe.training import TrainPartError
from hear.probes import PROBES, Evaluation
from hear.protocol import Protocol
from hear.scores.bootstrap import bootstrap_study
from hear.scores.files import save_predictions
from hear.tasks.folder import read_task

QUICK = Protocol(n_grid_points=1, hidden_dim=8, max_epochs=3)
N_ROWS = 5  # of each clip of an event task


def read_split(folder, split):
    """Noise for every clip; of event tasks for several timestamps."""
    rng, n_clips = np.random.default_rng(0), len(folder.order[split])
    if folder.embedding_type == "scene":
        return StoredSplit(rng.standard_normal((n_clips, 4), np.float32))
    features = rng.standard_normal((n_clips * N_ROWS, 4), np.float32)
    return StoredSplit(features, np.tile(50.0 * np.arange(N_ROWS), n_clips), [N_ROWS] * n_clips)


def predict(folder, probe: str = "mlp", fraction: float = 1.0, seed: int = 1, **changes):
    protocol = Protocol(**(vars(QUICK) | changes))
    return predict_task(
        [folder], read_split, protocol, seed, {"embedding": "e"}, False,
        evaluation=Evaluation(PROBES[probe], fraction),
    )  # fmt: skip


def set_labels(path, labels: dict) -> None:
    for split in path.glob("t*.json"):
        if split.stem in ("train", "test"):
            clips = json.loads(split.read_text())
            named = zip(clips, labels, strict=True)
            split.write_text(json.dumps({clip: labels[key] for clip, key in named}))


def kept_clips(folder, fraction: float, seed: int = 1) -> list[set]:
    """Clips of each fold's share."""
    return [
        {
            (split, folder.order[split][i])
            for split, kept in draw_train_clips(folder, fold, fraction, seed).items()
            for i in np.flatnonzero(kept)
        }
        for fold in folder.folds
    ]


@pytest.mark.parametrize("splits", [("train", "valid", "test"), ("fold00", "fold01", "fold02")])
def test_shares_are_nested_by_label_and_of_their_size(make_task, splits):
    folder = read_task(make_task(splits=splits, n_clips=10, sample_duration=None))
    shares = [kept_clips(folder, fraction) for fraction in (0.2, 0.4, 0.7, 1.0)]
    for fold, few, more, most, whole in zip(folder.folds, *shares, strict=True):
        assert few < more < most < whole
        assert whole == {(s, file) for s in fold.train for file in folder.order[s]}
        for kept, fraction in ((few, 0.2), (more, 0.4), (most, 0.7)):
            assert len(kept) == round(fraction * len(whole))
            counts = Counter(folder.clips[split][file][0] for split, file in kept)
            assert max(counts.values()) - min(counts.values()) <= 1 and len(counts) == 2
    assert kept_clips(folder, 0.4) == shares[1] != kept_clips(folder, 0.4, seed=2)


def test_unequal_labels_keep_their_proportions_and_the_rarest_comes_first(make_task):
    path = make_task(n_clips=10)
    labels = {i: ["low"] if i else ["high"] for i in range(10)}
    set_labels(path, labels)
    folder = read_task(path)
    for fraction in (0.2, 0.5):
        (kept,) = kept_clips(folder, fraction)
        assert Counter(folder.clips[s][f][0] for s, f in kept)["high"] == 1
    with pytest.raises(TrainPartError, match="1 of 10 training clips.*leave no clip of 1 labels"):
        kept_clips(folder, 0.1)


def test_a_clip_of_several_labels_is_drawn_as_one_of_its_rarest(make_task):
    path = make_task(n_clips=10, prediction_type="multilabel", evaluation=["mAP"])
    set_labels(path, {i: ["low", "high"] if i == 3 else ["low"] for i in range(10)})
    folder = read_task(path)
    for seed in range(5):
        assert ("train", "train_3.wav") in kept_clips(folder, 0.2, seed)[0]
    set_labels(path, dict.fromkeys(range(10), []))
    assert len(kept_clips(read_task(path), 0.3)[0]) == 3  # without labels none can be missing


@pytest.mark.parametrize("probe", [name for name, probe in PROBES.items() if probe.is_trained])
def test_all_clips_are_the_reference_and_fewer_another_prediction(make_task, probe):
    """Of the same test clips; of an event task with all rows of the clips that are kept."""
    folder = read_task(make_task(embedding_type="event", n_clips=8))
    plain = predict_task([folder], read_split, QUICK, 1, {"embedding": "e"}, False)
    header, whole = predict(folder, probe)
    if probe == "mlp":
        assert header == plain[0]
    else:
        assert header["folders"][0]["protocol"]["hidden_layers"] == (0,)
    half_header, half = predict(folder, probe, 0.5)
    assert half.keys() == whole.keys() == plain[1].keys()
    files = [h["folders"][0]["folds"][0]["files"] for h in (header, half_header)]
    assert files[0] == files[1]
    for key, array in whole.items():
        assert np.array_equal(array, plain[1][key]) == (probe == "mlp" or "prob" not in key)
        assert np.array_equal(array, half[key]) == ("prob" not in key)
    # The rows are those of whole clips: 4 of 8, so that batches of 19 rows leave one.
    assert "left_out" in predict(folder, "mlp", 0.5, batch_size=19)[0]
    assert "left_out" not in predict(folder, "linear", 0.5, batch_size=19)[0]


def test_a_share_that_is_too_small_leaves_the_task_out(make_task, tmp_path):
    folder = read_task(make_task(n_clips=4))
    header, arrays = predict(folder, fraction=0.2)
    assert header["folders"] == [] and not arrays and "leave no clip" in header["left_out"]
    with pytest.raises(TrainPartError, match="one row"):
        predict(folder, batch_size=3)  # with all clips it is an error
    save_predictions(tmp_path / "a.npz", header, arrays)
    found, _ = bootstrap_study({"t": [tmp_path / "a.npz"]}, {"t": {}}, 20, 0, progress=False)
    assert found["tasks"] == {}
    # Left out with one seed: with all.
    save_predictions(tmp_path / "b.npz", *predict(folder, fraction=0.5, seed=2))
    both = {"t": [tmp_path / "a.npz", tmp_path / "b.npz"]}
    assert bootstrap_study(both, {"t": {}}, 20, 0, progress=False)[0]["tasks"] == {}
    found, _ = bootstrap_study({"t": both["t"][1:]}, {"t": {}}, 20, 0, progress=False)
    assert found["tasks"].keys() == {"t"}
