"""The conditions and orders of /filter: a small language over columns.

It takes everything that the Hub's viewer takes (columns in double quotes, sub-columns after dots, a function after a dot,
comparisons joined by `and` and `or`), and also parentheses, `not`, `in`, `between`, negative numbers and several orders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

from tulou.kernel.errors import WireError

CHARS = 8_000
_DEPTH = 32
_TERMS = 256
_COLUMNS_OF_ORDER = 8

Value: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column, or a field of one."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that was written down."""

    value: Value


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of a column and perhaps values."""

    name: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """Two operands and what is said about them; `right` is None after `IS NULL` and the like."""

    left: Operand
    operator: str
    right: Operand | None


@dataclass(frozen=True, slots=True)
class Among:
    """An operand that is one of several values, or between two of them."""

    left: Operand
    values: tuple[Literal, ...]
    is_range: bool


@dataclass(frozen=True, slots=True)
class Not:
    """What does not hold."""

    inner: Node


@dataclass(frozen=True, slots=True)
class Joined:
    """What holds when all (AND) or any (OR) of its parts do."""

    word: str
    parts: tuple[Node, ...]


Operand: TypeAlias = Column | Literal | Apply
Node: TypeAlias = Operand | Compare | Among | Not | Joined


@dataclass(frozen=True, slots=True)
class Order:
    """A column to sort by."""

    column: Column
    is_descending: bool


class BadCondition(WireError):
    """The condition cannot be read."""


FUNCTIONS = frozenset({
    "abs", "array_length", "ascii", "bit_length", "ceil", "char_length", "character_length", "contains", "date", "day",
    "dayofweek", "ends_with", "floor", "hour", "isfinite", "isnan", "json_array_length", "len", "length",
    "list_contains", "list_max", "list_min", "list_sum", "lower", "ltrim", "minute", "month", "prefix",
    "regexp_full_match", "regexp_matches", "reverse", "round", "rtrim", "second", "sign", "starts_with",
    "strip_accents", "strlen", "substr", "substring", "suffix", "trim", "trunc", "upper", "week", "year",
})  # fmt: skip
"""What is quick and looks at nothing but its arguments."""

_COMPARISONS = {
    "=": "=", "==": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
    "~": "~", "!~": "!~", "~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE", "~~~": "GLOB",
}  # fmt: skip
_WORDS = frozenset({"and", "or", "not", "in", "between", "is", "null", "true", "false", "like", "ilike", "glob", "similar", "to",
                    "distinct", "from", "asc", "desc", "nulls", "first", "last"})  # fmt: skip
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<quoted>"(?:[^"]|"")*")
  | (?P<text>'(?:[^']|'')*')
  | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
  | (?P<word>[^\W\d]\w*)
  | (?P<sign>!~~\*|!~~|~~\*|~~~|~~|!~|[<>=!]=|<>|[=<>~(),.])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def parse_where(text: str) -> Node:
    """Return a condition. Raises BadCondition."""
    parser = _Parser(_tokens(text))
    found = parser.either(0)
    parser.end()
    return found


def parse_order(text: str) -> tuple[Order, ...]:
    """Return the columns to sort by. Raises BadCondition."""
    parser = _Parser(_tokens(text))
    found = [parser.order()]
    while parser.takes("sign", ","):
        found.append(parser.order())
    parser.end()
    if len(found) > _COLUMNS_OF_ORDER:
        raise BadCondition("There are too many columns to sort by.")
    return tuple(found)


def _tokens(text: str) -> list[_Token]:
    if len(text) > CHARS:
        raise BadCondition("The condition is too long.")
    if "\0" in text:
        raise BadCondition("The condition has a NUL character.")
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise BadCondition("The condition has a sign that means nothing here.")
        found.append(_Token(match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._terms = 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise BadCondition("The condition goes on after its end.")

    def takes(self, kind: str, *texts: str) -> str | None:
        """Take the next token if it is one of these, and return it, words in lower case."""
        token = self._peek()
        if token is None or token.kind != kind:
            return None
        text = token.text.lower() if kind == "word" else token.text
        if texts and text not in texts:
            return None
        self._at += 1
        return text

    def _peek(self, ahead: int = 0) -> _Token | None:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else None

    def _need(self, kind: str, *texts: str) -> str:
        found = self.takes(kind, *texts)
        if found is None:
            raise BadCondition("The condition lacks something.")
        return found

    def either(self, depth: int) -> Node:
        return self._chain("or", depth)

    def _chain(self, word: str, depth: int) -> Node:
        parts = [self._part(word, depth)]
        while self.takes("word", word):
            parts.append(self._part(word, depth))
        return parts[0] if len(parts) == 1 else Joined(word.upper(), tuple(parts))

    def _part(self, word: str, depth: int) -> Node:
        return self._chain("and", depth) if word == "or" else self._negated(depth)

    def _negated(self, depth: int) -> Node:
        self._terms += 1
        if depth > _DEPTH or self._terms > _TERMS:
            raise BadCondition("The condition is too complicated.")
        if self.takes("word", "not"):
            return Not(self._negated(depth + 1))
        if self.takes("sign", "("):
            inner = self.either(depth + 1)
            self._need("sign", ")")
            return inner
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._operand()
        sign = self.takes("sign", *_COMPARISONS)
        if sign:
            return Compare(left, _COMPARISONS[sign], self._operand())
        if self.takes("word", "is"):
            return self._is(left)
        is_negated = bool(self.takes("word", "not"))
        found = self._worded(left)
        if found is None:
            if is_negated:
                raise BadCondition("The condition lacks something.")
            return left
        return Not(found) if is_negated else found

    def _worded(self, left: Operand) -> Node | None:
        if self.takes("word", "in"):
            return Among(left, self._list(), is_range=False)
        if self.takes("word", "between"):
            low = self._literal()
            self._need("word", "and")
            return Among(left, (low, self._literal()), is_range=True)
        word = self.takes("word", "like", "ilike", "glob", "similar")
        if word is None:
            return None
        if word == "similar":
            self._need("word", "to")
            return Compare(left, "SIMILAR TO", self._literal())
        return Compare(left, word.upper(), self._literal())

    def _is(self, left: Operand) -> Node:
        word = "IS NOT" if self.takes("word", "not") else "IS"
        if self.takes("word", "distinct"):
            self._need("word", "from")
            return Compare(left, f"{word} DISTINCT FROM", self._operand())
        value = self.takes("word", "null", "true", "false")
        if value:
            return Compare(left, f"{word} {value.upper()}", None)
        return Compare(left, "IS DISTINCT FROM" if word == "IS NOT" else "IS NOT DISTINCT FROM", self._literal())

    def _list(self) -> tuple[Literal, ...]:
        self._need("sign", "(")
        found = [self._literal()]
        while self.takes("sign", ","):
            found.append(self._literal())
        self._need("sign", ")")
        return tuple(found)

    def _literal(self) -> Literal:
        found = self._operand()
        if not isinstance(found, Literal):
            raise BadCondition("A value is needed here.")
        return found

    def _operand(self) -> Operand:
        text = self.takes("text")
        if text is not None:
            return Literal(text[1:-1].replace("''", "'"))
        number = self.takes("number")
        if number is not None:
            return Literal(_number(number))
        word = self.takes("word", "true", "false", "null")
        if word is not None:
            return Literal({"true": True, "false": False, "null": None}[word])
        after = self._peek(1)
        if (token := self._peek()) and token.kind == "word" and after and after.text == "(" and token.text.lower() in FUNCTIONS:
            return self._applied(None)
        return self._column_or_function()

    def _column_or_function(self) -> Operand:
        path = [self._name()]
        while self.takes("sign", "."):
            after = self._peek(1)
            if (token := self._peek()) and token.kind == "word" and after and after.text == "(":
                return self._applied(Column(tuple(path)))
            path.append(self._name())
        return Column(tuple(path))

    def _applied(self, subject: Column | None) -> Apply:
        name = self._need("word")
        if name not in FUNCTIONS:
            raise BadCondition("There is no such function.")
        self._need("sign", "(")
        arguments: list[Operand] = [subject] if subject else [self._column_or_function()]
        is_more = subject is None
        while not self.takes("sign", ")"):
            if is_more:
                self._need("sign", ",")
            arguments.append(self._literal())
            is_more = True
        return Apply(name, tuple(arguments))

    def _name(self) -> str:
        quoted = self.takes("quoted")
        if quoted is not None:
            return quoted[1:-1].replace('""', '"')
        token = self._peek()
        if token is None or token.kind != "word" or token.text.lower() in _WORDS:
            raise BadCondition("The name of a column is needed, in double quotes.")
        self._at += 1
        return token.text

    def order(self) -> Order:
        path = [self._name()]
        while self.takes("sign", "."):
            path.append(self._name())
        return Order(Column(tuple(path)), self.takes("word", "asc", "desc") == "desc")


def _number(text: str) -> int | float:
    found = float(text)
    if not isfinite(found):
        raise BadCondition("A number is too large.")
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else found
