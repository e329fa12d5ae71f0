"""Let through only HTML that is on a list: the last step before text that people wrote becomes part of a page."""

from __future__ import annotations

import re
from collections.abc import Callable

import nh3

from tulou.platform.markup.highlight import CLASSES
from tulou.platform.markup.place import ID_PREFIX, Place

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


def clean(html: str, place: Place) -> str:
    """Return the HTML with everything dropped that is not on the list, links resolved, ids kept apart from the page's own."""
    return nh3.clean(
        html,
        tags=set(_TAG_NAMES.split()),
        clean_content_tags={"script", "style", "template", "title", "textarea", "iframe", "noscript", "svg", "math"},
        attributes=_ATTRIBUTES,
        attribute_filter=_filter(place),
        strip_comments=True,
        link_rel="nofollow ugc noopener",
        url_schemes=set(_SCHEMES),
    )


def _filter(place: Place) -> Callable[[str, str, str], str | None]:
    """Return the function that nh3 asks about every attribute it would keep; its answers are escaped, but not checked again."""

    def decide(tag: str, name: str, value: str) -> str | None:
        if name in {"id", "name"}:
            return ID_PREFIX + value if _ID.fullmatch(value) else None
        if name == "href":
            return place.link(value)
        if name == "src":
            return place.image(value)
        if name == "class":
            return _classes(tag, value)
        pattern = _VALUES.get(name)
        return value if pattern is None or pattern.fullmatch(value.lower()) else None

    return decide


def _classes(tag: str, value: str) -> str | None:
    allowed = _LANGUAGE.fullmatch if tag == "code" else CLASSES.__contains__
    return " ".join(word for word in value.split() if allowed(word)) or None
