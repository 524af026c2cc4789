"""Speed and memory of one network, measured in a process of its own."""

from __future__ import annotations

import ctypes
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from passt.architecture import N_AUDIOSET_TAGS
from passt.checkpoints import Checkpoint
from passt.embedder import Embedder
from passt.lengths import SAMPLE_RATE_HZ
from passt.measure.networks import (
    CLIP_S,
    MeasureError,
    Settings,
    TenSeconds,
    has_own_inference,
)
from passt.processor import processor_name
from passt.training.step import Trainer

MIN_STEPS = 3  # timed steps of each network at least, whatever the seconds
MIB = 2**20
M_MMAP_THRESHOLD = -3  # malloc.h: size from which memory comes from the system, and goes back
EXACT_BYTES = 2**16
CLEAR_REFS, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
FORGET_PEAK = "5"
LARGEST_THRESHOLD_BYTES = 2**25  # malloc.h: DEFAULT_MMAP_THRESHOLD_MAX, 64 bit


def measure_network(recipe: TenSeconds, settings: Settings) -> dict[str, float | str]:
    """Measure one network in this process, which must not have measured another before.

    ``inference_samples_per_s`` is given for networks without Patchout only.
    """
    torch.set_num_threads(settings.threads)
    trainer = Trainer(recipe, np.zeros((1, N_AUDIOSET_TAGS), dtype=bool), settings.device)
    generator = torch.Generator().manual_seed(recipe.seed)
    n_samples = round(CLIP_S * SAMPLE_RATE_HZ)
    clips = 0.1 * torch.randn(recipe.batch_size, n_samples, generator=generator)
    targets = torch.zeros(recipe.batch_size, N_AUDIOSET_TAGS)

    def train(n_sounds: int) -> Tensor:
        return trainer.step(0, clips[:n_sounds], targets[:n_sounds])

    with _exact_memory():
        train(1)  # makes the optimizer's state
        peak_of_one = _peak_mib(trainer.device, lambda: train(1))
        peak = _peak_mib(trainer.device, lambda: train(recipe.batch_size))
    train_s = _median_s(lambda: train(recipe.batch_size), trainer.device, settings.seconds)
    found: dict[str, float | str] = {
        **trainer.machine(),
        "device": device_name(trainer.device),
        "train_samples_per_s": recipe.batch_size / train_s,
        "train_memory_per_sample_mib": (peak - peak_of_one) / (recipe.batch_size - 1),
    }
    if has_own_inference(recipe):
        network = trainer.averaged_network()
        checkpoint = Checkpoint("measured", recipe.hop, network.architecture)
        embedder = Embedder(checkpoint, network).to(trainer.device)
        embed_s = _median_s(
            lambda: embedder.embed(clips, "scene"), trainer.device, settings.seconds
        )
        found["inference_samples_per_s"] = recipe.batch_size / embed_s
    return found


def device_name(device: torch.device) -> str:
    """Return the name of the GPU, or of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU: {processor_name()}"


def measure_apart(recipe: TenSeconds, settings: Settings, what: str) -> dict:
    """Measure one network, called ``what`` in errors, in a process of its own.

    The process is forked, so that torch is imported once. The calling process must not have used a
    GPU, nor several threads if ``settings`` asks for them: neither survives a fork.
    """
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])  # its imports, 2 s, once for all
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(sender, recipe, settings))
    child.start()
    sender.close()
    try:
        found = receiver.recv()
    except EOFError:
        found = "its process was killed, as happens when memory is short: lower batch_size"
    child.join()
    if isinstance(found, str):
        raise MeasureError(f"{what}: {found}")
    return found


def _send(sender: Connection, recipe: TenSeconds, settings: Settings) -> None:
    try:
        sender.send(measure_network(recipe, settings))
    except (RuntimeError, ValueError) as error:
        sender.send(f"{type(error).__name__}: {error}")


@contextmanager
def _exact_memory() -> Iterator[None]:
    """Make the C library return freed tensors at once, so that resident memory equals used memory.

    Slows down allocation, so it is not used while timing. No effect without glibc (mallopt(3)).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", lambda *_: None)
    mallopt(M_MMAP_THRESHOLD, EXACT_BYTES)
    yield
    mallopt(M_MMAP_THRESHOLD, LARGEST_THRESHOLD_BYTES)


def _peak_mib(device: torch.device, act: Callable[[], object]) -> float:
    """Peak memory of the process during ``act``; on a GPU, of its tensors.

    Only Linux can reset the peak of a process; elsewhere, earlier peaks are included.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        act()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) / MIB
    try:  # proc(5); a fork starts with its parent's peak
        CLEAR_REFS.write_text(FORGET_PEAK)
        act()
        fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024 / MIB
    except OSError:
        act()
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def _median_s(act: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Median duration of repeated calls; the median is robust to other jobs on the machine."""
    durations: list[float] = []
    while len(durations) < MIN_STEPS or sum(durations) < seconds:
        start = time.perf_counter()
        act()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)
