"""Two studies compared: scores that moved, claims with another verdict, and what made them.

    python -m analysis.diff results/a results/b

A score moved by more than its interval if B's lies outside A's 95 % interval; without an interval
(official scores) every difference counts. Tables of other versions are read as far as they have the
columns that are compared here.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.tables.scores import ScoresError, read_csv, write_csv

EPILOG = """\
exit status: 0 no score moved by more than its interval and every verdict is the same, 1 otherwise,
2 a folder is no finished study"""
DIFF_COLUMNS = ("part", "what", "where", "a", "b", "low", "high")
TABLES = {
    "estimates.csv": ["statistic", "model", "task", "estimate", "low", "high"],
    "summary.csv": ["task", "metric"],
    "claims.csv": ["claim_id", "verdict"],
}
CELL = ["model", "task"]
BY_NAME = ("checkpoints", "task_hashes", "settings", "protocol")  # named things' own facts
DERIVED = ("chosen", "embedding", "study_protocol")  # follow from the other facts
ABSENT = "absent"
SHOWN = 6  # rows of one fact on the terminal
DIGITS = 12  # of a hash on the terminal
HASH_DIGITS = 64

Fact = tuple[str, str]  # what, of which checkpoint, task folder or array


class StudyTables(NamedTuple):
    """Tables and files of a study to compare.

    ``scores`` has columns model, task, metric, estimate, low, high; ``verdicts`` are by claim,
    ``facts`` the values of each fact in the provenance of the score files, several joined.
    """

    folder: Path
    scores: pd.DataFrame
    verdicts: dict[str, str]
    facts: dict[Fact, str]


def read_study(folder: str | Path) -> StudyTables:
    """Read the tables of a finished study and the provenance in its score files.

    ScoresError names a folder, table, column or score file that is not as expected.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ScoresError(f"{folder}: expected the folder of a study, found none")
    if missing := [name for name in TABLES if not (folder / name).is_file()]:
        raise ScoresError(
            f"{folder}: expected a finished study with {', '.join(TABLES)}; found no "
            f"{', '.join(missing)}"
        )
    estimates, summary, claims = (_read_table(folder / name, TABLES[name]) for name in TABLES)
    metrics = summary.drop_duplicates("task").set_index("task")["metric"]
    scores = estimates[estimates["statistic"] == "score"]
    scores = scores.assign(metric=scores["task"].map(metrics))
    facts = read_facts(sorted(folder.glob("scores/*/*.json")))
    verdicts = dict(zip(claims["claim_id"], claims["verdict"], strict=True))
    return StudyTables(folder, scores.drop(columns="statistic"), verdicts, facts)


def _read_table(path: Path, columns: list[str]) -> pd.DataFrame:
    numbers = dict.fromkeys(("estimate", "low", "high"), [""])
    types: defaultdict[str, type] = defaultdict(lambda: str, dict.fromkeys(numbers, float))
    table = read_csv(path, dtype=types, na_values=numbers)
    if missing := [name for name in columns if name not in table]:
        found = ", ".join(table.columns)
        raise ScoresError(f"{path}: expected the columns {', '.join(missing)}; found {found}")
    return table[columns]


def read_facts(paths: Iterable[Path]) -> dict[Fact, str]:
    """Collect what made the scores from the provenance of score files, several values joined."""
    found: dict[Fact, set[str]] = {}
    for path in paths:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            made_by, task = document["provenance"], document["task"]
            rows = [*_facts(made_by, task), (("probe", ""), document.get("probe", ABSENT))]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ScoresError(f"{path}: expected a score file with its provenance") from error
        for fact, value in rows:
            found.setdefault(fact, set()).add(str(value))
    return {fact: ", ".join(sorted(values)) for fact, values in found.items()}


def _facts(made_by: Mapping[str, Any], task: str) -> Iterable[tuple[Fact, Any]]:
    """Yield each fact of one file: dotted key, the thing that it is about, value."""
    for key, value in made_by.items():
        if key in DERIVED:
            continue
        if not isinstance(value, Mapping):
            yield (key, ""), value
            continue
        for name, one in value.items():
            if key == "features":
                yield (key, f"{name} of {task}"), one
            elif key in BY_NAME and isinstance(one, Mapping):
                yield from (((f"{key}.{part}", name), v) for part, v in one.items())
            elif key in BY_NAME:
                yield (key, name), one
            else:
                yield (f"{key}.{name}", ""), one


