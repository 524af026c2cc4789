"""Export of a checkpoint to ONNX files, verified in ONNX Runtime against torch."""

from __future__ import annotations

import importlib.util
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from passt.embedder import Embedder
from passt.export.card import card, origin
from passt.export.graphs import ExactMel, Part, differences, parts

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
OPSET = 20
PARITY = 1e-5  # largest difference, in units of the output's largest value by torch or of 1


class ExportError(ValueError):
    """An export that fails, or whose output differs from torch's."""


def export_onnx(embedder: Embedder, path: Path, apart: bool = False) -> list[Path]:
    """Write a network on the CPU and its front end to ``path`` (``.onnx``), with a model card.

    With ``apart``, front end and network become two files, ``.mel.onnx`` and ``.network.onnx``. The
    files are compared with torch before they get their final names. ExportError, without leaving a
    file, if a package is missing or a value differs by more than ``PARITY``. Returns the paths, the
    card (``.md``) last.
    """
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise ExportError(f"no package {', '.join(missing)}: pip install {' '.join(PACKAGES)}")
    if path.suffix != ".onnx":
        raise ExportError(f"expected the name of an .onnx file, found {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}.", dir=path.parent) as name:
        files, folder = {}, Path(name)
        for part in parts(embedder, apart):
            file = folder / (f"{path.stem}.{part.name}.onnx" if apart else path.name)
            write(part, file, origin(embedder))
            files[file] = part
        text = card(path.stem, embedder, files, compare(embedder, files), PARITY)
        described = folder / f"{path.stem}.md"
        described.write_text(text, encoding="utf-8")
        made = [path.parent / file.name for file in (*files, described)]
        for file in made:
            os.replace(folder / file.name, file)
    return made


def write(part: Part, path: Path, metadata: Mapping[str, str]) -> None:
    """Write one part as an ONNX file of opset ``OPSET`` that contains its weights."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # torchvision is not missed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about its own functions
        program = torch.onnx.export(
            part.program(),
            dynamo=True,
            input_names=[part.input],
            output_names=list(part.outputs),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None, "the file's name is left out"
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # stack traces with the paths of this machine
    program.model.metadata_props.update(metadata)
    program.save(path, external_data=False)


def compare(
    embedder: Embedder, files: Mapping[Path, Part]
) -> Iterator[tuple[int, dict[str, float]]]:
    """Compare files, run in sequence by ONNX Runtime, with torch; ExportError beyond ``PARITY``.

    Yields, at three lengths, the number of samples and the largest difference of each output. The
    entry ``float32`` is the difference from passt itself, whose front end rounds to float32; it is
    reported only, not checked.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    sessions = {
        part: onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        for path, part in files.items()
    }
    first, exact = next(iter(sessions)), ExactMel(embedder.mel)
    for n_samples in first.lengths:
        waveform = first.example(n_samples)
        arrays = [waveform.numpy()]
        for part, session in sessions.items():
            arrays = session.run(list(part.outputs), {part.input: arrays[0]})
        tensors = [torch.from_numpy(array) for array in arrays]
        found = differences(embedder, exact, waveform, tensors)
        for name, difference in found.items():
            if not difference <= PARITY:
                raise ExportError(
                    f"{name} of {n_samples} samples: expected torch's values within {PARITY:g}, "
                    f"found a difference of {difference:.2g}"
                )
        rounded = differences(embedder, embedder.mel, waveform, tensors)
        yield n_samples, found | {"float32": max(rounded.values())}
