"""Every hyperparameter of a training as one value; the defaults are the paper's.

Sources: "App. A" is the paper's Appendix A; "repo" is the PaSST repository (github.com/kkoutini,
``ex_audioset.py``, ``audioset/dataset.py``, ``helpers/``) where the paper is silent.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from passt.architecture import Architecture
from passt.checkpoints import time_positions
from passt.lengths import SAMPLE_RATE_HZ, n_frames

PATCHOUT = {320: (4, 40), 160: (6, 100), 100: (6, 150)}  # App. A: rows, columns of a 10 s grid


class RecipeError(ValueError):
    """A recipe that cannot be followed; the message names the key, what is expected and found."""


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of one training.

    Attributes
    ----------
    name : str
    hop : int
        STFT hop in samples at 32 kHz.
    embed_dim, depth, num_heads : int
        Size of the network.
    n_time_patches, patchout_rows, patchout_columns : int
        Time positions; rows and columns that structured Patchout drops from a full grid (a
        shorter crop loses the same share of its columns); by default the paper's for the hop.
    patchout_patches : int
        Single patches that unstructured Patchout drops from a full grid, likewise.
    initial_weights : str or None
        File of DeiT or PaSST weights to start from; None for random weights.
    fan_in_weights : bool
        Random linear weights uniform within 1 / sqrt(inputs), not normal of deviation 0.02.
    row_position_std : float
        Standard deviation of the random positions of rows.
    prior_bias : bool
        Start the tags' biases at the log odds of their frequency, not at 0.
    crop_s, crop_shares : tuple of float
        Lengths of training crops in seconds, and how many of the steps take each.
    n_epochs, epoch_clips, batch_size : int
        An epoch is ``epoch_clips`` clips, whatever the size of the data.
    learning_rate, weight_decay, adam_beta2 : float
    warm_up_epochs, ramp_down_start, ramp_down_epochs : float
        Schedule, in epochs (``passt.training.schedule``).
    final_factor : float
        Share of the learning rate that is left after the ramp-down.
    gradient_clip : float or None
        Largest norm of all gradients together.
    balanced, balance_offset : bool, float
        Draw clips by the sum of 1 / (count + offset) over their tags.
    waveform_mixup_rate, waveform_mixup_beta : float
        Share of clips mixed with another, and Beta(b, b) of the weights.
    spectrogram_mixup_rate, spectrogram_mixup_beta : float
        Share of steps whose spectrograms are mixed.
    roll_samples, gain_db : int, float
        Largest circular shift and gain, both signs.
    mask_bands, mask_s : int, float
        SpecAugment's widest masks, in mel bands and in seconds; a crop shorter than 10 s gets
        the same share of its length.
    min_hz_range, max_hz_range : float
        The mel bank's lowest edge is drawn from [0, range), its highest from 15 kHz +- range / 2.
    random_positions : float
        Share of steps in which a crop's time positions start anywhere, not at the first.
    averaging : str
        ``swa``, ``ema`` or ``none``: which weights are evaluated and kept.
    swa_start, swa_every : int
        First epoch whose weights are averaged, and every how many epochs.
    ema_decay : float
        Per step.
    validation_every : int
        Epochs between validations.
    cpu_bfloat16 : bool
        Mixed precision also on a CPU, if it multiplies bfloat16 natively; a GPU always does.
    workers : int
        Processes that read ahead; 0 reads in the training process.
    seed : int
    """

    name: str = "audioset"
    hop: int = 320
    embed_dim: int = 768  # ViT-B
    depth: int = 12
    num_heads: int = 12
    n_time_patches: int = None  # type: ignore[assignment]  # set by __post_init__
    patchout_rows: int = None  # type: ignore[assignment]  # set by __post_init__
    patchout_columns: int = None  # type: ignore[assignment]  # set by __post_init__
    patchout_patches: int = 0  # repo: u_patchout
    initial_weights: str | None = None  # App. A: DeiT-B distilled, 384 pixels
    fan_in_weights: bool = False
    row_position_std: float = 0.02  # repo: init_weights
    prior_bias: bool = False
    crop_s: tuple[float, ...] = (10.0,)  # App. A: 10 s clips
    crop_shares: tuple[float, ...] = (1.0,)
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
    gradient_clip: float | None = None
    balanced: bool = True  # App. A
    balance_offset: float = 100.0  # repo: sample_weight_offset
    waveform_mixup_rate: float = 0.5  # repo: MixupDataset
    waveform_mixup_beta: float = 2.0  # repo: MixupDataset
    spectrogram_mixup_rate: float = 1.0  # repo: every step
    spectrogram_mixup_beta: float = 0.3  # repo: mixup_alpha
    roll_samples: int = 50  # repo: shift_range
    gain_db: float = 7.0  # repo: gain_augment
    mask_bands: int = 48  # App. A: freqm
    mask_s: float = 1.92  # App. A: timem, 192 frames of 10 ms
    min_hz_range: float = 10.0  # repo: fmin_aug_range
    max_hz_range: float = 2000.0  # repo: fmax_aug_range
    random_positions: float = 1.0  # repo: toffset, whenever a crop is shorter than the grid
    averaging: str = "swa"
    swa_start: int = 50  # repo: swa_epoch_start
    swa_every: int = 5  # repo: swa_freq
    ema_decay: float = 0.999
    validation_every: int = 1
    cpu_bfloat16: bool = False
    workers: int = 16  # repo: num_workers
    seed: int = 0

    def __post_init__(self) -> None:
        if self.hop not in PATCHOUT:
            raise RecipeError(f"hop: expected one of {sorted(PATCHOUT)} samples, found {self.hop}")
        rows, columns = PATCHOUT[self.hop]
        paper = {"patchout_rows": rows, "patchout_columns": columns}
        for key, value in (paper | {"n_time_patches": time_positions(self.hop)}).items():
            if getattr(self, key) is None:
                object.__setattr__(self, key, value)
        self._check()

    def _check(self) -> None:
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
        if min(self.crop_shares) < 0 or abs(sum(self.crop_shares) - 1) > 1e-6:
            shares = list(self.crop_shares)
            raise RecipeError(f"crop_shares: expected shares that sum to 1, found {shares}")
        for seconds in self.crop_s:
            columns = self.n_columns(seconds)
            if not 1 <= columns <= self.n_time_patches:
                raise RecipeError(
                    f"crop_s: {seconds} s are {columns} patch columns at hop {self.hop}, expected "
                    f"1 to {self.n_time_patches}"
                )

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches of an epoch."""
        return self.epoch_clips // self.batch_size

    def n_columns(self, seconds: float) -> int:
        """Patch columns of a crop."""
        return Architecture().time_patches(n_frames(round(seconds * SAMPLE_RATE_HZ), self.hop))

    def architecture(self, n_classes: int, n_columns: int | None = None) -> Architecture:
        """Shape of the network, with the Patchout of a crop of ``n_columns`` patch columns.

        Parameters
        ----------
        n_classes : int
            Tags.
        n_columns : int, optional
            Default: no Patchout, as at inference.
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
        """Every value that is not the paper's for the same hop, but the name and the seed."""
        paper = dataclasses.asdict(Recipe(hop=self.hop))
        found = dataclasses.asdict(self)
        return {k: v for k, v in found.items() if k not in ("name", "seed") and v != paper[k]}
