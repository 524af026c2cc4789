"""The rehearsal: stand-ins of the official form, labels that say so, a small one to the end."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hear.archives.prepare import prepare_archives
from hear.tasks.check import write_manifest
from passt.checkpoints import RELEASED
from passt.weights import load_network
from workflow.commands.rehearse.stand_ins import write_archives, write_weights
from workflow.fetch.known import LOCKED, known_hash
from workflow.study import downloads, words
from workflow.study.config import ROOT, read_yaml
from workflow.study.report import report_facts
from workflow.study.study import Study, read_study
from workflow.study.tasks import read_task_table

SIZES = "task\tn_clips\tduration_s\nesc50\t10\t2.0\n"


def paper(**changes: object) -> Study:
    return read_study(read_yaml(ROOT / "config" / "paper.yaml") | changes)


@pytest.mark.parametrize(
    "task, n_clips, label",
    [
        ("beehive_states", 16, "active"),
        ("libricount", 10, 0),
        ("maestro", 10, {"label": 22, "start": 250.0, "end": 500.0}),
        ("vocal_imitation", 6, " Cat"),
        ("vox_lingua_top10", 10, "cs"),
    ],
)
def test_stand_ins_are_official_archives(task, n_clips, label, tmp_path):
    row = read_task_table()[task]
    size = write_archives(row, tmp_path)
    archives = [tmp_path / name for name in row["archives"].split(";")]
    first = [path.read_bytes() for path in archives]
    folders, origin = prepare_archives(archives, tmp_path / "tasks", "disk_only", progress=False)
    assert [folder.name for folder in folders] == row["folders"].split(";")
    made = write_manifest(tmp_path / "tasks" / "task.json", task, folders, origin, progress=False)
    assert sum(entry["n_clips"] for entry in made["folders"]) == n_clips
    assert not any(entry["warnings"] for entry in made["folders"])
    assert size["n_clips"] == n_clips // len(archives) and size["duration_s"] == 0.5
    splits = [json.loads(p.read_text()) for p in folders[0].glob("*.json") if "task_" not in p.name]
    heard = [entry for split in splits for entries in split.values() for entry in entries]
    assert label in heard
    for path in archives:
        path.unlink()
    write_archives(row, tmp_path)
    assert [path.read_bytes() for path in archives] == first


def test_headers_have_a_list_chunk_before_the_audio(tmp_path):
    row = read_task_table()["gunshot_triangulation"]
    write_archives(row, tmp_path)
    folders, _ = prepare_archives(
        [tmp_path / row["archives"]], tmp_path, "on_the_fly", progress=False
    )
    clip = next(folders[0].rglob("*.wav")).read_bytes()
    assert clip[36:40] == b"LIST" and clip[70:74] == b"data" and len(clip) == 78 + 2 * 24000
    assert np.abs(np.frombuffer(clip[78:], "<i2")).max() > 2000


@pytest.mark.slow
def test_stand_in_weights_are_loaded_as_released_ones(tmp_path):
    checkpoint = RELEASED["passt_hop3"]
    path = tmp_path / Path(checkpoint.file).name
    write_weights(checkpoint, path, seed=2)
    again = tmp_path / "again.pt"
    write_weights(checkpoint, again, seed=2)
    assert path.read_bytes() == again.read_bytes()
    tensors = torch.load(path, weights_only=True)
    assert sum(t.numel() for t in tensors.values()) > 86_000_000
    entry = {"released": "passt_hop3", "file": str(path)}
    network = load_network(type(checkpoint).from_config("passt_hop3", entry))
    assert torch.equal(network.state_dict()["cls_token"], tensors["cls_token"])


def test_a_rehearsal_is_said_everywhere_and_has_its_own_sizes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tasks.tsv").write_text(SIZES)
    study = paper(study="rehearsal", rehearsal="tasks.tsv", tasks=["esc50"])
    facts = report_facts(study)
    for said in (words.label(study), words.stamp(study), facts["notices"][0]):
        assert "REHEARSAL with generated audio and random weights" in said
    assert "official version" not in facts["notices"][0]
    (need,) = downloads.missing_space(study)
    assert need.unpacked_bytes == 10 * 2 * 48000 * 2
    assert "REHEARSAL" not in words.label(paper()) + words.stamp(paper())


def test_addresses_of_weights_are_those_of_the_configs_site(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    download = {"github": "http://127.0.0.1:9/"}
    urls = downloads.missing_checkpoints(paper(download=download)).values()
    assert len(urls) == 3
    assert all(u.startswith("http://127.0.0.1:9/kkoutini/PaSST/releases/download/") for u in urls)
    assert all(
        u.startswith("https://github.com/") for u in downloads.missing_checkpoints(paper()).values()
    )


def test_a_lock_file_in_the_working_directory_replaces_the_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "passt-s-f128-p16-s10-ap.476-swa.pt"
    for c in RELEASED.values():
        assert known_hash(Path(c.file).name).get("sha256") == c.sha256
    LOCKED.parent.mkdir()
    LOCKED.write_text(json.dumps({name: {"sha256": "0" * 64, "source": "a test"}}))
    assert known_hash(name) == {"sha256": "0" * 64}


@pytest.mark.slow
def test_a_task_is_rehearsed_from_the_download_to_the_report(tmp_path):
    """Its run is killed twice and goes on."""
    command = [sys.executable, "-m", "workflow.commands.rehearse", "--cores", "2"]
    command += ["--folder", str(tmp_path / "rehearsal"), "--models", "passt_mh_hop10"]
    command += ["--tasks", "gunshot_triangulation"]
    finished = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = finished.stdout
    assert finished.returncode == 0, said
    assert "killed during the download of hear2021-" in said
    assert "killed during an embedding" in said and "download: " not in said
    results = tmp_path / "rehearsal/results/rehearsal"
    assert "REHEARSAL with generated audio" in (results / "report.html").read_text()
    with open(results / "figures/figure_9.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    mine = {row["model"] for row in rows if row["source"] == "run"}
    assert mine == {"passt_mh_hop10"}
    assert {row["source"] for row in rows} == {"run", "hear2021"}
    reproduced = (results / "tables/reproduction.csv").read_text()
    assert "gunshot" in reproduced.lower()
    assert "planned_h" in said and "rm -r" in said
