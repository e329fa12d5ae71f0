"""The filter of system calls, run by a little interpreter of the kernel's BPF: what is refused, and what is not."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.platform.compute.local.child import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
CALLS = {
    # name: x86_64, aarch64
    "read": (0, 63), "mmap": (9, 222), "execve": (59, 221), "futex": (202, 98), "openat": (257, 56), "prctl": (157, 167),
    "seccomp": (317, 277), "memfd_create": (319, 279), "landlock_restrict_self": (446, 446), "close_range": (436, 436),
}  # fmt: skip


def judged(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """Return what the filter says of a call."""
    audit = seccomp.MACHINES[machine].audit if arch is None else arch
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, audit, 0, *(arguments + (0,) * 6)[:6])
    code = seccomp.program(machine)
    steps = [struct.unpack_from("<HBBI", code, at) for at in range(0, len(code), 8)]
    at, value = 0, 0
    while True:
        operation, then, otherwise, constant = steps[at]
        at += 1
        if operation == 0x20:
            value = struct.unpack_from("<I", data, constant)[0]
        elif operation == 0x54:
            value &= constant
        elif operation == 0x06:
            return constant
        else:
            test = {0x15: value == constant, 0x25: value > constant, 0x35: value >= constant, 0x45: bool(value & constant)}[
                operation
            ]
            at += then if test else otherwise


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request):
    return request.param


def test_what_programs_need_is_allowed(machine):
    for numbers in CALLS.values():
        assert judged(machine, numbers[machine == "aarch64"]) == ALLOW


def test_what_is_refused_is_refused_whatever_is_asked(machine):
    for number in (*seccomp.MACHINES[machine].refused, *seccomp.REFUSED_EVERYWHERE):
        assert judged(machine, number, 1, 2, 3) == EPERM


def test_processes_and_threads_are_made_but_no_namespaces(machine):
    of = seccomp.MACHINES[machine]
    for flags in (17, 0x3D0F00, 0x4111):
        assert judged(machine, of.clone, flags) == ALLOW
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert judged(machine, of.clone, flag | 17) == EPERM
        assert judged(machine, of.unshare, flag) == EPERM
    assert judged(machine, of.unshare, 0x80) == EPERM
    assert judged(machine, of.unshare, 0x400) == ALLOW
    assert judged(machine, 435) == ENOSYS


@pytest.mark.parametrize(
    ("family", "kind", "protocol", "verdict"),
    [
        (1, 1, 0, ALLOW), (1, 5, 0, ALLOW), (2, 1, 6, ALLOW), (2, 2, 0, ALLOW), (10, 1 | 0o2000000, 0, ALLOW),
        (2, 1 | 0o4000, 0, ALLOW),
        (16, 3, 0, ALLOW), (2, 3, 1, EPERM), (10, 3, 58, EPERM), (2, 5, 132, EPERM), (16, 3, 12, EPERM),
        (16, 3, 16, EPERM),
        (17, 3, 0, EPERM), (38, 5, 0, EPERM), (40, 1, 0, EPERM), (44, 3, 0, EPERM), (31, 1, 0, EPERM),
        (4, 1, 0, EPERM), (0, 1, 0, EPERM),
    ],
)  # fmt: skip
def test_which_sockets_are_made(machine, family, kind, protocol, verdict):
    assert judged(machine, seccomp.MACHINES[machine].socket, family, kind, protocol) == verdict


def test_terminals_and_personalities(machine):
    of = seccomp.MACHINES[machine]
    assert judged(machine, of.ioctl, 1, 0x5412) == EPERM
    assert judged(machine, of.ioctl, 1, 0x5412 | 1 << 32) == EPERM
    assert judged(machine, of.ioctl, 1, 0x5413) == ALLOW
    assert judged(machine, of.personality, 0xFFFFFFFF) == ALLOW
    assert judged(machine, of.personality, 0x0040000) == EPERM


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_a_call_that_nobody_has_judged_does_not_exist(number, argument):
    for machine in seccomp.MACHINES:
        verdict = judged(machine, number, argument, argument, argument)
        if number > 462:
            assert verdict in {EPERM, ENOSYS}
        assert verdict in {ALLOW, EPERM, ENOSYS}
        assert judged(machine, number, arch=0x40000003) == KILL
