"""Merge many small packs into one. Nothing is left out: an object that no ref reaches may be in a push that lands meanwhile."""

from __future__ import annotations

from pathlib import Path

from tulou.kernel.limits import GIB
from tulou.platform.git.cache import NewPack, found_pack
from tulou.platform.git.run import run

_SECONDS = 1800
_MEMORY = 2 * GIB


def merge(repository: Path, packs: list[str], folder: Path) -> NewPack:
    """Write all objects of the packs with these hashes, which are in the bare `repository`, as one pack into `folder`.

    Raises GitFailed.
    """
    names = "".join(f"pack-{name}.pack\n" for name in packs)
    run(
        "pack-objects", "-q", "--stdin-packs", "--delta-base-offset", str(folder / "pack"),
        cwd=repository, stdin=names.encode(), timeout=_SECONDS, memory=_MEMORY,
    )  # fmt: skip
    merged = found_pack(folder, 0)
    return NewPack(merged.hash, merged.pack, merged.index, merged.size, _count(merged.pack))


def _count(pack: Path) -> int:
    with pack.open("rb") as file:
        return int.from_bytes(file.read(12)[8:], "big")
