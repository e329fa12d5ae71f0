"""Show the text files of a repository as pages: Markdown laid out, programs coloured."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from tulou.features.content import resolve
from tulou.features.content.resolve import Location
from tulou.features.repos.model import Repo
from tulou.kernel.limits import CARD_BYTES
from tulou.platform.machinery import Machinery
from tulou.platform.markup.place import Place
from tulou.wire import frontmatter


@dataclass(frozen=True, slots=True)
class Laid:
    """A Markdown file as safe HTML, and what keeps it from being shown as written.

    `is_plain`: too long or too slow to lay out. `is_cut`: only its beginning is shown.
    """

    html: str
    is_plain: bool
    is_cut: bool


def markdown(m: Machinery, repo: Repo, location: Location, revision: str) -> Laid:
    """Lay out a Markdown file without its front matter. Its links lead to files at `revision`. Raises Busy."""
    content = b"".join(resolve.read(m, repo, location, 0, min(location.size, CARD_BYTES)))
    body = frontmatter.split(content.decode("utf-8", "replace")).body
    place = place_of(repo, revision, location.path)
    prose = m.markup.prose(body, place, key=location.blob)
    return Laid(prose.html, prose.is_plain, location.size > CARD_BYTES)


def text(m: Machinery, repo: Repo, body: str, revision: str, path: str) -> Laid:
    """Lay out Markdown that is not committed yet: the preview of an editor. Raises Busy."""
    prose = m.markup.prose(frontmatter.split(body).body, place_of(repo, revision, path), key=("preview", body))
    return Laid(prose.html, prose.is_plain, is_cut=False)


def code(m: Machinery, location: Location, content: str) -> list[str]:
    """Return the lines of a file as HTML, coloured where its name tells a language. Raises Busy."""
    return m.markup.code(content, location.path, key=location.etag)


def place_of(repo: Repo, revision: str, path: str) -> Place:
    """Return where a file stands, for the links in it."""
    return Place(f"/{repo.name.path}", quote(revision, safe=""), path.rpartition("/")[0])
