"""Archives and weights against a server like Zenodo and GitHub: killed, damaged, contradicting,
misnamed, missing, on a disk that is too small."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from real_archives import NAMES, RECORD, TASKS

from hear.archives.prepare import NOTES, prepare_archives
from hear.archives.unpack import ArchiveError
from passt.checkpoints import Checkpoint, CheckpointError
from passt.download import Backoff, DownloadError
from workflow.fetch.fetch import excludable, fetch_archive, fetch_checkpoint, unpack_task
from workflow.fetch.known import LOCKED, RECORDED, KnownError, known_facts, record
from workflow.fetch.record import Listed, RecordError, find_file
from workflow.fetch.space import (
    ARCHIVES,
    CHECKPOINTS,
    GIB,
    SPARE_BYTES,
    Need,
    SpaceError,
    check_space,
)
from workflow.study.models import verify_checkpoint

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch, server, archives):
    """An empty working directory, and a function that fetches one task's archive there."""
    monkeypatch.chdir(tmp_path)
    server.add_record(RECORD, archives)

    def fetch(task: str, *needs: Need, **download) -> Path:
        backoff = Backoff(attempts=2, sleep=lambda _: None)
        download = {"record": RECORD, "url": server.url, "mirrors": [], "folder": None} | download
        return fetch_archive(NAMES[task], download, needs, backoff=backoff, progress=False)

    fetch.path = lambda task: f"/api/records/{RECORD}/files/{NAMES[task]}/content"
    return fetch


