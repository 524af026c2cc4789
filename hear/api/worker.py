"""Worker process that runs a model with the HEAR API in its own Python and serves a pipe.

Started by `hear.api.remote` with the model's own Python:

    python worker.py MODULE

Requires only NumPy and Python 3.8 or later. A frame consists of the lengths of its two parts, a
JSON header, and the bytes of an array whose type and shape are in the header. The model's output
goes to standard error.
"""

import hashlib
import importlib
import importlib.util
import json
import os
import runpy
import struct
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

LENGTHS = struct.Struct("<QQ")  # bytes of the header, bytes of the array
MAX_HEADER_BYTES = 2**20
TRACEBACK_LETTERS = 10000  # of an error's traceback, the last ones
API = ("load_model", "get_scene_embeddings", "get_timestamp_embeddings")


def write_frame(stream, header, array=None):
    """Send a header and, if given, a numpy array."""
    data = b""
    if array is not None:
        array = np.ascontiguousarray(array)
        header = dict(header, dtype=array.dtype.str, shape=list(array.shape))
        data = array.tobytes()
    text = json.dumps(header).encode()
    stream.write(LENGTHS.pack(len(text), len(data)) + text)
    stream.write(data)
    stream.flush()


def read_frame(stream):
    """Receive a header and an array or None; EOFError at the end of the stream."""
    n_text, n_data = LENGTHS.unpack(read_exactly(stream, LENGTHS.size))
    if n_text > MAX_HEADER_BYTES:
        raise ValueError(f"expected a frame, found a header of {n_text} bytes")
    header = json.loads(read_exactly(stream, n_text).decode())
    if not isinstance(header, dict):
        raise ValueError(f"expected a header with keys, found {type(header).__name__}")
    if "dtype" not in header:
        return header, None
    data = bytearray(read_exactly(stream, n_data))
    return header, np.frombuffer(data, np.dtype(header["dtype"])).reshape(header["shape"])


def read_exactly(stream, size):
    """Read a number of bytes; EOFError if the stream ends before."""
    data = stream.read(size)
    if len(data) < size:
        raise EOFError(f"expected {size} bytes, found {len(data)}")
    return data


def import_module(name):
    """Import a model's module by import path or by the path of its file.

    A file may import its neighbors: its folder joins the import path. So does the working
    directory, from which an import path may lead to the module.
    """
    if not name.endswith(".py"):
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())
        return importlib.import_module(name)
    path = Path(name).absolute()
    sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, str(path))
    assert spec and spec.loader, "the name ends in .py"
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


class Worker:
    """The model, and what is done to it by its kind."""

    def __init__(self, name, threads, mkl, mkl_fast_path):
        self.threads, self.mkl = threads, runpy.run_path(mkl) if mkl else {}
        if "torch" not in sys.modules:
            take_fast_path = self.mkl.get("take_fast_path") if mkl_fast_path else None
            sys.meta_path.insert(0, TorchSetter(threads, take_fast_path))
        self.module = import_module(name)
        missing = [name for name in API if not callable(getattr(self.module, name, None))]
        if missing:
            raise ValueError(f"no function {', '.join(missing)} (HEAR API)")
        self.model, self.device = object(), "cpu"

    def load(self, weights, options):
        """Load the model; return its attributes, kind, and hash of its weights."""
        tensorflow = sys.modules.get("tensorflow")
        if tensorflow is not None:
            tensorflow.config.threading.set_intra_op_parallelism_threads(self.threads)
            tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        arguments = [weights] if weights else []
        self.model = self.module.load_model(*arguments, **options)
        torch, tensorflow = sys.modules.get("torch"), sys.modules.get("tensorflow")
        kind = type(self.model).__name__
        if takes_arrays(self.model):
            kind = "numpy"
        elif torch is not None and isinstance(self.model, torch.nn.Module):
            kind = "torch"
            self.device = "cuda" if torch.cuda.is_available() else "cpu"
            self.model.to(self.device)
        elif tensorflow is not None and (
            isinstance(self.model, tensorflow.Module) or is_keras(self.model)
        ):
            kind = "tensorflow"
        names = ("sample_rate", "scene_embedding_size", "timestamp_embedding_size")
        found = {name: plain(getattr(self.model, name, None)) for name in names}
        return {
            "attributes": found,
            "kind": kind,
            "device": self.device_name(),
            "mkl": self.mkl["path"]() if self.mkl else "",
            "has_mode": kind == "torch" and has_mode(self.model),
            "weights_sha256": weights_hash(self.model),
            "source_sha256": source_hash(self.module),
        }

    def device_name(self):
        """Name of the GPU that computes, or ``cpu``."""
        torch, tensorflow = sys.modules.get("torch"), sys.modules.get("tensorflow")
        if torch is not None and self.device == "cuda":
            return torch.cuda.get_device_name()
        gpus = tensorflow.config.list_physical_devices("GPU") if tensorflow is not None else []
        return gpus[0].name if gpus else "cpu"

    def call(self, function, audio):
        """Embeddings, and timestamps if the function gives them, as (header, array) each."""
        torch, tensorflow = sys.modules.get("torch"), sys.modules.get("tensorflow")
        if takes_arrays(self.model):
            returned = getattr(self.module, function)(audio, self.model)
        elif torch is not None and isinstance(self.model, torch.nn.Module):
            with torch.no_grad():
                given = torch.from_numpy(audio).to(self.device)
                returned = getattr(self.module, function)(given, self.model)
        elif tensorflow is not None:
            given = tensorflow.convert_to_tensor(audio)
            returned = getattr(self.module, function)(given, self.model)
        else:
            raise ValueError(f"expected a model of torch or TensorFlow, found {self.model!r}")
        if function == "get_scene_embeddings":
            returned = [returned]
        elif not isinstance(returned, (tuple, list)) or len(returned) != 2:
            found = type(returned).__name__
            raise ValueError(f"expected (embeddings, timestamps), found {found}")
        return [as_array(part, takes_arrays(self.model)) for part in returned]


