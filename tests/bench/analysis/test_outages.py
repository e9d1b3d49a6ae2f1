"""When all is well again after an outage, from cells made by hand."""

import polars as pl
import pytest

from bench.analysis.answers import answers_of
from bench.analysis.outages import ENDED, FROZEN, GOES_ON, backends_again_s, over_s, served_again_s, still_s
from bench.record.schema import Event
from tests.bench import made

CELL = made.cell("outage-killed")
KILLED = (made.event(CELL, 1.0, ENDED, "5 backends ended"),)
FROZE = (made.event(CELL, 1.0, FROZEN), made.event(CELL, 2.5, GOES_ON))


def asked(*statuses: int) -> pl.DataFrame:
    """Requests that were planned at 0.9 s, 1.1 s, 1.3 s and so on."""
    rows = [{"planned_us": 900_000 + 200_000 * n, "status": status} for n, status in enumerate(statuses)]
    return made.requests(CELL, rows)


def test_an_outage_is_over_when_the_database_can_answer() -> None:
    assert over_s(KILLED) == 1.0
    assert over_s(FROZE) == 2.5
    assert over_s([made.event(CELL, 1.0, "leak")]) is None
    assert still_s(FROZE) == 1.5
    assert still_s(KILLED) == 0


@pytest.mark.parametrize(
    ("statuses", "events", "seconds"),
    [
        ((503, 200, 200), KILLED, 0.0),  # it was under way before
        ((503, 503, 200), KILLED, 0.1),
        ((200, 503, 200, 0, 200), KILLED, 0.5),
        ((200, 200, 503), KILLED, None),
        ((200,), KILLED, None),  # no request came any more
        ((503, 503, 200), (), None),
        ((503,) * 8 + (200, 503, 200), FROZE, 0.2),
    ],
)
def test_served_again(statuses: tuple[int, ...], events: tuple[Event, ...], seconds: float | None) -> None:
    found = served_again_s(answers_of(asked(*statuses)), events)

    assert found == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("counts", "seconds"),
    [
        ((5, 5, 5), 0.0),
        ((5, 0, 3, 5, 5), 0.15),
        ((5, 0, 5, 4, 5), 0.2),  # there again, and one of them not for good
        ((5, None, 2, None, 5), 0.2),  # while no request came, it is not known
        ((5, 0, 4), None),
        ((None, None), None),
    ],
)
def test_backends_again(counts: tuple[int | None, ...], seconds: float | None) -> None:
    """Sampled at 1.0 s, at which all are ended, and every 50 ms from then on."""
    samples = made.samples(
        CELL, [{"t_us": 1_000_000 + 50_000 * n, "backends": count} for n, count in enumerate(counts)]
    )

    found = backends_again_s(CELL, samples, KILLED)

    assert found == (seconds if seconds is None else pytest.approx(seconds))
    assert backends_again_s(CELL, samples, ()) is None
