"""Look at Spaces."""

from __future__ import annotations

from collections.abc import Iterable

from tulou.features.repos.model import Repo
from tulou.features.runs import read as runs
from tulou.features.runs.model import Run
from tulou.features.spaces import change, queries
from tulou.features.spaces.model import Space
from tulou.kernel.errors import BadInput
from tulou.kernel.names import RepoKind
from tulou.platform.machinery import Machinery


def get(m: Machinery, repo: Repo) -> Space:
    """Return the Space of a repository, made if its creation is not noticed yet. Raises BadInput for other kinds."""
    if repo.name.kind is not RepoKind.SPACE:
        raise BadInput("Only a Space has an application.")
    found = by_id(m, repo.id)
    if found is None:
        change.create(m, repo)
        found = by_id(m, repo.id)
    if found is None:
        raise BadInput("This Space is being deleted.")
    return found


def by_id(m: Machinery, repo_id: str) -> Space | None:
    """Return a Space by its repository, or None."""
    with m.db.read() as connection:
        return queries.get(connection, repo_id)


def many(m: Machinery, repo_ids: Iterable[str]) -> dict[str, Space]:
    """Return the Spaces of several repositories, by id. One query."""
    with m.db.read() as connection:
        return queries.many(connection, repo_ids)


def by_slug(m: Machinery, slug: str) -> Space | None:
    """Return the Space whose host name begins with this label. Ask the gate whether the visitor may see it."""
    known = m.cache.get("space.slug", slug)
    if isinstance(known, Space):
        return known
    mark = m.cache.mark()
    with m.db.read() as connection:
        found = queries.by_slug(connection, slug)
    m.cache.put(mark, "space.slug", slug, found)
    return found


def run(m: Machinery, space: Space) -> Run | None:
    """Return the run of the application that serves visitors, or did last; None if none ever ran. Ask its phase."""
    return runs.get(m, space.run_id) if space.run_id else None
