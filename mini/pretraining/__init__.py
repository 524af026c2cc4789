"""Generated multi-label clips to pre-train a small PaSST on, as AudioSet is for the real one.

`music`, `struck`, `people`, `happenings` and `surroundings` make sources with tags; `scenes`
mixes them into clips; `shards` writes wav files and their index. Every source is disjoint from
those of the mini tasks, see `mini.allotment`.
"""
