"""Take a pushed pack into a quarantine: index it, check it with git's fsck, list what is new, prove that nothing is missing."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import pygit2

from tulou.kernel.ids import Sha1
from tulou.kernel.limits import GIB, PUSH_BLOB, PUSH_COMMIT_BYTES, PUSH_OBJECTS, PUSH_PACK, PUSH_TREE_BYTES, PUSH_TREES_BYTES
from tulou.platform.git.cache import NewPack, Quarantine, found_pack
from tulou.platform.git.policy import NewObjects, Refused
from tulou.platform.git.run import GitFailed, run
from tulou.wire.lfs import POINTER_BYTES

SECONDS = 600
MEMORY = 2 * GIB
_HEADER = 12
_FSCK = re.compile(r"object ([0-9a-f]{40}): (\w+): ")
_REASONS = (
    ("exceeds maximum allowed size", "The pack is larger than this hub takes."),
    ("unresolved delta", "The pack refers to objects that this repository does not have."),
    ("COLLISION", "An object has the id of another object with different content."),
    ("junk at the end", "There is something behind the end of the pack."),
    ("out of memory", "An object of the pack is too large to unpack."),
)


def receive(quarantine: Quarantine, source: IO[bytes], known: pygit2.Repository) -> tuple[NewPack | None, NewObjects]:
    """Index the pack that `source`, an unbuffered file, holds from its position on. None for a pack without objects.

    `known` is the repository as it was. Raises Refused.
    """
    declared = _declared_objects(source)
    if declared > PUSH_OBJECTS:
        raise Refused(f"A push may bring {PUSH_OBJECTS} objects at most.")
    _git(quarantine, "index-pack", "--stdin", "--strict", "--fix-thin", f"--max-input-size={PUSH_PACK}", stdin=source)
    folder = quarantine.path / "objects" / "pack"
    pack = found_pack(folder, declared)
    oids = list(_index_names(pack.index))
    if not oids:
        return None, NewObjects(0)
    return NewPack(pack.hash, pack.pack, pack.index, pack.size, len(oids)), _sort(quarantine, oids, known)


def prove_complete(quarantine: Quarantine, tips: Iterable[str], known: Iterable[str]) -> None:
    """Raise Refused unless everything reachable from `tips` is here; what is reachable from `known` is trusted."""
    wanted = "".join(f"{tip}\n" for tip in tips) + "".join(f"^{tip}\n" for tip in known)
    try:
        run(
            "rev-list", "--objects", "--quiet", "--stdin",
            cwd=quarantine.path, stdin=wanted.encode(), timeout=SECONDS, memory=MEMORY,
        )  # fmt: skip
    except GitFailed as problem:
        raise Refused("The pack lacks objects that its commits need.") from problem
    except subprocess.TimeoutExpired as problem:
        raise Refused("Checking the push took too long.") from problem


def _declared_objects(source: IO[bytes]) -> int:
    start = source.tell()
    header = source.read(_HEADER)
    source.seek(start)
    if len(header) != _HEADER or header[:4] != b"PACK" or int.from_bytes(header[4:8], "big") not in {2, 3}:
        raise Refused("That is not a git pack.")
    return int.from_bytes(header[8:], "big")


def _git(quarantine: Quarantine, *arguments: str, stdin: IO[bytes], stdout: IO[bytes] | None = None) -> None:
    try:
        run(*arguments, cwd=quarantine.path, stdin=stdin, stdout=stdout, timeout=SECONDS, memory=MEMORY)
    except GitFailed as problem:
        raise Refused(_reason(problem.stderr)) from problem
    except subprocess.TimeoutExpired as problem:
        raise Refused("Checking the push took too long.") from problem


def _reason(stderr: str) -> str:
    broken = _FSCK.search(stderr)
    if broken is not None:
        return f"git refuses object {broken[1]}: {broken[2]}."
    return next((reason for sign, reason in _REASONS if sign in stderr), "The pack is damaged or incomplete.")


def _index_names(index: Path) -> Iterator[Sha1]:
    """Yield the object ids of a version 2 pack index (gitformat-pack): 8 bytes, 256 counts, then 20 bytes an object."""
    with index.open("rb") as file:
        file.seek(8 + 255 * 4)
        count = int.from_bytes(file.read(4), "big")
        for _ in range(count):
            yield Sha1(file.read(20).hex())


def _sort(quarantine: Quarantine, oids: list[Sha1], known: pygit2.Repository) -> NewObjects:
    asked, told = quarantine.path / "asked", quarantine.path / "told"
    asked.write_text("".join(f"{oid}\n" for oid in oids))
    with asked.open("rb") as stdin, told.open("wb") as stdout:
        _git(quarantine, "cat-file", "--batch-check", "--buffer", stdin=stdin, stdout=stdout)
    kinds: dict[str, list[Sha1]] = {"commit": [], "tree": [], "tag": []}
    large: dict[Sha1, int] = {}
    small: list[Sha1] = []
    to_read = 0
    with told.open() as lines:
        for line in lines:
            oid, kind, size = line.split()
            if kind != "blob":
                to_read += int(size)
                _refuse_bloated(kind, int(size), to_read)
                kinds[kind].append(Sha1(oid))
            elif int(size) > PUSH_BLOB:
                if oid not in known:  # a large blob that came by the API may be repeated as the base of a delta
                    large[Sha1(oid)] = int(size)
            elif int(size) < POINTER_BYTES:
                small.append(Sha1(oid))
    return NewObjects(len(oids), tuple(kinds["commit"]), frozenset(kinds["tree"]), tuple(kinds["tag"]), large, tuple(small))


def _refuse_bloated(kind: str, size: int, total: int) -> None:
    """Refuse what would have to be read into memory to be judged, and is no honest tree, commit or tag."""
    if kind == "tree" and size > PUSH_TREE_BYTES:
        raise Refused("A folder has too many entries.")
    if kind != "tree" and size > PUSH_COMMIT_BYTES:
        raise Refused(f"The message of a {kind} is too long.")
    if total > PUSH_TREES_BYTES:
        raise Refused("The folders of this push are too many to check at once: push the history in parts.")
