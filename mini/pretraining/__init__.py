"""Generated multi-label clips for pre-training a small PaSST, in place of AudioSet.

`music`, `struck`, `people`, `happenings` and `surroundings` make sources with tags; `scenes`
mixes them into clips; `shards` writes wav files and their index. Every source is disjoint from
those of the mini tasks, see `mini.allotment`.
"""
