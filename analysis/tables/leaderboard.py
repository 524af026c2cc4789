"""A model's row for the public HEAR leaderboard, in its columns and order.

The leaderboard is the file `docs/leaderboard.csv` of github.com/hearbenchmark/hearbenchmark.com.
New rows are added by pull request, with a model name that starts with the team's name and the URL
of the work (see its README).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

LEADERBOARD_COLUMNS = {  # task: column, in the leaderboard's order (2023-09)
    "beehive_states": "Beehive",
    "beijing_opera": "Beijing Opera",
    "crema_d": "CREMA-D",
    "dcase2016_task2": "DCASE 2016",
    "esc50": "ESC-50",
    "fsd50k": "FSD50K",
    "gtzan_genre": "GTZAN Genre",
    "gtzan_music_speech": "GTZAN Music/Speech",
    "gunshot_triangulation": "Gunshot",
    "libricount": "Libricount",
    "maestro": "Maestro 5h",
    "mridangam_stroke": "Mridangam Stroke",
    "mridangam_tonic": "Mridangam Tonic",
    "nsynth_pitch_50h": "NSynth Pitch 50h",
    "nsynth_pitch_5h": "NSynth Pitch 5h",
    "speech_commands_5h": "Speech commands 5h",
    "speech_commands_full": "Speech commands full",
    "vocal_imitation": "Vocal Imitation",
    "vox_lingua_top10": "VoxLingua107 top 10",
}


class LeaderboardError(ValueError):
    """A row that cannot be submitted; the message lists all reasons."""


def leaderboard_row(
    summary: pd.DataFrame,
    model: str,
    name: str,
    url: str,
    real_tasks: Collection[str],
    deviations: Collection[str],
) -> pd.DataFrame:
    """Return a model's scores, of the run, as one row in the leaderboard's columns and order.

    Parameters
    ----------
    name, url : str
        Values of the columns ``Model`` and ``URL``.
    real_tasks : collection of str
        Tasks of the study that are HEAR 2021's in their official version.
    deviations : collection of str
        Settings of the downstream protocol that differ from heareval's.

    Raises
    ------
    LeaderboardError
        Lists missing and infinite scores, tasks that are not the real ones, deviations from the
        protocol, and a missing name or URL.
    """
    mine = summary[(summary["model"] == model) & (summary["source"] == "run")]
    scores = mine.set_index("task")["score"]
    problems = [
        f"leaderboard: {key}: expected a text, found nothing"
        for key, value in (("name", name), ("url", url))
        if not value.strip()
    ]
    problems += [f"protocol: {setting} is not heareval's" for setting in deviations]
    for task in LEADERBOARD_COLUMNS:
        if task not in scores.index:
            problems.append(f"{task}: no score of {model}")
            continue
        if not np.isfinite(scores[task]):
            problems.append(f"{task}: expected a finite score of {model}, found {scores[task]}")
        if task not in real_tasks:
            problems.append(f"{task}: not HEAR 2021's task in its official version")
    if problems:
        raise LeaderboardError(
            f"no leaderboard row for {model}, for {len(problems)} reasons:\n  "
            + "\n  ".join(problems)
        )
    row = {"Model": name, "URL": url}
    row |= {column: scores[task] for task, column in LEADERBOARD_COLUMNS.items()}
    return pd.DataFrame([row])


def leaderboard_table(
    summary: pd.DataFrame,
    models: Mapping[str, str],
    tasks: Mapping[str, str],
    real_tasks: Collection[str],
) -> pd.DataFrame:
    """Return all models of the run in the leaderboard's columns and order, for comparison.

    ``models`` and ``tasks`` are display names. Tasks that are not in ``real_tasks`` have columns
    with their display names, which must differ from the leaderboard's columns; tasks that the
    leaderboard does not have come last. Missing scores are empty.

    Raises
    ------
    LeaderboardError
        If a task that is not real would appear in a column of the leaderboard.
    """
    found = summary[summary["source"] == "run"]
    scores = found.pivot(index="model", columns="task", values="score")
    order = [task for task in LEADERBOARD_COLUMNS if task in scores.columns]
    order += [task for task in scores.columns if task not in LEADERBOARD_COLUMNS]
    names = {
        task: LEADERBOARD_COLUMNS[task] if task in real_tasks else tasks[task] for task in order
    }
    for task in order:
        if task not in real_tasks and names[task] in LEADERBOARD_COLUMNS.values():
            raise LeaderboardError(
                f"{task}: expected another name than {names[task]!r}, a column of the leaderboard"
            )
    ids = [model for model in models if model in scores.index]
    rows = scores.loc[ids, order].rename(columns=names).reset_index(drop=True)
    head = pd.DataFrame({"Model": [models[model] for model in ids], "URL": ""})
    return pd.concat([head, rows], axis=1)
