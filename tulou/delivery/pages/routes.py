"""Every page of the website."""

from __future__ import annotations

from tulou.delivery.pages import assets, blob, card, files, history, home, lists, look, signin, tensors, tokens

ROUTES = [
    *assets.ROUTES,
    *blob.ROUTES,
    *files.ROUTES,
    *history.ROUTES,
    *card.ROUTES,
    *home.ROUTES,
    *lists.ROUTES,
    *look.ROUTES,
    *signin.ROUTES,
    *tensors.ROUTES,
    *tokens.ROUTES,
]
