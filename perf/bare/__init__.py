"""The three services without metrics, spans and timing: the same library, query and body, and nothing else."""

from services.common import contract
from services.common.contract import PoolView, Timing


def body(service: str, pool_size: int, rows: int) -> bytes:
    """A query's body, with timings that were not taken."""
    return contract.encode(
        contract.served_body(service, Timing(1.234, 1.234, 1.234), 5.678, PoolView(pool_size, pool_size, 1), rows, None)
    )
