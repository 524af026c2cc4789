"""Checks of a task folder's metadata.

Source of the format: the HEAR 2021 task archives (Zenodo record 6332517).
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from hear.metrics.registry import METRICS
from hear.tasks.problems import EMBEDDING_TYPES, Problems, is_number

PREDICTION_TYPES = ("multiclass", "multilabel")  # HEAR metadata, prediction_type
SPLIT_MODES = ("trainvaltest", "new_split_kfold", "presplit_kfold")  # HEAR metadata, split_mode
TRAINVALTEST_SPLITS = {"train", "valid", "test"}  # heareval's split names
MIN_FOLDS = 3  # one fold each for test, valid and train
PLAIN_NAME = re.compile(r"[\w+-][\w.+-]*")  # usable as one path component on every platform


def check_metadata(metadata: object, file: str, problems: Problems) -> None:
    """Check the keys of a task's metadata; unknown keys are ignored."""
    if not isinstance(metadata, dict):
        problems.add(file, "an object with the task's keys", metadata)
        return
    for key in ("task_name", "version", "mode"):
        name = metadata.get(key, "no such key")
        if not isinstance(name, str) or not PLAIN_NAME.fullmatch(name):
            problems.add(f"{file}: {key}", "a name of letters, digits and _ . + -", name)
    for key, allowed in (
        ("embedding_type", EMBEDDING_TYPES),
        ("prediction_type", PREDICTION_TYPES),
        ("split_mode", SPLIT_MODES),
    ):
        if metadata.get(key) not in allowed:
            expected = " or ".join(allowed)
            problems.add(f"{file}: {key}", expected, metadata.get(key, "no such key"))
    if (metadata.get("embedding_type"), metadata.get("prediction_type")) == ("event", "multiclass"):
        where = f"{file}: prediction_type"
        problems.add(where, "multilabel (a timestamp may have no event)", "multiclass")
    duration = metadata.get("sample_duration")
    if duration is not None and not (is_number(duration) and duration > 0):
        problems.add(f"{file}: sample_duration", "seconds above 0, or null", repr(duration))
    _check_splits(metadata, file, problems)
    _check_evaluation(metadata, file, problems)


def _check_splits(metadata: dict[str, Any], file: str, problems: Problems) -> None:
    splits, where = metadata.get("splits", "no such key"), f"{file}: splits"
    is_list = isinstance(splits, list) and all(isinstance(split, str) for split in splits)
    if not is_list or not splits:
        problems.add(where, "a list of split names", splits)
        return
    if len(set(splits)) < len(splits) or not all(PLAIN_NAME.fullmatch(split) for split in splits):
        problems.add(where, "different names of letters, digits and _ . + -", splits)
    if metadata.get("split_mode") == "trainvaltest":
        if set(splits) != TRAINVALTEST_SPLITS:
            problems.add(where, "train, valid and test (split_mode trainvaltest)", splits)
        return
    if len(splits) < MIN_FOLDS:
        problems.add(where, f"at least {MIN_FOLDS} folds (test, valid, train)", splits)
    n_folds = metadata.get("nfolds")
    if n_folds is not None and n_folds != len(splits):
        problems.add(f"{file}: nfolds", f"{len(splits)}, as many as there are splits", n_folds)


def _check_evaluation(metadata: dict[str, Any], file: str, problems: Problems) -> None:
    slugs, where = metadata.get("evaluation", "no such key"), f"{file}: evaluation"
    if not isinstance(slugs, list) or not slugs:
        problems.add(where, "a list of metrics, the primary one first", slugs)
        return
    kind = "event" if metadata.get("embedding_type") == "event" else "clip"
    for slug in slugs:
        if isinstance(slug, str) and slug not in METRICS and slug != slugs[0]:
            problems.warnings.append(f"{where}: {slug} is unknown and ignored")
        elif not isinstance(slug, str) or slug not in METRICS:
            close = difflib.get_close_matches(str(slug), METRICS, n=1)
            hint = f"{slug} (did you mean {close[0]}?)" if close else slug
            problems.add(where, f"one of {', '.join(METRICS)}", hint)
        elif METRICS[slug].kind != kind:
            problems.add(where, f"metrics of kind {kind} ({kind} by embedding_type)", slug)
        elif slug == slugs[0] and not METRICS[slug].maximize:
            problems.add(where, "a primary (first) metric of which more is better", slug)
