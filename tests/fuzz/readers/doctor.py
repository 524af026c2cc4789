"""Task folders that the doctor examines: their files, and the audio of one clip."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import soundfile
from hypothesis import strategies as st

from hear.doctor.__main__ import main
from hear.tasks.problems import TaskError
from tests.fuzz.mutations import as_json, damaged, json_files
from tests.fuzz.readers.audio import CODINGS, sounds, wav_files
from tests.fuzz.readers.tasks import (
    NAME,
    SCENE,
    SCENE_CLIPS,
    SOURCES,
    is_object,
    scene_files,
    write,
)
from tests.fuzz.watch import Reader

RATE_HZ, N_SAMPLES = 16000, 4000
DOCUMENTS = {
    "task_metadata.json": SCENE,
    "train.json": SCENE_CLIPS,
    "test.json": SCENE_CLIPS,
    "sources.json": SOURCES,
}
CLIP = f"{RATE_HZ}/train/a.wav"


def _audio() -> dict[str, bytes]:
    """Clips of which two splits have a common one."""
    files, rng = {}, np.random.default_rng(0)
    for split in SCENE["splits"]:
        for clip in SCENE_CLIPS:
            samples = rng.normal(size=N_SAMPLES) if clip == "a.wav" else np.zeros(N_SAMPLES)
            stream = io.BytesIO()
            soundfile.write(stream, 0.1 * samples, RATE_HZ, format="WAV")
            files[f"{RATE_HZ}/{split}/{clip}"] = stream.getvalue()
    return files | {f"{RATE_HZ}/test/a.wav": files[CLIP]}


AUDIO = _audio()


def _examine(case: tuple[str, bytes], inside: Path) -> None:
    name, content = case
    write(inside / NAME, scene_files() | AUDIO | {name: content})
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        status = main([str(inside), "--quiet"])
    if status == 2:
        raise TaskError(said.getvalue())


def _is_past(case: tuple[str, bytes]) -> bool:
    return case[0] == CLIP or is_object(case[1])


def readers() -> list[Reader]:
    """Readers of this module."""
    documents = st.sampled_from(sorted(DOCUMENTS)).flatmap(
        lambda name: json_files([DOCUMENTS[name]]).map(lambda content: (name, content))
    )
    waves = sounds(CODINGS)
    clips = (wav_files() | damaged([*waves, AUDIO[CLIP]])).map(lambda content: (CLIP, content))
    seeds = [(name, as_json(document)) for name, document in DOCUMENTS.items()]
    return [
        Reader(
            "examined tasks", documents | clips, _examine, (TaskError,), (NAME, *DOCUMENTS),
            "a JSON object, or a clip", _is_past, seeds,
        )
    ]  # fmt: skip
