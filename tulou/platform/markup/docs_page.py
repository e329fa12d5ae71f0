"""Lay out a page of documentation: Markdown and the dialect become safe HTML, and what a site needs to know about it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from tulou.kernel.limits import CARD_BYTES
from tulou.platform.markup import docs_components, docs_objects, docs_rules, highlight, maths, sanitize
from tulou.platform.markup.budget import Budget, Overdue
from tulou.platform.markup.docs_model import Heading, Page, Problem, Site
from tulou.platform.markup.docs_words import say
from tulou.platform.markup.markdown import BUDGET
from tulou.wire.doc_sections import Anchors, outside_code, plain_title

SECONDS = 4.0
MAX_TAGS = 20_000
TOC = 200
ISLAND = re.compile(r'<span class="doc-formula-(\d{1,6})"></span>')
_WORK = "tulou_docs"
_COMMENT = re.compile(r"\A\s*<!--.*?-->\s*", re.DOTALL)
_HIDDEN = re.compile(r"#\s*doc-builder:\s*hide\s*$")
_BOXES = {"note": "", "important": "", "tip": " good", "warning": " warn", "caution": " bad"}


@dataclass(slots=True)
class Work:
    """A page while it is being laid out. `seal` marks what is ours for the sanitiser."""

    site: Site
    seal: str
    budget: Budget
    anchors: Anchors = field(default_factory=Anchors)
    title: str = ""
    title_anchor: str = ""
    toc: list[Heading] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def mark(self, *names: str) -> str:
        """Return a `class` attribute that the sanitiser lets through."""
        return 'class="' + " ".join(self.seal + name for name in names if name) + '"'

    def say(self, english: str, **named: str) -> str:
        """Return a word in the language of the page, escaped."""
        return escape(say(self.site.language, english, **named))

    def inline(self, text: str) -> str:
        """Lay out a line of Markdown within something else."""
        rendered: str = _parser().renderInline(text, {BUDGET: self.budget, _WORK: self})
        return rendered

    def block(self, text: str) -> str:
        """Lay out Markdown within something else."""
        rendered: str = _parser().render(text, {BUDGET: self.budget, _WORK: self, "nested": True})
        return rendered


def lay_out(text: str, site: Site, *, seconds: float = SECONDS) -> Page:
    """Return a page. What is too long, or takes too long, is shown as it was written."""
    text = prepared(text)
    if len(text) > CARD_BYTES or text.count("<") > MAX_TAGS:
        return _plain(text[:CARD_BYTES])
    work = Work(site, secrets.token_hex(8), Budget(seconds))
    env: dict[str, Any] = {BUDGET: work.budget, _WORK: work}
    try:
        html = _parser().render(text, env)
        safe = sanitize.clean(html, _Watched(work), work.seal)
    except (Overdue, RecursionError):
        return _plain(text)
    work.problems += [Problem("tag", name) for name in env.get("tulou_unclosed", ())]
    formulas = work.formulas
    return Page(
        html=ISLAND.sub(lambda found: formulas[int(found[1])] if int(found[1]) < len(formulas) else "", safe),
        title=work.title,
        anchor=work.title_anchor,
        toc=tuple(work.toc[:TOC]),
        anchors=frozenset(work.used),
        links=tuple(dict.fromkeys(work.links)),
        cards=tuple(dict.fromkeys(work.cards)),
        problems=tuple(dict.fromkeys(work.problems)),
    )


def prepared(text: str) -> str:
    """Return the Markdown without the licence comment at its top and without lines that are hidden from readers."""
    text = _COMMENT.sub("", text.replace("\r\n", "\n").replace("\0", "\ufffd"), count=1)
    text = text.replace("[[open-in-colab]]", "<DocNotebookDropdown />")
    if "doc-builder: hide" not in text:
        return text
    return "\n".join(line for line, is_prose in outside_code(text) if is_prose or not _HIDDEN.search(line))


def _plain(text: str) -> Page:
    html = f'<pre tabindex="0">{escape(text)}</pre>'
    return Page(html, "", "", (), frozenset(), (), (), (), is_plain=True)


class _Watched:
    """The site of a page, as the sanitiser asks it: every address that it resolves is noted."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def link(self, url: str) -> str | None:
        self._work.links.append(url)
        return self._work.site.link(url)

    def image(self, url: str) -> str | None:
        return self._work.site.image(url)


