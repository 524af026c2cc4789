"""Lengths of audio at 32 kHz: samples, mel frames, windows."""

from __future__ import annotations

from passt.architecture import MEL_FRAMES, PATCH_SIZE, Architecture

SAMPLE_RATE_HZ = 32000  # Koutini et al. 2022, section 3: AudioSet clips at 32 kHz
N_FFT = 1024  # preprocess.py: n_fft
MIN_SAMPLES = N_FFT // 2 + 2  # reflect padding of the STFT after pre-emphasis drops one sample
TIMESTAMP_HOP_MS = 50.0  # wrapper.py: timestamp_hop


def samples(duration_ms: float) -> int:
    """Samples in ``duration_ms`` milliseconds, truncated as in the reference."""
    return int(duration_ms * SAMPLE_RATE_HZ / 1000)


def n_frames(n_samples: int, hop: int) -> int:
    """Mel frames of ``n_samples`` samples at an STFT hop in samples.

    Pre-emphasis drops one sample; frames are centered and reflect-padded.
    """
    return 1 + (n_samples - 1) // hop


def n_windows(n_samples: int, window: int, hop: int) -> int:
    """Number of windows of a clip padded by half a window on both sides; lengths in samples."""
    return (n_samples + 2 * (window // 2) - window) // hop + 1


def shortest_clip(view: str, hop: int) -> int:
    """Samples of the shortest clip that a view can embed, at an STFT hop in samples.

    Windows around timestamps need more than half a window for the reflect padding.
    """
    if view == "scene":
        return shortest_samples(hop)
    window = MEL_FRAMES * hop if view == "mel" else samples(float(view.removeprefix("rf")))
    return window // 2 + 1


def check_receptive_field(ms: int, hop: int, architecture: Architecture) -> None:
    """Raise ValueError unless a window of ``ms`` has one patch, and no more than all positions."""
    n_samples = samples(ms)
    if n_samples > longest_samples(hop, architecture):
        raise ValueError(
            f"{ms} ms are more than the network's time positions ({architecture.n_time_patches})"
        )
    if n_samples < shortest_samples(hop):
        raise ValueError(
            f"{ms} ms are {n_samples} samples, fewer than the 16 mel frames of one patch at this "
            "checkpoint's hop"
        )


def longest_samples(hop: int, architecture: Architecture) -> int:
    """Largest number of samples that fits a network's time positions at this STFT hop."""
    last = (architecture.n_time_patches - 1) * architecture.tstride
    return (last + PATCH_SIZE + architecture.tstride - 1) * hop


def shortest_samples(hop: int) -> int:
    """Smallest number of samples for one patch (16 mel frames) and the STFT's reflect padding."""
    return max(MIN_SAMPLES, (PATCH_SIZE - 1) * hop + 1)
