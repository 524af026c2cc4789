"""Coverage-guided fuzzing of a parser of bytes by Atheris, a libFuzzer for Python.

    python -m tests.fuzz.coverage READER CASES SEED FILE

Writes a row of counts to FILE, as `tests.fuzz.run.run_reader` returns it. libFuzzer mutates the
reader's corpus and keeps what reaches new branches of the packages and modules below.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import atheris

PARSERS = ["hear", "workflow", "analysis", "tarfile", "gzip", "csv"]  # whose branches are seen

with atheris.instrument_imports(include=PARSERS):
    from tests.fuzz.run import find_readers, place_of
    from tests.fuzz.watch import Fault, Watch

    READERS = find_readers()  # which imports what they read with


def main() -> None:
    """Try one reader; libFuzzer ends the process."""
    name, n_cases, number, file = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    reader = READERS[name]
    assert reader.from_bytes is not None, "only readers of bytes are asked for"
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    (folder / "corpus").mkdir()
    for i, content in enumerate(reader.corpus()):
        (folder / "corpus" / str(i)).write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    watch, faults = Watch(reader, folder), dict[str, str]()
    calls = 0

    def one(content: bytes) -> None:
        nonlocal calls
        try:
            watch.run(reader.from_bytes(content))
        except Fault as fault:
            faults.setdefault(place_of(fault), f"{fault}\n{content!r}")
        calls += 1
        if calls >= n_cases:
            peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            row = {"reader": name, "engine": "atheris", **asdict(watch.counts), "faults": faults}
            row |= {"seed": int(number), "peak_mib": round(peak), "first_check": reader.first_check}
            file.write_text(json.dumps(row))
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(0)

    options = [f"-seed={int(number) + 1}", "-max_len=40000", "-rss_limit_mb=0", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
