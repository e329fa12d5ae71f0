"""Images: what a run takes for its machine's programs. One is this machine's own; the operator imports others."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from urllib.parse import quote, unquote

from tulou.features.runs.model import HOST_IMAGE
from tulou.kernel.errors import BadInput, InvalidName
from tulou.platform.compute.base import StartFailed
from tulou.platform.machinery import Machinery

ROOT = "root"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:[/:@][A-Za-z0-9][A-Za-z0-9._-]*)*")
_NAME_CHARS = 200
_PYTHON = re.compile(r"(?:docker\.io/)?(?:library/)?python(?::(?P<tag>[a-z0-9.-]+))?")
_TAG = re.compile(r"(?:latest|(?P<major>3)(?:\.(?P<minor>\d+)(?:\.(?P<patch>\d+))?)?)?-?(?:slim-?)?(?:trixie|bookworm|bullseye)?")
_UV = re.compile(r"(?:(?:ghcr\.io/)?astral-sh/)?uv(?::(?P<tag>[a-z0-9.-]+))?(?:@sha256:[0-9a-f]{64})?")
_PYTHON_IN_UV = re.compile(r"python(3\.\d+)")


def resolve(m: Machinery, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the key of an image for `Order.image`, and what its user should know, in sentences for the log.

    Raises BadInput, which says what there is and how more is brought here.
    """
    imported = name.removeprefix("localhost/")
    if is_name(imported) and _folder(m, imported).is_dir():
        return quote(imported, safe=""), ()
    notes = _host_notes(name)
    if notes is not None:
        return HOST_IMAGE, notes
    raise BadInput(
        f"This hub does not have that image, and it fetches none. It has: {', '.join(offered(m))}. "
        "Its operator can bring others with: tulou image import NAME FILE.tar"
    )


def offered(m: Machinery) -> list[str]:
    """Return the names of the images that there are, the machine's own Python first."""
    return [f"python:{_own_minor()}", "ghcr.io/astral-sh/uv", *names(m)]


def root_folder(m: Machinery, image: str) -> Path | None:
    """Return the root file system of an image, by its key; None is this machine's own. Raises StartFailed when it is gone."""
    if image == HOST_IMAGE:
        return None
    folder = _folder(m, unquote(image)) / ROOT
    if not folder.is_dir():
        raise StartFailed("its image is gone from this machine")
    return folder


def names(m: Machinery) -> list[str]:
    """Return the names of the imported images."""
    return sorted(unquote(path.name) for path in home(m).glob("*") if (path / ROOT).is_dir())


def home(m: Machinery) -> Path:
    """Return the folder of the imported images."""
    return m.settings.data.resolve() / "images"


def folder_for(m: Machinery, name: str) -> Path:
    """Return where an image of that name is, or would be. Raises InvalidName."""
    if not is_name(name) or name == HOST_IMAGE:
        raise InvalidName("An image is named like python:3.12 or team/tools: letters, digits and . _ - between / : or @.")
    return _folder(m, name)


def is_name(name: str) -> bool:
    """Say whether an image may be called so."""
    return len(name) <= _NAME_CHARS and _NAME.fullmatch(name) is not None


def _folder(m: Machinery, name: str) -> Path:
    return home(m) / quote(name, safe="")


def _own_minor() -> str:
    return ".".join(platform.python_version_tuple()[:2])


def _host_notes(name: str) -> tuple[str, ...] | None:
    """Return the notes with which this machine's own Python stands in for an image, or None if it cannot."""
    python, uv = _PYTHON.fullmatch(name), _UV.fullmatch(name)
    if uv is not None:
        # Clients ask for one fixed tag when they run a script with uv, whatever the script needs.
        asked = _PYTHON_IN_UV.search(uv["tag"] or "")
        return () if asked is None or asked[1] == _own_minor() else (_stands_in(asked[1]),)
    tag = _TAG.fullmatch(python["tag"] or "") if python is not None else None
    if tag is None:
        return None
    if tag["minor"] is not None and f"{tag['major']}.{tag['minor']}" != _own_minor():
        return None
    exact = f"{tag['major']}.{tag['minor']}.{tag['patch']}"
    return () if tag["patch"] is None or exact == platform.python_version() else (_stands_in(exact),)


def _stands_in(asked: str) -> str:
    return f"This hub runs Python {platform.python_version()} where the image has Python {asked}."
