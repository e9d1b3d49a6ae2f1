"""`python -m services.sqlalchemy_fastapi`: the service on uvicorn, one worker process, until SIGTERM.

In: the environment (see common/settings.py). Exit status 2 for a setting that cannot be used, 3 for no database.
"""

import asyncio
import logging
import sys

import uvicorn

from services.common import contract, settings
from services.common.books import Refused
from services.common.settings import SettingsError
from services.sqlalchemy_fastapi.app import create_app
from services.sqlalchemy_fastapi.pool import SERVICE, wait_for_database
from services.stacks import STACKS


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        environment = settings.from_environment(port=STACKS[SERVICE].port)
        if environment.workers > 1:
            raise SettingsError("WORKERS: this service runs one worker process; start several on ports of their own")
    except SettingsError as error:
        sys.exit(settings.refuse(error))
    try:
        asyncio.run(wait_for_database(environment))
    except Refused as refused:
        sys.exit(settings.give_up(refused))
    uvicorn.run(
        create_app(environment),
        host=environment.host,
        port=environment.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        timeout_keep_alive=contract.KEEP_ALIVE_S,
        timeout_graceful_shutdown=contract.GRACE_S,
    )


if __name__ == "__main__":
    main()
