"""The pool of any service that follows OpenTelemetry's semantic conventions, ours among them."""

from typing import Final

from grafana import queries
from grafana.looks import ANY_WAITING, FULL, LOST, NO_REQUESTS, WAIT
from grafana.panels import Row, Value, dashboard, marks, numbers, over_time, share, variable
from grafana.sdk import dashboard as model

POOLS: Final = "db_client_connection_max"
"""The one metric that a service must have to be found here."""
NOT_REPORTED: Final = "not reported, or service away"
HEIGHT: Final = 8


def build() -> model.Dashboard:
    return dashboard(
        uid="pool-any-service",
        title="The pool of any service",
        description=(
            "Reads nothing but db.client.connection.* of OpenTelemetry's semantic conventions (development status), "
            "and so fits any service that has them. Several instances of a pool are added up."
        ),
        rows=[
            Row(None, _now()),
            Row("The pool", _pool(), HEIGHT),
            Row("Waiting for a connection", _waits(), HEIGHT),
            Row("Having and making connections", _connections(), HEIGHT),
        ],
        annotations=[marks("$pool")],
        variables=[
            variable("job", "Job", f"label_values({POOLS}, job)"),
            variable("pool", "Pool", f'label_values({POOLS}{{job="$job"}}, db_client_connection_pool_name)'),
        ],
    )


def _now() -> tuple[model.Panel, ...]:
    (waiting,), (asked, timeouts) = queries.any_waiting(), queries.any_outcomes()
    mean_wait, *_ = queries.any_wait()
    mean_used, _ = queries.any_mean_used()
    return (
        share(
            "How full is the pool?",
            "In use, of what the pool may have, at the last scrape. Red is full: the next request waits, unless some "
            "were leaked and the library has replaced them. Then “idle” below is above 0.",
            queries.any_utilisation(),
            limits=FULL,
            empty=NOT_REPORTED,
        ),
        numbers(
            "How many wait now?",
            "Requests for a connection that are not answered yet, at the last scrape.",
            [Value(waiting, "short", limits=ANY_WAITING)],
            empty=NOT_REPORTED,
        ),
        numbers(
            "How long is a wait?",
            "The mean of the waits that ended, over a few scrapes.",
            [Value(mean_wait, "s", limits=WAIT)],
            empty=NO_REQUESTS,
        ),
        numbers(
            "How many are busy on average?",
            "Connections, by the time for which those that were given back had been used (Little's law). A pool of "
            "that size would just do, if requests came evenly.",
            [Value(mean_used, "short")],
            decimals=2,
            empty=NOT_REPORTED,
        ),
        numbers(
            "How many are asked for?",
            "Waits for a connection that ended, per second.",
            [Value(asked, "ops")],
            empty=NOT_REPORTED,
        ),
        numbers(
            "How many give up?",
            "Waits per second that ended without a connection because the acquire timeout was over.",
            [Value(timeouts, "ops", limits=LOST)],
            empty=NOT_REPORTED,
        ),
    )


def _pool() -> tuple[model.Panel, ...]:
    return (
        over_time(
            "Is the pool full?",
            "“used” at “max” and “idle” at 0 mean that the next request has to wait. Where a service counts what was "
            "given back, leaks are in “used” even if the library has replaced them: then it may stand above “max”, and "
            "no request waits. What a library does not report is missing here, and is not 0.",
            "short",
            queries.any_connections(),
            empty=NOT_REPORTED,
        ),
        over_time(
            "How many requests wait for a connection?",
            "“waiting” is the number at each scrape; the mean is made of the waits that ended (Little's law), and so "
            "comes late for those that are long. From the dashed line on, requests wait.",
            "short",
            (*queries.any_waiting(), *queries.any_mean_waiting()),
            limits=ANY_WAITING,
            empty=NOT_REPORTED,
        ),
        over_time(
            "How many connections would do?",
            "Busy on average, by the time for which connections that were given back had been used (Little's law). "
            "Far below “max” the pool is larger than it needs to be, or the load comes in bursts; at “max” it does all "
            "it can.",
            "short",
            queries.any_mean_used(),
            empty=NOT_REPORTED,
        ),
    )


def _waits() -> tuple[model.Panel, ...]:
    return (
        over_time(
            "How long until a request has its connection?",
            "The library's own histogram: whether timeouts are in it is not said by the convention. The mean is exact; "
            "quantiles are estimated between two bucket bounds, and worthless where the buckets are too coarse. A dot "
            "is a traced request, and leads to its trace. The dashed lines are at 0.1 s, which a user notices, and at "
            "1 s, which is long.",
            "s",
            queries.any_wait(),
            limits=WAIT,
            empty=NO_REQUESTS,
        ),
        over_time(
            "How do waits end?",
            "Waits that ended, per second, and those of them that timed out. What still waits is in neither. “timed "
            "out” above the dashed line, which is at 0, is lost work.",
            "ops",
            queries.any_outcomes(),
            limits=LOST,
            empty=NOT_REPORTED,
        ),
    )


def _connections() -> tuple[model.Panel, ...]:
    return (
        over_time(
            "How long is a connection used?",
            "From having it to giving it back. What is never given back never ends, and so is not in it.",
            "s",
            queries.any_use(),
            empty=NO_REQUESTS,
        ),
        over_time(
            "How long does a connect take?",
            "One connect to the database. Where the pool grows on demand, a request waits for it, and so the dashed "
            "lines are those of the wait.",
            "s",
            queries.any_create(),
            limits=WAIT,
            empty="no connects in this window",
        ),
        over_time(
            "How many connections are made?",
            "Connects per second. In a pool that is warm there are none; a steady stream means that connections are "
            "thrown away.",
            "ops",
            queries.any_connects(),
            empty=NOT_REPORTED,
        ),
    )
