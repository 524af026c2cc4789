"""Checks of audio before it enters the network."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from passt.architecture import Architecture
from passt.lengths import n_frames, shortest_samples

MAX_AMPLITUDE = 2.0  # resampling overshoots 1 by some 10 %; integer scales are 32768 and more


class AudioError(ValueError):
    """Audio that the requested view cannot embed."""


def check_audio(audio: Tensor) -> None:
    """Check that waveforms are float32 (n_sounds, n_samples) in [-1, 1] (HEAR API).

    AudioError names the sound, the expected and the actual values.
    """
    if not isinstance(audio, Tensor):
        raise AudioError(f"audio: expected a torch.Tensor, found {type(audio).__name__}")
    if audio.ndim != 2:
        raise AudioError(
            f"audio: expected shape (n_sounds, n_samples), found {tuple(audio.shape)}; "
            "add a batch dimension or mix down to mono"
        )
    if audio.dtype != torch.float32:
        raise AudioError(
            f"audio: expected float32 in [-1, 1], found {audio.dtype}; "
            "divide integer samples by their full scale"
        )
    if 0 in audio.shape:
        raise AudioError(f"audio: expected sounds and samples, found shape {tuple(audio.shape)}")
    peak = audio.abs().amax(dim=1)
    for sound, value in enumerate(peak.tolist()):
        if not math.isfinite(value):
            raise AudioError(f"audio: sound {sound} holds NaN or infinite samples")
        if value > MAX_AMPLITUDE:
            raise AudioError(
                f"audio: sound {sound} has amplitude {value:g}, expected at most {MAX_AMPLITUDE:g} "
                "(full scale is 1); scale it before embedding"
            )


def check_spectrogram_length(
    n_samples: int, hop: int, architecture: Architecture, what: str
) -> None:
    """Raise AudioError unless ``n_samples`` samples fill between one and all patch columns.

    ``hop`` is the STFT hop in samples; ``what`` names the audio in the error, e.g. ``scene``.
    """
    shortest = shortest_samples(hop)
    remedy = " or use a longer receptive field" if "window" in what else ""
    if n_samples < shortest:
        raise AudioError(
            f"{what} too short: expected at least {shortest} samples (16 mel frames at hop {hop}), "
            f"found {n_samples}; pad the clip{remedy}"
        )
    frames = n_frames(n_samples, hop)
    columns = architecture.time_patches(frames)
    if columns > architecture.n_time_patches:
        raise AudioError(
            f"{what} too long: {n_samples} samples are {frames} frames and {columns} patch "
            f"columns, the checkpoint has positions for {architecture.n_time_patches}; "
            "use shorter windows or a checkpoint with more time positions"
        )


def check_padding(n_samples: int, padding: int, what: str) -> None:
    """Raise AudioError unless a clip has more than ``padding`` samples, as reflection requires."""
    if n_samples <= padding:
        raise AudioError(
            f"clip too short for the {what}: reflect padding needs more than {padding} samples, "
            f"found {n_samples}; pad the clip or use a shorter receptive field"
        )
