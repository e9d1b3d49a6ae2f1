"""The few shapes of which all dashboards are made.

A dashboard is a list of rows; the panels of a row share its width evenly, and the grid follows from that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final

from grafana.looks import AMOUNTS, BOUNDS, COLOURS, NO_DATA, Limits
from grafana.queries import Queries, Query
from grafana.sdk import Dataquery, UnknownDataquery, common, gauge, prometheus, stat, timeseries
from grafana.sdk import dashboard as model

TAG: Final = "poolbench"
GRID_COLUMNS: Final = 24
PROMETHEUS: Final = common.DataSourceRef(type_val="prometheus", uid="prometheus")
GRAFANA: Final = common.DataSourceRef(type_val="grafana", uid="-- Grafana --")


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side, below a heading if there is one; `height` in units of the grid."""

    heading: str | None
    panels: tuple[model.Panel, ...]
    height: int = 6
    each: str = ""
    """The variable for each of whose values the row stands there again, and all that follows up to the next."""


@dataclass(frozen=True, slots=True)
class Value:
    """One number of a `numbers` panel."""

    query: Query
    unit: str
    limits: Limits = ()


def over_time(
    title: str, description: str, unit: str, queries: Queries, *, limits: Limits = (), empty: str = NO_DATA
) -> model.Panel:
    """Lines over time from 0 up; `limits` are dashed lines, `empty` is what stands in place of no data at all."""
    style = common.GraphThresholdsStyleMode.DASHED if limits else common.GraphThresholdsStyleMode.OFF
    return model.Panel(
        type_val="timeseries",
        title=title,
        description=description,
        datasource=PROMETHEUS,
        targets=_targets(queries),
        options=timeseries.Options(
            legend=common.VizLegendOptions(show_legend=True),
            tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.NONE),
        ),
        field_config=model.FieldConfigSource(
            defaults=model.FieldConfig(
                unit=unit,
                min_val=0,
                no_value=empty,
                color=model.FieldColor(mode=model.FieldColorModeId.PALETTE_CLASSIC),
                thresholds=_thresholds(limits),
                custom=common.GraphFieldConfig(
                    line_width=2,
                    show_points=common.VisibilityMode.NEVER,
                    thresholds_style=common.GraphThresholdsStyleConfig(style),
                ),
            ),
            overrides=[_look(name) for name in _names(queries)],
        ),
    )


def numbers(
    title: str, description: str, values: Sequence[Value], *, decimals: int | None = None, empty: str = NO_DATA
) -> model.Panel:
    """What is the case now, in large figures; with more than one, each has its name below."""
    return model.Panel(
        type_val="stat",
        title=title,
        description=description,
        datasource=PROMETHEUS,
        targets=_targets([value.query for value in values], instant=True),
        options=stat.Options(
            graph_mode=common.BigValueGraphMode.NONE,
            text_mode=common.BigValueTextMode.VALUE_AND_NAME if len(values) > 1 else common.BigValueTextMode.VALUE,
            reduce_options=common.ReduceDataOptions(calcs=["lastNotNull"]),
        ),
        field_config=model.FieldConfigSource(
            defaults=model.FieldConfig(
                unit=values[0].unit,
                decimals=decimals,
                no_value=empty,
                thresholds=_thresholds(values[0].limits),
            ),
            overrides=[
                _override(value.query.legend, unit=value.unit, thresholds=_thresholds(value.limits))
                for value in values[1:]
            ],
        ),
    )


def share(title: str, description: str, queries: Queries, *, limits: Limits, empty: str = NO_DATA) -> model.Panel:
    """How much of a whole is taken now, from 0 to 100 %."""
    return model.Panel(
        type_val="gauge",
        title=title,
        description=description,
        datasource=PROMETHEUS,
        targets=_targets(queries, instant=True),
        options=gauge.Options(reduce_options=common.ReduceDataOptions(calcs=["lastNotNull"])),
        field_config=model.FieldConfigSource(
            defaults=model.FieldConfig(
                unit="percentunit", min_val=0, max_val=1, no_value=empty, thresholds=_thresholds(limits)
            ),
        ),
    )


def variable(name: str, label: str, query: str, *, several: bool = False, regex: str = "") -> model.VariableModel:
    """A choice of one among what Prometheus knows now, or of `several`, all of them to begin with."""
    return model.VariableModel(
        name=name,
        label=label,
        datasource=PROMETHEUS,
        query={"qryType": 1, "query": query, "refId": name},
        definition=query,
        refresh=model.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=model.VariableSort.ALPHABETICAL_ASC,
        regex=regex or None,
        multi=several,
        include_all=several,
        current=model.VariableOption(text="All", value="$__all") if several else None,
    )


