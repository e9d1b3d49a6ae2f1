"""What a reader may rely on, on every panel of every dashboard."""

import re
from itertools import combinations, pairwise
from typing import Any, Final

import pytest

from grafana.queries import HIGHEST
from services.stacks import STACKS, usual
from tests.grafana.boards import BOARDS, EXPRESSIONS, PANELS

EACH_PANEL = pytest.mark.parametrize(
    ("uid", "panel"), PANELS, ids=[f"{uid}: {panel['title']}" for uid, panel in PANELS]
)
A_SETTING: Final = "how much is right depends on a setting, which is a line of the panel or stands beside it"
THE_LOAD: Final = "how much is right depends on how much is asked for"
WITHOUT_LIMITS: Final = {
    "connections": A_SETTING,
    "Is the pool full?": A_SETTING,
    "How many connections are busy on average?": A_SETTING,
    "How many connections would do?": A_SETTING,
    "How many are busy on average?": A_SETTING,
    "goodput": THE_LOAD,
    "How many are served now?": THE_LOAD,
    "How many are served?": THE_LOAD,
    "How many are asked for?": THE_LOAD,
    "latency": "the hold is in it, which is a setting; the wait, which is not, has its own panel with limits",
    "How long does a request take?": "as for latency",
    "How long is a connection held?": "the hold is a setting",
    "How long is a connection used?": "the hold is a setting",
    "How many connections are made?": "after a start or a resize many are in order; only a steady stream is not",
    "resident memory": "a container's limit is a setting, and without a container there is none",
    "What does it cost in memory?": "as for resident memory",
}
"""The panels without limits on purpose, by what stands after the stack's name, and why."""

VALUES_OF: Final = {
    "{{status}}": ("200", "500", "503"),
    "{{state}}": ("active", "idle", "idle in transaction"),
}
"""The lines of a legend that is a label."""
COLUMNS: Final = tuple(stack.name for stack in usual())
WIDTH: Final = 24 // len(COLUMNS)
"""Of a column where stacks stand side by side."""

EACH_BOARD = pytest.mark.parametrize("uid", BOARDS)


def test_there_are_three() -> None:
    assert set(BOARDS) == {"pools-side-by-side", "pool-one-service", "pool-any-service"}
    assert all(board["uid"] == uid for uid, board in BOARDS.items())


@EACH_PANEL
def test_a_panel_says_what_it_shows_and_in_which_unit(uid: str, panel: dict[str, Any]) -> None:
    assert len(panel["description"]) > 40
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["type"] in {"timeseries", "stat", "gauge"}


@EACH_PANEL
def test_lines_have_a_legend_with_a_name_for_each_query(uid: str, panel: dict[str, Any]) -> None:
    names = [target["legendFormat"] for target in panel["targets"]]
    assert all(names)
    assert len(set(names)) == len(names)
    if panel["type"] == "timeseries":
        assert panel["options"]["legend"]["showLegend"] is True


@EACH_PANEL
def test_lines_start_at_zero(uid: str, panel: dict[str, Any]) -> None:
    if panel["type"] != "stat":
        assert panel["fieldConfig"]["defaults"]["min"] == 0


@EACH_PANEL
def test_a_look_is_given_only_to_what_a_panel_may_show(uid: str, panel: dict[str, Any]) -> None:
    names = {target["legendFormat"] for target in panel["targets"]}
    lines = {line for name in names for line in VALUES_OF.get(name, (name,))}
    looks = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    assert looks <= lines


@EACH_PANEL
def test_thresholds_rise(uid: str, panel: dict[str, Any]) -> None:
    first, *steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert first["value"] is None
    assert all(one["value"] < other["value"] for one, other in pairwise(steps))


@EACH_PANEL
def test_a_panel_has_limits_or_is_listed_with_the_reason_why_not(uid: str, panel: dict[str, Any]) -> None:
    config = panel["fieldConfig"]
    each = [config["defaults"]["thresholds"]]
    each += [item["value"] for look in config["overrides"] for item in look["properties"] if item["id"] == "thresholds"]
    question = panel["title"].rpartition(": ")[2]
    assert any(len(thresholds["steps"]) > 1 for thresholds in each) != (question in WITHOUT_LIMITS), question


