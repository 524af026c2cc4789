"""PaSST's mel front end: waveform to normalized log-mel spectrogram.

Order of operations (hear21passt 0.0.26, ``models/preprocess.py``): pre-emphasis, power STFT,
Kaldi-style mel bank, logarithm, fixed normalization. The mel bank is built once and kept, where
the reference builds it again for every call.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passt.architecture import N_MELS
from passt.lengths import N_FFT, SAMPLE_RATE_HZ

WINDOW_LENGTH = 800  # samples (25 ms); preprocess.py: win_length
PRE_EMPHASIS = 0.97  # preprocess.py: convolution with [-0.97, 1]
MIN_HZ = 0.0  # preprocess.py: fmin
MAX_HZ = 15000.0  # sr / 2 - fmax_aug_range / 2 with a range of 2000 Hz
LOG_OFFSET = 1e-5  # preprocess.py: log(melspec + 0.00001)
NORM_SHIFT, NORM_SCALE = 4.5, 5.0  # preprocess.py: (melspec + 4.5) / 5


def hz_to_mel(frequency_hz: Tensor | float) -> Tensor:
    """Kaldi's mel scale, 1127 ln(1 + f / 700), in float32 as torchaudio computes it; any shape."""
    return 1127.0 * torch.log(1.0 + torch.as_tensor(frequency_hz) / 700.0)


def mel_bank(
    n_mels: int = N_MELS,
    n_fft: int = N_FFT,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    min_hz: float = MIN_HZ,
    max_hz: float = MAX_HZ,
) -> Tensor:
    """Triangular Kaldi mel bank over the FFT bins, Nyquist bin included as zeros.

    Parameters
    ----------
    n_mels, n_fft, sample_rate_hz : int
        Bands, FFT size in samples, sample rate in Hz.
    min_hz, max_hz : float
        Edges of the lowest and highest triangle, in Hz.

    Returns
    -------
    Tensor
        float32, shape (n_mels, n_fft // 2 + 1). The last column is zero: the reference's bank
        covers n_fft // 2 bins and is padded (preprocess.py; Kaldi ``get_mel_banks``).

    Raises
    ------
    ValueError
        If the edges are not 0 <= min_hz < max_hz <= sample_rate_hz / 2.
    """
    if not 0 <= min_hz < max_hz <= sample_rate_hz / 2:
        raise ValueError(
            f"mel bank edges: expected 0 <= min_hz < max_hz <= {sample_rate_hz / 2:g} Hz, "
            f"found {min_hz:g} and {max_hz:g} Hz"
        )
    low = 1127.0 * math.log(1.0 + min_hz / 700.0)
    step = (1127.0 * math.log(1.0 + max_hz / 700.0) - low) / (n_mels + 1)
    band = torch.arange(n_mels, dtype=torch.float32)[:, None]
    left, center, right = (low + (band + i) * step for i in range(3))
    bins = hz_to_mel(sample_rate_hz / n_fft * torch.arange(n_fft // 2, dtype=torch.float32))
    rising = (bins - left) / (center - left)
    falling = (right - bins) / (right - center)
    return F.pad(torch.minimum(rising, falling).clamp(min=0.0), (0, 1))


def normalize(log_mel: Tensor) -> Tensor:
    """Shift and scale a log-mel spectrogram to about [-1, 1], any shape."""
    return (log_mel + NORM_SHIFT) / NORM_SCALE


class MelSpectrogram(nn.Module):
    """Normalized log-mel spectrogram of PaSST.

    Parameters
    ----------
    hop : int
        STFT hop in samples: 320, 160 or 100 (10, 5 and 3.125 ms; the paper's "hop 10 / 5 / 3").

    Notes
    -----
    The frames of a waveform are counted by :func:`passt.lengths.n_frames`. The reference also draws
    two random integers per call in evaluation mode, without effect on the values; this front end
    draws none.
    """

    window: Tensor
    bank: Tensor

    def __init__(self, hop: int) -> None:
        super().__init__()
        self.hop = hop
        window = torch.hann_window(WINDOW_LENGTH, periodic=False)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("bank", mel_bank(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute the spectrogram.

        Parameters
        ----------
        waveform : Tensor
            float32, shape (n_sounds, n_samples), amplitude in [-1, 1], 32 kHz; more than
            n_fft // 2 + 1 samples (reflect padding).

        Returns
        -------
        Tensor
            float32, shape (n_sounds, 128, n_frames).
        """
        return normalize(self.log_mel(waveform, self.bank))

    def log_mel(self, waveform: Tensor, bank: Tensor) -> Tensor:
        """Compute the spectrogram before its normalization, where training masks it.

        Parameters
        ----------
        waveform : Tensor
            As for :meth:`forward`.
        bank : Tensor
            :func:`mel_bank` with the edges wanted; training varies them.

        Returns
        -------
        Tensor
            float32, shape (n_sounds, 128, n_frames), natural logarithm of power.
        """
        emphasized = waveform[:, 1:] - PRE_EMPHASIS * waveform[:, :-1]
        spectrum = torch.stft(
            emphasized,
            N_FFT,
            hop_length=self.hop,
            win_length=WINDOW_LENGTH,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        spectrum = spectrum.transpose(1, 2)  # as it lies in memory: one matrix product for all
        power = spectrum.real.square() + spectrum.imag.square()
        return torch.log(F.linear(power, bank) + LOG_OFFSET).transpose(1, 2)
