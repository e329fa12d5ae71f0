"""The one way in which pages write sizes, counts and times."""

from __future__ import annotations

from markupsafe import Markup

from tulou.delivery.pages.words import Translate
from tulou.features.cards.vocabulary import TASKS
from tulou.kernel.clock import iso

_UNITS = ("B", "kB", "MB", "GB", "TB")
_POWERS = ("", "k", "M", "B", "T")
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000


def size(count: int) -> str:
    """Format bytes in decimal units, as the Hub does: `1.23 MB`."""
    power = min((len(str(count)) - 1) // 3, len(_UNITS) - 1)
    value = count / 1000**power
    return f"{value:.3g} {_UNITS[power]}" if value < 999.5 else f"{value:.0f} {_UNITS[power]}"


def short(count: int) -> str:
    """Format a count in few letters: `999`, `1.2k`, `135M`, `7B`."""
    power = min((len(str(count)) - 1) // 3, len(_POWERS) - 1)
    value = count / 1000**power
    return f"{value:.0f}{_POWERS[power]}" if power == 0 or value >= 99.5 else f"{value:.1f}".removesuffix(".0") + _POWERS[power]


def task(name: str) -> str:
    """Return the English label of a task, which the translator knows; a task that nobody listed keeps its name."""
    return TASKS[name].label if name in TASKS else name


def date(millis: int) -> str:
    """Format Unix milliseconds as a day: `2026-11-24`."""
    return iso(millis)[:10]


def ago(millis: int, now: int, _: Translate) -> str:
    """Say how long ago something was; after a month, the day."""
    passed = max(0, now - millis)
    if passed < _MINUTE:
        return _("just now")
    if passed < _HOUR:
        return _("{count} min ago", count=passed // _MINUTE)
    if passed < _DAY:
        return _("{count} h ago", count=passed // _HOUR)
    if passed < 2 * _DAY:
        return _("yesterday")
    return _("{count} days ago", count=passed // _DAY) if passed < 30 * _DAY else date(millis)


def moment(millis: int, now: int, _: Translate) -> Markup:
    """Return a `<time>` element: how long ago, with the exact time for machines and on hover."""
    exact = iso(millis)
    shown = f"{exact[:10]} {exact[11:16]} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, shown, ago(millis, now, _))
