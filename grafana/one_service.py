"""One service in detail: what its pool did, what its own books say, and what became of the requests."""

from typing import Final

from grafana import queries
from grafana.looks import (
    ANY_WAITING,
    CPU,
    FULL,
    IN_TRANSACTION,
    LOST,
    NEAR_THE_LIMIT,
    NO_EXPORTER,
    NO_REQUESTS,
    WAIT,
)
from grafana.panels import Row, Value, alerts, dashboard, marks, numbers, over_time, share, variable
from grafana.sdk import dashboard as model

SERVICE: Final = "$service"
HEIGHT: Final = 8


def build() -> model.Dashboard:
    return dashboard(
        uid="pool-one-service",
        title="One pool, in detail",
        description="One service: its pool, how acquires end, what is lost, and what the clients get.",
        rows=[
            Row(None, _now()),
            Row("The pool", _pool(), HEIGHT),
            Row("Acquiring a connection", _acquires(), HEIGHT),
            Row("Having, losing and making connections", _connections(), HEIGHT),
            Row("The requests", _requests(), HEIGHT),
            Row("The database and the process", _surroundings(), HEIGHT),
        ],
        annotations=[marks(SERVICE), alerts(SERVICE)],
        variables=[variable("service", "Service", "label_values(db_pool_max_size, service)")],
    )


def _now() -> tuple[model.Panel, ...]:
    (waiting,), (mean_waiting,) = queries.waiting(SERVICE), queries.mean_waiting(SERVICE)
    little, _ = queries.mean_wait(SERVICE)
    (served,) = queries.served(SERVICE)
    return (
        share(
            "How full is the pool?",
            "Handed out, of what the pool may have, at the last scrape. Red is full: the next request waits, unless "
            "some were leaked and the library has replaced them, as SQLAlchemy does with dropped ones. Then “free” "
            "below is above 0.",
            queries.utilisation(SERVICE),
            limits=FULL,
        ),
        numbers(
            "How many wait now?",
            "Handlers that have asked for a connection and have none, at the last scrape.",
            [Value(waiting, "short", limits=ANY_WAITING)],
        ),
        numbers(
            "How long is the queue?",
            "L, its mean length over the last 20 s, from the integral of the waiting handlers: it misses nothing "
            "between two scrapes.",
            [Value(mean_waiting, "short", limits=ANY_WAITING)],
            decimals=2,
        ),
        numbers(
            "How long is a wait?",
            "W = L ÷ λ by Little's law, over the last 20 s: the mean wait of those that came to an end, if as many "
            "begin as end.",
            [Value(little, "s", limits=WAIT)],
            empty=NO_REQUESTS,
        ),
        numbers(
            "How many are served now?",
            "200s per second on the paths that take a connection, over the last 20 s.",
            [Value(served, "reqps")],
        ),
        share(
            "How full is PostgreSQL?",
            "Client backends of all applications, of max_connections. At the limit no client gets a new connection, "
            "whatever the pools say.",
            queries.server(),
            limits=NEAR_THE_LIMIT,
            empty=NO_EXPORTER,
        ),
    )


def _pool() -> tuple[model.Panel, ...]:
    return (
        over_time(
            "Is the pool full?",
            "“used” is counted by the service, “free” and “size” are said by the library, “connecting” are connects "
            "under way. “used” at “max” and “free” at 0 mean that the next request has to wait. used + free = size is "
            "not promised: where they differ for long, a connection was lost, or dropped by a handler and replaced by "
            "the library.",
            "short",
            queries.connections_in_detail(SERVICE),
        ),
        over_time(
            "How many requests wait for a connection?",
            "“waiting” is the number at each scrape; the mean comes from its integral, and so knows of queues that "
            "came and went between two scrapes. From the dashed line on, requests wait.",
            "short",
            (*queries.waiting(SERVICE), *queries.mean_waiting(SERVICE)),
            limits=ANY_WAITING,
        ),
        over_time(
            "How many connections are busy on average?",
            "The integral of the used connections, by time. At “max” the pool does all it can: more requests only "
            "make the queue longer. Leaked connections count as used.",
            "short",
            queries.mean_used(SERVICE),
        ),
    )


