"""Intel MKL's code path on processors of other makers.

torch's float32 products and attention go through MKL, which takes its slow path on processors that
are not Intel's: it asks ``mkl_serv_intel_cpu_true`` and nothing else. PyTorch's maintainers name
overriding that function as the way to full speed on AMD (pytorch/builder #504 and #1245,
pytorch #38412). MKL still asks the processor itself which instructions it has.

Only the standard library is needed, so that any process can take the path with its own Python.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import sys
from pathlib import Path

FUNCTION = "mkl_serv_intel_cpu_true"
RETURN_1 = bytes.fromhex("b8 01 00 00 00 c3")  # x86-64: mov eax, 1; ret
LIBRARIES = ("libtorch_cpu", "libmkl_core", "libmkl_rt")  # wheels of torch; conda's packages
MAPPINGS = Path("/proc/self/maps")
READ, WRITE, EXECUTE = 1, 2, 4  # sys/mman.h: PROT_*


def take_fast_path() -> None:
    """Let MKL take its fast path in this process.

    To be called after torch is imported and before its first product, when MKL chooses. The
    function is overwritten in memory: that needs no compiler, no file and no order of imports, as a
    preloaded library would. Where the system forbids it, one line on standard error says so and MKL
    goes on as it is. Without effect on Intel's processors, whose path is always the fast one, and
    where there is no MKL.
    """
    for function in _functions():
        if not function() and (problem := _overwrite(function)):
            print(f"MKL's fast path: not taken, {problem}; going on without", file=sys.stderr)


def path() -> str:
    """The path that MKL takes in this process: `fast`, `slow` or, without MKL, `none`."""
    functions = _functions()
    if not functions:
        return "none"
    return "fast" if all(function() for function in functions) else "slow"


def _functions() -> list:
    """The function in each library of this process that has it."""
    if platform.machine() != "x86_64" or not MAPPINGS.is_file():  # Linux alone has this file
        return []
    fields = [line.split(maxsplit=5) for line in MAPPINGS.read_text().splitlines()]
    paths = dict.fromkeys(line[5] for line in fields if len(line) == 6)
    loaded = [path for path in paths if Path(path).name.startswith(LIBRARIES)]
    libraries = [ctypes.CDLL(path) for path in loaded]
    return [getattr(library, FUNCTION) for library in libraries if hasattr(library, FUNCTION)]


def _overwrite(function: ctypes._CFuncPtr) -> str | None:
    """Make a function return 1; return what the system said if it forbids that."""
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    start = address - address % mmap.PAGESIZE
    size = address + len(RETURN_1) - start  # the system rounds up to whole pages
    libc = ctypes.CDLL(None, use_errno=True)
    pages = ctypes.c_void_p(start), ctypes.c_size_t(size)
    if libc.mprotect(*pages, READ | WRITE | EXECUTE):
        return f"mprotect: {os.strerror(ctypes.get_errno())}"
    ctypes.memmove(address, RETURN_1, len(RETURN_1))
    libc.mprotect(*pages, READ | EXECUTE)
    return None
