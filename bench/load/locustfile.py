"""The lab's users for Locust's own face: the web UI, master and workers, `--headless`. `bench` does not use it.

    locust -f bench/load/locustfile.py --class-picker                                then http://localhost:8089
    locust -f bench/load/locustfile.py --headless -u 50 -r 10 -t 1m PsycopgFlask
    SHAPE=ramp locust -f bench/load/locustfile.py --headless --stop-timeout 15 AsyncpgFastapi

Settings: ASYNCPG_FASTAPI_URL and so on for each stack of the registry (the lab's ports on this machine; one that has to
be asked for has users only where its address is set), THINK_S (0.1),
HOLD_MS (by default each service's own), SHAPE (`ramp`, or nothing: as many users as are asked for; the page of
`--class-picker` lets you choose), STAGE_S (5: the stages of the ramp take 2, 3, 5 and 2 of these), STACKS_FROM (a
directory with stacks of your own, as for `bench run`). A 503 is a failure by its name in Locust's statistics.

Needs nothing but Locust, the standard library and what here imports no more than that.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import gevent
from locust import LoadTestShape, User, task
from locust.env import Environment
from locust.user.task import LOCUST_STATE_STOPPING

from bench.load.transport import Answer, Client
from bench.scenarios.catalogue import RAMP
from services.common import contract
from services.stacks import STACKS, Stack
from services.stacks_from import StackError, load
from services.workload.arrivals import users_at
from services.workload.loads import stages_s
from services.workload.samples import SampleError

GIVE_UP_S = 60.0


def _number(name: str, default: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        return float(text)
    except ValueError:
        sys.exit(f"{name} must be a number, not {text!r}")


def _url(stack: Stack) -> str:
    base = int(_number("BASE_PORT", 0))
    port = base + list(STACKS).index(stack.name) if base else stack.port
    return os.environ.get(f"{stack.name.upper()}_URL") or f"http://127.0.0.1:{port}"


HOLD_MS = os.environ.get("HOLD_MS")
PATH = f"{contract.QUERY}?hold_ms={HOLD_MS}" if HOLD_MS else contract.QUERY
SHAPE = os.environ.get("SHAPE", "")
if SHAPE not in ("", "ramp"):
    sys.exit(f"SHAPE can be ramp, or be left out; not {SHAPE!r}")
THINK_S = _number("THINK_S", RAMP.think_s)
STAGE_S = _number("STAGE_S", 5)
STAGES = tuple(replace(stage, seconds=stage.seconds * STAGE_S / 5) for stage in RAMP.stages)


class Failed(Exception):
    """What the web UI lists under failures: the status, and what the service says is the matter."""

    def __repr__(self) -> str:
        return str(self)


class LabUser(User):
    """Asks for a connection, thinks, and asks again."""

    abstract = True
    service: str

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        assert self.host is not None, "each class below has one"
        # Not FastHttpUser: its library asks again by itself where a server closes without an answer.
        self.client = Client(self.host)
        self._request = self.client.request(PATH)

    @task
    def ask_and_think(self) -> None:
        # Not Locust's wait_time: whom it stops while they think, it may cut off in a request that they have just begun.
        while self._state != LOCUST_STATE_STOPPING:
            self.ask()
            gevent.sleep(THINK_S)

    def ask(self) -> None:
        """One request, and its line in the statistics."""
        began, clock = time.time(), time.perf_counter()
        answer = self.client.exchange(self._request, GIVE_UP_S)
        self.environment.events.request.fire(
            request_type="GET",
            name=f"{self.service} {contract.QUERY}",
            start_time=began,
            response_time=(time.perf_counter() - clock) * 1e3,
            response_length=len(answer.body),
            exception=_failure(answer),
            response=None,
            context={},
        )

    def on_stop(self) -> None:
        self.client.close()


def _failure(answer: Answer) -> Failed | None:
    error = answer.kind()
    if error is SampleError.none:
        return None
    if answer.status == 0:
        return Failed(f"no answer: {error.name}")
    return Failed(str(answer.status) if error is SampleError.other else f"{answer.status} {error.name}")


def _asked_for(stack: Stack) -> bool:
    """The usual ones, and those whose address is said."""
    return not stack.more or f"{stack.name.upper()}_URL" in os.environ


def _users(stack: Stack) -> type[LabUser]:
    """The users of one stack: asyncpg_fastapi's are called AsyncpgFastapi."""
    name = stack.name.title().replace("_", "")
    return type(name, (LabUser,), {"service": stack.name, "host": _url(stack), "__module__": __name__})


if stacks_from := os.environ.get("STACKS_FROM"):
    try:
        load(Path(stacks_from))
    except StackError as error:
        sys.exit(f"STACKS_FROM: {error}")
globals().update({users.__name__: users for users in map(_users, filter(_asked_for, STACKS.values()))})


class Ramp(LoadTestShape):
    """0→10→50→50→0 users, as in the scenario `ramp`."""

    # Locust plays any shape that it sees, and then asks for no number of users; only the picker's page offers both.
    abstract = SHAPE != "ramp" and "--class-picker" not in sys.argv and "LOCUST_USERCLASS_PICKER" not in os.environ

    def tick(self) -> tuple[int, float] | None:
        now: float = self.get_run_time()  # type: ignore[no-untyped-call]
        if now >= stages_s(STAGES):
            return None
        users = max(1, users_at(STAGES, now))
        return users, float(users)