def _acquires() -> tuple[model.Panel, ...]:
    return (
        over_time(
            "How long until a request has its connection?",
            "From asking to having, or giving up: timeouts are in it, at the acquire timeout. The mean is "
            "exact; quantiles are estimated between two bucket bounds, and so may stand above the longest wait there "
            "was. A dot is a traced request, and leads to its trace. The dashed lines are at 0.1 s, which a user "
            "notices, and at 1 s, which is long.",
            "s",
            queries.acquire(SERVICE),
            limits=WAIT,
            empty=NO_REQUESTS,
        ),
        over_time(
            "Does Little's law hold?",
            "The mean wait, made twice: from the length of the queue (L ÷ λ), and from the waits that ended. They "
            "agree while the queue is steady; L ÷ λ is ahead while it grows, and behind while it drains. The dashed "
            "lines are those of the panel before.",
            "s",
            queries.mean_wait(SERVICE),
            limits=WAIT,
            empty=NO_REQUESTS,
        ),
        over_time(
            "How do acquires end?",
            "Per second: with a connection, without one because the acquire timeout was over, or failed otherwise "
            "(a dead database, a cancelled request). What still waits is in none of them. "
            "“timed out” above the dashed line, which is at 0, is lost work.",
            "ops",
            queries.outcomes(SERVICE),
            limits=LOST,
        ),
    )


def _connections() -> tuple[model.Panel, ...]:
    return (
        over_time(
            "How long is a connection held?",
            "From having it to giving it back, the release itself not included. The mean is exact; quantiles are "
            "estimated between two bucket bounds. What was leaked is in it once it is given back, and not before.",
            "s",
            queries.hold(SERVICE),
            empty=NO_REQUESTS,
        ),
        over_time(
            "What was leaked or abandoned?",
            "Counted since the service started: “leaked” by a handler that did not give it back, “abandoned” by an old "
            "pool that was closed without it. What was leaked may have come back since: “used” says so. At the dashed "
            "line there is a bug.",
            "short",
            queries.lost(SERVICE),
            limits=((1, "red"),),
        ),
        over_time(
            "How many connections are made?",
            "Connects to PostgreSQL per second, failed ones included. In a pool that is warm there are none; a steady "
            "stream means that connections are thrown away.",
            "ops",
            queries.connects(SERVICE),
        ),
        over_time(
            "How long does a connect take?",
            "One connect to PostgreSQL, failed or not. Where the pool grows on demand, an acquire waits for it, and so "
            "the dashed lines are those of the acquire.",
            "s",
            queries.connect(SERVICE),
            limits=WAIT,
            empty="no connects in this window",
        ),
    )


def _requests() -> tuple[model.Panel, ...]:
    return (
        over_time(
            "How many are served?",
            "200s per second on the paths that take a connection, and answers of any kind; the gap between the two is "
            "rejected and failed requests.",
            "reqps",
            queries.answers(SERVICE),
        ),
        over_time(
            "Which answers do clients get?",
            "Answers per second by status, on the paths that take a connection. 503 is no connection in time, or a "
            "database that does not answer; its body says which. Above the dashed line, at 0, it is lost work.",
            "reqps",
            queries.statuses(SERVICE),
            limits=LOST,
        ),
        over_time(
            "How long does a request take?",
            "From the framework to the head of the answer, failures included. The mean is exact; quantiles are "
            "estimated between two bucket bounds. The queue in front of the framework is not in it.",
            "s",
            queries.latency(SERVICE),
            empty=NO_REQUESTS,
        ),
    )


def _surroundings() -> tuple[model.Panel, ...]:
    return (
        over_time(
            "What does PostgreSQL see?",
            "Server processes under this service's name, by what they do at the scrape. A connection that is held "
            "without a statement is “idle” here and “used” in the pool. From the dashed line on, “idle in transaction” "
            "is at least one that holds its locks for nothing.",
            "short",
            queries.backends(SERVICE),
            limits=IN_TRANSACTION,
            empty=NO_EXPORTER,
        ),
        over_time(
            "What does it cost in CPU?",
            "Of one core, by the process that answers /metrics: uvicorn itself, or gunicorn's worker and not its "
            "arbiter. From the dashed line on, the waiting is about the processor.",
            "percentunit",
            queries.cpu(SERVICE),
            limits=CPU,
        ),
        over_time(
            "What does it cost in memory?",
            "Resident, of the process that answers /metrics. Interpreter and framework are most of it.",
            "bytes",
            queries.memory(SERVICE),
        ),
    )
