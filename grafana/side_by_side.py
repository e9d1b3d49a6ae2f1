"""The stacks side by side: a column for each service, a row for each question."""

from collections.abc import Callable
from dataclasses import dataclass

from grafana import queries
from grafana.looks import (
    ANY_WAITING,
    CPU,
    IN_TRANSACTION,
    LOST,
    NO_DATA,
    NO_EXPORTER,
    NO_REQUESTS,
    WAIT,
    Limits,
)
from grafana.panels import Row, Value, alerts, dashboard, marks, numbers, over_time, variable
from grafana.queries import Queries
from grafana.sdk import dashboard as model
from services.stacks import Stack, usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One row: what is asked, what its panels show, what they say and what not."""

    text: str
    fact: str
    unit: str
    queries: Callable[[str], Queries]
    description: str
    limits: Limits = ()
    empty: str = NO_DATA


QUESTIONS = (
    Question(
        text="Is the pool full?",
        fact="connections",
        unit="short",
        queries=queries.connections,
        description=(
            "“used” at “max” and “free” at 0 mean that the next request has to wait. “used” is counted by the service, "
            "leaks included; “free” is what the library says. They need not add up to “max”: a pool grows, a lost "
            "connection is in neither, and SQLAlchemy replaces one that a handler dropped: “used” still counts it, may "
            "stand above “max”, and no request waits. Looked at every 5 s: what is shorter stays unseen."
        ),
    ),
    Question(
        text="How many requests wait for a connection?",
        fact="waiting requests",
        unit="short",
        queries=queries.waiting,
        limits=ANY_WAITING,
        description=(
            "Handlers that have asked for a connection and have none, at the moment of each scrape. From the dashed "
            "line on, requests wait. It does not say how long, nor which wait in front of the framework."
        ),
    ),
    Question(
        text="How long until a request has its connection?",
        fact="acquire",
        unit="s",
        queries=queries.acquire,
        limits=WAIT,
        empty=NO_REQUESTS,
        description=(
            "From asking to having, or giving up: timeouts are in it, at the acquire timeout. The mean is "
            "exact; quantiles are estimated between two bucket bounds, and so may stand above the longest wait there "
            "was. A dot is a traced request, and leads to its trace. The dashed lines are at 0.1 s, which a user "
            "notices, and at 1 s, which is long."
        ),
    ),
    Question(
        text="How many give up?",
        fact="timeouts per second",
        unit="ops",
        queries=queries.timeouts,
        limits=LOST,
        description=(
            "Acquires that ended without a connection because the acquire timeout was over; each is a 503. Above the "
            "dashed line, which is at 0, it is lost work. Acquires that failed otherwise, as with a dead database, are "
            "not in it."
        ),
    ),
    Question(
        text="How many are served?",
        fact="goodput",
        unit="reqps",
        queries=queries.answers,
        description=(
            "200s per second on the paths that take a connection, and answers of any kind; the gap between the two is "
            "rejected and failed requests. c connections held for h seconds serve at most c ÷ h: the pool is busy "
            "there, not slow."
        ),
    ),
    Question(
        text="How long does a request take?",
        fact="latency",
        unit="s",
        queries=queries.latency,
        empty=NO_REQUESTS,
        description=(
            "From the framework to the head of the answer, failures included, on the paths that take a connection. "
            "Acquire and hold are in it; the queue in front of the framework, which only the client sees, is not. The "
            "mean is exact; quantiles are estimated between two bucket bounds."
        ),
    ),
    Question(
        text="What does PostgreSQL see?",
        fact="backends",
        unit="short",
        queries=queries.backends,
        limits=IN_TRANSACTION,
        empty=NO_EXPORTER,
        description=(
            "Server processes under this service's name, by what they do at the scrape. A connection that the "
            "application holds without a statement is “idle” here and “used” in the first row. Backends that stay away "
            "while the pool says “used” are connections that it lost. From the dashed line on, “idle in transaction” "
            "is at least one that holds its locks for nothing."
        ),
    ),
    Question(
        text="What does it cost in CPU?",
        fact="CPU, of one core",
        unit="percentunit",
        queries=queries.cpu,
        limits=CPU,
        description=(
            "Of the process that answers /metrics: uvicorn itself, or gunicorn's worker and not its arbiter. From the "
            "dashed line on, the waiting is about the processor and no longer about the pool."
        ),
    ),
    Question(
        text="What does it cost in memory?",
        fact="resident memory",
        unit="bytes",
        queries=queries.memory,
        description=(
            "Of the process that answers /metrics: uvicorn itself, or gunicorn's worker and not its arbiter. "
            "Interpreter and framework are most of it; the pool hardly shows."
        ),
    ),
)


MORE = "more"
"""The variable of the services that have no column."""
BESIDE = 3
"""So many panels stand beside each other in the rows of such a service."""


def build() -> model.Dashboard:
    board = dashboard(
        uid="pools-side-by-side",
        title="Connection pools, side by side",
        description=(
            "One column is one stack: pool, driver, framework, server and concurrency model differ at once. The dashed "
            "grey line is the highest of all, so that each row has one scale. Any other service that is there has rows "
            "of its own below."
        ),
        rows=[Row(None, tuple(map(_now, usual()))), *(_row(question) for question in QUESTIONS), *_others()],
        variables=[
            variable(
                MORE,
                "More stacks",
                "label_values(db_pool_max_size, service)",
                several=True,
                regex=f"/^(?!(?:{'|'.join(stack.name for stack in usual())})$).+/",
            )
        ],
    )
    # What was done to one service, and what Prometheus says of it, is marked in its own column.
    board.annotations = model.AnnotationContainer(
        [
            mark
            for stack in usual()
            for mark in (
                marks(stack.name, f"bench runs, {stack.label}", _column(board, stack.label)),
                alerts(stack.name, f"alerts, {stack.label}", _column(board, stack.label)),
            )
        ]
    )
    return board


def _column(board: model.Dashboard, label: str) -> list[int]:
    """The numbers of the panels that show the stack of this label."""
    named = ((panel.title or "", panel.id_val) for panel in board.panels or ())
    return [number for title, number in named if number is not None and title.split(":")[0] == label]


def _row(question: Question) -> Row:
    return Row(
        question.text,
        tuple(_panel(question, f"{stack.label}: {question.fact}", stack.name) for stack in usual()),
    )


def _others() -> list[Row]:
    """A heading for each service that has no column, and under it all questions."""
    panels = [_panel(question, f"${MORE}: {question.fact}", f"${MORE}") for question in QUESTIONS]
    lines = [tuple(panels[nth : nth + BESIDE]) for nth in range(0, len(panels), BESIDE)]
    return [Row(None if nth else f"${MORE}", line, each="" if nth else MORE) for nth, line in enumerate(lines)]


def _panel(question: Question, title: str, service: str) -> model.Panel:
    return over_time(
        title=title,
        description=question.description,
        unit=question.unit,
        queries=(*question.queries(service), queries.highest(question.queries)),
        limits=question.limits,
        empty=question.empty,
    )


def _now(stack: Stack) -> model.Panel:
    """The head of a column: its stack's name, and how it fares."""
    used, _, most = queries.connections(stack.name)
    (waiting,) = queries.waiting(stack.name)
    (served,) = queries.served(stack.name)
    (timeouts,) = queries.timeouts(stack.name)
    return numbers(
        title=stack.label,
        description=f"{stack.text}. The state at the last scrape, and the rates of the last 20 s.",
        values=(
            Value(used, "short"),
            Value(most, "short"),
            Value(waiting, "short", limits=ANY_WAITING),
            Value(served, "reqps"),
            Value(timeouts, "ops", limits=LOST),
        ),
    )
