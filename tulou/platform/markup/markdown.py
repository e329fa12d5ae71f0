"""Lay out Markdown as GitHub and the Hub do: tables, task lists, footnotes, anchors, bare links, coloured code, HTML within."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from tulou.platform.markup import highlight
from tulou.platform.markup.budget import Budget
from tulou.platform.markup.place import is_remote

BUDGET = "tulou_budget"
_TASK = re.compile(r"\[([ xX])\] +")
_ALERT = re.compile(r"\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]", re.IGNORECASE)
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")
_HTML_PIECE = re.compile(r"<(?P<end>/?)(?P<tag>a|img)\b(?P<rest>[^>]{0,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)


def to_html(text: str, budget: Budget) -> str:
    """Return HTML that is *not* safe yet: it goes through `sanitize.clean` next. Raises Overdue."""
    html: str = _parser().render(text, {BUDGET: budget})
    return html


@cache
def _parser() -> MarkdownIt:
    made = base()
    for rule in (_anchors, _alerts):
        made.core.ruler.push(f"tulou{rule.__name__}", rule)
    return made


def base() -> MarkdownIt:
    """Return a parser with what every text here has; documentation adds its own dialect to one."""
    made = MarkdownIt("commonmark", {"html": True, "linkify": True, "typographer": False})
    made.enable(["table", "strikethrough", "linkify"])
    made.use(footnote_plugin)
    made.block.ruler.before("code", "tulou_budget", _block_budget)
    made.inline.ruler.before("text", "tulou_budget", _inline_budget)
    for rule in (_tasks, _columns, _images):
        made.core.ruler.push(f"tulou{rule.__name__}", rule)
    made.add_render_rule("fence", _fence)
    made.add_render_rule("footnote_block_open", lambda *_: "<hr>\n<section>\n<ol>\n")
    return made


def _block_budget(state: StateBlock, _start: int, _end: int, _silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    state.env[BUDGET].check()
    return False


def _inline_budget(state: StateInline, _silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    state.env[BUDGET].check()
    return False


def _anchors(state: StateCore) -> None:
    """Give headings the ids that GitHub gives them: `## Use it` is `#use-it`, the second one `#use-it-1`."""
    used: dict[str, int] = {}
    for at, token in enumerate(state.tokens):
        if token.type == "heading_open":
            children = state.tokens[at + 1].children or []
            words = "".join(child.content for child in children if child.type in {"text", "code_inline"})
            slug = _NOT_IN_SLUG.sub("", words.strip().lower()).replace(" ", "-")[:100]
            count = used[slug] = used.get(slug, -1) + 1
            token.attrs["id"] = f"{slug}-{count}" if count else slug


def _tasks(state: StateCore) -> None:
    """Show `- [x]` as a ticked box: a letter, not a form field, which a screen reader would offer to change."""
    for at in range(2, len(state.tokens)):
        token = state.tokens[at]
        if token.type == "inline" and state.tokens[at - 2].type == "list_item_open" and token.children:
            first = token.children[0]
            match = _TASK.match(first.content) if first.type == "text" else None
            if match:
                first.content = ("☐ " if match[1] == " " else "☑ ") + first.content[match.end() :]


def _alerts(state: StateCore) -> None:
    """Show the first line `[!NOTE]` of a quotation as a word in bold."""
    for at in range(2, len(state.tokens)):
        token = state.tokens[at]
        if token.type == "inline" and state.tokens[at - 2].type == "blockquote_open" and token.children:
            first = token.children[0]
            match = _ALERT.fullmatch(first.content.strip()) if first.type == "text" else None
            if match:
                first.content = match[1].capitalize()
                token.children[:1] = [Token("strong_open", "strong", 1), first, Token("strong_close", "strong", -1)]


def _columns(state: StateCore) -> None:
    """Align the columns of tables by attribute: styles do not get through."""
    for token in state.tokens:
        style = str(token.attrs.get("style", "")) if token.type in {"th_open", "td_open"} else ""
        if style.startswith("text-align:"):
            token.attrs = {"align": style.removeprefix("text-align:")}


def _images(state: StateCore) -> None:
    """Turn images of other hosts into links to them: loading one would tell that host who reads the page."""
    depth = 0
    for token in state.tokens:
        if token.type == "html_block":
            token.content, depth = _html_images(token.content, depth)
        for child in token.children or []:
            if child.type == "html_inline":
                child.content, depth = _html_images(child.content, depth)
            elif child.type in {"link_open", "link_close"}:
                depth += child.nesting
            elif child.type == "image" and is_remote(str(child.attrs.get("src", ""))):
                _as_link(child, is_inside=depth > 0)


def _as_link(image: Token, *, is_inside: bool) -> None:
    words, source = image.content or "image", str(image.attrs["src"])
    image.type = "html_inline"
    image.children = None
    image.content = _link(words, source, is_inside=is_inside)


def _html_images(html: str, depth: int) -> tuple[str, int]:
    def replace(piece: re.Match[str]) -> str:
        nonlocal depth
        if piece["tag"].lower() == "a":
            depth = max(0, depth + (-1 if piece["end"] else 1))
            return piece[0]
        found = {name.lower(): one or two or three for name, one, two, three in _ATTRIBUTE.findall(piece["rest"])}
        if not is_remote(found.get("src", "")):
            return piece[0]
        return _link(found.get("alt") or "image", found["src"], is_inside=depth > 0)

    return _HTML_PIECE.sub(replace, html), depth


def _link(words: str, source: str, *, is_inside: bool) -> str:
    return escape(words) if is_inside else f'<a href="{escape(source)}">{escape(words)}</a>'


def _fence(_self: RendererHTML, tokens: list[Token], at: int, _options: Any, env: dict[str, Any]) -> str:
    word = tokens[at].info.strip().split(maxsplit=1)[0].strip("{}.") if tokens[at].info.strip() else ""
    html = highlight.block(tokens[at].content, highlight.language_of(word) if word else None, env[BUDGET])
    return f'<pre tabindex="0"><code class="language-{escape(word)}">{html}</code></pre>\n'
