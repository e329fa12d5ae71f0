"""`tulou link`: a one-time sign-in link for a user."""

from __future__ import annotations

import argparse
from pathlib import Path

from tulou.cli import options
from tulou.features.accounts import links
from tulou.features.accounts import lookup as accounts
from tulou.kernel.actor import SYSTEM


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    parser.add_argument("user", help="whom to sign in")
    options.add_data(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the link; it works once, within a day."""
    with options.machinery(arguments) as m:
        secret = links.make(m, SYSTEM, accounts.user(m, arguments.user))
        base = m.settings.public_url or _running_at(m.settings.data) or f"http://{m.settings.host}:{m.settings.port}"
    print(f"{base}/one-time/{secret}")
    return 0


def _running_at(data: Path) -> str | None:
    """Return the address that a hub on this folder has written down: `tulou up --port` may have chosen another."""
    try:
        lines = (data / "lock").read_text().splitlines()
    except FileNotFoundError:
        return None
    return lines[1] if len(lines) > 1 else None
