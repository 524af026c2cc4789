"""Workload of a study's tasks: clips, seconds, folds, and number of probes."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from hear.probes import REFERENCE, Evaluation, Probe
from hear.protocol import Protocol, grid_points
from hear.tasks.problems import METADATA_FILE
from mini.registry import find_mini_task
from mini.task import Scale
from passt.lengths import TIMESTAMP_HOP_MS
from workflow.study.archives import LONGEST_S, TOTAL_S
from workflow.study.config import ConfigError
from workflow.study.paths import manifest
from workflow.study.study import Study
from workflow.study.tasks import TaskSpec, read_task_table

# Training part where HEAR has one: FSD50K 36,796 of 51,197 clips (Fonseca et al. 2022), Speech
# Commands v0.02 84,843 of 105,829 (Warden 2018).
TRAIN_SHARE = 0.8
N_LENGTHS = 50  # that stand for clips of unequal length


@dataclass(frozen=True)
class Workload:
    """Clips, embedded as scenes or at timestamps; ``train_share`` of them is trained on.

    ``duration_s`` is their length, or the mean of lengths up to ``longest_s``.

    ``n_folds`` is 1 where there is a training, a validation and a test part; each of ``n_folders``
    task folders has so many. ``metadata`` is what the task prescribes to the protocol.
    """

    name: str
    at_timestamps: bool
    n_clips: int  # of all folders
    duration_s: float
    n_folds: int
    train_share: float
    n_folders: int = 1
    metadata: dict = field(default_factory=dict)
    longest_s: float = 0.0

    @property
    def lengths_s(self) -> list[float]:
        """Lengths of equally many clips each.

        Where only mean and longest are known, those of an exponential distribution, an assumption:
        a scene that is longer than the window costs several.
        """
        if not self.longest_s:
            return [self.duration_s]
        quantiles = ((i + 0.5) / N_LENGTHS for i in range(N_LENGTHS))
        return [min(-self.duration_s * math.log1p(-q), self.longest_s) for q in quantiles]

    @property
    def audio_s(self) -> float:
        """Seconds of all clips."""
        return self.n_clips * self.duration_s

    @property
    def n_rows(self) -> float:
        """Rows of features."""
        per_clip = 1000 * self.duration_s / TIMESTAMP_HOP_MS + 1 if self.at_timestamps else 1
        return self.n_clips * per_clip

    def n_fits(self, protocol: Protocol, probe: Probe = REFERENCE.probe) -> int:
        """Probes that one embedding takes: the grid on one fold, the best on the others.

        ``protocol`` is the study's. What is not trained is fitted once on each fold.
        """
        n_points = len(grid_points(self.protocol(protocol, probe), seed=0))
        return self.n_folders * ((n_points if probe.is_trained else 1) + self.n_folds - 1)

    def protocol(self, protocol: Protocol, probe: Probe = REFERENCE.probe) -> Protocol:
        """The study's protocol as task and probe change it."""
        return probe.protocol(protocol.for_task(self.metadata))


def workloads(study: Study) -> list[Workload]:
    """Tasks of a study: as they lie here, or by the sizes of HEAR 2021's archives or of mini tasks.

    A ConfigError names a task of the user's own that has not been checked yet.
    """
    works, scale = [], Scale(**study.config["mini_scale"])
    for slug, spec in study.tasks.items():
        if (path := Path(manifest(study, slug))).exists():
            works.append(_present(spec, path, study.origin))
        elif study.origin == "folder":
            raise ConfigError(
                f"config: task_dir: the size of task {slug!r} is known once its audio has been "
                f"checked, expected {path}, found nothing; run Snakemake with this config and "
                "--until fetch_task first"
            )
        else:
            works.append(_generated(spec, scale) if study.origin == "mini" else _published(spec))
    return works


def predict_item(embedding: str, evaluation: Evaluation) -> str:
    """Item of a plan: an embedding's predictions, with the evaluation unless it is heareval's."""
    return embedding if evaluation == REFERENCE else f"{embedding} by {evaluation.name}"


def readers(study: Study, work: Workload) -> tuple[dict[str, list[str]], dict]:
    """Models by the embedding that they have for a task, and by each (source, view) that they read.

    A source is a checkpoint or a third-party model.
    """
    embeddings, views = defaultdict(list), defaultdict(list)
    for id, name in study.embeddings_of("event" if work.at_timestamps else "scene").items():
        embeddings[name].append(id)
        for pair in dict.fromkeys((source, view) for source, view, _ in study.components(name)):
            views[pair].append(id)
    return embeddings, views


def _present(spec: TaskSpec, path: Path, origin: str) -> Workload:
    """A task by its manifest and split files."""
    entries = json.loads(path.read_text(encoding="utf-8"))["folders"]
    folders = [path.parent / entry["path"] for entry in entries]
    metadata = json.loads((folders[0] / METADATA_FILE).read_text(encoding="utf-8"))
    n_clips = sum(entry["n_clips"] for entry in entries)
    duration_s = sum(entry["duration_s"] for entry in entries) / n_clips
    is_event = spec.embedding_type == "event"
    if metadata["split_mode"] == "trainvaltest":
        n_folds, files = 1, [folder / "train.json" for folder in folders]
        n_train = sum(len(json.loads(file.read_text(encoding="utf-8-sig"))) for file in files)
        share = n_train / n_clips
    else:
        n_folds = len(metadata["splits"])
        share = (n_folds - 2) / n_folds
    longest_s = LONGEST_S.get(spec.slug, 0.0) if origin == "hear2021" else 0.0
    rest = (n_clips, duration_s, n_folds, share, len(folders), metadata, longest_s)
    return Workload(spec.slug, is_event, *rest)


def _published(spec: TaskSpec) -> Workload:
    """A task by the sizes of HEAR 2021's archives."""
    row = read_task_table()[spec.slug]
    n_folders, n_folds = len(row["folders"].split(";")), int(row["n_folds"])
    n_clips = int(row["n_clips"]) * n_folders  # each of Beehive's folders has all
    duration_s = float(row["duration_s"] or TOTAL_S[spec.slug] / n_clips)
    share = TRAIN_SHARE if n_folds == 1 else (n_folds - 2) / n_folds
    metadata = find_mini_task(spec.slug).metadata(seed=0)  # as the real task's
    longest_s = LONGEST_S.get(spec.slug, 0.0)
    rest = (n_clips, duration_s, n_folds, share, n_folders, metadata, longest_s)
    return Workload(spec.slug, spec.embedding_type == "event", *rest)


def _generated(spec: TaskSpec, scale: Scale) -> Workload:
    """A mini task that is still to be generated."""
    task = find_mini_task(spec.slug)
    n_clips = sum(sum(scale.counts(part.n_clips).values()) for part in task.parts)
    # Of clips that differ in length, the mean of shortest and longest.
    lengths_s = task.duration_range_s or (task.duration_s or 0.0,)
    duration_s = sum(lengths_s) / len(lengths_s)
    if task.split_mode == "trainvaltest":
        counts = scale.counts(task.n_clips)
        n_folds, share = 1, counts["train"] / sum(counts.values())
    else:
        n_folds = len(task.n_clips)
        share = (n_folds - 2) / n_folds
    rest = (n_clips, duration_s, n_folds, share, len(task.parts), task.metadata(seed=0))
    return Workload(spec.slug, spec.embedding_type == "event", *rest)
