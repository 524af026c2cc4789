"""The benchmark: HEAR tasks, archives, audio, features, the downstream probe and its metrics."""
