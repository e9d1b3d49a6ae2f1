"""The service under test, asked in the contract's terms: its configuration, its counts, samples of its answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, Final, TypeVar

from bench.check.bodies import mismatch
from bench.check.client import Answer, Client, NoAnswer
from bench.check.exposition import Exposition, parse
from bench.check.judge import Poll, Sample
from bench.check.verdicts import Failed
from bench.errors import UserError
from services.common import contract, models
from services.common.encoding import encode
from services.stacks import leaks_beside, shipped_overflow

PATIENT_S: Final = 6.0
"""An acquire timeout that no check is meant to reach."""
QUIET_S: Final = 2.0
"""After this long no hold that a check asks for goes on."""
DRAINED_S: Final = 6.0
"""An old pool from which connections were leaked is closed by force after acquire timeout, hold and 5 s."""
POLL_EVERY_S: Final = 0.005

Stats = dict[str, Any]
T = TypeVar("T")


class Subject:
    """One service; `size` is the pool that the checks work with, unlike the one that they found."""

    def __init__(self, client: Client, found: dict[str, Any], metrics: Exposition) -> None:
        self.client = client
        self.found = found
        self.first_metrics = metrics
        self.service = str(found["service"])
        self.workers = int(found["workers"])
        self.size = 5 if found["pool_max_size"] == 4 else 4
        self.shipped = found["tuning"] == "as_shipped"
        self.overflow = shipped_overflow(self.service) if self.shipped else 0
        self.beside = f" ({text})" if (text := leaks_beside(self.service)) else ""
        """What its leaks are, where the contract's clause is kept by another connection than handlers use."""
        self.seen: dict[str, Any] = {}
        """What experiments have shown; each is made once, and judged by several checks."""

    @classmethod
    async def meet(cls, client: Client) -> "Subject":
        """Reads what is there before anything is done; raises UserError where nothing answers."""
        try:
            found, metrics = await client.get(contract.CONFIG), await client.get(contract.METRICS)
        except NoAnswer as error:
            raise UserError(f"{error}: start the service, or correct the address") from error
        config = found.json()
        if found.status != 200 or mismatch(config, models.Configuration):
            what = mismatch(config, models.Configuration) or f"it answers {found.status}"
            raise UserError(f"no service of this contract answers there: GET {contract.CONFIG}: {what}")
        try:
            series = exposition(metrics)
        except Failed:  # a check of its own says so
            series = Exposition(())
        return cls(client, config, series)

    def most(self, size: int) -> int:
        """The most connections that a pool of `size` may hand out."""
        return size + self.overflow

    async def stats(self) -> Stats:
        answer = await self.client.get(contract.STATS)
        body = answer.json()
        if problem := mismatch(body, models.Stats):
            raise Failed(f"GET {contract.STATS}: {problem}")
        return dict(body)

    async def metrics(self) -> Exposition:
        return exposition(await self.client.get(contract.METRICS))

    async def post(self, path: str, body: bytes | None = None) -> Answer:
        return await self.client.ask("POST", path, body if body is not None else b"")

    async def configure(self, **patch: Any) -> dict[str, Any]:
        """Puts a configuration in force; raises Failed where it is refused."""
        answer = await self.post(contract.CONFIG, encode(patch))
        if answer.status != 200:
            raise Failed(f"POST {contract.CONFIG} {encode(patch).decode()} → {answer.status}: {cause(answer)}")
        if problem := mismatch(answer.json(), models.Configuration):
            raise Failed(f"{answer}: {problem}")
        return dict(answer.json())

    async def pool_of(self, size: int, *, timeout_s: float = PATIENT_S, hold_ms: int = 60) -> Stats:
        """A warm pool of exactly `size` that sleeps; returns its counts at rest."""
        await self.configure(
            pool_min_size=size,
            pool_max_size=size,
            pool_acquire_timeout=timeout_s,
            work_time_ms=hold_ms,
            work_kind="sleep",
        )
        return await self.at_rest()

    async def at_rest(self, used: int = 0) -> Stats:
        """The counts when no request waits, `used` are handed out and no old pool drains, or when that does not
        come."""
        now = await self.until(lambda now: _rests(now, used), QUIET_S)
        return await self.until(lambda now: _rests(now, used), DRAINED_S) if "draining" in now else now

    async def until(self, seen: Callable[[Stats], bool], most_s: float) -> Stats:
        """Looks until `seen`, `most_s` seconds at most; returns the last look."""
        deadline = monotonic() + most_s
        while not seen(stats := await self.stats()) and monotonic() < deadline:  # noqa: ASYNC110 - it sends no event
            await asyncio.sleep(POLL_EVERY_S)
        return stats

    async def poll(self) -> Poll:
        sent = monotonic()
        stats = await self.stats()
        return Poll(sent, monotonic(), stats["pool_used_size"], stats["waiting_requests"])

    async def sample(self, path: str, hold_ms: int | None = None, *, asked_ms: int | None = None) -> Sample:
        """One request to `/api/`; `hold_ms` is sent, `asked_ms` is what the configuration asks for."""
        target = path if hold_ms is None else f"{path}?hold_ms={hold_ms}"
        asked = asked_ms if hold_ms is None else hold_ms
        return to_sample(await self.client.get(target), None if asked is None else asked / 1000)

    async def once(self, name: str, experiment: Callable[["Subject"], Awaitable[T]]) -> T:
        """The outcome of an experiment that several checks judge; one that failed fails them all."""
        if name not in self.seen:
            try:
                self.seen[name] = await experiment(self)
            except (Failed, NoAnswer) as error:
                self.seen[name] = error
        outcome = self.seen[name]
        if isinstance(outcome, Failed | NoAnswer):
            raise outcome
        return outcome  # type: ignore[no-any-return] # only what `experiment` gave stands under its name


def to_sample(answer: Answer, asked_s: float | None = None) -> Sample:
    """What a client keeps of one answer; times that are missing stay 0, and another check names that."""
    body = answer.json()
    detail = body.get("detail") if isinstance(body, dict) else None
    refused: Mapping[str, Any] = detail if answer.status == 503 and isinstance(detail, dict) else {}
    told = answer.server_timing() or {}
    waited = refused.get("waited_seconds")
    acquire_s = waited if isinstance(waited, int | float) else told.get("acquire", 0.0) / 1000
    return Sample(
        path=answer.path,
        status=answer.status,
        sent=answer.sent,
        received=answer.received,
        acquire_s=float(acquire_s),
        work_s=told.get("work", 0.0) / 1000,
        release_s=told.get("release", 0.0) / 1000,
        app_s=told.get("app", 0.0) / 1000,
        asked_s=asked_s,
        error=refused.get("error"),
    )


def _rests(now: Stats, used: int) -> bool:
    still = not now["waiting_requests"] and not now["pool_connecting"] and "draining" not in now
    return still and bool(now["pool_used_size"] <= used)


def cause(answer: Answer) -> str:
    """What an error says, in one line."""
    body = answer.json()
    detail = body.get("detail") if isinstance(body, dict) else None
    return str(detail.get("cause") if isinstance(detail, dict) else body)[:120]


def rise(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, float]:
    """after minus before of every count, total and integral of `/pool/stats`."""
    names = (name for name in after if name.endswith("_total") or name in ("pool_used_size", "waiting_requests"))
    return {name: after[name] - before[name] for name in names}


def exposition(answer: Answer) -> Exposition:
    """What `/metrics` said. Reading it takes milliseconds in which this client hears no other."""
    try:
        return parse(answer.body.decode())
    except ValueError as error:
        raise Failed(f"GET {contract.METRICS}: {error}") from error