def kill_when(code: str, condition) -> None:
    """Run Python code and kill it as soon as a condition holds."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen([sys.executable, "-c", code], env=environment)
    deadline = time.monotonic() + 120
    while not condition():
        assert killed.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline, "what was waited for did not happen in two minutes"
        time.sleep(0.002)
    killed.kill()
    killed.wait()


def test_a_killed_download_and_a_killed_resampling_go_on(here, server, archives, tmp_path):
    name, path = NAMES["esc50"], here.path("esc50")
    server.always[path] = ("slow", 0.1)
    part = tmp_path / "resources/archives" / f"{name}.part"
    settings = {"record": RECORD, "url": server.url, "mirrors": [], "folder": None}
    kill_when(
        f"from workflow.fetch.fetch import *; fetch_archive({name!r}, {settings!r})",
        lambda: part.exists() and part.stat().st_size >= 200_000,
    )
    kept = part.stat().st_size
    assert kept < len(archives[name]) and not (part.parent / name).exists()
    server.always.clear()
    server.requests.clear()
    archive = here("esc50")  # the killed process left no lock
    assert server.ranges(path) == [f"bytes={kept}-"] and archive.read_bytes() == archives[name]

    copies = tmp_path / "task" / TASKS["esc50"] / "32000"
    slow = (
        "import os, time; from pathlib import Path; "
        "from hear.archives.prepare import prepare_archives; "
        "real = os.replace; os.replace = lambda *a: (time.sleep(0.05), real(*a)); "
        f"prepare_archives([Path({str(archive)!r})], Path('task'), 'disk_only')"
    )
    kill_when(slow, lambda: len(list(copies.rglob("*.wav"))) >= 3)
    times = {copy: copy.stat().st_mtime_ns for copy in copies.rglob("*.wav")}
    assert 3 <= len(times) < 18
    prepare_archives([archive], tmp_path / "task", "disk_only", progress=False)
    assert times == {copy: copy.stat().st_mtime_ns for copy in times}
    assert len(list(copies.rglob("*"))) == 18 + 3 and not (copies.parent / "48000").exists()


def test_lock_file_record_and_file_must_agree(here, server, archives):
    name, found = NAMES["esc50"], hashlib.md5(archives[NAMES["esc50"]]).hexdigest()
    LOCKED.parent.mkdir(exist_ok=True)
    LOCKED.write_text(json.dumps({name: {"md5": "0" * 32, "source": "x"}}))
    said = f"{name}: md5: expected {'0' * 32} as {LOCKED} says, found {found} in record {RECORD}"
    with pytest.raises(KnownError, match=said):
        here("esc50")
    assert not server.ranges(here.path("esc50"))
    LOCKED.write_text(json.dumps({name: {"md5": found, "length": 1}}))
    with pytest.raises(KnownError, match="expected size as a whole number, md5.*found .*'length'"):
        here("esc50")
    LOCKED.write_text(json.dumps({name: {"md5": found}}))
    assert here("esc50").read_bytes() == archives[name]
    LOCKED.write_text(json.dumps({name: {"sha256": "0" * 64}}))
    with pytest.raises(KnownError, match=f"as {LOCKED} says, found .* in {RECORDED}"):
        here("esc50")


def unpack(archive: Path, settings: dict | None = None, **expected) -> tuple[list[Path], dict]:
    expected = {"folders": [TASKS["esc50"]], "embedding_type": "scene"} | expected
    how = ("on_the_fly", 1, expected, settings)
    return unpack_task([archive], Path("task"), *how, progress=False)


def test_an_archive_must_be_the_one_that_was_downloaded(here, archives):
    archive = here("esc50")
    known = json.loads(RECORDED.read_text())[archive.name]["sha256"]
    (folder,), origin = unpack(archive)
    assert folder == Path("task") / TASKS["esc50"] and (folder.parent / NOTES).exists()
    assert origin["archives"] == {archive.name: known} and not origin["warnings"]
    archive.write_bytes(archives[NAMES["gunshot_triangulation"]])
    with pytest.raises(ArchiveError, match=f"sha256: expected {known}, found .*\n.*remove"):
        unpack(archive)


@pytest.mark.parametrize(
    "known", [b"[" * 100_000, b'"a"', b'{"a": 1}', b'{"a": {"size": "1"}}', b'{"a": {"md5": null}}']
)
def test_a_malformed_lock_file_is_named(tmp_path, monkeypatch, known):
    monkeypatch.chdir(tmp_path)
    LOCKED.parent.mkdir()
    LOCKED.write_bytes(known)
    with pytest.raises(KnownError, match=f"{LOCKED}: "):
        known_facts("a")


def test_a_users_archive_is_recorded_at_first_use(here, archives):
    mine = Path("mine") / NAMES["esc50"]
    mine.parent.mkdir()
    mine.write_bytes(archives[mine.name])
    sha256 = hashlib.sha256(archives[mine.name]).hexdigest()
    unpack(mine)
    assert json.loads(RECORDED.read_text()) == {mine.name: {"sha256": sha256, "source": str(mine)}}
    mine.write_bytes(archives[NAMES["gunshot_triangulation"]])
    with pytest.raises(ArchiveError, match=f"sha256: expected {sha256}"):
        unpack(mine)


def test_a_users_archive_is_compared_with_the_record(here, server, archives, capsys):
    mine = Path("mine") / NAMES["esc50"]
    mine.parent.mkdir()
    mine.write_bytes(archives[mine.name])
    settings = {"record": RECORD, "url": server.url}
    assert unpack(mine, settings=settings)[1]["warnings"] == []
    server.add_record(RECORD, {mine.name: b"another"})
    Path(ARCHIVES, f"zenodo-{RECORD}.json").unlink()
    (warning,) = unpack(mine, settings=settings)[1]["warnings"]
    md5 = [hashlib.md5(content).hexdigest() for content in (archives[mine.name], b"another")]
    assert f"record {RECORD} has under this name: md5 {md5[0]}, published {md5[1]}" in warning
    Path(ARCHIVES, f"zenodo-{RECORD}.json").unlink()
    settings["url"] = "http://127.0.0.1:9"
    assert unpack(mine, settings=settings)[1]["warnings"] == []
    assert "not compared with their published hashes" in capsys.readouterr().err


def test_unexpected_folders_are_named(here):
    archive = here("esc50")
    found = f"expected x-v1-full; the archives have {TASKS['esc50']}"
    with pytest.raises(ArchiveError, match=found):
        unpack(archive, folders=["x-v1-full"])
    with pytest.raises(ArchiveError, match="embedding_type: expected 'event'.*found 'scene'"):
        unpack(archive, embedding_type="event")


@pytest.mark.parametrize("content", [b"[]", b"{", b"[" * 100_000, b"\xff", b'"scene"'])
def test_malformed_metadata_of_an_archive_is_named(here, content):
    mine = Path("mine") / NAMES["esc50"]
    mine.parent.mkdir()
    with tarfile.open(mine, "w:gz") as tar:
        member = tarfile.TarInfo(f"hear-2021.0.6/tasks/{TASKS['esc50']}/task_metadata.json")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    with pytest.raises(ArchiveError, match="task_metadata.json: embedding_type: .*found None"):
        unpack(mine)


def test_what_cannot_be_had_says_how_to_go_on_without_it(here, server):
    server.script[here.path("esc50")] = [("status", 403)]
    with pytest.raises(DownloadError) as error, excludable("esc50"):
        here("esc50")
    said = str(error.value).splitlines()
    assert "403" in said[1] and said[-1] == "exclude_tasks: [esc50]"
    assert yaml.safe_load(said[-1]) == {"exclude_tasks": ["esc50"]}
    server.files.clear()
    Path(ARCHIVES, f"zenodo-{RECORD}.json").unlink()
    with pytest.raises(RecordError) as error, excludable("esc50"):
        here("esc50")
    assert "exclude_tasks" not in str(error.value)  # nothing is known of this archive


def test_a_name_that_the_record_does_not_have(here, server):
    other = NAMES["esc50"].replace("v2.0.0", "v2.0.1")
    names = ("readme.txt", other, NAMES["gunshot_triangulation"])
    server.add_record(RECORD, dict.fromkeys(names, b"x"))
    with pytest.raises(KnownError, match="no file of this name") as error:
        here("esc50")
    listed = str(error.value).split("nearest first:")[1].split()
    assert listed[0] == other and listed[2] == "readme.txt"


@pytest.mark.parametrize(
    "record",
    [
        b"{",
        b"[]",
        b'{"files": [{"key": "a"}]}',
        b'{"files": [{"checksum": 3}]}',
        b'{"files": [{"key": "a", "checksum": "md5:0", "size": 1e999}]}',
        b"[" * 100_000,
    ],
)
def test_without_a_readable_record_archives_are_asked_for_by_name(
    here, server, archives, record, capsys
):
    server.files[f"/api/records/{RECORD}"] = record
    assert here("esc50").read_bytes() == archives[NAMES["esc50"]]
    said = capsys.readouterr().err
    assert (
        f"zenodo-{RECORD}.json: expected a Zenodo record" in said
        and "by the archive's name" in said
    )
    server.files.clear()
    with pytest.raises(RecordError, match="(?s)says 404.*list of archives could not be downloaded"):
        here("gunshot_triangulation")


def test_the_record_has_a_second_address(here, server, archives):
    server.files[f"/records/{RECORD}/export/json"] = server.files.pop(f"/api/records/{RECORD}")
    assert here("esc50").read_bytes() == archives[NAMES["esc50"]]
    recorded = Path(ARCHIVES, f"zenodo-{RECORD}.json").read_bytes()
    assert recorded == server.files[f"/records/{RECORD}/export/json"]


def entries(record: dict) -> dict:
    """The record's other form, as InvenioRDM has it."""
    links = {file["key"]: file["links"]["self"] for file in record["files"]}
    files = [
        file
        | {
            "links": {
                "self": links[file["key"]].removesuffix("/content"),
                "content": links[file["key"]],
            }
        }
        for file in record["files"]
    ]
    return record | {"files": {"enabled": True, "entries": {file["key"]: file for file in files}}}


