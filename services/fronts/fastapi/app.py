"""The HTTP contract on FastAPI over a pool on the same event loop.

Starlette tries the routes one after the other: those that are measured stand first.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from services.common import contract
from services.common.contract import PoolView
from services.common.metrics import Metrics
from services.common.openapi import DOCUMENT
from services.common.settings import from_environment
from services.common.tracing import Tracing
from services.fronts.fastapi.answers import answer, answer_errors, body_of, exchange_of, query_of
from services.fronts.fastapi.observed import Observed
from services.handlers.answers import Answers
from services.handlers.asynchronous import AsyncHandlers
from services.handlers.served import Served
from services.pools.adapters import AsyncAdapter
from services.pools.asynchronous import AsyncPool
from services.stacks import Stack


def create_app(stack: Stack, library: type[AsyncAdapter[Any]]) -> ASGIApp:
    """The service. It opens its pool when it starts, and closes it when it stops.

    Raises SettingsError for a setting of the environment that cannot be used.
    """
    settings = from_environment(port=stack.port)
    service = stack.name
    tracing, metrics = Tracing(service), Metrics(service)
    pool = AsyncPool(service, library, settings, metrics, tracing)
    handlers, answers = AsyncHandlers(pool), Answers(service, settings, pool, tracing, threads=None)
    served = answers.served

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.open()
        yield
        await pool.close()

    app = FastAPI(
        title=service,
        lifespan=lifespan,
        openapi_url=None,  # the contract's own document is served below
        redirect_slashes=False,
        # The spans are in common/tracing.py.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    answer_errors(app, answers)

    @app.get(contract.QUERY)
    async def query(request: Request) -> Response:
        exchange = exchange_of(request)
        hold_ms = contract.parse_hold_ms(query_of(request), pool.config.work_time_ms)
        return answer(served(exchange, await handlers.query(exchange.timing, hold_ms)))

    @app.get(contract.QUERY_PROPER)
    async def query_proper(request: Request) -> Response:
        exchange = exchange_of(request)
        hold_ms = contract.parse_hold_ms(query_of(request), pool.config.work_time_ms)
        return answer(served(exchange, await handlers.query_proper(exchange.timing, hold_ms)))

    @app.get(contract.QUERY_LEAK)
    async def query_leak(request: Request) -> Response:
        exchange = exchange_of(request)
        how = contract.parse_how(query_of(request))
        return answer(served(exchange, await handlers.query_leak(exchange.timing, how)))

    @app.get(contract.NESTED)
    async def nested(request: Request) -> Response:
        exchange = exchange_of(request)
        hold_ms = contract.parse_hold_ms(query_of(request), pool.config.work_time_ms)
        return answer(served(exchange, await handlers.nested(exchange.timing, hold_ms)))

    @app.get(contract.SEVERAL)
    async def several(request: Request) -> Response:
        exchange, arguments = exchange_of(request), query_of(request)
        times, hold_ms = contract.parse_times(arguments), contract.parse_hold_ms(arguments, pool.config.work_time_ms)
        return answer(served(exchange, await handlers.several(exchange.timing, times, hold_ms)))

    @app.get(contract.NOOP)
    async def noop(request: Request) -> Response:
        query_of(request)
        seen = Served(PoolView(pool.config.pool_max_size, None, None), contract.ROWS)
        return answer(served(exchange_of(request), seen))

    @app.get(contract.HEALTH)
    async def health(request: Request) -> Response:
        query_of(request)
        return answer(contract.health_body(service))

    @app.get(contract.STATS)
    async def stats(request: Request) -> Response:
        query_of(request)
        return answer(answers.stats())

    @app.get(contract.CONFIG)
    async def config(request: Request) -> Response:
        query_of(request)
        return answer(answers.config())

    @app.post(contract.CONFIG)
    async def change_config(request: Request) -> Response:
        contract.refuse_foreign(request.headers.get)
        query_of(request)
        patch = contract.parse_object(await body_of(request))
        if settings.workers > 1:
            raise contract.several_workers(settings.workers)
        await pool.reconfigure(patch)
        return answer(answers.config())

    @app.post(contract.RELEASE_LEAKS)
    async def release_leaks(request: Request) -> Response:
        contract.refuse_foreign(request.headers.get)
        query_of(request)
        return answer({"service": service, "released": await handlers.release_leaks()})

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

    return Observed(app, metrics, tracing)
