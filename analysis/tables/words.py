"""Words and orders that figures and tables share: metrics in words, categories in order."""

from __future__ import annotations

from collections.abc import Iterable

CATEGORIES = ("general", "music", "speech")  # the paper's three, in its figures' order
METRIC_LABELS = {  # HEAR's metric slugs in words
    "top1_acc": "Accuracy",
    "pitch_acc": "Pitch accuracy",
    "chroma_acc": "Chroma accuracy",
    "mAP": "Mean average precision",
    "d_prime": "d′",
    "aucroc": "ROC AUC",
    "event_onset_200ms_fms": "Onset F-measure (200 ms)",
    "event_onset_50ms_fms": "Onset F-measure (50 ms)",
    "event_onset_offset_50ms_20perc_fms": "Onset-offset F-measure (50 ms, 20 %)",
    "segment_1s_er": "Segment error rate (1 s)",
}


def metric_label(metric: str) -> str:
    """Return a metric's name for an axis; the slug itself where it is not one of HEAR's."""
    return METRIC_LABELS.get(metric, metric)


def ordered_categories(categories: Iterable[str]) -> list[str]:
    """Return the categories present: the paper's three in its order, then others by name."""
    present = set(categories)
    return [c for c in CATEGORIES if c in present] + sorted(present - set(CATEGORIES))
