"""The HTTP contract on FastAPI over SQLAlchemy's `AsyncEngine`; routes in the contract's order.

In: settings. Out: an ASGI application that opens its pool when it starts and closes it when it stops.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from services.common import contract
from services.common.books import Refused
from services.common.contract import PoolView, Timing
from services.common.exchange import Exchange
from services.common.metrics import Metrics
from services.common.openapi import DOCUMENT
from services.common.settings import Settings
from services.common.tracing import Tracing
from services.sqlalchemy_fastapi import work
from services.sqlalchemy_fastapi.answers import LeakedOnPurpose, answer, answer_errors, body_of, exchange_of, query_of
from services.sqlalchemy_fastapi.observed import Observed
from services.sqlalchemy_fastapi.pool import SERVICE, ServicePool


def create_app(settings: Settings) -> ASGIApp:
    """The service. Starting it waits for the database, and fails after `db_wait_seconds`."""
    tracing = Tracing(SERVICE)
    metrics = Metrics(SERVICE)
    pool = ServicePool(settings, metrics, tracing)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.open()
        yield
        await pool.close()

    app = FastAPI(
        title=SERVICE,
        lifespan=lifespan,
        openapi_url=None,  # the contract's own document is served below
        redirect_slashes=False,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
        },  # the spans are in common/tracing.py
    )
    answer_errors(app, pool, tracing)

    def config_body() -> dict[str, Any]:
        fixed = {"service": SERVICE, "workers": settings.workers, "threads": None, "tracing": tracing.on}
        return fixed | pool.config.model_dump()

    def served(exchange: Exchange, view: PoolView, rows: int, **more: Any) -> Response:
        body = contract.served_body(SERVICE, exchange.timing, exchange.total_ms, view, rows, tracing.trace_id(), **more)
        return answer(body)

    @app.get(contract.HEALTH)
    async def health(request: Request) -> Response:
        query_of(request)
        return answer(contract.health_body(SERVICE))

    @app.get(contract.STATS)
    async def stats(request: Request) -> Response:
        query_of(request)
        config = pool.config
        return answer(pool.snapshot().body(SERVICE, settings.workers, config.work_time_ms, config.pool_acquire_timeout))

    @app.get(contract.CONFIG)
    async def config(request: Request) -> Response:
        query_of(request)
        return answer(config_body())

    @app.post(contract.CONFIG)
    async def change_config(request: Request) -> Response:
        query_of(request)
        patch = contract.parse_object(await body_of(request))
        if settings.workers > 1:
            raise contract.several_workers(settings.workers)
        await pool.reconfigure(patch)
        return answer(config_body())

    @app.post(contract.RELEASE_LEAKS)
    async def release_leaks(request: Request) -> Response:
        query_of(request)
        return answer({"service": SERVICE, "released": await pool.release_leaks()})

    @app.get(contract.METRICS)
    async def show_metrics(request: Request) -> Response:
        query_of(request)
        metrics.refresh(pool.snapshot)
        text, content_type = metrics.text(request.headers.get("accept"))
        return Response(text, headers={"content-type": content_type})

    @app.get(contract.OPENAPI)
    async def openapi(request: Request) -> Response:
        query_of(request)
        return Response(DOCUMENT, media_type=contract.JSON)

    @app.get(contract.QUERY)
    async def query(request: Request) -> Response:
        exchange, config = exchange_of(request), pool.config
        hold_ms = contract.parse_hold_ms(query_of(request), config.work_time_ms)
        lease = await pool.acquire(exchange.timing, hold_ms)
        try:
            view = pool.view()
            with pool.books.working(lease.wait, exchange.timing):
                rows = await work.hold(lease, config, hold_ms)
        finally:
            await pool.release(lease)
        return served(exchange, view, rows)

    @app.get(contract.QUERY_PROPER)
    async def query_proper(request: Request) -> Response:
        exchange, config = exchange_of(request), pool.config
        hold_ms = contract.parse_hold_ms(query_of(request), config.work_time_ms)
        async with pool.connection(exchange.timing, hold_ms) as lease:
            view = pool.view()
            with pool.books.working(lease.wait, exchange.timing):
                rows = await work.hold(lease, config, hold_ms)
        return served(exchange, view, rows)

    @app.get(contract.QUERY_LEAK)
    async def query_leak(request: Request) -> Response:
        exchange = exchange_of(request)
        how = contract.parse_how(query_of(request))
        lease = await pool.acquire(exchange.timing)
        view = pool.view()
        try:
            with pool.books.working(lease.wait, exchange.timing):
                rows = await work.read(lease)
        except Exception:  # a dead connection is no leak on purpose
            await pool.release(lease)
            raise
        pool.leak(lease, keep=how == "kept")
        if how == "exception":
            raise LeakedOnPurpose("the handler failed between acquire and release: its connection was not given back")
        return served(exchange, view, rows, leaked=True)

    @app.get(contract.NESTED)
    async def nested(request: Request) -> Response:
        exchange, config = exchange_of(request), pool.config
        hold_ms = contract.parse_hold_ms(query_of(request), config.work_time_ms)
        inner_timing = Timing()
        stage: str | None = "acquire"
        try:
            outer = await pool.acquire(exchange.timing, hold_ms)
            try:
                stage = "nested_acquire"
                inner = await pool.acquire(inner_timing, hold_ms)
                stage = None
                try:
                    view = pool.view()
                    with pool.books.working(inner.wait, exchange.timing):
                        rows = await work.hold(inner, config, hold_ms)
                finally:
                    await pool.release(inner)
            finally:
                exchange.timing.nested_acquire_ms = inner_timing.acquire_ms
                await pool.release(outer)
        except Refused as refused:
            refused.stage = stage
            raise
        return served(exchange, view, rows)

    @app.get(contract.SEVERAL)
    async def several(request: Request) -> Response:
        exchange, config, arguments = exchange_of(request), pool.config, query_of(request)
        times, hold_ms = contract.parse_times(arguments), contract.parse_hold_ms(arguments, config.work_time_ms)
        longest_ms = 0.0
        for stage in contract.CHECKOUTS[:times]:
            timing = Timing()
            try:
                lease = await pool.acquire(timing, hold_ms)
                try:
                    view = pool.view()
                    with pool.books.working(lease.wait, timing):
                        rows = await work.hold(lease, config, hold_ms)
                finally:
                    await pool.release(lease)
            except Refused as refused:
                refused.stage = stage
                raise
            finally:
                exchange.timing.add(timing)
            longest_ms = max(longest_ms, timing.acquire_ms)
        return served(exchange, view, rows, checkouts=times, longest_acquire_ms=round(longest_ms, 3))

    @app.get(contract.NOOP)
    async def noop(request: Request) -> Response:
        query_of(request)
        return served(exchange_of(request), PoolView(pool.config.pool_max_size, None, None), contract.ROWS)

    return Observed(app, metrics, tracing)
