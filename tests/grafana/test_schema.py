"""Every dashboard fits Grafana's schema; and the check sees what does not."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.grafana.boards import BOARDS
from tests.grafana.schema import problems

Harm = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("uid", BOARDS)
def test_a_dashboard_fits_grafanas_schema(uid: str) -> None:
    assert problems(BOARDS[uid]) == []


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (lambda board: board.update(colour="blue"), "dashboard.colour: not in the schema"),
        (lambda board: board.pop("schemaVersion"), "dashboard.schemaVersion: missing"),
        (lambda board: board.update(refresh=5), "dashboard.refresh: 5 is no"),
        (lambda board: board.update(graphTooltip=7), "dashboard.graph_tooltip: 7 is no"),
        (lambda board: board["panels"][0]["gridPos"].update(w="8"), "dashboard.panels[0].grid_pos.w: '8' is no"),
        (lambda board: board["panels"][0]["fieldConfig"]["defaults"].update(units="s"), "defaults.units: not in the"),
        (lambda board: board["panels"][0]["targets"][0].update(legend="x"), "targets[0].legend: not in the schema"),
        (lambda board: board["panels"][4]["options"]["legend"].update(placement="left"), "placement: 'left' is no"),
    ],
)
def test_what_does_not_fit_is_named(harm: Harm, found: str) -> None:
    board = deepcopy(BOARDS["pools-side-by-side"])
    harm(board)
    assert any(found in problem for problem in problems(board)), problems(board)
