"""Speed of embedding, probes and decoding on this machine, measured in about a minute.

Times are CPU seconds, so that waiting does not count, or wall seconds of work on a GPU.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import torch

from hear.api.model import HearModel
from hear.audio.read import read_clip
from hear.probe.data import ProbeData
from hear.probe.search import one_by_one, train_and_predict
from hear.probe.stacked import best_device, fit_stacked
from hear.protocol import Protocol, grid_points
from hear.tasks.folder import Fold
from passt.embedder import Embedder
from passt.lengths import SAMPLE_RATE_HZ
from passt.variants import blocks_of
from passt.weights import choose_device, load_embedder
from workflow.commands.cost import view_flops
from workflow.process import configure
from workflow.sources import as_here
from workflow.study.archives import ARCHIVE_RATE_HZ
from workflow.study.config import ROOT
from workflow.study.jobs import model_arguments
from workflow.study.study import Study

# How much is measured: enough to be seen by the clock, little enough for a minute.
SCENE_S, TIMESTAMPS_S, DECODED_S = 3.0, 1.55, 10.0
PROBE_EPOCHS, PROBE_LABELS = {16: 30, 1024: 3}, 16  # epochs by rows: a step costs, and so do rows
BUSY = """
import numpy, time
a, end = numpy.ones((512, 512), numpy.float32), time.monotonic() + 600  # should nobody stop it
while time.monotonic() < end:
    a @ a
"""


@dataclasses.dataclass(frozen=True)
class Rates:
    """Speed of one thread of this machine.

    ``view_s`` is seconds per unit (`units`) by source and kind of view, ``sizes`` the number of
    values of each level of such a view, ``weights`` the bytes of a checkpoint's weights.
    ``decode_s`` is the time to read and resample one second of audio at the archives' rate,
    ``start_s`` the time of a job's imports, ``probe`` seconds per epoch of each trained probe on
    embeddings of two sizes, each by rows as in `PROBE_EPOCHS`, ``neighbor_s`` the time per value
    for comparing two rows of nearest neighbors. ``on_gpu`` are the sources embedded on a GPU;
    ``probe_on_gpu`` tells whether it trains probes.
    """

    view_s: dict[tuple[str, str], float]
    sizes: dict[tuple[str, str], dict[str, int]]
    weights: dict[str, int]
    decode_s: float
    start_s: float
    probe: dict[str, dict[int, dict[int, float]]] = dataclasses.field(default_factory=dict)
    neighbor_s: float = 0.0
    on_gpu: frozenset[str] = frozenset()
    probe_on_gpu: bool = False

    def size(self, components: list[tuple[str, str, str]]) -> int:
        """Values of an embedding, by its (source, view, level) triples."""
        return sum(self.sizes[source, kind(view)][level] for source, view, level in components)

    def epoch_s(self, size: int, n_rows: float, probe: str = "mlp") -> float:
        """Seconds per epoch of a trained probe on rows of an embedding.

        Interpolated linearly in the size, and in the rows up to the largest measured number;
        proportional to the rows beyond.
        """
        most = max(PROBE_EPOCHS)
        by_rows = {
            n: _on_line({s: epochs[n] for s, epochs in self.probe[probe].items()}, size)
            for n in PROBE_EPOCHS
        }
        return max(1.0, n_rows / most) * _on_line(by_rows, min(n_rows, most))


def _on_line(points: Mapping[int, float], x: float) -> float:
    """Value at ``x`` of the line through two points, at least half the lower one's."""
    (a, low), (b, high) = points.items()
    return max(min(low, high) / 2, low + (high - low) / (b - a) * (x - a))


def kind(view: str) -> str:
    """The view that represents all windows around timestamps, or the view itself."""
    return "rf160" if view.startswith("rf") else view


def units(study: Study, source: str, view: str, duration_s: float) -> float:
    """Work of a clip in one view: FLOPs of PaSST; seconds of audio for ``mel`` and other models."""
    is_passt = source in study.checkpoints and view != "mel"
    return view_flops(study.checkpoints[source], view, duration_s) if is_passt else duration_s


def measure(study: Study, cores: int) -> Rates:
    """Measure the speed of a study's work, with random weights instead of its checkpoints.

    ``cores`` is the number of parallel jobs. As many cores are kept busy during the measurement,
    because two threads of one core are each about half as fast. Devices are those of the config.
    """
    start_s = _start_s()
    configure(1, study.config["mkl_fast_path"])
    types = {task.embedding_type for task in study.tasks.values()}
    names = {name for type in types for name in study.embeddings_of(type).values()}
    embeddings = [study.components(name) for name in sorted(names)]
    kinds = dict.fromkeys((s, kind(view)) for parts in embeddings for s, view, _ in parts)
    view_s, sizes, weights = {}, {}, {}
    on_gpu: set[str] = set()
    with _busy(cores - 1):
        for source in dict.fromkeys(source for source, _ in kinds):
            model, device = _model(study, source, embeddings)
            if isinstance(model, Embedder):
                weights[source] = 4 * sum(p.numel() for p in model.network.parameters())
            if device != "cpu":
                on_gpu.add(source)
            for key in (key for key in kinds if key[0] == source):
                seconds = SCENE_S if key[1] == "scene" else TIMESTAMPS_S
                # A GPU's batch is full.
                n_clips = round(model.batch_s / seconds) if source in on_gpu else 1
                audio = _noise(seconds, model.sample_rate).expand(n_clips, -1)
                levels, _ = model.embed(audio, key[1])  # the first call may compile or load
                sizes[key] = {level: array.shape[-1] for level, array in levels.items()}
                took_s = _least_s(partial(model.embed, audio, key[1]), _worker_s(model))
                view_s[key] = took_s / n_clips / units(study, *key, seconds)
        rates = Rates(view_s, sizes, weights, _decode_s(), start_s, on_gpu=frozenset(on_gpu))
        return _with_probes(rates, study, [rates.size(parts) for parts in embeddings])


