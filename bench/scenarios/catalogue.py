"""Every scenario there is. Adding one adds an entry here, and no code."""

from typing import Final

from bench.scenarios.model import Freeze, KillBackends, Leak, ReleaseLeaks, Scenario
from services.common import contract
from services.common.contract import How
from services.workload.loads import Burst, Closed, Open, Sequential, Stage

FAILURE: Final = Burst(requests=100)
"""5 connections serve 55 of these in 10.5 holds; every fix meets the same."""

RAMP: Final = Closed(
    stages=(
        Stage(users=10, seconds=10),
        Stage(users=50, seconds=15),
        Stage(users=50, seconds=25),
        Stage(users=0, seconds=10),
    ),
    think_s=0.1,
)

STEADY: Final = Open(rate_per_s=2.5, seconds=60, arrivals="uniform")
"""Half of what five connections can do."""

STRUCK: Final = Open(rate_per_s=2.5, seconds=40, arrivals="uniform")
"""The same, for as long as an outage needs to come and to be over. One comes every 0.4 holds: an outage strikes, and
ends, in the middle between two, so that who is in it is no coin toss."""


def _steady(users: int, holds: float) -> Closed:
    """All users from the first moment to the last, and no thinking."""
    return Closed(stages=(Stage(users=users, seconds=0), Stage(users=users, seconds=holds)))


def _leak(how: How, question: str) -> Scenario:
    return Scenario(
        name=f"leak-{how}",
        family="leaks",
        question=question,
        load=STEADY,
        acquire_timeout=5.5,
        hold_ms=100,
        faults=(Leak(at=15, count=5, how=how), ReleaseLeaks(at=40)),
        primary="ok",
    )


def _all() -> tuple[Scenario, ...]:
    return (
        Scenario(
            name="floor",
            family="baseline",
            question="What does the framework alone cost, with no pool in the way?",
            load=Sequential(requests=100),
            path=contract.NOOP,
            primary="latency_ms_p50_served",
        ),
        Scenario(
            name="one",
            family="baseline",
            question="What does one request cost when no other wants a connection?",
            load=Sequential(requests=1),
            primary="latency_ms_p50_served",
        ),
        Scenario(
            name="five-in-sequence",
            family="baseline",
            question="Do five requests, one after another, wait at all?",
            load=Sequential(requests=5),
            primary="latency_ms_p50_served",
        ),
        Scenario(
            name="burst-10",
            family="exhaustion",
            question="10 requests at once on 5 connections: does the second batch wait exactly one hold?",
            load=Burst(requests=10),
            primary="latency_ms_p99_all",
        ),
        Scenario(
            name="burst-50",
            family="exhaustion",
            question="50 requests at once on 5 connections, acquire timeout 10 holds: is the last batch in time?",
            load=Burst(requests=50),
            acquire_timeout=10.0,
            primary="ok",
        ),
        Scenario(
            name="burst-timeout",
            family="exhaustion",
            question="100 requests at once on 5 connections, acquire timeout 10.5 holds: which are rejected, and when?",
            load=FAILURE,
            primary="ok",
            must_time_out=True,
        ),
        Scenario(
            name="burst-timeout-cpu",
            family="exhaustion",
            question="The same, and each hold keeps one core of the database busy: what does the pool protect?",
            load=FAILURE,
            work_kind="cpu",
            primary="ok",
            must_time_out=True,
        ),
        Scenario(
            name="ramp",
            family="exhaustion",
            question="Users come, stay and go (0→10→50→50→0): how long do requests wait at the top?",
            load=RAMP,
            acquire_timeout=10.0,
            primary="goodput_per_s",
        ),
        Scenario(
            name="poisson-09",
            family="overload",
            question="Random arrivals at 90 % of what the pool can serve: which wait while later ones are served?",
            load=Open(rate_per_s=4.5, seconds=100),
            primary="latency_ms_p99_all",
        ),
        Scenario(
            name="overload-12",
            family="overload",
            question="Random arrivals at 120 % of what the pool can serve: how many are rejected, and which?",
            load=Open(rate_per_s=6, seconds=60),
            acquire_timeout=4.5,
            primary="ok",
            must_time_out=True,
        ),
        Scenario(
            name="tight-loop",
            family="fairness",
            question="50 users who hold briefly and ask again at once: is every user served, and in order?",
            load=_steady(users=50, holds=40),
            hold=0.5,
            acquire_timeout=20.25,
            primary="longest_wait_ms",
        ),
        Scenario(
            name="tight-loop-long",
            family="fairness",
            question="100 users on 10 connections who ask again at once, for 650 holds: is a user starved?",
            load=_steady(users=100, holds=650),
            hold=0.5,
            pool_size=10,
            acquire_timeout=20.25,
            primary="longest_wait_ms",
        ),
        Scenario(
            name="tight-loop-long-managed",
            family="fairness",
            question="The same, and the library's context manager gives each connection back: does that change "
            "which request is next?",
            load=_steady(users=100, holds=650),
            hold=0.5,
            pool_size=10,
            acquire_timeout=20.25,
            path=contract.QUERY_PROPER,
            primary="longest_wait_ms",
        ),
        Scenario(
            name="several-short",
            family="fairness",
            question="5 short checkouts in one request, each at the end of the queue: how long is the longest wait?",
            load=_steady(users=40, holds=60),
            hold=0.2,
            path=f"{contract.SEVERAL}?times=5",
            primary="longest_wait_ms",
        ),
        Scenario(
            name="fix-shorter-hold",
            family="fixes",
            question="A hold a fifth as long: are all 100 served?",
            load=FAILURE,
            hold=0.2,
            answers="burst-timeout",
            primary="ok",
        ),
        Scenario(
            name="fix-larger-pool",
            family="fixes",
            question="20 connections that the application holds idle: are all 100 served?",
            load=FAILURE,
            pool_size=20,
            answers="burst-timeout",
            primary="ok",
        ),
        Scenario(
            name="fix-larger-pool-cpu",
            family="fixes",
            question="20 connections that all make the database work: does a larger pool still help?",
            load=FAILURE,
            pool_size=20,
            work_kind="cpu",
            answers="burst-timeout-cpu",
            primary="ok",
        ),
        _leak("kept", "5 connections leak, and their references are kept: what gives them back?"),
        _leak("dropped", "5 connections leak, and their references are lost: does the library notice?"),
        _leak("exception", "5 handlers fail before they release: does the exception's end give the connections back?"),
        Scenario(
            name="outage-killed",
            family="outage",
            question="Every connection is cut under load: how many requests fail, and when are there c again?",
            load=STRUCK,
            acquire_timeout=5.5,
            hold_ms=100,
            work_kind="query",
            faults=(KillBackends(at=10.5),),
            primary="ok",
        ),
        Scenario(
            name="outage-frozen",
            family="outage",
            question="The database stands still for 15 holds: which requests are rejected, and does all recover?",
            load=STRUCK,
            acquire_timeout=5.5,
            hold_ms=100,
            faults=(Freeze(at=10.2, holds=15),),
            primary="ok",
        ),
    )


SCENARIOS: Final[dict[str, Scenario]] = {scenario.name: scenario for scenario in _all()}
