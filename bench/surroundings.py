"""What the bench makes of the environment that it is started in."""

import os
import resource
from typing import Final

MANY_FILES: Final = 20_480


def allow_many_files() -> None:
    """As many open files as the system lets us have, for us and for what we start: macOS begins with 256, and a burst
    of 300 requests needs more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_FILES if hard == resource.RLIM_INFINITY else min(MANY_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def forget_other_databases() -> None:
    """Without PGOPTIONS, PGHOST and the like, which libpq would obey: which database it is, the command says."""
    for name in [name for name in os.environ if name.startswith("PG") and name != "PG_BIN"]:
        del os.environ[name]
