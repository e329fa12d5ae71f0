"""Open pull requests by upload: a number, and a ref `refs/pr/N` that readers may commit to.

Reviewing, merging and discussing come with the discussions slice.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from tulou.db.engine import Tx, insert_or_ignore
from tulou.db.tables import pull
from tulou.features.content.commit import Target, commit_to_new_ref
from tulou.features.content.land import RefChange, land
from tulou.features.content.revisions import commit_of, ref_of
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import Conflict, RevisionNotFound
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import NAME_CHARS
from tulou.platform.machinery import Machinery
from tulou.wire.hf_commit import Header, Operation


def commit_as_pull(
    m: Machinery, actor: Actor, repo: Repo, revision: str, header: Header, operations: Iterable[Operation]
) -> tuple[Sha1, int]:
    """Commit on top of a branch into a new pull request. Returns the commit and the number."""
    parent = _base(m, repo, revision)
    number = next_number(m, repo)
    target = Target(f"refs/pr/{number}", None, parent)
    oid = commit_to_new_ref(m, actor, repo, target, header, operations, lambda tx: _insert(tx, m, actor, repo, number, header))
    return oid, number


def open_pull(m: Machinery, actor: Actor, repo: Repo, title: str, description: str) -> int:
    """Open an empty pull request at the head of the default branch and return its number."""
    parent = commit_of(m, repo, repo.default_ref)
    number = next_number(m, repo)
    header = Header(title, description, None)
    change = RefChange(f"refs/pr/{number}", None, parent)
    land(m, actor, repo, action="pull.open", changes=[change], also=lambda tx: _insert(tx, m, actor, repo, number, header))
    return number


def author_of(m: Machinery, repo: Repo, ref: str) -> str | None:
    """Return the id of who opened the pull request behind `refs/pr/N`, or None for any other ref."""
    number = ref.removeprefix("refs/pr/")
    if number == ref or not (number.isascii() and number.isdigit()) or len(number) > NAME_CHARS:
        return None
    with m.db.read() as connection:
        query = sa.select(pull.c.author_id).where(pull.c.repo_id == repo.id, pull.c.num == int(number[:9]))
        return connection.execute(query).scalar()


def next_number(m: Machinery, repo: Repo) -> int:
    """Return the number that the next pull request will have. Two at once collide on its key, and one is refused."""
    with m.db.read() as connection:
        return (connection.execute(sa.select(sa.func.max(pull.c.num)).where(pull.c.repo_id == repo.id)).scalar() or 0) + 1


def _base(m: Machinery, repo: Repo, revision: str) -> Sha1:
    found = ref_of(m, repo, revision)
    if found is None or found.name.startswith("refs/tags/"):
        raise RevisionNotFound
    return Sha1(found.peeled)


def _insert(tx: Tx, m: Machinery, actor: Actor, repo: Repo, number: int, header: Header) -> None:
    values = {
        "repo_id": repo.id, "num": number, "author_id": actor.user_id, "title": header.summary,
        "description": header.description, "created_at": m.clock.now(),
    }  # fmt: skip
    if insert_or_ignore(tx, pull, values) != 1:
        raise Conflict("Another pull request was opened at the same moment. Please try again.")
