"""Results: score files, predictions, bootstrapped scores, stored features, tables."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from analysis.report.trace import read_trace
from analysis.statistics.cells import CellsError, read_replicates
from analysis.tables.score_files import read_scores
from analysis.tables.scores import TIDY_COLUMNS, ScoresError, read_tidy
from hear.features.store import read_components
from hear.metrics.registry import METRICS
from hear.scores.files import load_predictions, read_header
from tests.fuzz.mutations import SNIPPETS, as_csv, as_json, csv_files, damaged, edited, json_files
from tests.fuzz.readers.tasks import is_object
from tests.fuzz.readers.weights import is_zip
from tests.fuzz.watch import Reader

_ENTRY = {"metric": "top1_acc", "primary": True, "fold": "f0", "seed": 42, "score": 0.5}
SCORES = {
    "study": "mine", "model": "m", "label": "M", "task": "esc50", "category": "general",
    "embedding": "m.scene.M", "probe": "mlp", "train_fraction": 1.0,
    "metrics": {slug: METRICS[slug].facts() for slug in ("top1_acc", "d_prime")},
    "scores": [
        _ENTRY, _ENTRY | {"fold": "f1"},
        _ENTRY | {"metric": "d_prime", "primary": False, "score": "inf"},
        _ENTRY | {"metric": "d_prime", "primary": False, "fold": "f1", "score": None},
    ],
    "provenance": {"task_hashes": {"a": "0"}, "checkpoints": {"c": "1"},
    "software": {"torch": "2"}},
}  # fmt: skip
OTHER = SCORES | {"model": "n"}


def _read_scores(case: bytes, inside: Path) -> None:
    (inside / "first.json").write_bytes(as_json(OTHER))
    (inside / "second.json").write_bytes(case)
    read_scores([inside / "first.json", inside / "second.json"])
    read_trace([inside / "second.json"])


def npz(header: str, **arrays: np.ndarray) -> bytes:
    """A file of predictions or of bootstrapped scores."""
    stream = io.BytesIO()
    np.savez(stream, header=np.array(header), **arrays)
    return stream.getvalue()


_HEADER = {
    "provenance": {"embedding": "e"},
    "folders": [{"name": "t", "folds": [{"name": "test"}]}],
}
NPZ = npz(json.dumps(_HEADER), **{"0/0/probabilities": np.ones((2, 3), np.float32)})
NPY_HEADERS = (
    "{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<U1000000000', 'fortran_order': False, 'shape': (), }",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
    "{'descr': 'x', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': 1, 'shape': 2, }", "{", "[" * 5_000, "__import__('os')",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}" + " " * 20_000,
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }",
)  # fmt: skip


def _npy(header: str, content: bytes = bytes(24)) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text + content


@st.composite
def npz_files(draw: Any) -> bytes:
    """Archives of arrays of which one has another header, bytes, name or compression."""
    if draw(st.booleans()):
        header = draw(st.sampled_from(SNIPPETS) | edited([_HEADER]).map(lambda d: json.dumps(d)))
        whole = npz(header.replace("\x00", ""), a=np.ones(3))
    else:
        whole = NPZ
    stream, source = io.BytesIO(), zipfile.ZipFile(io.BytesIO(whole))
    victim = draw(st.sampled_from(source.namelist()))
    with zipfile.ZipFile(stream, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name == victim:
                content = draw(
                    st.sampled_from((content, *map(_npy, NPY_HEADERS))) | damaged([content])
                )
                name = draw(st.sampled_from((name, name, name, "../escaped.npy", "a/", "a")))
                how = draw(
                    st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
                )
                archive.writestr(name, content, how)
            else:
                archive.writestr(name, content)
    whole = stream.getvalue()
    return draw(damaged([whole])) if draw(st.booleans()) else whole


def _read_predictions(case: bytes, inside: Path) -> None:
    path = inside / "seed42.npz"
    path.write_bytes(case)
    assert isinstance(read_header(path), dict)
    header, _ = load_predictions(path)
    assert isinstance(header, dict)


def _read_replicates(case: bytes, inside: Path) -> None:
    (inside / "replicates.npz").write_bytes(case)
    header, _ = read_replicates(inside / "replicates.npz")
    assert isinstance(header, dict)


INDEX = {
    "view": "scene", "storage": "float32", "provenance": {}, "sha256": {"M": "0"},
    "timestamps_ms": [], "folders": {"t": {"train": {"files": ["a.wav", "b.wav"]}}},
}  # fmt: skip


@st.composite
def _features(draw: Any) -> tuple[bytes, bytes]:
    stream = io.BytesIO()
    np.save(stream, np.ones((2, 3), np.float32))
    index, array = as_json(INDEX), stream.getvalue()
    if draw(st.booleans()):
        index = draw(json_files([INDEX]))
    if draw(st.booleans()) or index == as_json(INDEX):
        array = draw(st.sampled_from([_npy(header) for header in NPY_HEADERS]) | damaged([array]))
    return index, array


def _read_features(case: tuple[bytes, bytes], inside: Path) -> None:
    index, array = case
    (inside / "index.json").write_bytes(index)
    (inside / "M.npy").write_bytes(array)
    read_components([(inside, "M")], "t", "train")


TIDY = [
    list(TIDY_COLUMNS),
    ["mine", "m", "esc50", "general", "mlp", "1.0", "top1_acc", "True", "f0", "42", "0.5", "1",
    "run"],
    ["mine", "e", "esc50", "general", "mlp", "1.0", "top1_acc", "True", "f0", "", "0.5", "",
    "hear2021"],
]  # fmt: skip


def _read_table(case: bytes, inside: Path) -> None:
    (inside / "scores.csv").write_bytes(case)
    read_tidy(inside / "scores.csv")


def _has_columns(case: bytes) -> bool:
    return case.removeprefix(b"\xef\xbb\xbf").startswith(",".join(TIDY_COLUMNS).encode())


def readers() -> list[Reader]:
    """Readers of this module."""
    tidy = as_csv(TIDY)
    return [
        Reader(
            "score files", json_files([SCORES]), _read_scores, (ScoresError,),
            ("second.json",), "a JSON object", is_object, [as_json(SCORES)], bytes,
        ),
        Reader(
            "predictions", npz_files(), _read_predictions, (ValueError,), ("seed42.npz",),
            "a zip archive", is_zip, [NPZ],
        ),
        Reader(
            "bootstrapped scores", npz_files(), _read_replicates, (CellsError,),
            ("replicates.npz",), "a zip archive", is_zip, [NPZ],
        ),
        Reader(
            "features", _features(), _read_features, (ValueError,), ("index.json", "M.npy"),
            "an index that is a JSON object", lambda case: is_object(case[0]), [],
        ),
        Reader(
            "score tables", csv_files(TIDY), _read_table, (ScoresError,), ("scores.csv",),
            "the columns of a score table", _has_columns, [tidy],
        ),
    ]  # fmt: skip
