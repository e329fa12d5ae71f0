"""Make a data folder that only its owner can read, and refuse one that a newer program laid out."""

from __future__ import annotations

from pathlib import Path

from tulou.fsio import atomic
from tulou.kernel.errors import SettingError

LAYOUT = 1
"""Grows when an older program could no longer read the folder correctly."""
_WORD = "tulou-data"


def prepare(data: Path) -> Path:
    """Return the absolute data folder, made if need be, with its FORMAT file checked. Raises SettingError.

    Write order: 1 folder   2 FORMAT. Crash after 1: an empty folder, and the next start writes FORMAT.
    """
    folder = data.resolve()
    try:
        if not folder.exists():
            atomic.make_dirs(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            atomic.sync_dir(folder.parent)
        _check_format(folder)
    except OSError as cause:
        raise SettingError(f"The data folder {folder} cannot be used: {cause.strerror}.") from cause
    return folder


def _check_format(folder: Path) -> None:
    path = folder / "FORMAT"
    try:
        word, _, number = path.read_text().strip().partition(" ")
    except FileNotFoundError:
        atomic.write_file(path, f"{_WORD} {LAYOUT}\n".encode(), mode=0o600)
        return
    except UnicodeDecodeError:
        word, number = "", ""
    if word != _WORD or not number.isdecimal():
        raise SettingError(f"{path} is not the FORMAT file of a tulou data folder.")
    if int(number) > LAYOUT:
        raise SettingError(f"A newer version of tulou made the data folder {folder} (layout {number}; this one knows {LAYOUT}).")
