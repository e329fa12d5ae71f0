"""Node-local bare repositories: packs linked from the object store, refs written from the database. May be deleted."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pygit2
import sqlalchemy as sa

from tulou.db.engine import Database
from tulou.db.tables import pack, ref, repo
from tulou.fsio import atomic, faults
from tulou.platform.blobs.store import ObjectStore, pack_key
from tulou.platform.git.objects import GitObjects
from tulou.platform.git.touches import Touches

OPEN_REPOSITORIES = 256
_CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n"


@dataclass(slots=True)
class _Open:
    repository: pygit2.Repository
    generation: int
    lock: threading.Lock


class GitCache:
    """Opens repositories by id, brought up to at least a given generation."""

    def __init__(self, root: Path, work: Path, db: Database, store: ObjectStore) -> None:
        self._root = root
        self.work = work
        self.objects = GitObjects()
        self.touches = Touches()
        self._db = db
        self._store = store
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._lock = threading.Lock()

    def path(self, repo_id: str) -> Path:
        """Return the folder of a repository's cache."""
        return self._root / repo_id[-2:] / f"{repo_id}.git"

    def open(self, repo_id: str, generation: int) -> pygit2.Repository:
        """Return the repository with at least every pack that existed at `generation`. Read-only by convention."""
        with self._lock:
            entry = self._open.get(repo_id)
            if entry is not None:
                self._open.move_to_end(repo_id)
        if entry is not None and entry.generation >= generation:
            return entry.repository
        return self._bring_up(repo_id).repository

    def having(self, repo_id: str, generation: int, commit: str) -> pygit2.Repository:
        """Return the repository with this commit in it, even if it landed after `generation` was read.

        Raises KeyError if the repository has no such object.
        """
        with self._lock:
            entry = self._open.get(repo_id)
        # What is here already can be read without bringing the cache up, which takes room on the disk.
        if entry is not None and commit in entry.repository:
            return entry.repository
        repository = self.open(repo_id, generation)
        if commit not in repository:
            repository = self._bring_up(repo_id).repository
            if commit not in repository:
                raise KeyError(commit)
        return repository

    def sync(self, repo_id: str) -> Path:
        """Bring packs and refs up to the database now, and return the folder, for `git upload-pack`."""
        self._bring_up(repo_id)
        return self.path(repo_id)

    def forget(self, repo_id: str) -> None:
        """Drop a repository from memory and disk."""
        with self._lock:
            self._open.pop(repo_id, None)
        atomic.remove_tree(self.path(repo_id))

    def _bring_up(self, repo_id: str) -> _Open:
        with self._lock:
            entry = self._open.get(repo_id)
            if entry is None:
                self._make(self.path(repo_id))
                entry = _Open(pygit2.Repository(str(self.path(repo_id))), -1, threading.Lock())
                self._open[repo_id] = entry
                while len(self._open) > OPEN_REPOSITORIES:
                    self._open.popitem(last=False)
        with entry.lock:
            generation, branch, packs, refs = self._read(repo_id)
            if generation > entry.generation:
                self._link_packs(self.path(repo_id), [name for name, is_live in packs.items() if is_live])
                self._drop_packs(self.path(repo_id), packs)
                self._write_refs(self.path(repo_id), branch, refs)
                # libgit2 looks for new packs only when an object is missing; a fresh handle sees them at once.
                entry.repository = pygit2.Repository(str(self.path(repo_id)))
                entry.generation = generation
        return entry

    def _read(self, repo_id: str) -> tuple[int, str, dict[str, bool], list[tuple[str, str, str]]]:
        with self._db.read() as connection:
            row = connection.execute(sa.select(repo.c.generation, repo.c.default_branch).where(repo.c.id == repo_id)).one()
            packs = connection.execute(sa.select(pack.c.hash, pack.c.retired_at).where(pack.c.repo_id == repo_id))
            names = {p.hash: p.retired_at is None for p in packs}
            refs = connection.execute(sa.select(ref.c.name, ref.c.target, ref.c.peeled).where(ref.c.repo_id == repo_id))
            return row.generation, row.default_branch, names, [(r.name, r.target, r.peeled) for r in refs]

    def _make(self, path: Path) -> None:
        (path / "objects" / "pack").mkdir(parents=True, exist_ok=True)
        (path / "refs").mkdir(exist_ok=True)
        if not (path / "config").exists():
            atomic.replace_cached(path / "config", _CONFIG)
            atomic.replace_cached(path / "HEAD", b"ref: refs/heads/main\n")

    def _link_packs(self, path: Path, packs: list[str]) -> None:
        folder = path / "objects" / "pack"
        for name in packs:
            # The pack before its index: git and libgit2 look for .idx files and then expect the .pack beside them.
            for key, suffix in ((pack_key(name), ".pack"), (pack_key(name)[:-5] + ".idx", ".idx")):
                target = folder / f"pack-{name}{suffix}"
                if not target.exists():
                    self._bring(key, target)

    def _drop_packs(self, path: Path, known: Container[str]) -> None:
        """Delete packs that are forgotten everywhere. Retired ones stay a day: somebody may be reading them just now."""
        for file in (path / "objects" / "pack").glob("pack-*"):
            if file.stem.removeprefix("pack-") not in known:
                atomic.remove(file)

    def _bring(self, key: str, target: Path) -> None:
        source = self._store.local(key)
        if source is not None:
            atomic.link(source, target)
            return
        size = self._store.size(key)
        if size is None:
            raise FileNotFoundError(key)
        temporary = atomic.temporary_file(self.work, "fetch")
        with temporary.open("wb") as file:
            for start in range(0, size, 8 << 20):
                file.write(self._store.read(key, start, 8 << 20))
        atomic.publish(temporary, target)

    def _write_refs(self, path: Path, branch: str, refs: list[tuple[str, str, str]]) -> None:
        lines = ["# pack-refs with: peeled fully-peeled sorted\n"]
        for name, target, peeled in sorted(refs):
            lines.append(f"{target} {name}\n")
            if target != peeled:
                lines.append(f"^{peeled}\n")
        atomic.replace_cached(path / "packed-refs", "".join(lines).encode())
        atomic.replace_cached(path / "HEAD", f"ref: refs/heads/{branch}\n".encode())


