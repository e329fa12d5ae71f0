"""The setting that says where Spaces are reached: what it may be, and what stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tulou.kernel.errors import SettingError
from tulou.settings import load

HUB = "https://hub.example"


@pytest.mark.parametrize("value", ["", "path", "https://apps.example", "http://apps.example:8000", "https://apps.hub.example"])
def test_applications_have_hosts_of_their_own_or_none(tmp_path: Path, value: str):
    assert load({}, data=tmp_path, public_url=HUB, apps_url=value).apps_url == value


@pytest.mark.parametrize("value", [
    "apps.example", "ftp://apps.example", "https://", "https://apps.example/", "https://apps.example/x", "https://apps.example?x",
    "https://me@apps.example", HUB, "https://hub.example:444", "https://files.example", "Path",
])  # fmt: skip
def test_an_impossible_place_stops_the_start(tmp_path: Path, value: str):
    with pytest.raises(SettingError, match="apps_url"):
        load({}, data=tmp_path, public_url=HUB, usercontent_url="https://files.example", apps_url=value)
