"""Faults that happen at their planned times while a load runs.

In: a scenario's faults, and the load's start. Out: an `Event` for each thing that happened.
"""

import http.client
import threading
from collections.abc import Callable, Sequence
from time import monotonic

from bench.scenarios.model import Fault, Leak, ReleaseLeaks
from bench.targets.http import Client, ServiceError
from services.common import contract

Emit = Callable[[float, str, str], None]
"""Seconds from the load's start, kind, text."""


class Timeline:
    """A thread that plays `faults` in order; `unit_s` is what their times are multiples of."""

    def __init__(self, base_url: str, faults: Sequence[Fault], unit_s: float, emit: Emit) -> None:
        self._base_url = base_url
        self._faults = sorted(faults, key=lambda fault: fault.at)
        self._unit_s = unit_s
        self._emit = emit
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, t0: float) -> None:
        """Begins; `t0` is the load's start on the monotonic clock."""
        if self._faults:
            self._thread = threading.Thread(target=self._run, args=(t0,), name="faults", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Nothing more happens; waits for what is happening now."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, t0: float) -> None:
        with Client(self._base_url) as client:
            for fault in self._faults:
                if self._stop.wait(max(0.0, t0 + fault.at * self._unit_s - monotonic())):
                    return
                match fault:
                    case Leak():
                        self._leak(client, fault, t0)
                    case ReleaseLeaks():
                        self._release(client, t0)

    def _leak(self, client: Client, fault: Leak, t0: float) -> None:
        for nth in range(1, fault.count + 1):
            if self._stop.is_set():
                return
            status = _status(client, "GET", f"{contract.QUERY_LEAK}?how={fault.how}")
            self._emit(monotonic() - t0, "leak", f"{fault.how}, {nth} of {fault.count}: {status}")

    def _release(self, client: Client, t0: float) -> None:
        try:
            text = f"{client.post(contract.RELEASE_LEAKS)['released']} given back"
        except (OSError, http.client.HTTPException, ServiceError) as error:
            text = f"failed: {error}"
        self._emit(monotonic() - t0, "release_leaks", text)


def _status(client: Client, method: str, path: str) -> str:
    try:
        return str(client.exchange(method, path)[0])
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({error})"
