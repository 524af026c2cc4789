"""Random parameters that training and test never share."""

from __future__ import annotations

import numpy as np

N_SLOTS = 30  # chosen: slots so narrow that between two of training's a model can interpolate
TEST_SLOTS = tuple(range(2, N_SLOTS, 3))  # chosen: every third slot is kept for the test part
TRAINING_SLOTS = tuple(slot for slot in range(N_SLOTS) if slot not in TEST_SLOTS)


class Draws:
    """Draws of synthesis parameters for one part of a task.

    Continuous parameters of the test part come from slots of their range that training never
    uses: the sounds are new, but not outside of what training spans.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every draw; also for noise, phases and counts.
    held_out : bool
        True for the test part.
    """

    def __init__(self, rng: np.random.Generator, held_out: bool) -> None:
        self.rng = rng
        self.held_out = held_out

    def uniform(self, low: float, high: float) -> float:
        """One parameter in [low, high), from this part's slots of that range."""
        slot = self.rng.choice(TEST_SLOTS if self.held_out else TRAINING_SLOTS)
        return float(low + (high - low) * (slot + self.rng.random()) / N_SLOTS)
