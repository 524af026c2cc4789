"""Links of the chain that carry hashes: archive to task, task to features, features to predictions.

Each check yields a `Break` for each file that is not what the next file was made from. What was
stored is compared as jobs compare it (`workflow.sources`, `workflow.provenance`), but for
the versions of the software, which may be others where a study is verified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from hear.evaluators import described
from hear.features.names import INDEX
from hear.features.store import read_index
from hear.files import sha256_file
from hear.probes import Evaluation
from hear.scores.files import content_hash, load_predictions
from hear.tasks.fingerprint import file_hashes, fingerprint
from hear.tasks.folder import TaskFolder
from hear.tasks.manifest import read_manifest, task_hashes
from hear.tasks.problems import EMBEDDING_TYPES
from workflow.provenance import provenance_of
from workflow.sources import load_source
from workflow.study import jobs, paths
from workflow.study.study import Study

Tasks = dict[str, tuple[dict, list[TaskFolder]]]  # manifest and folders by task
MALFORMED = (ValueError, KeyError, TypeError, AttributeError)  # of JSON of another shape
NONE = "none"


@dataclass(frozen=True)
class Break:
    """A file that does not hold the chain: what it should be, and what it is."""

    file: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.file}: expected {self.expected}, found {self.found}"


Sample = Callable[..., Iterator[Break]]  # takes task, model, view, its folder, its levels


def check_tasks(study: Study, tasks: Tasks, notes: list[str]) -> Iterator[Break]:
    """Check that archives and task folders are those of the manifests; fill ``tasks`` with both."""
    n_files, gone = 0, []
    for task, spec in tqdm(study.tasks.items(), "archives and tasks", unit="task", leave=False):
        path = Path(paths.manifest(study, task))
        try:
            manifest, folders = read_manifest(path)
            origin, known = manifest["origin"], task_hashes(manifest)
            sources = [entry.get("sources", {}) for entry in manifest["folders"]]
        except (OSError, *MALFORMED) as error:
            yield Break(str(path), "a checked task", NONE if not path.exists() else str(error))
            continue
        tasks[task] = manifest, folders
        if spec.is_generated:
            wanted = {"generator": jobs.generator(study, task), "seed": study.config["seed"]}
            yield from compared(str(path), {"origin": wanted}, {"origin": origin})
        for archive in (source for source in spec.sources if not source.is_dir()):
            sha256 = origin.get("archives", {}).get(archive.name, NONE)
            if not archive.exists():
                gone.append(archive.name)
            elif (found := sha256_file(archive)) != sha256:
                yield Break(str(archive), f"sha256 {sha256} ({path})", found)
        for folder, its_sources in zip(folders, sources, strict=True):
            hashes = file_hashes(folder)
            n_files += len(hashes)
            if (found := fingerprint(hashes)) != known[folder.name]:
                later = path.stat().st_mtime
                names = [n for n in folder_files(folder) if n.stat().st_mtime > later]
                since = f" (written since: {', '.join(map(str, names[:3]))})" if names else ""
                yield Break(str(folder.path), f"task_hash {known[folder.name]}", found + since)
            yield from compared(
                str(folder.path), {"sources": its_sources}, {"sources": folder.sources}
            )
    notes.append(f"{n_files:,} files of {len(tasks)} tasks by hash")
    if gone:
        notes.append(f"not there any more, so not compared: {', '.join(gone)}")


def folder_files(folder: TaskFolder) -> list[Path]:
    """Every file in and below a task folder."""
    return sorted(path for path in folder.path.rglob("*") if path.is_file())


def check_features(study: Study, tasks: Tasks, sample: Sample, notes: list[str]) -> Iterator[Break]:
    """Check stored features against weights, tasks and the hashes of their index.

    Of the task of each kind with the least audio, ``sample`` computes some of each view again.
    """
    n_arrays = 0
    with tqdm(desc="features", unit="view", leave=False) as bar:
        for kind in EMBEDDING_TYPES:
            mine = sorted(study.tasks_of(kind), key=lambda task: _duration_s(tasks[task][0]))
            views = study.views(kind) if mine else []
            for entry in jobs.embed_entries(study, mine[0], views) if mine else ():
                source = entry["source"]
                try:
                    model, facts = load_source(entry, jobs.validated(study, views))
                except (OSError, ValueError) as error:
                    yield Break(source, "weights or a model that can be loaded", str(error))
                    continue
                for task in mine:
                    for view, levels in entry["levels"].items():
                        folder = Path(paths.features(study, source, task, view))
                        breaks = list(_check_view(folder, levels, facts, *tasks[task]))
                        if not breaks and task == mine[0]:
                            breaks += sample(task, model, view, folder, levels)
                        yield from breaks
                        n_arrays += len(levels)
                        bar.update()
    notes.append(f"{n_arrays:,} arrays of features by hash")


def _duration_s(manifest: dict) -> float:
    return sum(entry["duration_s"] for entry in manifest["folders"])


def _check_view(
    folder: Path, levels: list[str], facts: Mapping[str, Any], manifest: dict, folders: list
) -> Iterator[Break]:
    try:
        index = read_index(folder)
        wanted = {**facts, "tasks": task_hashes(manifest)}
        made_from = {key: index["provenance"].get(key) for key in wanted}
        order = {
            f: {s: part["files"] for s, part in ss.items()} for f, ss in index["folders"].items()
        }
        hashes = {level: index["sha256"].get(level, NONE) for level in levels}
    except MALFORMED as error:
        yield Break(str(folder / INDEX), "an index of features", str(error))
        return
    yield from compared(str(folder / INDEX), wanted, made_from)
    files = {one.name: one.order for one in folders}
    yield from compared(str(folder / INDEX), files, order)
    for level, known in hashes.items():
        path = folder / f"{level}.npy"
        here = sha256_file(path) if path.is_file() else NONE
        if here != known:
            yield Break(str(path), f"sha256 {known} (index.json)", here)


def check_predictions(study: Study, notes: list[str]) -> Iterator[Break]:
    """Check stored predictions against features, protocol and the hash in their header."""
    protocol, n_files = jobs.plain(study.protocol), 0
    threads, mkl = study.config["threads"]["predict"], study.config["mkl_fast_path"]
    for stored in tqdm(list(predictions_of(study)), "predictions", unit="file", leave=False):
        path = stored.path
        if not path.is_file():
            yield Break(
                str(path), f"predictions of {stored.task} by {stored.evaluation.name}", NONE
            )
            continue
        n_files += 1
        try:
            header, arrays = load_predictions(path)
            made_from = dict(header["provenance"])
        except MALFORMED as error:
            yield Break(str(path), "a file of predictions", str(error))
            continue
        if (found := content_hash(arrays)) != header.get("sha256"):
            yield Break(str(path), f"sha256 of its arrays {header.get('sha256', NONE)}", found)
        name = described(study.evaluator["name"], stored.evaluation)
        wanted = provenance_of(stored.entry, protocol, name, threads, mkl)
        wanted |= stored.evaluation.facts
        wanted["evaluator"] = name.split()[0]  # without its version or device
        made_from["evaluator"] = str(made_from.get("evaluator", NONE)).split()[0]
        del wanted["software"]
        yield from compared(str(path), wanted, {key: made_from.get(key) for key in wanted})
    notes.append(f"{n_files:,} files of predictions by hash")


class Stored(NamedTuple):
    """One file of predictions: how it was made, and its `workflow.study.jobs.predict_entries`."""

    task: str
    evaluation: Evaluation
    entry: dict
    seed: int

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.entry["predictions"].format(seed=self.seed))


def predictions_of(study: Study) -> Iterator[Stored]:
    """All files of predictions that a study makes."""
    for task, spec in study.tasks.items():
        embeddings = list(study.embeddings_of(spec.embedding_type).values())
        for probe, one in paths.probes(study, spec.embedding_type).items():
            for entry in jobs.predict_entries(study, probe, task, embeddings):
                for seed in study.seeds_of(one):
                    yield Stored(task, one, entry, seed)


def compared(
    file: str, expected: Any, found: Any, tolerance: float = 0.0, where: str = ""
) -> Iterator[Break]:
    """Yield where two values differ, of tables and lists each part."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys([*expected, *found]):
            yield from compared(
                file, expected.get(key, NONE), found.get(key, NONE), tolerance, f"{where}{key}: "
            )
    elif isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        if len(expected) != len(found):
            yield Break(file, f"{where}{len(expected)} entries", str(len(found)))
        for i, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from compared(file, one, other, tolerance, f"{where}{i + 1}: ")
    elif expected != found and not _is_close(expected, found, tolerance):
        yield Break(file, f"{where}{expected}", str(found))


def _is_close(one: Any, other: Any, tolerance: float) -> bool:
    try:
        return tolerance > 0 and bool(np.isclose(float(one), float(other), tolerance, tolerance))
    except (TypeError, ValueError):
        return False
