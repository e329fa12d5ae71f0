"""What an address says of itself."""

from __future__ import annotations

import pytest

from tulou.kernel.address import is_loopback


@pytest.mark.parametrize(("url", "expected"), [
    ("http://localhost", True),
    ("http://LOCALHOST:8080", True),
    ("http://127.0.0.1:8080", True),
    ("http://[::1]:8080", True),
    ("https://localhost.example.org", False),
    ("http://127.0.0.1.example.org:80", False),
    ("https://hub.example.org/localhost", False),
])  # fmt: skip
def test_only_a_host_that_is_this_machine_by_its_whole_name_is_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
