"""The cross-check: its rates from made records, and one service asked by all three clients."""

import re
import shutil
from dataclasses import replace
from math import isnan
from pathlib import Path

import pytest

from bench.load.driver import LoadGenerator
from bench.postgres.database import Database
from perf import clients
from perf.clients import Recorded
from perf.crosscheck import NO_K6, NO_WRK, USERS, Case, Measured, _rows, cases, crosscheck, measured
from perf.lab import Lab
from tests.k6.running import needs_k6

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason=f"wrk {NO_WRK}")

PLAY = Measured(rate_per_s=100, of_service=1, latency_ms_p50=500, answers=300, served=300)


def test_rates_are_of_the_middle_of_the_load_and_batches_do_not_matter() -> None:
    """Ten a tenth of a second from 1000.1 on; what comes before and after the window came twice as fast."""
    middle = [1000.1 + batch / 10 for batch in range(5, 28) for _ in range(10)]
    edges = [1000.1, *(1000.1 + nth / 200 for nth in range(40)), *(1003 + nth / 200 for nth in range(40))]
    finished_s = tuple(sorted(edges + middle))
    looked = [1000.03 + nth / 20 for nth in range(70)]
    seen = [(at, 7 + 2 * sum(end <= at for end in middle)) for at in looked]

    found = measured(Recorded(finished_s, 501.5), seen, 330, load_s=3)

    assert found.rate_per_s == pytest.approx(100)
    assert found.of_service == pytest.approx(1 / 2)
    assert (found.latency_ms_p50, found.answers, found.served) == (501.5, len(finished_s), 330)


def test_a_load_without_a_middle_has_no_rate() -> None:
    found = measured(Recorded((1000.1,), 100), [], 1, load_s=1)

    assert isnan(found.rate_per_s)
    assert isnan(found.of_service)


def test_a_ratio_is_taken_within_a_round_and_its_median_is_held_against_the_aim() -> None:
    def unasked(_: str) -> Recorded:
        raise AssertionError

    case = Case("", 3, {"ours": unasked, "k6": unasked, "wrk": unasked, "ab": "not here"})
    rows = _rows(
        "asyncpg_fastapi",
        case,
        {
            "ours": [PLAY, replace(PLAY, rate_per_s=50), PLAY],
            "k6": [replace(PLAY, rate_per_s=101.9), replace(PLAY, rate_per_s=40), replace(PLAY, rate_per_s=110)],
            "wrk": [replace(PLAY, rate_per_s=97.9, answers=250)] * 3,
        },
    )

    assert [row[1:5] for row in rows] == [
        ("ours", "100.00/s", "", ""),
        ("k6", "101.90/s", "1.019 (0.800–1.100)", "yes"),
        ("wrk", "97.90/s", "0.979 (0.979–1.958)", "no"),
        ("ab", "not here", "", ""),
    ]
    assert rows[2][5:] == ("1.000 (1.000–1.000)", "750, 900", "500.0 ms")


def test_a_client_that_is_not_installed_says_where_it_can_be_had(
    monkeypatch: pytest.MonkeyPatch, database: Database, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(clients, "K6", tmp_path / "k6")

    closed, at_a_rate = cases(Lab(database, LoadGenerator(), tmp_path), closed_s=3, open_s=1)

    assert (closed.clients["k6"], closed.clients["wrk"]) == (NO_K6, NO_WRK)
    assert (at_a_rate.clients["k6"], at_a_rate.clients["wrk"]) == (NO_K6, "has no open load")


@needs_k6
@needs_wrk
def test_each_client_counts_what_the_service_counts(database: Database, tmp_path: Path) -> None:
    with LoadGenerator() as generator:
        text = crosscheck(Lab(database, generator, tmp_path), ("asyncpg_fastapi",), rounds=1, closed_s=1, open_s=1)

    counts = re.findall(r"asyncpg_fastapi +(\w+) .* (\d+), (\d+) ", text)
    assert [client for client, _, _ in counts] == ["ours", "k6", "wrk", "ours", "k6"]
    for client, answers, served in counts:
        # wrk leaves when its time is over, whatever it still waits for.
        left = USERS if client == "wrk" else 0
        assert 0 < int(answers) <= int(served) <= int(answers) + left, text
    assert "has no open load" in text
