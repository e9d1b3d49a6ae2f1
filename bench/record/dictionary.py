"""What each column of a run's tables is: the dictionary that Parquet files carry and `results/README.md` shows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from services.workload.samples import SampleError

Kind = Literal["str", "int", "float"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table."""

    kind: Kind
    text: str
    """What it is, in one sentence or two."""
    unit: str = ""
    """"" for names and numbers that count nothing."""
    null: str = ""
    """What null (an empty field in CSV) means; "" where it never is."""
    values: str = ""
    """What it can be; "" where its kind says it all."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a run."""

    row: str
    """What a row is."""
    columns: Mapping[str, Column]
    """By name, in their order, the cell's key first."""

    def metadata(self) -> dict[str, str]:
        """Key-value metadata of its Parquet file: `row`, and for each column an object in JSON."""
        described = {
            name: {"unit": each.unit, "text": each.text, "null": each.null or "never", "values": each.values}
            for name, each in self.columns.items()
        }
        return {"row": self.row} | {name: json.dumps(each, ensure_ascii=False) for name, each in described.items()}


_COUNT: Final = "0 or more"
_START: Final = "from the start of the cell's load"
KEY: Final = {
    "scenario": Column(kind="str", text="Which scenario was played.", values="a scenario of `bench list`"),
    "service": Column(
        kind="str",
        text="Which stack it was played on.",
        values="a service of `bench list`, or the name that `-s NAME=URL` or `--aa` gave it",
    ),
    "repetition": Column(
        kind="int",
        text="Which play of all scenarios and stacks. In files of schema 1 it is called `block`.",
        values=_COUNT,
    ),
}
"""Which cell a row belongs to: the first columns of every table."""


def _table(row: str, **columns: Column) -> Table:
    return Table(row=row, columns=MappingProxyType({**KEY, **columns}))


def _said(text: str) -> Column:
    """A time that the service's answer says."""
    return Column(kind="int", unit="µs", text=f"{text} By the service's clock.", null="the answer does not say it")


REQUESTS: Final = _table(
    "one request",
    n=Column(kind="int", text="The place of the request in the order of sending within its cell.", values=_COUNT),
    user=Column(
        kind="int", text="Which user sent it. 0 for all where the load has no users (sequential, open).", values=_COUNT
    ),
    path=Column(kind="str", text="What was asked for, with the query string.", values="a path of the contract"),
    planned_us=Column(
        kind="int",
        unit="µs",
        text=f"When it was planned to be sent, {_START}. Latency counts from here.",
        null="the load has no plan (sequential, closed): latency counts from `sent_us`",
    ),
    sent_us=Column(kind="int", unit="µs", text=f"When it was sent, {_START}."),
    finished_us=Column(
        kind="int", unit="µs", text=f"When the whole answer was there, or the request had failed, {_START}."
    ),
    status=Column(
        kind="int",
        text="The HTTP status of the answer; on the pool alone the one that the service would have answered.",
        values="100 to 599, or 0 where there was no answer",
    ),
    error=Column(
        kind="str",
        text="What went wrong. `pool_exhausted` is a request that was rejected: no connection came free within the "
        "acquire timeout.",
        values=", ".join(f"`{error.name}`" for error in SampleError),
    ),
    acquire_us=_said(
        "How long the request waited for its connection, or until it was rejected. Where it takes several, here and "
        "below their sum."
    ),
    work_us=_said("How long it held the connection: from having it to giving it back."),
    release_us=_said("From giving it back until the library had it."),
    app_us=Column(
        kind="int",
        unit="µs",
        text="From the start of the handler to its answer. By the service's clock.",
        null="the answer does not say it, or the pool was played alone",
    ),
)
"""`requests.parquet`."""


def _asked(unit: str, text: str, unknown: str = "") -> Column:
    """What the service says when the sampler asks it."""
    null = "; ".join(filter(None, ("not asked for in this sample, or not answered", unknown)))
    return Column(kind="int", unit=unit, text=text, null=null, values=_COUNT)


