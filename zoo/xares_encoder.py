"""Encoders of X-ARES and XARES-LLM with the HEAR API.

X-ARES (Zhang et al., arXiv 2505.16369): a torch module whose class name ends in ``Encoder``, with
``sampling_rate`` in Hz, ``output_dim`` and ``hop_size_in_ms``; ``forward`` maps audio (n_sounds,
n_samples) to frames (n_sounds, n_frames, output_dim), where frame ``i`` covers the audio from hop
``i`` to hop ``i + 1``. XARES-LLM's classes have only ``output_dim``; their ``forward`` also takes a
mask of the samples, and returns frames and their mask (1: keep) or None.

A worker can import this file with Python 3.8 or later, without this project.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn


class XaresModel(nn.Module):
    """An encoder with the HEAR API's attributes, and the times of its frames in ms."""

    def __init__(
        self, encoder: nn.Module, sample_rate: int, hop_ms: float, first_ms: float
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.sample_rate, self.hop_ms, self.first_ms = sample_rate, hop_ms, first_ms
        self.scene_embedding_size = self.timestamp_embedding_size = encoder.output_dim
        self.takes_mask = "audio_attention_mask" in inspect.signature(encoder.forward).parameters

    def forward(self, audio: Tensor) -> Tensor:
        """Map audio (n_sounds, n_samples) to frames (n_sounds, n_frames, size).

        Frames that the encoder's mask drops are omitted; they are the same for all clips of a
        batch, which have equal lengths. ValueError if frames or mask have another shape.
        """
        masks = [torch.ones_like(audio, dtype=torch.long)] if self.takes_mask else []
        returned = self.encoder(audio, *masks)
        frames, kept = returned if isinstance(returned, (tuple, list)) else (returned, None)
        if frames.ndim != 3:
            raise ValueError(
                "forward: expected frames (n_sounds, n_frames, output_dim), found "
                f"{tuple(frames.shape)}"
            )
        if kept is None:
            return frames
        if kept.shape != frames.shape[:2]:
            raise ValueError(
                f"forward: expected a mask of the frames {tuple(frames.shape[:2])}, found "
                f"{tuple(kept.shape)}"
            )
        return frames[:, kept[0].bool()]


def load_model(
    model_file_path: str = "",
    module: str = "",
    class_name: str | None = None,
    options: dict | None = None,
    sample_rate: int | None = None,
    hop_ms: float | None = None,
    first_ms: float | None = None,
) -> XaresModel:
    """Create an encoder in evaluation mode.

    Parameters
    ----------
    model_file_path : str
        Passed to the class if not empty; X-ARES's own encoders locate their weights themselves.
    module : str
        Import path or ``.py`` file of the class.
    class_name : str, optional
        By default the module's only torch class whose name ends in ``Encoder``.
    options : dict, optional
        Keyword arguments of the class.
    sample_rate, hop_ms : optional
        Override the encoder's ``sampling_rate`` and ``hop_size_in_ms``.
    first_ms : float, optional
        Time of the first frame, by default the middle of its hop.

    Raises
    ------
    ValueError
        If there is no such class, or an attribute that the HEAR API requires is missing.
    """
    try:
        imported = _import(module)
    except Exception as error:  # whatever a module's code may raise
        raise ValueError(f"module: {module} cannot be imported: {error}") from error
    weights = [model_file_path] if model_file_path else []
    encoder = _find_class(imported, class_name)(*weights, **(options or {}))
    if not isinstance(encoder, nn.Module):
        raise ValueError(f"expected a torch.nn.Module, found {type(encoder).__name__}")
    if not hasattr(encoder, "output_dim"):
        raise ValueError(f"expected output_dim of {type(encoder).__name__}, found none")
    rate = _said("sample_rate", sample_rate, encoder, "sampling_rate")
    hop = _said("hop_ms", hop_ms, encoder, "hop_size_in_ms")
    first = hop / 2 if first_ms is None else first_ms
    return XaresModel(encoder, int(rate), hop, first).eval()


@torch.no_grad()
def get_scene_embeddings(audio: Tensor, model: XaresModel) -> Tensor:
    """Mean over frames: audio (n_sounds, n_samples) to (n_sounds, size)."""
    return model(audio).mean(dim=1)


@torch.no_grad()
def get_timestamp_embeddings(audio: Tensor, model: XaresModel) -> tuple[Tensor, Tensor]:
    """The encoder's frames, (n_sounds, n_timestamps, size), and their centers in ms."""
    frames = model(audio)
    times = model.first_ms + model.hop_ms * torch.arange(frames.shape[1])
    return frames, times.float().repeat(len(frames), 1)


def _said(key: str, value: float | None, encoder: nn.Module, attribute: str) -> float:
    """Value of the config or of the encoder's attribute; ValueError if neither has it."""
    value = getattr(encoder, attribute, None) if value is None else value
    if isinstance(value, (int, float)) and value > 0:
        return value
    name = type(encoder).__name__
    raise ValueError(f"{key}: expected it in the config or as {name}.{attribute}, found {value!r}")


def _find_class(module: ModuleType, name: str | None) -> type:
    """Find the encoder's class by name, or the only one that X-ARES would accept."""
    classes = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, nn.Module)
    }
    if name is not None:
        if name not in classes:
            known = ", ".join(classes) or "none"
            raise ValueError(f"class_name: expected a torch.nn.Module of the module ({known}), "
                             f"found {name!r}")  # fmt: skip
        return classes[name]
    named = {key: value for key, value in classes.items() if key.endswith("Encoder")}
    own = {key: value for key, value in named.items() if value.__module__ == module.__name__}
    found = own or named
    if len(found) != 1:
        raise ValueError(
            "class_name: expected one torch.nn.Module of the module whose name ends in Encoder, "
            f"found {', '.join(found) or 'none'}"
        )
    return next(iter(found.values()))


def _import(module: str) -> ModuleType:
    """Import the encoder's module; a file may import its neighbors."""
    if not module.endswith(".py"):
        return importlib.import_module(module)
    path = Path(module).absolute()
    sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, str(path))
    assert spec and spec.loader, "the name ends in .py"
    found = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = found
    spec.loader.exec_module(found)
    return found
