"""Tables of benchmarks: what is measured again replaces its rows, all else stays as it is."""

import pytest

from benchmarks.rows import replace_rows

TABLE = "case,hop,ratio\na,5,2.10\na,10,1.50\nb,5,\n"


def test_measured_rows_take_the_places_of_old_ones_and_others_keep_their_text(tmp_path):
    path = tmp_path / "speed.csv"
    path.write_text(TABLE)
    rows = [{"case": "c", "hop": 5, "ratio": None}, {"case": "a", "hop": 5, "ratio": 3.0}]
    replace_rows(path, rows, key=("case", "hop"))
    assert path.read_text() == "case,hop,ratio\na,5,3.0\na,10,1.50\nb,5,\nc,5,\n"


def test_all_rows_of_a_group_are_replaced_and_new_columns_follow(tmp_path):
    path = tmp_path / "speed.csv"
    path.write_text(TABLE)
    replace_rows(path, [{"case": "a", "busy": 0.5}], key=["case"])
    assert path.read_text() == "case,hop,ratio,busy\na,,,0.5\nb,5,,\n"


def test_a_new_table_has_the_columns_of_its_rows(tmp_path):
    path = tmp_path / "speed.csv"
    replace_rows(path, [{"case": "a", "ratio": float("nan")}], key=["case"])
    assert path.read_text() == "case,ratio\na,\n"


def test_a_table_without_the_key_is_not_overwritten(tmp_path):
    path = tmp_path / "speed.csv"
    path.write_text(TABLE)
    with pytest.raises(KeyError, match="seconds"):
        replace_rows(path, [{"case": "a", "seconds": 1}], key=["seconds"])
    assert path.read_text() == TABLE
