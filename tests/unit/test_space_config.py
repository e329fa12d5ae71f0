"""What the README of a Space says about its application, row by row, and the name of its host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.features.spaces import model
from tulou.features.spaces.config import CannotRun, plan
from tulou.features.spaces.model import Building, Built, Plan, Stage
from tulou.features.spaces.packages import is_complete, key
from tulou.features.spaces.slug import LABEL, slug
from tulou.kernel.names import RepoKind, RepoName
from tulou.platform.net import apps_host

FILES = ("README.md", "app.py", "index.html", "Dockerfile", "requirements.txt")


def read(card: str, *files: str) -> Plan:
    return plan("c" * 40, f"---\n{card}\n---\n# Hello\n", files or FILES)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (
            "sdk: gradio",
            {"app_file": "app.py", "packages": ("gradio", "spaces"), "requirements": ("requirements.txt",), "port": 7860},
        ),
        ("sdk: gradio\nsdk_version: 5.10", {"packages": ("gradio==5.10", "spaces")}),
        ("sdk: gradio\nsdk_version: '6.31.0'  # pinned", {"packages": ("gradio==6.31.0", "spaces")}),
        ("sdk: gradio\npython_version: 3.10", {"image": "python:3.10"}),
        ('sdk: gradio\npython_version: "3.11.7"', {"image": "python:3.11.7"}),
        ("sdk: streamlit", {"packages": ("streamlit",), "image": "python", "ready_s": 1800}),
        ("sdk: streamlit\nstartup_duration_timeout: 1h", {"ready_s": 3600}),
        ("sdk: streamlit\nstartup_duration_timeout: 90", {"ready_s": 90}),
        ("sdk: static", {"app_file": "index.html", "packages": (), "requirements": (), "is_static": True}),
        ("sdk: docker\napp_port: 8501", {"app_file": "Dockerfile", "port": 8501, "packages": ()}),
        ("sdk: gradio\napp_file: ./app.py\ntitle: My app", {"app_file": "app.py", "title": "My app"}),
    ],
)
def test_a_card_says_how_its_application_is_built_and_started(card: str, expected: dict[str, object]):
    found = read(card)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("card", "files", "stage", "words"),
    [
        ("title: x", FILES, Stage.CONFIG_ERROR, "sdk is one of gradio, streamlit, static, docker"),
        ("sdk: flask", FILES, Stage.CONFIG_ERROR, "sdk is one of"),
        ("sdk: [gradio]", FILES, Stage.CONFIG_ERROR, "sdk is one of"),
        ("sdk: gradio\nsdk: gradio", FILES, Stage.CONFIG_ERROR, "same key twice"),
        ("sdk: gradio", ("README.md",), Stage.NO_APP_FILE, "app.py"),
        ("sdk: gradio\napp_file: main.py", FILES, Stage.NO_APP_FILE, "main.py"),
        ("sdk: gradio\napp_file: ../../etc/passwd", FILES, Stage.CONFIG_ERROR, "app_file"),
        ("sdk: gradio\napp_file: 7", FILES, Stage.CONFIG_ERROR, "app_file"),
        ("sdk: docker", ("README.md",), Stage.NO_APP_FILE, "Dockerfile"),
        ("sdk: gradio\nsdk_version: latest --index-url=http://evil", FILES, Stage.CONFIG_ERROR, "sdk_version"),
        ("sdk: gradio\npython_version: 2.7", FILES, Stage.CONFIG_ERROR, "python_version"),
        ("sdk: docker\napp_port: 70000", FILES, Stage.CONFIG_ERROR, "app_port"),
        ("sdk: docker\napp_port: true", FILES, Stage.CONFIG_ERROR, "app_port"),
        ("sdk: gradio\nstartup_duration_timeout: 2 days", FILES, Stage.CONFIG_ERROR, "startup_duration_timeout"),
        ("sdk: gradio\nstartup_duration_timeout: 7h", FILES, Stage.CONFIG_ERROR, "startup_duration_timeout"),
        ("sdk: static\napp_build_command: npm run build", FILES, Stage.CONFIG_ERROR, "app_build_command"),
        ("sdk: gradio", (*FILES, "packages.txt"), Stage.CONFIG_ERROR, "packages.txt"),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_reason(card: str, files: tuple[str, ...], stage: Stage, words: str):
    with pytest.raises(CannotRun) as caught:
        read(card, *files)
    assert caught.value.stage is stage
    assert words in caught.value.message


def test_a_space_without_a_card_is_told_to_have_one():
    with pytest.raises(CannotRun, match=r"There is no README\.md"):
        plan("c" * 40, None, FILES)


def test_what_the_hub_does_not_do_is_said_in_the_build_log():
    assert [note.split()[0] for note in read("sdk: gradio\nhf_oauth: true\npreload_from_hub: [a/b]").notes] == [
        "preload_from_hub",
        "hf_oauth",
    ]


@given(st.text(max_size=300))
def test_no_card_breaks_the_reader(text: str):
    try:
        found = plan("c" * 40, f"---\nsdk: gradio\n{text}\n---\n", FILES)
    except CannotRun:
        return
    assert found.app_file in FILES


def test_plans_survive_being_stored():
    found = read("sdk: gradio\nsdk_version: 5.10\nhf_oauth: true")
    assert model.load_built(model.dump(Built(found, "e" * 64))) == Built(found, "e" * 64)
    assert model.load_building(model.dump(Building(found, "lock", "r", salt="s"))) == Building(found, "lock", "r", salt="s")
    assert model.load_built(model.dump(None)) is None


LOCK = "gradio==6.31.0 \\\n    --hash=sha256:" + "a" * 64 + "\nnumpy==2.0 \\\n    --hash=sha256:" + "b" * 64 + "\n"


def test_equal_locks_share_an_environment_and_only_those():
    assert key(LOCK, "host", "", "r1", "c1") == key(LOCK, "host", "", "r2", "c2")
    others = {
        key(LOCK, "host", "", "r1", "c1"),
        key(LOCK, "python%3A3.12", "", "r1", "c1"),
        key(LOCK, "host", "salt", "r1", "c1"),
        key(LOCK.replace("2.0", "2.1"), "host", "", "r1", "c1"),
    }
    assert len(others) == 4


@pytest.mark.parametrize("line", ["-e file:///src", "./wheel.whl", "tool @ git+https://example.org/tool@abc", "numpy==1.0"])
def test_a_lock_that_does_not_say_everything_belongs_to_one_commit(line: str):
    lock = f"--index-url https://pypi.org/simple\n# a comment\n{LOCK}{line}\n"
    assert is_complete(LOCK)
    assert not is_complete(lock)
    assert key(lock, "host", "", "r1", "c1") != key(lock, "host", "", "r2", "c1") != key(lock, "host", "", "r2", "c2")


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    [("alice", "demo", "alice-demo"), ("Alice", "My.Demo_1", "alice-my-demo-1"), ("a", "b", "a-b"), ("_a_", "b", "a-b"),
     ("datasets", "server", "datasets-server-9c7b5553")],  # not the host on which the viewer answers
)  # fmt: skip
def test_the_host_of_a_space_is_made_of_its_name(owner: str, name: str, expected: str):
    assert slug(RepoName(RepoKind.SPACE, owner, name)) == expected


_NAMES = st.text(st.sampled_from("abcXYZ019._-"), min_size=1, max_size=96)


@given(_NAMES, _NAMES, st.booleans())
def test_every_host_label_is_one_that_dns_takes_and_the_proxy_finds(owner: str, name: str, marked: bool):
    label = slug(RepoName(RepoKind.SPACE, owner, name), marked=marked)
    assert len(label) <= LABEL
    assert apps_host.is_slug(label)
