"""The machine's peak: the best rate of a square matrix product with any library.

In float32, libraries are torch's MKL under both of its paths, oneDNN and NumPy's OpenBLAS; in
bfloat16, what torch takes (oneDNN). Two processes are used, because a process can use only one of
MKL's paths.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import PATHS
from passt.mkl import take_fast_path

SIZES = (1024, 2048, 4096)  # rows and columns
REPEATS = 3
LIBRARIES = {"float32": ("MKL", "oneDNN", "OpenBLAS"), "bfloat16": ("bfloat16",)}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ROOT = Path(__file__).parents[1]


def product_gflops(library: str, size: int) -> float:
    """Rate of a square product in this process, GFLOP per CPU second, a multiply-add as two."""
    left, right = torch.randn(size, size), torch.randn(size, size)
    if library == "bfloat16":
        multiply = partial(torch.mm, left.bfloat16(), right.bfloat16())
    elif library == "OpenBLAS":
        multiply = partial(np.matmul, left.numpy(), right.numpy())
    elif library == "oneDNN":
        multiply = partial(torch._C._nn.mkldnn_linear, left.to_mkldnn(), right.to_mkldnn())
    else:
        multiply = partial(torch.mm, left, right)
    multiply()
    started = time.process_time()
    multiply()
    return 2e-9 * size**3 / (time.process_time() - started)


class Peak:
    """Two processes that multiply; ``what`` is the library, path and size that was best."""

    def __init__(self, threads: int = 1, precision: str = "float32") -> None:
        environment = os.environ | dict.fromkeys(THREADS, str(threads))
        self.processes = {
            path: subprocess.Popen(
                [sys.executable, "-m", "benchmarks.peak", path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=environment,
            )
            for path in PATHS
        }
        products = [
            (library, path, size)
            for library in LIBRARIES[precision]
            for path in (PATHS if library == "MKL" else ("fast",))
            for size in SIZES
        ]
        self.rates = {product: self._gflops(*product) for product in products}
        self.what = max(self.rates, key=lambda product: self.rates[product])

    def gflops(self) -> float:
        """Rate of the best product now, GFLOP per CPU second of one thread."""
        return max(self._gflops(*self.what) for _ in range(REPEATS))

    def _gflops(self, library: str, path: str, size: int) -> float:
        process = self.processes[path]
        assert process.stdin is not None and process.stdout is not None  # they are pipes
        print(library, size, file=process.stdin, flush=True)
        return float(process.stdout.readline())


def main() -> None:
    """Answer requests, a library and a size a line, under the path of the command line."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if sys.argv[1] == "fast":
        take_fast_path()
    for line in sys.stdin:
        library, size = line.split()
        print(product_gflops(library, int(size)), flush=True)


if __name__ == "__main__":
    main()
