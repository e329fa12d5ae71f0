"""Search: the best repositories for some words, among those that the searcher may see, and people by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import Account
from tulou.features.cards import pick
from tulou.features.cards.model import Overview
from tulou.features.search import queries
from tulou.features.search.documents import PUBLIC, index_of
from tulou.kernel.actor import Actor
from tulou.kernel.names import GIT_KINDS, RepoKind
from tulou.platform.fulltext.index import Hit
from tulou.platform.fulltext.quote import Part, quote
from tulou.platform.fulltext.words import fold, phrases
from tulou.platform.machinery import Machinery

QUERY_CHARS = 200
WORDS = 12
HITS = 200
"""Documents that are looked at; whoever wants more says more words."""


@dataclass(frozen=True, slots=True)
class Found:
    """A repository that was found, and the place of its card that has the words."""

    repo: Overview
    quote: list[Part]


@dataclass(frozen=True, slots=True)
class Answer:
    """The repositories that were found, best first. `is_ready` is False while the index is being built."""

    items: list[Found]
    is_ready: bool


def repositories(m: Machinery, actor: Actor, query: str, kinds: Sequence[RepoKind] = GIT_KINDS) -> Answer:
    """Return at most `HITS` visible repositories that have every word."""
    index = index_of(m)
    if not index.is_complete:
        return Answer([], is_ready=False)
    asked = phrases(query[:QUERY_CHARS], WORDS)
    access = None if actor.is_admin else [PUBLIC, *([actor.user_id] if actor.user_id else []), *actor.memberships]
    hits = index.search(asked, kinds=[kind.value for kind in kinds], access=access, limit=HITS)
    # The index may be older than the last change of visibility; only the database decides.
    visible = pick.visible(m, actor, [hit.id for hit in hits])
    known = [(hit, visible[hit.id]) for hit in hits if hit.id in visible]
    known.sort(key=lambda pair: (-_rank(*pair), pair[1].name.full))
    return Answer([Found(repo, quote(hit.shown, asked)) for hit, repo in known], is_ready=True)


def people(m: Machinery, query: str, limit: int) -> list[Account]:
    """Return users and organizations by their names."""
    words = fold(query[:QUERY_CHARS]).replace("\0", " ").split()[:WORDS]
    if not words:
        return []
    with m.db.read() as connection:
        keys = queries.accounts(connection, words, limit)
    found = [accounts.by_name(m, key) for key in keys]
    return [account for account in found if account is not None]


def _rank(hit: Hit, repo: Overview) -> float:
    """A repository that is downloaded ten times as often weighs a fifth more."""
    return hit.score * (1 + 0.2 * math.log10(1 + repo.downloads))
