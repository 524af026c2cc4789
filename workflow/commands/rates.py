"""What this machine does per second, measured in about a minute: the ground of a plan.

CPU seconds (``time.process_time``), so that a waiting process does not look slow; wall seconds
where a GPU computes. The other cores are kept at work meanwhile, as in a run: two threads of one
core are each about half as fast.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from hear.api.model import HearModel
from hear.audio.read import read_clip
from hear.probe.data import ProbeData
from hear.probe.search import train_and_predict
from hear.protocol import Protocol
from hear.tasks.folder import Fold
from mini.registry import find_mini_task
from mini.writer import write_task
from passt.checkpoints import Checkpoint
from passt.lengths import SAMPLE_RATE_HZ
from passt.weights import load_embedder
from workflow.commands.cost import view_flops
from workflow.process import configure

LONG_S = 3.0  # a scene that takes seconds on a CPU core at the finest hop
N_WINDOWS = 32  # timestamps of the short measurement, in 160 ms windows
ARCHIVE_RATE_HZ = 48_000  # of the HEAR archives
PROBE_ROWS, PROBE_LABELS, PROBE_EPOCHS = 1024, 20, 3
BUSY = """
import numpy, time
a, end = numpy.ones((512, 512), numpy.float32), time.monotonic() + 600  # should nobody stop it
while time.monotonic() < end:
    a @ a
