"""Make of a repository the document that it is found by: its name, what its card says, its tags."""

from __future__ import annotations

import re
from pathlib import Path

from tulou.features.cards import overview
from tulou.features.cards.model import one_text
from tulou.features.content import resolve
from tulou.features.repos import lookup
from tulou.kernel.errors import EntryNotFound, ObjectNotFound, RepoNotFound, TooLarge
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import CARD_BYTES
from tulou.kernel.names import GIT_KINDS
from tulou.platform.fulltext.index import Document, FullText
from tulou.platform.machinery import Machinery
from tulou.wire import frontmatter

PUBLIC = "public"
_TEXT = 60_000
"""Characters of a card that are found; of a longer one, the beginning."""
_SHOWN = 6_000
_NOISE = re.compile(
    r"<[^>]{0,500}>|!\[[^\]]{0,200}\]\([^)]{0,500}\)|\]\([^)]{0,500}\)|https?://\S+|[#*`|>\[\]{}~]+|[-=_]{2,}|"
    # Bounded: with any number of spaces and line ends before the dash, empty lines would take the square of their number.
    r"(?m:^)[ \t]{0,40}-\s"
)


def index_of(m: Machinery) -> FullText:
    """Return the index of this node."""
    return FullText(Path(m.settings.data) / "cache" / "search")


def document(m: Machinery, repo_id: str) -> Document | None:
    """Return the document of a repository as it is now, or None if it has no card or is there no more."""
    try:
        repo = lookup.by_id(m, repo_id)
        if repo.name.kind not in GIT_KINDS:
            return None
        found = overview.at(m, repo)
    except RepoNotFound:
        return None
    text = ""
    if found.commit is not None:
        try:
            text = plain(resolve.read_file(m, repo, Sha1(found.commit), "README.md", CARD_BYTES).decode("utf-8", "replace"))
        except (EntryNotFound, ObjectNotFound, TooLarge):
            text = ""  # found by name and tags only
    summary = found.summary
    said = [one_text(summary.card.get(name)) for name in ("title", "pretty_name", "short_description")]
    words = [*(word for word in said if word), *summary.tags, summary.pipeline_tag or "", summary.library or ""]
    access = repo.account_id if found.is_private else PUBLIC
    return Document(repo.id, repo.name.kind.value, access, repo.name.full, " ".join(words), text[:_TEXT], text[:_SHOWN])


def plain(card: str) -> str:
    """Return the text of a card without front matter, links and signs of Markdown."""
    return " ".join(_NOISE.sub(" ", frontmatter.split(card).body).split())
