"""What a run prints, and the log that comes of it."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.platform.compute.local.child.output import LINE_BYTES, PARTIAL_S, REDRAW_S, Output, _ends_within, needles


class Log:
    """An Output into a file in memory."""

    def __init__(self, limit: int = 1 << 20, *secrets: str) -> None:
        self.fd = os.memfd_create("log")
        self.output = Output(self.fd, limit=limit, secrets=list(secrets))

    def text(self) -> str:
        os.lseek(self.fd, 0, os.SEEK_SET)
        return os.read(self.fd, 1 << 24).decode()

    def lines(self) -> list[str]:
        return [line.partition("\t")[2] for line in self.text().splitlines()]

    def close(self) -> None:
        os.close(self.fd)


@pytest.fixture
def log():
    made = Log(1 << 20, "correct horse battery", "short", "-----BEGIN KEY-----\nMIIEvQIBADANBg\n")
    yield made
    made.close()


def test_lines_have_their_time_and_parts_of_lines_wait(log):
    log.output.feed(b"one\ntw", 1000, 5.0)
    assert log.text() == "1000\tone\n"
    assert log.output.due() == pytest.approx(5.0 + PARTIAL_S)
    log.output.feed(b"o\n\nthree", 2000, 6.0)
    assert log.text() == "1000\tone\n2000\ttwo\n2000\t\n"
    log.output.flush(3000)
    assert log.lines() == ["one", "two", "", "three"]
    assert log.output.due() is None


def test_a_line_that_is_drawn_over_is_written_as_it_looks(log):
    log.output.feed(b"\r 10%\r 20%", 1, 0.0)
    assert log.output.due() == pytest.approx(REDRAW_S)
    log.output.feed(b"\r100%\r\nnext\r\n", 2, 0.1)
    assert log.lines() == ["100%", "next"]


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_secrets_are_not_in_the_log_however_they_arrive(log, size):
    said = b"my key is correct horse battery!\nshort\nx MIIEvQIBADANBg y\n-----BEGIN KEY-----\n"
    for at in range(0, len(said), size):
        log.output.feed(said[at : at + size], 1, 0.0)
    assert log.lines() == ["my key is [secret]!", "short", "x [secret] y", "[secret]"]


def test_a_secret_across_the_cut_of_a_long_line_is_not_in_the_log(log):
    said = b"z" * (LINE_BYTES - 10) + b"correct horse battery" + b"z" * 100 + b"\n"
    for at in range(0, len(said), 1000):
        log.output.feed(said[at : at + 1000], 1, 0.0)
    assert "horse" not in log.text()
    assert "[secret]" in "".join(log.lines())


def test_long_lines_are_cut_and_bytes_that_are_no_text_are_replaced(log):
    log.output.feed(b"a" * (2 * LINE_BYTES + 5) + b"\n\xff\x00\xfe\n", 1, 0.0)
    assert [len(line) for line in log.lines()][:3] == [LINE_BYTES, LINE_BYTES, 5]
    assert log.lines()[3] == "\ufffd\ufffd\ufffd"


def test_the_log_ends_at_its_limit_with_a_whole_line():
    log = Log(100)
    for number in range(50):
        log.output.feed(b"%d\n" % number, 1, 0.0)
    assert log.text().endswith("\n1\t[the log is full: what follows is not kept]\n")
    assert log.lines()[:3] == ["0", "1", "2"]
    size = len(log.text())
    log.output.feed(b"more\n", 2, 1.0)
    log.output.flush(3)
    assert len(log.text()) == size
    log.close()


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_become_whole_lines_of_text_within_the_limit(chunks):
    log = Log(500, "0000000000")
    for chunk in chunks:
        log.output.feed(chunk, 7, 0.0)
    log.output.flush(7)
    text = log.text()
    log.close()
    assert len(text.encode()) <= 500 + 60
    assert "0000000000" not in text
    assert all(line.startswith("7\t") for line in text.split("\n")[:-1])
    assert text == "" or text.endswith("\n")


def test_only_what_is_long_enough_is_a_secret():
    assert needles(["1234567", "12345678", "abc\nlonger than eight\n", ""]) == [b"longer than eight", b"12345678"]


letters = st.lists(st.sampled_from(b"ab"), max_size=30).map(bytes)


@given(letters, letters.filter(bool))
def test_the_beginning_of_a_secret_at_the_end_of_a_line_is_seen(tail, needle):
    assert _ends_within(tail, needle) == any(tail.endswith(needle[:size]) for size in range(1, len(needle)))


def test_a_secret_of_any_length_costs_a_line_without_an_end_no_time():
    needle, tail = os.urandom(256 * 1024).replace(b"\n", b"x"), os.urandom(60 * 1024)
    began = time.process_time()
    _ends_within(tail, needle)
    assert time.process_time() - began < 1
