"""What is the same in FastAPI whatever its handlers run on: an app that serves nothing yet, and the paths without pool.

Starlette tries the routes one after the other: those that are measured stand before these.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI, Request, Response

from services.common import contract
from services.common.contract import PoolView
from services.common.metrics import Metrics
from services.common.openapi import DOCUMENT
from services.common.settings import Settings
from services.fronts.fastapi.answers import answer, answer_errors, body_of, exchange_of, query_of
from services.handlers.answers import Answers
from services.handlers.served import Served
from services.pools.asynchronous import AsyncPool
from services.pools.synchronous import SyncPool


def empty_app(
    service: str, answers: Answers, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]
) -> FastAPI:
    """Errors are answered as the contract has it, and nothing is served yet."""
    app = FastAPI(
        title=service,
        lifespan=lifespan,
        openapi_url=None,  # the contract's own document is served below
        redirect_slashes=False,
        # The spans are in common/tracing.py.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    answer_errors(app, answers)
    return app


def add_others(
    app: FastAPI,
    service: str,
    settings: Settings,
    metrics: Metrics,
    pool: AsyncPool[Any] | SyncPool[Any],
    answers: Answers,
    reconfigure: Callable[[dict[str, Any]], Awaitable[None]],
    release_leaks: Callable[[], Awaitable[int]],
) -> None:
    """The paths that answer on the event loop, while the pool is exhausted too."""

    @app.get(contract.NOOP)
    async def noop(request: Request) -> Response:
        query_of(request)
        seen = Served(PoolView(pool.config.pool_max_size, None, None), contract.ROWS)
        return answer(answers.served(exchange_of(request), seen))

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
        await reconfigure(patch)
        return answer(answers.config())

    @app.post(contract.RELEASE_LEAKS)
    async def give_back_leaks(request: Request) -> Response:
        contract.refuse_foreign(request.headers.get)
        query_of(request)
        return answer({"service": service, "released": await release_leaks()})

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
