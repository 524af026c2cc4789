"""A small study that runs in a minute: two tasks of tones beside a copy of the project."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from filelock import FileLock

ROOT = Path(__file__).parents[2]
ROOMS = ("passt", "hear", "mini", "zoo", "analysis", "workflow", "config", "profiles")
FILES = ("Snakefile", "environment.yml", "environment.post-deploy.sh")
FACTS = ("resources/hear2021_scores.csv", "resources/paper_costs.csv")
STUDY = "mine.yaml"
EVENT_BATCH = "(2, 32000)"  # two clips of 2 s at the rate of the model ``bands``
CONFIG = """
study: mine
task_dir: {folder}/mine
checkpoints:
  tiny: {file: ../mine.safetensors, hop: 320, embed_dim: 64, depth: 2, num_heads: 1, n_classes: 8}
models:
  passt_mh_hop10: {label: base, checkpoint: tiny}
  passt_lm_hop10: {label: L+M, checkpoint: tiny}
  passt_l_hop10: {label: L, checkpoint: tiny}
  bands: {label: bands, module: bands.py}
select_models: [passt_mh_hop10, passt_lm_hop10, passt_l_hop10, logmel, bands]
statistics: {n_replicates: 100}
measure: {embed_dim: 16, depth: 1, num_heads: 1, seconds: 0, device: cpu}
"""
BANDS = '''"""Energies of 16 bands; each call is noted, and waits where the test wants it to."""

import os
import time
from pathlib import Path

import torch


class Bands(torch.nn.Module):
    sample_rate = 16000
    scene_embedding_size = timestamp_embedding_size = 16


def load_model(path=""):
    return Bands()


def get_timestamp_embeddings(audio, model):
    with open("bands.calls", "a") as stream:
        stream.write(f"{os.getpid()} {tuple(audio.shape)} {audio.abs().sum():.4f}\\n")
    time.sleep(float(os.environ.get("BANDS_WAIT_S", 0)))
    frames = torch.nn.functional.pad(audio, (400, 400)).unfold(1, 800, 800)
    bands = torch.fft.rfft(frames).abs()[..., 1:].unflatten(-1, (16, 25)).mean(-1)
    times = 50.0 * torch.arange(bands.shape[1])
    return bands, times.expand(len(audio), -1)


def get_scene_embeddings(audio, model):
    return get_timestamp_embeddings(audio, model)[0].mean(1)
'''


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
        "evaluation_params": {"task_specific_param_grid": {"max_epochs": [4]}},
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


def write_weights(path: Path, seed: int) -> None:
    """Weights of the config's network."""
    from safetensors.torch import save_file

    from passt.architecture import Architecture
    from passt.transformer import PaSST, initialize

    architecture = Architecture(embed_dim=64, depth=2, num_heads=1, n_classes=8)
    save_file(initialize(PaSST(architecture), seed).state_dict(), path)


def make_clone(folder: Path) -> Path:
    """A copy of the project, as a user has after cloning, with two tasks of their own beside it."""
    clone = folder / "clone"
    for room in ROOMS:
        shutil.copytree(ROOT / room, clone / room, ignore=shutil.ignore_patterns("__pycache__"))
    (clone / "resources").mkdir()
    for file in (*FILES, *FACTS):
        shutil.copy2(ROOT / file, clone / file)
    (clone / STUDY).write_text(CONFIG.replace("{folder}", str(folder)))
    (clone / "bands.py").write_text(BANDS)
    for kind in ("scene", "event"):
        write_task(folder / "mine" / f"tones_{kind}-v1-full", kind)
    write_weights(folder / "mine.safetensors", seed=1)
    return clone


def command(*targets: str, **settings: object) -> list[str]:
    """Command that makes targets in the clone; settings go to ``--config``."""
    config = [f"{key}={value}" for key, value in settings.items()]
    start = [sys.executable, "-m", "workflow.commands.launch", "--cores", "2", *targets]
    return [*start, "--configfile", STUDY, *(["--config", *config] if config else [])]


def run(clone: Path, *targets: str, **settings: object) -> subprocess.CompletedProcess:
    """Run the study; standard output holds all that was said."""
    return subprocess.run(
        command(*targets, **settings),
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def jobs(said: str) -> dict[str, int]:
    """Number of jobs of each rule that Snakemake says it runs."""
    rows = re.findall(r"^(\w+) +(\d+)$", said, re.MULTILINE)
    return {rule: int(n) for rule, n in rows if rule not in ("all", "default", "total")}


def planned(clone: Path, *targets: str, **settings: object) -> dict[str, int]:
    """Number of jobs of each rule that would run."""
    finished = run(clone, "-n", *targets, **settings)
    assert finished.returncode == 0, finished.stdout
    return jobs(finished.stdout)


def output(clone: Path) -> Path:
    """Folder of the study's results."""
    return clone / "results" / "mine"


def stored(clone: Path) -> dict[str, Path]:
    """Arrays of features and predictions, by their paths below the study's folder."""
    found = [*output(clone).rglob("*.npy"), *output(clone).glob("predictions/**/*.npz")]
    return {path.relative_to(output(clone)).as_posix(): path for path in sorted(found)}


def contents(clone: Path) -> dict[str, bytes]:
    """Bytes of arrays of features and predictions."""
    return {name: path.read_bytes() for name, path in stored(clone).items()}


def numbers(clone: Path) -> dict[str, int]:
    """File system's number of each array: another one if the file was written again."""
    return {name: path.stat().st_ino for name, path in stored(clone).items()}


def calls(clone: Path) -> list[str]:
    """Calls of the model ``bands`` so far: process, shape and content of the audio."""
    path = clone / "bands.calls"
    return path.read_text().splitlines() if path.exists() else []


def events_of(clone: Path) -> dict[str, int]:
    """How often ``bands`` embedded each split of the event task, by the audio's content."""
    found = [line.partition(EVENT_BATCH)[2] for line in calls(clone) if EVENT_BATCH in line]
    return {audio: found.count(audio) for audio in dict.fromkeys(found)}


def copy(folder: Path, target: Path) -> None:
    """Copy a folder with the times of its files, by which Snakemake goes."""
    subprocess.run(["cp", "-a", folder, target], check=True)


@contextmanager
def restored(finished: Path) -> Iterator[Path]:
    """The finished clone where it ran, as it was, to be changed by one test at a time."""
    place = finished.parent.with_name("study")
    with FileLock(f"{place}.lock"):
        shutil.rmtree(place)
        copy(finished.parent, place)
        yield place / finished.name
