"""Models in worker processes: what they answer, and every way in which a worker fails."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import subprocess
import sys
import traceback
import warnings
from pathlib import Path

import pytest
import torch

from hear.api.environment import find_python
from hear.api.model import HearModel
from hear.api.remote import WORKER, as_tensor
from hear.api.source import ModelError
from hear.api.validate import validate_model
from hear.api.worker import as_array, read_frame, write_frame
from hear.features.embed import embed_task
from hear.features.names import COST
from hear.features.store import publish
from hear.tasks.folder import read_task
from passt import mkl as passt_mkl
from tests.hear.small_model import HEAR_MODEL
from workflow.process import VARIABLES
from workflow.sources import as_here

# Stands in for TensorFlow, whose import takes as long as all these tests.
TENSORFLOW = """
import numpy
class Module: variables = ()
class Tensor:
    def __init__(self, array): self.array = numpy.asarray(array)
    def numpy(self): return self.array
convert_to_tensor = Tensor
def is_tensor(value): return isinstance(value, Tensor)
class config:
    class threading:
        set_intra_op_parallelism_threads = set_inter_op_parallelism_threads = staticmethod(print)
    list_physical_devices = staticmethod(lambda kind: [])
"""
MODEL = """
import numpy as np, os, sys, time
import tensorflow as tf

class Model(tf.Module):
    sample_rate = 32000
    scene_embedding_size = timestamp_embedding_size = 2

def load_model(path="", gain=1.0):
    print("loading")
    model = Model()
    model.gain = np.float32(gain)
    return model

def get_scene_embeddings(audio, model):
    x = audio.numpy()
    print("scenes", x.shape)
    WHAT
    return tf.Tensor(model.gain * np.stack((np.abs(x).mean(1), x.std(1, ddof=1)), axis=1))

def get_timestamp_embeddings(audio, model):
    x = audio.numpy()
    n = x.shape[1] // 1600
    frames = x[:, : 1600 * n].reshape(len(x), n, 1600)
    values = np.stack((np.abs(frames).mean(2), frames.std(2, ddof=1)), axis=2)
    times = np.tile(50.0 * np.arange(n, dtype=np.float32), (len(x), 1))
    return tf.Tensor(values), tf.Tensor(times)
"""
FAILURES = {
    "raises": ("raise KeyError('lost')", r"KeyError\('lost'\)"),
    "memory": ("raise MemoryError", r"MemoryError\(\)"),
    "exits": ("print('bye'); sys.stdout.flush(); os._exit(3)", r"ended with code 3[^$]*bye"),
    "is killed": ("os.kill(os.getpid(), 9)", r"was killed by SIGKILL, as happens when memory"),
    "hangs": ("time.sleep(60)", r"gave no answer within 2 s \(environment.timeout_s\)"),
    "answers nonsense": (
        "sys.modules['__main__'].write_frame = lambda s, *_: (s.write(b'x' * 64), s.flush())",
        "gave an invalid answer: expected a frame, found a header of",
    ),
    "answers a list": (
        "f = sys.modules['__main__']; f.write_frame = lambda s, *_: "
        "(s.write(f.LENGTHS.pack(2, 0) + b'[]'), s.flush())",
        "gave an invalid answer: expected a header with keys, found list",
    ),
    "answers another type": (
        "f = sys.modules['__main__']; w = f.write_frame; f.write_frame = "
        "lambda s, h, a: w(s, {'kind': 'tensor'}, np.array(['a']))",
        "gave an invalid answer to get_scene_embeddings: can't convert",
    ),
    "answers no array": (
        "f = sys.modules['__main__']; w = f.write_frame; f.write_frame = "
        "lambda s, h, a: w(s, {'kind': 'tensor'})",
        "gave an invalid answer to get_scene_embeddings: expected an array, found none",
    ),
    "no CPU time": (
        "f = sys.modules['__main__']; w = f.write_frame; f.write_frame = "
        "lambda s, h, a: w(s, {'kind': 'tensor', 'cpu_s': 'x'}, a)",
        "gave an invalid answer: cpu_s 'x'",
    ),
    "complex": ("return tf.Tensor(np.ones((2, 2), np.complex64))", "expected real numbers, found"),
    "no tensor": ("return np.ones(2)", r"expected 2 axes and 2 sounds, found shape \(2,\)"),
    "too few": ("return tf.Tensor(np.ones((1, 2), np.float32))", r"found shape \(1, 2\)"),
    "not finite": ("return tf.Tensor(np.full((2, 2), np.nan, np.float32))", "are not finite"),
}
ZOO = Path(__file__).parents[2] / "zoo"
WORKING = {"python": sys.executable, "timeout_s": 60}


def write_model(folder: Path, what: str = "", name: str = "remote_bands") -> str:
    (folder / "tensorflow.py").write_text(TENSORFLOW)
    path = folder / f"{name}.py"
    path.write_text(MODEL.replace("WHAT", what or "pass"))
    return str(path)


@pytest.mark.parametrize(
    ("path", "packages"),
    [
        (WORKER, set()),
        (Path(passt_mkl.__file__), set()),
        (ZOO / "xares_encoder.py", {"torch"}),
        (ZOO / "transformers_folder.py", {"torch", "transformers"}),
        (ZOO / "onnx_file.py", {"onnxruntime"}),
    ],
)
def test_what_a_worker_runs_is_valid_for_python_3_8_and_imports_nothing_of_ours(path, packages):
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    allowed = {*sys.stdlib_module_names, "numpy", *packages}
    assert {name.split(".")[0] for name in imported} <= allowed


def test_a_tensorflow_model_embeds_as_the_same_model_here(tmp_path):
    path = tmp_path / "here.py"
    path.write_text(HEAR_MODEL)
    here = HearModel(str(path), options={"gain": 2.0})
    there = HearModel(write_model(tmp_path), options={"gain": 2.0}, worker=WORKING)
    audio = torch.rand(3, 16000, generator=torch.Generator().manual_seed(0)) - 0.5
    for view in ("scene", "timestamp"):
        expected, times = here.embed(audio, view)
        found, found_times = there.embed(audio, view)
        torch.testing.assert_close(found["E"], expected["E"], rtol=1e-5, atol=1e-6)
        assert (times is None) == (found_times is None)
        assert times is None or torch.equal(times, found_times)
    assert there.sample_rate == 32000 and there.fingerprint() != here.fingerprint()


KERAS = """
class layers:
    class Layer:
        def __init__(self, value): self.weights = [Variable(value)]
