"""One GPU in eight minutes: embedding, probes and training costs, with the device's peak beside.

    python -m benchmarks.gpu

Rows of the parts that run are replaced in ``benchmarks/results/gpu.csv``. Speeds are wall time,
the device synchronized.
``peak_share`` is the rate of the network's matrix products over that of the best square product of
the same precision on the device, measured right after; ``busy`` is the share of time in
which a kernel ran, as the driver's tool reports it. Without a GPU the same cases run on the CPU,
which shows that they run (``--tiny``: small networks, few clips, one hop). With ``--hear21passt``,
the Python of an environment that has it (``make .envs/hear21passt``), it embeds the same clips with
the same weights on the same device, one clip at a time as heareval calls it: ``reference``.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks import probe_cases
from benchmarks.clips import open_task, write_files
from benchmarks.embed import MODULES, Reference
from benchmarks.machine import origin
from benchmarks.rows import replace_rows
from hear.features.embed import embed_task
from hear.features.store import publish, read_stored
from hear.probe.predict import predict_task
from hear.protocol import Protocol
from hear.scores.score import score_predictions
from hear.tasks.folder import TaskFolder, read_task
from mini.make import make_task
from mini.task import Scale
from passt.architecture import Architecture
from passt.checkpoints import Checkpoint
from passt.embedder import Embedder
from passt.measure.networks import Settings
from passt.measure.one import device_name
from passt.measure.table import measure
from passt.transformer import PaSST, initialize
from passt.weights import choose_device, load_embedder
from workflow.commands.cost import view_flops
from workflow.process import configure

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "benchmarks" / "results" / "gpu.csv"
COLUMNS = (
    "part", "quantity", "case", "precision", "compiled", "value", "unit", "reference", "ratio",
    "peak_share", "busy", "memory_mib", "device", "machine", "versions",
)  # fmt: skip
HOPS = {320: 99, 160: 200, 100: 320}  # time positions of the released networks
VIEWS = {"scene": (10.0, 64), "rf160": (4.0, 8)}  # seconds of a clip, clips of a call
PRECISIONS = ("float32", "tf32", "bfloat16", "float16")
TINY = Architecture(embed_dim=64, depth=2, num_heads=1, n_classes=50)
TASK = "mridangam_tonic"  # the final scores of
CHECKPOINT = ROOT / "resources" / "checkpoints_mini" / "mini_hop10.safetensors"
PROBE_CASES = ("speech_commands_like", "dcase_like_small")
PEAK_SIZES = (4096, 8192)
Row = dict[str, object]


@dataclass(frozen=True)
class Options:
    """Options of the command line; ``backend`` compiles networks, unless it is empty."""

    device: torch.device
    tiny: bool
    seconds: float
    backend: str
    hear21passt: Path | None


@contextmanager
def products(precision: str) -> Iterator[torch.dtype]:
    """Set the precision of float32 products; yield the type that the network computes in."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    yield getattr(torch, precision, torch.float32)
    torch.set_float32_matmul_precision("highest")


def seconds_of(act: Callable[[], object], options: Options) -> float:
    """Wall seconds of a call, the least of those that fit the time, after one that warms up."""
    act()
    least, started = float("inf"), time.perf_counter()
    while least == float("inf") or time.perf_counter() - started < options.seconds:
        before = time.perf_counter()
        act()
        if options.device.type == "cuda":
            torch.cuda.synchronize(options.device)
        least = min(least, time.perf_counter() - before)
    return least


def peak_flops_per_s(precision: str, options: Options) -> float:
    """Best rate of a square product in a precision, a multiply-add as two."""
    best = 0.0
    with products(precision) as dtype:
        for size in (256,) if options.tiny else PEAK_SIZES:
            left = torch.randn(size, size, device=options.device, dtype=dtype)
            took_s = seconds_of(partial(torch.mm, left, left), replace(options, seconds=0.2))
            best = max(best, 2.0 * size**3 / took_s)
    return best


