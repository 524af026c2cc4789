"""What a change makes again, in a finished study: all that depends on it, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import yaml
from tones import STUDY, calls, contents, jobs, numbers, output, planned, run, stored, write_weights

pytestmark = pytest.mark.slow

SCORES = "results/mine/scores.csv"
COMPUTE = {"validate", "fetch_task", "embed_scene", "embed_event", "predict_scene", "predict_event"}


def test_a_moved_study_is_finished(copy):
    assert planned(copy) == {}


def test_a_deleted_array_is_made_again_and_no_other(copy):
    before, files, called = contents(copy), numbers(copy), calls(copy)
    features = "features/tiny/tones_event/rf160/M.npy"
    (predictions,) = (
        name for name in files if name.endswith("tiny.scene.M/tones_scene/seed42.npz")
    )
    for name in (features, predictions):
        stored(copy)[name].unlink()
    done = run(copy, *stored_and_scores(copy, features, predictions))
    assert done.returncode == 0, done.stdout
    # Jobs that follow may start; what they have stored already is not computed again.
    assert set(jobs(done.stdout)) & COMPUTE == {"embed_event", "predict_event", "predict_scene"}
    assert contents(copy) == before and calls(copy) == called
    written = {name for name, number in numbers(copy).items() if number != files[name]}
    assert {features, predictions} <= written
    assert written <= {features, predictions, "features/tiny/tones_event/rf160/H.npy"}


def stored_and_scores(clone, *names: str) -> list[str]:
    return [SCORES, *(f"results/mine/{name}" for name in names)]


def test_a_variant_that_needs_one_new_view_computes_that_view(copy):
    before, files, called = contents(copy), numbers(copy), calls(copy)
    config = yaml.safe_load((copy / STUDY).read_text())
    config["models"]["passt_lm_rf640_hop10"] = {"label": "L+M, RF 640", "checkpoint": "tiny"}
    config["select_models"].append("passt_lm_rf640_hop10")
    (copy / STUDY).write_text(yaml.safe_dump(config))
    done = run(copy, SCORES)
    assert done.returncode == 0, done.stdout
    assert set(jobs(done.stdout)) & COMPUTE == {"embed_event", "predict_event"}
    assert "embed rf640:" in done.stdout and done.stdout.count("embed rf640:") == done.stdout.count(
        "embed rf"
    )
    new = contents(copy).keys() - before.keys()
    assert {"/".join(name.split("/")[-3:]) for name in new if name.endswith(".npy")} == {
        "tones_event/rf640/M.npy",
        "tones_event/rf640/H.npy",
    }
    assert [name.split("/")[-3] for name in new if name.endswith(".npz")] == ["tiny.rf640+mel.LM"]
    assert calls(copy) == called
    for name, content in before.items():
        assert contents(copy)[name] == content and numbers(copy)[name] == files[name]


def test_jobs_of_the_other_size_compute_nothing_again(copy):
    before, files, called = contents(copy), numbers(copy), calls(copy)
    targets = [f"results/mine/{name}" for name in files if "tones_scene" in name]
    done = run(copy, *targets, job_size="smallest")
    assert done.returncode == 0, done.stdout
    assert set(jobs(done.stdout)) <= {"embed_view", "embed_mel", "embed_module", "predict"}
    assert (contents(copy), numbers(copy), calls(copy)) == (before, files, called)


def test_an_edited_module_re_runs_the_cheap_rules_that_import_it(copy):
    module = copy / "hear" / "metrics" / "curves.py"
    text = module.read_text()
    module.write_text(f"{text}\n# edited\n")
    rules = set(planned(copy))
    assert {"score_scene", "score_event", "bootstrap", "normalize", "draw", "report"} <= rules
    assert not rules & COMPUTE and "measure" not in rules
    module.write_text(text)

    module = copy / "analysis" / "exhibits" / "boxes.py"
    module.write_text(f"{module.read_text()}\n# edited\n")
    found = planned(copy)
    assert set(found) == {"draw", "report"} and found["report"] == 2
    boxes = [f"results/mine/figures/figure_{number}.svg" for number in (6, 7, 8)]
    assert planned(copy, *boxes) == {"draw": len(boxes)}
    assert planned(copy, "results/mine/figures/figure_9.svg", SCORES) == {}


def test_other_seeds_and_protocols_train_again(copy):
    for settings in (
        {"probe_seeds": "[43]"},
        {"protocols": "{reference: {max_epochs_cap: 3}}"},
    ):
        rules = set(planned(copy, SCORES, **settings))
        assert rules & COMPUTE == {"predict_scene", "predict_event"}
        assert {"score_scene", "score_event", "normalize"} <= rules


def test_another_checkpoint_embeds_again_and_no_other_model(copy):
    before, called = contents(copy), calls(copy)
    write_weights(copy.parent / "mine.safetensors", seed=2)
    assert set(planned(copy)) & COMPUTE == COMPUTE - {"validate", "fetch_task"}
    targets = [f"results/mine/{name}" for name in before if "tones_scene" in name]
    done = run(copy, *targets)
    assert done.returncode == 0, done.stdout
    after = contents(copy)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if "/tiny" in name and "tones_scene" in name}
    assert calls(copy) == called


def test_changed_audio_makes_its_task_again_and_no_other(copy):
    before = contents(copy)
    manifest = copy / "resources" / "tasks" / "mine" / "tones_scene" / "task.json"
    described = manifest.read_text()
    path = copy.parent / "mine/tones_scene-v1-full/44100/fold01/fold01_3.wav"
    audio, rate = soundfile.read(path)
    soundfile.write(path, np.ascontiguousarray(audio[::-1]), rate, "PCM_16")
    assert set(planned(copy)) & COMPUTE == {"fetch_task", "embed_scene", "predict_scene"}
    targets = [name for name in before if name.startswith("features/") and "tones_scene" in name]
    done = run(copy, *(f"results/mine/{name}" for name in targets))
    assert done.returncode == 0, done.stdout
    assert manifest.read_text() != described
    after = contents(copy)
    assert {name for name in before if before[name] != after[name]} == set(targets)
    assert not list(output(copy).rglob("*.part"))
