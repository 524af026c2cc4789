"""A folder of audio becomes one table: every file, whatever its format, at any kill."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from hear.audio.read import ClipError, read_clip
from passt.__main__ import main
from passt.checkpoints import Checkpoint
from passt.checks import AudioError
from passt.files import sha256_file
from passt.folder import audio
from passt.folder.audio import read_audio
from passt.folder.embed import FileEmbedder, embed_folder
from passt.folder.results import Results
from passt.folder.table import writer
from passt.hear_api import PaSSTModel
from passt.tags import tag_names
from passt.variants import Variant
from passt.weights import load_embedder

TINY = {"init": "random", "hop": 320, "embed_dim": 64, "depth": 1, "num_heads": 1, "n_classes": 5}
MINI = "resources/checkpoints_mini/mini_hop10.safetensors"


def noise(n_samples: int, n_channels: int = 1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.5, 0.5, (n_samples, n_channels)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> PaSSTModel:
    return PaSSTModel(load_embedder(Checkpoint.from_config("tiny", TINY)), Variant("tiny", "MH"))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Files of several formats, of which three can be embedded."""
    made = tmp_path / "audio"
    (made / "a" / "b").mkdir(parents=True)
    soundfile.write(made / "stereo.wav", noise(44_100, 2), 44_100)
    soundfile.write(made / "a" / "eight.FLAC", noise(4_000, 1, 1), 8_000, format="FLAC")
    soundfile.write(made / "a" / "b" / "six.ogg", noise(48_000, 6, 2), 48_000)
    soundfile.write(made / "short.wav", noise(100), 16_000)
    soundfile.write(made / "loud.wav", 1e4 * noise(32_000), 32_000, subtype="FLOAT")
    soundfile.write(made / "empty.wav", noise(0), 32_000)
    (made / "a" / "broken.mp3").write_bytes(b"no audio")
    whole = (made / "a" / "eight.FLAC").read_bytes()
    (made / "cut.flac").write_bytes(whole[: len(whole) // 2])
    for other in ("notes.txt", ".hidden.wav"):
        (made / other).write_bytes(b"no audio")
    (made / "a" / "again").symlink_to(made)
    return made


FAILED = {
    "a/broken.mp3": "libsndfile: ",
    "cut.flac": "",
    "empty.wav": "no samples",
    "loud.wav": "has amplitude",
    "short.wav": "scene too short",
}
WHOLE = ["a/b/six.ogg", "a/eight.FLAC", "stereo.wav"]


def embed(folder: Path, output: Path, model: PaSSTModel, *options, n_workers: int = 2):
    embedder = FileEmbedder(model, *options)
    return embed_folder(folder, output, embedder, writer(output), n_workers, progress=False)


def read_table(path: Path) -> dict[str, np.ndarray]:
    """The rows that have an embedding, by column, and ``failed``: files and their errors."""
    if path.suffix == ".npz":
        stored = dict(np.load(path, allow_pickle=False))
        failed = dict(zip(stored["failed_file"], stored["failed_error"], strict=True))
        return stored | {"failed": failed}
    if path.suffix == ".npy":
        with open(path.with_suffix(".csv"), newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        there = [row for row in rows if row["row"]]
        assert [row["row"] for row in there] == [str(i) for i in range(len(there))]
        columns = {name: np.array([row[name] for row in there]) for name in rows[0]}
        if "tags" in columns:
            columns["tags"] = np.array([tags.split(";") for tags in columns["tags"]])
        for name in {"timestamp_ms", "duration_s"} & columns.keys():
            columns[name] = columns[name].astype(np.float32)
        failed = {row["file"]: row["error"] for row in rows if not row["row"]}
        return columns | {"embedding": np.load(path), "failed": failed}
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = parquet.read_table(path).to_pylist()
    there = [row for row in rows if row["error"] is None]
    columns = {name: np.array([row[name] for row in there]) for name in rows[0]}
    failed = {row["file"]: row["error"] for row in rows if row["error"] is not None}
    assert all(row["embedding"] is None for row in rows if row["error"] is not None)
    return columns | {"failed": failed}


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".parquet"])
def test_a_name_that_is_no_utf8_is_shown_with_escapes(tmp_path, model, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    made = tmp_path / "audio"
    made.mkdir()
    soundfile.write(made / "x.wav", noise(32_000), 32_000)
    try:
        (made / "x.wav").rename(made / os.fsdecode(b"x\xfe.wav"))
        (made / os.fsdecode(b"cut\xfe.wav")).write_bytes(b"no audio")
    except (OSError, UnicodeError):
        pytest.skip("this file system has no such names")
    embed(made, tmp_path / f"o{suffix}", model)
    table = read_table(tmp_path / f"o{suffix}")
    assert table["file"].tolist() == ["x\\udcfe.wav"]
    assert list(table["failed"]) == ["cut\\udcfe.wav"]


@pytest.mark.parametrize("at_timestamps", [False, True])
@pytest.mark.parametrize("suffix", [".npz", ".npy", ".parquet"])
def test_every_file_is_a_row_of_the_table_or_listed(folder, model, tmp_path, suffix, at_timestamps):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    records = embed(folder, tmp_path / f"out{suffix}", model, at_timestamps, 2)
    table = read_table(tmp_path / f"out{suffix}")
    assert {r.file: r.error for r in records if r.error} == table["failed"]
    expected = FAILED | ({"short.wav": "clip too short"} if at_timestamps else {})
    assert table["failed"].keys() == expected.keys()
    assert {f: e for f, e in table["failed"].items() if expected[f] not in e} == {}
    assert list(dict.fromkeys(table["file"])) == WHOLE
    for file in WHOLE:
        rows = table["file"] == file
        clip = read_audio(folder / file, tmp_path)
        kind = "timestamp" if at_timestamps else "scene"
        values, times = model.embed(clip, getattr(model.variant, f"{kind}_embedding"))
        np.testing.assert_array_equal(table["embedding"][rows], values.flatten(0, -2))
        assert set(table["sha256"][rows]) == {sha256_file(folder / file)}
        np.testing.assert_allclose(table["duration_s"][rows], clip.shape[1] / 32000, atol=1e-4)
        top = values.flatten(0, -2)[:, :5].argmax(-1).tolist()  # logits come first
        assert table["tags"][rows][:, 0].tolist() == [str(i) for i in top]
        if at_timestamps:
            np.testing.assert_array_equal(table["timestamp_ms"][rows], times)
    assert sorted(path.name for path in tmp_path.glob("out*")) == sorted(
        {f"out{suffix}", *(["out.csv"] if suffix == ".npy" else [])}
    )


def test_float16_is_the_rounded_float32(folder, model, tmp_path):
    for storage in ("float32", "float16"):
        embed(folder, tmp_path / f"{storage}.npz", model, False, 0, storage)
    exact, half = (read_table(tmp_path / f"{s}.npz")["embedding"] for s in ("float32", "float16"))
    assert half.dtype == np.float16
    np.testing.assert_array_equal(exact.astype(np.float16), half)


def test_a_file_s_rows_depend_on_nothing_but_its_content(folder, model, tmp_path):
    embed(folder, tmp_path / "all.npz", model)
    table = read_table(tmp_path / "all.npz")
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "x.ogg").write_bytes((folder / WHOLE[0]).read_bytes())
    embed(alone, tmp_path / "one.npz", model, n_workers=1)
    one = read_table(tmp_path / "one.npz")
    assert one["sha256"].tolist() == table["sha256"][:1].tolist()
    np.testing.assert_array_equal(one["embedding"], table["embedding"][:1])


@pytest.mark.parametrize("rate_hz", [32_000, 44_100])
def test_long_files_wait_on_the_disk_with_the_same_samples(tmp_path, monkeypatch, rate_hz):
    soundfile.write(tmp_path / "a.wav", noise(25 * rate_hz + 7, 2), rate_hz)
    short = read_audio(tmp_path / "a.wav", tmp_path)
    monkeypatch.setattr(audio, "LONG_S", 1.0)
    long = read_audio(tmp_path / "a.wav", tmp_path)
    assert not isinstance(long, torch.Tensor) and long.shape == short.shape
    assert long.stretch(5, short.shape[1]).equal(short[:, 5:])
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_files_of_equal_length_are_embedded_together_with_the_bits_of_each_alone(
    tmp_path, monkeypatch
):
    wide = Checkpoint.from_config("wide", TINY | {"embed_dim": 192, "num_heads": 3})
    model = PaSSTModel(load_embedder(wide), Variant("wide", "MH"))  # narrower: other bits
    made = tmp_path / "audio"
    made.mkdir()
    for i in range(11):
        soundfile.write(made / f"{i:02}.wav", noise(20_000, 1, i), 32_000, subtype="FLOAT")
    soundfile.write(made / "nan.wav", np.full(20_000, np.nan), 32_000, subtype="FLOAT")
    soundfile.write(made / "loud.wav", 1e4 * noise(20_000), 32_000, subtype="FLOAT")
    soundfile.write(made / "longer.wav", noise(20_001), 32_000)
    sizes, real = [], model.components

    def components(audio, pairs):
        sizes.append(len(audio))
        return real(audio, pairs)

    monkeypatch.setattr(model, "components", components)
    embed(made, tmp_path / "together.npz", model, False, 3)
    assert max(sizes) > 1
    monkeypatch.setattr("passt.folder.embed.CPU_FILES", 1)
    sizes.clear()
    embed(made, tmp_path / "alone.npz", model, False, 3)
    assert max(sizes) == 1
    assert (tmp_path / "together.npz").read_bytes() == (tmp_path / "alone.npz").read_bytes()
    table = read_table(tmp_path / "together.npz")
    assert len(table["file"]) == 12 and sorted(table["failed"]) == ["loud.wav", "nan.wav"]
    assert "NaN" in table["failed"]["nan.wav"] and "amplitude" in table["failed"]["loud.wav"]


def test_files_are_shared_evenly_among_workers(tmp_path, model, monkeypatch):
    for i in range(12):
        soundfile.write(tmp_path / f"{i:02}.wav", noise(20_000, 1, i), 32_000)
    sizes, real = [], FileEmbedder.embed

    def counted(self, paths, scratch):
        sizes.append(len(paths))
        return real(self, paths, scratch)

    monkeypatch.setattr(FileEmbedder, "embed", counted)
    for n_workers in (12, 2):
        sizes.clear()
        embed(tmp_path, tmp_path / "out.npz", model, n_workers=n_workers)
        assert sum(sizes) == 12 and sizes[-1] == 1  # the others wait for at most one file
        assert max(sizes) == (1 if n_workers == 12 else 3)


def test_what_was_embedded_is_kept_by_content(folder, model, tmp_path, monkeypatch):
    embed(folder, tmp_path / "whole.npz", model)
    embedder, embedded = FileEmbedder(model), []
    real = embedder.embed

    def dying(paths, scratch):
        embedded.extend(path.name for path in paths)
        if len(embedded) == 5:
            raise KeyboardInterrupt
        return real(paths, scratch)

    monkeypatch.setattr(embedder, "embed", dying)
    with pytest.raises(KeyboardInterrupt):
        embed_folder(folder, tmp_path / "out.npz", embedder, writer(tmp_path / "out.npz"), 1, False)
    kept = {path.stem for path in (tmp_path / "out.npz.part").glob("*/*.npz")}
    assert kept and not (tmp_path / "out.npz").exists()
    (folder / "stereo.wav").rename(folder / "moved.wav")
    embedded[:] = [""] * 5
    embed_folder(folder, tmp_path / "out.npz", embedder, writer(tmp_path / "out.npz"), 1, False)
    assert len(embedded) == 5 + len({*FAILED, *WHOLE} - {"empty.wav"}) - len(kept) + 1
    assert read_table(tmp_path / "out.npz")["file"].tolist() == [*WHOLE[:2], "moved.wav"]
    np.testing.assert_array_equal(
        *(read_table(tmp_path / f"{name}.npz")["embedding"] for name in ("whole", "out"))
    )


def test_a_result_that_is_not_whole_is_made_again(tmp_path):
    results = Results(tmp_path / "results", {})
    results.write("ab", {"embedding": np.ones((1, 2), np.float32)})
    (path,) = tmp_path.glob("results/*/ab.npz")
    whole, plain = path.read_bytes(), io.BytesIO()
    np.save(plain, np.ones(3))
    for content in (whole[:50], b"", b"x", plain.getvalue(), whole.replace(b"NUMPY", b"NUMPX")):
        path.write_bytes(content)
        assert results.read("ab") is None
    path.write_bytes(whole)
    assert list(results.read("ab")) == ["embedding"]


def test_results_of_other_settings_are_neither_taken_nor_lost(folder, model, tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    output = tmp_path / "out.npz"
    with pytest.raises(KeyboardInterrupt):
        embed_folder(folder, output, FileEmbedder(model), stop, 1, False)
    other = PaSSTModel(
        load_embedder(Checkpoint.from_config("b", TINY | {"seed": 1})), model.variant
    )
    kept = {path: path.read_bytes() for path in tmp_path.glob("out.npz.part/*/*.npz")}
    with pytest.raises(ValueError, match=r"with other settings \(checkpoint .*, now .*\): finish"):
        embed(folder, output, other)
    assert kept and kept == {path: path.read_bytes() for path in kept}
    embed(folder, output, model)
    embed(folder, tmp_path / "fresh.npz", model)
    assert output.read_bytes() == (tmp_path / "fresh.npz").read_bytes()


def test_other_files_are_left_alone(folder, model, tmp_path):
    (tmp_path / "a.npz.part").mkdir()
    (tmp_path / "a.npz.part" / "mine").write_text("mine")
    with pytest.raises(ValueError, match="a.npz.part: .*found other files"):
        embed(folder, tmp_path / "a.npz", model)
    assert (tmp_path / "a.npz.part" / "mine").read_text() == "mine"
    (tmp_path / "b.csv").write_text("mine")
    with pytest.raises(ValueError, match=r"b.csv would name the rows of .*b.npy, but is there"):
        embed(folder, tmp_path / "b.npy", model)
    assert (tmp_path / "b.csv").read_text() == "mine"


def test_two_runs_with_one_output_wait_for_each_other(folder, model, tmp_path, capfd):
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(embed, folder, tmp_path / "out.npz", model) for _ in range(2)]
        assert runs[0].result() == runs[1].result()
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.npz"]
    embed(folder, tmp_path / "alone.npz", model)
    assert (tmp_path / "out.npz").read_bytes() == (tmp_path / "alone.npz").read_bytes()
    assert "waiting for another run" in capfd.readouterr().err


def test_a_table_is_not_replaced_by_one_without_a_row(folder, model, tmp_path):
    embed(folder, tmp_path / "out.npz", model)
    before = (tmp_path / "out.npz").read_bytes()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.wav").write_bytes(b"no audio")
    with pytest.raises(ValueError, match="none of 1 files could be embedded, .*; a.wav: libsndf"):
        embed(broken, tmp_path / "out.npz", model)
    assert (tmp_path / "out.npz").read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.npz"]


def test_a_header_without_a_length_is_named(tmp_path):
    soundfile.write(tmp_path / "a.flac", noise(32_000), 32_000)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21] &= 0xF0  # of STREAMINFO: the last 36 bits before the MD5 are the number of samples
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    with pytest.raises(AudioError, match="a header without the number of samples"):
        read_audio(tmp_path / "a.flac", tmp_path)
    assert audio.duration_s(tmp_path / "a.flac") is None
    with pytest.raises(ClipError, match="a.flac: expected a header with the number of samples"):
        read_clip(tmp_path / "a.flac", 32_000)


