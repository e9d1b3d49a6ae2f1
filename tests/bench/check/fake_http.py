"""A small HTTP/1.1 server in a thread of this process."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: list[tuple[str, str]]
    body: bytes
    accept: str | None
    headers: dict[str, str] = field(default_factory=dict)


Reply = tuple[int, dict[str, str], bytes]
Handler = Callable[[Request], Awaitable[Reply]]


@contextmanager
def serving(
    start: Callable[[], Awaitable[Handler]], *, cancelling: bool = False, hanging_up: bool = False
) -> Iterator[str]:
    """`start` runs in the server's own event loop, and makes the handler there.

    A handler goes on when its client has left, as in most servers; or is cancelled then, as in some. With `hanging_up`
    the server closes each connection after an answer without saying so, as it does with one that has idled for long.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        server, port = asyncio.run_coroutine_threadsafe(_listen(start, cancelling, hanging_up), loop).result(10)
        yield f"http://127.0.0.1:{port}"
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(
    start: Callable[[], Awaitable[Handler]], cancelling: bool, hanging_up: bool
) -> tuple[asyncio.Server, int]:
    handler = await start()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                answering = asyncio.ensure_future(handler(request))
                status, headers, body = await (_unless_left(answering, reader) if cancelling else answering)
                lines = [f"HTTP/1.1 {status} .", *(f"{name}: {value}" for name, value in headers.items())]
                head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
                writer.write(head.encode() + (b"" if request.method == "HEAD" else body))
                if hanging_up:
                    return
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client has left, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=200)
    return server, server.sockets[0].getsockname()[1]


async def _unless_left(answering: asyncio.Future[Reply], reader: asyncio.StreamReader) -> Reply:
    """The answer; a client sends nothing while it waits for one, so that whatever comes is its leaving."""
    leaving = asyncio.ensure_future(reader.read(1))
    leaving.add_done_callback(lambda left: left.cancelled() or answering.cancel())
    try:
        return await answering
    finally:
        leaving.cancel()
        await asyncio.wait([leaving])


async def _stop(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    path, _, query = target.partition("?")
    return Request(method, path, parse_qsl(query, keep_blank_values=True), body, headers.get("accept"), headers)
