"""The Hub's JSON for what several routes return: entries, commits, refs."""

from __future__ import annotations

import html
from typing import Any

from tulou.features.content.tree import Entry
from tulou.features.repos.model import Ref
from tulou.kernel.clock import iso
from tulou.wire.lfs import format_pointer


def entry(item: Entry, *, expand: bool) -> dict[str, Any]:
    """Return a file or folder as `tree` and `paths-info` answer it."""
    if item.is_folder:
        shape: dict[str, Any] = {"type": "directory", "oid": item.oid, "size": 0, "path": item.path}
    else:
        shape = {"type": "file", "oid": item.oid, "size": item.size, "path": item.path}
    if item.lfs is not None:
        shape["lfs"] = {"oid": item.lfs.oid, "size": item.lfs.size, "pointerSize": len(format_pointer(item.lfs))}
    if item.xet_hash is not None:
        shape["xetHash"] = item.xet_hash
    if expand and item.last_commit is not None:
        last = item.last_commit
        shape["lastCommit"] = {"id": last.oid, "title": last.title, "date": iso(last.at)}
    return shape


def escape(text: str) -> str:
    """Return text as HTML that says the same."""
    return html.escape(text)


def ref(item: Ref, prefix: str) -> dict[str, str]:
    """Return a branch, tag or other ref."""
    return {"name": item.name.removeprefix(prefix), "ref": item.name, "targetCommit": item.peeled}
