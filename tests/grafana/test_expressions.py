"""The queries of a dashboard, with their variables filled in."""

from typing import Any

import pytest

from grafana.expressions import Expression, expressions


def _board(*exprs: str) -> dict[str, Any]:
    return {
        "uid": "u",
        "panels": [
            {"type": "row", "title": "heading", "panels": [{"title": "hidden", "targets": [{"expr": "up"}]}]},
            {"title": "text"},
            {"title": "shown", "targets": [{"expr": expr} for expr in exprs]},
        ],
    }


def test_every_query_of_every_panel_is_found_also_below_a_collapsed_row() -> None:
    found = expressions(_board("a", "b"), {})
    assert found == [Expression("u", "hidden", "up"), Expression("u", "shown", "a"), Expression("u", "shown", "b")]


@pytest.mark.parametrize("form", ["$service", "${service}", "${service:regex}"])
def test_variables_are_filled_in_in_every_form(form: str) -> None:
    board = _board(f'rate(x{{service="{form}"}}[$__rate_interval])')
    *_, found = expressions(board, {"service": "s", "__rate_interval": "20s"})
    assert found.expr == 'rate(x{service="s"}[20s])'


def test_a_variable_without_a_value_is_named() -> None:
    with pytest.raises(KeyError, match="pool"):
        expressions(_board("x[$pool]"), {"service": "s"})
