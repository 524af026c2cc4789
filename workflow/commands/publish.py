"""Export of a finished study's tables, claims and figures for committing, with hashes.

    make publish CONFIG=config/mini_large.yaml     # into docs/mini_large/

Writes figures as SVG, numbers as CSV, and an index, replacing the folder. The index has the hashes
of the study's inputs and of larger files that are not copied, ``SHA256SUMS`` those of the files
beside it.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from analysis.claims.claim import verdicts_in_words
from analysis.exhibits.make import caption
from analysis.exhibits.markdown import to_markdown
from analysis.exhibits.text import FigureText
from analysis.report.page import read_numbers
from analysis.tables.metrics import read_metric_labels
from hear.files import sha256_of
from workflow.commands.arguments import checked_study, read_arguments, study_parser
from workflow.machine import machine
from workflow.stages import read_stages
from workflow.study import exhibits, words
from workflow.study.config import ConfigError
from workflow.study.paths import log_folders, replicates, scores
from workflow.study.study import Study

TABLES = ("summary.csv", "maxima.csv")  # beside those of the exhibits
LEFT_BEHIND = ("scores.csv", "report.html")  # large, as are replicates


def publish(study: Study, destination: Path, command: str) -> list[Path]:
    """Copy the exhibits of a finished study into ``destination``; return the files.

    ``command`` is the command that ran the study. ConfigError names missing files.
    """
    results = Path("results", study.name)
    shown = exhibits.exhibits(study)
    names = [*TABLES, *(file for exhibit in shown for file in exhibit.page_files)]
    names = list(dict.fromkeys(names))
    needed = [*(results / name for name in names), *_left_behind(study)]
    if missing := [str(path) for path in needed if not path.is_file()]:
        raise ConfigError(
            f"study {study.name}: expected a finished run, found no {', '.join(missing[:3])}"
            f"{f' and {len(missing) - 3} more files' if len(missing) > 3 else ''}; run {command}"
        )
    shutil.rmtree(destination, ignore_errors=True)
    for name in names:
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(results / name, destination / name)
    made = [destination / name for name in names]
    index = destination / "README.md"
    index.write_text(_index(study, names, command), encoding="utf-8")
    hashed = {path.relative_to(destination).as_posix(): path for path in (index, *made)}
    sums = destination / "SHA256SUMS"
    sums.write_text("".join(f"{sha256_of(p)}  {name}\n" for name, p in hashed.items()))
    return [index, sums, *made]


def _index(study: Study, names: list[str], command: str) -> str:
    """Markdown that says what was found, by which command and machine, and from what."""
    results = Path("results", study.name)
    claims = pd.read_csv(results / "claims.csv")
    weak_tasks = claims["not_above_baseline"].fillna("")
    counts = verdicts_in_words(claims["verdict"], claims["p_holm"], weak_tasks)
    nearest = claims["stands_for"].notna().sum()
    parts = [
        f"# Study {study.name}",
        words.label(study),
        f"Made by\n```bash\n{command}\n```\nand copied here by `make publish`. The "
        f"ledger of the paper's claims ([claims.csv](claims.csv)) has {len(claims)} rows, "
        f"{nearest} of them the nearest evidence for another claim. {counts}.",
        "## Exhibits",
        "\n".join(_entries(study, names)),
        "## Machine",
        ", ".join(f"{what}: {said}" for what, said in machine().items()),
        to_markdown(
            read_stages(log_folders(study)),
            "Seconds summed over the jobs of each rule.",
            1,
        ),
        "## Made from",
        to_markdown(pd.DataFrame(_origins(study), columns=["what", "version or SHA-256"]), ""),
        "`SHA256SUMS` has the hashes of these files.",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _entries(study: Study, names: list[str]) -> Iterable[str]:
    """A line for each exhibit, with its caption and links to its files."""
    results = Path("results", study.name)
    metrics = read_metric_labels(results / "metrics.csv")
    text = FigureText(**words.words(study), metrics=metrics)
    for exhibit in exhibits.exhibits(study):
        said = caption(exhibit, text, read_numbers(results / exhibit.csv))
        files = [file for file in exhibit.page_files if file in names]
        links = ", ".join(f"[{Path(file).suffix[1:].upper()}]({file})" for file in files)
        yield f"- {exhibit.name}: {exhibit.title}. {links}. {said}"


def _origins(study: Study) -> list[tuple[str, str]]:
    """Versions, weights and tasks behind the scores, by their provenance, and what stays behind."""
    facts: dict[str, str] = {}
    for path in scores(study):
        made = json.loads(Path(path).read_text(encoding="utf-8"))["provenance"]
        facts |= made["software"] | made["checkpoints"] | made["task_hashes"]
    return [*facts.items(), *((str(path), sha256_of(path)) for path in _left_behind(study))]


def _left_behind(study: Study) -> list[Path]:
    """Files on which the published ones are based and that are not copied."""
    made = [replicates(study, one) for one in study.evaluations]
    return [*(Path("results", study.name, name) for name in LEFT_BEHIND), *map(Path, made)]


def main() -> None:
    """Publish a study below docs/."""
    parser = study_parser(__doc__)
    parser.add_argument("--destination", type=Path, help="default: docs/<study>")
    arguments = parser.parse_args()
    given = [*arguments.configfile, *(["--config", *arguments.config] if arguments.config else [])]
    files = ["--configfile"] * bool(arguments.configfile)
    command = " ".join(map(str, ["snakemake --cores 2", *files, *given]))
    try:
        study = checked_study(read_arguments(arguments))
        made = publish(study, arguments.destination or Path("docs", study.name), command)
    except (ValueError, OSError) as error:
        sys.exit(f"publish: {error}")
    size = sum(path.stat().st_size for path in made) / 1e6
    print(f"{len(made)} files, {size:.1f} MB, in {made[0].parent}")


if __name__ == "__main__":
    main()
