"""gunicorn's threaded worker, in which a request takes a thread when it has arrived in full, and not before.

gunicorn gives a thread to each connection that has sent something, and lets it wait for the rest as long as the client
likes: as many half-sent requests as there are threads, and no other is answered. Here the rest is waited for by the
poller of the worker, for `ARRIVE_S` seconds; nothing more is done for a request that comes in one piece. What gunicorn
refuses by itself has the body of the contract's errors.
"""

import socket
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from io import BytesIO
from selectors import EVENT_READ
from time import monotonic
from typing import Any, Final

from gunicorn import util
from gunicorn.http.errors import NoMoreData
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers import base, gthread

from services.common import contract
from services.common.encoding import encode

AHEAD: Final = contract.MAX_BODY_BYTES + 1
"""So much of a body is read before its request is handled: as much as a handler reads to refuse it."""


class Incomplete(BaseException):
    """More of the request is still to come. No Exception: gunicorn answers each of them."""


class Arriving(SocketUnreader):
    """The bytes of a connection: until its request is complete, a read past what is there raises Incomplete."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.since: float | None = None
        """When a part of a request was there, and not all of it; None where no part is."""
        self._taken = b""
        self._complete = False
        self._continued = False

    def begin(self) -> None:
        """Another try, with what is there by now."""
        self._taken = self.buf.getvalue()
        self._complete = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        if self._complete:
            return bytes(super().chunk(size_hint))
        try:
            data = self.sock.recv(self.mxchunk, socket.MSG_DONTWAIT)
        except BlockingIOError:
            raise Incomplete from None
        self._taken += data
        return bytes(data)

    def again(self) -> bool:
        """Puts back what was read, for another try; returns whether there was anything."""
        self.buf = BytesIO()
        self.buf.write(self._taken)
        if self._taken and self.since is None:
            self.since = monotonic()
        return bool(self._taken)

    @property
    def late(self) -> bool:
        """Whether the rest has been waited for long enough."""
        return self.since is not None and monotonic() > self.since + contract.ARRIVE_S

    def read_ahead(self, request: Any) -> None:
        """Reads the body where there is one; raises Incomplete, NoMoreData where it is shorter than said, and
        gunicorn's errors for chunks that are none."""
        body = request.body
        length = getattr(body.reader, "length", None)
        if length != 0:
            self._go_on(request)
            read = body.read(AHEAD)
            if length is not None and len(read) < min(length, AHEAD):
                raise NoMoreData(read)
            body.buf.write(read)
        self._complete, self._continued, self.since = True, False, None

    def _go_on(self, request: Any) -> None:
        """Says once that the body is wanted, to a client that asks before it sends it."""
        if request._expected_100_continue:  # noqa: SLF001 - gunicorn has no other name for it
            request._expected_100_continue = False  # noqa: SLF001 - it is answered here, and not again
            if not self._continued:
                self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                self._continued = True


class Worker(gthread.ThreadWorker):
    """Its overridden methods are those of gunicorn 27.0."""

    def init_process(self) -> None:
        base.util.write_error = write_error
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        if conn.parser is None:
            conn.parser = RequestParser(self.cfg, conn.sock, conn.client)
            conn.parser.unreader = Arriving(conn.sock)
            conn.data_ready, conn.ends = True, False
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """In a thread: a request, if it is all there; returns whether the connection is kept, and for what."""
        arriving: Arriving = conn.parser.unreader
        conn.parser.mesg = None  # what a try before this one has read is read again
        arriving.begin()
        try:
            kept = super().handle(conn)
        except Incomplete:
            idles, waits = not arriving.again(), self.alive and not arriving.late
            kept = idles or (waits and gthread._DEFER)  # noqa: SLF001 - what gunicorn returns
        conn.ends = kept is False
        return kept

    def handle_request(self, req: Any, conn: Any) -> Any:
        conn.parser.unreader.read_ahead(req)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        """In the worker's own thread, which must not wait for a client."""
        if conn.ends:
            self._linger(conn)
            return
        super().finish_request(conn, fs)
        if (since := conn.parser.unreader.since) is not None:
            conn.timeout = since + contract.ARRIVE_S

    def _linger(self, conn: Any) -> None:
        """Says that no more is sent, and lets the client read that before its connection ends: as `util.close_graceful`
        does, which waits for it here, up to 2 s for each connection in turn."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            conn.timeout = monotonic() + contract.ARRIVE_S
            self.poller.register(conn.sock, EVENT_READ, partial(self._end, conn))
            self.pending_conns.append(conn)
        except OSError:  # the client has left
            self.nr_conns -= 1
            conn.close()

    def _end(self, conn: Any, sock: socket.socket) -> None:
        """The client has closed, or sends on: once is enough."""
        self.poller.unregister(sock)
        self.pending_conns.remove(conn)
        self.nr_conns -= 1
        with suppress(OSError):
            sock.recv(contract.MAX_BODY_BYTES)
        conn.close()


def write_error(sock: socket.socket, status: int, reason: str, cause: str) -> None:
    """What gunicorn answers without the application, in place of its page of HTML, and as uvicorn does: of what is
    malformed, only what is too long has a status of its own."""
    if status in (HTTPStatus.EXPECTATION_FAILED, HTTPStatus.NOT_IMPLEMENTED):
        status, reason = HTTPStatus.BAD_REQUEST.value, HTTPStatus.BAD_REQUEST.phrase
    body = encode(contract.error_body("malformed", cause or reason))
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {contract.JSON}\r\n"
    util.write_nonblock(sock, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)
