"""uvicorn's protocol for one connection, with an end to requests that do not arrive, and errors of the contract.

uvicorn waits for the rest of a request as long as the client likes. A connection is looked at every few seconds, so
that no request pays for it.
"""

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.common import contract
from services.common.encoding import encode


class Protocol(HttpToolsProtocol):
    """Its overridden methods are those of uvicorn 0.54."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own
        super().connection_made(transport)
        # Like one that has been answered, a connection on which nothing comes is closed in the end.
        self.timeout_keep_alive_task = self.loop.call_later(contract.KEEP_ALIVE_S, self.timeout_keep_alive_handler)
        self._look_again = self.loop.call_later(contract.ARRIVE_S, self._look, None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._look_again.cancel()
        super().connection_lost(exc)

    def _look(self, seen: object) -> None:
        """Closes the connection if the request that was incomplete at the last look still is."""
        arriving = self._arriving()
        if arriving is not None and arriving is seen:
            self.transport.close()
        else:
            self._look_again = self.loop.call_later(contract.ARRIVE_S, self._look, arriving)

    def _arriving(self) -> object | None:
        """What stands for the request of which only a part has come; None where there is none."""
        cycle, scope = self.cycle, self.scope
        if cycle is None or cycle.scope is scope:
            incomplete = cycle is None or cycle.more_body
        else:  # the head of another request: nothing more is read of it while the one before is not answered
            incomplete = cycle.response_complete
        return scope if incomplete else None

    def send_400_response(self, msg: str) -> None:
        body = encode(contract.error_body("malformed", msg))
        head = f"HTTP/1.1 400 {HTTPStatus.BAD_REQUEST.phrase}\r\nConnection: close\r\nContent-Type: {contract.JSON}\r\n"
        self.transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.transport.close()
