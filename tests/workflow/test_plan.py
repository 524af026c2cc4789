"""A plan follows from rates and sizes; the measurement is tried on the smallest network."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.passes import SPEEDS, Speed, read_speeds, summary
from hear.protocol import Protocol
from passt.checkpoints import Checkpoint
from workflow.commands.cost import Workload, count_views
from workflow.commands.plan import Plan, compare, words, write
from workflow.commands.rates import ModelRate, Rates, measure
from workflow.commands.readme import content, rules, stages
from workflow.commands.sizes import (
    hear_workloads,
    mini_workloads,
    read_config,
    read_variants,
    study_workloads,
)
from workflow.study.config import ConfigError

CONFIG = read_config(Path("config/config.yaml"))


def make_plan(config: dict = CONFIG, is_generated: bool = False) -> Plan:
    variants, checkpoints = read_variants(config)
    workloads = mini_workloads(config) if is_generated else hear_workloads()
    return Plan(config, variants, checkpoints, workloads, is_generated, download_mb_per_s=10.0)


def make_rates(plan: Plan, factor: float = 1.0) -> Rates:
    per_flop = dict.fromkeys(plan.used, factor * 2e-11)
    generate_s = dict.fromkeys(plan.workloads, factor)
    probe = ((192, factor * 1e-5), (2000, factor * 1e-4))
    models = {"logmel": ModelRate((factor * 1e-3, 256), (factor * 2e-3, 512))}
    times = (factor * 1e-3, factor * 1e-3, factor)
    return Rates(per_flop, per_flop, *times, probe, generate_s, models)


def hours(rows, stage):
    return sum(row.hours for row in rows if row.stage == stage)


def test_sizes_of_the_real_tasks():
    work = {w.name: w for w in hear_workloads()}
    assert len(work) == 19 and sum(w.at_timestamps for w in work.values()) == 2
    audio_gib = sum(w.n_clips * w.duration_s for w in work.values()) * 48_000 * 2 / 2**30
    assert audio_gib == pytest.approx(148, rel=0.1)  # what the archives unpack to


@pytest.mark.parametrize("is_generated", [False, True])
def test_twice_as_slow_takes_twice_as_long(is_generated):
    plan = make_plan(is_generated=is_generated)
    once, twice = (plan.rows(make_rates(plan, factor)) for factor in (1.0, 2.0))
    for stage in ("embed", "predict") + ("fetch",) * is_generated:
        assert hours(twice, stage) == pytest.approx(2 * hours(once, stage)) and hours(once, stage)
    assert all(row.hours >= 0 and row.disk_gib >= 0 and row.memory_gib > 0 for row in once)


def test_dropping_a_variant_saves_what_is_said():
    plan = make_plan()
    rows = plan.rows(make_rates(plan))
    dropped = "passt_mh_hop3"
    alone = sum(row.hours for row in rows if row.read_by == (dropped,))
    kept = [id for id in plan.variants if id != dropped]
    fewer = make_plan(CONFIG | {"select_models": kept})  # make_rates has log-mel in any case
    rest = fewer.rows(make_rates(fewer))
    saved = sum(r.hours for r in rows) - sum(r.hours for r in rest)
    assert saved == pytest.approx(alone) and saved > 0
    assert dropped in words(rows, plan.variants, cores=2)[1]


def test_plan_is_written_and_compared_with_what_jobs_took(tmp_path):
    plan = make_plan()
    rows = plan.rows(make_rates(plan))
    write(tmp_path / "plan.csv", rows, cores=2)
    assert len((tmp_path / "plan.csv").read_text().splitlines()) == len(rows) + 1
    (tmp_path / "embed").mkdir()
    taken_s = 3600 * hours(rows, "embed") / 2
    (tmp_path / "embed" / "a.tsv").write_text(f"s\tcpu_time\n{taken_s}\t1\n")
    line = next(x for x in compare(rows, tmp_path).splitlines() if "embed" in x)
    assert float(line.split("|")[-2]) == pytest.approx(2)


def test_the_plan_in_the_readme_adds_up(tmp_path):
    plan = make_plan()
    rows = plan.rows(make_rates(plan))
    write(tmp_path / "plan.csv", rows, cores=2)
    lines = stages(tmp_path / "plan.csv").splitlines()
    cells = {cells[1].strip(): cells for line in lines[2:] if len(cells := line.split("|")) > 5}
    assert float(cells["embed"][2]) == pytest.approx(hours(rows, "embed"), rel=0.05)
    assert "2 jobs at a time" in lines[-1]


def test_the_rule_graph_has_no_arrow_that_a_longer_path_implies():
    text = "id0[a]\nid1[b]\nid2[c]\nstyle id0 x\nid0 --> id1\nid1 --> id2\nid0 --> id2"
    assert rules(text).splitlines()[1:-1] == ["flowchart LR", "  a --> b", "  b --> c"]


def test_computing_once_saves_passes():
    variants, checkpoints = read_variants(CONFIG)
    work = [Workload("a", False, 3, 1.0), Workload("b", True, 2, 1.0)]
    costs = count_views(variants.values(), checkpoints, work)
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
    variants, checkpoints = read_variants(read_config(Path("config/paper.yaml")))
    work = [Workload("a", False, 3, 1.0), Workload("b", True, 2, 1.0)]
    speeds = read_speeds(SPEEDS, checkpoints)
    costs = [c for c in count_views(variants.values(), checkpoints, work) if c.n_passes]
    assert {(c.checkpoint, c.view) for c in costs} == set(speeds)
    assert all(0 < speed.ours < speed.reference < 1e-9 for speed in speeds.values())
    variants, checkpoints = read_variants(CONFIG)
    with pytest.raises(ValueError, match="mini_hop10, view scene: no speed in .*embed_speed.csv"):
        summary(count_views(variants.values(), checkpoints, work), speeds)


def test_the_tasks_that_the_config_selects_are_planned():
    real = CONFIG | {"tasks_from": "hear2021", "tasks": ["esc50", "maestro"]}
    workloads, is_generated = study_workloads(real)
    assert ([work.name for work in workloads], is_generated) == (["esc50", "maestro"], False)
    assert study_workloads(CONFIG)[1]
    with pytest.raises(ConfigError, match="task_dir: only the sizes .* found 'mine'"):
        study_workloads(CONFIG | {"task_dir": "mine"})


@pytest.mark.slow
def test_this_machine_is_measured():
    entry = {"init": "random", "hop": 320, "embed_dim": 16, "depth": 1, "num_heads": 1}
    protocol = Protocol(n_grid_points=1, hidden_dim=16)
    tiny, task = Checkpoint.from_config("tiny", entry), "gunshot_triangulation"
    models = {"logmel": {"module": "zoo.logmel"}}
    rates = measure([tiny], protocol, (16, 64), [task], models, cores=2, device="cpu")
    assert set(rates.short) == set(rates.long) == {"tiny"} and set(rates.generate_s) == {task}
    numbers = [*rates.short.values(), *rates.long.values(), *rates.generate_s.values()]
    numbers += [rates.models["logmel"].scene[0], rates.models["logmel"].timestamp[0]]
    numbers += [rates.mel_s, rates.decode_s, rates.start_s, rates.probe_s(16), rates.probe_s(1000)]
    assert all(0 < number < 60 for number in numbers)


def test_a_config_without_variants_is_refused():
    with pytest.raises(ConfigError, match="expected a variant of PaSST"):
        read_variants(CONFIG | {"select_models": ["logmel"]})


def test_results_become_tables_that_say_where_they_are_from(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("case,ratio,machine,versions\na,2.0,M,V 1\nb,1.50,M,V 1\n")
    lines = content(path).splitlines()
    assert lines[0].split("|")[1:3] == [" case   ", " ratio   "]
    assert "1.50" in lines[3] and lines[-1] == "M, V 1" and len(lines) == 6
