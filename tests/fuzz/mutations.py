"""Strategies: valid documents and files with a few things changed."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

from hypothesis import strategies as st

LONG = "n" * 10_000
SCRIPT = "</script><script>alert(1)</script>"
TEXTS = (
    "", " ", ".", "..", "/", "\\", "\0", "\n", "\t", "-", "a b", "ä", "a\u0308", "\ud800", "\u202e",
    "../../escaped", "/etc/passwd", "C:\\x", "~", "$HOME", "{x}", "%s", "%00", "*", "con", LONG,
    "n" * 256, SCRIPT, '" onload="alert(1)', "javascript:alert(1)", "url(#x)", 'href="#x"', "a|b",
    "$\\frac{", "=1+1", "null", "true", "nan", "inf", "1e999", "0x10", "1_0", "²", "٣", "9" * 400,
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2, 255, 256, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, 10**400, -(10**400), 0.0, -0.0,
    0.5, 1e-320, 1e308, -1e308, math.nan, math.inf, -math.inf,
)  # fmt: skip
OTHERS: tuple = (None, True, False, [], {}, [[]], [{}], {"": []}, [None], [1, "a"], {"a": {"b": 1}})
ODD = (*TEXTS, *NUMBERS, *OTHERS)
RAW = "@raw"  # stands in a document for text that no writer of JSON makes
SNIPPETS = (
    "[" * 100_000, '{"a":' * 50_000, "9" * 5_000, "-", "1e999", "NaN", "Infinity", "-Infinity",
    '{"a": 1, "a": 2}', '"\\ud800"', '"\\u0000"', "'a'", "01", "0x10", "/* */ 1", "1,", "\x00",
)  # fmt: skip
YAML = (
    "2024-13-45", "2024-01-01", "1:99", "0x_", "0b_", "!!int x", "!!float x", "!!bool x",
    "!!timestamp x", "!!binary '?'", "!!python/object/apply:os.system [touch escaped]",
    "!!python/name:os.system", "&a [*a]", "&a {b: *a}", "*nothing", "{[a]: b}", "{? {a: b} : c}",
    "!!set {a, b}", "!!omap [a: 1]", "=", "<<", "{<<: 1}", "{<<: [1]}", "!x 1", "%x", "@", "`",
    "[" * 5_000, "9" * 5_000, "-.inf", ".nan", "1e3", "1_000", "yes", "~", "\u2028", "\x07",
    "[&a [x,x,x,x,x,x,x,x,x],&b [*a,*a,*a,*a,*a,*a,*a,*a,*a],&c [*b,*b,*b,*b,*b,*b,*b,*b,*b],"
    "&d [*c,*c,*c,*c,*c,*c,*c,*c,*c],&e [*d,*d,*d,*d,*d,*d,*d,*d,*d],&f [*e,*e,*e,*e,*e,*e,*e,*e],"
    "&g [*f,*f,*f,*f,*f,*f,*f,*f,*f],&h [*g,*g,*g,*g,*g,*g,*g,*g,*g],[*h,*h,*h,*h,*h,*h,*h,*h]]",
)  # fmt: skip


def texts() -> st.SearchStrategy[str]:
    """Words that something may go wrong with."""
    return st.sampled_from(TEXTS) | st.text(max_size=8)


def odd_values() -> st.SearchStrategy[Any]:
    """Values of JSON that something may go wrong with."""
    return st.sampled_from(ODD) | st.text(max_size=8) | st.integers() | st.floats()


@st.composite
def edited(draw: Any, documents: list, values: st.SearchStrategy | None = None) -> Any:
    """One of some documents with one to three of its parts replaced, removed, added or renamed."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    values = odd_values() if values is None else values
    values = values.map(copy.deepcopy)  # later edits add to a value
    for _ in range(draw(st.integers(1, 3))):
        document = _edit(draw, document, values)
    return document


def _edit(draw: Any, document: Any, values: st.SearchStrategy) -> Any:
    holder, key, part = None, None, document
    while isinstance(part, dict | list) and part and (holder is None or draw(st.booleans())):
        keys = list(part) if isinstance(part, dict) else range(len(part))
        holder, key = part, draw(st.sampled_from(keys))
        part = holder[key]
    kind = draw(
        st.sampled_from(("replace", "replace", "replace", "remove", "add", "rename", "raw"))
    )
    if holder is None:
        return draw(values)
    if kind == "remove":
        del holder[key]
    elif kind == "add" and isinstance(holder, list):
        holder.insert(key, draw(values))
    elif kind == "add":
        holder[draw(texts())] = draw(values)
    elif kind == "rename" and isinstance(holder, dict):
        holder[draw(texts())] = holder.pop(key)
    elif kind == "raw":
        holder[key] = f"{RAW}{draw(st.integers(0, 99))}"
    else:
        holder[key] = draw(values)
    return document


