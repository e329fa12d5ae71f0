"""Turn a Dockerfile into steps that a sandbox can do, or say which line it cannot.

There is no container engine: everything runs as one ordinary user on an image that the hub has. What steps write below the
folders that the Dockerfile names, and into the Python environment, is kept; the rest of the system is read-only.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass, field

from tulou.features.spaces.config import CannotRun
from tulou.features.spaces.model import Script, Stage
from tulou.kernel.errors import WireError
from tulou.wire import dockerfile
from tulou.wire.dockerfile import Instruction

SOURCE = "/src"
PATH = "/env/bin:/usr/local/bin:/usr/bin:/bin"
_SYSTEM = frozenset({
    "base", "bin", "boot", "data", "dev", "env", "etc", "lib", "lib32", "lib64", "proc", "run", "sbin", "src", "sys", "tmp",
    "usr",
})  # fmt: skip
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ROOMS = 8
_SOURCES, _GLOBS = 200, 20
_USERS = re.compile(r"\s*(?:(?:useradd|adduser|groupadd|addgroup)\b[^&|;<>`$()]*(?:&&|$)\s*)+")
_DEBIAN = re.compile(r"\b(?:apt-get|apt|apk|yum|dnf)\s+(?:-\S+\s+)*(?:install|add|update|upgrade)\b")
_WITHOUT_EFFECT = frozenset({"EXPOSE", "LABEL", "MAINTAINER", "USER", "STOPSIGNAL"})
_TEXT = 96 * 1024
"""All steps together are one argument of a program, of which the kernel takes 128 KiB."""


@dataclass(slots=True)
class _State:
    paths: Collection[str]
    image: str = ""
    known: dict[str, str] = field(default_factory=dict)
    """For replacing variables: ENV and ARG."""
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    steps: list[str] = field(default_factory=list)
    rooms: set[str] = field(default_factory=set)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    size: int = 0
    globs: int = 0
    _folders: set[str] | None = None

    def add(self, step: str) -> None:
        """Add a step. Raises CannotRun when all of them are too long: soon, not once they fill the memory."""
        self.size += len(step.encode()) + 1
        if self.size > _TEXT:
            raise CannotRun(Stage.CONFIG_ERROR, f"The steps of the Dockerfile have more than {_TEXT // 1024} KiB together.")
        self.steps.append(step)

    @property
    def folders(self) -> set[str]:
        """All folders of the repository."""
        if self._folders is None:
            self._folders = {"/".join(each.split("/")[:n]) for each in self.paths for n in range(1, each.count("/") + 1)}
        return self._folders


def read(text: str, paths: Collection[str]) -> tuple[str, Script]:
    """Return the image that a Dockerfile begins with, and its steps. Raises CannotRun, which names the line."""
    state = _State(frozenset(paths), env={"PATH": PATH}, known={"PATH": PATH})
    try:
        for instruction in dockerfile.parse(text):
            _take(state, instruction)
    except WireError as problem:
        raise CannotRun(Stage.CONFIG_ERROR, problem.message) from problem
    argv = (*state.entrypoint, *state.command)
    if not state.image:
        raise CannotRun(Stage.CONFIG_ERROR, "The Dockerfile does not begin with FROM.")
    if not argv:
        raise CannotRun(Stage.CONFIG_ERROR, "The Dockerfile has neither CMD nor ENTRYPOINT: it starts nothing.")
    if state.workdir != "/":
        _room(state, state.workdir, 0)
    return state.image, Script("\n".join(state.steps), state.env, state.workdir, argv, tuple(sorted(state.rooms)))


def _take(state: _State, one: Instruction) -> None:
    if not state.image and one.name not in {"FROM", "ARG"}:
        raise _no(one, "the first instruction is FROM")
    if one.name in _WITHOUT_EFFECT:
        return
    action = _ACTIONS.get(one.name)
    if action is None:
        raise _no(one, f"{one.name if one.name in _REFUSED else 'this instruction'} is not something that this hub can do")
    action(state, one)


def _from(state: _State, one: Instruction) -> None:
    words = dockerfile.expand(one.value, state.known).split()
    if state.image:
        raise _no(one, "this hub builds in one stage, so there is one FROM")
    if not words or one.flags:
        raise _no(one, "FROM is followed by the name of an image")
    state.image = words[0]


def _env(state: _State, one: Instruction) -> None:
    before = dict(state.known)
    for key, value in dockerfile.pairs(one):
        text = dockerfile.expand(value, before)
        state.env[key] = state.known[key] = text
        state.add(f"export {_name(one, key)}={shlex.quote(text)}")


def _arg(state: _State, one: Instruction) -> None:
    for word in dockerfile.split(one):
        key, _, default = word.partition("=")
        state.known.setdefault(key, dockerfile.expand(default, state.known))
        # A variable of the Space with this name is in the environment of the build already, and wins.
        state.add(f'export {_name(one, key)}="${{{key}-{_in_quotes(state.known[key])}}}"')


def _workdir(state: _State, one: Instruction) -> None:
    state.workdir = _place(state, one, one.value)
    state.add(f"mkdir -p {shlex.quote(state.workdir)}")


def _copy(state: _State, one: Instruction) -> None:
    for flag, _ in one.flags:
        if flag not in {"chown", "link"}:
            raise _no(one, f"--{flag} is not something that this hub can do")
    words = dockerfile.words(one) or dockerfile.split(one)
    if not 2 <= len(words) <= _SOURCES:
        raise _no(one, f"{one.name} needs a source and a target, and takes at most {_SOURCES} of both")
    *sources, target = (dockerfile.expand(word, state.known) for word in words)
    found = [path for source in sources for path in _sources(state, one, source)]
    if one.name == "ADD" and any(path.endswith(_ARCHIVES) for path, _ in found):
        raise _no(one, "ADD unpacks no archives here: use RUN tar")
    place = _place(state, one, target, is_exact=True)
    into = target.endswith("/") or target in {".", ".."} or len(found) > 1
    state.add(f"echo {shlex.quote(f'===== {one.name} {one.value}')}")
    for path, is_folder in found:
        state.add(_copied(path, place, is_folder=is_folder, into=into))


def _copied(path: str, place: str, *, is_folder: bool, into: bool) -> str:
    source = shlex.quote(f"{SOURCE}/{path}" if path else SOURCE)
    if is_folder:
        return f"mkdir -p {shlex.quote(place)} && cp -R {source}/. {shlex.quote(place)}/"
    folder = place if into else posixpath.dirname(place)
    return f"mkdir -p {shlex.quote(folder)} && cp {source} {shlex.quote(place + '/' if into else place)}"


def _run(state: _State, one: Instruction) -> None:
    if one.flags:
        raise _no(one, "RUN has no flags here: secrets are not given to builds, and nothing else is mounted")
    if "<<" in one.value:
        raise _no(one, "RUN with <<EOF is not something that this hub can do")
    words = dockerfile.words(one)
    line = shlex.join(words) if words is not None else one.value
    if _USERS.fullmatch(line):
        return  # everything runs as one user with the number 1000, as such lines want it
    if _DEBIAN.search(line):
        raise _no(one, "this hub cannot install packages of the system; Python packages it can")
    state.add(f"echo {shlex.quote(f'===== RUN {one.value}')}")
    failed = f"echo {shlex.quote(f'Dockerfile line {one.line} failed.')}; exit 1"
    state.add(f"( cd {shlex.quote(state.workdir)} && exec /bin/sh -c {shlex.quote(line)} ) || {{ {failed}; }}")


def _entrypoint(state: _State, one: Instruction) -> None:
    state.entrypoint, state.command = _program(one), ()


def _cmd(state: _State, one: Instruction) -> None:
    state.command = _program(one)


def _program(one: Instruction) -> tuple[str, ...]:
    words = dockerfile.words(one)
    return tuple(words) if words is not None else ("/bin/sh", "-c", one.value)


def _sources(state: _State, one: Instruction, pattern: str) -> list[tuple[str, bool]]:
    """Return the paths of the repository that a source of COPY means, and whether each is a folder."""
    if "://" in pattern or pattern.startswith("git@"):
        raise _no(one, f"{one.name} takes files of this repository only")
    path = posixpath.normpath(pattern.lstrip("/") or ".")
    if path == ".":
        return [("", True)]
    if path.startswith(".."):
        raise _no(one, f"{one.name} takes files of this repository only")
    found = _matching(state, one, path) if any(sign in path for sign in "*?[") else _exactly(state, path)
    if not found:
        raise _no(one, "there is no such file in the repository")
    return found


def _exactly(state: _State, path: str) -> list[tuple[str, bool]]:
    return [(path, path in state.folders)] if path in state.folders or path in state.paths else []


def _matching(state: _State, one: Instruction, pattern: str) -> list[tuple[str, bool]]:
    state.globs += 1
    if state.globs > _GLOBS:
        raise _no(one, f"there may be at most {_GLOBS} patterns of names: each is compared with every file")
    depth = pattern.count("/")
    everything = [*((each, False) for each in state.paths), *((each, True) for each in state.folders)]
    return sorted(each for each in everything if each[0].count("/") == depth and fnmatch.fnmatchcase(each[0], pattern))


def _place(state: _State, one: Instruction, text: str, *, is_exact: bool = False) -> str:
    """Return an absolute folder or file that steps may write to, and remember to keep what is there."""
    value = text if is_exact else dockerfile.expand(text, state.known)
    path = posixpath.normpath(posixpath.join(state.workdir, value.strip()))
    if not value.strip() or not path.isprintable():
        raise _no(one, f"{one.name} needs a folder")
    _room(state, path, one.line)
    return path


def _room(state: _State, path: str, line: int) -> None:
    top = path.strip("/").split("/")[0]
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", top) or top in _SYSTEM or top.startswith("."):
        where = "files can be kept below a folder like /app or /home/user, not among those of the system"
        raise CannotRun(Stage.CONFIG_ERROR, f"Dockerfile line {line}: {where}.")
    state.rooms.add(top)
    if len(state.rooms) > _ROOMS:
        raise CannotRun(Stage.CONFIG_ERROR, f"Dockerfile line {line}: files are kept below at most {_ROOMS} folders of the root.")


def _name(one: Instruction, key: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        raise _no(one, "the name of a variable has letters, digits and '_'")
    return key


def _in_quotes(text: str) -> str:
    return re.sub(r'([\\"$`}])', r"\\\1", text)


def _no(one: Instruction, why: str) -> CannotRun:
    return CannotRun(Stage.CONFIG_ERROR, f"Dockerfile line {one.line}: {why}.")


_REFUSED = frozenset({"HEALTHCHECK", "ONBUILD", "SHELL", "VOLUME"})
_ACTIONS = {
    "ADD": _copy,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "FROM": _from,
    "RUN": _run,
    "WORKDIR": _workdir,
}
