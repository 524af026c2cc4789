"""What a comparison with heareval was made on."""

from __future__ import annotations

import functools
import os
import platform
import resource
from importlib.metadata import version
from pathlib import Path

from hear.heareval.backend import environment


@functools.cache
def machine(python: str) -> dict[str, str]:
    """Versions of both programs, and the processor.

    Parameters
    ----------
    python : str
        Of heareval's environment.
    """
    versions = environment(python)
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    return {
        "versions": f"heareval {versions['heareval']}, torch {versions['torch']} there and "
        f"{version('torch')} here, numpy {version('numpy')}, Python {platform.python_version()}",
        "machine": f"{processor}, {os.cpu_count()} CPUs",
    }


def cpu_seconds() -> float:
    """CPU seconds of this process and of its ended children."""
    usages = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