@dataclass(frozen=True, slots=True)
class NewPack:
    """A finished pack in a quarantine, not yet published."""

    hash: str
    pack: Path
    index: Path
    size: int
    objects: int


class Quarantine:
    """A throw-away repository that sees everything in the cache and keeps what is new apart."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.repository = pygit2.Repository(str(path))

    def pack(self, oids: list[str], attempt: int = 0) -> NewPack | None:
        """Write the given new objects as one pack. None if there are none. Each attempt has a folder of its own."""
        if not oids:
            return None
        builder = pygit2.PackBuilder(self.repository)
        for oid in oids:
            builder.add(pygit2.Oid(hex=oid))
        folder = self.path / f"out-{attempt}"
        faults.io("mkdir")
        folder.mkdir()
        faults.io("write")
        builder.write(str(folder))
        return found_pack(folder, len(oids))


def found_pack(folder: Path, objects: int) -> NewPack:
    """Describe the one pack that a tool left in `folder`."""
    path = next(folder.glob("pack-*.pack"))
    return NewPack(path.stem.removeprefix("pack-"), path, path.with_suffix(".idx"), path.stat().st_size, objects)


@contextmanager
def quarantine(cache: GitCache, repo_id: str, generation: int) -> Iterator[Quarantine]:
    """Yield a quarantine over a repository, deleted afterwards whatever happens."""
    cache.open(repo_id, generation)
    with empty_quarantine(cache) as box:
        alternate = cache.path(repo_id).resolve() / "objects"
        (box.path / "objects" / "info" / "alternates").write_text(f"{alternate}\n")
        yield Quarantine(box.path)


@contextmanager
def empty_quarantine(cache: GitCache) -> Iterator[Quarantine]:
    """Yield a quarantine over nothing, for the first commit of a repository."""
    with atomic.scratch(cache.work, "quarantine") as path:
        (path / "objects" / "info").mkdir(parents=True)
        (path / "objects" / "pack").mkdir()
        (path / "refs").mkdir()
        (path / "config").write_bytes(_CONFIG)
        (path / "HEAD").write_bytes(b"ref: refs/heads/main\n")
        yield Quarantine(path)
