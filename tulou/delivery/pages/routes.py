"""Every page of the website."""

from __future__ import annotations

from tulou.delivery.pages import (
    assets,
    blob,
    card,
    files,
    history,
    home,
    join,
    lists,
    look,
    new_repo,
    orgs,
    profile,
    repo_settings,
    search,
    settings,
    signin,
    tensors,
    tokens,
    two_steps,
)

ROUTES = [
    *assets.ROUTES,
    *blob.ROUTES,
    *card.ROUTES,
    *files.ROUTES,
    *history.ROUTES,
    *home.ROUTES,
    *join.ROUTES,
    *lists.ROUTES,
    *look.ROUTES,
    *new_repo.ROUTES,
    *orgs.ROUTES,
    *profile.ROUTES,
    *repo_settings.ROUTES,
    *search.ROUTES,
    *settings.ROUTES,
    *signin.ROUTES,
    *tensors.ROUTES,
    *tokens.ROUTES,
    *two_steps.ROUTES,
]
