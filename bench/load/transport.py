"""HTTP for measuring: keep-alive connections over gevent, and a request that leaves exactly once.

This stands under Locust's users in the place of FastHttpUser's session, on the same library. That session
builds each request anew, and under it the library's client sends a GET again, as often as the pool has
connections, when the server closes without an answer. Both would be measured.
"""

import select
import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent
import gevent.socket
from gevent.monkey import get_original
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool
from geventhttpclient.response import HTTPParseError, HTTPSocketPoolResponse

from bench.load.answers import answer_error
from services.workload.samples import SampleError

_poll = get_original("select", "poll")


class Unreachable(Exception):
    """The service did not answer before the load: one line that says who and why."""


class Answer(NamedTuple):
    """What came back. `status` is 0 and `error` set when no whole answer did."""

    status: int
    server_timing: str | None
    body: bytes
    error: SampleError | None

    def kind(self) -> SampleError:
        """The error of the request, read out of the body where the transport met none. Takes time: call it
        after the clock was read."""
        return answer_error(self.status, self.body) if self.error is None else self.error


class _Counting:
    """Counts connections, resolves the name once, and knows a closed connection before it is used."""

    opened = 0
    _addresses: Any = None

    def _resolve(self) -> Any:
        # Each look-up goes through a thread: a millisecond in the middle of a load.
        if self._addresses is None:
            self._addresses = super()._resolve()  # type: ignore[misc]
        return self._addresses

    def after_connect(self, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opened += 1

    def _is_socket_alive(self, sock: Any) -> bool:
        # The library asks select(), which takes any descriptor above 1023 for dead and so would reconnect for
        # every request of a large load. Readable while idle means closed.
        poller = _poll()
        poller.register(sock.fileno(), select.POLLIN)
        return not poller.poll(0)


class _Plain(_Counting, ConnectionPool):
    pass


class _Tls(_Counting, SSLConnectionPool):
    pass


class Client:
    """Connections to one service, up to `size` at a time, kept and reused last in, first out."""

    def __init__(self, base_url: str, size: int = 1) -> None:
        url = urlsplit(base_url)
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        self._base = base_url.rstrip("/")
        self._prefix = url.path.rstrip("/")
        self._host = url.netloc.rpartition("@")[2]
        # No time-outs of the library's own: `exchange` bounds the whole request.
        limits: dict[str, Any] = {"size": size, "connection_timeout": None, "network_timeout": None}
        if url.scheme == "https":
            limits["ssl_options"] = {"server_hostname": host}
            self._pool: _Plain | _Tls = _Tls(host, port, host, port, **limits)
        else:
            self._pool = _Plain(host, port, host, port, **limits)
        self._health = self.request("/health")

    @property
    def opened(self) -> int:
        """Connections opened so far."""
        return self._pool.opened

    def request(self, path: str) -> bytes:
        """The bytes of a GET, to be made once and sent often."""
        return (
            f"GET {self._prefix}{path} HTTP/1.1\r\nHost: {self._host}\r\n"
            "User-Agent: poolbench\r\nAccept: application/json\r\n\r\n"
        ).encode("ascii")

    def warm(self, connections: int, give_up_s: float) -> None:
        """Open this many connections, all at once open, and have each carry one GET /health.

        Raises Unreachable if one cannot be opened or is answered by anything but 200 within `give_up_s`.
        """
        with gevent.Timeout(give_up_s, Unreachable(f"{self._base}/health gave no answer in {give_up_s:g} s")):
            try:
                sockets = [self._pool.get_socket() for _ in range(connections)]
                answers = [gevent.spawn(self._send_on, sock, self._health) for sock in sockets]
                gevent.joinall(answers, raise_error=True)
            except (OSError, HTTPParseError) as error:
                raise Unreachable(f"{self._base}/health cannot be had: {error}") from error
        for answer in answers:
            if answer.value.status != 200:
                raise Unreachable(f"{self._base}/health answered {answer.value.status}, not 200")

    def ensure_open(self) -> None:
        """Have a live connection ready, without sending anything on it.

        Raises OSError if one is needed and cannot be opened.
        """
        self._pool.return_socket(self._pool.get_socket())

    def exchange(self, request: bytes, give_up_s: float) -> Answer:
        """Send once, and wait up to `give_up_s` for the whole answer. A failure is an Answer too."""
        timer = gevent.Timeout.start_new(give_up_s)
        try:
            return self._send_on(self._pool.get_socket(), request)
        except gevent.Timeout as expired:
            if expired is not timer:
                raise
            return Answer(0, None, b"", SampleError.gave_up)
        except ConnectionRefusedError:
            return Answer(0, None, b"", SampleError.refused_connection)
        except (ConnectionError, HTTPParseError):
            return Answer(0, None, b"", SampleError.reset)
        except OSError:
            return Answer(0, None, b"", SampleError.other)
        finally:
            timer.close()

    def close(self) -> None:
        """Close the idle connections; those in use close when their answer comes."""
        self._pool.close()

    def _send_on(self, sock: Any, request: bytes) -> Answer:
        try:
            sock.sendall(request)
        except BaseException:
            self._pool.release_socket(sock)
            raise
        # From here on the response gives the connection back or closes it, whatever happens.
        response = HTTPSocketPoolResponse(sock, self._pool)
        body = response.read()
        timing = response.get("server-timing")
        if isinstance(timing, list):
            timing = ",".join(timing)
        return Answer(response.status_code, timing, body, None)