def _worker_s(model: HearModel | Embedder) -> Callable[[], float]:
    """CPU seconds that a model's worker has used so far."""
    return lambda: model.worker_cpu_s if isinstance(model, HearModel) else 0.0


def _model(
    study: Study, source: str, embeddings: list[list[tuple[str, str, str]]]
) -> tuple[HearModel | Embedder, str]:
    """The source's model, with what the embeddings need of it, and its device."""
    if (entry := model_arguments(study, source)) is not None:
        model = HearModel(**as_here(entry))
        return model, model.device
    options = study.config["embedding"]
    device = choose_device(options["device"]).type
    checkpoint = dataclasses.replace(study.checkpoints[source], file=None)
    asked = {level for parts in embeddings for s, _, level in parts if s == source}
    blocks = sorted(blocks_of(asked))
    return load_embedder(checkpoint, device, options["precision"], blocks), device


def _with_probes(rates: Rates, study: Study, sizes: list[int]) -> Rates:
    """Add the speed of a study's probes, on the smallest and the largest of its embeddings."""
    is_stacked = study.evaluator["name"] == "stacked"
    small = min(sizes)
    large = max(*sizes, small + 1)
    probes = {one.probe.name: one.probe for one in study.evaluations}.values()
    trained = {one.name: one.protocol(study.protocol) for one in probes if one.is_trained}
    epochs = {
        name: {
            size: {n: _epoch_s(size, n, protocol, is_stacked) for n in PROBE_EPOCHS}
            for size in (small, large)
        }
        for name, protocol in trained.items()
    }
    neighbor_s = 0.0 if len(trained) == len(probes) else _neighbor_s(large)
    on_gpu = is_stacked and best_device().type != "cpu"
    return dataclasses.replace(rates, probe=epochs, neighbor_s=neighbor_s, probe_on_gpu=on_gpu)


@contextmanager
def _busy(n: int) -> Iterator[None]:
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    others = [subprocess.Popen([sys.executable, "-c", BUSY], env=environment) for _ in range(n)]
    try:
        yield
    finally:
        for process in others:
            process.kill()
            process.wait()


def _start_s() -> float:
    """CPU seconds of a process that imports what this one has, as jobs do."""
    before = os.times()
    subprocess.run([sys.executable, "-c", f"import {__name__}"], cwd=ROOT, check=True)
    after = os.times()
    spent = (after.children_user, after.children_system)
    return sum(spent) - before.children_user - before.children_system


def _least_s(run: Callable[[], object], elsewhere_s: Callable[[], float] = lambda: 0.0) -> float:
    """Least seconds of two runs: of the CPU, here and in a worker, or wall time beside a GPU."""

    def cpu_s() -> float:
        return time.process_time() + elsewhere_s()

    clock = time.perf_counter if torch.cuda.is_available() else cpu_s
    return min(timeit.repeat(run, timer=clock, repeat=2, number=1))


def _noise(seconds: float, rate_hz: int) -> torch.Tensor:
    samples = np.random.default_rng(0).standard_normal(round(seconds * rate_hz))
    return torch.from_numpy(0.1 * samples).float()


def _neighbor_s(size: int) -> float:
    """Seconds per pair of rows and value that nearest neighbors take."""
    from hear.probe.neighbors import vote  # scikit-learn, which no other study needs

    rows = max(PROBE_EPOCHS)
    return _least_s(lambda: vote(_data(size, rows), Protocol(), 42)) / (rows * rows // 4 * size)


def _epoch_s(size: int, rows: int, protocol: Protocol, is_stacked: bool) -> float:
    """Seconds per epoch, validation included, over two grid points, or all if stacked."""
    n_points = len(grid_points(protocol, 42))
    n_points = n_points if is_stacked else min(2, n_points)
    fit_points = fit_stacked if is_stacked else one_by_one
    short = dataclasses.replace(
        protocol, n_grid_points=n_points, max_epochs=PROBE_EPOCHS[rows], max_epochs_cap=None
    )
    data = _data(size, rows)
    seconds = _least_s(lambda: train_and_predict(data, short, 42, fit_points=fit_points))
    return seconds / (PROBE_EPOCHS[rows] * n_points)


def _data(size: int, rows: int) -> ProbeData:
    """Noise in place of embeddings: so many rows train, an eighth of them validates and tests."""
    rng = np.random.default_rng(0)
    n_rows = {"train": rows, "valid": rows // 8, "test": rows // 8}
    features = {s: rng.standard_normal((n, size), np.float32) for s, n in n_rows.items()}
    targets = {
        s: np.eye(PROBE_LABELS, dtype=np.float32)[np.arange(n) % PROBE_LABELS]
        for s, n in n_rows.items()
    }
    fold = Fold("test", ("train",), ("valid",), ("test",))
    labels = [str(i) for i in range(PROBE_LABELS)]
    return ProbeData("noise", features, targets, [fold], labels, "multiclass", "top1_acc")


def _decode_s() -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.wav"
        noise = _noise(DECODED_S, ARCHIVE_RATE_HZ).numpy()
        soundfile.write(path, noise, ARCHIVE_RATE_HZ, subtype="PCM_16")
        return _least_s(lambda: read_clip(path, SAMPLE_RATE_HZ)) / DECODED_S
