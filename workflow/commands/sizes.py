"""Expected widths of a study's intervals, from the sizes of its generated tasks alone.

    make sizes CONFIG=config/mini_large.yaml

Sizes are chosen by these widths before any verdict is known; docs/mini.md has the rule. They are
widths in score, while most claims are about normalized scores: if the study has run, the widths of
its own intervals in these are printed, too.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t
from tabulate import tabulate

from analysis.statistics.estimates import read_estimates
from analysis.statistics.intervals import CONFIDENCE
from analysis.tables.words import ALL
from hear.scores.bootstrap import MIN_FREEDOM
from mini.registry import find_mini_task
from mini.task import MiniTask, Scale
from workflow.commands.arguments import checked_study, read_arguments, study_parser
from workflow.study.config import ConfigError
from workflow.study.study import Study

SHARE = 0.7  # of clips or events that are right; chosen
# Of clips of one source: chosen within the 0 to .08 that differences of two models on the default
# study's tasks with sources have.
CORRELATION = 0.02
COLUMNS = ("task", "category", "test_clips", "events", "sources", "width", "audio_s")


def expected_width(
    units: Sequence[float], n_strata: int, share: float = SHARE, correlation: float = CORRELATION
) -> float:
    """Width of the 95 % interval of a proportion, and of the difference of two proportions.

    Both widths are equal if the models' hits correlate by .5. Includes the design effect of
    clustered clips (Kish, "Survey sampling", 1965) and Student's quantile.

    Parameters
    ----------
    units : sequence of float
        Number of clips (or events) of each source, in all folds.
    n_strata : int
        Number of folds within which sources are drawn.
    """
    n, squares = sum(units), sum(size**2 for size in units)
    variance = share * (1 - share) / n * (1 + correlation * (squares / n - 1))
    freedom = max(1.0, n**2 / squares - n_strata)
    return float(2 * t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(variance))


def sizes(study: Study) -> pd.DataFrame:
    """Sizes of a study's generated tasks: columns `COLUMNS`, a row per task.

    Clips, events (of event tasks) and sources of the test part, the expected width of a score's
    interval, and seconds of audio of all parts. Clips that have no source count as one each. A
    ConfigError says that the tasks are not generated.
    """
    if study.origin != "mini":
        raise ConfigError(
            f"config: expected tasks_from: mini, whose sizes a config sets, found study "
            f"{study.name} with other tasks"
        )
    scale = Scale(**study.config["mini_scale"])
    rows = []
    for slug, spec in study.tasks.items():
        task = find_mini_task(slug)
        folds = [fold for part in task.parts for fold in _folds(part, scale)]
        n_clips = sum(len(clips) for clips in folds)
        n_events = round(n_clips * task.events_per_clip)
        n_sources = len({source for clips in folds for pool in clips for source in pool})
        lengths_s = task.duration_range_s or (task.duration_s or 0.0,)
        n_made = sum(sum(scale.counts(part.n_clips).values()) for part in task.parts)
        audio_s = n_made * sum(lengths_s) / len(lengths_s)
        events = n_events if spec.embedding_type == "event" else None
        width = expected_width(*_drawn(folds, task.events_per_clip))
        rows.append((slug, spec.category, n_clips, events, n_sources, width, audio_s))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"events": "Int64"})


def by_category(table: pd.DataFrame) -> pd.Series:
    """Expected width of the mean over each category's tasks, as of independent ones."""
    of_mean = table.groupby("category")["width"].agg(lambda w: np.sqrt((w**2).sum()) / len(w))
    return of_mean.rename("width")


def found_widths(study: Study, estimates: pd.DataFrame) -> pd.DataFrame:
    """Median width of the intervals of differences in normalized score, by category.

    A row per aggregate over tasks (mean, median), over all pairs of trained variants of PaSST.
    """
    variants = {id: model.variant for id, model in study.models.items() if model.variant}
    trained = {id for id, one in variants.items() if study.checkpoints[one.checkpoint].file}
    names = {f"difference_of_{name}s": name for name in ("mean", "median")}
    rows = estimates[
        estimates["statistic"].isin(list(names))
        & estimates["model"].isin(trained)
        & estimates["other_model"].isin(trained)
        & (estimates["category"] != ALL)
    ]
    rows = rows.assign(width=rows["high"] - rows["low"], of=rows["statistic"].map(names))
    return rows.pivot_table("width", "of", "category", aggfunc="median")


def _folds(task: MiniTask, scale: Scale) -> list[list[list[str]]]:
    """Sources of which one is each tested clip's, by fold; a name of its own where it has none."""
    folds = []
    for split in task.test_splits:
        pools = []
        for index in range(scale.counts(task.n_clips)[split]):
            pool = list(task.sources(split, index)) if task.sources else []
            pools.append(pool or [f"{task.folder} {split} {index}"])
        folds.append(pools)
    return folds


def _drawn(folds: list[list[list[str]]], events_per_clip: float) -> tuple[list[float], int]:
    """Sizes of what the bootstrap draws, and its strata: sources, whole folds, or clips."""
    units: defaultdict[tuple[int, str], float] = defaultdict(float)
    for fold, clips in enumerate(folds):
        for pool in clips:
            for source in pool:
                units[fold, source] += events_per_clip / len(pool)
    found, n_folds = list(units.values()), len(folds)
    if sum(found) ** 2 / sum(size**2 for size in found) - n_folds >= MIN_FREEDOM:
        return found, n_folds
    if len({source for _, source in units}) == n_folds > MIN_FREEDOM:
        return found, 1
    return [events_per_clip] * sum(map(len, folds)), n_folds


def main() -> None:
    """Print the sizes of a study."""
    parser = study_parser(__doc__)
    try:
        study = checked_study(read_arguments(parser.parse_args()))
        table, estimates = sizes(study), Path("results", study.name, "estimates.csv")
        found = found_widths(study, read_estimates(estimates)) if estimates.is_file() else None
    except (ValueError, OSError) as error:
        sys.exit(f"sizes: {error}")
    shown = table.assign(events=table["events"].astype(object).where(table["events"].notna(), ""))
    print(
        tabulate(
            shown, headers="keys", showindex=False, floatfmt=("", "", "", "", "", ".3f", ".0f")
        )
    )
    means = ", ".join(f"{category} {width:.3f}" for category, width in by_category(table).items())
    print(f"\n95 % interval of a difference of two models in a category's mean score: {means}")
    for of, widths in found.iterrows() if found is not None else ():
        listed = ", ".join(f"{category} {width:.3f}" for category, width in widths.items())
        print(f"found by this study, median of all pairs, {of} normalized score: {listed}")
    print(f"{table['audio_s'].sum():.0f} s of audio")


if __name__ == "__main__":
    main()
