"""The whole line on tasks of a second: its results, killed runs, bad input, and the plans."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tones import EVENT_BATCH, calls, command, contents, events_of, jobs, make_clone, output, run

from analysis.exhibits.registry import EXHIBITS
from analysis.tables.scores import TIDY_COLUMNS
from hear.scores.files import read_header
from workflow.study import exhibits
from workflow.study.study import leaderboard_study, read_study

ROOT = Path(__file__).parents[2]
SCORES = "results/mine/scores.csv"


def plan(*arguments: str) -> dict[str, int]:
    """Number of jobs of each rule that a dry run in this folder plans."""
    start = [sys.executable, "-m", "snakemake", "-n", "--cores", "1", "--quiet", "rules"]
    planned = subprocess.run([*start, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    return jobs(planned.stdout)


@pytest.mark.slow
def test_from_folders_to_figures(clone):
    scores = pd.read_csv(clone / SCORES)
    assert tuple(scores.columns) == TIDY_COLUMNS
    assert set(scores["task"]) == {"tones_scene", "tones_event"}
    assert set(scores.query("task == 'tones_scene'")["fold"]) == {"fold00", "fold01", "fold02"}
    assert "passt_l_hop10" not in set(scores.query("task == 'tones_scene'")["model"])
    accuracy = scores.query("model == 'logmel' and metric == 'top1_acc'")["score"]
    assert accuracy.mean() == 1.0  # a tone of 300 Hz is not one of 3 kHz
    assert {path.name for path in (clone / "results").iterdir()} == {"mine", "official"}
    has = ("summary", "estimates", "claims", "tasks", "measure", "labels", "confusions", "costs")
    shown = [e for e in EXHIBITS if {*e.of, *e.needs} <= {*has, "run", "event"}]
    for exhibit in shown:
        for file in exhibit.files:
            assert (output(clone) / file).stat().st_size, file
    page = (output(clone) / "report.html").read_text()
    score_link = "scores/logmel/tones_scene.json"
    for part in ("tones_scene", "<svg ", score_link):
        assert part in page
    assert (output(clone) / score_link).is_file()
    measured = pd.read_csv(output(clone) / "measure.csv").query("source == 'run'")
    assert {"train_samples_per_s", "inference_samples_per_s"} <= set(measured["quantity"])
    score = json.loads((output(clone) / "scores/passt_lm_hop10/tones_scene.json").read_text())
    assert score["provenance"]["protocol"]["tones_scene-v1-full"]["n_grid_points"] == 8
    assert score["provenance"]["task_hashes"] and score["provenance"]["checkpoints"]["tiny"]
    assert score["label"] == "L+M" and score["embedding"] == "tiny.scene.M"
    nothing = run(clone)
    assert nothing.returncode == 0 and "Nothing to be done" in nothing.stdout
    assert f"report: {output(clone).resolve()}/report.html" in nothing.stdout
    assert "Everything was up to date." in nothing.stdout


@pytest.mark.slow
def test_features_and_predictions_name_mkls_path_and_one_key_turns_it_off(clone):
    """On an Intel processor there is one path, elsewhere none."""
    index = output(clone) / "features/tiny/tones_scene/scene/index.json"
    predictions = "results/mine/predictions/mlp-reference/tiny.scene.M/tones_scene/seed42.npz"

    def paths() -> set[str]:
        provenances = [json.loads(index.read_text())["provenance"]]
        provenances.append(read_header(clone / predictions)["provenance"])
        return {provenance["software"]["mkl"] for provenance in provenances}

    both = {path: mkl_here(take=path == "fast") for path in ("fast", "slow")}
    assert paths() == {both["fast"]}
    done = run(clone, predictions, mkl_fast_path="false")
    assert done.returncode == 0, done.stdout
    assert paths() == {both["slow"]}


def mkl_here(take: bool) -> str:
    """MKL's path in a process that takes the fast one, or leaves it."""
    taken = "mkl.take_fast_path(); " * take
    code = f"import torch; from passt import mkl; {taken}print(mkl.path())"
    return subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip()


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["run", "job"])
def test_what_is_killed_resumes_and_keeps_what_was_finished(killed, finished, tmp_path):
    """The whole run, or the process of one job alone, whose new outputs Snakemake removes."""
    clone = make_clone(tmp_path)
    process = subprocess.Popen(
        command(SCORES),
        cwd=clone,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"BANDS_WAIT_S": "1.5"},
    )
    deadline = time.monotonic() + 300
    while len(events_of(clone)) < 2:  # one split is finished, the next one at work
        assert process.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < deadline, "two splits were not embedded within five minutes"
        time.sleep(0.05)
    job = int(next(line for line in reversed(calls(clone)) if EVENT_BATCH in line).split()[0])
    waiting = {
        path: path.read_bytes()
        for path in (output(clone) / "features").glob("*/tones_event/*.part/*.npy")
        if (path.parent / "index.json").exists()  # the other task's job goes on, and publishes
    }
    assert {path.relative_to(output(clone) / "features").parts[0] for path in waiting} == {
        "tiny",
        "logmel",
    }
    if killed == "run":
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    else:
        os.kill(job, signal.SIGKILL)
        assert process.wait() != 0
    assert all(path.is_file() for path in waiting)

    resumed = run(clone, SCORES)
    assert resumed.returncode == 0, resumed.stdout
    first, *others = events_of(clone).values()
    assert first == 1 and len(others) == 2  # the finished split was not embedded again
    assert "embed rf160" not in resumed.stdout and "embed timestamp" in resumed.stdout
    for path, content in waiting.items():
        place = path.parent.with_suffix("") / path.name
        assert place.read_bytes() == content
    assert (clone / SCORES).read_bytes() == (finished / SCORES).read_bytes()
    assert contents(clone) == contents(finished)
    assert not list(output(clone).rglob("*.part"))


