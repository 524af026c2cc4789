"""PaSST with the HEAR API: load_model, get_scene_embeddings, get_timestamp_embeddings.

The representation of the study: mel front end, Patchout transformer, checkpoints, variants and
windows. Knows nothing of tasks.
"""

from passt.hear_api import (
    PaSSTModel,
    get_scene_embeddings,
    get_timestamp_embeddings,
    load_model,
)

__all__ = ["PaSSTModel", "get_scene_embeddings", "get_timestamp_embeddings", "load_model"]
