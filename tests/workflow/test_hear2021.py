"""The real tasks' line against a server like Zenodo: from the record to checked, resampled tasks,
killed, damaged, with a missing archive, with a wrong name, and the paper's study as a dry run."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from hear.prepare import prepare_archives
from passt.checkpoints import Checkpoint, CheckpointError
from workflow.fetching.checkpoints import verify_checkpoint
from workflow.fetching.errors import DownloadError
from workflow.fetching.facts import LOCKED, RECORDED
from workflow.fetching.fetch import (
    ARCHIVES,
    CHECKPOINTS,
    fetch_archive,
    fetch_checkpoint,
    verify_file,
)
from workflow.fetching.patience import Patience
from workflow.fetching.space import GIB, SPARE_BYTES, Need, SpaceError, check_space
from workflow.fetching.unavailable import reason_missing
from workflow.study import Study
from workflow.tasks import read_task_table

ROOT = Path(__file__).parents[2]
RECORD = 6332517
TASKS = {"esc50": "esc50-v2.0.0-full", "gunshot_triangulation": "gunshot_triangulation-v1.0-full"}
NAMES = {task: f"hear2021-{folder}-48000.tar.gz" for task, folder in TASKS.items()}


def make_archive(path: Path, folder: str, seed: int = 0) -> bytes:
    """An archive of three folds of noise in HEAR's layout, at 48 kHz."""
    rng, root = np.random.default_rng(seed), path / folder
    metadata = {
        "task_name": folder.split("-")[0],
        "version": "v1",
        "mode": "full",
        "splits": ["fold00", "fold01", "fold02"],
        "nfolds": 3,
        "embedding_type": "scene",
        "prediction_type": "multiclass",
        "split_mode": "new_split_kfold",
        "sample_duration": 1.0,
        "evaluation": ["top1_acc", "mAP"],
    }
    root.mkdir(parents=True)
    (root / "task_metadata.json").write_text(json.dumps(metadata))
    (root / "labelvocabulary.csv").write_text("idx,label\n0,low\n1,high\n")
    for split in metadata["splits"]:
        clips = {f"{split}_{i}.wav": [("low", "high")[i % 2]] for i in range(6)}
        (root / f"{split}.json").write_text(json.dumps(clips))
        (root / "48000" / split).mkdir(parents=True)
        for clip in clips:
            audio = rng.uniform(-0.5, 0.5, 48000)
            soundfile.write(root / "48000" / split / clip, audio, 48000, "PCM_16")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        tar.add(root, f"hear-2021.0.6/tasks/{folder}")
    return packed.getvalue()


