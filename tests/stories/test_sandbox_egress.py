"""What a run with `egress` reaches: its hub and public addresses, and nothing private however it asks."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler

import pytest

from tests.compute import Machine, machine, until

pytestmark = pytest.mark.story


def words(text: str) -> list[str]:
    return text.split()


HOSTS = words("""
127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 127.0.0.1. localhost localhost. LOCALHOST
127.255.255.254 0 0.0.0.0 10.0.0.1 10.1 0xa000001 172.16.0.1 172.31.255.255 192.168.0.1 192.168.1.1 100.64.0.1
169.254.169.254 2852039166 0xA9FEA9FE 0251.0376.0251.0376 169.254.170.2 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1
224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 [::1] [::] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1]
[::ffff:a9fe:a9fe] [0:0:0:0:0:ffff:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::1] [2002:7f00:1::]
[2002:a9fe:a9fe::1] [2001::1] [fe80::1] [fe80::1%25lo] [fc00::1] [fd00:ec2::254] [fec0::1] [ff02::1] [2001:db8::1]
user:pw@127.0.0.1 example.com@127.0.0.1 127.0.0.1:80@localhost ①②⑦.⓪.⓪.① 127。0。0。1 ⓛocalhost
""")
CLIENT = """
import json, os, socket, sys
from urllib.parse import urlsplit
proxy = urlsplit(os.environ['HTTPS_PROXY'])

def ask(head):
    with socket.create_connection((proxy.hostname, proxy.port), 20) as line:
        line.sendall(head.encode())
        return line.recv(200).split(b' ')[1].decode()

for host in json.loads(sys.argv[1]):
    port = sys.argv[2]
    for what in (f'CONNECT {host}:443', f'CONNECT {host}:80', f'GET http://{host}/', f'CONNECT {host}:{port}', f'GET http://{host}:{port}/'):
        print(json.dumps([what.split()[1], ask(what + ' HTTP/1.1\\r\\n\\r\\n')]))
"""
FETCH = """
import sys, urllib.error, urllib.request
for url in sys.argv[1:]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer: print(answer.status, answer.read().decode())
    except urllib.error.HTTPError as problem: print(problem.code, problem.read().decode().strip())
    except OSError as problem: print('none', problem)
"""
WAITING = """
import sys, time, urllib.request
seen = ''
while True:
    try: now = urllib.request.urlopen(sys.argv[1], timeout=5).read().decode()
    except OSError: now = 'refused'
    if now != seen: print(now); seen = now
    time.sleep(0.05)
"""


class Server(BaseHTTPRequestHandler):
    """Stands for the hub, or for a server in the private network."""

    def __init__(self, seen: list[tuple[str, str, str]], *arguments: object) -> None:
        self.seen = seen
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.seen.append((self.client_address[0], self.path, self.headers.get("host", "")))
        self.send_response(302 if self.path.startswith("/to/") else 200)
        if self.path.startswith("/to/"):
            self.send_header("location", "http://" + self.path.removeprefix("/to/"))
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        return


def serve(port: int = 0) -> tuple[http.server.ThreadingHTTPServer, list[tuple[str, str, str]]]:
    seen: list[tuple[str, str, str]] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), partial(Server, seen))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, seen


@pytest.fixture(scope="module")
def hub():
    server, seen = serve()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def lan():
    """A server that listens where no run may go unless its name is allowed."""
    server, seen = serve()
    yield server.server_port, seen
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def here(hub, lan, tmp_path_factory):
    allow = f"localhost:{lan[0]}"
    with machine(tmp_path_factory.mktemp("egress") / "data", "sandbox", egress_allow=allow) as made:
        made.compute.loopback = hub[0]
        yield made


def doors_of_this_machine() -> list[socket.socket]:
    """Listen at the ports that runs may ask for, where they are free."""
    found = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        for port in (80, 443):
            with suppress(OSError):
                found.append(socket.create_server((host, port), family=family))
    return found


def test_no_way_of_writing_a_private_address_is_reached(here: Machine, lan):
    doors = doors_of_this_machine()
    before = len(lan[1])
    named = {f"{host}:{lan[0]}" for host in ("localhost", "localhost.", "LOCALHOST", "127.0.0.1:80@localhost", "ⓛocalhost")}
    seen, said = here.run(("python3", "-uc", CLIENT, json.dumps(HOSTS), str(lan[0])), network="egress")
    assert seen.phase == "succeeded", said
    answers = [json.loads(line) for line in said.splitlines()]
    assert len(answers) == 5 * len(HOSTS) > 300
    wrong = [(target, code) for target, code in answers if code not in {"400", "403", "502"}]
    assert [pair for pair in wrong if pair[0].removeprefix("http://").rstrip("/") not in named] == []
    came = []
    for door in doors:
        door.setblocking(False)
        with suppress(BlockingIOError):
            came.append(door.accept())
        door.close()
    assert came == []
    assert {path for _, path, _ in lan[1][before:]} <= {"/"}


def test_the_hub_is_reached_at_its_own_address_from_an_address_that_it_never_trusts(here: Machine, hub):
    url, seen = hub
    _, said = here.run(("python3", "-c", FETCH, f"{url}/api/x"), network="egress")
    assert said == "200 ok\n"
    address, path, host = seen[-1]
    assert (path, host) == ("/api/x", url.removeprefix("http://"))
    assert address.startswith("127.77.")


def test_what_is_allowed_by_name_is_reached_by_that_name_only(here: Machine, lan):
    port, seen = lan
    urls = [
        f"http://localhost:{port}/yes",
        f"http://localhost:{port}/to/10.0.0.1/",
        f"http://localhost:{port + 1}/",
        "http://nowhere.invalid/",
    ]
    # Python's own exception for the loopback would keep it from the proxy.
    _, said = here.run(("python3", "-c", FETCH, *urls), network="egress", env={"NO_PROXY": "", "no_proxy": ""})
    lines = said.splitlines()
    assert lines[0] == "200 ok"
    assert lines[1] == "403 This hub lets programs reach public addresses only."
    assert lines[2] == "403 This hub lets programs reach ports 80 and 443 only."
    assert lines[3] == "502 There is no host of that name."
    address, _, host = next(one for one in seen if one[1] == "/yes")
    assert (address.startswith("127.77."), host) == (True, f"localhost:{port}")
    # A program that asks no proxy for its loopback finds it there.
    _, said = here.run(("python3", "-c", FETCH, f"http://127.0.0.1:{port}/direct"), network="egress")
    assert said == "200 ok\n"
    assert next(address for address, path, _ in seen if path == "/direct").startswith("127.77.")


def test_a_run_without_a_network_has_no_gateway(here: Machine, hub):
    before = len(hub[1])
    _, said = here.run(("python3", "-c", FETCH, f"{hub[0]}/"))
    assert said.startswith("none ")
    assert len(hub[1]) == before


def test_a_run_outlives_its_hub_and_finds_the_next_one(here: Machine, tmp_path):
    server, _ = serve()
    port = server.server_port
    compute = here.again()
    compute.loopback = f"http://127.0.0.1:{port}"
    here.compute, before = compute, here.compute
    run = here.start(("python3", "-uc", WAITING, f"{compute.loopback}/"), network="egress")
    here.until_said(run, "ok\n")
    server.shutdown()
    server.server_close()
    here.until_said(run, "ok\nrefused\n")
    server, _ = until(lambda: _serve_again(port))
    here.until_said(run, "ok\nrefused\nok\n")
    compute.forget(run)
    here.compute = before
    server.shutdown()
    server.server_close()


def _serve_again(port: int):
    with suppress(OSError):
        return serve(port)
    return None
