"""The audio of a task folder, checked file by file before hours are spent on embedding it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from hear.audio.read import ClipError, WavHeader, read_samples, read_wav_header
from hear.tasks.folder import TaskFolder
from hear.tasks.problems import Problems, TaskError, listed

SAMPLE_RATES_HZ = (16000, 22050, 32000, 44100, 48000)  # the five of HEAR's preprocessing
LENGTH_TOLERANCE_S = 0.010  # the project's choice: rounding of a resampler is less
LENGTH_TOLERANCE = 0.005  # share of the length (above 2 s): the project's choice
OFFICIAL_LENGTH_TOLERANCE = 0.05  # of HEAR's own folders: heareval embeds whatever is there
QUIET_PEAK = 1e-3  # -60 dB: below, 16 bit leave less than 6 bits; a choice, speech peaks far above
N_LISTENED = 5  # clips per split whose level is looked at: enough to notice a lost scale
# hear-preprocess, commit a5d6042 (hearpreprocess/tfds_pipeline.py), ended it on 2022-01-19.
LOST_SCALE = (
    "expected audio that can be heard, found almost silence in every split. Until January 2022 "
    "HEAR's TFDS tasks (CREMA-D, GTZAN, spoken digits) were written 16 bits too quiet, and no "
    "score on such audio means anything: take the archive of Zenodo record 6332517"
)


def source_sample_rate(folder: TaskFolder, sample_rate_hz: int) -> int:
    """Return the rate of the audio folder to read for a model's sample rate.

    The model's own rate if the task has it; else the lowest rate above, because going down
    loses nothing the model could hear; else the highest below, whose missing treble no
    resampling can bring back. Of a checked task only folders that passed count (``rates_hz``).
    TaskError if the task has no folder of `SAMPLE_RATES_HZ`.
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
    """Return the rates of the audio folders that a task folder has, checked or not."""
    return [rate for rate in SAMPLE_RATES_HZ if (folder.path / str(rate)).is_dir()]


def check_audio(
    folder: TaskFolder,
    sample_rate_hz: int = 32000,
    is_official: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Check every audio file that will be read for a model's sample rate.

    Each clip of the split files exists, is a readable and complete mono WAV file with the
    folder's sample rate, has samples, lasts as long as the metadata says (within 10 ms or
    0.5 %), and has no NaN or infinite samples. Integer samples are not read: they have none.
    The folder is the one that source_sample_rate picks. A TaskError lists every problem found.

    Of an official HEAR task, lengths that differ by up to 5 % are a warning, and a task that is
    almost silent in every split is refused, as any by TFDS: their archives once were.

    Returns
    -------
    dict
        sample_rate_hz (of the files), n_clips and duration_s (of all), warnings (files on disk
        that no split file names; lengths; almost silent recordings, judged by a few clips per
        split).
    """
    rate_hz = source_sample_rate(folder, sample_rate_hz)
    problems = Problems(folder.path)
    tolerance = OFFICIAL_LENGTH_TOLERANCE if is_official else LENGTH_TOLERANCE
    odd: list[str] = []
    n_samples = 0
    n_clips = sum(len(files) for files in folder.clips.values())
    label = f"checking {folder.name}"
    with tqdm(total=n_clips, desc=label, unit="clip", disable=not progress) as bar:
        for split, files in folder.clips.items():
            where = f"{rate_hz}/{split}"
            on_disk = _on_disk(folder, where)
            for file, entry in files.items():
                bar.update()
                at = f"{where}/{file}"
                if file not in on_disk:
                    problems.add(at, "the file", "no such file")
                    continue
                n = _check_clip(folder, at, rate_hz, entry, tolerance, problems)
                n_samples += n
                if _is_odd(folder, n / rate_hz, LENGTH_TOLERANCE):
                    odd.append(f"{at} ({n / rate_hz:.3f} s)")
    problems.raise_any()
    warnings = [*folder.warnings, *unnamed_files(folder, rate_hz)]
    if odd:
        warnings.append(f"clips that do not last {folder.sample_duration_s} s: {listed(odd)}")
    quiet = _quiet_splits(folder, rate_hz)
    if len(quiet) == len(folder.splits) and (is_official or "tfds_task_name" in folder.metadata):
        raise TaskError(f"{folder.path}: {LOST_SCALE}\n  " + "\n  ".join(quiet))
    return {
        "sample_rate_hz": rate_hz,
        "n_clips": n_clips,
        "duration_s": n_samples / rate_hz,
        "warnings": warnings + quiet,
    }


def unnamed_files(folder: TaskFolder, rate_hz: int) -> Iterator[str]:
    """Say of each split's audio folder which files no split file names."""
    for split, files in folder.clips.items():
        if extra := sorted(_on_disk(folder, f"{rate_hz}/{split}") - set(files)):
            yield f"{rate_hz}/{split}: files that no split file names: {listed(extra)}"


def _on_disk(folder: TaskFolder, where: str) -> set[str]:
    directory = folder.path / where
    return set(os.listdir(directory)) if directory.is_dir() else set()


def _quiet_splits(folder: TaskFolder, rate_hz: int) -> list[str]:
    warnings = []
    for split, files in folder.clips.items():
        paths = [folder.path / str(rate_hz) / split / file for file in list(files)[:N_LISTENED]]
        peak = max(float(np.abs(read_samples(path)[0]).max()) for path in paths)
        if peak < QUIET_PEAK:
            found = f"{len(paths)} clips with a peak of {peak:.1g} of full scale"
            warnings.append(f"{rate_hz}/{split}: almost silence, {found}; its scale may be lost")
    return warnings


def _check_clip(
    folder: TaskFolder,
    at: str,
    rate_hz: int,
    entry: list[Any],
    tolerance: float,
    problems: Problems,
) -> int:
    """Check one file; return its number of samples, 0 where it cannot be read."""
    path, n_samples = folder.path / at, 0
    faults: list[tuple[str, object]] = []
    try:
        header = read_wav_header(path)
        faults += _header_faults(header, rate_hz)
        if not faults:
            n_samples = header.n_samples
            faults += _length_faults(folder, n_samples / rate_hz, entry, tolerance)
            if header.is_float:
                read_samples(path)
    except ClipError as error:
        faults.append((error.expected, error.found))
    for expected, found in faults:
        problems.add(at, expected, found)
    return n_samples


def _header_faults(header: WavHeader, rate_hz: int) -> Iterator[tuple[str, str]]:
    """What a header has that it may not have: expected, found."""
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
    folder: TaskFolder, duration_s: float, entry: list[Any], tolerance: float
) -> Iterator[tuple[str, str]]:
    wanted_s = folder.sample_duration_s
    if wanted_s is not None and _is_odd(folder, duration_s, tolerance):
        expected = f"{wanted_s} s (sample_duration) within {_margin_s(wanted_s, tolerance):.3f} s"
        yield expected, f"{duration_s:.3f} s"
    elif wanted_s is None and folder.embedding_type == "event":
        for event in entry:
            if event["start"] >= 1000.0 * duration_s:
                expected = f"events that start before the clip's end ({duration_s:.3f} s)"
                yield expected, f"{event['label']} at {event['start']} ms"


def _is_odd(folder: TaskFolder, duration_s: float, tolerance: float) -> bool:
    """Tell whether a clip has another length than the metadata say, if they say one."""
    wanted_s = folder.sample_duration_s
    return wanted_s is not None and abs(duration_s - wanted_s) > _margin_s(wanted_s, tolerance)


def _margin_s(wanted_s: float, tolerance: float) -> float:
    return max(LENGTH_TOLERANCE_S, tolerance * wanted_s)
