"""Links to the application of a Space: where it is, and the way in for those who may see a private one."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from tulou.features.repos.model import Repo
from tulou.features.spaces import passes
from tulou.features.spaces.model import Space
from tulou.kernel.actor import Actor
from tulou.platform.machinery import Machinery
from tulou.platform.net import apps_host

OURS = "/_tulou/"
"""What is below this path on an application's host never reaches the application."""
ENTER = f"{OURS}enter"


def app_origin(m: Machinery, base: str, space: Space) -> str | None:
    """Return scheme and host of a Space for whoever reached the hub at `base`; None where it has no host of its own."""
    return apps_host.origin(m.settings, base, space.slug)


def space_url(m: Machinery, base: str, repo: Repo, space: Space) -> str | None:
    """Return where the application of a Space is; None on a hub that has no place for it: no host name for applications."""
    own = app_origin(m, base, space)
    if own is not None:
        return f"{own}/"
    return f"{base}{path_of(repo)}/" if apps_host.is_path_mode(m.settings) else None


def frame_url(m: Machinery, base: str, actor: Actor, repo: Repo, space: Space, onward: str = "/") -> str | None:
    """Return the address with which the Space's page shows the application: for a private one it carries a ticket for `actor`.

    The ticket is good for a minute, so a page with it is not for a cache.
    """
    own, path = app_origin(m, base, space), safe_onward(onward)
    if own is None or not repo.is_private or actor.is_anonymous:
        whole = space_url(m, base, repo, space)
        return whole and whole.removesuffix("/") + path
    return f"{own}{ENTER}?{urlencode({'ticket': passes.ticket(m, actor, repo, base), 'next': path})}"


def path_of(repo: Repo) -> str:
    """Return the path of a Space on the hub's own host, in path mode."""
    return f"/spaces/{quote(repo.name.account)}/{quote(repo.name.name)}/app"


def safe_onward(text: str | None) -> str:
    """Return a path of the application to go on to, or its front page: never an address of somebody else."""
    is_path = text is not None and text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    if text is None or not is_path or len(text) > 2000 or text.startswith(OURS):
        return "/"
    return quote(text, safe="/?&=%:@+,;!$'()*~-._#")
