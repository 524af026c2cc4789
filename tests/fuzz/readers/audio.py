"""Audio: headers of WAV files, and files of every kind that libsndfile knows."""

from __future__ import annotations

import io
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from hypothesis import strategies as st

from hear.audio.read import ClipError, read_clip, read_wav_header
from hear.audio.stored import StoredClip
from passt.checks import AudioError
from passt.folder.audio import duration_s, read_audio
from tests.fuzz.mutations import INTEGERS, damaged
from tests.fuzz.watch import Reader

RATE_HZ = 16_000
CODINGS = (
    ("WAV", "PCM_16"), ("WAV", "PCM_U8"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"),
    ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("WAV", "GSM610"),
    ("WAVEX", "PCM_16"), ("RF64", "PCM_16"),
)  # fmt: skip
KINDS = (
    *CODINGS, ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16"),
    ("AU", "PCM_16"), ("W64", "PCM_16"), ("CAF", "PCM_16"), ("CAF", "ALAC_16"), ("VOC", "PCM_16"),
    ("NIST", "PCM_16"), ("SVX", "PCM_16"), ("PAF", "PCM_16"), ("IRCAM", "PCM_16"), ("AVR",
    "PCM_16"),
    ("MAT4", "PCM_16"), ("MAT5", "PCM_16"), ("HTK", "PCM_16"), ("SDS", "PCM_16"), ("XI", "DPCM_16"),
    ("WVE", "ALAW"), ("MPC2K", "PCM_16"), ("OGG", "OPUS"),
)  # fmt: skip


@cache
def sounds(kinds: tuple[tuple[str, str], ...], rate_hz: int = RATE_HZ) -> list[bytes]:
    """A tone of 800 samples in each kind of file."""
    tone = 0.5 * np.sin(np.arange(800) / 6)
    found = []
    for form, coding in kinds:
        stream = io.BytesIO()
        soundfile.write(stream, tone, {"WVE": 8000}.get(form, rate_hz), coding, format=form)
        found.append(stream.getvalue())
    return found


@st.composite
def wav_files(draw: Any) -> bytes:
    """RIFF WAVE files of odd chunks, sizes and formats."""
    integers = st.sampled_from(INTEGERS) | st.integers(0, 2**64 - 1)
    samples = draw(st.sampled_from((b"", b"\0", bytes(64), bytes(2_000), b"\xff" * 64)))
    tag = draw(st.sampled_from((1, 1, 1, 2, 3, 6, 7, 17, 49, 80, 0, 0xFFFE)))
    channels = draw(st.sampled_from((1, 1, 1, 0, 2, 8, 255, 1024, 65_535)))
    rate = draw(st.sampled_from((16_000, 48_000, 0, 1, 2, 7, 2**31 - 1, 2**32 - 1)))
    bits = draw(st.sampled_from((16, 8, 24, 32, 64, 0, 1, 7, 65_535)))
    block = draw(st.sampled_from((2, 1, 4, 0, 8, 65_535)))
    fmt = struct.pack("<HHIIHH", tag, channels, rate, draw(integers) % 2**32, block, bits)
    fmt += draw(st.sampled_from((b"", b"\0\0", struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14))))
    chunks = [(b"fmt ", fmt), (b"data", samples)]
    if draw(st.integers(0, 3)) == 0:
        chunks[0] = (b"fmt ", fmt[: draw(st.integers(0, 18))])
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(
            st.sampled_from((b"ds64", b"fact", b"LIST", b"junk", b"data", b"fmt ", b"\0" * 4))
        )
        content = b"".join(
            struct.pack("<Q", draw(integers)) for _ in range(draw(st.integers(0, 3)))
        )
        chunks.insert(draw(st.integers(0, len(chunks))), (kind, content))
    parts = []
    for kind, content in chunks:
        odd = draw(st.integers(0, 5)) == 0
        size = draw(integers) % 2**32 if odd else len(content)
        parts.append(kind + struct.pack("<I", size) + content + bytes(len(content) % 2))
    body = b"".join(parts)
    odd = draw(st.integers(0, 3)) == 0
    size = draw(integers) % 2**32 if odd else len(body) + 4
    form = draw(st.sampled_from((b"RIFF", b"RIFF", b"RIFF", b"RF64", b"RIFX")))
    return form + struct.pack("<I", size) + b"WAVE" + body


def _is_wave(content: bytes) -> bool:
    return content[:4] in (b"RIFF", b"RF64") and content[8:12] == b"WAVE"


def _is_audio(content: bytes) -> bool:
    """Tell whether libsndfile knows the kind of file and opens it."""
    try:
        with soundfile.SoundFile(io.BytesIO(content)):
            return True
    except Exception:  # whatever libsndfile says
        return False


def _read_wav(content: bytes, inside: Path) -> None:
    path = inside / "clip.wav"
    path.write_bytes(content)
    header = read_wav_header(path)
    assert header.bytes_present <= len(content) and header.n_samples >= 0


def _read_clip(content: bytes, inside: Path) -> None:
    path = inside / "clip.wav"
    path.write_bytes(content)
    clip = StoredClip(path, 32_000)
    if clip.shape[1]:
        clip.stretch(0, min(clip.shape[1], 1_000))
    assert read_clip(path, 32_000).dtype == np.float32


def _read_any(content: bytes, inside: Path) -> None:
    path = inside / "clip.any"
    path.write_bytes(content)
    duration_s(path)
    try:
        audio = read_audio(path, inside)
    except (soundfile.SoundFileError, OSError, AudioError) as error:
        raise AudioError(f"{path}: {error}") from error  # as passt.folder.embed notes it
    assert audio.shape[0] == 1


def readers() -> list[Reader]:
    """Readers of this module."""
    waves, all_sounds = sounds(CODINGS), sounds(KINDS)
    wav = wav_files() | wav_files() | damaged(waves) | damaged(waves, start=12)
    known = damaged(all_sounds, start=4) | damaged(all_sounds, start=40)
    return [
        Reader(
            "WAV headers", wav, _read_wav, (ClipError,), ("clip.wav",),
            "RIFF or RF64, and WAVE", _is_wave, waves, bytes,
        ),
        Reader(
            "clips", wav | known, _read_clip, (ClipError,), ("clip.wav",),
            "a kind of file that libsndfile opens", _is_audio, all_sounds, bytes,
        ),
        Reader(
            "audio files", wav | known | known, _read_any, (AudioError,), ("clip.any",),
            "a kind of file that libsndfile opens", _is_audio, all_sounds, bytes,
        ),
    ]  # fmt: skip
