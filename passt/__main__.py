"""Command line of PaSST: embed a folder of audio, export a network."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from passt import __version__
from passt.export import command as export
from passt.folder import command as embed

# Modules with add_arguments and run; their first lines are the help.
COMMANDS = {"embed": embed, "export": export}


def main(given: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status. Errors are printed as one line, without traceback."""
    parser = argparse.ArgumentParser(prog="python -m passt", description=__doc__)
    parser.add_argument("--version", action="version", version=f"passt {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").partition("\n")[0]
        module.add_arguments(commands.add_parser(name, help=summary, description=summary))
    arguments = parser.parse_args(given)
    try:
        COMMANDS[arguments.command].run(arguments)
    except (ValueError, OSError) as error:
        print(f"passt {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"passt {arguments.command}: stopped; the same command resumes", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
