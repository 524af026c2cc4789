"""The config and what follows from it."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml

from workflow.study.config import ConfigError, check_config
from workflow.study.study import Study

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())

# The ids of the study's models: fixed, the same in every study.
MODELS = """passt_mh_hop10 passt_l_hop10 passt_m_hop10 passt_h_hop10 passt_lm_hop10 passt_lh_hop10
passt_lmh_hop10 passt_lm_rf640_hop10 passt_lm_2rf_hop10 passt_mh_hop5 passt_mh_hop3
passt_lm_2rf_hop5 passt_lm_2rf800_hop5 passt_2lvl passt_2lvlmel passt_m_hop10_random
logmel crepe_tiny ge2e""".split()


@pytest.fixture
def config():
    return copy.deepcopy(DEFAULT)


@pytest.fixture
def study(config):
    return Study(config)


def test_default_study_has_every_model_of_the_paper(study):
    assert list(study.models) == MODELS
    assert study.is_generated and study.protocol.name == "mini"


def test_a_selection_of_models(config):
    study = Study(config | {"select_models": ["passt_m_hop10", "logmel"]})
    assert list(study.models) == ["passt_m_hop10", "logmel"]


def test_identical_embeddings_are_shared(study):
    scene = study.embeddings_of("scene")
    assert scene["passt_lm_hop10"] == scene["passt_m_hop10"] == scene["passt_lm_2rf_hop10"]
    assert scene["passt_2lvlmel"] == scene["passt_mh_hop10"]
    assert scene["passt_lm_2rf_hop5"] == "mini_hop5.scene.M"
    assert "passt_l_hop10" not in scene
    assert len(set(scene.values())) == 10
    assert len(set(study.embeddings_of("event").values())) == 19


def test_composing_a_variant_needs_no_new_pass(study):
    views = study.views("maestro")
    passes = [v for v in views if v.split(".")[0].startswith("mini") and not v.endswith(".mel")]
    assert len(passes) == 7  # hop 10: 160, 640, 800; hop 5: the same; hop 3: 160
    assert study.component_paths("mini_hop10.rf160+mel.LM", "maestro") == [
        ["results/mini/features/mini_hop10/maestro/rf160", "M"],
        ["results/mini/features/mini_hop10/maestro/mel", "L"],
    ]


def test_shards_are_jobs_of_their_own(config):
    study = Study(config | {"shards": {"esc50": "3", "maestro": 1}})
    assert study.shards == {"esc50": 3}
    folder = "results/mini/features/shards"
    assert study.shard_lists("esc50", "all") == [
        f"{folder}/esc50.all.{i}of3.json" for i in range(3)
    ]
    for shards, message in (({"esc5": 2}, "did you mean 'esc50'"), ({"esc50": 0}, "shards.esc50")):
        with pytest.raises(ConfigError, match=message):
            Study(config | {"shards": shards})


def test_jobs_of_either_size_compute_the_same(config):
    jobs = {size: Study(config | {"job_size": size}) for size in ("task", "smallest")}
    assert list(jobs["task"].predict_batches("esc50")) == ["all"]
    assert list(jobs["smallest"].predict_batches("esc50")) == list(
        dict.fromkeys(jobs["task"].embeddings_of("scene").values())
    )
    for kind in ("predict", "embed"):
        entries, batches = f"{kind}_entries", f"{kind}_batches"
        for task in ("esc50", "maestro"):
            whole, parts = (
                [
                    entry if entries == "predict_entries" else (entry["source"], view)
                    for batch in getattr(study, batches)(task)
                    for entry in getattr(study, entries)(task, batch)
                    for view in entry.get("views", [None])
                ]
                for study in jobs.values()
            )
            assert whole and sorted(map(str, whole)) == sorted(map(str, parts))


def test_random_weights_are_labeled_everywhere(config):
    study = Study(config)
    random = [id for id, label in study.model_labels().items() if label.endswith("(random-init)")]
    assert random == ["passt_m_hop10_random"]
    assert "random-init" not in study.label()
    assert "generated mini tasks" in study.label() and "protocol mini" in study.label()
    only = Study(config | {"select_models": ["passt_m_hop10_random", "logmel"]})
    assert "random-init" in only.label()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stdy": "x"}, "top level: unknown 'stdy'; did you mean 'study'"),
        ({"study": "official"}, "study: 'official' is not what is expected here"),
        ({"study": "a/b"}, "study: 'a/b' is not what is expected here"),
        ({"study": 2024}, "study: 2024 is not what is expected here"),
        ({"tasks": ["maestroo"]}, "unknown 'maestroo'; did you mean 'maestro'"),
        ({"probe_seeds": []}, "probe_seeds: "),
        ({"select_models": ["logmell"]}, "unknown 'logmell'; did you mean 'logmel'"),
        ({"protocol": "mni"}, "protocol: unknown 'mni'; did you mean 'mini'"),
        ({"task_dir": "somewhere"}, "task_dir needs a study of its own"),
    ],
)
def test_top_level_mistakes_are_named(config, change, message):
    with pytest.raises(ConfigError, match=message):
        Study(config | change)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("models.passt_m_hop10.level", "M", "models.passt_m_hop10: unknown 'level'"),
        ("models.passt_m_hop10.levels", "ML", "models.passt_m_hop10.levels: 'ML' is not one of"),
        ("models.passt_m_hop10.checkpoint", "random_hop01", "did you mean 'random_hop10'"),
        ("models.passt_m_hop10.receptive_fields_ms", [640, 160], "expected ascending"),
        ("models.new", {"label": "x"}, "expected either checkpoint and levels, or module"),
        ("models.mini_hop5", {"module": "x"}, "a checkpoint has this name already"),
        ("checkpoints.mini_hop10.hop", 200, "hop: 200 is not one of"),
        ("checkpoints.mini_hop10", {"hop": 320}, "expected released, or hop with either"),
        ("models.logmel.module", "passt.logmell", "no such module"),
        ("models.logmel.module", "nowhere.py", "no such module or file"),
        ("models.passt_m_hop10.receptive_fields_ms", [100], "fewer than the 16 mel frames"),
        ("protocols.other", {"patienc": 3}, "protocols.other: .*'patienc'"),
        ("checkpoints.mini_hop10", {"file": "none.pt", "hop": 320}, "no file none.pt"),
        ("protocols.mini.max_epoch_cap", 3, "unknown key 'max_epoch_cap'; did you mean"),
        ("threads.embed", 0, "threads.embed: 0 is less than"),
        ("measure.batch_size", 1, "measure.batch_size: 1 is less than"),
        ("measure.seconds_", 1, "measure: unknown 'seconds_'; did you mean 'seconds'"),
        ("evaluator", "hearevel", "evaluator: 'hearevel' is not one of"),
    ],
)
def test_nested_mistakes_are_named(config, path, value, message):
    *parents, last = path.split(".")
    place = config
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(ConfigError, match=message):
        Study(config)


def test_heareval_needs_its_environment_and_is_named_on_figures(config, tmp_path):
    python = tmp_path / "python"
    config |= {"evaluator": "heareval", "heareval_python": str(python)}
    with pytest.raises(ConfigError, match="evaluator: .*make heareval"):
        Study(config)
    python.touch()
    study = Study(config)
    assert study.evaluator == {"name": "heareval", "python": str(python)}
    assert "evaluated by heareval itself" in study.label()


def test_every_mistake_is_listed_at_once(config):
    with pytest.raises(ConfigError) as error:
        check_config(config | {"tsks": 1, "threads": {"embed": 0, "predict": 0}})
    assert len(str(error.value).splitlines()) == 4


def test_platforms_without_a_sound_source_keep_the_other_tasks(config, monkeypatch, capsys):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "midirenderer" else real(name, *rest),
    )
    tasks = Study(config).tasks
    assert "maestro" not in tasks and "libricount" in tasks
    assert "midirenderer" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="midirenderer"):
        Study(config | {"tasks": ["maestro"]})


def write_task(folder: Path, task_name: str) -> None:
    folder.mkdir(parents=True)
    metadata = {"task_name": task_name, "embedding_type": "scene"}
    (folder / "task_metadata.json").write_text(json.dumps(metadata))


def test_names_of_tasks_in_a_folder(config, tmp_path):
    for folder, task_name in (
        ("tfds_crema_d-1.0.0-full", "tfds_crema_d"),  # official
        ("esc50-v2.0.0-full", "esc50"),  # official
        ("esc50-v9-small", "esc50"),  # another version of an official task
        ("birds-v1-full", "birds"),
        ("frogs-v1-full", "frogs"),
        ("frogs-v2-full", "frogs"),
    ):
        write_task(tmp_path / folder, task_name)
    tasks = Study(config | {"study": "x", "task_dir": str(tmp_path)}).tasks
    expected = {"crema_d": "speech", "esc50": "general", "birds": "custom"}
    expected |= dict.fromkeys(("esc50_v9_small", "frogs_v1_full", "frogs_v2_full"), "custom")
    assert {slug: spec.category for slug, spec in tasks.items()} == expected
    write_task(tmp_path / "my-birds", "birds_v1_full")
    write_task(tmp_path / "birds-v2-full", "birds")
    with pytest.raises(ConfigError, match="would both be task 'birds_v1_full'"):
        Study(config | {"study": "x", "task_dir": str(tmp_path)})


def test_official_scores_only_beside_real_tasks(config, study, tmp_path):
    write_task(tmp_path / "tfds_crema_d-1.0.0-full", "tfds_crema_d")
    real = Study(config | {"study": "x", "task_dir": str(tmp_path)})
    assert real.is_real and real.normalization == "best HEAR 2021 entry"
    assert real.official("maxima") == ["results/official/maxima.csv"]
    write_task(tmp_path / "birds-v1-full", "birds")
    mixed = Study(config | {"study": "x", "task_dir": str(tmp_path)})
    for other in (study, mixed):
        assert not other.is_real and other.official("maxima") == []
        assert other.normalization == "best model of this run"


def test_an_edited_folder_is_noticed(config, tmp_path):
    write_task(tmp_path / "birds-v1-full", "birds")
    config |= {"study": "x", "task_dir": str(tmp_path)}
    before = Study(config).tasks["birds"].state()
    assert Study(config).tasks["birds"].state() == before
    (tmp_path / "birds-v1-full" / "fold00.json").write_text("{}")
    assert Study(config).tasks["birds"].state() != before


def test_a_single_name_is_a_list_of_one(config):
    study = Study(config | {"tasks": "maestro", "select_models": "logmel"})
    assert list(study.tasks) == ["maestro"] and list(study.models) == ["logmel"]


def test_real_checkpoint_is_one_entry(config, tmp_path):
    from safetensors.torch import save_file

    from passt.architecture import Architecture
    from passt.transformer import PaSST, initialize

    shape = {"embed_dim": 64, "depth": 1, "num_heads": 1, "n_classes": 7}
    path = tmp_path / "weights.safetensors"
    save_file(initialize(PaSST(Architecture(**shape)), 0).state_dict(), path)
    config["checkpoints"]["mine"] = {"file": str(path), "hop": 320, **shape}
    config["models"] = {"passt_mh_hop10": {"label": "mine", "checkpoint": "mine", "levels": "MH"}}
    study = Study(config)
    assert study.model_labels() == {"passt_mh_hop10": "mine"}
    assert "random-init" not in study.label()
    assert study.weights("mine") == [str(path)]


def test_models_on_request_run_only_if_named(config):
    assert "crepe_full" not in Study(config).models
    assert list(Study(config | {"select_models": ["crepe_full"]}).models) == ["crepe_full"]


def test_a_missing_package_is_named_with_the_command_that_installs_it(config):
    config["models"]["mine"] = {"module": "zoo.logmel", "requires": ["--no-deps nowhere>=1"]}
    with pytest.raises(ConfigError, match='models.mine: .*pip install --no-deps "nowhere>=1"'):
        Study(config)
    config["models"]["mine"]["requires"] = ["torch>=99"]
    with pytest.raises(ConfigError, match="requires torch>=99, found 2.13.0"):
        Study(config)
    config["models"]["mine"]["requires"] = ["torch>=2"]
    assert Study(config).validated("maestro", "all")[-1] == "results/mini/models/mine.json"


def test_highlighted_models_exist_and_none_has_the_name_of_an_entry(config):
    with pytest.raises(ConfigError, match="highlight: unknown 'logmell'; did you mean 'logmel'"):
        Study(config | {"highlight": ["logmell"]})
    config["models"]["wav2vec2"] = {"module": "zoo.logmel"}
    with pytest.raises(ConfigError, match="models.wav2vec2: a HEAR leaderboard entry has this"):
        Study(config)
