"""Make, rename, close, copy and delete repositories."""

from __future__ import annotations

import re

import sqlalchemy as sa

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import account, pack, redirect, ref, repo_file, repo_object, repo_tag
from tulou.db.tables import repo as repo_table
from tulou.features.access import gate
from tulou.features.accounts.model import Account
from tulou.features.audit import record
from tulou.features.content.commit import signature
from tulou.features.content.land import publish_pack
from tulou.features.quota import use
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.features.repos.naming import index_name
from tulou.fsio.faults import point
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import AlreadyExists, BadInput
from tulou.kernel.events import RepoChanged, RepoCreated, RepoDeleted
from tulou.kernel.ids import Sha1, new_id
from tulou.kernel.names import RepoKind, RepoName, fold
from tulou.platform.events import outbox
from tulou.platform.git.cache import NewPack, empty_quarantine
from tulou.platform.git.write import Put, TreeWriter
from tulou.platform.machinery import Machinery
from tulou.wire.default_gitattributes import default_gitattributes

VISIBILITIES = frozenset({"public", "private"})
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")
SDKS = frozenset({"gradio", "streamlit", "docker", "static"})


def create(
    m: Machinery, actor: Actor, name: RepoName, *, visibility: str | None, sdk: str | None = None, license_id: str | None = None
) -> Repo:
    """Make a repository with its first commit, which has a card if there is something to say. Raises Forbidden, AlreadyExists.

    # 1 pack of the first commit published   2 one transaction: repo + ref + pack + event + audit   3 answer
    # Crash before 2: an unreferenced pack, collected later. After 2: everything is there.
    """
    owner = gate.account_for_new_repo(m, actor, name.account)
    if visibility is not None and visibility not in VISIBILITIES:
        raise BadInput("The visibility of a repository is public or private.")
    if name.kind is RepoKind.SPACE and sdk not in SDKS:
        raise BadInput("A Space needs an 'sdk': gradio, streamlit, docker or static.")
    with empty_quarantine(m.git) as box:
        writer = TreeWriter(box.repository)
        files = {".gitattributes": Put(writer.blob(default_gitattributes(name.kind).encode()))}
        card = _first_card(name, sdk, license_id)
        if card:
            files["README.md"] = Put(writer.blob(card.encode()))
        tree = writer.apply(None, dict(files))
        commit = writer.commit(tree, [], signature(m, actor), "initial commit")
        pack_made = box.pack(writer.new)
        if pack_made is None:
            raise RuntimeError("the first commit has no objects")
        with m.turnstile.publishing():
            publish_pack(m, pack_made)
            point("create.published")
            repo_id = _insert(m, actor, owner, name, visibility or owner.default_visibility, sdk, commit, pack_made)
    m.wake()
    return lookup.by_id(m, repo_id)


def change(m: Machinery, actor: Actor, repo: Repo, *, visibility: str | None = None, gated: str | None = None) -> None:
    """Change who may see a repository, or gate its content ('' opens it, 'auto' and 'manual' close it)."""
    values: dict[str, str] = {}
    if visibility is not None:
        if visibility not in VISIBILITIES:
            raise BadInput("The visibility of a repository is public or private.")
        values["visibility"] = visibility
    if gated is not None:
        if gated not in {"", "auto", "manual"}:
            raise BadInput("The field 'gated' is false, 'auto' or 'manual'.")
        values["gated"] = gated
    if not values:
        return
    with m.db.write() as tx:
        tx.execute(sa.update(repo_table).where(repo_table.c.id == repo.id).values(**values))
        report_change(tx, m, actor, repo, "settings", values)


