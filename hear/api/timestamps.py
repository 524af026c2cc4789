"""Checks of timestamps: HEAR's rules, and whether they mark the centers of the windows."""

from __future__ import annotations

import torch
from torch import Tensor

from hear.api.caller import Caller, Findings

MAX_HOP_MS = 50.0  # MAESTRO's onset tolerance, hearbenchmark.com/hear-api.html
MAX_JITTER_MS = 1.0  # hear-validator: deviation of a hop from the mean hop


def check_timestamps(
    caller: Caller, findings: Findings, timestamps: object, shape: tuple, duration_s: float
) -> None:
    """Check that timestamps are in ms, ascending, regular, equal for all sounds; span the clip."""
    name, duration_ms = caller.name, 1000 * duration_s
    if not isinstance(timestamps, Tensor) or tuple(timestamps.shape) != shape:
        found = getattr(timestamps, "shape", type(timestamps).__name__)
        found = tuple(found) if isinstance(found, torch.Size) else found
        return findings.error(f"{name}: expected timestamps of shape {shape}, found {found}")
    rows = timestamps.detach().cpu().double()
    times = rows[0]
    if not bool(torch.isfinite(rows).all()):
        return findings.error(f"{name}: expected finite timestamps, found NaN or infinity")
    if not torch.allclose(rows, times.expand_as(rows), rtol=0, atol=1e-3):
        findings.error(f"{name}: expected the same timestamps for all sounds of a batch")
    first, last = float(times[0]), float(times[-1])
    of = f"for a clip of {duration_ms:.0f} ms"
    if first < 0 or last > duration_ms:
        hint = "; are they samples instead of ms?" if last > 10 * duration_ms else ""
        return findings.error(
            f"{name}: expected timestamps inside the clip, found {first:g} to {last:g} {of}{hint}"
        )
    if len(times) < 2:
        return findings.warn(f"{name}: a single timestamp {of}: events cannot be distinguished")
    steps = times.diff()
    hop = float(steps.mean())
    if float(steps.min()) <= 0 or float((steps - hop).abs().max()) > MAX_JITTER_MS:
        return findings.error(
            f"{name}: expected ascending timestamps at regular intervals (within "
            f"{MAX_JITTER_MS:g} ms), found steps of {steps.min():g} to {steps.max():g} ms"
        )
    _check_span(name, findings, first, last, hop, duration_ms)


def _check_span(
    name: str, findings: Findings, first: float, last: float, hop: float, duration_ms: float
) -> None:
    """Check HEAR's rules on the first and last timestamp and on their distance."""
    of = f"for a clip of {duration_ms:.0f} ms"
    if last < duration_ms - 2 * hop:
        hint = "; are they seconds instead of ms?" if last < duration_ms / 100 else ""
        return findings.error(
            f"{name}: expected timestamps up to the end of the clip, found the last at "
            f"{last:g} ms {of}{hint}"
        )
    if last < duration_ms - max(hop, MAX_HOP_MS) - 1e-6:
        findings.warn(f"{name}: the last timestamp is {last:g} ms {of}: later events are lost")
    if first > hop:
        findings.warn(f"{name}: the first timestamp is {first:g} ms, later than one hop ({hop:g})")
    if hop > MAX_HOP_MS + 1e-6:
        findings.warn(
            f"{name}: a timestamp every {hop:g} ms; HEAR suggests at most {MAX_HOP_MS:g}, "
            "MAESTRO's onset tolerance"
        )


def check_centered(caller: Caller, findings: Findings) -> None:
    """Check that a short sound in silence changes the embeddings around its time, on both sides."""
    at_ms, rate = 900.0, caller.sample_rate
    base = 0.01 * caller.noise(1, 2.0)
    burst = base.clone()
    start = round((at_ms - 10) / 1000 * rate)
    burst[:, start : start + round(0.02 * rate)] += caller.noise(1, 0.02, seed=3)
    change = (caller.embed(burst) - caller.embed(base)).norm(dim=-1)[0].double()
    times = caller.timestamps(base)
    if len(change) != len(times):
        return findings.error(
            f"{caller.name}: expected as many timestamps as embeddings, found {len(times)} and "
            f"{len(change)} for a clip of 2000 ms"
        )
    if float(change.max()) == 0:
        return findings.warn(f"{caller.name}: a burst of noise at {at_ms:g} ms changes nothing")
    touched = times[change > change.max() / 2]
    middle = float(touched[0] + touched[-1]) / 2
    if abs(middle - at_ms) > max(MAX_HOP_MS, hop_ms(caller) or 0):
        findings.warn(
            f"{caller.name}: timestamps are not the centers of their windows: a burst at "
            f"{at_ms:g} ms changes the embeddings around {middle:.0f} ms"
        )


def hop_ms(caller: Caller) -> float | None:
    """Distance of the timestamps in ms; None if there is only one."""
    times = caller.timestamps(caller.noise(1, 1.0))
    return round(float(times.diff().mean()), 6) if len(times) > 1 else None
