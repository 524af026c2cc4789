"""Passes and FLOPs are what the network really does."""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from passt.architecture import Architecture
from passt.checkpoints import Checkpoint
from passt.lengths import n_frames
from passt.transformer import MANY_ROWS
from passt.weights import load_embedder
from workflow.commands.cost import pass_flops, view_flops, view_passes

TINY = {"init": "random", "hop": 320, "embed_dim": 64, "depth": 2, "num_heads": 1, "n_classes": 5}


@pytest.mark.parametrize(("view", "seconds"), [("scene", 1), ("scene", 11), ("rf160", 0.5)])
def test_flops_are_those_that_torch_counts(view, seconds):
    checkpoint = Checkpoint.from_config("tiny", TINY)
    embedder, counter = load_embedder(checkpoint), FlopCounterMode(display=False)
    with sdpa_kernel(SDPBackend.MATH), counter:
        embedder.embed(torch.zeros(1, int(seconds * 32000)), view)
    n_passes, _ = view_passes(checkpoint, view, seconds)
    n_samples = {"scene": 32000 * min(seconds, 10), "rf160": 5120}[view]
    mel = n_passes * 2 * 128 * 513 * n_frames(n_samples, checkpoint.hop)
    dim = checkpoint.architecture.embed_dim  # zeros behind the last block's and the head's rows
    zeros = MANY_ROWS * (20 * dim**2 + 2 * dim * checkpoint.architecture.n_classes)
    assert view_flops(checkpoint, view, seconds) == counter.get_total_flops() - mel - zeros


@pytest.mark.parametrize(
    ("hop", "n_positions", "n_tokens"), [(320, 99, 1190), (160, 200, 2390), (100, 320, 3830)]
)
def test_sequence_lengths_are_table_2_s(hop, n_positions, n_tokens):
    checkpoint = Checkpoint("x", hop, Architecture(n_time_patches=n_positions))
    assert view_passes(checkpoint, "scene", 10) == (1, n_tokens)


def test_the_whole_last_block_costs_a_block_more_than_its_two_tokens():
    a = Architecture()
    whole, short = (pass_flops(a, 1190, whole_last_block=w) for w in (True, False))
    assert 0.9 < short / whole < 0.95
    assert pass_flops(a, 2, whole_last_block=True) == pass_flops(a, 2)


def test_passes():
    tiny = Checkpoint.from_config("tiny", TINY)
    assert view_passes(tiny, "scene", 10)[0] == 1
    assert view_passes(tiny, "scene", 10 + 1 / 32000)[0] == 5  # -5, -2.5, 0, 2.5, 5 s
    assert view_passes(tiny, "rf160", 120)[0] == 2401
    assert view_passes(tiny, "mel", 1) == (0, 0)