def marks(service: str, name: str = "bench runs", only: Sequence[int] = ()) -> model.AnnotationQuery:
    """The cells and faults that the bench has played on one service, in the panels with these numbers or in all."""
    target = {"type": "tags", "tags": [TAG, service], "matchAny": False, "limit": 100}
    return model.AnnotationQuery(
        name=name,
        datasource=GRAFANA,
        icon_color="light-blue",
        filter_val=_panels(only),
        target=UnknownDataquery(target),
    )


def alerts(service: str, name: str = "alerts", only: Sequence[int] = ()) -> model.AnnotationQuery:
    """For how long which alert fired that is about one service or, as those about the database, about none."""
    firing = f'ALERTS{{alertstate="firing", service=~"{service}|"}}'
    return model.AnnotationQuery(
        name=name,
        datasource=PROMETHEUS,
        icon_color="red",
        filter_val=_panels(only),
        target=prometheus.Dataquery(expr=firing, ref_id="Anno", interval="5s"),
        title_format="{{alertname}}",
        tag_keys="severity,service,job",
    )


def dashboard(
    uid: str,
    title: str,
    description: str,
    rows: Iterable[Row],
    *,
    annotations: Sequence[model.AnnotationQuery] = (),
    variables: Sequence[model.VariableModel] = (),
) -> model.Dashboard:
    """With the last 15 minutes, and links to its siblings."""
    return model.Dashboard(
        uid=uid,
        title=title,
        description=description,
        tags=[TAG],
        time=model.DashboardDashboardTime(from_val="now-15m", to="now"),
        refresh="5s",
        graph_tooltip=model.DashboardCursorSync.CROSSHAIR,
        panels=_placed(rows),
        templating=model.DashboardDashboardTemplating(list(variables)),
        annotations=model.AnnotationContainer(list(annotations)),
        links=[
            model.DashboardLink(
                title="poolbench dashboards", type_val=model.DashboardLinkType.DASHBOARDS, tags=[TAG], keep_time=True
            )
        ],
    )


def _panels(only: Sequence[int]) -> model.AnnotationPanelFilter | None:
    return model.AnnotationPanelFilter(exclude=False, ids=list(only)) if only else None


def _placed(rows: Iterable[Row]) -> list[model.Panel | model.RowPanel]:
    placed: list[model.Panel | model.RowPanel] = []
    y = 0
    for row in rows:
        if row.heading:
            grid = model.GridPos(h=1, w=GRID_COLUMNS, x=0, y=y)
            placed.append(
                model.RowPanel(title=row.heading, grid_pos=grid, id_val=len(placed) + 1, repeat=row.each or None)
            )
            y += 1
        width = GRID_COLUMNS // len(row.panels)
        for nth, panel in enumerate(row.panels):
            panel.grid_pos = model.GridPos(h=row.height, w=width, x=nth * width, y=y)
            panel.id_val = len(placed) + 1
            placed.append(panel)
        y += row.height
    return placed


def _targets(queries: Iterable[Query], *, instant: bool = False) -> list[Dataquery]:
    return [
        prometheus.Dataquery(
            expr=query.expr,
            legend_format=query.legend,
            ref_id=ascii_uppercase[nth],
            exemplar=query.exemplar,
            instant=instant,
            range_val=not instant,
        )
        for nth, query in enumerate(queries)
    ]


def _names(queries: Queries) -> list[str]:
    """The names of all series that have a look of their own; any state or status may come where a label names them."""
    legends = [query.legend for query in queries]
    if "{{state}}" in legends:
        legends += ["active", "idle", "idle in transaction"]
    if "{{status}}" in legends:
        legends += ["200", "500", "503"]
    return [legend for legend in legends if legend in COLOURS]


def _look(name: str) -> model.DashboardFieldConfigSourceOverrides:
    colour = {"mode": "fixed", "fixedColor": COLOURS[name]}
    if name in BOUNDS:
        dashed = {"custom.lineStyle": {"fill": "dash", "dash": [6, 6]}, "custom.lineWidth": 1}
        return _override(name, color=colour, **dashed)
    if name in AMOUNTS:
        return _override(name, color=colour, **{"custom.fillOpacity": 15})
    return _override(name, color=colour)


def _override(name: str, **properties: object) -> model.DashboardFieldConfigSourceOverrides:
    return model.DashboardFieldConfigSourceOverrides(
        matcher=model.MatcherConfig(id_val="byName", options=name),
        properties=[model.DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()],
    )


def _thresholds(limits: Limits) -> model.ThresholdsConfig:
    return model.ThresholdsConfig(
        steps=[model.Threshold(None, "green"), *(model.Threshold(value, colour) for value, colour in limits)]
    )
