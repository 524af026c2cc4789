"""Settings of a process that computes with torch: threads, MKL's path, memory that it keeps."""

from __future__ import annotations

import ctypes
import os

import torch

from passt.mkl import take_fast_path

# glibc's mallopt(3). By default arrays above 32 MiB, and below that whatever lies at the heap's
# end, go back to the kernel at every free and come back page by page at the next step: up to a
# tenth of a training step and of a forward pass. torch asks for pages of 2 MiB where the variable
# below is set before its first array. Values are not touched by either.
LARGE_PAGES = "THP_MEM_ALLOC_ENABLE"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 512 * 2**20
OWN_MAPPING_BYTES = (256 * 2**20, 32 * 2**20)  # glibc before 2.35 takes 32 MiB at most
# The same for a process that is started: variables that torch and glibc read.
VARIABLES = {
    LARGE_PAGES: "1",
    "MALLOC_TRIM_THRESHOLD_": str(KEPT_BYTES),
    "MALLOC_MMAP_THRESHOLD_": str(OWN_MAPPING_BYTES[0]),
}


def configure(n_threads: int, mkl_fast_path: bool) -> None:
    """Set torch's threads and MKL's path, and keep freed memory if the C library can.

    The threads are those of the rule, whatever the machine has: sums depend on them, and on the
    path, in the last digits.
    """
    torch.set_num_threads(n_threads)
    if LARGE_PAGES not in os.environ:  # torch looks at its first array; children are not to
        os.environ[LARGE_PAGES] = "1"
        torch.empty(1)
        del os.environ[LARGE_PAGES]
    if mkl_fast_path:  # which makes arrays
        take_fast_path()
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # not glibc
        return
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    for size in OWN_MAPPING_BYTES:
        if mallopt(M_MMAP_THRESHOLD, size):
            break
