"""Initial weights: seeded random weights, a PaSST checkpoint, or DeiT trained on images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from passt.architecture import N_TOKENS
from passt.training.recipe import Recipe
from passt.transformer import INIT_STD, PaSST, initialize
from passt.weights import read_tensors


def initial_network(recipe: Recipe, targets: NDArray[np.bool_]) -> PaSST:
    """Initialize the network for training on clips with targets (n_clips, n_tags).

    ``initial_weights`` is a file with PaSST weights, whose time positions are interpolated to the
    recipe's hop, or with the published weights of a distilled DeiT
    (``deit_base_distilled_patch16_384``): its RGB kernels are summed, and its grid of positions is
    interpolated to the network's and averaged along the other axis, as in the paper. Heads for
    other tags are random; if it is None, all weights are. ValueError for a file with missing or
    extra tensors.
    """
    network = initialize(PaSST(recipe.architecture(targets.shape[1])), recipe.seed)
    _start_from_scratch(network, recipe)
    if recipe.prior_bias:
        odds = (targets.sum(0) + 1) / ((~targets).sum(0) + 1)
        network.get_parameter("head.1.bias").data.copy_(torch.from_numpy(np.log(odds)))
    if recipe.initial_weights is None:
        return network
    path = Path(recipe.initial_weights)
    if not path.is_file():
        raise ValueError(f"initial_weights: no file {path}")
    tensors = read_tensors(path)
    try:
        if "pos_embed" in tensors:
            tensors = _from_images(tensors, network)
        elif "time_new_pos_embed" in tensors:
            positions = tensors["time_new_pos_embed"].float()  # (1, embed_dim, 1, n_time_patches)
            size = (1, recipe.n_time_patches)  # every moment of a clip as at the other hop
            stretched = F.interpolate(positions, size=size, mode="bilinear")
            tensors = tensors | {"time_new_pos_embed": stretched}
    except Exception as error:  # of torch, for shapes and types of every kind
        raise ValueError(f"initial_weights: {path} does not fit the network: {error}") from error
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    heads = [name for name in shapes if name.startswith("head")]
    kept = all(name in tensors and tensors[name].shape == shapes[name] for name in heads)
    expected = {k: v for k, v in shapes.items() if kept or k not in heads}
    wrong = [k for k, v in expected.items() if k not in tensors or tensors[k].shape != v]
    if wrong:
        raise ValueError(
            f"initial_weights: {path} does not fit the network: {', '.join(wrong)} "
            "missing or of another shape"
        )
    network.load_state_dict({name: tensors[name].float() for name in expected}, strict=False)
    return network


@torch.no_grad()
def _start_from_scratch(network: PaSST, recipe: Recipe) -> None:
    """Scale the random weights according to the recipe."""
    network.freq_new_pos_embed.mul_(recipe.row_position_std / INIT_STD)
    if not recipe.fan_in_weights:
        return
    generator = torch.Generator().manual_seed(recipe.seed)
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            bound = module.weight[0].numel() ** -0.5  # torch's default for these layers
            module.weight.uniform_(-bound, bound, generator=generator)


def _from_images(tensors: dict[str, Tensor], network: PaSST) -> dict[str, Tensor]:
    """Convert an image transformer's weights to a spectrogram transformer's."""
    tensors = dict(tensors)
    positions = tensors.pop("pos_embed")
    tensors["new_pos_embed"] = positions[:, :N_TOKENS]
    grid = positions[:, N_TOKENS:].transpose(1, 2)
    side = round(grid.shape[-1] ** 0.5)
    size = (network.architecture.n_freq_patches, network.architecture.n_time_patches)
    grid = F.interpolate(grid.unflatten(2, (side, side)), size=size, mode="bicubic")
    tensors["freq_new_pos_embed"] = grid.mean(dim=3, keepdim=True)
    tensors["time_new_pos_embed"] = grid.mean(dim=2, keepdim=True)
    kernels = tensors["patch_embed.proj.weight"]
    tensors["patch_embed.proj.weight"] = kernels.sum(dim=1, keepdim=True)
    return tensors