def test_no_panel_is_listed_that_is_not_there() -> None:
    assert {panel["title"].rpartition(": ")[2] for _, panel in PANELS} >= WITHOUT_LIMITS.keys()


@EACH_PANEL
def test_limits_over_time_are_dashed_lines_that_the_description_explains(uid: str, panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] == "timeseries":
        limits = len(defaults["thresholds"]["steps"]) - 1
        assert defaults["custom"]["thresholdsStyle"] == {"mode": "dashed" if limits else "off"}
        assert ("dashed line" in panel["description"]) == bool(limits)


@EACH_PANEL
def test_no_limit_and_no_fixed_top_flattens_what_is_small(uid: str, panel: dict[str, Any]) -> None:
    """Grafana's axis follows the data, unless it is told where to end."""
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] == "timeseries":
        assert "max" not in defaults
        assert "axisSoftMax" not in defaults["custom"]


@EACH_PANEL
def test_a_panel_says_why_there_is_nothing_to_show(uid: str, panel: dict[str, Any]) -> None:
    """A quantile, or a mean by a number of requests, has no value without one; all else always has."""
    needs_requests = any(word in target["expr"] for target in panel["targets"] for word in ("_quantile(", "> 0)"))
    assert panel["fieldConfig"]["defaults"]["noValue"].endswith("in this window") == needs_requests


@EACH_BOARD
def test_titles_and_ids_are_unique(uid: str) -> None:
    panels = BOARDS[uid]["panels"]
    assert len({panel["title"] for panel in panels}) == len(panels)
    assert len({panel["id"] for panel in panels}) == len(panels)


@EACH_BOARD
def test_titles_ask_or_name_a_stack(uid: str) -> None:
    for panel in BOARDS[uid]["panels"]:
        title = panel["title"]
        assert (
            title.endswith("?")
            or title.startswith((*(stack.label for stack in usual()), "$more: "))
            or panel["type"] == "row"
        )


@EACH_BOARD
def test_no_two_panels_overlap_and_none_is_too_small_to_read(uid: str) -> None:
    places = [panel["gridPos"] for panel in BOARDS[uid]["panels"]]
    for place in places:
        assert 0 <= place["x"] <= place["x"] + place["w"] <= 24
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    assert all(panel["gridPos"]["h"] >= 6 for panel in BOARDS[uid]["panels"] if panel["type"] != "row")


@EACH_BOARD
def test_every_line_of_the_grid_is_filled(uid: str) -> None:
    area = sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in BOARDS[uid]["panels"])
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in BOARDS[uid]["panels"])
    assert area == 24 * bottom


@EACH_BOARD
def test_a_dashboard_opens_on_now_and_knows_its_siblings_and_the_bench(uid: str) -> None:
    board = BOARDS[uid]
    assert board["time"] == {"from": "now-15m", "to": "now"}
    assert (board["refresh"], board["timezone"], board["graphTooltip"], board["tags"]) == (
        "5s", "browser", 1, ["poolbench"],
    )  # fmt: skip
    (link,) = board["links"]
    assert (link["type"], link["tags"], link["keepTime"]) == ("dashboards", ["poolbench"], True)
    assert "placement" not in link
    for marks in board["annotations"]["list"]:
        assert marks["enable"] is True
        assert "placement" not in marks


def _of(uid: str, source: str) -> list[dict[str, Any]]:
    """The annotations of a dashboard that come from a data source."""
    return [mark for mark in BOARDS[uid]["annotations"]["list"] if mark["datasource"]["uid"] == source]


