"""Enter the network namespace of a run, in a process that does nothing else."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable

from tulou.platform.compute.local import handover

_LOOPBACK_S = 10.0
_GET_USERNS = 0xB701
"""ioctl(2) NS_GET_USERNS: which user namespace owns this one. bwrap makes an inner one later: /proc/PID/ns/user is a race."""


def enter_network(init: int) -> None:
    """Move this process, which must have one thread, into the network namespace of process `init`. Raises OSError."""
    from tulou.platform.compute.local.child import mounts  # noqa: PLC0415 - loading ctypes is a fifth of a keeper's start

    network = os.open(f"/proc/{init}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    if os.geteuid() != 0:
        mounts.setns(fcntl.ioctl(network, _GET_USERNS), mounts.NEWUSER)
    mounts.setns(network, mounts.NEWNET)
    os.close(network)


def forked(work: Callable[[], None]) -> int:
    """Run `work` in a copy of this process and return its id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def serve_sockets(listener: socket.socket, init: int, uid: int | None) -> None:
    """Enter the namespace, then hand a fresh TCP socket of it to whoever asks over a UNIX socket, until killed.

    Each request is one byte; the answer is one byte with the socket beside it.
    """
    import select  # noqa: PLC0415 - only this process needs it

    enter_network(init)
    become(uid)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    clients: dict[int, socket.socket] = {}
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = client
                poll.register(client, select.POLLIN)
            elif not _answer(clients[fd]):
                poll.unregister(fd)
                clients.pop(fd).close()


def _answer(client: socket.socket) -> bool:
    try:
        if not client.recv(1):
            return False
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
            socket.send_fds(client, [b"s"], [made.fileno()])
    except OSError:
        return False  # the hub is gone, or this process has no descriptor left: the hub asks again
    return True


def listeners(init: int, places: list[tuple[str, int]]) -> list[socket.socket]:
    """Return sockets that listen inside of the namespace. Raises OSError.

    The namespace's loopback may not be up yet: bubblewrap does that a moment after it names its first process.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pid = forked(lambda: _listen_inside(theirs, init, places))
        theirs.shutdown(socket.SHUT_RD)
        theirs.close()
        fds = handover.receive(ours, len(places)) or []
        os.waitpid(pid, 0)
    if len(fds) != len(places):
        raise OSError("nothing can listen inside of the run")
    return [socket.socket(fileno=fd) for fd in fds]


def _listen_inside(line: socket.socket, init: int, places: list[tuple[str, int]]) -> None:
    enter_network(init)
    made = [_listener(host, port) for host, port in places]
    socket.send_fds(line, [b"l"], [one.fileno() for one in made])


def _listener(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    deadline = time.monotonic() + _LOOPBACK_S
    while True:
        try:
            made.bind((host, port))
            break
        except OSError as problem:
            if problem.errno != errno.EADDRNOTAVAIL or time.monotonic() > deadline:
                raise
            signal.sigtimedwait([], 0.001)
    made.listen(128)
    return made


def become(uid: int | None) -> None:
    """Give up root for good."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
