"""Which documentation an address names: that of a repository at a revision, or the hub's own manual."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from tulou.delivery.kit.call import Call
from tulou.features.access.rules import Decision, decide
from tulou.features.docs import manual, site
from tulou.features.docs.library import Tree
from tulou.features.docs.site import Site
from tulou.kernel.actor import Action

LANGUAGE_NAMES = {
    "en": "English", "zh": "中文", "cn": "中文", "zh-hans": "中文", "zh-hant": "繁體中文", "de": "Deutsch", "es": "Español",
    "fr": "Français", "hi": "हिन्दी", "it": "Italiano", "ja": "日本語", "ko": "한국어", "pt": "Português", "ru": "Русский",
    "ta": "தமிழ்", "vi": "Tiếng Việt", "ar": "العربية", "tr": "Türkçe", "id": "Bahasa Indonesia", "pl": "Polski",
    "uk": "Українська", "nl": "Nederlands",
}  # fmt: skip
_SHOWN_VERSIONS = 50


@dataclass(frozen=True, slots=True)
class Choice:
    """A version or a language that the reader can change to."""

    label: str
    url: str
    is_current: bool


def open_site(call: Call) -> Site:
    """Open what the address names. Raises NotFound."""
    if call.found_repo is None:
        return manual.open_manual(call.m)
    return site.open_repo(call.m, call.repo, call.params["revision"])


def languages(opened: Site, current: Tree, local: str) -> list[Choice]:
    """Return the languages, each with the address of the same page."""
    return [
        Choice(LANGUAGE_NAMES.get(name.lower(), name), f"{opened.base}/{name}/{quote(local)}", name == current.language)
        for name in opened.library.trees
    ]


def versions(call: Call, opened: Site, tree: Tree, local: str) -> list[Choice]:
    """Return the default branch and the versions, each with the address of the same page."""
    if call.found_repo is None:
        return []
    names = [call.repo.default_branch, *site.versions(call.m, call.repo)[:_SHOWN_VERSIONS]]
    if opened.revision not in names:
        names.insert(0, opened.revision)
    start = f"/docs/{call.repo.name.path}"
    return [Choice(n, f"{start}/{quote(n, safe='')}/{tree.language}/{quote(local)}", n == opened.revision) for n in names]


def language_for(opened: Site, wanted: str) -> Tree:
    """Return the tree in the language of a reader, or the default one."""
    known = {name.lower().replace("_", "-"): tree for name, tree in opened.library.trees.items()}
    also = {"zh": ("zh", "cn", "zh-hans", "zh-cn")}.get(wanted, (wanted,))
    return next((known[name] for name in also if name in known), opened.library.default)


def may_write(call: Call) -> bool:
    """Say whether the reader may change the documentation."""
    return call.found_repo is not None and decide(call.actor, call.repo, Action.WRITE) is Decision.ALLOW


def newer(call: Call, offered: list[Choice]) -> Choice | None:
    """Return the newest version, for readers of an older one."""
    if call.found_repo is None:
        return None
    first = next(iter(site.releases(call.m, call.repo)), None)
    current = next((choice for choice in offered if choice.is_current), None)
    if first is None or current is None or current.label not in site.versions(call.m, call.repo):
        return None
    place = {choice.label: number for number, choice in enumerate(offered)}
    return next((choice for choice in offered if choice.label == first and place[first] < place[current.label]), None)
