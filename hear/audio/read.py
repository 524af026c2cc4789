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
READABLE_FORMATS = (1, 3, 6, 7)  # PCM, IEEE float, A-law, mu-law: one block is one sample
SUBFORMAT_OFFSET = 24  # bytes from the start of a fmt chunk, WAVEFORMATEXTENSIBLE


class ClipError(ValueError):
    """An audio file that cannot be used: which one, what was expected, what was found."""

    def __init__(self, path: Path | str, expected: str, found: object) -> None:
        super().__init__(f"{path}: expected {expected}, found {found}")
        self.expected, self.found = expected, found


@dataclass(frozen=True)
class WavHeader:
    """What the header of a WAV file says, and what the file holds."""

    is_float: bool  # floating-point samples, which can be NaN
    n_channels: int
    sample_rate_hz: int
    n_samples: int  # per channel, by the header
    data_bytes: int  # of audio, by the header
    bytes_present: int  # of those; fewer if the file is truncated


def read_wav_header(path: Path | str) -> WavHeader:
    """Read the header of a WAV file without its samples.

    Raises
    ------
    ClipError
        If the file is no RIFF WAVE file, lacks its `fmt ` or `data` chunk, or has another encoding
        than PCM, floating point, A-law or mu-law.
    """
    with readable(path), open(path, "rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(0)
        start = handle.read(12)
        if start[:4] != b"RIFF" or start[8:] != b"WAVE":
            found = f"{size} bytes that start with {start[:4]!r}" if size else "an empty file"
            raise ClipError(path, "a RIFF WAVE file", found)
        layout = b""
        while len(chunk := handle.read(8)) == 8:
            kind, n_bytes = struct.unpack("<4sI", chunk)
            if kind == b"data" and layout:
                return _header(path, layout, n_bytes, size - handle.tell())
            following = handle.tell() + n_bytes + n_bytes % 2  # chunks are padded to even sizes
            if kind == b"fmt " and len(layout := handle.read(n_bytes)) < 16:
                break
            handle.seek(following)
    missing = "data" if len(layout) >= 16 else "fmt"
    raise ClipError(path, f"a {missing} chunk", "the end of the file")


def _header(path: Path | str, layout: bytes, data_bytes: int, bytes_present: int) -> WavHeader:
    form, n_channels, sample_rate_hz, _, block_bytes, _ = struct.unpack_from("<HHIIHH", layout)
    if form == FORMAT_EXTENSIBLE and len(layout) >= SUBFORMAT_OFFSET + 2:
        form = struct.unpack_from("<H", layout, SUBFORMAT_OFFSET)[0]
    if form not in READABLE_FORMATS:
        raise ClipError(path, "PCM, floating-point, A-law or mu-law samples", f"format {form}")
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
    """Turn an error of libsndfile or the system into a ClipError, which names the file."""
    try:
        yield
    except (soundfile.LibsndfileError, OSError) as error:
        raise ClipError(path, "a readable audio file", f"an error: {error}") from error


def check_shape(path: Path | str, n_samples: int, n_channels: int) -> None:
    """Raise ClipError for a file that is not mono or is empty."""
    if n_channels != 1:
        raise ClipError(path, "one channel", n_channels)
    if n_samples == 0:
        raise ClipError(path, "audio", "no samples")


def check_samples(path: Path | str, samples: np.ndarray, offset: int = 0) -> None:
    """Raise ClipError for samples that are NaN or infinite, with their number and the first one.

    ``samples`` (n_samples,) start at the file's sample number ``offset``.
    """
    finite = np.isfinite(samples)
    if not finite.all():
        n_bad, first = len(samples) - int(finite.sum()), offset + int(np.argmin(finite))
        found = f"{n_bad} of {len(samples)} NaN or infinite, first {first}"
        raise ClipError(path, "finite samples", found)


def read_samples(path: Path | str) -> tuple[np.ndarray, int]:
    """Read a mono file as it is: samples, float32 (n_samples,) with full scale 1, and their rate.

    ClipError if it cannot be read, has several channels, no samples, or NaN or infinite samples.
    """
    with readable(path):
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    check_shape(path, *samples.shape)
    check_samples(path, samples[:, 0])
    return samples[:, 0], rate_hz


def read_clip(path: Path | str, sample_rate_hz: int) -> np.ndarray:
    """Read a mono clip at a sample rate, resampled where the file has another one.

    Returns float32 (n_samples,), full scale is 1, and raises as read_samples does. That the file is
    complete is check_audio's business.
    """
    samples, rate_hz = read_samples(path)
    if rate_hz != sample_rate_hz:
        samples = soxr.resample(samples, rate_hz, sample_rate_hz, quality=RESAMPLING_QUALITY)
    return np.ascontiguousarray(samples, dtype=np.float32)
