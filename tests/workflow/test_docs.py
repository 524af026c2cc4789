"""The pages: links between files and pages, pages made from other files, the built site."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import soundfile
import yaml
from PIL import Image

from analysis.exhibits.registry import EXHIBITS
from hear.tasks.audio_checks import check_audio
from hear.tasks.folder import read_task
from mini.registry import find_mini_task
from mini.task import SCALE_1
from mini.writer import write_task
from workflow.commands import pages, readme
from workflow.commands.pages import configuration, gallery, relink

ROOT = Path(__file__).parents[2]
HAS_MKDOCS = all(importlib.util.find_spec(name) for name in ("mkdocs", "mkdocstrings", "material"))


@pytest.mark.parametrize(
    ("source", "page", "link", "expected"),
    (
        ("README.md", "index.md", "docs/tasks.md#checks", "[x](tasks.md#checks)"),
        ("README.md", "index.md", "results/README.md", "[x](results.md)"),
        ("docs/a.md", "a.md", "../README.md", "[x](index.md)"),
        ("docs/a.md", "a.md", f"../{pages.SCHEMA}", "[x](configuration.md)"),
        ("docs/a.md", "a.md", "../passt/mel.py", "[x](api/passt.md#passt.mel)"),
        ("docs/large/README.md", "large/README.md", "../tasks.md", "[x](../tasks.md)"),
        ("docs/a.md", "a.md", "../LICENSE", "x"),  # a file without a page
        ("docs/a.md", "a.md", "../NOTHING", "[x](../NOTHING)"),  # left for MkDocs to find
        ("docs/a.md", "a.md", "https://a.org/b.md", "[x](https://a.org/b.md)"),
        ("docs/a.md", "a.md", "#there", "[x](#there)"),
    ),
)
def test_links_to_files_become_links_to_pages(source, page, link, expected):
    shown = {"index.md", "tasks.md", "results.md", "configuration.md", "api/passt.md"}
    assert relink(f"[x]({link})", source, page, shown) == expected


def test_every_key_of_the_schema_is_in_the_reference():
    schema = yaml.safe_load((ROOT / pages.SCHEMA).read_text())
    text = configuration(schema)

    def check(properties, above=""):
        for key, facts in properties.items():
            description = " ".join(facts["description"].split()).replace("<", "&lt;")
            assert f"`{above}{key}`" in text and description in text, key

    check(schema["properties"])
    for key, facts in schema["properties"].items():
        assert f"## `{key}` {{#{key}}}" in text
        check(facts.get("properties", {}))
    for entry in schema["$defs"].values():
        check(entry["properties"])
    check(schema["$defs"]["model"]["properties"]["environment"]["properties"], "environment.")


def test_the_gallery_shows_what_exists_with_numbers_and_function(tmp_path):
    figure, table = (next(e for e in EXHIBITS if e.kind == kind) for kind in ("figure", "table"))
    for folder in ("results/mini", "docs/mini_large"):
        for file in (*figure.page_files, *table.page_files):
            (tmp_path / folder / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / file).write_text(file)
    made = gallery(tmp_path)
    text = made.pop("gallery.md")
    assert made == {
        f"gallery/mini/{file}": file.encode() for file in (*figure.page_files, *table.page_files)
    }
    for at in ("gallery/mini", "mini_large"):
        assert f"({at}/{figure.id}.svg)" in text and f"({at}/{table.csv})" in text
    assert f"#{figure.drawing.replace(':', '.')})" in text
    assert "Official" not in text


def test_every_generated_table_has_a_place():
    texts = {page: (ROOT / page).read_text() for page in readme.PAGES}
    for name in (*readme.TABLES, "speeds", "agreement", "rules", "spectrograms"):
        readme.insert(texts, name, f"| {name} |")
        assert sum(f"| {name} |" in text for text in texts.values()) == 1
    with pytest.raises(ValueError, match=r"README.md.*expected the markers <!-- other: begin"):
        readme.insert(texts, "other", "")


def test_spectrograms_are_small_pictures_of_clips_with_different_labels(tmp_path):
    task = find_mini_task("gunshot_triangulation")
    few = replace(task, n_clips=dict.fromkeys(task.n_clips, 4))
    write_task(few, tmp_path / "tasks" / task.slug, 0, SCALE_1, False)
    text = readme.spectrograms(tmp_path / "tasks", tmp_path / "pictures")
    (picture,) = (tmp_path / "pictures").iterdir()
    assert f"](pictures/{picture.name})" in text
    (folder,) = (tmp_path / "tasks" / "gunshot_triangulation").iterdir()
    assert read_task(folder).metadata["stands_for"] in text
    titles = [axes.get_title() for axes in readme.draw_clips(folder).axes]
    assert len(set(titles)) == readme.N_CLIPS
    assert len(Image.open(picture).getcolors()) <= readme.N_COLORS


def test_the_script_for_a_folder_of_recordings_makes_a_task_that_passes_the_checks(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for label, rate_hz, n_channels in (("dog", 16000, 1), ("rain, heavy", 44100, 2)):
        folder = tmp_path / "sounds" / label
        folder.mkdir(parents=True)
        for i in range(5):
            sound = rng.uniform(-0.5, 0.5, (rate_hz // 5 + i, n_channels))
            soundfile.write(folder / f"{i}.wav", sound, rate_hz)
    script = re.search(r"```python\n(.*?)```", (ROOT / "docs/tasks.md").read_text(), re.DOTALL)
    exec(compile(script.group(1), "docs/tasks.md", "exec"), {})
    task = read_task("tasks/my_task-v1-full")
    assert task.labels == ("dog", "rain, heavy")
    assert {split: len(clips) for split, clips in task.clips.items()} == {
        "train": 6,
        "valid": 2,
        "test": 2,
    }
    assert check_audio(task, progress=False)["n_clips"] == 10


@pytest.mark.slow
def test_the_recipes_apply_and_their_results_work(tmp_path):
    clone = tmp_path / "clone"
    rooms = ("analysis", "config", "hear", "mini", "passt", "workflow")
    for room in rooms:
        shutil.copytree(ROOT / room, clone / room, ignore=shutil.ignore_patterns("__pycache__"))
    diffs = re.findall(r"```diff\n(.*?)```", (ROOT / "docs/extend.md").read_text(), re.DOTALL)
    for diff in diffs:
        git = ["git", "-c", "core.autocrlf=false", "apply", "-C1", "-"]
        done = subprocess.run(git, cwd=clone, input=diff, text=True, capture_output=True)
        assert not done.returncode, done.stderr
    (clone / "summary.csv").write_text("model,task,normalized_score\na,t,0.5\na,u,0.7\n")
    program = """
