"""Figures embedded in a page as SVG, with their definitions stored once for all."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from markupsafe import Markup

PX_PER_PT = 2.4  # a figure of one column, 234 points wide, is 562 pixels: its 6.5 pt are 15.6
_REFERENCE = re.compile(r"(?<=^#).+|(?<=url\(#)[^)]+")
_LONG = re.compile(r"-?\d+\.\d{3,}")
_PLACES = ("x", "y", "d")  # in points, of which 0.01 are 0.024 pixels
_WORDS = {
    "data-model",
    "data-category",
    "data-compared",
}  # attributes that are names, whatever these look like
_MOVED = re.compile(r"translate\((\S+) (\S+)\)")


class Drawings:
    """Figures of one page, which share definitions of glyphs, markers and clip paths."""

    def __init__(self) -> None:
        self._shared: dict[str, tuple[str, str]] = {}  # by SVG without id: id, SVG with it

    @property
    def definitions(self) -> Markup:
        """The shared definitions, as SVG."""
        return Markup("".join(text for _, text in self._shared.values()))

    def inline(self, path: Path, label: str) -> Markup:
        """Return a figure's SVG as an element of the page; `label` is for screen readers.

        ValueError if the figure's size is not in points.
        """
        root = ET.parse(path).getroot()
        sizes = [re.fullmatch(r"([\d.]+)pt", root.get(side, "")) for side in ("width", "height")]
        width, height = (float(size[1]) * PX_PER_PT if size else 0 for size in sizes)
        if not width or not height:
            raise ValueError(f"{path}: expected an SVG with width and height in points")
        for element in root.iter():
            _make_small(element)
        ids = {}
        for group in root.iter("defs"):
            for shared in group:
                id = shared.attrib.pop("id", "")
                ids[id] = self._share(shared)
        for element in root.iter():
            element.attrib.pop("id", None)
            for name in element.attrib.keys() - _WORDS:
                value = element.attrib[name]
                element.attrib[name] = _REFERENCE.sub(lambda found: ids[found[0]], value)
            for unwanted in [child for child in element if child.tag in ("defs", "metadata")]:
                element.remove(unwanted)
        root.attrib = {
            "role": "img", "aria-label": label, "viewBox": root.get("viewBox", ""),
            "width": f"{width:.0f}", "height": f"{height:.0f}",
        }  # fmt: skip
        return Markup(ET.tostring(root, encoding="unicode"))

    def _share(self, element: ET.Element) -> str:
        """Keep a definition if it is new; return its id on the page."""
        plain = ET.tostring(element, encoding="unicode")
        if plain not in self._shared:
            element.set("id", f"s{len(self._shared)}")
            self._shared[plain] = (element.attrib["id"], ET.tostring(element, encoding="unicode"))
        return self._shared[plain][0]


def _make_small(element: ET.Element) -> None:
    """Convert an element to HTML's form: without namespaces, numbers with two decimals."""
    element.tag = element.tag.rpartition("}")[2]
    if element.tag != "title":
        element.text = None
    element.tail = None
    attributes = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    moved = _MOVED.fullmatch(attributes.get("transform", ""))
    if element.tag == "use" and moved and "x" not in attributes:
        del attributes["transform"]
        attributes |= {"x": moved[1]} | ({"y": moved[2]} if moved[2] != "0" else {})
    for name in attributes.keys() & set(_PLACES):
        short = _LONG.sub(lambda found: f"{float(found[0]):.2f}", attributes[name])
        attributes[name] = " ".join(short.split())
    if "style" in attributes:
        attributes["style"] = re.sub(r"([:;]) ", r"\1", attributes["style"])
    element.attrib = attributes
