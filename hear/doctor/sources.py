"""Speakers, instruments and recordings in several splits, inferred from clip names.

A folder's `sources.json` takes precedence. A naming scheme is used if nearly all clips follow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hear.doctor.finding import WARNING, Finding, share
from hear.tasks.folder import TaskFolder
from hear.tasks.problems import SOURCES_FILE, listed

FOLLOWED = 0.95  # share of clips that follow a scheme, so that it is taken for theirs; a choice


@dataclass(frozen=True)
class Scheme:
    """Pattern of clip names (without suffix) whose first group identifies the source."""

    name: str  # of the data set that has it
    source: str  # what the group is
    pattern: str


SCHEMES = (  # the first that a folder follows counts; HEAR's names may have others before them
    Scheme("Speech Commands", "speaker", r"(?:.*[_-])?([0-9a-f]{8})_nohash_\d+"),
    Scheme("CREMA-D", "actor", r"(?:.*[_-])?(1\d{3})_[A-Z]{3}_[A-Z]{3}_[A-Z]{2}"),
    Scheme("RAVDESS", "actor", r"(?:\d\d-){6}(\d\d)"),
    Scheme("Free Spoken Digit Dataset", "speaker", r"\d_([a-z]+)_\d+"),
    Scheme("VCTK", "speaker", r"([ps]\d{3})_\d{3}(?:_mic\d)?"),
    Scheme("VoxCeleb", "speaker", r"(id\d{5})[_-].+"),
    Scheme("VoxLingua107", "video", r"(?:.*[_-])?([\w-]{11})__U__S\d+---.+"),
    Scheme("LibriSpeech", "speaker", r"(\d+)-\d+-\d{4}"),
    Scheme("NSynth", "instrument", r"([a-z]+_(?:acoustic|electronic|synthetic)_\d{3})-\d{3}-\d{3}"),
    Scheme("ESC-50", "recording", r"\d-(\d+)-[A-Z]-\d+"),
    Scheme("UrbanSound8K", "recording", r"(\d+)-\d+-\d+-\d+"),
    Scheme("TAU Urban Acoustic Scenes", "place", r"([a-z_]+-[a-z]+-\d+)-\d+-\w+"),
    Scheme(
        "speaker with a number",
        "speaker",
        r"(?:.*[_-])?((?:speaker|spk|subject|actor|singer|player)[_-]?\d+)(?:[_-].*)?",
    ),
    Scheme("numbered parts", "recording", r"(.+?)[_-](?:chunk|segment|seg|part|slice)[_-]?\d+"),
)
AFTER_LABEL = Scheme("label-source_rest", "source", r"([^_]+)_.+")  # after the clip's own label


def sources_that_cross(folder: TaskFolder) -> Iterator[Finding]:
    """Yield a finding about test clips whose source also occurs in training."""
    told = _told(folder)
    if told is None:
        return
    by, what, sources = told
    crossing: set[str] = set()
    clips: list[str] = []
    n_tested = 0
    for fold in folder.folds:
        trained = {source for split in fold.train for source in sources.get(split, {}).values()}
        for split in fold.test:
            n_tested += len(folder.clips[split])
            known = {c: s for c, s in sources.get(split, {}).items() if s in trained}
            crossing |= set(known.values())
            clips += [f"{split}/{clip}" for clip in known]
    if clips:
        n_sources = len({s for by_clip in sources.values() for s in by_clip.values()})
        found = (
            f"{share(len(clips), n_tested)} test clips share their {what} with a training clip "
            f"({by}): {len(crossing)} of {n_sources} {what}s, as {listed(sorted(crossing))}"
        )
        consequence = f"the score is that of known {what}s; expect a lower one for new {what}s"
        yield Finding("crossing_sources", WARNING, found, consequence, tuple(clips))


def _told(folder: TaskFolder) -> tuple[str, str, Mapping[str, Mapping[str, str]]] | None:
    """Evidence of the sources, their kind, and the sources by split and clip; None if unknown."""
    if folder.sources:
        return SOURCES_FILE, "source", folder.sources
    for scheme in SCHEMES:
        sources = {
            split: {
                clip: match[1]
                for clip in clips
                if (match := re.fullmatch(scheme.pattern, Path(clip).stem))
            }
            for split, clips in folder.clips.items()
        }
        if _is_followed(folder, sources):
            return f"names as in {scheme.name}", scheme.source, sources
    if folder.embedding_type == "scene":
        sources = {split: _after_labels(clips) for split, clips in folder.clips.items()}
        if _is_followed(folder, sources):
            return f"names as {AFTER_LABEL.name}", AFTER_LABEL.source, sources
    return None


def _after_labels(clips: Mapping[str, list[str]]) -> dict[str, str]:
    found = {}
    for clip, labels in clips.items():
        stem = Path(clip).stem
        for label in labels:
            rest = stem.removeprefix(f"{label}-")
            if rest != stem and (match := re.fullmatch(AFTER_LABEL.pattern, rest)):
                found[clip] = match[1]
    return found


def _is_followed(folder: TaskFolder, sources: Mapping[str, Mapping[str, str]]) -> bool:
    """Return whether nearly all clips have one of several sources, and some share theirs."""
    n_clips = sum(map(len, folder.clips.values()))
    found = [source for by_clip in sources.values() for source in by_clip.values()]
    return len(found) >= FOLLOWED * n_clips and 1 < len(set(found)) < len(found)