@contextmanager
def observed(options: Options) -> Iterator[Row]:
    """Fill a row with the device's use and largest memory during the block; empty on a CPU."""
    facts: Row = {}
    if options.device.type != "cuda":
        yield facts
        return
    torch.cuda.reset_peak_memory_stats(options.device)
    query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    command = [*query, f"--id={torch.cuda.current_device()}", "--loop-ms=100"]
    try:
        watcher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        watcher.stdout.readline()  # it takes a while to start
    except OSError:  # no such tool in this container
        watcher = None
    try:
        yield facts
    finally:
        facts["memory_mib"] = round(torch.cuda.max_memory_allocated(options.device) / 2**20)
        if watcher is not None:
            watcher.terminate()
            shares = [int(line) for line in watcher.communicate()[0].split() if line.isdigit()]
            facts["busy"] = round(float(np.mean(shares)) / 100, 2) if shares else ""


def network_of(hop: int, options: Options) -> tuple[Checkpoint, PaSST]:
    """A released network's shape at a hop, or a tiny one, with random weights."""
    shape = replace(TINY if options.tiny else Architecture(), n_time_patches=HOPS[hop])
    checkpoint = Checkpoint("random", hop, shape)
    return checkpoint, initialize(PaSST(shape), seed=0)


def embedder_of(
    checkpoint: Checkpoint, network: PaSST, dtype: torch.dtype, compiled: bool, options: Options
) -> Embedder:
    """An embedder on the device, the blocks of its network compiled if asked for."""
    network = copy.deepcopy(network)
    if compiled:  # a block's code serves all of them
        torch.compiler.reset()
        torch.compiler.config.force_disable_caches = True  # they forget autocast's type
        for block in network.blocks:
            block.compile(backend=options.backend, dynamic=False)
    return Embedder(checkpoint, network, dtype).to(options.device)


def reference_of(
    checkpoint: Checkpoint, network: PaSST, audio: Tensor, view: str, options: Options
) -> tuple[float, dict[str, Tensor]]:
    """Rows per second of hear21passt, and what it finds in a clip; 0 and nothing without it."""
    if options.hear21passt is None or options.tiny:
        return 0.0, {}
    with tempfile.TemporaryDirectory() as directory:
        weights, clip, output = (Path(directory) / name for name in ("w.pt", "in.npy", "out.npy"))
        torch.save(network.state_dict(), weights)
        np.save(clip, audio[:1].numpy())
        request = {"module": MODULES[checkpoint.hop], "view": view, "hop": checkpoint.hop}
        request |= {"weights": str(weights), "threads": 1}
        request |= {"audio": str(clip), "output": str(output)}
        reference = Reference(options.hear21passt, "slow")
        least = min(reference.run(request)["wall_s"] for _ in range(3))
        reference.close()
        found = torch.from_numpy(np.load(output))
    rows = found.shape[1] if found.ndim == 3 else 1
    n_classes = network.architecture.n_classes
    logits, features = found.split([n_classes, found.shape[-1] - n_classes], dim=-1)
    return rows / least, {"H": logits, "M": features}


def embedding(options: Options) -> Iterator[Row]:
    """Clips (scenes) and timestamps per second, and how far values are from float32 on the CPU."""
    backends = (False, True) if options.backend else (False,)
    for hop, view in itertools.product([320] if options.tiny else HOPS, VIEWS):
        seconds, n_sounds = VIEWS[view]
        n_sounds = 2 if options.tiny else n_sounds
        checkpoint, network = network_of(hop, options)
        generator = torch.Generator().manual_seed(0)
        audio = 0.1 * torch.randn(n_sounds, round(32_000 * seconds), generator=generator)
        exact, _ = Embedder(checkpoint, network).embed(audio[:1], view)
        reference, theirs = reference_of(checkpoint, network, audio, view, options)
        name = f"{view}, hop {hop / 32:g} ms"
        if theirs:
            yield deviation(name, "float32 of hear21passt", False, theirs, exact)
        for precision, compiled in itertools.product(PRECISIONS, backends):
            with products(precision) as dtype:
                embedder = embedder_of(checkpoint, network, dtype, compiled, options)
                found, _ = embedder.embed(audio, view)
                with observed(options) as facts:
                    took_s = seconds_of(partial(embedder.embed, audio, view), options)
            n_rows = n_sounds * (1 if view == "scene" else found["M"].shape[1])
            del embedder
            peak = peak_flops_per_s(precision, options)
            flops = n_sounds * view_flops(checkpoint, view, seconds)
            yield {
                "quantity": "embedding",
                "case": name,
                "precision": precision,
                "compiled": compiled,
                "value": n_rows / took_s,
                "unit": "clips/s" if view == "scene" else "timestamps/s",
                "reference": reference or "",
                "ratio": n_rows / took_s / reference if reference else "",
                "peak_share": flops / took_s / peak,
                **facts,
            }
            yield deviation(name, precision, compiled, found, exact)


