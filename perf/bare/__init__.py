"""A stack without metrics, spans, counts and timing: the same library, front, server, query and body, nothing else."""

from services.common import contract
from services.common.contract import PoolView, Timing
from services.common.encoding import encode


def body(service: str, pool_size: int, rows: int) -> bytes:
    """A query's body, with timings that were not taken."""
    return encode(
        contract.served_body(service, Timing(1.234, 1.234, 1.234), 5.678, PoolView(pool_size, pool_size, 1), rows, None)
    )
