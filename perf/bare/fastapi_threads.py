"""The floor of a pool that AnyIO's threads share, under FastAPI's `def` handlers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import uvicorn
from anyio import to_thread
from fastapi import FastAPI, Request, Response

from perf.bare import body
from services.common import contract
from services.common.settings import Settings
from services.pools.adapters import SyncAdapter


def serve(service: str, library: type[SyncAdapter[Any]], settings: Settings) -> None:
    """Until SIGTERM."""
    pool: SyncAdapter[Any]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        nonlocal pool
        to_thread.current_default_thread_limiter().total_tokens = settings.threads
        pool = await to_thread.run_sync(library.open, settings.address(service), settings.config(), nullcontext)
        yield
        await to_thread.run_sync(pool.close, ())

    app = FastAPI(openapi_url=None, lifespan=lifespan)

    @app.get(contract.STATS)
    @app.get(contract.HEALTH)
    async def health(_: Request) -> Response:
        return Response(b"{}", media_type=contract.JSON)

    @app.get(contract.QUERY)
    def query(_: Request) -> Response:
        connection = pool.acquire(settings.pool_acquire_timeout)
        try:
            rows = pool.execute(connection, "items", contract.ROWS)
        finally:
            pool.release(connection)
        return Response(body(service, settings.pool_max_size, rows), media_type=contract.JSON)

    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        timeout_keep_alive=contract.KEEP_ALIVE_S,
    )
