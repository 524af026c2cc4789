"""Shape of a PaSST network: patches, width, depth, time positions, level sizes."""

from __future__ import annotations

from dataclasses import dataclass

PATCH_SIZE = 16  # mel bins x frames of one patch; models/passt.py: patch_size
N_MELS = 128  # rows of the input; models/passt.py: img_size[0], preprocess.py: n_mels
N_TOKENS = 2  # class and distillation token
N_AUDIOSET_TAGS = 527
MEL_FRAMES = 6  # wrapper.py: get_timestamp_mels, 128 x 6 = 768 values per timestamp


@dataclass(frozen=True)
class Architecture:
    """Shape of one PaSST network; the defaults are those of the released hop 10 ms model.

    ``n_time_patches`` is the length of the time positions: 99, 200 and 320 for hop 320, 160 and
    100, which is ``input_tdim // tstride`` of 998, 2000 and 3200 frames (``PatchEmbed.grid_size``);
    a 10 s clip fills 99, 199 and 319 of them. ``fstride`` and ``tstride`` are the patch strides in
    mel bins and frames; with 16, patches do not overlap. Patchout is applied in training only.
    """

    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    n_classes: int = N_AUDIOSET_TAGS
    n_time_patches: int = 99
    fstride: int = 10
    tstride: int = 10
    s_patchout_t: int = 0
    s_patchout_f: int = 0
    u_patchout: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError unless the heads share the width evenly."""
        if self.embed_dim % self.num_heads:
            raise ValueError(
                f"embed_dim: expected a multiple of num_heads {self.num_heads}, found "
                f"{self.embed_dim}"
            )

    @property
    def n_freq_patches(self) -> int:
        """Rows of the patch grid: 12 for 128 mel bins and a stride of 10."""
        return (N_MELS - PATCH_SIZE) // self.fstride + 1

    def time_patches(self, n_frames: int) -> int:
        """Columns of the patch grid of a spectrogram with ``n_frames`` frames."""
        return (n_frames - PATCH_SIZE) // self.tstride + 1

    def size(self, level: str) -> int:
        """Length of the vector of one level, L, M, M@<block> or H, of one view."""
        return {"L": N_MELS * MEL_FRAMES, "M": self.embed_dim, "H": self.n_classes}[level[0]]
