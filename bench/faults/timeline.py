"""Faults that happen at their planned times while a load runs."""

import http.client
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from time import monotonic

from bench.analysis import outages
from bench.faults.outage import Backends, FaultFailed
from bench.postgres.database import Connection
from bench.scenarios.model import Fault, Freeze, KillBackends, Leak, ReleaseLeaks
from bench.targets.http import Client, ServiceError
from services.common import contract
from services.workload.samples import LEAK, RELEASE

Emit = Callable[[float, str, str], None]
"""Seconds from the load's start, kind, text."""


class Timeline:
    """A thread that plays `faults` in order; `unit_s` is what their times are multiples of.

    Leaks are asked of the service at `base_url`; what an outage can reach is in `backends`.
    """

    def __init__(self, base_url: str, faults: Sequence[Fault], unit_s: float, emit: Emit, backends: Backends) -> None:
        self._base_url = base_url
        self._faults = sorted(faults, key=lambda fault: fault.at)
        self._unit_s = unit_s
        self._emit = emit
        self._backends = backends
        self._failed: FaultFailed | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, t0: float) -> None:
        """Begins; `t0` is the load's start on the monotonic clock."""
        if self._faults:
            self._thread = threading.Thread(target=self._run, args=(t0,), name="faults", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Nothing more happens, and a database that stands still goes on; waits for what is happening now."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def refuse_failure(self) -> None:
        """Raises FaultFailed where an outage did not come about."""
        if self._failed is not None:
            raise self._failed

    def _run(self, t0: float) -> None:
        try:
            with ExitStack() as stack:
                self._play(stack, t0)
        except FaultFailed as failed:
            self._failed = failed

    def _play(self, stack: ExitStack, t0: float) -> None:
        kills = any(isinstance(fault, KillBackends) for fault in self._faults)
        connection = stack.enter_context(self._backends.connected()) if kills else None
        for fault in self._faults:
            if self._stop.wait(max(0.0, t0 + fault.at * self._unit_s - monotonic())):
                return
            match fault:
                case Leak():
                    self._leak(fault, t0)
                case ReleaseLeaks():
                    self._release(t0)
                case KillBackends():
                    assert connection is not None
                    self._kill(connection, t0)
                case Freeze():
                    self._freeze(fault, t0)

    def _leak(self, fault: Leak, t0: float) -> None:
        # A connection for each fault: they may lie further apart than a server keeps one that idles.
        with Client(self._base_url) as client:
            for nth in range(1, fault.count + 1):
                if self._stop.is_set():
                    return
                status = _status(client, "GET", f"{contract.QUERY_LEAK}?how={fault.how}")
                self._emit(monotonic() - t0, LEAK, f"{fault.how}, {nth} of {fault.count}: {status}")

    def _release(self, t0: float) -> None:
        try:
            with Client(self._base_url) as client:
                text = f"{client.post(contract.RELEASE_LEAKS)['released']} given back"
        except (OSError, http.client.HTTPException, ServiceError) as error:
            text = f"failed: {error}"
        self._emit(monotonic() - t0, RELEASE, text)

    def _kill(self, connection: Connection, t0: float) -> None:
        text = self._backends.kill(connection)
        self._emit(monotonic() - t0, outages.ENDED, text)

    def _freeze(self, fault: Freeze, t0: float) -> None:
        planned_s = fault.holds * self._unit_s
        with self._backends.frozen(planned_s) as text:
            began = monotonic()
            self._emit(began - t0, outages.FROZEN, text)
            self._stop.wait(planned_s)
        after = monotonic()
        self._emit(after - t0, outages.GOES_ON, f"goes on after {after - began:.3f} s")


def _status(client: Client, method: str, path: str) -> str:
    try:
        return str(client.exchange(method, path)[0])
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({error})"
