"""The downstream protocol as a value: search grid, training length, selection rules.

Defaults are those of ``heareval`` 2021.1.3 (``predictions/task_predictions.py``: ``PARAM_GRID``,
``TASK_SPECIFIC_PARAM_GRID``, ``EVENT_POSTPROCESSING_GRID``). The protocol of a task results from
three layers, in this order: the study's values; the values that the reference and the task's
metadata prescribe for this task; the study's caps, which can only lower a number.
"""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import random
from collections.abc import Mapping
from typing import Any, NamedTuple

PROBE_VERSION = 1  # raise when the same features and protocol give other predictions
XAVIER = ("xavier_uniform", "xavier_normal")  # the order in which PARAM_GRID lists them

REFERENCE_TASK_GRID: dict[str, dict[str, Any]] = {
    "dcase2016_task2": {"check_val_every_n_epoch": [10]},  # TASK_SPECIFIC_PARAM_GRID
}

# What the metadata of HEAR's own folder of a task prescribe. hear-preprocess 610d864,
# hearpreprocess/maestro.py.
PRESCRIBED: dict[str, dict[str, Any]] = {
    "maestro": {
        "max_epochs": 50,
        "check_val_every_n_epoch": 1,
        "use_scoring_for_early_stopping": False,
        "median_filter_ms": 150,
        "min_duration": 50,
    }
}

# The reference's names of what a task may prescribe, and ours.
GRID_LISTS = {"hidden_layers": "hidden_layers", "lr": "learning_rates"}
GRID_SCALARS = {
    "hidden_dim": "hidden_dim",
    "dropout": "dropout",
    "batch_size": "batch_size",
    "max_epochs": "max_epochs",
    "check_val_every_n_epoch": "validation_every",
    "patience": "patience",
}
POSTPROCESSING_LISTS = {"median_filter_ms": "median_filter_ms", "min_duration": "min_duration_ms"}


class ProtocolError(ValueError):
    """An invalid protocol; the message names the key, the expected and the actual value."""


class GridPoint(NamedTuple):
    """One point of the search grid: the settings that differ between probes."""

    hidden_layers: int
    initialization: str
    learning_rate: float


class Neighbors(NamedTuple):
    """One point of the search for nearest-neighbor probes."""

    k: int


