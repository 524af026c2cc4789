"""Cost of embedding, counted from the architecture: sequence lengths, passes, FLOPs.

A multiply-add counts as two operations; what is counted are the matrix products of the network
(patch projection, attention, MLP, head), which are all but a few percent of its time. The mel
front end, norms, softmax and activations are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from passt.architecture import PATCH_SIZE, Architecture
from passt.checkpoints import Checkpoint
from passt.embedder import Embedder
from passt.lengths import SAMPLE_RATE_HZ, TIMESTAMP_HOP_MS, n_frames, n_windows, samples
from passt.transformer import PaSST
from passt.variants import Embedding, Variant

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


def clip_passes(checkpoint: Checkpoint, view: str, n_samples: int) -> Passes:
    """Forward passes of the network over one clip.

    Parameters
    ----------
    checkpoint : Checkpoint
        Its scene window and hop count.
    view : str
        ``scene``, ``rf<ms>`` or ``mel`` (which needs none).
    n_samples : int
        Length of the clip at 32 kHz.
    """
    if view == "mel":
        return Passes(0, 0)
    window, hop = samples(checkpoint.scene_window_ms), samples(checkpoint.scene_hop_ms)
    if view == "scene" and n_samples <= window:
        return Passes(1, n_samples)
    if view != "scene":
        window = samples(float(view.removeprefix("rf")))
        hop = samples(TIMESTAMP_HOP_MS)
    return Passes(n_windows(n_samples, window, hop), window)


def n_tokens(architecture: Architecture, hop: int, n_samples: int) -> int:
    """Sequence length of one pass over ``n_samples`` samples, both tokens included."""
    columns = architecture.time_patches(n_frames(n_samples, hop))
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
    passes = clip_passes(embedder.checkpoint, view, n_samples)
    if not passes.n_passes:
        return 0
    architecture = embedder.network.architecture
    tokens = n_tokens(architecture, embedder.mel.hop, passes.n_samples)
    return passes.n_passes * pass_flops(architecture, tokens)


@dataclass(frozen=True)
class Workload:
    """Clips of equal length that are to be embedded.

    Attributes
    ----------
    name : str
    at_timestamps : bool
        Whether timestamp embeddings are wanted, or scene embeddings.
    n_clips : int
    duration_s : float
    """

    name: str
    at_timestamps: bool
    n_clips: int
    duration_s: float


@dataclass(frozen=True)
class ViewCost:
    """What one checkpoint does over one view of a workload.

    Attributes
    ----------
    workload, checkpoint, view : str
    at_timestamps : bool
    n_variants : int
        Variants that read it: how often it is computed if each runs by itself.
    n_passes, n_tokens : int
        Forward passes, and the sequence length of each (0 for the mel level).
    flops, reference_flops : int
        Of all passes: as computed here, and with the whole last block, as the released modules do.
    """

    workload: str
    checkpoint: str
    view: str
    at_timestamps: bool
    n_variants: int
    n_passes: int
    n_tokens: int
    flops: int
    reference_flops: int


def count_views(
    variants: Iterable[Variant],
    checkpoints: Mapping[str, Checkpoint],
    workloads: Iterable[Workload],
) -> list[ViewCost]:
    """Count the passes over every view that the variants need, each view once.

    Parameters
    ----------
    variants : iterable of Variant
    checkpoints : mapping of str to Checkpoint
        By id; their weights are not read.
    workloads : iterable of Workload

    Returns
    -------
    list of ViewCost
        In the order of workloads; the sum of ``n_passes`` is what computing once takes, that of
        ``n_variants * n_passes`` what each variant by itself takes.
    """
    variants = list(variants)
    costs = []
    for work in workloads:
        names = [
            v.timestamp_embedding if work.at_timestamps else v.scene_embedding for v in variants
        ]
        embeddings = [Embedding.parse(name) for name in names if name]
        readers = Counter((e.checkpoint, view) for e in embeddings for view in e.views)
        for (id, view), n_variants in readers.items():
            costs.append(view_cost(checkpoints[id], view, work, n_variants))
    return costs


def view_cost(checkpoint: Checkpoint, view: str, work: Workload, n_variants: int = 1) -> ViewCost:
    """Count what one checkpoint does over one view of a workload."""
    passes = clip_passes(checkpoint, view, round(work.duration_s * SAMPLE_RATE_HZ))
    tokens, flops, reference_flops = 0, 0, 0
    n_passes = work.n_clips * passes.n_passes
    if n_passes:
        architecture = checkpoint.architecture
        tokens = n_tokens(architecture, checkpoint.hop, passes.n_samples)
        flops = n_passes * pass_flops(architecture, tokens)
        reference_flops = n_passes * pass_flops(architecture, tokens, whole_last_block=True)
    kind = work.at_timestamps
    key = (work.name, checkpoint.id, view, kind, n_variants)
    return ViewCost(*key, n_passes, tokens, flops, reference_flops)


def embedding_size(name: str, architecture: Architecture) -> int:
    """Length of an embedding's vector, by its canonical name."""
    return Embedding.parse(name).size(architecture)


def n_parameters(architecture: Architecture) -> int:
    """Parameters of a network, without making their memory."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in PaSST(architecture).parameters())
