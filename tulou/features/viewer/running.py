"""Run children on a commit until everything of it was looked at, and keep what they make."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tulou.features.content import revisions
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.features.viewer import queries, shelf, state
from tulou.features.viewer.source import Source
from tulou.features.viewer.state import Trouble
from tulou.fsio import atomic
from tulou.kernel.errors import NotFound, RepoNotFound, RevisionNotFound
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import VIEWER_CHILD_MEMORY, VIEWER_LOOK_SECONDS, VIEWER_PASS_BYTES_A_SECOND, VIEWER_PASS_SECONDS
from tulou.kernel.names import RepoKind
from tulou.platform.blobs.store import blob_key
from tulou.platform.machinery import Machinery
from tulou.platform.tabular.readers import Closing
from tulou.platform.tabular.run import Child, Died, Job

_DEATHS = 8
"""A child that dies takes the split that it was about with it; so many may, then the whole commit counts as unreadable."""
_LOOK_AGAIN = 2.0
_DIED = {
    "memory": Trouble("JobManagerCrashedError", "The data needs more memory than the viewer may use."),
    "time": Trouble("JobManagerExceededMaximumDurationError", "The data takes longer to read than the viewer may work on it."),
    "crash": Trouble("JobManagerCrashedError", "The program that reads the data ended unexpectedly."),
}
_GONE = Trouble("FileSystemError", "A file of the dataset cannot be read from the store of this hub.")


def head(m: Machinery, repo_id: str) -> tuple[Repo, Sha1] | None:
    """Return a dataset and the commit that is shown of it; None when it is deleted, empty, or something else."""
    try:
        repo = lookup.by_id(m, repo_id)
        return (repo, revisions.head(m, repo)) if repo.name.kind is RepoKind.DATASET else None
    except (RepoNotFound, RevisionNotFound):
        return None


def fail(m: Machinery, found: Source, trouble: Trouble) -> None:
    """Note that nothing of a commit can be shown, and why."""
    with m.db.write() as tx:
        queries.change(
            tx, found.repo.id, found.commit, state="failed", problem=state.facts(trouble), finished_at=m.clock.now()
        )  # fmt: skip


@dataclass(slots=True)
class Run:
    """One or more children on one commit: when one dies of a split, the next goes on behind it."""

    m: Machinery
    found: Source
    is_look: bool
    at: tuple[int, str] | None = None
    failed: bool = False
    _looked_at: float = field(default_factory=time.monotonic)

    @property
    def folder(self) -> Path:
        """The folder of the commit in the cache."""
        return shelf.folder_of(self.m, self.found.repo.id, self.found.commit)

    def go(self) -> bool:
        """Run until all is done; False when a newer push makes it pointless."""
        for _attempt in range(_DEATHS):
            self.at = None
            try:
                with self.m.readers.child() as child:
                    child.run(self._job(), lambda told: self._hear(child, told), stop=self._is_stale)
            except NotFound:
                fail(self.m, self.found, _GONE)
                return True
            except Died as death:
                if self.m.readers.is_closed:
                    raise Closing from death  # no fault of the data: the task runs again at the next start
                if self._is_stale(now=True):
                    return False
                self._bury(death)
            else:
                return True
            if self.failed:
                return True
        fail(self.m, self.found, _DIED["crash"])
        return True

    def _job(self) -> Job:
        seconds = VIEWER_LOOK_SECONDS if self.is_look else VIEWER_PASS_SECONDS + self.found.size // VIEWER_PASS_BYTES_A_SECOND
        return Job(
            name=self.found.repo.name.name,
            origin=f"hf://datasets/{self.found.repo.name.full}@{self.found.commit}/",
            files=self.found.files,
            linkable=self.found.linkable(self.m),
            skip=self._finished(),
            shown=self._there(".first-rows.json"),
            look=self.is_look,
            read=lambda number, start, length: self.found.read(self.m, number, start, length),
            memory=VIEWER_CHILD_MEMORY,
            seconds=seconds,
        )

    def _there(self, ending: str) -> list[tuple[int, str]]:
        """Return the splits of which the cache has a file that ends so."""
        view = state.of(self.m, self.found.repo, self.found.commit)
        splits = [(config.number, split.name) for config in (view.configs if view else ()) for split in config.splits or ()]
        return [(at, name) for at, name in splits if (self.folder / str(at) / f"{name}{ending}").exists()]

    def _finished(self) -> list[tuple[int, str]]:
        view = state.of(self.m, self.found.repo, self.found.commit)
        splits = [(config.number, split) for config in (view.configs if view else ()) for split in config.splits or ()]
        failed = [(at, split.name) for at, split in splits if split.state == "failed"]
        return failed + self._there(".first-rows.json" if self.is_look else "/manifest.json")

    def _is_stale(self, *, now: bool = False) -> bool:
        if not now and time.monotonic() - self._looked_at < _LOOK_AGAIN:
            return False
        self._looked_at = time.monotonic()
        now_at = head(self.m, self.found.repo.id)
        return now_at is None or now_at[1] != self.found.commit

    def _bury(self, death: Died) -> None:
        trouble = _DIED[death.how]
        if self.at is None:
            fail(self.m, self.found, trouble)
            self.failed = True
        else:
            self._change_split(*self.at, state="failed", problem=state.facts(trouble))

    def _hear(self, child: Child, told: dict[str, Any]) -> None:
        hear = {
            "layout": self._layout, "config": self._config, "config-failed": self._config_failed, "begin": self._begin,
            "first-rows": self._first_rows, "progress": self._progress, "split": self._split, "split-failed": self._split_failed,
            "failed": self._failed,
        }.get(told["what"])  # fmt: skip
        if hear is not None:
            hear(child.folder, told)

    def _layout(self, _folder: Path, told: dict[str, Any]) -> None:
        names = [_text(name) for name in told["configs"]]
        default = told["default"]
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic.replace_cached(self.folder / "configs.json", orjson.dumps(names))
        with self.m.db.write() as tx:
            queries.put_configs(tx, self.found.repo.id, self.found.commit, names)
            queries.change(tx, self.found.repo.id, self.found.commit, default_config=None if default is None else str(default))

    def _config(self, _folder: Path, told: dict[str, Any]) -> None:
        names = [_text(name, 200) for name in told["splits"]]
        with self.m.db.write() as tx:
            queries.put_splits(tx, self.found.repo.id, self.found.commit, int(told["config"]), names)
            queries.change_config(
                tx, self.found.repo.id, self.found.commit, int(told["config"]), builder=str(told["builder"])[:40]
            )

    def _config_failed(self, _folder: Path, told: dict[str, Any]) -> None:
        with self.m.db.write() as tx:
            number = int(told["config"])
            queries.change_config(tx, self.found.repo.id, self.found.commit, number, problem=_checked(told["problem"]))

    def _begin(self, _folder: Path, told: dict[str, Any]) -> None:
        self.at = (int(told["config"]), str(told["split"]))

    def _first_rows(self, folder: Path, told: dict[str, Any]) -> None:
        at, split = self._told(told)
        with self._taken(folder / "first" / str(at) / split) as made:
            for name in (f"{split}.first-media", f"{split}.first-rows.json"):
                if (made / name).exists():
                    atomic.move_cached(made / name, self.folder / str(at) / name)
        self._change_split(at, split, features=told["features"])

    @contextmanager
    def _taken(self, path: Path) -> Iterator[Path]:
        """Yield what a child has made at another place, where it can change nothing any more."""
        with atomic.scratch(self.m.work, "taken") as place:
            atomic.move_cached(path, place / "made")
            try:
                _take(place / "made")
            except OSError as cause:
                raise Died("crash") from cause
            yield place / "made"

    def _progress(self, _folder: Path, told: dict[str, Any]) -> None:
        self._change_split(*self._told(told), rows=int(told["rows"]))

    def _split(self, folder: Path, told: dict[str, Any]) -> None:
        at, split = self._told(told)
        manifest = dict(told["manifest"])
        with self._taken(folder / "splits" / str(at) / split) as made:
            manifest["parts"] = [self._part(made, number, part) for number, part in enumerate(manifest["parts"])]
            atomic.replace_cached(made / "manifest.json", orjson.dumps(manifest))
            atomic.move_cached(made, self.folder / str(at) / split)
        self._change_split(
            at, split, state="ready", problem=None, features=manifest["features"], rows=int(manifest["num_rows"]),
            source_bytes=int(manifest["source_bytes"]), memory_bytes=int(manifest["memory_bytes"]),
            parquet_bytes=sum(int(part["bytes"]) for part in manifest["parts"]),
            sources=[str(path) for path in told["sources"]],
        )  # fmt: skip

    def _part(self, folder: Path, number: int, part: dict[str, Any]) -> dict[str, Any]:
        """Return a part as the manifest names it; one that is a file of the commit gets a second name here."""
        name = f"{number:04}.parquet"
        if "link" in part:
            stored = self.found.of_path(self.m, str(part["link"])).stored
            local = self.m.store.local(blob_key(stored.sha256)) if stored is not None else None
            if local is None:
                raise Died("crash")
            atomic.link(local, folder / name)
        elif part["file"] != name or not (folder / name).is_file():
            raise Died("crash")
        return {"file": name, "rows": int(part["rows"]), "bytes": (folder / name).stat().st_size}

    def _split_failed(self, _folder: Path, told: dict[str, Any]) -> None:
        self._change_split(*self._told(told), state="failed", problem=_checked(told["problem"]))

    def _failed(self, _folder: Path, told: dict[str, Any]) -> None:
        self.failed = True
        with self.m.db.write() as tx:
            queries.change(
                tx, self.found.repo.id, self.found.commit, state="failed", problem=_checked(told["problem"]),
                finished_at=self.m.clock.now(),
            )  # fmt: skip

    def _told(self, told: dict[str, Any]) -> tuple[int, str]:
        """Return the place that a message is about, which must be the one that the child said it begins."""
        place = (int(told["config"]), str(told["split"]))
        if place != self.at or "/" in place[1] or place[1].startswith("."):
            raise Died("crash")
        return place

    def _change_split(self, at: int, split: str, **values: Any) -> None:
        with self.m.db.write() as tx:
            queries.change_split(tx, self.found.repo.id, self.found.commit, at, split, **values)


def _take(path: Path) -> None:
    """Make files that a child has written ours. Raises Died unless there are only files and folders.

    A child that was taken over could have put links to files of the hub there.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        mode = os.fstat(fd).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise Died("crash")
        if os.geteuid() == 0:
            os.fchown(fd, 0, os.getegid())
        os.fchmod(fd, 0o755 if stat.S_ISDIR(mode) else 0o644)
        names = os.listdir(fd) if stat.S_ISDIR(mode) else []  # noqa: PTH208 - of this very folder
    finally:
        os.close(fd)
    for name in names:
        _take(path / name)


def _text(value: Any, limit: int = 1_000) -> str:
    """Return a name that a child told, if a database can keep it."""
    if not isinstance(value, str) or len(value) > limit or "\0" in value:
        raise Died("crash")
    return value


def _checked(problem: dict[str, Any]) -> dict[str, str | None]:
    """Return a problem that a child told, cut to what is kept."""
    names = ("code", "message", "cause", "cause_message")
    return {name: None if problem.get(name) is None else str(problem[name])[:2_000] for name in names}
