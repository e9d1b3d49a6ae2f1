"""Jobs and events survive their lines."""

import os
from time import monotonic

import pytest

from services.workload.loads import Burst, Closed, Load, Open, Sequential, Share, Stage, Workload
from services.workload.wire import Events, Fault, HttpJob, PoolJob, decode, encode, event


@pytest.mark.parametrize(
    "load",
    [
        Sequential(requests=3),
        Burst(requests=9),
        Closed(stages=(Stage(users=1, seconds=0), Stage(users=3, seconds=0.1)), think_s=0.5),
        Open(rate_per_s=1 / 3, seconds=7, arrivals="uniform"),
    ],
)
def test_a_job_survives_its_line(load: Load) -> None:
    mix = (Share(path="/api/query?hold_ms=5", weight=0.1), Share(path="/api/noop"))
    workload = Workload(load=load, mix=mix, seed=-5, give_up_s=1e-3)
    http = HttpJob(workload=workload, out="/tmp/a b", base_url="http://x:1")
    pool = PoolJob(
        workload=workload,
        out="/tmp/a b",
        hold_ms=5,
        release="context-manager",
        faults=(Fault(at_s=0.1, count=2, how="kept"), Fault(at_s=0.3)),
        look_every_s=0.05,
        warm_up_rounds=2,
        warm_up_hold_ms=20,
    )

    assert "\n" not in encode(http) + encode(pool)
    assert decode(encode(http), HttpJob) == http
    assert decode(encode(pool), PoolJob) == pool


def test_events_come_one_at_a_time_and_an_end_is_told_from_a_silence() -> None:
    reading, writing = os.pipe()
    events = Events(reading)
    try:
        os.write(writing, event("ready") + event("started", t0=1.5) + b'{"event"')
        assert events.next(monotonic() + 60) == {"event": "ready"}
        assert events.next(monotonic() + 60) == {"event": "started", "t0": 1.5}
        with pytest.raises(TimeoutError):
            events.next(monotonic())
        os.write(writing, b': "failed"}\n')
        assert events.next(monotonic() + 60) == {"event": "failed"}
        os.close(writing)
        with pytest.raises(EOFError):
            events.next(monotonic() + 60)
    finally:
        os.close(reading)
