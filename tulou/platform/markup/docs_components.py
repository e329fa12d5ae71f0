"""Write the components of documentation as HTML: boxes, tabs, cards, and links instead of what a page may not embed."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from markdown_it.token import Token

from tulou.kernel.errors import InvalidName
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.markup.docs_model import Problem
from tulou.wire.doc_tags import Tag

if TYPE_CHECKING:
    from tulou.platform.markup.docs_page import Work

VALUE = 200
_TABS = {"frameworkcontent": "framework", "tokenizerslangcontent": "language", "inferencesnippet": "language"}
_TAB = {
    "pt": "PyTorch", "tf": "TensorFlow", "flax": "Flax", "jax": "JAX", "python": "Python", "js": "JavaScript", "curl": "cURL",
    "rust": "Rust", "node": "Node",
}  # fmt: skip
_SINCE = {"Added": "Added in version {version}", "Changed": "Changed in version {version}",
          "Deprecated": "Deprecated since version {version}"}  # fmt: skip
_CARDS = {"HubModel": RepoKind.MODEL, "HubDataset": RepoKind.DATASET, "HubSpace": RepoKind.SPACE}
_VIDEO = re.compile(r"[A-Za-z0-9_-]{5,20}")
_TASK = re.compile(r"[a-z0-9-]{1,60}")
_CHOICE = re.compile(
    r"\b(text|explain|correct)\s{0,9}:\s{0,9}"
    r"""(?:"((?:[^"\\]|\\.){0,2000})"|'((?:[^'\\]|\\.){0,2000})'|(true|false))"""
)
CARD = re.compile(r'<div class="doc-card" data-card="((?:model|dataset|space):[A-Za-z0-9._/-]{3,200})"></div>')
"""The place of a card in the finished HTML. Nobody else can write one: attributes that are not sealed do not get through."""


def opening(work: Work, token: Token) -> str:
    """Write what stands before the text of a component."""
    tag: Tag = token.meta["tag"]
    name, attributes = tag.name, tag.attributes
    if name == "Tip":
        return box(work, "warn" if "warning" in attributes else "good", "Warning" if "warning" in attributes else "Tip")
    if name == "hfoptions":
        return _tabs(work, attributes.get("id", ""))
    if name in _TABS:
        return _tabs(work, _TABS[name])
    if name == "hfoption":
        return _tab(work, attributes.get("id", ""))
    if name in _TAB:
        return _tab(work, _TAB[name])
    if name in _SINCE:
        said = work.say(_SINCE[name], version=attributes.get("version", "")[:40])
        return f"<div {work.mark('doc-since')}><p><strong>{said}</strong></p>"
    if name == "ExampleCodeBlock":
        anchor = attributes.get("anchor", "")[:VALUE]
        return f'<div id="{escape(anchor)}">' if anchor else "<div>"
    return "<div>" + _alone(work, name, attributes)


def closing(_work: Work, token: Token) -> str:
    """Write what stands after the text of a component."""
    tag: Tag = token.meta["tag"]
    return "</section>\n" if tag.name == "hfoption" or tag.name in _TAB else "</div>\n"


def box(work: Work, look: str, word: str) -> str:
    """Write the beginning of a box that stands out, with its word."""
    return f'<div {work.mark("notice", "doc-alert", look)} role="{work.seal}note"><p><strong>{work.say(word)}</strong></p>\n'


def _tabs(work: Work, group: str) -> str:
    return f'<div {work.mark("doc-tabs")} data-group="{work.seal}{escape(group[:VALUE])}">\n'


def _tab(work: Work, words: str) -> str:
    words = escape(words[:VALUE])
    return f'<section {work.mark("doc-tab")} data-tab="{work.seal}{words}"><p {work.mark("doc-tab-title")}>{words}</p>\n'


def _alone(work: Work, name: str, attributes: dict[str, str]) -> str:
    if name in _CARDS:
        return _card(work, _CARDS[name], attributes.get("id", ""))
    if name == "Youtube" and _VIDEO.fullmatch(attributes.get("id", "")):
        return f'<p><a href="https://www.youtube.com/watch?v={attributes["id"]}">{work.say("Video on YouTube")}</a></p>'
    if name in {"DocNotebookDropdown", "CourseFloatingBanner"}:
        return _action(work, "Open as a notebook", work.site.action("notebook"))
    if name == "EditOnGithub":
        return _action(work, "Source of this page", work.site.action("source"))
    if name == "PipelineTag" and _TASK.fullmatch(attributes.get("pipeline", "")):
        return _action(work, "Models for this task", f"/models?pipeline_tag={attributes['pipeline']}")
    if name == "InferenceSnippet":
        said = work.say("An inference example for hosted providers stands here elsewhere.")
        return f"<p {work.mark('quiet', 'small')}>{said}</p>"
    if name == "Question":
        return _question(work, attributes.get("choices", ""))
    work.problems.append(Problem("tag", name))
    return ""


def _action(work: Work, words: str, url: str | None) -> str:
    return f'<p><a {work.mark("button", "plain", "little")} href="{escape(url)}">{work.say(words)}</a></p>' if url else ""


def _card(work: Work, kind: RepoKind, full: str) -> str:
    try:
        name = parse_repo_id(kind, full)
    except InvalidName:
        work.problems.append(Problem("card", full[:VALUE]))
        return ""
    card = f"{kind.value}:{name.full}"
    work.cards.append(card)
    return f'<div {work.mark("doc-card")} data-card="{work.seal}{card}"></div>'


def _question(work: Work, choices: str) -> str:
    """Write the answers that a question offers; each opens what is to be said about it."""
    rows: list[dict[str, str]] = []
    for key, double, single, word in _CHOICE.findall(choices[:20_000]):
        if key == "text":
            rows.append({})
        if rows:
            rows[-1][key] = re.sub(r"\\(.)", r"\1", double or single or word)
    shown = []
    for row in rows[:20]:
        verdict = work.say("right" if row.get("correct") == "true" else "wrong")
        about = work.inline(row.get("explain", ""))
        answer = work.inline(row.get("text", ""))
        shown.append(f"<details><summary>{answer}</summary><p><strong>{verdict}</strong> {about}</p></details>")
    return "\n".join(shown)
