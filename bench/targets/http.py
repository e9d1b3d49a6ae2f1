"""The bench's own few requests to a service: configuration, counts, faults. Never the load."""

import http.client
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from bench.errors import UserError


class ServiceError(RuntimeError):
    """A service that did not answer as asked; the text says what it answered."""


class Client:
    """One connection, kept alive until it is left; the next request opens another. Not for several threads.

    A server closes one that idles for long, those of this lab after `contract.KEEP_ALIVE_S`; the next request on it
    fails.
    """

    def __init__(self, base_url: str, timeout_s: float = 30.0) -> None:
        parts = urlsplit(base_url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
        self._prefix = parts.path.rstrip("/")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> dict[str, Any]:
        """The body of a 200; raises ServiceError for any other status, OSError where nothing answers."""
        return self.request("GET", path)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The same for a POST of JSON."""
        return self.request("POST", path, json.dumps(body or {}))

    def request(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        status, text = self.exchange(method, path, body)
        if status != http.client.OK:
            raise ServiceError(f"{method} {path} answered {status}: {_one_line(text[:200])}")
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise ServiceError(f"{method} {path} answered no JSON object: {_one_line(text[:60])}")
        return value

    def exchange(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body, whatever the status."""
        try:
            self._connection.request(method, self._prefix + path, body, headers or {})
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            raise


def address(url: str) -> str:
    """A base URL without a slash at its end; raises UserError where it is none."""
    try:
        parts = urlsplit(url)
        usable = parts.port != 0 and parts.hostname and parts.username is None
    except ValueError:  # a port that is no number, or above 65535
        usable = False
    if not usable or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise UserError(f"{url!r} is no address: write it as http://host:port")
    return url.rstrip("/")


def _one_line(body: bytes) -> str:
    return " ".join(body.decode(errors="replace").split())
