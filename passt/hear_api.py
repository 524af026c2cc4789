"""The HEAR API over one PaSST variant.

https://hearbenchmark.com/hear-api.html: ``load_model``, ``get_scene_embeddings`` and
``get_timestamp_embeddings``, with the sizes and the sample rate on the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from passt.architecture import Architecture
from passt.cache import fetch_weights
from passt.checkpoints import RELEASED, Checkpoint, CheckpointError, released_modules
from passt.embedder import Embedder
from passt.files import sha256_file
from passt.lengths import check_receptive_field
from passt.variants import Embedding, Variant, levels_of
from passt.weights import infer_architecture, load_embedder, read_tensors
from passt.windows import StoredAudio


class PaSSTModel(nn.Module):
    """One variant with its sizes; with level L alone, the scene embedding has size 0."""

    def __init__(self, embedder: Embedder, variant: Variant) -> None:
        super().__init__()
        self.embedder = embedder
        self.variant = variant
        self.sample_rate = embedder.sample_rate
        scene = variant.scene_embedding
        self.scene_embedding_size = self._size(scene) if scene else 0
        self.timestamp_embedding_size = self._size(variant.timestamp_embedding)

    def _size(self, name: str) -> int:
        return Embedding.parse(name).size(self.embedder.network.architecture)

    def components(
        self, audio: Tensor | StoredAudio, pairs: Sequence[tuple[str, str]]
    ) -> tuple[list[Tensor], Tensor | None]:
        """Embed clips as (view, level) pairs, one pass per view; and timestamps in ms or None."""
        views = {view: self.embedder.embed(audio, view) for view in dict(pairs)}
        return [views[view][0][level] for view, level in pairs], next(iter(views.values()))[1]

    def embed(self, audio: Tensor, name: str) -> tuple[Tensor, Tensor | None]:
        """Concatenate the components of the embedding called ``name``."""
        parts, timestamps = self.components(audio, Embedding.parse(name).components)
        return torch.cat(parts, dim=-1), timestamps


def load_model(
    model_file_path: str = "",
    checkpoint: str | None = None,
    levels: str = "MH",
    receptive_fields_ms: tuple[int, ...] = (160,),
    module: str | None = None,
    device: str = "auto",
    progress: bool = True,
) -> PaSSTModel:
    """Load a variant of PaSST.

    CheckpointError if the weights are unavailable, do not fit, or match several checkpoints;
    ValueError for an unknown level, block, receptive field or module.

    Parameters
    ----------
    model_file_path : str
        Weights (``.pt`` or ``.safetensors``). Empty: the released file of ``checkpoint``, which
        `passt.cache.fetch_weights` downloads once.
    checkpoint : str, optional
        Entry of `passt.checkpoints.RELEASED` that gives the STFT hop and the scene windows. By
        default the entry with the file's time positions and stride; among several, the file's hash
        or released name decides, or the first if all have the same hop and scene window. Without a
        file, ``passt_hop10``.
    levels : str
        Subset of ``"LMH"``: mel, features, logits. ``M@6`` stands for the features after block 6 of
        the network and comes before M, as in ``"LM@3M@6MH"`` (`passt.variants`).
    receptive_fields_ms : tuple of int
        Windows around a timestamp, in ms.
    module : str, optional
        Name of a released hear21passt module (e.g. ``base2levelmel``), which sets the three
        arguments above.
    device : str
        Device, as for `passt.weights.choose_device`; the model can be moved later.
    progress : bool
        Report the progress of a download on standard error.
    """
    if module is not None:
        modules = released_modules()
        if module not in modules:
            raise ValueError(f"module: expected one of {sorted(modules)}, found {module!r}")
        checkpoint, levels, receptive_fields_ms = astuple(modules[module])
    if checkpoint is not None and checkpoint not in RELEASED:
        known = sorted(RELEASED)
        raise CheckpointError(f"checkpoint: expected one of {known}, found {checkpoint!r}")
    if model_file_path:
        weights = _from_file(model_file_path, checkpoint)
    else:
        weights = RELEASED[checkpoint or next(iter(RELEASED))]
    levels = levels_of(levels, weights.architecture.depth)
    if isinstance(receptive_fields_ms, int):
        raise ValueError(f"receptive_fields_ms: expected a tuple, found {receptive_fields_ms}")
    variant = Variant(weights.id, levels, tuple(receptive_fields_ms))
    for ms in variant.receptive_fields_ms:
        try:
            check_receptive_field(ms, weights.hop, weights.architecture)
        except ValueError as error:
            raise ValueError(f"receptive field: {error}") from None
    weights = fetch_weights(weights, progress)
    return PaSSTModel(load_embedder(weights, device, blocks=variant.blocks), variant)


def get_scene_embeddings(audio: Tensor, model: PaSSTModel) -> Tensor:
    """Embed whole clips; returns float32 (n_sounds, model.scene_embedding_size).

    ``audio`` is float32 (n_sounds, n_samples), mono in [-1, 1] at ``model.sample_rate``. AudioError
    if the audio cannot be embedded; ValueError for a variant with level L alone.
    """
    name = model.variant.scene_embedding
    if name is None:
        raise ValueError("level L exists at timestamps only: this variant has no scene embedding")
    return model.embed(audio, name)[0]


def get_timestamp_embeddings(audio: Tensor, model: PaSSTModel) -> tuple[Tensor, Tensor]:
    """Embed one window per timestamp, every 50 ms; ``audio`` as for `get_scene_embeddings`.

    Returns the embeddings, (n_sounds, n_timestamps, model.timestamp_embedding_size), and the
    timestamps, centers in ms, (n_sounds, n_timestamps), both float32.
    """
    embeddings, timestamps = model.embed(audio, model.variant.timestamp_embedding)
    assert timestamps is not None, "only scenes have none"
    return embeddings, timestamps.repeat(len(audio), 1)


def _from_file(path: str, name: str | None) -> Checkpoint:
    """Match a weight file to a released checkpoint; reject a contradiction with ``name``."""
    if not Path(path).is_file():
        raise CheckpointError(f"no checkpoint file {path}")
    architecture = infer_architecture(read_tensors(Path(path)))
    alike = [c for c in RELEASED.values() if _grid(c.architecture) == _grid(architecture)]
    if len(alike) > 1:
        sha256 = sha256_file(Path(path))
        alike = [c for c in alike if c.sha256 == sha256] or alike
    if name is None:
        alike = [c for c in alike if Path(str(c.file)).name == Path(path).name] or alike
    ids = [c.id for c in alike]
    owners = " and ".join(ids) or "no released network"
    has = "have" if len(ids) > 1 else "has"
    positions, stride = architecture.n_time_patches, architecture.tstride
    shape = f"{path}: {positions} time positions at stride {stride}, which {owners} {has}"
    if name is None and len({(c.hop, c.scene_window_ms, c.scene_hop_ms) for c in alike}) > 1:
        raise CheckpointError(f"{shape}: say by checkpoint= which of them the weights are for")
    chosen = name or next(iter(ids), "")
    if not chosen or (ids and chosen not in ids):
        known = f"one of {', '.join(ids)}" if ids else "the released one with its STFT hop"
        raise CheckpointError(f"{shape}: expected checkpoint= to name {known}, found {name!r}")
    base = RELEASED[chosen]
    scene: dict = {} if ids else {"scene_window_ms": None, "scene_hop_ms": None}
    return replace(base, architecture=architecture, file=path, sha256=None, url=None, **scene)


def _grid(architecture: Architecture) -> tuple[int, int, int]:
    """Time positions and strides of a network, which its front end must match."""
    return architecture.n_time_patches, architecture.fstride, architecture.tstride
