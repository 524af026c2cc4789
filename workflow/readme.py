"""Write the tables of the default study into the README, between their markers."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
TABLES = {"mini tasks": "results/mini/tables/tasks.md"}


def insert(text: str, name: str, content: str) -> str:
    """Replace what stands between the markers ``<!-- name: begin -->`` and ``end``.

    Raises
    ------
    ValueError
        If the markers are missing.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if begin not in text or end not in text:
        raise ValueError(f"README.md: expected the markers {begin} and {end}")
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content.strip()}\n{end}{rest.partition(end)[2]}"


def main() -> None:
    """Update the README from the results at hand."""
    path = ROOT / "README.md"
    text = path.read_text()
    for name, table in TABLES.items():
        text = insert(text, name, (ROOT / table).read_text())
    path.write_text(text)


if __name__ == "__main__":
    main()
