"""The queries in results/README.md run as they stand, and DuckDB and polars give the same rows."""

import re
from typing import Any, Final

import duckdb
import polars as pl
import pytest

from generate.files import ROOT
from services.stacks import usual

BLOCK: Final = re.compile(r"^```(sql|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS: Final = BLOCK.findall((ROOT / "results/README.md").read_text())
QUERIES: Final = list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True))


@pytest.mark.parametrize(("sql", "code"), QUERIES, ids=["waits", "rejected", "left"])
def test_a_query_gives_the_same_rows_twice(
    monkeypatch: pytest.MonkeyPatch, sql: tuple[str, str], code: tuple[str, str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert (sql[0], code[0]) == ("sql", "python")
    names: dict[str, Any] = {}

    exec(code[1], names)
    with duckdb.connect() as connection:
        said = connection.execute(sql[1])
        heads, rows = [head[0] for head in said.description], said.fetchall()

    answer: pl.DataFrame = names["answer"]
    assert heads == answer.columns
    assert rows == [pytest.approx(row) for row in answer.rows()]
    assert {row[0] for row in rows} == {stack.name for stack in usual()}
