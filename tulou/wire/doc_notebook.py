"""Turn a page of documentation into a Jupyter notebook: its Python blocks become cells that run."""

from __future__ import annotations

import re
from typing import Any

import orjson

from tulou.wire.doc_sections import outside_code

_OPENING = re.compile(r"(`{3,}|~{3,})\s{0,4}(?:py|python|pycon|bash|shell)\b")
_SHELL = re.compile(r"(?:`{3,}|~{3,})\s{0,4}(?:bash|shell)\b")
_PROMPT = re.compile(r"(?:>>>|\.\.\.) ?")


def notebook(text: str) -> bytes:
    """Return the page as nbformat 4.5. `text` is flat Markdown."""
    cells: list[dict[str, Any]] = []
    prose: list[str] = []
    code: list[str] | None = None
    opening = ""
    for line, is_outside in outside_code(text):
        if code is None and not is_outside and _OPENING.match(line):
            _add(cells, "markdown", prose)
            prose, code, opening = [], [], line
        elif code is not None and not is_outside and line.strip() in {"```", "~~~", "````"}:
            _add(cells, "code", _runnable(code, is_shell=_SHELL.match(opening) is not None))
            code = None
        elif code is not None:
            code.append(line)
        else:
            prose.append(line)
    _add(cells, "markdown", prose)
    if code:
        _add(cells, "code", code)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    value = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _runnable(lines: list[str], *, is_shell: bool) -> list[str]:
    """Return the lines that a person would type: those behind `>>>` of a session, or all behind a line for the shell."""
    if is_shell:
        return ["%%bash", *lines]
    if not any(line.startswith(">>> ") for line in lines):
        return lines
    return [_PROMPT.sub("", line, count=1) for line in lines if _PROMPT.match(line)]


def _add(cells: list[dict[str, Any]], kind: str, lines: list[str]) -> None:
    source = "\n".join(lines).strip("\n")
    if not source.strip():
        return
    cell: dict[str, Any] = {
        "id": f"cell-{len(cells)}",
        "cell_type": kind,
        "metadata": {},
        "source": source.splitlines(keepends=True),
    }
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    cells.append(cell)
