"""Scores of single labels: those of scikit-learn on pooled folds, and of events label by label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn

from hear.metrics.events import FMeasure
from hear.scores.files import save_predictions
from hear.scores.labels import LABEL_SCORES, score_labels

LABELS = ["a", "b", "c", "on no clip"]
SIZES = (40, 25)  # clips of each fold


def save(path: Path, seed: int, targets: list, values: list, **folder: object) -> Path:
    """A file of predictions whose folds have these targets and probabilities."""
    folds = [
        {"name": f"fold{j}", "files": [f"{j}_{i}" for i in range(len(target))]}
        for j, target in enumerate(targets)
    ]
    entry = {"name": "t", "labels": LABELS, "metrics": ["top1_acc"], "embedding_type": "scene"}
    header = {"seed": seed, "provenance": {"embedding": "m"}}
    header |= {"folders": [entry | {"folds": folds} | folder]}
    arrays = {}
    for j, (target, value) in enumerate(zip(targets, values, strict=True)):
        arrays |= {f"0/{j}/targets": target, f"0/{j}/probabilities": value}
    save_predictions(path, header, arrays)
    return path


def predictions(rng: np.random.Generator) -> tuple[list, list]:
    """One-hot targets and probabilities of two folds; one label is on no clip."""
    targets = [np.eye(4, dtype=np.uint8)[rng.integers(3, size=n)] for n in SIZES]
    values = [(t + 2 * rng.random(t.shape)).astype(np.float32) for t in targets]
    return targets, values


@pytest.mark.filterwarnings("ignore:Only one class|No positive class")
def test_clips_with_one_label_are_scored_as_scikit_learn_scores_the_pooled_folds(tmp_path):
    rng, expected = np.random.default_rng(0), []
    paths = []
    for seed in (1, 2):
        targets, values = predictions(rng)
        paths.append(save(tmp_path / f"{seed}.npz", seed, targets, values))
        target, value = np.concatenate(targets), np.concatenate(values)
        true, found = target.argmax(axis=1), value.argmax(axis=1)
        places = {"labels": range(4)}
        precision, recall, f_measure, n = sklearn.precision_recall_fscore_support(
            true, found, **places, zero_division=np.nan
        )
        curves = [
            [function(target[:, i], value[:, i]) if i < 3 else np.nan for i in range(4)]
            for function in (sklearn.average_precision_score, sklearn.roc_auc_score)
        ]
        matrix = sklearn.confusion_matrix(true, found, **places)
        expected.append((n, (recall, precision, f_measure, *curves), matrix))
    alone = score_labels(paths[:1])["m"]
    assert alone.labels == LABELS and alone.n.tolist() == expected[0][0].tolist()
    np.testing.assert_array_equal(alone.confusions, expected[0][2])
    for name, values in zip(LABEL_SCORES, expected[0][1], strict=True):
        np.testing.assert_allclose(alone.scores[name], values, rtol=1e-12, err_msg=name)
    both = score_labels(paths)["m"]
    np.testing.assert_array_equal(both.confusions, (expected[0][2] + expected[1][2]) / 2)
    means = np.mean([expected[0][1][0], expected[1][1][0]], axis=0)
    np.testing.assert_allclose(both.scores["recall"], means)


def test_clips_with_several_labels_have_no_confusions(tmp_path):
    targets, values = predictions(np.random.default_rng(0))
    targets[0][0] = [1, 1, 0, 0]
    found = score_labels([save(tmp_path / "p.npz", 1, targets, values)])["m"]
    assert found.confusions is None
    assert all(np.isnan(found.scores[name]).all() for name in ("recall", "precision", "f_measure"))
    assert np.isfinite(found.scores["average_precision"][:3]).all()


def test_events_are_scored_label_by_label(tmp_path):
    """100 frames of 20 ms of two files; what is predicted is late, too much, and too little."""
    times, rng = np.arange(100) * 20.0, np.random.default_rng(0)
    active = np.zeros((2, 100, 4), np.uint8)
    for file, first, label in ((0, 10, 0), (0, 60, 1), (1, 30, 0), (1, 70, 2)):
        active[file, first : first + 15, label] = 1
    value = 0.9 * np.roll(active, 3, axis=1) + 0.05 * rng.random(active.shape)
    value[1, :, 2] = 0
    value[0, 80:95, 0] = 0.8
    reference = {
        f"0_{file}": [
            {"label": LABELS[label], "start": 20.0 * first, "end": 20.0 * (first + 14)}
            for of, first, label in ((0, 10, 0), (0, 60, 1), (1, 30, 0), (1, 70, 2))
            if of == file
        ]
        for file in (0, 1)
    }
    chosen = {"postprocessing": {"median_filter_ms": 0, "min_duration_ms": 0}}
    fold = {"name": "test", "files": ["0_0", "0_1"], "reference": reference, "chosen": chosen}
    path = save(
        tmp_path / "p.npz", 1, [active.reshape(200, 4)], [value.reshape(200, 4)],
        folds=[fold], embedding_type="event",
        metrics=["segment_1s_er", "event_onset_50ms_fms", "event_onset_200ms_fms"],
    )  # fmt: skip
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays |= {"0/0/timestamps_ms": np.tile(times, 2), "0/0/n_rows": np.array([100, 100])}
    np.savez(path, **arrays)
    found = score_labels([path])["m"]
    assert found.n.tolist() == [2, 1, 1, 0] and found.confusions is None
    assert found.scores["recall"].tolist()[:3] == [0, 0, 0]  # 60 ms late: not within 50 ms
    arrays["header"] = np.array(str(arrays["header"]).replace('"event_onset_50ms_fms", ', ""))
    np.savez(path, **arrays)
    scores = score_labels([path])["m"].scores
    np.testing.assert_array_equal(scores["recall"], [1, 1, 0, np.nan])
    np.testing.assert_allclose(scores["precision"], [2 / 3, 1, np.nan, np.nan])
    np.testing.assert_allclose(scores["f_measure"], [0.8, 1, 0, np.nan])
    assert np.isnan(scores["average_precision"]).all()


def test_events_of_labels_add_up_to_those_of_files():
    rng = np.random.default_rng(0)

    def events() -> dict:
        return {
            file: [
                {"label": LABELS[rng.integers(3)], "start": start, "end": start + 100}
                for start in np.sort(rng.uniform(0, 5000, 40))
            ]
            for file in "xyz"
        }

    measure, reference, estimated = FMeasure(0.1), events(), events()
    by_file = measure.counts(reference, estimated, LABELS)
    by_label = measure.counts(reference, estimated, LABELS, by="label")
    assert by_file.sum(axis=0).tolist() == by_label.sum(axis=0).tolist() and by_label[0, 0] > 0
    for i, label in enumerate(LABELS):
        mine = [
            {file: [e for e in of[file] if e["label"] == label] for file in of}
            for of in (reference, estimated)
        ]
        assert measure.counts(*mine, LABELS).sum(axis=0).tolist() == by_label[i].tolist()
