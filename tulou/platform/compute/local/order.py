"""Write the order for a keeper: what the run sees, its environment, its limits."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tulou.platform.compute.base import Level, Mount, RunSpec, StartFailed
from tulou.platform.compute.local import egress
from tulou.platform.compute.local.cgroup import Tree

UID = 1000
"""Who a sandboxed program is, in its own eyes."""
HOME = "/home/user"
_MIB = 1024 * 1024
_RUN_MIB = 16
_RESERVED = ("/proc", "/dev", "/sys")
_ETC = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "fonts", "ld.so.cache", "ld.so.conf",
    "ld.so.conf.d", "localtime", "magic", "mime.types", "pki", "protocols", "services", "ssl", "timezone",
)  # fmt: skip
"""What programs need of /etc and every machine's is good for; the rest is made."""
_MADE = {
    "passwd": f"root:x:0:0::/root:/usr/sbin/nologin\nuser:x:{UID}:{UID}::{HOME}:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    "group": f"root:x:0:\nuser:x:{UID}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
    "resolv.conf": "",
    "gai.conf": "",
}
_LINKED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, slots=True)
class Host:
    """What a run gets of this machine."""

    level: Level
    bwrap: str
    cgroups: Tree
    made_etc: Path
    """A folder with the files of /etc that are made."""
    counts_processes: bool
    """Whether the kernel counts the processes of a user in each user namespace alone."""


def made_etc() -> dict[str, bytes]:
    """Return the files of /etc that tell a run nothing of this machine."""
    return {name: text.encode() for name, text in _MADE.items()}


@dataclass(frozen=True, slots=True)
class Place:
    """Where and as whom one run runs."""

    level: Level
    folder: Path
    group: str
    uid: int | None
    gateway: dict[str, Any] | None
    cgroups: Tree
    lays_over: bool
    """Whether this machine can lay a writable layer over a folder; else the folder is copied."""


def compose(spec: RunSpec, host: Host, place: Place) -> dict[str, Any]:
    """Return the order. Raises StartFailed for a run that cannot be."""
    _check(spec)
    order: dict[str, Any] = {
        "folder": str(place.folder),
        "id": spec.id,
        "level": place.level,
        "bwrap": host.bwrap,
        "uid": place.uid if place.level == "sandbox" else None,
        "cgroup": {"name": place.group, "v2": place.cgroups.v2, "v1": place.cgroups.v1},
        "limits": {
            "memory": spec.resources.memory_mb * _MIB,
            "cpus": spec.resources.cpus,
            "pids": spec.resources.pids,
            "disk": spec.resources.disk_mb * _MIB,
        },
        "counts_processes": host.counts_processes,
        "log_bytes": spec.resources.log_mb * _MIB,
        "timeout_s": spec.timeout_s,
        "lease_s": spec.lease_s,
        "secrets": dict(spec.secrets),
        "egress": place.gateway if place.level == "sandbox" else None,
    }
    return order | (_inside(spec, host, place) if place.level == "sandbox" else _plainly(spec, place.folder))


def _check(spec: RunSpec) -> None:
    texts = [*spec.argv, *spec.env, *spec.env.values(), *spec.secrets, *spec.secrets.values(), spec.cwd]
    if not spec.argv or any("\0" in text for text in texts):
        raise StartFailed("its command is empty, or that or its environment has a NUL character in it")
    if any("=" in name or not name for name in (*spec.env, *spec.secrets)):
        raise StartFailed("the name of a variable is empty or has an equals sign in it")
    for mount in spec.mounts:
        target = PurePosixPath(mount.target)
        if not target.is_absolute() or ".." in target.parts or any(target.is_relative_to(place) for place in _RESERVED):
            raise StartFailed("a folder can be shown at an absolute place only, and not below /proc, /dev or /sys")
        if not mount.source.exists():
            raise StartFailed("a folder that it needs is not there")
        _check_way(mount, spec)


def _check_way(mount: Mount, spec: RunSpec) -> None:
    """Refuse a place below another mount, or in a root file system, to which a link leads.

    Whoever made that link would choose where bubblewrap makes the place, with the rights of the run's user: on this machine.
    """
    outer = [(one.source, one.target) for one in spec.mounts] + ([(spec.root, "/")] if spec.root else [])
    for source, target in outer:
        if target != mount.target and PurePosixPath(mount.target).is_relative_to(target):
            way = source
            for part in PurePosixPath(mount.target).relative_to(target).parts:
                way /= part
                if way.is_symlink():
                    raise StartFailed("a folder cannot be shown at a place to which a link leads")


