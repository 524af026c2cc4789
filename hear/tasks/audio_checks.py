"""Checks of a task folder's audio, file by file, before embedding."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from hear.audio.read import ClipError, WavHeader, read_clip, read_samples, read_wav_header
from hear.tasks.folder import TaskFolder
from hear.tasks.problems import Problems, TaskError, listed

SAMPLE_RATES_HZ = (16000, 22050, 32000, 44100, 48000)  # hearbenchmark.com/hear-api.html
MODEL_RATE_HZ = 32000  # PaSST's, whose audio is examined and prepared
LENGTH_TOLERANCE_S = 0.010  # the project's choice: rounding of a resampler is less
LENGTH_TOLERANCE = 0.005  # share of the length (above 2 s): the project's choice
OFFICIAL_LENGTH_TOLERANCE = 0.05  # of HEAR's own folders: heareval embeds whatever is there
SECONDS_SHARE = 1.1e-3  # of the clip: where events end whose times are in s, a little behind it


@dataclass(frozen=True)
class Limits:
    """Minimum clip length of a study's models; shorter clips are rejected before embedding.

    ``shortest_s`` is the minimum in seconds, ``by`` names the model that requires it.
    """

    shortest_s: float = 0.0
    by: str = ""


NO_LIMITS = Limits()


@dataclass
class _Found:
    """Facts collected while checking one split's files."""

    n_samples: int = 0
    shortest_s: float = float("inf")
    last_share: float = 0.0  # of its clip at which the last event ends
    streamed: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)  # float clips beyond full scale


def source_sample_rate(folder: TaskFolder, sample_rate_hz: int) -> int:
    """Return the rate of the audio folder to read for a model's sample rate.

    This is the model's own rate if the task has it; else the lowest higher rate, because
    downsampling loses nothing that the model could use; else the highest lower rate, which lacks
    treble. For a checked task, only folders that passed are considered (``rates_hz``). TaskError if
    the task has no folder of `SAMPLE_RATES_HZ`.
    """
    present = folder.rates_hz or present_rates(folder)
    if not present:
        found = sorted(entry.name for entry in folder.path.iterdir() if entry.is_dir())
        expected = f"an audio folder ({', '.join(map(str, SAMPLE_RATES_HZ))})"
        names = ", ".join(found) or "no folder"
        raise TaskError(f"{folder.path}: expected {expected}, found {names}")
    at_least = [rate for rate in present if rate >= sample_rate_hz]
    return min(at_least) if at_least else max(present)


def present_rates(folder: TaskFolder) -> list[int]:
    """Return the sample rates of a task's audio folders, checked or not."""
    return [rate for rate in SAMPLE_RATES_HZ if (folder.path / str(rate)).is_dir()]


def check_audio(
    folder: TaskFolder,
    sample_rate_hz: int = MODEL_RATE_HZ,
    is_official: bool = False,
    progress: bool = True,
    limits: Limits = NO_LIMITS,
) -> dict[str, Any]:
    """Check all audio files that will be read for a model's sample rate.

    The files are in the folder chosen by `source_sample_rate`. Each clip of the split files must
    exist, be a readable and complete mono WAV file with the folder's sample rate, have the length
    given in the metadata (within 10 ms or 0.5 %; up to 5 % for an official HEAR task) and satisfy
    ``limits``. Floating-point samples must be finite and not far beyond full scale; integer samples
    are not read, because they always are. Events that all lie in the first thousandth of their
    clips are assumed to be in seconds, an error. TaskError lists all problems.

    Irregularities of audio that can be embedded, such as its level, are reported by `hear.doctor`.

    Returns
    -------
    dict
        sample_rate_hz (of the files), n_clips, duration_s (total), shortest_s (shortest clip),
        warnings (files on disk that no split file names; files without a length in their header;
        samples beyond full scale).
    """
    rate_hz = source_sample_rate(folder, sample_rate_hz)
    problems = Problems(folder.path)
    tolerance = OFFICIAL_LENGTH_TOLERANCE if is_official else LENGTH_TOLERANCE
    splits: dict[str, _Found] = {}
    n_clips = sum(len(files) for files in folder.clips.values())
    label = f"checking {folder.name}"
    with tqdm(total=n_clips, desc=label, unit="clip", disable=not progress) as bar:
        for split, files in folder.clips.items():
            found = splits[split] = _Found()
            paths, on_disk = folder.audio(rate_hz, split), _on_disk(folder, f"{rate_hz}/{split}")
            extra = on_disk - {path.name for path in paths.values()}
            for file, entry in files.items():
                bar.update()
                at, path = f"{rate_hz}/{split}/{file}", paths[file]
                if path.name not in on_disk:
                    problems.add(at, "the file", f"no such file{_alike(file, extra)}")
                    continue
                rates_hz = (rate_hz, sample_rate_hz)
                for fault in _faults(folder, path, rates_hz, entry, tolerance, limits, found):
                    problems.add(at, *fault)
            if 0 < found.last_share <= SECONDS_SHARE:
                share = f"all of them in the first {found.last_share:.1%} of their clips"
                told = f"{share}; are they in seconds?"
                problems.add(f"{split}.json", "times of events in ms", told)
    problems.raise_any()
    warnings = [*folder.warnings, *unnamed_files(folder, rate_hz)]
    for split, found in splits.items():
        warnings += _odd_files(f"{rate_hz}/{split}", found)
    return {
        "sample_rate_hz": rate_hz,
        "n_clips": n_clips,
        "duration_s": sum(found.n_samples for found in splits.values()) / rate_hz,
        "shortest_s": min(found.shortest_s for found in splits.values()),
        "warnings": warnings,
    }