class Postprocessing(NamedTuple):
    """Post-processing of frames to events; ordered like the reference's sorted tuples."""

    median_filter_ms: float
    min_duration_ms: float


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Downstream protocol; the defaults are the reference's.

    Attributes
    ----------
    name : str
        Name on figures and in each score's provenance.
    n_grid_points : int
        Number of points of the shuffled grid to try, on the first fold only.
    hidden_layers, learning_rates, initializations : tuple
        The grid; 0 hidden layers make a linear probe.
    hidden_dim, dropout, batch_size : int, float, int
        Settings shared by all points.
    max_epochs, validation_every, patience : int
        Number of epochs, epochs between validations, validations without improvement before
        stopping.
    use_scoring_for_early_stopping : bool
        If true, select by the task's primary metric, else by the validation loss.
    median_filter_ms, min_duration_ms : tuple of float
        Event post-processing grid, in ms.
    max_epochs_cap, validation_every_cap, patience_cap : int or None
        Upper limits applied after the task's own values, to keep small studies fast on tasks that
        prescribe more; None keeps the task's value.
    """

    name: str = "reference"
    n_grid_points: int = 8  # runner.py, --grid-points
    hidden_layers: tuple[int, ...] = (1, 2)  # PARAM_GRID
    learning_rates: tuple[float, ...] = (3.2e-3, 1e-3, 3.2e-4, 1e-4)  # PARAM_GRID
    initializations: tuple[str, ...] = XAVIER  # PARAM_GRID
    hidden_dim: int = 1024  # PARAM_GRID
    dropout: float = 0.1  # PARAM_GRID
    batch_size: int = 1024  # PARAM_GRID
    max_epochs: int = 500  # PARAM_GRID
    validation_every: int = 3  # PARAM_GRID, check_val_every_n_epoch
    patience: int = 20  # PARAM_GRID
    use_scoring_for_early_stopping: bool = True  # task_predictions()
    median_filter_ms: tuple[float, ...] = (250,)  # EVENT_POSTPROCESSING_GRID
    min_duration_ms: tuple[float, ...] = (125, 250)  # EVENT_POSTPROCESSING_GRID
    max_epochs_cap: int | None = None
    validation_every_cap: int | None = None
    patience_cap: int | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_value(field.name, getattr(self, field.name), field.default)
        for name in self.initializations:
            if name not in XAVIER:
                raise ProtocolError(f"initializations: expected some of {XAVIER}, found {name!r}")
        if not 0 <= self.dropout < 1:
            raise ProtocolError(f"dropout: expected a value in [0, 1), found {self.dropout}")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Protocol:
        """Build a protocol from a configuration block, with lists instead of tuples.

        Missing attributes keep the reference's values. ProtocolError for an unknown key (suggesting
        the closest known key) or a value of the wrong type.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for key in config:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
                raise ProtocolError(f"protocol: unknown key {key!r}{hint}")
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in config.items()
        }
        return cls(**values)

    def for_task(self, metadata: Mapping[str, Any]) -> Protocol:
        """Apply the task-specific values of the reference and the metadata, then the caps.

        Uses ``task_name``, ``use_scoring_for_early_stopping``,
        ``evaluation_params.task_specific_param_grid`` and
        ``evaluation_params.event_postprocessing_grid`` of the task's ``task_metadata.json``. The
        method is idempotent.

        ProtocolError if the metadata prescribe a key that the probe does not have, or several
        values where only one is possible, or if validation would never take place.
        """
        grid = REFERENCE_TASK_GRID.get(metadata.get("task_name", ""), {})
        changes = _from_grid(grid | _task_grid(metadata, "task_specific_param_grid"))
        changes |= _from_postprocessing(_task_grid(metadata, "event_postprocessing_grid"))
        if "use_scoring_for_early_stopping" in metadata:
            changes["use_scoring_for_early_stopping"] = metadata["use_scoring_for_early_stopping"]
        for key in ("max_epochs", "validation_every", "patience"):
            cap = getattr(self, f"{key}_cap")
            if cap is not None:
                changes[key] = min(changes.get(key, getattr(self, key)), cap)
        protocol = dataclasses.replace(self, **changes)
        if protocol.max_epochs < protocol.validation_every:
            raise ProtocolError(
                f"protocol {self.name!r}: max_epochs {protocol.max_epochs} is below "
                f"validation_every {protocol.validation_every}: nothing would ever be validated"
            )
        return protocol

    def deviations(self) -> dict[str, Any]:
        """Return all attributes, except the name, that differ from the reference's defaults."""
        reference = Protocol()
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {k: v for k, v in values.items() if k != "name" and v != getattr(reference, k)}

    def postprocessings(self) -> tuple[Postprocessing, ...]:
        """Return the event post-processings to try, in the order of sklearn's ParameterGrid."""
        pairs = itertools.product(self.median_filter_ms, self.min_duration_ms)
        return tuple(Postprocessing(*pair) for pair in pairs)


def unprescribed(metadata: Mapping[str, Any]) -> list[str]:
    """Warnings about values that HEAR's own task folder prescribes but these metadata do not.

    Like the reference, `Protocol.for_task` uses such metadata unchanged.
    """
    given: dict[str, Any] = dict(metadata)
    for grid in ("task_specific_param_grid", "event_postprocessing_grid"):
        given |= _task_grid(metadata, grid)
    prescribed = PRESCRIBED.get(metadata.get("task_name", ""), {})
    missing = [f"{k} {v}" for k, v in prescribed.items() if given.get(k) not in (v, [v])]
    if not missing:
        return []
    return [
        f"task_metadata.json: HEAR prescribes {', '.join(missing)}, and this file does not: scores "
        "are not by the published protocol of this task, and training may take longer"
    ]


