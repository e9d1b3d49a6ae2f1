"""Checks that what `POST /admin/config` accepts is shown, and is in force."""

from typing import Any, Final, get_args

from bench.check import judge
from bench.check.client import together
from bench.check.experiments import held
from bench.check.judge_time import ms
from bench.check.shapes import problem_of
from bench.check.subject import PATIENT_S, Subject
from bench.check.verdicts import Failed, settle
from services.common import contract, models
from services.common.encoding import encode

PATCHES: Final[tuple[dict[str, Any], ...]] = (
    {"work_time_ms": 0},
    {"work_time_ms": 37},
    *({"work_kind": kind} for kind in get_args(contract.WorkKind)),
    {"work_kind": "sleep"},
    {"work_units": 12345},
    {"pool_acquire_timeout": 0.75},
    {"pool_acquire_timeout": 3},
    {"pool_min_size": 1, "pool_max_size": 2},
    {"pool_max_size": 3},
    {
        "work_time_ms": 20,
        "work_kind": "cpu",
        "work_units": 0,
        "pool_acquire_timeout": 1.5,
        "pool_min_size": 2,
    },
)
TRIES: Final = 3
FEW: Final = 2
SHORT_MS: Final = 20
LONG_MS: Final = 140
ACQUIRE_TIMEOUTS_S: Final = (0.05, 0.15)
UNITS: Final = 1_000_000
LEAST_BURN_S: Final = UNITS * 5e-9
"""PostgreSQL's own language needs more than 5 ns for an iteration, on any machine."""


async def round_trip(subject: Subject) -> str:
    """Each key can be set, alone and with others, and is shown by the POST, by the GET and in `/pool/stats`."""
    problems = []
    for patch in PATCHES:
        posted = await subject.configure(**patch)
        shown = (await subject.client.get(contract.CONFIG)).json()
        stats = await subject.stats()
        for name, value in patch.items():
            counted = stats[_IN_STATS[name]] if name in _IN_STATS else value
            if (posted.get(name), shown.get(name), counted) != (value, value, value):
                problems.append(
                    f"{name} set to {value}: POST says {posted.get(name)}, GET {shown.get(name)}, stats {counted}"
                )
        if posted["pool_min_size"] > posted["pool_max_size"]:
            problems.append(f"pool_min_size {posted['pool_min_size']} is above pool_max_size {posted['pool_max_size']}")
    return settle(problems, f"{len(PATCHES)} changes shown in POST, GET and stats")


async def any_content_type(subject: Subject) -> str:
    """The body is JSON whatever Content-Type says: `curl -d` says that it is a form."""
    problems = []
    kinds = ("application/x-www-form-urlencoded", "text/plain", None, contract.JSON)
    for value, kind in enumerate(kinds, 11):
        headers = {"Content-Type": kind} if kind else {}
        body = encode({"work_time_ms": value})
        answer = await subject.client.ask("POST", contract.CONFIG, body, headers)
        if problem := problem_of(answer, 200, models.Configuration):
            problems.append(f"{problem} with Content-Type {kind}")
        elif answer.json()["work_time_ms"] != value:
            problems.append(f"work_time_ms {value} with Content-Type {kind} was not taken")
    return settle(problems, f"{len(kinds)} content types")


async def settings_apply(subject: Subject) -> str:
    """A changed hold, size and acquire timeout are in force for the next request."""
    found = (await _hold(subject), await _size(subject), await _acquire_timeout(subject))
    return settle(
        [problem for problem in found if problem], "a new hold, size and acquire timeout are in force at once"
    )


async def work_kinds(subject: Subject) -> str:
    """All four kinds of work serve, hold no shorter than asked, and `cpu` lasts as long as its units take."""
    await subject.pool_of(FEW)
    problems, figures = [], []
    for kind in get_args(contract.WorkKind):
        await subject.configure(work_kind=kind, work_time_ms=SHORT_MS, work_units=1)
        for own in (None, SHORT_MS + 5):
            one = await subject.sample(contract.QUERY, own, asked_ms=SHORT_MS)
            if one.status != 200:
                problems.append(f"{kind}: {one}")
            elif one.asked_s is not None and one.work_s < one.asked_s:
                problems.append(f"{kind}: held {ms(one.work_s)} of {ms(one.asked_s)}")
        figures.append(f"{kind} {ms(one.work_s)}")
    idle_s, busy_s = await _units(subject)
    if busy_s < idle_s + LEAST_BURN_S:
        problems.append(f"cpu: {UNITS} units held {ms(busy_s)}, no unit held {ms(idle_s)}")
    return settle(problems, f"{', '.join(figures)}; {UNITS} units {ms(busy_s)}")