def as_list(record: dict) -> dict:
    other = entries(record)
    return other | {"files": {"entries": list(other["files"]["entries"].values())}}


def without_links(record: dict) -> dict:
    return record | {"files": [file | {"links": {}} for file in record["files"]]}


def to_descriptions(record: dict) -> dict:
    files = entries(record)["files"]["entries"].values()
    return record | {"files": [f | {"links": {"self": f["links"]["self"]}} for f in files]}


@pytest.mark.parametrize("form", [entries, as_list, without_links, to_descriptions])
@pytest.mark.parametrize("is_moved", [False, True])
def test_every_form_of_the_record_leads_to_the_archives(here, server, archives, form, is_moved):
    record, name = form(server.record(RECORD)), NAMES["esc50"]
    server.files[f"/api/records/{RECORD}"] = json.dumps(record).encode()
    described = here.path("esc50").removesuffix("/content")
    server.files[described] = json.dumps({"key": name}).encode()
    server.always[described] = ("label", {"Content-Type": "application/json"})
    if is_moved:  # and the page's address still works
        server.files[f"/records/{RECORD}/files/{name}"] = server.files.pop(here.path("esc50"))
    assert here("esc50").read_bytes() == archives[name]
    md5 = hashlib.md5(archives[name]).hexdigest()
    assert json.loads(RECORDED.read_text())[name]["md5"] == md5


def test_the_one_name_that_fits_is_taken(here, server, archives, capsys):
    name = NAMES["esc50"]
    old = name.replace("hear2021-", "hear-2021.0.6-")
    server.add_record(RECORD, {old: archives[name], NAMES["gunshot_triangulation"]: b"x"})
    path = here("esc50")
    assert path.name == name and path.read_bytes() == archives[name]
    assert f"{name}: taken is {old}, as the record names it" in capsys.readouterr().err
    path.unlink()
    Path(ARCHIVES, f"zenodo-{RECORD}.json").unlink()
    server.add_record(RECORD, {old: archives[name], f"new-{old}": b"x"})
    with pytest.raises(KnownError, match="the record has no file of this name"):
        here("esc50")  # which of the two it is cannot be known


