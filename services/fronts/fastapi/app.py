"""The HTTP contract on FastAPI over a pool on the same event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from services.common import contract
from services.common.metrics import Metrics
from services.common.settings import from_environment
from services.common.tracing import Tracing
from services.fronts.fastapi.answers import answer, exchange_of, query_of
from services.fronts.fastapi.observed import Observed
from services.fronts.fastapi.routes import add_others, empty_app
from services.handlers.answers import Answers
from services.handlers.asynchronous import AsyncHandlers
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

    app = empty_app(service, answers, lifespan)

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

    add_others(app, service, settings, metrics, pool, answers, pool.reconfigure, handlers.release_leaks)
    return Observed(app, metrics, tracing)
