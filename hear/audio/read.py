"""Audio clips: reading, resampling, and parsing of WAV headers.

WAV headers are parsed here because libsndfile silently shortens a truncated file and reads nothing
from a file whose length was never filled in. Container format: Multimedia Programming Interface 1.0
(RIFF WAVE); for more than 4 GiB: EBU Tech 3306 (RF64).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

RESAMPLING_QUALITY = "HQ"  # soxr's default, 20 bit; HEAR's own pipeline used soxr
UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's count where a header has none
MAX_AMPLITUDE = 2.0  # of full scale: resampling overshoots by some 10 %, other scales start higher
FORMAT_EXTENSIBLE = 0xFFFE  # WAVE_FORMAT_EXTENSIBLE: the sub-format holds the real one
SUBFORMAT_OFFSET = 24  # bytes from the start of a fmt chunk, WAVEFORMATEXTENSIBLE
MAX_CHUNK_BYTES = 4096  # read of a fmt or ds64 chunk, of which the first 40 bytes are looked at
UNKNOWN_BYTES = 0x7FFF0000  # encoders that write to a pipe promise this much or more, or nothing


class ClipError(ValueError):
    """An unusable audio file; the message names the file, the expected and the actual value."""

    def __init__(self, path: Path | str, expected: str, found: object) -> None:
        super().__init__(f"{path}: expected {expected}, found {found}")
        self.expected, self.found = expected, found


@dataclass(frozen=True)
class WavHeader:
    """Header of a WAV file, and the audio that the file actually holds."""

    is_float: bool  # floating-point samples, which can be NaN or beyond full scale
    n_channels: int
    sample_rate_hz: int
    n_samples: int  # per channel, as decoded
    block_samples: int  # that are coded together: the last block may be padded
    data_bytes: int  # of audio, by the header, or by the file where the header does not know
    bytes_present: int  # of those; fewer if the file is truncated
    is_streamed: bool  # the header does not know: written to a pipe


@dataclass(frozen=True)
class _Layout:
    """Position and coding of the audio in a RIFF WAVE file."""

    form: int  # format tag
    block_bytes: int
    start: int  # of the audio, from the start of the file
    data_bytes: int
    bytes_present: int
    is_streamed: bool


def read_wav_header(path: Path | str) -> WavHeader:
    """Read the header of a WAV file, without its samples.

    Raises
    ------
    ClipError
        If the file is not a RIFF WAVE file, lacks a `fmt ` or `data` chunk, or has a coding that
        libsndfile does not decode.
    """
    layout = _read_layout(path)
    try:
        with _sound_file(path, layout) as file:
            n_blocks = -(-layout.bytes_present // layout.block_bytes)
            return WavHeader(
                is_float=file.subtype in ("FLOAT", "DOUBLE"),
                n_channels=file.channels,
                sample_rate_hz=file.samplerate,
                n_samples=file.frames,
                block_samples=-(-file.frames // max(n_blocks, 1)),
                data_bytes=layout.data_bytes,
                bytes_present=layout.bytes_present,
                is_streamed=layout.is_streamed,
            )
    except soundfile.LibsndfileError as error:
        expected = "a coding that libsndfile decodes, as PCM and floating point"
        raise ClipError(path, expected, f"format {layout.form}: {error.error_string}") from error


def _read_layout(path: Path | str) -> _Layout:
    with readable(path), open(path, "rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(0)
        start = handle.read(12)
        if start[:4] not in (b"RIFF", b"RF64") or start[8:] != b"WAVE":
            found = f"{size} bytes that start with {start[:4]!r}" if size else "an empty file"
            raise ClipError(path, "a RIFF WAVE file", found)
        layout, large = b"", b""
        while len(chunk := handle.read(8)) == 8:
            kind, n_bytes = struct.unpack("<4sI", chunk)
            if kind == b"data" and layout:
                if len(large) >= 16:  # the sizes that do not fit into 32 bit
                    n_bytes = struct.unpack_from("<8xQ", large)[0]
                is_closed = struct.unpack("<I", start[4:8])[0] + 8 == size
                return _layout(layout, n_bytes, handle.tell(), size, is_closed)
            following = handle.tell() + n_bytes + n_bytes % 2  # chunks are padded to even sizes
            n_read = min(n_bytes, MAX_CHUNK_BYTES)  # read() takes as much memory as it is asked for
            if kind == b"fmt " and len(layout := handle.read(n_read)) < 16:
                break
            large = handle.read(n_read) if kind == b"ds64" else large
            handle.seek(following)
    missing = "data" if len(layout) >= 16 else "fmt"
    raise ClipError(path, f"a {missing} chunk", "the end of the file")


def _layout(fmt: bytes, data_bytes: int, start: int, size: int, is_closed: bool) -> _Layout:
    """Distinguish a length that was never filled in from an empty and from a truncated file."""
    form, block_bytes = struct.unpack_from("<H10xH", fmt)
    if form == FORMAT_EXTENSIBLE and len(fmt) >= SUBFORMAT_OFFSET + 2:
        form = struct.unpack_from("<H", fmt, SUBFORMAT_OFFSET)[0]
    present = size - start
    is_streamed = present > 0 == data_bytes and not is_closed
    is_streamed |= data_bytes >= UNKNOWN_BYTES and data_bytes > present
    data_bytes = present if is_streamed else data_bytes
    bytes_present = min(present, data_bytes)
    return _Layout(form, max(block_bytes, 1), start, data_bytes, bytes_present, is_streamed)


class _FilledIn(io.FileIO):
    """A WAV file presented with the missing length filled in."""

    def __init__(self, path: Path | str, layout: _Layout) -> None:
        super().__init__(path)
        self._start = layout.start - 4
        self._size = struct.pack("<I", min(layout.data_bytes, 2**32 - 1))

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        first = self.tell()
        n_read = super().readinto(buffer) or 0
        for i, byte in enumerate(self._size, self._start - first):
            if 0 <= i < n_read:
                buffer[i : i + 1] = bytes([byte])
        return n_read


@contextmanager
def _sound_file(path: Path | str, layout: _Layout | None) -> Iterator[soundfile.SoundFile]:
    if layout is not None and layout.is_streamed:
        with _FilledIn(path, layout) as stream, soundfile.SoundFile(stream) as file:
            yield file
    else:
        with soundfile.SoundFile(path) as file:
            yield file


@contextmanager
def open_clip(path: Path | str) -> Iterator[soundfile.SoundFile]:
    """Open an audio file; errors on opening and within the block become ClipError."""
    with readable(path):
        try:
            layout = _read_layout(path)
        except ClipError:  # no WAV file: libsndfile says whether it is one of another kind
            layout = None
        with _sound_file(path, layout) as file:
            if file.frames == UNKNOWN_FRAMES:
                expected = "a header with the number of samples"
                raise ClipError(path, expected, "none, as of a pipe; encode the file again")
            yield file


@contextmanager
def readable(path: Path | str) -> Iterator[None]:
    """Turn errors of libsndfile and the system into ClipError, which names the file."""
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
    """Raise ClipError for samples that are NaN, infinite or far beyond full scale.

    The message gives their number and the first position, or the peak. ``samples`` (n_samples,)
    start at the file's sample number ``offset``.
    """
    finite = np.isfinite(samples)
    if not finite.all():
        n_bad, first = len(samples) - int(finite.sum()), offset + int(np.argmin(finite))
        found = f"{n_bad} of {len(samples)} NaN or infinite, first {first}"
        raise ClipError(path, "finite samples", found)
    peak = float(np.abs(samples).max(initial=0.0))
    if peak > MAX_AMPLITUDE:
        expected = f"samples in [-1, 1], at most {MAX_AMPLITUDE:g} after resampling"
        raise ClipError(path, expected, f"a peak of {peak:.3g}; scale the clips")


def read_samples(path: Path | str) -> tuple[np.ndarray, int]:
    """Read a mono file: samples, float32 (n_samples,) with full scale 1, and their rate in Hz.

    ClipError if it cannot be read, has several channels, no samples, or samples that
    `check_samples` rejects.
    """
    with open_clip(path) as file:
        samples = file.read(file.frames, dtype="float32", always_2d=True)
        rate_hz = file.samplerate
    check_shape(path, *samples.shape)
    check_samples(path, samples[:, 0])
    return samples[:, 0], rate_hz


def read_clip(path: Path | str, sample_rate_hz: int) -> np.ndarray:
    """Read a mono clip at a sample rate; resample it if the file has another rate.

    Returns float32 (n_samples,) with full scale 1; raises the errors of `read_samples`.
    `hear.tasks.audio_checks.check_audio` checks that the file is complete.
    """
    samples, rate_hz = read_samples(path)
    if rate_hz != sample_rate_hz:
        samples = soxr.resample(samples, rate_hz, sample_rate_hz, quality=RESAMPLING_QUALITY)
        check_samples(path, samples)
    return np.ascontiguousarray(samples, dtype=np.float32)
