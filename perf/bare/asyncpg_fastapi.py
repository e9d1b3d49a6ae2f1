"""`python -m perf.bare.asyncpg_fastapi`: the floor of asyncpg + FastAPI."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
from fastapi import FastAPI, Request, Response

from perf.bare import body
from services.asyncpg_fastapi.pool import SQL
from services.common import contract, settings

environment = settings.from_environment()


async def no_reset(_: asyncpg.Connection) -> None:
    pass


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(
        host=environment.db_host,
        port=environment.db_port,
        database=environment.db_name,
        user=environment.db_user,
        password=environment.db_password,
        min_size=environment.pool_max_size,
        max_size=environment.pool_max_size,
        max_inactive_connection_lifetime=0,
        max_queries=2**62,
        reset=no_reset,
    )
    yield
    await app.state.pool.close()


app = FastAPI(openapi_url=None, lifespan=lifespan)


@app.get(contract.STATS)
async def stats(_: Request) -> Response:
    return Response(b"{}", media_type=contract.JSON)


@app.get(contract.HEALTH)
async def health(_: Request) -> Response:
    return Response(b"{}", media_type=contract.JSON)


@app.get(contract.QUERY)
async def query(_: Request) -> Response:
    connection = await app.state.pool.acquire(timeout=environment.pool_acquire_timeout)
    try:
        rows = len(await connection.fetch(SQL["items"], contract.ROWS))
    finally:
        await app.state.pool.release(connection)
    return Response(body("asyncpg_fastapi", environment.pool_max_size, rows), media_type=contract.JSON)


if __name__ == "__main__":
    uvicorn.run(
        app,
        host=environment.host,
        port=environment.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        timeout_keep_alive=contract.KEEP_ALIVE_S,
    )