"""
GENERATED_SHARE = 0.02  # of a mini task that is made to see how long a clip takes


@dataclass(frozen=True)
class ModelRate:
    """Seconds per second of audio, and size of the embedding, for scenes and at timestamps."""

    scene: tuple[float, int]
    timestamp: tuple[float, int]


@dataclass(frozen=True)
class Rates:
    """Seconds that things take here.

    Attributes
    ----------
    short, long : dict of str to float
        Per checkpoint: seconds per FLOP on 160 ms windows and on scenes, the front end included.
    mel_s : float
        Seconds per window of the mel level.
    decode_s : float
        Seconds per second of audio to read it at 48 kHz and resample it.
    start_s : float
        Seconds until a job has imported what it needs.
    probe : tuple of (int, float)
        Embedding size and seconds per row and epoch of a probe, for two sizes.
    generate_s : dict of str to float
        Seconds per clip of the mini tasks.
    models : dict of str to ModelRate
        Third-party models.
    """

    short: dict[str, float]
    long: dict[str, float]
    mel_s: float
    decode_s: float
    start_s: float
    probe: tuple[tuple[int, float], ...]
    generate_s: dict[str, float]
    models: dict[str, ModelRate]

    def probe_s(self, size: int) -> float:
        """Seconds per row and epoch of a probe on an embedding: linear in its size."""
        sizes, seconds = zip(*self.probe, strict=True)
        slope = (seconds[1] - seconds[0]) / (sizes[1] - sizes[0])
        return max(min(seconds) / 2, seconds[0] + slope * (size - sizes[0]))


def measure(
    checkpoints: Iterable[Checkpoint],
    protocol: Protocol,
    sizes: tuple[int, int],
    mini_tasks: Iterable[str],
    models: dict[str, dict],
    cores: int,
    device: str = "auto",
) -> Rates:
    """Measure this machine, one thread, while other cores are at work.

    Parameters
    ----------
    checkpoints : iterable of Checkpoint
        Random weights stand in for theirs, which need not be there.
    protocol : Protocol
    sizes : (int, int)
        The smallest and the largest embedding.
    mini_tasks : iterable of str
        Generated tasks of the study.
    models : dict of str to dict
        Arguments of :class:`hear.api.model.HearModel` of third-party models, by id.
    cores : int
        How many jobs the study will run at a time.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    """
    configure(1)
    short, long, mel_s = {}, {}, 0.0
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(0.1 * rng.standard_normal((1, int(LONG_S * SAMPLE_RATE_HZ))))
    noise = noise.float()
    few = noise[:, : (N_WINDOWS - 1) * SAMPLE_RATE_HZ // 20 + 1]
    with _busy(cores - 1):
        for checkpoint in checkpoints:
            embedder = load_embedder(dataclasses.replace(checkpoint, file=None), device)
            on_gpu = embedder.mel.window.device.type == "cuda"
            for audio, view, rates in ((few, "rf160", short), (noise, "scene", long)):
                seconds = _least_s(lambda e=embedder, a=audio, v=view: e.embed(a, v), on_gpu)
                rates[checkpoint.id] = seconds / view_flops(embedder, view, audio.shape[1])
            mel_s = max(mel_s, _least_s(lambda e=embedder: e.embed(few, "mel"), on_gpu) / N_WINDOWS)
        probe = tuple((size, _probe_s(size, protocol)) for size in sizes)
        generate_s = {task: _generate_s(task) for task in mini_tasks}
        third = {id: _model_rate(HearModel(**entry)) for id, entry in models.items()}
        return Rates(short, long, mel_s, _decode_s(), _start_s(), probe, generate_s, third)


@contextmanager
def _busy(n: int) -> Iterator[None]:
    """Keep ``n`` cores at work."""
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    others = [subprocess.Popen([sys.executable, "-c", BUSY], env=environment) for _ in range(n)]
    try:
        yield
    finally:
        for process in others:
            process.kill()
            process.wait()


def _model_rate(model: HearModel) -> ModelRate:
    rng = np.random.default_rng(0)
    audio = torch.from_numpy(0.1 * rng.standard_normal((1, int(LONG_S * model.sample_rate))))
    found = {}
    for view in ("scene", "timestamp"):
        levels, _ = model.embed(audio.float(), view)  # the first call may compile or load
        seconds = _least_s(lambda v=view: model.embed(audio.float(), v), on_gpu=False)
        found[view] = (seconds / LONG_S, next(iter(levels.values())).shape[-1])
    return ModelRate(**found)


def _least_s(run: Callable[[], object], on_gpu: bool) -> float:
    clock = time.perf_counter if on_gpu else time.process_time
    found = []
    for _ in range(2):
        start = clock()
        run()
        found.append(clock() - start)
    return min(found)


def _probe_s(size: int, protocol: Protocol) -> float:
    """Seconds per row and epoch, validation included, over the grid points of the protocol."""
    n_points = min(2, protocol.n_grid_points)
    short = dataclasses.replace(
        protocol, n_grid_points=n_points, max_epochs=PROBE_EPOCHS, max_epochs_cap=None
    )
    rng = np.random.default_rng(0)
    n_rows = {"train": PROBE_ROWS, "valid": PROBE_ROWS // 8, "test": PROBE_ROWS // 8}
    features = {s: rng.standard_normal((n, size), np.float32) for s, n in n_rows.items()}
    targets = {
        s: np.eye(PROBE_LABELS, dtype=np.float32)[rng.integers(0, PROBE_LABELS, n)]
        for s, n in n_rows.items()
    }
    fold = Fold("test", ("train",), ("valid",), ("test",))
    labels = [str(i) for i in range(PROBE_LABELS)]
    data = ProbeData("noise", features, targets, [fold], labels, "multiclass", "top1_acc")
    seconds = _least_s(lambda: train_and_predict(data, short, 42), on_gpu=False)
    return seconds / (PROBE_ROWS * PROBE_EPOCHS * n_points)


def _decode_s() -> float:
    noise = 0.1 * np.random.default_rng(0).standard_normal(int(10 * ARCHIVE_RATE_HZ))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.wav"
        soundfile.write(path, noise, ARCHIVE_RATE_HZ, subtype="PCM_16")
        return _least_s(lambda: read_clip(path, SAMPLE_RATE_HZ), on_gpu=False) / 10


def _start_s() -> float:
    """CPU seconds of a process that imports what an embed job imports."""
    code = (
        "import hear.features.embed, hear.probe.predict, passt.weights, time\n"
        "print(time.process_time())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return float(run.stdout)


def _generate_s(slug: str) -> float:
    task = find_mini_task(slug)
    seconds, n_clips = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for part in task.parts:
            start = time.process_time()
            write_task(part, Path(folder), seed=0, scale=GENERATED_SHARE, progress=False)
            seconds += time.process_time() - start
            n_clips += sum(max(1, round(GENERATED_SHARE * n)) for n in part.n_made.values())
    return seconds / n_clips
