"""The bodies of the HTTP contract: what each field counts, in which unit, and what null means.

`/openapi.json`, docs/contract.md and what `bench check` expects are made from these models. The services build plain
dictionaries (`contract.served_body` and its siblings): no request pays for a model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from services.common import contract, instruments, settings


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these values, of the field's own type: pydantic's Literal takes 20.0 for 20, and 1 for true."""

    values: tuple[Any, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.chain_schema([handler(source), self._known()])

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(self._known())

    def _known(self) -> CoreSchema:
        return core_schema.literal_schema(list(self.values))


Count = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]
Ok = Annotated[str, OneOf(("ok",)), Field(description="Always ok.")]
Service = Annotated[Text, Field(description="Name of the stack.")]
TraceId = Annotated[
    Text | None,
    Field(description="Trace with the spans of this request; null if the request is not traced, or not sampled."),
]


def _fact(name: str, more: str = "") -> Any:
    """A field that says of a fact what its metric says, and `more`."""
    text = (instruments.GAUGES.get(name) or instruments.COUNTERS[name]).text
    return Field(description=f"{text} {more}".rstrip())


class Body(BaseModel):
    """A JSON object with exactly these keys. No number is negative, and no text is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Health(Body):
    """The process answers. The pool is not asked."""

    status: Ok
    service: Service


class Draining(Body):
    """An old pool that is not closed yet."""

    pool_max_size: Count = Field(description="Connections that the old pool may have.")
    used: Count = Field(description="Its connections that are handed out and not given back, leaked ones included.")
    waiting: Count = Field(description="Requests that wait for one of its connections.")


class Stats(Body):
    """The pool of one worker process now: as configured, as the library says, and as the service counts."""

    service: Service
    worker_pid: Count = Field(description="Process id of the worker that answers; all figures are its own.")
    workers: settings.Workers
    pool_min_size: settings.PoolMinSize
    pool_max_size: settings.PoolMaxSize
    pool_size: Count | None = _fact("pool_size", "Null if the library does not say.")
    pool_free_size: Count | None = _fact("pool_free_size", "Null if the library does not say.")
    work_time_ms: settings.WorkTime
    acquire_timeout: settings.AcquireTimeout
    pool_used_size: Count = _fact("pool_used_size", "Counted by the service.")
    waiting_requests: Count = _fact("waiting_requests", "A client that has left counts until its handler ends.")
    pool_connecting: Count | None = _fact("pool_connecting", "Null if the service cannot see them.")
    acquired_total: Count = _fact("acquired_total")
    released_total: Count = _fact("released_total")
    timed_out_total: Count = _fact("timed_out_total")
    failed_total: Count = _fact("failed_total")
    leaked_total: Count = _fact("leaked_total")
    abandoned_total: Count = _fact("abandoned_total")
    waiter_seconds_total: Number = _fact("waiter_seconds_total", "In s.")
    used_seconds_total: Number = _fact("used_seconds_total", "In s.")
    draining: list[Draining] = Field(
        default_factory=list, description="Old pools that still serve; the key is missing if there is none."
    )


class Configuration(Body):
    """What is in force in one worker process."""

    service: Service
    workers: settings.Workers
    threads: Annotated[int, Field(ge=1)] | None = Field(
        description="Threads of each worker process; null if the server runs an event loop."
    )
    tracing: bool = Field(description="Whether spans are exported.")
    work_time_ms: settings.WorkTime
    work_kind: settings.WorkKind
    work_units: settings.WorkUnits
    pool_acquire_timeout: settings.AcquireTimeout
    pool_min_size: settings.PoolMinSize
    pool_max_size: settings.PoolMaxSize
    tuning: settings.Tuning


class Released(Body):
    """Leaked connections that were kept have been given back."""

    service: Service
    released: Count = Field(description="How many connections were given back.")


class Timing(Body):
    """Where the request spent its time, in ms. What did not happen is 0; several checkouts are added up."""

    acquire_time_ms: Number = Field(description="From asking the pool to having a connection, in ms.")
    work_time_ms: Number = Field(description="The hold as measured: from having a connection to giving it back, in ms.")
    release_time_ms: Number = Field(description="From giving the connection back until the library has it, in ms.")
    total_time_ms: Number = Field(description="From the first line of the service's own code to this body, in ms.")


class NestedTiming(Timing):
    """The same of the first connection: its hold includes the wait for the second."""

    nested_acquire_time_ms: Number = Field(description="From asking for the second connection to having it, in ms.")


class PoolSeen(Body):
    """The pool as the request saw it when it got its connection."""

    max_size: Count = Field(description="Connections that the pool may have.")
    current_size: Count | None = Field(
        description="Connections that the library believes exist; null if the library does not say, or was not asked."
    )
    free: Count | None = Field(
        description="Connections that the library calls idle; null if the library does not say, or was not asked."
    )


class Served(Body):
    """The request was served."""

    status: Ok
    service: Service
    trace_id: TraceId
    timing: Timing
    pool: PoolSeen
    rows_returned: Annotated[int, OneOf((contract.ROWS,))] = Field(description="Rows read from `items`.")


class ServedNested(Served):
    """The request was served with two connections at once."""

    timing: NestedTiming


class ServedSeveral(Served):
    """The request was served with several connections, one after another."""

    checkouts: Count = Field(description="How often a connection was acquired and given back.")
    longest_acquire_ms: Number = Field(description="The longest of the acquires, in ms.")


class Leaked(Served):
    """The request was served, and did not give its connection back."""

    leaked: Annotated[bool, OneOf((True,))] = Field(description="Always true.")


class ErrorDetail(Body):
    """What is wrong, for a program and for a person."""

    error: Text = Field(description="Name of the error.")
    cause: Text = Field(description="What happened, and what to change, in one line.")
    trace_id: TraceId


class Error(Body):
    """The request was refused or failed."""

    detail: ErrorDetail


class RejectedDetail(Body):
    """Why there was no connection."""

    error: Annotated[str, OneOf(get_args(contract.Refusal))] = Field(
        description="pool_exhausted: at the acquire timeout every connection was handed out. pool_growing: fewer were, "
        "and connects were under way. database_unavailable: a connect or a statement failed."
    )
    cause: Text = Field(description="What happened, in one line.")
    waited_seconds: Number = Field(description="How long the acquire lasted, in s.")
    pool_max_size: Count = Field(description="Connections that the pool may have.")
    trace_id: TraceId


class Rejected(Body):
    """No connection within the acquire timeout, or no database."""

    detail: RejectedDetail


class RejectedNestedDetail(RejectedDetail):
    """Why there was no connection, and for which of two acquires."""

    stage: Annotated[str, OneOf(("acquire", "nested_acquire"))] = Field(description="Which acquire it was.")


class RejectedNested(Rejected):
    """One of two acquires got no connection within the acquire timeout. No connection is held any more."""

    detail: RejectedNestedDetail


class RejectedSeveralDetail(RejectedDetail):
    """Why there was no connection, and for which of several acquires."""

    stage: Annotated[str, OneOf(contract.CHECKOUTS)] = Field(description="Which acquire it was, counted from 1.")


class RejectedSeveral(Rejected):
    """One of several acquires got no connection within the acquire timeout. No connection is held any more."""

    detail: RejectedSeveralDetail


SERVED: Final[Mapping[str, type[Served]]] = {
    contract.QUERY: Served,
    contract.QUERY_PROPER: Served,
    contract.QUERY_LEAK: Leaked,
    contract.NESTED: ServedNested,
    contract.SEVERAL: ServedSeveral,
    contract.NOOP: Served,
}
"""The 200 of each path under `/api/`."""

REJECTED: Final[Mapping[str, type[Rejected]]] = {
    contract.QUERY: Rejected,
    contract.QUERY_PROPER: Rejected,
    contract.QUERY_LEAK: Rejected,
    contract.NESTED: RejectedNested,
    contract.SEVERAL: RejectedSeveral,
}
"""The 503 of each path that takes a connection, where an acquire got none.

On `/api/nested` a statement can fail when both acquires are over: that 503 has no stage, and is a plain `Rejected`.
"""
