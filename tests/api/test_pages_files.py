"""The pages of files: reading, comparing, editing and uploading in a browser, by whoever may, and never by anybody else."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.api.test_pages import browser
from tests.conftest import RunningHub, run_hub, settings_for
from tulou.features.accounts import lookup
from tulou.features.content import commit, resolve, revisions
from tulou.features.repos import lookup as repos
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import EntryNotFound
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.wire.hf_commit import File, Header, LargeFile

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(60)


def model(hub: RunningHub, full: str) -> Repo:
    found = repos.by_name(hub.m, parse_repo_id(RepoKind.MODEL, full))
    assert found is not None
    return found


def write(hub: RunningHub, full: str, files: dict[str, bytes], message: str = "add", user: str = "alice") -> str:
    actor = Actor(user_id=lookup.user(hub.m, user).id, name=user)
    operations = [File(path, content) for path, content in files.items()]
    return commit.commit(hub.m, actor, model(hub, full), "main", Header(message, "", None), operations)


def content(hub: RunningHub, full: str, path: str, revision: str = "main") -> bytes:
    repo = model(hub, full)
    return resolve.read_file(hub.m, repo, revisions.commit_of(hub.m, repo, revision), path, 1 << 24)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


@pytest.fixture
def filled(hub: RunningHub) -> RunningHub:
    """A public and a private model of alice, with some files; bob and mallory exist."""
    for name in ("alice", "bob", "mallory"):
        hub.user(name)
    hub.repo("alice/m")
    hub.repo("alice/secret", private=True)
    write(
        hub,
        "alice/m",
        {
            "README.md": b"---\nlicense: mit\n---\n# Card\n",
            "train.py": b"import os\n\nprint(os.name)\n",
            "docs/README.md": b"# Notes\n",
            "docs/table.csv": b"name,score\na,1\nb,2\n",
            "page.html": b"<script>parent.document</script>hello",
            "data.json": b'{"a":[1,2]}',
        },
    )
    write(hub, "alice/secret", {"plans.txt": b"secret plans\n", "pixel.png": PIXEL, "page.html": b"<b>hi</b>"})
    return hub


PAGES = [
    "tree/main", "tree/main/docs", "blob/main/train.py", "blob/main/README.md", "blob/main/docs/table.csv", "blob/main/page.html",
    "blob/main/page.html?view=source", "blob/main/data.json", "commits/main", "commits/main/train.py", "commits/main/docs",
    "commit/main", "branches",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_every_page_renders_in_both_languages_for_whoever_may_read(filled: RunningHub, page: str):
    for user in (None, "alice"):
        for language in ("en", "zh"):
            answer = browser(filled, user).get(f"/alice/m/{page}", headers={"accept-language": language})
            assert answer.status_code == 200, (page, user)
            assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}"' in answer.text
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("page", [
    "tree/main", "blob/main/plans.txt", "commits/main", "commit/main", "branches", "edit/main/plans.txt", "new/main",
    "delete/main/plans.txt", "upload/main", "resolve/main/plans.txt", "raw/main/plans.txt",
])  # fmt: skip
def test_a_private_repository_looks_like_a_missing_one_on_every_page(filled: RunningHub, page: str):
    for client in (browser(filled, "mallory"), browser(filled)):
        hidden_page, missing = (client.get(f"/alice/{name}/{page}") for name in ("secret", "nothing"))
        assert (hidden_page.status_code, hidden_page.text) == (
            missing.status_code,
            missing.text.replace("/alice/nothing", "/alice/secret"),
        )
        assert hidden_page.status_code in {401, 404}
        assert "secret plans" not in hidden_page.text


def test_its_owner_reads_and_downloads_a_private_file_with_nothing_but_the_session(filled: RunningHub):
    client = browser(filled, "alice")
    assert client.get("/alice/secret/resolve/main/plans.txt").content == b"secret plans\n"
    assert client.get("/alice/secret/resolve/main/pixel.png").headers["content-type"] == "image/png"
    assert "/alice/secret/resolve/" in client.get("/alice/secret/blob/main/pixel.png").text
    # A wrong token is refused, not replaced by the session.
    assert client.get("/alice/secret/resolve/main/plans.txt", headers={"authorization": "Bearer hf_wrong"}).status_code == 401


def test_a_listing_names_the_commit_that_last_changed_each_entry(filled: RunningHub):
    write(filled, "alice/m", {"train.py": b"print(2)\n"}, "Make <it> simpler")
    page = browser(filled).get("/alice/m/tree/main").text
    row = re.search(r"blob/main/train\.py.*?</tr>", page, re.DOTALL)
    assert row is not None
    assert "Make &lt;it&gt; simpler" in row[0]
    assert "Make &lt;it&gt;" not in re.search(r"blob/main/README\.md.*?</tr>", page, re.DOTALL)[0]


def test_the_history_of_a_file_has_only_the_commits_that_changed_it(filled: RunningHub):
    write(filled, "alice/m", {"other.txt": b"x"}, "Elsewhere")
    write(filled, "alice/m", {"train.py": b"x"}, "Here")
    titles = re.findall(r'class="commit-title" href="[^"]+">([^<]+)<', browser(filled).get("/alice/m/commits/main/train.py").text)
    assert titles == ["Here", "add"]
    titles = re.findall(r'class="commit-title" href="[^"]+">([^<]+)<', browser(filled).get("/alice/m/commits/main").text)
    assert titles == ["Here", "Elsewhere", "add", "initial commit"]


def test_a_large_folder_is_shown_page_by_page(filled: RunningHub):
    write(filled, "alice/m", {f"many/{number:04}.txt": b"x" for number in range(450)})
    client, seen, address = browser(filled), [], "/alice/m/tree/main/many"
    for _ in range(3):
        page = client.get(address).text
        seen += re.findall(r'href="/alice/m/blob/main/many/(\d+)\.txt"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = html.unescape(following[1]) if following else ""
    assert (seen, address) == ([f"{number:04}" for number in range(450)], "")


def test_a_file_page_shows_lines_tables_and_laid_out_text(filled: RunningHub):
    client = browser(filled)
    assert 'id="L3"' in client.get("/alice/m/blob/main/train.py").text
    assert "<td>b</td>" in client.get("/alice/m/blob/main/docs/table.csv").text
    assert ">Card</h1>" in client.get("/alice/m/blob/main/README.md").text
    assert "# Card" in client.get("/alice/m/blob/main/README.md?view=source").text
    assert "laid out for reading" in client.get("/alice/m/blob/main/data.json").text
    assert ">Notes</h1>" in client.get("/alice/m/tree/main/docs").text
    assert client.get("/alice/m/blob/main/docs").headers["location"] == "/alice/m/tree/main/docs"
    for missing in (
        "blob/main/none",
        "blob/none/train.py",
        "tree/main/none",
        "commits/none",
        "commit/0123456",
        "blob/main/a%00b",
    ):
        assert client.get(f"/alice/m/{missing}").status_code in {400, 404, 422}, missing


HOSTILE = b'<script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>"\'><a href="javascript:alert(1)">x</a>'


def test_hostile_names_messages_and_contents_stay_text(filled: RunningHub):
    name = "<img src=x onerror=alert(1)>.txt"
    cell = {"cell_type": "markdown", "source": HOSTILE.decode()}
    result = {"output_type": "display_data", "data": {"text/html": HOSTILE.decode()}}
    ran = {
        "cell_type": "code",
        "source": HOSTILE.decode(),
        "outputs": [result, {"output_type": "stream", "text": HOSTILE.decode()}],
    }
    picture = {"output_type": "display_data", "data": {"image/png": '"><script>alert(1)</script>'}}
    notebook = {"nbformat": 4, "cells": [cell, ran, {"cell_type": "code", "source": "", "outputs": [picture]}]}
    oid = write(
        filled,
        "alice/m",
        {
            name: HOSTILE,
            "x.csv": b"a," + HOSTILE + b"\n1,2\n",
            "x.md": HOSTILE,
            "x.ipynb": json.dumps(notebook).encode(),
            "x.json": HOSTILE,
        },
        f"<script>alert(1)</script>\n\n{HOSTILE.decode()}",
    )
    client = browser(filled)
    pages = [
        "tree/main",
        "blob/main/x.csv",
        "blob/main/x.md",
        "blob/main/x.ipynb",
        "blob/main/x.json",
        "commits/main",
        f"commit/{oid}",
    ]
    for page in [*pages, "blob/main/%3Cimg%20src=x%20onerror=alert(1)%3E.txt"]:
        text = client.get(f"/alice/m/{page}").text
        assert re.findall(r"<script(?! type=\"module\" src=\"/static/)", text) == [], page
        assert re.findall(r"<[^>]*\son\w+\s*=", re.sub(r'"[^"]*"', '""', text)) == [], page
        assert 'href="javascript:' not in text, page


def test_characters_that_turn_the_text_are_shown_as_what_they_are(filled: RunningHub):
    write(filled, "alice/m", {"x.py": "a = 1 # \u202e } \u2066 if x\n".encode()})
    for page in ("blob/main/x.py", "commit/main"):
        text = browser(filled).get(f"/alice/m/{page}").text
        assert '<span class="bidi">U+202E</span>' in text
        assert "\u202e" not in text


def test_a_page_that_may_run_is_shown_from_another_origin_only(filled: RunningHub):
    client = browser(filled, "alice")
    page = client.get("/alice/secret/blob/main/page.html")
    frame = re.search(r'<iframe class="framed" src="([^"]+)"', page.text)
    assert frame is not None
    address = urlsplit(html.unescape(frame[1]))
    assert address.hostname == "usercontent.localhost"
    assert f"frame-src http://{address.netloc}" in page.headers["content-security-policy"]
    shown = filled.http().get(address.path, headers={"host": address.netloc})
    assert (shown.status_code, shown.text) == (200, "<b>hi</b>")
    assert shown.headers.get_list("content-security-policy") == [shown.headers["content-security-policy"]]
    assert "sandbox allow-scripts;" in shown.headers["content-security-policy"]
    assert f"frame-ancestors {filled.url}" in shown.headers["content-security-policy"]
    assert "set-cookie" not in shown.headers
    # Neither serves what belongs to the other, and a word that is not ours opens nothing.
    assert client.get(address.path).status_code == 404
    assert client.get("/alice/m", headers={"host": address.netloc}).status_code == 404
    assert client.get("/api/whoami-v2", headers={"host": address.netloc}).status_code == 404
    assert filled.http().get(address.path.replace("/show/", "/show/x"), headers={"host": address.netloc}).status_code == 403
    assert "attachment" in client.get("/alice/secret/resolve/main/page.html").headers["content-disposition"]


def test_without_a_second_origin_such_files_are_only_offered(tmp_path, database_url: str):
    for hub in run_hub(settings_for(tmp_path / "data", database_url=database_url, public_url="https://hub.example.org")):
        hub.user("alice")
        hub.repo("alice/m")
        write(hub, "alice/m", {"page.html": b"<b>hi</b>"})
        page = hub.http().get("/alice/m/blob/main/page.html", headers={"accept": "text/html"})
        assert "<iframe" not in page.text
        assert "no second address" in page.text


def test_a_commit_page_compares_texts_sizes_and_moves(filled: RunningHub):
    actor = Actor(user_id=lookup.user(filled.m, "alice").id, name="alice")
    client = browser(filled, "alice")
    binary = os.urandom(5000)
    sha256 = upload(client, "alice/m", {"w.bin": binary})
    write(filled, "alice/m", {"train.py": b"import os\n\nprint(os.sep)\n", "blob.dat": b"\0\1"}, "Change")
    page = client.get("/alice/m/commit/main").text
    assert "os.<del>name</del>" in page
    assert "os.<ins>sep</ins>" in page
    assert "Not a text" in page
    repo = model(filled, "alice/m")
    oid = commit.commit(filled.m, actor, repo, "main", Header("again", "", None), [LargeFile("w2.bin", sha256, None)])
    shown = client.get(f"/alice/m/commit/{oid}").text
    assert "In large-file storage" in shown
    assert "5 kB" in shown


def test_a_huge_change_is_folded_and_counted(filled: RunningHub):
    write(filled, "alice/m", {f"n/{number}.txt": b"line\n" * 100 for number in range(350)} | {"big.txt": b"word\n" * 200_000})
    page = browser(filled).get("/alice/m/commit/main").text
    assert "351 files changed" in page
    assert "Too much changed to show it here." in page
    assert len(page) < 3_000_000


def save(client: httpx.Client, address: str, **fields: str) -> httpx.Response:
    """Open an editor and press its button."""
    opened = client.get(address)
    assert opened.status_code == 200
    return client.post(address, data={"parent": hidden(opened.text, "parent"), "path": "", **fields})


def test_a_writer_edits_a_file_and_keeps_its_line_ends(filled: RunningHub):
    write(filled, "alice/m", {"dos.txt": b"a\r\nb\r\n"})
    client = browser(filled, "alice")
    answer = save(client, "/alice/m/edit/main/train.py", path="train.py", content="print(1)\r\nprint(2)\r\n", summary="Two lines")
    assert (answer.status_code, answer.headers["location"]) == (303, "/alice/m/blob/main/train.py")
    assert content(filled, "alice/m", "train.py") == b"print(1)\nprint(2)\n"
    assert "Two lines" in client.get("/alice/m/commits/main").text
    save(client, "/alice/m/edit/main/dos.txt", path="dos.txt", content="a\r\nc\r\n")
    assert content(filled, "alice/m", "dos.txt") == b"a\r\nc\r\n"


def test_a_file_moves_when_its_path_is_edited_and_never_onto_another(filled: RunningHub):
    client = browser(filled, "alice")
    refused = save(client, "/alice/m/edit/main/train.py", path="data.json", content="x\n")
    assert refused.status_code == 400
    assert "name already" in refused.text
    assert save(client, "/alice/m/edit/main/train.py", path="src/train.py", content="x\n").status_code == 303
    assert content(filled, "alice/m", "src/train.py") == b"x\n"
    assert client.get("/alice/m/blob/main/train.py").status_code == 404


def test_an_edit_of_what_changed_meanwhile_keeps_the_text_and_says_so(filled: RunningHub):
    client = browser(filled, "alice")
    parent = hidden(client.get("/alice/m/edit/main/train.py").text, "parent")
    write(filled, "alice/m", {"other.txt": b"elsewhere\n"})
    form = {"path": "train.py", "content": "mine\n", "parent": parent}
    assert client.post("/alice/m/edit/main/train.py", data=form).status_code == 303  # another file changed: nothing is in the way
    write(filled, "alice/m", {"train.py": b"theirs\n"})
    refused = client.post("/alice/m/edit/main/train.py", data={**form, "content": "mine again <b>\n"})
    assert refused.status_code == 412
    assert "mine again &lt;b&gt;" in refused.text
    assert "Somebody changed this file" in refused.text
    assert content(filled, "alice/m", "train.py") == b"theirs\n"
    knowingly = client.post("/alice/m/edit/main/train.py", data={**form, "parent": hidden(refused.text, "parent")})
    assert knowingly.status_code == 303
    assert content(filled, "alice/m", "train.py") == b"mine\n"


def test_a_card_with_mistakes_is_shown_them_and_not_committed(filled: RunningHub):
    client = browser(filled, "alice")
    bad = "---\nlicense: [\n---\n# Card\n"
    refused = save(client, "/alice/m/edit/main/README.md", path="README.md", content=bad)
    assert refused.status_code == 400
    assert "has mistakes" in refused.text
    assert content(filled, "alice/m", "README.md") == b"---\nlicense: mit\n---\n# Card\n"
    preview = save(
        client, "/alice/m/edit/main/README.md", path="README.md", content="---\nlicense: mit\n---\n# New\n", do="preview"
    )
    assert preview.status_code == 200
    assert ">New</h1>" in preview.text
    assert "<ins>New</ins>" in preview.text
    assert content(filled, "alice/m", "README.md").endswith(b"# Card\n")


def test_a_reader_who_may_not_write_proposes_a_pull_request(filled: RunningHub):
    client = browser(filled, "bob")
    answer = save(client, "/alice/m/edit/main/train.py", path="train.py", content="bob\n", where="branch")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/alice/m/blob/refs%2Fpr%2F1/train.py"
    assert content(filled, "alice/m", "train.py") == b"import os\n\nprint(os.name)\n"
    assert content(filled, "alice/m", "train.py", "refs/pr/1") == b"bob\n"
    # Its author goes on there; somebody else does not.
    assert save(client, "/alice/m/edit/refs%2Fpr%2F1/train.py", path="train.py", content="bob 2\n").status_code == 303
    assert browser(filled, "mallory").get("/alice/m/edit/refs%2Fpr%2F1/train.py").status_code in {400, 403}
    for address in ("upload/main", "upload/main/docs"):
        assert client.get(f"/alice/m/{address}").status_code == 403
    assert browser(filled).get("/alice/m/edit/main/train.py").status_code == 401


def test_new_files_are_made_where_the_address_says(filled: RunningHub):
    client = browser(filled, "alice")
    assert 'value="docs/"' in client.get("/alice/m/new/main/docs").text
    assert save(client, "/alice/m/new/main/docs", path="docs/more.md", content="# More\n").status_code == 303
    assert content(filled, "alice/m", "docs/more.md") == b"# More\n"
    for path in ("", "../x", ".git/config", "a\\b", "con", "train.py"):
        answer = save(client, "/alice/m/new/main", path=path, content="x\n")
        assert answer.status_code in {400, 422}, path
        assert 'role="alert"' in answer.text
    assert save(client, "/alice/m/new/main", path="w.safetensors", content="x\n").status_code == 400


def test_files_and_folders_are_deleted_after_a_question(filled: RunningHub):
    client = browser(filled, "alice")
    for address in ("train.py", "docs"):
        page = client.get(f"/alice/m/delete/main/{address}")
        answer = client.post(f"/alice/m/delete/main/{address}", data={"parent": hidden(page.text, "parent")})
        assert answer.status_code == 303
    listing = client.get("/alice/m/tree/main").text
    assert "train.py" not in listing
    assert "/tree/main/docs" not in listing
    assert client.get("/alice/m/delete/main/none").status_code == 404


def upload(client: httpx.Client, full: str, files: dict[str, bytes], folder: str = "", **fields: str) -> str:
    """Send files by the plain form; return the SHA-256 of the last."""
    parts = [("files", (path, body, "application/octet-stream")) for path, body in files.items()]
    answer = client.post(f"/{full}/upload/main{folder}", data=fields, files=parts)
    assert answer.status_code == 303, answer.text
    return hashlib.sha256(list(files.values())[-1]).hexdigest()


def test_the_plain_form_commits_small_texts_and_stores_large_files(filled: RunningHub):
    client = browser(filled, "alice")
    binary = b"\0" + os.urandom(200_000)
    upload(
        client,
        "alice/m",
        {"sub/a.txt": b"hello\n", "b.bin": binary, "空.txt": "中".encode(), "empty": b""},
        "/docs",
        summary="Up",
    )
    assert content(filled, "alice/m", "docs/sub/a.txt") == b"hello\n"
    assert content(filled, "alice/m", "docs/b.bin") == binary
    assert content(filled, "alice/m", "docs/空.txt") == "中".encode()
    assert content(filled, "alice/m", "docs/empty") == b""
    assert b"git-lfs" in client.get("/alice/m/raw/main/docs/b.bin").content
    assert list(filled.m.work.glob("body*")) == []


@pytest.mark.parametrize("files", [{}, {"../x": b"1"}, {"a": b"1", "./a": b"2"}, {".git/x": b"1"}, {"x" * 2000: b"1"}])
def test_a_form_that_cannot_be_committed_says_why_and_leaves_nothing(filled: RunningHub, files: dict[str, bytes]):
    client = browser(filled, "alice")
    parts = [("files", (path, body)) for path, body in files.items()] or [("files", ("", b""))]
    answer = client.post("/alice/m/upload/main", files=parts)
    assert answer.status_code in {400, 422}
    assert 'role="alert"' in answer.text
    assert list(filled.m.work.glob("body*")) == []


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\n", b"--x\r\ncontent-disposition: form-data; name=a\r\n\r\nopen", b"\xff" * 100, b"--x--\r\n"]
)
def test_a_body_that_is_no_form_is_refused(filled: RunningHub, body: bytes):
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert browser(filled, "alice").post("/alice/m/upload/main", content=body, headers=headers).status_code == 400


def test_the_script_sends_large_files_to_links_and_commits_lines(filled: RunningHub):
    client = browser(filled, "alice")
    binary = b"\0" + os.urandom(100_000)
    oid = hashlib.sha256(binary).hexdigest()
    asked = {"files": [{"path": "w.bin", "size": len(binary), "sample": "AAAA"}, {"path": "a.txt", "size": 2, "sample": "aGk="}]}
    advice = client.post("/alice/m/upload-advice/main", json=asked).json()["files"]
    assert [one["large"] for one in advice] == [True, False]
    wanted = {"objects": [{"oid": oid, "size": len(binary)}]}
    action = client.post("/alice/m/upload-links/main", json=wanted).json()["objects"][0]["actions"]["upload"]
    assert action["href"].startswith("/lfs/")
    assert filled.http().put(action["href"], content=binary).status_code == 200
    assert "actions" not in client.post("/alice/m/upload-links/main", json=wanted).json()["objects"][0]
    lines = [
        {"key": "header", "value": {"summary": "By script"}},
        {"key": "lfsFile", "value": {"path": "w.bin", "oid": oid, "size": len(binary)}},
        {"key": "file", "value": {"path": "a.txt", "content": "aGk=", "encoding": "base64"}},
    ]
    done = client.post("/alice/m/upload-commit/main", content="\n".join(map(json.dumps, lines)))
    assert done.json()["url"] == "/alice/m/tree/main"
    assert content(filled, "alice/m", "w.bin") == binary
    pull = client.post("/alice/m/upload-commit/main?create_pr=1", content="\n".join(map(json.dumps, [lines[0], lines[2]])))
    assert pull.json()["url"] == "/alice/m/tree/refs%2Fpr%2F1"


def test_only_writers_from_this_site_reach_the_routes_of_the_script(filled: RunningHub):
    for verb in ("upload-advice", "upload-links", "upload-commit", "upload"):
        address = f"/alice/m/{verb}/main"
        assert browser(filled, "bob").post(address, json={}).status_code == 403
        assert browser(filled).post(address, json={}).status_code == 401
        client = browser(filled, "alice")
        assert client.post(address, json={}, headers={"origin": "https://elsewhere.example"}).status_code == 403
    assert browser(filled, "bob").post("/alice/secret/upload-links/main", json={}).status_code == 404


def test_branches_and_tags_are_made_and_deleted(filled: RunningHub):
    client = browser(filled, "alice")
    address = "/alice/m/branches"
    for fields in (
        {"do": "make-branch", "name": "dev/one"},
        {"do": "make-tag", "name": "v1", "start": "dev/one", "message": "First"},
    ):
        assert client.post(address, data=fields).status_code == 303
    page = client.get(address).text
    assert "/alice/m/tree/dev%2Fone" in page
    assert "/alice/m/tree/v1" in page
    assert client.get("/alice/m/tree/dev%2Fone").status_code == 200
    for fields in (
        {"do": "make-branch", "name": "dev/one"},
        {"do": "make-branch", "name": "a b"},
        {"do": "make-tag", "name": "x", "start": "none"},
        {"do": "delete-branch", "name": "main"},
        {"do": "explode"},
    ):
        refused = client.post(address, data=fields)
        assert refused.status_code in {400, 404, 409, 422}, fields
        assert 'role="alert"' in refused.text
    for fields in ({"do": "delete-branch", "name": "dev/one"}, {"do": "delete-tag", "name": "v1"}):
        assert client.post(address, data=fields).status_code == 303
    assert "v1" not in client.get(address).text
    assert browser(filled, "bob").post(address, data={"do": "make-branch", "name": "b"}).status_code == 403
    assert "<form" not in re.sub(
        r"<(header|footer) class=\"site.*?</\1>", "", browser(filled, "bob").get(address).text, flags=re.DOTALL
    )


def test_a_file_cannot_be_edited_at_a_tag_or_commit(filled: RunningHub):
    client = browser(filled, "alice")
    client.post("/alice/m/branches", data={"do": "make-tag", "name": "v1"})
    for revision in ("v1", revisions.commit_of(filled.m, model(filled, "alice/m"), "main")):
        assert "/edit/" not in client.get(f"/alice/m/blob/{revision}/train.py").text
        assert client.get(f"/alice/m/edit/{revision}/train.py").status_code == 400
    with pytest.raises(EntryNotFound):
        content(filled, "alice/m", "none")


ODD = ["", "\x00", "a\x00b", "../..", "refs/heads/main", "-" * 300, "\u202e", "é", "9" * 40, "main~1", "@{0}", "a" * 5000]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_no_address_or_field_makes_the_server_fail(filled: RunningHub, odd: str):
    client = browser(filled, "alice")
    quoted = quote(odd, safe="")
    for verb in ("tree", "blob", "commits", "commit", "edit", "new", "delete", "upload"):
        for address in (
            f"{verb}/{quoted}",
            f"{verb}/main/{quoted}",
            f"{verb}/{quoted}/train.py",
            f"{verb}/main?cursor={quoted}&p={quoted}",
        ):
            assert client.get(f"/alice/m/{address}").status_code < 500, address
    for address in ("edit/main/train.py", "new/main", "delete/main/train.py", "branches", "upload/main"):
        for name in ("path", "content", "summary", "description", "parent", "where", "do", "name", "start", "message"):
            form = {"path": "n.txt", "content": "x", "parent": "main", "do": "make-tag", "name": "t", name: odd}
            assert client.post(f"/alice/m/{address}", data=form).status_code < 500, (address, name)
    for verb in ("upload-advice", "upload-links", "upload-commit"):
        for body in ({"files": [{"path": odd, "size": 1, "sample": odd}]}, {"objects": [{"oid": odd, "size": 1}]}, {odd: odd}):
            assert client.post(f"/alice/m/{verb}/main", json=body).status_code < 500, verb
