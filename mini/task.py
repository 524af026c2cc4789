"""Record of a mini task: metadata in HEAR's terms, and the recipe of its clips."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # numpy is not there when a workflow is only listed
    import numpy as np
    from numpy.typing import NDArray

GENERATOR_VERSION = 9  # raised whenever the bytes of any mini task change; stored in its metadata
SAMPLE_RATE_HZ = 32_000  # PaSST's rate, one of HEAR's five (hear-preprocess, sample rates)
VERSION = "mini"  # stands where the real folder names have "v0.0.2", "hear2021", ...

Audio: TypeAlias = "NDArray[np.float32]"
Event = dict[str, Any]  # {"label": str, "start": ms, "end": ms}, as in HEAR's split files


class MiniTaskError(ValueError):
    """A mini task that cannot be made."""


class MissingSourceError(MiniTaskError):
    """A sound source that is not installed; the message names the wheel."""


@dataclass(frozen=True)
class Scale:
    """Factors for the numbers of clips, and thereby events and sources, of a mini task.

    ``test`` applies to the test part; ``train`` to training and validation, and to the folds of a
    k-fold task, which serve for training and testing. The numbers of hives, guns, rooms and
    environments are scaled too. eSpeak's voices and the soundfont's programs (three pianos) are
    limited, so a larger scale has more clips of each.
    """

    train: float = 1.0
    test: float = 1.0

    def counts(self, n_clips: Mapping[str, int]) -> dict[str, int]:
        """Scaled numbers of clips by split, at least one, from those at scale 1."""
        return {
            split: max(1, round((self.test if split == "test" else self.train) * count))
            for split, count in n_clips.items()
        }


SCALE_1 = Scale()


@dataclass(frozen=True)
class Clip:
    """One clip of a mini task."""

    audio: Audio  # mono at `SAMPLE_RATE_HZ`, (n_samples,)
    labels: list[str] | list[Event]  # what HEAR's split files hold for a scene or an event task
    source: str = ""  # voice, instrument, hive, ... that other clips may have too; empty if none


# (rng, split, index in split) -> clip
Recipe: TypeAlias = "Callable[[np.random.Generator, str, int], Clip]"
Sources = Callable[[str, int], Collection[str]]  # (split, index in split) -> what a clip is of


@dataclass(frozen=True)
class MiniTask:
    """One mini task, with the metadata keys of the real task.

    Tasks with the same `audio_id` have different labels for the same audio. A task that is a
    `subset_of` a larger one has the first `n_clips` of each of its splits, byte for byte, like
    HEAR's 5 h tasks.
    """

    slug: str  # the harness's
    task_name: str
    mode: str
    stands_for: str  # one sentence: the real task, and what makes the sounds here
    recipe: Recipe  # all its random draws come from the generator it is given
    labels: tuple[str, ...]  # vocabulary in index order
    n_clips: dict[str, int]  # per split at scale 1, in the order of the metadata's `splits`
    duration_s: float | None  # of every clip; None where `duration_range_s` holds
    embedding_type: str
    prediction_type: str
    split_mode: str
    evaluation: tuple[str, ...]
    extras: dict[str, Any] = field(default_factory=dict)  # further metadata of the real task
    duration_range_s: tuple[float, float] | None = None  # shortest and longest clip
    audio_id: str = ""  # names and seeds the clips; by default the task's name
    subset_of: MiniTask | None = None
    further_parts: tuple[MiniTask, ...] = ()  # folders after the first (Beehive: one per hive)
    sources: Sources | None = None  # names of which the clip's is one; none: every clip its own
    events_per_clip: float = 1.0  # on average, measured; 1 for a scene, which is one to be right on

    @property
    def parts(self) -> tuple[MiniTask, ...]:
        """The task's folders, each as a mini task; for most tasks, only this one."""
        return (self, *self.further_parts)

    @property
    def audio_name(self) -> str:
        """Prefix of the clips' file names, and key of their random draws."""
        return self.audio_id or self.task_name

    @property
    def n_made(self) -> dict[str, int]:
        """Numbers of clips to generate by split, of which the first `n_clips` are kept.

        A subset generates all clips of the larger task, because eSpeak NG's output depends on all
        previous calls.
        """
        return self.subset_of.n_clips if self.subset_of else self.n_clips

    @property
    def is_kfold(self) -> bool:
        """True if the task uses k-fold cross-validation."""
        return self.split_mode.endswith("kfold")

    @property
    def test_splits(self) -> tuple[str, ...]:
        """Splits whose clips are tested."""
        return tuple(self.n_clips) if self.is_kfold else ("test",)

    @property
    def folder(self) -> str:
        """Folder name `<task>-<version>-<mode>`, as in the official archives."""
        return f"{self.task_name}-{VERSION}-{self.mode}"

    def metadata(self, seed: int, scale: Scale = SCALE_1) -> dict[str, Any]:
        """Content of `task_metadata.json`: the real task's keys, and provenance."""
        return {
            "task_name": self.task_name,
            "version": VERSION,
            "mode": self.mode,
            "embedding_type": self.embedding_type,
            "prediction_type": self.prediction_type,
            "split_mode": self.split_mode,
            "splits": list(self.n_clips),
            "sample_duration": self.duration_s,
            "evaluation": list(self.evaluation),
            **({"nfolds": len(self.n_clips)} if self.is_kfold else {}),
            **self.extras,
            "stands_for": self.stands_for,
            "mini_generator_version": GENERATOR_VERSION,
            "mini_seed": seed,
            **({"mini_scale": asdict(scale)} if scale != SCALE_1 else {}),
        }
