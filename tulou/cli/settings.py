"""`tulou settings`: the settings in effect, with secrets masked."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from tulou.cli import options
from tulou.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    options.add_data(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print every setting with its value."""
    settings = options.settings_from(arguments)
    rows = [
        {"setting": field.name, "value": _masked(getattr(settings, field.name)), "changed": _is_changed(settings, field.name)}
        for field in fields(Settings)
    ]
    options.show(rows, as_json=arguments.json)
    return 0


def _masked(value: Any) -> Any:
    """Hide the password in a URL such as postgresql://user:password@host/name."""
    text = value if isinstance(value, (int, str)) else str(value)
    if not isinstance(text, str) or "://" not in text:
        return text
    scheme, _, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    if "@" not in authority:
        return text
    user = authority.rpartition("@")[0].partition(":")[0]
    return f"{scheme}://{user}:***@{authority.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


def _is_changed(settings: Settings, name: str) -> bool:
    return bool(getattr(settings, name) != getattr(Settings(), name))