class Variable:
    def __init__(self, value): self.value = value
    def numpy(self):
        import numpy
        return numpy.asarray(self.value)
"""


@pytest.mark.parametrize("is_model", [False, True])
def test_the_weights_of_keras_are_hashed(is_model, tmp_path):
    """Of Keras 3, whose models are no tf.Module and are none's variables."""
    (tmp_path / "keras.py").write_text(KERAS)
    module = Path(write_model(tmp_path))
    text = module.read_text().replace("import tensorflow as tf", "import keras, tensorflow as tf")
    if is_model:
        text = text.replace("(tf.Module)", "(keras.layers.Layer)").replace("Model()", "Model(gain)")
    else:
        layer = "    model.layer = keras.layers.Layer(gain)\n"
        text = text.replace("    return model", f"{layer}    return model")
    module.write_text(text)
    models = [HearModel(str(module), "", {"gain": gain}, WORKING) for gain in (1.0, 2.0, 1.0)]
    one, other, again = (model.weights_hash() for model in models)
    assert one == again != other and len(one) == 64
    assert models[0].model.kind == "tensorflow"


@pytest.mark.slow
def test_a_torch_model_is_the_same_model_in_a_worker(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(
        HEAR_MODEL.replace("return model\n\ndef get_scene", "model.add_module('l', torch.nn."
                           "Linear(2, 2))\n    torch.nn.init.ones_(model.l.weight)\n    "
                           "torch.nn.init.zeros_(model.l.bias)\n    return model\n\ndef get_scene")
    )  # fmt: skip
    here, there = HearModel(str(path)), HearModel(str(path), worker=WORKING)
    audio = torch.rand(2, 8000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(here.embed(audio, "scene")[0]["E"], there.embed(audio, "scene")[0]["E"])
    assert here.fingerprint() == there.fingerprint()


def test_a_worker_is_validated_like_any_model(tmp_path):
    report = validate_model(write_model(tmp_path), worker=WORKING)
    assert report["sample_rate"] == 32000 and report["shortest_scene_clip_s"] == 0.1
    assert any("finite, repeatable" in check for check in report["checks"])
    wrong = write_model(tmp_path, "return np.ones((len(x), 2))", "wrong")
    with pytest.raises(ModelError, match="expected embeddings as a torch.Tensor, found ndarray"):
        validate_model(wrong, worker=WORKING)


@pytest.mark.parametrize("failure", FAILURES)
def test_what_a_worker_does_wrong_is_one_clear_error(failure, tmp_path):
    what, expected = FAILURES[failure]
    model = HearModel(write_model(tmp_path, what), worker=WORKING | {"timeout_s": 2})
    with pytest.raises(ModelError, match=f"(?s)remote_bands.*{expected}"):
        model.embed(torch.zeros(2, 16000), "scene")


@pytest.mark.parametrize(
    "name",
    ["bfloat16", "float8_e5m2", "float16", "float32", "float64", "int64", "bool", "complex64"],
)
def test_a_tensor_crosses_in_its_own_type(name):
    given = torch.tensor([[0.0, 1.0, 2.0**15]]).to(getattr(torch, name))
    stream = io.BytesIO()
    write_frame(stream, *as_array(given))
    stream.seek(0)
    found = as_tensor(*read_frame(stream))
    assert found.dtype == given.dtype and found.tolist() == given.tolist()


@pytest.mark.slow
def test_a_type_that_numpy_lacks_is_refused_by_its_name(tmp_path):
    path = tmp_path / "reduced.py"
    path.write_text(HEAR_MODEL.replace("std(1)), dim=1)", "std(1)), dim=1).bfloat16()"))
    with pytest.raises(ModelError, match="expected float32 embeddings, found torch.bfloat16"):
        validate_model(str(path), worker=WORKING, kinds=["scene"])


LATE = """
WHERE
class Model: pass

def load_model(path=""):
    import torch
    assert torch.taken  # also by a product of this function
    model = type("Model", (torch.nn.Module,), {"sample_rate": 32000})()
    model.scene_embedding_size = model.timestamp_embedding_size = 2
    return model

def get_scene_embeddings(audio, model):
    import torch
    return torch.tensor([[torch.get_num_threads(), torch.taken]])

def get_timestamp_embeddings(audio, model):
    raise NotImplementedError
"""
TAKEN = """
import sys
def take_fast_path():
    sys.modules["torch"].taken = sys.modules["torch"].get_num_threads()
def path():
    return "slow" if "torch" in sys.modules else "none"
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["", "import torch"])
def test_torch_has_threads_and_mkls_path_as_soon_as_a_model_imports_it(where, tmp_path, capsys):
    module, mkl = tmp_path / "late.py", tmp_path / "mkl.py"
    module.write_text(LATE.replace("WHERE", where))
    mkl.write_text(TAKEN)
    model = HearModel(str(module), worker=WORKING | {"mkl": str(mkl)})
    n_threads = float(torch.get_num_threads())
    assert model.embed(torch.zeros(1, 8), "scene")[0]["E"].tolist() == [[n_threads, n_threads]]
    assert model.worker_mkl == "slow"  # as its process says
    assert "MKL's fast path: not used by its worker" in capsys.readouterr().err
    arrays = HearModel(write_model(tmp_path), worker=WORKING | {"mkl": str(mkl)})
    assert (arrays.worker_mkl, capsys.readouterr().err) == ("none", "")


def test_a_worker_keeps_memory_as_the_job_that_starts_it(tmp_path):
    checks = [f"assert os.environ[{key!r}] == {value!r}" for key, value in VARIABLES.items()]
    module = write_model(tmp_path, "; ".join(checks))
    model = HearModel(**as_here({"module": module, "worker": WORKING}))
    assert model.embed(torch.ones(1, 16000), "scene")[0]["E"].tolist() == [[1.0, 0.0]]
    with pytest.raises(ModelError, match="KeyError"):
        HearModel(module, worker=WORKING).embed(torch.ones(1, 16000), "scene")


def test_warnings_and_prints_of_a_worker_are_no_answers(tmp_path):
    what = "import warnings; warnings.warn('loud'); os.write(1, b'raw'); print('x' * 10**6)"
    model = HearModel(write_model(tmp_path, what), worker=WORKING)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.embed(torch.ones(1, 16000), "scene")[0]["E"].tolist() == [[1.0, 0.0]]


def test_a_worker_that_cannot_start_or_import_says_why(tmp_path):
    module = write_model(tmp_path)
    with pytest.raises(ModelError, match="its Python did not start: .*no/python"):
        HearModel(module, worker={"python": str(tmp_path / "no" / "python")})
    (tmp_path / "tensorflow.py").write_text("raise ImportError('of another CPU')")
    with pytest.raises(ModelError, match="load_model failed: .*ImportError.*of another CPU"):
        HearModel(module, worker=WORKING)


def other_pythons() -> list[str]:
    """Pythons of other versions on PATH that have numpy."""
    found = []
    for minor in range(8, 15):
        with contextlib.suppress(ValueError):
            found.append(find_python(f"3.{minor}"))
    others = [python for python in found if python != sys.executable]
    return [p for p in others if not subprocess.run([p, "-c", "import numpy"]).returncode]


@pytest.mark.slow
def test_a_worker_runs_on_another_python(tmp_path):
    if not (others := other_pythons()):
        pytest.skip("no other Python with numpy on PATH")
    module = write_model(tmp_path)
    audio = torch.rand(2, 16000, generator=torch.Generator().manual_seed(0)) - 0.5
    expected = HearModel(module, worker=WORKING).embed(audio, "timestamp")
    for python in others:
        found = HearModel(module, worker=WORKING | {"python": python}).embed(audio, "timestamp")
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)


def test_neighbors_of_a_model_may_have_the_names_of_ours(tmp_path):
    for file in Path(WORKER).parent.glob("*.py"):
        (tmp_path / file.name).write_text("GAIN = 2.0\n")
    names = [file.stem for file in Path(WORKER).parent.glob("*.py") if file.stem != "__init__"]
    module = Path(write_model(tmp_path))
    sums = "; ".join(f"import {name}; assert {name}.GAIN == 2" for name in names)
    module.write_text(f"{sums}\n{module.read_text()}")
    HearModel(str(module), worker=WORKING)


def test_an_import_path_may_begin_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "package").mkdir()
    write_model(tmp_path / "package")
    (tmp_path / "package" / "tensorflow.py").rename(tmp_path / "tensorflow.py")
    monkeypatch.chdir(tmp_path)
    model = HearModel("package.remote_bands", worker=WORKING)
    assert model.embed(torch.ones(1, 16000), "scene")[0]["E"].shape == (1, 2)


def test_an_error_in_a_worker_is_caused_by_its_traceback(tmp_path):
    module = write_model(tmp_path, "raise KeyError('lost')")
    with pytest.raises(ModelError) as caught:
        HearModel(module, worker=WORKING).embed(torch.zeros(1, 16000), "scene")
    said = "".join(traceback.format_exception(caught.value))
    assert f'File "{module}", line' in said and "raise KeyError('lost')" in said


def test_a_worker_that_hangs_in_a_batch_is_said_to_hang(tmp_path, make_task):
    task = read_task(make_task())
    model = HearModel(write_model(tmp_path, "time.sleep(60)"), worker=WORKING | {"timeout_s": 2})
    with pytest.raises(ValueError, match=r"gave no answer within 2 s \(environment.timeout_s\)"):
        embed_task([task], model, {"scene": tmp_path / "f"}, {}, progress=False)


def test_finished_splits_are_kept_when_a_worker_dies(tmp_path, make_task):
    """It dies at the second split; the repaired model goes on with that one."""
    task = read_task(make_task())
    calls, broken = tmp_path / "calls", tmp_path / "broken"
    note = f"open({str(calls)!r}, 'a').write('x' * len(x))"
    dies = (
        f"if os.path.exists({str(broken)!r}) and os.path.getsize({str(calls)!r}) > N: os._exit(1)"
    )
    n_first = len(task.order[task.splits[0]])
    module = write_model(tmp_path, f"{note}\n    {dies.replace('N', str(n_first))}")
    broken.touch()
    views = {"scene": tmp_path / "features"}
    with pytest.raises(ValueError, match="ended with code 1"):
        embed_task([task], HearModel(module, worker=WORKING), views, {}, progress=False)
    broken.unlink()
    calls.write_text("")
    embed_task([task], HearModel(module, worker=WORKING), views, {}, progress=False)
    n_clips = sum(len(files) for files in task.order.values())
    assert len(calls.read_text()) == n_clips - n_first


def test_what_a_worker_used_is_the_cost_of_its_features(tmp_path, make_task):
    spin = "end = time.process_time() + 0.1\n    while time.process_time() < end: pass"
    model = HearModel(write_model(tmp_path, spin), worker=WORKING)
    loaded_s = model.worker_cpu_s
    assert loaded_s > 0 and model.device_name() == "cpu"
    task = read_task(make_task())
    embed_task([task], model, {"scene": tmp_path / "f"}, {}, progress=False)
    publish(tmp_path / "f")
    (cost,) = json.loads((tmp_path / "f" / COST).read_text())
    assert cost["audio_s"] == 3.0 and cost["seconds"] > 0.3  # three splits, a call each
    assert cost["seconds"] == pytest.approx(model.worker_cpu_s - loaded_s, abs=0.2)
