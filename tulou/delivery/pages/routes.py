"""Every page of the website."""

from __future__ import annotations

from tulou.delivery.pages import assets, home, look, repo, signin, tokens

ROUTES = [*assets.ROUTES, *home.ROUTES, *look.ROUTES, *signin.ROUTES, *tokens.ROUTES, *repo.ROUTES]
