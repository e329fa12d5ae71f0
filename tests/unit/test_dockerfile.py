"""Dockerfiles: read line by line, turned into steps that a sandbox can do, or refused with the number of the line."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.features.spaces.config import CannotRun
from tulou.features.spaces.docker import read
from tulou.features.spaces.model import Stage
from tulou.kernel.errors import WireError
from tulou.wire import dockerfile

PATHS = ("Dockerfile", "requirements.txt", "app.py", "pages/one.py", "pages/deep/two.py", "a b.txt", "data.tar.gz")
HUB_GUIDE = """
# The Dockerfile of the Hub's guide to Docker Spaces
FROM python:3.11

RUN useradd -m -u 1000 user
USER user
ENV PATH="/home/user/.local/bin:$PATH"

WORKDIR /app

COPY --chown=user ./requirements.txt requirements.txt
RUN pip install --no-cache-dir --upgrade -r requirements.txt

COPY --chown=user . /app
CMD ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "7860"]
"""


def test_the_dockerfile_of_the_hubs_guide_is_understood():
    image, script = read(HUB_GUIDE, PATHS)
    assert image == "python:3.11"
    assert script.workdir == "/app"
    assert script.rooms == ("app",)
    assert script.argv == ("uvicorn", "app:app", "--host", "0.0.0.0", "--port", "7860")
    assert script.env["PATH"] == "/home/user/.local/bin:/env/bin:/usr/local/bin:/usr/bin:/bin"
    assert "useradd" not in script.steps
    assert "cp /src/requirements.txt /app/requirements.txt" in script.steps
    assert "cp -R /src/. /app/" in script.steps


def test_what_a_shell_makes_of_the_steps_is_what_docker_would(tmp_path):
    source = tmp_path / "src"
    (source / "pages" / "deep").mkdir(parents=True)
    for path in PATHS:
        (source / path).write_text(path)
    text = """FROM python
