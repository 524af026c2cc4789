"""Running one reader on its corpus and on drawn cases, in a process of its own."""

from __future__ import annotations

import faulthandler
import importlib
import os
import pkgutil
import resource
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz import readers as rooms
from tests.fuzz.watch import Fault, Reader, Watch

MAX_SHOWN = 1_500  # characters of a case
HANGS_S = 600.0  # of all cases of a reader without a new one: code of C that does not return


@cache
def find_readers() -> dict[str, Reader]:
    """Every reader by its name, in the order of their modules."""
    torch.set_num_threads(1)  # readers make their first cases; a pool does not survive a fork
    modules = sorted(module.name for module in pkgutil.iter_modules(rooms.__path__))
    found = [
        reader
        for module in modules
        for reader in importlib.import_module(f"{rooms.__name__}.{module}").readers()
    ]
    return {reader.name: reader for reader in found}


def run_reader(name: str, n_cases: int, number: int) -> dict:
    """Try a reader on its corpus and on ``n_cases`` cases drawn with a seed.

    Returns a row of counts, with ``faults``: by kind and place the smallest case seen.
    """
    told = open(os.dup(2), "w")
    for stream in (1, 2):  # libsndfile and libmpg123 write lines on many cases
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    faulthandler.enable(told)
    reader = find_readers()[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    faults: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        watch = Watch(reader, Path(folder))

        def one(case: object) -> None:
            faulthandler.dump_traceback_later(HANGS_S, exit=True, file=told)
            watch.limit_memory()  # again, since hypothesis keeps the cases
            try:
                watch.run(case)
            except Fault as fault:
                key, found = place_of(fault), f"{fault}\n{case!r}"
                faults[key] = min(faults.get(key, found), found, key=len)

        for case in reader.seeds:
            one(case)
        drawn = settings(
            max_examples=n_cases,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
        )
        seed(number)(drawn(given(reader.cases)(one)))()
        faulthandler.cancel_dump_traceback_later()
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    row = {"reader": name, "engine": "hypothesis", **asdict(watch.counts), "seed": number}
    shown = {key: case[:MAX_SHOWN] for key, case in faults.items()}
    return row | {"peak_mib": round(peak), "first_check": reader.first_check, "faults": shown}


def place_of(fault: Fault) -> str:
    """What happened, and the project's line in which it did."""
    cause: BaseException = fault.__cause__ or fault
    trace, place = cause.__traceback__, "?"
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "site-packages" not in file and "/lib/python" not in file and "/tests/fuzz/" not in file:
            place = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(cause).__name__} at {place}"
