"""What the pages of files read: notebooks, forms with files, comparisons; and the SHA-256 of the upload script."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.delivery.kit.multipart import Form
from tulou.delivery.pages.history import rows
from tulou.features.content.preview import Look, look_of
from tulou.kernel.errors import BadInput, WireError
from tulou.platform.git.diff import hunks_of
from tulou.wire import notebook


def test_a_notebook_keeps_the_best_form_of_each_output():
    data = {"text/html": ["<b>", "x</b>"], "text/plain": "x"}
    outputs = [{"output_type": "execute_result", "data": data}, {"output_type": "stream", "text": "\x1b[31mred\x1b[0m"},
               {"output_type": "display_data", "data": {"image/png": "AAAA\n", "text/plain": "<Figure>"}},
               {"output_type": "display_data", "data": {"image/png": '"><script>', "text/plain": "<Figure>"}},
               {"output_type": "error", "ename": "E", "evalue": "v", "traceback": []}]  # fmt: skip
    found = notebook.parse(json.dumps({"cells": [{"cell_type": "code", "source": ["a\n", "b"], "outputs": outputs}]}).encode())
    assert found.cells[0].source == "a\nb"
    assert [(o.kind, o.body) for o in found.cells[0].outputs] == [
        ("html", "<b>x</b>"), ("text", "red"), ("image", "data:image/png;base64,AAAA"), ("text", "<Figure>"), ("error", "E: v"),
    ]  # fmt: skip


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["cells", "cell_type", "source", "outputs", "data", "output_type", "text/html", "metadata"]), inner
        )
    ),
    max_leaves=20,
)


@given(st.binary(max_size=40) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_is_a_notebook_or_refused(content: bytes):
    try:
        notebook.parse(content)
    except WireError:
        return


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, block: bytes) -> None:
        self.content += block


@given(st.binary(max_size=300).filter(lambda body: b"--x" not in body), st.integers(1, 50))
def test_a_form_is_the_same_however_it_is_cut(body: bytes, step: int):
    kept: dict[str, Kept] = {}
    form = Form("multipart/form-data; boundary=x", lambda name: kept.setdefault(name, Kept()))
    text = (
        b'--x\r\nContent-Disposition: form-data; name="summary"\r\n\r\nHi\r\n'
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a/b.bin"\r\nContent-Type: x/y\r\n\r\n' + body + b"\r\n"
        b'--x\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\n\r\n--x--\r\n'
    )
    for at in range(0, len(text), step):
        form.feed(text[at : at + step])
    form.close()
    assert (form.fields, form.files, kept["a/b.bin"].content) == ({"summary": "Hi"}, 1, body)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_form_or_refused(body: bytes):
    form = Form("multipart/form-data; boundary=x", lambda _name: Kept())
    try:
        form.feed(b"--x" + body)
        form.close()
    except BadInput:
        return
    assert form.files == 0


@pytest.mark.parametrize(
    "kind", ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x"]
)
def test_other_bodies_are_no_forms(kind: str):
    with pytest.raises(BadInput):
        Form(kind, lambda _name: Kept())


def test_words_that_differ_are_marked_and_escaped():
    hunk = hunks_of(b"a = old<b>\nsame\n", b"a = new<b>\nsame\n", 10)[0]
    assert [(row.mark, str(row.html)) for row in rows(hunk)] == [
        ("-", "a = <del>old</del>&lt;b&gt;"), ("+", "a = <ins>new</ins>&lt;b&gt;"), (" ", "same"),
    ]  # fmt: skip


@given(st.text(st.sampled_from("ab<\n"), max_size=30), st.text(st.sampled_from("ab<\n"), max_size=30))
def test_a_comparison_holds_every_line_of_both_sides(old: str, new: str):
    shown = [line for hunk in hunks_of(old.encode(), new.encode(), 1000) for line in hunk.lines]
    assert [n for n in (line.new for line in shown) if n] == sorted(n for n in (line.new for line in shown) if n)
    for hunk in hunks_of(old.encode(), new.encode(), 1000):
        assert len(rows(hunk)) == len(hunk.lines)


def test_a_comparison_of_too_many_lines_is_none():
    assert hunks_of(b"", b"x\n" * 100, 99) is None
    assert hunks_of(b"", b"x\n" * 100, 100) is not None


@pytest.mark.parametrize(("path", "look"), [
    ("README.md", Look.MARKDOWN), ("a/b.IPYNB", Look.NOTEBOOK), ("x.svg", Look.FRAMED), ("x.PDF", Look.FRAMED), ("md", Look.TEXT),
    (".csv", Look.TABLE), ("w.safetensors", Look.TENSORS), ("a.png.txt", Look.TEXT),
])  # fmt: skip
def test_a_look_is_chosen_by_the_ending(path: str, look: Look):
    assert look_of(path) is look


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_the_script_computes_the_sha256_that_everybody_else_does():
    module = Path(__file__).parents[2] / "tulou/web/static/js/sha256.js"
    program = f"""
    import {{ Sha256 }} from "{module.as_uri()}";
    import {{ createHash }} from "node:crypto";
    for (let size = 0; size < 300; size++) {{
      const bytes = Uint8Array.from({{ length: size }}, (_, at) => (at * 7 + size) % 256);
      const hash = new Sha256();
      for (let at = 0; at < size; at += 1 + (size % 97)) hash.update(bytes.subarray(at, at + 1 + (size % 97)));
      if (hash.hex() !== createHash("sha256").update(bytes).digest("hex")) throw new Error(`wrong for ${{size}} bytes`);
    }}
    """
    subprocess.run(["node", "--input-type=module", "-e", program], check=True, timeout=60)
