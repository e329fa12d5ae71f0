"""What surrounds every page of a repository: its name, badges, chips and tabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tulou.delivery.kit.call import Call
from tulou.delivery.pages import chips
from tulou.delivery.pages.chips import Chip
from tulou.features.access.rules import Decision, decide
from tulou.features.cards import overview as overviews
from tulou.features.cards.model import Overview
from tulou.features.docs import site
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Action


@dataclass(frozen=True, slots=True)
class Frame:
    """The head of a repository's pages, drawn by `repo_base.html`."""

    repo: Repo
    page: str
    """The path of its front page: every address of it begins so."""
    branch: str
    """The default branch as a part of an address."""
    tab: str
    """Which tab is open: card, files, history, tensors or settings."""
    overview: Overview
    chips: list[Chip]
    has_tensors: bool
    has_docs: bool
    can_read: bool
    can_write: bool
    can_admin: bool


def frame(call: Call, tab: str, overview: Overview | None = None) -> dict[str, Any]:
    """Return what `repo_base.html` needs. Costs one query, or none when the caller has the overview already."""
    repo = call.repo
    found = overview or overviews.stored(call.m, repo)
    return {
        "frame": Frame(
            repo=repo,
            page=f"/{repo.name.path}",
            branch=quote(repo.default_branch, safe=""),
            tab=tab,
            overview=found,
            chips=chips.of(found),
            has_tensors=bool({"safetensors", "gguf"} & set(found.summary.tags)),
            has_docs=_may(call, Action.READ_CONTENT) and site.is_documented(call.m, repo, found.commit),
            can_read=_may(call, Action.READ_CONTENT),
            can_write=_may(call, Action.WRITE),
            can_admin=_may(call, Action.ADMIN),
        )
    }


def _may(call: Call, action: Action) -> bool:
    return decide(call.actor, call.repo, action) is Decision.ALLOW