ARG WHO=world
ENV GREETING="hello $WHO" QUOTED='it''s'
WORKDIR /room/here
COPY pages there
COPY app.py pages/*.py many/
COPY ["a b.txt", "renamed file.txt"]
RUN echo "$GREETING $WHO" > said && \\
    # a comment between
    echo two >> said
RUN ["/bin/sh", "-c", "echo $GREETING > 'third one'"]
WORKDIR below
RUN pwd > where
CMD cat where
"""
    _, script = read(text, PATHS)
    assert script.argv == ("/bin/sh", "-c", "cat where")
    steps = script.steps.replace("/src", str(source)).replace("/room", str(tmp_path / "room"))
    subprocess.run(["/bin/sh", "-c", f"set -eu\n{steps}"], check=True, env={"PATH": "/usr/bin:/bin"}, capture_output=True)
    here = tmp_path / "room" / "here"
    assert {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()} == {
        "there/one.py", "there/deep/two.py", "many/app.py", "many/one.py", "renamed file.txt", "said", "third one", "below/where",
    }  # fmt: skip
    assert (here / "said").read_text() == "hello world world\ntwo\n"
    assert (here / "third one").read_text() == "hello world\n"


def test_a_step_that_fails_ends_the_build_with_its_line():
    _, script = read("FROM python\nWORKDIR /tmpx\nRUN false\nCMD x", PATHS)
    steps = script.steps.replace("mkdir -p /tmpx", "true").replace("cd /tmpx", "true")
    done = subprocess.run(["/bin/sh", "-c", f"set -eu\n{steps}"], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "Dockerfile line 3 failed."


START = "FROM python\nWORKDIR /app\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not begin with FROM"),
        ("RUN true\nFROM python", "line 1: the first instruction is FROM"),
        (START, "neither CMD nor ENTRYPOINT"),
        (START + "RUN apt-get update && apt-get install -y git\nCMD x", "line 3: this hub cannot install packages of the system"),
        (START + "RUN apk add --no-cache git", "line 3: this hub cannot install packages of the system"),
        (START + "RUN --mount=type=secret,id=KEY cat /run/secrets/KEY", "line 3: RUN has no flags here"),
        (START + "RUN <<EOF\necho\nEOF", "line 3: RUN with <<EOF"),
        (START + "COPY --from=build /x /y", "line 3: --from is not"),
        ("FROM python AS build\nFROM python", "line 2: this hub builds in one stage"),
        (START + "COPY nothing.txt .", "line 3: there is no such file"),
        (START + "COPY ../../etc/passwd .", "line 3: COPY takes files of this repository only"),
        (START + "ADD https://example.org/x .", "line 3: ADD takes files of this repository only"),
        (START + "ADD data.tar.gz .", "line 3: ADD unpacks no archives"),
        (START + "COPY app.py /usr/lib/app.py", "line 3: files can be kept below a folder like /app"),
        (START + "COPY app.py /app/../etc/", "line 3: files can be kept below"),
        (START + "WORKDIR /", "line 3: files can be kept below"),
        (START + "COPY app.py", "line 3: COPY needs a source and a target"),
        (START + "HEALTHCHECK CMD true", "line 3: HEALTHCHECK is not something"),
        (START + "VOLUME /data", "line 3: VOLUME is not something"),
        (START + "FLY away", "line 3: this instruction is not something"),
        (START + "ENV a.b=2", "line 3: the name of a variable"),
        (START + "ENV x", "line 3: ENV needs key=value"),
        (START + "COPY 'app.py .", "line 3: a quote is not closed"),
        (START + 'CMD ["x", 7]', "line 3: the list must have words"),
        ("# escape=`\nFROM python", "line 1: only the backslash"),
        ("FROM python\n" + "RUN true\n" * 300, "at most 200 instructions"),
        (START + "RUN a\0b", "a NUL character"),
        ("FROM python\n# " + "x" * 70_000, "at most 64 KiB"),
    ],
)
def test_what_the_hub_cannot_do_is_refused_with_the_line(text: str, words: str):
    with pytest.raises(CannotRun) as caught:
        read(text, PATHS)
    assert caught.value.stage is Stage.CONFIG_ERROR
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "1"), ("${A}", "1"), ("${A}b$B", "1b"), (r"\$A", "$A"), ("${C:-x}", "x"), ("${A:-x}", "1"), ("${B:-x}", "x"),
        ("${B-x}", ""), ("${A:+x}", "x"), ("${C:+x}", ""), ("100 $", "100 $"), ("${", "${"),
    ],
)  # fmt: skip
def test_variables_are_replaced_as_docker_does(text: str, expected: str):
    assert dockerfile.expand(text, {"A": "1", "B": ""}) == expected


PIECES = ("FROM python", "RUN x", "CMD x", "COPY . /app", "ENV a=b", "ARG x", "\\", "#", '["', "$", "\0", "'")


@given(st.lists(st.sampled_from(PIECES)))
def test_no_dockerfile_breaks_the_reader(lines: list[str]):
    try:
        image, _ = read("\n".join(lines), PATHS)
    except CannotRun:
        return
    assert image == "python"


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str):
    try:
        found = dockerfile.parse(text)
    except WireError:
        return
    assert all(one.name.isupper() or not one.name for one in found)


@pytest.mark.parametrize("lines", [
    "ENV A=aaaaaaaaaa\n" + "ENV A=$A$A\n" * 100,
    "\n".join(f"ARG A{number + 1}=$A{number}$A{number}" for number in range(100)).replace("$A0$A0", "aaaaaaaaaa"),
    "ENV A=" + "a" * 30_000 + "\nENV B=" + "$A" * 10_000,
    "ENV A=" + "a" * 30_000 + "\n" + "ENV " + " ".join(f"B{number}=$A" for number in range(2_000)),
    "WORKDIR /x\nENV A=" + "a" * 30_000 + "\nCOPY " + "$A " * 10_000 + "./",
    "WORKDIR /x\n" + "COPY *.py ./\n" * 100,
    "RUN " + "[" * 60_000,
], ids=["env doubles", "arg doubles", "one long value", "many values", "many sources", "many patterns",
        "nested list"])  # fmt: skip
def test_a_dockerfile_that_swells_is_refused_before_it_fills_the_memory(lines):
    with pytest.raises(CannotRun):
        read(f'FROM python:3.11\n{lines}\nCMD ["x"]\n', PATHS)
