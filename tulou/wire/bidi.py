"""Show the characters that turn the direction of text: a program can read differently from what it does (CVE-2021-42574)."""

from __future__ import annotations

import re

_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")


def shown(html: str) -> str:
    """Return HTML in which each of them stands as its number in a box. Attributes must be free of them."""
    return _TURNING.sub(lambda found: f'<span class="bidi">U+{ord(found[0]):04X}</span>', html)
