"""The downloader against a server that does everything wrong that servers do."""

from __future__ import annotations

import errno
import gzip
import hashlib
import random
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from passt.download import MAX_ASKED_S, Backoff, DownloadError, download, hashes_of, locked
from tests.fuzz.readers.downloads import OneAnswer

CONTENT = np.random.default_rng(0).bytes(700_001)
FACTS = {
    "size": len(CONTENT),
    "md5": hashlib.md5(CONTENT).hexdigest(),
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
}
MD5 = {"md5": FACTS["md5"]}
UNKNOWN = {}


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def get(server, tmp_path, pauses):
    """Download /file with pauses that are only noted; what the file then holds."""
    server.files["/file"] = CONTENT
    backoff = Backoff(attempts=4, random=random.Random(0), sleep=pauses.append)

    def run(expected: dict = FACTS, *paths: str, timeout_s: float = 5.0) -> bytes:
        urls = [server.url + path for path in paths or ("/file",)]
        found, url = download(urls, tmp_path / "file", expected, backoff, timeout_s, False)
        assert found == hashes_of(tmp_path / "file") and url in urls
        assert [path.name for path in tmp_path.iterdir()] == ["file"]
        return (tmp_path / "file").read_bytes()

    return run


@pytest.mark.parametrize("expected", [UNKNOWN, FACTS, MD5])
def test_a_good_server_needs_one_request(get, server, expected):
    assert get(expected) == CONTENT
    assert server.ranges("/file") == [None]


@pytest.mark.parametrize("etags", [True, False])
def test_drops_are_resumed_where_they_happened(get, server, pauses, etags):
    server.etags = etags
    server.script["/file"] = [("drop", 200_000), ("drop", 100_000), ("status", 503)]
    assert get() == CONTENT
    starts = [int(asked[6:-1]) if asked else 0 for asked in server.ranges("/file")]
    assert starts[0] == 0 < starts[1] < starts[2] == starts[3] < len(CONTENT)
    assert starts[1] >= 200_000 - 2**16 and starts[2] <= 300_000
    assert len(pauses) == 3


def test_many_drops_with_progress_never_end_it(get, server):
    server.script["/file"] = [("drop", 70_000)] * 9
    assert get() == CONTENT


def test_without_any_hash_only_a_confirmed_range_is_resumed(get, server):
    server.script["/file"] = [("drop", 200_000)]
    assert get(UNKNOWN) == CONTENT
    assert server.requests[1][1]["If-Range"].startswith('"')
    server.requests.clear()
    server.etags = False
    server.script["/file"] = [("drop", 200_000)]
    assert get(UNKNOWN) == CONTENT
    assert server.ranges("/file") == [None, None]


def test_a_file_that_changed_in_between_is_fetched_whole(get, server, tmp_path):
    server.script["/file"] = [("drop", 200_000)] + [("status", 500)] * 3
    with pytest.raises(DownloadError, match="500"):
        get(UNKNOWN)
    assert (tmp_path / "file.part").stat().st_size > 100_000
    assert not (tmp_path / "file").exists()
    server.files["/file"] = CONTENT[::-1]
    assert get(UNKNOWN) == CONTENT[::-1]


def test_a_later_call_goes_on_with_what_is_there(get, server):
    server.script["/file"] = [("drop", 200_000)] + [("status", 500)] * 3
    with pytest.raises(DownloadError):
        get()
    server.requests.clear()
    assert get() == CONTENT
    assert [asked is not None for asked in server.ranges("/file")] == [True]


def test_a_server_that_ignores_ranges(get, server):
    server.script["/file"] = [("drop", 200_000), ("ignore range",)]
    assert get() == CONTENT


def test_a_server_that_never_sends_more_is_given_up(get, server, pauses):
    server.etags = False
    server.always["/file"] = ("end", 500_000)
    with pytest.raises(DownloadError, match=r"the server sent \d+ of 700001 bytes; 4 tries"):
        get({"size": len(CONTENT)})
    assert len(pauses) == 3


def test_an_answer_from_another_place_is_refused(get, server):
    server.script["/file"] = [("drop", 200_000), ("shift", 10)]
    with pytest.raises(DownloadError, match=r"expected bytes from \d+ on, found Content-Range"):
        get()


def test_announced_length_that_never_comes(get, server):
    server.script["/file"] = [("claim", 5000)]
    assert get(UNKNOWN) == CONTENT  # the server's own answer to a range says how long it is
    server.script["/file"] = [("claim", 5000)]
    with pytest.raises(DownloadError, match="size: expected 700001 bytes, the server says 705001"):
        get()


