"""Learning rate schedule: exponential warm-up, plateau, linear ramp-down."""

from __future__ import annotations

import math

EARLIEST_EPOCH = 0.5  # repo, helpers/ramp.py: the warm-up starts at its value half an epoch in


def warm_up(epoch: float, n_epochs: float) -> float:
    """Exponential warm-up over ``n_epochs``, exp(-5 (1 - epoch / n_epochs)^2), then 1.

    Source: PaSST repository, ``helpers/ramp.py`` (Laine and Aila, 1610.02242).
    """
    if epoch >= n_epochs:
        return 1.0
    phase = 1.0 - min(max(epoch, EARLIEST_EPOCH), n_epochs) / n_epochs
    return math.exp(-5.0 * phase * phase)


def ramp_down(epoch: float, start: float, n_epochs: float, final: float) -> float:
    """Linear ramp from 1 at ``start`` to ``final`` at ``start + n_epochs``, constant outside.

    Times in epochs. Source: PaSST repository, ``helpers/ramp.py``.
    """
    if epoch <= start:
        return 1.0
    if epoch >= start + n_epochs:
        return final
    return final + (1.0 - final) * (start + n_epochs - epoch) / n_epochs