def deviation(
    name: str, precision: str, compiled: bool, found: dict[str, Tensor], exact: dict[str, Tensor]
) -> Row:
    """Difference of a clip's values from those in float32 on the CPU."""
    return {
        "quantity": "deviation",
        "case": name,
        "precision": precision,
        "compiled": compiled,
        "value": max(float((found[k][:1] - exact[k]).abs().max()) for k in exact),
        "unit": "largest difference of M and H from float32 on the CPU",
    }


def pipeline(options: Options) -> Iterator[Row]:
    """Scenes from 48 kHz files, decoded and resampled beside the network, against memory."""
    checkpoint, network = network_of(320, options)
    seconds, n_files, n_links = VIEWS["scene"][0], *((4, 2) if options.tiny else (128, 16))
    n_clips = n_files * n_links
    with tempfile.TemporaryDirectory() as directory, products("bfloat16") as dtype:
        task, _ = write_files(Path(directory) / "clips", seconds, n_files)
        for path in list(task.path.glob("*/train/*.wav")):
            for i in range(1, n_links):
                os.link(path, path.with_stem(f"{path.stem}_{i}"))
        task = open_task(task.path)
        embedder = embedder_of(checkpoint, network, dtype, False, options)
        audio = 0.1 * torch.randn(n_files, round(32_000 * seconds))
        in_memory_s = n_links * seconds_of(partial(embedder.embed, audio, "scene"), options)
        with observed(options) as facts:
            started = time.perf_counter()
            view = Path(directory) / "scene"
            embed_task([task], embedder, {"scene": view}, {}, progress=False)
            took_s = time.perf_counter() - started
    yield {
        "quantity": "pipeline",
        "case": "scene, hop 10 ms, from 48 kHz files",
        "precision": "bfloat16",
        "compiled": False,
        "value": n_clips / took_s,
        "unit": "clips/s",
        "reference": n_clips / in_memory_s,
        "ratio": in_memory_s / took_s,
        **facts,
    }


def final_scores(options: Options) -> Iterator[Row]:
    """Mean score of a mini task with embeddings of every precision, beside float32 on the CPU."""
    checkpoint = Checkpoint.from_config(
        "mini_hop10",
        {"file": str(CHECKPOINT), "hop": 320, "embed_dim": 192, "depth": 4, "num_heads": 3}
        | {"n_classes": 229},
    )
    protocol = replace(Protocol(name="benchmark"), n_grid_points=1, max_epochs=60, patience=5)
    with tempfile.TemporaryDirectory() as directory:
        scale = Scale(0.2, 0.2) if options.tiny else Scale()
        folders = [
            read_task(path)
            for path in make_task(TASK, Path(directory), 0, scale=scale, progress=False)
        ]
        exact = None
        for precision in ("exact", *PRECISIONS[2 if options.tiny else 0 :]):
            kind = "float32" if precision == "exact" else precision
            with products(kind) as dtype:
                device = "cpu" if precision == "exact" else options.device.type
                embedder = load_embedder(checkpoint, device, str(dtype).removeprefix("torch."))
                view = Path(directory) / precision
                score = score_of(folders, embedder, view, protocol)
            if exact is None:
                exact = score
                continue
            yield {
                "quantity": "final score",
                "case": f"{TASK} (generated), M, hop 10 ms",
                "precision": precision,
                "compiled": False,
                "value": score,
                "unit": "mean accuracy over folds, one grid point",
                "reference": exact,
            }