def _columns() -> set[tuple[str, int]]:
    """Service and number of each panel that stands in its column."""
    return {
        (COLUMNS[panel["gridPos"]["x"] // WIDTH], panel["id"])
        for uid, panel in PANELS
        if uid == "pools-side-by-side" and not panel["title"].startswith("$more: ")
    }


def test_what_was_done_to_a_service_is_marked_where_it_is_shown() -> None:
    side_by_side = _of("pools-side-by-side", "-- Grafana --")
    assert {(mark["target"]["tags"][1], number) for mark in side_by_side for number in mark["filter"]["ids"]} == (
        _columns()
    )
    for uid, service in (("pool-one-service", "$service"), ("pool-any-service", "$pool")):
        (mark,) = _of(uid, "-- Grafana --")
        assert mark["target"].items() >= {"type": "tags", "matchAny": False, "tags": ["poolbench", service]}.items()


def test_what_prometheus_alerts_to_is_marked_where_the_service_is_shown() -> None:
    """And what is about no service, the database for one, everywhere."""
    side_by_side = _of("pools-side-by-side", "prometheus")
    firing = {f'ALERTS{{alertstate="firing", service=~"{service}|"}}': service for service in COLUMNS}
    assert {
        (firing[mark["target"]["expr"]], number) for mark in side_by_side for number in mark["filter"]["ids"]
    } == _columns()
    (one,) = _of("pool-one-service", "prometheus")
    assert one["target"]["expr"] == 'ALERTS{alertstate="firing", service=~"$service|"}'
    for mark in (one, *side_by_side):
        assert (mark["titleFormat"], mark["iconColor"]) == ("{{alertname}}", "red")
    assert _of("pool-any-service", "prometheus") == []


@pytest.mark.parametrize(("column", "service"), list(enumerate(COLUMNS)))
def test_a_column_is_about_its_own_service(column: int, service: str) -> None:
    panels = [
        panel
        for uid, panel in PANELS
        if uid == "pools-side-by-side" and panel["gridPos"]["x"] == WIDTH * column and "$more" not in panel["title"]
    ]
    assert len(panels) == 10
    for panel in panels:
        assert panel["title"].startswith(STACKS[service].label)
        assert panel["gridPos"]["w"] == WIDTH
        for target in panel["targets"]:
            whose = ".+" if target["legendFormat"] == HIGHEST else service
            assert f'=~"{whose}"' in target["expr"]
            assert not any(f'"{other}"' in target["expr"] for other in STACKS if other != whose)


def test_the_columns_differ_in_nothing_but_the_service() -> None:
    columns = []
    for stack in usual():
        panels = [
            panel for uid, panel in PANELS if uid == "pools-side-by-side" and panel["title"].startswith(stack.label)
        ]
        exprs = [target["expr"].replace(stack.name, "SERVICE") for panel in panels for target in panel["targets"]]
        units = [panel["fieldConfig"]["defaults"]["unit"] for panel in panels]
        columns.append((exprs, units, [panel["title"].removeprefix(stack.label) for panel in panels]))
    assert columns == columns[:1] * len(COLUMNS)


def test_a_service_without_a_column_has_rows_that_ask_the_same() -> None:
    """The heading is repeated for each service that Prometheus knows and that has no column, with all below it."""
    board = BOARDS["pools-side-by-side"]
    (variable,) = board["templating"]["list"]
    has_no_column = re.compile(variable["regex"].strip("/"))
    *_, heading = (panel for panel in board["panels"] if panel["type"] == "row")
    below = board["panels"][board["panels"].index(heading) + 1 :]
    column = [panel for panel in board["panels"] if panel["title"].startswith(f"{next(iter(usual())).label}: ")]

    assert [name for name in (*STACKS, "another") if has_no_column.match(name)] == [
        *(name for name in STACKS if name not in COLUMNS),
        "another",
    ]
    assert (variable["multi"], variable["includeAll"], heading["repeat"]) == (True, True, variable["name"])
    assert [panel["title"].partition(": ")[2] for panel in below] == [
        panel["title"].partition(": ")[2] for panel in column
    ]
    for one, other in zip(below, column, strict=True):
        assert [target["expr"].replace("$more", COLUMNS[0]) for target in one["targets"]] == [
            target["expr"] for target in other["targets"]
        ]


def test_traces_stand_beside_the_slowest_acquires_alone() -> None:
    asked = {target["expr"] for _, panel in PANELS for target in panel["targets"] if target["exemplar"]}
    assert len(asked) == len(COLUMNS) + 3
    assert all("histogram_quantile(0.99" in expr and "max(" not in expr for expr in asked)
    assert all("acquire_seconds" in expr or "wait_time_seconds" in expr for expr in asked)


def test_the_dashboard_for_any_service_knows_no_name_of_ours() -> None:
    ours = ("db_pool_", "db_query_", "http_", "poolbench_", "process_", 'service="')
    exprs = [found.expr for found in EXPRESSIONS if found.dashboard == "pool-any-service"]
    assert exprs
    assert not [expr for expr in exprs if any(name in expr for name in ours)]
