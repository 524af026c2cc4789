"""Verification of a finished study: every link from its archives to the numbers of its figures.

    make verify CONFIG=config/paper.yaml

Every link of the chain is checked by hash, or made again and compared: scores and tables by the
workflow's own rules, figures by their numbers. The first clips of each view and the probes of one
embedding are computed again. Values must be equal bit for bit where the versions and the machine
are those that made the study, else within tolerances; the output says which. The first link that
does not hold is named and ends the command, with an exit status of 1. Nothing is changed.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from workflow.commands.arguments import checked_study, read_arguments, study_parser
from workflow.commands.verify import again
from workflow.commands.verify.chain import (
    Break,
    Tasks,
    check_features,
    check_predictions,
    check_tasks,
)
from workflow.commands.verify.samples import (
    compare_predictions,
    find_here,
    sample_view,
    smallest_predictions,
)
from workflow.process import configure
from workflow.study import paths
from workflow.study.config import ConfigError
from workflow.study.study import Study, leaderboard_study

SHOWN = 10  # files of a broken link


class Verification:
    """Checks of a study, link by link; each uses what those before it have read or made.

    ``place`` is an empty folder that files are made again in. A check yields what does not hold,
    and says in ``notes`` how it compared.
    """

    def __init__(self, study: Study, place: Path, cores: int) -> None:
        self.study, self.place, self.cores = study, place, cores
        self.official = leaderboard_study()
        self.here, self.said = find_here(study)
        self.tasks: Tasks = {}
        self.notes: list[str] = []
        self.checks = {
            "archives -> tasks": self.check_tasks,
            "tasks -> features": self.check_features,
            "features -> predictions": self.check_predictions,
            "predictions -> scores": self.check_scores,
            "scores -> tables": self.check_tables,
            "tables -> figures": self.check_figures,
        }

    def check_tasks(self) -> Iterator[Break]:
        """Check archives and task folders."""
        yield from check_tasks(self.study, self.tasks, self.notes)

    def check_features(self) -> Iterator[Break]:
        """Check features, and embed some clips again."""
        sample = partial(sample_view, self.tasks, self.here)
        yield from check_features(self.study, self.tasks, sample, self.notes)
        self.notes.append(self.here.summary())

    def check_predictions(self) -> Iterator[Break]:
        """Check predictions, and train the probes of the smallest embedding again."""
        is_whole = True
        for one in check_predictions(self.study, self.notes):
            is_whole = False
            yield one
        if is_whole:
            path = smallest_predictions(self.study)
            yield from self.make(again.PREDICTIONS, [path])
            made = self.folder(again.PREDICTIONS) / path
            yield from compare_predictions(path, made, self.here, self.notes)

    def check_scores(self) -> Iterator[Break]:
        """Make scores and tables again, and compare the scores."""
        scores = paths.scores(self.study)
        made = [*scores, *(f for one in self.studies for f in again.table_files(one))]
        made += [file for one in self.studies for file in again.listed_files(one)]
        yield from self.make(again.TABLES, made)
        yield from self.compare("score files", scores)

    def check_tables(self) -> Iterator[Break]:
        """Compare tables."""
        files = [file for one in self.studies for file in again.table_files(one)]
        yield from self.compare("tables", files)

    def check_figures(self) -> Iterator[Break]:
        """Draw figures and exhibited tables again, and compare their numbers."""
        for one in self.studies:
            again.make_exhibits(one, self.folder(again.TABLES))
        files = [file for one in self.studies for file in again.exhibit_files(one)]
        yield from self.compare("figures' and exhibited tables' numbers", files)

    @property
    def studies(self) -> tuple[Study, Study]:
        """The study, and the leaderboard's."""
        return self.study, self.official

    def folder(self, step: again.Step) -> Path:
        """Where a step makes files again, in place of the working directory."""
        return again.mirrored(self.place / step.name)

    def make(self, step: again.Step, files: list[str]) -> Iterator[Break]:
        """Make files again."""
        (self.place / step.name).mkdir()
        try:
            again.make(self.study, self.place / step.name, self.cores, step, files)
        except ConfigError as error:
            yield Break(f"results/{self.study.name}", f"{step.name} made again", str(error))

    def compare(self, what: str, files: list[str]) -> Iterator[Break]:
        """Compare stored files with those made again."""
        is_exact = self.here.made_here
        yield from again.compare_files(files, self.folder(again.TABLES), is_exact)
        how = "byte for byte" if is_exact else f"within {again.TOLERANCE:g}"
        self.notes.append(f"{len(files)} {what} made again, equal {how}")


def verify(study: Study, place: Path, cores: int) -> bool:
    """Check every link of a study's chain in turn and print what holds; return whether all do."""
    configure(study.config["threads"]["embed"], study.config["mkl_fast_path"])
    verification = Verification(study, place, cores)
    print(f"verify: study {study.name}: {verification.said}", flush=True)
    for link, check in verification.checks.items():
        start_s = time.monotonic()
        verification.notes.clear()
        breaks = list(itertools.islice(check(), SHOWN + 1))
        seconds = f"{time.monotonic() - start_s:.0f} s"
        if breaks:
            print(f"{link}: does not hold ({seconds})")
            print(*(f"  {one}" for one in breaks[:SHOWN]), sep="\n")
            if len(breaks) > SHOWN:
                print("  ... and more")
            print(f"verify: {link} is the first link that does not hold: {breaks[0].file}")
            return False
        print(f"{link}: holds: {'; '.join(verification.notes)} ({seconds})", flush=True)
    print(f"verify: every link of study {study.name} holds")
    return True


def main() -> None:
    """Verify the study of a command line."""
    parser = study_parser(__doc__)
    parser.add_argument(
        "--cores", type=int, default=os.cpu_count(), help="jobs at a time (default: %(default)s)"
    )
    given = parser.parse_args()
    try:
        study = checked_study(read_arguments(given))
        with tempfile.TemporaryDirectory(prefix="verify-") as place:
            holds = verify(study, Path(place), given.cores)
    except (ValueError, OSError) as error:
        sys.exit(f"verify: {error}")
    sys.exit(not holds)


if __name__ == "__main__":
    main()
