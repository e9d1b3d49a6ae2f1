"""The names of the Prometheus metrics and what each of them counts; standard library only."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Instrument(NamedTuple):
    """One metric, and its help text in one line. A counter's name has no `_total` here; Prometheus shows it with."""

    name: str
    text: str


GAUGES: Final[Mapping[str, Instrument]] = {
    "pool_max_size": Instrument("db_pool_max_size", "Connections that the pool may have."),
    "pool_min_size": Instrument("db_pool_min_size", "Connections that the pool makes when it opens, and keeps."),
    "pool_size": Instrument("db_pool_size", "Connections that the library believes exist."),
    "pool_free_size": Instrument("db_pool_free_size", "Connections that the library calls idle."),
    "pool_used_size": Instrument(
        "db_pool_used_size", "Connections handed to a request and not given back, leaked ones included."
    ),
    "waiting_requests": Instrument("db_pool_waiting_requests", "Requests inside acquire."),
    "pool_connecting": Instrument("db_pool_connecting", "Connects to PostgreSQL under way."),
}
"""What is now, by the name of the same fact in `/pool/stats`."""

COUNTERS: Final[Mapping[str, Instrument]] = {
    "timed_out_total": Instrument(
        "db_pool_exhaustion",
        "Acquires that reached the acquire timeout, whatever the cause: an exhausted pool, one that still grows, "
        "or a database that does not answer.",
    ),
    "acquired_total": Instrument("db_pool_acquired", "Acquires that got a connection."),
    "released_total": Instrument("db_pool_released", "Connections given back."),
    "failed_total": Instrument(
        "db_pool_acquire_failed", "Acquires that failed or were cancelled before the acquire timeout."
    ),
    "leaked_total": Instrument("db_pool_leaked", "Connections that a request leaked on purpose."),
    "abandoned_total": Instrument(
        "db_pool_abandoned", "Connections that were still handed out when their old pool was closed."
    ),
    "waiter_seconds_total": Instrument("db_pool_waiter_seconds", "Integral over time of the requests inside acquire."),
    "used_seconds_total": Instrument("db_pool_used_seconds", "Integral over time of the connections handed out."),
}
"""What never falls, by the name of the same fact in `/pool/stats`."""

ACQUIRE: Final = Instrument(
    "db_pool_acquire_seconds", "How long an acquire lasted, whether it got a connection, timed out or failed."
)
HOLD: Final = Instrument(
    "db_query_duration_seconds",
    "How long a connection was held, from acquire to release. It is not the duration of a query.",
)
CONNECT: Final = Instrument("db_pool_connect_seconds", "How long a connect to PostgreSQL lasted, failed ones included.")
REQUESTS: Final = Instrument(
    "http_requests",
    "Answers by method, route and status. The route is unmatched for a path that the contract does not have.",
)
REQUEST: Final = Instrument(
    "http_request_duration_seconds",
    "From the arrival of a request in the service's own code to the head of its answer, errors included.",
)
HISTOGRAMS: Final = (ACQUIRE, HOLD, CONNECT)

LABELS: Final = ("service",)
HTTP_LABELS: Final = ("service", "method", "route", "status")

BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.0105, 0.0255, 0.0525, 0.075, 0.105, 0.155, 0.21, 0.31, 0.525, 0.75,
    1.05, 1.55, 2.1, 3.1, 5.25, 7.5, 10.5, 15.5, 31.0, 61.0,
)  # fmt: skip
"""Seconds, from one round trip on loopback to the longest acquire timeout; the SDK's defaults put every wait in one.

Most lie just above a round time: a hold of 100 ms lasts 100.3, and would else be told as anything up to the next bound.
"""

CONVENTIONAL: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    ("db_pool_used_size", "db_client_connection_count", {"state": "used"}),
    ("db_pool_free_size", "db_client_connection_count", {"state": "idle"}),
    ("db_pool_max_size", "db_client_connection_max", {}),
    ("db_pool_max_size", "db_client_connection_idle_max", {}),  # no library has a limit of its own for idle ones
    ("db_pool_min_size", "db_client_connection_idle_min", {}),
    ("db_pool_waiting_requests", "db_client_connection_pending_requests", {}),
    ("db_pool_exhaustion", "db_client_connection_timeouts", {}),
    ("db_pool_connect_seconds", "db_client_connection_create_time_seconds", {}),
    ("db_pool_acquire_seconds", "db_client_connection_wait_time_seconds", {}),
    ("db_query_duration_seconds", "db_client_connection_use_time_seconds", {}),
)
"""Ours, the semantic conventions' (db.client.connection.*, development status), and its extra labels."""

POOL_NAME: Final = "db_client_connection_pool_name"
"""The label that names the service under the semantic conventions."""
