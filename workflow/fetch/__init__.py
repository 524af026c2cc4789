"""Archives and released weights: sources, expected hashes, disk space."""
