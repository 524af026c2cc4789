"""What a study shows: its words, its comparisons, its figures and tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from workflow.study.archives import coverage
from workflow.study.claims import official_models
from workflow.study.tasks import read_task_table

FIGURES = range(4, 11)  # the paper's figures that need scores

EVALUATED_BY = {"heareval": "heareval itself", "stacked": "stacked probes"}


class StudyExhibits:
    """Part of :class:`workflow.study.study.Study`: what its exhibits are called and show."""

    def label(self) -> str:
        """The line that every figure carries: which study, which tasks, weights and protocol."""
        n = len(self.tasks)
        if self.is_generated:
            tasks = f"{n} generated mini tasks (analogs, not the HEAR 2021 tasks)"
        elif self.is_fetched:
            tasks = coverage(read_task_table(), list(self.tasks))
        else:
            kind = "HEAR 2021 task" if self.is_real else "task"
            tasks = f"{n} {kind}{'s' * (n > 1)} from {Path(self.config['task_dir']).name}"
            tasks += "" if self.is_real else " (recordings of this user, not the HEAR 2021 suite)"
        epochs = self.protocol.max_epochs_cap or self.protocol.max_epochs
        protocol = f"protocol {self.protocol.name}"
        if self.protocol.deviations():
            protocol += f" ({self.protocol.n_grid_points} grid points, at most {epochs} epochs)"
        if self.evaluator["name"] != "native":
            protocol += f", evaluated by {EVALUATED_BY[self.evaluator['name']]}"
        seeds = ", ".join(map(str, self.config["probe_seeds"]))
        parts = (f"Study {self.name}: {tasks}", *self._weights(), protocol, f"probe seeds {seeds}")
        return " \u00b7 ".join(parts)

    def _weights(self) -> list[str]:
        """What to say of the PaSST weights, unless they are the released ones."""
        ids = {m.variant.checkpoint for m in self.models.values() if m.variant}
        used = [checkpoint for id, checkpoint in self.checkpoints.items() if id in ids]
        own = [c.id for c in used if c.url is None and not c.is_random]
        if own:
            return [f"PaSST weights not the released ones ({', '.join(own)})"]
        return ["PaSST weights random-init"] if used and all(c.is_random for c in used) else []

    @property
    def normalization(self) -> str:
        """What normalized scores are divided by: official entries only beside the real tasks."""
        return "best HEAR 2021 entry" if self.is_real else "best model of this run"

    def official(self, table: str) -> list[str]:
        """A table of the official study that the real tasks are compared with; else nothing."""
        return [f"results/official/{table}.csv"] if self.is_real else []

    @property
    def judged_model(self) -> str | None:
        """The model that published scores of PaSST base can judge; None if there is none.

        That takes the real tasks and the released weights of hop 10.
        """
        model = self.models.get("passt_mh_hop10")
        if not self.is_real or model is None or model.variant is None:
            return None
        entry = self.config["checkpoints"][model.variant.checkpoint]
        return model.id if entry.get("released") == "passt_hop10" else None

    def kinds(self) -> list[str]:
        """Kinds of task that the study has: ``scene``, ``event`` or both."""
        return [kind for kind in ("scene", "event") if self.tasks_of(kind)]

    def model_labels(self) -> dict[str, str]:
        """Display name of each model."""
        return {id: model.label for id, model in self.models.items()}

    def task_labels(self) -> dict[str, str]:
        """Display name of each task: the paper's where it has one, marked if it is an analog."""
        table = read_task_table()
        mark = "mini " if self.is_generated else ""
        return {slug: mark + table.get(slug, {}).get("name", slug) for slug in self.tasks}

    def known_names(self) -> tuple[list[str], list[str]]:
        """Models and tasks that a claim may name, whether this study runs them or not."""
        models = [*self.config["models"], *official_models()]
        return models, [*read_task_table(), *self.tasks]

    def replicates(self) -> dict[str, str]:
        """The file of resampled scores, as an input of a rule."""
        return {"replicates": f"results/{self.name}/replicates.npz"}

    def measured(self) -> dict[str, str]:
        """The file of measured costs, as an input of a rule."""
        return {"measured": f"results/{self.name}/measure.csv"}

    def task_embeddings(self) -> dict[str, dict[str, str]]:
        """Embedding of every model by task."""
        return {
            task: {entry["model"]: entry["embedding"] for entry in self.score_entries(task)}
            for task in self.tasks
        }

    def words(self) -> dict:
        """What figures and captions call things."""
        return {
            "label": self.label(),
            "normalization": self.normalization,
            "models": self.model_labels(),
            "tasks": self.task_labels(),
            "event_tasks": self.tasks_of("event"),
        }

    @property
    def report(self) -> str:
        """The page with every exhibit."""
        return f"results/{self.name}/report.html"

    def exhibits(self) -> list[str]:
        """Every figure and table of the study."""
        tables = ["table_2", "tasks", "compare"] + ["reproduction"] * bool(self.judged_model)
        return [
            *exhibit_paths(self.name, (3, *FIGURES)),
            *(f"results/{self.name}/tables/{name}.csv" for name in tables),
            f"results/{self.name}/measure.csv",
        ]


def exhibit_paths(study: str, figures: Iterable[int]) -> list[str]:
    """Paths of a study's figures, their numbers, and its tables."""
    drawn = [
        f"results/{study}/figures/figure_{figure}.{kind}"
        for figure in figures
        for kind in ("pdf", "png", "svg", "csv")
    ]
    tables = [f"results/{study}/tables/{table}.csv" for table in ("table_1", "scores")]
    drawn += [f"results/{study}/figures/ranks.{kind}" for kind in ("pdf", "png", "svg", "csv")]
    tables += [f"results/{study}/{table}.csv" for table in ("statistics", "claims")]
    return [*drawn, *tables, f"results/{study}/scores.csv", f"results/{study}/summary.csv"]