@pytest.mark.parametrize("kind", ["NIST", "MAT5", "SVX", "IRCAM"])
def test_files_are_found_by_their_usual_suffixes(tmp_path, kind):
    suffix = {"NIST": "sph", "MAT5": "mat", "SVX": "iff", "IRCAM": "sf"}[kind]
    subtype = "PCM_16"
    soundfile.write(tmp_path / f"a.{suffix}", noise(32_000), 32_000, subtype, format=kind)
    assert audio.find_audio(tmp_path) == [f"a.{suffix}"]
    assert read_audio(tmp_path / f"a.{suffix}", tmp_path).shape == (1, 32_000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "out.txt"], "output: expected .parquet, .npz, .npy, found 'out.txt'"),
        (["-o", "out.npz", "--levels", "L"], "L exists at timestamps only"),
        (["-o", "out.npz", "--levels", "L", "--timestamps", "--tags", "1"], "level L has none"),
        (["-o", "out.npz", "--tags", "230"], "tags: expected 0 to 229, found 230"),
        (["-o", "out.npz", "--timestamps", "--receptive-field-ms", "20"], "20 ms are 640 samples"),
        (["-o", "out.npz", "--receptive-field-ms", "99000"], "99000 ms are more than the network"),
        (["-o", "out.npz", "--workers", "0"], "--workers: expected at least 1, found 0"),
        (["-o", "out.npz", "--weights", "none.pt"], "no checkpoint file none.pt"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(folder, capsys, options, message):
    options = options if "--weights" in options else [*options, "--weights", MINI]
    assert main(["embed", str(folder), *options]) == 1
    assert message in capsys.readouterr().err


def test_parquet_names_the_package_that_it_needs(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install pyarrow"):
        writer(tmp_path / "out.parquet")


def test_the_command_lists_what_it_did_not_embed(folder, tmp_path, capsys):
    output = tmp_path / "out.npz"
    assert main(["embed", str(folder), "-o", str(output), "--weights", MINI, "--levels", "M"]) == 0
    said = capsys.readouterr().err
    assert all(f"not embedded: {file}: " in said for file in FAILED)
    assert "3 of 8 files in" in said and "8 of 8 files, 5 not embedded" in said
    assert read_table(output)["embedding"].shape == (3, 192)
    (tmp_path / "none").mkdir()
    assert main(["embed", str(tmp_path / "none"), "-o", str(output), "--weights", MINI]) == 1
    assert "expected audio files, found none" in capsys.readouterr().err


def test_tags_are_audioset_s_in_the_order_of_its_indices():
    names = tag_names(527)
    assert len(set(names)) == 527
    assert {0: "Speech", 137: "Music", 526: "Field recording"}.items() <= dict(
        enumerate(names)
    ).items()
    path = Path(audio.__file__).parents[1] / "audioset_tags.csv"
    with open(path, newline="", encoding="utf-8") as stream:
        assert [row["index"] for row in csv.DictReader(stream)] == [str(i) for i in range(527)]
    assert tag_names(3) == ("0", "1", "2")


KILLED = """
import os, signal, sys, threading
import torch
from passt.__main__ import main
import passt.folder.embed, passt.folder.table, passt.hear_api

folder, weights = sys.argv[1:]
turn, replace = threading.Lock(), os.replace


def run(output, n_moved, name):
    # Killed instead of moving one more file to its place, or the table.
    def move(source, target):
        global moved
        with turn:
            if moved == n_moved or str(target) == name:
                os.kill(os.getpid(), signal.SIGKILL)
            moved += 1
        replace(source, target)

    pid = os.fork()
    if pid == 0:
        os.replace = move
        os._exit(main(["embed", folder, "-o", output, "--weights", weights, "--tags", "3"]))
    return os.waitpid(pid, 0)[1]


moved = 0
for n_moved, name in ((0, ""), (1, ""), (7, ""), (12, ""), (None, "killed.npz")):
    assert run("killed.npz", n_moved, name) == signal.SIGKILL
assert run("killed.npz", None, "") == run("undisturbed.npz", None, "") == 0
"""


@pytest.mark.slow
def test_killed_five_times_the_bytes_are_those_of_an_undisturbed_run(tmp_path):
    folder = tmp_path / "audio"
    folder.mkdir()
    for i in range(30):
        path = folder / f"{i:02d}.wav"
        soundfile.write(path, noise(8_000 + 1_000 * i, 1 + i % 2, i), 16_000)
        if i % 10 == 7:
            path.write_bytes(path.read_bytes()[:20])
    weights = Path(MINI).absolute()
    command = [sys.executable, "-c", KILLED, folder, weights]
    root = {"PYTHONPATH": str(Path.cwd())}
    subprocess.run(command, cwd=tmp_path, env=os.environ | root, check=True, timeout=120)
    killed, undisturbed = (tmp_path / f"{n}.npz" for n in ("killed", "undisturbed"))
    assert killed.read_bytes() == undisturbed.read_bytes()
    assert len(read_table(killed)["failed"]) == 3 and len(read_table(killed)["file"]) == 27
