"""Audio clips: reading and resampling, and what a WAV file's header promises.

The header is read here and not only by libsndfile, which shortens a truncated file without a
word. Source of the container: Multimedia Programming Interface 1.0 (RIFF WAVE).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

RESAMPLING_QUALITY = "HQ"  # soxr's default, 20 bit; HEAR's own pipeline used soxr
FORMAT_FLOAT = 3  # WAVE_FORMAT_IEEE_FLOAT
FORMAT_EXTENSIBLE = 0xFFFE  # WAVE_FORMAT_EXTENSIBLE: the sub-format holds the real one
SUBFORMAT_OFFSET = 24  # bytes from the start of a fmt chunk, WAVEFORMATEXTENSIBLE


class AudioError(ValueError):
    """An audio file that cannot be used; the message names it and what was found."""


@dataclass(frozen=True)
class WavHeader:
    """What the header of a WAV file says, and what the file holds.

    Attributes
    ----------
    is_float : bool
        Samples are floating-point numbers (which can be NaN), not integers.
    n_channels, sample_rate_hz, n_samples : int
        n_samples counts samples per channel, by the header.
    data_bytes : int
        Size of the audio data by the header.
    bytes_present : int
        Bytes of it that are in the file; fewer than data_bytes if it is truncated.
    """

    is_float: bool
    n_channels: int
    sample_rate_hz: int
    n_samples: int
    data_bytes: int
    bytes_present: int


def read_wav_header(path: Path | str) -> WavHeader:
    """Read the header of a WAV file without its samples.

    Parameters
    ----------
    path : Path or str
        A RIFF WAVE file.

    Returns
    -------
    WavHeader

    Raises
    ------
    AudioError
        If the file is no RIFF WAVE file or lacks its `fmt ` or `data` chunk.
    """
    path = Path(path)
    with path.open("rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(0)
        start = handle.read(12)
        if start[:4] != b"RIFF" or start[8:] != b"WAVE":
            raise AudioError(f"{path}: expected a RIFF WAVE file, found {_describe(start, size)}")
        layout = b""
        while len(chunk := handle.read(8)) == 8:
            kind, n_bytes = struct.unpack("<4sI", chunk)
            if kind == b"data" and layout:
                return _header(layout, n_bytes, size - handle.tell())
            if kind == b"fmt ":
                layout = handle.read(n_bytes)
            else:
                handle.seek(n_bytes, 1)
            handle.seek(n_bytes % 2, 1)  # chunks are padded to even sizes
            if kind == b"fmt " and len(layout) < 16:
                break
    missing = "data" if len(layout) >= 16 else "fmt"
    raise AudioError(f"{path}: expected a {missing} chunk, found the end of the file")


def _describe(start: bytes, size: int) -> str:
    return f"{size} bytes that start with {start[:4]!r}" if size else "an empty file"


def _header(layout: bytes, data_bytes: int, bytes_present: int) -> WavHeader:
    form, n_channels, sample_rate_hz, _, block_bytes, _ = struct.unpack_from("<HHIIHH", layout)
    if form == FORMAT_EXTENSIBLE and len(layout) >= SUBFORMAT_OFFSET + 2:
        form = struct.unpack_from("<H", layout, SUBFORMAT_OFFSET)[0]
    return WavHeader(
        is_float=form == FORMAT_FLOAT,
        n_channels=n_channels,
        sample_rate_hz=sample_rate_hz,
        n_samples=data_bytes // max(block_bytes, 1),
        data_bytes=data_bytes,
        bytes_present=min(bytes_present, data_bytes),
    )


@contextmanager
def readable(path: Path | str) -> Iterator[None]:
    """Name the file where libsndfile does not.

    Raises
    ------
    AudioError
        For an error of libsndfile or the system inside.
    """
    try:
        yield
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError(f"{path}: expected a readable audio file, found: {error}") from error


def check_shape(path: Path | str, n_samples: int, n_channels: int) -> None:
    """Refuse a file that is not mono or is empty.

    Raises
    ------
    AudioError
    """
    if n_channels != 1:
        raise AudioError(f"{path}: expected one channel, found {n_channels}")
    if n_samples == 0:
        raise AudioError(f"{path}: expected audio, found no samples")


def check_samples(path: Path | str, samples: np.ndarray, offset: int = 0) -> None:
    """Refuse samples that are no numbers.

    Parameters
    ----------
    path : Path or str
        Where they come from.
    samples : ndarray
        (n_samples,), of which the first is the file's ``offset``-th.

    Raises
    ------
    AudioError
        Saying how many, and where the first is.
    """
    finite = np.isfinite(samples)
    if not finite.all():
        n_bad, first = len(samples) - int(finite.sum()), offset + int(np.argmin(finite))
        found = f"{n_bad} of {len(samples)} NaN or infinite, first {first}"
        raise AudioError(f"{path}: expected finite samples, found {found}")


def read_samples(path: Path | str) -> tuple[np.ndarray, int]:
    """Read a mono file as it is.

    Parameters
    ----------
    path : Path or str
        An audio file.

    Returns
    -------
    tuple of ndarray and int
        float32 (n_samples,), full scale is 1; sample rate in Hz.

    Raises
    ------
    AudioError
        If it cannot be read, has several channels, no samples, or NaN or infinite samples.
    """
    with readable(path):
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    check_shape(path, *samples.shape)
    check_samples(path, samples[:, 0])
    return samples[:, 0], rate_hz


def read_clip(path: Path | str, sample_rate_hz: int) -> np.ndarray:
    """Read a mono clip at a sample rate, resampled where the file has another one.

    Parameters
    ----------
    path : Path or str
        An audio file. That it is complete is check_audio's business.
    sample_rate_hz : int
        The rate wanted.

    Returns
    -------
    ndarray
        float32 (n_samples,), full scale is 1.

    Raises
    ------
    AudioError
        As read_samples.
    """
    samples, rate_hz = read_samples(path)
    if rate_hz != sample_rate_hz:
        samples = soxr.resample(samples, rate_hz, sample_rate_hz, quality=RESAMPLING_QUALITY)
    return np.ascontiguousarray(samples, dtype=np.float32)
