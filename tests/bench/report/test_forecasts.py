"""What `bench forecast` prints."""

import pytest

from bench.report.forecasts import WhatIf, forecasts
from bench.report.screen import USUAL
from bench.scenarios.catalogue import SCENARIOS


def test_a_whole_answer() -> None:
    assert (
        forecasts(("burst-timeout", "ramp", "leak-kept"), 100, 1, WhatIf())
        == """\
hold 100 ms · seed 1, repetition 1

scenario       served  timed  good-  wait  wait  wait   most  last  drain
                         out    put   p50   p95   p99     in    at      s
                                1/s    ms    ms    ms  queue     s
-------------  ------  -----  -----  ----  ----  ----  -----  ----  -----
burst-timeout      55     45     50   500  1000  1000     95   1.1    1.1
ramp              304      0     48   790   890   890     45  6.33   0.68
leak-kept           –      –      –     –     –     –      –     –      –

- A first-come, first-served pool that costs nothing; waits are those of the
  served; last: the last answer after the first request; drain: after the last
  request.
- By arithmetic: burst-timeout.
- By simulation: ramp.
- Not said, because it cannot be, of leak-kept: something goes wrong meanwhile."""
    )


@pytest.mark.parametrize("hold_ms", [100, 1000])
def test_it_fits_a_terminal(hold_ms: int) -> None:
    text = forecasts(SCENARIOS, hold_ms, 1, WhatIf())
    assert max(map(len, text.splitlines())) <= USUAL


def test_what_if() -> None:
    """A pool that is never exhausted is refused as a scenario, and still a question."""
    text = forecasts(("burst-timeout",), 100, 1, WhatIf(pool=20, acquire_timeout_s=0.25))
    assert text.startswith("hold 100 ms · seed 1, repetition 1 · pool 20 · acquire timeout 0.25 s\n")
    assert text.splitlines()[6].split()[:4] == ["burst-timeout", "60", "40", "200"]
    assert "coin" not in text


def test_an_acquire_timeout_that_ends_with_a_batch_is_a_coin_toss() -> None:
    text = forecasts(("burst-timeout", "burst-50"), 100, 1, WhatIf(acquire_timeout_s=1.0))
    assert (
        "- burst-timeout: the acquire timeout ends 0 ms from the 11th batch, and whether\n"
        "  its 5 are served is a coin toss" in text
    )
    assert "toss: 50 to 55 served." in text
    assert "burst-50: " not in text
