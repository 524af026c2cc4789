"""The jobs of a study: what one of them computes, in plain types, and the list that it leaves."""

from __future__ import annotations

from workflow.study.jobs import batches


class StudyJobs:
    """Part of :class:`workflow.study.study.Study`: its embedding and prediction jobs."""

    def embed_batches(self, task: str) -> dict[str, list[str]]:
        """Views (``source.view``) of each embedding job of a task."""
        return batches(self.views(task), self.config["job_size"])

    def predict_batches(self, task: str) -> dict[str, list[str]]:
        """Embeddings of each prediction job of a task."""
        embeddings = self.embeddings_of(self.tasks[task].embedding_type).values()
        return batches(embeddings, self.config["job_size"])

    def embed_entries(self, task: str, batch: str) -> list[dict]:
        """Checkpoints and models of one embedding job, each with its views and their folders."""
        views: dict[str, dict[str, str]] = {}
        for name in self.embed_batches(task)[batch]:
            source, view = name.split(".")
            views.setdefault(source, {})[view] = self.features(source, task, view)
        return [
            {
                "source": source,
                "checkpoint": self.config["checkpoints"].get(source),
                "model": self.module_entry(source),
                "settings": self.fingerprint(source),
                "embedding": self.config["embedding"],
                "views": of_source,
            }
            for source, of_source in views.items()
        ]

    @property
    def shards(self) -> dict[str, int]:
        """Number of embedding jobs of each batch, of the tasks that have more than one."""
        numbers = {task: int(n) for task, n in self.config["shards"].items()}
        return {task: n for task, n in numbers.items() if n > 1}

    def shard_lists(self, task: str, batch: str) -> list[str]:
        """Lists that the shards of an embedding job leave."""
        n, folder = self.shards[task], f"results/{self.name}/features/shards"
        return [f"{folder}/{task}.{batch}.{i}of{n}.json" for i in range(n)]

    def embed_weights(self, task: str, batch: str) -> list[str]:
        """Weight files that one embedding job depends on."""
        entries = self.embed_entries(task, batch)
        return sorted({path for entry in entries for path in self.weights(entry["source"])})

    def predict_entries(self, task: str, batch: str) -> list[dict]:
        """Embeddings of one prediction job, with their components and file of predictions."""
        return [
            {
                "embedding": embedding,
                "components": self.component_paths(embedding, task),
                "predictions": self.predictions(embedding, task),
            }
            for embedding in self.predict_batches(task)[batch]
        ]

    def embedded(self, task: str) -> list[str]:
        """Lists that the embedding jobs of a task leave."""
        jobs = self.embed_batches(task)
        return [f"results/{self.name}/features/{task}.{batch}.json" for batch in jobs]

    def predicted(self, task: str) -> list[str]:
        """Lists that the prediction jobs of a task leave."""
        return [
            f"results/{self.name}/predictions/{task}.{batch}.seed{seed}.json"
            for batch in self.predict_batches(task)
            for seed in self.config["probe_seeds"]
        ]

    def validated(self, task: str, batch: str) -> list[str]:
        """Reports of the validation of the third-party models of one embedding job."""
        sources = [entry["source"] for entry in self.embed_entries(task, batch)]
        return [f"results/{self.name}/models/{s}.json" for s in sources if s in self.third_party()]
