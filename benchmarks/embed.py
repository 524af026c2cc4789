"""Embedding speed: hear21passt 0.0.26 and this software in one run, same weights, same audio.

    make .envs/hear21passt
    .venv/bin/python -m benchmarks.embed

Measures CPU seconds (``time.process_time``), interleaved, the minimum of several repetitions: of
hear21passt as installed and under MKL's fast path, and of this software under that path (without it
with ``--mkl-path slow``) in each of ``--precisions``; and the largest difference between the
embeddings. ``*_files`` cases run the whole pipeline: this software from 48 kHz files (decode,
resample, batch, write), hear21passt from 32 kHz files resampled in advance, one clip and one file
at a time, as heareval does.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.cpu import get_capabilities

from benchmarks.clips import write_files
from benchmarks.machine import PATHS, origin, reference_paths
from benchmarks.peak import LIBRARIES, Peak
from benchmarks.rows import replace_rows
from hear.features.embed import embed_task
from hear.features.store import publish, read_components
from passt import mkl
from passt.architecture import Architecture
from passt.checkpoints import Checkpoint
from passt.embedder import Embedder
from passt.transformer import PaSST
from tests.passt import golden
from workflow.commands.cost import view_flops
from workflow.process import configure

# A new row replaces the one with the same:
KEY = ("case", "hop_ms", "precision", "mkl_path", "threads", "machine")
MODULES = {320: "base", 160: "hop160base", 100: "hop100base"}  # the reference's, by hop
HOPS_MS = {320: "10", 160: "5", 100: "3.125"}
WORKER = Path(__file__).parent / "hear21passt_worker.py"
OUTPUT = Path(__file__).parent / "results" / "embed_speed.csv"


@dataclass(frozen=True)
class Case:
    """What rows of the table measure: a view, seconds of audio, in memory or from files."""

    name: str
    view: str
    hop: int
    seconds: float
    n_files: int = 0


CASES = (
    Case("scene", "scene", 320, 10),
    Case("scene", "scene", 160, 10),
    Case("scene", "scene", 100, 10),
    Case("timestamps_rf160", "rf160", 320, 2),
    Case("timestamps_rf640", "rf640", 320, 2),
    Case("timestamps_rf800", "rf800", 320, 2),
    Case("timestamps_rf160", "rf160", 160, 2),
    Case("timestamps_rf640", "rf640", 160, 2),
    Case("timestamps_rf800", "rf800", 160, 2),
    Case("timestamps_rf160", "rf160", 100, 2),
    Case("mel", "mel", 320, 10),
    Case("scene_files", "scene", 320, 10, n_files=2),
    Case("timestamps_rf160_files", "rf160", 320, 1, n_files=2),
    Case("mel_files", "mel", 320, 10, n_files=2),
)


class Reference:
    """The reference in a process and an environment of its own, under one of MKL's paths."""

    def __init__(self, python: Path, mkl_path: str) -> None:
        if not python.exists():
            raise SystemExit(f"no {python}: run `make .envs/hear21passt` first")
        command = [python, "-W", "ignore", WORKER, *([mkl.__file__] if mkl_path == "fast" else [])]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def run(self, request: dict) -> dict:
        """Send a request and wait for its answer."""
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            raise RuntimeError(f"hear21passt ended without an answer: run {WORKER} by hand")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


class Run(NamedTuple):
    """One run of this software: CPU seconds, the peak around it in GFLOP/s, embeddings."""

    seconds: float
    peak: float
    found: np.ndarray


@functools.cache
def embedder(hop: int, weights: Path) -> Embedder:
    """ViT-B at a hop with the deterministic weights of the golden values, saved for both."""
    architecture = Architecture(n_time_patches=golden.TIME_POSITIONS[hop])
    network = golden.fill(PaSST(architecture))
    torch.save(network.state_dict(), weights)
    return Embedder(Checkpoint("golden", hop, architecture), network)