def _postgres(text: str) -> Column:
    return Column(
        kind="int",
        unit="connections",
        text=f"{text} By PostgreSQL.",
        null="not asked for in this sample, no database to look at, or one that a fault has stand still",
        values=_COUNT,
    )


def _cpu(whose: str) -> Column:
    null = "not read in this sample (every 0.25 s is), or not to be seen from the bench's machine"
    return Column(kind="float", unit="s", text=f"CPU seconds of {whose}.", null=null, values="a total that grows")


POOL: Final = _table(
    "one sample of the pool, its database and the CPU",
    t_us=Column(kind="int", unit="µs", text=f"When it was taken, {_START}; negative before it."),
    size=_asked("connections", "Connections that the library believes exist.", "or the library does not say"),
    free=_asked("connections", "Connections that the library calls idle.", "or the library does not say"),
    used=_asked(
        "connections",
        "Connections handed to a request and not given back, leaked ones included. Counted by the service: more than "
        "`size` where a library has replaced what leaked.",
    ),
    waiting=_asked("requests", "Requests inside acquire. Counted by the service."),
    connecting=_asked("connections", "Connects to PostgreSQL under way.", "or the service cannot see them"),
    backends=_postgres("Backends that serve the service."),
    backends_active=_postgres("Those of them that run a statement."),
    backends_idle_in_transaction=_postgres("Those of them that are idle in an open transaction."),
    cpu_generator_s=_cpu("the load generator since it began"),
    cpu_service_s=_cpu("the service's processes since they began"),
    cpu_postgres_s=_cpu("all backends of the service since they began"),
    cpu_harness_s=_cpu("the bench since it began"),
    cpu_busy_s=_cpu("the whole machine since it booted, what a hypervisor took away included"),
)
"""`pool.parquet`."""

EVENTS: Final = _table(
    "one thing that the bench did to a cell",
    t_s=Column(kind="float", unit="s", text=f"When it happened, {_START}."),
    kind=Column(
        kind="str",
        text="What happened.",
        values="`leak`, `release_leaks`, `backends_ended`, `frozen`, `goes_on`",
    ),
    text=Column(kind="str", text="Its particulars, in words."),
)
"""`events.jsonl`."""

CELLS: Final = _table(
    "one cell: a scenario on a stack in one repetition",
    status=Column(
        kind="str",
        text="How it went. `rejected`: it was played to its end but its audit failed; only one that a busy machine "
        "disturbed has metrics.",
        values="`ok`, `failed`, `skipped`, `rejected`",
    ),
    why=Column(kind="str", text="Why it failed or was skipped.", null="it did not"),
    attempt=Column(
        kind="int", text="The number of this play; it is played again where an audit failed.", values="1 or more"
    ),
    seed=Column(kind="int", text="What arrivals and paths are drawn from.", values=_COUNT),
    hold_ms=Column(kind="int", unit="ms", text="How long a request is asked to hold its connection."),
    acquire_timeout_s=Column(kind="float", unit="s", text="How long a request may wait for a connection."),
    pool_size=Column(kind="int", unit="connections", text="The size that the pool was set to.", values="1 or more"),
    capacity=Column(
        kind="int",
        unit="connections",
        text="The most that the pool may hand out, overflow included.",
        values="1 or more",
    ),
    began_s=Column(
        kind="float",
        unit="s",
        text="When its load began, in seconds since 1970 (UTC); where it failed, when the cell did.",
        null="it was skipped, or played by a bench that did not record it",
    ),
    load_s=Column(kind="float", unit="s", text="From the first request planned to the last one answered."),
    took_s=Column(kind="float", unit="s", text="The cell in all: start, warm-up, load, stop."),
)
"""`cells.csv`: what each is as in `Cell`. Behind these stand the metrics of docs/metrics.md."""

TABLES: Final = MappingProxyType({"requests": REQUESTS, "pool": POOL, "events": EVENTS, "cells": CELLS})
"""By the name of their files, without the suffix."""