@cache
def _parser() -> MarkdownIt:
    made = docs_rules.parser()
    rules: dict[str, Callable[[Work, Token], str]] = {
        "component_open": docs_components.opening,
        "component_close": docs_components.closing,
        "autodoc": docs_objects.autodoc,
        "object": docs_objects.link,
        "formula": _formula,
        "formula_block": _formula_block,
        "alert_open": _alert,
        "alert_close": lambda _work, _token: "</div>\n",
    }
    for name, rule in rules.items():
        made.add_render_rule(name, _rule(rule))
    made.add_render_rule("heading_open", _heading_open)
    made.add_render_rule("heading_close", _heading_close)
    made.add_render_rule("fence", _fence)
    return made


def _rule(rule: Callable[[Work, Token], str]) -> Callable[..., str]:
    def write(_self: RendererHTML, tokens: list[Token], at: int, _options: Any, env: dict[str, Any]) -> str:
        return rule(env[_WORK], tokens[at])

    return write


def _heading_open(_self: RendererHTML, tokens: list[Token], at: int, _options: Any, env: dict[str, Any]) -> str:
    """Give a heading its anchor. The first one of a page, if it is of the first level, is the title: it stands outside."""
    work: Work = env[_WORK]
    token = tokens[at]
    if env.get("nested"):
        return f"<p {work.mark('doc-subhead')}><strong>"
    words = plain_title(token.meta["words"])
    anchor = work.anchors.of(words, token.meta["anchor"])
    work.used.add(anchor)
    level = int(token.tag[1])
    if not work.title:
        work.title, work.title_anchor = words or anchor, anchor
        if level == 1 and at == 0:
            tokens[at + 1].children, tokens[at + 2].meta["is_title"] = [], True
            return ""
    if 1 <= level <= 3 and words:
        work.toc.append(Heading(level, words, anchor))
    # The page around it has the one heading of the first level.
    return f'<h{max(2, level)} id="{escape(anchor)}">'


def _heading_close(_self: RendererHTML, tokens: list[Token], at: int, _options: Any, env: dict[str, Any]) -> str:
    if tokens[at].meta.get("is_title"):
        return ""
    return "</strong></p>\n" if env.get("nested") else f"</h{max(2, int(tokens[at].tag[1]))}>\n"


def _formula(work: Work, token: Token) -> str:
    return _island(work, maths.to_mathml(token.content, is_block=False))


def _formula_block(work: Work, token: Token) -> str:
    return f"<p {work.mark('doc-formula')}>" + _island(work, maths.to_mathml(token.content, is_block=True)) + "</p>\n"


def _island(work: Work, html: str) -> str:
    work.budget.check()
    work.formulas.append(html)
    return f"<span {work.mark(f'doc-formula-{len(work.formulas) - 1}')}></span>"


def _alert(work: Work, token: Token) -> str:
    kind = token.meta["kind"]
    return docs_components.box(work, _BOXES[kind].strip(), kind.capitalize())


def _fence(_self: RendererHTML, tokens: list[Token], at: int, _options: Any, env: dict[str, Any]) -> str:
    work: Work = env[_WORK]
    info = tokens[at].info.strip()
    word = re.split(r"[\s,:{}]", info.lstrip("{."), maxsplit=1)[0] if info else ""
    content = tokens[at].content
    is_session = word in {"py", "python", "pycon"} and content.lstrip().startswith(">>> ")
    language = highlight.language_of("pycon" if is_session else word) if word else None
    html = highlight.block(content, language, env[BUDGET])
    block = f'<pre tabindex="0"><code class="language-{escape(word)}">{html}</code></pre>\n'
    if word != "mermaid":
        return block
    return f"<figure>{block}<figcaption>{work.say('Diagram, as Mermaid source')}</figcaption></figure>\n"
