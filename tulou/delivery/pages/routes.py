"""Every page of the website."""

from __future__ import annotations

from tulou.delivery.pages import home, repo, signin, tokens

ROUTES = [*home.ROUTES, *signin.ROUTES, *tokens.ROUTES, *repo.ROUTES]
