"""Look into buckets: their totals, their files by path, and the bytes of one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tulou.features.access import gate
from tulou.features.accounts.model import Account
from tulou.features.buckets import queries
from tulou.features.buckets.model import File, Folder, Overview
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import EntryNotFound, RepoNotFound
from tulou.kernel.names import fold
from tulou.platform.machinery import Machinery

Entry = File | Folder
_AFTER_SLASH = chr(ord("/") + 1)


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and where the next page begins; None after the last."""

    entries: list[Entry]
    cursor: str | None


def overview(m: Machinery, bucket: Repo) -> Overview:
    """Return the totals of a bucket that came from the gate. Raises RepoNotFound when it is gone by now."""
    with m.db.read() as connection:
        found = queries.overview(connection, bucket.id)
    if found is None:
        raise RepoNotFound
    return found


def of_account(m: Machinery, actor: Actor, owner: Account, *, word: str, after: str, limit: int) -> list[Overview]:
    """Return up to `limit` buckets of an account that `actor` may see, by name, after the one called `after`."""
    with m.db.read() as connection:
        return queries.overviews(connection, owner.id, gate.visible_repos(actor), fold(word), fold(after), limit)


def everything(m: Machinery, bucket: Repo, prefix: str, *, cursor: str | None, limit: int) -> Page:
    """Return files whose path begins with `prefix`, by path."""
    start = prefix if cursor is None else cursor
    with m.db.read() as connection:
        rows = queries.files_from(connection, bucket.id, max(start, prefix), inclusive=cursor is None, limit=limit + 1)
    files = [file for file in rows if file.path.startswith(prefix)]
    return Page(list(files[:limit]), files[limit - 1].path if len(files) > limit else None)


def level(m: Machinery, bucket: Repo, prefix: str, *, cursor: str | None, limit: int) -> Page:
    """Return one level of files and folders whose path begins with `prefix`, by path.

    The level is that of what lies in the folder `prefix`: for `a/b`, files like `a/b.txt` and `a/b/x` and the folder `a/b/c`.
    The prefix is matched letter by letter, as object stores do: `a/b` also finds `a/bc/x`.
    """
    depth = prefix.rstrip("/").count("/") + 2 if prefix else 1
    start, inclusive, chunk = prefix, True, limit + 1
    if cursor is not None and cursor >= prefix:
        start, inclusive = _resume(cursor)
    places: dict[str, File] = {}
    with m.db.read() as connection:
        while len(places) <= limit:
            rows = queries.files_from(connection, bucket.id, start, inclusive=inclusive, limit=chunk)
            found = {_place(file.path, depth): file for file in rows if file.path.startswith(prefix)}
            places |= found
            if not found or len(rows) < chunk:
                break
            # A folder with many files would fill the next chunk as well: go on behind it, and ask for less at a time.
            start, inclusive = _resume(list(found)[-1])
            chunk = min(limit + 1, 2 * len(found) + 2)
        shown = list(places)[:limit]
        last = queries.last_uploads(connection, bucket.id, [place[:-1] for place in shown if place.endswith("/")])
    entries = [Folder(place[:-1], last[place[:-1]]) if place.endswith("/") else places[place] for place in shown]
    return Page(entries, shown[-1] if len(places) > limit else None)


def _place(path: str, depth: int) -> str:
    """Return what stands for a file at a level: its path, or that of the folder it is in, with a slash at the end."""
    parts = path.split("/", depth)
    return path if len(parts) <= depth else "/".join(parts[:depth]) + "/"


def _resume(place: str) -> tuple[str, bool]:
    """Return where to read on: after a file, or behind everything in a folder."""
    return (place[:-1] + _AFTER_SLASH, True) if place.endswith("/") else (place, False)


def at_paths(m: Machinery, bucket: Repo, paths: list[str]) -> list[File]:
    """Return the files at those of the paths that have one, in the order asked."""
    with m.db.read() as connection:
        found = {file.path: file for file in queries.files_at(connection, bucket.id, paths)}
    return [found[path] for path in dict.fromkeys(paths) if path in found]


def file(m: Machinery, bucket: Repo, path: str) -> File:
    """Return one file. Raises EntryNotFound."""
    found = at_paths(m, bucket, [path])
    if not found:
        raise EntryNotFound("There is no such file in this bucket.")
    return found[0]


def read(m: Machinery, found: File, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes `start` to `end` (exclusive) of a file in blocks, with bounded memory."""
    return m.xet.stream(found.xet_hash, start, end)