def move(m: Machinery, actor: Actor, old: RepoName, new: RepoName) -> Repo:
    """Give a repository another name or owner; the old name leads to it until somebody takes it. Raises AlreadyExists."""
    repo = gate.repo(m, actor, old, Action.ADMIN)
    owner = gate.account_for_new_repo(m, actor, new.account)
    with m.db.write() as tx:
        taken = live_id(tx, owner, new)
        if taken is not None and taken != repo.id:
            raise AlreadyExists(f"A {new.kind.value} repository called {new.full} already exists")
        drop_redirect(tx, new)
        values = {"account_id": owner.id, "name": new.name, "key": fold(new.name)}
        if owner.id != repo.account_id:
            size = tx.execute(sa.select(repo_table.c.storage_bytes).where(repo_table.c.id == repo.id)).scalar_one()
            use.require(tx, m, owner.id, size)
        tx.execute(sa.update(repo_table).where(repo_table.c.id == repo.id).values(**values))
        index_name(tx, repo.id, fold(new.name))
        if fold(repo.name.full) != fold(new.full):
            insert_or_ignore(
                tx,
                redirect,
                {
                    "kind": old.kind.value,
                    "account_key": fold(repo.name.account),
                    "key": fold(repo.name.name),
                    "repo_id": repo.id,
                    "created_at": m.clock.now(),
                },
            )
        report_change(tx, m, actor, repo, "name", {"from": repo.name.full, "to": new.full})
    return lookup.by_id(m, repo.id)


def delete(m: Machinery, actor: Actor, name: RepoName) -> None:
    """Delete a repository. Its name is free at once; its bytes stay through the grace period."""
    repo = gate.repo(m, actor, name, Action.ADMIN)
    with m.db.write() as tx:
        tx.execute(sa.update(repo_table).where(repo_table.c.id == repo.id).values(deleted_at=m.clock.now()))
        tx.execute(sa.delete(redirect).where(redirect.c.repo_id == repo.id))
        index_name(tx, repo.id, "")
        outbox.append(tx, m.clock, RepoDeleted(repo.id, actor.user_id))
        record.write(tx, m.clock, actor, "repo.delete", repo.id, name=repo.name.full, kind=repo.name.kind.value)
        tx.on_commit(m.wake)


def duplicate(m: Machinery, actor: Actor, source: Repo, new: RepoName, *, visibility: str | None) -> Repo:
    """Copy a repository with its history and large files, without copying a byte: objects are shared. Raises AlreadyExists.

    Unless asked for another `visibility`, the copy is no more open than the source; a gate it always keeps.
    """
    gate.check(actor, source, Action.READ_CONTENT)
    owner = gate.account_for_new_repo(m, actor, new.account)
    if visibility is not None and visibility not in VISIBILITIES:
        raise BadInput("The visibility of a repository is public or private.")
    repo_id = new_id()
    with m.db.write() as tx:
        if live_id(tx, owner, new) is not None:
            raise AlreadyExists(f"A {new.kind.value} repository called {new.full} already exists")
        drop_redirect(tx, new)
        row = tx.execute(sa.select(repo_table).where(repo_table.c.id == source.id)).mappings().one()
        use.require(tx, m, owner.id, row["storage_bytes"])
        now = m.clock.now()
        fresh = {
            "id": repo_id,
            "account_id": owner.id,
            "name": new.name,
            "key": fold(new.name),
            "visibility": visibility or ("private" if source.is_private else owner.default_visibility),
            "generation": 1,
            "created_at": now,
            "updated_at": now,
            "downloads": 0,
            "downloads_all": 0,
            "likes": 0,
        }
        tx.execute(sa.insert(repo_table).values({**row, **fresh}))
        index_name(tx, repo_id, fold(new.name))
        _copy_rows(tx, source.id, repo_id)
        outbox.append(tx, m.clock, RepoCreated(repo_id, actor.user_id))
        record.write(tx, m.clock, actor, "repo.duplicate", repo_id, source=source.name.full, name=new.full)
        tx.on_commit(m.wake)
    return lookup.by_id(m, repo_id)


