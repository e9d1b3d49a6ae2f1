"""Tables in no more columns than there are."""

import re
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.report.formats.fitting import fits, fitted
from bench.report.table import Table

STACKS = Table(
    title="",
    headers=("scenario", "figure", "forecast", "asyncpg + FastAPI", "psycopg_pool + Flask"),
    rows=(
        ("fix-larger-pool", "served (of 100)", "100", "100", "99 (97–100)"),
        ("poisson-09", "latency p99, ms", "261", "> timeout (4 % rejected)", "265\N{NO-BREAK SPACE}*"),
    ),
    labels=2,
)


def test_a_table_with_room_keeps_its_lines() -> None:
    assert (
        fitted(STACKS, 100)
        == """\
scenario         figure           forecast                 asyncpg +  psycopg_pool +
                                                             FastAPI           Flask
---------------  ---------------  --------  ------------------------  --------------
fix-larger-pool  served (of 100)       100                       100     99 (97–100)
poisson-09       latency p99, ms       261  > timeout (4 % rejected)           265 *"""
    )


def test_figures_are_broken_before_labels_are() -> None:
    assert (
        fitted(STACKS, 74)
        == """\
scenario         figure           forecast       asyncpg +  psycopg_pool +
                                                   FastAPI           Flask
---------------  ---------------  --------  --------------  --------------
fix-larger-pool  served (of 100)       100             100     99 (97–100)
poisson-09       latency p99, ms       261  > timeout (4 %           265 *
                                                 rejected)"""
    )


def test_labels_are_broken_where_figures_alone_do_not_suffice() -> None:
    assert (
        fitted(STACKS, 60)
        == """\
scenario         figure    forecast  asyncpg +  psycopg_
                                       FastAPI      pool
                                                 + Flask
---------------  --------  --------  ---------  --------
fix-larger-pool  served         100        100        99
                 (of 100)                       (97–100)
poisson-09       latency        261  > timeout     265 *
                 p99, ms                  (4 %
                                     rejected)"""
    )


def test_stacks_without_room_stand_below_with_the_labels() -> None:
    table = Table(title="", headers=("", "forecast", *("a_pool + AFramework",) * 5), rows=(("ok", "1", *"abcde"),))

    above, below = fitted(table, 60).split("\n\n")

    assert above.splitlines()[-1].split() == ["ok", "1", "a", "b", "c"]
    assert below.splitlines()[-1].split() == ["ok", "1", "d", "e"]


def test_whether_there_is_room() -> None:
    assert [fits(STACKS, width) for width in (83, 84)] == [False, True]
    assert [fits(STACKS, width, narrow=True) for width in (62, 63)] == [False, True]


@given(
    rows=st.lists(st.lists(st.text("abc -_%\n", max_size=40), min_size=7, max_size=7), max_size=3),
    columns=st.integers(1, 7),
    labels=st.integers(1, 7),
    width=st.integers(60, 120),
)
@settings(max_examples=60, deadline=None)
def test_nothing_is_ever_wider(rows: list[list[str]], columns: int, labels: int, width: int) -> None:
    table = Table(
        title="",
        headers=("a_long + AndLonger header_of a_stack",) * columns,
        rows=tuple(tuple(row[:columns]) for row in rows),
        labels=min(labels, columns),
    )

    text = fitted(table, width, str)

    assert max(map(len, text.splitlines())) <= width
    assert Counter(re.sub(r"\s", "", text)) >= Counter(re.sub(r"\s", "", _all(table)))


def _all(table: Table) -> str:
    return "".join("".join(row) for row in (table.headers, *table.rows))
