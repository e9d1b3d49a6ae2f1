"""What a baseline adds to the hold of later forecasts."""

import math
from dataclasses import replace

import polars as pl
import pytest

from bench.analysis.baseline import Baseline
from bench.analysis.forecast import forecast
from bench.record.schema import Cell, Forecast
from bench.scenarios.catalogue import SCENARIOS
from tests.bench import made


def played(*held: tuple[int, float, float]) -> pl.DataFrame:
    """(status, work, release in ms) of each request; nan where the service does not say."""
    schema = {"status": pl.Int64, "work_us": pl.Int64, "release_us": pl.Int64}
    return pl.DataFrame([(status, *map(_us, times)) for status, *times in held], schema=schema, orient="row")


def _us(ms: float) -> int | None:
    return None if math.isnan(ms) else round(ms * 1000)


def foretold(baseline: Baseline, cell: Cell) -> Cell:
    return baseline.foretold(cell, SCENARIOS[cell.scenario].at(100))


def test_later_cells_of_the_service_have_the_overhead_and_the_ideal_beside_it() -> None:
    five = made.cell("five-in-sequence")
    baseline = Baseline().seen(five, played((200, 100.2, 0.3), (200, 100.1, 0.1), (200, 101.0, 1.0)))
    burst = made.cell("burst-timeout")
    found = foretold(baseline, burst)
    assert found.forecast.hold_ms == 100.5
    assert found.forecast.wall_s == pytest.approx(1.1055)
    assert found.ideal == burst.forecast
    assert found == replace(burst, forecast=found.forecast, ideal=burst.forecast)
    shorter = foretold(baseline, made.cell("fix-shorter-hold"))
    assert shorter.forecast.hold_ms == 20.5
    other = made.cell("burst-timeout", service="psycopg_flask")
    assert foretold(baseline, other) == other


def test_five_in_sequence_tell_more_than_one() -> None:
    one, five = made.cell("one"), made.cell("five-in-sequence")
    baseline = Baseline().seen(one, played((200, 103.0, 0.0)))
    assert baseline.overhead_ms("asyncpg_fastapi") == 3.0
    baseline = baseline.seen(five, played((200, 101.0, 0.0))).seen(five, played((200, 102.0, 0.0)))
    assert baseline.overhead_ms("asyncpg_fastapi") == 1.5


def test_what_failed_was_not_served_or_does_not_say_tells_nothing() -> None:
    five, held = made.cell("five-in-sequence"), played((200, 103.0, 0.0))
    nothing = Baseline().seen(replace(five, status="failed"), held).seen(five, None).seen(made.cell("burst-10"), held)
    assert nothing.overhead_ms("asyncpg_fastapi") is None
    silent = Baseline().seen(five, played((503, 130.0, 0.0), (200, float("nan"), 0.0)))
    assert silent.overhead_ms("asyncpg_fastapi") is None


def test_a_resumed_run_goes_on_with_what_its_forecasts_had() -> None:
    burst = made.cell("burst-10")
    done = replace(burst, forecast=forecast(SCENARIOS["burst-10"].at(100), hold_ms=101.5), ideal=burst.forecast)
    baseline = Baseline.of([burst, done])
    assert baseline.overhead_ms("asyncpg_fastapi") == 1.5
    again = baseline.seen(made.cell("one"), played((200, 100.5, 0.0)))
    assert again.overhead_ms("asyncpg_fastapi") == 0.5
    assert Baseline.of([burst]) == Baseline()


def test_simulations_come_from_the_seed_of_the_cell() -> None:
    ramp = foretold(Baseline(), made.cell("ramp"))
    assert (ramp.forecast.served, ramp.forecast.hold_ms, ramp.ideal) == (304, 100, None)
    slower = foretold(Baseline(before_ms={"asyncpg_fastapi": 5.0}), made.cell("ramp"))
    assert slower.forecast.served == 294
    assert slower.ideal == ramp.forecast


def test_nothing_is_foretold_of_what_cannot_be() -> None:
    leak = foretold(Baseline(before_ms={"asyncpg_fastapi": 5.0}), made.cell("leak-kept"))
    assert (leak.forecast, leak.ideal) == (Forecast(), None)
