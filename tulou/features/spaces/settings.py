"""Variables and secrets of a Space. A secret goes in and is never shown again; only the application gets it."""

from __future__ import annotations

import re

import sqlalchemy as sa

from tulou.db.engine import Tx
from tulou.features.access import gate
from tulou.features.audit import record
from tulou.features.repos.model import Repo
from tulou.features.spaces import change, queries, read
from tulou.features.spaces.model import Setting
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import BadInput, Conflict
from tulou.kernel.limits import SPACE_SETTINGS, SPACE_VALUE
from tulou.platform.machinery import Machinery

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_DESCRIPTION = 2000


def variables(m: Machinery, repo: Repo) -> list[Setting]:
    """Return the variables of a Space, by name."""
    with m.db.read() as connection:
        return [each for each in queries.settings(connection, repo.id) if not each.is_secret]


def secrets(m: Machinery, repo: Repo) -> list[Setting]:
    """Return the names of the secrets of a Space: never their values."""
    with m.db.read() as connection:
        return [each for each in queries.settings(connection, repo.id) if each.is_secret]


def set_variable(m: Machinery, actor: Actor, repo: Repo, name: str, value: str, description: str | None = None) -> None:
    """Set a variable; the application starts again with it. No description: the old one stays. Raises BadInput, Conflict."""
    _set(m, actor, repo, name, value, description, is_secret=False)


def set_secret(m: Machinery, actor: Actor, repo: Repo, name: str, value: str, description: str | None = None) -> None:
    """Set a secret; the application starts again with it. Raises BadInput, Conflict."""
    _set(m, actor, repo, name, value, description, is_secret=True)


def delete_variable(m: Machinery, actor: Actor, repo: Repo, name: str) -> None:
    """Remove a variable, if it is there."""
    _delete(m, actor, repo, name, is_secret=False)


def delete_secret(m: Machinery, actor: Actor, repo: Repo, name: str) -> None:
    """Remove a secret, if it is there."""
    _delete(m, actor, repo, name, is_secret=True)


def check(name: str, value: str, description: str = "") -> None:
    """Raise BadInput unless a variable or secret may be called so and be this long."""
    if not _NAME.fullmatch(name):
        raise BadInput("The name of a variable or secret has 1 to 200 letters, digits or '_', and does not begin with a digit.")
    try:
        size = len(value.encode())
    except UnicodeEncodeError as cause:
        raise BadInput("The value of a variable or secret must be text that UTF-8 can write.") from cause
    if len(description) > _DESCRIPTION or "\0" in description:
        raise BadInput(f"A description has at most {_DESCRIPTION} characters.")
    if size > SPACE_VALUE or "\0" in value:
        raise BadInput(f"The value of a variable or secret has at most {SPACE_VALUE // 1024} KiB, without NUL.")


def purpose(repo_id: str, name: str) -> str:
    """Return what a secret is sealed for."""
    return f"space {repo_id} {name}"


def unsealed(m: Machinery, repo_id: str) -> dict[str, str]:
    """Return the secrets of a Space, for the order that starts its application. Raises SealBroken."""
    with m.db.read() as connection:
        sealed = queries.sealed(connection, repo_id)
    return {name: m.sealer.unseal(purpose(repo_id, name), content).decode() for name, content in sealed.items()}


def put(tx: Tx, m: Machinery, repo_id: str, name: str, value: str, description: str, *, is_secret: bool) -> None:
    """Store a variable or secret whose name and value were checked."""
    queries.put_setting(tx, repo_id, {
        "name": name,
        "value": sa.null() if is_secret else value,
        "sealed": m.sealer.seal(purpose(repo_id, name), value.encode()) if is_secret else sa.null(),
        "description": description,
        "updated_at": m.clock.now(),
    })  # fmt: skip


def _set(m: Machinery, actor: Actor, repo: Repo, name: str, value: str, description: str | None, *, is_secret: bool) -> None:
    gate.check(actor, repo, Action.WRITE)
    check(name, value, description or "")
    read.get(m, repo)
    with m.db.write() as tx:
        space = queries.take(tx, repo.id)
        known = {each.name: each for each in queries.settings(tx.connection, repo.id)}
        old = known.get(name)
        if old is not None and old.is_secret != is_secret:
            raise Conflict(f"This Space has a {'secret' if old.is_secret else 'variable'} of that name. Remove it first.")
        if old is None and len(known) >= SPACE_SETTINGS:
            raise BadInput(f"A Space has at most {SPACE_SETTINGS} variables and secrets.")
        kept = description if description is not None else old.description if old is not None else ""
        put(tx, m, repo.id, name, value, kept, is_secret=is_secret)
        record.write(tx, m.clock, actor, f"space.{'secret' if is_secret else 'variable'}.set", repo.id, key=name)
        if space is not None:
            change.restart(tx, m, space)


def _delete(m: Machinery, actor: Actor, repo: Repo, name: str, *, is_secret: bool) -> None:
    gate.check(actor, repo, Action.WRITE)
    read.get(m, repo)
    with m.db.write() as tx:
        space = queries.take(tx, repo.id)
        old = queries.setting(tx.connection, repo.id, name)
        if space is None or old is None or old.is_secret != is_secret:
            return  # it is not there, which is what was asked for
        queries.delete_setting(tx, repo.id, name)
        record.write(tx, m.clock, actor, f"space.{'secret' if is_secret else 'variable'}.delete", repo.id, key=name)
        change.restart(tx, m, space)
