"""Passes and FLOPs are what the network really does."""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from passt.architecture import Architecture
from passt.checkpoints import Checkpoint
from passt.lengths import n_frames
from passt.transformer import PaSST
from passt.variants import Variant
from passt.weights import load_embedder
from workflow.commands.cost import (
    Workload,
    clip_passes,
    count_views,
    embedding_size,
    n_parameters,
    n_tokens,
    pass_flops,
    view_flops,
)

TINY = {"init": "random", "hop": 320, "embed_dim": 64, "depth": 2, "num_heads": 1, "n_classes": 5}


@pytest.mark.parametrize(("view", "seconds"), [("scene", 1), ("scene", 11), ("rf160", 0.5)])
def test_flops_are_those_that_torch_counts(view, seconds):
    embedder = load_embedder(Checkpoint.from_config("tiny", TINY))
    audio = torch.zeros(1, int(seconds * 32000))
    counter = FlopCounterMode(display=False)
    with sdpa_kernel(SDPBackend.MATH), counter:
        embedder.embed(audio, view)
    passes = clip_passes(embedder.checkpoint, view, audio.shape[1])
    mel = passes.n_passes * 2 * 128 * 513 * n_frames(passes.n_samples, 320)
    assert view_flops(embedder, view, audio.shape[1]) == counter.get_total_flops() - mel


def test_sequence_lengths_are_table_2_s():
    hops = {320: 99, 160: 200, 100: 320}
    lengths = [n_tokens(Architecture(n_time_patches=t), hop, 320_000) for hop, t in hops.items()]
    assert lengths == [1190, 2390, 3830]


def test_the_whole_last_block_costs_a_block_more_than_its_two_tokens():
    a = Architecture()
    whole, short = (pass_flops(a, 1190, whole_last_block=w) for w in (True, False))
    assert 0.9 < short / whole < 0.95
    assert pass_flops(a, 2, whole_last_block=True) == pass_flops(a, 2)


def test_passes():
    checkpoint = Checkpoint.from_config("tiny", TINY)
    assert clip_passes(checkpoint, "scene", 320_000).n_passes == 1
    assert clip_passes(checkpoint, "scene", 320_001).n_passes == 5  # -5, -2.5, 0, 2.5, 5 s
    assert clip_passes(checkpoint, "rf160", 120 * 32_000).n_passes == 2401
    assert clip_passes(checkpoint, "mel", 32_000).n_passes == 0


def test_views_are_computed_once_and_counted_for_every_variant():
    checkpoint = Checkpoint.from_config("c", TINY)
    variants = [
        Variant("c", "M"),
        Variant("c", "LH", (160, 640)),
        Variant("c", "L", ()),
    ]
    work = [Workload("a", False, 3, 1.0), Workload("b", True, 2, 1.0)]
    costs = count_views(variants, {"c": checkpoint}, work)
    found = {(c.workload, c.view): (c.n_variants, c.n_passes) for c in costs}
    assert found == {
        ("a", "scene"): (2, 3),
        ("b", "rf160"): (2, 42),
        ("b", "rf640"): (1, 42),
        ("b", "mel"): (2, 0),
    }
    assert all(cost.flops < cost.reference_flops for cost in costs if cost.n_passes)


def test_sizes_without_a_network():
    architecture = Checkpoint.from_config("c", TINY).architecture
    assert embedding_size("c.rf160+rf640+mel.LMH", architecture) == 2 * (5 + 64) + 768
    assert n_parameters(architecture) == sum(p.numel() for p in PaSST(architecture).parameters())
