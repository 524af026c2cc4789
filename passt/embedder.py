"""From audio to stored components: one forward pass gives features and logits of a view."""

from __future__ import annotations

from collections.abc import Iterator

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
GPU_BATCH_TOKENS = 16 * BATCH_TOKENS  # chosen to fill a device; not measured, none was at hand

Part = tuple[dict[str, Tensor], Tensor | None]  # components and, but for scenes, timestamps in ms


class Embedder(nn.Module):
    """Front end and network of one checkpoint.

    Parameters
    ----------
    mel : MelSpectrogram
    network : PaSST
    precision : torch.dtype
        Of the network's matrix products; the front end and what is stored stay float32.

    Attributes
    ----------
    sample_rate : int
        32000 Hz; audio must come at this rate (HEAR API).
    """

    sample_rate = SAMPLE_RATE_HZ

    def __init__(
        self, mel: MelSpectrogram, network: PaSST, precision: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        self.precision = precision
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
        return joined, torch.cat([timestamps for _, timestamps in parts])

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
        hop = windows.samples(windows.TIMESTAMP_HOP_MS)
        if view == "mel":
            window, what = MEL_FRAMES * self.mel.hop, "mel window"
        else:
            receptive_field_ms = int(view.removeprefix("rf"))
            window, what = windows.samples(receptive_field_ms), f"window of {receptive_field_ms} ms"
            self._check_length(window, what)
        timestamps = windows.timestamps_ms(windows.n_windows(audio.shape[1], window, hop))
        done = 0
        for levels in self._windows(audio, window, hop, what, mel_only=view == "mel"):
            n = next(iter(levels.values())).shape[1]
            yield levels, timestamps[done : done + n]
            done += n

    def _scene(self, audio: Tensor | windows.StoredAudio) -> dict[str, Tensor]:
        """Whole clip up to 10 s; else the mean over windows of 10 s every 2.5 s."""
        window = windows.samples(SCENE_WINDOW_MS)
        if audio.shape[1] <= window:
            self._check_length(audio.shape[1], "scene")
            step = self._batch_size(audio.shape[1])
            whole = windows.stretch(audio, 0, audio.shape[1])
            parts = [self._forward(part) for part in whole.split(step)]
            return {level: torch.cat([part[level] for part in parts]) for level in parts[0]}
        hop = windows.samples(SCENE_HOP_MS)
        sums: dict[str, Tensor] = {}
        for part in self._windows(audio, window, hop, "scene window of 10 s", mel_only=False):
            for level, values in part.items():
                sums[level] = sums.get(level, 0.0) + values.sum(dim=1, dtype=torch.float64)
        n = windows.n_windows(audio.shape[1], window, hop)
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
        columns = max(1, a.time_patches(self.mel.n_frames(n_samples)))
        tokens = BATCH_TOKENS if self.mel.window.device.type == "cpu" else GPU_BATCH_TOKENS
        return max(1, tokens // (a.n_freq_patches * columns))

    def _check_length(self, n_samples: int, what: str) -> None:
        check_spectrogram_length(
            n_samples,
            self.mel.n_frames(n_samples),
            self.mel.hop,
            self.network.architecture,
            what,
        )
