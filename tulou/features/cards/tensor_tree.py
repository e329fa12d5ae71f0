"""Fold the dotted names of tensors into a tree that fits on a page, however many there are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tulou.features.cards.tensors import Tensor

DEPTH = 16
SHOWN = 2_000
"""Tensors that one page shows; of larger models, groups that do not fit are links to pages of their own."""
PAGE = 1_000
"""Entries of one group on one page."""
_DIGITS = re.compile(r"([0-9]{1,9})")


@dataclass(slots=True)
class Node:
    """A tensor, or a group of them. `label` is its part of the name, or several: a group with an only child is one with it.

    A group that `is_folded` shows no children: its page, at `prefix`, does.
    """

    label: str
    prefix: str
    tensor: Tensor | None = None
    children: list[Node] = field(default_factory=list)
    count: int = 0
    parameters: int = 0
    is_folded: bool = False


def grow(tensors: list[Tensor], prefix: str = "") -> Node:
    """Return the tree of the tensors whose names begin with `prefix` and a dot; all of them without one."""
    root = Node("", prefix)
    groups: dict[str, Node] = {prefix: root}
    for tensor in tensors:
        if prefix and not tensor.name.startswith(prefix + "."):
            continue
        *parents, last = tensor.name.removeprefix(prefix).lstrip(".").split(".", DEPTH)
        group, path = root, prefix
        for part in parents:
            path = f"{path}.{part}" if path else part
            if path not in groups:
                groups[path] = Node(part, path)
                group.children.append(groups[path])
            group = groups[path]
        group.children.append(Node(last, tensor.name, tensor, count=1, parameters=tensor.parameters))
    _finish(root)
    return root


def cut(root: Node, page: int) -> tuple[Node, bool]:
    """Return a group with the children of one page, numbered from 0, and whether more follow; folds what is too much."""
    while root.count > SHOWN and len(root.children) == 1 and root.children[0].tensor is None:
        root = root.children[0]  # a page with one link on it helps nobody
    shown = root.children[page * PAGE : (page + 1) * PAGE]
    allowance = SHOWN // max(1, len(shown)) if sum(node.count for node in shown) > SHOWN else SHOWN
    for node in shown:
        if node.tensor is None and node.count > allowance:
            node.is_folded, node.children = True, []
    has_more = len(root.children) > (page + 1) * PAGE
    root.children = shown
    return root, has_more


def _finish(node: Node) -> None:
    """Add up a group and sort it as people count; a group with an only child becomes one with it."""
    for child in node.children:
        if child.tensor is None:
            _finish(child)
    node.children.sort(key=lambda child: _natural(child.label))
    node.count = sum(child.count for child in node.children)
    node.parameters = sum(child.parameters for child in node.children)
    if node.label and len(node.children) == 1:
        only = node.children[0]
        node.label, node.prefix = f"{node.label}.{only.label}", only.prefix
        node.tensor, node.children = only.tensor, only.children


def _natural(label: str) -> list[tuple[int, int, str]]:
    parts = _DIGITS.split(label)
    return [(0, int(part), "") if at % 2 else (1, 0, part) for at, part in enumerate(parts)]
