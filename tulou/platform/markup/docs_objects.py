"""Write what is known about Python objects as HTML: signature, source, parameters, errors, and links between them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from markdown_it.token import Token

from tulou.platform.markup import docs_components, highlight
from tulou.platform.markup.docs_model import Described, Parameter, Problem
from tulou.wire.docstring import Part

if TYPE_CHECKING:
    from tulou.platform.markup.docs_page import Work

_HEADS = {"parameters": "Parameters", "attributes": "Attributes", "raises": "Raises", "returns": "Returns", "yields": "Yields",
          "example": "Example", "references": "References"}  # fmt: skip
_BOXES = {"note": ("", "Note"), "warning": ("warn", "Warning"), "tip": ("good", "Tip")}
_WIDTH = 88


def autodoc(work: Work, token: Token) -> str:
    """Write an object and the members that were asked for."""
    work.budget.check()
    found = work.site.describe(token.meta["path"], token.meta["members"])
    if found is None:
        work.problems.append(Problem("autodoc", token.meta["path"]))
        return f"<p {work.mark('doc-missing')}>{work.say('No such object: {name}', name=token.meta['path'])}</p>\n"
    return _written(work, found)


def link(work: Work, token: Token) -> str:
    """Write the name of an object, as a link when a page describes it."""
    path, words = token.meta["path"], escape(token.meta["words"])
    work.budget.check()
    url = work.site.object_url(path)
    if url is None:
        work.problems.append(Problem("object", path))
    return f'<a href="{escape(url)}"><code>{words}</code></a>' if url else f"<code>{words}</code>"


def _written(work: Work, found: Described) -> str:
    work.budget.check()
    work.used.add(found.path)
    source = f' <a href="{escape(found.source)}">{work.say("source")}</a>' if found.source else ""
    signature = highlight.block(signature_of(found), "python", work.budget)
    head = f'<div {work.mark("doc-sig")}><pre tabindex="0"><code>{signature}</code></pre>{source}</div>'
    parts = "".join(_part(work, part) for part in found.doc)
    members = "".join(_written(work, member) for member in found.members)
    return f'<div {work.mark("doc-object")} id="{escape(found.path)}">{head}\n{parts}{members}</div>\n'


def signature_of(found: Described) -> str:
    """Return the line that one calls it by, broken where it gets long."""
    name = found.path if found.kind == "class" else found.path.rpartition(".")[2]
    start = {"class": "class ", "function": "def ", "module": "module "}.get(found.kind, "") + name
    if found.kind == "attribute":
        return start + (f": {found.returns}" if found.returns else "")
    if found.kind == "module" or (found.kind == "class" and not found.parameters):
        return start
    parts = [_parameter(parameter) for parameter in found.parameters]
    end = f" -> {found.returns}" if found.returns else ""
    line = f"{start}({', '.join(parts)}){end}"
    return line if len(line) <= _WIDTH else f"{start}(\n" + "".join(f"    {part},\n" for part in parts) + f"){end}"


def _parameter(parameter: Parameter) -> str:
    annotation = f": {parameter.annotation}" if parameter.annotation else ""
    equals = " = " if annotation else "="
    return parameter.name + annotation + (f"{equals}{parameter.default}" if parameter.default else "")


def _part(work: Work, part: Part) -> str:
    if part.kind == "text":
        return work.block(part.text)
    if part.kind in _BOXES:
        return f"{docs_components.box(work, *_BOXES[part.kind])}{work.block(part.text)}</div>\n"
    head = f"<p {work.mark('doc-subhead')}><strong>{work.say(_HEADS[part.kind])}</strong></p>\n"
    if not part.items:
        return head + work.block(part.text)
    rows = []
    for item in part.items:
        kind = "" if part.kind == "raises" else f" {work.inline(item.type)}" if item.type else ""
        name = work.inline(item.type) if part.kind == "raises" else f"<code>{escape(item.name)}</code>"
        rows.append(f"<dt>{name}{kind}</dt><dd>{work.block(item.text)}</dd>\n")
    return f"{head}<dl {work.mark('doc-items')}>\n{''.join(rows)}</dl>\n"
