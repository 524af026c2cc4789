"""Croissant metadata of a task: its audio files and labels as record sets, one JSON-LD document.

Format: Croissant 1.0 (http://mlcommons.org/croissant/1.0). The document lies beside the task's
folders and refers to them by relative paths. It contains the records itself: the split files of
HEAR's layout use clip names as keys, which Croissant's extraction cannot address, and its reader
(1.1) cannot open WAV files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hear.tasks.folder import TaskFolder
from hear.tasks.manifest import task_hashes

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
CONTEXT = {  # the specification's, appendix 1
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataBiases": "cr:dataBiases",
    "dataCollection": "cr:dataCollection",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "personalSensitiveInformation": "cr:personalSensitiveInformation",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
TEXT, NUMBER = "sc:Text", "sc:Float"


def croissant(
    manifest: Mapping[str, Any], folders: list[TaskFolder], description: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe a checked task, whose folders lie beside its manifest.

    ``description`` supplies the properties that the folders do not contain: ``name``,
    ``description``, ``license``, ``creator``, ``version``, ``datePublished`` and further properties
    of a schema.org Dataset.

    Returns
    -------
    dict
        A document with the record sets ``clips`` (path, split) and ``annotations``: one record per
        label of a scene, or per event with its times in ms. Both identify clips by path.
    """
    hashes = "; ".join(f"{name} {digest}" for name, digest in task_hashes(dict(manifest)).items())
    rate_hz = {Path(entry["path"]).name: entry["sample_rate_hz"] for entry in manifest["folders"]}
    files = [
        {
            "@type": "cr:FileSet",
            "@id": "audio",
            "name": "audio",
            "description": "Mono WAV files, one folder for each sample rate and split.",
            "encodingFormat": "audio/wav",
            "includes": [f"{folder.name}/{rate_hz[folder.name]}/*/*.wav" for folder in folders],
        }
    ]
    timed = folders[0].embedding_type == "event"
    columns = {"path": TEXT, "split": TEXT, "label": TEXT}
    columns |= {"start_ms": NUMBER, "end_ms": NUMBER} if timed else {}
    clips: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for folder in folders:
        for split, entries in folder.clips.items():
            place = f"{folder.name}/{rate_hz[folder.name]}/{split}"
            for file, entry in entries.items():
                clips.append({"path": f"{place}/{file}", "split": split})
                annotations += _annotations(clips[-1], entry)
    said = "Events with their times." if timed else "Labels, one record for each."
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        **description,
        "identifier": f"SHA-256 of labels and audio: {hashes}",
        "distribution": files,
        "recordSet": [
            _record_set("clips", "Files of the set audio.", {"path": TEXT, "split": TEXT}, clips)
            | {"key": {"@id": "clips/path"}},
            _record_set("annotations", said, columns, annotations),
        ],
    }


def _record_set(
    name: str, description: str, columns: Mapping[str, str], records: list[dict[str, Any]]
) -> dict[str, Any]:
    """A record set with inline records."""
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "field": [
            {"@type": "cr:Field", "@id": f"{name}/{column}", "name": column, "dataType": kind}
            for column, kind in columns.items()
        ],
        "data": [{f"{name}/{key}": said for key, said in record.items()} for record in records],
    }


def _annotations(clip: dict[str, Any], entry: list[Any]) -> Iterator[dict[str, Any]]:
    """The records of a clip's labels or events."""
    for label in entry:
        if isinstance(label, dict):
            times = {"start_ms": float(label["start"]), "end_ms": float(label["end"])}
            yield clip | {"label": label["label"]} | times
        else:
            yield clip | {"label": label}
