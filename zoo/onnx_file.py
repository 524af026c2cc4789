"""Networks in ONNX files with the HEAR API, run by ONNX Runtime.

The network maps audio, float32 (n_sounds, n_samples), to embeddings (n_sounds, size) or frames
(n_sounds, n_frames, size). The numbers of sounds and samples may be dynamic or, for exporters
without dynamic axes, fixed to one sound and one length. In the latter case, longer clips are cut
into windows of that length; each window begins where the frames of the previous one end, and the
last is zero-padded. A scene embedding is the mean over frames inside the clip.

Functions take and return NumPy arrays, so that torch is not required. A worker can import this file
with Python 3.8 or later, without this project.
"""

from __future__ import annotations

import mmap
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")  # the first that there are
AXES = {2: "(n_sounds, size)", 3: "(n_sounds, n_frames, size)"}
# onnx.proto: TensorProto.external_data, an entry whose key is "location", and its value's length
EXTERNAL = re.compile(rb"\x0a\x08location\x12([\x01-\x7f])")


class OnnxModel:
    """An ONNX session with the HEAR API's attributes, and the times of its frames in ms."""

    takes_arrays = True

    def __init__(
        self,
        session: Any,
        output: str,
        sample_rate: int,
        hop_ms: float | None,
        first_ms: float | None,
    ) -> None:
        self.session, self.output, self.sample_rate = session, output, sample_rate
        self.input = _only_input(session)
        n_sounds, n_samples = self.input.shape
        self.one_by_one = n_sounds == 1
        self.window = n_samples if isinstance(n_samples, int) else None  # samples
        found = self.run(np.zeros((1, self.window or sample_rate), np.float32))
        if found.ndim not in AXES or found.dtype != np.float32:
            expected = " or ".join(AXES.values())
            raise ValueError(
                f"output: expected float32 {expected} of {output!r}, found {found.dtype} "
                f"{found.shape}"
            )
        self.has_frames = found.ndim == 3
        if self.has_frames and hop_ms is None:
            raise ValueError(f"hop_ms: expected how far apart the frames of {output!r} are")
        self.hop_ms = hop_ms or 0.0
        self.first_ms = self.hop_ms / 2 if first_ms is None else first_ms
        self.step = self.window  # samples from one window to the next
        self.n_kept = 1  # frames of a window that has one behind it
        if self.has_frames and self.window:
            window_ms = 1000 * self.window / sample_rate
            last_ms = self.first_ms + self.hop_ms * (found.shape[1] - 1)
            if not max(0, window_ms - 2 * self.hop_ms) <= last_ms <= window_ms:
                raise ValueError(
                    f"hop_ms: expected frames up to the end of the {window_ms:g} ms that the "
                    f"network takes, found the last at {last_ms:g} ms"
                )
            self.n_kept = max(1, min(found.shape[1], int(window_ms / self.hop_ms + 1e-6)))
            self.step = round(self.n_kept * self.hop_ms * sample_rate / 1000)
        self.scene_embedding_size = self.timestamp_embedding_size = found.shape[-1]

    def run(self, audio: np.ndarray) -> np.ndarray:
        """Run the network on clips of a length that it accepts."""
        parts = [audio[i : i + 1] for i in range(len(audio))] if self.one_by_one else [audio]
        return np.concatenate(
            [self.session.run([self.output], {self.input.name: part})[0] for part in parts]
        )

    def windows(self, audio: np.ndarray) -> np.ndarray:
        """Map audio (n_sounds, n_samples) to outputs (n_sounds, n_windows, ...) of all windows."""
        n_samples = audio.shape[1]
        length, step = self.window or n_samples, self.step or n_samples
        starts = range(0, max(0, n_samples - length) + step, step)
        padded = np.pad(audio, ((0, 0), (0, starts[-1] + length - n_samples)))
        windows = np.stack([padded[:, start : start + length] for start in starts], axis=1)
        found = self.run(windows.reshape(-1, length))
        return found.reshape(len(audio), len(starts), *found.shape[1:])

    def frames(self, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Frames inside the clip, (n_sounds, n_frames, size), and their centers in ms."""
        found = self.windows(audio)
        kept = found[:, :-1, : self.n_kept].reshape(len(audio), -1, found.shape[-1])
        frames = np.concatenate([kept, found[:, -1]], axis=1)
        times = self.first_ms + self.hop_ms * np.arange(frames.shape[1])
        if self.window:  # the last one may be filled up
            n_inside = max(1, int((times <= 1000 * audio.shape[1] / self.sample_rate).sum()))
            frames, times = frames[:, :n_inside], times[:n_inside]
        return frames, times.astype(np.float32)


def load_model(
    model_file_path: str = "",
    sample_rate: int = 0,
    hop_ms: float | None = None,
    first_ms: float | None = None,
    output: str | None = None,
) -> OnnxModel:
    """Open a network on the GPU if ONNX Runtime supports it, else on the CPU.

    Parameters
    ----------
    model_file_path : str
        The ``.onnx`` file; or a folder with one such file and the files of weights that it names.
    sample_rate : int
        Sample rate of the input in Hz.
    hop_ms, first_ms : float, optional
        Distance between frames, and center of the first frame, by default half the hop.
    output : str, optional
        Name of the output, if there are several.

    Raises
    ------
    ValueError
        If the file or the network does not have this form.
    ImportError
        If ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f"onnxruntime cannot be imported ({error}): pip install onnxruntime, or environment: "
            "{requirements: [onnxruntime]} in the model's entry"
        ) from error
    settings = onnxruntime.SessionOptions()
    torch = sys.modules.get("torch")  # of this process; a worker's variable has the same number
    n_threads = torch.get_num_threads() if torch else int(os.environ.get("OMP_NUM_THREADS", 1))
    settings.intra_op_num_threads = n_threads
    there = onnxruntime.get_available_providers()
    providers = [name for name in PROVIDERS if name in there]
    path = find_file(model_file_path)
    try:
        session = onnxruntime.InferenceSession(str(path), settings, providers=providers)
    except Exception as error:  # a class of its own for every reason
        raise ValueError(f"weights: {path}: {error}") from error
    names = [found.name for found in session.get_outputs()]
    if output is None and len(names) > 1:
        raise ValueError(f"output: expected one of {', '.join(names)}, found none")
    if output is not None and output not in names:
        raise ValueError(f"output: expected one of {', '.join(names)}, found {output!r}")
    return OnnxModel(session, output or names[0], sample_rate, hop_ms, first_ms)