def _inside(spec: RunSpec, host: Host, place: Place) -> dict[str, Any]:
    """Return what bubblewrap needs to know. Mounts come last, outer ones first, so that they lie on top."""
    size = str(spec.resources.tmp_mb * _MIB)
    before = [
        "--unshare-user", "--uid", str(UID), "--gid", str(UID), "--disable-userns",
        "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--unshare-net",
        "--hostname", _hostname(spec.id), "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv",
    ]  # fmt: skip
    # Later mounts lie on earlier ones. Process 1, which is bubblewrap's, has no filter of system calls but the user of the run,
    # who could write to its memory and act through it: it is put out of sight.
    middle = [
        "--proc", "/proc", "--perms", "0555", "--size", "4096", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1",
        "--dev", "/dev", "--size", size, "--tmpfs", "/dev/shm", "--chmod", "1777", "/dev/shm", "--remount-ro", "/dev",
        "--size", size, "--tmpfs", "/tmp", "--chmod", "1777", "/tmp", "--symlink", "/tmp", "/var/tmp",
        "--size", size, "--tmpfs", HOME, "--size", str(_RUN_MIB * _MIB), "--tmpfs", "/run",
    ]  # fmt: skip
    links, seen = _root(spec.root, host)
    ordered = sorted(spec.mounts, key=lambda mount: len(PurePosixPath(mount.target).parts))
    asked = [_mount(mount, place, index) for index, mount in enumerate(ordered)]
    whole = [mount for mount in asked if mount["target"] == "/"]
    if whole:
        links, seen, asked = [], whole[:1], [mount for mount in asked if mount["target"] != "/"]
    for name, target in links:
        before += ["--symlink", target, name]
    return {
        "argv": list(spec.argv),
        "env": {**_environment(), **(egress.environment(place.gateway) if place.gateway else {}), **spec.env},
        "cwd": spec.cwd,
        "steps": [before, *seen, middle, *asked],
        "make": [part for mount in (*seen, *asked) if "above" in mount for part in _above(mount["above"])],
        "copy": [(mount["copied"], mount["source"]) for mount in (*seen, *asked) if "copied" in mount],
        "written": [mount.get("above", mount["source"]) for mount in (*seen, *asked) if mount["mode"] != "ro"],
        "last": [*(() if whole else ("--remount-ro", "/")), "--chdir", spec.cwd],
    }


def _root(root: Path | None, host: Host) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """Return the links and the mounts that make up the root file system."""
    if root is not None:
        return _tree(root)
    links = [(f"/{name}", os.readlink(f"/{name}")) for name in _LINKED if os.path.islink(f"/{name}")]
    seen = [_seen(f"/{name}") for name in ("usr", *_LINKED) if os.path.isdir(f"/{name}") and not os.path.islink(f"/{name}")]
    seen += [_seen(f"/etc/{name}") for name in _ETC if os.path.exists(f"/etc/{name}")]
    seen += [_seen(str(host.made_etc / name), f"/etc/{name}") for name in _MADE]
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        seen.append(_seen(sys.base_prefix))
    return links, seen


def _tree(root: Path) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    entries = [entry for entry in os.scandir(root) if entry.name not in {"proc", "dev", "sys", "tmp", "run"}]
    links = [(f"/{entry.name}", os.readlink(entry.path)) for entry in entries if entry.is_symlink()]
    return links, [_seen(entry.path, f"/{entry.name}") for entry in entries if not entry.is_symlink()]


def _seen(source: str, target: str | None = None) -> dict[str, Any]:
    return {"source": source, "target": target or source, "mode": "ro", "ours": False}


def _mount(mount: Mount, place: Place, index: int) -> dict[str, Any]:
    seen = {"source": str(mount.source), "target": mount.target, "mode": mount.mode, "ours": mount.mode != "rw"}
    own = str(place.folder / f"over-{index}")
    if mount.mode != "overlay":
        return seen
    return seen | (
        {"above": own} if place.lays_over else {"source": own, "copied": str(mount.source), "mode": "rw", "ours": False}
    )


def _above(folder: str) -> list[str]:
    """Return the folders that an overlay needs for what is written."""
    return [folder, f"{folder}/up", f"{folder}/work"]


def _hostname(run_id: str) -> str:
    return "".join(letter for letter in run_id.lower() if letter.isascii() and letter.isalnum())[-12:] or "run"


def _environment() -> dict[str, str]:
    """Return what a program finds in its environment unless it was given other values."""
    path = ":".join(dict.fromkeys((f"{sys.base_prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin")))
    return {"PATH": path, "HOME": HOME, "USER": "user", "LANG": "C.UTF-8", "TMPDIR": "/tmp"}


def _plainly(spec: RunSpec, folder: Path) -> dict[str, Any]:
    """Return how to run without a sandbox: places that would be mounted are named by where they really are."""
    if spec.root is not None:
        raise StartFailed("this hub runs programs without a sandbox, so none with a file system of its own")
    own = {"/tmp": folder / "tmp", HOME: folder / "home"}
    copies = {mount.target: folder / f"over-{index}" for index, mount in enumerate(spec.mounts) if mount.mode == "overlay"}
    places = {mount.target: mount.source for mount in spec.mounts} | copies | own
    environment = {name: _really_each(value, places) for name, value in {**_environment(), **spec.env}.items()}
    return {
        "argv": [_really(part, places) for part in spec.argv],
        "env": environment,
        "cwd": _really(spec.cwd, places),
        "make": [str(path) for path in own.values()],
        "copy": [(str(mount.source), str(copies[mount.target])) for mount in spec.mounts if mount.mode == "overlay"],
        "written": [str(folder), *(str(mount.source) for mount in spec.mounts if mount.mode == "rw")],
    }


def _really_each(text: str, places: dict[str, Path]) -> str:
    """Do the same for a list of paths, as PATH is one."""
    parts = text.split(":")
    return ":".join(_really(part, places) for part in parts) if all(part.startswith("/") for part in parts) else text


def _really(text: str, places: dict[str, Path]) -> str:
    """Return where a path of the run lies on this machine; any other text as it is.

    So is a folder above something that is shown where it lies: this machine's /tmp may have it, while /tmp is the run's own.
    """
    if text not in places and any(
        str(source) == target and target.startswith(text.rstrip("/") + "/") for target, source in places.items()
    ):
        return text
    for target, source in sorted(places.items(), key=lambda place: -len(place[0])):
        if text == target or text.startswith(target.rstrip("/") + "/"):
            return str(source) + text[len(target.rstrip("/")) :]
    return text
