"""Facts about a study for its report: tasks, weights, settings, deviations."""

from __future__ import annotations

import yaml

from hear.protocol import Protocol
from passt import __version__
from workflow.study import words
from workflow.study.study import Study

DEVIATIONS = (
    "Audio that is not at a model's sample rate is resampled with soxr (HQ).",
    "A model that predicts no event scores 0 in aggregates, as on the leaderboard; heareval gives "
    "NaN.",
    "A probe whose last training batch would have one row is rejected before training; batch norm "
    "fails on it in heareval.",
)


def report_facts(study: Study) -> dict:
    """Describe a study in plain types, as its report's job receives it."""
    if study.origin == "leaderboard":
        return {
            "study": study.name,
            "title": "Official HEAR 2021 scores",
            "notices": [
                "These are the scores of the public HEAR 2021 leaderboard, checked and normalized. "
                "They were made by the entries' authors; nothing was run or repeated here."
            ],
            "settings": {
                "source": "resources/hear2021_scores.csv",
                "software": f"passt-hear {__version__}",
            },
            "checkpoints": {},
        }
    deviations, reference = study.protocol.deviations(), Protocol()
    own = [one for one in study.evaluations if one.probe == study.probe]
    return {
        "study": study.name,
        "title": f"PaSST on HEAR tasks: study {study.name}",
        "notices": _notices(study),
        "settings": {
            "study": study.name,
            "tasks": ", ".join(words.task_labels(study).values()),
            "models": str(len(study.models)),
            "normalized scores": f"divided by the {words.normalization(study)}",
            "protocol": study.protocol.name,
            "probes": ", ".join(words.words(study)["probes"].values()),
            "train fractions": ", ".join(str(one.train_fraction) for one in own),
            "probe seeds": ", ".join(map(str, study.seeds)),
            "software": f"passt-hear {__version__}",
        },
        "checkpoints": _weights(study),
        "protocol": [
            (key, str(value), str(getattr(reference, key))) for key, value in deviations.items()
        ],
        "deviations": list(DEVIATIONS),
        "config": yaml.safe_dump(study.config, sort_keys=False, width=100),
    }


def _notices(study: Study) -> list[str]:
    """Notices about the tasks and weights, and their consequences for a reader."""
    if study.origin == "mini":
        tasks = (
            "The tasks are generated analogs of HEAR tasks, not HEAR 2021: scores here compare the "
            "models on these tasks only and must not be compared with published ones."
        )
    elif study.is_rehearsal:
        tasks = (
            f"{words.REHEARSAL}: every score of this run is from stand-ins for the archives and "
            "the released weights. Only the official scores, marked HEAR 2021, are real. Models of "
            f"this run: {', '.join(words.model_labels(study).values())}."
        )
    elif study.is_real:
        tasks = (
            "All tasks are HEAR 2021 tasks in their official version. Columns and rows marked HEAR "
            "2021 are official scores of the challenge's entries; all others are of this run: "
            f"{', '.join(words.model_labels(study).values())}."
        )
    else:
        tasks = (
            "The tasks are the user's, at least one of them not a HEAR 2021 task "
            "in its official version; official scores are therefore not shown."
        )
    if probe := words.other_probe(study):
        beside = "; official scores are by heareval's MLP" if study.is_real else ""
        tasks += f" Scores, figures and claims of this run are by the {probe[0]}{beside}."
    names = ", ".join(sorted(c.id for c in study.used_checkpoints if c.is_random))
    weights = [f"Random weights, untrained: {names}."] if names else []
    return [tasks, *weights, *study.notices]


def _weights(study: Study) -> dict[str, str]:
    """Description of each checkpoint, with the models that use it, and of third-party models."""
    said = {}
    for checkpoint in study.used_checkpoints:
        a = checkpoint.architecture
        origin = checkpoint.file or f"random weights, seed {checkpoint.seed}"
        size = f"{a.embed_dim} wide, {a.depth} blocks, {a.num_heads} heads"
        models = "; ".join(
            model.label
            for model in study.models.values()
            if model.variant and model.variant.checkpoint == checkpoint.id
        )
        said[checkpoint.id] = f"{origin}; hop {checkpoint.hop} samples; {size}. Models: {models}"
    for model in study.models.values():
        if model.variant is None:
            api = model.api if model.api != "hear" else ""
            parts = {"api": api, "module": model.module, "weights": model.weights}
            said[model.label] = ", ".join(f"{key} {value}" for key, value in parts.items() if value)
    return said
