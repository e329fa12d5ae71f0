"""`tulou routes`: every address the hub answers, with who may use it. The reference in docs is made of this."""

from __future__ import annotations

import argparse

from tulou.cli import options
from tulou.kernel.actor import Action


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from tulou.app import routes  # noqa: PLC0415 - loads every dialect; `--help` needs none

    rows = [
        {
            "methods": ",".join(route.methods),
            "pattern": route.pattern,
            "access": route.access.name.lower() if isinstance(route.access, Action) else route.access.value,
            "sign-in": route.login.value,
            "budget": route.budget.value,
        }
        for route in sorted(routes(), key=lambda route: (route.pattern, route.methods))
    ]
    options.show(rows, as_json=arguments.json)
    return 0
