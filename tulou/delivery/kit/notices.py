"""What stands in for an application that cannot answer: one reason, and the ways on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response

from tulou.kernel.errors import HubError, NotFound


class NoApp(NotFound):
    """There is no application here, or you see it once you are signed in."""

    code = "no_app"


class AppWaking(HubError):
    """The application is starting. It will be here in a moment."""

    status = 503
    code = "app_waking"


class AppBuilding(HubError):
    """The application is being built."""

    status = 503
    code = "app_building"


class AppPaused(HubError):
    """The application is paused. Its owner can start it again."""

    status = 503
    code = "app_paused"


class AppFailed(HubError):
    """The application does not run: the page of its Space says why."""

    status = 503
    code = "app_failed"


class ForeignPage(HubError):
    """A page of another site may not connect to this application."""

    status = 403
    code = "foreign_page"


RETRY_SECONDS = {AppWaking.code: 2, AppBuilding.code: 5, "app_crowded": 5}
"""Problems that go by: after how long to ask again."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A problem to show on an application's host."""

    problem: HubError
    hub: str
    """Scheme and host of the hub."""
    sign_in: str | None = None
    """Where signing in leads back here; None if that would not help."""
    space_page: str | None = None
    """The page of the Space; None for those who may not know that there is one."""
    in_frame: bool = False
    """Shown within the page of a Space, which no link may leave but by a new window."""

    @property
    def retry_seconds(self) -> int | None:
        """After how long to ask again; None if that would not help."""
        return RETRY_SECONDS.get(self.problem.code)


NoticePage = Callable[[Notice, Headers], Response]
