"""Confounds of a study: differences between its variants other than the compared one."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from analysis.claims.claim import FIELDS_TOPIC, HOPS_TOPIC, LEVELS_TOPIC, TRAININGS_TOPIC
from passt.checkpoints import Checkpoint
from passt.lengths import SAMPLE_RATE_HZ
from workflow.study.study import SHIPPED_WEIGHTS, Study

PAPER = {"L": 768, "M": 768, "H": 527}  # dimensions


def confounds(study: Study) -> dict[str, str]:
    """Sentences on other differences between the study's variants, by topic.

    They are derived from the networks' shapes, and from their training records if they lie beside
    the weights, as for the shipped networks. The released networks have none of these confounds.
    """
    found = {
        LEVELS_TOPIC: _dimensions(study),
        FIELDS_TOPIC: _crops(study),
        HOPS_TOPIC: _starts(study),
        TRAININGS_TOPIC: _trainings(study),
    }
    return {topic: sentence for topic, sentence in found.items() if sentence}


def traits(study: Study) -> dict[str, dict[str, str]]:
    """Value of each variant in each topic of `confounds`, by topic and model."""
    found: dict[str, dict[str, str]] = {topic: {} for topic in confounds(study)}
    for id, model in study.models.items():
        if model.variant is None:
            continue
        fields = model.variant.receptive_fields_ms if model.variant.levels != "L" else ()
        # how wide an embedding is: M and H once per receptive field
        levels = "".join(level for level in PAPER if level in model.variant.levels)
        values = {LEVELS_TOPIC: f"{levels} x{len(fields)}" if len(fields) > 1 else levels}
        values |= {FIELDS_TOPIC: "+".join(map(str, fields))} if fields else {}
        checkpoint = study.checkpoints[model.variant.checkpoint]
        values |= {HOPS_TOPIC: _ms(checkpoint.hop)}
        values |= {TRAININGS_TOPIC: checkpoint.id} if _recipe(_record(checkpoint)) else {}
        for topic in found.keys() & values.keys():
            found[topic][id] = values[topic]
    return found


def trained_twice(study: Study) -> tuple[str, str] | None:
    """The first two models whose networks differ in the seed of their training alone."""
    variants = {id: model.variant for id, model in study.models.items() if model.variant}
    for (first, one), (second, other) in itertools.combinations(variants.items(), 2):
        if dataclasses.replace(one, checkpoint=other.checkpoint) != other:
            continue
        recipes = [_recipe(_record(study.checkpoints[v.checkpoint])) for v in (one, other)]
        seeds = [recipe.get("seed") for recipe in recipes]
        same = [recipe | {"name": "", "seed": 0} for recipe in recipes]
        if None not in seeds and seeds[0] != seeds[1] and same[0] == same[1]:
            return first, second
    return None


def _trainings(study: Study) -> str:
    """Sentence on the chance of training, where several networks with a record are compared."""
    recipes = [_recipe(_record(checkpoint)) for checkpoint in study.used_checkpoints]
    if sum(map(bool, recipes)) < 2:
        return ""
    if trained_twice(study):
        return (
            "networks also differ by the chance of their training, which no interval covers; the "
            "ledger's reasons say how far two trainings of one recipe differ"
        )
    return (
        "networks also differ by the chance of their training, which no interval covers: each was "
        "trained once"
    )


def _dimensions(study: Study) -> str:
    for checkpoint in study.used_checkpoints:
        sizes = {level: checkpoint.architecture.size(level) for level in PAPER}
        if sizes != PAPER:
            mine, papers = _listed(sizes.values()), _listed(PAPER.values())
            return f"{_listed(PAPER)} have {mine} dimensions, in the paper {papers}"
    return ""


def _crops(study: Study) -> str:
    variants = [model.variant for model in study.models.values() if model.variant]
    fields_ms = {ms for variant in variants for ms in variant.receptive_fields_ms}
    for checkpoint in study.used_checkpoints:
        recipe = _recipe(_record(checkpoint))
        crops = zip(recipe.get("crop_s", ()), recipe.get("crop_shares", ()), strict=True)
        familiar = {round(1000 * s): share for s, share in crops if round(1000 * s) in fields_ms}
        if familiar:
            return (
                f"{100 * sum(familiar.values()):.0f} % of the crops in pretraining were as long as "
                f"receptive fields ({_listed(familiar)} ms), in the paper all had 10\u00a0s"
            )
    return ""


def _starts(study: Study) -> str:
    """Sentence on networks whose training started from weights of another hop."""
    starts = {}
    for checkpoint in study.used_checkpoints:
        before = _recipe(_record(checkpoint)).get("initial_weights")
        first = _recipe(SHIPPED_WEIGHTS / f"{Path(before).parent.name}.json") if before else {}
        if first.get("hop", checkpoint.hop) != checkpoint.hop:
            starts[_ms(checkpoint.hop)] = _ms(first["hop"])
    if not starts:
        return ""
    before = _listed(dict.fromkeys(starts.values()))
    return (
        f"the networks of {_listed(starts)} ms start from weights of {before} ms, in the paper all "
        "from ImageNet's"
    )


def _record(checkpoint: Checkpoint) -> Path | None:
    """Path of the training record beside the weights, if there is one."""
    return Path(checkpoint.file).with_suffix(".json") if checkpoint.file else None


@cache
def _recipe(record: Path | None) -> dict:
    """Recipe of a recorded training; empty without a record, or if a file of its name is none."""
    if record is None:
        return {}
    try:
        recipe = json.loads(record.read_text(encoding="utf-8"))["recipe"]
        crops_s, shares = recipe.get("crop_s", []), recipe.get("crop_shares", [])
        is_one = len(crops_s) == len(shares) and all(map(math.isfinite, [*crops_s, *shares]))
        is_one &= isinstance(recipe.get("initial_weights"), str | None)
        is_one &= type(recipe.get("hop", 0)) is int
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError,
            OverflowError):  # fmt: skip
        return {}
    return recipe if is_one else {}


def _ms(hop: int) -> str:
    """A hop in samples as the paper names it."""
    return f"{1000 * hop / SAMPLE_RATE_HZ:.0f}"


def _listed(items: Iterable[object]) -> str:
    *most, last = map(str, items)
    return f"{', '.join(most)} and {last}" if most else last
