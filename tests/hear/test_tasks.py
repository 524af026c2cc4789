"""Laws of task folders: reading, order, folds; then every malformed text file, by its message."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hear.tasks.folder import Fold, read_task
from hear.tasks.problems import TaskError

MakeTask = Callable[..., Path]
FIVE_FOLDS = tuple(f"fold0{i}" for i in range(5))
# folds5 and folds3 of the golden scores: heareval's data splits for k-fold tasks
GOLDEN_FOLDS5 = (
    Fold("fold00", ("fold02", "fold03", "fold04"), ("fold01",), ("fold00",)),
    Fold("fold01", ("fold00", "fold03", "fold04"), ("fold02",), ("fold01",)),
    Fold("fold02", ("fold00", "fold01", "fold04"), ("fold03",), ("fold02",)),
    Fold("fold03", ("fold00", "fold01", "fold02"), ("fold04",), ("fold03",)),
    Fold("fold04", ("fold01", "fold02", "fold03"), ("fold00",), ("fold04",)),
)
GOLDEN_FOLDS3 = (
    Fold("fold00", ("fold02",), ("fold01",), ("fold00",)),
    Fold("fold01", ("fold00",), ("fold02",), ("fold01",)),
    Fold("fold02", ("fold01",), ("fold00",), ("fold02",)),
)


def change(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **changes}), encoding="utf-8")


def message_of(folder: Path) -> str:
    with pytest.raises(TaskError) as error:
        read_task(folder)
    return str(error.value)


def test_a_scene_task_reads_as_written(make_task: MakeTask) -> None:
    task = read_task(make_task(tfds_task_name="an unknown key is fine"))
    assert (task.name, task.task_name, task.version, task.mode) == (
        "tones-v1-full",
        "tones",
        "v1",
        "full",
    )
    assert task.splits == ("test", "train", "valid")
    assert task.evaluation[0] == "top1_acc"
    assert task.labels == ("low", "high")
    assert task.sample_duration_s == 0.25
    assert task.clips["train"] == {f"train_{i}.wav": [("low", "high")[i % 2]] for i in range(4)}


def test_an_event_task_reads_as_written(make_task: MakeTask) -> None:
    folder = make_task(embedding_type="event", sample_duration=None)
    change(folder / "test.json", **{"test_0.wav": []})
    task = read_task(folder)
    assert task.sample_duration_s is None
    assert task.clips["test"]["test_0.wav"] == []
    assert task.clips["test"]["test_1.wav"] == [{"label": "high", "start": 10.0, "end": 310.0}]


def test_sources_say_which_clips_share_a_speaker(make_task: MakeTask) -> None:
    folder = make_task()
    assert read_task(folder).sources == {}
    sources = {"test": {"test_0.wav": "Ann", "test_1.wav": "Ann"}}
    (folder / "sources.json").write_text(json.dumps(sources))
    assert read_task(folder).sources == sources


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "sources.json: expected an object of splits, each an object of clips, found []"),
        ({"test": "Ann"}, "sources.json: expected an object of splits, each an object of clips"),
        ({"tests": {}}, "sources.json: tests: expected one of the splits test, train, valid"),
        ({"test": {"x.wav": "Ann"}}, "sources.json: clip x.wav: expected a clip of test.json"),
        ({"test": {"test_0.wav": 3}}, "sources.json: clip test_0.wav: expected a source as text"),
    ],
)
def test_sources_that_name_nothing_are_named(
    make_task: MakeTask, content: object, message: str
) -> None:
    folder = make_task()
    (folder / "sources.json").write_text(json.dumps(content))
    assert message in message_of(folder)


def test_integer_labels_meet_a_vocabulary_read_as_text(make_task: MakeTask) -> None:
    folder = make_task()
    (folder / "labelvocabulary.csv").write_text("idx,label\n1,7\n0,3\n")
    for split in ("train", "valid", "test"):
        change(folder / f"{split}.json", **{f"{split}_{i}.wav": [(3, 7)[i % 2]] for i in range(4)})
    task = read_task(folder)
    assert task.labels == ("3", "7")
    assert task.clips["train"]["train_1.wav"] == ["7"]


def test_a_multilabel_clip_has_any_number_of_labels(make_task: MakeTask) -> None:
    folder = make_task(prediction_type="multilabel", evaluation=["mAP"])
    change(folder / "train.json", **{"train_0.wav": [], "train_1.wav": ["high", "low"]})
    assert read_task(folder).clips["train"]["train_1.wav"] == ["high", "low"]


@pytest.mark.parametrize("splits", [("test", "train", "valid"), FIVE_FOLDS])
def test_stored_order_is_one_generator_over_the_splits(
    make_task: MakeTask, splits: tuple[str, ...]
) -> None:
    folder = make_task(splits=splits, n_clips=7)
    generator, expected = random.Random(0), {}
    for split in json.loads((folder / "task_metadata.json").read_text())["splits"]:
        files = list(json.loads((folder / f"{split}.json").read_text()))
        generator.shuffle(files)
        expected[split] = files
    state = random.getstate()
    task = read_task(folder)
    order = task.order
    assert order == expected
    assert list(order) == list(splits)
    assert random.getstate() == state
    assert task.order is order  # a fact of the folder, drawn once


def test_stored_order_depends_on_the_order_of_the_splits(make_task: MakeTask) -> None:
    one = read_task(make_task("a-v1-full", n_clips=7)).order
    other = make_task("b-v1-full", n_clips=7, splits=("train", "valid", "test"))
    assert read_task(other).order["train"] != one["train"]


def test_folds_rotate_as_in_the_reference(make_task: MakeTask) -> None:
    assert read_task(make_task("five-v1-full", splits=FIVE_FOLDS)).folds == GOLDEN_FOLDS5
    shuffled = make_task("three-v1-full", splits=("fold02", "fold00", "fold01"), nfolds=3)
    assert read_task(shuffled).folds == GOLDEN_FOLDS3


def test_trainvaltest_is_one_fold(make_task: MakeTask) -> None:
    assert read_task(make_task()).folds == (Fold("test", ("train",), ("valid",), ("test",)),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluation": ["top1_ac"]}, r"evaluation: expected one of top1_acc, .*mean top1_acc\?"),
        ({"evaluation": ["segment_1s_er"]}, "evaluation: expected metrics of kind clip"),
        (
            {
                "embedding_type": "event",
                "prediction_type": "multilabel",
                "evaluation": ["segment_1s_er"],
            },
            "evaluation: expected a primary .* metric of which more is better",
        ),
        ({"evaluation": [["mAP"]]}, r"evaluation: expected one of .* found \['mAP'\]"),
        ({"evaluation": []}, "evaluation: expected a list of metrics"),
        ({"splits": ["train", "test"]}, "splits: expected train, valid and test"),
        ({"splits": ["../a", "b", "c"]}, "splits: expected different names of letters"),
        ({"embedding_type": "scenes"}, "embedding_type: expected scene or event, found scenes"),
        ({"split_mode": None}, "split_mode: expected trainvaltest or .*, found None"),
        ({"sample_duration": -1}, "sample_duration: expected seconds above 0, or null, found -1"),
        ({"version": ""}, "version: expected a name of letters"),
        ({"embedding_type": "event"}, r"expected multilabel \(a timestamp may have no event\)"),
    ],
)
def test_wrong_metadata_are_named(
    make_task: MakeTask, changes: dict[str, Any], message: str
) -> None:
    folder = make_task()
    change(folder / "task_metadata.json", **changes)
    assert re.search(f"task_metadata.json: .*{message}", message_of(folder))


def test_an_unknown_secondary_metric_is_left_out(make_task: MakeTask) -> None:
    task = read_task(make_task(evaluation=["top1_acc", "top5_acc", "mAP"]))
    assert task.evaluation == ("top1_acc", "mAP")
    assert task.warnings == ("task_metadata.json: evaluation: top5_acc is unknown and ignored",)


def test_a_missing_key_is_named(make_task: MakeTask) -> None:
    folder = make_task()
    metadata = json.loads((folder / "task_metadata.json").read_text())
    del metadata["mode"]
    (folder / "task_metadata.json").write_text(json.dumps(metadata))
    assert "task_metadata.json: mode: expected a name" in message_of(folder)
    assert "found no such key" in message_of(folder)


def test_metadata_without_content_are_named(make_task: MakeTask) -> None:
    folder = make_task()
    (folder / "task_metadata.json").write_text("null")
    with pytest.raises(TaskError, match="task_metadata.json: expected a JSON object, found null"):
        read_task(folder)


def test_kfold_needs_three_folds_and_its_nfolds(make_task: MakeTask) -> None:
    two = make_task("two-v1-full", splits=("fold00", "fold01"))
    assert "splits: expected at least 3 folds" in message_of(two)
    five = make_task("five-v1-full", splits=FIVE_FOLDS, nfolds=4)
    assert "nfolds: expected 5, as many as there are splits, found 4" in message_of(five)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("idx,label\n0,low\n1,high\n2,low\n", "label low: expected each label once, found idx 0"),
        ("idx,label\n0,low\n2,high\n", "idx: expected 0 to 1, each once, found 0, 2"),
        ("idx,label\n0,low\n0,high\n", "idx: expected 0 to 1, each once, found 0, 0"),
        ("idx,label\n0,low\n1\n", "expected two values per row, found 1"),
        ("label,idx\nlow,0\n", "expected the columns idx,label, found label,idx"),
        ("", "expected the columns idx,label, found nothing"),
    ],
)
def test_a_wrong_vocabulary_is_named(make_task: MakeTask, rows: str, message: str) -> None:
    folder = make_task()
    (folder / "labelvocabulary.csv").write_text(rows)
    found = message_of(folder)
    assert "labelvocabulary.csv" in found
    assert message in found


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (["mid"], "expected a label of the vocabulary (2 labels), found 'mid'"),
        ([True], "expected a label (text or an integer), found True"),
        ([], "expected exactly one label (prediction_type multiclass), found []"),
        (["low", "high"], "expected exactly one label"),
        ("low", "expected a list of labels, found low"),
    ],
)
def test_a_wrong_label_is_named(make_task: MakeTask, entry: Any, message: str) -> None:
    folder = make_task()
    change(folder / "valid.json", **{"valid_2.wav": entry})
    assert f"valid.json: clip valid_2.wav: {message}" in message_of(folder)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"label": "low", "start": 5.0}, "an object with label, start and end"),
        ({"label": "low", "start": 5.0, "end": 4.0}, "0 <= start <= end, found start 5.0 ms"),
        ({"label": "low", "start": -1.0, "end": 4.0}, "0 <= start <= end, found start -1.0 ms"),
        ({"label": "low", "start": "1", "end": 4.0}, "start and end in ms as finite numbers"),
        ({"label": "low", "start": float("nan"), "end": 4.0}, "as finite numbers"),
        ({"label": "low", "start": 250.1, "end": 260.0}, "start before the clip's end (250.0 ms)"),
        ({"label": "mid", "start": 1.0, "end": 2.0}, "a label of the vocabulary"),
    ],
)
def test_a_wrong_event_is_named(make_task: MakeTask, event: Any, message: str) -> None:
    folder = make_task(embedding_type="event")
    change(folder / "test.json", **{"test_1.wav": [event]})
    found = message_of(folder)
    assert "test.json: clip test_1.wav, event 0: expected" in found
    assert message in found


@pytest.mark.parametrize(
    ("start", "end"), [(250.0, 250.0), (250.0, 260.0), (100.0, 99.99999999999999)]
)
def test_an_event_that_rounding_left_no_time_is_dropped_and_counted(
    make_task: MakeTask, start: float, end: float
) -> None:
    folder = make_task(embedding_type="event")
    kept = {"label": "high", "start": 240.0, "end": 250.0}
    events = [{"label": "low", "start": start, "end": end}, kept]
    change(folder / "test.json", **{"test_1.wav": events, "test_2.wav": events[:1]})
    task = read_task(folder)
    assert (task.clips["test"]["test_1.wav"], task.clips["test"]["test_2.wav"]) == ([kept], [])
    (warning,) = task.warnings
    assert warning.startswith("test.json: events that start at the end of their clip")
    assert warning.endswith("2 left out")


@pytest.mark.parametrize(
    ("known", "given", "found"),
    [
        (" low", "low", "'low'; the nearest is ' low'"),
        ("low", "low\xa0", "'low\\xa0'; the nearest is 'low'"),
        ("Low", "low", "'low'; the nearest is 'Low'"),
        ("\u00e9tude", "e\u0301tude", "'e\\u0301tude'; the nearest is '\\xe9tude'"),
        ("lower", "lowr", "'lowr'; the nearest is 'lower'"),
    ],
)
def test_what_a_label_differs_in_can_be_seen(
    make_task: MakeTask, known: str, given: str, found: str
) -> None:
    folder = make_task()
    rows = f"idx,label\n0,{known}\n1,high\n"
    (folder / "labelvocabulary.csv").write_text(rows, encoding="utf-8")
    change(folder / "valid.json", **{"valid_2.wav": [given]})
    expected = "clip valid_2.wav: expected a label of the vocabulary (2 labels), found"
    assert f"{expected} {found}" in message_of(folder)


def test_a_byte_order_mark_is_passed_over_in_every_file(make_task: MakeTask) -> None:
    folder = make_task()
    before = read_task(folder)
    for path in (*folder.glob("*.json"), *folder.glob("*.csv")):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_task(folder) == before


def test_an_event_clip_in_two_splits_is_refused(make_task: MakeTask) -> None:
    folder = make_task(embedding_type="event")
    change(folder / "valid.json", **{"train_1.wav": []})
    assert "clip train_1.wav: expected an event clip in one split, found train and valid" in (
        message_of(folder)
    )


def test_a_missing_split_file_is_named(make_task: MakeTask) -> None:
    folder = make_task()
    (folder / "valid.json").unlink()
    assert "valid.json: expected the file, found no such file" in message_of(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected valid JSON, found an error: Expecting property name"),
        ("{}", "expected an object with at least one clip, found {}"),
        ('{"a.wav": ["low"], "a.wav": ["high"]}', "a.wav: expected each key once"),
        ('{"\\udcfc.wav": ["low"]}', "expected valid JSON, found an error: 'utf-8' codec can't"),
        ('{"../a.wav": ["low"]}', "clip ../a.wav: expected a file name without folders"),
    ],
)
def test_a_malformed_split_file_is_named(make_task: MakeTask, text: str, message: str) -> None:
    folder = make_task()
    (folder / "train.json").write_text(text)
    assert f"train.json: {message}" in message_of(folder)


def test_all_problems_are_reported_at_once_and_cut_at_twenty(make_task: MakeTask) -> None:
    folder = make_task(n_clips=15)
    change(folder / "train.json", **{f"train_{i}.wav": ["mid"] for i in range(15)})
    change(folder / "valid.json", **{f"valid_{i}.wav": ["mid"] for i in range(15)})
    lines = message_of(folder).splitlines()
    assert lines[0] == f"{folder}: 30 problems"
    assert len(lines) == 22
    assert lines[-1] == "  and 10 more"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' * 50_000, "9" * 5_000])
@pytest.mark.parametrize("file", ["task_metadata.json", "train.json", "sources.json"])
def test_json_that_no_parser_takes_is_named(make_task: MakeTask, file: str, text: str) -> None:
    folder = make_task()
    (folder / file).write_text(text)
    assert f"{file}: expected valid JSON" in message_of(folder)


def test_numbers_beyond_every_float_are_named(make_task: MakeTask) -> None:
    folder = make_task(embedding_type="event")
    change(folder / "train.json", **{"train_0.wav": [{"label": "low", "start": 0, "end": 10**400}]})
    assert "start and end in ms as finite numbers" in message_of(folder)
    change(folder / "task_metadata.json", sample_duration=10**400)
    assert "sample_duration: expected seconds above 0" in message_of(folder)


def test_a_label_of_several_lines_is_named(make_task: MakeTask) -> None:
    folder = make_task()
    (folder / "labelvocabulary.csv").write_text('idx,label\n0,low\n1,"high\r\nhigher"\n')
    assert "idx 1: expected a label of one line, found high\\r\\nhigher" in message_of(folder)
