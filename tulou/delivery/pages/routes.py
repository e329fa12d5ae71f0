"""Every page of the website."""

from __future__ import annotations

from tulou.delivery.pages import assets, home, lists, look, repo, signin, tokens

ROUTES = [
    *assets.ROUTES,
    *home.ROUTES,
    *lists.ROUTES,
    *look.ROUTES,
    *repo.ROUTES,
    *signin.ROUTES,
    *tokens.ROUTES,
]
