"""The `tulou` command: find the subcommand, load only that, and turn problems into one line and an exit status."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from tulou import __version__
from tulou.kernel.errors import HubError, SettingError

COMMANDS = {
    "up": "run the hub",
    "seed": "load users, organizations, members and tokens from a file",
    "user": "add, list and change users",
    "org": "add and list organizations and their members",
    "token": "make, list and revoke access tokens",
    "link": "make a one-time sign-in link for a user",
    "image": "bring in images for jobs and Spaces",
    "demo": "add or remove the demo content",
    "settings": "print the settings in effect",
    "doctor": "check that everything is in order",
    "gc": "delete stored bytes that nothing refers to any more",
    "routes": "print every address the hub answers",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0 fine, 1 refused or failed, 2 wrong usage or settings."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0 if words else 2
    if words[0] in {"-V", "--version"}:
        print(f"tulou {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print("tulou: there is no such command. Try: tulou --help", file=sys.stderr)
        return 2
    # Whatever a command makes in the data folder is for the hub's own user only.
    os.umask(0o077)
    return _run(words[0], words[1:])


def usage() -> str:
    """Return the text of `tulou --help`."""
    lines = [f"  {name:<10} {what}" for name, what in COMMANDS.items()]
    more = "`tulou COMMAND --help` says more. Settings: tulou.toml in the data folder, and TULOU_* variables."
    return "\n".join(["usage: tulou COMMAND …", "", *lines, "", more])


def parser_of(name: str) -> argparse.ArgumentParser:
    """Return the argument parser of one command."""
    parser = argparse.ArgumentParser(prog=f"tulou {name}", description=COMMANDS[name].capitalize() + ".")
    importlib.import_module(f"tulou.cli.{name}").configure(parser)
    return parser


def _run(name: str, words: list[str]) -> int:
    try:
        arguments = parser_of(name).parse_args(words)
        return int(importlib.import_module(f"tulou.cli.{name}").run(arguments))
    except SettingError as problem:
        print(f"tulou: {problem.message}", file=sys.stderr)
        return 2
    except HubError as problem:
        print(f"tulou: {problem.message}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # `tulou … | head` is no failure; without this Python complains while it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
