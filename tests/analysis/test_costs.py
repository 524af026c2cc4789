"""Table 2 and Figure 3: the paper's cells as printed, ours beside them, gaps where nothing is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_parts import words
from report_page import ROOT, measured

from analysis.exhibits.costs import (
    OTHER_SYSTEMS,
    VIT_B,
    cost_label,
    figure_3,
    read_costs,
    table_2,
)
from analysis.exhibits.text import FigureText
from analysis.tables.scores import write_csv

TEXT = FigureText("test", label="test", normalization="")


def test_the_papers_table_2_as_printed() -> None:
    published = read_costs(ROOT / "resources" / "paper_costs.csv")
    table = table_2(published, TEXT)[1].set_index("hop_ms")
    assert table["source"].tolist() == ["paper"] * 3
    printed = {
        "train_per_s": [23.1, 6.8, 3],
        "train_per_s_patchout": [88.7, 62.4, 29.7],
        "train_speedup": [3.8, 9.2, 9.9],
        "inference_per_s": [62.5, 18.9, 8.5],
        "audioset_map_percent": [47.6, 47.3, 47.3],
        "sequence": [np.nan, 2388, 3828],  # the paper counts the tokens at 10 ms only
        "sequence_patchout": [np.nan, 594, 1014],
        "sequence_with_tokens": [1190, np.nan, np.nan],
        "sequence_with_tokens_patchout": [474, np.nan, np.nan],
    }
    for column, values in printed.items():
        found = table.loc[[10, 5, 3], column].astype(float)
        np.testing.assert_array_equal(found, values, err_msg=column)


def test_measured_rows_stand_above_the_papers() -> None:
    table = table_2(measured(), TEXT)[1]
    assert table["source"].tolist() == ["this run", "paper"] * 3
    run = table[table["source"] == "this run"].set_index("hop_ms")
    assert run["sequence_with_tokens"].tolist() == [1190, 2390, 3830]
    assert run.loc[5, "train_speedup"] == pytest.approx(2388 / 594, abs=0.005)
    assert run["audioset_map_percent"].isna().all()  # nobody measured it here


def test_figure_3_draws_what_was_measured() -> None:
    costs = measured()
    figure, numbers = figure_3(costs, TEXT)
    points = [point for axes in figure.axes for c in axes.collections for point in c.get_offsets()]
    drawn = numbers[numbers["train_samples_per_s"].notna()]
    assert sorted(x for x, _ in points) == pytest.approx(sorted(drawn["train_samples_per_s"]))
    areas = {float(c.get_offsets()[0][0]): c.get_sizes()[0] for c in figure.axes[0].collections}
    known = drawn[drawn["audioset_map_percent"].notna()].set_index("train_samples_per_s")
    ratios = [areas[x] / known.loc[x, "train_memory_per_sample_mib"] for x in known.index]
    assert ratios == pytest.approx([ratios[0]] * len(known))


def test_figure_3_compares_networks_that_were_trained_alike() -> None:
    numbers = figure_3(measured(), TEXT)[1].set_index("system")
    maps = numbers["audioset_map_percent"]  # all without SWA: arXiv 2110.05069, Table 1
    expected = {"PaSST-B": 46.2, "PaSST-U": 46.6, "PaSST-S": 47.1, "PaSST-N-S": 46.6}
    assert maps[list(expected)].to_dict() == expected
    assert maps[["PaSST-S, hop 5 ms", "PaSST-S, hop 3 ms"]].isna().all()  # with SWA alone
    speeds = numbers.loc[list(expected), "train_samples_per_s"]
    assert speeds.tolist() == pytest.approx([9000 / n for n in (1188, 788, 472, 252)])


def test_other_systems_are_published_but_not_measured() -> None:
    figure, numbers = figure_3(measured(), TEXT)
    others = numbers.set_index("system").loc[list(OTHER_SYSTEMS)]
    mine = ["train_samples_per_s", "train_memory_per_sample_mib"]
    assert others[mine].isna().all(axis=None)
    assert others["audioset_map_percent"].tolist() == [45.9, 45.9, 45.4, 43.9, 43.8]
    said = words(figure)
    assert "Not measured here: PaSST-L-S, AST, AST-N, CNN14, RF-CNN" in said
    assert "not the paper's ViT-B" in said and "CPU: made up" in said


def test_the_full_size_network_is_named() -> None:
    costs = measured().assign(architecture=VIT_B)
    assert "the full-size ViT-B" in cost_label(costs, "test")
    assert ", 1 thread, " in cost_label(costs.astype({"threads": str}), "test")  # as read
    assert "small network" not in words(figure_3(costs, TEXT)[0])


def test_nothing_measured_is_said() -> None:
    costs = measured()
    assert "No training speed" in words(figure_3(costs[costs["source"] != "run"], TEXT)[0])


def test_costs_need_their_columns(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"hop": [320]}), tmp_path / "costs.csv")
    with pytest.raises(ValueError, match="expected the columns hop_ms, .*; found hop"):
        read_costs(tmp_path / "costs.csv")


def test_names_of_networks_of_one_map_stand_on_either_side() -> None:
    figure = figure_3(measured(), TEXT)[0]
    texts = [text for axes in figure.axes for text in axes.texts]
    sides = {text.get_text().partition("\n")[0]: text.get_ha() for text in texts}
    assert (sides["U"], sides["N-S"]) == ("right", "left")
