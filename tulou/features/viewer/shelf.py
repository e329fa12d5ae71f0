"""Where the tables of a commit lie in the cache, and what is in them. Written by the pass; may be deleted at any time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tulou.features.repos.model import Repo
from tulou.kernel.ids import Sha1
from tulou.platform.machinery import Machinery
from tulou.wire.media import sniff

_SPLIT = re.compile(r"\w[\w.-]{0,199}")


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of a split."""

    path: Path
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class Split:
    """The rows of one split of one configuration at one commit."""

    config: str
    name: str
    folder: Path
    features: dict[str, Any]
    """The Hub's description of each column, in order."""
    rows: int
    parts: tuple[Part, ...]
    is_partial: bool

    @property
    def index(self) -> Path | None:
        """The folder of its full-text index; None for a split without text."""
        folder = self.folder / "search"
        return folder if folder.is_dir() else None

    def statistics(self) -> dict[str, Any] | None:
        """Return the answer of /statistics, if the pass has written it."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "statistics.json").read_bytes())
        except FileNotFoundError:
            return None
        return found


def folder_of(m: Machinery, repo_id: str, commit: Sha1) -> Path:
    """Return the folder of everything about a commit."""
    return m.settings.data.resolve() / "cache" / "viewer" / repo_id / commit


def configs(m: Machinery, repo: Repo, commit: Sha1) -> list[str] | None:
    """Return the names of the configurations whose tables may be here; None before the pass has come so far."""
    try:
        found: list[str] = json.loads((folder_of(m, repo.id, commit) / "configs.json").read_bytes())
    except FileNotFoundError:
        return None
    return found


def splits(m: Machinery, repo: Repo, commit: Sha1, *, first: str = "") -> Iterator[Split]:
    """Yield every split that is ready, those of the configuration `first` before the others."""
    names = configs(m, repo, commit) or []
    folder = folder_of(m, repo.id, commit)
    for at in sorted(range(len(names)), key=lambda at: (names[at] != first, at)):
        for path in sorted((folder / str(at)).glob("*/manifest.json")):
            yield _read(path.parent)


def find(m: Machinery, repo: Repo, commit: Sha1, config: str, split: str) -> Split | None:
    """Return a split that is ready, or None."""
    names = configs(m, repo, commit) or []
    if config not in names or not _SPLIT.fullmatch(split):
        return None
    try:
        found = _read(folder_of(m, repo.id, commit) / str(names.index(config)) / split)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if all(part.path.exists() for part in found.parts) else None


def first_media(
    m: Machinery, repo: Repo, commit: Sha1, config: str, split: str, place: tuple[int, int, int]
) -> tuple[str, bytes] | None:
    """Return the type and the bytes of a file in a cell of the first rows, by row, column and number; None when it is not there.

    They are kept apart from the tables: they are shown before those are made.
    """
    names = configs(m, repo, commit) or []
    if config not in names or not _SPLIT.fullmatch(split):
        return None
    folder = folder_of(m, repo.id, commit) / str(names.index(config)) / f"{split}.first-media"
    try:
        found = (folder / "-".join(map(str, place))).read_bytes()
    except FileNotFoundError:
        return None
    return sniff(found).type, found


def _read(folder: Path) -> Split:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    parts = tuple(Part(folder / part["file"], int(part["rows"]), int(part["bytes"])) for part in manifest["parts"])
    return Split(
        config=manifest["config"],
        name=manifest["split"],
        folder=folder,
        features=manifest["features"],
        rows=int(manifest["num_rows"]),
        parts=parts,
        is_partial=bool(manifest["partial"]),
    )
