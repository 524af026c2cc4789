"""Mini tasks: small generated tasks in HEAR's exact format, for a study without downloads.

Sound sources (`speech`, `midi`, `synthesis`, `events`, `rooms`) know nothing of tasks; each
module in `recipes` is one task and makes one clip at a time; `writer` writes the folder.
"""

from __future__ import annotations

from hear.mini.make import make_task
from hear.mini.registry import MINI_TASKS, check_sources
from hear.mini.task import GENERATOR_VERSION, MiniTask, MiniTaskError, MissingSourceError

__all__ = [
    "GENERATOR_VERSION",
    "MINI_TASKS",
    "MiniTask",
    "MiniTaskError",
    "MissingSourceError",
    "check_sources",
    "make_task",
]
