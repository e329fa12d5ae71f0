"""The filter of system calls that every sandboxed run gets, assembled for the kernel's classic BPF: seccomp(2)."""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass

_LOAD, _AND, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x25, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_X32 = 0x40000000
_NEWEST = 462
"""mseal, of Linux 6.10: a call that came later is one that nobody here has judged, and does not exist for a run."""

_NAMESPACES = 0x7E020080
"""CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""
_CLONE3 = 435
REFUSED_EVERYWHERE = (
    425, 426, 427,  # io_uring_setup, _enter, _register
    428, 429, 430, 431, 432, 433, 442,  # open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr
    438,  # pidfd_getfd
    443,  # quotactl_fd
    447,  # memfd_secret
    457, 458,  # statmount, listmount
    459, 460, 461,  # lsm_get_self_attr, lsm_set_self_attr, lsm_list_modules
)  # fmt: skip
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM, _DGRAM, _TYPE = 1, 2, 0xF
_NETLINK_ROUTE = 0
_TERMINAL = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX type into a terminal for its reader."""
_PERSONALITIES = (0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)
"""PER_LINUX, PER_LINUX32, both with UNAME26, and the question which it is."""


@dataclass(frozen=True, slots=True)
class Machine:
    """How one processor architecture numbers its system calls."""

    audit: int
    clone: int
    unshare: int
    socket: int
    ioctl: int
    personality: int
    refused: tuple[int, ...]


_X86_64 = Machine(
    audit=0xC000003E, clone=56, unshare=272, socket=41, ioctl=16, personality=135,
    refused=(
        101, 310, 311, 312,  # ptrace, process_vm_readv, process_vm_writev, kcmp
        248, 249, 250,  # add_key, request_key, keyctl
        321, 298, 323, 300,  # bpf, perf_event_open, userfaultfd, fanotify_init
        165, 166, 155, 161, 308,  # mount, umount2, pivot_root, chroot, setns
        303, 304,  # name_to_handle_at, open_by_handle_at
        167, 168, 169, 246, 320,  # swapon, swapoff, reboot, kexec_load, kexec_file_load
        174, 175, 176, 177, 178, 313,  # create_, init_, delete_module, get_kernel_syms, query_module, finit_module
        163, 179, 180, 212,  # acct, quotactl, nfsservctl, lookup_dcookie
        103, 153, 154, 172, 173,  # syslog, vhangup, modify_ldt, iopl, ioperm
        159, 164, 227, 305,  # adjtimex, settimeofday, clock_settime, clock_adjtime
        134, 136, 139, 156,  # uselib, ustat, sysfs, _sysctl
        170, 171, 256, 279,  # sethostname, setdomainname, migrate_pages, move_pages
    ),
)  # fmt: skip
_AARCH64 = Machine(
    audit=0xC00000B7, clone=220, unshare=97, socket=198, ioctl=29, personality=92,
    refused=(
        117, 270, 271, 272,  # ptrace, process_vm_readv, process_vm_writev, kcmp
        217, 218, 219,  # add_key, request_key, keyctl
        280, 241, 282, 262,  # bpf, perf_event_open, userfaultfd, fanotify_init
        40, 39, 41, 51, 268,  # mount, umount2, pivot_root, chroot, setns
        264, 265,  # name_to_handle_at, open_by_handle_at
        224, 225, 142, 104, 294,  # swapon, swapoff, reboot, kexec_load, kexec_file_load
        105, 106, 273,  # init_module, delete_module, finit_module
        89, 60, 42, 18,  # acct, quotactl, nfsservctl, lookup_dcookie
        116, 58,  # syslog, vhangup
        171, 170, 112, 266,  # adjtimex, settimeofday, clock_settime, clock_adjtime
        161, 162, 238, 239,  # sethostname, setdomainname, migrate_pages, move_pages
    ),
)  # fmt: skip
MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}


def program(machine: str | None = None) -> bytes:
    """Return the filter for this machine, or for a named one. Raises KeyError for an architecture that is not here."""
    return _assemble(MACHINES[machine or os.uname().machine])


def _assemble(machine: Machine) -> bytes:
    """Refuse with EPERM what is refused; with ENOSYS what a program should find a replacement for, or what nobody has judged."""
    refuse, missing = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    code = [
        _statement(_LOAD, _ARCH),
        _jump(_EQUAL, machine.audit, 1, 0),
        _statement(_RETURN, _KILL_PROCESS),
        _statement(_LOAD, _NUMBER),
        _jump(_AT_LEAST, _X32, 0, 1),
        _statement(_RETURN, refuse),
        _jump(_GREATER, _NEWEST, 0, 1),
        _statement(_RETURN, missing),
    ]
    for number in (*machine.refused, *REFUSED_EVERYWHERE):
        code += _when(number, [_statement(_RETURN, refuse)])
    # glibc tries clone3 first, whose flags lie in memory where no filter sees them, and falls back to clone.
    code += _when(_CLONE3, [_statement(_RETURN, missing)])
    for number in (machine.clone, machine.unshare):
        code += _when(number, [*_argument(0), _jump(_ANY_BIT, _NAMESPACES, 0, 1), _statement(_RETURN, refuse), _allow()])
    code += _when(machine.ioctl, [*_argument(1), *_one_of(_TERMINAL), _allow(), _statement(_RETURN, refuse)])
    code += _when(machine.personality, [*_argument(0), *_one_of(_PERSONALITIES), _statement(_RETURN, refuse), _allow()])
    code += _when(machine.socket, _sockets(refuse))
    return b"".join([*code, _allow()])


def _sockets(refuse: int) -> list[bytes]:
    """Allow UNIX sockets, TCP and UDP, and asking for the machine's own addresses, as getaddrinfo and getifaddrs do."""
    no, yes = _statement(_RETURN, refuse), _allow()
    internet = [*_argument(1), _statement(_AND, _TYPE), *_one_of((_STREAM, _DGRAM)), no, yes]
    routes = [*_argument(2), *_one_of((_NETLINK_ROUTE,)), no, yes]
    return [
        *_argument(0),
        *_skip(_EQUAL, _UNIX, [yes]),
        *_skip(_EQUAL, _INET, internet),
        *_skip(_EQUAL, _INET6, internet),
        *_skip(_EQUAL, _NETLINK, routes),
        no,
    ]


def _when(number: int, body: list[bytes]) -> list[bytes]:
    """Return code that runs `body`, which must end in a return, for one system call; its number is loaded."""
    return _skip(_EQUAL, number, body)


def _skip(test: int, value: int, body: list[bytes]) -> list[bytes]:
    return [_jump(test, value, 0, len(body)), *body]


def _one_of(values: tuple[int, ...]) -> list[bytes]:
    """Return code after which the next instruction is for none of the values, and the one after it for any of them."""
    last = len(values)
    return [_jump(_EQUAL, value, last - index, 0) for index, value in enumerate(values)]


def _argument(index: int) -> list[bytes]:
    """Return code that loads the lower half of an argument: both architectures are little-endian, and the calls take ints."""
    return [_statement(_LOAD, _ARGUMENTS + 8 * index)]


def _allow() -> bytes:
    return _statement(_RETURN, _ALLOW)


def _statement(code: int, value: int) -> bytes:
    return struct.pack("<HBBI", code, 0, 0, value)


def _jump(code: int, value: int, then: int, otherwise: int) -> bytes:
    return struct.pack("<HBBI", code, then, otherwise, value)
