"""The RO-Crate of a run, by the MUSTs of its profiles, and every file of `export` on request."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from urllib.parse import unquote, urlparse

import pandas as pd
import pytest
from tones import output, run

from analysis.formats.every_eval_ever import read_every_eval_ever
from analysis.tables.scores import write_csv
from workflow.crate import PROFILES, Run, ro_crate
from workflow.study import exports
from workflow.study.exports import CRATE_FILE
from workflow.study.study import read_study


def check_crate(root: Path, document: dict) -> dict[str, dict]:
    """Assert what RO-Crate 1.1 and the Workflow Run Crate profile demand; return the entities."""
    entities = {entity["@id"]: entity for entity in document["@graph"]}
    assert len(entities) == len(document["@graph"])
    descriptor, crate = entities[CRATE_FILE], entities["./"]
    assert descriptor["about"] == {"@id": "./"} and descriptor["@type"] == "CreativeWork"
    assert {"@id": "https://w3id.org/ro/crate/1.1"} in descriptor["conformsTo"]
    assert crate["@type"] == "Dataset"
    assert all(crate[key] for key in ("name", "description", "datePublished", "license"))
    assert {profile["@id"] for profile in crate["conformsTo"]} == {*PROFILES}
    workflow = entities[crate["mainEntity"]["@id"]]
    assert {*workflow["@type"]} == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert entities[workflow["programmingLanguage"]["@id"]]["@type"] == "ComputerLanguage"
    parts = {part["@id"] for part in crate["hasPart"]}
    for id, entity in entities.items():
        if "File" in entity["@type"]:
            path = root / unquote(id)
            assert id in parts and str(path.stat().st_size) == entity["contentSize"]
            assert hashlib.sha256(path.read_bytes()).hexdigest() == entity["sha256"]
        if entity["@type"] == "CreateAction":
            assert "SoftwareSourceCode" in entities[entity["instrument"]["@id"]]["@type"]
            assert {"@id": id} in crate["mentions"]
        for value in entity.values():
            for link in value if isinstance(value, list) else [value]:
                if isinstance(link, dict) and not urlparse(link["@id"]).scheme:
                    assert link["@id"] in entities
    actions = [entity for entity in entities.values() if entity["@type"] == "CreateAction"]
    assert crate["mainEntity"] in [action["instrument"] for action in actions]
    return entities


def test_a_crate_has_what_its_profiles_demand(tmp_path: Path) -> None:
    names = ("scores.csv", "a b.svg", "w/Snakefile", "w/scripts/embed.py", "config.yaml")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}")
    stages = pd.DataFrame(
        [("embed_scene", 3, 1.5, 1.2, 300.0), ("bootstrap", 1, 2.0, 2.0, 200.0)],
        columns=["rule", "jobs", "wall_s", "cpu_s", "peak_mib"],
    )
    task = {"name": "esc50-mini-full", "value": "ab", "description": "generated mini ESC-50"}
    document = ro_crate(
        Run(
            name="study", description="generated tasks", root=tmp_path,
            results=("scores.csv",), exports=("a b.svg",), main="w/Snakefile",
            config="config.yaml", sources=("w/scripts/embed.py",), inputs=[task],
            version="0.2.0", software={"snakemake": "9.25", "numpy": "2.4"},
            stages=stages, machine={"processor": "x"},
        )
    )  # fmt: skip
    entities = check_crate(tmp_path, json.loads(json.dumps(document)))
    assert entities["#rule-embed_scene"]["instrument"] == {"@id": "w/scripts/embed.py"}
    assert entities["#rule-bootstrap"]["instrument"] == {"@id": "w/Snakefile"}
    inputs = [entities[link["@id"]] for link in entities["#run"]["object"]]
    assert {"config.yaml", "esc50-mini-full"} == {entity["name"] for entity in inputs}
    assert entities["#run"]["result"] == [{"@id": "scores.csv"}] and "a%20b.svg" in entities


def test_a_file_that_is_missing_is_no_part_of_a_crate(tmp_path: Path) -> None:
    stages = pd.DataFrame(columns=["rule"])
    run = Run(
        "s", "d", tmp_path, ("scores.csv",), (), "Snakefile", "c.yaml", (), (), "1", {}, stages, {}
    )  # fmt: skip
    with pytest.raises(FileNotFoundError):
        ro_crate(run)


def test_names_of_generated_tasks_say_so_in_every_export() -> None:
    study = read_study({"study": "small", "tasks": ["esc50", "maestro"]})
    names = exports.facts(study)["text"]["tasks"]
    assert names == {"esc50": "generated mini ESC-50", "maestro": "generated mini Maestro 5h"}
    assert exports.facts(study)["real_tasks"] == []
    assert {*exports.files(study)["croissant"]} == {"esc50", "maestro"}


@pytest.mark.slow
def test_a_run_is_exported_and_its_scores_come_back(clone: Path) -> None:
    done = run(clone, "export")
    assert done.returncode == 0, done.stdout
    folder = output(clone)
    check_crate(folder, json.loads((folder / CRATE_FILE).read_text()))
    documents = [
        json.loads(path.read_text()) for path in (folder / "export/every_eval_ever").glob("*.json")
    ]
    write_csv(read_every_eval_ever(documents), clone / "again.csv")
    assert (clone / "again.csv").read_bytes() == (folder / "scores.csv").read_bytes()
    assert (folder / "export/mteb/logmel/tones_scene.json").is_file()
    assert not list(folder.rglob("croissant.json"))  # the tasks are the user's own