@pytest.fixture(scope="module")
def archives(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("tasks")
    return {NAMES[task]: make_archive(folder, name) for task, name in TASKS.items()}


@pytest.fixture
def clone(tmp_path, server, archives) -> Path:
    """A copy of the project whose config names the test's server instead of Zenodo."""
    target = tmp_path / "clone"
    for room in ("passt", "hear", "analysis", "workflow", "config", "profiles", "resources"):
        ignored = shutil.ignore_patterns("__pycache__", "tasks", "archives", "checkpoints")
        shutil.copytree(ROOT / room, target / room, ignore=ignored)
    for file in ("Snakefile", "environment.yml"):
        shutil.copy(ROOT / file, target / file)
    server.add_record(RECORD, archives)
    configure(target, server)
    return target


def configure(clone: Path, server, **settings) -> None:
    download = {"record": RECORD, "url": server.url, "mirrors": [], "folder": None}
    download |= settings.pop("download", {})
    config = {"study": "real", "tasks_from": "hear2021", "tasks": list(TASKS)}
    config |= {"resample": "disk_only", "download": download} | settings
    (clone / "real.yaml").write_text(yaml.safe_dump(config))


def run(clone: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "workflow.launch", "--cores", "2", *arguments]
    command += ["--configfile", "real.yaml"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True)


def manifest(clone: Path, task: str) -> Path:
    return clone / "resources/tasks/hear2021" / task / "task.json"


def test_from_the_record_to_checked_tasks_without_one_archive(clone, server, archives):
    for name in archives:
        path = f"/api/records/{RECORD}/files/{name}/content"
        server.script[path] = [("status", 429, {"Retry-After": "0"}), ("drop", 100_000)]
    server.script[path] = [("status", 404)]  # the last one is gone
    targets = [f"resources/tasks/hear2021/{task}/task.json" for task in TASKS]
    finished = run(clone, *targets)
    said = finished.stdout + finished.stderr
    assert finished.returncode != 0 and "the server says 404" in said, said
    assert "missing_tasks: drop" in said and "Traceback" not in said
    assert server.most_at_work == 1 and not list((clone / "resources").rglob("*.part*"))

    name, folder = NAMES["esc50"], TASKS["esc50"]
    made = json.loads(manifest(clone, "esc50").read_text())
    sha256 = hashlib.sha256(archives[name]).hexdigest()
    assert made["origin"]["archives"] == {name: sha256}
    assert made["origin"]["resampled"] == {folder: {"from_hz": 48000, "to_hz": 32000}}
    assert made["folders"][0]["sample_rate_hz"] == 32000
    assert not (manifest(clone, "esc50").parent / folder / "48000").exists()
    recorded = json.loads((clone / RECORDED).read_text())
    assert recorded[name]["sha256"] == sha256 and recorded[name]["size"] == len(archives[name])
    assert recorded[name]["source"].endswith(f"{name}/content")

    asked = len(server.requests)
    configure(clone, server, missing_tasks="drop", download={"mirrors": ["http://127.0.0.1:9"]})
    finished = run(clone, "-n", targets[0])  # a changed address fetches nothing again
    said = finished.stdout + finished.stderr
    assert "Nothing to be done" in said and len(server.requests) == asked, said
    assert "without gunshot_triangulation: " in said and "404" in said


@pytest.fixture
def here(tmp_path, monkeypatch, server, archives):
    """An empty working directory, and a function that fetches one task's archive there."""
    monkeypatch.chdir(tmp_path)
    server.add_record(RECORD, archives)

    def fetch(task: str, *needs: Need, **download) -> Path:
        patience = Patience(attempts=2, sleep=lambda _: None)
        download = {"record": RECORD, "url": server.url, "mirrors": [], "folder": None} | download
        return fetch_archive(NAMES[task], download, needs, patience=patience, progress=False)

    fetch.path = lambda task: f"/api/records/{RECORD}/files/{NAMES[task]}/content"
    return fetch


def kill_when(code: str, condition) -> None:
    """Run Python code and kill it as soon as a condition holds."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen([sys.executable, "-c", code], env=environment)
    deadline = time.monotonic() + 120
    while not condition():
        assert killed.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline, "what was waited for did not happen in two minutes"
        time.sleep(0.002)
    killed.kill()
    killed.wait()


def test_a_killed_download_and_a_killed_resampling_go_on(here, server, archives, tmp_path):
    name, path = NAMES["esc50"], here.path("esc50")
    server.always[path] = ("slow", 0.1)
    part = tmp_path / "resources/archives" / f"{name}.part"
    settings = {"record": RECORD, "url": server.url, "mirrors": [], "folder": None}
    kill_when(
        f"from workflow.fetching.fetch import *; fetch_archive({name!r}, {settings!r})",
        lambda: part.exists() and part.stat().st_size >= 200_000,
    )
    kept = part.stat().st_size
    assert kept < len(archives[name]) and not (part.parent / name).exists()
    server.always.clear()
    server.requests.clear()
    archive = here("esc50")  # the killed process left no lock
    assert server.ranges(path) == [f"bytes={kept}-"] and archive.read_bytes() == archives[name]

    copies = tmp_path / "task" / TASKS["esc50"] / "32000"
    slow = (
        "import os, time; from pathlib import Path; from hear.prepare import prepare_archives; "
        "real = os.replace; os.replace = lambda *a: (time.sleep(0.05), real(*a)); "
        f"prepare_archives([Path({str(archive)!r})], Path('task'), 'disk_only')"
    )
    kill_when(slow, lambda: len(list(copies.rglob("*.wav"))) >= 3)
    times = {copy: copy.stat().st_mtime_ns for copy in copies.rglob("*.wav")}
    assert 3 <= len(times) < 18
    prepare_archives([archive], tmp_path / "task", "disk_only", progress=False)
    assert times == {copy: copy.stat().st_mtime_ns for copy in times}
    assert len(list(copies.rglob("*"))) == 18 + 3 and not (copies.parent / "48000").exists()


def test_lock_file_record_and_file_must_agree(here, server, archives):
    name, found = NAMES["esc50"], hashlib.md5(archives[NAMES["esc50"]]).hexdigest()
    LOCKED.parent.mkdir(exist_ok=True)
    LOCKED.write_text(json.dumps({name: {"md5": "0" * 32, "source": "x"}}))
    said = f"{name}: md5: expected {'0' * 32} as {LOCKED} says, found {found} in record {RECORD}"
    with pytest.raises(DownloadError, match=said):
        here("esc50")
    assert not server.ranges(here.path("esc50"))
    LOCKED.write_text(json.dumps({name: {"md5": found, "sise": 1}}))
    with pytest.raises(DownloadError, match="expected size, md5, sha256, source; found .'sise'"):
        here("esc50")
    LOCKED.write_text(json.dumps({name: {"md5": found}}))
    archive = here("esc50")
    assert verify_file(archive, progress=False).md5 == found
    archive.write_bytes(archives[name] + b"x")
    with pytest.raises(DownloadError, match=f"size: expected {len(archives[name])} as {RECORDED}"):
        verify_file(archive, progress=False)


def test_what_cannot_be_had_is_noted_and_forgotten(here, server):
    name = NAMES["esc50"]
    server.script[here.path("esc50")] = [("status", 403)]
    with pytest.raises(DownloadError, match="403.*\n.*Start again to try once more"):
        here("esc50")
    assert "403" in reason_missing(name)
    here("esc50")
    assert reason_missing(name) is None


def test_a_name_that_the_record_does_not_have(here, server):
    other = NAMES["esc50"].replace("v2.0.0", "v2.0.1")
    names = ("readme.txt", other, NAMES["gunshot_triangulation"])
    server.add_record(RECORD, dict.fromkeys(names, b"x"))
    with pytest.raises(DownloadError, match="no file of this name") as error:
        here("esc50")
    listed = str(error.value).split("nearest first:")[1].split()
    assert listed[0] == other and listed[2] == "readme.txt"


@pytest.mark.parametrize(
    "record", [b"{", b"[]", b'{"files": [{"key": "a"}]}', b'{"files": [{"checksum": 3}]}']
)
def test_records_of_another_form_are_named(here, server, record):
    server.files[f"/api/records/{RECORD}"] = record
    with pytest.raises(DownloadError, match=f"zenodo-{RECORD}.json: expected a Zenodo record"):
        here("esc50")


def test_mirrors_serve_when_zenodo_does_not(here, server, archives, capsys):
    server.files.clear()
    server.files[f"/mirror/{NAMES['esc50']}"] = archives[NAMES["esc50"]]
    with pytest.raises(DownloadError, match="the list of archives could not be had"):
        here("esc50")
    assert reason_missing(NAMES["esc50"]) is None  # nothing is known of this archive
    here("esc50", mirrors=[f"{server.url}/mirror/"])
    assert "going on with the mirrors" in capsys.readouterr().err


def test_weights_as_github_serves_them(here, server):
    content = b"weights" * 50_000
    server.redirects["/releases/x.pt"] = f"{server.url}/storage/1?sig=a%2Fb"
    server.files["/storage/1"] = content
    server.script["/storage/1"] = [("drop", 150_000)]
    settings = {"mirrors": [f"{server.url}/none"], "folder": None}
    patience = Patience(sleep=lambda _: None)
    path = fetch_checkpoint(f"{server.url}/releases/x.pt", settings, patience, progress=False)
    assert path == CHECKPOINTS / "x.pt" and path.read_bytes() == content
    sha256 = hashlib.sha256(content).hexdigest()
    assert json.loads(RECORDED.read_text())["x.pt"]["sha256"] == sha256
    checkpoint = Checkpoint("x", 320, file=str(path))
    verify_checkpoint(checkpoint, can_be_fetched=True)
    path.write_bytes(b"other")
    with pytest.raises(CheckpointError, match=f"expected {sha256}"):
        verify_checkpoint(checkpoint, can_be_fetched=True)
    path.unlink()
    verify_checkpoint(checkpoint, can_be_fetched=True)
    with pytest.raises(CheckpointError, match="no file"):
        verify_checkpoint(checkpoint, can_be_fetched=False)
    mine = Path("mine")
    mine.mkdir()
    (mine / "x.pt").write_bytes(content)
    server.requests.clear()
    fetch_checkpoint("http://x/x.pt", settings | {"folder": "mine"}, progress=False)
    assert path.read_bytes() == content and not server.requests
    (mine / "x.pt").write_bytes(content[::-1])
    with pytest.raises(DownloadError, match=f"sha256: expected {sha256}"):
        fetch_checkpoint("http://x/x.pt", settings | {"folder": "mine"}, progress=False)


def test_a_disk_that_is_too_small_is_noticed_before(here, server, archives, monkeypatch):
    need = Need("esc50", {NAMES["esc50"]: 1}, 3 * GIB, 2 * GIB)
    other = Need("fsd50k", {"fsd50k.tar.gz": 5 * GIB}, 9 * GIB, 6 * GIB)
    usage = shutil.disk_usage(".")._replace(free=7 * GIB + SPARE_BYTES)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(SpaceError, match="25.00 GiB to come, 7.00 GiB free .* 18.00 GiB are miss"):
        here("esc50", need, other)
    assert not server.ranges(here.path("esc50"))
    assert reason_missing(NAMES["esc50"]) is None
    assert here("esc50", need).exists()
    with pytest.raises(SpaceError, match=r"15.00 GiB  fsd50k \(audio\)"):
        check_space([other], ARCHIVES, Path("tasks"))
    check_space([replace(other, unpacked_bytes=2 * GIB, resampled_bytes=0)], ARCHIVES, Path("t"))


def test_one_download_at_a_time(here, server, archives, tmp_path):
    for task in TASKS:
        server.always[here.path(task)] = ("slow", 0.02)
    with ThreadPoolExecutor(2) as pool:
        assert all(path.exists() for path in pool.map(here, TASKS))
    assert server.most_at_work == 1 and len(json.loads(RECORDED.read_text())) == 2


def test_dry_run_of_the_paper_needs_nothing():
    arguments = ["-n", "--cores", "1", "--quiet", "rules", "--configfile", "config/paper.yaml"]
    finished = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    rows = [line.split() for line in finished.stdout.splitlines()]
    jobs = {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
    study = paper()
    assert jobs.get("fetch_archive", 0) == len(study.missing_archives())
    assert jobs.get("fetch_checkpoint", 0) == len(study.missing_checkpoints())
    assert jobs["fetch_task"] <= 19 and jobs["plot_paper"] == 7


def paper(**changes) -> Study:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    changes = yaml.safe_load((ROOT / "config/paper.yaml").read_text()) | changes
    for key in ("checkpoints", "models", "threads"):  # merged as Snakemake does
        changes[key] = config[key] | changes[key]
    return Study(config | changes)


def test_the_papers_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # nothing is here
    study = paper()
    assert list(study.tasks) == list(read_task_table()) and study.is_real
    assert study.protocol.name == "reference" and not study.protocol.deviations()
    assert len(study.missing_archives()) == 20 and len(study.missing_checkpoints()) == 3
    used = {m.variant.checkpoint for m in study.models.values() if m.variant}
    assert used == {"passt_hop10", "passt_hop5", "passt_hop3"}
    assert study.models["passt_2lvl"].variant.receptive_fields_ms == (160, 800)
    assert study.models["passt_2lvlmel"].variant.receptive_fields_ms == (160, 640)
    assert study.label().startswith("Study paper: 19 HEAR 2021 tasks ·")
    assert "random" not in study.label() and study.label().endswith("seeds 42, 43, 44")
    unpacked = sum(need["unpacked_bytes"] for need in study.space_needs()) / 2**30
    assert unpacked == pytest.approx(148, abs=0.5)  # as the archives' audio is known to take


def test_coverage_is_said_on_every_exhibit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "resources/archives/unavailable"
    folder.mkdir(parents=True)
    fold1 = "hear2021-beehive_states_fold1-v2-full-48000.tar.gz"
    (folder / f"{fold1}.json").write_text('{"reason": "404"}')
    assert "18 of 19 HEAR 2021 tasks, without: Beehive " in paper().label()
    assert "beehive_states" not in paper().tasks
    assert "beehive_states" in paper(missing_tasks="stop").tasks
    assert (
        "2 of 19 HEAR 2021 tasks, only: ESC-50, Maestro 5h "
        in paper(tasks=["maestro", "esc50"]).label()
    )
    with pytest.raises(ValueError, match="no archive could be had"):
        paper(tasks=["beehive_states"])
    with pytest.raises(ValueError, match="did you mean 'esc50'"):
        paper(tasks=["esc5"])
    with pytest.raises(ValueError, match="found both"):
        paper(task_dir=str(tmp_path))
    with pytest.raises(ValueError, match="own: add --config study=NAME"):
        paper(study="mini")
    with pytest.raises(ValueError, match="download.folder: expected a folder, found no x"):
        paper(download={"record": 1, "url": "https://x.org", "mirrors": [], "folder": "x"})
    with pytest.raises(ValueError, match="download.url: 'zenodo.org' is not what is expected"):
        paper(download={"record": 1, "url": "zenodo.org", "mirrors": [], "folder": None})
