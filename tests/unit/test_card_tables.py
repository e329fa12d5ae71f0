"""Tables made of what authors write: results of evaluations, and the parts of datasets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tulou.features.cards import results, structure
from tulou.features.cards.model import Overview, Summary
from tulou.kernel.names import RepoKind, RepoName

WORDS = st.sampled_from([
    "results", "metrics", "dataset", "task", "name", "type", "value", "source", "url", "data", "id", "configs", "config_name",
    "data_files", "split", "dataset_info", "features", "splits", "dtype", "num_examples", "num_bytes", "list", "model-index",
])  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats() | st.text(max_size=200)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=30)


def overview(facts: dict) -> Overview:
    name = RepoName(RepoKind.MODEL, "a", "m")
    return Overview("0" * 24, name, False, "", 0, 0, 0, 0, 0, 0, None, True, Summary(facts=facts))


def test_results_of_both_kinds_become_rows():
    measured = {"task": {"type": "qa"}, "dataset": {"name": "SQuAD", "split": "dev"}, "metrics": [{"type": "f1", "value": 88.25}]}
    index = [{"results": [measured]}]
    entry = {"data": {"dataset": {"id": "a/gpqa", "task_id": "diamond"}, "value": 0.5, "source": {"url": "https://x.example"}}}
    found = results.of(overview({"model-index": index, "evalResults": [entry]}))
    assert [(row.task, row.dataset, row.metric, row.value, row.source) for row in found] == [
        ("qa", "SQuAD (dev)", "f1", "88.25", ""),
        ("diamond", "a/gpqa", "diamond", "0.5", "https://x.example"),
    ]


def test_a_card_that_names_splits_twice_has_them_once():
    card = {
        "configs": [{"config_name": "en", "data_files": [{"split": "train"}, {"split": "test"}]}],
        "dataset_info": {"config_name": "en", "splits": [{"name": "train", "num_examples": 3}]},
    }
    (config,) = structure.configs_of(card)
    assert [(split.name, split.rows) for split in config.splits] == [("train", 3), ("test", None)]


@given(JSON, JSON)
def test_no_card_makes_a_table_that_breaks_or_grows_without_bound(first: object, second: object):
    found = results.of(overview({"model-index": first, "evalResults": second}))
    assert len(found) <= results.MAX_RESULTS
    configs = structure.configs_of({"configs": first, "dataset_info": second})  # type: ignore[dict-item]
    assert all(len(config.splits) <= structure.MAX_SPLITS for config in configs)
    assert all(len(text) <= 300 for row in found for text in (row.task, row.dataset, row.metric, row.value))
