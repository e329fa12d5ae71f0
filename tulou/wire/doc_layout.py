"""Find the documentation in a list of paths: trees with a `_toctree.yml` for each language, or plain folders of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

CONTENTS = "_toctree.yml"
FOLDER = "docs"
ENGLISH = "en"
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z]{2,4})?")
_ENDINGS = (".md", ".mdx")


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder of each language, and the language that others fall back to."""

    folders: dict[str, str]
    default: str
    has_contents: bool
    """There are tables of contents; otherwise the pages are listed by their folders."""


def find(paths: Iterable[str]) -> Layout | None:
    """Return the documentation among these paths, or None."""
    known = [path for path in paths if path.startswith(f"{FOLDER}/")]
    for folder in (f"{FOLDER}/source", FOLDER):
        found = _with_contents(folder, known)
        if found:
            return _layout(found, has_contents=True)
    for folder in (f"{FOLDER}/source", FOLDER):
        found = _plain(folder, known)
        if found:
            return _layout(found, has_contents=False)
    return None


def is_page(path: str) -> bool:
    """Say whether a file can be a page."""
    return path.endswith(_ENDINGS) and not path.rpartition("/")[2].startswith("_")


def local_of(path: str, folder: str) -> str:
    """Return the name of a page: its path in its tree without the ending. A folder's README is its `index`."""
    local = path.removeprefix(f"{folder}/").rsplit(".", 1)[0]
    before, slash, name = local.rpartition("/")
    return f"{before}{slash}index" if name.lower() == "readme" else local


def _with_contents(folder: str, paths: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        above, _, name = path.rpartition("/")
        if name != CONTENTS:
            continue
        if above == folder:
            found.setdefault(ENGLISH, folder)
        elif above.rpartition("/")[0] == folder and _LANGUAGE.fullmatch(above.rpartition("/")[2]):
            found[above.rpartition("/")[2]] = above
    return found


def _plain(folder: str, paths: list[str]) -> dict[str, str]:
    pages = [path.removeprefix(f"{folder}/") for path in paths if path.startswith(f"{folder}/") and is_page(path)]
    languages = {path.partition("/")[0] for path in pages if "/" in path}
    if ENGLISH in languages and all(_LANGUAGE.fullmatch(language) for language in languages):
        return {language: f"{folder}/{language}" for language in sorted(languages)}
    return {ENGLISH: folder} if pages else {}


def _layout(folders: dict[str, str], *, has_contents: bool) -> Layout:
    default = ENGLISH if ENGLISH in folders else min(folders)
    return Layout(dict(sorted(folders.items())), default, has_contents)
