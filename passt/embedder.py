"""Embedder: audio to stored components, one forward pass for features and logits of a view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passt import windows
from passt.architecture import MEL_FRAMES
from passt.checkpoints import Checkpoint
from passt.checks import check_audio, check_spectrogram_length
from passt.lengths import SAMPLE_RATE_HZ, TIMESTAMP_HOP_MS, n_frames, n_windows, samples
from passt.mel import MelSpectrogram
from passt.transformer import MANY_ROWS, PaSST

BATCH_TOKENS = 6144  # tokens per forward pass; larger gained nothing on a CPU
GPU_BATCH_TOKENS = 16 * BATCH_TOKENS
BATCH_S, GPU_BATCH_S = 60.0, 600.0  # audio of one call, in seconds

Audio = Tensor | windows.StoredAudio
Part = tuple[dict[str, Tensor], Tensor | None]  # components and, but for scenes, timestamps in ms


class Embedder(nn.Module):
    """Front end and network of one checkpoint, of which the hop and the scene window are used.

    ``precision`` applies to the network's matrix products; the front end and the output stay
    float32. ``blocks`` are blocks before the last, numbered from 1, whose features are returned
    beside M.
    """

    sample_rate = SAMPLE_RATE_HZ  # at which audio must come (HEAR API)

    def __init__(
        self,
        checkpoint: Checkpoint,
        network: PaSST,
        precision: torch.dtype = torch.float32,
        blocks: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.precision = precision
        self.blocks = tuple(blocks)
        self.mel = MelSpectrogram(checkpoint.hop)
        self.network = network
        self.eval()

    @property
    def batch_s(self) -> float:
        """Seconds of audio per call that fill the device within bounded memory."""
        return BATCH_S if self.mel.window.device.type == "cpu" else GPU_BATCH_S

    def batch_clips(self, n_samples: int) -> int:
        """Clips of a length that are embedded as scenes in one forward pass."""
        is_whole = n_samples <= samples(self.checkpoint.scene_window_ms)
        return self._batch_size(n_samples) if is_whole else 1

    def device_name(self) -> str:
        """Name of the GPU, or else the kind of device: ``cpu``, ``mps``."""
        device = self.mel.window.device
        return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type

    def embed(self, audio: Audio, view: str) -> Part:
        """Embed clips, float32 (n_sounds, n_samples) in [-1, 1] at 32 kHz, or one stored clip.

        ``view`` is ``scene``, ``rf<ms>`` or ``mel``. Returns the levels by name (L for ``mel``;
        otherwise M, H and one M@<block> per entry of ``blocks``) as float32 on the CPU, shape
        (n_sounds, size) for scenes and (n_sounds, n_timestamps, size) otherwise; and the
        timestamps, centers in ms, float32 (n_timestamps,), or None for scenes. Audio that cannot be
        embedded in this view raises AudioError.
        """
        parts = list(self.stream(audio, view))
        if view == "scene":
            return parts[0]
        joined = {k: torch.cat([part[k] for part, _ in parts], dim=1) for k in parts[0][0]}
        return joined, torch.cat([times for _, times in parts if times is not None])

    @torch.no_grad()
    def stream(self, audio: Audio, view: str) -> Iterator[Part]:
        """Embed like `embed`, yielding consecutive stretches of timestamps; scenes in one part.

        The samples of a stored clip are read and checked on demand.
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

    def _scene(self, audio: Audio) -> dict[str, Tensor]:
        """Embed the whole clip up to the scene window, else average over windows."""
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
        for part in self._windows(audio, window, hop, what):
            for level, values in part.items():
                sums[level] = sums.get(level, 0.0) + values.sum(dim=1, dtype=torch.float64)
        n = n_windows(audio.shape[1], window, hop)
        return {level: (total / n).float() for level, total in sums.items()}

    def _windows(
        self, audio: Audio, window: int, hop: int, what: str, mel_only: bool = False
    ) -> Iterator[dict[str, Tensor]]:
        for stack in windows.batches(audio, window, hop, self._batch_size(window), what):
            flat = stack.reshape(-1, window)
            levels = self._mel_level(flat) if mel_only else self._forward(flat)
            yield {k: v.view(*stack.shape[:2], -1) for k, v in levels.items()}

    def _forward(self, waveforms: Tensor) -> dict[str, Tensor]:
        device = self.mel.window.device
        spectrogram = self.mel(waveforms.to(device))
        n_sounds, n_few = len(waveforms), -(-MANY_ROWS // self._n_patches(waveforms.shape[1]))
        if n_sounds < n_few:  # short and few: silence makes the products' rows many
            spectrogram = F.pad(spectrogram, (0, 0, 0, 0, 0, n_few - n_sounds))
        reduced = self.precision != torch.float32
        # cuDNN's convolutions take TF32 by default: 9e-4 off in float32, seen on an H200.
        exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
        with torch.autocast(device.type, self.precision, enabled=reduced), exact:
            features = self.network.features(spectrogram, self.blocks)
            last = features[len(self.network.blocks)]
            found = {"M": last, "H": self.network.classify(last)}
        found |= {f"M@{block}": features[block] for block in self.blocks}
        return {level: values[:n_sounds].float().cpu() for level, values in found.items()}

    def _mel_level(self, waveforms: Tensor) -> dict[str, Tensor]:
        return {"L": self.mel(waveforms.to(self.mel.window.device)).flatten(1).cpu()}

    def _batch_size(self, n_samples: int) -> int:
        tokens = BATCH_TOKENS if self.mel.window.device.type == "cpu" else GPU_BATCH_TOKENS
        return max(1, tokens // self._n_patches(n_samples))

    def _n_patches(self, n_samples: int) -> int:
        a = self.network.architecture
        return a.n_freq_patches * max(1, a.time_patches(n_frames(n_samples, self.mel.hop)))

    def _check_length(self, n_samples: int, what: str) -> None:
        check_spectrogram_length(n_samples, self.mel.hop, self.network.architecture, what)
