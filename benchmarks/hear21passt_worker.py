"""Runs hear21passt in its own environment: one JSON request a line in, one answer a line out.

Started by ``benchmarks.embed``; an argument names a file whose ``take_fast_path`` is called first
(``passt/mkl.py``). A request names the module, the view, the weights, and either an
array of audio or the files of a task, and where the embeddings go.
"""

from __future__ import annotations

import contextlib
import functools
import json
import runpy
import sys
import time
from pathlib import Path

import hear21passt_shims
import numpy as np
import soundfile
import torch
from torch import Tensor, nn

hear21passt_shims.install()


@functools.cache
def model(module: str, weights: str) -> nn.Module:
    """The reference's model of one module with the weights of a file."""
    built = hear21passt_shims.load(module)
    built.net.load_state_dict(torch.load(weights, weights_only=True), strict=True)
    return built


@torch.no_grad()
def embed(request: dict, audio: Tensor) -> Tensor:
    """Embeddings of a batch of clips, as the released module computes them."""
    reference, view = model(request["module"], request["weights"]), request["view"]
    if view == "scene":
        return reference.get_scene_embeddings(audio)
    if view == "mel":
        return reference.get_timestamp_mels(audio, window_size=6 * request["hop"])[0]
    window = int(view.removeprefix("rf")) * 32
    return reference.get_timestamp_embeddings(audio, window_size=window)[0]


def answer(request: dict) -> dict:
    """Run one request; CPU and wall seconds from the audio, or the files, to the embeddings."""
    torch.set_num_threads(request["threads"])
    model(request["module"], request["weights"])
    output = Path(request["output"])
    wall_start = time.perf_counter()
    if "audio" in request:
        audio = torch.from_numpy(np.load(request["audio"]))
        start = time.process_time()
        embeddings = embed(request, audio).cpu()
        seconds = time.process_time() - start
        np.save(output, embeddings.numpy())
    else:  # as heareval: a clip at a time at the model's rate, one file each
        start = time.process_time()
        for file in request["files"]:
            samples, _ = soundfile.read(file, dtype="float32")
            embeddings = embed(request, torch.from_numpy(samples)[None]).cpu()
            np.save(output / f"{Path(file).stem}.npy", embeddings.numpy())
        seconds = time.process_time() - start
    wall_s = time.perf_counter() - wall_start
    versions = f"hear21passt 0.0.26 torch {torch.__version__}"
    return {"seconds": seconds, "wall_s": wall_s, "versions": versions}


def main() -> None:
    """Serve requests until the input ends; the reference prints, which must not be an answer."""
    for file in sys.argv[1:]:
        runpy.run_path(file)["take_fast_path"]()
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            reply = answer(json.loads(line))
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
