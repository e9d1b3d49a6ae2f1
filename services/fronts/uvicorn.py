"""uvicorn as every stack on an event loop is served: one worker process, configured in sight."""

import asyncio

import uvicorn

from services.common import contract, settings
from services.common.settings import SettingsError
from services.common.start import starting
from services.fronts.httptools import Protocol
from services.pools.adapters import adapter_of
from services.pools.asynchronous import wait_for_database
from services.stacks import Stack


def main(stack: Stack) -> None:
    """Serves until SIGTERM. Exit status 2 for a setting that cannot be used, 3 for no database."""
    with starting():
        environment = settings.from_environment(port=stack.port)
        if environment.workers > 1:
            raise SettingsError("WORKERS: this service runs one worker process; start several on ports of their own")
        asyncio.run(wait_for_database(stack.name, adapter_of(stack.package), environment))
    uvicorn.run(
        f"{stack.package}.app:app",
        host=environment.host,
        port=environment.port,
        loop="uvloop",
        http=Protocol,
        ws="none",
        access_log=False,
        log_config=None,
        timeout_keep_alive=contract.KEEP_ALIVE_S,
        timeout_graceful_shutdown=contract.GRACE_S,
    )
