"""Random synthesis parameters, disjoint between training, test and pretraining."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

N_SLOTS = 40  # chosen: slots so narrow that between two of training's a model can interpolate
TEST_SLOTS = tuple(range(2, N_SLOTS, 4))  # chosen: of every four slots, one is the test part's
PRETRAINING_SLOTS = tuple(range(3, N_SLOTS, 4))  # ... and one belongs to no task
TRAINING_SLOTS = tuple(
    slot for slot in range(N_SLOTS) if slot not in TEST_SLOTS + PRETRAINING_SLOTS
)


class Draws:
    """Draws of synthesis parameters for one part of a task, or for pretraining.

    Each part draws continuous parameters from slots of their range that no other part uses: test
    sounds are new, but within the range of the training sounds. `rng` is also used for noise,
    phases and counts; `held_out` is true for the test part.
    """

    def __init__(
        self, rng: np.random.Generator, held_out: bool, slots: Sequence[int] | None = None
    ) -> None:
        self.rng = rng
        self.held_out = held_out
        self.slots = slots or (TEST_SLOTS if held_out else TRAINING_SLOTS)

    @classmethod
    def for_pretraining(cls, rng: np.random.Generator) -> Draws:
        """Draws from the slots that neither training nor test of any task uses."""
        return cls(rng, False, PRETRAINING_SLOTS)

    @classmethod
    def for_fold(cls, rng: np.random.Generator, fold: int, n_folds: int) -> Draws:
        """Draws from the slots of one fold: no two folds of a task share any."""
        return cls(rng, False, sorted(TRAINING_SLOTS + TEST_SLOTS)[fold::n_folds])

    def uniform(self, low: float, high: float) -> float:
        """One parameter in [low, high), from this part's slots of that range."""
        slot = self.rng.choice(self.slots)
        return float(low + (high - low) * (slot + self.rng.random()) / N_SLOTS)


def source_generator(*names: object) -> np.random.Generator:
    """Generator for a source's properties, determined by its names, independent of any seed."""
    return np.random.default_rng(zlib.crc32(" ".join(map(str, names)).encode()))
