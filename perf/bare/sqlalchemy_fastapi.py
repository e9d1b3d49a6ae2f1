"""`python -m perf.bare.sqlalchemy_fastapi`: the floor of SQLAlchemy + FastAPI."""

import asyncio

import uvicorn
from fastapi import FastAPI, Request, Response
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from perf.bare import body
from services.common import contract, settings
from services.sqlalchemy_fastapi.pool import SQL

environment = settings.from_environment()
engine = create_async_engine(
    URL.create(
        "postgresql+asyncpg",
        username=environment.db_user,
        password=environment.db_password,
        host=environment.db_host,
        port=environment.db_port,
        database=environment.db_name,
    ),
    pool_size=environment.pool_max_size,
    max_overflow=0,
    pool_timeout=86_400,
    pool_reset_on_return=None,
    isolation_level="AUTOCOMMIT",
)
app = FastAPI(openapi_url=None)


@app.get(contract.STATS)
async def stats(_: Request) -> Response:
    return Response(b"{}", media_type=contract.JSON)


@app.get(contract.HEALTH)
async def health(_: Request) -> Response:
    return Response(b"{}", media_type=contract.JSON)


@app.get(contract.QUERY)
async def query(_: Request) -> Response:
    async with asyncio.timeout(environment.pool_acquire_timeout):
        connection = await engine.connect()
    try:
        rows = len((await connection.execute(SQL["items"], {"value": contract.ROWS})).all())
    finally:
        await connection.close()
    return Response(body("sqlalchemy_fastapi", environment.pool_max_size, rows), media_type=contract.JSON)


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
