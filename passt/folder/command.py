"""Embed all audio files of a folder, nested folders included, into one table."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from passt.checkpoints import RELEASED
from passt.variants import LEVELS

LISTED = 20  # failed files on standard error; the table has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``embed``."""
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="any formats, rates and channels of libsndfile")
    add(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="FILE.parquet (with pyarrow), FILE.npz, or FILE.npy, whose rows FILE.csv names",
    )
    released = "released weights, downloaded once (default: passt_hop10)"
    add("--checkpoint", choices=sorted(RELEASED), help=released)
    add("--weights", default="", metavar="FILE", help="weights of your own instead")
    levels = f"of {LEVELS}: mel, features, logits (default: MH); M@6: features of block 6"
    add("--levels", default="MH", help=levels)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--scene", action="store_true", help="one embedding per file (the default)")
    kind.add_argument("--timestamps", action="store_true", help="one every 50 ms")
    fields = "windows around a timestamp (default: 160)"
    add("--receptive-field-ms", type=int, nargs="+", default=[160], metavar="MS", help=fields)
    add("--tags", type=int, default=0, metavar="N", help="with the N most probable tags")
    add("--float16", action="store_true", help="half the size")
    add("--device", default="auto", help="cpu, cuda, mps; by default CUDA if there is one")
    slower = "without MKL's fast path on processors that are not Intel's (docs/protocol.md)"
    add("--no-mkl-fast-path", action="store_true", help=slower)
    add("--workers", type=int, default=len(usable_cpus()), help="files in flight (default: CPUs)")


def run(arguments: argparse.Namespace) -> None:
    """Embed the folder; ValueError or OSError if none of it can be embedded."""
    import torch

    from passt import mkl
    from passt.folder.embed import FileEmbedder, embed_folder
    from passt.folder.table import writer
    from passt.hear_api import load_model

    if not arguments.folder.is_dir():
        raise ValueError(f"expected a folder, found {arguments.folder}")
    if arguments.workers < 1:
        raise ValueError(f"--workers: expected at least 1, found {arguments.workers}")
    write = writer(arguments.output)
    torch.set_num_threads(1)  # per worker: sums depend on it, and are to depend on nothing else
    if not arguments.no_mkl_fast_path:
        mkl.take_fast_path()
    model = load_model(
        arguments.weights,
        arguments.checkpoint,
        arguments.levels,
        tuple(arguments.receptive_field_ms),
        device=arguments.device,
    )
    storage = "float16" if arguments.float16 else "float32"
    embedder = FileEmbedder(model, arguments.timestamps, arguments.tags, storage)
    records = embed_folder(arguments.folder, arguments.output, embedder, write, arguments.workers)
    failed = [record for record in records if record.error]
    lines = [f"not embedded: {record.file}: {record.error}" for record in failed[:LISTED]]
    if len(failed) > LISTED:
        lines.append(f"not embedded: {len(failed) - LISTED} more; the table has all of them")
    lines.append(f"{len(records) - len(failed)} of {len(records)} files in {arguments.output}")
    print("\n".join(lines), file=sys.stderr)


def usable_cpus() -> set[int]:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
