"""List what is in a repository at a commit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pygit2

from tulou.features.content import objects as large
from tulou.features.repos.model import Repo
from tulou.kernel.errors import EntryNotFound
from tulou.kernel.ids import Sha1
from tulou.platform.git import history
from tulou.platform.git.history import Commit
from tulou.platform.git.objects import Child, children
from tulou.platform.git.objects import walk as walk_git
from tulou.platform.machinery import Machinery
from tulou.wire.lfs import LfsPointer


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder. `size` is that of the real content; `xet_hash` is set when xet clients can fetch it by chunks."""

    path: str
    oid: Sha1
    is_folder: bool
    size: int = 0
    lfs: LfsPointer | None = None
    xet_hash: str | None = None
    last_commit: Commit | None = None
    is_submodule: bool = False
    """A commit of another repository: there is nothing to read here."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing, and the cursor of the next."""

    entries: list[Entry]
    cursor: str | None


def listing(
    m: Machinery, repo: Repo, commit: Sha1, path: str, *, recursive: bool, expand: bool, limit: int, cursor: str | None
) -> Page:
    """Return one page of a folder, or of everything below it. `cursor` is the last path of the page before.

    Raises EntryNotFound if there is no such path.
    """
    repository = m.git.having(repo.id, repo.generation, commit)
    folder = m.git.objects.at(repository, commit, path)
    if folder is None:
        raise EntryNotFound(f"{path} does not exist" if path.isprintable() else None, commit=commit)
    prefix = f"{path}/" if path else ""
    if not folder.is_folder:
        found = [(path, folder)]
    elif recursive:
        everything = _everything(m, repository, folder.oid, prefix)
        start = bisect_right(everything, cursor, key=lambda pair: pair[0]) if cursor is not None else 0
        found = everything[start : start + limit + 1]
    else:
        inside = _children(m, repository, folder.oid)
        start = bisect_right(inside, cursor, key=lambda child: prefix + child.name) if cursor is not None else 0
        found = [(prefix + child.name, child) for child in inside[start : start + limit + 1]]
    entries = describe(m, repo, repository, found[:limit])
    if expand:
        entries = _with_commits(m, repository, commit, entries)
    return Page(entries, found[limit - 1][0] if len(found) > limit else None)


def at_paths(m: Machinery, repo: Repo, commit: Sha1, paths: list[str], *, expand: bool) -> list[Entry]:
    """Return those of the paths that exist, in the order asked."""
    repository = m.git.having(repo.id, repo.generation, commit)
    found = [(p, child) for p in paths if p and (child := m.git.objects.at(repository, commit, p)) is not None]
    entries = describe(m, repo, repository, found)
    return _with_commits(m, repository, commit, entries) if expand else entries


def walk(m: Machinery, repo: Repo, commit: Sha1) -> Iterator[Entry]:
    """Yield every file at a commit, in git's order."""
    repository = m.git.having(repo.id, repo.generation, commit)
    root = m.git.objects.at(repository, commit, "")
    if root is None:
        return
    batch: list[tuple[str, Child]] = []
    for path, child in walk_git(repository, root.oid):
        if not child.is_folder:
            batch.append((path, child))
        if len(batch) == 1000:
            yield from describe(m, repo, repository, batch)
            batch = []
    yield from describe(m, repo, repository, batch)


def paths(m: Machinery, repo: Repo, commit: Sha1) -> list[str]:
    """Return the path of every file at a commit, sorted; cheaper than `walk`, which also looks at the files."""
    repository = m.git.having(repo.id, repo.generation, commit)
    root = m.git.objects.at(repository, commit, "")
    return [path for path, child in _everything(m, repository, root.oid, "") if not child.is_folder] if root else []


def describe(m: Machinery, repo: Repo, repository: pygit2.Repository, found: Iterable[tuple[str, Child]]) -> list[Entry]:
    """Add sizes, LFS names and xet hashes to entries, with one query for all of them."""
    entries: list[Entry] = []
    for path, child in found:
        if child.is_folder:
            entries.append(Entry(path, child.oid, is_folder=True))
        elif child.is_link and child.oid not in repository:  # a submodule: its commit lives elsewhere
            entries.append(Entry(path, child.oid, is_folder=False, is_submodule=True))
        else:
            blob = m.git.objects.blob(repository, child.oid)
            entries.append(Entry(path, child.oid, is_folder=False, size=blob.size, lfs=blob.pointer))
    stored = large.find_many(m, repo, [e.lfs.oid for e in entries if e.lfs])
    if not stored:
        return entries
    return [_with_xet(entry, stored) if entry.lfs else entry for entry in entries]


def _with_xet(entry: Entry, stored: dict[str, large.StoredObject]) -> Entry:
    known = stored.get(entry.lfs.oid) if entry.lfs else None
    if known is None or known.xet_hash is None:
        return entry
    return Entry(entry.path, entry.oid, entry.is_folder, entry.size, entry.lfs, known.xet_hash)


def _with_commits(m: Machinery, repository: pygit2.Repository, commit: Sha1, entries: list[Entry]) -> list[Entry]:
    last = history.last_commits(repository, m.git.touches, commit, [e.path for e in entries])
    return [Entry(e.path, e.oid, e.is_folder, e.size, e.lfs, e.xet_hash, last.get(e.path), e.is_submodule) for e in entries]


def _children(m: Machinery, repository: pygit2.Repository, tree: Sha1) -> list[Child]:
    """Return a folder's entries sorted by name, kept for the next page."""
    known = m.git.objects.folders.get(tree)
    if known is None:
        known = sorted(children(repository, tree), key=lambda c: c.name)
        m.git.objects.folders.put(tree, known, len(known) + 10)
    return known


def _everything(m: Machinery, repository: pygit2.Repository, tree: Sha1, prefix: str) -> list[tuple[str, Child]]:
    known = m.git.objects.walks.get((tree, prefix))
    if known is None:
        known = sorted(walk_git(repository, tree, prefix), key=lambda pair: pair[0])
        m.git.objects.walks.put((tree, prefix), known, len(known) + 10)
    return known

