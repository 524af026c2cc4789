"""The benchmark: HEAR tasks, their archives and audio, the downstream probe, events and metrics.

Nothing here knows about PaSST or about figures: embeddings come in as arrays, scores go out as
tables. Source of the formats and of the protocol: HEAR 2021 (Turian et al., 2022) and its
reference implementation, heareval 2021.
"""
