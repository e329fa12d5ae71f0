"""What the pass reads of a commit: its files by number, and the mark by which two commits with the same data are known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tulou.features.content import resolve, tree
from tulou.features.content.resolve import Location
from tulou.features.repos.model import Repo
from tulou.features.viewer.state import Trouble
from tulou.kernel.errors import EntryNotFound, TooLarge, WireError
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import CARD_BYTES, VIEWER_FILES
from tulou.platform.blobs.store import blob_key
from tulou.platform.machinery import Machinery
from tulou.wire import frontmatter

VERSION = "1"
"""Part of every mark: what an older pass made is made again when this changes."""
CARD = "README.md"
_NOT_DATA = frozenset({CARD, ".gitattributes", ".gitignore", "LICENSE"})


@dataclass(frozen=True, slots=True)
class Source:
    """The files of a commit, sorted by path. `refused` says why nobody should look at them at all."""

    repo: Repo
    commit: Sha1
    files: list[tuple[str, int]]
    fingerprint: str
    refused: Trouble | None
    _found: dict[int, Location] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all data files."""
        return sum(size for path, size in self.files if path not in _NOT_DATA)

    def read(self, m: Machinery, number: int, start: int, length: int) -> bytes:
        """Return bytes of a file."""
        location = self.location(m, number)
        return b"".join(resolve.read(m, self.repo, location, start, min(start + length, location.size)))

    def location(self, m: Machinery, number: int) -> Location:
        """Return where a file is."""
        found = self._found.get(number)
        if found is None:
            found = self._found[number] = resolve.locate(m, self.repo, self.commit, self.files[number][0])
        return found

    def of_path(self, m: Machinery, path: str) -> Location:
        """Return where a file is, by its path. Raises EntryNotFound."""
        return resolve.locate(m, self.repo, self.commit, path)

    def linkable(self, m: Machinery) -> list[str]:
        """Return those Parquet files that lie on this machine as a whole: the viewer reads them where they are."""
        found = []
        for number, (path, _) in enumerate(self.files):
            if path.endswith(".parquet"):
                stored = self.location(m, number).stored
                if stored is not None and stored.has_blob and m.store.local(blob_key(stored.sha256)) is not None:
                    found.append(path)
        return found


def of(m: Machinery, repo: Repo, commit: Sha1) -> Source:
    """Look at the files of a commit, without opening more than its card."""
    digest = hashlib.sha256(VERSION.encode())
    files: list[tuple[str, int]] = []
    for entry in sorted(tree.walk(m, repo, commit), key=lambda each: each.path):
        if entry.is_submodule:
            continue
        files.append((entry.path, entry.size))
        if entry.path not in _NOT_DATA:
            digest.update(f"\0{entry.path}\0{entry.oid}".encode())
    text, refused = _card(m, repo, commit)
    digest.update(b"\0\0" + (frontmatter.split(text).yaml or "").encode())
    if all(path in _NOT_DATA for path, _ in files):
        refused = Trouble("EmptyDatasetError", "The dataset is empty.")
    if len(files) > VIEWER_FILES:
        refused = Trouble("TooManyFilesError", f"The dataset has more than {VIEWER_FILES} files.")
    return Source(repo, commit, files, digest.hexdigest(), refused)


def _card(m: Machinery, repo: Repo, commit: Sha1) -> tuple[str, Trouble | None]:
    """Return the text of the card, and why its metadata cannot be read. The library's own reader of YAML has no bounds."""
    try:
        text = resolve.read_file(m, repo, commit, CARD, 4 * CARD_BYTES).decode("utf-8", "replace")
    except EntryNotFound:
        return "", None
    except TooLarge:
        return "", Trouble("ConfigNamesError", "The card of the dataset is too long.")
    try:
        frontmatter.metadata(text)
    except WireError as problem:
        return text, Trouble("ConfigNamesError", "The metadata of the card cannot be read.", "ValueError", problem.message)
    return text, None