def score_of(
    folders: list[TaskFolder], embedder: Embedder, view: Path, protocol: Protocol
) -> float:
    """Embed a task, train a probe on M, and score it."""
    embed_task(folders, embedder, {"scene": view}, {}, progress=False)
    publish(view)
    found = predict_task(folders, read_stored([(view, "M")]), protocol, 42, {}, False)
    return float(np.mean([row["score"] for row in score_predictions(*found) if row["primary"]]))


def probes(options: Options) -> Iterator[Row]:
    """Wall seconds of the stacked probe on the device beside the native one on the CPU."""
    for case in ("tiny",) if options.tiny else PROBE_CASES:
        with tempfile.TemporaryDirectory() as directory:
            folder = Path(directory) / "task"
            folder.mkdir()
            probe_cases.make(case, folder, 0, 1)
            took_s = {}
            for program in ("stacked", "native"):
                command = [sys.executable, "-m", "benchmarks.probe_native", case, str(folder), "1"]
                started = time.perf_counter()
                done = subprocess.run(
                    [*command, program], cwd=ROOT, capture_output=True, text=True, check=True
                )
                took_s[program] = time.perf_counter() - started
                tqdm.write(f"{case}, {program}: {took_s[program]:.1f} s", sys.stderr)
                device = json.loads(done.stdout)["device"]
                if program == "stacked":
                    stacked_on = device
        yield {
            "quantity": "probe",
            "case": f"{case}, stacked on {stacked_on} beside native",
            "precision": "float32",
            "compiled": False,
            "value": took_s["stacked"],
            "unit": "s",
            "reference": took_s["native"],
            "ratio": took_s["native"] / took_s["stacked"],
        }


def costs(tiny: bool, seconds: float) -> Iterator[Row]:
    """Table 2: training and inference at every hop, at full size."""
    size = {"embed_dim": 64, "depth": 2, "num_heads": 1, "batch_size": 2} if tiny else {}
    for row in measure(Settings(seconds=seconds, **size)):
        yield {
            "quantity": "table 2",
            "case": f"{row['quantity']}, hop {row['hop_ms']}, patchout {row['patchout']}",
            "precision": row["precision"],
            "compiled": False,
            "value": row["value"],
            "unit": row["unit"],
        }


PARTS = {
    "embedding": embedding,
    "pipeline": pipeline,
    "final_scores": final_scores,
    "probes": probes,
}


def main() -> None:
    """Run the parts asked for and write all rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=["costs", *PARTS], default=["costs", *PARTS])
    parser.add_argument("--tiny", action="store_true", help="small networks, few clips, one hop")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each timed case")
    parser.add_argument("--backend", default="inductor", help="of torch.compile; '' leaves it out")
    parser.add_argument("--hear21passt", type=Path, help="Python of its environment")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    configure(os.cpu_count() or 1, mkl_fast_path=True)
    if "costs" in arguments.parts:  # first: it forks, which a process that has used a GPU cannot
        rows = list(costs(arguments.tiny, arguments.seconds))
        record("costs", rows, arguments.output)
    device = choose_device("auto")
    options = Options(
        device, arguments.tiny, arguments.seconds, arguments.backend, arguments.hear21passt
    )
    for name in (name for name in PARTS if name in arguments.parts):
        rows = []
        for row in tqdm(PARTS[name](options), name, unit="row"):
            rows.append(row)
            record(name, rows, arguments.output)


def record(part: str, rows: list[Row], path: Path) -> None:
    """Replace the rows of a part of the benchmark."""
    facts = {"part": part, "device": device_name(choose_device("auto"))} | origin()
    table = pd.DataFrame([row | facts for row in rows], columns=list(COLUMNS))
    replace_rows(path, table.to_dict("records"), key=["part"])


if __name__ == "__main__":
    main()