async def restored(subject: Subject) -> str:
    """The configuration that was found is in force again."""
    wanted = {name: value for name, value in subject.found.items() if name not in _NOT_SET}
    await subject.configure(**wanted)
    shown = (await subject.client.get(contract.CONFIG)).json()
    problems = [
        f"{name} is {shown.get(name)}, and was {value}"
        for name, value in subject.found.items()
        if shown.get(name) != value
    ]
    return settle(problems, f"{len(wanted)} settings as they were found")


_IN_STATS: Final = {
    "work_time_ms": "work_time_ms",
    "pool_acquire_timeout": "acquire_timeout",
    "pool_min_size": "pool_min_size",
    "pool_max_size": "pool_max_size",
}
_NOT_SET: Final = ("service", "workers", "threads", "tracing", "tuning")


async def _hold(subject: Subject) -> str | None:
    """A short hold is shorter than a long one, unless the machine is too busy to see it three times."""
    await subject.pool_of(FEW)
    for _ in range(TRIES):
        await subject.configure(work_time_ms=SHORT_MS)
        short = await subject.sample(contract.QUERY, asked_ms=SHORT_MS)
        await subject.configure(work_time_ms=LONG_MS)
        long = await subject.sample(contract.QUERY, asked_ms=LONG_MS)
        if long.work_s >= LONG_MS / 1000 > short.work_s:
            return None
    held_s = f"held {ms(short.work_s)} and {ms(long.work_s)}"
    return f"work_time_ms {SHORT_MS} and then {LONG_MS} were accepted, and requests {held_s}"


async def _size(subject: Subject) -> str | None:
    """No more hold than the new size allows, and a handler says so."""
    await subject.pool_of(FEW)
    most = subject.most(FEW)
    samples = await together(subject.sample(contract.QUERY, 60) for _ in range(most + 2))
    certain, average = judge.held_at_once(samples)
    if certain > most or average > most:
        return f"pool_max_size {FEW} was accepted, and {max(certain, round(average))} held at once"
    answer = await subject.client.get(f"{contract.QUERY}?hold_ms=0")
    if problem := problem_of(answer, 200, models.Served):
        return problem
    told = answer.json()["pool"]["max_size"]
    return None if told == FEW else f"pool_max_size {FEW} was accepted, and a handler says {told}"


async def _acquire_timeout(subject: Subject) -> str | None:
    """Of two waits for the same exhausted pool, the second has the longer acquire timeout, and the first ends before
    that.

    Where the holders were done too soon, or a wait was late, the machine is busy: three times is no accident.
    """
    first_s, second_s = ACQUIRE_TIMEOUTS_S
    for _ in range(TRIES):
        await subject.pool_of(FEW)
        waits = []
        async with held(subject, subject.most(FEW), round(2500 * sum(ACQUIRE_TIMEOUTS_S))):
            for acquire_timeout_s in ACQUIRE_TIMEOUTS_S:
                await subject.configure(pool_acquire_timeout=acquire_timeout_s)
                waits.append(await subject.sample(contract.QUERY, 0))
        await subject.configure(pool_acquire_timeout=PATIENT_S)
        if subject.shipped and any(one.status == 200 for one in waits):
            return None  # a library that fixes its timeout for good was given another pool, which is not exhausted
        if all(one.status == 503 for one in waits) and waits[0].seconds < second_s <= waits[1].seconds:
            return None
    ended = " and ".join(f"{ms(one.seconds)} ({one.status})" for one in waits)
    return f"pool_acquire_timeout {first_s:g} and then {second_s:g} were accepted, and waits ended after {ended}"


async def _units(subject: Subject) -> tuple[float, float]:
    """How long, in seconds, a hold of no units lasts, and one of UNITS; again while the machine hides it."""
    for _ in range(TRIES):
        held_s = []
        for units in (0, UNITS):
            await subject.configure(work_kind="cpu", work_time_ms=1, work_units=units)
            both = [await subject.sample(contract.QUERY, asked_ms=1) for _ in range(2)]
            if refused := next((one for one in both if one.status != 200), None):
                raise Failed(f"cpu with {units} units: {refused}")
            held_s.append(min(one.work_s for one in both))
        if held_s[0] + LEAST_BURN_S <= held_s[1]:
            break
    return held_s[0], held_s[1]
