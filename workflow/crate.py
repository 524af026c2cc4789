"""RO-Crate of a run: workflow, inputs, actions and results with hashes, as JSON-LD.

Formats: RO-Crate 1.1 and Workflow Run Crate 0.5, which extends Process Run Crate 0.5 and Workflow
RO-Crate 1.0. The crate's root is the study's folder of results; every file in it that the crate
lists is there, and has its SHA-256.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from hear.files import sha256_file
from workflow.study.exports import CRATE_FILE

CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context",
]
CRATE = "https://w3id.org/ro/crate/1.1"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    WORKFLOW_CRATE: "Workflow RO-Crate",
}
APACHE = "https://spdx.org/licenses/Apache-2.0"
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
HOMES = {  # of software that scores depend on
    "python": "https://www.python.org",
    "torch": "https://pytorch.org",
    "numpy": "https://numpy.org",
    "scipy": "https://scipy.org",
    "soxr": "https://github.com/dofuuz/python-soxr",
}


@dataclass(frozen=True)
class Run:
    """Facts about a run, in plain types.

    Files are paths in ``root``: ``results``, ``exports`` of them, and copies of the workflow's
    ``main`` file, ``config`` and further ``sources``. ``inputs`` are what scores depend on and is
    not in the root, each with ``name``, ``value`` (a hash) and ``description``. ``version`` is the
    workflow's, ``software`` has those of packages; ``stages`` is `workflow.stages.read_stages`'s
    table.
    """

    name: str
    description: str
    root: Path
    results: tuple[str, ...]
    exports: tuple[str, ...]
    main: str
    config: str
    sources: tuple[str, ...]
    inputs: Iterable[Mapping[str, str]]
    version: str
    software: Mapping[str, str]
    stages: pd.DataFrame
    machine: Mapping[str, str]


def ro_crate(run: Run) -> dict[str, Any]:
    """Describe a run as a crate; OSError for a file that is not there."""
    sources = [
        _file(run.root, name, "part of the workflow") | {"@type": ["File", "SoftwareSourceCode"]}
        for name in run.sources
    ]
    config = _file(run.root, run.config, "settings of the run, complete")
    results = [_file(run.root, name, "result of the run") for name in run.results]
    exports = [_file(run.root, name, "scores in another tool's format") for name in run.exports]
    inputs = [
        {"@id": f"#input-{number}", "@type": "PropertyValue", **entry}
        for number, entry in enumerate(run.inputs)
    ]
    software = [_software(name, version) for name, version in run.software.items()]
    workflow = _file(run.root, run.main, "main file of the workflow") | {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "passt-hear",
        "version": run.version,
        "license": {"@id": APACHE},
        "programmingLanguage": {"@id": SNAKEMAKE},
        "softwareRequirements": _ids(software),
        "hasPart": _ids(sources),
    }
    ended = max((run.root / name).stat().st_mtime for name in run.results)
    whole = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run of the workflow for {run.name}",
        "description": "; ".join(f"{key}: {value}" for key, value in run.machine.items()),
        "endTime": _time(ended),
        "instrument": {"@id": run.main},
        "object": _ids([config, *inputs]),
        "result": _ids(results),
    }
    rules = [
        {
            "@id": f"#rule-{stage.rule}",
            "@type": "CreateAction",
            "name": f"Jobs of the rule {stage.rule}",
            "description": f"{stage.jobs} jobs, {stage.wall_s} s in all, {stage.cpu_s} s of CPU, "
            f"at most {stage.peak_mib} MiB",
            "endTime": _time(ended),
            "instrument": {"@id": _script(stage.rule, run)},
        }
        for stage in run.stages.itertuples(index=False)
    ]
    files = [workflow, *sources, config, *results, *exports]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": run.name,
        "description": run.description,
        "datePublished": _time(ended),
        "license": {"@id": APACHE},
        "conformsTo": [{"@id": profile} for profile in PROFILES],
        "mainEntity": {"@id": run.main},
        "hasPart": _ids(files),
        "mentions": _ids([whole, *rules]),
    }
    descriptor = {
        "@id": CRATE_FILE,
        "@type": "CreativeWork",
        "conformsTo": [{"@id": CRATE}, {"@id": WORKFLOW_CRATE}],
        "about": {"@id": "./"},
    }
    license = {
        "@id": APACHE,
        "@type": "CreativeWork",
        "name": "Apache License 2.0",
        "identifier": "Apache-2.0",
    }
    language = {
        "@id": SNAKEMAKE,
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "url": {"@id": "https://snakemake.github.io"},
        "version": run.software["snakemake"],
    }
    profiles = [
        {"@id": id, "@type": "CreativeWork", "name": name, "version": id.rpartition("/")[2]}
        for id, name in PROFILES.items()
    ]
    entities = [descriptor, root, license, language, *profiles, *software, *inputs]
    return {"@context": CONTEXT, "@graph": [*entities, *files, whole, *rules]}


def _script(rule: str, run: Run) -> str:
    """The script of a rule, which has its name or the beginning of it."""
    names = {Path(name).stem: name for name in run.sources if name.endswith(".py")}
    own = [stem for stem in names if rule == stem or rule.startswith(f"{stem}_")]
    return names[max(own, key=len)] if own else run.main


def _ids(entities: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"@id": entity["@id"]} for entity in entities]


def _file(root: Path, name: str, description: str) -> dict[str, Any]:
    path = root / name
    kind = mimetypes.guess_type(name)[0] or "text/plain"
    return {
        "@id": quote(name),
        "@type": "File",
        "name": name,
        "description": description,
        "encodingFormat": kind,
        "contentSize": str(path.stat().st_size),
        "sha256": sha256_file(path),
    }


def _software(name: str, version: str) -> dict[str, str]:
    home = HOMES.get(name)
    entity = {"@id": home or f"#software-{name}", "@type": "SoftwareApplication", "name": name}
    return entity | {"softwareVersion": version} | ({"url": home} if home else {})


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
