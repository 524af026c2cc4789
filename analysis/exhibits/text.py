"""Texts of a study for figures, tables and captions: names of models, tasks and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FigureText:
    """Texts of a study that exhibits need besides their tables.

    Attributes
    ----------
    label : str
        Study, tasks, weights and protocol in full, below tables and in the report.
    normalization : str
        Divisor of normalized scores: "best HEAR 2021 entry", "best model of this run".
    stamp : str
        Label of one or two lines at the bottom of figures; the full label if empty.
    models, tasks, metrics : mapping
        Display names by model id, task and metric slug. Without one, models and tasks are shown by
        id.
    task_mark : str
        Prefix of the names of generated tasks; figures omit it, because their stamp has it.
    event_tasks : sequence of str
        Tasks with timestamp embeddings, in the order of the panels of figures 4 and 5.
    highlight : sequence of str
        Models of the run that are highlighted in figure 9 and added to figure 8; all models if none
        has a score.
    scene_embeddings : mapping
        Name of each model's scene embedding, by model id; models can share one.
    confounds : mapping
        By topic (of `analysis.claims.claim`), a sentence on other differences between this study's
        models.
    blocks : mapping
        By network and receptive field, the models with the features of a single block, each with
        the number of its block.
    judged_model : str
        The model to compare with the published scores of PaSST base; empty if there is none.
    probes : mapping
        Display names of probes, by name.
    score_file : str
        Path of a score file below the study's results, with ``{model}`` and ``{task}`` in it.
    """

    study: str
    label: str
    normalization: str
    stamp: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    task_mark: str = ""
    event_tasks: tuple[str, ...] | list[str] = ()
    highlight: tuple[str, ...] | list[str] = ("passt_lm_2rf_hop5",)
    scene_embeddings: Mapping[str, str] = field(default_factory=dict)
    confounds: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    judged_model: str = ""
    probes: Mapping[str, str] = field(default_factory=dict)
    score_file: str = "scores/{model}/{task}.json"

    def model(self, model: str) -> str:
        """Display name of a model."""
        return self.models.get(model, model)

    def probe(self, probe: str) -> str:
        """Display name of a probe."""
        return self.probes.get(probe, probe)

    def task(self, task: str) -> str:
        """Display name of a task."""
        return self.tasks.get(task, task)

    def short_task(self, task: str) -> str:
        """Display name of a task in a figure, without the mark of generated tasks."""
        return self.task(task).removeprefix(self.task_mark)

    def metric_label(self, metric: str) -> str:
        """Name of a metric; ValueError if the slug has none."""
        if metric not in self.metrics:
            known = ", ".join(self.metrics)
            raise ValueError(f"metric {metric!r}: expected one of {known}")
        return self.metrics[metric]

    def confounded(self, *topics: str) -> list[str]:
        """Sentences on other differences between the models compared in the given topics."""
        return [
            f"Confounded: {self.confounds[topic]}." for topic in topics if topic in self.confounds
        ]

    @property
    def normalized_axis(self) -> str:
        """Label of an axis of normalized scores."""
        return f"Score / {self.normalization}"
