"""`tulou doctor`: one line a check, and status 1 if something is wrong."""

from __future__ import annotations

import argparse

from tulou.cli import options


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    options.add_data(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look at everything. Nothing is changed."""
    from tulou.cli import checks  # noqa: PLC0415 - loads every library; `--help` needs none

    with options.machinery(arguments) as m:
        verdicts = checks.everything(m)
    if arguments.json:
        options.show([{"check": v.check, "verdict": v.level, "detail": v.detail} for v in verdicts], as_json=True)
    else:
        for verdict in verdicts:
            print(f"{verdict.level:<5} {verdict.check}: {verdict.detail}")
    return 1 if any(verdict.level == "FAIL" for verdict in verdicts) else 0
