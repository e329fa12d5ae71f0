"""What the commands share: the data folder, JSON output, and the machines of a hub that may be running."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tulou.fsio import atomic
from tulou.platform.machinery import Machinery
from tulou.settings import Settings, load


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add `--data DIR`."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data folder (default: $TULOU_DATA, or ./tulou-data)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def settings_from(arguments: argparse.Namespace, **overrides: Any) -> Settings:
    """Return the settings that the command line, the environment and the data folder say. Raises SettingError."""
    return load(data=arguments.data, **overrides)


@contextmanager
def machinery(arguments: argparse.Namespace) -> Iterator[Machinery]:
    """Open the database and the stores, beside a running hub or without one, and close them again."""
    from tulou.app import open_machinery  # noqa: PLC0415 - loads every library; `tulou settings` needs none

    m = open_machinery(settings_from(arguments))
    try:
        yield m
    finally:
        m.xet.close()
        m.db.close()
        atomic.remove_tree(m.work)


def show(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """Print rows as JSON, or as columns under their names."""
    if as_json:
        print(json.dumps(list(rows), indent=2, ensure_ascii=False))
        return
    if not rows:
        print("(none)")
        return
    table = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return str(value)
