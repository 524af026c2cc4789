"""Tables of embeddings: Parquet, ``.npz``, or ``.npy`` beside a ``.csv``.

Each row is a file or, at timestamps, one timestamp of a file, in the order of the file names. A
file that was not embedded has one row with the reason; NumPy files list it among the failed files.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from passt.folder.embed import FileEmbedder, Record, Write
from passt.folder.results import Results

GROUP_ROWS = 4096  # of Parquet's row groups, at least: the rows of a file are in one of them
FACTS = ("file", "sha256", "duration_s", "error")  # what a failed file has, too
Columns = dict[str, np.ndarray]  # by name, of as many rows each


def writer(output: Path) -> Write:
    """Writer for a table, by suffix; ValueError if the suffix or the path cannot be written."""
    if output.suffix not in WRITERS:
        raise ValueError(f"output: expected {', '.join(WRITERS)}, found {output.name!r}")
    if output.is_dir():
        raise ValueError(f"output: expected a file, found the folder {output}")
    index = output.with_suffix(".csv")
    if output.suffix == ".npy" and index.exists() and not output.exists():
        raise ValueError(f"output: {index} would name the rows of {output}, but is there already")
    if output.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ValueError("output: Parquet needs pyarrow: pip install pyarrow, or use .npz")
    return WRITERS[output.suffix]


def _write_parquet(
    output: Path, records: list[Record], results: Results, embedder: FileEmbedder
) -> None:
    import pyarrow
    from pyarrow import parquet

    text, n_tags = pyarrow.string(), embedder.n_tags
    types = {
        "file": text,
        "sha256": text,
        "duration_s": pyarrow.float64(),
        "timestamp_ms": pyarrow.float32(),
        "embedding": pyarrow.list_(pyarrow.from_numpy_dtype(embedder.dtype), embedder.size),
        "tags": pyarrow.list_(text, n_tags),
        "probabilities": pyarrow.list_(pyarrow.float32(), n_tags),
        "error": text,
    }

    def array(values: np.ndarray, kind: Any, is_failed: np.ndarray) -> Any:
        if values.ndim == 1:
            return pyarrow.array(values, kind, None if values.dtype == object else is_failed)
        flat, mask = pyarrow.array(values.ravel(), kind.value_type), pyarrow.array(is_failed)
        return pyarrow.FixedSizeListArray.from_arrays(flat, type=kind, mask=mask)

    part, stream = results.folder / "table", None
    for columns, is_failed in _groups(records, results, embedder):
        fields = [(name, types[name]) for name in columns]
        schema = pyarrow.schema(fields, {"passt": json.dumps(embedder.settings)})
        arrays = [array(columns[name], kind, is_failed) for name, kind in fields]
        stream = stream or parquet.ParquetWriter(part, schema)
        stream.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
    if stream is not None:
        stream.close()
    os.replace(part, output)


def _write_npy(
    output: Path, records: list[Record], results: Results, embedder: FileEmbedder
) -> None:
    array, index = results.folder / "table", results.folder / "index"
    n_rows = 0
    with open(array, "wb") as stream, open(index, "w", newline="", encoding="utf-8") as text:
        _write_header(stream, records, embedder)
        lines = csv.writer(text, lineterminator="\n")
        for columns, is_failed in _groups(records, results, embedder):
            stream.write(columns.pop("embedding")[~is_failed].data)
            if not text.tell():
                lines.writerow(["row", *columns])
            for i, failed in enumerate(is_failed):
                known = FACTS if failed else columns
                cells = (_cell(v[i]) if n in known else "" for n, v in columns.items())
                lines.writerow(["" if failed else n_rows, *cells])
                n_rows += not failed
    os.replace(index, output.with_suffix(".csv"))
    os.replace(array, output)


def _cell(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return ";".join(map(_cell, value))
    return "" if value is None else value if isinstance(value, str) else f"{value:.7g}"


def _write_npz(
    output: Path, records: list[Record], results: Results, embedder: FileEmbedder
) -> None:
    part = results.folder / "table"
    columns: dict[str, list[np.ndarray]] = {}
    with zipfile.ZipFile(part, "w") as archive:
        with archive.open("embedding.npy", "w", force_zip64=True) as stream:
            _write_header(stream, records, embedder)
            for group, is_failed in _groups(records, results, embedder):
                stream.write(group.pop("embedding")[~is_failed].data)
                for name, values in group.items():
                    columns.setdefault(name, []).append(values[~is_failed])
        arrays = {name: np.concatenate(values) for name, values in columns.items()}
        del arrays["error"]
        failed = [record for record in records if record.error]
        arrays["failed_file"] = np.array([_text(record.file) for record in failed], str)
        arrays["failed_error"] = np.array([record.error for record in failed], str)
        arrays["settings"] = np.array(json.dumps(embedder.settings))
        for name, values in arrays.items():
            if values.dtype == object:
                values = values.astype(float if name == "duration_s" else str)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, values, allow_pickle=False)
    os.replace(part, output)


WRITERS: dict[str, Write] = {
    ".parquet": _write_parquet,
    ".npz": _write_npz,
    ".npy": _write_npy,
}


def _write_header(stream: IO[bytes], records: list[Record], embedder: FileEmbedder) -> None:
    """Write the header of an array with all rows, which are written after it."""
    n_rows = sum(record.n_rows for record in records)
    descr = np.lib.format.dtype_to_descr(embedder.dtype)
    header = {"descr": descr, "fortran_order": False, "shape": (n_rows, embedder.size)}
    np.lib.format.write_array_header_1_0(stream, header)


def _groups(
    records: list[Record], results: Results, embedder: FileEmbedder
) -> Iterator[tuple[Columns, np.ndarray]]:
    """Columns of a few files at a time, and a mask of the rows of failed files.

    Values that a failed file does not have are zero.
    """
    group: list[Record] = []
    n_rows = 0
    for record in records:
        group.append(record)
        n_rows += max(1, record.n_rows)
        if n_rows >= GROUP_ROWS:
            yield _columns(group, results, embedder)
            group, n_rows = [], 0
    if group:
        yield _columns(group, results, embedder)


def _columns(
    group: list[Record], results: Results, embedder: FileEmbedder
) -> tuple[Columns, np.ndarray]:
    n_rows = [max(1, record.n_rows) for record in group]
    stored = [embedder.nothing if r.error else results.read(str(r.sha256)) for r in group]
    rows = [found for found in stored if found is not None]
    if len(rows) < len(group):
        raise OSError(f"{results.folder}: results were changed while they were used: start again")
    facts = {
        name: np.repeat(np.array([getattr(record, name) for record in group], object), n_rows)
        for name in FACTS
    }
    facts["file"] = np.array([_text(name) for name in facts["file"]], object)
    is_failed = facts["error"].astype(bool)
    columns = {name: np.concatenate([found[name] for found in rows]) for name in embedder.nothing}
    if "tags" in columns:
        columns["tags"] = np.array(embedder.tags, object)[columns["tags"]]
    error = facts.pop("error")
    return facts | columns | {"error": error}, is_failed


def _text(name: str) -> str:
    """A file's name as valid text, even if its bytes are not."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
