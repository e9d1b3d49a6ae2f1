"""What a load that was played says of itself, from samples whose figures are worked out by hand."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.load.outcome import Outcome, SamplesLost
from services.workload.loads import Burst, Load, Open, Sequential, Share, Workload
from services.workload.samples import NAN, NO_TIMING, REQUESTS, SampleError, SampleWriter
from services.workload.wire import Job


def outcome(directory: Path, load: Load, times_s: Sequence[tuple[float, float, float]], sent: int) -> Outcome:
    """A load of which `sent` requests were sent, and these were written: planned, sent and finished."""
    writer = SampleWriter(directory / REQUESTS)
    for n, (planned_s, sent_s, finished_s) in enumerate(times_s):
        writer.add(
            n=n,
            user=0,
            path=0,
            planned_s=planned_s,
            sent_s=sent_s,
            finished_s=finished_s,
            status=200,
            error=SampleError.none,
            timing=NO_TIMING,
        )
    writer.close()
    workload = Workload(load=load, mix=(Share(path="/api/query"),), seed=1, give_up_s=60)
    return Outcome(job=Job(workload=workload, out=str(directory)), t0=1.0, sent=sent, generator_cpu_s=0.0)


def test_a_burst_is_as_skewed_as_its_last_send_is_after_its_first(tmp_path: Path) -> None:
    # Who sends last is not the last in the file, nor the last to be answered.
    found = outcome(tmp_path, Burst(requests=3), [(0, 0.0005, 0.3), (0, 0.0125, 0.1), (0, 0.002, 0.2)], sent=3)
    assert (found.skew_ms, found.lateness_ms_p99, found.load_s) == (12.0, None, 0.3)


@pytest.mark.parametrize(("requests", "p99"), [(1, 1.0), (99, 99.0), (100, 99.0), (101, 100.0), (200, 198.0)])
def test_an_open_load_is_as_late_as_its_nearest_rank(tmp_path: Path, requests: int, p99: float) -> None:
    # The k-th to be planned leaves requests + 1 - k ms late: the order of the file is not that of lateness.
    late = [(n * 0.5, n * 0.5 + (requests - n) / 1000, n * 0.5 + 1) for n in range(requests)]
    found = outcome(tmp_path, Open(rate_per_s=2, seconds=requests / 2), late, sent=requests)
    assert (found.skew_ms, found.lateness_ms_p99) == (None, p99)


def test_a_load_without_a_plan_is_neither_skewed_nor_late(tmp_path: Path) -> None:
    found = outcome(tmp_path, Sequential(requests=2), [(NAN, 0.0, 0.1), (NAN, 0.1, 0.25)], sent=2)
    assert (found.skew_ms, found.lateness_ms_p99, found.load_s) == (None, None, 0.25)


@pytest.mark.parametrize("load", [Burst(requests=1), Open(rate_per_s=1, seconds=1), Sequential(requests=1)])
def test_a_load_in_which_nothing_was_sent_has_no_figures(tmp_path: Path, load: Load) -> None:
    found = outcome(tmp_path, load, [], sent=0)
    assert (found.skew_ms, found.lateness_ms_p99, found.load_s) == (None, None, 0.0)


@pytest.mark.parametrize("sent", [1, 3])
def test_requests_that_are_not_in_the_samples_are_told(tmp_path: Path, sent: int) -> None:
    found = outcome(tmp_path, Sequential(requests=2), [(NAN, 0.0, 0.1), (NAN, 0.1, 0.2)], sent=sent)
    with pytest.raises(SamplesLost, match=f"^{sent} requests were sent, and 2 are in the samples"):
        _ = found.requests
