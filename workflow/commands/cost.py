"""FLOPs and forward passes of embedding, counted from a network's shape.

A multiply-add counts as two operations. The count covers the network's matrix products (patch
projection, attention, MLP, head), which take all but a few percent of its time. It excludes the mel
front end, norms, softmax, activations and a batch's zero rows (`passt.transformer.MANY_ROWS`).
"""

from __future__ import annotations

from passt.architecture import N_TOKENS, PATCH_SIZE, Architecture
from passt.checkpoints import Checkpoint
from passt.lengths import SAMPLE_RATE_HZ, TIMESTAMP_HOP_MS, n_frames, n_windows, samples


def view_passes(checkpoint: Checkpoint, view: str, duration_s: float) -> tuple[int, int]:
    """Forward passes over a clip, and tokens of each; (0, 0) for ``mel``, the front end alone."""
    if view == "mel":
        return 0, 0
    n_passes, n_samples = 1, round(duration_s * SAMPLE_RATE_HZ)
    window, hop = samples(checkpoint.scene_window_ms), samples(checkpoint.scene_hop_ms)
    if view != "scene":
        window, hop = samples(float(view.removeprefix("rf"))), samples(TIMESTAMP_HOP_MS)
    if view != "scene" or n_samples > window:
        n_passes, n_samples = n_windows(n_samples, window, hop), window
    architecture = checkpoint.architecture
    columns = architecture.time_patches(n_frames(n_samples, checkpoint.hop))
    return n_passes, N_TOKENS + architecture.n_freq_patches * columns


def pass_flops(architecture: Architecture, n_tokens: int, whole_last_block: bool = False) -> int:
    """FLOPs of one forward pass over ``n_tokens`` tokens.

    ``whole_last_block`` counts the last block for all tokens, as the reference computes it.
    """
    d, n = architecture.embed_dim, n_tokens
    block = _block_flops(d, n, n)
    last = block if whole_last_block else _block_flops(d, n, N_TOKENS)
    patches = 2 * (n - N_TOKENS) * PATCH_SIZE**2 * d
    return (architecture.depth - 1) * block + last + patches + 2 * d * architecture.n_classes


def view_flops(checkpoint: Checkpoint, view: str, duration_s: float) -> int:
    """FLOPs of one clip in one view."""
    n_passes, n_tokens = view_passes(checkpoint, view, duration_s)
    return n_passes and n_passes * pass_flops(checkpoint.architecture, n_tokens)


def _block_flops(dim: int, n_keys: int, n_queries: int) -> int:
    projections = 2 * dim * dim * (2 * n_keys + 2 * n_queries)  # key, value; query, output
    attention = 4 * n_queries * n_keys * dim  # scores, weighted sum
    mlp = 2 * 2 * n_queries * dim * 4 * dim
    return projections + attention + mlp
