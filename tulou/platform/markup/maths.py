"""Formulas in LaTeX become MathML, which browsers lay out by themselves; what cannot be read is shown as it was written.

The library's result is written out again by us, element by element from a list, and goes into a page after the
sanitiser: parsers of HTML disagree about MathML within HTML, so none gets to see any that an author chose.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from xml.etree.ElementTree import Element

LENGTH = 2_000
NESTING = 40
_ELEMENTS = frozenset({
    "math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle", "merror", "mpadded",
    "mphantom", "mfenced", "menclose", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts",
    "mprescripts", "none", "mtable", "mtr", "mtd",
})  # fmt: skip
_ATTRIBUTES = frozenset({
    "display", "mathvariant", "stretchy", "fence", "form", "separator", "accent", "accentunder", "lspace", "rspace", "width",
    "height", "depth", "linethickness", "minsize", "maxsize", "movablelimits", "largeop", "symmetric", "displaystyle",
    "scriptlevel", "columnalign", "rowspacing", "columnspacing", "columnlines", "rowlines", "frame", "notation", "open", "close",
})  # fmt: skip
_VALUE = re.compile(r"[A-Za-z0-9 .%+(){}\[\]|/\\:_,;\u2016\u2308-\u230b\u27e8\u27e9-]{0,80}")
_STUMBLES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)
"""The library answers unfinished formulas with whatever its own code stumbles over."""
_TEXT_SIGN = re.compile(r"[\x00-\x1f\x7f]")


@lru_cache(maxsize=4_000)
def to_mathml(source: str, *, is_block: bool) -> str:
    """Return a formula as HTML: a `<math>` element, or its source as code when it is too long or no LaTeX that we know."""
    source = _TEXT_SIGN.sub(" ", source).strip()
    if len(source) > LENGTH or _depth(source) > NESTING:
        return _source(source, is_block=is_block)
    from latex2mathml import exceptions  # noqa: PLC0415 - pages without formulas do without it
    from latex2mathml.converter import convert_to_element  # noqa: PLC0415

    own = (kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception))
    problems: tuple[type[Exception], ...] = (*own, *_STUMBLES)
    try:
        return _written(convert_to_element(source, display="block" if is_block else "inline"))
    except problems:
        return _source(source, is_block=is_block)


def _source(source: str, *, is_block: bool) -> str:
    code = f"<code>{escape(source)}</code>"
    return f'<pre tabindex="0">{code}</pre>' if is_block else code


def _depth(source: str) -> int:
    deepest = depth = 0
    for char in source:
        depth += {"{": 1, "[": 1, "(": 1, "^": 1, "_": 1, "}": -1, "]": -1, ")": -1}.get(char, 0)
        deepest = max(deepest, depth)
    return deepest + source.count("\\left") // 2


def _written(element: Element) -> str:
    if element.tag not in _ELEMENTS:
        return escape("".join(element.itertext()))
    pairs = [(name, value) for name, value in element.attrib.items() if name in _ATTRIBUTES and _VALUE.fullmatch(value)]
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in pairs)
    inside = escape(_unescaped(element.text or "")) + "".join(_written(child) for child in element)
    return f"<{element.tag}{attributes}>{inside}</{element.tag}>" + escape(_unescaped(element.tail or ""))


def _unescaped(text: str) -> str:
    """The library writes symbols as `&#x0002B;` and leaves it to its writer not to escape them again."""
    return re.sub(r"&#x([0-9A-Fa-f]{1,6});", _letter, text)


def _letter(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if 0x20 <= code < 0xD800 or 0xE000 <= code < 0x110000 else ""
