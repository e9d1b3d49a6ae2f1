"""The HTTP contract that all services share: paths, parameters, limits, headers, and bodies as they are sent.

Standard library only. What each field of a body counts stands in `models`.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

HEALTH: Final = "/health"
STATS: Final = "/pool/stats"
CONFIG: Final = "/admin/config"
RELEASE_LEAKS: Final = "/admin/leaks/release"
METRICS: Final = "/metrics"
OPENAPI: Final = "/openapi.json"
QUERY: Final = "/api/query"
QUERY_PROPER: Final = "/api/query-proper"
ONE_CHECKOUT: Final = (QUERY, QUERY_PROPER)
"""Where a request takes one connection, once, and gives it back."""
QUERY_LEAK: Final = "/api/query-leak"
NESTED: Final = "/api/nested"
SEVERAL: Final = "/api/several"
NOOP: Final = "/api/noop"

METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    HEALTH: ("GET",),
    STATS: ("GET",),
    CONFIG: ("GET", "POST"),
    RELEASE_LEAKS: ("POST",),
    METRICS: ("GET",),
    OPENAPI: ("GET",),
    QUERY: ("GET",),
    QUERY_PROPER: ("GET",),
    QUERY_LEAK: ("GET",),
    NESTED: ("GET",),
    SEVERAL: ("GET",),
    NOOP: ("GET",),
}
"""Every path and the methods it knows; another path is 404, another method 405."""

WITHOUT_POOL: Final = frozenset((HEALTH, OPENAPI))
"""The paths that answer whether or not there is a pool."""

HOLDING: Final = (QUERY, QUERY_PROPER, NESTED, SEVERAL)
"""The paths that hold a connection, and so take `hold_ms`."""

PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(HOLDING, ("hold_ms",)),
    SEVERAL: ("times", "hold_ms"),
    QUERY_LEAK: ("how",),
}
"""What a path may have in its query string; the others nothing."""

ROWS: Final = 20
MAX_HOLD_MS: Final = 600_000
TIMES: Final = 5
MAX_TIMES: Final = 20
CHECKOUTS: Final = tuple(f"checkout {number}" for number in range(1, MAX_TIMES + 1))
"""What `stage` calls each acquire of `/api/several`."""
MAX_BODY_BYTES: Final = 65_536
KEEP_ALIVE_S: Final = 75
"""How long every server keeps an idle client connection; the defaults (2 s, 5 s, 0) differ."""
ARRIVE_S: Final = 5
"""What a request may take to arrive in full, from its first byte; then its connection is closed."""
GRACE_S: Final = 1
"""What requests in flight have left after SIGTERM, before they are cut off; the process ends within 3 s."""

WorkKind = Literal["sleep", "query", "cpu", "lock"]
Tuning = Literal["equalised", "as_shipped"]
Release = Literal["explicit", "context-manager"]
"""How a handler gives its connection back: by a call of its own, or by leaving the library's context manager."""
RELEASES: Final[Mapping[Release, str]] = MappingProxyType({"explicit": QUERY, "context-manager": QUERY_PROPER})
"""The path whose handler does it so."""
How = Literal["kept", "dropped", "exception"]
HOWS: Final[tuple[How, ...]] = ("kept", "dropped", "exception")
Refusal = Literal["pool_exhausted", "pool_growing", "database_unavailable"]

SERVER_TIMING: Final = "Server-Timing"
RETRY_AFTER: Final = "Retry-After"
JSON: Final = "application/json"


class BadRequest(Exception):
    """A request that the contract refuses; `str()` says what to change."""

    def __init__(self, status: int, error: str, cause: str) -> None:
        super().__init__(cause)
        self.status = status
        self.error = error


class Refused(Exception):
    """No connection, or one that did not answer: the 503 of the contract.

    `stage` says which acquire it was, where a request makes more than one.
    """

    def __init__(self, reason: Refusal, cause: str, waited_s: float, stage: str | None = None) -> None:
        super().__init__(cause)
        self.reason = reason
        self.waited_s = waited_s
        self.stage = stage


class LeakedOnPurpose(Exception):
    """What `query-leak?how=exception` raises between acquire and release."""

    def __init__(self) -> None:
        super().__init__("the handler failed between acquire and release: its connection was not given back")


@dataclass(slots=True)
class Timing:
    """Where one request spent its time, in milliseconds; what did not happen stays 0."""

    acquire_ms: float = 0.0
    work_ms: float = 0.0
    release_ms: float = 0.0
    nested_acquire_ms: float | None = None

    def add(self, checkout: "Timing") -> None:
        """Counts in one checkout of a request that makes several."""
        self.acquire_ms += checkout.acquire_ms
        self.work_ms += checkout.work_ms
        self.release_ms += checkout.release_ms

    def header(self, app_ms: float) -> str:
        """The `Server-Timing` value; client time minus `app` is the queue in front of the framework."""
        return (
            f"acquire;dur={self.acquire_ms:.3f}, work;dur={self.work_ms:.3f}, "
            f"release;dur={self.release_ms:.3f}, app;dur={app_ms:.3f}"
        )


class PoolView(NamedTuple):
    """The pool as a handler sees it while it holds a connection; None is what the library does not know."""

    max_size: int
    current_size: int | None
    free: int | None


def health_body(service: str) -> dict[str, Any]:
    return {"status": "ok", "service": service}


