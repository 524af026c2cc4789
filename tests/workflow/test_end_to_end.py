"""The whole line on tasks of a second: twice with the same bytes, killed, and on bad input."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from analysis.tables.scores import TIDY_COLUMNS
from workflow.study.study import Study

ROOT = Path(__file__).parents[2]
ROOMS = ("passt", "hear", "analysis", "workflow", "config", "profiles")
CONFIG = """
checkpoints:
  tiny: {init: random, seed: 1, hop: 320, embed_dim: 64, depth: 1, num_heads: 1, n_classes: 8}
models:
  passt_mh_hop10: {label: base, checkpoint: tiny, levels: MH}
  passt_lm_hop10: {label: L+M, checkpoint: tiny, levels: LM}
  passt_l_hop10: {label: L, checkpoint: tiny, levels: L}
  logmel: {label: log-mel, module: zoo.logmel}
probe_seeds: [42]
measure: {embed_dim: 16, depth: 1, num_heads: 1, batch_size: 2, seconds: 0, device: cpu, threads: 1}
"""


def write_task(folder: Path, kind: str) -> None:
    """A task whose classes are tones: three folds of clips, or train/valid/test with events."""
    rng = np.random.default_rng(0)
    scene = kind == "scene"
    splits = ["fold00", "fold01", "fold02"] if scene else ["train", "valid", "test"]
    metadata = {
        "task_name": f"tones_{kind}",
        "version": "v1",
        "mode": "full",
        "splits": splits,
        "embedding_type": kind,
        "prediction_type": "multiclass" if scene else "multilabel",
        "split_mode": "new_split_kfold" if scene else "trainvaltest",
        "sample_duration": 0.5 if scene else 2.0,
        "evaluation": ["top1_acc", "mAP"] if scene else ["event_onset_200ms_fms", "segment_1s_er"],
        "evaluation_params": {"task_specific_param_grid": {"max_epochs": [6]}},
    }
    if scene:
        metadata["nfolds"] = 3
    folder.mkdir(parents=True)
    (folder / "task_metadata.json").write_text(json.dumps(metadata))
    (folder / "labelvocabulary.csv").write_text("idx,label\n0,low\n1,high\n")
    for split in splits:
        (folder / "44100" / split).mkdir(parents=True)
        clips = {}
        for i in range(12 if scene else 2):
            n = round(metadata["sample_duration"] * 44100)
            t = np.arange(n) / 44100
            audio = 0.01 * rng.standard_normal(n)
            if scene:
                audio += 0.3 * np.sin(2 * np.pi * (300 if i % 2 else 3000) * t)
                clips[f"{split}_{i}.wav"] = ["high" if i % 2 == 0 else "low"]
            else:
                audio += 0.3 * np.sin(2 * np.pi * 300 * t) * ((t > 0.4) & (t < 1.2))
                audio += 0.3 * np.sin(2 * np.pi * 3000 * t) * (t > 1.0)
                clips[f"{split}_{i}.wav"] = [
                    {"label": "low", "start": 400.0, "end": 1200.0},
                    {"label": "high", "start": 1000.0, "end": 2000.0},
                ]
            soundfile.write(folder / "44100" / split / f"{split}_{i}.wav", audio, 44100, "PCM_16")
        (folder / f"{split}.json").write_text(json.dumps(clips))


@pytest.fixture
def clone(tmp_path):
    """A copy of the project, as a user has after cloning, with two tasks of their own beside it."""
    target = tmp_path / "clone"
    for room in ROOMS:
        shutil.copytree(ROOT / room, target / room, ignore=shutil.ignore_patterns("__pycache__"))
    (target / "resources").mkdir()
    facts = ("resources/hear2021_scores.csv", "resources/paper_costs.csv")
    for file in ("Snakefile", "environment.yml", *facts):
        shutil.copy(ROOT / file, target / file)
    config = target / "config" / "config.yaml"
    small = yaml.safe_load(config.read_text()) | yaml.safe_load(CONFIG)
    config.write_text(yaml.safe_dump(small))
    write_task(tmp_path / "mine" / "tones_scene-v1-full", "scene")
    write_task(tmp_path / "mine" / "tones_event-v1-full", "event")
    return target


def run(clone: Path, *arguments: str, **settings: object) -> subprocess.CompletedProcess:
    config = [f"{key}={value}" for key, value in settings.items()]
    command = [sys.executable, "-m", "workflow.commands.launch", "--cores", "2", *arguments]
    command += ["--config", "study=mine", f"task_dir={clone.parent / 'mine'}", *config]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True)


def output(clone: Path) -> Path:
    return clone / "results" / "mine"


@pytest.mark.slow
def test_from_folders_to_figures_twice_with_the_same_bytes(clone):
    finished = run(clone)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    scores = pd.read_csv(output(clone) / "scores.csv")
    assert tuple(scores.columns) == TIDY_COLUMNS
    assert set(scores["task"]) == {"tones_scene", "tones_event"}
    assert set(scores.query("task == 'tones_scene'")["fold"]) == {"fold00", "fold01", "fold02"}
    assert "passt_l_hop10" not in set(scores.query("task == 'tones_scene'")["model"])
    accuracy = scores.query("model == 'logmel' and metric == 'top1_acc'")["score"]
    assert accuracy.mean() == 1.0  # a tone of 300 Hz is not one of 3 kHz
    assert not (clone / "results" / "mini").exists()
    for figure in range(3, 11):
        for kind in ("pdf", "png", "svg", "csv"):
            assert (output(clone) / "figures" / f"figure_{figure}.{kind}").stat().st_size
    page = (output(clone) / "report.html").read_text()
    for part in (
        "tones_scene",
        "data:image/svg+xml",
        score_link := "scores/logmel/tones_scene.json",
    ):
        assert part in page
    assert (output(clone) / score_link).is_file()
    measured = pd.read_csv(output(clone) / "measure.csv").query("source == 'run'")
    assert {"train_samples_per_s", "inference_samples_per_s"} <= set(measured["quantity"])
    score = json.loads((output(clone) / "scores/passt_lm_hop10/tones_scene.json").read_text())
    assert score["provenance"]["protocol"]["tones_scene-v1-full"]["n_grid_points"] == 8
    assert score["provenance"]["task_hashes"] and score["provenance"]["checkpoints"]["tiny"]
    assert score["label"] == "L+M (random-init)" and score["embedding"] == "tiny.scene.M"

    first = (output(clone) / "scores.csv").read_bytes()
    predictions = {p: p.read_bytes() for p in output(clone).glob("predictions/*/*/*.npz")}
    shutil.rmtree(clone / "results")
    finished = run(clone)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (output(clone) / "scores.csv").read_bytes() == first
    assert predictions == {p: p.read_bytes() for p in predictions}

    assert "Nothing to be done" in (nothing := run(clone)).stdout + nothing.stderr


@pytest.mark.slow
def test_a_killed_run_resumes_and_keeps_what_was_finished(clone):
    command = [sys.executable, "-m", "workflow.commands.launch", "--cores", "1"]
    shards = "{tones_event: 2}"
    command += ["--config", "study=mine", f"task_dir={clone.parent / 'mine'}", f"shards={shards}"]
    killed = subprocess.Popen(command, cwd=clone, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while len(indices := list(output(clone).glob("features/*/*/*/index.json"))) < 2:
        assert killed.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < deadline, "two views were not embedded within five minutes"
        time.sleep(0.2)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    finished = min(indices, key=lambda path: path.stat().st_mtime_ns)
    embedded = finished.stat().st_mtime_ns
    resumed = run(clone, shards=shards)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert (output(clone) / "summary.csv").exists()
    index = json.loads((output(clone) / "features/tiny/tones_event/rf160/index.json").read_text())
    assert index["n_shards"] == 2 and not list(output(clone).rglob("index.shard*"))
    assert finished.stat().st_mtime_ns == embedded
    assert not list(output(clone).rglob("*.part"))


@pytest.mark.slow
def test_bad_input_is_named_and_the_other_tasks_are_kept(clone):
    wav = clone.parent / "mine/tones_scene-v1-full/44100/fold01/fold01_3.wav"
    wav.write_bytes(wav.read_bytes()[:-1000])
    finished = run(clone, "--keep-going")
    said = finished.stdout + finished.stderr
    assert finished.returncode != 0
    assert "fold01_3.wav" in said and "error:" in said
    assert "Traceback" not in said.split("error:")[1].split("\n")[0]
    assert not list(output(clone).glob("features/*/tones_scene/*/index.json"))
    assert list(output(clone).glob("scores/*/tones_event.json"))

    typo = run(clone, prtocol="mini")
    said = typo.stdout + typo.stderr
    assert typo.returncode != 0 and "unknown 'prtocol'; did you mean 'protocol'" in said
    missing = run(clone, task_dir=clone.parent / "nowhere")
    assert missing.returncode != 0 and "nowhere" in missing.stdout + missing.stderr


def test_dry_run_of_the_default_study():
    command = [sys.executable, "-m", "snakemake", "-n", "--forceall", "--cores", "1"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    rows = [line.split() for line in finished.stdout.splitlines()]
    jobs = {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
    study = Study(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))
    assert jobs["fetch_task"] == jobs["embed"] == jobs["predict"] == len(study.tasks) == 19
    assert jobs["score_scene"] + jobs["score_event"] == len(study.tasks)
    assert jobs["plot_mini"] == 7 and jobs["plot_official"] == 2
    assert jobs["measure"] == jobs["show_costs"] == 1
    assert jobs["report_mini"] == jobs["report_official"] == 1


@pytest.mark.slow
def test_dry_run_of_pretraining():
    target = "results/pretrain/mini_hop10/weights.safetensors"
    command = [sys.executable, "-m", "snakemake", "-n", "--forceall", "--cores", "1", target]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "make_pretraining_clips" in finished.stdout and "pretrain" in finished.stdout


def test_the_slurm_profile_sets_no_resources_of_rules():
    """``--set-resources`` on the command line would replace all of a profile's."""
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "profile.yaml").read_text())
    assert profile["executor"] == "slurm" and "set-resources" not in profile
    for rules in ("features", "probe", "tasks", "pretrain"):
        text = (ROOT / "workflow" / "rules" / f"{rules}.smk").read_text()
        assert text.count("runtime=") == 1
