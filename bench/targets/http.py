"""The bench's own few requests to a service: configuration, counts, faults. Never the load.

In: a base URL. Out: JSON objects.
"""

import http.client
import json
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit


class ServiceError(RuntimeError):
    """A service that did not answer as asked; the text says what it answered."""


class Client:
    """One kept-alive connection; opened again once where the server closed it. Not for several threads."""

    def __init__(self, base_url: str, timeout_s: float = 30.0) -> None:
        parts = urlsplit(base_url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> dict[str, Any]:
        """The body of a 200; raises ServiceError for any other status, OSError where nobody answers."""
        return self.request("GET", path)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The same for a POST of JSON."""
        return self.request("POST", path, json.dumps(body or {}))

    def request(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        status, text = self.exchange(method, path, body)
        if status != http.client.OK:
            raise ServiceError(f"{method} {path} answered {status}: {text[:200].decode(errors='replace')}")
        value: dict[str, Any] = json.loads(text)
        return value

    def exchange(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """Status and body, whatever the status."""
        try:
            self._connection.request(method, path, body)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            raise
