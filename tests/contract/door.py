"""A TCP port in front of the database that can be shut, with everything that passes through it cut off."""

import socket
import threading
from contextlib import suppress
from typing import Self


class Door:
    """Open while it is entered. Leaving closes the port and both ends of every connection."""

    def __init__(self, port: int, to_port: int) -> None:
        self._port = port
        self._to_port = to_port
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._ends: list[socket.socket] = []
        self._shut = False
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._shut = True
            for end in [self._listener, *self._ends]:
                _cut(end)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                upstream = socket.create_connection(("127.0.0.1", self._to_port))
                with self._lock:
                    self._ends += [client, upstream]
                    if self._shut:
                        _cut(client)
                        _cut(upstream)
                for source, sink in ((client, upstream), (upstream, client)):
                    threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Passes bytes on until either end is done; then both are, however it came about."""
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for end in (source, sink):
        _cut(end)


def _cut(end: socket.socket) -> None:
    with suppress(OSError):  # it is cut already
        end.shutdown(socket.SHUT_RDWR)
    end.close()
