"""All mini tasks by slug; a new recipe module adds one import and one entry."""

from __future__ import annotations

import difflib
import importlib.util

from mini.recipes import (
    beehive_states,
    beijing_opera,
    crema_d,
    dcase2016_task2,
    esc50,
    fsd50k,
    gtzan,
    gunshot_triangulation,
    libricount,
    maestro,
    mridangam,
    nsynth_pitch,
    speech_commands,
    vocal_imitation,
    vox_lingua,
)
from mini.task import MiniTask, MiniTaskError, MissingSourceError

MINI_TASKS: dict[str, MiniTask] = {
    task.slug: task
    for task in (
        speech_commands.TASK_5H,
        speech_commands.TASK_FULL,
        nsynth_pitch.TASK_5H,
        nsynth_pitch.TASK_50H,
        crema_d.TASK,
        vox_lingua.TASK,
        gtzan.TASK_GENRE,
        gtzan.TASK_MUSIC_SPEECH,
        libricount.TASK,
        dcase2016_task2.TASK,
        maestro.TASK,
        esc50.TASK,
        fsd50k.TASK,
        beijing_opera.TASK,
        mridangam.STROKE_TASK,
        mridangam.TONIC_TASK,
        gunshot_triangulation.TASK,
        vocal_imitation.TASK,
        beehive_states.TASK,
    )
}

WHEEL_MODULES = {  # wheel's name on PyPI -> module it installs
    "espeakng-loader": "espeakng_loader",
    "midirenderer": "midirenderer",
    "mido": "mido",
    "pretty-midi": "pretty_midi",
}


def find_mini_task(slug: str) -> MiniTask:
    """Look a mini task up.

    Parameters
    ----------
    slug : str
        Slug of the harness, for example "libricount".

    Returns
    -------
    MiniTask

    Raises
    ------
    MiniTaskError
        If there is no mini task of that name; the message offers the nearest one.
    """
    if slug in MINI_TASKS:
        return MINI_TASKS[slug]
    near = difflib.get_close_matches(slug, MINI_TASKS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise MiniTaskError(f"no mini task {slug!r}, expected one of {', '.join(MINI_TASKS)}{hint}")


def check_sources(task: MiniTask) -> None:
    """Check that the wheels a task needs are installed, without importing them.

    Parameters
    ----------
    task : MiniTask

    Raises
    ------
    MissingSourceError
        One line naming the missing wheel and every mini task that needs it.
    """
    for wheel in task.needs:
        if importlib.util.find_spec(WHEEL_MODULES[wheel]) is None:
            users = [slug for slug, other in MINI_TASKS.items() if wheel in other.needs]
            raise MissingSourceError(
                f"{task.slug}: the wheel {wheel!r} is not installed (pip install {wheel}; not "
                f"every platform has it); the mini tasks {', '.join(users)} need it, "
                "the others do not"
            )
