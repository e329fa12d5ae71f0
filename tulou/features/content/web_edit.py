"""Check, before the web editor commits, that the text is still the one it opened, and may be kept as text."""

from __future__ import annotations

from tulou.features.content import preupload, resolve, revisions, tree
from tulou.features.content.preupload import Candidate
from tulou.features.content.resolve import Location
from tulou.features.repos.model import Repo
from tulou.kernel.errors import BadInput, EntryNotFound, StaleParent
from tulou.kernel.ids import Sha1
from tulou.kernel.names import is_sha1
from tulou.platform.machinery import Machinery


def parent_for(m: Machinery, repo: Repo, revision: str, path: str, seen: str) -> Sha1:
    """Return the commit on which an edit that began at the commit `seen` may go: the head, if nobody changed `path` since.

    Raises StaleParent if somebody did, RevisionNotFound.
    """
    head = revisions.commit_of(m, repo, revision)
    if not is_sha1(seen):
        raise BadInput("The form must name the commit that it was made for.")
    if seen != head and _oid(m, repo, revisions.commit_of(m, repo, seen), path) != _oid(m, repo, head, path):
        raise StaleParent
    return head


def require_text(m: Machinery, repo: Repo, revision: str, path: str, content: bytes) -> None:
    """Raise BadInput if a file of that name belongs in large-file storage, where an editor cannot put it."""
    advice = preupload.advise(m, repo, revision, [Candidate(path, len(content), content[:512])], None)[0]
    if advice.is_large:
        raise BadInput("This repository keeps files of that name in large-file storage: upload the file instead.")


def location(m: Machinery, repo: Repo, commit: Sha1, path: str) -> Location | None:
    """Return where a file is, or None if there is none."""
    try:
        return resolve.locate(m, repo, commit, path)
    except EntryNotFound:
        return None


def _oid(m: Machinery, repo: Repo, commit: Sha1, path: str) -> str | None:
    found = tree.at_paths(m, repo, commit, [path], expand=False)
    return found[0].oid if found else None
