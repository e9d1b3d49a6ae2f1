"""A service that keeps the contract without any database, and breaks it in one way where a test asks for it."""

import asyncio
from collections import Counter
from dataclasses import asdict, replace
from time import monotonic

from services.common import contract
from services.common.contract import BadRequest, PoolView, Timing
from services.common.encoding import encode
from services.common.metrics import Metrics, PoolStats
from services.common.openapi import DOCUMENT
from services.common.settings import Config, SettingsError
from tests.bench.check.fake_http import Reply, Request
from tests.bench.check.fake_pool import Aborted, Defect, FakePool, Lease, Refused, hold

SERVICE = "fake"
PATIENT_S = 60.0


class LeakedOnPurpose(Exception):
    pass


class FakeService:
    def __init__(self, *defects: Defect, workers: int = 1) -> None:
        self.defects = frozenset(defects)
        self.workers = workers
        self._asked: Counter[Defect] = Counter()
        self.metrics = Metrics(SERVICE)
        self.shown = Config()
        self.pool = FakePool(self.shown, self.defects)

    async def __call__(self, request: Request) -> Reply:
        """One request: refused, or answered; counted and timed either way."""
        began, timing = monotonic(), Timing()
        more: dict[str, str] = {}
        try:
            status, body = 200, await self._answer(request, timing, began)
        except BadRequest as error:
            status, body = error.status, encode(contract.error_body(error.error, str(error)))
            more = contract.allow(request.path) if status == 405 else {}
        except SettingsError as error:
            status, body = 422, encode(contract.error_body("invalid", str(error)))
        except LeakedOnPurpose:
            status, body = 500, encode(contract.error_body("leaked", "not given back"))
        except Aborted:
            status, body = 500, encode(contract.error_body("failed", "current transaction is aborted"))
        except Refused as error:
            status, more, body = self._refused(error, timing, began)
        total_ms = (monotonic() - began) * 1000
        if "waits told as zero" in self.defects:
            timing.acquire_ms = 0.0
        route = request.path if request.path in contract.METHODS else None
        if status == 200 or "metrics of successes only" not in self.defects:
            self.metrics.answered(request.method, route, status, total_ms / 1000)
        if status == 200 or "no Server-Timing on errors" not in self.defects:
            more |= {contract.SERVER_TIMING: timing.header(total_ms)}
        kind = contract.JSON
        if request.path == contract.METRICS and status == 200:
            kind = self.metrics.text(request.accept)[1]
        return status, {"Content-Type": kind, **more}, body

    async def _answer(self, request: Request, timing: Timing, began: float) -> bytes:
        method, path = request.method, request.path
        if "trailing slash taken" in self.defects:
            path = path.rstrip("/")
        if "HEAD taken for GET" in self.defects and method == "HEAD":
            method = "GET"
        if path not in contract.METHODS:
            raise contract.not_found(path)
        if method not in contract.METHODS[path]:
            raise contract.wrong_method(method, path)
        if method == "POST" and "any page may change it" not in self.defects:
            contract.refuse_foreign(lambda name: request.headers.get(name.lower()))
        query = contract.parse_query(path, request.query)
        if path.startswith("/api/"):
            return await self._api(path, query, timing, began)
        if path == contract.METRICS:
            return self._metrics(request)
        if path == contract.OPENAPI:
            return DOCUMENT
        return encode(await self._plain(method, path, request.body))

    async def _plain(self, method: str, path: str, body: bytes) -> dict[str, object]:
        if path == contract.STATS:
            return self._stats()
        if path == contract.HEALTH:
            if "health waits" in self.defects or self._at_times("health waits at times"):
                self.pool.release(await self.pool.acquire(Timing(), 0, acquire_timeout_s=PATIENT_S))
            return contract.health_body(SERVICE)
        if path == contract.RELEASE_LEAKS:
            return {"service": SERVICE, "released": self.pool.release_leaks()}
        if method == "POST":
            self._change(body)
        return self._config()

    async def _api(self, path: str, query: dict[str, str], timing: Timing, began: float) -> bytes:
        config, rows = self.pool.config, contract.ROWS
        if path == contract.NOOP:
            if "noop takes a connection" in self.defects:
                self.pool.release(await self.pool.acquire(timing, 0))
            if self._at_times("noop takes a connection at times"):
                self.pool.release(await self.pool.acquire(Timing(), 0, acquire_timeout_s=PATIENT_S))
            if "noop slow and timeouts late" in self.defects:
                await asyncio.sleep(0.6)  # that is the defect
            return self._served(timing, began, rows, leaked=None)
        if path == contract.QUERY_LEAK:
            how = contract.parse_how(query)
            lease = await self._acquire(timing, 0)
            self.pool.leak(lease, keep=how == "kept")
            if how == "exception":
                raise LeakedOnPurpose
            return self._served(timing, began, rows, leaked=True)
        hold_ms = contract.parse_hold_ms(query, config.work_time_ms)
        if path == contract.SEVERAL:
            return await self._several(contract.parse_times(query), timing, hold_ms, began)
        if path == contract.NESTED:
            await self._nested(timing, hold_ms, config)
        else:
            lease = await self._acquire(timing, hold_ms)
            short = path == contract.QUERY_PROPER and "proper holds short" in self.defects
            try:
                await hold(lease, config, hold_ms // 2 if short else hold_ms, self.defects)
            finally:
                self.pool.release(lease)
            self.metrics.held(timing.work_ms / 1000)
            if "short hold told as long" in self.defects:
                timing.work_ms = max(timing.work_ms, hold_ms)
            rows -= "rows missing" in self.defects
        return self._served(timing, began, rows, leaked=None)

    def _at_times(self, defect: Defect) -> bool:
        """Every second time that it is asked, where the service has the defect."""
        self._asked[defect] += 1
        return defect in self.defects and self._asked[defect] % 2 == 0

    async def _nested(self, timing: Timing, hold_ms: int, config: Config) -> None:
        inner, stage = Timing(), "acquire"
        try:
            outer = await self._acquire(timing, hold_ms)
            stage = "nested_acquire"
            try:
                lease = await self._acquire(inner, hold_ms)
                await hold(lease, config, hold_ms, self.defects)
                self.pool.release(lease)
            except Refused:
                if "nested keeps the first" not in self.defects:
                    self.pool.release(outer)
                raise
        except Refused as error:
            error.stage = stage
            raise
        self.pool.release(outer)
        timing.nested_acquire_ms = inner.acquire_ms

    async def _several(self, times: int, timing: Timing, hold_ms: int, began: float) -> bytes:
        longest_ms = 0.0
        kept: list[Lease] = []
        for stage in contract.CHECKOUTS[: 1 if "several once" in self.defects else times]:
            one = Timing()
            try:
                lease = await self._acquire(one, hold_ms)
                await hold(lease, self.pool.config, hold_ms, self.defects)
                if "several keeps the first" in self.defects and not kept:
                    kept.append(lease)
                else:
                    self.pool.release(lease)
            except Refused as error:
                error.stage = "checkout 1" if "several blames the first" in self.defects else stage
                for first in kept:
                    self.pool.release(first)
                raise
            finally:
                timing.add(one)
            longest_ms = max(longest_ms, one.acquire_ms)
        for first in kept:
            self.pool.release(first)
        more = {"checkouts": times, "longest_acquire_ms": round(longest_ms, 3)}
        return self._served(timing, began, contract.ROWS, leaked=None, **more)

    async def _acquire(self, timing: Timing, hold_ms: int) -> Lease:
        try:
            return await self.pool.acquire(timing, hold_ms)
        finally:
            if timing.acquire_ms and "metrics of successes only" not in self.defects:
                self.metrics.acquired(timing.acquire_ms / 1000)

    def _served(self, timing: Timing, began: float, rows: int, *, leaked: bool | None, **extra: float) -> bytes:
        told = replace(timing, acquire_ms=0.0) if "waits told as zero" in self.defects else timing
        more = ({"leaked": True} if leaked else {}) | extra
        view = PoolView(self.shown.pool_max_size, None, None)
        total_ms = (monotonic() - began) * 1000
        return encode(contract.served_body(SERVICE, told, total_ms, view, rows, None, **more))

    def _refused(self, error: Refused, timing: Timing, began: float) -> Reply:
        if "200 for a timeout" in self.defects:
            return 200, {}, self._served(timing, began, contract.ROWS, leaked=None)
        waited_s = 0.0 if "waits told as zero" in self.defects else error.waited_s
        reason = "database_unavailable" if "wrong error" in self.defects else error.reason
        more = {"stage": error.stage} if error.stage else {}
        body = contract.refused_body(reason, "no connection", waited_s, self.shown.pool_max_size, None, **more)
        wait = {} if "no Retry-After" in self.defects else {contract.RETRY_AFTER: "1"}
        return 503, wait, encode(body)

    def _change(self, body: bytes) -> None:
        if len(body) > contract.MAX_BODY_BYTES:
            raise contract.too_large()
        patch = contract.parse_object(body)
        if self.workers > 1:
            raise contract.several_workers(self.workers)
        if "unknown keys taken" in self.defects:
            patch = {name: value for name, value in patch.items() if name in Config.model_fields} or {"work_units": 0}
        if "half a patch taken" in self.defects and "work_time_ms" in patch:
            self.shown = self.shown.changed({"work_time_ms": patch["work_time_ms"]})
        self.shown = self.shown.changed(patch)
        if "settings ignored" not in self.defects:
            self.pool.reconfigure(self.shown)

    def _config(self) -> dict[str, object]:
        return {
            "service": SERVICE,
            "workers": self.workers,
            "threads": None,
            "tracing": False,
        } | self.shown.model_dump()

    def _snapshot(self) -> PoolStats:
        pool, shown = self.pool.current, self.shown
        draining = tuple(
            {"pool_max_size": old.account.capacity, "used": old.account.used, "waiting": old.account.waiting}
            for old in self.pool.draining()
        )
        counted = self.pool.ledger.totals()
        return PoolStats(shown.pool_min_size, shown.pool_max_size, None, pool.idle, counted, draining)

    def _stats(self) -> dict[str, object]:
        counted = self._snapshot()
        body = counted.body(SERVICE, self.workers, self.shown.work_time_ms, self.shown.pool_acquire_timeout)
        if "waiters uncounted" in self.defects:
            body["waiting_requests"] = min(1, body["waiting_requests"])
        if "waiters still counted" in self.defects:
            body["waiting_requests"] += asdict(counted.counted)["timed_out_total"]
        if "waiter integral halved" in self.defects:
            body["waiter_seconds_total"] /= 2
        return body

    def _metrics(self, request: Request) -> bytes:
        self.metrics.refresh(self._snapshot)
        text = self.metrics.text(request.accept)[0]
        if "counters appear late" in self.defects:
            text = b"".join(line for line in text.splitlines(keepends=True) if not line.endswith(b" 0.0\n"))
        return text
