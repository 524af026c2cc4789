"""Croissant metadata: every clip, label and event of a task, and what Croissant's reader finds."""

from __future__ import annotations

import json
import time
from fnmatch import fnmatch
from pathlib import Path

import pytest

from hear.tasks.check import write_manifest
from hear.tasks.croissant import CONFORMS_TO, croissant
from hear.tasks.manifest import read_manifest
from workflow.export import write_croissant

DESCRIPTION = {
    "name": "generated tones",
    "description": "Tones.",
    "license": ["https://spdx.org/licenses/Apache-2.0"],
    "creator": {"@type": "sc:Organization", "name": "passt-hear"},
    "version": "8.0.0",
    "datePublished": "2026-11-26",
    "url": "https://example.org",
}


@pytest.fixture(params=["scene", "event"])
def written(request, make_task, tmp_path) -> Path:
    """A task of two folders with its document beside its manifest."""
    folders = [
        make_task(f"{name}-v1-full", embedding_type=request.param) for name in ("low", "high")
    ]
    write_manifest(tmp_path / "task.json", "tones", folders, {}, progress=False)
    document = croissant(*read_manifest(tmp_path / "task.json"), DESCRIPTION)
    (tmp_path / "croissant.json").write_text(json.dumps(document, allow_nan=False))
    return tmp_path / "croissant.json"


def expected(place: Path) -> list[dict]:
    """A record for each label and event, as the split files say."""
    records = []
    for folder in ("low-v1-full", "high-v1-full"):
        for split in ("test", "train", "valid"):
            clips = json.loads((place / folder / f"{split}.json").read_text())
            for file, entry in clips.items():
                record = {"path": f"{folder}/16000/{split}/{file}", "split": split}
                for label in entry:
                    more = (
                        {"label": label}
                        if isinstance(label, str)
                        else {"label": label["label"]}
                        | {f"{key}_ms": label[key] for key in ("start", "end")}
                    )
                    records.append(record | more)
    return records


def test_every_label_is_a_record_and_every_clip_a_file(written: Path) -> None:
    document = json.loads(written.read_text())
    assert document["conformsTo"] == CONFORMS_TO and document["name"] == "generated tones"
    clips, annotations = document["recordSet"]
    found = [
        {key.removeprefix("annotations/"): value for key, value in record.items()}
        for record in annotations["data"]
    ]
    assert found == expected(written.parent)
    assert {field["@id"] for field in annotations["field"]} == {*annotations["data"][0]}
    (files,) = document["distribution"]
    for record in found:
        assert (written.parent / record["path"]).is_file()
        assert any(fnmatch(record["path"], pattern) for pattern in files["includes"])
    hashes = json.loads((written.parent / "task.json").read_text())["folders"]
    assert all(folder["task_hash"] in document["identifier"] for folder in hashes)


def test_croissants_own_reader_iterates_the_record_sets(written: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    dataset = mlcroissant.Dataset(jsonld=str(written))
    assert not dataset.metadata.ctx.issues.errors
    found = {
        name: [
            {
                key.removeprefix(f"{name}/"): said.decode() if isinstance(said, bytes) else said
                for key, said in record.items()
            }
            for record in dataset.records(name)
        ]
        for name in ("clips", "annotations")
    }
    assert found["annotations"] == expected(written.parent)
    on_disk = written.parent.glob("*/16000/*/*.wav")
    assert {clip["path"] for clip in found["clips"]} == {
        path.relative_to(written.parent).as_posix() for path in on_disk
    }
    assert all(Path(clip["path"]).parent.name == clip["split"] for clip in found["clips"])


def test_a_task_made_at_night_has_the_date_of_utc(make_task, tmp_path, monkeypatch) -> None:
    origin = {"generator": 9, "seed": 0}
    folder = make_task("tones-v1-full")
    write_manifest(tmp_path / "task.json", "tones", [folder], origin, progress=False)
    made = read_manifest(tmp_path / "task.json")
    for zone in ("UTC", "Asia/Tokyo", "America/Los_Angeles"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        write_croissant(str(tmp_path / "c.json"), made, "tones", [], "1", 1_700_000_000)
        assert json.loads((tmp_path / "c.json").read_text())["datePublished"] == "2023-11-14"
    monkeypatch.undo()
    time.tzset()
