"""Every program of the course runs against a hub, prints what the page says it prints, and is the same in both languages."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.venvs import ROOT, python_of
from tulou.cli import demo

COURSE = {"en": ROOT / "docs" / "course", "zh": ROOT / "docs" / "zh" / "course"}
CHAPTERS = ("index", "model", "tokens", "infer", "data", "tune", "evaluate", "share", "deploy")
_ASK = """
import sys, time
from gradio_client import Client
address, sentence = sys.argv[1:]
for _ in range(240):
    try:
        client = Client(address, verbose=False)
        break
    except Exception as problem:
        print(type(problem).__name__)
        time.sleep(0.5)
print(client.predict(sentence, api_name="/verdict")["label"])
"""
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Chapter:
    """The blocks of a page: what is typed into a shell, what is Python, and what that prints."""

    shell: list[str]
    program: str
    printed: list[str]


def chapter(language: str, name: str) -> Chapter:
    blocks = _BLOCK.findall((COURSE[language] / f"{name}.md").read_text())
    assert {kind for kind, _ in blocks} <= {"bash", "python", "text"}
    return Chapter(
        [body for kind, body in blocks if kind == "bash"],
        "\n".join(body for kind, body in blocks if kind == "python"),
        [line for kind, body in blocks if kind == "text" for line in body.splitlines()],
    )


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_the_same_programs_in_both_languages(name: str):
    assert chapter("en", name) == chapter("zh", name)


@pytest.mark.compat
@pytest.mark.story
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_somebody_takes_the_whole_course(hub, tmp_path):
    subprocess.run([sys.executable, "-m", "tools.fetch_demo"], check=True, cwd=ROOT)
    demo.add(hub.m)
    hub.settle()
    learner = Learner(hub.url, hub.user("alice"), tmp_path)
    for name in CHAPTERS:
        page = chapter("en", name)
        for block in page.shell:
            learner.run(["bash", "-euc", block.replace("http://127.0.0.1:8000", hub.url)])
        if page.program:
            said = learner.run([str(learner.python), "-c", page.program]).splitlines()
            assert [line for line in page.printed if line not in said] == [], f"{name}: {said}"
    hub.settle()
    info = hub.http().get("/api/models/alice/film-judge").json()
    assert info["pipeline_tag"] == "text-classification"
    shown = hub.http().get("/alice/film-judge", headers={"accept": "text/html"}).text
    assert "Movie sentences" in shown
    assert learner.asks_the_application("A warm, funny and clever film.") == "positive"


class Learner:
    """A person with a terminal, a home folder and a token."""

    def __init__(self, url: str, token: str, home: Path) -> None:
        self.python = python_of("hub24")
        self._home = home
        self._environ = {
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "HF_ENDPOINT": url,
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "OMP_NUM_THREADS": "1",  # on two busy cores, threads that wait for each other take minutes
            "PYTHONWARNINGS": "ignore",
            "NO_COLOR": "1",
            "NO_PROXY": "*",
        }

    def asks_the_application(self, sentence: str) -> str:
        """Fetch the Space, start its application as its author would at home, and ask it."""
        self.run(["hf", "download", "alice/film-judge-app", "--repo-type", "space", "--local-dir", "space"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        python = str(python_of("gradio"))
        environ = {**self._environ, "GRADIO_SERVER_PORT": port, "GRADIO_ANALYTICS_ENABLED": "False"}
        with subprocess.Popen([python, "space/app.py"], env=environ, cwd=self._home, stdout=subprocess.DEVNULL) as application:
            try:
                return self.run([python, "-c", _ASK, f"http://127.0.0.1:{port}/", sentence]).splitlines()[-1]
            finally:
                application.terminate()

    def run(self, command: list[str]) -> str:
        """Run a block in the folder of the course, and return what it prints."""
        done = subprocess.run(
            command, env=self._environ, cwd=self._home, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
        return done.stdout
