"""Audio files of any rate, channel count and length, decoded to mono at 32 kHz."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from passt.checks import AudioError
from passt.lengths import SAMPLE_RATE_HZ

# Names of the formats that libsndfile knows, other suffixes of their files, and of formats that it
# does not know, whose files are listed as not readable instead of passed over.
SUFFIXES = {f".{name.lower()}" for name in soundfile.available_formats()} - {".raw"} | {
    *(".aif .aifc .aiff .snd .wave .oga .opus .mp2 .mp3".split()),
    *(".sph .mat .iff .8svx .sf .m4a .aac .wma .amr .ape .webm".split()),
}
BLOCK_S = 10.0  # read and resampled at a time
UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's count where a header has none
LONG_S = 60.0  # longer files wait resampled on the disk, not in memory
RESAMPLING_QUALITY = "HQ"  # soxr's default, 20 bit


class LongClip:
    """A clip whose samples are read from a file on demand: see `passt.windows.StoredAudio`."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._samples = samples[None]
        self.shape = (1, len(samples))

    def stretch(self, start: int, stop: int) -> Tensor:
        """Samples ``start`` to ``stop``, float32 (1, stop - start)."""
        return torch.from_numpy(self._samples[:, start:stop])


def find_audio(folder: Path) -> list[str]:
    """Sorted relative paths of the audio files in a folder, including nested and linked folders.

    Hidden files and folders (leading dot) are ignored.
    """
    names, seen = [], set()
    for path, folders, files in os.walk(folder, followlinks=True, onerror=_say):
        status = os.stat(path)
        here = (status.st_dev, status.st_ino)
        folders[:] = [] if here in seen else sorted(f for f in folders if not f.startswith("."))
        if here in seen:
            continue  # by a link: once is enough, and it may be a circle
        seen.add(here)
        names += [
            (Path(path) / file).relative_to(folder).as_posix()
            for file in files
            if not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES
        ]
    return sorted(names)


def _say(error: OSError) -> None:
    print(f"passed over: {error}", file=sys.stderr)


def duration_s(path: Path) -> float | None:
    """Duration according to the file's header; None if it has no readable header, or no length."""
    try:
        info = soundfile.info(_named(path))
    except (soundfile.SoundFileError, OSError):
        return None
    return info.duration if info.frames < UNKNOWN_FRAMES else None


def _named(path: Path) -> str | bytes:
    """A file's name as soundfile opens it, which refuses text that stands for other bytes."""
    return os.fsencode(path) if os.name == "posix" else str(path)


def read_audio(path: Path, scratch: Path) -> Tensor | LongClip:
    """Read a file as one clip, float32 (1, n_samples) at 32 kHz: the mean of its channels.

    A long clip is stored in an unnamed file in ``scratch``, which is freed with the clip.
    AudioError if the file is empty, shorter than its header states, or has a header that states no
    length; errors of libsndfile and the operating system are passed on.
    """
    with soundfile.SoundFile(_named(path)) as file:
        if not file.frames:
            raise AudioError("no samples, or a header without their number")
        if file.frames == UNKNOWN_FRAMES:
            raise AudioError(
                "a header without the number of samples, as of a pipe: encode it again"
            )
        if file.frames <= LONG_S * file.samplerate:
            return torch.from_numpy(np.concatenate(list(_blocks(file))))[None]
        with tempfile.TemporaryFile(dir=scratch) as stream:
            for block in _blocks(file):
                stream.write(block.data)
            stream.flush()
            return LongClip(np.memmap(stream, np.float32, mode="c"))


def _blocks(file: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
    resampler = None
    if file.samplerate != SAMPLE_RATE_HZ:
        rates = (file.samplerate, SAMPLE_RATE_HZ)
        resampler = soxr.ResampleStream(*rates, 1, "float32", RESAMPLING_QUALITY)
    n_block, n_read = int(BLOCK_S * file.samplerate), 0
    while n_read < file.frames:
        block = file.read(n_block, dtype="float32", always_2d=True)
        n_read += len(block)
        if len(block) < n_block and n_read < file.frames:
            raise AudioError(f"ends early: expected {file.frames} samples, found {n_read}")
        mono = np.ascontiguousarray(block[:, 0]) if file.channels == 1 else block.mean(axis=1)
        if resampler is not None:
            mono = resampler.resample_chunk(mono, last=n_read >= file.frames)
        yield mono
