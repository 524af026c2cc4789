"""Tables of the most frequent confusions and the worst labels of each task's best model."""

from __future__ import annotations

import pandas as pd

from analysis.exhibits.markdown import to_markdown
from analysis.exhibits.text import FigureText
from analysis.tables.labels import LABEL_SCORES, PAIR_COLUMNS

N_SHOWN = 3  # rows per task
CONFUSION_COLUMNS = (
    "task", "model", "best_model", "true", "predicted", "clips", "of", "share", "models",
)  # fmt: skip
WEAK_COLUMNS = ("task", "model", "best_model", "label", "n", *LABEL_SCORES)


def table_confusions(
    confusions: pd.DataFrame, summary: pd.DataFrame, text: FigureText
) -> tuple[str, pd.DataFrame]:
    """Return the most frequent confusions of the best model of each task with one label per clip.

    Columns `CONFUSION_COLUMNS`: ``clips`` is the number of clips, out of ``of`` with the label
    ``true``, that were labeled ``predicted``; ``models`` the number of models of the run with at
    least one such clip. At most `N_SHOWN` rows per task, in descending order of clips.
    """
    models = [column for column in confusions.columns if column not in PAIR_COLUMNS]
    parts = [pd.DataFrame(columns=list(CONFUSION_COLUMNS))]
    best = best_models(summary, text)
    for task, pairs in confusions.groupby("task", sort=False):
        clips = pairs[best[str(task)]]
        rows = pairs[["task", "true", "predicted"]].assign(
            clips=clips,
            of=clips.groupby(pairs["true"]).transform("sum"),
            models=(pairs[models] > 0).sum(axis=1),
        )
        wrong = rows[(rows["true"] != rows["predicted"]) & (rows["clips"] > 0)]
        order = ["clips", "models", "true", "predicted"]
        wrong = wrong.sort_values(order, ascending=[False, False, True, True]).head(N_SHOWN)
        parts.append(wrong.assign(share=(wrong["clips"] / wrong["of"]).round(3)))
    table = _named(pd.concat(parts), best, text)[list(CONFUSION_COLUMNS)].convert_dtypes()
    return _markdown(table, text), table


def table_confusions_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return (
        f"For each task with one label per clip, the {N_SHOWN} most frequent confusions of the "
        "model with the best score: number of test clips out of those with the true label, over "
        "all folds; models: number of models of this run with the same confusion. "
        "confusions.csv has all pairs of labels for all models."
    )


def table_labels(
    labels: pd.DataFrame, summary: pd.DataFrame, text: FigureText
) -> tuple[str, pd.DataFrame]:
    """Return the worst labels of the best model of each task, at most `N_SHOWN` per task.

    Columns `WEAK_COLUMNS`. Labels are ranked by F-measure, or by average precision if clips have
    several labels; labels without a test clip are omitted.
    """
    best = best_models(summary, text)
    mine = labels[labels["model"].eq(labels["task"].map(best)) & labels["n"].gt(0)]
    mine = mine.assign(by=mine["f_measure"].fillna(mine["average_precision"]))
    mine = mine.sort_values(["by", "n", "label"], ascending=[True, False, True])
    mine = mine.groupby("task", sort=False).head(N_SHOWN)
    order = list(dict.fromkeys(labels["task"]))
    mine = mine.sort_values("task", key=lambda tasks: tasks.map(order.index), kind="stable")
    table = _named(mine, best, text)[list(WEAK_COLUMNS)]
    return _markdown(table, text), table


def table_labels_caption(text: FigureText, numbers: pd.DataFrame) -> str:
    return (
        f"For each task, the {N_SHOWN} worst labels of the model with the best score, with the "
        "number of their test clips or reference events over all folds; by F-measure, or by "
        "average precision if clips have several labels. labels.csv has all labels for all models."
    )


def best_models(summary: pd.DataFrame, text: FigureText) -> dict[str, str]:
    """Return the model of the run with the best score, by task; among ties, the config's first."""
    run = summary[summary["source"].eq("run") & summary["score"].notna()]
    order = [*text.models, *run["model"]]
    run = run.sort_values("model", key=lambda models: models.map(order.index))
    run = run.sort_values("score", ascending=False, kind="stable")
    return run.drop_duplicates("task").set_index("task")["model"].to_dict()


def _named(table: pd.DataFrame, best: dict[str, str], text: FigureText) -> pd.DataFrame:
    models = table["task"].map(best)
    return table.assign(model=models, best_model=models.map(text.model)).reset_index(drop=True)


def _markdown(table: pd.DataFrame, text: FigureText) -> str:
    shown = table.assign(task=table["task"].map(text.task)).drop(columns="model")
    return to_markdown(shown.rename(columns=lambda name: name.replace("_", " ")), text.label)
