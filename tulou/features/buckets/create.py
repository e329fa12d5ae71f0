"""Make buckets. They are renamed, closed and deleted as every other repository is (content/lifecycle)."""

from __future__ import annotations

import sqlalchemy as sa

from tulou.db.tables import bucket
from tulou.db.tables import repo as repo_table
from tulou.features.access import gate
from tulou.features.audit import record
from tulou.features.content.lifecycle import VISIBILITIES, drop_redirect, live_id
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import AlreadyExists, BadInput
from tulou.kernel.ids import new_id
from tulou.kernel.names import RepoName, fold
from tulou.platform.machinery import Machinery


def create(m: Machinery, actor: Actor, name: RepoName, *, visibility: str | None) -> Repo:
    """Make an empty bucket, as open as the account's default says unless asked otherwise. Raises Forbidden, AlreadyExists.

    One transaction: the bucket is there, or nothing is.
    """
    owner = gate.account_for_new_repo(m, actor, name.account)
    if visibility is not None and visibility not in VISIBILITIES:
        raise BadInput("The visibility of a bucket is public or private.")
    chosen = visibility or owner.default_visibility
    repo_id, now = new_id(), m.clock.now()
    with m.db.write() as tx:
        if live_id(tx, owner, name) is not None:
            raise AlreadyExists("You already created this bucket")
        drop_redirect(tx, name)
        tx.execute(
            sa.insert(repo_table).values(
                id=repo_id, kind=name.kind.value, account_id=owner.id, name=name.name, key=fold(name.name), visibility=chosen,
                created_at=now, updated_at=now,
            )
        )  # fmt: skip
        tx.execute(sa.insert(bucket).values(repo_id=repo_id))
        record.write(tx, m.clock, actor, "repo.create", repo_id, name=name.full, kind=name.kind.value, visibility=chosen)
    return lookup.by_id(m, repo_id)
