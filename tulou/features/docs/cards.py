"""The repositories that a page shows as cards, as far as its reader may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tulou.features.access import gate
from tulou.features.cards import pick
from tulou.features.cards.model import Overview
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import Forbidden, RepoNotFound, SignInNeeded
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.machinery import Machinery
from tulou.platform.markup.docs_components import CARD

MOST = 40
"""Cards of one page that are filled; the others stay names."""


def seen(m: Machinery, actor: Actor, cards: Sequence[str]) -> dict[str, Overview]:
    """Return, by `kind:account/name`, those repositories that the actor may see. A hidden one is like a missing one."""
    ids: dict[str, str] = {}
    for card in cards[:MOST]:
        kind, _, full = card.partition(":")
        try:
            ids[card] = gate.repo(m, actor, parse_repo_id(RepoKind(kind), full), Action.READ_INFO).id
        except (RepoNotFound, Forbidden, SignInNeeded):
            continue
    visible = pick.visible(m, actor, list(ids.values()))
    return {card: visible[repo_id] for card, repo_id in ids.items() if repo_id in visible}


def fill(html: str, drawn: Mapping[str, str]) -> str:
    """Put the cards, as HTML, into their places in a page."""
    return CARD.sub(lambda found: drawn[found[1]], html)