def test_an_end_that_comes_too_early(get, server):
    server.script["/file"] = [("end", 1000)]
    assert get() == CONTENT
    server.script["/file"] = [("end", 1000)]
    with pytest.raises(DownloadError, match=f"md5: expected {FACTS['md5']}, found"):
        get(MD5)


def test_a_web_page_is_not_the_file(get, server, tmp_path):
    server.script["/file"] = [("drop", 200_000), ("html",)]
    with pytest.raises(DownloadError, match="a web page titled 'Site under maintenance'"):
        get()
    assert (tmp_path / "file.part").stat().st_size > 100_000
    assert get() == CONTENT


def test_a_body_that_is_labeled_as_encoded_arrives_as_it_is(server, tmp_path):
    packed = gzip.compress(CONTENT)
    server.files["/a.tar.gz"] = packed
    server.always["/a.tar.gz"] = ("label", {"Content-Encoding": "gzip"})
    download([f"{server.url}/a.tar.gz"], tmp_path / "a.tar.gz", progress=False)
    assert (tmp_path / "a.tar.gz").read_bytes() == packed


def test_a_description_in_json_is_not_the_file(get, server):
    server.files["/mirror"], server.files["/file"] = CONTENT, b"{}"
    server.always["/file"] = ("label", {"Content-Type": "application/json; charset=utf-8"})
    with pytest.raises(DownloadError, match="found its description in JSON"):
        get(UNKNOWN)
    assert get(UNKNOWN, "/file", "/mirror") == CONTENT


def test_redirects_as_github_makes_them(get, server):
    server.files["/storage/abc"] = CONTENT
    server.redirects["/file"] = f"{server.url}/storage/abc?sp=r&sig=x%2Fy%3D"
    server.script["/storage/abc"] = [("drop", 200_000)]
    assert get() == CONTENT
    assert [asked is not None for asked in server.ranges("/storage/abc")] == [False, True]
    server.redirects["/file"] = f"{server.url}/file"
    with pytest.raises(DownloadError, match="redirects"):
        get()


def test_busy_servers_are_asked_again_when_they_say(get, server, pauses):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    for code, value in ((429, "7"), (503, date), (429, "1000000")):
        server.script["/file"].append(("status", code, {"Retry-After": value}))
    assert get() == CONTENT
    assert pauses[0] == 7 and 90 < pauses[1] <= 100 and pauses[2] == MAX_ASKED_S
    server.script["/file"] = [("status", 502, {"Retry-After": "soon"})]
    assert get() == CONTENT and 1 <= pauses[3] <= 2
    server.script["/file"] = [("status", 503, {"Retry-After": "0"})]
    assert get() == CONTENT and 1 <= pauses[4] <= 2  # "at once" too gives it time to recover


@pytest.mark.parametrize("value", ["\xb2", "Wed, 21 Oct 9999999 07:28:00 GMT", "x"])
def test_pauses_that_are_none_are_not_kept(get, server, pauses, value):
    server.script["/file"] = [("status", 503, {"Retry-After": value})]
    assert get() == CONTENT and 1 <= pauses[0] <= 2


@pytest.mark.parametrize("value", ["bytes */\xb2", f"bytes {'9' * 5000}-1/2", "bytes */x"])
@pytest.mark.parametrize("status", [206, 416])
def test_ranges_that_are_none_are_refused(get, server, tmp_path, status, value):
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    server.always["/file"] = ("status", status, {"Content-Range": value})
    with pytest.raises(DownloadError, match="file could not be downloaded"):
        get()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: \xff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx",
    ],
)
def test_answers_that_break_the_parsers_are_refused(tmp_path, answer):
    server = OneAnswer()
    server.answer = answer
    url = f"http://127.0.0.1:{server.port}/file"
    with pytest.raises(DownloadError, match="the server's answer is malformed"):
        download([url], tmp_path / "file", UNKNOWN, Backoff(sleep=lambda s: None), 5.0, False)


def test_pauses_double_and_are_seeded(get, server, pauses):
    server.always["/file"] = ("status", 500)
    with pytest.raises(DownloadError, match="500 Internal Server Error; 4 tries"):
        get()
    assert len(pauses) == 3
    limits = [2, 4, 8]
    assert all(limit / 2 <= pause <= limit for pause, limit in zip(pauses, limits, strict=True))
    drawn = [Backoff(random=random.Random(5)).pause_s(9) for _ in range(2)]
    assert drawn[0] == drawn[1] <= 120


def test_silence_counts_as_a_drop(get, server):
    server.script["/file"] = [("slow", 0.5)]
    assert get(FACTS, "/file", timeout_s=0.2) == CONTENT
    assert len(server.requests) > 1


