"""Validation of models with the HEAR API, before any long job runs.

Checks the rules of HEAR's own validator (https://github.com/hearbenchmark/hear-validator):
functions, attributes, shapes, dtype, and timestamps in ms that are regular, lie inside the clip and
reach its end. Also checks common causes of wrong scores that it does not cover: non-finite values,
nondeterministic output, output that depends on the other clips of the batch, a different network at
every load, timestamps that are not the centers of their windows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from torch import nn

from hear.api.caller import SIZES, Caller, Findings
from hear.api.checks import check_kind
from hear.api.model import HearModel
from hear.api.remote import RemoteModel
from hear.api.source import ModelError
from hear.api.worker import has_mode, takes_arrays
from hear.tasks.audio_checks import SAMPLE_RATES_HZ
from hear.tasks.problems import EMBEDDING_TYPES


def validate_model(
    module: str,
    weights: str = "",
    options: dict | None = None,
    worker: dict | None = None,
    kinds: Iterable[str] = EMBEDDING_TYPES,
    shortest_s: Mapping[str, float] | None = None,
) -> dict:
    """Check a module with the HEAR API; arguments as for `hear.api.model.HearModel`.

    Only the functions for the given ``kinds`` of task, ``scene`` and ``event``, are checked.
    ``shortest_s`` is the length of the tasks' shortest clip by kind, where known: failing to embed
    it is an error; failing on shorter clips is a warning.

    Returns
    -------
    dict
        Findings in plain types: sample rate, sizes, hop of the timestamps, hash of the weights, the
        checks that passed, and ``warnings``, which may lower scores.

    Raises
    ------
    ModelError
        One line per problem: the function, the expected and the actual result.
    """
    model = HearModel(module, weights, options, worker)
    findings = Findings()
    report: dict = {"module": module, "weights": weights, "options": options or {}}
    report |= _attributes(model, kinds, findings)
    if not findings.errors:
        again = HearModel(module, weights, options, worker)
        for kind in kinds:
            caller = Caller(model, kind, getattr(model.model, SIZES[kind]))
            shortest = (shortest_s or {}).get(kind, math.inf)
            report |= check_kind(caller, Caller(again, kind, caller.size), findings, shortest)
    if findings.errors:
        problems = "\n  ".join(findings.errors)
        own = [(options or {}).get("module"), weights]  # what an adapter of zoo/ loads
        of = "".join(f" with {path}" for path in own if path)
        raise ModelError(f"model {module}{of} does not follow the HEAR API:\n  {problems}")
    report["weights_sha256"] = model.weights_hash() or None
    return report | {"checks": findings.passed, "warnings": findings.warnings}


def _attributes(model: HearModel, kinds: Iterable[str], findings: Findings) -> dict:
    """Check the model object: its class and the attributes that the API requires."""
    network = model.model
    if isinstance(network, RemoteModel):
        other = "tf.Module"
        kind, trains = network.kind, network.has_mode
        is_module = kind in ("torch", "tensorflow", "numpy")
    else:
        other = "model in an environment of its own (models.<id>.environment)"
        kind, is_torch = type(network).__name__, isinstance(network, nn.Module)
        is_module, trains = is_torch or takes_arrays(network), is_torch and has_mode(network)
    if not is_module:
        findings.error(
            f"load_model: expected a torch.nn.Module, a {other}, or a model whose attribute "
            f"takes_arrays is true, for NumPy arrays instead of tensors; found {kind}"
        )
        return {}
    if trains:
        findings.warn(
            "load_model: the network is in training mode and has dropout or batch norm; call "
            "model.eval() before it is returned, unless the get_ functions do"
        )
    if model.sample_rate not in SAMPLE_RATES_HZ:
        findings.warn(
            f"sample_rate: {model.sample_rate} Hz is none of HEAR's ({SAMPLE_RATES_HZ}); "
            "audio will be resampled to it here, other harnesses cannot"
        )
    found: dict[str, object] = {"sample_rate": model.sample_rate}
    for kind in kinds:
        size = getattr(network, SIZES[kind], None)
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            findings.error(f"{SIZES[kind]}: expected an int above 0 on the model, found {size!r}")
        found[SIZES[kind]] = size
    findings.ok("load_model and the model's attributes")
    return found
