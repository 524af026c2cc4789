"""A folder of audio: ``python -m passt embed`` beside a loop over hear21passt 0.0.26, wall seconds.

    make .envs/hear21passt
    .venv/bin/python -m benchmarks.folder

The loop is typical user code: it reads, embeds and stores one file after another, with all CPUs for
torch, or on the GPU if there is one, as the command does. Its network is loaded and its files are
resampled to 32 kHz before timing starts; for this software, the whole command is timed, including
its start, on 48 kHz files. Both alternate; the minimum of several runs is reported.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.clips import RATE_HZ, SPLIT, write_files
from benchmarks.embed import HOPS_MS, MODULES, Reference, embedder, stored
from benchmarks.machine import origin, reference_paths
from benchmarks.rows import replace_rows
from passt import mkl
from passt.folder.command import usable_cpus
from passt.measure.one import device_name
from passt.weights import choose_device

OUTPUT = Path(__file__).parent / "results" / "folder_speed.csv"
KEY = ("hop_ms", "seconds_each", "device", "cpus", "machine")  # a new row replaces the same


def measure(
    references: dict[str, Reference],
    folder: Path,
    hop: int,
    seconds: float,
    n_files: int,
    repeats: int,
) -> dict:
    """One row of the table: scenes of ``n_files`` files of some seconds."""
    weights = folder.parent / f"hop{hop}.pt"
    embedder(hop, weights)
    task, files = write_files(folder, seconds, n_files)
    n_cpus = len(usable_cpus())
    (folder / "reference").mkdir()
    request = {"module": MODULES[hop], "view": "scene", "hop": hop, "threads": n_cpus}
    request |= {"weights": str(weights), "files": files, "output": str(folder / "reference")}
    output = folder / "ours.npz"
    command = [sys.executable, "-m", "passt", "embed", task.path / str(RATE_HZ) / SPLIT]
    command += ["-o", output, "--weights", weights]
    times = []
    for _ in range(repeats):
        answers = [reference.run(request) for reference in references.values()]
        start = time.perf_counter()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        command_s = time.perf_counter() - start
        times.append((*(answer["wall_s"] for answer in answers), command_s))
    *loops_s, command_s = (min(column) for column in zip(*times, strict=True))
    found = np.load(output, allow_pickle=False)
    by_name = dict(zip(found["file"], found["embedding"], strict=True))
    ours = np.stack([by_name[Path(file).name] for file in files])
    difference = np.abs(ours - stored(folder / "reference", files)).max()
    return {
        "hop_ms": HOPS_MS[hop],
        "files": n_files,
        "seconds_each": seconds,
        "device": device_name(choose_device("auto")),
        "cpus": n_cpus,
        "loop_s": f"{loops_s[0]:.2f}",
        "loop_fast_s": f"{loops_s[-1]:.2f}",
        "command_s": f"{command_s:.2f}",
        "ratio": f"{loops_s[0] / command_s:.2f}",
        "ratio_same_path": f"{loops_s[-1] / command_s:.2f}",
        "audio_s_per_s": f"{n_files * seconds / command_s:.1f}",
        "max_abs_diff": f"{difference:.1e}",
        "machine": origin()["machine"],
        "versions": f"{origin()['versions']}; {answers[0]['versions']}",
    }


def main() -> None:
    """Measure folders of long and of short files at every hop asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, default=Path(".envs/hear21passt/bin/python"))
    parser.add_argument("--hops", type=int, nargs="*", choices=MODULES, default=[320])
    parser.add_argument("--seconds", type=float, nargs="*", default=[10.0, 2.0])
    parser.add_argument("--audio-s", type=float, default=400.0, help="in a folder")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    references = {path: Reference(arguments.python, path) for path in reference_paths()}
    mkl.take_fast_path()  # as the command does
    with tempfile.TemporaryDirectory() as session:
        for hop, seconds in itertools.product(arguments.hops, arguments.seconds):
            n_files = round(arguments.audio_s / seconds)
            folder = Path(tempfile.mkdtemp(dir=session))
            row = measure(references, folder, hop, seconds, n_files, arguments.repeats)
            print(", ".join(f"{key} {value}" for key, value in list(row.items())[:12]), flush=True)
            replace_rows(arguments.output, [row], KEY)
    for reference in references.values():
        reference.close()


if __name__ == "__main__":
    main()