def test_mirrors_are_tried_in_order_and_all_are_named(get, server):
    server.files["/mirror/file"] = CONTENT
    assert get(FACTS, "/none", "/mirror/file", "/file") == CONTENT
    assert not server.ranges("/file")
    with pytest.raises(DownloadError) as error:
        get(FACTS, "/none", "/nowhere")
    assert "/none: the server says 404" in str(error.value)
    assert "/nowhere: the server says 404" in str(error.value)


def test_another_mirror_goes_on_only_if_a_hash_will_tell(get, server):
    server.files["/mirror"] = CONTENT
    server.script["/file"] = [("drop", 200_000), ("status", 404)]
    assert get(FACTS, "/file", "/mirror") == CONTENT
    assert server.ranges("/mirror")[0] is not None
    server.requests.clear()
    server.script["/file"] = [("drop", 200_000), ("status", 404)]
    assert get(UNKNOWN, "/file", "/mirror") == CONTENT
    assert server.ranges("/mirror") == [None]


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_wrong_contents_stop_with_both_values(get, server, tmp_path, kind):
    server.files["/file"] = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    with pytest.raises(DownloadError) as error:
        get({kind: FACTS[kind]})
    found = hashlib.new(kind, server.files["/file"]).hexdigest()
    assert f"{kind}: expected {FACTS[kind]}, found {found}" in str(error.value)
    assert not list(tmp_path.iterdir()) and len(server.requests) == 1


def test_pieces_that_do_not_fit_are_fetched_whole_once(get, server, tmp_path):
    (tmp_path / "file.part").write_bytes(b"x" * 300_000)
    assert get() == CONTENT
    assert [asked is not None for asked in server.ranges("/file")] == [True, False]


def test_a_part_longer_than_the_file_starts_again(get, server, tmp_path):
    (tmp_path / "file.part").write_bytes(b"x" * 800_000)
    assert get(MD5) == CONTENT


def test_a_complete_part_needs_no_request(get, server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert get() == CONTENT and not server.requests
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert get(MD5) == CONTENT and len(server.requests) == 1


def test_servers_that_are_not_there(tmp_path, pauses):
    backoff = Backoff(attempts=2, sleep=pauses.append)
    with pytest.raises(DownloadError, match="refused; 2 tries"):
        download(["http://127.0.0.1:9/x"], tmp_path / "x", UNKNOWN, backoff, progress=False)
    with pytest.raises(DownloadError, match="nonsense"):
        download(["nonsense"], tmp_path / "x", UNKNOWN, backoff, progress=False)


def test_a_full_disk_keeps_what_there_is(get, server, tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="the disk is full; .* bytes are kept") as error:
        get()
    assert "file.part" in str(error.value)
    monkeypatch.undo()
    assert get() == CONTENT


def test_a_disk_without_room_is_noticed_before_the_first_byte(get, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="the disk has no room for 700001 more bytes"):
        get()
    assert not list(tmp_path.iterdir())


def test_a_later_call_without_any_hash_goes_on_only_from_the_same_address(get, server, tmp_path):
    drop = [("drop", 200_000), ("status", 404)]
    for is_noted in (True, False):
        server.script["/file"] = list(drop)
        with pytest.raises(DownloadError):
            get(UNKNOWN)
        for note in tmp_path.glob("file.part.*"):
            is_noted or note.write_text("x")
        server.requests.clear()
        assert get(UNKNOWN) == CONTENT
        assert [asked is not None for asked in server.ranges("/file")] == [is_noted]


def test_progress_says_bytes_and_rate(server, tmp_path, capsys):
    server.files["/file"] = CONTENT
    download([f"{server.url}/file"], tmp_path / "file")
    assert "file: 0.7 of 0.7 MiB, " in capsys.readouterr().err


def test_a_lock_has_one_owner_at_a_time_and_leaves_no_file(tmp_path):
    path, owner = tmp_path / "a.lock", threading.Lock()

    def hold(_: int) -> None:
        with locked(path):
            assert owner.acquire(blocking=False)
            time.sleep(0.001)
            owner.release()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, range(200)))
    assert not path.exists()


def test_the_downloader_needs_requests_alone():
    code = (
        "import importlib.util as i, sys; s = i.spec_from_file_location('d', 'passt/download.py');"
        "m = i.module_from_spec(s); sys.modules['d'] = m; s.loader.exec_module(m);"
        "print(*{n.partition('.')[0] for n in sys.modules})"
    )
    listed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not set(listed.stdout.split()) & {"numpy", "torch", "tqdm", "hear"}
