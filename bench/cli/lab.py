"""The lab: a PostgreSQL and all services on their own ports, until Ctrl-C."""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import click

from bench.errors import UserError
from bench.postgres.database import Database
from bench.targets.http import Client
from bench.targets.installed import require_libraries
from bench.targets.postgres import postgres
from bench.targets.process import LocalService, ServiceDied, port_in_use
from services.common import contract
from services.common.settings import Config
from services.stacks import STACKS


def serve(stacks: Sequence[str], base_port: int | None, database_url: str | None, pg_bin: Path | None) -> int:
    """Serves until interrupted, which is how it should end: 0. Returns 1 when a service ends by itself."""
    try:
        return _serve(stacks, base_port, database_url, pg_bin)
    except KeyboardInterrupt:
        click.echo("\nthe lab is closed", err=True)
        return 0


def _serve(stacks: Sequence[str], base_port: int | None, database_url: str | None, pg_bin: Path | None) -> int:
    ports = {
        name: base_port + nth if base_port else stack.port
        for nth, (name, stack) in enumerate(STACKS.items())
        if name in stacks
    }
    require_libraries(ports)
    for port in ports.values():
        if port_in_use(port):
            raise UserError(f"port {port} is in use: stop what listens there, or take another --base-port")
    with ExitStack() as stack:
        database, own = stack.enter_context(postgres(database_url, pg_bin))
        services = [LocalService(name, database, _settings(os.environ), port=port) for name, port in ports.items()]
        try:
            for service in services:
                stack.callback(service.stop)
                service.start()
            for service in services:
                service.wait_ready()
        except ServiceDied as error:
            click.echo(f"bench: {error}; its last lines:\n{error.log_tail}", err=True)
            return 1
        with Client(services[0].base_url) as client:
            # The embedded server's password is thrown away with it; another's is not ours to show.
            shown = database if own else replace(database, password="")
            click.echo(_welcome(services, shown, client.get(contract.CONFIG)))
        never = Event()
        while not never.wait(0.5):
            for service in services:
                if not service.alive:
                    click.echo(f"bench: {service.name} has ended; its last lines:\n{service.log_tail()}", err=True)
                    return 1
    return 0


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What the caller's environment says of pools, work and threads, as it does in the stack."""
    return {
        name: environment[name.upper()] for name in (*Config.model_fields, "threads") if name.upper() in environment
    }


def _welcome(services: list[LocalService], database: Database, config: Mapping[str, Any]) -> str:
    """`config` is in force in all of them, as one of them tells it; a password of `database` is shown."""
    first = services[0].base_url
    sizes = f"Pool of {config['pool_min_size']} to {config['pool_max_size']}"
    times = f"hold {config['work_time_ms'] / 1000:g} s, acquire timeout {config['pool_acquire_timeout']:g} s"
    lines = [f"  {service.base_url}  {service.name}" for service in services]
    return "\n".join(
        [
            f"PostgreSQL: {database}",
            f"  psql '{database.dsn}'",
            *lines,
            "",
            f"{sizes}, {times}. Try:",
            f"  curl {first}/api/query",
            f"  curl {first}/pool/stats",
            f"  curl {first}/admin/config -d '{{\"pool_max_size\": 20}}'",
            f"  for i in $(seq 10); do curl -s {first}/api/query & done; wait",
            "",
            "Ctrl-C ends it all.",
        ]
    )