def compare_scores(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Compare the scores that both have by the same metric.

    Return columns model, task, metric, a, b, low, high (A's interval), and ``moved``: ``no``,
    ``inside`` A's interval, or ``outside``.
    """
    both = a.merge(b, on=[*CELL, "metric"], suffixes=("", "_b"))
    both = both.rename(columns={"estimate": "a", "estimate_b": "b"})
    inside = both["b"].between(both["low"], both["high"])
    moved = inside.map({True: "inside", False: "outside"}).mask(both["a"] == both["b"], "no")
    return both[[*CELL, "metric", "a", "b", "low", "high"]].assign(moved=moved)


def compare_facts(a: Mapping[Fact, str], b: Mapping[Fact, str]) -> list[tuple[Fact, str, str]]:
    """List the facts that differ, as (fact, in A, in B).

    Of a checkpoint, task folder or array that only one study has, there is none. Features, which
    other facts move, come last.
    """
    named = [{(what.partition(".")[0], name) for what, name in facts} for facts in (a, b)]
    return [
        (fact, a.get(fact, ABSENT), b.get(fact, ABSENT))
        for fact in sorted({*a, *b}, key=lambda fact: (fact[0] == "features", fact))
        if a.get(fact) != b.get(fact)
        if not fact[1] or (fact[0].partition(".")[0], fact[1]) in named[0] & named[1]
    ]


def compare(a: StudyTables, b: StudyTables) -> pd.DataFrame:
    """Compare two studies in one table.

    Columns `DIFF_COLUMNS`; ``part`` is ``score`` (``what`` model, ``where`` task, for each score
    that differs), ``claim`` (for each other verdict) or ``origin`` (for each fact that differs).
    ``low`` and ``high`` are A's interval of a score.
    """
    scores = compare_scores(a.scores, b.scores).query("moved != 'no'")
    rows: list[dict[str, object]] = [
        {"part": "score", "what": row.pop("model"), "where": row.pop("task"), **row}
        for row in scores.to_dict("records")
    ]
    rows += [
        {"part": "claim", "what": claim, "where": "", "a": verdict, "b": b.verdicts[claim]}
        for claim, verdict in a.verdicts.items()
        if b.verdicts.get(claim, verdict) != verdict
    ]
    rows += [
        {"part": "origin", "what": what, "where": where, "a": one, "b": other}
        for (what, where), one, other in compare_facts(a.facts, b.facts)
    ]
    return pd.DataFrame(rows, columns=list(DIFF_COLUMNS))


def describe(a: StudyTables, b: StudyTables) -> list[str]:
    """Lines of text on the result of `compare`, and on content that only one study has."""
    scores, found = compare_scores(a.scores, b.scores), compare(a, b)
    counts = scores["moved"].value_counts()
    equal, inside, outside = (int(counts.get(kind, 0)) for kind in ("no", "inside", "outside"))
    lines = [
        f"A: {a.folder}",
        f"B: {b.folder}",
        "",
        f"Scores: {len(scores)} in both; {equal} equal, {inside} moved inside A's 95 % interval, "
        f"{outside} moved by more{':' if outside else '.'}",
    ]
    if outside:
        moved = scores[scores["moved"] == "outside"].drop(columns="moved")
        moved = moved.assign(difference=moved["b"] - moved["a"]).rename(columns=str.capitalize)
        lines += _indented(moved.to_string(index=False, float_format="{:.4f}".format, na_rep=""))
    lines += [
        f"  only in {name}: {', '.join(sorted({*mine[key]} - {*other[key]}))}"
        for name, mine, other in (("A", a.scores, b.scores), ("B", b.scores, a.scores))
        for key in CELL
        if {*mine[key]} - {*other[key]}
    ]
    shared = a.scores.merge(b.scores, on=CELL, suffixes=("_a", "_b"))
    other_metric = sorted({*shared.loc[shared["metric_a"] != shared["metric_b"], "task"]})
    if other_metric:
        lines.append(f"  not compared, different metrics: {', '.join(other_metric)}")
    claims = found[found["part"] == "claim"]
    n_both = len(a.verdicts.keys() & b.verdicts.keys())
    lines += ["", f"Claims: {n_both} in both; {len(claims)} with another verdict."]
    lines += [f"  {row.what}: {row.a} -> {row.b}" for row in claims.itertuples()]
    for name, only in (
        ("A", a.verdicts.keys() - b.verdicts),
        ("B", b.verdicts.keys() - a.verdicts),
    ):
        lines += [f"  only in {name}: {', '.join(sorted(only))}"] if only else []
    origin = found[found["part"] == "origin"]
    return [*lines, "", *_describe_origin(origin, bool(a.facts and b.facts))]


def _describe_origin(origin: pd.DataFrame, is_known: bool) -> list[str]:
    if not is_known:
        return ["Provenance: unknown; a study without score files has official scores only."]
    if origin.empty:
        return ["Provenance: no difference."]
    lines = ["Provenance:"]
    for what, rows in origin.groupby("what", sort=False):
        changes = rows.groupby(["a", "b"], sort=False)["where"].agg(list)
        for (one, other), places in list(changes.items())[:SHOWN]:
            of = f" of {', '.join(places[:3])}" if places[0] else ""
            of += f" and {len(places) - 3} more" if len(places) > 3 else ""
            lines.append(f"  {what}{of}: {_short(one)} -> {_short(other)}")
        if len(changes) > SHOWN:
            lines.append(f"  {what}: {len(changes) - SHOWN} more differ")
    return lines


def _short(value: str) -> str:
    return f"{value[:DIGITS]}..." if len(value) == HASH_DIGITS else value


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def main(arguments: list[str] | None = None) -> int:
    """Print how two studies differ; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.diff",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", type=Path, help="folder of a finished study, below results/")
    parser.add_argument("b", type=Path, help="another one")
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="also write all differences as CSV"
    )
    given = parser.parse_args(arguments)
    try:
        a, b = read_study(given.a), read_study(given.b)
        found = compare(a, b)
        if given.csv:
            write_csv(found, given.csv)
    except (ScoresError, OSError) as error:
        print(f"diff: {error}", file=sys.stderr)
        return 2
    print(*describe(a, b), sep="\n")
    is_outside = (compare_scores(a.scores, b.scores)["moved"] == "outside").any()
    return int(is_outside or (found["part"] == "claim").any())


if __name__ == "__main__":
    sys.exit(main())
