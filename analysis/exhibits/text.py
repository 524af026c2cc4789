"""Words of a study: what figures, tables and captions call it, its models, tasks and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FigureText:
    """What an exhibit cannot know from its tables.

    Attributes
    ----------
    label : str
        Which study, tasks, weights and protocol, in full: under tables, in the report.
    normalization : str
        What a normalized score is divided by: "best HEAR 2021 entry", "best model of this run".
    stamp : str
        The label in a line or two, at the foot of a figure; the label itself if empty.
    models, tasks, metrics : mapping
        Display names by model id, task and metric slug. An absent model or task is shown as it is.
    task_mark : str
        How names of generated tasks begin; figures leave it out, as their stamp says it.
    event_tasks : sequence of str
        Tasks with timestamp embeddings, in the order of the panels of figures 4 and 5.
    highlight : sequence of str
        Models of the run that stand out in figure 9 and join figure 8; if none has a score, all.
    scene_embeddings : mapping
        Name of each model's embedding of clips, by model id: models can share one.
    confounds : mapping
        By topic (``levels``, ``receptive fields``, ``hops``), a sentence on what else differs
        between this study's models.
    blocks : mapping
        By network and receptive field, the models that are the features of one block alone, each
        with the number of its block.
    judged_model : str
        The model that published scores of PaSST base can judge; empty if there is none.
    probes : mapping
        Display names of probes, by name.
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
        """Sentences on what else differs between the models that are compared in some topics."""
        return [
            f"Confounded: {self.confounds[topic]}." for topic in topics if topic in self.confounds
        ]

    @property
    def normalized_axis(self) -> str:
        """Label of an axis of normalized scores."""
        return f"Score / {self.normalization}"
