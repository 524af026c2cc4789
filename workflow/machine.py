"""The machine that a process computes on, in words."""

from __future__ import annotations

import os
import platform

from passt.processor import processor_name


def machine() -> dict[str, str]:
    """Describe the machine of this process."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "logical CPUs": str(os.cpu_count()),
        "memory": f"{pages / 2**30:.0f} GiB",
        "Python": platform.python_version(),
    }


def machine_name() -> str:
    """Processor and how many logical ones there are: ``AMD EPYC x2``."""
    facts = machine()
    return f"{facts['processor']} x{facts['logical CPUs']}"
