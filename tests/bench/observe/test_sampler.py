"""The sampler's view of the machine."""

import collections

import psutil
import pytest

from bench.observe.sampler import machine_seconds

Times = collections.namedtuple(  # noqa: PYI024 - psutil has no public type for it
    "Times", "user nice system idle iowait irq softirq steal guest guest_nice"
)


def test_what_the_hypervisor_took_is_time_that_the_machine_was_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times(10.0, 1.0, 5.0, 100.0, 20.0, 0.25, 0.5, 4.0, 2.0, 1.0)
    monkeypatch.setattr(psutil, "cpu_times", lambda: times)

    # Guests are in user and nice already; idle, and waiting for a disk, is not busy.
    assert machine_seconds() == 10 + 1 + 5 + 0.25 + 0.5 + 4
