"""The persistent folder of a Space: what outlives restarts, until the Space is deleted."""

from __future__ import annotations

import os
from pathlib import Path

from tulou.features.runs import sources
from tulou.features.spaces import queries
from tulou.fsio import atomic
from tulou.platform.machinery import Machinery

TIERS = {"small": 20 * 1024, "medium": 150 * 1024, "large": 1024 * 1024}
"""Megabytes of each, as on the Hub."""


def tier(storage_mb: int) -> str | None:
    """Return the name of a size, or None for no storage."""
    return next((name for name, size in TIERS.items() if size == storage_mb), None)


def used(m: Machinery, repo_id: str) -> int:
    """Return how many bytes a Space keeps. Links are counted as links, so that a program cannot make this walk elsewhere."""
    total, folders = 0, [sources.data_folder(m, repo_id)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue  # gone while we looked, closed by its program, or nested more deeply than a path may be long
    return total


def drop(m: Machinery, repo_id: str) -> None:
    """Delete everything that a Space keeps, unless something of it runs: its end, or the sweep, brings the next try."""
    folder = sources.data_folder(m, repo_id)
    with m.db.read() as connection:
        in_use = queries.has_live_run(connection, repo_id)
    if folder.exists() and not in_use:
        atomic.remove_tree(folder)
