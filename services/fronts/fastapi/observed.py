"""The outermost ASGI layer: every request is traced and counted, and its answer timed, whatever happens inside."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common import contract
from services.common.exchange import Exchange
from services.common.metrics import Metrics
from services.common.tracing import Tracing

SERVER_TIMING: Final = contract.SERVER_TIMING.lower().encode()


class Observed:
    """Handlers find the request's `Exchange` in `scope["exchange"]`."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        exchange = Exchange(self._metrics, self._tracing, scope["method"], scope["path"])
        scope["exchange"] = exchange

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((SERVER_TIMING, exchange.answer(message["status"]).encode()))
            await send(message)

        if not self._tracing.on:
            await self._app(scope, receive, send_timed)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with exchange.traced(headers):
            await self._app(scope, receive, send_timed)
