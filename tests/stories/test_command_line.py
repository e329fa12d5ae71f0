"""The operator at the terminal: first start, seeding, users, stopping, and mistakes that are told in one line."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import httpx
import psutil
import pytest

from tulou.cli import demo, demo_files, options
from tulou.cli.main import COMMANDS, main
from tulou.features.content import lifecycle
from tulou.features.orgs.create import create_org
from tulou.kernel.actor import SYSTEM

pytestmark = pytest.mark.story

SEED = """
users:
  - {name: __DUMMY_HUB_USER__, fullname: Dummy User, tokens: [{name: conformance, role: write, value: hf_conformance_main}]}
  - {name: julien-c, fullname: Julien C, admin: true}
orgs:
  - {name: acme, fullname: Acme, default_visibility: private, members: [{user: __DUMMY_HUB_USER__, role: admin}]}
"""


def environment(**more: str) -> dict[str, str]:
    """Return our own environment without settings of a hub."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TULOU_")} | more


def tulou(*words: str | Path, status: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in this process, and check its exit status."""
    out, err = io.StringIO(), io.StringIO()
    mask = os.umask(0o077)
    try:
        with mock.patch.dict(os.environ, environment(**env), clear=True), redirect_stdout(out), redirect_stderr(err):
            code = main([str(word) for word in words])
    except SystemExit as exit_:  # argparse: --help, wrong usage
        code = int(exit_.code or 0)
    finally:
        os.umask(mask)
    assert code == status, out.getvalue() + err.getvalue()
    return subprocess.CompletedProcess(list(map(str, words)), code, out.getvalue(), err.getvalue())


@dataclass
class Running:
    """A hub in a process of its own, and what it has printed so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    is_ready: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.lines[-1].removeprefix("tulou is ready at ").strip()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def hub_on(data: Path, *options: str, **env: str) -> Iterator[Running]:
    """Run `tulou up` until the block ends."""
    command = [sys.executable, "-m", "tulou", "up", "--data", str(data), "--port", "0", *options]
    errors = (data.parent / f"{data.name}.log").open("a")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(**env))
    running = Running(process)
    assert process.stdout is not None
    output = process.stdout

    def listen() -> None:
        for line in output:
            running.lines.append(line)
            if line.startswith("tulou is ready"):
                running.is_ready.set()
        running.is_ready.set()

    reader = threading.Thread(target=listen)
    reader.start()
    try:
        assert running.is_ready.wait(60), "the hub did not start"
        assert process.poll() is None, (data.parent / f"{data.name}.log").read_text()
        yield running
    finally:
        process.kill()
        process.wait()
        reader.join()
        output.close()
        errors.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_makes_a_closed_folder_and_an_administrator_who_signs_in_once(data: Path):
    with hub_on(data, "--no-demo") as hub:
        text = "".join(hub.lines)
        link = re.search(r"http://\S+/one-time/\S+", text)
        assert link is not None
        assert f"export HF_ENDPOINT={hub.url}" in text
        with httpx.Client(headers={"origin": hub.url}, trust_env=False) as browser:
            assert browser.post(link[0]).status_code == 303
            assert "admin" in browser.get(f"{hub.url}/").text
            assert browser.post(link[0]).status_code == 404
        assert hub.stop() == 0
    assert mode(data) == 0o700
    assert {mode(path) for path in data.iterdir() if path.is_file()} == {0o600}
    assert (data / "FORMAT").read_text() == "tulou-data 1\n"
    assert list((data / "work").iterdir()) == []
    with hub_on(data, "--no-demo") as hub:
        assert "one-time" not in "".join(hub.lines)
        assert tulou("link", "admin", "--data", data).stdout.startswith(f"{hub.url}/one-time/l_")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_ends_before_the_hub_does(data: Path, number: int):
    tulou("seed", _seed(data), "--data", data)
    with hub_on(data, "--no-demo") as hub:
        host, port = hub.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            body = b'{"name":"m","organization":null}'
            connection.sendall(
                b"POST /api/repos/create HTTP/1.1\r\nHost: " + host.encode() + b"\r\n"
                b"Authorization: Bearer hf_conformance_main\r\nExpect: 100-continue\r\n"
                b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n"
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 100")  # the hub waits for the body now
            hub.process.send_signal(number)
            connection.sendall(body)
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        assert hub.process.wait(30) == 0


def _seed(data: Path) -> Path:
    path = data.parent / "seed.yaml"
    path.write_text(SEED)
    return path


def test_seeding_works_before_and_while_the_hub_runs_and_twice(data: Path):
    seed = _seed(data)
    tulou("seed", seed, "--data", data)
    with hub_on(data, "--no-demo") as hub:
        assert "one-time" not in "".join(hub.lines)  # the seed made an administrator
        ask = {"authorization": "Bearer hf_conformance_main"}
        with httpx.Client(base_url=hub.url, headers=ask, trust_env=False) as client:
            me = client.get("/api/whoami-v2").json()
            assert (me["name"], me["fullname"], me["orgs"][0]["roleInOrg"]) == ("__DUMMY_HUB_USER__", "Dummy User", "admin")
            seed.write_text(SEED + "  - {name: later, members: [{user: julien-c, role: read}]}\n")
            tulou("seed", seed, "--data", data)
            tulou("seed", seed, "--data", data)
            assert client.get("/api/organizations/later/members").json()[0]["user"] == "julien-c"
    rows = json.loads(tulou("token", "list", "__DUMMY_HUB_USER__", "--data", data, "--json").stdout)
    assert [row["name"] for row in rows] == ["conformance"]


def test_a_token_value_cannot_be_seeded_to_two_people(data: Path):
    seed = _seed(data)
    tulou("seed", seed, "--data", data)
    seed.write_text("users: [{name: mallory, tokens: [{name: x, role: write, value: hf_conformance_main}]}]")
    assert "belongs to somebody else" in tulou("seed", seed, "--data", data, status=1).stderr


def test_people_and_organizations_are_managed_at_the_terminal(data: Path):
    tulou("user", "add", "alice", "--fullname", "Alice A", "--email", "a@example.org", "--data", data)
    tulou("user", "add", "Bob", "--admin", "--data", data)
    assert "already exists" in tulou("user", "add", "ALICE", "--data", data, status=1).stderr
    assert "reserved" in tulou("user", "add", "api", "--data", data, status=1).stderr
    tulou("org", "add", "acme", "--data", data)
    tulou("org", "join", "acme", "alice", "--role", "contributor", "--data", data)
    users = json.loads(tulou("user", "list", "--data", data, "--json").stdout)
    assert [(user["name"], user["admin"]) for user in users] == [("alice", False), ("Bob", True)]
    members = json.loads(tulou("org", "members", "acme", "--data", data, "--json").stdout)
    assert members == [{"user": "alice", "role": "contributor"}]
    tulou("org", "leave", "acme", "alice", "--data", data)
    tulou("user", "quota", "alice", "5", "--data", data)
    tulou("user", "admin", "Bob", "off", "--data", data)
    tulou("user", "disable", "alice", "--data", data)
    users = json.loads(tulou("user", "list", "--data", data, "--json").stdout)
    assert [(user["name"], user["admin"], user["disabled"]) for user in users] == [("alice", False, True), ("Bob", False, False)]
    assert "alice" in tulou("user", "list", "--data", data).stdout


def test_tokens_are_made_listed_and_revoked_at_the_terminal(data: Path):
    tulou("user", "add", "alice", "--data", data)
    options = ("--name", "ci", "--scope", "alice:write", "--days", "7")
    secret = tulou("token", "add", "alice", *options, "--data", data).stdout.strip()
    assert re.fullmatch(r"hf_[A-Za-z0-9]{34}", secret)
    rows = json.loads(tulou("token", "list", "alice", "--data", data, "--json").stdout)
    assert (rows[0]["role"], rows[0]["scopes"]) == ("fineGrained", ["alice:write"])
    assert secret not in json.dumps(rows)
    tulou("token", "revoke", "alice", rows[0]["id"], "--data", data)
    assert json.loads(tulou("token", "list", "alice", "--data", data, "--json").stdout) == []
    assert "no such token" in tulou("token", "revoke", "alice", rows[0]["id"], "--data", data, status=1).stderr


@pytest.mark.parametrize(("words", "env", "says"), [
    (("up",), {"TULOU_PORTT": "1"}, "TULOU_PORTT"),
    (("up",), {"TULOU_PORT": "many"}, "port"),
    (("up",), {"TULOU_GC_GRACE_DAYS": "3"}, "gc_grace_days"),
    (("settings",), {"TULOU_STORAGE_URL": "ftp://x"}, "storage_url"),
    (("up", "--port", "70000"), {}, "port"),
    (("up",), {"TULOU_HOST": "192.0.2.1"}, "Cannot listen"),
    (("frobnicate",), {}, "no such command"),
])  # fmt: skip
def test_a_wrong_setting_stops_the_start_with_one_clear_line(data: Path, words: tuple[str, ...], env: dict[str, str], says: str):
    more = () if words[0] == "frobnicate" else ("--data", str(data))
    done = tulou(*words, *more, status=2, **env)
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_two_hubs_do_not_share_a_folder_or_a_port(data: Path, tmp_path: Path):
    with hub_on(data, "--no-demo") as hub:
        assert "already running" in tulou("up", "--data", data, "--port", "0", status=2).stderr
        port = hub.url.rpartition(":")[2]
        assert "Cannot listen" in tulou("up", "--data", tmp_path / "other", "--port", port, "--no-demo", status=2).stderr


def test_a_folder_of_a_newer_program_is_refused_by_every_command(data: Path):
    tulou("user", "add", "alice", "--data", data)
    (data / "FORMAT").write_text("tulou-data 2\n")
    for words in (("up",), ("user", "list"), ("doctor",), ("gc",)):
        assert "newer version" in tulou(*words, "--data", data, status=2).stderr
    (data / "FORMAT").write_text("something else")
    assert "FORMAT" in tulou("doctor", "--data", data, status=2).stderr


def test_settings_are_printed_without_secrets(data: Path):
    url = "postgresql://tulou:hunter2@db.example.org/tulou"
    done = tulou("settings", "--data", data, "--json", TULOU_DATABASE_URL=url, TULOU_PORT="9000")
    rows = {row["setting"]: row for row in json.loads(done.stdout)}
    assert "hunter2" not in done.stdout
    assert rows["database_url"]["value"] == "postgresql://tulou:***@db.example.org/tulou"
    assert (rows["port"]["value"], rows["port"]["changed"], rows["host"]["changed"]) == (9000, True, False)
    secret = data.parent / "port.txt"
    secret.write_text("9001\n")
    done = tulou("settings", "--data", data, "--json", TULOU_PORT_FILE=str(secret))
    assert {row["setting"]: row["value"] for row in json.loads(done.stdout)}["port"] == 9001


def test_the_doctor_finds_a_lost_pack_and_a_changed_audit_line(data: Path):
    tulou("seed", _seed(data), "--data", data)
    assert "FAIL" not in tulou("doctor", "--data", data).stdout
    with sqlite3.connect(data / "hub.db") as connection:
        connection.execute("UPDATE audit SET actor_name = 'somebody else' WHERE id = 2")
    connection.close()
    done = tulou("doctor", "--data", data, "--json", status=1)
    assert {row["check"] for row in json.loads(done.stdout) if row["verdict"] == "FAIL"} == {"audit log"}


def test_garbage_is_collected_with_and_without_a_running_hub(data: Path):
    tulou("user", "add", "alice", "--data", data)
    assert json.loads(tulou("gc", "--data", data, "--json").stdout)[0]["deleted"] == 0
    with hub_on(data, "--no-demo"):
        assert "collects now" in tulou("gc", "--data", data).stderr


def test_help_names_every_command_and_every_command_has_help():
    text = tulou("--help").stdout
    for name in COMMANDS:
        assert name in text
        assert f"usage: tulou {name}" in tulou(name, "--help").stdout
    assert tulou("--version").stdout.startswith("tulou ")
    assert "/api/whoami-v2" in tulou("routes").stdout


def test_an_idle_hub_takes_at_most_150_mb(data: Path):
    with hub_on(data, "--no-demo") as hub:
        assert httpx.get(f"{hub.url}/", trust_env=False).status_code == 200
        assert psutil.Process(hub.process.pid).memory_info().rss < 150 * 1000**2


@pytest.mark.parametrize("head", [
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 400_000,
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: aaaaaaaaaaaaaaaaaaaa\r\n" % i for i in range(5000)) + b"\r\n",
    b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"T: aaaaaaaaaaaa\r\n" * 9000 + b"\r\n",
], ids=["request line", "one header", "many headers", "trailers"])  # fmt: skip
def test_a_head_without_end_is_cut_off(data: Path, head: bytes):
    with hub_on(data, "--no-demo") as hub:
        host, port = hub.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.settimeout(20)
            try:
                connection.sendall(head)
                answer = b""
                while block := connection.recv(4096):
                    answer += block
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
            assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431")), answer[:80]
        assert httpx.get(f"{hub.url}/healthz", trust_env=False).status_code == 200


has_demo = all(demo_files.is_there(package) for package in demo_files.PACKAGES)


@pytest.mark.skipif(not has_demo, reason="`make demo` fetches the packages that the demo content comes from")
def test_the_demo_content_is_there_after_the_first_start_and_gone_after_its_removal(data: Path):
    with options.machinery(Namespace(data=data)) as m:  # as if an earlier start had died right here
        create_org(m, SYSTEM, demo.ORG)
        lifecycle.create(m, SYSTEM, demo.MODEL, visibility="public")
    with hub_on(data) as hub, httpx.Client(base_url=hub.url, trust_env=False, timeout=60) as client:
        model = client.get("/api/models/demo/all-MiniLM-L6-v2").json()
        files = {file["rfilename"] for file in model["siblings"]}
        assert {"model.safetensors", "tokenizer.json", "1_Pooling/config.json"} <= files
        rows = client.get("/datasets/demo/movie-sentences/resolve/main/train.csv").text.splitlines()
        assert rows[0] == "id,text,score,label"
        assert len(rows) > 9000
        tulou("demo", "remove", "--data", data)
        assert client.get("/api/models/demo/all-MiniLM-L6-v2").status_code in {401, 404}
        assert hub.stop() == 0
    with hub_on(data) as hub, httpx.Client(base_url=hub.url, trust_env=False) as client:
        assert client.get("/api/models/demo/all-MiniLM-L6-v2").status_code in {401, 404}
        assert "Stop it" in tulou("demo", "add", "--data", data, status=1).stderr
        assert hub.stop() == 0
    assert "Added demo/all-MiniLM-L6-v2" in tulou("demo", "add", "--data", data).stdout
    assert "there already" in tulou("demo", "add", "--data", data).stdout
    assert "FAIL" not in tulou("doctor", "--data", data).stdout


def test_without_the_packages_the_hub_starts_and_says_so(data: Path, tmp_path: Path):
    # Another prefix, so the packages are not where this program looks; the libraries are.
    with mock.patch.object(sys, "prefix", str(tmp_path)):
        assert "No demo content" in tulou("demo", "add", "--data", data, status=1).stderr
