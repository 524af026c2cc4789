"""Generated pages of the site: a hook of MkDocs (mkdocs.yml).

    make docs     # site/index.html

`PAGES` lists files of the repository that become pages. The configuration reference is generated
from the schema, the API reference from the docstrings, the gallery from the studies that have been
run here. Links to files of the repository lead to their pages; files without a page are not linked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from analysis.exhibits.registry import Exhibit, exhibits_among

ROOT = Path(__file__).parents[2]
PAGES = {  # file of the repository: its page
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "code_of_conduct.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmark_commands.md",
    "results/README.md": "results.md",
}
SCHEMA = "workflow/schemas/config.schema.yaml"
LIBRARIES = {  # with API pages
    "passt": "the representation and its command line",
    "hear": "the benchmark",
    "mini": "the generated tasks",
    "zoo": "third-party models",
    "analysis": "statistics, claims, exhibits, report",
}
STUDIES = {  # folder with a study's exhibits: heading and what it shows
    "results/mini": (
        "The default study",
        "Generated tasks and small networks, not HEAR 2021 and not the released weights.",
    ),
    "docs/mini_large": (
        "The default study, larger",
        "Generated tasks and small networks, not HEAR 2021 and not the released weights.",
    ),
    "results/official": (
        "Official scores",
        "The HEAR 2021 leaderboard; no model was run.",
    ),
}
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages (MkDocs event)."""
    from mkdocs.structure.files import File

    made: dict[str, str | bytes] = {
        page: (ROOT / file).read_text(encoding="utf-8") for file, page in PAGES.items()
    }
    made["configuration.md"] = configuration(
        yaml.safe_load((ROOT / SCHEMA).read_text(encoding="utf-8"))
    )
    made |= api_pages(ROOT) | gallery(ROOT)
    for page, content in made.items():
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links to files of the repository into links between pages (MkDocs event)."""
    uri = page.file.src_uri
    source = {page: file for file, page in PAGES.items()}.get(uri, f"docs/{uri}")
    return relink(markdown, source, uri, {file.src_uri for file in files})


def relink(markdown: str, source: str, page: str, pages: Collection[str]) -> str:
    """Rewrite the links of the file `source` for its `page`.

    `source` and its links are paths in the repository, `page` and `pages` below docs/. A link to a
    file without a page becomes its text; one to a file that does not exist stays, for MkDocs to
    find.
    """

    def rewrite(match: re.Match) -> str:
        text, target = match.groups()
        if re.match(r"#|\w+:", target):
            return match.group()
        path, _, anchor = target.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(source), path))
        found, anchor = _page_of(file, anchor)
        if found in pages:
            way = os.path.relpath(found, os.path.dirname(page) or ".")
            return f"[{text}]({way}{'#' * bool(anchor)}{anchor})"
        return text if (ROOT / file).exists() else match.group()

    return _LINK.sub(rewrite, markdown)


def _page_of(file: str, anchor: str) -> tuple[str, str]:
    """Page of a file of the repository, and the anchor in it."""
    if file == SCHEMA:
        return "configuration.md", anchor
    if file.endswith(".py") and file.partition("/")[0] in LIBRARIES:
        module = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        return _api_page(module), module
    return PAGES.get(file, file.removeprefix("docs/")), anchor


def configuration(schema: Mapping[str, Any]) -> str:
    """Markdown of every key of a config, from its JSON schema."""
    keys = schema["properties"]
    parts = ["# Configuration reference", schema["description"]]
    for key, facts in keys.items():
        parts += [f"## `{key}` {{#{key}}}", _escaped(facts["description"]), _facts(facts)]
        parts += [_key_table(facts["properties"])] if "properties" in facts else []
    for name, facts in schema["$defs"].items():
        parts += [
            f"## An entry of `{name}s` {{#an-entry-of-{name}s}}",
            facts.get("description", ""),
        ]
        parts += [_key_table(facts["properties"])]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _facts(facts: Mapping[str, Any]) -> str:
    """Line with type, default and limits of a key."""
    said = [f"Type: {_type(facts)}"]
    if "default" in facts and facts["default"] != {}:
        said.append(f"default: {_value(facts['default'])}")
    return "; ".join([*said, *_limits(facts)]) + "."


def _key_table(properties: Mapping[str, Any]) -> str:
    """Table of the keys below a key."""
    lines = ["| key | type | default | description |", "| --- | --- | --- | --- |"]
    for key, facts in _flat(properties):
        kind = "; ".join([_type(facts), *_limits(facts)])
        default = _value(facts["default"]) if "default" in facts else ""
        cells = (f"`{key}`", kind, default, _escaped(facts["description"]))
        lines.append(f"| {' | '.join(cell.strip().replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines)


def _flat(properties: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """All keys, nested ones joined by dots."""
    for key, facts in properties.items():
        yield above + key, facts
        yield from _flat(facts.get("properties", {}), f"{above}{key}.")


def _type(facts: Mapping[str, Any]) -> str:
    if "$ref" in facts:
        name = facts["$ref"].rpartition("/")[2]
        return f"[entry of `{name}s`](#an-entry-of-{name}s)"
    if "enum" in facts or "const" in facts:
        return " or ".join(_value(one) for one in facts.get("enum", [facts.get("const")]))
    kinds = facts.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not kinds:
        return " or ".join(_type(one) for one in facts.get("oneOf", []))
    named = []
    for kind in kinds:
        inner = facts.get("items" if kind == "array" else "additionalProperties")
        if isinstance(inner, Mapping) and kind in ("array", "object"):
            what = "list of" if kind == "array" else "mapping to"
            named.append(f"{what} {_type(inner)}")
        else:
            named.append({"array": "list", "object": "mapping", "null": "null"}.get(kind, kind))
    return " or ".join(named)


def _limits(facts: Mapping[str, Any]) -> list[str]:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
    limits = [f"{word} {facts[key]}" for key, word in words.items() if key in facts]
    return limits + ([f"pattern `{facts['pattern']}`"] if "pattern" in facts else [])


def _escaped(text: str) -> str:
    """Text with < escaped, so that it begins no tag."""
    return text.replace("<", "&lt;")


def _value(value: Any) -> str:
    if value is None:
        return "`null`"
    text = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
    return f"`{text}`"


def api_pages(root: Path) -> dict[str, str]:
    """One page of docstrings per package, and an index."""
    pages: dict[str, str] = {}
    index = ["# API reference", "Documented modules, classes and functions of each package."]
    for library, what in LIBRARIES.items():
        names = []
        for init in sorted((root / library).rglob("__init__.py")):
            package = ".".join(init.relative_to(root).parts[:-1])
            modules = [
                f"{package}.{path.stem}"
                for path in sorted(init.parent.glob("*.py"))
                if not path.stem.startswith("__")
            ]
            described = [package] * bool(init.read_text(encoding="utf-8").strip())
            parts = [f"# {package}", *(f"::: {module}" for module in [*described, *modules])]
            pages[_api_page(package)] = "\n\n".join(parts) + "\n"
            names.append(f"- [`{package}`]({package}.md)")
        index += [f"## {library}: {what}", "\n".join(names)]
    return {"api/index.md": "\n\n".join(index) + "\n", **pages}


def _api_page(module: str) -> str:
    """Page of a module's package."""
    path = ROOT / module.replace(".", "/")
    return f"api/{module if path.is_dir() else module.rpartition('.')[0]}.md"


