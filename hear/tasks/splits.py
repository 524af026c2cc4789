"""Reading and checking of a task folder's label vocabulary, split files and sources.

Labels may be JSON integers (as in the official spoken_digit archive), while the vocabulary is read
as text: both become str. Event times are in milliseconds.
"""

from __future__ import annotations

import csv
import difflib
import math
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hear.tasks.problems import CONTROL, Problems, is_number, read_json, shorten

VOCABULARY_COLUMNS = ["idx", "label"]  # header of HEAR's labelvocabulary.csv
ROUNDING_MS = 1e-3  # of times that went through seconds, samples or a CSV file


@dataclass(frozen=True)
class SplitRules:
    """Requirements of the metadata and the vocabulary for every clip."""

    embedding_type: str  # a list of labels per clip (scene) or of events (event)
    prediction_type: str  # multiclass: exactly one label per scene clip
    labels: tuple[str, ...]  # in index order; empty (not checked) where they could not be read
    duration_ms: float | None  # clip length: no event starts at or after it


def read_vocabulary(path: Path, problems: Problems) -> tuple[str, ...]:
    """Read the labels of `labelvocabulary.csv` in index order; empty if it is malformed.

    Its columns are idx (0 to n_labels - 1, each once) and label (each once).
    """
    if not os.path.isfile(path):
        problems.add(path.name, "the file", "no such file")
        return ()
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            header, *rows = [row for row in csv.reader(handle) if row] or [[]]
    except (csv.Error, UnicodeDecodeError) as error:
        problems.add(path.name, "a CSV file in UTF-8", f"an error: {error}")
        return ()
    if header != VOCABULARY_COLUMNS:
        problems.add(path.name, "the columns idx,label", ",".join(header) or "nothing")
        return ()
    file = path.name
    by_index: dict[str, str] = {}
    index_of: dict[str, str] = {}
    for row in rows:
        if len(row) != len(VOCABULARY_COLUMNS):
            problems.add(file, "two values per row", ",".join(row))
            continue
        index, label = row[0].strip(), row[1]
        if label in index_of:
            where = f"{file}: label {shorten(label)}"
            problems.add(where, "each label once", f"idx {index_of[label]} and idx {index}")
        if CONTROL.search(label):
            problems.add(f"{file}: idx {index}", "a label of one line", label)
        index_of[label] = index
        by_index[index] = label
    wanted = [str(index) for index in range(len(rows))]
    is_numbered = set(wanted) == set(by_index) and bool(rows)
    if not is_numbered:
        n_labels = max(len(rows), 1)
        found = ", ".join(row[0] for row in rows) or "no rows"
        problems.add(f"{file}: idx", f"0 to {n_labels - 1}, each once", found)
    is_usable = is_numbered and len(index_of) == len(rows)
    return tuple(by_index[index] for index in wanted) if is_usable else ()


def read_split(path: Path, rules: SplitRules, problems: Problems) -> dict[str, list[Any]]:
    """Read `<split>.json`: the labels or events of every clip, in key order.

    Scene labels are str; an event is {'label': str, 'start': float ms, 'end': float ms}. Empty
    events caused by rounding (start at the clip's end, or end before the start by less than
    `ROUNDING_MS`) are dropped, with a warning that gives their number.
    """
    content = read_json(path, problems)
    if content is None:
        return {}
    if not isinstance(content, dict) or not content:
        problems.add(path.name, "an object with at least one clip", content)
        return {}
    is_event = rules.embedding_type == "event"
    read_entry = _read_events if is_event else _read_labels
    clips, n_dropped = {}, 0
    for file, entry in content.items():
        where = f"{path.name}: clip {file}"
        if Path(file).name != file or "\\" in file or file in ("", ".."):
            problems.add(where, "a file name without folders", file or "an empty name")
        if not isinstance(entry, list):
            problems.add(where, f"a list of {'events' if is_event else 'labels'}", entry)
            continue
        clips[file] = read_entry(entry, where, rules, problems)
        n_dropped += len(entry) - len(clips[file])
    if n_dropped:
        what = "that start at the end of their clip, or end before they start by a rounding"
        problems.warnings.append(f"{path.name}: events {what}: {n_dropped} left out")
    return clips


