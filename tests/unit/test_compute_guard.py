"""Where a run's gateway connects: never to what is private, however it is written; and what it makes of a request to a proxy."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.kernel.errors import SettingError
from tulou.platform.compute.local import egress
from tulou.platform.compute.local.child import gateway, guard
from tulou.settings import Settings


def words(text: str) -> list[str]:
    return text.split()


PRIVATE = words("""
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.1.2.3 127.255.255.254 169.254.0.1
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.170 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
192.168.0.1 192.168.255.255 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::a00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1
2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a00:1:: 2002:c0a8:101::1 2002:a9fe:a9fe:: 3fff::1 3ffe::1 4000::1 5f00::1 fc00::1
fd00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 febf::1 ff02::1 ff0e::1 2606:4700::5efe:7f00:1 2606:4700::200:5efe:a00:1
1::1
""")
PUBLIC = words("""
1.1.1.1 8.8.8.8 93.184.216.34 172.15.255.255 172.32.0.1 100.63.255.255 100.128.0.1 192.167.255.255 198.17.255.255
223.255.255.255 2606:4700::1111 2001:4860:4860::8888 2a00:1450:4001:829::200e 64:ff9b::808:808 2002:808:808::1
""")


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused(address):
    assert not guard.is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_not(address):
    assert guard.is_public(address)


@given(st.ip_addresses(v=4))
def test_no_form_of_version_6_is_more_open_than_the_address_in_it(address):
    number = int(address)
    forms = [
        f"::ffff:{address}",
        f"64:ff9b::{address}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::",
        f"2606:4700::5efe:{address}",
    ]
    assert guard.is_public(str(address)) or not any(guard.is_public(form) for form in forms)


def test_this_machine_is_known_by_all_its_addresses():
    assert guard.is_this_machine("127.0.0.1", 80)
    assert not guard.is_this_machine("192.0.2.1", 80)


def asked(target: str, method: str = "CONNECT") -> gateway.Asked:
    return gateway.parse(f"{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1"))


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [
        ("example.org:443", "example.org", 443), ("Example.ORG.:80", "example.org", 80), ("example.org", "example.org", 443),
        ("[2606:4700::1111]:443", "2606:4700::1111", 443), ("user:pass@example.org:443", "example.org", 443),
        ("127.1:80", "127.1", 80), ("0x7f.1:80", "0x7f.1", 80),
    ],
)  # fmt: skip
def test_where_a_tunnel_leads(target, host, port):
    assert asked(target) == gateway.Asked(host, port, None)


def test_a_plain_request_is_written_anew_for_the_host_that_was_judged():
    head = (
        b"GET http://user:pw@Example.org:80/a%2Fb?c=d#e HTTP/1.1\r\nHost: other.internal\r\nProxy-Authorization: Basic x\r\n"
        b"Connection: keep-alive, x\r\nAccept: */*\r\n\r\n"
    )
    found = gateway.parse(head)
    assert (found.host, found.port) == ("example.org", 80)
    assert found.first == b"GET /a%2Fb?c=d HTTP/1.1\r\nHost: Example.org:80\r\nAccept: */*\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n", b"GET /path HTTP/1.1\r\n\r\n", b"GET https://example.org/ HTTP/1.1\r\n\r\n",
        b"GET ftp://example.org/ HTTP/1.1\r\n\r\n",
        b"CONNECT :443 HTTP/1.1\r\n\r\n", b"CONNECT a:b:c HTTP/1.1\r\n\r\n", b"CONNECT example.org:99999 HTTP/1.1\r\n\r\n",
        b"CONNECT [::1:443 HTTP/1.1\r\n\r\n", b"GET http:///x HTTP/1.1\r\n\r\n",
        b"GET http://exa\x00mple.org/ HTTP/1.1\r\n\r\n",
        b"GET http://example.org/ HTTP/1.1\r\nA: b\nHost: x\r\n\r\n", b"GET  http://example.org/ HTTP/1.1\r\n\r\n",
        b"GET http://example.org/ SPDY/1\r\n\r\n",
        b"\xff\xfe CONNECT a:1 HTTP/1.1\r\n\r\n", b"CONNECT exa mple:443 HTTP/1.1\r\n\r\n",
        b"CONNECT <script>:443 HTTP/1.1\r\n\r\n", b"CONNECT " + b"a" * 300 + b":443 HTTP/1.1\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_request_to_a_proxy_is_refused(head):
    with pytest.raises(gateway.Refused):
        gateway.parse(head)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(noise):
    for head in (noise + b"\r\n\r\n", b"CONNECT " + noise + b" HTTP/1.1\r\n\r\n", b"GET http://" + noise + b" HTTP/1.1\r\n\r\n"):
        try:
            found = gateway.parse(head)
        except gateway.Refused:
            continue
        assert found.host
        assert b"\n" not in (found.first or b"").replace(b"\r\n", b"")


class Resolver:
    """A name server that says what it is told, one answer a question: the last for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.questions = 0

    async def __call__(self, _host: str, port: int, **_: object) -> list:
        self.questions += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


