"""One scenario as a picture: a column for each stack, a row for each question, over the seconds of the load."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import matplotlib as mpl
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.errors import UserError
from bench.record.columns import CellRows
from bench.record.schema import Cell, Event
from bench.record.stored import Stored
from bench.report import words
from bench.scenarios.catalogue import SCENARIOS

FORMATS: Final = ("svg", "png")
USED, FREE, SEEN, WAITING, REJECTED = "#1f77b4", "#b7d3e9", "#222222", "#e08214", "#c51b3f"
SERVED: Final = "#2c9a4b"
FAILED: Final = "#6b4226"
CUT: Final = (pl.col("status") == 503) & (pl.col("error") == "database_unavailable")
"""Not for want of a connection: the database failed."""
STYLE: Final[dict[Any, Any]] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.hashsalt": "poolbench",
}
Kind = tuple[pl.Expr, str, str]
"""Which requests, their colour, and what they are called."""
ROWS: Final = ("connections", "waiting requests", "acquire (s)", "answers per second")


def chart(stored: Stored, scenario: str, form: str = "svg") -> bytes:
    """The first repetition of a scenario as SVG or PNG, the same bytes from the same run.

    Raises UserError where the run has no cell of it that was played to its end.
    """
    cells = _first_repetition(stored, scenario)
    rows = {each.cell.key: each for each in stored.rows([cell.key for cell in cells])}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4 * len(cells) + 0.6, 8.2), layout="constrained")
        grid = figure.subplots(len(ROWS), len(cells), sharex=True, sharey="row", squeeze=False)
        kinds = _kinds(any(each.requests.filter(CUT).height for each in rows.values()))
        for column, cell in enumerate(cells):
            _column([row[column] for row in grid], stored, rows[cell.key], kinds)
        for row, name in enumerate(ROWS):
            grid[row][0].set_ylabel(name)
            grid[row][0].set_ylim(bottom=0)
            grid[row][-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        grid[1][0].set_ylim(top=max(1, grid[1][0].get_ylim()[1]))  # where no request waits, not by hundredths
        figure.suptitle(f"{scenario}: {SCENARIOS[scenario].question}", fontsize=11)
        figure.supxlabel(_origin(stored, cells), fontsize=8, color="#555555")
        out = io.BytesIO()
        figure.savefig(out, format=form, dpi=110, metadata={"Date": None} if form == "svg" else None)
    return out.getvalue()


def _first_repetition(stored: Stored, scenario: str) -> list[Cell]:
    played = [cell for cell in stored.run.cells if cell.scenario == scenario and cell.status == "ok"]
    if not played:
        names = {cell.scenario for cell in stored.run.cells if cell.status == "ok"}
        raise UserError(f"this run has no {scenario} to draw: it has {', '.join(sorted(names)) or 'nothing'}")
    first = min(cell.repetition for cell in played)
    by_service = {cell.service: cell for cell in played if cell.repetition == first}
    return [by_service[service] for service in stored.run.plan.services if service in by_service]


def _kinds(cut: bool) -> tuple[Kind, ...]:
    """The kinds of answers; one that no cell has is not in the legend."""
    served: Kind = (pl.col("status") == 200, SERVED, "served (200)")
    rejected = (pl.col("status") == 503) & ~CUT, REJECTED, "rejected (503)"
    return (served, rejected, (CUT, FAILED, "database failed (503)")) if cut else (served, rejected)


def _column(axes: Sequence[Axes], stored: Stored, rows: CellRows, kinds: Sequence[Kind]) -> None:
    """What happened to one stack: its pool as sampled, and its requests one by one."""
    cell, requests, samples, events = rows
    connections, waiting, acquire, answers = axes
    connections.set_title(words.stack(cell.service, stored.run.plan.layer, stored.run.stacks))
    at = (samples["t_us"] / 1e6).to_list()
    _steps(connections, at, samples["used"], USED, "handed out,\nleaks included")
    _steps(connections, at, samples["free"], FREE, "free")
    _steps(connections, at, samples["backends"], SEEN, "backends, says\nPostgreSQL", linestyle=":")
    connections.axhline(cell.pool_size, color="#999999", linewidth=0.8, linestyle="--", label="most")
    _steps(waiting, at, samples["waiting"], WAITING, "handlers inside\nacquire")
    _waits(acquire, requests, kinds)
    _answers(answers, requests, max(cell.hold_ms / 1000, 0.05) * 2, kinds)
    for nth, event in enumerate(_first_of_each_kind(events)):
        line: dict[str, Any] = {"color": "#8856a7", "linewidth": 0.9, "linestyle": ("-", "--", ":")[nth % 3]}
        for axis in axes:
            axis.axvline(event.t_s, **line, label=event.kind.replace("_", " ") if axis is connections else None)
    axes[-1].set_xlabel("seconds from the start of the load")


def _waits(axis: Axes, requests: pl.DataFrame, kinds: Sequence[Kind]) -> None:
    """A dot for each request at the end of its wait; rejected ones in another colour."""
    for which, colour, answer in kinds:
        frame, label = requests.filter(which), "got one" if colour == SERVED else answer
        after_us = pl.col("finished_us") - pl.col("work_us").fill_null(0) - pl.col("release_us").fill_null(0)
        at = frame.select(after_us / 1e6).to_series().to_list()
        axis.plot(at, (frame["acquire_us"] / 1e6).to_list(), ".", markersize=3, color=colour, label=label)


def _answers(axis: Axes, requests: pl.DataFrame, bin_s: float, kinds: Sequence[Kind]) -> None:
    """Answers a second, by kind, in bins of two holds: shorter ones would show batches and nothing else."""
    longest = float(requests["finished_us"].max() or 0) / 1e6  # type: ignore[arg-type]  # the column is whole numbers
    edges = [nth * bin_s for nth in range(int(longest / bin_s) + 2)]
    finished = [(requests.filter(which)["finished_us"] / 1e6).to_list() for which, _, _ in kinds]
    axis.hist(
        finished,
        edges,
        weights=[[1 / bin_s] * len(times) for times in finished],
        stacked=True,
        color=[colour for _, colour, _ in kinds],
        label=[label for _, _, label in kinds],
    )


def _steps(axis: Axes, at: list[float], values: pl.Series, colour: str, label: str, **more: Any) -> None:
    # Where several look at a pool, each leaves rows of its own.
    known = [(t_s, value) for t_s, value in zip(at, values.to_list(), strict=True) if value is not None]
    if known:
        axis.step(*zip(*known, strict=True), where="post", color=colour, label=label, linewidth=1.4, **more)


def _first_of_each_kind(events: Iterable[Event]) -> Iterator[Event]:
    """Five leaks within a few milliseconds are one line."""
    seen = set[str]()
    for event in events:
        if event.kind not in seen:
            seen.add(event.kind)
            yield event


def _origin(stored: Stored, cells: Sequence[Cell]) -> str:
    env, plan = stored.run.environment, stored.run.plan
    return (
        f"\nmeasured by poolbench, {plan.profile} profile, repetition {cells[0].repetition + 1} of {plan.repeat}, hold "
        f"{cells[0].hold_ms} ms, pool {cells[0].pool_size}, tuning {plan.tuning} · {env.cpu}, {env.cores} cores, "
        f"{env.started[:10]}\ndrawn from stored samples by `bench report --chart`; not a screenshot of Grafana"
    )
