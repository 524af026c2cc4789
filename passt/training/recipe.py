"""All hyperparameters of a training as one value; the defaults are the paper's.

Sources: "App. A" is the paper's Appendix A; "repo" is the PaSST repository (github.com/kkoutini,
``ex_audioset.py``, ``audioset/dataset.py``, ``helpers/``) where the paper is silent; "sec. 3.3" is
of K. Koutini et al., Efficient Training of Audio Transformers with Patchout, arXiv 2110.05069.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from passt.architecture import Architecture
from passt.checkpoints import time_positions
from passt.lengths import SAMPLE_RATE_HZ, n_frames

LONGEST_CROP_S = 3600.0
PATCHOUT = {320: (4, 40), 160: (6, 100), 100: (6, 150)}  # App. A: rows, columns of a 10 s grid


class RecipeError(ValueError):
    """An invalid recipe; the message names the key, the expected and the actual value."""


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of one training; ``*_epochs`` and ``*_start`` are in epochs.

    Fields that default to None are set by ``hop`` to the paper's values: the time positions, and
    the rows and columns that structured Patchout drops from a full grid. A shorter crop loses the
    same proportion of its columns and patches, and SpecAugment masks the same proportion of its
    length.

    An epoch has ``epoch_clips`` clips, regardless of the size of the data set. After the ramp-down,
    the learning rate is multiplied by ``final_factor``. ``balanced`` draws clips by the sum of
    1 / (count + ``balance_offset``) over their tags. ``waveform_mixup_rate`` is a proportion of
    clips, ``spectrogram_mixup_rate`` of steps; ``*_beta`` is b in the Beta(b, b) distribution of
    the weights. ``roll_samples`` and ``gain_db`` are maxima in both directions. The mel bank's
    lowest edge is drawn from [0, ``min_hz_range``), its highest from 15 kHz +- ``max_hz_range`` /
    2. In a proportion ``random_positions`` of the steps, a crop's time positions start at a random
    offset.
    """

    name: str = "audioset"
    hop: int = 320  # of the STFT, in samples at 32 kHz
    embed_dim: int = 768  # ViT-B
    depth: int = 12
    num_heads: int = 12
    n_time_patches: int = None  # type: ignore[assignment]  # set by __post_init__
    patchout_rows: int = None  # type: ignore[assignment]  # set by __post_init__
    patchout_columns: int = None  # type: ignore[assignment]  # set by __post_init__
    patchout_patches: int = 0  # single patches, unstructured; repo: u_patchout
    initial_weights: str | None = None  # None: random; App. A: DeiT-B distilled, 384 pixels
    fan_in_weights: bool = False  # uniform within 1 / sqrt(inputs), not normal of deviation 0.02
    row_position_std: float = 0.02  # of rows' random positions; repo: init_weights
    prior_bias: bool = False  # start the tags' biases at the log odds of their frequency, not 0
    crop_s: tuple[float, ...] = (10.0,)  # App. A: 10 s clips
    crop_shares: tuple[float, ...] = (1.0,)  # of the steps that take each length
    n_epochs: int = 130  # repo: trainer.max_epochs
    epoch_clips: int = 100_000  # repo: epoch_len
    batch_size: int = 12  # repo, per GPU
    learning_rate: float = 1e-5  # App. A; repo 2e-5
    weight_decay: float = 1e-4  # App. A
    adam_beta2: float = 0.999  # torch's default, as in the repo
    warm_up_epochs: float = 5.0  # repo: warm_up_len
    ramp_down_start: float = 50.0  # repo
    ramp_down_epochs: float = 50.0  # repo: ramp_down_len
    final_factor: float = 0.01  # repo: last_lr_value
    gradient_clip: float | None = None  # largest norm of all gradients together
    balanced: bool = True  # App. A
    balance_offset: float = 100.0  # repo: sample_weight_offset
    waveform_mixup_rate: float = 0.5  # repo: MixupDataset
    waveform_mixup_beta: float = 2.0  # repo: MixupDataset
    spectrogram_mixup_rate: float = 1.0  # repo: every step
    spectrogram_mixup_beta: float = 0.3  # repo: mixup_alpha
    roll_samples: int = 50  # repo: shift_range
    gain_db: float = 7.0  # repo: gain_augment
    mask_bands: int = 48  # widest, as mask_s; sec. 3.3
    mask_s: float = 1.92  # sec. 3.3: 192 frames of 10 ms; the same time at other hops is our choice
    min_hz_range: float = 10.0  # repo: fmin_aug_range
    max_hz_range: float = 2000.0  # repo: fmax_aug_range
    random_positions: float = 1.0  # repo: toffset, whenever a crop is shorter than the grid
    averaging: str = "swa"  # or ema, none: which weights are evaluated and kept
    swa_start: int = 50  # epochs before the first average; repo: swa_epoch_start, an epoch less
    swa_every: int = 5  # epochs; repo: swa_freq
    ema_decay: float = 0.999  # per step
    validation_every: int = 1  # epochs
    cpu_bfloat16: bool = False  # also on a CPU, if it multiplies bfloat16 natively; a GPU always
    workers: int = 16  # processes that read ahead, 0 for none; repo: num_workers
    seed: int = 0

    def __post_init__(self) -> None:
        if self.hop not in PATCHOUT:
            raise RecipeError(f"hop: expected one of {sorted(PATCHOUT)} samples, found {self.hop}")
        paper = (*PATCHOUT[self.hop], time_positions(self.hop))
        keys = ("patchout_rows", "patchout_columns", "n_time_patches")
        for key, value in zip(keys, paper, strict=True):
            if getattr(self, key) is None:
                object.__setattr__(self, key, value)
        if self.averaging not in ("swa", "ema", "none"):
            raise RecipeError(f"averaging: expected swa, ema or none, found {self.averaging!r}")
        for key in ("n_epochs", "epoch_clips", "batch_size", "swa_every", "validation_every"):
            if getattr(self, key) < 1:
                raise RecipeError(f"{key}: expected at least 1, found {getattr(self, key)}")
        if self.epoch_clips < self.batch_size:
            raise RecipeError(
                f"epoch_clips: expected at least one batch of {self.batch_size}, "
                f"found {self.epoch_clips}"
            )
        if len(self.crop_s) != len(self.crop_shares) or not self.crop_s:
            raise RecipeError(f"crop_shares: expected one per crop_s, found {self.crop_shares}")
        shares = list(self.crop_shares)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise RecipeError(f"crop_shares: expected shares that sum to 1, found {shares}")
        for seconds in self.crop_s:
            if not 0 < seconds <= LONGEST_CROP_S:
                raise RecipeError(
                    f"crop_s: expected seconds above 0, at most {LONGEST_CROP_S:g}, found {seconds}"
                )
            columns = self.n_columns(seconds)
            if not 1 <= columns <= self.n_time_patches:
                raise RecipeError(
                    f"crop_s: {seconds} s are {columns} patch columns at hop {self.hop}, expected "
                    f"1 to {self.n_time_patches}"
                )

    @property
    def steps_per_epoch(self) -> int:
        """Number of full batches per epoch."""
        return self.epoch_clips // self.batch_size

    def n_columns(self, seconds: float) -> int:
        """Number of patch columns of a crop."""
        return Architecture().time_patches(n_frames(round(seconds * SAMPLE_RATE_HZ), self.hop))

    def architecture(self, n_classes: int, n_columns: int | None = None) -> Architecture:
        """Shape of the network, with the Patchout for a crop of ``n_columns`` patch columns.

        With None there is no Patchout, as at inference.
        """
        shape = (self.embed_dim, self.depth, self.num_heads, n_classes, self.n_time_patches)
        if n_columns is None:
            return Architecture(*shape)
        share = n_columns / self.n_time_patches
        return Architecture(
            *shape,
            s_patchout_t=min(int(share * self.patchout_columns), n_columns - 1),
            s_patchout_f=self.patchout_rows,
            u_patchout=int(share * self.patchout_patches),
        )

    def deviations(self) -> dict[str, Any]:
        """Values that differ from the paper's for the same hop, except the name and the seed."""
        paper = dataclasses.asdict(Recipe(hop=self.hop))
        found = dataclasses.asdict(self)
        return {k: v for k, v in found.items() if k not in ("name", "seed") and v != paper[k]}
