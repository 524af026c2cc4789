"""What a reader sees in a figure: words, bars, points and boxes, for the tests of the figures."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.text import Text


def words(figure: Figure) -> str:
    """Everything a reader can read in a figure, with single spaces."""
    texts = figure.findobj(Text)
    return " ".join(" ".join(text.get_text().split()) for text in texts)


def bar_heights(figure: Figure) -> list[float]:
    """Heights of all bars, sorted."""
    patches = [patch for axes in figure.axes for patch in axes.patches]
    return sorted(patch.get_height() for patch in patches)


def point_values(figure: Figure, axis: int) -> list[float]:
    """Coordinates of all points along an axis (0 level, 1 upright), sorted."""
    collections = [c for axes in figure.axes for c in axes.collections]
    return sorted(np.concatenate([c.get_offsets()[:, axis] for c in collections]))


def box_patches(figure: Figure) -> list[PathPatch]:
    """The boxes of a figure of boxes; a bar is another kind of patch."""
    patches = [patch for axes in figure.axes for patch in axes.patches]
    return [patch for patch in patches if isinstance(patch, PathPatch)]
