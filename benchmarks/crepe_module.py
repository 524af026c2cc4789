"""CREPE for a process that does not have this project on its import path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from zoo.crepe import get_scene_embeddings, get_timestamp_embeddings, load_model

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model"]
