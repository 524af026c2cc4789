"""How far the two programs' scores are apart, per case and over all cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

CONFIDENCE = 0.95


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare the programs' mean scores.

    Parameters
    ----------
    rows : DataFrame
        ``case, program, seed, score, search_sha256, predictions_sha256``; programs ``native`` and
        ``heareval``.

    Returns
    -------
    DataFrame
        One row per case: seeds, mean and standard deviation of both, the difference of the means
        (native minus heareval) with its 95 % interval and p (Welch's test, which takes the seeds
        of the two programs for independent draws and so is generous to a difference), and over
        how many common seeds search and predictions are equal byte for byte. The last row,
        ``all``, combines the cases: the sum of the squared standardized differences against the
        chi-squared distribution with one degree of freedom per case.
    """
    groups = [
        (case, group)
        for case, group in rows.groupby("case", sort=False)
        if group.program.nunique() == 2 and group.program.value_counts().min() > 1
    ]
    table = [_compare(case, group) for case, group in groups]
    summary = pd.DataFrame(table)
    # A p of Welch's test stands for a normal deviate of the same size.
    deviates = stats.norm.isf(summary.p / 2)
    pooled = {"case": "all", "p": stats.chi2.sf(np.sum(deviates**2), len(summary))}
    counts = ("n_native", "n_heareval", "n_common_seeds", "n_equal_searches", "n_equal_predictions")
    pooled |= {name: summary[name].sum() for name in counts}
    return pd.concat([summary, pd.DataFrame([pooled])], ignore_index=True)


def _compare(case: str, group: pd.DataFrame) -> dict:
    ours, theirs = (group[group.program == p].set_index("seed") for p in ("native", "heareval"))
    test = stats.ttest_ind(ours.score, theirs.score, equal_var=False)
    interval = test.confidence_interval(CONFIDENCE)
    common = ours.index.intersection(theirs.index)
    row = {"case": case}
    for name, scores in (("native", ours.score), ("heareval", theirs.score)):
        row |= {f"n_{name}": len(scores), f"mean_{name}": scores.mean(), f"sd_{name}": scores.std()}
    row |= {"difference": ours.score.mean() - theirs.score.mean()}
    row |= {"low": interval.low, "high": interval.high, "p": test.pvalue}
    row["n_common_seeds"] = len(common)
    for what, column in (("searches", "search_sha256"), ("predictions", "predictions_sha256")):
        row[f"n_equal_{what}"] = int((ours[column][common] == theirs[column][common]).sum())
    return row
