"""Conditions of /filter: what the Hub takes, what we take beside, and that nothing a client writes becomes SQL."""

from __future__ import annotations

import contextlib
import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.wire.viewer_sql import order_sql, where_sql
from tulou.wire.viewer_where import BadCondition, parse_order, parse_where

COLUMNS = ["age", "name", "text", "ok", "tags", "answers", 'odd"name', "select", "when", "a.b"]

GOOD = [
    ('"age">30', '("age" > ?)', [30]),
    ('"age" >= 30.5 and "name"=\'Simone\'', '(("age" >= ?) AND ("name" = ?))', [30.5, "Simone"]),
    ("\"name\"='O''Hara' or \"ok\"", '(("name" = ?) OR ("ok"))', ["O'Hara"]),
    ("\"name\" LIKE 'S%'", '("name" LIKE ?)', ["S%"]),
    ("\"name\" not ilike 's_'", '(NOT ("name" ILIKE ?))', ["s_"]),
    ("\"name\" similar to '(a|b)+'", '("name" SIMILAR TO ?)', ["(a|b)+"]),
    ("\"name\" ~ 'a.*'", '(regexp_full_match("name", ?))', ["a.*"]),
    ("\"name\" !~ 'a.*'", '(NOT regexp_full_match("name", ?))', ["a.*"]),
    ("\"text\".contains('数据')", '(contains("text", ?))', ["数据"]),
    ('"tags".len() > 2', '(len("tags") > ?)', [2]),
    ("lower(name) = 'x'", '(lower("name") = ?)', ["x"]),
    ('"answers"."start" <> -5', "(struct_extract(\"answers\", 'start') <> ?)", [-5]),
    ('"answers"."it\'s" = 1', "(struct_extract(\"answers\", 'it''s') = ?)", [1]),
    ('"age" is null', '("age" IS NULL)', []),
    ('"age" is not null and not "ok"', '(("age" IS NOT NULL) AND (NOT ("ok")))', []),
    ('"age" is 3', '("age" IS NOT DISTINCT FROM ?)', [3]),
    ('"age" in (1, 2,3)', '("age" IN (?, ?, ?))', [1, 2, 3]),
    ('"age" not in (1)', '(NOT ("age" IN (?)))', [1]),
    ('"age" between 1 and 2 and "ok" = true', '(("age" BETWEEN ? AND ?) AND ("ok" = ?))', [1, 2, True]),
    ('("age" = 1 or "age" = 2) and "ok"', '((("age" = ?) OR ("age" = ?)) AND ("ok"))', [1, 2]),
    ("age == 1e3", '("age" = ?)', [1000.0]),
    ('"odd""name" = null', '("odd""name" = ?)', [None]),
    ('"select" = "age"', '("select" = "age")', []),
    ('"a.b" = 1', '("a.b" = ?)', [1]),
]
BAD = [
    "", " ", '"age"', '"age" >', "> 3", '"age" > 3 and', '"nobody" = 1', '"age" > 3; drop table x',
    '"age" = (select 1)', "read_text('/etc/passwd')", '"name".getenv(\'HOME\') = 1', '"age" = 1 -- x',
    '"age" /* */ = 1', '"age" = \'x', '"age = 1', "((((", ")", '"age" in ()', '"age" between 1', '"age" = 1 "ok"',
    "age = 1 union select 1", '"age" = $1', '"age" = ?', '"age"::text = 1', "lower('x') = 'x'", "lower() = 'x'",
    "1e999 = age", "(" * 40 + '"age" = 1' + ")" * 40, " and ".join(['"age" = 1'] * 300), "not " * 50 + '"ok"',
    '"age" = \'\0\'', "x" * 9_000, '"answers".nosuch() = 1',
]  # fmt: skip


@pytest.mark.parametrize(("text", "sql", "values"), GOOD)
def test_a_condition_becomes_sql_with_its_values_apart(text: str, sql: str, values: list[object]):
    assert where_sql(parse_where(text), COLUMNS) == (sql, values)


@pytest.mark.parametrize("text", [bad for bad in BAD if bad != '"age"'])
def test_what_is_no_condition_is_refused(text: str):
    with pytest.raises(BadCondition) as refused:
        where_sql(parse_where(text), COLUMNS)
    assert "passwd" not in str(refused.value)


def test_orders_name_columns_and_directions():
    assert order_sql(parse_order('"age" desc'), COLUMNS) == '"age" DESC NULLS LAST'
    expected = '"name" ASC NULLS LAST, struct_extract("answers", \'start\') DESC NULLS LAST'
    assert order_sql(parse_order('name, "answers"."start" DESC'), COLUMNS) == expected
    for bad in ("", "1", '"age" sideways', '"nobody"', '"age",', '"age" desc; x', "lower(name)", ",".join(["age"] * 9)):
        with pytest.raises(BadCondition):
            order_sql(parse_order(bad), COLUMNS)


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from([*GOOD[0][0], *" ()'\",.-=<>~", " and ", " or ", "not ", '"age"', "'x'", "1", " in ", "lower"])
    ).map("".join)
)
def test_any_text_is_parsed_or_refused_and_its_sql_has_only_our_own_words(text: str):
    with contextlib.suppress(BadCondition):
        sql, values = where_sql(parse_where(text), COLUMNS)
        assert sql.count("?") == len(values)
        bare = re.sub(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'', "", sql)
        assert not re.search(r"[;$\\]|--|/\*|\bselect\b|\bfrom\b(?<!distinct from)", bare, re.IGNORECASE)


NAMES = st.sampled_from(["age", "ok", "name"])
TERMS = st.one_of(
    st.builds('"age" {} {}'.format, st.sampled_from(["=", "<", ">=", "<>"]), st.integers(-99, 99)),
    st.builds(
        "\"name\" {} '{}'".format, st.sampled_from(["=", "like", "~", "!~"]), st.sampled_from(["a", "b%", "", "it''s", "数"])
    ),
    st.sampled_from(['"ok"', 'not "ok"', '"age" is null', "\"name\" in ('a', 'b')", '"age" between -5 and 5']),
)
CONDITIONS = st.recursive(
    TERMS, lambda inner: st.builds("({}) {} ({})".format, inner, st.sampled_from(["and", "or"]), inner), max_leaves=8
)


@given(CONDITIONS)
def test_duckdb_understands_a_condition_as_it_was_written(condition: str):
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE t AS SELECT range - 20 AS age, range % 2 = 0 AS ok, chr(97 + (range % 3)::INT) AS name FROM range(40)"
    )
    sql, values = where_sql(parse_where(condition), COLUMNS)
    plain = condition.replace("!~", "NOT SIMILAR TO").replace(" ~ ", " SIMILAR TO ")
    expected = con.execute(f"SELECT count(*) FROM t WHERE {plain}").fetchall()
    assert con.execute(f"SELECT count(*) FROM t WHERE {sql}", values).fetchall() == expected
    con.close()
