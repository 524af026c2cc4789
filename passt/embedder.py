"""From audio to stored components: one forward pass gives features and logits of a view."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from passt import windows
from passt.architecture import MEL_FRAMES
from passt.checkpoints import Checkpoint
from passt.checks import check_audio, check_spectrogram_length
from passt.lengths import SAMPLE_RATE_HZ, TIMESTAMP_HOP_MS, n_frames, n_windows, samples
from passt.mel import MelSpectrogram
from passt.transformer import PaSST

BATCH_TOKENS = 6144  # tokens per forward pass; larger gained nothing on a CPU
GPU_BATCH_TOKENS = 16 * BATCH_TOKENS  # chosen to fill a device; not measured, none was at hand

Part = tuple[dict[str, Tensor], Tensor | None]  # components and, but for scenes, timestamps in ms


class Embedder(nn.Module):
    """Front end and network of one checkpoint.

    Parameters
    ----------
    checkpoint : Checkpoint
        Its STFT hop, and its scene window and hop; its file is not read.
    network : PaSST
        With the weights to embed with.
    precision : torch.dtype
        Of the network's matrix products; the front end and what is stored stay float32.

    Attributes
    ----------
    sample_rate : int
        32000 Hz; audio must come at this rate (HEAR API).
    """

    sample_rate = SAMPLE_RATE_HZ

    def __init__(
        self, checkpoint: Checkpoint, network: PaSST, precision: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.precision = precision
        self.mel = MelSpectrogram(checkpoint.hop)
        self.network = network
        self.eval()

    def levels(self, view: str) -> str:
        """Levels that a view gives: L for ``mel``, M and H otherwise."""
        return "L" if view == "mel" else "MH"

    def embed(self, audio: Tensor, view: str) -> Part:
        """Embed a batch of clips of equal length.

        Parameters
        ----------
        audio : Tensor
            float32, shape (n_sounds, n_samples), amplitude in [-1, 1], 32 kHz.
        view : str
            ``scene``, ``rf<ms>`` or ``mel``.

        Returns
        -------
        levels : dict of str to Tensor
            float32 on the CPU; (n_sounds, size) for scenes, (n_sounds, n_timestamps, size) else.
        timestamps : Tensor or None
            Centers in ms, float32 (n_timestamps,); None for scenes.

        Raises
        ------
        AudioError
            If the audio cannot be embedded in this view.
        """
        parts = list(self.stream(audio, view))
        if view == "scene":
            return parts[0]
        joined = {k: torch.cat([part[k] for part, _ in parts], dim=1) for k in parts[0][0]}
        return joined, torch.cat([times for _, times in parts if times is not None])

    @torch.no_grad()
    def stream(self, audio: Tensor | windows.StoredAudio, view: str) -> Iterator[Part]:
        """Embed a batch of clips, some timestamps at a time.

        Parameters
        ----------
        audio : Tensor or StoredAudio
            As for :meth:`embed`, or a clip whose samples are had (and checked) when they are
            needed.
        view : str
            As for :meth:`embed`.

        Yields
        ------
        levels, timestamps
            As :meth:`embed` returns them, for consecutive timestamps; scenes in one part.

        Raises
        ------
        AudioError
            If the audio cannot be embedded in this view.
        """
        if not isinstance(audio, windows.StoredAudio):
            check_audio(audio)
        if view == "scene":
            yield self._scene(audio), None
            return
        hop = samples(TIMESTAMP_HOP_MS)
        if view == "mel":
            window, what = MEL_FRAMES * self.mel.hop, "mel window"
        else:
            receptive_field_ms = int(view.removeprefix("rf"))
            window, what = samples(receptive_field_ms), f"window of {receptive_field_ms} ms"
            self._check_length(window, what)
        timestamps = windows.timestamps_ms(n_windows(audio.shape[1], window, hop))
        done = 0
        for levels in self._windows(audio, window, hop, what, mel_only=view == "mel"):
            n = next(iter(levels.values())).shape[1]
            yield levels, timestamps[done : done + n]
            done += n

    def _scene(self, audio: Tensor | windows.StoredAudio) -> dict[str, Tensor]:
        """Whole clip up to the scene window; else the mean over windows, one every scene hop."""
        window = samples(self.checkpoint.scene_window_ms)
        if audio.shape[1] <= window:
            self._check_length(audio.shape[1], "scene")
            step = self._batch_size(audio.shape[1])
            whole = windows.stretch(audio, 0, audio.shape[1])
            parts = [self._forward(part) for part in whole.split(step)]
            return {level: torch.cat([part[level] for part in parts]) for level in parts[0]}
        hop = samples(self.checkpoint.scene_hop_ms)
        what = f"scene window of {self.checkpoint.scene_window_ms / 1000:g} s"
        self._check_length(window, what)
        sums: dict[str, Tensor] = {}
        for part in self._windows(audio, window, hop, what, mel_only=False):
            for level, values in part.items():
                sums[level] = sums.get(level, 0.0) + values.sum(dim=1, dtype=torch.float64)
        n = n_windows(audio.shape[1], window, hop)
        return {level: (total / n).float() for level, total in sums.items()}

    def _windows(
        self,
        audio: Tensor | windows.StoredAudio,
        window: int,
        hop: int,
        what: str,
        mel_only: bool,
    ) -> Iterator[dict[str, Tensor]]:
        for stack in windows.batches(audio, window, hop, self._batch_size(window), what):
            flat = stack.reshape(-1, window)
            levels = self._mel_level(flat) if mel_only else self._forward(flat)
            yield {k: v.view(*stack.shape[:2], -1) for k, v in levels.items()}

    def _forward(self, waveforms: Tensor) -> dict[str, Tensor]:
        device = self.mel.window.device
        spectrogram = self.mel(waveforms.to(device))
        reduced = self.precision != torch.float32
        with torch.autocast(device.type, self.precision, enabled=reduced):
            logits, features = self.network(spectrogram)
        return {"M": features.float().cpu(), "H": logits.float().cpu()}

    def _mel_level(self, waveforms: Tensor) -> dict[str, Tensor]:
        return {"L": self.mel(waveforms.to(self.mel.window.device)).flatten(1).cpu()}

    def _batch_size(self, n_samples: int) -> int:
        a = self.network.architecture
        columns = max(1, a.time_patches(n_frames(n_samples, self.mel.hop)))
        tokens = BATCH_TOKENS if self.mel.window.device.type == "cpu" else GPU_BATCH_TOKENS
        return max(1, tokens // (a.n_freq_patches * columns))

    def _check_length(self, n_samples: int, what: str) -> None:
        check_spectrogram_length(n_samples, self.mel.hop, self.network.architecture, what)
