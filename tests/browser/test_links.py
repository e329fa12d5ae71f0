"""Every link from every type of page leads somewhere, for a stranger, an owner and an administrator."""

from __future__ import annotations

from urllib.parse import urldefrag, urljoin, urlsplit

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.browser.pages import PAGES
from tests.browser.visitor import visitor
from tests.browser.world import World


@pytest.mark.parametrize("user", [None, "alice", "root"])
def test_no_link_is_dead(home: World, user: str | None):
    client = visitor(home, user)
    found: dict[str, str] = {}
    for shown in PAGES:
        if shown.user == user or (shown.user is None and shown.status == 200):
            answer = client.get(shown.path)
            assert answer.status_code == shown.status, shown.path
            for link in links(answer) - ({str(answer.url)} if shown.status != 200 else set()):
                found.setdefault(link, shown.path)
    assert len(found) > 100
    dead = {link: (status, seen_on) for link, seen_on in found.items() if (status := status_of(client, link)) >= 400}
    assert dead == {}


def links(answer: httpx.Response) -> set[str]:
    """Return the addresses on this hub that a page names: links, pictures, frames, styles, scripts."""
    tree = LexborHTMLParser(answer.text)
    nodes = [(node, where) for where in ("href", "src", "action") for node in tree.css(f"[{where}]:not(form[method=post])")]
    named = [node.attributes.get(where) or "" for node, where in nodes]
    whole = {urldefrag(urljoin(str(answer.url), name)).url for name in named}
    return {link for link in whole if urlsplit(link).netloc == urlsplit(str(answer.url)).netloc}


def status_of(client: httpx.Client, link: str) -> int:
    """Return what a link answers, after redirects. A door that asks to sign in leads somewhere."""
    answer = client.get(link, follow_redirects=True, headers={"range": "bytes=0-0"})
    return 200 if answer.status_code == 401 and 'type="password"' in answer.text else answer.status_code