def unnamed_files(folder: TaskFolder, rate_hz: int) -> Iterator[str]:
    """Yield a warning for each split's audio folder with files that no split file names."""
    for split in folder.clips:
        named = {path.name for path in folder.audio(rate_hz, split).values()}
        if extra := sorted(_on_disk(folder, f"{rate_hz}/{split}") - named):
            yield f"{rate_hz}/{split}: files that no split file names: {listed(extra)}"


def _on_disk(folder: TaskFolder, where: str) -> set[str]:
    directory = folder.path / where
    return set(os.listdir(directory)) if directory.is_dir() else set()


def _alike(file: str, present: Iterable[str]) -> str:
    """Text naming present files that differ from a missing one only in case or Unicode form."""

    def form(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold()

    same = [name for name in present if form(name) == form(file)]
    return f" ({ascii(file)}); there is {', '.join(map(ascii, same))}" if same else ""


def _odd_files(where: str, found: _Found) -> Iterator[str]:
    """Yield warnings about a split's files that are not errors."""
    for what, files in (
        ("files that do not say how long they are, read to their end", found.streamed),
        ("files with samples beyond full scale", found.beyond),
    ):
        if files:
            yield f"{where}: {what}: {listed(files)}"


def _faults(
    folder: TaskFolder,
    path: Path,
    rates_hz: tuple[int, int],
    entry: list[Any],
    tolerance: float,
    limits: Limits,
    found: _Found,
) -> Iterator[tuple[str, object]]:
    """Yield a file's errors as (expected, found); warnings are added to ``found``.

    ``rates_hz`` are the folder's rate and the rate at which the clip will be read.
    """
    rate_hz, wanted_hz = rates_hz
    try:
        header = read_wav_header(path)
        if faults := list(_header_faults(header, rate_hz)):
            yield from faults
            return
        duration_s = header.n_samples / rate_hz
        found.n_samples += header.n_samples
        found.shortest_s = min(found.shortest_s, duration_s)
        found.streamed += [path.name] if header.is_streamed else []
        yield from _length_faults(folder, header, duration_s, entry, tolerance)
        if duration_s < limits.shortest_s:
            yield f"at least {limits.shortest_s:.3f} s ({limits.by})", f"{duration_s:.3f} s"
        if entry and folder.embedding_type == "event":
            last_s = max(event["end"] for event in entry) / 1000.0
            found.last_share = max(found.last_share, last_s / duration_s)
        if header.is_float:
            read_clip(path, wanted_hz)  # refuses what it would refuse later
            is_beyond = float(np.abs(read_samples(path)[0]).max()) > 1.0
            found.beyond += [path.name] if is_beyond else []
    except ClipError as error:
        yield error.expected, error.found


def _header_faults(header: WavHeader, rate_hz: int) -> Iterator[tuple[str, str]]:
    """Yield a header's errors as (expected, found)."""
    if header.bytes_present < header.data_bytes:
        found = f"{header.bytes_present} (truncated)"
        yield f"{header.data_bytes} bytes of audio by its header", found
    if header.n_channels != 1:
        yield "one channel", str(header.n_channels)
    if header.sample_rate_hz != rate_hz:
        yield f"{rate_hz} Hz as its folder says", f"{header.sample_rate_hz} Hz"
    if header.n_samples == 0:
        yield "audio", "no samples"


def _length_faults(
    folder: TaskFolder, header: WavHeader, duration_s: float, entry: list[Any], tolerance: float
) -> Iterator[tuple[str, str]]:
    wanted_s = folder.sample_duration_s
    if wanted_s is not None:
        margin_s = length_margin_s(wanted_s, header, tolerance)
        if abs(duration_s - wanted_s) > margin_s:
            yield f"{wanted_s} s (sample_duration) within {margin_s:.3f} s", f"{duration_s:.3f} s"
    elif folder.embedding_type == "event":
        for event in entry:
            if event["start"] >= 1000.0 * duration_s:
                expected = f"events that start before the clip's end ({duration_s:.3f} s)"
                yield expected, f"{event['label']} at {event['start']} ms"


def length_margin_s(
    wanted_s: float, header: WavHeader, tolerance: float = LENGTH_TOLERANCE
) -> float:
    """Return the allowed difference, in seconds, between a clip's length and the metadata's."""
    # Audio coded in blocks (ADPCM) is padded to whole ones, by some encoders to one more.
    block_s = 2 * header.block_samples / header.sample_rate_hz
    return max(LENGTH_TOLERANCE_S, tolerance * wanted_s, block_s)
