"""Lazy concatenation of feature arrays along columns, for features larger than memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Columns:
    """A matrix of column blocks that stay in place, in memory or in mapped files.

    ``arrays`` (at least one) are float32 or float16 (n_rows, size), in the order of concatenation,
    and are joined as float32 (n_rows, sum of sizes). ValueError if they are not matrices with the
    same number of rows.
    """

    def __init__(self, arrays: Sequence[NDArray[np.floating]]) -> None:
        shapes = [array.shape for array in arrays]
        if len({shape[:1] for shape in shapes}) != 1 or any(len(shape) != 2 for shape in shapes):
            raise ValueError(f"expected matrices with the same number of rows, found {shapes}")
        self.arrays = list(arrays)
        self.shape = (shapes[0][0], sum(size for _, size in shapes))
        self.dtype = np.result_type(np.float32, *(array.dtype for array in arrays))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[np.float32]:
        """Concatenate the given rows in memory."""
        start, stop, _ = rows.indices(len(self))
        joined = np.empty((stop - start, self.shape[1]), self.dtype)
        self.read(rows, joined)
        return joined

    def read(self, rows: slice, out: NDArray[np.float32]) -> None:
        """Copy the given rows to ``out``, an array of the same shape."""
        first = 0
        for array in self.arrays:
            last = first + array.shape[1]
            out[:, first:last] = array[rows]
            first = last
