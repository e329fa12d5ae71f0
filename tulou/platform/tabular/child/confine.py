"""Take away from this process what it does not need: memory, time, files and network.

Landlock (Linux 5.13 and later) works for every user without any preparation. Where the kernel lacks it the limits alone hold.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_PATH_BENEATH = 1
_NO_NEW_PRIVS, _SET_DUMPABLE = 38, 4
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE = 1 << 14
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
# By version of the interface: all rights over files it knows, and over TCP, and what is shut in beside.
_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
_TCP, _SCOPES = 3, 3

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def limit(*, memory: int, seconds: int | None = None, file_bytes: int = 0, files: int = 512) -> None:
    """Set limits that cannot be raised again: memory of its own, processor time, size of a written file, open files.

    Mapped files are not its own memory: an index may be larger than what a program may hold.
    """
    wanted = {resource.RLIMIT_DATA: memory, resource.RLIMIT_FSIZE: file_bytes, resource.RLIMIT_NOFILE: files}
    wanted[resource.RLIMIT_CORE] = 0
    if seconds is not None:
        wanted[resource.RLIMIT_CPU] = seconds
    for what, value in wanted.items():
        _soft, hard = resource.getrlimit(what)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write past the limit fails instead


def keep_own_files_visible() -> None:
    """Let a process that gave up root reach its own `/proc/self/fd` again."""
    _checked(_libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0))


def end_after(seconds: int) -> None:
    """Let the kernel end this process when so much time has passed, whatever it is doing; 0 takes that back."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def version() -> int:
    """Return the version of Landlock of this kernel; 0 when there is none."""
    return max(0, int(_libc.syscall(_CREATE, None, 0, 1)))


def fence(*, read: Iterable[Path | int] = (), write: Iterable[Path | int] = ()) -> bool:
    """Give up every file but what lies at or below `read` and `write` (paths or open descriptors), and TCP.

    Return False when this kernel cannot.
    """
    known = version()
    if not known:
        return False
    rights = _RIGHTS[min(known, 5)]
    asked = _Ruleset(rights, _TCP if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    size = 8 if known < 4 else 16 if known < 6 else 24
    ruleset = _checked(_libc.syscall(_CREATE, ctypes.byref(asked), ctypes.c_size_t(size), 0))
    for place in read:
        _allow(ruleset, place, (_READ_FILE | _READ_DIR) & rights)
    for place in write:
        _allow(ruleset, place, rights & ~_EXECUTE)
    _checked(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(_libc.syscall(_RESTRICT, ruleset, 0))
    os.close(ruleset)
    return True


def _allow(ruleset: int, place: Path | int, rights: int) -> None:
    fd = os.open(f"/proc/self/fd/{place}" if isinstance(place, int) else place, os.O_PATH | os.O_CLOEXEC)
    try:
        if not Path(f"/proc/self/fd/{fd}").is_dir():
            rights &= _FILE_RIGHTS
        rule = _Beneath(rights, fd)
        _checked(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(fd)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)
