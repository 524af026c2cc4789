"""Environments of models: specification, name and creation.

Requires the standard library only: the study is read before anything is installed.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hear.files import write_json

RECORD = "environment.json"
LOG_LINES = 12  # of a failed installation, shown in the message
CONDAS = ("micromamba", "mamba", "conda")  # the first that is there is called
LIST_PACKAGES = (
    "import importlib.metadata as m, json, platform;"
    "print(json.dumps([platform.python_version(),"
    " {d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}]))"
)
FIND_NUMPY = "import numpy"
# Of pip that a file of requirements may have; they hold for all requirements.
OPTIONS = tuple(
    "-i --index-url --extra-index-url --no-index -f --find-links --trusted-host -c --constraint "
    "--pre --prefer-binary --no-binary --only-binary --require-hashes --use-feature".split()
)
INCLUDES = ("-r", "--requirement")
EDITABLE = ("-e", "--editable")


@dataclass(frozen=True)
class Environment:
    """Specification of an environment: pip requirements, or the text of a conda file.

    ``python`` is a version such as ``3.11``; empty for this process's version.
    """

    requirements: tuple[str, ...] = ()
    python: str = ""
    conda: str = ""

    @property
    def name(self) -> str:
        """Hash of the specification, 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


def read_environment(entry: dict) -> Environment | None:
    """Read ``environment`` of a model's entry; None for an existing ``interpreter``.

    ``requirements`` is a file as pip reads it or the list of its lines; files that it includes are
    read, too, and other paths in it are relative to the working directory. ``conda`` is a file,
    ``python`` a version. ValueError if a file is unreadable, a version invalid, or the keys
    contradict each other.
    """
    given = [key for key in ("requirements", "conda", "interpreter") if key in entry]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise ValueError(f"expected one of requirements, conda and interpreter, found {found}")
    python = entry.get("python", "")
    if python and given != ["requirements"]:
        raise ValueError(f"python goes with requirements only, found it with {given[0]}")
    if python and not re.fullmatch(r"3\.\d+", python):
        raise ValueError(f"python: expected a version such as '3.11', found {python!r}")
    if given == ["interpreter"]:
        if not Path(entry["interpreter"]).is_file():
            raise ValueError(f"interpreter: no such file: {entry['interpreter']}")
        return None
    if given == ["conda"]:
        return Environment(conda=_text(entry["conda"]))
    given_lines = entry["requirements"]
    if isinstance(given_lines, str):
        return Environment(tuple(_lines_of(Path(given_lines))), python)
    return Environment(tuple(_lines(given_lines, Path(), ())), python)


def _lines_of(path: Path, including: tuple[Path, ...] = ()) -> Iterator[str]:
    """Requirements and options in a file and in those that it includes."""
    if path.resolve() in including:
        raise ValueError(f"{path}: includes itself")
    joined = re.sub(r"\\\n", " ", _text(str(path)))
    try:
        yield from _lines(joined.splitlines(), path.parent, (*including, path.resolve()))
    except ValueError as error:  # of a file that it includes
        raise ValueError(f"{path}: {error}") from error


def _lines(lines: Iterable[str], folder: Path, including: tuple[Path, ...]) -> Iterator[str]:
    for line in lines:
        line = " ".join(re.sub(r"(^|\s)#.*", "", line).split())
        option, _, value = line.replace("=", " ", 1).partition(" ")
        if option in INCLUDES:
            yield from _lines_of(folder / value.strip(), including)
        elif line:
            yield line


def make_environment(environment: Environment, folder: Path) -> None:
    """Create an environment; its record (``RECORD``) is written last and names its Python.

    ValueError if there is no Python of that version, or with the last lines of a failed
    installation; a failed installation is removed.
    """
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        if environment.conda:
            python = _make_conda(environment, folder)
        else:
            python = _make_venv(environment, folder)
        version, packages = list_packages(python)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    print(f"environment {environment.name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    facts = {"python": str(python), "version": version, "packages": packages}
    write_json(folder / RECORD, asdict(environment) | facts)


def list_packages(python: Path | str) -> tuple[str, dict[str, str]]:
    """Version of a Python interpreter, and the version of each package in its environment.

    ValueError, with the path of the interpreter, if it cannot be asked for them.
    """
    said = _output([python, "-I", "-c", LIST_PACKAGES])
    try:
        version, packages = json.loads(said)
        facts = [version, *packages, *packages.values()]
    except (ValueError, TypeError, AttributeError, RecursionError):
        facts = [None]
    if not all(isinstance(fact, str) for fact in facts):
        raise ValueError(f"{python}: expected a list of its packages as JSON, found {said!r:.200}")
    return version, packages


def _make_venv(environment: Environment, folder: Path) -> Path:
    base = find_python(environment.python)
    _run([base, "-m", "venv", folder], "python -m venv")
    python = folder / "bin" / "python"
    pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    install: list[str | Path] = [python, *pip]
    # Requirements are resolved together, with all options that a file of requirements may have;
    # others, such as --no-deps, hold for their own line.
    lines = environment.requirements
    common = [line for line in lines if _is_option(line, OPTIONS)]
    editable = [line for line in lines if _is_option(line, EDITABLE)]
    plain = [line for line in lines if not line.startswith("-")]
    options = [word for line in common for word in shlex.split(line)]
    if plain or editable:
        file = folder / "requirements.txt"
        file.write_text("\n".join(plain), encoding="utf-8")
        edited = [word for line in editable for word in shlex.split(line)]
        said = " ".join([*common, *editable, *plain])
        _run([*install, *options, *edited, "-r", file], f"pip install {said}")
    for line in lines:
        if line.startswith("-") and line not in (*common, *editable):
            words = shlex.split(line.replace(" @ ", "@"))
            _run([*install, *options, *words], f"pip install {line}")
    if subprocess.run([python, "-I", "-c", FIND_NUMPY], capture_output=True).returncode:
        _run([*install, *options, "numpy"], "pip install numpy")  # what the worker needs
    return python


def _is_option(line: str, options: Sequence[str]) -> bool:
    return re.split(r"[\s=]", line, maxsplit=1)[0] in options


def _make_conda(environment: Environment, folder: Path) -> Path:
    conda = next((found for name in CONDAS if (found := shutil.which(name))), None)
    if conda is None:
        raise ValueError(f"expected {', '.join(CONDAS[:-1])} or {CONDAS[-1]} on PATH, found none")
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = folder.with_suffix(".yaml")
    file.write_text(environment.conda, encoding="utf-8")
    try:
        _run([conda, "env", "create", "--yes", "--prefix", folder, "--file", file], "conda")
    finally:
        file.unlink()
    return folder / "bin" / "python"


def find_python(version: str) -> str:
    """Path of a Python with the version, from PATH; this process's if it matches or is empty."""
    if not version or version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    for name in (f"python{version}", "python3", "python"):
        found = shutil.which(name)
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        if found and _output([found, "-I", "-c", code]).strip() == version:
            return found
    raise ValueError(f"expected python{version} on PATH, found none")


def _run(command: Sequence[str | Path], what: str) -> None:
    """Run a command, passing on its output; ValueError with its last lines if it fails."""
    last: deque[str] = deque(maxlen=LOG_LINES)
    try:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise ValueError(f"{what}: {error}") from error
    assert process.stdout is not None  # it is a pipe
    with process:
        for line in process.stdout:
            last.append(line.rstrip())
            print(line, end="", file=sys.stderr)
    if process.returncode:
        raise ValueError("\n  ".join([f"{what} failed; its last lines:", *last]))


def _output(command: Sequence[str | Path]) -> str:
    """What a command prints; nothing if it fails or does not start."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