def connect(resolver: Resolver, port: int, host: str = "example.org", rules: guard.Rules | None = None) -> str:
    """Ask a gateway to connect, and return what it answered first."""

    async def work() -> str:
        asyncio.get_running_loop().getaddrinfo = resolver  # type: ignore[method-assign]
        made = gateway.Gateway(source="127.77.0.1", rules=rules or guard.Rules(frozenset()))
        try:
            _, writer = await made._connect(host, port)
        except gateway.Refused as no:
            return f"{no.status}: {no}"
        writer.close()
        await writer.wait_closed()
        return "connected"

    return asyncio.run(work())


@pytest.fixture
def listener():
    """A port of this machine, and who came to it."""
    came: list[object] = []
    made = socket.create_server(("127.0.0.1", 0))

    def count() -> None:
        try:
            while True:
                one, who = made.accept()
                came.append(who)
                one.close()
        except OSError:
            return

    thread = threading.Thread(target=count)
    thread.start()
    yield made.getsockname()[1], came
    made.shutdown(socket.SHUT_RDWR)
    made.close()
    thread.join()


def test_a_name_that_leads_inside_is_refused_and_nobody_is_called(listener, monkeypatch):
    port, came = listener
    monkeypatch.setattr(guard, "WEB", frozenset({port}))
    for answer in (["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["127.0.0.1", "1.1.1.1"], ["10.0.0.1"], ["169.254.169.254"]):
        assert connect(Resolver(answer), port).startswith("403")
    assert came == []


def test_a_name_is_asked_for_once_so_a_second_answer_leads_nowhere(listener, monkeypatch):
    """Rebinding: the first answer is public, the next one is this machine's. What was judged is what is connected to."""
    port, came = listener
    monkeypatch.setattr(guard, "WEB", frozenset({port}))
    monkeypatch.setattr(gateway, "_CONNECT_S", 0.2)
    called: list[str] = []

    async def open_connection(host: str, *_: object, **__: object) -> None:
        called.append(host)
        raise OSError

    monkeypatch.setattr(asyncio, "open_connection", open_connection)
    resolver = Resolver(["1.1.1.1"], ["127.0.0.1"])
    assert connect(resolver, port).startswith("502")
    assert (resolver.questions, called, came) == (1, ["1.1.1.1"], [])


def test_what_the_administrator_named_is_reached_whatever_its_address(listener):
    port, _ = listener
    rules = guard.Rules(frozenset({("index.lan", port)}))
    assert connect(Resolver(["127.0.0.1"]), port, "index.lan", rules) == "connected"
    assert connect(Resolver(["127.0.0.1"]), port, "other.lan", rules).startswith("403")
    assert connect(Resolver(["1.1.1.1"]), 8443, "example.org").startswith("403")


def test_the_hub_hears_a_run_from_an_address_of_its_own_also_when_the_proxy_is_asked(listener):
    """A hub behind a proxy on its machine believes what 127.0.0.1 says of others."""
    port, came = listener
    rules = guard.Rules(frozenset({("127.0.0.1", port)}))
    assert connect(Resolver(["127.0.0.1"]), port, "127.0.0.1", rules) == "connected"
    deadline = time.monotonic() + 10
    while not came and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [who[0] for who in came] == ["127.77.0.1"]


def test_settings_name_hosts():
    settings = Settings(
        python_index_url="https://pypi.lan/simple", egress_allow="db.lan:5432, Models.lan", public_url="https://hub.lan:8443"
    )
    assert set(egress.named(settings)) == {
        ("pypi.lan", 443), ("hub.lan", 8443), ("db.lan", 5432), ("models.lan", 80), ("models.lan", 443),
    }  # fmt: skip
    assert set(egress.named(Settings())) == {("pypi.org", 443), ("files.pythonhosted.org", 443)}
    for wrong in (Settings(egress_allow="a b"), Settings(egress_allow="x:99999"), Settings(python_index_url="pypi.lan")):
        with pytest.raises(SettingError):
            egress.named(wrong)


def test_a_run_comes_to_the_hub_from_an_address_of_its_own():
    orders = [egress.order("http://127.0.0.1:8000", [], number) for number in (0, 1, 256, 59_999)]
    sources = {order["source"] for order in orders}
    assert len(sources) == 4
    assert "127.0.0.1" not in sources
    assert egress.order("http://127.0.0.1:3128", [], 0)["listen"] == [("127.0.0.1", 3129), ("127.0.0.1", 3128)]
    assert egress.order("http://[::1]:8000", [], 0)["listen"][1] == ("::1", 8000)


def test_what_is_on_the_machines_loopback_is_on_the_runs_own_and_all_else_behind_the_proxy():
    order = egress.order("http://192.168.1.5:8000", [("localhost", 3141), ("127.0.0.1", 3141), ("pypi.lan", 443)], 0)
    assert order["forward"] == [("127.0.0.1", 3141)]
    assert ("192.168.1.5", 8000) in order["named"]
    assert egress.order("", [], 0)["listen"] == [("127.0.0.1", 3128)]
