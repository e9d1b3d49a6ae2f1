"""What a service, its library and PostgreSQL say of the pool while the load runs, side by side over time."""

import http.client
import threading
from collections.abc import Callable
from time import monotonic, process_time
from typing import Final

import psutil
import psycopg

from bench.postgres.database import Connection, Database, connect
from bench.record.rows import Row
from bench.targets.http import Client, ServiceError
from services.common import contract

SHORTEST_S: Final = 0.05
CPU_EVERY_S: Final = 0.25

BACKENDS: Final = """
    SELECT pid, state FROM pg_stat_activity
    WHERE application_name = %s AND datname = current_database() AND backend_type = 'client backend'
"""


def cpu_seconds(process: psutil.Process) -> float | None:
    """User and system time of one process; None when it is gone or not ours to ask."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return None
    return times.user + times.system


def machine_seconds() -> float:
    """Time since boot in which some core could not have done more, over all cores.

    What a hypervisor took away (steal) counts: it is the rest of the machine, as any other program is.
    """
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # in user and nice already
    return float(sum(times) - idle - guest)


class PostgresCpu:
    """CPU of the backends of one database on this machine; a backend that ended keeps what it had used."""

    def __init__(self) -> None:
        self._processes: dict[int, psutil.Process] = {}
        self._used: dict[int, float] = {}

    def read(self, pids: list[int]) -> float:
        for pid in pids:
            try:
                process = self._processes.setdefault(pid, psutil.Process(pid))
            except psutil.Error:
                continue
            used = cpu_seconds(process)
            if used is not None:
                self._used[pid] = used
        return sum(self._used.values())


class Sampler:
    """A thread that samples into `rows` every max(50 ms, hold ÷ 5), on connections of its own.

    Without `base_url` PostgreSQL alone is asked, and not the pool's state. `generator` and `service` are asked
    for their CPU seconds; `local_database` says whether PostgreSQL's processes can be looked at on this machine.
    While another has `asking`, PostgreSQL is not asked: a fault has it stand still.
    """

    def __init__(
        self,
        base_url: str | None,
        application_name: str,
        database: Database | None,
        rows: list[Row],
        *,
        local_database: bool,
        hold_s: float,
        generator: psutil.Process | None,
        processes: Callable[[], list[psutil.Process]],
        asking: "threading.Lock | None" = None,
    ) -> None:
        self._rows = rows
        self._client = Client(base_url, timeout_s=5) if base_url else None
        self._application_name = application_name
        self._every_s = max(SHORTEST_S, hold_s / 5)
        self._generator = generator
        self._processes = processes()
        self._database: Connection | None = connect(database, "poolbench-sampler") if database else None
        self._postgres = PostgresCpu() if local_database else None
        self._asking = asking or threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._t0 = 0.0
        self._cpu_at = -CPU_EVERY_S

    def start(self, t0: float) -> None:
        """Begins; times count from `t0` on the monotonic clock."""
        self._t0 = t0
        self._sample(cpu=True)
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Takes a last sample, and closes the connections."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._sample(cpu=True)
        if self._client is not None:
            with self._client:
                pass
        if self._database is not None:
            self._database.close()

    def _run(self) -> None:
        due = monotonic()
        while not self._stop.is_set():
            now = monotonic()
            self._sample(cpu=now - self._cpu_at >= CPU_EVERY_S)
            due = max(due + self._every_s, monotonic())
            self._stop.wait(due - monotonic())

    def _sample(self, *, cpu: bool) -> None:
        try:
            stats = self._client.get(contract.STATS) if self._client else {}
        except (OSError, http.client.HTTPException, ServiceError):
            stats = {}
        now = monotonic()
        backends = self._backends()
        states = [state for _, state in backends] if backends is not None else None
        self._rows.append(
            Row(
                round((now - self._t0) * 1e6),
                stats.get("pool_size"),
                stats.get("pool_free_size"),
                stats.get("pool_used_size"),
                stats.get("waiting_requests"),
                stats.get("pool_connecting"),
                None if states is None else len(states),
                None if states is None else states.count("active"),
                None if states is None else states.count("idle in transaction"),
                *(self._cpu(now, backends) if cpu else ()),
            )
        )

    def _backends(self) -> list[tuple[int, str]] | None:
        if self._database is None or not self._asking.acquire(blocking=False):
            return None
        try:
            return self._database.execute(BACKENDS, (self._application_name,)).fetchall()
        except psycopg.Error:
            return None
        finally:
            self._asking.release()

    def _cpu(self, now: float, backends: list[tuple[int, str]] | None) -> tuple[float | None, ...]:
        self._cpu_at = now
        service = [used for process in self._processes if (used := cpu_seconds(process)) is not None]
        postgres = self._postgres.read([pid for pid, _ in backends]) if self._postgres and backends else None
        return (
            cpu_seconds(self._generator) if self._generator else None,
            sum(service) if service else None,
            postgres,
            process_time(),
            machine_seconds(),
        )
