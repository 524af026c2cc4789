"""`python -m mini.pretraining DEST --n-clips N --seed S`: make the pretraining clips."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mini.pretraining.shards import make_dataset, shards_of, write_shard
from mini.task import MiniTaskError


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and make shards; exits with a one-line message if that fails."""
    parser = argparse.ArgumentParser(prog="python -m mini.pretraining", description=__doc__)
    parser.add_argument("destination", type=Path, help="folder that receives the data set")
    parser.add_argument("--n-clips", type=int, required=True, help="clips of the training split")
    parser.add_argument("--n-valid", type=int, default=400, help="clips of the validation split")
    parser.add_argument("--seed", type=int, default=0, help="root of every random draw, >= 0")
    parser.add_argument("--start", type=int, default=0, help="first shard (500 clips each)")
    parser.add_argument("--stop", type=int, help="shard to stop before; default: after the last")
    parser.add_argument("--in-process", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    counts = (options.n_clips, options.n_valid)
    try:
        shards = shards_of(*counts)
        if options.in_process is not None:
            write_shard(options.destination, shards[options.in_process], options.seed)
            return
        stop = len(shards) if options.stop is None else options.stop
        index = make_dataset(options.destination, *counts, options.seed, range(options.start, stop))
        print(index if index.exists() else f"shards {options.start} to {stop - 1} made")
    except (MiniTaskError, OSError) as error:
        sys.exit(f"mini.pretraining: {error}")


if __name__ == "__main__":
    main()
