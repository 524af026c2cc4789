"""Laws of archives: found, looked into, unpacked; then every unsafe or damaged one, by message."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hear.archives.find import find_sources
from hear.archives.unpack import MAX_MEMBER_BYTES, ArchiveError, unpack
from hear.files import sha256_file, write_json
from hear.tasks.audio_checks import check_audio
from hear.tasks.fingerprint import file_hashes, fingerprint
from hear.tasks.folder import read_task
from hear.tasks.problems import TaskError

MakeTask = Callable[..., Path]


def pack(folder: Path, archive: Path, prefix: str = "hear-2021.0.6/tasks/") -> Path:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w" if archive.suffix == ".tar" else "w:gz") as tar:
        tar.add(folder, arcname=f"{prefix}{folder.name}")
    return archive


def pack_members(archive: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(archive, "w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return archive


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 3
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = size if kind == tarfile.REGTYPE else 0
    return info


def with_header(name: str, **headers: str) -> tarfile.TarInfo:
    info = member(name)
    info.pax_headers = headers
    return info


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def assert_refused(archive: Path, message: str, **options: int) -> None:
    """Assert that unpacking fails with the message, names the archive and leaves nothing."""
    destination = archive.parent / "unpacked"
    with pytest.raises(ArchiveError, match=re.escape(message)) as error:
        unpack(archive, destination, progress=False, **options)
    assert str(archive) in str(error.value)
    assert list(destination.iterdir()) == []


@pytest.mark.parametrize("suffix", [".tar.gz", ".tgz", ".tar"])
@pytest.mark.parametrize("prefix", ["hear-2021.0.6/tasks/", "tasks/", "", "./hear-2021.0.6/tasks/"])
def test_unpacking_undoes_packing(
    make_task: MakeTask, tmp_path: Path, prefix: str, suffix: str
) -> None:
    folder = make_task()
    archive = pack(folder, tmp_path / f"a{suffix}", prefix)
    unpacked, sha256, md5, warnings = unpack(archive, tmp_path / "out", progress=False)
    assert unpacked == tmp_path / "out" / folder.name and not warnings
    assert sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert md5 == hashlib.md5(archive.read_bytes()).hexdigest()
    assert contents(tmp_path / "out") == {
        f"{folder.name}/{name}": content for name, content in contents(folder).items()
    }
    assert check_audio(read_task(tmp_path / "out" / folder.name), progress=False)["n_clips"] == 12


def test_unpacking_replaces_and_clears_what_a_killed_run_left(
    make_task: MakeTask, tmp_path: Path
) -> None:
    folder = make_task()
    archive = pack(folder, tmp_path / "a.tar.gz")
    (tmp_path / "out" / folder.name).mkdir(parents=True)
    (tmp_path / "out" / folder.name / "stale.json").write_text("{}")
    (tmp_path / "out/.a.tar.gz.partial/unpacked/half").mkdir(parents=True)
    unpack(archive, tmp_path / "out", progress=False)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [folder.name]
    assert contents(tmp_path / "out" / folder.name) == contents(folder)


def test_other_members_are_dropped(make_task: MakeTask, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "one.tar.gz", "w:gz") as tar:
        tar.addfile(member("tasks/README", size=0))
        tar.add(make_task("a-v1-full"), arcname="tasks/a-v1-full")
    folder = unpack(tmp_path / "one.tar.gz", tmp_path / "out", progress=False).folder
    assert folder.name == "a-v1-full"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a-v1-full"]


def test_of_members_with_one_name_the_last_counts(make_task: MakeTask, tmp_path: Path) -> None:
    folder = make_task("a-v1-full")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(folder, arcname="a-v1-full")
        (folder / "task_metadata.json").write_text("{}")
        tar.add(folder / "task_metadata.json", arcname="./a-v1-full/task_metadata.json")
    unpacked = unpack(tmp_path / "a.tar.gz", tmp_path / "out", progress=False).folder
    assert contents(unpacked) == contents(folder)


def test_an_archive_of_two_tasks_is_refused(make_task: MakeTask, tmp_path: Path) -> None:
    first, second = make_task("a-v1-full"), make_task("b-v1-full")
    with tarfile.open(tmp_path / "two.tar.gz", "w:gz") as tar:
        tar.add(first, arcname="tasks/a-v1-full")
        tar.add(second, arcname="tasks/b-v1-full")
    with pytest.raises(
        ArchiveError, match="expected one task folder per archive, with .* found tasks/a"
    ):
        unpack(tmp_path / "two.tar.gz", tmp_path / "out", progress=False)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("unsafe", "message"),
    [
        (member("tasks/../../evil.txt"), "inside the archive, found tasks/../../evil.txt"),
        (member("/etc/evil.txt"), "inside the archive, found /etc/evil.txt"),
        (member("..\\evil.txt"), "inside the archive, found ../evil.txt"),
        (member("t/" + "d/" * 2100 + "a"), "names below at most 100 folders, found t/d/d/d"),
        (with_header("t/a", path="t/a\0b"), "names below at most 100 folders, found t/a"),
        (member("t/a", tarfile.CHRTYPE), "found a special file: t/a"),
        (member("t/a", tarfile.FIFOTYPE), "found a special file: t/a"),
    ],
)
def test_unsafe_members_are_refused(tmp_path: Path, unsafe: tarfile.TarInfo, message: str) -> None:
    archive = pack_members(tmp_path / "a.tar.gz", member("t/task_metadata.json"), unsafe)
    assert_refused(archive, message)
    assert not (tmp_path / "evil.txt").exists()


@pytest.mark.parametrize(
    "odd",
    [
        member("t/" + "n" * 256),
        member("t/" + "d" * 60 + ("/" + "d" * 60) * 80),
        member("t/task_metadata.json/a"),
        member("t"),
        with_header("t/a", mtime="nan"),
        with_header("t/a", mtime="9" * 400),
    ],
)
def test_names_and_times_that_no_system_stores_are_refused(tmp_path: Path, odd) -> None:
    archive = pack_members(tmp_path / "a.tar.gz", member("t/task_metadata.json"), odd)
    assert_refused(archive, "that this system can store, found t")


@pytest.mark.parametrize("size", ["-1", "9" * 30])
def test_sizes_that_are_none_are_refused(tmp_path: Path, size: str) -> None:
    for first in ("t/task_metadata.json", "t/a"):
        odd = with_header("t/a", **({"size": size} if first != "t/a" else {"GNU.sparse.map": size}))
        archive = pack_members(tmp_path / "a.tar.gz", *map(member, [first][: first != "t/a"]), odd)
        assert_refused(archive, "expected")


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE]
)
def test_no_header_fills_the_memory(tmp_path: Path, kind: bytes) -> None:
    info = member("t/a", size=2**40)
    info.type = kind
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(2**20)))
    expected = "sparse" if kind == tarfile.GNUTYPE_SPARSE else f"a header of {2**40} bytes"
    assert_refused(archive, expected)
    with pytest.raises(ArchiveError, match=expected):
        find_sources(tmp_path)


def test_no_map_of_a_sparse_file_fills_the_memory(tmp_path: Path) -> None:
    odd = with_header("t/a", **{"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})
    assert_refused(pack_members(tmp_path / "a.tar.gz", odd), "found it corrupted or truncated")


def test_a_hidden_task_folder_is_refused(tmp_path: Path) -> None:
    archive = pack_members(tmp_path / "a.tar.gz", member(".a.tar.gz.partial/task_metadata.json"))
    assert_refused(archive, "inside a task folder, found it in '.a.tar.gz.partial'")


LINKS = {
    "symbolic": (tarfile.SYMTYPE, "train_0.wav"),
    "outside": (tarfile.SYMTYPE, "/etc/passwd"),
    "hard to nothing": (tarfile.LNKTYPE, "tones-v1-full/none.wav"),
    "hard to outside": (tarfile.LNKTYPE, "/etc/passwd"),
    "hard to above": (tarfile.LNKTYPE, "../../../passwd"),
    "hard to a long name": (tarfile.LNKTYPE, "n" * 300),
}


@pytest.mark.parametrize("name", LINKS)
def test_links_are_left_out_with_a_warning(make_task: MakeTask, tmp_path: Path, name: str) -> None:
    folder = make_task()
    (folder / "16000/train/train_3.wav").unlink()
    link = member("tones-v1-full/16000/train/train_3.wav", *LINKS[name])
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
        tar.addfile(link)
        tar.addfile(member("other/link.wav", *LINKS[name]))
    unpacked = unpack(tmp_path / "a.tar.gz", tmp_path / "out", progress=False)
    assert unpacked.warnings == [f"a.tar.gz: links left out: {link.name}"]
    assert contents(unpacked.folder) == contents(folder)
    with pytest.raises(TaskError, match="train_3.wav: expected the file, found no such file"):
        check_audio(read_task(unpacked.folder), progress=False)


def test_a_hard_link_to_an_earlier_member_is_a_copy(make_task: MakeTask, tmp_path: Path) -> None:
    folder = make_task()
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(folder, arcname=f"./tasks/{folder.name}")
        link = "tasks/tones-v1-full/16000/test/test_0.wav"
        tar.addfile(member("tasks/tones-v1-full/more/b.wav", tarfile.LNKTYPE, link))
    unpacked = unpack(tmp_path / "a.tar.gz", tmp_path / "out", progress=False)
    copy = unpacked.folder / "more/b.wav"
    assert copy.read_bytes() == (folder / "16000/test/test_0.wav").read_bytes()
    assert copy.stat().st_nlink == 1 and not unpacked.warnings
    assert_refused(
        tmp_path / "a.tar.gz",
        "in all, found",
        max_bytes=sum(map(len, contents(folder).values())) + 100,
    )


def test_absurd_sizes_are_refused(make_task: MakeTask, tmp_path: Path) -> None:
    huge = member("t/a.wav", size=MAX_MEMBER_BYTES + 1)
    (tmp_path / "huge.tar").write_bytes(huge.tobuf() + bytes(1024))
    assert_refused(tmp_path / "huge.tar", f"expected at most {MAX_MEMBER_BYTES} bytes in a member")
    archive = pack(make_task(), tmp_path / "a.tar.gz")
    assert_refused(archive, "at most 10000 bytes in all, found", max_bytes=10000)


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99])
def test_a_truncated_archive_is_named(make_task: MakeTask, tmp_path: Path, kept: float) -> None:
    archive = pack(make_task(), tmp_path / "a.tar.gz")
    content = archive.read_bytes()
    archive.write_bytes(content[: int(kept * len(content))])
    assert_refused(archive, "found it corrupted or truncated")


def test_a_plain_tar_cut_between_two_members_is_named(make_task: MakeTask, tmp_path: Path) -> None:
    archive = pack(make_task(), tmp_path / "a.tar")
    with tarfile.open(archive) as tar:
        cut_at = tar.getmembers()[-1].offset
    archive.write_bytes(archive.read_bytes()[:cut_at])
    assert_refused(archive, "truncated: no end marker after the last member")


def test_a_full_disk_is_an_error_with_the_file(make_task, tmp_path, monkeypatch) -> None:
    def write(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = pack(make_task(), tmp_path / "a.tar.gz")
    monkeypatch.setattr(tarfile, "copyfileobj", write)
    with pytest.raises(OSError, match=r"No space left .*out/.*tones-v1-full/\w+"):
        unpack(archive, tmp_path / "out", progress=False)
    assert not [*(tmp_path / "out").iterdir()]


def test_a_flipped_byte_is_noticed(make_task: MakeTask, tmp_path: Path) -> None:
    archive = pack(make_task(), tmp_path / "a.tar.gz")
    content = bytearray(archive.read_bytes())
    content[-8] ^= 1  # in gzip's checksum
    archive.write_bytes(content)
    assert_refused(archive, "corrupted or truncated: CRC check failed")


def test_what_is_no_archive_or_no_task_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"<html>Too many requests</html>")
    assert_refused(tmp_path / "a.tar.gz", "expected a complete tar archive (plain or gzip)")
    pack_members(tmp_path / "b.tar.gz", member("t/readme.txt"))
    assert_refused(
        tmp_path / "b.tar.gz",
        "expected one task folder per archive, with task_metadata.json, found none",
    )
    pack_members(tmp_path / "c.tar.gz", member("task_metadata.json"))
    assert_refused(tmp_path / "c.tar.gz", "task_metadata.json inside a task folder, found it at")


def test_a_python_whose_tarfile_has_no_filters_is_refused(tmp_path: Path, monkeypatch) -> None:
    pack_members(tmp_path / "a.tar.gz", member("t/task_metadata.json"))
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(ArchiveError, match="a.tar.gz: expected Python 3.11.4 or later"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "unpacked", progress=False)
    assert not (tmp_path / "unpacked").exists()


def test_sources_are_archives_and_folders_at_any_usual_depth(
    make_task: MakeTask, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    make_task("b-v1-full", parent=data / "hear-2021.0.6/tasks")
    make_task("d-v1-full", parent=data)
    pack(make_task("a-v1-full"), data / "hear2021-a-v1-full-48000.tar.gz")
    pack(make_task("c-v1-full"), data / "more/C.TAR")
    (data / ".hidden.tar.gz").write_bytes(b"")
    sources = find_sources(data)
    found = [(source.folder_name, source.path.is_dir(), source.task_name) for source in sources]
    assert found == [
        ("a-v1-full", False, "a"),
        ("b-v1-full", True, "b"),
        ("c-v1-full", False, "c"),
        ("d-v1-full", True, "d"),
    ]
    assert sources[0].metadata["splits"] == ["test", "train", "valid"]
    assert [source.folder_name for source in find_sources(data / "d-v1-full")] == ["d-v1-full"]


def test_a_cached_archive_is_not_opened_again_until_it_changes(
    make_task: MakeTask, tmp_path: Path
) -> None:
    folder = make_task("a-v1-full")
    archive = pack(folder, tmp_path / "data/a.tar.gz")
    cache = tmp_path / "cache/sources.json"
    first = find_sources(archive.parent, cache)
    status, content = archive.stat(), archive.read_bytes()
    archive.write_bytes(bytes(len(content)))  # nothing that could be read
    os.utime(archive, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert find_sources(archive.parent, cache) == first
    folder.rename(tmp_path / "z-v1-full-renamed")
    pack(tmp_path / "z-v1-full-renamed", archive)
    assert find_sources(archive.parent, cache)[0].folder_name == "z-v1-full-renamed"
    cache.write_text("damaged")
    assert find_sources(archive.parent, cache)[0].folder_name == "z-v1-full-renamed"


def test_two_sources_of_one_folder_are_refused(make_task: MakeTask, tmp_path: Path) -> None:
    folder = make_task("a-v1-full", parent=tmp_path / "data")
    archive = pack(folder, tmp_path / "data/z.tar.gz")
    message = f"a-v1-full: expected one source, found {folder} and {archive}"
    with pytest.raises(ArchiveError, match=re.escape(message)):
        find_sources(tmp_path / "data")


def test_empty_missing_and_malformed_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="expected HEAR archives .* found none"):
        find_sources(tmp_path)
    for name in ("nowhere", "n" * 300):  # the system refuses to look for so long a name
        with pytest.raises(ArchiveError, match=f"{name}: expected a folder .* found no folder"):
            find_sources(tmp_path / name)
    (tmp_path / "t").mkdir()
    (tmp_path / "t/task_metadata.json").write_text("{")
    with pytest.raises(ArchiveError, match="task_metadata.json: expected valid JSON"):
        find_sources(tmp_path)
    (tmp_path / "t/task_metadata.json").write_text(json.dumps({"version": "v1"}))
    with pytest.raises(ArchiveError, match="expected an object with a task_name, found None"):
        find_sources(tmp_path)


def task_hash(folder: Path) -> str:
    return fingerprint(file_hashes(read_task(folder)))


def test_the_fingerprint_is_that_of_the_data_not_of_the_place(
    make_task: MakeTask, tmp_path: Path
) -> None:
    folder = make_task()
    unpack(pack(folder, tmp_path / "a.tar.gz"), tmp_path / "out", progress=False)
    found = task_hash(folder)
    assert re.fullmatch("[0-9a-f]{64}", found)
    assert task_hash(tmp_path / "out" / folder.name) == found
    wav = folder / "16000/train/train_0.wav"
    content = wav.read_bytes()
    for changed in (content[:-2] + b"\1\1", content + b"\0\0"):  # a sample; the length
        wav.write_bytes(changed)
        assert task_hash(folder) != found
    wav.write_bytes(content)
    assert task_hash(folder) == found


def test_the_fingerprint_is_the_one_of_before(make_task: MakeTask) -> None:
    """Names and hashes of metadata, vocabulary, splits and clips, each ended by a zero byte."""
    folder, digest = make_task(), hashlib.sha256()
    texts = ["task_metadata.json", "labelvocabulary.csv", "test.json", "train.json", "valid.json"]
    clips = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.wav"))
    for name in [*texts, *clips]:
        digest.update(f"{name}\0{sha256_file(folder / name)}\0".encode())
    assert task_hash(folder) == digest.hexdigest()


def test_what_no_split_names_is_no_part_of_the_fingerprint(make_task: MakeTask) -> None:
    folder = make_task()
    found = task_hash(folder)
    for name in (b"16000/train/.DS_Store", b"notes.txt", b"16000/train/\xfc.wav", b"16000/x.wav"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"x")
    assert task_hash(folder) == found


def test_sha256_is_that_of_the_standard(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(tmp_path / "abc") == expected


def test_files_are_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    write_json(path, {"a": 1, "b": (float("nan"), {"c": float("-inf")})})
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == {
        "a": 1,
        "b": [None, {"c": "-inf"}],
    }
    assert [entry.name for entry in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("module", ["hear.archives.find", "hear.protocol", "hear.files"])
def test_what_is_read_when_a_study_is_planned_needs_the_standard_library_alone(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    listed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(listed.stdout.split())
    assert "hear" in loaded
    assert not loaded & {"numpy", "torch", "tqdm", "soundfile", "soxr", "pandas", "requests"}
