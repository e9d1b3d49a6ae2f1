"""A body of every kind, as the services build it."""

from dataclasses import dataclass
from typing import Any, Final

from services.common import contract
from services.common.contract import PoolView, Timing
from services.common.ledger import Totals
from services.common.metrics import PoolStats
from services.common.settings import Config

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
SEEN: Final = PoolView(5, 4, 0)
UNKNOWN: Final = PoolView(5, None, None)
STATS: Final = PoolStats(2, 5, 5, 1, Totals(1, 0, 0, 30, 29, 2, 1, 0, 0, 1.5, 2.5))
DRAINING: Final = ({"pool_max_size": 5, "used": 1, "waiting": 2},)
CONFIGURED: Final = {"service": "svc", "workers": 1, "threads": None, "tracing": False} | Config().model_dump()


@dataclass(frozen=True)
class Example:
    path: str
    status: int
    body: dict[str, Any]
    method: str = "get"

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


def served(view: PoolView = SEEN, trace_id: str | None = TRACE, **more: Any) -> dict[str, Any]:
    return contract.served_body("svc", Timing(1.0, 100.5, 0.25), 102.0, view, contract.ROWS, trace_id, **more)


def nested() -> dict[str, Any]:
    timing = Timing(1.0, 100.5, 0.25, nested_acquire_ms=0.5)
    return contract.served_body("svc", timing, 102.0, SEEN, contract.ROWS, None)


def rejected(error: contract.Refusal = "pool_exhausted", **more: Any) -> dict[str, Any]:
    return contract.refused_body(error, "all 5 connections were in use for 1 s", 1.0, 5, None, **more)


ERROR: Final = contract.error_body("invalid", "how must be one of kept, dropped, exception, not 'x'", TRACE)
EXAMPLES: Final = (
    Example(contract.HEALTH, 200, contract.health_body("svc")),
    Example(contract.STATS, 200, STATS.body("svc", 1, 100, 10.0)),
    Example(contract.STATS, 200, PoolStats(0, 5, None, None, STATS.counted, DRAINING).body("svc", 1, 100, 10)),
    Example(contract.CONFIG, 200, CONFIGURED),
    Example(contract.CONFIG, 200, CONFIGURED | {"threads": 64, "workers": 2}, "post"),
    Example(contract.CONFIG, 409, contract.error_body("several_workers", str(contract.several_workers(2))), "post"),
    Example(contract.CONFIG, 413, contract.error_body("too_large", str(contract.too_large())), "post"),
    Example(contract.CONFIG, 503, rejected("database_unavailable"), "post"),
    Example(contract.RELEASE_LEAKS, 200, {"service": "svc", "released": 3}, "post"),
    Example(contract.QUERY, 200, served()),
    Example(contract.QUERY, 422, ERROR),
    Example(contract.QUERY, 503, rejected()),
    Example(contract.QUERY_PROPER, 200, served(UNKNOWN, None)),
    Example(contract.QUERY_PROPER, 503, rejected("pool_growing")),
    Example(contract.QUERY_LEAK, 200, served(leaked=True)),
    Example(contract.QUERY_LEAK, 500, ERROR),
    Example(contract.NESTED, 200, nested()),
    Example(contract.NESTED, 503, rejected(stage="acquire")),
    Example(contract.NESTED, 503, rejected(stage="nested_acquire")),
    Example(contract.SEVERAL, 200, served(checkouts=5, longest_acquire_ms=0.5)),
    *(Example(contract.SEVERAL, 503, rejected(stage=stage)) for stage in contract.CHECKOUTS),
    Example(contract.NOOP, 200, served(UNKNOWN)),
)
