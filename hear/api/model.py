"""Third-party models with the HEAR API, behind the interface that ``embed`` uses.

https://hearbenchmark.com/hear-api.html: a module with ``load_model``, ``get_scene_embeddings``
and ``get_timestamp_embeddings``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hear.api.remote import RemoteModel, RemoteModule
from hear.api.source import LEVEL, ModelError, source_hash
from hear.api.worker import API, import_module, takes_arrays, weights_hash
from hear.audio.stored import StoredClip


class HearModel:
    """A third-party model with views ``scene`` and ``timestamp``.

    ``module`` is an import path or the path of a ``.py`` file. ``load_model`` is called with
    ``weights`` (omitted if empty, for the module's default) and the keyword arguments ``options``.
    With ``worker``, arguments of `hear.api.remote.RemoteModule`, the model runs in a process of
    another Python. A model with a true attribute ``takes_arrays`` takes and returns NumPy arrays
    instead of tensors. ModelError if the module cannot be imported or lacks a function or attribute
    of the API.
    """

    batch_s = 60.0  # audio of one call, in seconds, whatever the device: its memory is not known

    def __init__(
        self,
        module: str,
        weights: str = "",
        options: dict | None = None,
        worker: dict | None = None,
    ) -> None:
        self.module: Any = RemoteModule(module, **worker) if worker else import_model(module)
        if missing := [name for name in API if not callable(getattr(self.module, name, None))]:
            raise ModelError(f"model {module}: no function {', '.join(missing)} (HEAR API)")
        arguments = [weights] if weights else []
        try:
            self.model: Any = self.module.load_model(*arguments, **(options or {}))
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"model {module}: load_model failed: {error!r}") from error
        rate = getattr(self.model, "sample_rate", None)
        if not isinstance(rate, int) or isinstance(rate, bool) or rate < 1:
            raise ModelError(f"model {module}: expected an integer sample_rate (HEAR API)")
        self.sample_rate: int = rate
        self.device = "cpu"  # where audio is handed over; a worker moves it itself
        if isinstance(self.model, nn.Module):
            self.device = "cuda" if torch.cuda.is_available() else "cpu"
            self.model.to(self.device)

    @property
    def worker_cpu_s(self) -> float:
        """CPU seconds that the model's worker has used; 0 without one."""
        return self.module.cpu_s if isinstance(self.module, RemoteModule) else 0.0

    @property
    def worker_mkl(self) -> str:
        """MKL's path in the model's worker; empty without one."""
        return self.model.mkl if isinstance(self.model, RemoteModel) else ""

    def device_name(self) -> str:
        """Name of the GPU in use, or ``cpu``."""
        if isinstance(self.model, RemoteModel):
            return self.model.device
        return torch.cuda.get_device_name() if self.device == "cuda" else "cpu"

    def call(self, function: str, audio: Tensor) -> Any:
        """Call a function of the module; returned NumPy arrays are converted to tensors."""
        if not takes_arrays(self.model):
            return getattr(self.module, function)(audio.to(self.device), self.model)
        returned = getattr(self.module, function)(audio.numpy(), self.model)
        if isinstance(returned, np.ndarray):
            return torch.from_numpy(returned)
        return tuple(map(torch.from_numpy, returned))

    @torch.no_grad()
    def embed(self, audio: Tensor, view: str) -> tuple[dict[str, Tensor], Tensor | None]:
        """Embed clips, float32 (n_sounds, n_samples) in [-1, 1] at ``sample_rate``.

        Returns
        -------
        levels : dict
            ``{"E": (n_sounds, size) or (n_sounds, n_timestamps, size)}``, float32 on the CPU.
        timestamps : Tensor or None
            ms, float32 (n_timestamps,); None for scenes.

        Raises
        ------
        ModelError
            If the model fails, or the result has a wrong shape or is not finite.
        """
        try:
            if view == "scene":
                embeddings, timestamps = self.call("get_scene_embeddings", audio), None
            else:
                embeddings, timestamps = self.call("get_timestamp_embeddings", audio)
                timestamps = torch.as_tensor(timestamps)[0].detach().float().cpu()
            embeddings = torch.as_tensor(embeddings)
        except ModelError:  # of a worker
            raise
        except Exception as error:  # whatever a model's code may raise
            raise ModelError(f"model {self.module.__name__}: {view}: {error!r}") from error
        n_axes = 2 if view == "scene" else 3
        if embeddings.ndim != n_axes or len(embeddings) != len(audio):
            raise ModelError(
                f"model {self.module.__name__}: {view} embeddings: expected {n_axes} axes and "
                f"{len(audio)} sounds, found shape {tuple(embeddings.shape)}"
            )
        if embeddings.is_complex():
            found = f"{view} embeddings: expected real numbers, found {embeddings.dtype}"
            raise ModelError(f"model {self.module.__name__}: {found}")
        if not bool(torch.isfinite(embeddings).all()):
            raise ModelError(f"model {self.module.__name__}: {view} embeddings are not finite")
        return {LEVEL: embeddings.detach().float().cpu()}, timestamps

    def stream(
        self, audio: Tensor | StoredClip, view: str
    ) -> Iterator[tuple[dict[str, Tensor], Tensor | None]]:
        """Embed a batch of clips, yielded as one part: the API has no streaming."""
        whole = audio.stretch(0, audio.shape[1]) if isinstance(audio, StoredClip) else audio
        yield self.embed(whole, view)

    def fingerprint(self) -> str:
        """SHA-256 over the module's source file and the weights."""
        if isinstance(self.model, RemoteModel):
            source = self.model.source_sha256
        else:
            source = source_hash(self.module.__file__ or "")
        return hashlib.sha256((source + self.weights_hash()).encode()).hexdigest()

    def weights_hash(self) -> str:
        """SHA-256 over names and values of the network's parameters and buffers; empty if none."""
        if isinstance(self.model, RemoteModel):
            return self.model.weights_sha256
        return weights_hash(self.model)


def import_model(module: str) -> ModuleType:
    """Import a model's module by import path or file path; ModelError if that fails."""
    try:
        return import_module(module)
    except Exception as error:
        raise ModelError(f"model {module}: cannot be imported: {error}") from error
