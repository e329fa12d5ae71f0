"""What a page of documentation is made of, and what it asks the site that it stands in."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tulou.wire.docstring import Part


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the table of contents of one page."""

    level: int
    title: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a page names and that is not there. `what` is the kind of thing, `name` as it was written."""

    what: Literal["link", "anchor", "image", "object", "autodoc", "tag", "contents", "card"]
    name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function: its name with its stars, its type and its default as they are written."""

    name: str
    annotation: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """A class, function or attribute of Python, as `[[autodoc]]` shows it."""

    path: str
    kind: Literal["class", "function", "attribute", "module"]
    parameters: tuple[Parameter, ...]
    returns: str
    doc: tuple[Part, ...]
    source: str | None
    """The address of its lines."""
    members: tuple[Described, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of documentation, laid out. `html` is safe; cards are empty places in it, filled for each reader."""

    html: str
    title: str
    anchor: str
    toc: tuple[Heading, ...]
    anchors: frozenset[str]
    links: tuple[str, ...]
    cards: tuple[str, ...]
    problems: tuple[Problem, ...]
    is_plain: bool = False


class Site(Protocol):
    """The documentation that a page belongs to."""

    @property
    def key(self) -> Hashable:
        """What names the content of the whole site, and the addresses that it is read under."""

    @property
    def language(self) -> str:
        """The language of the text."""

    def link(self, url: str) -> str | None:
        """Return where a link leads."""

    def image(self, url: str) -> str | None:
        """Return where a picture is."""

    def object_url(self, path: str) -> str | None:
        """Return the address of an object of Python that a page describes; empty when none does, None when there is none."""

    def describe(self, path: str, members: Sequence[str]) -> Described | None:
        """Return an object with the members that were asked for; without any, a class has its public methods."""

    def action(self, name: Literal["notebook", "source"]) -> str | None:
        """Return the address of the page as a notebook, or of its source."""
