"""The handlers over a pool that threads share: acquire and release by hand, by context manager, and forgotten."""

from typing import Any

from services.common import contract
from services.common.contract import How, LeakedOnPurpose, Refused, Timing
from services.common.metrics import PoolStats
from services.handlers.served import Served
from services.pools.synchronous import SyncPool


class SyncHandlers:
    """Each fills `timing`, in milliseconds, and raises Refused where there is no connection in time."""

    def __init__(self, pool: SyncPool[Any]) -> None:
        self._pool = pool

    def query(self, timing: Timing, hold_ms: int) -> Served:
        """Acquires, holds, releases."""
        pool = self._pool
        lease = pool.acquire(timing, hold_ms)
        try:
            view = pool.view()
            rows = pool.hold(lease, hold_ms)
        finally:
            pool.release(lease)
        return Served(view, rows)

    def query_proper(self, timing: Timing, hold_ms: int) -> Served:
        """The same through the library's context manager."""
        pool = self._pool
        with pool.checkout(timing, hold_ms) as lease:
            view = pool.view()
            rows = pool.hold(lease, hold_ms)
        return Served(view, rows)

    def query_leak(self, timing: Timing, how: How) -> Served:
        """The bug on purpose: reads, and does not release. Raises LeakedOnPurpose where the handler fails before it."""
        pool = self._pool
        lease = pool.acquire(timing)
        view = pool.view()
        try:
            rows = pool.read(lease)
        except Exception:  # a dead connection is no leak on purpose
            pool.release(lease)
            raise
        pool.leak(lease, keep=how == "kept")
        if how == "exception":
            raise LeakedOnPurpose
        return Served(view, rows, {"leaked": True})

    def nested(self, timing: Timing, hold_ms: int) -> Served:
        """Takes a second connection while it holds one; a refusal says at which of the two."""
        pool, inner_timing = self._pool, Timing()
        stage: str | None = "acquire"
        try:
            outer = pool.acquire(timing, hold_ms)
            try:
                stage = "nested_acquire"
                inner = pool.acquire(inner_timing, hold_ms)
                stage = None
                try:
                    view = pool.view()
                    rows = pool.hold(inner, hold_ms)
                finally:
                    pool.release(inner)
            finally:
                timing.nested_acquire_ms = inner_timing.acquire_ms
                pool.release(outer)
        except Refused as refused:
            refused.stage = stage
            raise
        return Served(view, rows)

    def several(self, timing: Timing, times: int, hold_ms: int) -> Served:
        """Acquires, holds and releases several times, each time at the end of the queue again."""
        longest_ms = 0.0
        for stage in contract.CHECKOUTS[:times]:
            checkout = Timing()
            try:
                view, rows, _ = self.query(checkout, hold_ms)
            except Refused as refused:
                refused.stage = stage
                raise
            finally:
                timing.add(checkout)
            longest_ms = max(longest_ms, checkout.acquire_ms)
        return Served(view, rows, {"checkouts": times, "longest_acquire_ms": round(longest_ms, 3)})

    def release_leaks(self) -> int:
        return self._pool.release_leaks()

    def snapshot(self) -> PoolStats:
        return self._pool.snapshot()
