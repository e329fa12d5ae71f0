"""Read the YAML at the top of a card into plain JSON values, within bounds that no card can exceed.

YAML 1.1 in the wild is dangerous: nesting crashes the C parser's composer, aliases multiply, base-60 numbers take
quadratic time. So values are built straight from the parser's events, and only the JSON types of YAML 1.2 exist here:
dates, `yes`, base-60 and large numbers stay strings, tags and aliases are refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import yaml

from tulou.kernel.errors import WireError
from tulou.kernel.limits import FRONT_MATTER, YAML_DEPTH, YAML_NODES

Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

_OPENING = re.compile(r"\ufeff?\s*---[ \t]*(?:\r\n|\r|\n)")
_CLOSING = re.compile(r"(?<=[\r\n])---[ \t]*(?=[\r\n]|$)")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,14})")
"""At most 15 digits: what a browser's numbers hold exactly."""
_FLOAT = re.compile(r"[-+]?(?:[0-9]{1,17}(?:\.[0-9]{0,17})?|\.[0-9]{1,17})(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Json] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_STRING_TAG = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Card:
    """A card cut in two: the YAML between the `---` lines (None without them) and the text below."""

    yaml: str | None
    body: str


def split(text: str) -> Card:
    """Cut a card at its `---` lines."""
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text, opening.end()) if opening else None
    if opening is None or closing is None:
        return Card(None, text)
    return Card(text[opening.end() : closing.start()], text[closing.end() :].lstrip("\r\n"))


def metadata(text: str) -> dict[str, Json]:
    """Return the metadata of a card; empty without any. Raises WireError when it is not YAML, not a mapping or too large."""
    block = split(text).yaml
    value = parse(block) if block is not None else None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WireError("The metadata must be a list of `key: value` lines.")
    return value


def parse(text: str) -> Json:
    """Read one YAML document. Raises WireError with the line of the problem; never repeats what the document says."""
    if len(text) > FRONT_MATTER or len(text.encode("utf-8", "surrogatepass")) > FRONT_MATTER:
        raise WireError(f"The metadata may have at most {FRONT_MATTER // 1024} KiB.")
    builder = _Builder()
    try:
        for event in yaml.parse(text.encode(), Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as cause:
        line = cause.problem_mark.line + 1 if cause.problem_mark else 1
        raise WireError(f"The metadata is not valid YAML: {cause.problem or 'syntax error'}, line {line}.") from cause
    except (yaml.YAMLError, UnicodeEncodeError) as cause:
        raise WireError("The metadata is not valid YAML: it has characters that YAML does not allow.") from cause
    return builder.result


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is being filled; a mapping waits for a key, then for its value."""

    target: list[Json] | dict[str, Json]
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    result: Json = None
    stack: list[_Frame] = field(default_factory=list)
    nodes: int = 0
    documents: int = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.ScalarEvent):
            _refuse_tag(event.tag, line)
            self._add(_scalar(event), line, text=event.value)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open([], event.tag, line)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open({}, event.tag, line)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self.stack.pop()
        elif isinstance(event, yaml.AliasEvent):
            raise WireError(f"The metadata may not use YAML aliases (`*name`), line {line}.")
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise WireError(f"The metadata must be one YAML document, line {line}.")

    def _open(self, target: list[Json] | dict[str, Json], tag: str | None, line: int) -> None:
        _refuse_tag(tag, line)
        if len(self.stack) >= YAML_DEPTH:
            raise WireError(f"The metadata is nested more than {YAML_DEPTH} levels deep, line {line}.")
        self._add(target, line, text=None)
        self.stack.append(_Frame(target))

    def _add(self, value: Json, line: int, *, text: str | None) -> None:
        self.nodes += 1
        if self.nodes > YAML_NODES:
            raise WireError(f"The metadata has more than {YAML_NODES} values.")
        if not self.stack:
            self.result = value
            return
        frame = self.stack[-1]
        if isinstance(frame.target, list):
            frame.target.append(value)
        elif frame.key is not None:
            frame.target[frame.key] = value
            frame.key = None
        else:
            frame.key = _key(text, frame.target, line)


def _key(text: str | None, target: dict[str, Json], line: int) -> str:
    if text is None:
        raise WireError(f"A key in the metadata must be plain text, line {line}.")
    if text in target:
        raise WireError(f"The metadata has the same key twice, line {line}.")
    return text


def _refuse_tag(tag: str | None, line: int) -> None:
    if tag not in {None, "!", _STRING_TAG}:
        raise WireError(f"The metadata may not use YAML tags (`!name`), line {line}.")


def _scalar(event: yaml.ScalarEvent) -> Json:
    text: str = event.value
    if event.style or event.tag is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not re.fullmatch(r"[-+]?[0-9]+", text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
