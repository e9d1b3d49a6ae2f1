"""What schemathesis sends is made cheap where it is valid: ten minutes of hold are allowed, and need not be waited for.

A value that the contract takes stays one that it takes, and one that it refuses is sent as it is.
"""

from typing import Any, Final

import schemathesis

from services.common import contract
from services.common.settings import MAX_POOL_SIZE

CAPS: Final = {  # at most this, where up to that is allowed
    "hold_ms": (20, contract.MAX_HOLD_MS),
    "work_time_ms": (20, contract.MAX_HOLD_MS),
    "work_units": (1000, 10**12),
    "pool_acquire_timeout": (0.2, 3600),
    "pool_max_size": (8, MAX_POOL_SIZE),
    "pool_min_size": (1, MAX_POOL_SIZE),  # no schema can say that it must not be above pool_max_size
}


def cheap(name: str, value: Any) -> Any:
    """The value of a query parameter, which is a text, or of a setting."""
    if isinstance(value, float) and value.is_integer():
        return cheap(name, int(value))  # to JSON Schema 20.0 is an integer, to the service it is none
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return value
    if name not in CAPS or isinstance(number, bool) or not isinstance(number, int | float):
        return value
    most, allowed = CAPS[name]
    if not most < number <= allowed:
        return value
    return str(most) if isinstance(value, str) else most


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: "schemathesis.Case[Any]", __: dict[str, Any]) -> None:
    for values in (case.query, case.body):
        if isinstance(values, dict):
            values.update({name: cheap(name, value) for name, value in values.items()})
