"""Every page of the administration."""

from __future__ import annotations

from tulou.delivery.pages.admin import accounts, content, machines, overview, work

ROUTES = [*overview.ROUTES, *accounts.ROUTES, *content.ROUTES, *machines.ROUTES, *work.ROUTES]
