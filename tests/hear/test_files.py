"""Files written whole or not at all; what is damaged, and a full disk, are named."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from hear.files import naming, read_record, replacing, write_record

FULL = Path("/dev/full")  # Linux: every write finds no space


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_with_the_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("whole")
    with pytest.raises(OSError, match="a.json") as error, replacing(path) as temporary:
        temporary.symlink_to(FULL)
        temporary.write_text("new")
    assert error.value.errno == errno.ENOSPC
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    assert path.read_text() == "whole"
    with pytest.raises(FileNotFoundError, match="other"), naming(path):
        (tmp_path / "other").read_text()


def test_a_record_reads_as_written_and_damage_is_named(tmp_path):
    path, content = tmp_path / "a.json", {"b": [1.5, None, {"c": "ä"}], "d": {"1": True}}
    write_record(path, content)
    assert read_record(path) == content
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            found = read_record(path)
        except ValueError as error:
            assert "a.json" in str(error) and "remove it and start again" in str(error)
        else:  # white space, or the hash's own key
            assert found == content or set(found) - set(content)
    path.write_bytes(whole[:-9])
    with pytest.raises(ValueError, match=r"a\.json: not readable .*remove it and start again"):
        read_record(path)
    path.write_text(json.dumps(content))  # of a version without hashes
    assert read_record(path) == content
