"""PaSST with the HEAR API: load_model, get_scene_embeddings, get_timestamp_embeddings.

The package holds the mel front end, the Patchout transformer, checkpoints, variants and windows; it
is independent of the tasks. The API functions are imported on first use, so that checkpoints and
variants can be described without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from passt.hear_api import (
        PaSSTModel,
        get_scene_embeddings,
        get_timestamp_embeddings,
        load_model,
    )

__version__ = "0.2.0"  # of this software; CITATION.cff and CHANGELOG.md agree

__all__ = ["PaSSTModel", "get_scene_embeddings", "get_timestamp_embeddings", "load_model"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from passt import hear_api

    return getattr(hear_api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
