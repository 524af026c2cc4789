"""`python -m mini SLUG DESTINATION --seed N`: generate one mini task in this process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mini.registry import MINI_TASKS, check_sources, find_entry, find_mini_task
from mini.task import MiniTaskError, Scale
from mini.writer import write_task


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and write one task; exits with a one-line message if that fails."""
    parser = argparse.ArgumentParser(prog="python -m mini", description=__doc__)
    parser.add_argument("slug", help=f"one of {', '.join(MINI_TASKS)}")
    parser.add_argument("destination", type=Path, help="directory that receives the task's folder")
    parser.add_argument("--seed", type=int, default=0, help="root of every random draw, >= 0")
    parser.add_argument(
        "--scale",
        type=float,
        nargs=2,
        default=(1.0, 1.0),
        metavar=("TRAIN", "TEST"),
        help="how many times the clips and their sources, of training and test parts",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)
    try:
        check_sources(find_entry(options.slug))
        for part in find_mini_task(options.slug).parts:
            scale = Scale(*options.scale)
            write_task(part, options.destination, options.seed, scale, not options.quiet)
    except (MiniTaskError, OSError) as error:
        sys.exit(f"mini: {error}")


if __name__ == "__main__":
    main()