def served_body(
    service: str,
    timing: Timing,
    total_ms: float,
    view: PoolView,
    rows: int,
    trace_id: str | None,
    **more: Any,
) -> dict[str, Any]:
    """The 200 of every `/api/` path; `more` is what a path adds (`leaked`, `checkouts`).

    `trace_id` names a trace that has this request's spans: it is null where nothing is traced, or this was not sampled.
    """
    times = {
        "acquire_time_ms": round(timing.acquire_ms, 3),
        "work_time_ms": round(timing.work_ms, 3),
        "release_time_ms": round(timing.release_ms, 3),
        "total_time_ms": round(total_ms, 3),
    }
    if timing.nested_acquire_ms is not None:
        times["nested_acquire_time_ms"] = round(timing.nested_acquire_ms, 3)
    return {
        "status": "ok",
        "service": service,
        "trace_id": trace_id,
        "timing": times,
        "pool": {"max_size": view.max_size, "current_size": view.current_size, "free": view.free},
        "rows_returned": rows,
        **more,
    }


def refused_body(
    error: Refusal, cause: str, waited_s: float, pool_max_size: int, trace_id: str | None, **more: Any
) -> dict[str, Any]:
    """The 503: no connection in time, or a database that does not answer."""
    return {
        "detail": {
            "error": error,
            "cause": cause,
            "waited_seconds": round(waited_s, 6),
            "pool_max_size": pool_max_size,
            "trace_id": trace_id,
            **more,
        }
    }


def error_body(error: str, cause: str, trace_id: str | None = None) -> dict[str, Any]:
    """Every other 4xx and 5xx; `cause` says what to change."""
    return {"detail": {"error": error, "cause": cause, "trace_id": trace_id}}


def retry_after(waiting: int, hold_ms: float, pool_max_size: int) -> str:
    """Whole seconds, at least 1: how long the queue of now takes to drain."""
    return str(max(1, math.ceil(waiting * hold_ms / 1000 / pool_max_size)))


def not_found(path: str) -> BadRequest:
    return BadRequest(404, "not_found", f"no such path: {path}; GET {OPENAPI} lists them")


def wrong_method(method: str, path: str) -> BadRequest:
    return BadRequest(405, "method_not_allowed", f"{path} takes {', '.join(METHODS[path])}, not {method}")


def allow(path: str) -> dict[str, str]:
    """The `Allow` header that a 405 must carry."""
    return {"Allow": ", ".join(METHODS[path])}


def several_workers(workers: int) -> BadRequest:
    cause = f"{workers} worker processes serve this address and one alone would change: set it by environment"
    return BadRequest(409, "several_workers", cause)


def too_large() -> BadRequest:
    return BadRequest(413, "too_large", f"the body may have {MAX_BODY_BYTES} bytes at most")


def malformed(cause: str) -> BadRequest:
    return BadRequest(400, "malformed", cause)


def refuse_foreign(header: Callable[[str], str | None]) -> None:
    """Raises BadRequest where a page of another site asks for a change, which the reader of that page need not notice.

    A browser says whose page asks, in `Sec-Fetch-Site`, or in `Origin`, which must then be the `Host` that is asked;
    what says neither is no browser. So does Go's `net/http.CrossOriginProtection`. `header` finds a name in any case.
    """
    site, origin = header("Sec-Fetch-Site"), header("Origin")
    if site is None and origin is not None:
        site = "same-origin" if origin.partition("://")[2] == header("Host") else "cross-site"
    if site not in (None, "same-origin", "none"):
        cause = f"a page of {origin or 'another site'} may not change this service: ask from outside of a browser"
        raise BadRequest(403, "foreign_origin", cause)


def parse_query(path: str, arguments: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The query string of `path` as a dictionary, refused where a name is unknown there or stands twice."""
    known = PARAMETERS.get(path, ())
    parsed: dict[str, str] = {}
    for name, value in arguments:
        if name not in known:
            takes = " and ".join(known) or "no query parameters"
            raise BadRequest(422, "invalid", f"unknown query parameter {name!r}: {path} takes {takes}")
        if name in parsed:
            raise BadRequest(422, "invalid", f"{name} stands twice in the query string: give it once")
        parsed[name] = value
    return parsed


def parse_hold_ms(arguments: Mapping[str, str], default: int) -> int:
    """`hold_ms` of one request, in whole milliseconds from 0 to MAX_HOLD_MS."""
    text = arguments.get("hold_ms")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) > MAX_HOLD_MS:
        cause = f"hold_ms must be a whole number from 0 to {MAX_HOLD_MS}, not {text[:40]!r}"
        raise BadRequest(422, "invalid", cause)
    return int(text)


def parse_times(arguments: Mapping[str, str]) -> int:
    """How often `/api/several` takes a connection, from 1 to MAX_TIMES; TIMES where nothing is said."""
    text = arguments.get("times")
    if text is None:
        return TIMES
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not 1 <= int(text) <= MAX_TIMES:
        raise BadRequest(422, "invalid", f"times must be a whole number from 1 to {MAX_TIMES}, not {text[:40]!r}")
    return int(text)


def parse_how(arguments: Mapping[str, str]) -> How:
    """`how` of a leak; `kept` where nothing is said."""
    text = arguments.get("how", "kept")
    for how in HOWS:
        if text == how:
            return how
    raise BadRequest(422, "invalid", f"how must be one of {', '.join(HOWS)}, not {text[:40]!r}")


def parse_object(body: bytes) -> dict[str, Any]:
    """A POST body as a JSON object, whatever its Content-Type says."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant, object_pairs_hook=_refuse_twice)
    except (ValueError, RecursionError) as error:
        raise BadRequest(422, "invalid", f"the body must be a JSON object: {str(error)[:200]}") from None
    if not isinstance(value, dict):
        raise BadRequest(422, "invalid", f"the body must be a JSON object, not {type(value).__name__}")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value
