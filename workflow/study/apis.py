"""Interfaces of third-party models (``models.<id>.api``): their keys and adapters to HEAR's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Api:
    """An interface: keys that an entry must and may have, and what speaks HEAR's API for it."""

    needs: tuple[str, ...]
    takes: tuple[str, ...]
    adapter: str = ""  # file of zoo/; empty if the module has the HEAR API itself
    requires: tuple[str, ...] = ()  # packages that the adapter imports


APIS = {
    "hear": Api(("module",), ("weights", "options")),
    "xares": Api(
        ("module",),
        ("weights", "class_name", "options", "sample_rate", "hop_ms", "first_ms"),
        "zoo/xares_encoder.py",
    ),
    "transformers": Api(
        ("weights",),
        ("block", "hop_ms", "first_ms"),
        "zoo/transformers_folder.py",
        ("transformers",),
    ),
    "onnx": Api(
        ("weights", "sample_rate"),
        ("hop_ms", "first_ms", "output"),
        "zoo/onnx_file.py",
        ("onnxruntime",),
    ),
}
COMMON = ("api", "label", "control", "requires", "environment", "on_request")


def find_api(entry: dict) -> str:
    """Name of the interface of a model's entry, whose keys are checked: ValueError names one."""
    name = entry.get("api", "hear")
    api = APIS[name]
    if missing := [key for key in api.needs if not entry.get(key)]:
        raise ValueError(f"{missing[0]}: expected with api: {name}, found none")
    known = [*api.needs, *api.takes]
    if others := [key for key in entry if key not in (*COMMON, *known)]:
        raise ValueError(f"{others[0]}: not a key with api: {name}, which has {', '.join(known)}")
    return name


def load_options(name: str, entry: dict) -> dict:
    """Keyword arguments of ``load_model`` that an entry gives."""
    api = APIS[name]
    if not api.adapter:
        return entry.get("options", {})
    keys = [key for key in (*api.needs, *api.takes) if key not in ("module", "weights")]
    return {key: entry[key] for key in keys if key in entry}
