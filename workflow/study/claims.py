"""Reading the claims: data checked before anything runs, every problem with its claim and key."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from analysis.claims.claim import Claim, Measurand
from workflow.study.config import ROOT, ConfigError, read_yaml, unknown

SCHEMA = ROOT / "workflow" / "schemas" / "claims.schema.yaml"
OFFICIAL_SCORES = ROOT / "resources" / "hear2021_scores.csv"
# The paper's variants: ids that are the same in every study, whether it runs them or not.
PAPER_MODELS = (
    "passt_mh_hop10", "passt_l_hop10", "passt_m_hop10", "passt_h_hop10", "passt_lm_hop10",
    "passt_lh_hop10", "passt_lmh_hop10", "passt_lm_rf640_hop10", "passt_lm_2rf_hop10",
    "passt_mh_hop5", "passt_mh_hop3", "passt_lm_2rf_hop5",
)  # fmt: skip


def read_claims(
    path: str | Path, known_models: Collection[str], known_tasks: Collection[str]
) -> list[Claim]:
    """Read claims and check them.

    Parameters
    ----------
    path : str or Path
        A file like config/claims.yaml.
    known_models : collection of str
        Ids of the config's models and of the official entries, beside `PAPER_MODELS`.
    known_tasks : collection of str
        Slugs.

    Returns
    -------
    list of Claim

    Raises
    ------
    ConfigError
        One line per problem: file, claim and key, what was expected and what was found.
    """
    try:
        content = read_yaml(path)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"config: claims: {path}: {error}") from error
    problems = list(_schema_problems(content))
    if not problems:
        models = {*PAPER_MODELS, *known_models}
        problems = list(_name_problems(content, models, known_tasks))
    if problems:
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems))
    return [_claim(entry, content["models"]) for entry in content["claims"]]


def official_models() -> list[str]:
    """Names of the entries of the HEAR 2021 leaderboard."""
    with open(OFFICIAL_SCORES, newline="", encoding="utf-8") as stream:
        return list(dict.fromkeys(row["model"] for row in csv.DictReader(stream)))


def _schema_problems(content: Any) -> Iterator[str]:
    validator = Draft202012Validator(read_yaml(SCHEMA))
    for error in sorted(validator.iter_errors(content), key=lambda e: list(map(str, e.path))):
        place = list(error.absolute_path)
        where = ".".join(map(str, place)) or "top level"
        if len(place) > 1 and place[0] == "claims":
            entry = content["claims"][place[1]]
            name = entry.get("claim_id") if isinstance(entry, dict) else None
            rest = ".".join(map(str, place[2:]))
            where = f"claim {name or f'number {place[1] + 1}'}" + (f": {rest}" if rest else "")
        if error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            for key in error.instance:
                if key not in known:
                    yield f"{where}: {unknown(key, known)}"
        elif error.validator == "oneOf":
            yield (
                f"{where}: expected either ratio (and than_ratio), or models with others or "
                "others_source, and with tasks or category and than_categories"
            )
        else:
            wanted = error.schema.get("description", "")
            yield f"{where}: {error.message}" + (f" ({wanted})" if wanted else "")


def _name_problems(content: dict, models: Collection[str], tasks: Collection[str]) -> Iterator[str]:
    """Names that the schema cannot know."""
    names = content["models"]
    for name, ids in names.items():
        for id in ids:
            if id not in models:
                yield f"models: {name}: {unknown(id, sorted(models))}"
    seen: set[str] = set()
    for entry in content["claims"]:
        claim = f"claim {entry['claim_id']}"
        if entry["claim_id"] in seen:
            yield f"{claim}: claim_id: expected once, found again"
        seen.add(entry["claim_id"])
        for key, known in (("models", names), ("others", names), ("tasks", tasks)):
            for name in entry.get(key, ()):
                if name not in known:
                    yield f"{claim}: {key}: {unknown(name, known)}"
        if entry["direction"] == "within" and entry.get("threshold", 0) <= 0:
            yield f"{claim}: threshold: expected a number above 0 with direction within"


def _claim(entry: dict, names: dict[str, list[str]]) -> Claim:
    values = dict(entry)
    for key in ("models", "others"):
        values[key] = tuple(tuple(names[name]) for name in entry.get(key, ()))
    for key in ("ratio", "than_ratio"):
        values[key] = tuple(Measurand(**part) for part in entry.get(key, ()))
    for key in ("tasks", "than_categories"):
        values[key] = tuple(entry.get(key, ()))
    return Claim(**values)
