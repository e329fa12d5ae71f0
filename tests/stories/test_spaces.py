"""Spaces from push to sleep with the official client and a real sandbox: built, run, crashed, restarted, and keeping secrets."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.crash.process import HubProcess
from tests.stories import wheels
from tulou.platform.compute.local.compute import open_compute
from tulou.settings import Settings

pytestmark = [pytest.mark.story, pytest.mark.slow, pytest.mark.timeout(300)]
SECRET = "correct-horse-battery"
README = "---\ntitle: Mirror\nsdk: gradio\n---\n"
MIRROR = """
import os, pathlib, gradio

def keep():
    path = pathlib.Path("/data/visits")
    path.write_text(str(int(path.read_text() if path.exists() else 0) + 1))
    return path.read_text()

def tell():
    print("the secret is", os.environ.get("API_KEY"), flush=True)
    return "told"

def places():
    refused = []
    for place in ("/env/x", "/usr/x", "/app/x"):
        try:
            pathlib.Path(place).write_text("x")
        except OSError as problem:
            refused.append(place)
    return refused

gradio.answers |= {"/keep": keep, "/tell": tell, "/places": places}
gradio.launch()
"""


def until(true: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait for a condition, and return what it came to."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to that"
        pause.wait(0.1)
    return found


class World:
    """A hub of its own process, its client, and Spaces of Alice."""

    def __init__(self, folder: Path) -> None:
        self.hub = HubProcess(folder / "data")
        self.hub.command("user", "add", "alice")
        self.token = self.hub.command("token", "add", "alice", "--role", "write").split()[-1]
        self.hub.start()
        self.heads: dict[str, str] = {}
        self.api = HfApi(endpoint=self.hub.url, token=self.token)

    def make(self, name: str, files: dict[str, str], **options: Any) -> str:
        full = f"alice/{name}"
        variables = [{"key": "UV_NO_INDEX", "value": "1"}, *options.pop("space_variables", [])]
        self.api.create_repo(full, repo_type="space", space_sdk="gradio", space_variables=variables, **options)
        self.push(full, files)
        return full

    def push(self, full: str, files: dict[str, str]) -> None:
        operations = [CommitOperationAdd(path, text.encode()) for path, text in files.items()]
        made = self.api.create_commit(full, operations, commit_message="change", repo_type="space")
        self.heads[full] = made.oid

    def comes_to(self, full: str, stage: str) -> Any:
        """Wait until what was pushed last has come to a stage; another end of the road ends the wait."""
        ends = {stage, "BUILD_ERROR", "CONFIG_ERROR", "RUNTIME_ERROR"}

        def end() -> Any:
            runtime = self.api.get_space_runtime(full)
            is_last = full not in self.heads or runtime.raw.get("sha") == self.heads[full]
            return runtime if runtime.stage in ends and is_last else None

        runtime = until(end)
        assert runtime.stage == stage, (runtime.raw, self.log(full, build=True), self.log(full))
        return runtime

    def stage(self, full: str) -> str:
        return str(self.api.get_space_runtime(full).stage)

    def log(self, full: str, *, build: bool = False) -> str:
        """Return what there is of a log: the stream of a living program stays open, so this reads until it is silent."""
        said = ""
        url = f"{self.hub.url}/api/spaces/{full}/logs/{'build' if build else 'run'}"
        headers = {"authorization": f"Bearer {self.token}"}
        with httpx.stream("GET", url, headers=headers, timeout=2, trust_env=False) as answer:
            try:
                for line in answer.iter_lines():
                    said += line + "\n" if line.startswith("data: ") else ""
            except httpx.ReadTimeout:
                pass
        return said

    def visit(self, full: str, path: str = "/") -> httpx.Response:
        host = f"{full.replace('/', '-')}.localhost:{self.hub.port}"
        return httpx.get(f"{self.hub.url}{path}", headers={"host": host}, timeout=60, trust_env=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("spaces")
    if open_compute(Settings(data=folder / "probe"), folder / "probe").nodes()[0].level != "sandbox":
        pytest.skip("this machine has no sandbox")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TULOU_PYTHON_FIND_LINKS", str(wheels.shelf(folder / "wheels")))
        made = World(folder)
        yield made
        made.hub.stop()
        compute = open_compute(Settings(data=made.hub.data), made.hub.data / "runs")
        for run_id in compute.observe():
            compute.forget(run_id)


@pytest.fixture(scope="module")
def mirror(world: World) -> str:
    """A Space that runs."""
    full = world.make("mirror", {"README.md": README, "app.py": MIRROR}, space_secrets=[{"key": "API_KEY", "value": SECRET}])
    world.comes_to(full, "RUNNING")
    return full


def test_a_push_runs_and_the_client_sees_it_come_up(world: World, mirror: str):
    runtime = world.api.wait_for_space(mirror, timeout=60)
    assert (runtime.stage, runtime.hardware) == ("RUNNING", "cpu-basic")
    seen = world.visit(mirror).json()
    assert (seen["SPACE_ID"], seen["SYSTEM"], seen["SPACE_TITLE"], seen["API_KEY"]) == (mirror, "spaces", "Mirror", SECRET)
    assert "HF_TOKEN" not in seen
    assert world.visit(mirror, "/places").json() == ["/env/x", "/usr/x"]
    build = "".join(world.api.fetch_space_logs(mirror, build=True))
    assert "+ gradio==99.1" in build
    assert build.endswith("===== Installed\n")


def test_a_secret_is_in_no_log_no_table_and_no_file(world: World, mirror: str):
    assert world.visit(mirror, "/tell").json() == "told"
    assert until(lambda: "the secret is [secret]" in world.log(mirror))
    assert SECRET not in world.log(mirror) + world.log(mirror, build=True)
    for path in world.hub.data.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert SECRET.encode() not in path.read_bytes(), path
    assert SECRET not in str(world.api.get_space_secrets(mirror))


def test_a_version_that_does_not_start_says_why_and_the_next_one_mends_it(world: World):
    full = world.make("broken", {"README.md": README, "app.py": "import nothing_like_that\n"})
    world.comes_to(full, "RUNTIME_ERROR")
    assert world.api.get_space_runtime(full).raw["errorMessage"] == "The application ended with exit code 1."
    assert "No module named 'nothing_like_that'" in world.log(full)
    world.push(full, {"requirements.txt": "gradio==98.0\nno-such-package-at-all\n"})
    world.comes_to(full, "BUILD_ERROR")
    assert "no-such-package-at-all" in world.log(full, build=True)
    world.push(full, {"requirements.txt": "gradio==98.0\n", "app.py": "import gradio\ngradio.launch()\n"})
    world.comes_to(full, "RUNNING")
    assert "+ gradio==98.0" in world.log(full, build=True)
    world.api.pause_space(full)
    assert world.stage(full) == "PAUSED"
    assert world.visit(full).status_code == 503


def test_code_that_runs_while_building_finds_no_secret_and_no_way_out(world: World):
    setup = f"""
