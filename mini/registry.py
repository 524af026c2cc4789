"""Registry of the mini tasks, as plain data.

It is read when the workflow is parsed, so it does not import NumPy. To add a task, add a module in
`mini/recipes/` and an entry below.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from dataclasses import dataclass

from mini.task import MiniTask, MiniTaskError, MissingSourceError

ESPEAK = ("espeakng-loader",)
MIDI = ("midirenderer", "mido", "pretty-midi")
LICENSES = {  # of what can be heard of a wheel; no wheel: of this software
    "espeakng-loader": "https://spdx.org/licenses/GPL-3.0-or-later",
    "pretty-midi": "https://spdx.org/licenses/GPL-2.0-only",  # its soundfont, as Debian has it
    "": "https://spdx.org/licenses/Apache-2.0",
}
WHEEL_MODULES = {  # wheel's name on PyPI -> module it installs
    wheel: wheel.replace("-", "_") for wheel in ESPEAK + MIDI
}


@dataclass(frozen=True)
class MiniEntry:
    """One mini task; `config/tasks.tsv` has the slugs and names of HEAR 2021's 19."""

    slug: str
    category: str  # "general", "music" or "speech"
    embedding_type: str  # "scene" or "event"
    record: str  # module in `mini.recipes` and name of its `MiniTask`, joined by a point
    needs: tuple[str, ...] = ()  # wheels (names on PyPI) the recipe cannot do without
    name: str = ""  # for figures; a task that is not one of the 19 goes by its slug if empty


_ENTRIES = (
    MiniEntry("beehive_states", "general", "scene", "beehive_states.TASK", MIDI),
    MiniEntry("beijing_opera", "music", "scene", "beijing_opera.TASK"),
    MiniEntry("crema_d", "speech", "scene", "crema_d.TASK", ESPEAK),
    MiniEntry("dcase2016_task2", "general", "event", "dcase2016_task2.TASK", ESPEAK),
    MiniEntry("esc50", "general", "scene", "esc50.TASK", MIDI),
    MiniEntry("fsd50k", "general", "scene", "fsd50k.TASK", MIDI),
    MiniEntry("gtzan_genre", "music", "scene", "gtzan.TASK_GENRE", MIDI),
    MiniEntry("gtzan_music_speech", "general", "scene", "gtzan.TASK_MUSIC_SPEECH", ESPEAK + MIDI),
    MiniEntry("gunshot_triangulation", "general", "scene", "gunshot_triangulation.TASK"),
    MiniEntry("libricount", "speech", "scene", "libricount.TASK", ESPEAK),
    MiniEntry("maestro", "music", "event", "maestro.TASK", MIDI),
    MiniEntry("mridangam_stroke", "music", "scene", "mridangam.STROKE_TASK"),
    MiniEntry("mridangam_tonic", "music", "scene", "mridangam.TONIC_TASK"),
    MiniEntry("nsynth_pitch_50h", "music", "scene", "nsynth_pitch.TASK_50H", MIDI),
    MiniEntry("nsynth_pitch_5h", "music", "scene", "nsynth_pitch.TASK_5H", MIDI),
    MiniEntry("speech_commands_5h", "speech", "scene", "speech_commands.TASK_5H", ESPEAK),
    MiniEntry("speech_commands_full", "speech", "scene", "speech_commands.TASK_FULL", ESPEAK),
    MiniEntry("vocal_imitation", "general", "scene", "vocal_imitation.TASK"),
    MiniEntry("vox_lingua_top10", "speech", "scene", "vox_lingua.TASK", ESPEAK),
)
MINI_TASKS = {entry.slug: entry for entry in _ENTRIES}


def find_entry(slug: str) -> MiniEntry:
    """Look up a mini task; `MiniTaskError` for an unknown slug suggests the nearest one."""
    if slug in MINI_TASKS:
        return MINI_TASKS[slug]
    near = difflib.get_close_matches(slug, MINI_TASKS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise MiniTaskError(f"no mini task {slug!r}, expected one of {', '.join(MINI_TASKS)}{hint}")


def find_mini_task(slug: str) -> MiniTask:
    """Load a mini task's record, which imports NumPy and the recipe's other packages.

    `MiniTaskError` if the slug is unknown or the record contradicts its entry.
    """
    entry = find_entry(slug)
    module, _, attribute = entry.record.rpartition(".")
    task: MiniTask = getattr(importlib.import_module(f"mini.recipes.{module}"), attribute)
    for key in ("slug", "embedding_type"):
        expected, found = getattr(entry, key), getattr(task, key)
        if found != expected:
            raise MiniTaskError(
                f"mini.recipes.{entry.record}: {key}: expected {expected!r} as in the registry, "
                f"found {found!r}"
            )
    return task


def missing_sources(entry: MiniEntry) -> list[str]:
    """Missing wheels that a task needs, determined without importing them."""
    return [wheel for wheel in entry.needs if not is_installed(WHEEL_MODULES[wheel])]


def is_installed(module: str) -> bool:
    """Return whether a module is installed, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # of a finder that refuses it
        return False


def check_sources(entry: MiniEntry) -> None:
    """Check that the wheels that a task needs are installed.

    `MissingSourceError` names the missing wheel and all mini tasks that need it.
    """
    for wheel in missing_sources(entry):
        users = [slug for slug, other in MINI_TASKS.items() if wheel in other.needs]
        raise MissingSourceError(
            f"{entry.slug}: the wheel {wheel!r} is not installed (pip install {wheel}; not "
            f"every platform has it); the mini tasks {', '.join(users)} need it, "
            "the others do not"
        )
