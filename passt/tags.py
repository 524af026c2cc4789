"""Names of a network's classes: AudioSet tags, or numbers.

``audioset_tags.csv`` is ``class_labels_indices.csv`` of AudioSet as Google published it
(http://storage.googleapis.com/us_audioset/youtube_corpus/v1/csv/class_labels_indices.csv;
Gemmeke et al., ICASSP 2017), unchanged: the data set is CC BY 4.0, the ontology that the names are
from CC BY-SA 4.0 (https://research.google.com/audioset/download.html).
"""

from __future__ import annotations

import csv
from pathlib import Path

from passt.architecture import N_AUDIOSET_TAGS


def tag_names(n_classes: int) -> tuple[str, ...]:
    """Names in the order of the logits: AudioSet's display names for 527 classes, else "0", ..."""
    if n_classes != N_AUDIOSET_TAGS:
        return tuple(map(str, range(n_classes)))
    path = Path(__file__).with_name("audioset_tags.csv")
    with open(path, newline="", encoding="utf-8") as stream:
        return tuple(row["display_name"] for row in csv.DictReader(stream))
