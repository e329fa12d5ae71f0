"""The system calls for mounts that Python does not have, each as one function that raises OSError."""

from __future__ import annotations

import ctypes
import os
import struct

NEWNS, NEWUSER, NEWNET = 0x00020000, 0x10000000, 0x40000000
BIND, REC, PRIVATE, NOSUID, NODEV = 4096, 16384, 1 << 18, 2, 4
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
"""Calls since Linux 5.2 have one number on every architecture."""
_EMPTY_PATH, _RECURSIVE, _CLONE, _FROM_FD = 0x1000, 0x8000, 1, 4
_IDMAP = 0x00100000
_HERE = -100
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def unshare(kinds: int) -> None:
    """Leave namespaces of these kinds for new ones."""
    _checked(_libc.unshare(kinds))


def setns(fd: int, kind: int) -> None:
    """Enter a namespace."""
    _checked(_libc.setns(fd, kind))


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """Mount something; the arguments are those of the system call."""
    _checked(_libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()))


def bind_as(fd: int, target: str, users: int) -> None:
    """Show the folder or file of a descriptor at another place, with the owners that a user namespace makes of the real ones."""
    tree = _checked(_libc.syscall(_OPEN_TREE, fd, b"", _EMPTY_PATH | _CLONE | os.O_CLOEXEC | _RECURSIVE))
    try:
        wish = struct.pack("=QQQQ", _IDMAP, 0, 0, users)
        _checked(_libc.syscall(_MOUNT_SETATTR, tree, b"", _EMPTY_PATH | _RECURSIVE, wish, len(wish)))
        _checked(_libc.syscall(_MOVE_MOUNT, tree, b"", _HERE, target.encode(), _FROM_FD))
    finally:
        os.close(tree)


def users_namespace(there: int, here: int) -> int:
    """Return a descriptor of a user namespace in which user and group `there` are `here` outside."""
    waiting, held = os.pipe()
    told, telling = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(held)
            unshare(NEWUSER)
            os.write(telling, b".")
            os.read(waiting, 1)
            code = 0
        finally:
            os._exit(code)
    os.close(telling)
    try:
        if not os.read(told, 1):
            raise OSError("no user namespace can be made")
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as file:
                file.write(f"{there} {here} 1")
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        for fd in (held, waiting, told):
            os.close(fd)
        os.waitpid(pid, 0)
