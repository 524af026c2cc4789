"""Intel MKL's code path on processors of other makers.

torch's float32 products and attention go through MKL, which takes its slow path on processors that
are not Intel's: it asks ``mkl_serv_intel_cpu_true`` and nothing else. PyTorch's maintainers name
overriding that function as the way to full speed on AMD (pytorch/builder #504 and #1245,
pytorch #38412). MKL still asks the processor itself which instructions it has.

Only the standard library is imported, so that any process can take the path with its own Python.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import sys
from pathlib import Path
from typing import Any

ASKED, DETECT = "mkl_serv_intel_cpu_true", "mkl_serv_cpu_detect"
RETURN_1 = bytes.fromhex("b8 01 00 00 00 c3")  # x86-64: mov eax, 1; ret
COMPARE = bytes.fromhex("83 3d")  # x86-64: cmp dword [rip + 4 bytes], 1 byte
COMPARE_SIZE, UNDETECTED = 7, -1
LIBRARIES = ("libtorch_cpu", "libmkl_core", "libmkl_rt")  # wheels of torch; conda's packages
MAPPINGS = Path("/proc/self/maps")
READ, WRITE, EXECUTE = 1, 2, 4  # sys/mman.h: PROT_*


def take_fast_path() -> None:
    """Let MKL take its fast path in this process, but for Fourier transforms.

    To be called after torch is imported, its threads are set, and before its first product, when
    MKL chooses; after one, a line on standard error says so and nothing changes: products that mix
    both paths take three times as long as under either. The function is overwritten in memory: that
    needs no compiler, no file and no order of imports, as a preloaded library would. Where the
    system forbids it, one line on standard error says so too and MKL goes on as it is. Without
    effect on Intel's processors, whose path is always the fast one, and where there is no MKL.

    Transforms keep their path: rounded otherwise, they move log-mel bands whose power is near the
    noise of float32 by more than the 2e-5 that golden values allow.
    """
    for library in _libraries():
        asked = getattr(library, ASKED)
        if asked():
            continue
        detected = _detected(library)
        if detected is not None and detected.value != UNDETECTED:
            problem: str | None = "a product or a transform was computed before"
        else:
            if detected is not None:
                _transform()
            problem = _overwrite(asked)
        if problem:
            print(f"MKL's fast path: not taken, {problem}; going on without", file=sys.stderr)
        elif detected is not None:
            detected.value = UNDETECTED


def path() -> str:
    """The path of products in this process: `fast`, `slow` or, without MKL, `none`."""
    libraries = _libraries()
    if not libraries:
        return "none"
    return "fast" if all(getattr(library, ASKED)() for library in libraries) else "slow"


def _libraries() -> list[ctypes.CDLL]:
    """Libraries of this process that have MKL's function."""
    if platform.machine() != "x86_64" or not MAPPINGS.is_file():  # Linux alone has this file
        return []
    fields = [line.split(maxsplit=5) for line in MAPPINGS.read_text().splitlines()]
    paths = dict.fromkeys(line[5] for line in fields if len(line) == 6)
    loaded = [path for path in paths if Path(path).name.startswith(LIBRARIES)]
    return [library for library in map(ctypes.CDLL, loaded) if hasattr(library, ASKED)]


def _detected(library: ctypes.CDLL) -> ctypes.c_int | None:
    """Where a library keeps the processor that it detected; None if that cannot be told.

    The function that detects begins by comparing that place with zero.
    """
    if "torch" not in sys.modules or not hasattr(library, DETECT):
        return None
    address = _address(getattr(library, DETECT))
    code = ctypes.string_at(address, COMPARE_SIZE)
    if not code.startswith(COMPARE):
        return None
    offset = int.from_bytes(code[len(COMPARE) : COMPARE_SIZE - 1], "little", signed=True)
    return ctypes.c_int.from_address(address + COMPARE_SIZE + offset)


def _transform() -> None:
    """Let transforms, one and many at a time, choose their path before it is changed."""
    torch = sys.modules["torch"]
    for n in (1, 64):
        torch.fft.rfft(torch.zeros(n, 1024))


def _overwrite(function: Any) -> str | None:
    """Make a function return 1; return what the system said if it forbids that."""
    address = _address(function)
    start = address - address % mmap.PAGESIZE
    size = address + len(RETURN_1) - start  # the system rounds up to whole pages
    libc = ctypes.CDLL(None, use_errno=True)
    pages = ctypes.c_void_p(start), ctypes.c_size_t(size)
    if libc.mprotect(*pages, READ | WRITE | EXECUTE):
        return f"mprotect: {os.strerror(ctypes.get_errno())}"
    ctypes.memmove(address, RETURN_1, len(RETURN_1))
    libc.mprotect(*pages, READ | EXECUTE)
    return None


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0
