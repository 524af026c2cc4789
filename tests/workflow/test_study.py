"""A study: its models, tasks, embeddings and words, and what is refused before anything runs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from test_config import nested

from hear.files import sha256_of
from mini.registry import MINI_TASKS, MiniEntry
from workflow.study import exhibits, jobs, paths, words
from workflow.study.blocks import block_series
from workflow.study.config import ROOT, ConfigError, read_yaml
from workflow.study.report import report_facts
from workflow.study.study import Study, leaderboard_study, read_study
from workflow.study.tasks import left_out, read_task_table

# The ids of the study's models: fixed, the same in every study.
MODELS = """passt_mh_hop10 passt_l_hop10 passt_m_hop10 passt_h_hop10 passt_lm_hop10 passt_lh_hop10
passt_lmh_hop10 passt_lm_rf640_hop10 passt_lm_2rf_hop10 passt_mh_hop5 passt_mh_hop3
passt_lm_2rf_hop5 passt_2lvl passt_2lvlmel passt_m_hop10_random
logmel crepe_tiny ge2e""".split()


@pytest.fixture(scope="module")
def study() -> Study:
    return read_study({})


def test_default_study_has_every_model_of_the_paper(study):
    assert list(study.models) == MODELS
    assert study.origin == "mini" and study.protocol.name == "mini"


def test_a_selection_of_models():
    study = read_study({"select_models": ["passt_m_hop10", "logmel"]})
    assert list(study.models) == ["passt_m_hop10", "logmel"]
    single = read_study({"tasks": "maestro", "select_models": "logmel"})  # a list of one
    assert list(single.tasks) == ["maestro"] and list(single.models) == ["logmel"]


def test_tasks_whose_sound_sources_have_no_wheel_here_are_left_out_and_named(monkeypatch):
    find_spec = importlib.util.find_spec

    def hide(*hidden):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name in hidden else find_spec(name)
        )

    hide("espeakng_loader")
    study = read_study({})
    assert [*study.tasks] == [s for s, e in MINI_TASKS.items() if "espeakng-loader" not in e.needs]
    assert left_out(study.config)["libricount"] == "espeakng-loader"
    assert "libricount (espeakng-loader)" in study.notices[0]
    assert "without crema_d" in words.label(study) and "libricount" in words.label(study)
    assert [*read_study({"tasks": ["libricount"]}).tasks] == ["libricount"]  # its job says why not
    real = {"tasks_from": "hear2021", "study": "real"}
    assert len(read_study(real).tasks) == len(read_task_table())
    hide("espeakng_loader", "midirenderer", "torch")  # jobs have another environment
    assert len(read_study({}).tasks) == len(MINI_TASKS) and "without" not in words.label(study)


def test_models_on_request_run_only_if_named(study):
    assert "crepe_full" not in study.models
    assert list(read_study({"select_models": ["crepe_full"]}).models) == ["crepe_full"]


def test_identical_embeddings_are_shared(study):
    scene = study.embeddings_of("scene")
    assert scene["passt_lm_hop10"] == scene["passt_m_hop10"] == scene["passt_lm_2rf_hop10"]
    assert scene["passt_2lvlmel"] == scene["passt_mh_hop10"]
    assert scene["passt_lm_2rf_hop5"] == "mini_hop5.scene.M"
    assert "passt_l_hop10" not in scene
    assert len(set(scene.values())) == 10
    assert len(set(study.embeddings_of("event").values())) == len(study.models)


def test_composing_a_variant_needs_no_new_pass(study):
    views = study.views("event")
    passes = [view for source, view in views if source.startswith("mini") and view != "mel"]
    assert len(passes) == 6  # hop 10: 160, 640, 800; hop 5: 160, 640; hop 3: 160
    features = Path("results/mini/features/mini_hop10/maestro")
    assert paths.components(study, "mini_hop10.rf160+mel.LM", "maestro") == [
        (features / "rf160", "M"),
        (features / "mel", "L"),
    ]


BLOCKS = {
    "models": {
        "first": {"checkpoint": "mini_hop10", "levels": "M@1"},
        "second": {"checkpoint": "mini_hop10", "levels": "LM@2M@3", "receptive_fields_ms": [640]},
        "last": {"checkpoint": "mini_hop5", "levels": "M@4H"},
    }
}


def test_blocks_are_stored_where_a_model_asks_for_them(study):
    mine = read_study(BLOCKS)
    assert mine.models["last"].embedding("scene") == "mini_hop5.scene.MH"
    stored = {
        ("mini_hop10", "scene"): ["M", "H", "M@1", "M@2", "M@3"],
        ("mini_hop10", "rf160"): ["M", "H", "M@1"],
        ("mini_hop10", "rf640"): ["M", "H", "M@2", "M@3"],
        ("mini_hop10", "rf800"): ["M", "H"],
        ("mini_hop10", "mel"): ["L"],
        ("mini_hop5", "rf160"): ["M", "H"],
        ("ge2e", "scene"): ["E"],
    }
    assert {place: paths.levels(mine, *place) for place in stored} == stored
    assert {*mine.views("event")} == {*study.views("event")}  # no pass more
    more = {*paths.stored(mine)} - {*paths.stored(study)}
    assert {Path(path).stem for path in more if path.endswith(".npy")} == {"M@1", "M@2", "M@3"}
    (entry,) = (e for e in jobs.embed_entries(mine, "esc50", [("mini_hop10", "scene")]))
    assert entry["levels"] == {"scene": stored["mini_hop10", "scene"]}


def test_jobs_of_a_view_are_for_studies_without_blocks(study):
    smallest = {"job_size": "smallest"}
    assert study.embeds_by_task and not read_study(smallest).embeds_by_task
    assert read_study(smallest | BLOCKS).embeds_by_task
    of_events = {
        "models": {"m": {"checkpoint": "mini_hop10", "levels": "LM@1"}},
        "tasks": ["esc50"],
    }
    assert read_study(smallest | of_events).embeds_by_task


def test_models_of_one_block_alone_are_compared(study):
    assert block_series(study) == {}  # one block of each network
    assert block_series(read_study(read_yaml(ROOT / "config" / "blocks.yaml"))) == {
        "mini_hop10, 160 ms": {
            "passt_m1_hop10": 1, "passt_m2_hop10": 2, "passt_m3_hop10": 3, "passt_m_hop10": 4,
        }
    }  # fmt: skip
    more = {"first_640": {"checkpoint": "mini_hop10", "levels": "M@1"}}
    more["same"] = {"checkpoint": "mini_hop10", "levels": "M@4"}
    fields = {"first_640": [640], "same": [160]}
    more = {id: entry | {"receptive_fields_ms": fields[id]} for id, entry in more.items()}
    mine = read_study({"models": BLOCKS["models"] | more})
    assert block_series(mine) == {"mini_hop10, 160 ms": {"passt_m_hop10": 4, "first": 1}}
    ids = [{e.id for e in exhibits.exhibits(one)} for one in (mine, study)]
    assert ids[0] - ids[1] == {"figures/blocks"}
    assert words.words(mine)["blocks"] == block_series(mine)


@pytest.mark.parametrize("task", ["esc50", "maestro"])
@pytest.mark.parametrize("config", [{}, BLOCKS], ids=["default", "blocks"])
def test_a_job_makes_what_its_parameters_say(config, task):
    study = read_study(config)
    kind = study.tasks[task].embedding_type
    entries = jobs.embed_entries(study, task, study.views(kind))
    embedded = {
        f"{folder}/{file}"
        for entry in entries
        for view, folder in entry["views"].items()
        for file in paths.view_files(entry["levels"][view])
    }
    embeddings = list(study.embeddings_of(kind).values())
    (reference,) = study.evaluations
    entries = jobs.predict_entries(study, paths.probe(study, reference), task, embeddings)
    predicted = {entry["predictions"].format(seed=seed) for entry in entries for seed in [42]}
    assert predicted == set(paths.predictions(study, task, reference))
    assert all("/predictions/mlp-mini/" in path for path in predicted)
    assert embedded | predicted == {p for p in paths.stored(study) if f"/{task}/" in p}
    assert set(paths.embedding_inputs(study, embeddings, task)) <= embedded
    (entry,) = jobs.score_entries(study, task)
    scored = {f"results/mini/scores/{e['model']}/{task}.json" for e in entry["models"].values()}
    assert (
        scored
        == set(entry["models"])
        == {p for p in paths.scores(study) if p.endswith(f"/{task}.json")}
    )


def test_random_weights_are_labeled_everywhere(study):
    labels = words.model_labels(study).items()
    assert [id for id, label in labels if "(random-init)" in label] == ["passt_m_hop10_random"]
    assert "random-init" not in words.label(study)
    assert "generated mini tasks" in words.label(study) and "protocol mini" in words.label(study)
    only = read_study({"select_models": ["passt_m_hop10_random", "logmel"]})
    assert "random-init" in words.label(only)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("tasks", ["maestroo"], "tasks: unknown 'maestroo'; did you mean 'maestro'"),
        ("exclude_tasks", ["esc5"], "exclude_tasks: unknown 'esc5'; did you mean 'esc50'"),
        ("select_models", ["logmell"], "unknown 'logmell'; did you mean 'logmel'"),
        ("protocol", "mni", "protocol: unknown 'mni'; did you mean 'mini'"),
        ("probes", ["svm"], "probes.0: 'svm' is not one of .'mlp', 'linear', 'knn'"),
        ("probes", ["mlp", "mlp"], "probes: .* has non-unique elements"),
        ("probes", [], "probes: "),
        ("train_fractions", [0, 1], "train_fractions.0: 0 .*.a share above 0, at most 1"),
        ("train_fractions", [1.0, 1.5], "train_fractions.1: 1.5 .*.a share above 0, at most 1"),
        ("train_fractions", [1, 1.0], "train_fractions: .* has non-unique elements"),
        ("train_fractions", [0.1, 0.5], "train_fractions: expected 1.0 among them"),
        ("task_dir", "somewhere", "task_dir needs a study name"),
        ("tasks_from", "hear2021", "tasks_from: hear2021 needs a study name"),
        ("models.passt_m_hop10.checkpoint", "random_hop01", "did you mean 'random_hop10'"),
        ("models.passt_m_hop10.levels", "M@5", "levels: M@5: expected a block from 1 to 4, .* 5$"),
        ("models.passt_m_hop10.levels", "LM@0", "expected a block from 1 to 4, .* found 0$"),
        ("models.passt_m_hop10.levels", "M@3M@2", "levels: .*ascending .*found 'M@3M@2'"),
        ("models.passt_m_hop10.receptive_fields_ms", [640, 160], "expected ascending"),
        ("models.passt_m_hop10.receptive_fields_ms", [100], "fewer than the 16 mel frames"),
        ("models.passt_m_hop10.label", "L", "models: .* found 'L' for passt_l_hop10, passt_m_"),
        ("models.mini_hop5", {"module": "x"}, "a checkpoint has this name already"),
        ("models.wav2vec2", {"module": "zoo.logmel"}, "models.wav2vec2: a HEAR leaderboard entry"),
        ("models.logmel.module", "zoo.logmell", "no such module"),
        ("models.logmel.module", "nowhere.py", "no such module or file"),
        ("checkpoints.new", {"hop": 320}, "checkpoints.new: expected released, or hop with either"),
        ("checkpoints.mini_hop10.file", "none.pt", "no file none.pt"),
        ("protocols.other", {"patienc": 3}, "protocols.other: .*'patienc'"),
        ("protocols.mini.max_epoch_cap", 3, "unknown key 'max_epoch_cap'; did you mean"),
        (
            "models.passt_m_hop10.label",
            "L\u00a0",
            "models: .* found 'L.*' for passt_l_hop10, passt_m_",
        ),
        (
            "models.passt_m_hop10.receptive_fields_ms",
            [10_100],
            "10100 ms are more than the network.s time po",
        ),
        ("models.logmel.environment", {}, "models.logmel: environment: expected one of requirem"),
        ("models.logmel.environment", {"requirements": ["a"], "python": 3.11}, "python: .*3.11"),
        (
            "models.crepe_tiny.environment",
            {"requirements": ["a"]},
            "crepe_tiny: requires applies to mod",
        ),
        (
            "models.new",
            {"api": "onnx", "weights": "a.onnx"},
            "models.new: sample_rate: expected with",
        ),
        (
            "models.new",
            {"api": "xares", "weights": "a.pt"},
            "models.new: module: expected with api: x",
        ),
        (
            "models.new",
            {"api": "transformers", "weights": "zoo", "sample_rate": 1},
            "models.new: sample_rate: not a key with api: transformers, which has weights, block,",
        ),
        ("models.logmel.block", 3, "models.logmel: block: not a key with api: hear, which has mod"),
        (
            "models.new",
            {"api": "transformers", "weights": "no/where"},
            "models.new: weights: no such file or folder: no/where",
        ),
        ("models.new", {"api": "xares", "module": "no.py"}, "models.new: .*no such module or file"),
        ("leaderboard.model", "logmell", "leaderboard.model: unknown 'logmell'; did you mean"),
        ("highlight", ["logmell"], "highlight: unknown 'logmell'; did you mean 'logmel'"),
        ("claims", "nowhere.yaml", "claims: nowhere.yaml: "),
    ],
)
def test_mistakes_are_named(path, value, message):
    with pytest.raises(ConfigError, match=message):
        read_study(nested(path, value))


def test_tasks_without_any_model_are_left_out_and_told():
    study = read_study({"select_models": ["passt_l_hop10"]})
    assert study.kinds == ["event"] and not study.embeddings_of("scene")
    (notice,) = study.notices
    assert notice.startswith(
        "select_models: none of passt_l_hop10 has an embedding for scene tasks"
    )
    assert "esc50" in notice and notice in report_facts(study)["notices"]
    with pytest.raises(ConfigError, match="for scene tasks.*: esc50; no task is left"):
        read_study({"select_models": ["passt_l_hop10"], "tasks": ["esc50"]})


def test_heareval_needs_its_environment_and_is_named_on_figures(tmp_path):
    python = tmp_path / "python"
    config = {"evaluator": "heareval", "heareval_python": str(python)}
    with pytest.raises(ConfigError, match="evaluator: .*make heareval"):
        read_study(config)
    python.touch()
    study = read_study(config)
    assert study.evaluator == {"name": "heareval", "python": str(python)}
    assert "evaluated by heareval itself" in words.label(study)


def test_excluded_tasks_are_left_out(study):
    left = read_study({"exclude_tasks": ["esc50", "maestro"]})
    assert list(left.tasks) == [s for s in study.tasks if s not in ("esc50", "maestro")]
    assert not [path for path in paths.stored(left) if "/esc50/" in path]
    with pytest.raises(ConfigError, match="exclude_tasks: expected at least one task"):
        read_study({"tasks": ["esc50"], "exclude_tasks": ["esc50"]})


def test_every_registered_mini_task_is_a_task(study, monkeypatch):
    assert set(study.tasks) == set(MINI_TASKS)
    entry = MiniEntry("birds", "general", "scene", "birds.TASK", name="Birds")
    monkeypatch.setitem(MINI_TASKS, "birds", entry)
    more = read_study({})
    assert list(more.tasks) == [*study.tasks, "birds"]
    assert (more.tasks["birds"].name, more.tasks["birds"].category) == ("Birds", "general")
    assert words.task_labels(more)["birds"] == "mini Birds"
    assert len(paths.stored(more)) > len(paths.stored(study))


def write_task(folder: Path, task_name: str, **metadata) -> None:
    folder.mkdir(parents=True)
    metadata = {"task_name": task_name, "embedding_type": "scene"} | metadata
    (folder / "task_metadata.json").write_text(json.dumps(metadata))


def test_names_of_tasks_in_a_folder(tmp_path):
    for folder, task_name in (
        ("tfds_crema_d-1.0.0-full", "tfds_crema_d"),  # official
        ("esc50-v2.0.0-full", "esc50"),  # official
        ("esc50-v9-small", "esc50"),  # another version of an official task
        ("birds-v1-full", "birds"),
        ("frogs-v1-full", "frogs"),
        ("frogs-v2-full", "frogs"),
    ):
        write_task(tmp_path / folder, task_name)
    config = {"study": "x", "task_dir": str(tmp_path)}
    tasks = read_study(config | {"categories": {"birds": "animals"}}).tasks
    expected = {"crema_d": "speech", "esc50": "general", "birds": "animals"}
    expected |= dict.fromkeys(("esc50_v9_small", "frogs_v1_full", "frogs_v2_full"), "custom")
    assert {slug: spec.category for slug, spec in tasks.items()} == expected
    write_task(tmp_path / "my-birds", "birds_v1_full")
    write_task(tmp_path / "birds-v2-full", "birds")
    with pytest.raises(ConfigError, match="would both be task 'birds_v1_full'"):
        read_study(config)


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        (["scene", "event"], "'scene', 'event'"),
        (["event", "scene"], "'event', 'scene'"),
        ([["scene"]], r"\['scene'\]"),
        ([None], "None"),
    ],
)
def test_an_embedding_type_is_scene_or_event_in_all_folders_of_a_task(tmp_path, kinds, found):
    for fold, kind in enumerate(kinds):
        name = f"beehive_states_fold{fold}-v2-full"
        write_task(tmp_path / name, "beehive_states", embedding_type=kind)
    with pytest.raises(ConfigError, match=f"embedding_type: expected .*, found {found}$"):
        read_study({"study": "x", "task_dir": str(tmp_path)})


@pytest.mark.parametrize("name", ["", "n" * 201])
def test_names_of_tasks_that_are_no_part_of_a_path_are_refused(tmp_path, name):
    write_task(tmp_path / "birds-v1-full", name)
    with pytest.raises(ConfigError, match="task_name: expected a name of 1 to 200 bytes"):
        read_study({"study": "x", "task_dir": str(tmp_path)})


def test_official_scores_only_beside_real_tasks(study, tmp_path):
    config = {"study": "x", "task_dir": str(tmp_path)}
    write_task(tmp_path / "tfds_crema_d-1.0.0-full", "tfds_crema_d")
    real = read_study(config)
    assert real.is_real and words.normalization(real) == "best HEAR 2021 entry"
    write_task(tmp_path / "birds-v1-full", "birds")
    for other in (study, read_study(config)):
        assert not other.is_real and words.normalization(other) == "best trained model of this run"


def test_generated_tasks_of_another_scale_or_seed_lie_in_another_folder():
    def place(**config):
        return paths.manifest(read_study(config), "esc50")

    assert place(mini_scale={"train": 1, "test": 1}) == "resources/tasks/mini/esc50/task.json"
    scaled = {"mini_scale": {"train": 1.5, "test": 8}, "study": "large"}
    assert place(**scaled) == "resources/tasks/mini-1.5-8/esc50/task.json"
    assert place(seed=1) == "resources/tasks/mini-seed1/esc50/task.json"
    assert place(seed=1, **scaled) == "resources/tasks/mini-1.5-8-seed1/esc50/task.json"
    real = {"tasks_from": "hear2021", "study": "real", "seed": 1}
    assert place(**real, mini_scale={"test": 8}) == "resources/tasks/hear2021/esc50/task.json"


def test_controls_are_random_weights_and_what_the_config_calls_so(study):
    assert study.controls == ["passt_m_hop10_random", "logmel"]
    named = read_study({"models": {"passt_l_hop10": {"control": True}}})
    assert named.controls == ["passt_l_hop10", *study.controls]
    only = read_study({"select_models": ["logmel"]})
    assert only.controls == [] and words.normalization(only) == "best model of this run"


def test_the_leaderboard_is_a_study_without_models():
    official = leaderboard_study()
    assert official.is_real and list(official.tasks) == list(read_task_table())
    assert not paths.stored(official) and not paths.scores(official)
    assert "no model was run" in words.label(official)


def test_a_file_where_a_split_has_its_clips_is_left_to_the_check(tmp_path):
    folder = tmp_path / "birds-v1-full"
    write_task(folder, "birds", splits=["fold00"])
    (folder / "48000").mkdir(exist_ok=True)
    (folder / "48000" / "fold00").touch()
    assert read_study({"study": "x", "task_dir": str(tmp_path)}).tasks["birds"].state()


def test_an_edited_folder_is_noticed(tmp_path):
    folder = tmp_path / "birds-v1-full"
    write_task(folder, "birds", splits=["fold00"])
    config, audio = {"study": "x", "task_dir": str(tmp_path)}, folder / "48000" / "fold00"
    audio.mkdir(parents=True)
    states = []

    def state() -> str:
        states.append(read_study(config).tasks["birds"].state())
        return states[-1]

    before = state()
    assert state() == before
    entries = {name: ["wren"] for name in ("a.wav", "\u00e9.wav")}
    (folder / "fold00.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(entries).encode())
    for clip in ("a.wav", "e\u0301.wav"):  # the other Unicode form, as macOS stores it
        state()
        (audio / clip).write_bytes(b"RIFF")
        assert state() not in states[:-1], clip
    named = state()
    for other in (
        b"48000/fold00/.DS_Store",
        b"48000/fold00/\xfc.wav",
        b"notes.json",
        b"48000/a.wav",
    ):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + other)).write_bytes(b"{}")
        assert state() == named
    (folder / "fold00.json").write_text("{")  # malformed: that is for the task's check to say
    assert state() != named


def test_names_in_every_script_make_tasks(tmp_path):
    for name in ("\u0437\u0432\u0443\u043a", "\u97f3", "e\u0301clat"):
        write_task(tmp_path / f"{name}-v1-full", name)
    tasks = read_study({"study": "x", "task_dir": str(tmp_path)}).tasks
    assert set(tasks) == {"\u0437\u0432\u0443\u043a", "\u97f3", "\u00e9clat"}
    os.mkdir(os.fsencode(tmp_path) + b"/\xfc")
    write_task(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfc/task")), "task")
    with pytest.raises(ConfigError, match=r"task_dir: .*/\\udcfc/task: expected a path in UTF-8"):
        read_study({"study": "x", "task_dir": str(tmp_path)})


def test_no_model_is_called_like_a_leaderboard_entry_beside_it(tmp_path):
    config = {"study": "x", "task_dir": str(tmp_path), "select_models": ["logmel"]}
    config |= {"models": {"logmel": {"label": "OpenL3"}}}
    write_task(tmp_path / "birds-v1-full", "birds")
    assert read_study(config).models["logmel"].label == "OpenL3"
    shutil.rmtree(tmp_path / "birds-v1-full")
    write_task(tmp_path / "tfds_crema_d-1.0.0-full", "tfds_crema_d")
    with pytest.raises(ConfigError, match="'OpenL3' for HEAR leaderboard entry OpenL3, logmel"):
        read_study(config)


def test_real_checkpoint_is_one_entry(tmp_path):
    from tones import write_weights

    shape = {"embed_dim": 64, "depth": 1, "num_heads": 1, "n_classes": 8}
    path = tmp_path / "weights.safetensors"
    write_weights(path, seed=0)
    config = {
        "checkpoints": {"mine": {"file": str(path), "hop": 320, **shape}},
        "models": {"passt_mh_hop10": {"label": "mine", "checkpoint": "mine"}},
        "select_models": ["passt_mh_hop10"],
    }
    study = read_study(config)
    assert words.model_labels(study) == {"passt_mh_hop10": "mine"}
    assert "random-init" not in words.label(study) and "(mine)" in words.label(study)
    assert jobs.weights(study, "mine") == [str(path)]


def test_third_party_models_are_validated_before_they_embed(study):
    views = [("mini_hop10", "scene"), ("logmel", "scene"), ("logmel", "timestamp")]
    assert jobs.validated(study, views) == ["results/mini/models/logmel.json"]
    other = {"checkpoints": {"other": {"released": "passt_hop10"}}}
    other |= {"models": {"passt_m_hop10": {"checkpoint": "other"}}}
    found = jobs.validated(read_study(other), [("other", "scene"), *views])
    assert found == [f"results/mini/models/{id}.json" for id in ("other", "logmel")]
    missing = {"module": "zoo.logmel", "requires": ["--no-deps nowhere>=1"]}
    config = {"models": {"mine": missing}, "select_models": ["mine"]}
    assert read_study(config).models["mine"].requires == ("--no-deps nowhere>=1",)


def test_environments_are_made_once_before_their_models_are_tried(study):
    """Two models with the same packages share one; the module may be known to it alone."""
    own = {"module": "only.there", "environment": {"requirements": ["a==1"]}}
    there = {"module": "only.there", "environment": {"interpreter": sys.executable}}
    config = {"models": {"one": own, "two": own | {"options": {"size": 2}}, "three": there}}
    found = read_study(config | {"select_models": ["one", "two", "three", "logmel"]})
    views = [(source, "scene") for source in ("one", "two", "three", "logmel", "mini_hop10")]
    (record,) = jobs.environments(found, views)
    name = record.split("/")[-2]
    assert jobs.environment(found, name)["requirements"] == ("a==1",)
    assert jobs.settings(found, "one")["environment"] == name
    assert jobs.settings(found, "three")["environment"] == sys.executable
    python = jobs.model_arguments(found, "two")["worker"]["python"]
    assert python == record.replace("environment.json", "bin/python")
    assert jobs.model_arguments(found, "logmel")["worker"] is None


@pytest.fixture
def doors(tmp_path) -> dict:
    """Config of a model of each API but HEAR's: an encoder, a folder with a hidden file, a file."""
    folder = tmp_path / "network"
    for file in ("config.json", "sub/part.safetensors", ".cache/lock"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("1")
    encoder = tmp_path / "encoder.py"
    encoder.write_text("1")
    models = {
        "bands": {"api": "xares", "module": str(encoder), "options": {"gain": 2}, "hop_ms": 40},
        "tokens": {"api": "transformers", "weights": str(folder), "block": 6},
        "net": {"api": "onnx", "weights": str(folder / "config.json"), "sample_rate": 8000},
    }
    models["net"]["environment"] = {"requirements": ["onnxruntime"]}
    return {"models": models, "select_models": list(models)}


def test_other_apis_run_through_adapters(doors, tmp_path):
    study = read_study(doors)
    found = [jobs.model_arguments(study, id) for id in doors["models"]]
    assert [Path(arguments["module"]).name for arguments in found] == [
        "xares_encoder.py", "transformers_folder.py", "onnx_file.py"
    ]  # fmt: skip
    assert [arguments["options"] for arguments in found] == [
        {"module": str(tmp_path / "encoder.py"), "options": {"gain": 2}, "hop_ms": 40},
        {"block": 6},
        {"sample_rate": 8000},
    ]
    requires = [study.models[id].requires for id in doors["models"]]
    assert requires == [(), ("transformers",), ()] and found[2]["worker"]["python"]
    made_of = report_facts(study)["checkpoints"]
    assert made_of["net"] == f"api onnx, weights {tmp_path / 'network' / 'config.json'}"


def test_embeddings_of_other_apis_depend_on_every_file_that_is_read(doors, tmp_path):
    folder, encoder = tmp_path / "network", tmp_path / "encoder.py"
    study = read_study(doors)
    files = [str(folder / "config.json"), str(folder / "sub" / "part.safetensors")]
    assert [jobs.weights(study, id) for id in doors["models"]] == [[], files, files[:1]]
    settings = [jobs.settings(study, id) for id in doors["models"]]
    encoder.write_text("2")
    doors["models"]["tokens"]["block"] = 7
    doors["models"]["net"]["hop_ms"] = 10
    changed = [jobs.settings(read_study(doors), id) for id in doors["models"]]
    assert all(now != before for now, before in zip(changed, settings, strict=True))
    hashes = [sha256_of(folder)]
    (folder / ".cache" / "lock").write_text("2")
    assert sha256_of(folder) == hashes[0]
    (folder / "sub" / "part.safetensors").write_text("2")
    hashes.append(sha256_of(folder))
    (folder / "sub").rename(folder / "other")
    assert len({*hashes, sha256_of(folder)}) == 3


def test_the_first_probe_with_all_clips_is_that_of_exhibits_which_name_it(tmp_path, monkeypatch):
    config = {"probes": ["linear", "mlp"], "train_fractions": ["0.2", 1]}
    study = read_study(config)
    names = [evaluation.name for evaluation in study.evaluations]
    assert names == ["linear", "linear-train0.2", "mlp", "mlp-train0.2"]
    linear = f"results/mini/{words.words(study)['score_file']}"  # to which the report links
    assert linear.format(model="logmel", task="esc50") in paths.scores(study)
    for said in (words.label(study), words.stamp(study)):
        assert "linear probe, protocol mini" in said
    assert "claims of this run are by the linear probe." in report_facts(study)["notices"][0]
    one = read_study({"probes": "mlp"})
    assert one == read_study({})
    assert "probe, protocol" not in words.label(one) + words.stamp(one)
    python = tmp_path / "python"
    python.touch()
    heareval = {"evaluator": "heareval", "heareval_python": str(python)}
    with pytest.raises(ConfigError, match="train_fractions: heareval trains on whole splits"):
        read_study(config | heareval)
    read_study({"probes": ["mlp", "linear", "knn"]} | heareval)


def test_probes_without_event_tasks_leave_them_out_only_if_they_come_first():
    study = read_study({"probes": ["mlp", "knn"]})
    assert "maestro" in study.tasks and not study.notices
    scored = [path for path in paths.scores(study) if path.endswith(".knn.json")]
    assert scored and not any("maestro" in path for path in scored)
    first = read_study({"probes": ["knn"]})
    assert "maestro" not in first.tasks
    assert "probes: knn, the first, cannot evaluate event tasks" in first.notices[0]
    assert "seed" not in words.label(first) + words.stamp(first)
    assert all(path.endswith("/seed0.npz") for path in paths.all_predictions(first, "esc50"))
    with pytest.raises(ConfigError, match="probes: knn, .*no task is left"):
        read_study({"probes": ["knn"], "tasks": ["maestro"]})


def test_what_the_default_study_stores_stays_where_it_is_beside_other_probes(study):
    more = read_study({"probes": ["mlp", "knn", "linear"], "train_fractions": [0.2, 1.0]})
    assert set(paths.stored(study)) < set(paths.stored(more))
    assert set(paths.scores(study)) < set(paths.scores(more))
    known = {exhibit.id for exhibit in exhibits.exhibits(study)}
    new = {exhibit.id for exhibit in exhibits.exhibits(more)} - known
    assert new == {"figures/probes", "figures/train_fractions"}
