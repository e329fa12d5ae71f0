"""Read the tags of documentation components, such as `<hfoption id="pytorch">` or `<Tip warning={true}>`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

CONTAINERS = frozenset({
    "Tip", "hfoptions", "hfoption", "frameworkcontent", "pt", "tf", "flax", "jax", "tokenizerslangcontent", "rust", "node",
    "inferencesnippet", "python", "js", "curl", "ExampleCodeBlock", "Added", "Changed", "Deprecated", "Question",
})  # fmt: skip
"""Components around text."""
ALONE = frozenset({
    "Youtube", "InferenceSnippet", "DocNotebookDropdown", "CourseFloatingBanner", "PipelineTag", "EditOnGithub", "HubModel",
    "HubDataset", "HubSpace",
})  # fmt: skip
"""Components without text in them, whether they are closed or not."""
NAMES = CONTAINERS | ALONE
TAG_CHARS = 20_000
"""One tag, with all its attributes, may be this long: lists of answers are."""
TAG_LINES = 80
_NAME = re.compile("<(" + "|".join(sorted(NAMES, key=len, reverse=True)) + r")(?=[\s/>]|$)")
_END = re.compile("</(" + "|".join(sorted(NAMES, key=len, reverse=True)) + r")\s{0,20}>\s{0,200}$")
_ATTRIBUTE = re.compile(
    r"(?<![\w:-])([\w:-]{1,60})\s{0,20}=\s{0,20}(?:\"([^\"]{0,2000})\"|'([^']{0,2000})')|"
    r"(?<![\w:-])([\w:-]{1,60})\s{0,20}=\s{0,20}\{"
)


@dataclass(frozen=True, slots=True)
class Tag:
    """An opening tag. Attributes in braces are kept as they are written. `end`: where it ends in the text that was read."""

    name: str
    end: int
    is_closed: bool
    attributes: dict[str, str] = field(default_factory=dict)


def begins(line: str) -> str | None:
    """Return the name of the component whose tag a line begins with, or None."""
    found = _NAME.match(line)
    return found[1] if found else None


def closes(line: str) -> str | None:
    """Return the name of the component that a line of nothing but a closing tag ends, or None."""
    found = _END.match(line)
    return found[1] if found else None


def read(lines: Sequence[str]) -> tuple[Tag, int, str] | None:
    """Read the opening tag that the first line begins with. Return it, the lines that it takes, and what follows on its last."""
    text = "\n".join(lines[:TAG_LINES])[:TAG_CHARS]
    tag = opening(text)
    if tag is None:
        return None
    taken = text.count("\n", 0, tag.end) + 1
    return tag, taken, text[tag.end :].partition("\n")[0] if taken < TAG_LINES else ""


def opening(text: str) -> Tag | None:
    """Read the opening tag that a text begins with; None when it does not end."""
    name = begins(text)
    end = _end(text[:TAG_CHARS]) if name else -1
    if name is None or end < 0:
        return None
    inside = text[len(name) + 1 : end]
    return Tag(name, end + 1, name in ALONE or inside.rstrip().endswith("/"), _attributes(inside))


def _end(text: str) -> int:
    """Return where the tag ends: the first `>` that stands in neither quotes nor braces."""
    depth, quote = 0, ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and depth == 0:
            quote = char
        elif char in "{}":
            depth += 1 if char == "{" else -1
        elif char == ">" and depth <= 0:
            return at
    return -1


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while match := _ATTRIBUTE.search(text, at):
        if match[4] is None:
            found[match[1]] = match[2] if match[2] is not None else match[3]
            at = match.end()
        else:
            at = _closing_brace(text, match.end() - 1)
            found[match[4]] = text[match.end() : at - 1].strip()
    return found


def _closing_brace(text: str, at: int) -> int:
    """Return the place after the brace that closes the one at `at`; the end of the text if none does."""
    depth = 0
    for here in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[here], 0)
        if depth == 0:
            return here + 1
    return len(text)
