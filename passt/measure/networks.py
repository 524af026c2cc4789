"""Networks to measure: the paper's recipe for 10 s clips, by hop and Patchout."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from passt.architecture import N_AUDIOSET_TAGS, Architecture
from passt.lengths import SAMPLE_RATE_HZ, n_frames
from passt.training.config import HOPS
from passt.training.recipe import Recipe

CLIP_S = 10.0  # Table 2: AudioSet's clips
U_PATCHES = 400  # patches that PaSST-U drops; PaSST repository, README, "unstructured patchout"
NO_OVERLAP = 16  # stride of PaSST-N, the patch size; PaSST repository, README
N_COLUMNS_NO_OVERLAP = 62  # time positions at stride 16: 998 frames (input_tdim) // 16
# Rows and columns that PaSST-N-S drops of 8 by 62: nowhere published. These, half of PaSST-S's,
# leave the sequence that its paper has (arXiv 2110.05069, Table 1): 252 patches and 2 tokens.
PATCHOUT_NO_OVERLAP = (2, 20)
PATCHOUTS = {  # Table 2's two at every hop; Figure 3's other two at hop 10
    "hop10": ("none", "structured", "unstructured", "no overlap, structured"),
    "hop5": ("none", "structured"),
    "hop3": ("none", "structured"),
}


class MeasureError(ValueError):
    """A failed measurement, with the reason."""


@dataclass(frozen=True)
class Settings:
    """Settings of a measurement: network size (default: the released ViT-B), batch, duration.

    A training step has ``batch_size`` clips, at least 2 because memory per clip is the difference
    between two batch sizes. Each network's timed steps take at least ``seconds`` in total.
    """

    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    batch_size: int = 12  # PaSST repository: batch_size, per GPU
    seconds: float = 10.0
    device: str = "auto"  # or cpu, cuda; auto takes a GPU if there is one
    threads: int = 1  # of the CPU

    def __post_init__(self) -> None:
        if self.batch_size < 2:
            raise MeasureError(f"batch_size: expected at least 2, found {self.batch_size}")
        if self.device not in ("auto", "cpu", "cuda"):
            raise MeasureError(f"device: expected auto, cpu or cuda, found {self.device!r}")


@dataclass(frozen=True)
class TenSeconds(Recipe):
    """A recipe for 10 s clips whose patches need not overlap."""

    stride: int = field(default=10, kw_only=True)

    def n_columns(self, seconds: float) -> int:
        """Patch columns of a crop."""
        frames = n_frames(round(seconds * SAMPLE_RATE_HZ), self.hop)
        return Architecture(tstride=self.stride).time_patches(frames)

    def architecture(self, n_classes: int, n_columns: int | None = None) -> Architecture:
        """Shape of the network; in training, with the full Patchout of a 10 s clip."""
        shape = super().architecture(n_classes)
        shape = replace(shape, fstride=self.stride, tstride=self.stride)
        if n_columns is None:
            return shape
        return replace(
            shape,
            s_patchout_t=self.patchout_columns,
            s_patchout_f=self.patchout_rows,
            u_patchout=self.patchout_patches,
        )


def recipe_of(hop: str, patchout: str, settings: Settings) -> TenSeconds:
    """Return the recipe of one network: the paper's, except for its size and Patchout.

    ``hop`` is one of `passt.training.config.HOPS`; ``patchout`` is ``none``, ``structured``
    (the paper's rows and columns), ``unstructured`` (single patches) or ``no overlap, structured``
    (PaSST-N-S: stride 16, rows and columns).
    """
    rows, columns = PATCHOUT_NO_OVERLAP
    nothing = {"patchout_rows": 0, "patchout_columns": 0}
    kinds: dict[str, dict[str, int]] = {
        "none": nothing,
        "structured": {},
        "unstructured": nothing | {"patchout_patches": U_PATCHES},
        "no overlap, structured": {
            "stride": NO_OVERLAP,
            "n_time_patches": N_COLUMNS_NO_OVERLAP,
            "patchout_rows": rows,
            "patchout_columns": columns,
        },
    }
    names = ("embed_dim", "depth", "num_heads", "batch_size")
    values: dict[str, Any] = {name: getattr(settings, name) for name in names} | kinds[patchout]
    return TenSeconds(name="measure", hop=HOPS[hop], averaging="none", **values)


def sequence_length(recipe: TenSeconds) -> int:
    """Number of patches that a training step keeps of a 10 s clip, without the two tokens."""
    n_columns = recipe.n_columns(CLIP_S)
    a = recipe.architecture(N_AUDIOSET_TAGS, n_columns)
    kept = (a.n_freq_patches - a.s_patchout_f) * (n_columns - a.s_patchout_t)
    return kept - a.u_patchout


def has_own_inference(recipe: TenSeconds) -> bool:
    """Return whether inference is timed: only without Patchout, which acts in training only."""
    return not (recipe.patchout_rows or recipe.patchout_columns or recipe.patchout_patches)