import os, pathlib, socket, sys
from setuptools import setup

print("keys", sorted(key for key in os.environ if "KEY" in key), file=sys.stderr)
print("data", pathlib.Path({str(world.hub.data)!r}).exists(), file=sys.stderr)
try:
    socket.create_connection(("127.0.0.1", 22), 2)
except OSError as problem:
    print("closed", file=sys.stderr)
setup(name="tool", version="1.0", py_modules=["tool"])
raise SystemExit("that is all")
"""
    files = {"README.md": README, "requirements.txt": "./tool\n", "tool/setup.py": setup, "app.py": ""}
    backend = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    hook = "import runpy, sys, types\nfake = types.ModuleType('setuptools')\nfake.setup = lambda **_: None\n"
    hook += "sys.modules['setuptools'] = fake\nrunpy.run_path('setup.py')\n"
    files |= {"tool/pyproject.toml": backend, "tool/backend.py": hook}
    full = world.make("hostile", files, space_secrets=[{"key": "API_KEY", "value": SECRET}])
    world.comes_to(full, "BUILD_ERROR")
    said = world.log(full, build=True)
    assert "keys []" in said
    assert "data False" in said
    assert "closed" in said


def test_a_package_of_the_repository_itself_is_installed_in_place(world: World):
    hook = (
        "import zipfile\n"
        "def build_editable(folder, config=None, metadata=None):\n"
        "    info = {'tool-1.dist-info/METADATA': 'Metadata-Version: 2.1\\nName: tool\\nVersion: 1\\n',\n"
        "            'tool-1.dist-info/WHEEL': 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n',\n"
        "            'tool-1.dist-info/RECORD': '', 'tool.pth': '/app/lib\\n'}\n"
        "    with zipfile.ZipFile(folder + '/tool-1-py3-none-any.whl', 'w') as file:\n"
        "        for name, text in info.items():\n"
        "            file.writestr(name, text)\n"
        "    return 'tool-1-py3-none-any.whl'\n"
    )
    project = "[project]\nname = 'tool'\nversion = '1'\n"
    files = {
        "README.md": README,
        "requirements.txt": "-e .\n",
        "pyproject.toml": project + "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
        "backend.py": hook,
        "lib/tool.py": "SAID = 'in place'\n",
        "app.py": "import gradio, tool\ngradio.answers['/tool'] = lambda: tool.SAID\ngradio.launch()\n",
    }
    full = world.make("inplace", files)
    world.comes_to(full, "RUNNING")
    assert world.visit(full, "/tool").json() == "in place"


def test_a_dockerfile_is_built_and_run_without_a_container_engine(world: World):
    lines = [
        "FROM python:3",
        "RUN useradd -m -u 1000 user",
        "USER user",
        "ENV HOME=/home/user GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=8501",
        "WORKDIR $HOME/app",
        "COPY --chown=user requirements.txt .",
        "RUN pip install --no-cache-dir -r requirements.txt && echo made > made.txt",
        "COPY . .",
        'CMD ["python", "app.py"]',
    ]
    app = "import gradio, pathlib\ngradio.answers['/made'] = lambda: pathlib.Path('made.txt').read_text()\ngradio.launch()\n"
    files = {
        "README.md": "---\ntitle: Boxed\nsdk: docker\napp_port: 8501\n---\n",
        "Dockerfile": "\n".join(lines),
        "requirements.txt": "gradio==99.1\n",
        "app.py": app,
    }
    full = world.make("boxed", files, space_variables=[{"key": "PIP_NO_INDEX", "value": "1"}])
    world.comes_to(full, "RUNNING")
    assert world.visit(full, "/made").json() == "made\n"
    assert world.visit(full).json()["HOME"] == "/home/user"
    world.push(full, {"Dockerfile": "FROM python:3\nWORKDIR /app\nRUN false\nCMD x\n"})
    world.comes_to(full, "BUILD_ERROR")
    assert "Dockerfile line 3 failed." in world.log(full, build=True)
    world.push(full, {"Dockerfile": "FROM ubuntu:24.04\nCMD x\n"})
    runtime = world.comes_to(full, "CONFIG_ERROR")
    assert "tulou image import" in runtime.raw["errorMessage"]


def test_what_is_kept_in_data_outlives_the_application(world: World, mirror: str):
    storage = {"authorization": f"Bearer {world.token}"}
    url = f"{world.hub.url}/api/spaces/{mirror}/storage"
    assert httpx.post(url, json={"tier": "small"}, headers=storage, trust_env=False).json()["storage"] == "small"
    until(lambda: world.stage(mirror) == "APP_STARTING" or world.visit(mirror, "/keep").status_code == 200)
    world.comes_to(mirror, "RUNNING")
    first = int(world.visit(mirror, "/keep").json())
    world.api.restart_space(mirror)
    world.comes_to(mirror, "RUNNING")
    assert int(world.visit(mirror, "/keep").json()) == first + 1


def test_an_application_outlives_the_hub_and_a_hub_that_stops_puts_it_to_sleep(world: World, mirror: str):
    world.comes_to(mirror, "RUNNING")
    before = world.api.get_space_runtime(mirror).raw["sha"]
    world.hub.kill()
    world.hub.start()
    assert world.stage(mirror) == "RUNNING"
    assert world.visit(mirror).json()["SPACE_COMMIT_SHA"] == before
    assert world.hub.stop() == 0
    world.hub.start()
    until(lambda: world.stage(mirror) == "STOPPED")
    assert world.visit(mirror).json()["SPACE_ID"] == mirror
    world.comes_to(mirror, "RUNNING")


def test_a_copy_has_the_variables_and_not_the_secrets(world: World, mirror: str):
    world.api.add_space_variable(mirror, "COLOR", "teal")
    world.api.duplicate_repo(mirror, "alice/copy", repo_type="space")
    world.comes_to("alice/copy", "RUNNING")
    seen = world.visit("alice/copy").json()
    assert seen["COLOR"] == "teal"
    assert "API_KEY" not in seen


def test_the_client_meets_a_named_refusal_where_this_hub_has_nothing(world: World, mirror: str):
    with pytest.raises(HfHubHTTPError, match="Dev mode is not built"):
        world.api.enable_space_dev_mode(mirror)
    with pytest.raises(HfHubHTTPError, match="It has: cpu-basic"):
        world.api.request_space_hardware(mirror, "a100-large")
    assert "cpu-basic" in {each.name for each in world.api.list_spaces_hardware()}


def test_the_command_line_does_with_a_space_what_its_help_says(world: World, mirror: str):
    def hf(*words: str) -> str:
        environment = {**os.environ, "HF_ENDPOINT": world.hub.url, "HF_TOKEN": world.token, "NO_COLOR": "1"}
        program = [sys.executable, "-m", "huggingface_hub.cli.hf", "spaces", *words]
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "cpu-basic" in hf("hardware")
    assert "tulou/static-page" in hf("templates")
    hf("settings", mirror, "--hardware", "cpu-basic", "--sleep-time", "3600")
    hf("variables", "add", mirror, "-e", "SHAPE=round")
    assert "round" in hf("variables", "ls", mirror)
    hf("volumes", "set", mirror, "-v", f"hf://spaces/{mirror}:/self")
    assert "/self" in hf("volumes", "ls", mirror)
    hf("restart", mirror)
    hf("wait", mirror, "--timeout", "2m")
    assert world.visit(mirror).json()["SHAPE"] == "round"
    # The client stops listening after five silent seconds, and a busy machine may be silent for as long.
    assert any("serving" in hf("logs", mirror, "-n", "5") for _ in range(6))
