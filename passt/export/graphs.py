"""torch.export graphs of a checkpoint, for sounds of any length within its limits."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from passt.architecture import N_MELS, PATCH_SIZE
from passt.embedder import Embedder
from passt.lengths import longest_samples, n_frames, shortest_samples
from passt.mel import MelSpectrogram

WAVEFORM = "waveform", ("n_sounds", "n_samples")
SPECTROGRAM = "spectrogram", ("n_sounds", N_MELS, "n_frames")
OUTPUTS = ("logits", "features")  # levels H and M


class ExactMel(nn.Module):
    """The front end in float64, with its output rounded to float32.

    Quiet bands of loud clips are at the level of float32 noise: there, torch errs by up to 1e-4 and
    ONNX Runtime by 2e-4 in float32, which changes the embedding of a pure tone by more than 1e-5.
    """

    def __init__(self, mel: MelSpectrogram) -> None:
        super().__init__()
        self.mel = deepcopy(mel).double()

    def forward(self, waveform: Tensor) -> Tensor:
        """Map float32 (n_sounds, n_samples) to float32 (n_sounds, 128, n_frames)."""
        return self.mel(waveform.double()).float()


@dataclass(frozen=True)
class Part:
    """The computation of one file, and the allowed lengths of its input's last axis."""

    name: str  # of the session that runs the file; of several files also in theirs
    module: nn.Module
    input: str
    axes: tuple[str | int, ...]  # of the input; one with a name is of any size
    outputs: tuple[str, ...]
    shortest: int
    longest: int

    @property
    def lengths(self) -> tuple[int, int, int]:
        """Lengths to compare at: both limits and their geometric mean."""
        return self.shortest, round((self.shortest * self.longest) ** 0.5), self.longest

    def example(self, length: int) -> Tensor:
        """Seeded noise of the input's shape: one sound in [-1, 1], one a tenth of that."""
        generator = torch.Generator().manual_seed(length)
        inner = [size for size in self.axes[1:-1] if isinstance(size, int)]
        noise = 2 * torch.rand(2, *inner, length, generator=generator) - 1
        return noise / 10.0 ** torch.arange(2).view(-1, *(1,) * (noise.ndim - 1))

    @torch.no_grad()
    def program(self) -> ExportedProgram:
        """The exported graph; torch rejects inputs outside the allowed lengths."""
        length = Dim(str(self.axes[-1]), min=self.shortest, max=self.longest)
        program = torch.export.export(
            self.module,
            (self.example(self.lengths[1]),),
            dynamic_shapes=({0: Dim("n_sounds"), len(self.axes) - 1: length},),
            prefer_deferred_runtime_asserts_over_guards=True,
        )
        # They exclude what torch treats apart, as one patch column or as many as positions, and
        # what the graph computes as well: the lengths compared at have both.
        for node in program.graph.nodes:
            if node.target is torch.ops.aten._assert_scalar.default:
                program.graph.erase_node(node)
        return program


def parts(embedder: Embedder, apart: bool = False) -> list[Part]:
    """Parts of a checkpoint on the CPU: one, or two (front end, network) if ``apart``."""
    mel, network = ExactMel(embedder.mel), embedder.network
    longest = longest_samples(embedder.mel.hop, network.architecture)
    samples = shortest_samples(embedder.mel.hop), longest
    if not apart:
        return [Part("session", nn.Sequential(mel, network).eval(), *WAVEFORM, OUTPUTS, *samples)]
    frames = PATCH_SIZE, n_frames(longest, embedder.mel.hop)
    return [
        Part("mel", mel, *WAVEFORM, SPECTROGRAM[:1], *samples),
        Part("network", network, *SPECTROGRAM, OUTPUTS, *frames),
    ]


@torch.no_grad()
def differences(
    embedder: Embedder, front_end: nn.Module, waveform: Tensor, found: Sequence[Tensor]
) -> dict[str, float]:
    """Largest differences of found logits and features from the network's own, by name.

    The network is run on the output of ``front_end``. Differences are relative to the largest
    expected value, or absolute if that is below 1.
    """
    expected = embedder.network(front_end(waveform))
    return {
        name: float((values - right).abs().max() / right.abs().max().clamp(min=1.0))
        for name, values, right in zip(OUTPUTS, found, expected, strict=True)
    }