def as_json(document: Any, snippets: tuple[str, ...] = SNIPPETS) -> bytes:
    """A document as JSON, with its raw parts."""
    text = json.dumps(document)
    while RAW in text:
        before, _, rest = text.partition(f'"{RAW}')
        number, closed, after = rest.partition('"')
        if not closed or not number.isdigit():
            break
        text = before + snippets[int(number) % len(snippets)] + after
    return text.encode("utf-8", "surrogatepass")


def as_yaml(document: Any) -> bytes:
    """A document as YAML, of which JSON is a part, with its raw parts."""
    return as_json(document, YAML)


def json_files(documents: list) -> st.SearchStrategy[bytes]:
    """Files of JSON that are, mostly, still JSON."""
    whole = [as_json(document) for document in documents]
    return _mostly(edited(documents).map(as_json), damaged(whole))


def yaml_files(documents: list) -> st.SearchStrategy[bytes]:
    """Files of YAML that are, mostly, still YAML."""
    whole = [as_yaml(document) for document in documents]
    return _mostly(edited(documents).map(as_yaml), damaged(whole))


def as_csv(rows: list[list[str]], end: str = "\r\n") -> bytes:
    """Rows as CSV, their values as they are."""
    return "".join(f"{','.join(row)}{end}" for row in rows).encode("utf-8", "surrogatepass")


@st.composite
def csv_files(draw: Any, rows: list[list[str]]) -> bytes:
    """A table, first its columns, with one to three rows changed, repeated or added."""
    rows = [list(row) for row in rows]
    for _ in range(draw(st.integers(1, 3))):
        number = draw(st.integers(0, 4 * len(rows))) % len(rows) if draw(st.booleans()) else -1
        row, kind = rows[number], draw(st.integers(0, 7))
        if kind == 0:
            rows[number] = [draw(texts()) for _ in range(draw(st.integers(0, 3)))]
        elif kind == 1:
            rows.insert(number, list(row))
        elif kind == 2:
            row.append(draw(texts()))
        elif kind == 3 and row:
            row.pop()
        elif row:
            value = draw(texts() | st.sampled_from(row) | st.integers(-1, 5).map(str))
            quoted = value.replace('"', '""')
            place = draw(st.integers(0, len(row) - 1))
            row[place] = draw(st.sampled_from((value, f'"{quoted}"')))
    mark = draw(st.sampled_from((b"", b"", b"", b"\xef\xbb\xbf", b"\xff\xfe")))
    return mark + as_csv(rows, draw(st.sampled_from(("\r\n", "\n", "\n", "\r"))))


def _mostly(first: st.SearchStrategy, second: st.SearchStrategy) -> st.SearchStrategy:
    return st.integers(0, 9).flatmap(lambda n: second if n < 2 else first)


INTEGERS = (0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


@st.composite
def damaged(draw: Any, seeds: list[bytes], start: int = 0) -> bytes:
    """One of some files with one to four stretches changed, from byte ``start`` on."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        if len(content) <= start:
            break
        place = draw(st.integers(start, min(len(content) - 1, start + 2**12)))
        kind = draw(st.integers(0, 7))
        length = draw(st.sampled_from((1, 2, 4, 8, 16, 64, 512)))
        if kind == 0:
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == 1:
            content[place] = draw(st.integers(0, 255))
        elif kind == 2:
            size = draw(st.sampled_from((2, 4, 8)))
            value = draw(st.sampled_from(INTEGERS)) % 256**size
            order = draw(st.sampled_from(("little", "big")))
            content[place : place + size] = value.to_bytes(size, order)
        elif kind == 3:
            del content[place:]
        elif kind == 4:
            del content[place : place + length]
        elif kind == 5:
            content[place:place] = draw(st.binary(max_size=16))
        elif kind == 6:
            content[place:place] = content[place : place + length]
        else:
            other = draw(st.sampled_from(seeds))
            content[place : place + length] = other[place : place + length]
    return bytes(content)
