"""Colour program text: spans with classes that the stylesheet knows, one fragment of HTML a line."""

from __future__ import annotations

from html import escape
from typing import Any

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

from tulou.platform.markup.budget import Budget

MAX_CHARS = 256 * 1024
MAX_LINE = 2_000
"""Lexers are lists of regular expressions, some of which take the square of a line's length."""

# Ending of a file name, or what stands after ``` → lexer. Only these: the rest of Pygments' five hundred is not worth its risks.
_LANGUAGES = {
    "bash": "bash", "sh": "bash", "shell": "bash", "zsh": "bash", "console": "console", "bat": "batch", "ps1": "powershell",
    "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp", "c++": "cpp", "hpp": "cpp", "cu": "cuda", "cuda": "cuda", "cuh": "cuda",
    "cs": "csharp", "csharp": "csharp", "css": "css", "diff": "diff", "patch": "diff", "dockerfile": "docker", "go": "go",
    "html": "html", "htm": "html", "ini": "ini", "cfg": "ini", "conf": "ini", "java": "java", "js": "javascript",
    "mjs": "javascript", "javascript": "javascript", "jsx": "jsx", "json": "json", "jsonl": "json", "jsonc": "json",
    "jinja": "html+jinja", "jinja2": "html+jinja", "jl": "julia", "julia": "julia", "kt": "kotlin", "kotlin": "kotlin",
    "latex": "latex", "tex": "latex", "bib": "bibtex", "bibtex": "bibtex", "lua": "lua", "make": "make", "makefile": "make",
    "md": "markdown", "markdown": "markdown", "m": "objective-c", "php": "php", "proto": "protobuf", "py": "python",
    "pyi": "python", "python": "python", "python3": "python", "pycon": "pycon", "r": "r", "rb": "ruby", "ruby": "ruby",
    "rs": "rust", "rust": "rust", "rst": "rst", "scala": "scala", "sql": "sql", "svg": "xml", "swift": "swift",
    "toml": "toml", "ts": "typescript", "tsx": "tsx", "typescript": "typescript", "xml": "xml", "yaml": "yaml", "yml": "yaml",
}  # fmt: skip

CLASSES = frozenset(f"h-{short}" for short in STANDARD_TYPES.values() if short)
"""Every class that may appear. The prefix keeps Pygments' `sr` and `o` apart from the page's own words."""


def language_of(name: str) -> str | None:
    """Return the language of a file by its name, or of a word such as `python`; None when it is not known here."""
    base = name.rsplit("/", 1)[-1].lower()
    return _LANGUAGES.get(base.rsplit(".", 1)[-1] if "." in base else base)


def lines(text: str, language: str | None, budget: Budget) -> list[str]:
    """Return the HTML of each line of a text. Lines that are too long, and languages not known, stay plain. Raises Overdue."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    rows = text.split("\n")
    if rows and rows[-1] == "":
        rows.pop()
    if language is None or len(text) > MAX_CHARS or any(len(row) > MAX_LINE for row in rows):
        return [escape(row) for row in rows]
    found: list[str] = [""]
    for kind, value in _lexer(language).get_tokens(text):
        budget.check()
        opening = _opening(kind)
        closing = "</span>" if opening else ""
        first, *rest = value.split("\n")
        found[-1] += f"{opening}{escape(first)}{closing}" if first else ""
        found += [f"{opening}{escape(part)}{closing}" if part else "" for part in rest]
    return found[: len(rows)]


def block(text: str, language: str | None, budget: Budget) -> str:
    """Return the HTML of a whole text."""
    return "\n".join(lines(text, language, budget)) + "\n"


def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


def _opening(kind: Any) -> str:
    while kind is not None and kind not in STANDARD_TYPES:
        kind = kind.parent
    short = STANDARD_TYPES.get(kind, "")
    return f'<span class="h-{short}">' if short else ""
