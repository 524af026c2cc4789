"""The real tasks' line from the record to checked, resampled tasks, and the paper's study."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from real_archives import NAMES, RECORD, TASKS
from tones import jobs as jobs_of

from analysis.exhibits.registry import find_exhibit
from passt.checkpoints import RELEASED
from workflow.fetch.known import RECORDED
from workflow.study import downloads, exhibits, jobs, words
from workflow.study.config import read_yaml
from workflow.study.study import Study, read_study
from workflow.study.tasks import read_task_table

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path, server, archives) -> Path:
    """A copy of the project whose config names the test's server instead of Zenodo."""
    target = tmp_path / "clone"
    for room in ("passt", "hear", "mini", "zoo", "analysis", "workflow", "config", "profiles"):
        shutil.copytree(ROOT / room, target / room, ignore=shutil.ignore_patterns("__pycache__"))
    made = shutil.ignore_patterns("tasks", "archives", "checkpoints", "pretraining", ".*")
    shutil.copytree(ROOT / "resources", target / "resources", ignore=made)
    for file in ("Snakefile", "environment.yml", "environment.post-deploy.sh"):
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
    command = [sys.executable, "-m", "workflow.commands.launch", "--cores", "2", *arguments]
    command += ["--configfile", "real.yaml"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True)


def manifest(clone: Path, task: str) -> Path:
    return clone / "resources/tasks/hear2021" / task / "task.json"


@pytest.mark.slow
def test_from_the_record_to_checked_tasks_without_one_archive(clone, server, archives):
    for name in archives:
        path = f"/api/records/{RECORD}/files/{name}/content"
        server.script[path] = [("status", 429, {"Retry-After": "0"}), ("drop", 100_000)]
    server.script[path] = [("status", 404)]  # the last one is gone
    targets = [f"resources/tasks/hear2021/{task}/task.json" for task in TASKS]
    finished = run(clone, "--keep-going", *targets)
    said = finished.stdout + finished.stderr
    assert finished.returncode != 0 and "the server says 404" in said, said
    assert "exclude_tasks: [gunshot_triangulation]" in said and "Traceback" not in said
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
    configure(clone, server, download={"mirrors": ["http://127.0.0.1:9"]})
    finished = run(clone, "-n", targets[0])  # a changed address fetches nothing again
    said = finished.stdout + finished.stderr
    assert "Nothing to be done" in said and len(server.requests) == asked, said

    configure(clone, server, exclude_tasks=["gunshot_triangulation"])
    finished = run(clone, "-n", "results/real/scores.csv")  # as the message says
    said = finished.stdout + finished.stderr
    assert finished.returncode == 0 and "embed_scene: esc50" in said, said
    assert "gunshot_triangulation" not in said and "fetch_archive" not in said


@pytest.mark.slow
def test_what_is_prepared_stays_prepared_without_its_archives(clone, server):
    configure(clone, server, select_models=["logmel"])
    manifests = [f"resources/tasks/hear2021/{task}/task.json" for task in TASKS]
    features = [f"results/real/features/logmel/{task}/scene/E.npy" for task in TASKS]
    finished = run(clone, *manifests, *features)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    shutil.rmtree(clone / "resources/archives")
    asked = len(server.requests)
    with (clone / "workflow/scripts/fetch_task.py").open("a") as stream:
        stream.write("\n# edited\n")
    others = {"download": {"mirrors": ["http://127.0.0.1:9"], "folder": str(clone)}}
    others |= {"resample": "disk", "threads": {"fetch": 1}, "probe_seeds": [1]}
    for tasks in (list(TASKS), [*TASKS, "crema_d"]):
        configure(clone, server, select_models=["logmel"], **others | {"tasks": tasks})
        finished = run(clone, "-n", *features)
        said = finished.stdout + finished.stderr
        assert "Nothing to be done" in said, said
    more = ["logmel", "passt_m_hop10"]
    configure(clone, server, select_models=more, **others)
    planned = planned_jobs(run(clone, "-n", "results/real/report.html"))
    assert planned["report"] and planned["embed_scene"] == planned["predict_scene"] == len(TASKS)
    assert not [rule for rule in planned if rule.startswith(("fetch", "validate"))], planned
    configure(clone, server, select_models=more, **others | {"tasks": [*TASKS, "crema_d"]})
    planned = planned_jobs(run(clone, "-n", "results/real/report.html"))
    assert (planned["fetch_archive"], planned["fetch_task"]) == (1, 1)  # of the new task alone
    finished = run(clone, features[0].replace("logmel", "mini_hop10").replace("E.npy", "M.npy"))
    assert finished.returncode == 0 and len(server.requests) == asked, finished.stdout


def planned_jobs(finished: subprocess.CompletedProcess) -> dict[str, int]:
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return jobs_of(finished.stdout + finished.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "passt_zoo"])
def test_dry_run_needs_nothing(name):
    arguments = ["-n", "--cores", "1", "--quiet", "rules", "--configfile", f"config/{name}.yaml"]
    finished = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    planned, study = jobs_of(finished.stdout), read_study(read_yaml(ROOT / f"config/{name}.yaml"))
    assert planned.get("fetch_archive", 0) == len(downloads.missing_archives(study))
    assert planned.get("fetch_checkpoint", 0) == len(downloads.missing_checkpoints(study))
    shown = exhibits.exhibits(study)
    assert find_exhibit("tables/reproduction") in shown
    assert planned["draw"] >= sum(exhibit.rule == "draw" for exhibit in shown)
    assert planned["embed_view"] and planned["predict"]  # a job for each, as the config says


