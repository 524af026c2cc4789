"""Examination of task folders on the command line: `python -m hear.doctor FOLDER`."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from hear.archives.find import find_sources
from hear.archives.unpack import ArchiveError
from hear.doctor.examine import examine
from hear.doctor.finding import SEVERE, Finding
from hear.doctor.labels import label_counts
from hear.files import json_value
from hear.tasks.audio_checks import MODEL_RATE_HZ, check_audio, source_sample_rate
from hear.tasks.folder import TaskFolder, read_task
from hear.tasks.problems import TaskError

WIDTH = 100  # of the text for a terminal
EPILOG = """\
exit status: 0 no severe finding, 1 a severe finding, 2 no readable task"""


def main(arguments: list[str] | None = None) -> int:
    """Examine the given folders and print the findings; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m hear.doctor",
        description="Examine a task folder in HEAR's layout, or a folder of several, and say what "
        "may be wrong with scores on it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="the folder")
    parser.add_argument("--json", action="store_true", help="print JSON, with all clips by name")
    parser.add_argument(
        "--sample-rate", type=int, default=MODEL_RATE_HZ, metavar="HZ",
        help="of the models whose audio is examined (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    given = parser.parse_args(arguments)
    reports, is_severe = [], False
    try:
        for path in _folders(given.folder):
            task = read_task(path)
            rate_hz = source_sample_rate(task, given.sample_rate)
            refusal = _refusal(task, given.sample_rate)
            findings = [*refusal, *examine(task, rate_hz, progress=not given.quiet)]
            is_severe |= any(finding.level == SEVERE for finding in findings)
            reports.append(_report(task, rate_hz, findings))
            if not given.json:
                print(_text(reports[-1]), flush=True)
    except (TaskError, ArchiveError) as error:
        print(f"doctor: {error}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(json_value(reports), indent=1, ensure_ascii=False))
    return int(is_severe)


def _folders(directory: Path) -> list[Path]:
    """Task folders in a directory, or the directory itself; ArchiveError if there is none."""
    folders = [source.path for source in find_sources(directory) if source.path.is_dir()]
    if not folders:
        raise ArchiveError(
            f"{directory}: expected a task folder, or some in it; found archives alone: unpack them"
        )
    return folders


def _refusal(task: TaskFolder, sample_rate_hz: int) -> list[Finding]:
    """Problems for which the workflow's own check rejects the task, as findings."""
    try:
        check_audio(task, sample_rate_hz, progress=False)
    except TaskError as error:
        lines = str(error).removeprefix(f"{task.path}: ").splitlines()
        found = f"the check of its audio says: {'; '.join(line.strip() for line in lines)}"
        consequence = "the workflow rejects the task, so there is no score"
        return [Finding("refused", SEVERE, found, consequence)]
    return []


def _report(task: TaskFolder, rate_hz: int, findings: list[Finding]) -> dict[str, Any]:
    return {
        "folder": str(task.path),
        "task": task.task_name,
        "sample_rate_hz": rate_hz,
        "n_clips": sum(map(len, task.clips.values())),
        "label_counts": label_counts(task),
        "findings": [finding.summary() | {"clips": finding.clips} for finding in findings],
    }


def _text(report: dict[str, Any]) -> str:
    n = len(report["findings"])
    count = "nothing found" if n == 0 else f"{n} finding{'s' if n > 1 else ''}"
    lines = [f"{report['folder']}: {report['n_clips']} clips: {count}"]
    for finding in report["findings"]:
        head = f"{finding['level']:8} {finding['kind']}: "
        for start, text in ((head, finding["found"]), (" " * 9 + "so: ", finding["consequence"])):
            lines += textwrap.wrap(
                text, WIDTH, initial_indent=f"  {start}", subsequent_indent=" " * 11,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
