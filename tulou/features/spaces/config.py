"""Read from the README of a commit how its application is built and started. No I/O: every rule is a row of a test."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import get_args

from tulou.features.spaces.model import Plan, Sdk, Stage
from tulou.kernel.errors import InvalidPath, WireError
from tulou.kernel.names import parse_path
from tulou.wire import frontmatter
from tulou.wire.frontmatter import Json

PORT = 7860
READY_SECONDS = 1800
"""The Hub's default of `startup_duration_timeout`."""
_READY_MAX = 6 * 3600
_DEFAULT_FILE = {"gradio": "app.py", "streamlit": "app.py", "static": "index.html", "docker": "Dockerfile"}
# On the Hub every Gradio application finds this package, and Gradio itself asks for it when it runs as a Space.
_BESIDE = {"gradio": ("spaces",)}
_REQUIREMENTS = ("pre-requirements.txt", "requirements.txt")
_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}(?:(?:a|b|rc|\.post|\.dev)[0-9]{1,6})?")
_PYTHON = re.compile(r"3(?:\.[0-9]{1,2}){1,2}")
_DURATION = re.compile(r"([0-9]{1,6})\s*(s|m|h)?")
_UNITS = {"s": 1, "m": 60, "h": 3600, None: 1}
_NOT_DONE = {
    "preload_from_hub": "preload_from_hub is not done by this hub: the application downloads what it needs when it runs.",
    "hf_oauth": "hf_oauth is not built yet: signing in with this hub will not work in the application.",
    "custom_headers": "custom_headers are not sent by this hub.",
}


class CannotRun(Exception):
    """This commit cannot be run. `stage` says which kind of problem it is; the message is for its author."""

    def __init__(self, stage: Stage, message: str) -> None:
        super().__init__(message)
        self.stage = stage
        self.message = message


def plan(commit: str, readme: str | None, paths: Collection[str]) -> Plan:
    """Return how to run a commit with this README and these files. Raises CannotRun."""
    if readme is None:
        raise CannotRun(Stage.CONFIG_ERROR, "There is no README.md. It begins with a block between --- lines that names the sdk.")
    try:
        card = frontmatter.metadata(readme)
    except WireError as problem:
        raise CannotRun(Stage.CONFIG_ERROR, f"README.md: {problem.message}") from problem
    raw = _Raw(frontmatter.split(readme).yaml or "")
    sdk, title = _sdk(card), card.get("title")
    app_file = _app_file(card, sdk, paths)
    if card.get("app_build_command"):
        raise CannotRun(
            Stage.CONFIG_ERROR, "README.md: this hub does not run an app_build_command. Commit the files that it makes instead."
        )
    return Plan(
        commit=commit,
        sdk=sdk,
        app_file=app_file,
        image=f"python:{_python(raw)}" if sdk in {"gradio", "streamlit"} and raw.text("python_version") else "python",
        packages=_packages(raw, sdk),
        requirements=tuple(path for path in _REQUIREMENTS if path in paths) if sdk in {"gradio", "streamlit"} else (),
        port=_port(card) if sdk == "docker" else PORT,
        ready_s=_duration(raw.text("startup_duration_timeout")),
        title=title if isinstance(title, str) else "",
        may_be_framed=card.get("disable_embedding") is not True,
        notes=tuple(note for key, note in _NOT_DONE.items() if card.get(key)),
    )


def _sdk(card: dict[str, Json]) -> Sdk:
    known: tuple[Sdk, ...] = get_args(Sdk)
    found = next((each for each in known if each == card.get("sdk")), None)
    if found is None:
        raise CannotRun(Stage.CONFIG_ERROR, f"README.md: the field sdk is one of {', '.join(known)}.")
    return found


def _app_file(card: dict[str, Json], sdk: Sdk, paths: Collection[str]) -> str:
    if sdk == "docker":
        if "Dockerfile" not in paths:
            raise CannotRun(Stage.NO_APP_FILE, "There is no Dockerfile.")
        return "Dockerfile"
    chosen = card.get("app_file", _DEFAULT_FILE[sdk])
    try:
        path = parse_path(chosen.removeprefix("./")) if isinstance(chosen, str) else None
    except InvalidPath:
        path = None
    if path is None:
        raise CannotRun(Stage.CONFIG_ERROR, "README.md: the field app_file is the path of a file in this repository.")
    if path not in paths:
        raise CannotRun(Stage.NO_APP_FILE, f"There is no file {path}: it would be the application.")
    if "packages.txt" in paths and sdk in {"gradio", "streamlit"}:
        raise CannotRun(
            Stage.CONFIG_ERROR,
            "packages.txt asks for Debian packages, which this hub cannot install. Use Python packages that need none.",
        )
    return path


def _packages(raw: _Raw, sdk: Sdk) -> tuple[str, ...]:
    if sdk not in {"gradio", "streamlit"}:
        return ()
    version = raw.text("sdk_version")
    more = _BESIDE.get(sdk, ())
    if version is None:
        return (sdk, *more)
    if not _VERSION.fullmatch(version):
        raise CannotRun(Stage.CONFIG_ERROR, f"README.md: the field sdk_version is a version of {sdk}, like 1.2.3.")
    return (f"{sdk}=={version}", *more)


def _python(raw: _Raw) -> str:
    version = raw.text("python_version") or ""
    if not _PYTHON.fullmatch(version):
        raise CannotRun(Stage.CONFIG_ERROR, "README.md: the field python_version is a version of Python 3, like 3.11.")
    return version


def _port(card: dict[str, Json]) -> int:
    port = card.get("app_port", PORT)
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise CannotRun(Stage.CONFIG_ERROR, "README.md: the field app_port is a number from 1 to 65535.")
    return port


def _duration(text: str | None) -> int:
    if text is None:
        return READY_SECONDS
    found = _DURATION.fullmatch(text)
    if found is None or not 0 < int(found[1]) * _UNITS[found[2]] <= _READY_MAX:
        raise CannotRun(Stage.CONFIG_ERROR, "README.md: the field startup_duration_timeout is a time of at most 6h, like 30m.")
    return int(found[1]) * _UNITS[found[2]]


class _Raw:
    """The words of top-level fields as they were written: YAML reads 3.10 as the number 3.1."""

    def __init__(self, yaml: str) -> None:
        self._yaml = yaml

    def text(self, key: str) -> str | None:
        found = re.search(rf"^{key}[ \t]*:[ \t]*(.*?)[ \t]*(?:[ \t]#.*)?$", self._yaml, re.MULTILINE)
        if found is None:
            return None
        value = found[1].strip("\r")
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        return value or None
