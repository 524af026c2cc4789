"""The HEAR API over one PaSST variant.

https://hearbenchmark.com/hear-api.html: ``load_model``, ``get_scene_embeddings`` and
``get_timestamp_embeddings``, with the sizes and the sample rate on the model.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from passt.checkpoints import (
    RELEASED,
    Checkpoint,
    CheckpointError,
    infer_architecture,
    read_tensors,
)
from passt.embedder import Embedder
from passt.variants import RELEASED_MODULES, Embedding, Variant


class PaSSTModel(nn.Module):
    """One variant with its sizes.

    Attributes
    ----------
    sample_rate : int
        32000 Hz.
    scene_embedding_size, timestamp_embedding_size : int
        The first is 0 for level L alone, which has no scene embedding.
    """

    def __init__(self, embedder: Embedder, variant: Variant) -> None:
        super().__init__()
        self.embedder = embedder
        self.variant = variant
        self.sample_rate = embedder.sample_rate
        scene = variant.scene_embedding
        self.scene_embedding_size = self._size(scene) if scene else 0
        self.timestamp_embedding_size = self._size(variant.timestamp_embedding)

    def _size(self, name: str) -> int:
        return sum(self.embedder.size(view, level) for view, level in _components(name))

    def embed(self, audio: Tensor, name: str) -> tuple[Tensor, Tensor | None]:
        """Concatenate the components of the embedding called ``name``."""
        components = _components(name)
        views = {view: self.embedder.embed(audio, view) for view in dict(components)}
        parts = [views[view][0][level] for view, level in components]
        return torch.cat(parts, dim=-1), next(iter(views.values()))[1]


def load_model(
    model_file_path: str = "",
    checkpoint: str | None = None,
    levels: str = "MH",
    receptive_fields_ms: tuple[int, ...] = (160,),
    module: str | None = None,
) -> PaSSTModel:
    """Load a variant of PaSST.

    Parameters
    ----------
    model_file_path : str
        Weights (``.pt`` or ``.safetensors``). Empty: the released file of ``checkpoint`` below
        ``resources/checkpoints``.
    checkpoint : str, optional
        ``passt_hop10``, ``passt_hop5`` or ``passt_hop3``: which STFT hop the weights are for. By
        default the one whose number of time positions (99, 200, 320) the file has, and
        ``passt_hop10`` without a file.
    levels : str
        Subset of ``"LMH"``: mel, features, logits.
    receptive_fields_ms : tuple of int
        Windows around a timestamp, in ms.
    module : str, optional
        Name of a released module of hear21passt (e.g. ``base2levelmel``), which sets the three
        arguments above.

    Returns
    -------
    PaSSTModel

    Raises
    ------
    CheckpointError
        If the weights are missing or do not fit.
    ValueError
        If a level, a receptive field or the module is unknown.
    """
    if module is not None:
        if module not in RELEASED_MODULES:
            known = sorted(RELEASED_MODULES)
            raise ValueError(f"module: expected one of {known}, found {module!r}")
        hop_id, levels, receptive_fields_ms = RELEASED_MODULES[module]
        checkpoint = f"passt_{hop_id}"
    if checkpoint is not None and checkpoint not in RELEASED:
        known = sorted(RELEASED)
        raise CheckpointError(f"checkpoint: expected one of {known}, found {checkpoint!r}")
    if model_file_path:
        weights = _from_file(model_file_path, checkpoint)
    else:
        checkpoint = checkpoint or "passt_hop10"
        weights = Checkpoint.from_config(checkpoint, {"released": checkpoint})
    variant = Variant(weights.id, levels, tuple(receptive_fields_ms))
    model = PaSSTModel(weights.embedder(), variant)
    return model.cuda() if torch.cuda.is_available() else model


def get_scene_embeddings(audio: Tensor, model: PaSSTModel) -> Tensor:
    """Embed whole clips.

    Parameters
    ----------
    audio : Tensor
        float32, shape (n_sounds, n_samples), mono in [-1, 1] at ``model.sample_rate``.
    model : PaSSTModel

    Returns
    -------
    Tensor
        float32, shape (n_sounds, model.scene_embedding_size).

    Raises
    ------
    AudioError
        If the audio cannot be embedded.
    ValueError
        If the variant is level L alone.
    """
    name = model.variant.scene_embedding
    if name is None:
        raise ValueError("level L exists at timestamps only: this variant has no scene embedding")
    return model.embed(audio, name)[0]


def get_timestamp_embeddings(audio: Tensor, model: PaSSTModel) -> tuple[Tensor, Tensor]:
    """Embed a window around every timestamp, every 50 ms.

    Parameters
    ----------
    audio : Tensor
        float32, shape (n_sounds, n_samples), mono in [-1, 1] at ``model.sample_rate``.
    model : PaSSTModel

    Returns
    -------
    embeddings : Tensor
        float32, shape (n_sounds, n_timestamps, model.timestamp_embedding_size).
    timestamps : Tensor
        Centers in ms, float32, shape (n_sounds, n_timestamps).

    Raises
    ------
    AudioError
        If the audio cannot be embedded.
    """
    embeddings, timestamps = model.embed(audio, model.variant.timestamp_embedding)
    return embeddings, timestamps.repeat(len(audio), 1)


def _from_file(path: str, checkpoint: str | None) -> Checkpoint:
    """Tell the hop of a file's network by its time positions; refuse what contradicts it."""
    if not Path(path).is_file():
        raise CheckpointError(f"no checkpoint file {path}")
    architecture = infer_architecture(read_tensors(Path(path)))
    positions = architecture.n_time_patches
    by_positions = {c.architecture.n_time_patches: id for id, c in RELEASED.items()}
    found = by_positions.get(positions, checkpoint)
    if found is None or (checkpoint and checkpoint != found):
        raise CheckpointError(
            f"{path}: {positions} time positions, which {found or 'no released network'} has; "
            f"checkpoint={checkpoint!r} does not say otherwise: name the one with its STFT hop"
        )
    return Checkpoint(found, RELEASED[found].hop, architecture, path)


def _components(name: str) -> tuple[tuple[str, str], ...]:
    return Embedding.parse(name).components
