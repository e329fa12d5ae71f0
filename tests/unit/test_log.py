"""The log: one JSON object a line, and never a secret."""

from __future__ import annotations

import json

import pytest

from tulou.kernel.ids import new_secret
from tulou.platform.telemetry.log import Log


@pytest.mark.parametrize("prefix", ["hf_", "s_", "l_", "d_"])
def test_a_secret_of_ours_is_masked_wherever_it_stands(capsys: pytest.CaptureFixture[str], prefix: str):
    secret = new_secret(prefix)
    Log()("request.failed", {"path": f"/one-time/{secret}", "trace": f"x={secret!r}"})
    line = capsys.readouterr().err
    assert secret not in line
    assert json.loads(line)["event"] == "request.failed"


@pytest.mark.parametrize("path", ["/lfs/x?claim=abc.def", "/get?x=1&sig=abc"])
def test_a_signed_link_is_masked(capsys: pytest.CaptureFixture[str], path: str):
    Log()("request.failed", {"path": path})
    assert "abc" not in capsys.readouterr().err


def test_a_line_stays_one_line(capsys: pytest.CaptureFixture[str]):
    Log()("x", {"message": "a\nb\u2028c\x1b[31m"})
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]):
    Log("warning")("x", {})
    Log("warning")("x.failed", {})
    assert len(capsys.readouterr().err.splitlines()) == 1
