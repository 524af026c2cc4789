"""Export a network to ONNX files that run without torch, with a model card."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from passt.checkpoints import RELEASED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``export``."""
    add = parser.add_argument
    add("--onnx", type=Path, required=True, metavar="FILE.onnx", help="the file; FILE.md beside it")
    released = "released weights, downloaded once (default: passt_hop10)"
    add("--checkpoint", choices=sorted(RELEASED), help=released)
    add("--weights", default="", metavar="FILE", help="weights of your own instead")
    add("--apart", action="store_true", help="front end and network as two files")


def run(arguments: argparse.Namespace) -> None:
    """Export a network and print the files; ValueError or OSError if that fails."""
    from passt import mkl
    from passt.export.onnx_files import export_onnx
    from passt.hear_api import load_model

    mkl.take_fast_path()
    model = load_model(arguments.weights, arguments.checkpoint, device="cpu")
    for path in export_onnx(model.embedder, arguments.onnx, arguments.apart):
        print(path, file=sys.stderr)
