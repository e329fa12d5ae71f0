"""A pytest plugin that aims huggingface_hub's own test-suite at a hub and notes which tests talked to it.

The source package of the client carries its tests but not their conftest: the fixtures they name are here. The client
itself is not changed: `HF_ENDPOINT` aims it. Waits are bounded, so that a hub that hangs costs seconds and not hours.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ENDPOINT = os.environ["HF_ENDPOINT"]
HOST = urlsplit(ENDPOINT).netloc
TRANSPORT_SECONDS = 45.0
RETRY_SECONDS = 0.2

sys.path.insert(0, os.environ["CONFORMANCE_SUITE"])
tc = importlib.import_module("tests.testing_constants")
tc.TOKEN, tc.OTHER_TOKEN, tc.ENTERPRISE_TOKEN = "hf_conformance_main", "hf_conformance_other", "hf_conformance_enterprise"
tc.ENDPOINT_STAGING = ENDPOINT
# Tests of the public site's own content go nowhere, and so are not counted.
tc.ENDPOINT_PRODUCTION = "http://public-site.invalid"
tc.ENDPOINT_PRODUCTION_URL_SCHEME = tc.ENDPOINT_PRODUCTION + "/{repo_id}/resolve/{revision}/{filename}"

from huggingface_hub import HfApi, constants  # noqa: E402 - only after the suite's constants are set

contacted: set[str] = set()
"""Node ids of the tests that sent the hub a request, and fixtures that did so while they were set up."""
running: list[str] = [""]
"""What is going on: the test, then the fixtures being set up for it."""
# The client asks for these once a process, from a thread, whatever the test.
BACKGROUND = ("/api/agent-harnesses", "/api/telemetry")


class _HastyTime:
    """The time module, with sleeps between retries cut short."""

    def __getattr__(self, name: str) -> object:
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(min(float(seconds), RETRY_SECONDS))


def _watch(module) -> None:
    """Note every request that leaves through this HTTP library, and give it a timeout."""
    sync, asynchronous = module.HTTPTransport.handle_request, module.AsyncHTTPTransport.handle_async_request

    def prepare(request):
        if request.url.netloc.decode() == HOST and not request.url.path.startswith(BACKGROUND):
            contacted.update(running)
        limits = dict(request.extensions.get("timeout") or {})
        for phase in ("connect", "read", "write", "pool"):
            limits[phase] = min(limits.get(phase) or TRANSPORT_SECONDS, TRANSPORT_SECONDS)
        request.extensions = {**request.extensions, "timeout": limits}
        return request

    async def handle_async_request(self, request):
        return await asynchronous(self, prepare(request))

    module.HTTPTransport.handle_request = lambda self, request: sync(self, prepare(request))
    module.AsyncHTTPTransport.handle_async_request = handle_async_request


for _name in ("httpx2", "httpx"):
    with suppress(ImportError):
        _watch(importlib.import_module(_name))
importlib.import_module("huggingface_hub.utils._http").time = _HastyTime()

_resolve = socket.getaddrinfo


def _only_the_hub(host, *args, **kwargs):
    name = host.decode() if isinstance(host, bytes) else host
    if name not in {None, "", "localhost", "::1", urlsplit(ENDPOINT).hostname} and not str(name).startswith("127."):
        raise socket.gaierror(socket.EAI_NONAME, f"{name}: closed in this run")
    return _resolve(host, *args, **kwargs)


socket.getaddrinfo = _only_the_hub

# --- which tests ----------------------------------------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    production = [
        item for item in items if item.get_closest_marker("production") or "api_prod" in getattr(item, "fixturenames", ())
    ]
    config.hook.pytest_deselected(items=production)
    items[:] = [item for item in items if item not in production]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    running[:] = [item.nodeid]


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]):
    running.append(_key(fixturedef))
    try:
        return (yield)
    finally:
        running.remove(_key(fixturedef))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    # A test that only reads what a shared fixture uploaded depends on the hub as well.
    used = getattr(item, "_fixtureinfo").name2fixturedefs.values()  # noqa: B009 - private, hence not an attribute
    if any(_key(definition) in contacted for definitions in used for definition in definitions):
        contacted.add(item.nodeid)


def _key(fixturedef: pytest.FixtureDef[object]) -> str:
    return f"{fixturedef.baseid}::{fixturedef.argname}"


_results: dict[str, dict[str, str]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    result = _results.setdefault(report.nodeid, {"test": report.nodeid, "outcome": "passed", "why": ""})
    if report.outcome == "failed":
        result["outcome"] = "failed"
        result["why"] = result["why"] or _reason(report)
    elif report.outcome == "skipped" and result["outcome"] == "passed":
        result["outcome"] = "skipped"
        result["why"] = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)[:200]
    if report.when == "teardown":
        with Path(os.environ["CONFORMANCE_RESULTS"]).open("a") as file:
            file.write(json.dumps({**result, "contacted": report.nodeid in contacted}) + "\n")


def _reason(report: pytest.TestReport) -> str:
    lines = [line[1:].strip() for line in report.longreprtext.splitlines() if line.startswith("E ")]
    return f"[{report.when}] " + (" | ".join(line for line in lines if line) or report.longreprtext[-300:])[:400]


# --- what the tests ask for -------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        places = {
            "HF_HOME": "",
            "HF_HUB_CACHE": "hub",
            "HUGGINGFACE_HUB_CACHE": "hub",
            "HF_XET_CACHE": "xet",
            "HF_ASSETS_CACHE": "assets",
            "HF_TOKEN_PATH": "token",
            "HF_STORED_TOKENS_PATH": "stored_tokens",
        }
        for name, place in places.items():
            monkeypatch.setattr(constants, name, str(Path(folder, place)), raising=False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_EXPERIMENTAL_WARNING", True)
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "200")
        yield


@pytest.fixture(autouse=True)
def _fresh_process_state():
    xet = importlib.import_module("huggingface_hub.utils._xet")
    getattr(xet, "XET_CONNECTION_INFO_CACHE", {}).clear()
    with suppress(ImportError):
        importlib.import_module("huggingface_hub.cli._output").out.set_mode()
    supported = importlib.import_module("huggingface_hub.inference._providers.hf_inference")._check_supported_task
    supported.cache_clear()
    yield
    supported.cache_clear()


@pytest.fixture(autouse=True)
def xet_mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    on = os.environ.get("HF_HUB_DISABLE_XET") != "1"
    if request.node.get_closest_marker("xet") and not on:
        pytest.skip("for runs with XET=1")
    if request.node.get_closest_marker("no_xet") and on:
        pytest.skip("for runs with XET=0")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", not on)


@pytest.fixture(autouse=True)
def _deprecations(request: pytest.FixtureRequest):
    names = [name for mark in request.node.iter_markers("deprecated") for name in mark.args]
    with ExitStack() as stack:
        for name in names if not any(request.node.iter_markers("skip")) else []:
            stack.enter_context(pytest.warns(FutureWarning, match=rf".*'{name}'.*"))
        yield


@pytest.fixture(scope="session")
def api() -> HfApi:
    return HfApi(endpoint=ENDPOINT, token=tc.TOKEN)


@pytest.fixture
def repo_factory(api: HfApi):
    from tests.testing_utils import repo_name

    made = []

    def create(repo_type: str = "model", **options):
        options.setdefault("repo_id", repo_name(prefix=repo_type))
        if repo_type == "space":
            options.setdefault("space_sdk", "gradio")
        url = api.create_repo(repo_type=repo_type, **options)
        made.append((url.repo_id, repo_type, options.get("token")))
        return url

    yield create
    for repo_id, repo_type, token in made:
        api.delete_repo(repo_id=repo_id, repo_type=repo_type, token=token, missing_ok=True)


@pytest.fixture
def new_repo_id(api: HfApi):
    from tests.testing_utils import repo_name

    repo_id = f"{tc.USER}/{repo_name()}"
    yield repo_id
    api.delete_repo(repo_id=repo_id, missing_ok=True)


@pytest.fixture(scope="module")
def vcr_config() -> dict[str, object]:
    return {}