def gallery(root: Path) -> dict[str, str | bytes]:
    """Gallery of the existing exhibits of `STUDIES`, and the files that it shows."""
    files: dict[str, bytes] = {}
    parts = [
        "# Gallery",
        "All exhibits of the studies that were available when the site was built, with their "
        "numbers and the functions that draw them.",
    ]
    for folder, (heading, what) in STUDIES.items():
        present = {
            path.relative_to(root / folder).as_posix()
            for path in (root / folder).rglob("*.*")
            if path.suffix in (".svg", ".csv")
        }
        shown = exhibits_among(present)
        if not shown:
            continue
        parts += [f"## {heading}", what]
        at = folder.removeprefix("docs/").replace("results/", "gallery/")
        for exhibit in shown:
            parts += _entry(exhibit, at)
            if folder.startswith("results/"):
                files |= {
                    f"{at}/{file}": (root / folder / file).read_bytes()
                    for file in exhibit.page_files
                }
    if len(parts) == 2:
        parts.append("No study has been run here: `make`, then `make docs`.")
    return {"gallery.md": "\n\n".join(parts) + "\n", **files}


def _entry(exhibit: Exhibit, at: str) -> Iterator[str]:
    """Markdown of one exhibit with its files in the folder `at`."""
    module, _, function = exhibit.drawing.partition(":")
    yield f"### {exhibit.name}: {exhibit.title}"
    for file in exhibit.page_files:
        if file.endswith(".svg"):
            yield f"![{exhibit.name}]({at}/{file}){{ loading=lazy }}"
    links = [f"[{exhibit.stem}.csv]({at}/{exhibit.csv})"]
    source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    if f"def {function}(" in source:  # a table that a rule of its own makes has a caption only
        links.append(f"[`{module}.{function}`]({_api_page(module)}#{module}.{function})")
    yield " · ".join(links)