@pytest.mark.slow
def test_bad_input_is_named_and_the_other_tasks_are_kept(tmp_path):
    clone = make_clone(tmp_path)
    wav = clone.parent / "mine/tones_scene-v1-full/44100/fold01/fold01_3.wav"
    wav.write_bytes(wav.read_bytes()[:-1000])
    targets = [f"results/mine/scores/logmel/tones_{kind}.json" for kind in ("scene", "event")]
    failed = run(clone, "--keep-going", *targets)
    assert failed.returncode != 0
    assert "fold01_3.wav" in failed.stdout and "error:" in failed.stdout
    assert "the same command resumes" in failed.stdout
    assert "Traceback" not in failed.stdout.split("error:")[1].split("\n")[0]
    assert not list(output(clone).glob("features/*/tones_scene/*/index.json"))
    assert list(output(clone).glob("scores/*/tones_event.json"))

    typo = run(clone, "-n", prtocol="mini")
    assert typo.returncode != 0 and "unknown 'prtocol'; did you mean 'protocol'" in typo.stdout
    missing = run(clone, "-n", task_dir=clone.parent / "nowhere")
    assert missing.returncode != 0 and "nowhere" in missing.stdout


@pytest.mark.slow
def test_dry_run_of_the_default_study():
    planned, study = plan("--forceall"), read_study({})
    for rule in ("fetch_task", "embed", "predict", "score"):
        kinds = [planned.get(f"{rule}{kind}", 0) for kind in ("", "_scene", "_event")]
        assert sum(kinds) == len(study.tasks), rule
    shown = [*exhibits.exhibits(study), *exhibits.exhibits(leaderboard_study())]
    made = Counter(exhibit.rule for exhibit in shown)
    assert planned["draw"] == made["draw"] and planned["tabulate"] == made["tabulate"]
    assert planned["validate"] == len(study.third_party)
    assert planned["measure"] == planned["bootstrap"] == planned["list_tasks"] == 1
    assert planned["score_labels"] == 1
    assert planned["report"] == planned["judge"] == planned["estimate"] == 2


@pytest.mark.slow
def test_dry_run_of_jobs_of_the_smallest_size():
    planned, study = plan("--forceall", "--config", "job_size=smallest"), read_study({})
    kinds = [spec.embedding_type for spec in study.tasks.values()]
    assert sum(planned[f"embed_{part}"] for part in ("view", "mel", "module")) == sum(
        len(study.views(kind)) for kind in kinds
    )
    assert planned["predict"] == sum(len(set(study.embeddings_of(k).values())) for k in kinds)


@pytest.mark.slow
def test_a_job_goes_by_the_config_that_its_run_has_read(tmp_path):
    """Every job reads the config's file again, which may have been edited meanwhile."""
    config = {"study": "other", "tasks": ["beijing_opera"], "select_models": ["logmel"]}
    start = [sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", "-n", "--cores", "1"]
    job = [*start, "--mode", "subprocess", "--", "results/other/scores.csv"]
    env = os.environ | {"PASST_HEAR_CONFIG": json.dumps(config)}
    subprocess.run(job, cwd=tmp_path, env=env, check=True)
    alone = [*start, "results/other/scores.csv"]  # a run of its own
    assert subprocess.run(alone, cwd=tmp_path, env=env).returncode != 0


@pytest.mark.slow
def test_dry_run_of_pretraining():
    target = "results/pretrain/mini_hop10/weights.safetensors"
    assert set(plan("--forceall", target)) == {"make_pretraining_clips", "pretrain"}


def test_the_slurm_profile_sets_no_resources_of_rules():
    """``--set-resources`` on the command line would replace all of a profile's."""
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "profile.yaml").read_text())
    assert profile["executor"] == "slurm" and "set-resources" not in profile