import numpy as np, pandas as pd, torch, yaml
from analysis.exhibits.make import load
from analysis.exhibits.registry import find_exhibit
from analysis.exhibits.text import FigureText
from hear.metrics.registry import METRICS
from mini.registry import find_mini_task
from passt.checkpoints import RELEASED
import loud
metric = METRICS["top3_acc"]
target, prediction = np.eye(5)[:4], np.tile([5.0, 4.0, 3.0, 2.0, 1.0], (4, 1))
assert metric.primary(target, prediction) == 0.75
weights = np.ones((2, 4), np.float32)
assert metric.bootstrap(target, prediction, weights=weights).tolist() == [0.75, 0.75]
assert metric.chance_level(np.array([5, 4, 3, 2, 1]), 15) == 0.8
figure, numbers = load(find_exhibit("figures/spread").drawing)(
    pd.read_csv("summary.csv"), FigureText("x", "study x", "run")
)
assert len(figure.axes) == 1 and numbers["place"].tolist() == [1, 2]
assert RELEASED["passt_new"].hop == 160
clip = find_mini_task("beeps").recipe(np.random.default_rng(0), "train", 1)
assert clip.labels == ["440"]
embeddings, times = loud.get_timestamp_embeddings(torch.zeros(2, 16000), loud.load_model())
assert embeddings.shape == (2, 21, 2) and times.shape == (2, 21)
assert yaml.safe_load(open("loud.yaml"))["models"]["loud"]["module"] == "loud.py"
"""
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, cwd=clone, capture_output=True, text=True)
    assert not done.returncode, done.stderr


class _Page(HTMLParser):
    """Addresses and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.anchors |= {known[name] for name in ("id", "name") if name in known}
        if tag == "a" and "href" in known:
            self.links.add(known["href"])
        elif tag == "link" and known.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.add(known["href"])
        elif "src" in known:
            self.loaded.add(known["src"])


@pytest.mark.slow
@pytest.mark.skipif(not HAS_MKDOCS, reason="requirements-docs.txt is not installed (make docs)")
def test_the_site_builds_strictly_loads_nothing_remote_and_its_links_lead_somewhere(tmp_path):
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert not done.returncode, done.stdout + done.stderr
    found = {path: _Page(path.read_text()) for path in tmp_path.rglob("*.html")}
    assert len(found) > 20
    for path, page in found.items():
        for address in page.links | page.loaded:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                assert address in page.links - page.loaded, f"{path.name} loads {address}"
                continue
            root = tmp_path if parts.path.startswith("/") else path.parent  # as the page 404 has it
            target = root / unquote(parts.path).lstrip("/") if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{path.relative_to(tmp_path)}: no {address}"
            if parts.fragment and target.suffix == ".html" and target.resolve() in found:
                anchors = found[target.resolve()].anchors
                assert unquote(parts.fragment) in anchors, f"{path.name}: no place {address}"
    for style in tmp_path.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", style.read_text()), style