def grid_points(protocol: Protocol, seed: int) -> list[GridPoint]:
    """Draw the grid points to try: shuffle the whole grid, take the first ``n_grid_points``.

    A seed selects the same points as ``random.seed(seed)`` in the reference. Before the shuffle,
    the order is that of scikit-learn's ``ParameterGrid``: keys sorted by name (hidden_layers,
    initialization, lr), the last varying fastest (``task_predictions()``).
    """
    values = (protocol.hidden_layers, protocol.initializations, protocol.learning_rates)
    points = [GridPoint(*point) for point in itertools.product(*values)]
    random.Random(seed).shuffle(points)
    return points[: protocol.n_grid_points]


def _check_value(key: str, value: Any, default: Any) -> None:
    """Raise ProtocolError unless the value has the default's type; numbers must be positive."""
    if isinstance(default, tuple):
        if not isinstance(value, tuple) or not value:
            raise ProtocolError(f"{key}: expected a list with at least one value, found {value!r}")
        for item in value:
            _check_value(key, item, default[0])
    elif isinstance(default, (bool, str)):
        if not isinstance(value, type(default)):
            raise ProtocolError(f"{key}: expected a {type(default).__name__}, found {value!r}")
    elif default is not None or value is not None:
        _check_number(key, value, whole=not isinstance(default, float) and not key.endswith("_ms"))


def _check_number(key: str, value: Any, whole: bool) -> None:
    """Raise ProtocolError unless the value is a finite number, for counts a positive integer.

    Zero hidden layers are allowed: a linear probe.
    """
    kinds = (int,) if whole else (int, float)
    may_be_0 = key.endswith("_ms") or key in ("dropout", "hidden_layers")
    least = 0 if may_be_0 else 1 if whole else 1e-12  # lr > 0
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value < float("inf"):
        kind = "whole number" if whole else "number"
        raise ProtocolError(f"{key}: expected a {kind} >= {least}, found {value!r}")


def _task_grid(metadata: Mapping[str, Any], key: str) -> dict[str, list]:
    """Return one grid of a task's ``evaluation_params``; empty if there is none, or null."""
    parameters = metadata.get("evaluation_params") or {}
    if not isinstance(parameters, Mapping):
        raise ProtocolError(f"evaluation_params: expected an object, found {parameters!r}")
    grid = parameters.get(key) or {}
    if not isinstance(grid, Mapping):
        raise ProtocolError(f"evaluation_params: {key}: expected an object, found {grid!r}")
    for name, values in grid.items():
        if not isinstance(values, list | tuple):
            raise ProtocolError(f"{key}: {name}: expected a list of values, found {values!r}")
    return dict(grid)


def _from_grid(grid: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a ``task_specific_param_grid`` to attributes."""
    changes: dict[str, Any] = {}
    for key, values in grid.items():
        if key in GRID_LISTS:
            changes[GRID_LISTS[key]] = tuple(values)
        elif key not in GRID_SCALARS:
            known = ", ".join((*GRID_LISTS, *GRID_SCALARS))
            raise ProtocolError(f"task_specific_param_grid: unknown key {key!r}; known: {known}")
        elif len(values) != 1:
            raise ProtocolError(f"task_specific_param_grid: {key}: expected one value: {values!r}")
        else:
            changes[GRID_SCALARS[key]] = values[0]
    return changes


def _from_postprocessing(grid: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an ``event_postprocessing_grid`` to attributes.

    Missing keys take the defaults of the reference's ``create_events_from_prediction``.
    """
    for key in grid:
        if key not in POSTPROCESSING_LISTS:
            known = ", ".join(POSTPROCESSING_LISTS)
            raise ProtocolError(f"event_postprocessing_grid: unknown key {key!r}; known: {known}")
    if not grid:
        return {}
    missing = {"median_filter_ms": [150], "min_duration": [60.0]}  # create_events_from_prediction
    return {POSTPROCESSING_LISTS[k]: tuple(v) for k, v in {**missing, **grid}.items()}
