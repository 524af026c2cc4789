"""A plan follows from rates and sizes; the measurement is tried on small networks."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.passes import SPEEDS, Speed, count_views, read_speeds, summary
from workflow.commands.plan import (
    CONSTANTS,
    by_task,
    compare,
    experience,
    plan,
    run_hours,
    shown,
    smaller,
    words,
)
from workflow.commands.rates import Rates, kind, measure, units
from workflow.commands.readme import BENCHMARKS, content, rules, speeds, stages
from workflow.commands.workloads import Workload, readers, workloads
from workflow.study.config import ROOT, ConfigError, read_yaml
from workflow.study.study import Study, read_study

REAL = {"tasks_from": "hear2021", "study": "real"}
PAPER = read_yaml(ROOT / "config" / "paper.yaml")


def make_rates(study: Study, factor: float = 1.0) -> Rates:
    parts = [
        part
        for type in ("scene", "event")
        for name in study.embeddings_of(type).values()
        for part in study.components(name)
    ]
    keys = dict.fromkeys((source, kind(view)) for source, view, _ in parts)
    view_s = {k: factor * (2e-11 if k[0] in study.checkpoints else 1e-3) for k in keys}
    weights = dict.fromkeys(study.checkpoints, 4_000_000)
    mlp = {size: {16: factor * size * 1e-7, 1024: factor * size * 5e-5} for size in (192, 2000)}
    probe = {"mlp": mlp, "linear": mlp}
    sizes = dict.fromkeys(keys, dict.fromkeys("LMHE", 200))
    return Rates(view_s, sizes, weights, factor * 1e-3, factor, probe)


def make_plan(study: Study, factor: float = 1.0) -> pd.DataFrame:
    return plan(study, make_rates(study, factor), CONSTANTS, mb_per_s=10.0)


def hours(rows: pd.DataFrame) -> pd.Series:
    return rows.groupby("stage")["hours"].sum()


def test_sizes_of_the_real_tasks():
    works = {work.name: work for work in workloads(read_study(REAL))}
    assert len(works) == 19 and sum(work.at_timestamps for work in works.values()) == 2
    audio_gib = sum(work.audio_s for work in works.values()) * 48_000 * 2 / 2**30
    assert audio_gib == pytest.approx(148, rel=0.1)  # what the archives unpack to
    assert works["gtzan_genre"].train_share == 0.8 and works["vocal_imitation"].n_folds == 3


@pytest.mark.parametrize("config", [{}, REAL], ids=["mini", "hear2021"])
def test_twice_as_slow_takes_twice_as_long(config):
    study = read_study(config)
    once, twice = make_plan(study), make_plan(study, 2.0)
    computed = ["embed", "predict"]
    assert hours(twice)[computed].to_dict() == pytest.approx((2 * hours(once))[computed].to_dict())
    assert (once[["hours", "disk_gib"]] >= 0).all(axis=None) and (once["memory_gib"] > 0).all()
    assert set(once["task"]) == set(study.tasks) and (hours(once) > 0).all()


def test_sizes_of_generated_tasks_follow_their_scale():
    def n_clips(**scale):
        study = read_study({"mini_scale": {"train": 1, "test": 1} | scale})
        return {work.name: work.n_clips for work in workloads(study)}

    once, tested, whole = n_clips(), n_clips(test=8), n_clips(train=8, test=8)
    assert whole == {task: 8 * n for task, n in once.items()}
    assert tested["esc50"] == once["esc50"] and tested["fsd50k"] == once["fsd50k"] + 7 * 60


def test_an_epoch_of_few_rows_takes_a_step_and_one_of_many_as_long_as_its_rows():
    rates = dataclasses.replace(
        make_rates(read_study(REAL)),
        probe={"mlp": {100: {16: 2.0, 1024: 4.0}, 200: {16: 3.0, 1024: 8.0}}},
    )
    assert rates.epoch_s(100, 16) == 2 and rates.epoch_s(150, 16) == 2.5
    assert rates.epoch_s(100, 520) == 3 and rates.epoch_s(150, 1024) == 6
    assert rates.epoch_s(150, 10 * 1024) == 60


def test_further_probes_and_shares_are_planned():
    config = {"tasks": ["esc50", "maestro"], "select_models": ["passt_mh_hop10", "logmel"]}
    once = make_plan(read_study(config))
    study = read_study(config | {"probes": ["mlp", "linear", "knn"], "train_fractions": [0.5, 1]})
    rates = dataclasses.replace(make_rates(study), neighbor_s=1e-9)
    rows = plan(study, rates, CONSTANTS, mb_per_s=10.0)
    added = rows[rows["item"].str.contains(" by ")]
    assert (added["hours"] > 0).all() and added["stage"].eq("predict").all()
    n_scene = once["stage"].eq("predict") & once["task"].eq("esc50") & once["read_by"].ne("")
    assert added["task"].value_counts().to_dict() == {"esc50": 10, "maestro": 6}
    assert n_scene.sum() == 2
    whole, half = (
        added.loc[added["item"].str.endswith(f" by {name}"), "hours"].sum()
        for name in ("knn", "knn-train0.5")
    )
    assert whole == pytest.approx(2 * half)
    starts = [t.loc[t["item"].eq("starting jobs") & t["stage"].eq("predict"), "hours"].sum()
              for t in (once, rows)]  # fmt: skip
    assert starts[1] == pytest.approx(starts[0] * (6 + 4) / 2)


def test_every_stage_and_task_of_the_paper_is_planned():
    rows = make_plan(read_study(PAPER))
    assert len(rows[rows["task"].ne("")].groupby(["stage", "task"])) == 3 * 19
    assert rows["item"].str.startswith("weights").sum() == 3


def test_the_table_has_each_stage_of_each_task_and_their_sums():
    rows = make_plan(read_study(PAPER))
    table = by_task(rows)
    assert len(table) == 19 + 2 and table.index[-1] == "all"
    stages = [f"{stage} h" for stage in ("fetch", "embed", "predict")]
    assert table.loc["all", stages].sum() == pytest.approx(rows["hours"].sum())
    assert table.loc["all", "disk_gib"] == pytest.approx(rows["disk_gib"].sum())
    assert table.loc["all", "memory_gib"] == rows["memory_gib"].max()


def test_smaller_studies_are_the_study_with_their_keys_changed():
    study = read_study(PAPER)
    rows = make_plan(study)
    one_seed, two_models, small_tasks = [
        make_plan(read_study(PAPER | x)) for x in smaller(study, rows)
    ]
    kept = ~rows["item"].str.startswith("starting")
    trained = rows["stage"].eq("predict") & kept
    saved = rows[kept]["hours"].sum() - one_seed[kept]["hours"].sum()
    assert saved == pytest.approx(2 / 3 * rows[trained]["hours"].sum())
    assert {*";".join(two_models["read_by"]).split(";")} - {""} == {
        "passt_mh_hop10",
        "passt_lm_2rf_hop5",
    }
    left_out = {*rows["task"]} - {*small_tasks["task"]}
    hours = rows[rows["task"].ne("")].groupby("task")["hours"].sum()
    assert left_out == {*hours.nlargest(4).index}
    assert smaller(read_study(PAPER | {"probe_seeds": [42]}), rows)[0].keys() == {"select_models"}


def test_the_disk_holds_what_the_config_keeps():
    def disk(resample):
        rows = make_plan(read_study(PAPER | {"resample": resample}))
        return rows[rows["stage"].eq("fetch") & rows["task"].ne("")]["disk_gib"].sum()

    archives = disk("on_the_fly") / 2
    assert archives == pytest.approx(148, rel=0.1)
    assert disk("disk") / archives == pytest.approx(2 + 2 / 3)
    assert disk("disk_only") / archives == pytest.approx(1 + 2 / 3)


def test_a_gpu_and_the_network_do_not_become_faster_by_cores():
    study = read_study(PAPER)
    rates = dataclasses.replace(make_rates(study), on_gpu=frozenset(["passt_hop3"]))
    rows = plan(study, rates, CONSTANTS, mb_per_s=10.0)
    hours = rows.groupby("on")["hours"].sum()
    on_gpu = rows["item"].str.startswith("passt_hop3 ")
    assert rows["on"].eq("the GPU").equals(on_gpu)
    expected = hours["the GPU"] + hours["downloads"] + hours["one core"] / 8
    assert run_hours(rows, 8) == pytest.approx(expected)
    assert "h of the GPU" in words(rows, 8)[0]


def test_small_jobs_start_more_often():
    counts = {}
    for size in ("task", "smallest"):
        rows = make_plan(read_study(REAL | {"job_size": size, "probe_seeds": [1, 2]}))
        esc50 = rows[rows["task"].eq("esc50")]
        starts = esc50[esc50["item"].str.startswith("starting")].set_index("stage")["hours"]
        counts[size] = (3600 * starts).round().to_dict()  # a second each
        n = esc50[esc50["memory_gib"].gt(0)].groupby("stage").size() - 1
    assert counts["task"] == {"embed": 1, "predict": 2}
    assert counts["smallest"] == {"embed": n["embed"], "predict": 2 * n["predict"]}


@pytest.mark.parametrize("mode", ("trainvaltest", "new_split_kfold"))
def test_a_task_that_is_here_has_its_own_size(tmp_path, monkeypatch, mode):
    monkeypatch.chdir(tmp_path)
    study = read_study({"tasks": ["beehive_states" if mode == "trainvaltest" else "esc50"]})
    slug = [*study.tasks][0]
    folder = tmp_path / "resources/tasks/mini" / slug
    splits = ["train", "valid", "test"] if mode == "trainvaltest" else [f"f{i}" for i in range(4)]
    entries = []
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        metadata = {"split_mode": mode, "splits": splits, "task_name": slug}
        (folder / name / "task_metadata.json").write_text(json.dumps(metadata))
        (folder / name / "train.json").write_text(json.dumps({f"{i}.wav": ["x"] for i in range(3)}))
        entries.append({"path": name, "n_clips": 12, "duration_s": 6.0})
    (folder / "task.json").write_text(json.dumps({"folders": entries}))
    (work,) = workloads(study)
    assert (work.n_clips, work.duration_s, work.n_folders) == (24, 0.5, 2)
    found = (work.n_folds, work.train_share, work.n_fits(study.protocol))
    n_points = study.protocol.n_grid_points
    expected = {
        "trainvaltest": (1, 0.25, 2 * n_points),
        "new_split_kfold": (4, 0.5, 2 * (n_points + 3)),
    }
    assert found == expected[mode]


def test_clips_longer_than_the_scene_window_count_as_their_windows():
    study = read_study(REAL)
    (fsd50k,) = (work for work in workloads(study) if work.name == "fsd50k")
    lengths_s = fsd50k.lengths_s
    assert max(lengths_s) == 30.0 and min(lengths_s) < 0.3
    assert sum(lengths_s) / len(lengths_s) == pytest.approx(fsd50k.duration_s, rel=0.05)
    alike = dataclasses.replace(fsd50k, longest_s=0.0)
    assert alike.lengths_s == [fsd50k.duration_s]
    source, view = next(iter(readers(study, fsd50k)[1]))
    cost, cost_alike = (
        sum(units(study, source, "scene", s) for s in work.lengths_s) / len(work.lengths_s)
        for work in (fsd50k, alike)
    )
    assert view == "scene" and cost > 2 * cost_alike
    rows = make_plan(study)
    embed = rows[(rows["task"] == "fsd50k") & (rows["item"] == f"{source} scene")]
    network_s = make_rates(study).view_s[source, "scene"] * fsd50k.n_clips * cost
    assert 3600 * embed["hours"].sum() == pytest.approx(network_s + 1e-3 * fsd50k.audio_s)


def test_dropping_a_variant_saves_what_is_said():
    study, dropped = read_study(REAL), "passt_mh_hop3"
    rows = make_plan(study)
    alone = rows.loc[rows["read_by"] == dropped, "hours"].sum()
    rest = make_plan(
        read_study(REAL | {"select_models": [id for id in study.models if id != dropped]})
    )
    assert rows["hours"].sum() - rest["hours"].sum() == pytest.approx(alone) and alone > 0
    assert dropped in words(rows, cores=2)[1]


def test_constants_are_those_of_a_finished_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert experience() == CONSTANTS
    for i, n_validations in enumerate((10, 20)):
        folder = {"protocol": {"patience": 5}, "grid": [{"n_validations": n_validations}]}
        path = tmp_path / f"results/mini/predictions/mlp-mini/x/task{i}/seed42.npz"
        path.parent.mkdir(parents=True)
        np.savez(path, header=json.dumps({"folders": [folder]}))
    (tmp_path / "logs/mini/embed").mkdir(parents=True)
    (tmp_path / "logs/mini/embed/a.tsv").write_text("s\tmax_rss\tcpu_time\n1\t2048\t1\n")
    assert experience() == CONSTANTS | {"patiences": 3.0, "job_gib": 2.0}
    path.with_name("seed43.npz").write_bytes(b"damaged")  # says nothing, and stops no plan
    assert experience() == CONSTANTS | {"patiences": 3.0, "job_gib": 2.0}


def test_plan_is_compared_with_what_jobs_took(tmp_path):
    rows = make_plan(read_study({}))
    (tmp_path / "embed").mkdir()
    taken_s = 3600 * hours(rows)["embed"] / 2
    (tmp_path / "embed" / "a.tsv").write_text(f"s\tcpu_time\n{taken_s}\t1\n")
    assert compare(rows, [str(tmp_path)]).loc["embed", "ratio"] == pytest.approx(2, rel=0.01)


def test_the_plan_in_the_readme_adds_up(tmp_path):
    rows = make_plan(read_study(REAL))
    rows.assign(machine="M x2, 2 jobs at a time").to_csv(tmp_path / "plan.csv", index=False)
    lines = stages(tmp_path / "plan.csv").splitlines()
    cells = {cells[1].strip(): cells for line in lines[2:] if len(cells := line.split("|")) > 5}
    assert float(cells["embed"][2]) == pytest.approx(hours(rows)["embed"], rel=0.05)
    assert "beehive_states" in cells["fetch"][5] and "2 jobs at a time" in lines[-1]


def test_the_speeds_in_the_readme_are_those_of_the_benchmarks():
    header, _, *lines = speeds(BENCHMARKS).splitlines()
    names = [name.strip() for name in header.strip("|").split("|")]
    rows = [
        dict(zip(names, (cell.strip() for cell in line.strip("|").split("|")), strict=True))
        for line in lines
    ]
    assert len(rows) == 5 and sum("GPU" in row["work"] for row in rows) == 2
    for row in rows:
        said = (row[column].split()[0] for column in ("here", "reference"))
        here, there = (float(number.replace(",", "")) for number in said)
        faster = here / there if "GPU" in row["work"] else there / here
        assert float(row["times as fast"]) == pytest.approx(faster, rel=0.01)
        assert row["machine"]


def test_the_table_of_rules_has_no_step_that_a_longer_path_implies():
    text = "id0[a]\nid1[b]\nid2[c]\nstyle id0 x\nid0 --> id1\nid1 --> id2\nid0 --> id2"
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in rules(text).splitlines()[2:]
    ]
    assert cells == [["`a`", "`b`"], ["`b`", "`c`"], ["`c`", ""]]
    assert rules(f"{text}\nid1 --> id1") == rules(text)  # a rule that needs its own output


WORK = [Workload("a", False, 3, 1.0, 1, 0.8), Workload("b", True, 2, 1.0, 1, 0.8)]


def test_views_are_read_by_every_variant_that_has_them():
    study = read_study({"select_models": ["passt_m_hop10", "passt_lh_hop10", "passt_l_hop10"]})
    (_, scenes), (_, timestamps) = (readers(study, work) for work in WORK)
    assert scenes == {("mini_hop10", "scene"): ["passt_m_hop10", "passt_lh_hop10"]}
    assert timestamps == {
        ("mini_hop10", "rf160"): ["passt_m_hop10", "passt_lh_hop10"],
        ("mini_hop10", "mel"): ["passt_l_hop10", "passt_lh_hop10"],
    }
    found = {(c.workload, c.view): (c.n_variants, c.n_passes) for c in count_views(study, WORK)}
    assert found == {("a", "scene"): (2, 3), ("b", "rf160"): (2, 42), ("b", "mel"): (2, 0)}


def test_computing_once_saves_passes():
    costs = count_views(read_study({}), WORK)
    alike = {(cost.checkpoint, cost.view): Speed(1.0, 1.0) for cost in costs}
    faster = {key: Speed(3.0, 1.0) for key in alike}
    scenes, timestamps = summary(costs, alike)
    assert float(scenes["fewer"].rstrip("x")) >= 3.5
    assert float(timestamps["fewer"].rstrip("x")) >= 2.5
    for same, fast in zip((scenes, timestamps), summary(costs, faster), strict=True):
        assert same["faster"] == same["less"]  # at one speed, operations are time
        ratio = float(fast["faster"].rstrip("x")) / float(same["faster"].rstrip("x"))
        assert ratio == pytest.approx(3, rel=0.01)


def test_every_view_of_the_paper_has_a_measured_speed():
    study = read_study(PAPER)
    speeds = read_speeds(SPEEDS, study.checkpoints)
    costs = [c for c in count_views(study, WORK) if c.n_passes]
    assert {(c.checkpoint, c.view) for c in costs} == set(speeds)
    assert all(0 < speed.ours < speed.reference < 1e-9 for speed in speeds.values())
    with pytest.raises(ValueError, match="mini_hop10, view scene: no speed in .*embed_speed.csv"):
        summary(count_views(read_study({}), WORK), speeds)


def test_the_tasks_that_the_config_selects_are_planned(tmp_path, monkeypatch):
    real = read_study(REAL | {"tasks": ["esc50", "maestro"]})
    assert [work.name for work in workloads(real)] == ["esc50", "maestro"]
    monkeypatch.chdir(tmp_path)
    own = dataclasses.replace(real, origin="folder")
    with pytest.raises(ConfigError, match="task_dir: .* 'esc50' .*--until fetch_task"):
        workloads(own)


@pytest.mark.slow
def test_this_machine_is_measured():
    entry = {"init": "random", "hop": 320, "embed_dim": 64, "depth": 1, "num_heads": 1}
    models = {"m": {"checkpoint": "tiny", "levels": "LM"}, "logmel": {"module": "zoo.logmel"}}
    study = read_study(
        {"checkpoints": {"tiny": entry}, "models": models, "select_models": [*models]}
        | {"tasks": ["esc50", "dcase2016_task2"], "protocols": {"mini": {"n_grid_points": 1}}}
        | {"probes": ["mlp", "linear", "knn"]}
    )
    rates = measure(study, cores=2)
    assert rates.sizes["tiny", "rf160"]["M"] == 64 and rates.sizes["tiny", "mel"] == {"L": 768}
    assert set(rates.view_s) == set(make_rates(study).view_s) and rates.weights["tiny"] > 4 * 64
    assert rates.start_s > 0  # CPU seconds of this process, which has run other tests before
    numbers = [*rates.view_s.values(), rates.decode_s]
    numbers += [rates.epoch_s(size, n) for size in (16, 800, 5000) for n in (8, 16, 1024, 1e4)]
    assert all(0 < number < 60 for number in numbers)
    assert rates.probe.keys() == {"mlp", "linear"} and 0 < rates.neighbor_s < 1e-6


def test_results_become_tables_that_say_where_they_are_from(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("case,ratio,machine,versions\na,2.0,M,V 1\nb,1.50,M,V 1\n")
    lines = content(path).splitlines()
    assert lines[0].split("|")[1:3] == [" case   ", " ratio   "]
    assert "1.50" in lines[3] and lines[-1] == "M, V 1" and len(lines) == 6
    path.write_text("case,ratio,machine,versions\na,2.0,M,V 1\nb,1.50,N,V 1\n")
    lines = content(path).splitlines()
    assert "machine" in lines[0] and lines[3].split("|")[3].strip() == "N"
    assert lines[-3:] == ["M, V 1", "", "N, V 1"]


@pytest.mark.parametrize(
    ("number", "said"),
    [(2680.4, "2,680"), (99.96, "100"), (0.002061, "0.00206"), (0.0, "0"), (float("nan"), "")],
)
def test_hours_are_written_without_exponents(number, said):
    assert shown(number) == said
