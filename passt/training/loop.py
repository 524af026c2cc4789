"""The training loop: epochs, validation, and a stored state to resume from."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from passt.files import replace_file
from passt.training.data import Clips, StepBatches, TaggedData, read_data
from passt.training.recipe import Recipe
from passt.training.record import History, make_record, write_results
from passt.training.step import Trainer
from passt.training.validate import validate


class TrainingError(ValueError):
    """A training run that cannot continue."""


def train(
    recipe: Recipe,
    data_directory: Path,
    directory: Path,
    n_steps: int | None = None,
    progress: bool = True,
) -> dict | None:
    """Train a network, or resume a stopped training; return its record.

    ``data_directory`` is a data set of `passt.training.data`. ``directory`` receives ``state.pt``
    after every epoch; at the end, ``weights.safetensors`` (float16) and ``record.json`` replace it.
    With ``n_steps``, training stops after that many steps in total, stores the state and returns
    None (a dry run). ``progress`` reports speed, loss and validation mAP on standard error.

    Random draws depend on the seed and the step number only: on one machine with a fixed thread
    count, a resumed training gives the same bytes as an uninterrupted one. Malformed data raise
    DataError; a stored state of another recipe or data set, and a non-finite loss, raise
    TrainingError.
    """
    data = read_data(Path(data_directory))
    Path(directory).mkdir(parents=True, exist_ok=True)
    identity = {"recipe": asdict(recipe), "data": data.sha256}
    state_path = Path(directory) / "state.pt"
    with torch.random.fork_rng(devices=[]):
        trainer, history = Trainer(recipe, data.train.targets), History()
        if state_path.is_file():
            _restore(state_path, identity, trainer, history)
        end = recipe.n_epochs * recipe.steps_per_epoch
        last = end if n_steps is None else min(end, n_steps)
        for epoch_ended in _steps(trainer, data.train, history, last, progress):
            if epoch_ended:
                _end_epoch(trainer, data, history, progress)
                _save(state_path, identity, trainer, history)
    history.stop()
    if history.step < end:
        _save(state_path, identity, trainer, history)
        return None
    n_parameters = sum(parameter.numel() for parameter in trainer.network.parameters())
    record = make_record(recipe, data, history, n_parameters, trainer.machine())
    write_results(Path(directory), trainer.average.weights(), record)
    state_path.unlink()
    return record


def _steps(
    trainer: Trainer, clips: Clips, history: History, last: int, progress: bool
) -> Iterator[bool]:
    """Train up to step ``last``; yield after each step whether an epoch has ended."""
    recipe, steps = trainer.recipe, range(history.step, last)
    loader = DataLoader(
        StepBatches(clips, recipe),
        batch_size=None,
        sampler=steps,
        num_workers=recipe.workers,
        pin_memory=trainer.device.type == "cuda",
        generator=torch.Generator(),
    )
    name = f"{recipe.name} hop {recipe.hop}"
    history.start()
    with tqdm(
        total=last, initial=history.step, unit="step", desc=name, disable=not progress
    ) as bar:
        for step, (waveforms, targets) in zip(steps, loader, strict=True):
            history.add(waveforms, trainer.step(step, waveforms, targets))
            bar.update()
            yield history.step % recipe.steps_per_epoch == 0


def _end_epoch(trainer: Trainer, data: TaggedData, history: History, progress: bool) -> None:
    """Average the weights, validate if it is due, report."""
    recipe, epoch = trainer.recipe, history.step // trainer.recipe.steps_per_epoch
    loss, history.loss_sum = history.loss_sum / recipe.steps_per_epoch, 0.0
    if not math.isfinite(loss):
        raise TrainingError(
            f"{recipe.name}, hop {recipe.hop}, epoch {epoch}: the loss became {loss}; "
            "lower learning_rate or set gradient_clip"
        )
    trainer.average.after_epoch(epoch - 1)
    seen_before = history.wall_s
    history.stop()
    rate = recipe.steps_per_epoch * recipe.batch_size / (history.wall_s - seen_before)
    entry = {"epoch": epoch, "step": history.step, "loss": loss, "clips_per_s": rate}
    if epoch % recipe.validation_every == 0 or epoch == recipe.n_epochs:
        network = trainer.averaged_network()
        entry["valid_mAP"] = validate(network, trainer.mel, data.valid, max(recipe.crop_s))
    history.curve.append(entry)
    history.stop()
    if progress:
        numbers = [f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items()]
        tqdm.write("  ".join(numbers), file=sys.stderr)


def _save(path: Path, identity: dict, trainer: Trainer, history: History) -> None:
    state = trainer.state() | {"identity": json.dumps(identity), "history": asdict(history)}
    replace_file(path, lambda part: torch.save(state, part))


def _restore(path: Path, identity: dict, trainer: Trainer, history: History) -> None:
    """Restore a stored state; TrainingError if it belongs to another training."""
    try:
        state = torch.load(path, map_location=trainer.device, weights_only=True)
        found, expected = json.loads(state["identity"]), json.loads(json.dumps(identity))
        before = found["recipe"]
        keys = [key for key, value in expected["recipe"].items() if before.get(key) != value]
        what = ", ".join(keys) or "data" * (found["data"] != expected["data"])
        if not what:
            trainer.restore(state)
            history.restore(state["history"])
    except Exception as error:  # of torch and Python, for values of every kind
        raise TrainingError(f"{path}: not a readable training state: {error}") from error
    if what:
        raise TrainingError(f"{path} is of a training with other {what}; delete it to start over")
