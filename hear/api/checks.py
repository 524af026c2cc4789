"""Checks of the output of a model's embedding function, for `hear.api.validate`.

Each check calls the function through a `Caller` and adds a sentence to `Findings` that names the
function, the expected and the actual result.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hear.api.caller import SIZES, Caller, Findings, difference
from hear.api.timestamps import check_centered, check_timestamps, hop_ms

AXES = {"scene": ("n_sounds", "size"), "event": ("n_sounds", "n_timestamps", "size")}
FORM_S = {"scene": (2.74,), "event": (1.07, 1.98)}  # lengths that HEAR's validator tries
SHORT_S = (0.8, 0.4, 0.3, 0.2, 0.1)  # FSD50K's clips have 0.3 to 30 s, all others of HEAR more
SAME = 1e-5  # relative difference of two answers to one question: rounding, not randomness
ALIKE = 1e-3  # the same with other shapes of the batch, also in reduced precision on a GPU


def check_kind(caller: Caller, again: Caller, findings: Findings, shortest_s: float) -> dict:
    """Run all checks of one function; ``again`` calls it on a second load of the model.

    Clips of ``shortest_s`` must be embedded. Returns facts for the report:
    ``shortest_{kind}_clip_s`` and, for timestamps, their hop.
    """
    before = len(findings.errors)
    facts: dict = {}
    for duration_s in FORM_S[caller.kind]:
        if not _attempt(check_form, caller, findings, duration_s) or findings.errors[before:]:
            return facts
    checks: list[Callable] = [check_finite, check_repeats, check_neighbors]
    if caller.kind == "event":
        checks += [check_centered]
        facts["timestamp_hop_ms"] = hop_ms(caller)
    for check in checks:
        _attempt(check, caller, findings)
    _attempt(check_reload, caller, findings, again)
    facts[f"shortest_{caller.kind}_clip_s"] = check_short(caller, findings, shortest_s)
    if not findings.errors[before:]:
        findings.ok(f"{caller.name}: shapes, float32, finite, repeatable, alone as in a batch")
    return facts


def _attempt(check: Callable, caller: Caller, findings: Findings, *more: object) -> bool:
    """Run a check; return False if the model raised an error, which becomes a finding."""
    try:
        check(caller, findings, *more)
        return True
    except Exception as error:  # whatever a model's code may raise
        about = check.__name__.replace("check_", "")
        findings.error(f"{caller.name}: failed on a valid input ({about}): {error!r}")
        return False


def check_form(caller: Caller, findings: Findings, duration_s: float) -> None:
    """Check types, axes, dtype and sizes of the output for two clips of noise."""
    n_sounds = 2
    returned = caller.call(caller.noise(n_sounds, duration_s))
    embeddings, name = returned, caller.name
    if caller.kind == "event":
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            found = type(returned).__name__
            return findings.error(f"{name}: expected (embeddings, timestamps), found {found}")
        embeddings = returned[0]
    if not isinstance(embeddings, Tensor):
        found = type(embeddings).__name__
        return findings.error(f"{name}: expected embeddings as a torch.Tensor, found {found}")
    shape, axes = tuple(embeddings.shape), AXES[caller.kind]
    if len(shape) != len(axes) or shape[0] != n_sounds:
        return findings.error(
            f"{name}: expected embeddings of shape ({', '.join(axes)}) with n_sounds = {n_sounds}, "
            f"found {shape}"
        )
    if shape[-1] != caller.size:
        findings.error(
            f"{name}: expected embeddings of the model's {SIZES[caller.kind]} {caller.size}, "
            f"found {shape[-1]}"
        )
    if embeddings.dtype != torch.float32:
        findings.error(f"{name}: expected float32 embeddings, found {embeddings.dtype}")
    if caller.kind == "event":
        check_timestamps(caller, findings, returned[1], shape[:2], duration_s)


def check_finite(caller: Caller, findings: Findings) -> None:
    """Check that no output is NaN or infinite, also for silence, a constant and full scale."""
    quiet = torch.zeros(1, caller.sample_rate)
    sounds = {
        "noise": caller.noise(1, 1.0),
        "digital silence": quiet,
        "a constant of 0.5": quiet + 0.5,
        "full scale": caller.noise(1, 1.0).sign(),
    }
    for what, audio in sounds.items():
        if not bool(torch.isfinite(caller.embed(audio)).all()):
            findings.error(
                f"{caller.name}: expected finite embeddings, found NaN or inf for {what}"
            )


def check_repeats(caller: Caller, findings: Findings) -> None:
    """Check that equal sounds give equal embeddings, other sounds others; input stays unchanged."""
    audio = caller.noise(2, 1.0)
    first = caller.embed(audio)
    if (found := difference(first, caller.embed(audio))) > SAME:
        findings.error(
            f"{caller.name}: expected the same embeddings for the same input, found a relative "
            f"difference of {found:.2g}; dropout still on (call model.eval()), or random numbers "
            "in the forward pass?"
        )
    elif difference(first[:1], first[1:]) <= SAME:
        findings.warn(f"{caller.name}: two different sounds get the same embedding")
    given = audio.clone().to(caller.model.device)
    caller.call(given)
    if not torch.equal(given.cpu(), audio):
        findings.warn(f"{caller.name}: modifies the audio passed to it")


def check_neighbors(caller: Caller, findings: Findings) -> None:
    """Check that a clip's embedding does not depend on the other clips in the batch."""
    clip, others = caller.noise(1, 1.0, seed=1), caller.noise(2, 1.0, seed=2)
    alone = caller.embed(clip)
    for what, gain in (("quiet", 0.01), ("loud", 2.0)):
        found = difference(alone, caller.embed(torch.cat((clip, gain * others)))[:1])
        if not found <= ALIKE:
            return findings.error(
                f"{caller.name}: expected a clip's embedding not to depend on the batch, found a "
                f"relative difference of {found:.2g} between the clip alone and beside two "
                f"{what} ones; is something normalized over the batch?"
            )


def check_reload(caller: Caller, findings: Findings, again: Caller) -> None:
    """Check that loading the model again gives the same network."""
    audio = caller.noise(1, 1.0)
    found = difference(caller.embed(audio), again.embed(audio))
    if found > SAME:
        findings.error(
            f"load_model: expected the same network at every load, found a relative difference of "
            f"{found:.2g} of the embeddings ({caller.name}); random weights without a seed?"
        )


def check_short(caller: Caller, findings: Findings, shortest_s: float) -> float | None:
    """Return the shortest length of `SHORT_S` and ``shortest_s`` that the function embeds.

    A failure on shorter clips is an error if the tasks have such clips, else a warning.
    """
    shortest = None
    own = {shortest_s} if shortest_s <= 1 else set()  # longer ones were tried by the other checks
    for duration_s in sorted({*SHORT_S, *own}, reverse=True):
        try:
            fine = bool(torch.isfinite(caller.embed(caller.noise(1, duration_s))).all())
            reason = "values that are not finite"
        except Exception as error:
            fine, reason = False, repr(error)
        if not fine:
            said = f"{caller.name}: clips of {duration_s:g} s give {reason}"
            if duration_s < shortest_s:
                findings.warn(said)
            else:
                findings.error(f"{said}; the tasks have such clips, of {shortest_s:g} s")
            break
        shortest = duration_s
    return shortest
