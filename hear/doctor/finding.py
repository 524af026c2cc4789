"""Findings about a task: the flaw, its severity, and the consequence for scores."""

from __future__ import annotations

from dataclasses import dataclass

SEVERE = "severe"  # a score on the task does not mean what it seems to mean
WARNING = "warning"  # it may be too high or too low, or mean less
NOTE = "note"  # worth knowing
LEVELS = (SEVERE, WARNING, NOTE)


@dataclass(frozen=True)
class Finding:
    """One finding about a task folder.

    ``found`` and ``consequence`` are sentences without a full stop; ``clips`` are all clips
    concerned, `<split>/<clip>` or pairs of them.
    """

    kind: str
    level: str  # one of `LEVELS`
    found: str
    consequence: str
    clips: tuple[str, ...] = ()

    def summary(self) -> dict[str, str]:
        """Fields for a manifest or a table: all but the clips."""
        names = ("kind", "level", "found", "consequence")
        return {name: getattr(self, name) for name in names}


def share(n: int, of: int) -> str:
    """Return "3 of 40 (7.5 %)"."""
    return f"{n} of {of} ({100 * n / of:.3g} %)"


def by_level(findings: list[Finding]) -> list[Finding]:
    """Sort findings, the worst first."""
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))
