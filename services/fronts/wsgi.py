"""What every front on WSGI has beside its framework: the outermost layer, and the body of a request."""

from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, Any, Final

from services.common import contract
from services.common.exchange import Exchange
from services.common.metrics import Metrics
from services.common.tracing import Tracing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


_KEY: Final = "poolbench.exchange"


def exchange_of(environ: "WSGIEnvironment") -> Exchange:
    """The request's own exchange, made by the outermost layer."""
    exchange: Exchange = environ[_KEY]
    return exchange


def read_body(stream: IO[bytes], said: int) -> bytes:
    """The whole body, of which Content-Length says that it has `said` bytes, or 0 where it says nothing.

    Raises BadRequest when it is longer than any configuration, or not what its headers say.
    """
    try:
        body = stream.read(contract.MAX_BODY_BYTES + 1)
    except Exception as error:  # each server has errors of its own for chunks that are none, and clients that leave
        raise contract.malformed(f"the body cannot be read: {error}") from error
    if len(body) > contract.MAX_BODY_BYTES:
        raise contract.too_large()
    if len(body) < said:
        raise contract.malformed(f"the body has {len(body)} bytes of the {said} that Content-Length says")
    return body


class Observed:
    """The outermost layer: every request is traced and counted, and its answer timed, whatever happens inside."""

    def __init__(self, app: "WSGIApplication", metrics: Metrics, tracing: Tracing) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        exchange = Exchange(self._metrics, self._tracing, environ["REQUEST_METHOD"], environ["PATH_INFO"])
        environ[_KEY] = exchange

        def start_timed(status: str, fields: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], object]:
            fields.append((contract.SERVER_TIMING, exchange.answer(int(status[:3]))))
            return start_response(status, fields, error)

        if not self._tracing.on:
            return self._app(environ, start_timed)
        named = ((name[5:], value) for name, value in environ.items() if name.startswith("HTTP_"))
        with exchange.traced({name.replace("_", "-").lower(): value for name, value in named}):
            return self._app(environ, start_timed)
