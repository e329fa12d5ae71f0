"""Rate limits in fixed windows of five minutes, by account, else address: more tokens or IPv6 addresses buy nothing."""

from __future__ import annotations

from tulou.delivery.kit.routes import Budget
from tulou.kernel.actor import Actor
from tulou.kernel.address import network_of
from tulou.kernel.clock import Clock
from tulou.kernel.errors import TooManyRequests
from tulou.settings import Settings

WINDOW_SECONDS = 300


class RateLimits:
    """Counts requests of this process. The headers follow the RateLimit draft that Hub clients read."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._quota = {
            Budget.API: settings.rate_limit_api,
            Budget.RESOLVE: settings.rate_limit_resolve,
            Budget.PAGES: settings.rate_limit_api,
        }
        self._window = 0
        self._spent: dict[tuple[Budget, str], int] = {}

    def spend(self, budget: Budget, actor: Actor) -> list[tuple[bytes, bytes]]:
        """Count one request and return the headers that say what is left. Raises TooManyRequests when nothing is."""
        quota = self._quota[budget]
        if quota == 0:
            return []
        seconds = self._clock.now() // 1000
        window, passed = divmod(seconds, WINDOW_SECONDS)
        if window != self._window:
            self._window, self._spent = window, {}
        key = (budget, actor.user_id or network_of(actor.address))
        spent = self._spent[key] = self._spent.get(key, 0) + 1
        if spent > quota:
            raise TooManyRequests(WINDOW_SECONDS - passed)
        return [
            (b"ratelimit", f'"{budget.value}";r={quota - spent};t={WINDOW_SECONDS - passed}'.encode()),
            (b"ratelimit-policy", f'"fixed window";"{budget.value}";q={quota};w={WINDOW_SECONDS}'.encode()),
        ]
