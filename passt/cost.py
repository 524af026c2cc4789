"""Cost of embedding, counted from the architecture: sequence lengths, passes, FLOPs.

A multiply-add counts as two operations; what is counted are the matrix products of the network
(patch projection, attention, MLP, head), which are all but a few percent of its time. The mel
front end, norms, softmax and activations are not.
"""

from __future__ import annotations

from dataclasses import dataclass

from passt import windows
from passt.embedder import SCENE_HOP_MS, SCENE_WINDOW_MS, Embedder
from passt.transformer import PATCH_SIZE, Architecture

N_TOKENS = 2  # class and distillation token


@dataclass(frozen=True)
class Passes:
    """Forward passes over stretches of one length.

    Attributes
    ----------
    n_passes : int
    n_samples : int
        Length of each stretch at 32 kHz.
    """

    n_passes: int
    n_samples: int


def clip_passes(view: str, n_samples: int) -> Passes:
    """Forward passes of the network over one clip.

    Parameters
    ----------
    view : str
        ``scene``, ``rf<ms>`` or ``mel`` (which needs none).
    n_samples : int
        Length of the clip at 32 kHz.
    """
    if view == "mel":
        return Passes(0, 0)
    window, hop = windows.samples(SCENE_WINDOW_MS), windows.samples(SCENE_HOP_MS)
    if view == "scene" and n_samples <= window:
        return Passes(1, n_samples)
    if view != "scene":
        window = windows.samples(float(view.removeprefix("rf")))
        hop = windows.samples(windows.TIMESTAMP_HOP_MS)
    return Passes(windows.n_windows(n_samples, window, hop), window)


def n_tokens(architecture: Architecture, hop: int, n_samples: int) -> int:
    """Sequence length of one pass over ``n_samples`` samples, both tokens included."""
    columns = architecture.time_patches(1 + (n_samples - 1) // hop)
    return N_TOKENS + architecture.n_freq_patches * columns


def pass_flops(architecture: Architecture, n_tokens: int, whole_last_block: bool = False) -> int:
    """FLOPs of one forward pass.

    Parameters
    ----------
    architecture : Architecture
    n_tokens : int
        Sequence length.
    whole_last_block : bool
        Count the last block for all tokens, as the reference computes it.
    """
    d, n = architecture.embed_dim, n_tokens
    block = _block_flops(d, n, n)
    last = block if whole_last_block else _block_flops(d, n, N_TOKENS)
    patches = 2 * (n - N_TOKENS) * PATCH_SIZE**2 * d
    return (architecture.depth - 1) * block + last + patches + 2 * d * architecture.n_classes


def _block_flops(dim: int, n_keys: int, n_queries: int) -> int:
    projections = 2 * dim * dim * (2 * n_keys + 2 * n_queries)  # key, value; query, output
    attention = 4 * n_queries * n_keys * dim  # scores, weighted sum
    mlp = 2 * 2 * n_queries * dim * 4 * dim
    return projections + attention + mlp


def view_flops(embedder: Embedder, view: str, n_samples: int) -> int:
    """FLOPs of one clip of ``n_samples`` samples in one view."""
    passes = clip_passes(view, n_samples)
    if not passes.n_passes:
        return 0
    architecture = embedder.network.architecture
    tokens = n_tokens(architecture, embedder.mel.hop, passes.n_samples)
    return passes.n_passes * pass_flops(architecture, tokens)
