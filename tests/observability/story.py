"""Three services, first idle and then with too small a pool, as Prometheus saw them."""

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from bench.targets.http import Client
from bench.targets.process import LocalService
from services.common import contract
from tests.observability.prometheus import Prometheus
from tests.waiting import until

SETTINGS: Final[dict[str, Any]] = {
    "pool_min_size": 2,
    "pool_max_size": 5,
    "work_time_ms": 200,
    "pool_acquire_timeout": 0.5,
}
USERS: Final = 20
"""Per service. Five hold, fifteen wait, and half a second of acquire timeout lasts for twelve or thirteen of these."""

PRESSED: Final = ("PoolSaturated", "PoolWaitersSustained", "PoolExhaustionRate")
"""What such a load must raise."""

SEEN_IDLE: Final = {
    "up == 1": 5,  # the services, the exporter, Prometheus itself
    "rate(db_pool_acquired_total[10s])": 3,
    "service:http_goodput:rate1m": 3,  # the last of its group
    "poolbench_clients_count": 1,
}
"""An expression and how many series it has as soon as everything was scraped twice and every rule evaluated."""


@dataclass(frozen=True)
class Answer:
    """What one request got; `error` and no rows where it was refused."""

    service: str
    status: int
    error: str | None
    trace_id: str | None


@dataclass(frozen=True)
class Story:
    """Moments in Unix seconds. Idle from `began` to `idle`, pressed from `pressed` to `alerted`."""

    prometheus: Prometheus
    began: float
    idle: float
    pressed: float
    alerted: float
    unhurried: tuple[Answer, ...]
    hurried: tuple[Answer, ...]


def play(prometheus: Prometheus, services: Sequence[LocalService]) -> Story:
    """Waits until Prometheus has seen the services idle, asks one by one, then presses until it alerts."""
    began = time.time()
    until(lambda: _seen_idle(prometheus), "the idle stack in Prometheus")
    idle = time.time()
    unhurried = [answer for service in services for answer in _one_by_one(service, 5)]
    pressed = time.time()
    over = threading.Event()
    with ThreadPoolExecutor(USERS * len(services)) as pool:
        try:
            leaks = [_one(service, f"{contract.QUERY_LEAK}?how=kept") for service in services]
            users = [pool.submit(_press, service, over) for service in services for _ in range(USERS)]
            until(lambda: _alerted(prometheus, len(services)), f"{', '.join(PRESSED)} for each service")
            alerted = time.time()
        finally:
            over.set()
    hurried = leaks + [answer for user in users for answer in user.result()]
    return Story(prometheus, began, idle, pressed, alerted, tuple(unhurried), tuple(hurried))


def _seen_idle(prometheus: Prometheus) -> bool:
    return all(len(prometheus.now(expr)) == series for expr, series in SEEN_IDLE.items())


def _alerted(prometheus: Prometheus, services: int) -> bool:
    alerts = prometheus.now(f'count by (alertname, service) (ALERTS{{alertname=~"{"|".join(PRESSED)}"}})')
    return len(alerts) == len(PRESSED) * services


def _one(service: LocalService, path: str) -> Answer:
    with Client(service.base_url) as client:
        return _ask(client, service.name, path)


def _one_by_one(service: LocalService, count: int) -> list[Answer]:
    with Client(service.base_url) as client:
        return [_ask(client, service.name, contract.QUERY) for _ in range(count)]


def _press(service: LocalService, over: threading.Event) -> list[Answer]:
    """One user who asks again as soon as there is an answer."""
    answers = []
    with Client(service.base_url) as client:
        while not over.is_set():
            answers.append(_ask(client, service.name, contract.QUERY))
    return answers


def _ask(client: Client, service: str, path: str) -> Answer:
    status, text = client.exchange("GET", path)
    body = json.loads(text)
    detail = body.get("detail", {})
    return Answer(service, status, detail.get("error"), body.get("trace_id") or detail.get("trace_id"))