def get_scene_embeddings(audio: np.ndarray, model: OnnxModel) -> np.ndarray:
    """Mean over frames or windows: audio (n_sounds, n_samples) to (n_sounds, size)."""
    parts = model.frames(audio)[0] if model.has_frames else model.windows(audio)
    return parts.mean(axis=1)


def get_timestamp_embeddings(audio: np.ndarray, model: OnnxModel) -> tuple[np.ndarray, np.ndarray]:
    """The network's frames, (n_sounds, n_timestamps, size), and their centers in ms."""
    if not model.has_frames:
        raise ValueError(
            f"output: {model.output!r} has no frames, {AXES[2]}: this model is for scene tasks"
        )
    frames, times = model.frames(audio)
    return frames, np.tile(times, (len(audio), 1))


def _only_input(session: Any) -> Any:
    """The single audio input of a network; ValueError if it has others."""
    inputs = session.get_inputs()
    first = inputs[0]
    fits = len(inputs) == 1 and first.type == "tensor(float)" and len(first.shape) == 2
    if not fits or (isinstance(first.shape[0], int) and first.shape[0] != 1):
        found = ", ".join(f"{i.name}: {i.type} {i.shape}" for i in inputs)
        raise ValueError(
            "weights: expected one input, tensor(float) (n_sounds, n_samples), with one sound or "
            f"any number, found {found}"
        )
    return first


def find_file(weights: str) -> Path:
    """Find the network's file; files that it refers to must be in the given folder."""
    path = Path(weights)
    if path.is_dir():
        found = sorted(path.glob("*.onnx"))
        if len(found) != 1:
            names = ", ".join(file.name for file in found) or "none"
            raise ValueError(f"weights: expected one .onnx file in {path}, found {names}")
        return found[0]
    if not path.is_file():
        raise ValueError(f"weights: expected an .onnx file, found {weights!r}")
    if others := _external_files(path):
        raise ValueError(
            f"weights: {path} keeps tensors in {', '.join(others)}: name the folder of both "
            "instead, so that a change of either is seen"
        )
    return path


def _external_files(path: Path) -> list[str]:
    """Names of the external data files in which ``path`` stores tensors."""
    with open(path, "rb") as stream:
        try:
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file
            return []
        with content:
            names = {
                content[match.end() : match.end() + match.group(1)[0]]
                for match in EXTERNAL.finditer(content)
            }
    return sorted(n for n in (name.decode(errors="replace") for name in names)
                  if "\0" not in n and (path.parent / n).is_file())  # fmt: skip
