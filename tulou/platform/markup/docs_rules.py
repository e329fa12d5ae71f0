"""The dialect of the field's documentation as rules of the Markdown parser: components, objects, formulas, anchors, alerts."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from tulou.platform.markup import markdown
from tulou.platform.markup.budget import Budget
from tulou.wire import doc_tags
from tulou.wire.doc_sections import split_anchor

NESTING = 12
FORMULA = 4_000
_DEPTH = "tulou_depth"
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_AUTODOC = re.compile(r"\[\[autodoc\]\][ \t]{1,20}([\w.]{1,300})[ \t]*$")
_MEMBER = re.compile(r"[ \t]*-[ \t]+([\w.]{1,200})[ \t]*$")
_OBJECT = re.compile(r"\[`([~!]?)([A-Za-z_][\w.]{0,300})(\(\))?`\](?![(\[])")
_ALERT = re.compile(r"\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*", re.IGNORECASE)


@cache
def parser() -> MarkdownIt:
    """Return the parser of documentation, without the rules that write HTML."""
    made = markdown.base()
    if made.linkify is not None:
        made.linkify.set({"fuzzy_link": False, "fuzzy_email": False})  # README.md is no host in Moldova
    ends_others: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    made.block.ruler.before("html_block", "tulou_component", _component, ends_others)
    made.block.ruler.before("fence", "tulou_autodoc", _autodoc, {"alt": ["paragraph", "reference"]})
    made.block.ruler.before("fence", "tulou_formula", _formula_block, {"alt": ["paragraph", "reference"]})
    made.inline.ruler.before("escape", "tulou_formula", _formula)
    made.inline.ruler.before("link", "tulou_object", _object)
    made.core.ruler.push("tulou_headings", _headings)
    made.core.ruler.push("tulou_alerts", _alerts)
    return made


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _component(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    line = _line(state, start)
    if doc_tags.closes(line):  # its opening tag is missing or was not on a line of its own
        if not silent:
            state.line = start + 1
        return True
    if not doc_tags.begins(line) or state.env.get(_DEPTH, 0) > NESTING:
        return False
    state.env[markdown.BUDGET].check()
    found = doc_tags.read([_line(state, number) for number in range(start, min(end, start + doc_tags.TAG_LINES))])
    if found is not None and not silent:
        tag, taken, rest = found
        _push(state, tag, rest, start + taken, end)
    return found is not None


def _push(state: StateBlock, tag: doc_tags.Tag, rest: str, begin: int, end: int) -> None:
    """Add the tokens of a component whose opening tag ends in the line before `begin`, followed by `rest`."""
    opening = state.push("component_open", "div", 1)
    opening.meta = {"tag": tag}
    if tag.is_closed:
        inside, after, state.line = "", rest, begin
        state.line = begin
    else:
        inside, after, state.line = _inside(state, tag.name, rest, begin, end)
    state.env[_DEPTH] = state.env.get(_DEPTH, 0) + 1
    if inside.strip():
        state.md.block.parse(inside, state.md, state.env, state.tokens)
    state.push("component_close", "div", -1).meta = {"tag": tag}
    if after.strip() and doc_tags.closes(after.strip()) is None:
        state.md.block.parse(after.strip(), state.md, state.env, state.tokens)
    state.env[_DEPTH] -= 1


def _inside(state: StateBlock, name: str, rest: str, begin: int, end: int) -> tuple[str, str, int]:
    """Return the text of a component, what follows its closing tag on that line, and the next line.

    A component that nobody closes has nothing in it: what follows stands beside it.
    """
    budget: Budget = state.env[markdown.BUDGET]
    mark = re.compile(rf"<(/?){name}(?=[\s/>]|$)")
    depth, fence = 1, ""
    for number in range(begin - 1, end):
        budget.check()
        line = rest if number == begin - 1 else _line(state, number)
        found = _FENCE.match(line)
        if found:
            fence = "" if fence and found[1].startswith(fence) else fence or found[1]
        for tag in mark.finditer(line) if not fence else ():
            depth += -1 if tag[1] else 1
            if depth == 0:
                before = [] if number == begin - 1 else [rest, state.getLines(begin, number, state.blkIndent, False)]
                close = line.find(">", tag.end())
                return "\n".join([*before, line[: tag.start()]]), line[close + 1 :] if close >= 0 else "", number + 1
    state.env.setdefault("tulou_unclosed", []).append(name)
    return rest, "", begin


def _autodoc(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    found = _AUTODOC.match(_line(state, start))
    if found is None:
        return False
    if silent:
        return True
    members: list[str] = []
    line = start + 1
    while line < end and (member := _MEMBER.match(_line(state, line))):
        members.append(member[1])
        line += 1
    state.push("autodoc", "", 0).meta = {"path": found[1], "members": members}
    state.line = line
    return True


def _formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    line = _line(state, start)
    opening, closing = ("$$", "$$") if line.startswith("$$") else ("\\\\[", "\\\\]")
    if not line.startswith(opening):
        return False
    at, text = start, line[len(opening) :]
    while closing not in text and at + 1 < end and len(text) < FORMULA and _line(state, at + 1).strip():
        at += 1
        text += "\n" + _line(state, at)
    if not text.rstrip().endswith(closing) or text.count(closing) > 1:
        return False
    if not silent:
        state.push("formula_block", "", 0).content = text.rstrip().removesuffix(closing)
        state.line = at + 1
    return True


def _formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    for opening, closing in (("$$", "$$"), ("\\\\(", "\\\\)")):
        if state.src.startswith(opening, state.pos):
            begin = state.pos + len(opening)
            end = state.src.find(closing, begin, begin + FORMULA)
            if end <= begin:
                return False
            if not silent:
                state.push("formula", "", 0).content = state.src[begin:end]
            state.pos = end + len(closing)
            return True
    return False


def _object(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    found = _OBJECT.match(state.src, state.pos) if state.src[state.pos] == "[" else None
    if found is None:
        return False
    if not silent:
        name = found[2].rpartition(".")[2] if found[1] else found[2]
        state.push("object", "", 0).meta = {"path": found[2], "words": name + (found[3] or "")}
    state.pos = found.end()
    return True


def _headings(state: StateCore) -> None:
    """Cut chosen anchors off headings; the rest of the work is done where the site is known."""
    for at, token in enumerate(state.tokens):
        if token.type == "heading_open":
            inline = state.tokens[at + 1]
            words, chosen = split_anchor(inline.content)
            token.meta = {"words": words, "anchor": chosen}
            if chosen:
                _cut(inline, len(inline.content) - len(words))


def _cut(inline: Token, count: int) -> None:
    """Take characters off the end of a line."""
    for child in reversed(inline.children or []):
        if child.type == "text" and count > 0:
            kept = max(0, len(child.content) - count)
            count -= len(child.content) - kept
            child.content = child.content[:kept]


def _alerts(state: StateCore) -> None:
    """Turn quotations that begin with `[!TIP]` into boxes."""
    for at in range(2, len(state.tokens)):
        token, quote = state.tokens[at], state.tokens[at - 2]
        first = token.children[0] if token.type == "inline" and quote.type == "blockquote_open" and token.children else None
        found = _ALERT.match(first.content) if first is not None and first.type == "text" else None
        if first is None or found is None:
            continue
        first.content = first.content[found.end() :]
        if not first.content and len(token.children or []) > 1 and (token.children or [])[1].type == "softbreak":
            token.children = (token.children or [])[2:]
        quote.type = "alert_open"
        quote.meta = {"kind": found[1].lower()}
        depth = 1
        for later in state.tokens[at:]:
            depth += {"blockquote_open": 1, "alert_open": 1, "blockquote_close": -1}.get(later.type, 0)
            if depth == 0:
                later.type = "alert_close"
                break