def _copy_rows(tx: Tx, source: str, target: str) -> None:
    """Give the copy everything that the source's branches and tags reach. Pull requests and unfinished uploads stay."""
    shared = (
        (ref, sa.not_(ref.c.name.startswith("refs/pr/"))),
        (pack, pack.c.retired_at.is_(None)),
        (repo_object, repo_object.c.committed.is_(True)),
        (repo_file, sa.true()),
        (repo_tag, sa.true()),
    )
    for table, condition in shared:
        columns = [c for c in table.c if c.name != "repo_id"]
        rows = sa.select(sa.literal(target).label("repo_id"), *columns).where(table.c.repo_id == source, condition)
        tx.execute(sa.insert(table).from_select(["repo_id", *(c.name for c in columns)], rows))


def _insert(
    m: Machinery, actor: Actor, owner: Account, name: RepoName, visibility: str, sdk: str | None, commit: Sha1, made: NewPack
) -> str:
    repo_id, now = new_id(), m.clock.now()
    with m.db.write() as tx:
        if live_id(tx, owner, name) is not None:
            raise AlreadyExists(f"You already created this {name.kind.value} repo")
        drop_redirect(tx, name)
        use.require(tx, m, owner.id, made.size)
        tx.execute(
            sa.insert(repo_table).values(
                id=repo_id,
                kind=name.kind.value,
                account_id=owner.id,
                name=name.name,
                key=fold(name.name),
                visibility=visibility,
                sdk=sdk,
                generation=1,
                created_at=now,
                updated_at=now,
                storage_bytes=made.size,
            )
        )
        index_name(tx, repo_id, fold(name.name))
        tx.execute(sa.insert(ref).values(repo_id=repo_id, name="refs/heads/main", target=commit, peeled=commit, updated_at=now))
        tx.execute(sa.insert(pack).values(repo_id=repo_id, hash=made.hash, size=made.size, objects=made.objects, created_at=now))
        outbox.append(tx, m.clock, RepoCreated(repo_id, actor.user_id))
        record.write(tx, m.clock, actor, "repo.create", repo_id, name=name.full, kind=name.kind.value, visibility=visibility)
    return repo_id


def live_id(tx: Tx, owner: Account, name: RepoName) -> str | None:
    """Return the id of the repository that has this name now. The owner's row is taken, so that two creations queue up."""
    tx.execute(sa.select(account.c.id).where(account.c.id == owner.id).with_for_update())
    mine = sa.and_(repo_table.c.kind == name.kind.value, repo_table.c.account_id == owner.id, repo_table.c.key == fold(name.name))
    return tx.execute(sa.select(repo_table.c.id).where(mine, repo_table.c.deleted_at.is_(None))).scalar()


def drop_redirect(tx: Tx, name: RepoName) -> None:
    """A name that is used again leads nowhere else any more."""
    tx.execute(
        sa.delete(redirect).where(
            redirect.c.kind == name.kind.value, redirect.c.account_key == fold(name.account), redirect.c.key == fold(name.name)
        )
    )


def report_change(tx: Tx, m: Machinery, actor: Actor, repo: Repo, what: str, detail: dict[str, str]) -> None:
    """Tell the others, and the audit log, that something about a repository changed."""
    outbox.append(tx, m.clock, RepoChanged(repo.id, actor.user_id, what))
    record.write(tx, m.clock, actor, f"repo.{what}", repo.id, **detail)
    tx.on_commit(m.wake)


def _first_card(name: RepoName, sdk: str | None, license_id: str | None) -> str:
    """Return the front matter that is known from the start; nothing if there is none."""
    if license_id is not None and not _LICENSE.fullmatch(license_id):
        raise BadInput("That is not the name of a license.")
    is_space = name.kind is RepoKind.SPACE and sdk is not None
    lines = [f"title: {name.name}", f"sdk: {sdk}"] if is_space else []
    lines += [f"license: {license_id}"] if license_id else []
    return "\n".join(["---", *lines, "---", ""]) if lines else ""
