"""Differences between the scores of two programs, per case and over all cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

CONFIDENCE = 0.95
FLOAT32 = 1e-6  # heareval logs its scores as float32
CHOICES = ["point", "epoch", "postprocessing"]  # what the search and the best epoch decided
BYTES = ["search_sha256", "predictions_sha256"]


def summaries(rows: pd.DataFrame, ours: str = "native") -> pd.DataFrame:
    """Compare under each path of MKL, which both programs had; see `summarize`."""
    groups = rows.groupby("mkl_path", sort=False)
    parts = [summarize(part, ours).assign(mkl_path=path) for path, part in groups]
    return pd.concat(parts, ignore_index=True)


def summarize(rows: pd.DataFrame, ours: str = "native") -> pd.DataFrame:
    """Compare a program's and heareval's mean scores, and their runs with the same seed.

    Parameters
    ----------
    rows : DataFrame
        As ``probe_parity.csv`` has them. Hashes are empty for runs whose predictions are not at
        hand.
    ours : str
        The program: ``native`` or ``stacked``.

    Returns
    -------
    DataFrame
        One row per case: seeds, mean and standard deviation of both, the difference of the means
        (ours minus heareval) with its 95 % interval and p (Welch's test, which takes all seeds
        for independent draws; empty with a single seed); then over the seeds common to both, how
        many have the same score, the same choices (grid point, best epoch, post-processing), and,
        of those with hashes, the same search and predictions byte for byte. The last row, ``all``,
        sums the counts and combines the p values: the sum of the squared normal deviates against
        the chi-squared distribution with one degree of freedom per case that has a p.
    """
    rows = rows[rows.program.isin([ours, "heareval"])]
    rows = rows.assign(postprocessing=rows.postprocessing.fillna(""))
    groups = [
        (case, group)
        for case, group in rows.groupby("case", sort=False)
        if group.program.nunique() == 2
    ]
    summary = pd.DataFrame([_compare(case, group, ours) for case, group in groups])
    if summary.empty:
        return summary
    # A p of Welch's test stands for a normal deviate of the same size.
    deviates = stats.norm.isf(summary.p.dropna() / 2)
    pooled = {"case": "all", "p": stats.chi2.sf(np.sum(deviates**2), len(deviates))}
    pooled |= {name: summary[name].sum() for name in summary if name.startswith("n_")}
    return pd.concat([summary, pd.DataFrame([pooled])], ignore_index=True)


def _compare(case: str, group: pd.DataFrame, program: str) -> dict:
    ours, theirs = (group[group.program == p].set_index("seed") for p in (program, "heareval"))
    test = stats.ttest_ind(ours.score, theirs.score, equal_var=False)
    interval = test.confidence_interval(CONFIDENCE)
    row = {"case": case}
    for name, scores in ((program, ours.score), ("heareval", theirs.score)):
        row |= {f"n_{name}": len(scores), f"mean_{name}": scores.mean(), f"sd_{name}": scores.std()}
    row |= {"difference": ours.score.mean() - theirs.score.mean()}
    row |= {"low": interval.low, "high": interval.high, "p": test.pvalue}
    common = ours.index.intersection(theirs.index)
    ours, theirs = ours.loc[common], theirs.loc[common]
    row["n_common_seeds"] = len(common)
    row["n_equal_scores"] = int((abs(ours.score - theirs.score) < FLOAT32).sum())
    row["n_equal_choices"] = int((ours[CHOICES] == theirs[CHOICES]).all(axis=1).sum())
    hashed = theirs[BYTES].notna().all(axis=1)
    row["n_hashed"] = int(hashed.sum())
    row["n_equal_bytes"] = int((ours[BYTES] == theirs[BYTES])[hashed].all(axis=1).sum())
    return row
