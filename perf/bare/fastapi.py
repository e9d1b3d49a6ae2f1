"""The floor of a pool on one event loop under FastAPI."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response

from perf.bare import body
from services.common import contract
from services.common.settings import Settings
from services.pools.adapters import AsyncAdapter


def serve(service: str, library: type[AsyncAdapter[Any]], settings: Settings) -> None:
    """Until SIGTERM."""
    pool: AsyncAdapter[Any]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        nonlocal pool
        pool = await library.open(settings.address(service), settings.config(), nullcontext)
        yield
        await pool.close(())

    app = FastAPI(openapi_url=None, lifespan=lifespan)

    @app.get(contract.STATS)
    @app.get(contract.HEALTH)
    async def health(_: Request) -> Response:
        return Response(b"{}", media_type=contract.JSON)

    @app.get(contract.QUERY)
    async def query(_: Request) -> Response:
        connection = await pool.acquire(settings.pool_acquire_timeout)
        try:
            rows = await pool.execute(connection, "items", contract.ROWS)
        finally:
            await pool.release(connection)
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
