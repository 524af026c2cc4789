"""Reading and checking of the claims before anything runs."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from analysis.claims.claim import Claim, Measurand
from workflow.study.config import ROOT, ConfigError, read_yaml, schema_problems, unknown

SCHEMA = ROOT / "workflow" / "schemas" / "claims.schema.yaml"
OFFICIAL_SCORES = ROOT / "resources" / "hear2021_scores.csv"
# The paper's variants: ids that are the same in every study, whether it runs them or not.
PAPER_MODELS = (
    "passt_mh_hop10", "passt_l_hop10", "passt_m_hop10", "passt_h_hop10", "passt_lm_hop10",
    "passt_lh_hop10", "passt_lmh_hop10", "passt_lm_rf640_hop10", "passt_lm_2rf_hop10",
    "passt_mh_hop5", "passt_mh_hop3", "passt_lm_2rf_hop5",
)  # fmt: skip
# Features of the blocks before the last one, as many as a network has: of config/blocks.yaml.
BLOCK_MODELS = tuple(f"passt_m{block}_hop10" for block in range(1, 12))


def read_claims(
    path: str | Path, known_models: Collection[str], known_tasks: Collection[str]
) -> list[Claim]:
    """Read claims from a file like config/claims.yaml and check them.

    They may name `PAPER_MODELS`, `BLOCK_MODELS`, the config's models, the official entries and the
    known tasks. A ConfigError has one line per problem: file, claim and key, what was expected and
    what was found.
    """
    try:
        content = read_yaml(path)
    except OSError as error:
        raise ConfigError(f"config: claims: {path}: {error}") from error
    problems = [
        f"{_where(place, content)}: {problem}"
        for place, problem in schema_problems(content, read_yaml(SCHEMA))
    ] or list(_name_problems(content, {*PAPER_MODELS, *BLOCK_MODELS, *known_models}, known_tasks))
    if problems:
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems))
    topics = content.get("sections", {})
    return [_claim(entry, content["models"], topics) for entry in content["claims"]]


def official_models() -> list[str]:
    """Names of the entries of the HEAR 2021 leaderboard."""
    with open(OFFICIAL_SCORES, newline="", encoding="utf-8") as stream:
        return list(dict.fromkeys(row["model"] for row in csv.DictReader(stream)))


def _where(place: list[str], content: Any) -> str:
    """The claim, by its id where it has one, and the key in it."""
    if len(place) < 2 or place[0] != "claims":
        return ".".join(place) or "top level"
    entry = content["claims"][int(place[1])]
    name = entry.get("claim_id") if isinstance(entry, dict) else None
    claim = f"claim {name or f'number {int(place[1]) + 1}'}"
    return ": ".join([claim, ".".join(place[2:])]) if place[2:] else claim


def _name_problems(content: dict, models: Collection[str], tasks: Collection[str]) -> Iterator[str]:
    """Names that the schema cannot know."""
    names = content["models"]
    for name, ids in names.items():
        for id in ids:
            if id not in models:
                yield f"models: {name}: {unknown(id, sorted(models))}"
    seen: set[str] = set()
    ids = [entry["claim_id"] for entry in content["claims"]]
    for entry in content["claims"]:
        claim = f"claim {entry['claim_id']}"
        if entry["claim_id"] in seen:
            yield f"{claim}: claim_id: expected once, found again"
        seen.add(entry["claim_id"])
        for key, known in (("models", names), ("others", names), ("tasks", tasks)):
            for name in entry.get(key, ()):
                if name not in known:
                    yield f"{claim}: {key}: {unknown(name, known)}"
        if "stands_for" in entry and entry["stands_for"] not in ids:
            yield f"{claim}: stands_for: {unknown(entry['stands_for'], ids)}"
        if entry.get("aggregate") == "share_above" and not {"others", "others_source"} & {*entry}:
            yield f"{claim}: aggregate: share_above is of two models, expected others"
        if entry.get("chosen", "statement") not in entry:
            yield f"{claim}: chosen: expected the key {entry['chosen']} beside it"
        if entry.get("category") == "each" and (
            entry.get("aggregate") == "each" or "than_categories" in entry
        ):
            yield f"{claim}: category: each is for one number over the tasks of each category"
        if entry.get("direction") == "within" and entry.get("threshold", 0) <= 0:
            yield f"{claim}: threshold: expected a number above 0 with direction within"


def _claim(entry: dict, names: dict[str, list[str]], topics: dict[str, str]) -> Claim:
    values = entry | {"topic": topics.get(entry["section"].partition(",")[0], "")}
    for key in ("models", "others"):
        values[key] = tuple(tuple(names[name]) for name in entry.get(key, ()))
    for key in ("ratio", "than_ratio"):
        values[key] = tuple(Measurand(**part) for part in entry.get(key, ()))
    for key in ("tasks", "than_categories"):
        values[key] = tuple(entry.get(key, ()))
    return Claim(**values)
