"""Logs say how far a job is; what lies on the disk says how far a study is."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tqdm import tqdm

from workflow import logs
from workflow.commands import plan, status
from workflow.commands.status import describe, pieces
from workflow.logs import logged, read_log
from workflow.study import exhibits, paths
from workflow.study.config import ROOT
from workflow.study.study import read_study

TASKS = ["beijing_opera", "maestro"]
CONFIG = {"tasks": TASKS, "select_models": ["passt_lm_2rf_hop10", "logmel"], "probe_seeds": [1, 2]}


def write(path: str | Path, age_s: float = 0.0) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()
    os.utime(path, (time.time() - age_s,) * 2)


def write_log(path: str, line: str, seconds: float, age_s: float = 0.0) -> None:
    """A log of a job that started ``seconds`` before its last sign of life, ``age_s`` ago."""
    started = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - age_s - seconds))
    write(path)
    Path(path).write_text(f"started {started} on node7\n{line}")
    write(path, age_s)


def embed_all(study, task: str) -> None:
    for pattern in paths.feature_files(study, study.tasks[task].embedding_type):
        write(pattern.format(study=study.name, task=task))


def cells(lines: list[str]) -> dict[str, list[str]]:
    table = "\n".join(lines).partition("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table]
    return {row[0]: row[1:] for row in rows}


def test_a_log_has_the_bar_as_it_stands_and_says_how_the_job_ended(tmp_path, capsys):
    path = tmp_path / "a" / "b.log"
    with logged(str(path)):
        print("first", file=sys.stderr)
        bar = tqdm(total=10, desc="embed scene")
        bar.update(4)
        bar.refresh()
        now = read_log(path)
        assert now.share == 0.4 and now.is_running and not now.is_finished
        tqdm.write("warning: odd", file=sys.stderr)
        bar.refresh()
        assert path.read_text().splitlines()[1:3] == ["first", "warning: odd"]
        assert read_log(path).share == 0.4
        bar.close()
    ended = read_log(path)
    assert ended.is_finished and ended.share is None and not ended.is_running
    assert "warning: odd" in capsys.readouterr().err
    with pytest.raises(SystemExit), logged(str(path)):
        print("no newline", end="", file=sys.stderr)
        raise ValueError("clip 7: expected sound")
    failed = read_log(path)
    assert not failed.is_finished and failed.last_line == "ValueError: clip 7: expected sound"
    assert "no newline" in path.read_text().splitlines()


def test_every_error_and_every_name_is_in_the_log(tmp_path, monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")  # as Python's stderr
    monkeypatch.setattr(sys, "stderr", terminal)
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit), logged(str(path)):
        raise ValueError("no audio: \udcfc.wav")
    assert "no audio: \\udcfc.wav" in path.read_text(encoding="utf-8")
    with pytest.raises(KeyError), logged(str(path)):
        raise KeyError("ours")
    assert path.read_text().endswith("KeyError: 'ours'\n")


def test_a_log_shows_that_its_job_is_alive(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "BEAT_S", 0.01)
    path = tmp_path / "a.log"
    with logged(str(path)):
        write(path, age_s=1000)
        end = time.monotonic() + 10
        while read_log(path).silent_s > 500 and time.monotonic() < end:
            time.sleep(0.01)
        assert read_log(path).is_running
    write(path, age_s=1000)
    (tmp_path / "other.log").write_text("of another program\n")
    assert read_log(tmp_path / "other.log") is None


@pytest.mark.parametrize("job_size", ("task", "smallest"))
def test_clips_and_fits_are_counted_while_jobs_run(tmp_path, monkeypatch, job_size):
    monkeypatch.chdir(tmp_path)
    study = read_study(CONFIG | {"job_size": job_size})
    lines = describe(study, {})
    assert cells(lines)["embed"][0].startswith("0 of ") and "no jobs running" in "\n".join(lines)

    sizes = {(p.stage, p.logs[0].partition(".")[0]): p.n for p in pieces(study)}
    n_views = {task: len(study.views(study.tasks[task].embedding_type)) for task in TASKS}
    embed_all(study, "beijing_opera")
    part = Path(paths.features(study, "mini_hop10", "maestro", "rf160") + ".part")
    part.mkdir(parents=True)
    name = {"task": "maestro", "smallest": "maestro.mini_hop10.rf160"}[job_size]
    write_log(f"logs/{study.name}/embed/{name}.log", "embed rf160:  40%|##| 6/15 [00:01<00:02]", 60)
    write_log(f"logs/{study.name}/embed/beijing_opera.log", "finished", 100, age_s=5)
    lines = describe(study, {})
    done = sizes["embed", "beijing_opera"] * n_views["beijing_opera"]
    done += 0.4 * sizes["embed", "maestro"]
    total = sum(sizes["embed", task] * n_views[task] for task in TASKS)
    row = cells(lines)["embed"]
    assert row[:2] == [f"{done:,.0f} of {total:,} clips", "1"]
    assert row[2].endswith(" clips a minute")
    assert float(row[2].split()[0]) == pytest.approx(60 * done / 160, rel=0.02)
    h, m, seconds = map(int, row[3].split(":"))
    assert 3600 * h + 60 * m + seconds == pytest.approx((total - done) * 160 / done, abs=1.5)
    assert any(f"embed {name} on node7" in line and "40%" in line for line in lines)


def test_the_plan_weighs_what_is_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = read_study(CONFIG)
    found = list(pieces(study))
    planned = {piece.plan: 0.5 if piece.plan[1] == "maestro" else 0.0001 for piece in found}
    assert "?" in cells(describe(study, {}))["predict"]
    row = cells(describe(study, planned))["predict"]
    embeddings = {piece.plan[2] for piece in found if piece.plan[:2] == ("predict", "maestro")}
    assert row[-1].startswith(f"{len(embeddings) // 2}:{30 * (len(embeddings) % 2):02d}:")


def test_what_waits_is_done_and_what_was_killed_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = read_study(CONFIG)
    n_before = sum(piece.share for piece in pieces(study))
    fixed = {"study": study.name, "probe": "mlp-mini", "task": "beijing_opera", "seed": 1}
    path = Path(paths.prediction("mini_hop10.scene.M").format(**fixed))
    write(path.with_suffix(".ready.npz"))
    write(Path(paths.features(study, "mini_hop10", "maestro", "mel") + ".part", "index.json"))
    assert sum(piece.share for piece in pieces(study)) == n_before + 2
    log = f"logs/{study.name}/predict/mlp-mini.beijing_opera.seed1.log"
    write_log(log, "predict:  50%|##| 6/12 [00:01<00:02]", 60, age_s=3600)
    write_log(f"logs/{study.name}/validate/logmel.log", "ValueError: NaN", 1, age_s=3600)
    text = "\n".join(describe(study, {}))
    assert "no jobs running" in text and "1:00:00 ago: ValueError: NaN" in text
    assert "predict mlp-mini.beijing_opera.seed1 on node7" in text


def test_further_probes_and_shares_are_counted():
    once = [piece for piece in pieces(read_study(CONFIG)) if piece.stage == "predict"]
    study = read_study(CONFIG | {"probes": ["mlp", "linear", "knn"], "train_fractions": [0.5, 1]})
    found = [piece for piece in pieces(study) if piece.stage == "predict"]
    n_scene = sum(piece.plan[1] == "beijing_opera" for piece in once)
    # knn has no event tasks, and with all clips no second seed.
    assert len(found) == 4 * len(once) + n_scene + n_scene // 2
    assert {piece.plan for piece in once} < {piece.plan for piece in found}


def test_a_finished_study_has_nothing_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = read_study(CONFIG)
    for path in [*paths.stored(study), *(paths.manifest(study, task) for task in TASKS)]:
        write(path)
    for path in sorted(Path("resources").rglob("task.json")):
        task = path.parent.name
        (path.parent / "a").mkdir()
        metadata = {"split_mode": "new_split_kfold", "splits": ["x", "y", "z"], "task_name": task}
        (path.parent / "a" / "task_metadata.json").write_text(json.dumps(metadata))
        entry = {"path": "a", "n_clips": 3, "duration_s": 3.0}
        path.write_text(json.dumps({"folders": [entry]}))
    assert "files left, minutes of work" in describe(study, {})[-1]
    for path in [*paths.scores(study), *exhibits.targets(study)]:
        write(path)
    assert "all is done" in describe(study, {})[-1]


def test_status_needs_no_torch(tmp_path):
    script = (
        "import sys; sys.argv = ['status', '--config', 'tasks=[esc50]', 'select_models=logmel'];"
        "from workflow.commands.status import main; main();"
        "assert not {'torch', 'pandas', 'snakemake'} & {*sys.modules}, 'too much'"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "0 of 1 tasks" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--configfile", "nowhere.yaml"], "nowhere.yaml"),
        (["--configfile", "list.yaml"], "list.yaml: expected keys and values"),
        (["--configfile", "broken.yaml"], "broken.yaml"),
        (["--config", "tsks=[esc50]"], "did you mean 'tasks'"),
        (["--config", "tasks=[esc5]"], "did you mean 'esc50'"),
        (["--config", "probe_seeds"], "expected KEY=VALUE"),
        (["--config", "task_dir=nowhere", "study=mine"], "nowhere"),
    ],
)
@pytest.mark.parametrize("command", (plan, status))
def test_commands_check_the_config_as_a_run_does(
    tmp_path, monkeypatch, command, arguments, message
):
    monkeypatch.chdir(tmp_path)
    Path("list.yaml").write_text("[tasks]")
    Path("broken.yaml").write_text("tasks: [")
    monkeypatch.setattr(sys, "argv", ["", *arguments])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert message in str(ended.value)
