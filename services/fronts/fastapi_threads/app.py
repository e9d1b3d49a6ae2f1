"""The HTTP contract on FastAPI whose `def` handlers share a pool: each takes one of AnyIO's threads.

What is answered without the pool is answered on the event loop, where no thread has to be waited for. A handler takes
its connection itself: one that a dependency takes is held while the handler waits for a thread, and given back after
the answer was sent.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from services.common import contract
from services.common.exchange import Exchange
from services.common.metrics import Metrics
from services.common.settings import from_environment
from services.common.tracing import Tracing
from services.fronts.fastapi.answers import answer, exchange_of, query_of
from services.fronts.fastapi.observed import Observed
from services.fronts.fastapi.routes import add_others, empty_app
from services.handlers.answers import Answers
from services.handlers.synchronous import SyncHandlers
from services.pools.adapters import SyncAdapter
from services.pools.synchronous import SyncPool
from services.stacks import Stack

ASIDE: Final = 4
"""Threads for what an operator asks: it is done while all others wait for a connection."""
T = TypeVar("T")


def begun(request: Request) -> Exchange:
    """The request's own exchange, in the thread of its handler; to wait for one is to wait in front of the service, as
    with a server's threads."""
    exchange = exchange_of(request)
    exchange.begin()
    return exchange


def create_app(stack: Stack, library: type[SyncAdapter[Any]]) -> ASGIApp:
    """The service. It opens its pool when it starts, and closes it when it stops.

    It has as many threads for its handlers as `THREADS` says, and as shipped as many as AnyIO gives them. Raises
    SettingsError for a setting of the environment that cannot be used.
    """
    settings = from_environment(port=stack.port)
    service = stack.name
    tracing, metrics = Tracing(service), Metrics(service)
    pool = SyncPool(service, library, settings, metrics, tracing)
    handlers, answers = SyncHandlers(pool), Answers(service, settings, pool, tracing, threads=settings.threads)
    served = answers.served
    operators = CapacityLimiter(ASIDE)

    async def aside(call: Callable[..., T], *arguments: Any) -> T:
        return await to_thread.run_sync(call, *arguments, limiter=operators)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threads = to_thread.current_default_thread_limiter()
        if settings.tuning == "equalised":
            threads.total_tokens = settings.threads
        answers.threads = int(threads.total_tokens)
        await aside(pool.open)
        yield
        await aside(pool.close)

    app = empty_app(service, answers, lifespan)

    @app.get(contract.QUERY)
    def query(request: Request) -> Response:
        exchange = begun(request)
        hold_ms = contract.parse_hold_ms(query_of(request), pool.config.work_time_ms)
        return answer(served(exchange, handlers.query(exchange.timing, hold_ms)))

    @app.get(contract.QUERY_PROPER)
    def query_proper(request: Request) -> Response:
        exchange = begun(request)
        hold_ms = contract.parse_hold_ms(query_of(request), pool.config.work_time_ms)
        return answer(served(exchange, handlers.query_proper(exchange.timing, hold_ms)))

    @app.get(contract.QUERY_LEAK)
    def query_leak(request: Request) -> Response:
        exchange = begun(request)
        how = contract.parse_how(query_of(request))
        return answer(served(exchange, handlers.query_leak(exchange.timing, how)))

    @app.get(contract.NESTED)
    def nested(request: Request) -> Response:
        exchange = begun(request)
        hold_ms = contract.parse_hold_ms(query_of(request), pool.config.work_time_ms)
        return answer(served(exchange, handlers.nested(exchange.timing, hold_ms)))

    @app.get(contract.SEVERAL)
    def several(request: Request) -> Response:
        exchange, arguments = begun(request), query_of(request)
        times, hold_ms = contract.parse_times(arguments), contract.parse_hold_ms(arguments, pool.config.work_time_ms)
        return answer(served(exchange, handlers.several(exchange.timing, times, hold_ms)))

    reconfigure, release_leaks = partial(aside, pool.reconfigure), partial(aside, handlers.release_leaks)
    add_others(app, service, settings, metrics, pool, answers, reconfigure, release_leaks)
    return Observed(app, metrics, tracing)
