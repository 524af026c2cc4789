"""The Patchout audio transformer, in order of use.

Parameter names are PaSST's own, so that released weights load with ``strict=True``. Reference:
hear21passt 0.0.26, ``models/passt.py``; Koutini et al., "Efficient Training of Audio Transformers
with Patchout" (Interspeech 2022), section 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passt.architecture import N_TOKENS, PATCH_SIZE, Architecture

LAYER_NORM_EPS = 1e-6  # models/passt.py: norm_layer
# From so many rows on, MKL rounds a row alike whatever their number (tried: both of its paths on an
# AMD EPYC, one thread, the sizes of the full and of the mini networks).
MANY_ROWS = 64
INIT_STD = 0.02  # models/passt.py: trunc_normal_ of tokens, positions and linear weights


def among_many(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a function of rows to sounds (n_sounds, ..., size) padded with ``MANY_ROWS`` zero rows.

    In a matrix product with few rows, and in the last rows of any product, rounding depends on the
    number of rows; the padding makes a sound's result independent of the batch.
    """
    n_zeros = MANY_ROWS // math.prod(x.shape[1:-1])
    return function(F.pad(x, (0, 0) * (x.ndim - 1) + (0, n_zeros)))[: x.shape[0]]


class Attention(nn.Module):
    """Multi-head self-attention with one projection for query, key and value."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, n_queries: int | None = None) -> Tensor:
        """Map (n_sounds, n_tokens, embed_dim) to (n_sounds, n_queries or n_tokens, embed_dim)."""
        if n_queries is None:
            query, key, value = self._heads(self.qkv(x), 3)
        else:  # the first tokens ask, all tokens answer
            dim = x.shape[2]
            weight, bias = self.qkv.weight, self.qkv.bias
            asks = partial(F.linear, weight=weight[:dim], bias=bias[:dim])
            (query,) = self._heads(among_many(asks, x[:, :n_queries]), 1)
            key, value = self._heads(F.linear(x, weight[dim:], bias[dim:]), 2)
        x = F.scaled_dot_product_attention(query, key, value)
        x = x.transpose(1, 2).flatten(2)
        return self.proj(x) if n_queries is None else among_many(self.proj, x)

    def _heads(self, x: Tensor, n_projections: int) -> Tensor:
        """Split (n_sounds, n_tokens, n dim) into n of (n_sounds, num_heads, n_tokens, width)."""
        return x.unflatten(2, (n_projections, self.num_heads, -1)).permute(2, 0, 3, 1, 4)


class Mlp(nn.Module):
    """Two linear layers with a GELU between them, four times as wide inside."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)  # mlp_ratio 4
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., embed_dim) to the same shape."""
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.attn = Attention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(dim)

    def forward(self, x: Tensor, n_outputs: int | None = None) -> Tensor:
        """Map (n_sounds, n_tokens, embed_dim) to the same shape, or to its first tokens only."""
        x = x[:, :n_outputs] + self.attn(self.norm1(x), n_outputs)
        mlp = self.mlp if n_outputs is None else partial(among_many, self.mlp)
        return x + mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    """Overlapping patches of the spectrogram, one linear projection each."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        stride = (architecture.fstride, architecture.tstride)
        self.proj = nn.Conv2d(1, architecture.embed_dim, PATCH_SIZE, stride)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Map (n_sounds, 128, n_frames) to (n_sounds, embed_dim, n_freq, n_time)."""
        return self.proj(spectrogram.unsqueeze(1))


class PaSST(nn.Module):
    """Spectrogram transformer with structured and unstructured Patchout."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = a = architecture
        dim = a.embed_dim
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.new_pos_embed = nn.Parameter(torch.zeros(1, N_TOKENS, dim))
        self.freq_new_pos_embed = nn.Parameter(torch.zeros(1, dim, a.n_freq_patches, 1))
        self.time_new_pos_embed = nn.Parameter(torch.zeros(1, dim, 1, a.n_time_patches))
        self.patch_embed = PatchEmbed(a)
        self.blocks = nn.ModuleList(Block(dim, a.num_heads) for _ in range(a.depth))
        self.norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, a.n_classes))
        self.head_dist = nn.Linear(dim, a.n_classes)  # in the released files, unused at inference

    def forward(self, spectrogram: Tensor, first_column: int = 0) -> tuple[Tensor, Tensor]:
        """Map spectrograms (n_sounds, 128, n_frames) to logits and features, levels H and M.

        Shapes (n_sounds, n_classes) and (n_sounds, embed_dim); otherwise as `features`.
        """
        features = self.features(spectrogram, first_column=first_column)[len(self.blocks)]
        return self.classify(features), features

    def classify(self, features: Tensor) -> Tensor:
        """Map features (n_sounds, embed_dim) to logits (n_sounds, n_classes)."""
        return among_many(self.head, features)

    def features(
        self, spectrogram: Tensor, blocks: Collection[int] = (), first_column: int = 0
    ) -> dict[int, Tensor]:
        """Features after the last block and after ``blocks``, by block number from 1.

        Shape (n_sounds, embed_dim): the mean of the class and the distillation token after the
        final norm, which is applied to earlier blocks as well. The spectrogram must have at least
        16 frames; more patch columns than time positions raise ValueError. ``first_column`` is the
        time position of the first patch column: 0 at inference, random in training.
        """
        x = self._patchout(self._add_positions(self.patch_embed(spectrogram), first_column))
        cls_token = self.cls_token + self.new_pos_embed[:, :1]
        dist_token = self.dist_token + self.new_pos_embed[:, 1:]
        tokens = torch.cat((cls_token, dist_token), dim=1).expand(x.shape[0], -1, -1)
        x = torch.cat((tokens, x), dim=1)
        found = {}
        for number, block in enumerate(self.blocks[:-1], start=1):
            x = block(x)
            if number in blocks:
                found[number] = self._mean_token(x[:, :N_TOKENS])
        # Nothing reads the patches after the last block: it computes the two tokens only.
        found[len(self.blocks)] = self._mean_token(self.blocks[-1](x, n_outputs=N_TOKENS))
        return found

    def _mean_token(self, tokens: Tensor) -> Tensor:
        """Mean of normed tokens (n_sounds, n_tokens, embed_dim) over the tokens."""
        return self.norm(tokens).mean(dim=1)

    def _add_positions(self, patches: Tensor, first: int) -> Tensor:
        n_time, n_positions = patches.shape[-1], self.architecture.n_time_patches - first
        if n_time > n_positions:
            raise ValueError(
                f"spectrogram has {n_time} patch columns, the network has positions for "
                f"{n_positions}: shorten the clip or the window"
            )
        # Shorter inputs take the first time positions (models/passt.py, forward_features).
        positions = self.time_new_pos_embed[..., first : first + n_time]
        return patches + positions + self.freq_new_pos_embed

    def _patchout(self, patches: Tensor) -> Tensor:
        """In training, drop whole columns and rows, then single patches; flatten to a sequence."""
        a = self.architecture
        if self.training and a.s_patchout_t:
            patches = patches[..., _kept(patches.shape[3], a.s_patchout_t)]
        if self.training and a.s_patchout_f:
            patches = patches[:, :, _kept(patches.shape[2], a.s_patchout_f)]
        sequence = patches.flatten(2).transpose(1, 2)
        if self.training and a.u_patchout:
            sequence = sequence[:, _kept(sequence.shape[1], a.u_patchout)]
        return sequence


def _kept(n: int, n_dropped: int) -> Tensor:
    """Sorted indices of the kept patches, the same for the whole batch as in the reference."""
    if not 0 < n_dropped < n:
        raise ValueError(f"Patchout of {n_dropped} from {n} leaves no patch: lower it")
    return torch.randperm(n)[: n - n_dropped].sort().values


@torch.no_grad()
def initialize(network: PaSST, seed: int) -> PaSST:
    """Fill a network with seeded random weights, in place, and return it.

    Truncated normal of standard deviation 0.02 for tokens, positions and linear weights, zero
    biases, unit norms, as in the reference's training from scratch. The heads, which the reference
    initializes with zeros, are drawn as well, so that an untrained network's logits are not
    constant. The global random state is untouched.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
        elif parameter.ndim == 1:
            parameter.fill_(1.0)
        else:
            nn.init.trunc_normal_(parameter, std=INIT_STD, generator=generator)
    return network
