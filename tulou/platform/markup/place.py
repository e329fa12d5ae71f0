"""Where a text stands in a repository, so that its relative links lead to files of the same revision."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from tulou.kernel.limits import PATH_BYTES

_DROPPED = {ord(letter): None for letter in "\t\n\r"}
# No more than this: what is stripped after the sanitiser looked at the scheme must not make another one of it.
_STRIPPED = "".join(map(chr, range(0x21)))
SCHEMES = frozenset({"http", "https", "mailto", None})
"""What the address of a link may begin with; None: nothing."""
ID_PREFIX = "u-"
"""Before every id that an author chose, so that none can be mistaken for one of the page's own."""


@dataclass(frozen=True, slots=True)
class Place:
    """The path of a repository's page, a revision as a part of an address, and the folder of the text (empty: the root)."""

    page: str
    revision: str
    folder: str = ""

    def link(self, url: str) -> str | None:
        """Return where a link leads: relative ones to the page of a file, anchors to the author's own ids.

        None for one that may run something.
        """
        return link(url, self._file)

    def image(self, url: str) -> str | None:
        """Return where an image is, or None for one on another host, which could watch the readers of a page."""
        url = tidy(url)
        if is_remote(url):
            return None
        return url if is_absolute(url) else f"{self.page}/resolve/{self.revision}/{quote(self._path(url.partition('#')[0]))}"

    def _file(self, url: str) -> str:
        path, _, anchor = url.partition("#")
        found = self._path(path)
        is_folder = found == "" or path.endswith("/")
        target = f"{self.page}/{'tree' if is_folder else 'blob'}/{self.revision}{'/' if found else ''}{quote(found)}"
        return target + fragment(anchor)

    def _path(self, url: str) -> str:
        """Return the path in the repository. `..` never leads out of it."""
        path = unquote(url.partition("?")[0])[:PATH_BYTES]
        return posixpath.normpath(f"/{self.folder}/{path}").lstrip("/")


def link(url: str, relative: Callable[[str], str | None]) -> str | None:
    """Return where a link leads: an anchor to the author's own ids, a relative one where `relative` says.

    None for one that may run something.
    """
    url = tidy(url)
    if scheme(url) not in SCHEMES:
        return None
    if url.startswith("#"):
        return f"#{ID_PREFIX}{url[1:]}"
    return url if is_absolute(url) else relative(url)


def fragment(anchor: str) -> str:
    """Return the end of an address that leads to an id of the author's; nothing for no anchor."""
    return f"#{ID_PREFIX}{quote(anchor, safe='-_.~%')}" if anchor else ""


def is_remote(url: str) -> bool:
    """True when a URL names a host, in any spelling that a browser takes for one."""
    folded = tidy(url).replace("\\", "/")
    return folded.startswith("//") or scheme(folded) is not None


def tidy(url: str) -> str:
    """Drop what browsers drop before they read a URL: `/<tab>/host` is `//host` to them."""
    return url.translate(_DROPPED).strip(_STRIPPED)


def is_absolute(url: str) -> bool:
    """True when a URL does not depend on where the text stands."""
    return url.startswith("/") or is_remote(url)


def scheme(url: str) -> str | None:
    """Return the scheme of a tidy URL: None without one, `unknown` for what is no URL."""
    try:
        return urlsplit(url).scheme or None
    except ValueError:  # such as an IPv6 address that does not end
        return "unknown"
