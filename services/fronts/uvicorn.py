"""uvicorn as every stack on FastAPI is served: one worker process, configured in sight."""

import asyncio
import atexit
import os
import socket
import sys
from contextlib import suppress

import uvicorn
from anyio import to_thread

from services.common import contract, settings
from services.common.settings import Settings, SettingsError
from services.common.start import NO_DATABASE, starting
from services.fronts.httptools import Protocol
from services.pools import asynchronous, synchronous
from services.pools.adapters import adapter_of
from services.stacks import Stack


class Server(uvicorn.Server):
    """Its overridden method is that of uvicorn 0.54."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the process where threads still wait for a connection or hold one: nothing ends a thread, and neither
        event loop nor interpreter ends without it."""
        await super().shutdown(sockets)
        if to_thread.current_default_thread_limiter().borrowed_tokens:
            atexit._run_exitfuncs()  # noqa: SLF001 - spans and log lines that are not sent yet
            os._exit(0)


def main(stack: Stack) -> None:
    """Serves until SIGTERM. Exit status 2 for a setting that cannot be used, 3 for no database."""
    with starting():
        environment = settings.from_environment(port=stack.port)
        if environment.workers > 1:
            raise SettingsError("WORKERS: this service runs one worker process; start several on ports of their own")
        _wait_for_database(stack, environment)
    config = uvicorn.Config(
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
    server = Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(NO_DATABASE)


def _wait_for_database(stack: Stack, environment: Settings) -> None:
    library = adapter_of(stack.package)
    if stack.threads:
        synchronous.wait_for_database(stack.name, library, environment)
    else:
        asyncio.run(asynchronous.wait_for_database(stack.name, library, environment))
