"""What a handler does while it holds a connection: read `items`, then work until the hold is over.

In: a lease and how long to hold it. Out: how many rows were read.
"""

from time import monotonic, sleep
from typing import Final

from services.common import contract
from services.common.settings import Config
from services.psycopg_flask.pool import Lease

SELECT_ITEMS: Final = "SELECT id, name, price_cents FROM items WHERE id <= %s ORDER BY id"
SLEEP: Final = "SELECT pg_sleep(%s)"
BURN: Final = "SELECT burn(%s)"
AWAIT_LOCK: Final = "SELECT id FROM locks WHERE id = 1 FOR SHARE"


def read(lease: Lease) -> int:
    """Reads the contract's rows; returns how many came."""
    return len(lease.connection.execute(SELECT_ITEMS, (contract.ROWS,)).fetchall())


def hold(lease: Lease, config: Config, hold_ms: int) -> int:
    """Holds for `hold_ms` since the acquire returned, never less; returns the rows read.

    `as_shipped`, psycopg opens a transaction with the first statement; COMMIT ends it within the hold.
    """
    until = lease.wait.granted + hold_ms / 1000
    rows = read(lease)
    match config.work_kind:
        case "query":
            lease.connection.execute(SLEEP, (max(0.0, until - monotonic()),))
        case "cpu":
            lease.connection.execute(BURN, (config.units(hold_ms),))
        case "lock":
            lease.connection.execute(AWAIT_LOCK)
        case "sleep":
            pass
    while (left := until - monotonic()) > 0:  # again for the rest: a timer may fire early
        sleep(left)
    if config.tuning == "as_shipped":
        lease.connection.commit()
    return rows
