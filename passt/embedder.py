"""From audio to stored components: one forward pass gives features and logits of a view."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from passt import windows
from passt.checks import check_audio, check_spectrogram_length
from passt.mel import SAMPLE_RATE_HZ, MelSpectrogram
from passt.transformer import PaSST

SCENE_WINDOW_MS = 10_000.0  # wrapper.py: max_model_window, the length PaSST was trained on
SCENE_HOP_MS = 2_500.0  # wrapper.py: scene_hop
MEL_FRAMES = 6  # wrapper.py: get_timestamp_mels, 128 x 6 = 768 values per timestamp
BATCH_TOKENS = 6144  # tokens per forward pass; larger gained nothing on a CPU


class Embedder(nn.Module):
    """Front end and network of one checkpoint.

    Parameters
    ----------
    mel : MelSpectrogram
    network : PaSST

    Attributes
    ----------
    sample_rate : int
        32000 Hz; audio must come at this rate (HEAR API).
    """

    sample_rate = SAMPLE_RATE_HZ

    def __init__(self, mel: MelSpectrogram, network: PaSST) -> None:
        super().__init__()
        self.mel = mel
        self.network = network
        self.eval()

    def size(self, view: str, level: str) -> int:
        """Length of one component's vector."""
        a = self.network.architecture
        return {"L": 128 * MEL_FRAMES, "M": a.embed_dim, "H": a.n_classes}[level]

    def levels(self, view: str) -> str:
        """Levels that a view gives: L for ``mel``, M and H otherwise."""
        return "L" if view == "mel" else "MH"

    @torch.no_grad()
    def embed(self, audio: Tensor, view: str) -> tuple[dict[str, Tensor], Tensor | None]:
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
        check_audio(audio)
        if view == "scene":
            return self._scene(audio), None
        hop = windows.samples(windows.TIMESTAMP_HOP_MS)
        if view == "mel":
            window, what = MEL_FRAMES * self.mel.hop, "mel window"
        else:
            receptive_field_ms = int(view.removeprefix("rf"))
            window, what = windows.samples(receptive_field_ms), f"window of {receptive_field_ms} ms"
            self._check_length(window, what)
        levels = self._windows(audio, window, hop, what, mel_only=view == "mel")
        n_timestamps = windows.n_windows(audio.shape[1], window, hop)
        return levels, windows.timestamps_ms(n_timestamps)

    def _scene(self, audio: Tensor) -> dict[str, Tensor]:
        """Whole clip up to 10 s; else the mean over windows of 10 s every 2.5 s."""
        window = windows.samples(SCENE_WINDOW_MS)
        if audio.shape[1] <= window:
            self._check_length(audio.shape[1], "scene")
            step = self._batch_size(audio.shape[1])
            parts = [self._forward(part) for part in audio.split(step)]
            return {level: torch.cat([part[level] for part in parts]) for level in parts[0]}
        hop = windows.samples(SCENE_HOP_MS)
        levels = self._windows(audio, window, hop, "scene window of 10 s", mel_only=False)
        return {level: values.mean(dim=1) for level, values in levels.items()}

    def _windows(
        self, audio: Tensor, window: int, hop: int, what: str, mel_only: bool
    ) -> dict[str, Tensor]:
        parts: list[dict[str, Tensor]] = []
        for stack in windows.batches(audio, window, hop, self._batch_size(window), what):
            flat = stack.reshape(-1, window)
            levels = self._mel_level(flat) if mel_only else self._forward(flat)
            parts.append({k: v.view(*stack.shape[:2], -1) for k, v in levels.items()})
        return {level: torch.cat([part[level] for part in parts], dim=1) for level in parts[0]}

    def _forward(self, waveforms: Tensor) -> dict[str, Tensor]:
        logits, features = self.network(self.mel(waveforms.to(self.mel.window.device)))
        return {"M": features.cpu(), "H": logits.cpu()}

    def _mel_level(self, waveforms: Tensor) -> dict[str, Tensor]:
        return {"L": self.mel(waveforms.to(self.mel.window.device)).flatten(1).cpu()}

    def _batch_size(self, n_samples: int) -> int:
        a = self.network.architecture
        columns = max(1, a.time_patches(self.mel.n_frames(n_samples)))
        return max(1, BATCH_TOKENS // (a.n_freq_patches * columns))

    def _check_length(self, n_samples: int, what: str) -> None:
        check_spectrogram_length(
            n_samples,
            self.mel.n_frames(n_samples),
            self.mel.hop,
            self.network.architecture,
            what,
        )
