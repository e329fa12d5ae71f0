"""Turn what people call a revision into a commit."""

from __future__ import annotations

from tulou.features.repos import lookup
from tulou.features.repos.model import Ref, Repo
from tulou.kernel.errors import RevisionNotFound
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import REF_BYTES
from tulou.kernel.names import is_sha1, is_sha1_prefix
from tulou.platform.git import objects
from tulou.platform.machinery import Machinery


def refs(m: Machinery, repo: Repo) -> dict[str, Ref]:
    """Return every ref of a repository by its full name."""
    known = m.cache.get("refs", repo.id)
    if isinstance(known, dict):
        return known
    mark = m.cache.mark()
    found = {ref.name: ref for ref in lookup.refs(m, repo)}
    m.cache.put(mark, "refs", repo.id, found)
    return found


def ref_of(m: Machinery, repo: Repo, revision: str) -> Ref | None:
    """Return the branch, tag or full ref of that name, or None. Branches win over tags."""
    known = refs(m, repo)
    if revision.startswith("refs/"):
        return known.get(revision)
    return known.get(f"refs/heads/{revision}") or known.get(f"refs/tags/{revision}")


def commit_of(m: Machinery, repo: Repo, revision: str) -> Sha1:
    """Return the commit of a branch, tag, full ref, or full or short commit id. Raises RevisionNotFound."""
    found = ref_of(m, repo, revision)
    if found is not None:
        return Sha1(found.peeled)
    if len(revision) > REF_BYTES or not is_sha1_prefix(revision):
        raise RevisionNotFound(f"Invalid rev id: {revision}" if _is_printable(revision) else None)
    commit = _by_id(m, repo, revision)
    if commit is None:
        raise RevisionNotFound
    return commit


def head(m: Machinery, repo: Repo) -> Sha1:
    """Return the commit of the default branch. Raises RevisionNotFound in a repository without one."""
    return commit_of(m, repo, repo.default_ref)


def _by_id(m: Machinery, repo: Repo, oid: str) -> Sha1 | None:
    if not is_sha1(oid):
        return objects.expand_prefix(m.git.open(repo.id, repo.generation), oid)
    try:
        repository = m.git.having(repo.id, repo.generation, oid)
    except KeyError:
        return None
    return Sha1(oid) if objects.is_commit(repository, oid) else None


def _is_printable(revision: str) -> bool:
    return revision.isascii() and revision.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum()
