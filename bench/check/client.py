"""A small HTTP/1.1 client that sends exactly what it is told to, stamps when, and keeps every answer."""

import asyncio
import json
import re
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from bench.errors import UserError
from services.common import contract

ANSWER_S: Final = 8.0
"""No check asks for anything that lasts longer than 2 s; more is a service that hangs."""

T = TypeVar("T")
_PART: Final = re.compile(r"(acquire|work|release|app);dur=(\d+(?:\.\d+)?)")


class NoAnswer(Exception):
    """The service closed the connection, said nothing in time, or did not speak HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One request and what came back; `sent` and `received` are seconds on the monotonic clock."""

    method: str
    target: str
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    sent: float
    received: float

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def seconds(self) -> float:
        """From the first byte sent, on a connection that is open, to the last one received."""
        return self.received - self.sent

    def json(self) -> Any:
        """The body; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def server_timing(self) -> dict[str, float] | None:
        """Milliseconds by name; None where one of the four is missing."""
        parts = dict(_PART.findall(self.headers.get(contract.SERVER_TIMING.lower(), "")))
        return {name: float(value) for name, value in parts.items()} if len(parts) == 4 else None

    def __str__(self) -> str:
        return f"{self.method} {self.target[:60]} → {self.status}"


@dataclass(slots=True, eq=False)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Client:
    """Keeps connections alive and opens as many as there are requests in flight."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise UserError(f"{base_url!r} is no address of a service: write it as http://host:port")
        self._host = parts.hostname
        self._secure = parts.scheme == "https"
        self._port = port or (443 if self._secure else 80)
        self._prefix = parts.path.rstrip("/")
        self._idle: list[_Connection] = []
        self.answers: list[Answer] = []

    @property
    def origin(self) -> str:
        """What a browser calls a page of the service's own."""
        return f"http{'s' if self._secure else ''}://{self._host}:{self._port}"

    async def ask(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; raises NoAnswer."""
        try:
            async with asyncio.timeout(ANSWER_S):
                connection = await self._connection()
                try:
                    answer = await self._exchange(connection, method, target, body, headers or {})
                except BaseException:
                    connection.writer.close()
                    raise
        except (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError) as error:
            reason = f"nothing in {ANSWER_S:g} s" if isinstance(error, TimeoutError) else str(error)
            raise NoAnswer(f"{method} {target[:60]}: no answer ({reason or type(error).__name__})") from error
        self.answers.append(answer)
        return answer

    async def get(self, target: str) -> Answer:
        return await self.ask("GET", target)

    async def leave(self, target: str, gone: asyncio.Event) -> None:
        """A client that asks, and closes its connection without an answer when `gone` is set."""
        connection = await self._connection()
        connection.writer.write(self._head("GET", target, None, {}))
        await connection.writer.drain()
        await gone.wait()
        connection.writer.close()

    async def close(self) -> None:
        for connection in self._idle:
            connection.writer.close()
        self._idle.clear()

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection
            connection.writer.close()
        return _Connection(*await asyncio.open_connection(self._host, self._port, ssl=self._secure or None))

    async def _exchange(
        self,
        connection: _Connection,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        request = self._head(method, target, body, headers) + (body or b"")
        sent = monotonic()
        connection.writer.write(request)
        head = (await connection.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split(" ", 2)[1])
        bodiless = method == "HEAD" or status in (204, 304)
        content = b"" if bodiless else await _content(connection.reader, fields)
        answer = Answer(method, target, status, fields, content, sent, monotonic())
        if method == "HEAD" or fields.get("connection", "").lower() == "close":
            connection.writer.close()  # after HEAD: some servers send a body all the same
        else:
            self._idle.append(connection)
        return answer

    def _head(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        length = {} if body is None else {"Content-Length": str(len(body))}
        fields = {"Host": f"{self._host}:{self._port}", **length, **headers}
        lines = [
            f"{method} {self._prefix}{target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def together(asked: Iterable[Awaitable[T]]) -> list[T]:
    """The outcomes of all, in order; where some fail, the first error, when all have ended."""
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes  # type: ignore[return-value] # none is an exception


async def _content(reader: asyncio.StreamReader, fields: Mapping[str, str]) -> bytes:
    if "chunked" in fields.get("transfer-encoding", "").lower():
        content = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            content += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return content
    if "content-length" not in fields:
        raise ValueError("neither Content-Length nor chunks")
    return await reader.readexactly(int(fields["content-length"]))
