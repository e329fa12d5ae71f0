"""The names of tensors become a tree that fits on a page."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tulou.features.cards import tensor_tree
from tulou.features.cards.tensor_tree import Node, cut, grow
from tulou.features.cards.tensors import Tensor


def tensors(*names: str) -> list[Tensor]:
    return [Tensor(name, "F32", (2, 3), 6) for name in names]


def outline(nodes: list[Node]) -> list[object]:
    return [node.label if node.tensor or node.is_folded else {node.label: outline(node.children)} for node in nodes]


def test_dotted_names_become_groups_sorted_as_people_count():
    root = grow(tensors("h.10.w", "h.10.b", "h.2.w", "h.2.b", "wte.weight"))
    assert outline(root.children) == [{"h": [{"2": ["b", "w"]}, {"10": ["b", "w"]}]}, "wte.weight"]
    assert (root.count, root.parameters) == (5, 30)


def test_a_group_with_an_only_child_is_one_line():
    root = grow(tensors("model.layers.0.q.weight", "model.layers.1.q.weight"))
    assert outline(root.children) == [{"model.layers": ["0.q.weight", "1.q.weight"]}]


def test_a_name_that_is_a_tensor_and_a_group_shows_as_both():
    root = grow(tensors("a", "a.b", "a.c"))
    assert sorted(map(str, outline(root.children))) == ["a", "{'a': ['b', 'c']}"]


def test_a_page_of_a_group_shows_what_is_below_it_only():
    root = grow(tensors("a.b.c", "a.b.d", "a.bc.d", "e"), "a.b")
    assert outline(root.children) == ["c", "d"]
    assert grow(tensors("a"), "nothing").count == 0


def test_large_models_fold_groups_that_do_not_fit():
    names = [f"model.layers.{layer}.experts.{expert}.{part}" for layer in range(10) for expert in range(200) for part in "ab"]
    root, has_more = cut(grow(tensors(*names)), 0)
    assert root.prefix == "model.layers"
    assert [node.is_folded for node in root.children] == [True] * 10
    assert not has_more
    inside, _ = cut(grow(tensors(*names), root.children[3].prefix), 0)
    assert inside.count == 400
    assert not any(node.is_folded for node in inside.children)


def test_groups_of_thousands_are_paged():
    names = [f"t{number}" for number in range(2_500)]
    first, more = cut(grow(tensors(*names)), 0)
    last, end = cut(grow(tensors(*names)), 2)
    assert (len(first.children), more, len(last.children), end) == (tensor_tree.PAGE, True, 500, False)


@given(st.lists(st.text(st.sampled_from("ab.01"), max_size=40), unique=True, max_size=60))
def test_no_tensor_is_lost_whatever_the_names(names: list[str]):
    root = grow(tensors(*names))

    def leaves(node: Node) -> list[str]:
        below = [name for child in node.children for name in leaves(child)]
        return [node.tensor.name, *below] if node.tensor else below

    assert sorted(leaves(root)) == sorted(names)
    assert root.count == len(names)