def measure(
    case: Case,
    references: dict[str, Reference],
    peaks: dict[str, Peak],
    repeats: int,
    threads: int,
    folder: Path,
) -> list[dict]:
    """Rows of the table, one per precision; ``references`` by MKL's path."""
    weights = folder.parent / f"hop{case.hop}.pt"
    model = embedder(case.hop, weights)
    audio, task, files = golden.waveforms(case.seconds, 1), None, []
    if case.n_files:
        task, files = write_files(folder / "clips", case.seconds, case.n_files)
    request = {"module": MODULES[case.hop], "view": case.view, "hop": case.hop, "threads": threads}
    request |= {"weights": str(weights)}
    if task:
        (folder / "reference").mkdir()
        request |= {"files": files, "output": str(folder / "reference")}
    else:
        np.save(folder / "audio.npy", audio.numpy())
        request |= {"audio": str(folder / "audio.npy"), "output": str(folder / "reference.npy")}
    flops = view_flops(model.checkpoint, case.view, case.seconds) * max(1, case.n_files)
    runs: dict[str, list[Run]] = {precision: [] for precision in peaks}
    theirs_s: dict[str, list[float]] = {path: [] for path in references}
    for _ in range(repeats):
        for precision, peak in peaks.items():
            model.precision = getattr(torch, precision)
            before = peak.gflops()
            seconds, found = ours(model, case.view, audio, task, folder / precision)
            around = (before + peak.gflops()) / 2  # other users of the machine slow both
            runs[precision].append(Run(seconds, around, found))
        for path, reference in references.items():
            answer = reference.run(request)
            theirs_s[path].append(answer["seconds"])
    least = {path: min(seconds) for path, seconds in theirs_s.items()}
    installed = least[next(iter(references))]
    expected = stored(Path(request["output"]), files)
    rows = []
    for precision, measured in runs.items():
        ours_s = min(run.seconds for run in measured)
        share = statistics.median(1e-9 * flops / run.seconds / run.peak for run in measured)
        row = {
            "case": case.name,
            "hop_ms": HOPS_MS[case.hop],
            "precision": precision,
            "mkl_path": mkl.path(),
            "threads": threads,
            "reference_s": f"{installed:.4f}",
            "reference_fast_s": f"{least['fast']:.4f}",
            "ours_s": f"{ours_s:.4f}",
            "ratio": f"{installed / ours_s:.2f}",
            "ratio_same_path": f"{least.get(mkl.path(), installed) / ours_s:.2f}",
            "max_abs_diff": f"{np.abs(measured[-1].found - expected).max():.1e}",
            "peak_share": "" if case.view == "mel" else f"{share:.2f}",
            "peak_gflops": f"{statistics.median(run.peak for run in measured):.0f}",
            "peak": "{} {} {}".format(*peaks[precision].what),
            "machine": origin()["machine"],
            "versions": f"{origin()['versions']}; {answer['versions']}",
        }
        rows.append(row)
    return rows


def ours(model: Embedder, view: str, audio, task, directory: Path) -> tuple[float, np.ndarray]:
    """CPU seconds and embeddings, logits first as in the released concatenation."""
    start = time.process_time()
    if task is None:
        levels, _ = model.embed(audio, view)
        seconds = time.process_time() - start
        parts = [levels[level].flatten(0, -2) for level in "HML" if level in levels]
        return seconds, torch.cat(parts, dim=1).numpy()
    embed_task([task], model, {view: directory}, {}, progress=False)
    publish(directory)
    seconds = time.process_time() - start
    names = "L" if view == "mel" else "HM"
    return seconds, read_components([(directory, n) for n in names], task.name, "train")[:]


def stored(output: Path, files: list[str]) -> np.ndarray:
    """The reference's embeddings, (n_rows, size), in the order of the files."""
    paths = [output / f"{Path(file).stem}.npy" for file in files] or [output]
    arrays = [np.load(path, allow_pickle=False) for path in paths]
    return np.concatenate([array.reshape(-1, array.shape[-1]) for array in arrays])


def main() -> None:
    """Measure the cases asked for; rows of the same key are replaced."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, default=Path(".envs/hear21passt/bin/python"))
    parser.add_argument("--cases", nargs="*", help="names, or name:hop, default all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precisions", nargs="+", choices=LIBRARIES, default=["float32"])
    parser.add_argument("--mkl-path", choices=PATHS, default="fast")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # hear21passt takes a GPU if it sees one
    if "bfloat16" in arguments.precisions and not get_capabilities().get("avx512_bf16"):
        raise SystemExit("--precisions bfloat16: expected a CPU with bfloat16 units, found none")
    references = {path: Reference(arguments.python, path) for path in reference_paths()}
    configure(arguments.threads, arguments.mkl_path == "fast")
    peaks = {precision: Peak(arguments.threads, precision) for precision in arguments.precisions}
    wanted = arguments.cases or [case.name for case in CASES]
    cases = [c for c in CASES if {c.name, f"{c.name}:{c.hop}"} & {*wanted}]
    with tempfile.TemporaryDirectory() as session:
        for case in cases:
            folder = Path(tempfile.mkdtemp(dir=session))
            rows = measure(case, references, peaks, arguments.repeats, arguments.threads, folder)
            for row in rows:
                print(", ".join(f"{k} {v}" for k, v in list(row.items())[:14]), flush=True)
            replace_rows(arguments.output, rows, KEY)


if __name__ == "__main__":
    main()
