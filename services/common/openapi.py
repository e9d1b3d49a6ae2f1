"""The contract as an OpenAPI document, byte for byte the same in all three services.

In: `contract`. Out: `DOCUMENT`, JSON bytes made once.
"""

from typing import Any, Final, get_args

from services.common import contract
from services.common.settings import Config

Schema = dict[str, Any]

NUMBER: Final[Schema] = {"type": "number"}
INTEGER: Final[Schema] = {"type": "integer"}
TEXT: Final[Schema] = {"type": "string"}


def _maybe(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}


def _object(properties: dict[str, Schema], *optional: str) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


POOL: Final = _object({"max_size": INTEGER, "current_size": _maybe(INTEGER), "free": _maybe(INTEGER)})
TIMING: Final = _object(
    {
        "acquire_time_ms": NUMBER,
        "work_time_ms": NUMBER,
        "release_time_ms": NUMBER,
        "total_time_ms": NUMBER,
        "nested_acquire_time_ms": NUMBER,
    },
    "nested_acquire_time_ms",
)
SERVED: Final = _object(
    {
        "status": {"const": "ok"},
        "service": TEXT,
        "trace_id": _maybe(TEXT),
        "timing": TIMING,
        "pool": POOL,
        "rows_returned": INTEGER,
        "leaked": {"const": True},
        "checkouts": INTEGER,
        "longest_acquire_ms": NUMBER,
    },
    "leaked",
    "checkouts",
    "longest_acquire_ms",
)
REFUSED: Final = _object(
    {
        "detail": _object(
            {
                "error": {"enum": list(get_args(contract.Refusal))},
                "cause": TEXT,
                "waited_seconds": NUMBER,
                "pool_max_size": INTEGER,
                "trace_id": _maybe(TEXT),
                "stage": {"enum": ["acquire", "nested_acquire", *contract.CHECKOUTS]},
            },
            "stage",
        )
    }
)
ERROR: Final = _object({"detail": _object({"error": TEXT, "cause": TEXT, "trace_id": _maybe(TEXT)})})
STATS: Final = _object(
    {
        "service": TEXT,
        "worker_pid": INTEGER,
        "workers": INTEGER,
        "pool_min_size": INTEGER,
        "pool_max_size": INTEGER,
        "pool_size": _maybe(INTEGER),
        "pool_free_size": _maybe(INTEGER),
        "work_time_ms": INTEGER,
        "acquire_timeout": NUMBER,
        "pool_used_size": INTEGER,
        "waiting_requests": INTEGER,
        "pool_connecting": _maybe(INTEGER),
        "acquired_total": INTEGER,
        "released_total": INTEGER,
        "timed_out_total": INTEGER,
        "failed_total": INTEGER,
        "leaked_total": INTEGER,
        "abandoned_total": INTEGER,
        "waiter_seconds_total": NUMBER,
        "used_seconds_total": NUMBER,
        "draining": {
            "type": "array",
            "items": _object({"pool_max_size": INTEGER, "used": INTEGER, "waiting": INTEGER}),
        },
    },
    "draining",
)


def _patch() -> Schema:
    schema = Config.model_json_schema()
    properties = {name: value for name, value in schema["properties"].items() if name != "tuning"}
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


def _config() -> Schema:
    shown = {"service": TEXT, "workers": INTEGER, "threads": _maybe(INTEGER), "tracing": {"type": "boolean"}}
    return _object(shown | Config.model_json_schema()["properties"])


def _answers(ok: Schema, *, refused: bool = False, errors: tuple[int, ...] = (422,)) -> Schema:
    answers = {"200": _json("As asked.", ok)}
    answers |= {str(status): _json("Not as asked; `cause` says what to change.", ERROR) for status in errors}
    if refused:
        answers["503"] = _json("No connection in time, or no database.", REFUSED)
        answers["503"]["headers"] = {contract.RETRY_AFTER: {"schema": INTEGER}}
    for answer in answers.values():
        answer.setdefault("headers", {})[contract.SERVER_TIMING] = {"schema": TEXT}
    return answers


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {contract.JSON: {"schema": schema}}}


def _get(summary: str, answers: Schema, *parameters: Schema) -> Schema:
    return {"summary": summary, "parameters": list(parameters), "responses": answers}


def _document() -> Schema:
    hold = {
        "name": "hold_ms",
        "in": "query",
        "schema": INTEGER | {"minimum": 0, "maximum": contract.MAX_HOLD_MS},
        "description": "Holds the connection this long instead of `work_time_ms`.",
    }
    times = {
        "name": "times",
        "in": "query",
        "schema": INTEGER | {"minimum": 1, "maximum": contract.MAX_TIMES, "default": contract.TIMES},
    }
    how = {"name": "how", "in": "query", "schema": {"enum": list(contract.HOWS)}}
    text = {"200": {"description": "The exposition.", "content": {"text/plain": {"schema": TEXT}}}}
    paths: Schema = {
        contract.HEALTH: {"get": _get("Alive; never touches the pool.", _answers(
            _object({"status": {"const": "ok"}, "service": TEXT})))},
        contract.STATS: {"get": _get("The pool now: configured, said by the library, counted.", _answers(STATS))},
        contract.CONFIG: {
            "get": _get("What is in force.", _answers(_config())),
            "post": {
                "summary": "Changes what is given, at once and for the next acquire.",
                "requestBody": {"required": True, "content": {contract.JSON: {"schema": _patch()}}},
                "responses": _answers(_config(), refused=True, errors=(409, 413, 422)),
            },
        },
        contract.RELEASE_LEAKS: {"post": {
            "summary": "Gives back the connections that were leaked and kept.",
            "responses": _answers(_object({"service": TEXT, "released": INTEGER})),
        }},
        contract.METRICS: {"get": _get("Prometheus text, or OpenMetrics.", text)},
        contract.OPENAPI: {"get": _get("This document.", {"200": {"description": "OpenAPI 3.1."}})},
        contract.QUERY: {"get": _get("Acquires, reads, holds, releases.", _answers(SERVED, refused=True), hold)},
        contract.QUERY_PROPER: {"get": _get(
            "The same through the library's context manager.", _answers(SERVED, refused=True), hold)},
        contract.QUERY_LEAK: {"get": _get(
            "The bug on purpose: no release.", _answers(SERVED, refused=True, errors=(422, 500)), how)},
        contract.NESTED: {"get": _get(
            "Takes a second connection while it holds one.", _answers(SERVED, refused=True), hold)},
        contract.SEVERAL: {"get": _get(
            "Acquires, reads, holds and releases several times, one after another.",
            _answers(SERVED, refused=True), times, hold)},
        contract.NOOP: {"get": _get("No pool at all: the floor of the framework.", _answers(SERVED))},
    }  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {"title": "poolbench service", "version": "1"},
        "paths": paths,
    }


DOCUMENT: Final = contract.encode(_document())
