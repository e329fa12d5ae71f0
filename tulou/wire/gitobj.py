"""git's own objects as bytes: trees, and the headers of commits and tags (gitformat: Documentation/git-mktree, gitcore)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tulou.kernel.errors import WireError
from tulou.kernel.ids import Sha1

TREE, FILE, PROGRAM, LINK, SUBMODULE = 0o040000, 0o100644, 0o100755, 0o120000, 0o160000
_GROUP_WRITABLE = 0o100664
"""Written by git before 1.0.8, and still in old histories; it means an ordinary file."""
MODES = frozenset({TREE, FILE, PROGRAM, LINK, SUBMODULE, _GROUP_WRITABLE})

_PERSON = re.compile(rb"(?:author|committer|tagger) [^\n]*> ([0-9]{1,20}) [+-][0-9]{4}")
_TARGET = re.compile(rb"object ([0-9a-f]{40})\ntype (commit|tree|blob|tag)\n")


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One line of a tree."""

    mode: int
    name: bytes
    oid: Sha1


def parse_tree(raw: bytes) -> Iterator[TreeEntry]:
    """Yield the entries of a tree object. Raises WireError."""
    at = 0
    while at < len(raw):
        end = raw.find(b"\0", at)
        mode, space, name = raw[at:end].partition(b" ")
        if end < 0 or not space or len(raw) < end + 21 or not 5 <= len(mode) <= 6:
            raise WireError("A tree object is damaged.")
        try:
            yield TreeEntry(int(mode, 8), name, Sha1(raw[end + 1 : end + 21].hex()))
        except ValueError as cause:
            raise WireError("A tree object is damaged.") from cause
        at = end + 21


@dataclass(frozen=True, slots=True)
class CommitHead:
    """What a commit says before its message. `times` are the Unix seconds of author and committer."""

    tree: Sha1
    parents: tuple[Sha1, ...]
    times: tuple[int, ...]


def parse_commit(raw: bytes) -> CommitHead:
    """Read the head of a commit object. Raises WireError."""
    lines = raw.partition(b"\n\n")[0].split(b"\n")
    tree = _named(lines, b"tree ")
    times = tuple(int(match[1]) for match in map(_PERSON.fullmatch, lines) if match)
    if len(tree) != 1 or len(times) < 2:
        raise WireError("A commit object is damaged.")
    return CommitHead(tree[0], tuple(_named(lines, b"parent ")), times)


def _named(lines: list[bytes], key: bytes) -> list[Sha1]:
    values = [line.removeprefix(key) for line in lines if line.startswith(key)]
    try:
        return [Sha1(bytes.fromhex(value.decode("ascii")).hex()) for value in values]
    except ValueError as cause:
        raise WireError("A commit object is damaged.") from cause


def parse_tag_target(raw: bytes) -> tuple[Sha1, str]:
    """Return the object that an annotated tag names, and its type. Raises WireError."""
    match = _TARGET.match(raw)
    if match is None:
        raise WireError("A tag object is damaged.")
    return Sha1(match[1].decode()), match[2].decode()
