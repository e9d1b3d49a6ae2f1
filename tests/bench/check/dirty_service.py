"""A service whose one connection is a real one, and is given back as the request left it."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

import psycopg

from bench.postgres.database import Database, connect
from services.common import contract
from services.common.contract import Timing
from tests.bench.check.fake_service import SERVICE, FakeService


class DirtyService(FakeService):
    """A request that is cancelled in mid-hold never comes to `closing`, and nobody does it for it."""

    def __init__(self, database: Database, opening: tuple[str, ...], closing: tuple[str, ...], *, resets: bool) -> None:
        super().__init__()
        self._connection = connect(database, SERVICE)
        self._opening, self._closing, self._resets = opening, closing, resets

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    async def _api(self, path: str, query: dict[str, str], timing: Timing, began: float) -> bytes:
        if path != contract.QUERY:
            return await super()._api(path, query, timing, began)
        self._run(self._opening)
        try:
            body = await super()._api(path, query, timing, began)
        except asyncio.CancelledError:
            if self._resets:
                self._run(("ROLLBACK", "DISCARD ALL"))
            raise
        self._run(self._closing)
        return body

    def _run(self, statements: tuple[str, ...]) -> None:
        for statement in statements:
            with suppress(psycopg.errors.DivisionByZero):  # a transaction that has failed is what was asked for
                self._connection.execute(statement.encode())
