"""The file that `tulou seed` reads."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.cli import seedfile
from tulou.kernel.actor import Role, TokenRole
from tulou.kernel.errors import BadInput


def test_a_whole_file_is_understood():
    seed = seedfile.parse("""
users:
  - name: alice
    fullname: Alice
    email: a@example.org
    admin: true
    tokens:
      - {name: ci, role: read}
      - {name: fixed, role: write, value: hf_x}
orgs:
  - {name: acme, default_visibility: private, members: [{user: alice, role: admin}]}
""")
    alice, acme = seed.users[0], seed.orgs[0]
    assert (alice.name, alice.email, alice.admin) == ("alice", "a@example.org", True)
    assert [(t.name, t.role, t.value) for t in alice.tokens] == [("ci", TokenRole.READ, None), ("fixed", TokenRole.WRITE, "hf_x")]
    assert (acme.default_visibility, acme.members) == ("private", (("alice", Role.ADMIN),))


def test_an_empty_file_is_an_empty_seed():
    assert seedfile.parse("") == seedfile.Seed((), ())


@pytest.mark.parametrize("text", [
    "- a", "people: []", "users: alice", "users: [alice]", "users: [{}]", "users: [{name: 7}]", "users: [{name: a, extra: 1}]",
    "users: [{name: a, admin: maybe}]", "users: [{name: a, tokens: [{name: x}]}]",
    "users: [{name: a, tokens: [{name: x, role: root}]}]",
    "users: [{name: a, tokens: [{name: x, role: fineGrained}]}]", "orgs: [{name: a, members: [{user: b}]}]",
    "orgs: [{name: a, members: [{user: b, role: king}]}]", "orgs: [{name: a, members: {user: b}}]", "a: [", "users: &x [*x]",
])  # fmt: skip
def test_what_it_does_not_understand_is_refused(text: str):
    with pytest.raises(BadInput):
        seedfile.parse(text)


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str):
    with suppress(BadInput):
        seedfile.parse(text)
