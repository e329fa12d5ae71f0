"""The front page of a repository: its card, what is known about it, how to use it, what it is related to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route, for_kinds
from tulou.delivery.pages import chips, render, snippets, space, spark, viewer_panel
from tulou.delivery.pages.chips import Chip
from tulou.delivery.pages.repo_frame import frame
from tulou.delivery.pages.viewer_panel import Asked, Panel
from tulou.features.cards import lineage, results, structure
from tulou.features.cards import overview as overviews
from tulou.features.cards.model import Overview, one_text, texts
from tulou.features.content import downloads, rendered, resolve
from tulou.features.content.rendered import Laid
from tulou.kernel.actor import Action
from tulou.kernel.errors import EntryNotFound
from tulou.kernel.ids import Sha1
from tulou.kernel.names import RepoKind

CARD = "README.md"
DAYS = 90
_SPLITS = 12
_ROWS = 20


@dataclass(frozen=True, slots=True)
class About:
    """What the card says about a repository, as chips that lead to others like it."""

    license: Chip | None
    license_link: str | None
    tasks: list[Chip]
    languages: list[Chip]
    library: Chip | None
    papers: list[Chip]


async def front(call: Call) -> ASGIApp:
    """Show the card of the default branch; of a Space, its application."""
    if call.repo.name.kind is RepoKind.SPACE:
        return await space.front(call)
    return await show(call)


async def show(call: Call) -> ASGIApp:
    """Show the card."""
    return render.page(call, "repo_card.html", **await in_thread(_front, call))


def _front(call: Call) -> dict[str, Any]:
    repo = call.repo
    found = overviews.at(call.m, repo)
    configs = structure.configs_of(found.summary.card) if repo.name.kind is RepoKind.DATASET else []
    default = configs[0].name if configs else None
    is_empty = _is_empty(found)
    framed = frame(call, "card", found)
    return {
        **framed,
        "panel": _panel(call) if framed["frame"].can_read else None,
        "card": _card(call, found),
        "problem": found.summary.facts.get("problems", {}).get(CARD),
        "about": about(found),
        "weights": _weights(found),
        "gguf": found.summary.facts.get("gguf"),
        "results": results.of(found),
        "configs": configs,
        "splits": [(config, split) for config in configs for split in config.splits],
        "shown_rows": _SPLITS,
        "size": found.summary.facts.get("mainSize"),
        "family": lineage.of(call.m, call.actor, found),
        "chart": spark.draw(downloads.by_day(call.m, repo, DAYS)),
        "snippets": snippets.filling(found, call.base) if is_empty else snippets.of(found, call.base, default),
        "is_empty": is_empty,
        "listed": chips.listed,
    }


def _panel(call: Call) -> Panel | None:
    """Return the first rows of a dataset: nobody opens one for its card alone."""
    return viewer_panel.of(call, None, None, Asked(), most=_ROWS) if call.repo.name.kind is RepoKind.DATASET else None


def about(overview: Overview) -> About:
    """Return the properties of a repository that a person looks for first."""
    kind, card, tags = overview.name.kind, overview.summary.card, chips.of(overview)
    key = next(iter(texts(card.get("license"))), None)
    name = one_text(card.get("license_name")) if key == "other" else None
    link = one_text(card.get("license_link"), limit=2_000)
    license_chip = chips.license_of(kind, key) if key and len(key) <= 100 else None
    if license_chip and name:
        license_chip = Chip("license", name, license_chip.url)
    return About(
        license=license_chip,
        license_link=link if link and link.startswith(("https://", "http://")) else None,
        tasks=[chip for chip in tags if chip.what == "task"],
        languages=[chip for chip in tags if chip.what == "language"],
        library=next((chip for chip in tags if chip.what == "library"), None),
        papers=[chip for chip in tags if chip.what == "paper"],
    )


def _card(call: Call, found: Overview) -> Laid | None:
    if found.commit is None:
        return None
    try:
        location = resolve.locate(call.m, call.repo, Sha1(found.commit), CARD)
    except EntryNotFound:
        return None
    return rendered.markdown(call.m, call.repo, location, call.repo.default_branch)


def _weights(found: Overview) -> list[tuple[str, int]]:
    """Return (type, parameters) of the safetensors files, most first."""
    known = found.summary.facts.get("safetensors") or {}
    return sorted(known.get("parameters", {}).items(), key=lambda pair: -pair[1])


def _is_empty(found: Overview) -> bool:
    """True when nobody has put anything in yet: a new repository has its `.gitattributes`, a new Space a card."""
    paths = found.summary.facts.get("files")
    return found.commit is None or (paths is not None and set(paths) <= {".gitattributes"})


_OPTIONS: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES}
ROUTES = [
    *for_kinds(("GET", "HEAD"), "/{account}/{name}", front, Action.READ_INFO, **_OPTIONS),
    Route(("GET", "HEAD"), "/spaces/{account}/{name}/card", show, Action.READ_INFO, kind=RepoKind.SPACE, **_OPTIONS),
]
