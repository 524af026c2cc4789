"""Intel MKL's fast code path on non-Intel processors.

torch's float32 products and attention use MKL, which takes a slow path on non-Intel processors; the
only test is the function ``mkl_serv_intel_cpu_true``. PyTorch's maintainers recommend overriding it
for full speed on AMD (pytorch/builder #504 and #1245, pytorch #38412). MKL still detects the
processor's instruction set itself.

Imports the standard library only, so that a process with any Python can use it.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import sys
from contextlib import suppress
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
    """Make MKL use its fast path in this process, except for transforms and vector functions.

    Call it after importing torch and setting its threads, and before the first product, at which
    MKL chooses the path. Later calls change nothing and print a warning, since products on both
    paths take three times as long as on either. The function is overwritten in memory, which,
    unlike a preloaded library, needs no compiler, file or import order. If the system forbids this,
    or the version of MKL is unknown, a warning is printed and MKL keeps its path. No effect on
    Intel processors, which always use the fast path, and without MKL.

    Fourier transforms keep their path: different rounding would change log-mel bands whose power is
    near the float32 noise by more than the 2e-5 that golden values allow. Vector functions
    (logarithm, square root and their kin) choose at their first call and keep theirs too; otherwise
    the last digits of all that follows would depend on whether a process took a logarithm or a
    product first.
    """
    for library in _libraries():
        asked = getattr(library, ASKED)
        if asked():
            continue
        detected = _detected(library)
        if detected is None:  # then transforms cannot keep their path
            problem = "this version of MKL detects the processor in an unknown way"
        elif detected.value != UNDETECTED:
            problem = "a product or a transform was computed before"
        else:
            _settle()
            if not (problem := _overwrite(asked)):
                detected.value = UNDETECTED
        if problem:
            print(f"MKL's fast path: not used, {problem}; continuing without", file=sys.stderr)


def path() -> str:
    """Path of matrix products in this process: `fast`, `slow` or, without MKL, `none`."""
    libraries = _libraries()
    if not libraries:
        return "none"
    return "fast" if all(getattr(library, ASKED)() for library in libraries) else "slow"


def _libraries() -> list[ctypes.CDLL]:
    """Loaded libraries that contain MKL's function."""
    if platform.machine() != "x86_64" or not MAPPINGS.is_file():  # Linux alone has this file
        return []
    fields = [line.split(maxsplit=5) for line in MAPPINGS.read_text().splitlines()]
    paths = dict.fromkeys(line[5] for line in fields if len(line) == 6)
    loaded = [path for path in paths if Path(path).name.startswith(LIBRARIES)]
    found = []
    for name in loaded:
        with suppress(OSError):  # removed from the disk since it was loaded
            found.append(ctypes.CDLL(name))
    return [library for library in found if hasattr(library, ASKED)]


def _detected(library: ctypes.CDLL) -> ctypes.c_int | None:
    """Variable in which a library stores the detected processor; None if it is not found.

    The detecting function begins by comparing this variable with zero.
    """
    if "torch" not in sys.modules or not hasattr(library, DETECT):
        return None
    address = _address(getattr(library, DETECT))
    code = ctypes.string_at(address, COMPARE_SIZE)
    if not code.startswith(COMPARE):
        return None
    offset = int.from_bytes(code[len(COMPARE) : COMPARE_SIZE - 1], "little", signed=True)
    return ctypes.c_int.from_address(address + COMPARE_SIZE + offset)


def _settle() -> None:
    """Let transforms, one and many at a time, and vector functions choose their path."""
    torch = sys.modules["torch"]
    for n in (1, 64):
        torch.fft.rfft(torch.zeros(n, 1024))
    torch.ones(1024).log()


def _overwrite(function: Any) -> str:
    """Overwrite a function to return 1; return the system's error message if it is forbidden."""
    address = _address(function)
    start = address - address % mmap.PAGESIZE
    size = address + len(RETURN_1) - start  # the system rounds up to whole pages
    libc = ctypes.CDLL(None, use_errno=True)
    pages = ctypes.c_void_p(start), ctypes.c_size_t(size)
    if libc.mprotect(*pages, READ | WRITE | EXECUTE):
        return f"mprotect: {os.strerror(ctypes.get_errno())}"
    former = ctypes.string_at(address, len(RETURN_1))
    ctypes.memmove(address, RETURN_1, len(RETURN_1))
    if libc.mprotect(*pages, READ | EXECUTE):
        ctypes.memmove(address, former, len(former))
        return f"mprotect: {os.strerror(ctypes.get_errno())}"
    return ""


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0
