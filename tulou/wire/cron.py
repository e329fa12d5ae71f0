"""When a schedule is due: five fields of cron, or a word such as @hourly, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from croniter import croniter
from croniter.croniter import CroniterError

from tulou.kernel.errors import BadInput

_WORDS = {
    "@annually": "0 0 1 1 *", "@yearly": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_FIELDS = re.compile(r"[0-9A-Za-z*/,#?-]{1,100}(?: +[0-9A-Za-z*/,#?-]{1,100}){4}")
_YEARS = 10
"""29 February may be eight years away."""


def parse(text: str) -> str:
    """Return a schedule with single spaces. Raises BadInput, also for one that is never due."""
    clean = " ".join(text.split())
    if clean not in _WORDS and (not _FIELDS.fullmatch(clean) or re.search(r"(?:^| |,)[RrHh](?:$|[ ,/(])", clean)):
        raise _bad()
    next_after(clean, 0)
    return clean


def next_after(schedule: str, millis: int) -> int:
    """Return the first time after `millis` at which a schedule is due. Both are Unix milliseconds. Raises BadInput."""
    start = datetime.fromtimestamp(millis / 1000, tz=UTC)
    try:
        found: datetime = croniter(_WORDS.get(schedule, schedule), start, max_years_between_matches=_YEARS).get_next(datetime)
    except (CroniterError, ValueError, OverflowError) as cause:
        raise _bad() from cause
    return int(found.timestamp()) * 1000


def _bad() -> BadInput:
    words = ", ".join(sorted(_WORDS))
    return BadInput(f"A schedule is five cron fields in UTC that are due some day, such as '0 9 * * 1', or one of: {words}.")
