"""Let the user of a run own the folders that it may write to while it runs, and take them back afterwards."""

from __future__ import annotations

import os
import stat
from contextlib import suppress


def give(path: str, uid: int) -> None:
    """Make `uid` the owner of a file, or of a folder and all that is in it. Links are not followed. Raises OSError.

    A file with a second name is left alone: that may lie in the hub's store, which is nobody's to change.
    """
    os.chown(path, uid, uid, follow_symlinks=False)
    if os.path.isdir(path) and not os.path.islink(path):
        for _, folders, files, within in os.fwalk(path):
            for name in (*folders, *files):
                # Somebody else of the hub may be deleting here.
                with suppress(FileNotFoundError):
                    _give(name, within, uid)


def _give(name: str, within: int, uid: int) -> None:
    found = os.stat(name, dir_fd=within, follow_symlinks=False)
    if found.st_uid != uid and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
        os.chown(name, uid, uid, dir_fd=within, follow_symlinks=False)