def read_sources(
    path: Path, clips: dict[str, dict[str, list[Any]]], problems: Problems
) -> dict[str, dict[str, str]]:
    """Read `sources.json`: the speaker, instrument or place of clips, by split and clip.

    ``clips`` are the clips of the splits. The file is optional and need not list every clip; clips
    that are not listed share their source with no other.
    """
    content = read_json(path, problems) if os.path.isfile(path) else {}
    if not isinstance(content, dict) or not all(isinstance(e, dict) for e in content.values()):
        problems.add(path.name, "an object of splits, each an object of clips", content)
        return {}
    for split, sources in content.items():
        if split not in clips:
            problems.add(f"{path.name}: {split}", f"one of the splits {', '.join(clips)}", split)
        for clip, source in sources.items():
            if split in clips and clip not in clips[split]:
                problems.add(f"{path.name}: clip {clip}", f"a clip of {split}.json", "none")
            if not isinstance(source, str) or not source:
                problems.add(f"{path.name}: clip {clip}", "a source as text", source)
    return content


def _read_label(label: object, where: str, rules: SplitRules, problems: Problems) -> str:
    if isinstance(label, bool) or not isinstance(label, (str, int)):
        problems.add(where, "a label (text or an integer)", label)
    elif rules.labels and str(label) not in rules.labels:
        expected = f"a label of the vocabulary ({len(rules.labels)} labels)"
        problems.add(where, expected, _beside_nearest(str(label), rules.labels))
    return str(label)


def _beside_nearest(label: str, labels: tuple[str, ...]) -> str:
    """An unknown label beside the most similar known one, to show the difference."""
    forms = {known: " ".join(unicodedata.normalize("NFC", known).split()) for known in labels}
    form = " ".join(unicodedata.normalize("NFC", label).split())
    same = [known for known in labels if forms[known].casefold() == form.casefold()]
    near = same or difflib.get_close_matches(label, labels, n=1)
    if not near:
        return repr(label)
    shown = ascii if forms[near[0]] == form else repr  # blanks and accents look alike
    return f"{shown(label)}; the nearest is {shown(near[0])}"


def _read_labels(entry: list[Any], where: str, rules: SplitRules, problems: Problems) -> list[str]:
    if rules.prediction_type == "multiclass" and len(entry) != 1:
        problems.add(where, "exactly one label (prediction_type multiclass)", entry)
    return [_read_label(label, where, rules, problems) for label in entry]


def _read_events(
    entry: list[Any], where: str, rules: SplitRules, problems: Problems
) -> list[dict[str, Any]]:
    events = []
    for i, event in enumerate(entry):
        at = f"{where}, event {i}"
        if not isinstance(event, dict) or not {"label", "start", "end"} <= set(event):
            problems.add(at, "an object with label, start and end", event)
            continue
        label = _read_label(event["label"], at, rules, problems)
        start, end = event["start"], event["end"]
        if not (is_number(start) and is_number(end)):
            problems.add(at, "start and end in ms as finite numbers", [start, end])
            continue
        late_ms = -math.inf if rules.duration_ms is None else start - rules.duration_ms
        if 0 < start - end <= ROUNDING_MS or 0 <= late_ms <= ROUNDING_MS:
            continue
        if not 0 <= start <= end:
            problems.add(at, "0 <= start <= end", f"start {start} ms, end {end} ms")
        if late_ms > 0:
            problems.add(at, f"start before the clip's end ({rules.duration_ms} ms)", f"{start} ms")
        events.append({"label": label, "start": float(start), "end": float(end)})
    return events
