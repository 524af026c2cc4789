"""The official HEAR 2021 scores as a study of their own: figures without any compute."""

from __future__ import annotations

from workflow.study.exhibits import exhibit_paths
from workflow.study.tasks import read_task_table


class OfficialStudy:
    """Figures 8 and 9 and the tables from the leaderboard alone; same interface as Study."""

    name = "official"
    source = "resources/hear2021_scores.csv"
    tasks = task_table = "config/tasks.tsv"
    normalization = "best HEAR 2021 entry"
    highlight = ()  # no model of a run
    figures = (8, 9)  # the others compare variants that nobody entered in 2021

    def label(self) -> str:
        """The line that every figure carries."""
        return (
            "Official HEAR 2021 scores: leaderboard entries of the challenge on the 19 real tasks; "
            "no model was run here"
        )

    def model_labels(self) -> dict[str, str]:
        """Entries go by their own names."""
        return {}

    def task_labels(self) -> dict[str, str]:
        """The paper's task names."""
        return {slug: row["name"] for slug, row in read_task_table().items()}

    def tasks_of(self, embedding_type: str) -> list[str]:
        """Slugs of the 19 tasks of one kind, ``scene`` or ``event``."""
        rows = read_task_table().values()
        return [row["task"] for row in rows if row["embedding_type"] == embedding_type]

    def replicates(self) -> dict[str, str]:
        """Nothing: the entries' predictions were never published."""
        return {}

    def task_embeddings(self) -> dict[str, dict[str, str]]:
        """Nothing, as no model was run here."""
        return {}

    def measured(self) -> dict[str, str]:
        """Nothing: no machine was measured."""
        return {}

    def scores(self) -> list[str]:
        """No score files: nothing is run."""
        return []

    def words(self) -> dict:
        """What figures and captions call things."""
        return {
            "label": self.label(),
            "normalization": self.normalization,
            "tasks": self.task_labels(),
            "event_tasks": self.tasks_of("event"),
        }

    @property
    def report(self) -> str:
        """The page with every exhibit."""
        return f"results/{self.name}/report.html"

    def exhibits(self) -> list[str]:
        """Every figure and table."""
        return exhibit_paths(self.name, self.figures)
