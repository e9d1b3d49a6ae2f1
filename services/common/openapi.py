"""The contract as an OpenAPI document, made once from the models, byte for byte the same in all services."""

import re
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from services.common import contract, models
from services.common.encoding import encode
from services.common.models import Body
from services.common.settings import Config

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
WHERE: Final = "#/components/schemas/{model}"
CHANGE: Final = "ConfigurationChange"
MODELS: Final[tuple[type[Body], ...]] = (
    models.Health,
    models.Stats,
    models.Configuration,
    models.Released,
    *dict.fromkeys(models.SERVED.values()),
    *dict.fromkeys(models.REJECTED.values()),
    models.Error,
)
ABOUT: Final = (
    f"Every answer of the service itself carries {contract.SERVER_TIMING}; what the server refuses before it does not. "
    "A path that is not here is 404, a trailing slash included; another method is 405 with Allow, and a bug of the "
    "service is 500. All three have the body Error."
)


class _Untitled(GenerateJsonSchema):
    """A field's title would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the base class asks with it
        return False


def _schemas() -> Schema:
    """Every body by name, and what a POST to the configuration may say."""
    wanted: list[tuple[type[Body], JsonSchemaMode]] = [(model, "validation") for model in MODELS]
    _, made = models_json_schema(wanted, ref_template=WHERE, schema_generator=_Untitled)
    schemas: Schema = made["$defs"]
    properties = schemas[models.Configuration.__name__]["properties"]
    schemas[CHANGE] = {
        "title": CHANGE,
        "description": "What to change: one of these keys, or several. What is not given stays as it is.",
        "type": "object",
        "properties": {name: properties[name] for name in Config.model_fields if name != "tuning"},
        "additionalProperties": False,
        "minProperties": 1,
    }
    return schemas


def _body(*names: str) -> Schema:
    one_of = [{"$ref": WHERE.format(model=name)} for name in names]
    return {contract.JSON: {"schema": {"anyOf": one_of} if len(names) > 1 else one_of[0]}}


def _answer(description: str, content: Schema, **headers: Schema) -> Schema:
    timing = {"description": "Parts of the time inside the service, `dur` in ms: acquire, work, release, app."}
    return {
        "description": description,
        "content": content,
        "headers": {contract.SERVER_TIMING: timing | {"schema": TEXT}} | headers,
    }


def _json(*bodies: type[Body], **headers: Schema) -> Schema:
    return _answer(str(bodies[0].__doc__), _body(*(body.__name__ for body in bodies)), **headers)


BY_THE_SERVER: Final = {
    "400": "The request is malformed.",
    "414": "The request line is longer than this server takes.",
    "431": "There are more headers than this server takes, or longer ones.",
}
"""What any request can come to before the service sees it: there is no time inside it to tell."""
ERRORS: Final = {
    "403": "A page of another site asks (`Sec-Fetch-Site`, or an `Origin` that is not the `Host`); nothing was done.",
    "409": "Several worker processes serve this address, and one alone would change: set it by environment.",
    "413": f"The body has more than {contract.MAX_BODY_BYTES} bytes.",
    "422": "The query string or the body cannot be used; nothing was changed, and no connection was taken.",
    "500": "With how=exception: the handler failed, and its connection was not given back.",
}


def _operation(
    summary: str,
    ok: type[Body] | Schema,
    *parameters: Schema,
    rejected: tuple[type[Body], ...] = (),
    errors: tuple[str, ...] = ("422",),
) -> Schema:
    error = _body(models.Error.__name__)
    answers = {"200": ok if isinstance(ok, dict) else _json(ok)}
    answers |= {status: {"description": text, "content": error} for status, text in BY_THE_SERVER.items()}
    answers |= {status: _answer(ERRORS[status], error) for status in errors}
    if rejected:
        after = {"description": "Whole seconds after which to try again, at least 1.", "schema": WHOLE | {"minimum": 1}}
        answers["503"] = _json(*rejected, **{contract.RETRY_AFTER: after})
    return {"summary": summary, "parameters": list(parameters), "responses": answers}


def _query(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


PARAMETERS: Final = {
    "hold_ms": _query(
        "hold_ms",
        "Hold of this request in ms; `work_time_ms` if it is missing.",
        WHOLE | {"minimum": 0, "maximum": contract.MAX_HOLD_MS},
    ),
    "times": _query(
        "times",
        "How many connections the request acquires, one after another.",
        WHOLE | {"minimum": 1, "maximum": contract.MAX_TIMES, "default": contract.TIMES},
    ),
    "how": _query(
        "how",
        "kept: the handler keeps the connection until it is released by `POST /admin/leaks/release`. dropped: the last "
        "reference is lost. exception: the handler fails between acquire and release.",
        TEXT | {"enum": list(contract.HOWS), "default": contract.HOWS[0]},
    ),
}


def _under_api(path: str, summary: str, *errors: str) -> Schema:
    parameters = [PARAMETERS[name] for name in contract.PARAMETERS.get(path, ())]
    rejected: tuple[type[Body], ...] = (models.REJECTED[path],) if path in models.REJECTED else ()
    if path == contract.NESTED:
        rejected += (models.Rejected,)
    return {"get": _operation(summary, models.SERVED[path], *parameters, rejected=rejected, errors=("422", *errors))}


def _name(method: str, path: str) -> str:
    """`get_api_query_proper` for `GET /api/query-proper`."""
    return method + re.sub(r"\W", "_", path)


LINKS: Final = (
    ("get", contract.QUERY_LEAK, "200", _name("post", contract.RELEASE_LEAKS), "With how=kept: give it back."),
    ("get", contract.QUERY_LEAK, "500", _name("get", contract.STATS), "It is in `leaked_total`, and in no pool."),
    ("post", contract.RELEASE_LEAKS, "200", _name("get", contract.STATS), "They are in `released_total`."),
    ("post", contract.CONFIG, "200", _name("get", contract.CONFIG), "It is in force."),
    ("post", contract.CONFIG, "200", _name("get", contract.QUERY), "It applies to the next request."),
)
"""What there is a reason to ask after an answer: method, path, status, the other operation, the reason."""


def _document() -> Schema:
    text = {"text/plain": {"schema": TEXT}, "application/openmetrics-text": {"schema": TEXT}}
    document = _answer("This document.", {contract.JSON: {"schema": {"type": "object"}}})
    change = _operation(
        "Changes what is given. It is in force from the next acquire; another pool size makes a new pool first.",
        models.Configuration,
        rejected=(models.Rejected,),
        errors=("403", "409", "413", "422"),
    )
    paths: Schema = {
        contract.HEALTH: {"get": _operation("Is the process alive? The pool is not asked.", models.Health)},
        contract.STATS: {"get": _operation("The pool now: sizes, counts, totals.", models.Stats)},
        contract.CONFIG: {
            "get": _operation("The configuration in force.", models.Configuration),
            "post": change | {"requestBody": {"required": True, "content": _body(CHANGE)}},
        },
        contract.RELEASE_LEAKS: {
            "post": _operation(
                "Gives back the leaked connections that were kept.", models.Released, errors=("403", "422")
            )
        },
        contract.METRICS: {
            "get": _operation("Metrics as Prometheus text, or OpenMetrics on request.", _answer("The metrics.", text))
        },
        contract.OPENAPI: {"get": _operation("The contract as OpenAPI.", document)},
        contract.QUERY: _under_api(contract.QUERY, "Acquires a connection, reads, holds, releases explicitly."),
        contract.QUERY_PROPER: _under_api(contract.QUERY_PROPER, "The same through the library's own context manager."),
        contract.QUERY_LEAK: _under_api(
            contract.QUERY_LEAK, "A bug on purpose: acquires, reads, and does not release.", "500"
        ),
        contract.NESTED: _under_api(contract.NESTED, "Acquires a second connection while it holds the first."),
        contract.SEVERAL: _under_api(
            contract.SEVERAL, "Acquires, reads, holds and releases several times, one after another."
        ),
        contract.NOOP: _under_api(contract.NOOP, "No pool at all: what framework and server cost."),
    }
    for path, methods in paths.items():
        for method, operation in methods.items():
            operation["operationId"] = _name(method, path)
    for method, path, status, then, description in LINKS:
        links = paths[path][method]["responses"][status].setdefault("links", {})
        links[then] = {"operationId": then, "description": description}
    return {
        "openapi": "3.1.0",
        "info": {"title": "poolbench service", "version": "1", "description": ABOUT},
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


DOCUMENT: Final = encode(_document())