def paper(**changes) -> Study:
    return read_study(read_yaml(ROOT / "config" / "paper.yaml") | changes)


def test_the_papers_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # nothing is here
    study = paper()
    assert list(study.tasks) == list(read_task_table()) and study.is_real
    assert study.protocol.name == "reference" and not study.protocol.deviations()
    archives = {name for row in read_task_table().values() for name in row["archives"].split(";")}
    assert set(downloads.missing_archives(study)) == archives
    used = {m.variant.checkpoint for m in study.models.values() if m.variant}
    assert used == {"passt_hop10", "passt_hop5", "passt_hop3"}
    assert len(downloads.missing_checkpoints(study)) == len(used)
    assert study.models["passt_2lvl"].variant.receptive_fields_ms == (160, 800)
    assert study.models["passt_2lvlmel"].variant.receptive_fields_ms == (160, 640)
    assert study.judged_model == "passt_mh_hop10"
    assert "results/paper/tables/reproduction.csv" in exhibits.exhibit_files(study)
    checkpoints = {id: {"released": id} for id in ("passt_hop5", "passt_hop3")}
    other = paper(checkpoints=checkpoints | {"passt_hop10": {"init": "random", "hop": 320}})
    assert other.judged_model is None  # published scores judge the released weights only
    label = words.label(study)
    assert label.startswith("Study paper: 19 HEAR 2021 tasks ·")
    assert "random" not in label and label.endswith("seeds 42, 43, 44")
    unpacked = sum(need.unpacked_bytes for need in downloads.missing_space(study)) / 2**30
    assert unpacked == pytest.approx(148, abs=0.5)  # as the archives' audio is known to take


def test_the_zoo_runs_every_released_checkpoint_on_every_task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = read_study(read_yaml(ROOT / "config" / "passt_zoo.yaml"))
    assert list(study.tasks) == list(read_task_table())
    assert study.checkpoints.keys() >= RELEASED.keys()
    for id, released in RELEASED.items():
        assert dataclasses.replace(study.checkpoints[id], modules=released.modules) == released
    assert {*downloads.missing_checkpoints(study).values()} == {c.url for c in RELEASED.values()}
    for kind in ("scene", "event"):
        assert {source for source, _ in study.views(kind)} == RELEASED.keys()


def test_archives_of_tasks_that_are_made_are_not_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = paper()
    all_archives = set(downloads.missing_archives(study))
    for task in ("esc50", "beehive_states"):
        manifest(tmp_path, task).parent.mkdir(parents=True)
        manifest(tmp_path, task).touch()
    assert downloads.kept_tasks(study) == {"esc50", "beehive_states"}
    left = set(downloads.missing_archives(study))
    assert len(all_archives) - len(left) == 3 and left < all_archives
    assert {need.task for need in downloads.missing_space(study)} == {*study.tasks} - {
        "esc50",
        "beehive_states",
    }
    for path in study.tasks["esc50"].sources:
        path.parent.mkdir(parents=True)
        path.touch()
    assert downloads.kept_tasks(study) == {"beehive_states"}


def test_an_archive_in_the_users_folder_may_have_another_name(tmp_path):
    names = {"esc50": NAMES["esc50"], "maestro": "hear-2021.0.6-maestro-v3.0.0-5h-48000.tar.gz"}
    for name in (*names.values(), "x-gtzan-48000.tar.gz", f"{NAMES['gunshot_triangulation']}.part"):
        (tmp_path / name).touch()
    tasks = paper(download={"folder": str(tmp_path)}).tasks
    found = {
        slug: path.name for slug, spec in tasks.items() for path in spec.sources if path.exists()
    }
    assert found == names
    (tmp_path / f"new-{names['maestro']}").touch()  # which one it is cannot be known
    assert not paper(download={"folder": str(tmp_path)}).tasks["maestro"].sources[0].exists()


def test_models_must_embed_the_shortest_clip_of_the_papers_tasks():
    assert jobs.shortest_clips_s(paper()) == {"scene": 0.3, "event": 120.0}
    assert jobs.shortest_clips_s(paper(exclude_tasks=["fsd50k"]))["scene"] == 0.81


def test_coverage_is_said_on_every_exhibit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    others = [task for task in read_task_table() if task != "beehive_states"]
    left = words.label(paper(tasks=others))
    assert "18 of 19 HEAR 2021 tasks, without: Beehive " in left
    assert words.label(paper(exclude_tasks=["beehive_states"])) == left
    few = words.label(paper(tasks=["maestro", "esc50"]))
    assert "2 of 19 HEAR 2021 tasks, only: ESC-50, Maestro 5h " in few
    with pytest.raises(ValueError, match="did you mean 'esc50'"):
        paper(tasks=["esc5"])
    with pytest.raises(ValueError, match="found both"):
        paper(task_dir=str(tmp_path))
    with pytest.raises(ValueError, match="name: add --config study=NAME"):
        paper(study="mini")
    with pytest.raises(ValueError, match="download.folder: expected a folder, found no nowhere"):
        paper(download={"folder": "nowhere"})
