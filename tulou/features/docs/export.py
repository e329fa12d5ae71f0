"""A site for other readers than browsers: Markdown, notebooks, and one text of everything."""

from __future__ import annotations

from urllib.parse import quote

from tulou.features.docs import site as sites
from tulou.features.docs.library import Tree
from tulou.features.docs.site import Site
from tulou.kernel.limits import CARD_BYTES, DOCS_EXPORT
from tulou.platform.markup.docs_page import prepared
from tulou.wire import doc_notebook
from tulou.wire.doc_flatten import flatten
from tulou.wire.doc_sections import plain


def markdown(opened: Site, path: str) -> str:
    """Return a page as plain Markdown. Raises EntryNotFound."""
    return flatten(prepared(sites.markdown(opened, path)))


def notebook(opened: Site, path: str) -> bytes:
    """Return a page as a notebook. Raises EntryNotFound."""
    return doc_notebook.notebook(markdown(opened, path))


def index(opened: Site, tree: Tree, start: str) -> str:
    """Return `llms.txt`: the contents as links to the Markdown of each page. `start`: scheme and host."""
    base = f"{start}{opened.base}/{tree.language}"
    lines = [f"# {opened.title}", "", f"> Documentation, {opened.revision}. Everything in one text: {base}/llms-full.txt", ""]
    for entry in tree.contents:
        pages = [page for page in entry.pages() if page.local in tree.pages]
        if entry.below:
            lines += ["", f"## {plain(entry.title)}", ""]
        lines += [f"- [{plain(page.title)}]({base}/{quote(page.local or '')}.md)" for page in pages]
    return "\n".join(lines) + "\n"


def everything(opened: Site, tree: Tree, start: str) -> str:
    """Return `llms-full.txt`: all pages in reading order, up to the limit."""
    order = [entry.local for entry in tree.order if entry.local in tree.pages]
    rest = [local for local in sorted(tree.pages) if local not in set(order)]
    parts: list[str] = []
    left = DOCS_EXPORT
    for local in [*order, *rest]:
        content = opened.source.read(tree.pages[local or ""], CARD_BYTES)
        left -= len(content or b"")
        if content is None or left < 0:
            continue
        text = markdown(opened, tree.pages[local or ""])
        parts.append(f"<!-- {start}{opened.base}/{tree.language}/{quote(local or '')} -->\n\n{text}")
    return "\n\n".join(parts)
