"""Downsampled copies of a task folder's audio, beside or instead of the original.

The samples equal those of `hear.audio.read` when it resamples while reading, rounded to 16 bits as
in HEAR's own archives: an error of at most half a step (2**-16 of full scale, -96 dB), and clipping
where the filter overshoots full scale.
"""

from __future__ import annotations

import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from hear.audio.read import ClipError, read_clip
from hear.files import replacing
from hear.tasks.folder import TaskFolder
from hear.tasks.problems import Problems

STEPS = 2**15  # of 16 bit PCM per unit of full scale


@dataclass(frozen=True)
class Resampled:
    """Numbers of clips written now, kept from an earlier call, and clipped at full scale."""

    n_written: int
    n_kept: int
    n_clipped: int


def resample_folder(
    folder: TaskFolder,
    from_hz: int,
    to_hz: int,
    keep_source: bool = True,
    n_threads: int = 1,
    progress: bool = True,
) -> Resampled:
    """Write `<to_hz>/<split>/<file>`, 16 bit PCM, for every clip in the split files.

    Each file is written under a temporary name and renamed, so that a killed call can resume.
    Without ``keep_source``, each original is deleted once its copy exists, and at the end the
    folder `<from_hz>/` with all remaining files. Up to ``n_threads`` full clips are in memory at a
    time. TaskError lists the clips that are missing or unreadable; all others are converted.
    """
    source, target = folder.path / str(from_hz), folder.path / str(to_hz)
    for unfinished in target.rglob("*.part"):
        unfinished.unlink()
    clips = {
        f"{split}/{file}": path
        for split in folder.clips
        for file, path in folder.audio(from_hz, split).items()
    }
    left = [clip for clip in clips if not (target / clip).is_file()]
    pairs = [(clips[clip], target / clip) for clip in left]
    problems = Problems(folder.path)
    for clip in left:
        if not clips[clip].is_file():
            problems.add(f"{from_hz}/{clip}", "the file", "no such file")
    problems.raise_any()  # before an hour of resampling
    work = partial(_resample_file, to_hz=to_hz, keep_source=keep_source)
    label = f"resampling {folder.name} to {to_hz} Hz"
    bar = tqdm(total=len(left), desc=label, unit="clip", disable=not progress)
    with bar, ThreadPoolExecutor(n_threads) as pool:  # soxr and libsndfile run in parallel
        n_clipped = 0
        try:
            for clip, done in zip(left, pool.map(work, pairs), strict=True):
                if isinstance(done, ClipError):
                    problems.add(f"{from_hz}/{clip}", done.expected, done.found)
                else:
                    n_clipped += done
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    problems.raise_any()
    if not keep_source:
        shutil.rmtree(source, ignore_errors=True)
    return Resampled(len(left), len(clips) - len(left), n_clipped)


def _resample_file(pair: tuple[Path, Path], to_hz: int, keep_source: bool) -> bool | ClipError:
    """Write one copy; return whether samples were clipped at full scale, or the ClipError."""
    path, copy = pair
    try:
        steps = np.rint(read_clip(path, to_hz) * np.float32(STEPS))
    except ClipError as error:
        return error
    stored = steps.clip(-STEPS, STEPS - 1).astype(np.int16)
    with replacing(copy) as temporary:
        wav = io.BytesIO()  # libsndfile has one error for a full disk and all others
        soundfile.write(wav, stored, to_hz, "PCM_16", format="WAV")
        temporary.write_bytes(wav.getbuffer())
    if not keep_source:
        path.unlink()
    return bool(steps.max() > STEPS - 1 or steps.min() < -STEPS)
