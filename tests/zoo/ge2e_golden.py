"""Golden values of Resemblyzer 0.1.4 and the inputs they were made from.

Made with Resemblyzer's own code and what it needs, none of it replaced: librosa 0.10.2, webrtcvad
2.0.10, torch 2.13.0 (CPU, one thread), numpy 2.4.6, scipy 1.17.1. Again, in an environment that
has these (webrtcvad asks for ``pkg_resources``, thus setuptools below 70), from the repository's
root: ``python -m tests.zoo.ge2e_golden``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

PATH = Path(__file__).parent.parent / "fixtures" / "ge2e_golden.npz"
RATE_HZ = 16000
LENGTHS = tuple(range(100, 20 * RATE_HZ, 997))  # samples of clips whose windows are counted
SIGNALS: dict[str, tuple[int, float, int]] = {  # samples, gain, distance of the kept mel frames
    "loud": (25600, 1.0, 1),  # 1.6 s: one window; a second would cover too little of the clip
    "long": (48000, 1.0, 4),  # 3 s: three windows, the last one padded
    "quiet": (14400, 0.02, 4),  # 0.9 s: padded to one window, raised to -30 dBFS
}


def signal(name: str) -> np.ndarray:
    """Make a sweep from 100 to 7000 Hz in noise, float32, shape (n_samples,)."""
    n_samples, gain, _ = SIGNALS[name]
    rng = np.random.default_rng(n_samples)
    t = np.arange(n_samples) / n_samples
    cycles = n_samples / RATE_HZ * (100 * t + (7000 - 100) / 2 * t**2)
    audio = 0.2 * np.sin(2 * np.pi * cycles) + 0.02 * rng.standard_normal(n_samples)
    return (gain * audio).astype(np.float32)


def main() -> None:
    """Write the fixture."""
    import torch
    from resemblyzer import VoiceEncoder, normalize_volume, wav_to_mel_spectrogram

    torch.set_num_threads(1)
    encoder, golden = VoiceEncoder("cpu", verbose=False), {}
    for name, (_, _, step) in SIGNALS.items():
        audio = normalize_volume(signal(name), -30, increase_only=True)
        scene, partials, slices = encoder.embed_utterance(audio, return_partials=True)
        golden[f"{name}.mel"] = wav_to_mel_spectrogram(audio)[::step]
        golden[f"{name}.partials"], golden[f"{name}.scene"] = partials, scene
        golden[f"{name}.starts"] = np.array([part.start for part in slices])
    counts = [len(encoder.compute_partial_slices(n, 1.3, 0.75)[0]) for n in LENGTHS]
    np.savez_compressed(PATH, n_partials=np.array(counts), **golden)


if __name__ == "__main__":
    main()
