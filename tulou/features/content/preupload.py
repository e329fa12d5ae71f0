"""Tell a client how to send each file before it sends it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tulou.features.content import revisions, tree
from tulou.features.content.commit import attributes_text
from tulou.features.content.resolve import read_file
from tulou.features.repos.model import Repo
from tulou.kernel.errors import EntryNotFound, TooLarge
from tulou.kernel.limits import INLINE_LFS_THRESHOLD, MATCH_STEPS, MIB
from tulou.platform.machinery import Machinery
from tulou.wire import gitattributes, gitignore
from tulou.wire.gitattributes import Attributes
from tulou.wire.gitignore import Ignore


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that a client may send: its path, size in bytes, and first bytes."""

    path: str
    size: int
    sample: bytes


@dataclass(frozen=True, slots=True)
class Advice:
    """How to send it. `oid` is what the path holds now: the git blob id, or the SHA-256 of a large file."""

    path: str
    is_large: bool
    ignored: bool
    oid: str | None


def advise(m: Machinery, repo: Repo, revision: str, candidates: list[Candidate], ignore_text: str | None) -> list[Advice]:
    """Say for each file whether it goes inline or to large-file storage. Raises RevisionNotFound, TooLarge.

    `ignore_text` is a `.gitignore` that the client is about to commit; without one the repository's own counts.
    """
    commit = revisions.commit_of(m, repo, revision)
    attributes = gitattributes.parse(attributes_text(m, repo, commit))
    if ignore_text is None:
        try:
            ignore_text = read_file(m, repo, commit, ".gitignore", MIB).decode("utf-8", "replace")
        except EntryNotFound:
            ignore_text = ""
    ignore = gitignore.parse(ignore_text)
    _require_few_steps(attributes, ignore, candidates)
    now = {entry.path: entry for entry in tree.at_paths(m, repo, commit, [c.path for c in candidates], expand=False)}
    return [
        Advice(
            path=c.path,
            is_large=attributes.is_lfs(c.path) or c.size > INLINE_LFS_THRESHOLD or b"\0" in c.sample,
            ignored=ignore.ignores(c.path),
            oid=_oid(now.get(c.path)),
        )
        for c in candidates
    ]


def _require_few_steps(attributes: Attributes, ignore: Ignore, candidates: list[Candidate]) -> None:
    """Refuse what would keep a processor busy for hours: every path is compared with every pattern, below every folder."""
    depths = Counter(c.path.count("/") + 1 for c in candidates)
    steps = sum(count * (attributes.steps(depth) + ignore.steps(depth)) for depth, count in depths.items())
    if steps > MATCH_STEPS:
        raise TooLarge("These are too many files for so many patterns in .gitignore and .gitattributes: ask for fewer at a time.")


def _oid(entry: tree.Entry | None) -> str | None:
    if entry is None or entry.is_folder:
        return None
    return entry.lfs.oid if entry.lfs else entry.oid
