"""What can be said about a Space when it is made: hardware, sleep, variables, secrets, volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tulou.features.repos.model import Repo
from tulou.features.runs import flavors
from tulou.features.spaces import change, control, queries, read, settings, volumes
from tulou.features.spaces.model import Volume
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput
from tulou.kernel.limits import SPACE_SETTINGS
from tulou.platform.machinery import Machinery


@dataclass(frozen=True, slots=True)
class Value:
    """A variable or secret to be set."""

    name: str
    value: str
    description: str
    is_secret: bool


@dataclass(frozen=True, slots=True)
class Options:
    """Checked options; nothing is set by default."""

    hardware: str | None = None
    sleep_seconds: int | None = None
    values: tuple[Value, ...] = ()
    volumes: tuple[Volume, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when nothing was asked for."""
        return self == Options()


def check(
    m: Machinery, actor: Actor, *, hardware: str | None = None, sleep_seconds: int | None = None,
    secrets: list[dict[str, Any]] | None = None, variables: list[dict[str, Any]] | None = None,
    wanted_volumes: list[dict[str, Any]] | None = None,
) -> Options:  # fmt: skip
    """Return options that can be applied, before anything is made. Raises BadInput, RepoNotFound, NotBuilt."""
    if hardware is not None:
        flavors.get(m, hardware)
    if sleep_seconds is not None:
        control.check_sleep(sleep_seconds)
    values = [
        *(_value(each, is_secret=True) for each in secrets or []),
        *(_value(each, is_secret=False) for each in variables or []),
    ]
    if len(values) > SPACE_SETTINGS:
        raise BadInput(f"A Space has at most {SPACE_SETTINGS} variables and secrets.")
    if len({each.name for each in values}) != len(values):
        raise BadInput("Two variables or secrets have the same name.")
    return Options(hardware, sleep_seconds, tuple(values), volumes.parse(m, actor, wanted_volumes or []))


def apply(m: Machinery, repo: Repo, options: Options) -> None:
    """Set what was asked for on a Space that was just made, in one transaction.

    A crash between the making and this leaves a Space without its settings, whose owner got no answer and can set them.
    """
    if options.is_empty:
        return
    read.get(m, repo)
    with m.db.write() as tx:
        space = queries.take(tx, repo.id)
        for each in options.values:
            settings.put(tx, m, repo.id, each.name, each.value, each.description, is_secret=each.is_secret)
        chosen = {"hardware": options.hardware, "sleep_seconds": options.sleep_seconds}
        columns: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
        if options.volumes:
            columns["volumes"] = queries.dump_volumes(options.volumes)
        if space is not None and space.building is not None:
            # A copy has an application from the start: its build may have begun without its variables.
            change.stop_runs(tx, m, space)
            columns |= {"commit": None, "building": "{}"}
        queries.change(tx, repo.id, changed_at=m.clock.now(), **columns)
        change.soon(tx, m, repo.id)


def _value(wanted: dict[str, Any], *, is_secret: bool) -> Value:
    name, value, description = wanted.get("key"), wanted.get("value"), wanted.get("description") or ""
    if not isinstance(name, str) or not isinstance(value, str) or not isinstance(description, str):
        raise BadInput("A variable or secret has a 'key' and a 'value', and may have a 'description'.")
    settings.check(name, value, description)
    return Value(name, value, description, is_secret)
