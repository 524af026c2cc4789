"""Agreement of the probe with heareval: seven small tasks, several seeds, all evaluators.

    python -m benchmarks.probe_parity --seeds 42 43 44 45 46 47 48 49 --python PYTHON

``PYTHON`` is that of heareval's environment (``make heareval``). Rows that
``benchmarks/results/probe_parity.csv`` already has are not run again; the summary is made anew.
The search is capped at 60 epochs and a patience of 6 (MAESTRO-like: 20 epochs), through the hook
that heareval has for it, so that an afternoon suffices.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from benchmarks.machine import cpu_seconds, origin
from benchmarks.parity_summary import summaries
from hear.heareval import backend
from hear.metrics.registry import METRICS
from hear.probe import search
from hear.probe.data import ProbeData
from hear.probe.search import ProbeResult
from hear.probe.selection import events_of_files, frames_by_file, reference_events
from hear.probe.stacked import fit_stacked
from hear.protocol import Protocol
from passt import mkl
from passt.mkl import take_fast_path
from tests.hear.oracle_inputs import probe_inputs

RESULTS = Path(__file__).parent / "results"
SUMMARIES = {
    "native": "probe_parity_summary.csv",
    "stacked": "probe_parity_summary_stacked.csv",  # other random numbers: equal in distribution
}
CAP = {"max_epochs": [60], "patience": [6]}
EVENTS = {"event_postprocessing_grid": {"median_filter_ms": [150], "min_duration": [50]}}

# Case: prediction type, primary metric, what the task's metadata prescribe.
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "multiclass": ("multiclass", "top1_acc", {"task_specific_param_grid": CAP}),
    "multiclass_5fold": ("multiclass", "top1_acc", {"task_specific_param_grid": CAP}),
    "multilabel": ("multilabel", "mAP", {"task_specific_param_grid": CAP}),
    "binary": ("multiclass", "aucroc", {"task_specific_param_grid": CAP}),
    "pitch": ("multiclass", "pitch_acc", {"task_specific_param_grid": CAP}),
    "events": (
        "multilabel",
        "event_onset_200ms_fms",
        {"task_specific_param_grid": CAP | {"check_val_every_n_epoch": [10]}},
    ),
    "events_5fold": (
        "multilabel",
        "event_onset_50ms_fms",
        {"task_specific_param_grid": {"max_epochs": [20], "check_val_every_n_epoch": [1]}} | EVENTS,
    ),
}


def arguments_of(case: str) -> tuple[ProbeData, Protocol]:
    """Data and protocol of a case."""
    prediction_type, metric, parameters = CASES[case]
    metadata = {
        "evaluation_params": parameters,
        "use_scoring_for_early_stopping": case != "events_5fold",  # MAESTRO selects by loss
    }
    return probe_inputs(case, prediction_type, metric), Protocol().for_task(metadata)


def score_of(data: ProbeData, result: ProbeResult) -> float:
    """Primary metric, mean over folds."""
    metric, labels, scores = METRICS[data.metric], data.labels, []
    for fold, outcome in zip(data.folds, result.folds, strict=True):
        if metric.kind == "clip":
            target = data.targets[fold.test[0]]
            scores.append(metric.primary(target, outcome.probabilities))
            continue
        frames = frames_by_file(data.events, fold.test)
        chosen = outcome.chosen.postprocessing
        events = events_of_files(outcome.probabilities, frames, labels, [chosen])[chosen]
        reference = reference_events(data.events, fold.test)
        scores.append(metric.primary(reference, events, labels))
    return sum(scores) / len(scores)


def run(case: str, program: str, seed: int, python: str, fast: bool) -> dict[str, Any]:
    """One row: a program on a case with a seed, under MKL's fast path or its own choice."""
    data, protocol = arguments_of(case)
    evaluate = {
        "native": search.train_and_predict,
        "stacked": partial(search.train_and_predict, fit_points=fit_stacked),
        "heareval": partial(
            backend.train_and_predict, python=python, mkl=mkl.__file__ if fast else None
        ),
    }[program]
    started, cpu = time.perf_counter(), cpu_seconds()
    result = evaluate(data, protocol, seed)
    row = {"case": case, "program": program, "seed": seed, "mkl_path": mkl.path()}
    row["score"] = score_of(data, result)
    chosen = result.folds[0].chosen
    row |= {"point": "/".join(map(str, chosen.point)), "epoch": chosen.epoch}
    row["n_validations"] = " ".join(str(point.n_validations) for point in result.grid)
    row["postprocessing"] = "/".join(map(str, chosen.postprocessing or ()))
    row["search_sha256"] = _hash(json.dumps([asdict(point) for point in result.grid]).encode())
    row["predictions_sha256"] = _hash(b"".join(f.probabilities.tobytes() for f in result.folds))
    row |= {"cpu_s": round(cpu_seconds() - cpu, 2)}
    row |= {"wall_s": round(time.perf_counter() - started, 2)} | origin(python)
    return row


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def main() -> None:
    """Run what is missing, seed by seed through all cases, and summarize."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=range(42, 50))
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--programs", nargs="+", default=["heareval", "native", "stacked"])
    parser.add_argument("--python", default=str(backend.PYTHON))
    parser.add_argument("--mkl-path", choices=["fast", "slow"], default="fast")
    parser.add_argument("--output", type=Path, default=RESULTS / "probe_parity.csv")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if fast := options.mkl_path == "fast":
        take_fast_path()
    rows = pd.read_csv(options.output).to_dict("records") if options.output.exists() else []
    done = {(r["case"], r["program"], r["seed"]) for r in rows if r["mkl_path"] == mkl.path()}
    for seed in options.seeds:
        for case in options.cases:
            for program in options.programs:
                if (case, program, seed) not in done:
                    rows.append(run(case, program, seed, options.python, fast))
                    pd.DataFrame(rows).to_csv(options.output, index=False)
    table = pd.read_csv(options.output)
    for program, name in SUMMARIES.items():
        summaries(table, program).to_csv(options.output.with_name(name), index=False)


if __name__ == "__main__":
    main()