def test_names_of_other_archives_are_not_taken():
    files = dict.fromkeys(("b-x-48000.tar.gz", "hear2021-a-x-48000.tar.gz"), Listed([], {}))
    assert find_file(files, "hear2021-x-48000.tar.gz", {"b-x-48000.tar.gz"}) is not None
    with pytest.raises(KnownError):
        find_file(files, "hear2021-x-48000.tar.gz", files)


def test_mirrors_serve_when_zenodo_does_not(here, server, archives, capsys):
    server.files.clear()
    server.files[f"/mirror/{NAMES['esc50']}"] = archives[NAMES["esc50"]]
    with pytest.raises(RecordError, match="the list of archives could not be downloaded"):
        here("esc50")
    here("esc50", mirrors=[f"{server.url}/mirror/"])
    assert "continuing without it" in capsys.readouterr().err


def test_weights_as_github_serves_them(here, server):
    content = b"weights" * 50_000
    server.redirects["/releases/x.pt"] = f"{server.url}/storage/1?sig=a%2Fb"
    server.files["/storage/1"] = content
    server.script["/storage/1"] = [("drop", 150_000)]
    settings = {"mirrors": [f"{server.url}/none"], "folder": None}
    backoff = Backoff(sleep=lambda _: None)
    path = fetch_checkpoint(f"{server.url}/releases/x.pt", settings, backoff, progress=False)
    assert path == CHECKPOINTS / "x.pt" and path.read_bytes() == content
    sha256 = hashlib.sha256(content).hexdigest()
    assert json.loads(RECORDED.read_text())["x.pt"]["sha256"] == sha256
    checkpoint = Checkpoint("x", 320, file=str(path))
    verify_checkpoint(checkpoint, can_be_fetched=True)
    path.write_bytes(b"other")
    with pytest.raises(CheckpointError, match=f"expected {sha256}"):
        verify_checkpoint(checkpoint, can_be_fetched=True)
    path.unlink()
    verify_checkpoint(checkpoint, can_be_fetched=True)
    with pytest.raises(CheckpointError, match="no file"):
        verify_checkpoint(checkpoint, can_be_fetched=False)
    mine = Path("mine")
    mine.mkdir()
    (mine / "x.pt").write_bytes(content)
    server.requests.clear()
    fetch_checkpoint("http://x/x.pt", settings | {"folder": "mine"}, progress=False)
    assert path.read_bytes() == content and not server.requests
    (mine / "x.pt").write_bytes(content[::-1])
    md5 = hashlib.md5(content).hexdigest()
    with pytest.raises(KnownError, match=f"md5: expected {md5} as .*recorded.json says, found"):
        fetch_checkpoint("http://x/x.pt", settings | {"folder": "mine"}, progress=False)


def test_a_disk_that_is_too_small_is_noticed_before(here, server, archives, monkeypatch):
    need = Need("esc50", {NAMES["esc50"]: 1}, 3 * GIB, 2 * GIB)
    other = Need("fsd50k", {"fsd50k.tar.gz": 5 * GIB}, 9 * GIB, 6 * GIB)
    usage = shutil.disk_usage(".")._replace(free=7 * GIB + SPARE_BYTES)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(SpaceError, match="25.00 GiB required, 7.00 GiB free .* 18.00 GiB are miss"):
        here("esc50", need, other)
    assert not server.ranges(here.path("esc50"))
    assert here("esc50", need).exists()
    with pytest.raises(SpaceError, match=r"15.00 GiB  fsd50k \(audio\)"):
        check_space([other])
    check_space([replace(other, unpacked_bytes=2 * GIB, resampled_bytes=0)])


def test_jobs_that_record_at_the_same_time_lose_nothing(here):
    names = [f"file{i}" for i in range(30)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: record(name, {"size": 1}, "x"), names))
    record("file0", {"size": 1}, "y")
    found = json.loads(RECORDED.read_text())
    assert sorted(found) == sorted(names) and found["file0"] == {"size": 1, "source": "x"}


def test_one_download_at_a_time(here, server, archives, tmp_path):
    for task in TASKS:
        server.always[here.path(task)] = ("slow", 0.02)
    with ThreadPoolExecutor(2) as pool:
        assert all(path.exists() for path in pool.map(here, TASKS))
    assert server.most_at_work == 1 and len(json.loads(RECORDED.read_text())) == 2
