"""Jobs as people run them: the client's own commands, a hub that is a process of its own, programs in real sandboxes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.commits import commit
from tests.crash.process import HubProcess
from tests.venvs import python_of, wheels_of
from tulou.platform.compute.local import host

pytestmark = [pytest.mark.story, pytest.mark.slow, pytest.mark.timeout(300)]

TRAIN = """\
# /// script
# requires-python = ">=3.11"
# dependencies = ["huggingface_hub"]
# ///
import csv, json, os, sys
from huggingface_hub import HfApi

points = [(float(x), float(y)) for x, y in list(csv.reader(open("/in/points.csv")))[1:]]
a = b = 0.0
for _ in range(20000):
    errors = [(a * x + b - y, x) for x, y in points]
    a -= 0.01 * sum(e * x for e, x in errors) / len(points)
    b -= 0.01 * sum(e for e, _ in errors) / len(points)
print(f"y = {a:.2f} x + {b:.2f}")
api = HfApi()
me = api.whoami()["name"]
api.create_repo(f"{me}/line", exist_ok=True)
api.upload_file(path_or_fileobj=json.dumps({"a": a, "b": b}).encode(), path_in_repo="model.json", repo_id=f"{me}/line")
open("/data/report.txt", "w").write(f"trained in job {os.environ['JOB_ID']}")
"""
SLOW = """\
import json, os, time, urllib.request
print("begun", flush=True)
for number in range(40):
    print("step", number, flush=True)
    time.sleep(0.1)
