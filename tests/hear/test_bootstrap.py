"""Bootstrapped scores: those of the metrics on the drawn clips, paired, seeded, clear on errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hear.metrics.events import FMeasure
from hear.metrics.registry import METRICS
from hear.scores.bootstrap import (
    BootstrapError,
    bootstrap_study,
    bootstrap_task,
    draw_task,
    draw_weights,
)
from hear.scores.files import load_predictions, save_predictions

N_CLIPS, N_LABELS, N_DRAWS = 60, 4, 25
WEIGHTED = [s for s, metric in METRICS.items() if metric.kind == "clip" and metric.weighted]


def clips(seed: int = 0, n_clips: int = N_CLIPS) -> tuple[np.ndarray, np.ndarray]:
    """One-hot targets and probabilities that know a little, with many ties."""
    rng = np.random.default_rng(seed)
    target = np.eye(N_LABELS, dtype=np.float32)[rng.integers(N_LABELS, size=n_clips)]
    value = np.round(0.6 * target + rng.random((n_clips, N_LABELS)), 1)
    return target, (value / value.sum(axis=1, keepdims=True)).astype(np.float32)


def drawn_rows(weights: np.ndarray) -> np.ndarray:
    """Rows of the drawn clips, each as often as it was drawn."""
    return np.repeat(np.arange(len(weights)), weights.astype(int))


@pytest.mark.parametrize("slug", WEIGHTED)
def test_weights_are_the_metric_on_the_drawn_clips(slug: str) -> None:
    target, value = clips()
    weights = draw_weights(N_CLIPS, N_DRAWS, np.random.default_rng(1))
    fast = METRICS[slug].weighted(target, value, weights)
    for row, found in zip(weights, fast, strict=True):
        rows = drawn_rows(row)
        expected = METRICS[slug].primary(target[rows], value[rows])
        assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("slug", ["mAP", "aucroc", "d_prime"])
def test_labels_that_no_drawn_clip_has(slug: str) -> None:
    target, value = clips()
    weights = np.ones((1, N_CLIPS), np.float32)
    weights[0, target[:, 2] == 1] = 0
    rows = drawn_rows(weights[0])
    expected = METRICS[slug].primary(target[rows], value[rows])
    found = METRICS[slug].weighted(target, value, weights)[0]
    assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)
    assert np.isnan(found) == (slug != "mAP")


def events(seed: int, n_files: int = 12) -> dict[str, list[dict]]:
    """Events on a coarse raster, so that two seeds agree on some; one file has none."""
    rng = np.random.default_rng(seed)
    found = {}
    for i in range(n_files):
        starts = np.sort(rng.integers(0, 20, size=0 if i == 3 else 6)) * 300.0
        labels = rng.choice(["a", "b"], size=len(starts))
        pairs = zip(labels, starts, strict=True)
        found[f"{i}.wav"] = [{"label": s, "start": t, "end": t + 250} for s, t in pairs]
    return found


@pytest.mark.parametrize("metric", [FMeasure(0.2), FMeasure(0.05, 0.2)])
def test_counts_of_events_add_up_over_files(metric: FMeasure) -> None:
    reference, estimated = events(0), events(1)
    files = list(estimated)
    weights = draw_weights(len(files), N_DRAWS, np.random.default_rng(2))
    fast = metric.weighted(reference, estimated, ["a", "b"], weights)
    for row, found in zip(weights, fast, strict=True):
        names = [(f"{n}", files[i]) for n, i in enumerate(drawn_rows(row))]
        copies = [{new: e[old] for new, old in names} for e in (reference, estimated)]
        assert found == pytest.approx(metric(*copies, ["a", "b"])["f_measure"], abs=1e-12)
    assert 0 < fast.min() and fast.max() < 1


def test_no_estimated_event_has_no_f_measure() -> None:
    two = [{"label": "a", "start": t, "end": t + 250} for t in (0, 1000)]
    reference = {"0.wav": [*two, two[0] | {"start": 2000, "end": 2100}], "1.wav": two}
    weights = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    found = FMeasure(0.2).weighted(reference, {"0.wav": [], "1.wav": two}, ["a"], weights)
    assert np.isnan(found[0]) and found[1] == 1 and found[2] == pytest.approx(4 / 7)


def test_a_fold_of_n_clips_is_drawn_n_minus_1_times() -> None:
    weights = draw_weights(7, 4000, np.random.default_rng(0))
    assert (weights.sum(axis=1) == 6).all()
    values = np.arange(7.0)
    variance = np.var(weights @ values / 6)  # of a mean: s**2 / n
    assert variance == pytest.approx(np.var(values, ddof=1) / 7, rel=0.1)
    assert np.isnan(draw_weights(1, 3, np.random.default_rng(0))).all()


def predictions(path: Path, embedding: str, seed: int = 42, n_clips: int = N_CLIPS) -> Path:
    """A file of predictions: two folds of clips."""
    folds, arrays = [], {}
    for j in range(2):
        target, value = clips(j, n_clips)
        rng = np.random.default_rng([j, seed, *embedding.encode()])
        noisy = value + rng.random(value.shape).astype(np.float32)
        arrays |= {f"0/{j}/targets": target.astype(np.uint8), f"0/{j}/probabilities": noisy}
        files = [f"{j}_{i}.wav" for i in range(n_clips)]
        folds.append({"name": f"fold{j:02d}", "files": files, "chosen": {}})
    folder = {"name": "t", "labels": list("abcd"), "metrics": ["top1_acc", "mAP"]}
    folder |= {"embedding_type": "scene", "folds": folds}
    header = {"seed": seed, "provenance": {"embedding": embedding}, "folders": [folder]}
    save_predictions(path, header, arrays)
    return path


def study(paths: list[Path], seed: int = 0) -> tuple[dict, dict]:
    """The bootstrap of one task, whose clips have no sources."""
    return bootstrap_study({"t": paths}, {"t": {}}, 50, seed, progress=False)


def test_shapes_and_scores_of_a_study(tmp_path: Path) -> None:
    paths = [predictions(tmp_path / f"{e}{s}.npz", e, s) for e in "ab" for s in (1, 2)]
    header, arrays = study(paths)
    entry = header["tasks"]["t"]
    assert entry["embeddings"] == ["a", "b"] and entry["seeds"] == [1, 2]
    assert entry["folds"] == ["fold00", "fold01"] and entry["n_clips"] == 2 * N_CLIPS
    assert entry["n_scored"] == entry["n_clips"]
    assert entry["drawn"] == "clips" and entry["degrees_of_freedom"] == 2 * (N_CLIPS - 1)
    assert arrays["t/scores"].shape == (2, 2)
    assert arrays["t/replicates"].shape == (2, 2, 50)
    deviation = arrays["t/replicates"].mean(axis=2) - arrays["t/scores"]
    assert np.abs(deviation).max() < 0.05  # draws scatter around the score


def test_models_share_the_drawn_clips(tmp_path: Path) -> None:
    same = [predictions(tmp_path / f"{i}.npz", "a", seed=s) for i, s in enumerate((1, 2))]
    copy = tmp_path / "copy.npz"
    copy.write_bytes(same[0].read_bytes())
    replicates = bootstrap_task(same, {}, 50, 0)[2][0]
    again = bootstrap_task([copy], {}, 50, 0)[2][0]
    assert (replicates[0] == again[0]).all()
    assert (replicates[0] != replicates[1]).any()


def test_draws_depend_on_the_seed_and_the_clips_names_alone(tmp_path: Path) -> None:
    """Two tasks with the same test clips, which store them in different orders."""
    path = predictions(tmp_path / "a.npz", "a")
    header, arrays = load_predictions(path)
    header["folders"][0]["folds"][0]["files"].reverse()
    arrays |= {k: v[::-1] for k, v in arrays.items() if k.startswith("0/0/")}
    save_predictions(tmp_path / "turned.npz", header, arrays)
    tasks = {"s": [tmp_path / "turned.npz"], "t": [path]}
    found = bootstrap_study(tasks, dict.fromkeys(tasks, {}), 50, seed=0, progress=False)[1]
    np.testing.assert_allclose(found["s/replicates"], found["t/replicates"], rtol=1e-6)
    alone = study([path])[1]["t/replicates"]
    other_clips = predictions(tmp_path / "b.npz", "a", n_clips=N_CLIPS - 1)
    assert (alone == found["t/replicates"]).all()
    assert (study([path], seed=1)[1]["t/replicates"] != alone).any()
    assert (study([other_clips])[1]["t/replicates"] != alone).any()


def in_folds(sizes: list[list[int]]) -> tuple[dict, dict]:
    """Clips of folds, and their sources: of each fold the numbers of clips that share one."""
    folds = {f"f{j}": [f"{j}_{i}" for i in range(sum(of))] for j, of in enumerate(sizes)}
    sources = {
        name: dict(zip(clips, np.repeat([f"{name} {k}" for k in range(len(of))], of), strict=True))
        for (name, clips), of in zip(folds.items(), sizes, strict=True)
    }
    return folds, sources


def test_clips_of_a_source_are_drawn_together() -> None:
    folds, sources = in_folds([[3, 3, 3], [2, 2, 2, 2]])
    draws = draw_task(folds, sources, 40, seed=0)
    assert (draws.drawn, draws.n_sources, draws.degrees_of_freedom) == ("sources", 7, 5)
    for weights, size, n_drawn in zip(draws.clips, (3, 2), (2, 3), strict=True):
        by_source = weights.reshape(40, -1, size)
        assert (by_source == by_source[:, :, :1]).all()
        assert (weights.sum(axis=1) == size * n_drawn).all()
    uneven = draw_task(*in_folds([[9, 1, 1, 1, 1, 1]] * 10), 1, seed=0)
    assert uneven.degrees_of_freedom == pytest.approx(10 * (14**2 / 86 - 1))


def test_a_clip_without_a_source_is_one_of_its_own() -> None:
    folds, sources = in_folds([[3, 3, 3, 3, 3, 3]])
    del sources["f0"]["0_0"]
    draws = draw_task(folds, sources, 400, seed=0)
    assert draws.n_sources == 7
    assert (draws.clips[0][:, 1] == draws.clips[0][:, 2]).all()
    assert (draws.clips[0][:, 0] != draws.clips[0][:, 1]).any()


def test_folds_of_one_source_each_are_drawn_whole() -> None:
    folds, sources = in_folds([[4]] * 7)
    draws = draw_task(folds, sources, 40, seed=0)
    assert (draws.drawn, draws.degrees_of_freedom) == ("sources", 6)
    assert draws.folds.shape == (40, 7) and (draws.folds.sum(axis=1) == 6).all()
    assert all((weights == 1).all() for weights in draws.clips)


@pytest.mark.parametrize("sizes", [[[4, 4, 4]], [[9], [9]], [[3], [3, 3, 3, 3, 3, 3]]])
def test_too_few_sources_leave_the_clips_to_be_drawn(sizes: list) -> None:
    folds, sources = in_folds(sizes)
    draws = draw_task(folds, sources, 40, seed=0)
    assert draws.drawn == "clips" and draws.n_sources == sum(map(len, sizes))
    assert draws.degrees_of_freedom == sum(sum(of) - 1 for of in sizes)


def test_replicates_over_whole_folds_are_means_of_their_scores(tmp_path: Path) -> None:
    path, arrays, folds = tmp_path / "a.npz", {}, []
    for j in range(6):
        arrays |= {f"0/{j}/targets": np.eye(2, dtype=np.uint8)[[0] * 10]}
        arrays |= {f"0/{j}/probabilities": np.eye(2, dtype=np.float32)[[0] * j + [1] * (10 - j)]}
        files = [f"{j}_{i}" for i in range(10)]
        folds.append({"name": f"f{j}", "files": files, "chosen": {}})
    folder = {"name": "t", "labels": ["a", "b"], "metrics": ["top1_acc"]}
    folder |= {"embedding_type": "scene", "folds": folds}
    header = {"seed": 1, "provenance": {"embedding": "a"}, "folders": [folder]}
    save_predictions(path, header, arrays)
    sources = {fold["name"]: dict.fromkeys(fold["files"], fold["name"]) for fold in folds}
    entry, scores, replicates = bootstrap_task([path], sources, 2000, 0)
    assert entry["drawn"] == "sources" and scores[0, 0] == pytest.approx(0.25)
    assert replicates.mean() == pytest.approx(0.25, abs=0.01)
    assert replicates.var() == pytest.approx(np.var(np.arange(6) / 10, ddof=1) / 6, rel=0.1)


@pytest.mark.parametrize(("n_files", "counted"), [(3, 0.0), (1, np.nan)])
def test_an_undefined_f_measure_counts_as_its_metric_says(
    tmp_path: Path, n_files: int, counted: float
) -> None:
    """No event predicted is 0 in aggregates; of a single file no spread is known."""
    arrays = {
        "0/0/probabilities": np.zeros((4 * n_files, 1), np.float32),
        "0/0/targets": np.ones((4 * n_files, 1), np.uint8),
        "0/0/timestamps_ms": np.tile(50.0 * np.arange(4), n_files),
        "0/0/n_rows": np.full(n_files, 4),
    }
    names = [f"{i}.wav" for i in range(n_files)]
    reference = {
        name: [{"label": "a", "start": t, "end": t + 100} for t in (0.0, 150.0)] for name in names
    }
    chosen = {"postprocessing": {"median_filter_ms": 150, "min_duration_ms": 50}}
    fold = {"name": "test", "files": names, "chosen": chosen, "reference": reference}
    folder = {"name": "t", "labels": ["a"], "metrics": ["event_onset_200ms_fms"]}
    folder |= {"embedding_type": "event", "folds": [fold]}
    header = {"seed": 1, "provenance": {"embedding": "a"}, "folders": [folder]}
    save_predictions(tmp_path / "a.npz", header, arrays)
    entry, scores, replicates = bootstrap_task([tmp_path / "a.npz"], {}, 5, 0)
    assert scores.tolist() == [[0.0]] and entry["n_scored"] == 2 * n_files
    np.testing.assert_array_equal(replicates[0, 0], [counted] * 5)


def test_a_single_clip_says_nothing_of_its_spread(tmp_path: Path) -> None:
    path = predictions(tmp_path / "a.npz", "a", n_clips=1)
    _, scores, replicates = bootstrap_task([path], {}, 5, 0)
    assert np.isfinite(scores).all() and np.isnan(replicates).all()


def test_predictions_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    first = predictions(tmp_path / "a.npz", "a")
    other = predictions(tmp_path / "b.npz", "b", n_clips=N_CLIPS - 1)
    with pytest.raises(BootstrapError, match="b.npz: expected the same metric, folds and test"):
        bootstrap_task([first, other], {}, 5, 0)
    with pytest.raises(BootstrapError, match="once, found it twice"):
        bootstrap_task([first, first], {}, 5, 0)
    with pytest.raises(BootstrapError, match="every embedding with every seed"):
        seeds = [predictions(tmp_path / f"{e}{s}", e, s) for e, s in (("a", 1), ("a", 2), ("b", 1))]
        bootstrap_task(seeds, {}, 5, 0)
    with pytest.raises(BootstrapError, match="found none"):
        bootstrap_task([], {}, 5, 0)
    header, arrays = load_predictions(first)
    header["folders"][0]["metrics"] = ["segment_1s_er"]
    save_predictions(tmp_path / "c.npz", header, arrays)
    with pytest.raises(BootstrapError, match="c.npz: primary metric segment_1s_er: expected one"):
        bootstrap_task([tmp_path / "c.npz"], {}, 5, 0)
    (tmp_path / "broken.npz").write_bytes(b"x")
    with pytest.raises(ValueError, match="broken.npz: not a readable file"):
        bootstrap_task([tmp_path / "broken.npz"], {}, 5, 0)
