"""Speed and memory of the probe against heareval, both in one run on the same data.

    python -m benchmarks.probe --python PYTHON [--cases rates scoring esc50_like ...]
    python -m benchmarks.probe --program stacked --cases speech_commands_like     # with a GPU

``PYTHON`` is that of heareval's environment (``make heareval``). Each program runs in a process
of its own, imports and set-up included, in turns; CPU seconds are those of the process. ``ratio``
is the CPU seconds of heareval as its users have it (on processors that are not Intel's without
MKL's fast path), divided by this software's, ``ratio_same_path`` those of heareval under the same
path; both of wall seconds where this software used a GPU. For ``rates``, ``ratio`` is the epoch's
share of the machine's peak (``benchmarks/peak.py``).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import probe_cases
from benchmarks.machine import origin, reference_paths
from benchmarks.rows import replace_rows
from hear.heareval.backend import NO_GPU, PYTHON, RUNNER
from hear.metrics.registry import METRICS
from passt import mkl
from passt.mkl import take_fast_path

OUTPUT = Path(__file__).parent / "results" / "probe_speed.csv"
EVENT_METRICS = [slug for slug, metric in METRICS.items() if metric.kind == "event"]
# A new row replaces the old one with the same:
KEY = ["case", "program", "mkl_path", "device", "machine"]
N_FILES = 14  # scored at once: as many as the DCASE-like task has for testing


def run(command: list[Any], cwd: Path) -> tuple[dict[str, float], str]:
    """Run a program; return its CPU and wall seconds and peak memory, and what it printed."""
    started = time.perf_counter()
    with open(cwd / "out", "w+") as out, open(cwd / "err", "w") as err:
        ours = command[0] == sys.executable
        variables = {"PYTHONPATH": os.getcwd()} if ours else NO_GPU
        process = subprocess.Popen(
            list(map(str, command)), cwd=cwd, stdout=out, stderr=err, env=os.environ | variables
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        printed = out.read()
    if process.returncode:
        raise RuntimeError(f"{command}: {(cwd / 'err').read_text()[-2000:]}")
    facts = {"cpu_s": usage.ru_utime + usage.ru_stime, "wall_s": time.perf_counter() - started}
    return facts | {"peak_mib": usage.ru_maxrss / 1024}, printed


def whole_task(
    case: str, python: str, threads: int, program: str, paths: Sequence[str]
) -> list[dict[str, Any]]:
    """Both programs from start to end, heareval under each of MKL's ``paths``, users' first.

    Peak memory is that above the imports.
    """
    with tempfile.TemporaryDirectory() as directory:
        cwd = Path(directory).resolve()
        (cwd / "task").mkdir()
        # In a process of its own: a child's peak starts at what its parent holds.
        maker = get_context("spawn").Process(
            target=probe_cases.make, args=(case, cwd / "task", 0, threads)
        )
        maker.start()
        maker.join()
        command = [sys.executable, "-m", "benchmarks.probe_native", case, cwd / "task"]
        ours, printed = run([*command, threads, program], cwd)
        imports, _ = run([python, "-I", "-c", "import heareval.predictions.runner"], cwd)
        theirs, settings = {}, json.loads((cwd / "task" / "run.json").read_text())
        for path in paths:
            folder = shutil.copytree(cwd / "task", cwd / path)  # it keeps what it finds finished
            settings["mkl"] = mkl.__file__ if path == "fast" else None
            (folder / "run.json").write_text(json.dumps(settings))
            theirs[path], _ = run([python, "-I", RUNNER, folder], cwd)
            shutil.rmtree(folder)
            theirs[path]["peak_mib"] -= imports["peak_mib"]
    facts = json.loads(printed)
    ours["peak_mib"] -= facts["imports_mib"]
    # A GPU's seconds are in the wall time only.
    clock = "cpu_s" if facts["device"] == "cpu" else "wall_s"
    ratios = {path: found[clock] / ours[clock] for path, found in theirs.items()}
    ours |= {"ratio": ratios[paths[0]], "ratio_same_path": ratios["fast"]}
    ours["device"] = facts["device"]
    parts = facts["seconds"] | {"imports": facts["imports_s"]}
    detail = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in parts.items())
    size = f"features {probe_cases.size_mib(case):.0f} MiB"
    rows = [{"case": case, "program": program, "mkl_path": "fast", **ours}]
    rows += [{"case": case, "program": "heareval", "mkl_path": p, **theirs[p]} for p in theirs]
    details = [f"{size}; {detail}", *(size for _ in theirs)]
    return [row | {"detail": text} for row, text in zip(rows, details, strict=True)]


def scoring(python: str) -> list[dict[str, Any]]:
    """Event metrics on a DCASE-like test part; values must be exactly equal."""
    labels = [f"label{i:02d}" for i in range(11)]
    reference = probe_cases.events_of(N_FILES, labels, "f", 0)
    rng = np.random.default_rng(1)
    estimated = {
        file: [
            {"label": e["label"], **{k: e[k] + float(rng.normal(0, 60)) for k in ("start", "end")}}
            for e in events
            if rng.random() < 0.9
        ]
        for file, events in reference.items()
    }
    for events in estimated.values():
        events += [dict(event, start=event["start"] + 40) for event in events[:3]]
    data = {"reference": reference, "estimated": estimated, "labels": labels}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory).resolve() / "events.json"
        path.write_text(json.dumps(data | {"metrics": EVENT_METRICS}))
        script = Path(__file__).with_name("heareval_scoring.py")
        _, printed = run([python, "-I", script, path], path.parent)
    theirs, rows = json.loads(printed), []
    for slug in EVENT_METRICS:
        spent = []
        for _ in range(20):
            started = time.process_time()
            value = METRICS[slug].function(reference, estimated, labels)
            spent.append(time.process_time() - started)
        if value != theirs[slug]["value"]:
            raise RuntimeError(f"{slug}: {value} differs from heareval's {theirs[slug]['value']}")
        cpu_s = {"native": float(np.median(spent)), "heareval": theirs[slug]["cpu_s"]}
        for program, seconds in cpu_s.items():
            row = {
                "case": f"scoring {slug}",
                "program": program,
                "mkl_path": "none",
                "cpu_s": seconds,
            }
            if program == "native":
                row["ratio"] = cpu_s["heareval"] / seconds
            rows.append(row | {"detail": "values exactly equal"})
    return rows


def rates(threads: int) -> list[dict[str, Any]]:
    """Share of the machine's peak that a training epoch reaches."""
    with tempfile.TemporaryDirectory() as directory:
        cwd = Path(directory).resolve()
        command = [sys.executable, "-m", "benchmarks.probe_native", "rates", cwd, threads, "native"]
        found = json.loads(run(command, cwd)[1])
    return [
        {"case": f"rates, {name}", "program": "native", "mkl_path": "fast"}
        | {"ratio": epoch / peak, "detail": f"{epoch:.1f} of {peak:.1f} GFLOP/s"}
        for name, (epoch, peak) in found.items()
    ]


def main() -> None:
    """Measure the cases asked for; rows of other cases and machines stay."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = ["rates", "scoring", *probe_cases.CASES]
    default = [case for case in known if case not in probe_cases.ON_REQUEST]
    parser.add_argument("--cases", nargs="+", choices=known, default=default)
    parser.add_argument("--program", choices=["native", "stacked"], default="native")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--python", default=str(PYTHON))
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    paths = reference_paths()
    take_fast_path()
    python = str(Path(options.python).absolute())
    for case in options.cases:
        if case == "rates":
            rows = rates(options.threads)
        elif case == "scoring":
            rows = scoring(python)
        else:
            rows = whole_task(case, python, options.threads, options.program, paths)
        facts = {"device": "cpu", "threads": options.threads} | origin(python)
        table = pd.DataFrame([facts | row for row in rows])
        times = ["cpu_s", "wall_s", "peak_mib", "ratio", "ratio_same_path"]
        first = ["case", "program", "mkl_path", "device", "threads", *times]
        others = [name for name in table.columns if name not in first]
        table = table.reindex(columns=[*first, *others]).round(4)
        replace_rows(OUTPUT, table.to_dict("records"), KEY)


if __name__ == "__main__":
    main()
