"""The outermost WSGI layer: every request is traced and counted, and its answer timed, whatever happens inside."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from services.common import contract
from services.common.exchange import Exchange
from services.common.metrics import Metrics
from services.common.tracing import Tracing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Observed:
    """Handlers find the request's `Exchange` in `environ["poolbench.exchange"]`."""

    def __init__(self, app: "WSGIApplication", metrics: Metrics, tracing: Tracing) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        exchange = Exchange(self._metrics, self._tracing, environ["REQUEST_METHOD"], environ["PATH_INFO"])
        environ["poolbench.exchange"] = exchange

        def start_timed(status: str, fields: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], object]:
            fields.append((contract.SERVER_TIMING, exchange.answer(int(status[:3]))))
            return start_response(status, fields, error)

        if not self._tracing.on:
            return self._app(environ, start_timed)
        named = ((name[5:], value) for name, value in environ.items() if name.startswith("HTTP_"))
        with exchange.traced({name.replace("_", "-").lower(): value for name, value in named}):
            return self._app(environ, start_timed)
