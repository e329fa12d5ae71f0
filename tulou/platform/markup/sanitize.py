"""Let through only HTML that is on a list: the last step before text that people wrote becomes part of a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

import nh3

from tulou.platform.markup.highlight import CLASSES
from tulou.platform.markup.place import ID_PREFIX

_TAG_NAMES = """
a abbr b blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6
hr i img ins kbd li mark ol p pre q rp rt ruby s samp section small span strike strong sub summary sup table tbody td tfoot th
thead tr tt u ul var wbr
"""
_ALIGNED = ("p", "div", "td", "th", "tr", "img", "table", "h1", "h2", "h3", "h4", "h5", "h6")
# No `style`, no `data-*`: the first is markup's way around a policy, the second makes elements of ours do something.
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"id", "title", "dir", "lang"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height"},
    "code": {"class"},
    "span": {"class"},
    "pre": {"tabindex"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start", "reversed"},
    "details": {"open"},
}
for _tag in _ALIGNED:
    _ATTRIBUTES.setdefault(_tag, set()).add("align")
_SEALED = frozenset({"role", "data-group", "data-tab", "data-card"})
_SEALED_ATTRIBUTES = {**_ATTRIBUTES, "*": _ATTRIBUTES["*"] | _SEALED | {"class"}}
_SCHEMES = frozenset({"http", "https", "mailto"})
_LANGUAGE = re.compile(r"language-[A-Za-z0-9_+#.-]{1,40}")
_SIZE = re.compile(r"[0-9]{1,4}%?")
_NUMBER = re.compile(r"[0-9]{1,3}")
_ID = re.compile(r"\S{1,200}")
_VALUES: dict[str, re.Pattern[str]] = {
    "align": re.compile(r"left|center|right"),
    "colspan": _NUMBER,
    "dir": re.compile(r"ltr|rtl|auto"),
    "height": _SIZE,
    "lang": re.compile(r"[A-Za-z-]{1,20}"),
    "rowspan": _NUMBER,
    "start": re.compile(r"[0-9]{1,9}"),
    "tabindex": re.compile("0"),
    "width": _SIZE,
}


class Where(Protocol):
    """Knows where the links and pictures of a text lead; None for those that lead nowhere."""

    def link(self, url: str) -> str | None:
        """Return the address of a link."""

    def image(self, url: str) -> str | None:
        """Return the address of a picture."""


def clean(html: str, place: Where, seal: str = "") -> str:
    """Return the HTML with everything dropped that is not on the list, links resolved, ids kept apart from the page's own.

    `seal`: a word that no author can know. Classes, roles and `data-` attributes that begin with it stay, without it.
    """
    return nh3.clean(
        html,
        tags=set(_TAG_NAMES.split()),
        clean_content_tags={"script", "style", "template", "title", "textarea", "iframe", "noscript", "svg", "math"},
        attributes=_SEALED_ATTRIBUTES if seal else _ATTRIBUTES,
        attribute_filter=_filter(place, seal),
        strip_comments=True,
        link_rel="nofollow ugc noopener",
        url_schemes=set(_SCHEMES),
    )


def _filter(place: Where, seal: str) -> Callable[[str, str, str], str | None]:
    """Return the function that nh3 asks about every attribute it would keep; its answers are escaped, but not checked again."""

    def decide(tag: str, name: str, value: str) -> str | None:
        if name in {"id", "name"}:
            return ID_PREFIX + value if _ID.fullmatch(value) else None
        if name == "href":
            return place.link(value)
        if name == "src":
            return place.image(value)
        if name == "class":
            return _classes(tag, value, seal)
        if name in _SEALED:
            return value.removeprefix(seal) if value.startswith(seal) else None
        pattern = _VALUES.get(name)
        return value if pattern is None or pattern.fullmatch(value.lower()) else None

    return decide


def _classes(tag: str, value: str, seal: str) -> str | None:
    allowed = _LANGUAGE.fullmatch if tag == "code" else CLASSES.__contains__ if tag == "span" else _no_class
    words = value.split()
    ours = [word.removeprefix(seal) for word in words if seal and word.startswith(seal)]
    return " ".join(ours + [word for word in words if allowed(word)]) or None


def _no_class(_word: str) -> bool:
    return False
