"""Check of the extra packages that a model's entry requires."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import InvalidRequirement, Requirement


def check_requirements(requires: Iterable[str]) -> dict[str, str]:
    """Check a model's additional requirements; return the installed versions.

    Each entry of ``requires`` holds the arguments of ``pip install``: a requirement, after any
    options ("--no-deps torchcrepe==0.0.24"). ValueError if an entry is malformed, or not installed
    in a matching version; the message gives the installation command.
    """
    installed = {}
    for text in requires:
        words = text.split()
        options = [word for word in words if word.startswith("-")]
        try:
            requirement = Requirement(" ".join(word for word in words if word not in options))
        except (InvalidRequirement, RecursionError) as error:
            said = f"{text[:200]!r} is not what pip install takes: {str(error)[:200]}"
            raise ValueError(f"requires: {said}") from None
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            found = None
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            command = " ".join(["pip install", *options, f'"{requirement}"'])
            raise ValueError(
                f"requires {requirement}, found {found or 'no such package'}; install it with: "
                f"{command}; or give the model an environment of its own (models.<id>.environment)"
            )
        installed[requirement.name] = found
    return installed
