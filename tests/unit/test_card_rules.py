"""What is made of cards and configuration files, rule by rule."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.features.cards.architectures import transformers_info
from tulou.features.cards.evals import eval_entries
from tulou.features.cards.libraries import data_format_of, formats_of, library_of
from tulou.features.cards.model import Evidence, Weights
from tulou.features.cards.summarize import summarize
from tulou.features.cards.validate import validate
from tulou.features.cards.vocabulary import LICENSES, TASKS
from tulou.kernel.names import GIT_KINDS, RepoKind


@pytest.mark.parametrize(
    ("architecture", "model_type", "auto_model", "task"),
    [
        ("LlamaForCausalLM", "llama", "AutoModelForCausalLM", "text-generation"),
        ("GPT2LMHeadModel", "gpt2", "AutoModelForCausalLM", "text-generation"),
        ("T5ForConditionalGeneration", "t5", "AutoModelForSeq2SeqLM", "text2text-generation"),
        ("WhisperForConditionalGeneration", "whisper", "AutoModelForSpeechSeq2Seq", "automatic-speech-recognition"),
        ("Qwen2VLForConditionalGeneration", "qwen2_vl", "AutoModelForImageTextToText", "image-text-to-text"),
        ("BertForSequenceClassification", "bert", "AutoModelForSequenceClassification", "text-classification"),
        ("LayoutLMForVisualQuestionAnswering", "x", "AutoModelForVisualQuestionAnswering", "visual-question-answering"),
        ("BertForQuestionAnswering", "bert", "AutoModelForQuestionAnswering", "question-answering"),
        ("Wav2Vec2ForCTC", "wav2vec2", "AutoModelForCTC", "automatic-speech-recognition"),
        ("CLIPModel", "clip", "AutoModelForZeroShotImageClassification", "zero-shot-image-classification"),
        ("BertModel", "bert", "AutoModel", "feature-extraction"),
    ],
)
def test_an_architecture_says_how_a_model_is_loaded(architecture: str, model_type: str, auto_model: str, task: str) -> None:
    info = transformers_info({"architectures": [architecture], "model_type": model_type})
    assert info is not None
    assert (info["auto_model"], info["pipeline_tag"]) == (auto_model, task)
    assert task in TASKS


def test_a_model_with_its_own_code_names_its_class() -> None:
    config = {"architectures": ["XForCausalLM"], "auto_map": {"AutoConfig": "c.C", "AutoModelForCausalLM": "m.M"}}
    assert transformers_info(config) == {
        "auto_model": "AutoModelForCausalLM", "custom_class": "m.M", "pipeline_tag": "text-generation",
    }  # fmt: skip
    assert "custom_code" in summarize(RepoKind.MODEL, Evidence((), config=config)).tags


@pytest.mark.parametrize("architectures", [None, [], "x", [1], ["\n"]])
def test_a_config_without_architecture_says_nothing(architectures: object) -> None:
    assert transformers_info({"architectures": architectures}) is None


@pytest.mark.parametrize(
    ("evidence", "library"),
    [
        (Evidence((), {"library_name": "my-lib"}), "my-lib"),
        (Evidence(("adapter_config.json", "config.json"), config={"model_type": "x"}), "peft"),
        (Evidence(("model_index.json",)), "diffusers"),
        (Evidence(("modules.json", "config.json"), config={"model_type": "bert"}), "sentence-transformers"),
        (Evidence((), {"tags": ["nice", "spacy"]}), "spacy"),
        (Evidence(("config.json",), config={"model_type": "bert"}), "transformers"),
        (Evidence(("m.gguf",)), "gguf"),
        (Evidence(("sub/model_index.json",)), None),
        (Evidence((), {"library_name": ["a"]}), None),
    ],
)
def test_a_library_is_named_by_the_card_or_a_telling_file(evidence: Evidence, library: str | None) -> None:
    assert library_of(evidence) == library


def test_formats_are_told_from_file_names() -> None:
    paths = ["pytorch_model.bin", "onnx/model.onnx", "model.safetensors", "runs/events.out.tfevents.1", "README.md"]
    assert formats_of(paths) == ["pytorch", "onnx", "safetensors", "tensorboard"]
    assert data_format_of(["a.parquet", "b/c.parquet", "x.csv", "README.md"]) == "parquet"
    assert data_format_of(["README.md", ".gitattributes", "dataset_infos.json"]) is None


@pytest.mark.parametrize(
    ("card", "paths", "expected"),
    [
        ({"base_model": "a/b"}, (), "base_model:finetune:a/b"),
        ({"base_model": "a/b"}, ("adapter_config.json",), "base_model:adapter:a/b"),
        ({"base_model": "a/b"}, ("x.gguf",), "base_model:quantized:a/b"),
        ({"base_model": ["a/b", "c/d"]}, (), "base_model:merge:c/d"),
        ({"base_model": "a/b", "base_model_relation": "merge"}, (), "base_model:merge:a/b"),
        ({"base_model": "a/b", "base_model_relation": "nonsense"}, (), "base_model:finetune:a/b"),
        ({"base_model": "not an id"}, (), None),
    ],
)
def test_a_model_says_how_it_came_from_its_base(card: dict[str, Any], paths: tuple[str, ...], expected: str | None) -> None:
    tags = [tag for tag in summarize(RepoKind.MODEL, Evidence(paths, card)).tags if tag.count(":") == 2]
    assert (expected in tags) if expected else tags == []


def test_a_task_comes_from_the_card_then_its_tags_then_the_files() -> None:
    config = {"architectures": ["BertForMaskedLM"], "model_type": "bert"}
    for card, task in (({"pipeline_tag": "x-y"}, "x-y"), ({"tags": ["nice", "translation"]}, "translation"), ({}, "fill-mask")):
        assert summarize(RepoKind.MODEL, Evidence((), card, config=config)).pipeline_tag == task
    assert summarize(RepoKind.MODEL, Evidence((), {"pipeline_tag": "No Slug"})).pipeline_tag is None
    assert summarize(RepoKind.MODEL, Evidence(("m.gguf",), gguf={"chat_template": "x"})).pipeline_tag == "text-generation"


def test_parameters_come_from_safetensors_before_gguf() -> None:
    both = Evidence((), weights=Weights({"F32": 2, "BF16": 3}), gguf={"total": 9})
    assert summarize(RepoKind.MODEL, both).parameters == 5
    assert summarize(RepoKind.MODEL, Evidence((), gguf={"total": 9})).parameters == 9


def test_a_config_that_is_nested_too_deep_to_be_written_again_is_left_out() -> None:
    deep: Any = 1
    for _ in range(2000):
        deep = [deep]
    facts = summarize(RepoKind.MODEL, Evidence((), config={"model_type": "x", "quantization_config": deep})).facts
    assert facts["config"] == {"model_type": "x"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_CARD_FIELDS = (
    "license", "tags", "base_model", "datasets", "language", "pipeline_tag", "library_name", "model-index", "widget", "sdk",
)  # fmt: skip
_CARD = st.dictionaries(st.sampled_from(_CARD_FIELDS) | st.text(max_size=5), _JSON, max_size=6)
_CONFIG_FIELDS = (
    "architectures", "model_type", "auto_map", "quantization_config", "chat_template", "mask_token", "_class_name",
)  # fmt: skip
_CONFIG = st.dictionaries(st.sampled_from(_CONFIG_FIELDS), _JSON)


@given(_CARD, _CONFIG, st.lists(st.text(max_size=8), max_size=4), st.sampled_from(GIT_KINDS))
def test_any_card_and_config_make_a_summary_that_can_be_stored_and_sent(
    card: Any, config: Any, paths: list[str], kind: RepoKind
) -> None:
    summary = summarize(kind, Evidence(tuple(paths), card, config=config, tokenizer=config, pipeline=config))
    assert orjson.loads(orjson.dumps(json.loads(json.dumps(summary.facts)))) is not None
    assert all(tag and "\0" not in tag and len(tag) <= 200 for tag in (*summary.tags, *summary.links))
    assert len(summary.pipeline_tag or "") <= 64
    assert len(summary.library or "") <= 64


@pytest.mark.parametrize(
    ("kind", "metadata", "words"),
    [
        ("model", "license: asdf", '"license" must be one of [apache-2.0, mit'),
        ("model", "license: [mit, 1]", '"license" must be one of'),
        ("model", "tags: foo", '"tags" must be an array'),
        ("model", "tags: [1]", '"tags[0]" must be a string'),
        ("model", "model-index: foo", '"model-index" must be an array'),
        ("model", "model-index: [{name: a, results: [{task: {}, dataset: {type: a, name: b}, metrics: []}]}]", 'type" is req'),
        ("model", "model-index: [{name: a, results: [{task: {type: t}, metrics: []}]}]", '.dataset" is required'),
        ("model", "base_model: 'a b'", '"base_model" is not valid'),
        ("model", "base_model_relation: cousin", "must be one of [adapter"),
        ("model", "language: {a: b}", "must be a string or an array"),
        ("dataset", "configs: {a: b}", '"configs" must be an array'),
        ("dataset", "task_ids: 5", "must be a string or an array"),
        ("space", "sdk: flask", '"sdk" must be one of [gradio'),
        ("space", "colorFrom: mauve", '"colorFrom" must be one of'),
        ("space", "app_port: 99999999", '"app_port" must be a number'),
        ("space", "short_description: " + "x" * 61, "at most 60"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not_repeated(kind: str, metadata: str, words: str) -> None:
    errors = validate(RepoKind(kind), f"---\n{metadata}\n---\n").errors
    assert len(errors) == 1
    assert words in errors[0]
    for value in ("asdf", "flask", "mauve", "cousin", "99999999"):
        assert value not in errors[0]


def test_every_license_passes_and_unknown_tasks_only_warn() -> None:
    for name in LICENSES:
        assert validate(RepoKind.DATASET, f"---\nlicense: {name}\n---\n").errors == ()
    report = validate(RepoKind.MODEL, "---\npipeline_tag: conversational\nlicense: other\n---\n")
    assert report.errors == ()
    assert len(report.warnings) == 2


@given(_CARD, st.sampled_from(GIT_KINDS))
def test_any_card_is_judged(card: Any, kind: RepoKind) -> None:
    validate(kind, f"---\n{json.dumps(card)}\n---\n")


_DATASET = "- dataset: {id: a, task_id: b}"


@pytest.mark.parametrize(
    "text", ["x", "[", "- 1", "- dataset: {id: a}\n  value: 1", _DATASET, f"{_DATASET}\n  value: 1\n  source: {{name: x}}"]
)
def test_incomplete_results_become_one_error_entry(text: str) -> None:
    [entry] = eval_entries(".eval_results/a.yaml", text)
    assert set(entry) == {"filename", "error"}