def takes_arrays(model):
    """Return whether a model declares that it takes and returns NumPy arrays, not tensors."""
    return bool(getattr(model, "takes_arrays", False))


class TorchSetter:
    """Finder that has torch's threads and MKL's path set as soon as torch is imported.

    A model may import it when it is loaded and compute there; MKL keeps the path of the first
    product. ``take_fast_path`` is the function to call, or None.
    """

    def __init__(self, threads, take_fast_path):
        self.threads, self.take_fast_path = threads, take_fast_path

    def find_spec(self, name, path=None, target=None):
        """The spec of torch, whose execution ends with the settings; None for others."""
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec: Any = importlib.util.find_spec(name)
        if spec is not None:
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda torch: (execute(torch), self.set(torch))
        return spec

    def set(self, torch):
        """Set threads and path."""
        torch.set_num_threads(self.threads)
        if self.take_fast_path:
            self.take_fast_path()


def has_mode(network):
    """Return whether a torch network is in training mode and has layers affected by it."""
    torch = sys.modules["torch"]
    kinds = (torch.nn.modules.dropout._DropoutNd, torch.nn.modules.batchnorm._NormBase)
    parts = list(network.modules())
    return any(part.training for part in parts) and any(isinstance(part, kinds) for part in parts)


def is_keras(model):
    """Return whether an object is Keras's model or layer, since Keras 3 no tf.Module."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(model, keras.layers.Layer)


def variables_of(model):
    """Variables of a tf.Module or a Keras model, and of the Keras models among its attributes."""
    parts = [model, *getattr(model, "__dict__", {}).values()]
    found = [variable for part in parts if is_keras(part) for variable in part.weights]
    found += [] if is_keras(model) else list(getattr(model, "variables", ()))
    return {id(variable): variable for variable in found}.values()


def weights_hash(model):
    """sha256 over names and values of a model's parameters and buffers; empty if none."""
    torch, tensorflow = sys.modules.get("torch"), sys.modules.get("tensorflow")
    values = {}
    if torch is not None and isinstance(model, torch.nn.Module):
        for name, tensor in model.state_dict().items():
            raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            values[f"{name} {tensor.dtype} {tuple(tensor.shape)}"] = raw.numpy()
    elif tensorflow is not None:
        for i, variable in enumerate(variables_of(model)):
            array = variable.numpy()
            values[f"{i:06d} {array.dtype} {array.shape}"] = array
    digest = hashlib.sha256()
    for name in sorted(values):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values[name]).tobytes())
    return digest.hexdigest() if values else ""


def plain(value):
    """A value as JSON has it; numbers of numpy as Python's."""
    if isinstance(value, (np.integer, np.floating)):
        return value.item()
    return value if isinstance(value, (int, float, str, bool, type(None))) else repr(value)


def as_array(value, stands_for_tensor=False):
    """Header and array of a returned value: its kind, ``tensor`` for those of torch and TensorFlow.

    An array is a tensor's if it stands for one. Of a type that numpy lacks, as bfloat16, the values
    go as float32 and the header has its name.
    """
    torch, tensorflow = sys.modules.get("torch"), sys.modules.get("tensorflow")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        try:
            return {"kind": "tensor"}, value.numpy()
        except TypeError:
            name = str(value.dtype).split(".")[-1]
            return {"kind": "tensor", "type": name}, value.float().numpy()
    is_tensor = stands_for_tensor and isinstance(value, np.ndarray)
    if tensorflow is not None and tensorflow.is_tensor(value):
        is_tensor, value = True, value.numpy()
    header, array = {"kind": "tensor" if is_tensor else type(value).__name__}, np.asarray(value)
    if array.dtype.kind == "V":
        header["type"], array = array.dtype.name, array.astype(np.float32)
    return header, array


def source_hash(module):
    """sha256 of a module's file; empty if it has none."""
    path = getattr(module, "__file__", None)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""


def main():
    """Answer requests until the input ends."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]  # not for models
    os.dup2(2, 1)  # what a model prints must not be an answer
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout = sys.stderr
    workers = []
    while True:
        try:
            request, audio = read_frame(requests)
        except EOFError:
            return
        try:
            if request["do"] == "load":
                settings = [request[key] for key in ("threads", "mkl", "mkl_fast_path")]
                workers = [Worker(sys.argv[1], *settings)]
                loaded = workers[0].load(request["weights"], request["options"])
                write_frame(answers, dict(loaded, cpu_s=time.process_time()))
                continue
            for header, array in workers[0].call(request["do"], audio):
                write_frame(answers, dict(header, cpu_s=time.process_time()), array)
        except Exception as error:  # whatever a model's code may raise
            traceback.print_exc()
            header = {
                "error": repr(error),
                "traceback": traceback.format_exc()[-TRACEBACK_LETTERS:],
            }
            write_frame(answers, header)


if __name__ == "__main__":
    main()