print("end of", os.environ["JOB_ID"], flush=True)
"""


class Person:
    """Somebody at a machine, with a client's command line."""

    def __init__(self, hub: HubProcess, name: str, home: Path, python: Path) -> None:
        self.hub, self.name = hub, name
        self._program = str(python.with_name("hf"))
        hub.command("user", "add", name)
        self.token = hub.command("token", "add", name, "--role", "write").strip()
        self._environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home / "hf"), "HF_ENDPOINT": hub.url,
            "HF_TOKEN": self.token, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "NO_PROXY": "127.0.0.1", "NO_COLOR": "1",
        }  # fmt: skip
        home.mkdir()
        self.home = home
        headers = {"authorization": f"Bearer {self.token}"}
        self.http = httpx.Client(base_url=hub.url, headers=headers, timeout=60, trust_env=False)

    def hf(self, *words: str, fails: bool = False) -> str:
        """Run `hf` and return what it says; its complaints too, when it fails."""
        command, how = [self._program, *words], {"env": self._environment, "cwd": self.home, "timeout": 100}
        done = subprocess.run(command, capture_output=True, text=True, check=False, **how)
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + (done.stderr if fails else "")

    def start(self, *words: str) -> str:
        """Start a job, and return its id without waiting for it."""
        said = json.loads(self.hf("jobs", "run", "--detach", "--format", "json", *words))
        return str(said["id"])

    def job(self, job_id: str) -> dict:
        """Return a job as the API has it now."""
        return self.http.get(f"/api/jobs/{self.name}/{job_id}").raise_for_status().json()

    def until(self, job_id: str, *stages: str) -> dict:
        """Wait until a job is in one of these stages."""
        for _ in range(600):
            found = self.job(job_id)
            if found["status"]["stage"] in stages:
                return found
            time.sleep(0.1)  # nothing announces it to a client
        raise AssertionError(found)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    if problem := host.probe(host.bubblewrap()):
        pytest.skip(f"this machine makes no sandboxes, so it runs nobody's jobs: {problem}")
    hub = HubProcess(tmp_path_factory.mktemp("jobs") / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TULOU_PYTHON_FIND_LINKS", str(wheels_of("hub24", "huggingface_hub==2.4.0")))
        hub.start()
        yield hub
        hub.stop()
        for left in (hub.data / "runs").glob("[0-9a-f]*-[0-9]"):
            assert (left / "ended").exists(), f"{left.name} still runs"


@pytest.fixture(scope="module")
def alice(site: HubProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    made = Person(site, "alice", tmp_path_factory.mktemp("people") / "alice", Path(sys.executable))
    yield made
    made.http.close()


def test_a_job_prints_and_its_command_ends_with_it(alice):
    said = alice.hf("jobs", "run", "python:3", "python", "-c", "print('hello from', 6 * 7)")
    assert "hello from 42" in said
    assert "completed" in said
    said = alice.hf("jobs", "run", "python:3", "python", "-c", "import sys; print('bad'); sys.exit(3)", fails=True)
    assert "bad" in said
    assert "exit code 3" in said


def test_jobs_are_listed_inspected_followed_measured_and_cancelled(alice):
    loop = "import time\nfor i in range(1000): print('tick', i, flush=True); time.sleep(0.05)"
    job = alice.start("--label", "kind=loop", "--name", "looper", "--flavor", "cpu-basic", "python:3", "python", "-c", loop)
    alice.until(job, "RUNNING")
    assert [each["id"] for each in json.loads(alice.hf("jobs", "ps", "--format", "json", "--label", "kind=loop"))] == [job]
    assert json.loads(alice.hf("jobs", "inspect", job, "--format", "json"))[0]["labels"] == {"kind": "loop", "name": "looper"}
    [stats] = json.loads(alice.hf("jobs", "stats", job, "--format", "json"))
    assert stats["memory_used_bytes"] > 0
    assert "tick 3" in alice.hf("jobs", "logs", job)
    assert "tick 0" not in alice.hf("jobs", "logs", "--tail", "2", job)
    alice.hf("jobs", "cancel", job)
    assert alice.until(job, "CANCELED")["finishedAt"] is not None
    assert "cpu-basic" in alice.hf("jobs", "hardware")


def test_secrets_reach_the_program_and_nobody_else(alice, site):
    show = "import os; print(os.environ['KEY'][:6], os.environ['KEY'], os.environ['HF_TOKEN'][:3], os.environ['PLAIN'])"
    said = alice.hf("jobs", "run", "--secrets", "KEY=opensesame", "--env", "PLAIN=words", "python:3", "python", "-c", show)
    assert "openses" not in said.replace("KEY=opensesame", "")
    assert "opense [secret] hf_ words" in said
    assert b"opensesame" not in site.log.read_bytes()
    assert all(b"opensesame" not in path.read_bytes() for path in site.data.glob("hub.db*"))


def test_ends_are_told_apart_by_the_real_machine(alice):
    ends = {
        alice.start("--timeout", "1", "python:3", "sleep", "60"): ("ERROR", "timeout"),
        alice.start("python:3", "python", "-c", "x = bytearray(64 << 30)\nwhile True: x += x"): ("ERROR", None),
        alice.start("python:3", "python", "-c", "b = []\nwhile True: b.append(bytearray(16 << 20))"): ("ERROR", "out of memory"),
        alice.start("python:3", "/no/such/program"): ("ERROR", None),
    }
    for job, (stage, says) in ends.items():
        status = alice.until(job, "ERROR", "COMPLETED", "CANCELED")["status"]
        assert (status["stage"], says is None or says in status["message"]) == (stage, True), status


def test_a_script_trains_on_a_dataset_and_pushes_what_it_learned(alice, tmp_path):
    client = alice.http
    client.post("/api/repos/create", json={"name": "points", "type": "dataset", "private": True}).raise_for_status()
    rows = "x,y\n" + "".join(f"{x / 4},{2.5 * x / 4 - 1}\n" for x in range(-8, 9))
    commit(client, "alice/points", {"points.csv": rows}, kind="datasets")
    script = tmp_path / "train.py"
    script.write_text(TRAIN)
    volume = "hf://datasets/alice/points:/in"
    said = alice.hf("jobs", "uv", "run", "-v", volume, "--env", "UV_NO_INDEX=1", str(script))
    assert "y = 2.50 x + -1.00" in said
    learned = client.get("/alice/line/resolve/main/model.json", follow_redirects=True).json()
    assert round(learned["a"], 3) == 2.5
    # The folder of the script was a bucket: what the job wrote there came back.
    listed = json.loads(alice.hf("buckets", "ls", "alice/jobs-artifacts", "-R", "--format", "json"))
    assert {each["path"].split("/")[1] for each in listed} == {"train.py", "report.txt"}


def test_a_job_goes_on_while_the_hub_is_dead_and_its_result_is_there_afterwards(alice, site):
    job = alice.start("python:3", "python", "-c", SLOW)
    alice.until(job, "RUNNING")
    site.kill()
    time.sleep(1)
    site.start()
    found = alice.until(job, "COMPLETED", "ERROR")
    assert found["status"]["stage"] == "COMPLETED"
    said = alice.hf("jobs", "logs", job)
    assert [line for line in said.splitlines() if line.startswith("step")] == [f"step {number}" for number in range(40)]
    assert f"end of {job}" in said


def test_a_job_that_ends_while_the_hub_is_dead_is_not_lost(alice, site):
    job = alice.start("python:3", "python", "-c", "import time; time.sleep(1.5); print('done'); raise SystemExit(4)")
    alice.until(job, "RUNNING")
    site.kill()
    time.sleep(2.5)
    site.start()
    status = alice.until(job, "COMPLETED", "ERROR")["status"]
    assert status == {"stage": "ERROR", "message": "Job failed with exit code 4", "exposeUrls": None, "sshUrl": None}
    assert "done" in alice.hf("jobs", "logs", job)


def test_a_schedule_is_made_triggered_changed_and_deleted(alice):
    said = alice.hf("jobs", "scheduled", "run", "@hourly", "python:3", "python", "-c", "print('tick')")
    [made] = json.loads(alice.hf("jobs", "scheduled", "ps", "--format", "json"))
    assert made["id"] in said
    alice.hf("jobs", "scheduled", "trigger", made["id"])
    [job] = [each for each in alice.http.get("/api/jobs/alice").json() if each["initiator"]["type"] == "scheduled-job"]
    assert alice.until(job["id"], "COMPLETED", "ERROR")["status"]["stage"] == "COMPLETED"
    alice.hf("jobs", "scheduled", "reschedule", made["id"], "0 9 * * 1")
    alice.hf("jobs", "scheduled", "suspend", made["id"])
    alice.hf("jobs", "scheduled", "resume", made["id"])
    shown = alice.hf("jobs", "scheduled", "inspect", made["id"], "--format", "json")
    assert json.loads(shown)[0]["schedule"] == "0 9 * * 1"
    alice.hf("jobs", "scheduled", "delete", made["id"])
    assert json.loads(alice.hf("jobs", "scheduled", "ps", "-a", "--format", "json")) == []


def test_an_imported_image_is_what_a_job_runs_in(alice, site, tmp_path):
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    shell = Path("/bin/sh").resolve()
    libraries = subprocess.run(["ldd", shell], capture_output=True, text=True, check=True).stdout
    needs = [word for word in libraries.split() if word[0] == "/"]
    for path in (shell, *map(Path, needs)):
        target = root / path.relative_to("/") if path != shell else root / "bin/sh"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
        target.chmod(0o755)
    (root / "greeting").write_text("from inside")
    assert "Imported tiny:1" in site.command("image", "import", "tiny:1", str(root))
    assert json.loads(site.command("image", "list", "--json")) == [{"name": "tiny:1"}]
    said = alice.hf("jobs", "run", "tiny:1", "sh", "-c", "read line < /greeting; echo $line; test -e /usr/bin/env || echo alone")
    assert "from inside" in said
    assert "alone" in said
    site.command("image", "rm", "tiny:1")
    assert "tulou image import" in alice.hf("jobs", "run", "tiny:1", "true", fails=True)


def test_todays_other_client_runs_jobs_too(site, tmp_path):
    bob = Person(site, "bob", tmp_path / "bob", python_of("hub133"))
    said = bob.hf("jobs", "run", "python:3", "python", "-c", "print('by 1.33')")
    assert "by 1.33" in said
    job = bob.start("python:3", "python", "-c", "import time; time.sleep(60)")
    assert job in bob.hf("jobs", "ps", "--format", "json")
    bob.hf("jobs", "cancel", job)
    bob.until(job, "CANCELED")
    bob.http.close()
