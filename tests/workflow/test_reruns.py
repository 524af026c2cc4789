"""What a change makes again, in a finished study: all that depends on it, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from tones import STUDY, calls, contents, jobs, numbers, output, planned, run, stored, write_weights

from analysis.exhibits.registry import EXHIBITS
from workflow.study.code import code_of

pytestmark = pytest.mark.slow

SCORES = "results/mine/scores.csv"
COMPUTE = {"validate", "fetch_task", "embed_scene", "embed_event", "predict_scene", "predict_event"}


def test_a_clone_can_be_moved(clone):
    moved = clone.rename(clone.with_name("moved"))
    assert planned(moved) == {}


def test_a_deleted_array_is_made_again_and_no_other(clone):
    before, files, called = contents(clone), numbers(clone), calls(clone)
    features = "features/tiny/tones_event/rf160/M.npy"
    (predictions,) = (
        name for name in files if name.endswith("tiny.scene.M/tones_scene/seed42.npz")
    )
    for name in (features, predictions):
        stored(clone)[name].unlink()
    done = run(clone, SCORES, f"results/mine/{features}", f"results/mine/{predictions}")
    assert done.returncode == 0, done.stdout
    # Jobs that follow may start; what they have stored already is not computed again.
    assert set(jobs(done.stdout)) & COMPUTE == {"embed_event", "predict_event", "predict_scene"}
    assert contents(clone) == before and calls(clone) == called
    written = {name for name, number in numbers(clone).items() if number != files[name]}
    assert {features, predictions} <= written
    assert written <= {features, predictions, "features/tiny/tones_event/rf160/H.npy"}


def test_a_variant_that_needs_one_new_view_computes_that_view(clone):
    before, files, called = contents(clone), numbers(clone), calls(clone)
    config = yaml.safe_load((clone / STUDY).read_text())
    config["models"]["passt_lm_rf640_hop10"] = {"label": "L+M, RF 640", "checkpoint": "tiny"}
    config["select_models"].append("passt_lm_rf640_hop10")
    (clone / STUDY).write_text(yaml.safe_dump(config, sort_keys=False))
    done = run(clone, SCORES)
    assert done.returncode == 0, done.stdout
    assert set(jobs(done.stdout)) & COMPUTE == {"embed_event", "predict_event"}
    assert set(re.findall(r"embed (.+?):", done.stdout)) == {"rf640"}  # bars name their views
    new = contents(clone).keys() - before.keys()
    assert {"/".join(name.split("/")[-3:]) for name in new if name.endswith(".npy")} == {
        "tones_event/rf640/M.npy",
        "tones_event/rf640/H.npy",
    }
    assert [name.split("/")[-3] for name in new if name.endswith(".npz")] == ["tiny.rf640+mel.LM"]
    assert calls(clone) == called
    for name, content in before.items():
        assert contents(clone)[name] == content and numbers(clone)[name] == files[name]


def test_a_block_that_a_variant_asks_for_is_embedded_and_no_probe_trained_again(clone):
    before, files, called = contents(clone), numbers(clone), calls(clone)
    config = yaml.safe_load((clone / STUDY).read_text())
    config["models"]["first"] = {"label": "block 1", "checkpoint": "tiny", "levels": "M@1"}
    config["select_models"].append("first")
    (clone / STUDY).write_text(yaml.safe_dump(config, sort_keys=False))
    done = run(clone, SCORES)
    assert done.returncode == 0, done.stdout
    assert set(re.findall(r"embed (.+?):", done.stdout)) == {"rf160", "scene"}
    after, written = contents(clone), numbers(clone)
    assert {name.rpartition("features/")[2] for name in after.keys() - before.keys()} == {
        "tiny/tones_event/rf160/M@1.npy",
        "tiny/tones_scene/scene/M@1.npy",
        *(
            f"predictions/mlp-reference/tiny.{view}.M@1/tones_{kind}/seed42.npz"
            for kind, view in (("event", "rf160"), ("scene", "scene"))
        ),
    }
    assert {name: after[name] for name in before} == before and calls(clone) == called
    kept = [name for name in files if name.endswith(".npz") or "/mel/" in name]
    assert {name: written[name] for name in kept} == {name: files[name] for name in kept}


def test_jobs_of_the_other_size_compute_nothing_again(clone):
    before, files, called = contents(clone), numbers(clone), calls(clone)
    targets = [f"results/mine/{name}" for name in files if "tones_scene" in name]
    done = run(clone, *targets, job_size="smallest")
    assert done.returncode == 0, done.stdout
    assert set(jobs(done.stdout)) <= {"embed_view", "embed_mel", "embed_module", "predict"}
    assert (contents(clone), numbers(clone), calls(clone)) == (before, files, called)


def test_an_edited_module_re_runs_the_cheap_rules_that_import_it(clone):
    module = clone / "hear" / "metrics" / "curves.py"
    text = module.read_text()
    module.write_text(f"{text}\n# edited\n")
    rules = set(planned(clone))
    assert {"score_scene", "score_event", "bootstrap", "normalize", "draw", "report"} <= rules
    assert not rules & COMPUTE and "measure" not in rules
    module.write_text(text)

    module = clone / "analysis" / "exhibits" / "boxes.py"
    module.write_text(f"{module.read_text()}\n# edited\n")
    shown = [exhibit for exhibit in EXHIBITS if (output(clone) / exhibit.csv).exists()]
    files, others = {}, [SCORES]
    for exhibit in shown:
        imported = {Path(path).name for path in code_of("draw", exhibit.modules)}
        if module.name in imported:
            files[f"results/mine/{exhibit.csv}"] = exhibit.rule
        else:
            others.append(f"results/mine/{exhibit.csv}")
    assert planned(clone, *files) == Counter(files.values()) and len(files) < len(shown)
    assert planned(clone, *others) == {}


def test_other_seeds_and_protocols_train_again(clone):
    for settings in (
        {"probe_seeds": "[43]"},
        {"protocols": "{reference: {max_epochs_cap: 3}}"},
    ):
        rules = set(planned(clone, SCORES, **settings))
        assert rules & COMPUTE == {"predict_scene", "predict_event"}
        assert {"score_scene", "score_event", "normalize"} <= rules


def test_another_checkpoint_embeds_again_and_no_other_model(clone):
    before, called = contents(clone), calls(clone)
    write_weights(clone.parent / "mine.safetensors", seed=2)
    assert set(planned(clone)) & COMPUTE == COMPUTE - {"fetch_task"}
    targets = [f"results/mine/{name}" for name in before if "tones_scene" in name]
    done = run(clone, *targets)
    assert done.returncode == 0, done.stdout
    after = contents(clone)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if "/tiny" in name and "tones_scene" in name}
    assert calls(clone) == called


def test_changed_audio_makes_its_task_again_and_no_other(clone):
    before = contents(clone)
    manifest = clone / "resources" / "tasks" / "mine" / "tones_scene" / "task.json"
    described = manifest.read_text()
    path = clone.parent / "mine/tones_scene-v1-full/44100/fold01/fold01_3.wav"
    audio, rate = soundfile.read(path)
    soundfile.write(path, np.ascontiguousarray(audio[::-1]), rate, "PCM_16")
    assert set(planned(clone)) & COMPUTE == {"fetch_task", "embed_scene", "predict_scene"}
    targets = [name for name in before if name.startswith("features/") and "tones_scene" in name]
    done = run(clone, *(f"results/mine/{name}" for name in targets))
    assert done.returncode == 0, done.stdout
    assert manifest.read_text() != described
    after = contents(clone)
    assert {name for name in before if before[name] != after[name]} == set(targets)
    assert not list(output(clone).rglob("*.part"))


def test_another_probe_and_fewer_clips_train_nothing_again(clone):
    before, files, called = contents(clone), numbers(clone), calls(clone)
    settings = {"probes": "[mlp, knn]", "train_fractions": "[0.5, 1.0]"}
    shown = [f"results/mine/figures/{name}.svg" for name in ("probes", "train_fractions")]
    done = run(clone, SCORES, *shown, **settings)
    assert done.returncode == 0, done.stdout
    made = jobs(done.stdout)
    assert set(made) & COMPUTE == {"predict_scene", "predict_event"} and made["bootstrap"] == 3
    found = numbers(clone)
    assert {name: found[name] for name in files} == files and calls(clone) == called
    new = {name.split("/")[1] for name in found.keys() - before.keys()}
    assert new == {f"{name}-reference" for name in ("mlp-train0.5", "knn", "knn-train0.5")}
    scores = pd.read_csv(clone / SCORES)
    counts = scores.groupby(["probe", "train_fraction", "task"]).size().unstack()
    assert counts["tones_scene"].nunique() == 1  # every probe, every share
    assert counts["tones_event"].notna().groupby("probe").all().to_dict() == {
        "knn": False,
        "mlp": True,
    }
    seeds = scores.query("probe == 'knn'").groupby("train_fraction")["seed"].unique()
    assert seeds[0.5].tolist() == [42] and np.isnan(seeds[1.0]).all()
    assert planned(clone, SCORES, *shown, **settings) == {}
