"""Checking a card before it is committed."""

from __future__ import annotations

import json

import pytest

from tests.conftest import RunningHub


def check(hub: RunningHub, content: str, kind: str | None = "model", **headers: str):
    body = {"content": content} | ({"repoType": kind} if kind else {})
    return hub.http().post("/api/validate-yaml", json=body, headers=headers)


@pytest.mark.parametrize("content", ["---\nlicense: mit\n---\n", "---\nlicense: [mit, apache-2.0]\ntags:\n---\n"])
def test_a_good_card_passes_in_silence(hub, content):
    answer = check(hub, content)
    assert (answer.status_code, answer.json()) == (200, {"errors": [], "warnings": []})


def test_a_card_without_metadata_gets_a_warning(hub):
    for content in ("Only text", "", "---\n---\n"):
        answer = check(hub, content, None)
        assert answer.status_code == 200
        assert answer.json()["warnings"] == [{"message": "empty or missing yaml metadata in repo card"}]


def test_an_unknown_license_is_an_error_in_the_words_that_clients_test_for(hub):
    answer = check(hub, "---\nlicense: asdf\n---\n")
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["message"].startswith('"license" must be one of [apache-2.0, mit, ')
    assert error["message"].endswith(", unknown, other, array]")


def test_a_client_that_asks_for_text_gets_text(hub):
    answer = check(hub, "---\nlicense: asdf\n---\n", accept="text/plain")
    assert answer.status_code == 400
    assert answer.text.startswith('- Error: "license" must be one of')


@pytest.mark.parametrize(
    "content",
    [
        "---\na: [\n---\n", "---\nmodel-index: foo\n---\n", "---\n- a\n---\n", "---\na: 1", "---\na: &x 1\nb: *x\n---\n",
        "---\n" + "[" * 9999 + "\n---\n",
    ],
)
def test_metadata_that_cannot_be_read_is_a_400_in_json(hub, content):
    answer = check(hub, content)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]


def test_what_is_no_question_is_refused_in_json(hub):
    person = hub.http()
    for body in (b"[]", b"{", b'{"content": 1}', b'{"content": "", "repoType": "nope"}', b'{"content": "", "repoType": 5}'):
        answer = person.post("/api/validate-yaml", content=body)
        assert answer.status_code == 400
        assert "error" in answer.json()


def test_a_card_of_many_megabytes_is_checked_by_its_top(hub):
    body = json.dumps({"content": "---\nlicense: mit\n---\n" + "x" * (8 << 20), "repoType": "dataset"})
    assert hub.http().post("/api/validate-yaml", content=body).status_code == 200
