"""What every JSON body of the contract looks like.

In: a body. Out: the first thing in it that is not as the contract says, or None.

A shape is a type, an `OneOf`, a `Maybe`, a list of one shape, or a dictionary of shapes with exactly these keys;
a key that ends in `?` may be missing. No number of the contract is negative.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from services.common import contract


@dataclass(frozen=True, slots=True)
class Maybe:
    """This shape, or null where the library does not know."""

    shape: Any


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these values, of the same type."""

    values: tuple[Any, ...]


HEALTH: Final = {"status": OneOf(("ok",)), "service": str}
CONFIG: Final = {
    "service": str,
    "workers": int,
    "threads": Maybe(int),
    "tracing": bool,
    "work_time_ms": int,
    "work_kind": OneOf(get_args(contract.WorkKind)),
    "work_units": int,
    "pool_acquire_timeout": float,
    "pool_min_size": int,
    "pool_max_size": int,
    "tuning": OneOf(get_args(contract.Tuning)),
}
STATS: Final = {
    "service": str,
    "worker_pid": int,
    "workers": int,
    "pool_min_size": int,
    "pool_max_size": int,
    "pool_size": Maybe(int),
    "pool_free_size": Maybe(int),
    "pool_used_size": int,
    "pool_connecting": Maybe(int),
    "waiting_requests": int,
    "work_time_ms": int,
    "acquire_timeout": float,
    "acquired_total": int,
    "released_total": int,
    "timed_out_total": int,
    "failed_total": int,
    "leaked_total": int,
    "abandoned_total": int,
    "waiter_seconds_total": float,
    "used_seconds_total": float,
    "draining?": [{"pool_max_size": int, "used": int, "waiting": int}],
}
TIMING: Final = {
    "acquire_time_ms": float,
    "work_time_ms": float,
    "release_time_ms": float,
    "total_time_ms": float,
}
SERVED: Final = {
    "status": OneOf(("ok",)),
    "service": str,
    "trace_id": Maybe(str),
    "timing": TIMING,
    "pool": {"max_size": int, "current_size": Maybe(int), "free": Maybe(int)},
    "rows_returned": OneOf((contract.ROWS,)),
}
NESTED: Final = SERVED | {"timing": TIMING | {"nested_acquire_time_ms": float}}
SEVERAL: Final = SERVED | {"checkouts": int, "longest_acquire_ms": float}
LEAKED: Final = SERVED | {"leaked": OneOf((True,))}
ERROR: Final = {"detail": {"error": str, "cause": str, "trace_id": Maybe(str)}}
REFUSED: Final = {
    "detail": {
        "error": OneOf(get_args(contract.Refusal)),
        "cause": str,
        "waited_seconds": float,
        "pool_max_size": int,
        "trace_id": Maybe(str),
    }
}
REFUSED_NESTED: Final = {"detail": REFUSED["detail"] | {"stage": OneOf(("acquire", "nested_acquire"))}}
REFUSED_SEVERAL: Final = {"detail": REFUSED["detail"] | {"stage": OneOf(contract.CHECKOUTS)}}
RELEASED: Final = {"service": str, "released": int}


def mismatch(value: Any, shape: Any, where: str = "the body") -> str | None:
    """What is wrong with `value`, in one line that names the place."""
    if isinstance(shape, Maybe):
        return None if value is None else mismatch(value, shape.shape, where)
    if isinstance(shape, OneOf):
        fits = any(type(value) is type(known) and value == known for known in shape.values)
        known = " or ".join(repr(known) for known in shape.values)
        return None if fits else f"{where} is {_shown(value)}, not {known}"
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where} is {_shown(value)}, not a list"
        found = (mismatch(item, shape[0], f"{where}[{index}]") for index, item in enumerate(value))
        return next((problem for problem in found if problem), None)
    if isinstance(shape, dict):
        return _object_mismatch(value, shape, where)
    return _plain_mismatch(value, shape, where)


def _object_mismatch(value: Any, shape: Mapping[str, Any], where: str) -> str | None:
    if not isinstance(value, dict):
        return f"{where} is {_shown(value)}, not an object"
    known = {name.rstrip("?"): inner for name, inner in shape.items()}
    if missing := [name for name in shape if not name.endswith("?") and name not in value]:
        return f"{where} has no {', '.join(missing)}"
    if extra := [name for name in value if name not in known]:
        return f"{where} has {', '.join(extra)}, which the contract does not know"
    found = (mismatch(value[name], inner, name) for name, inner in known.items() if name in value)
    return next((problem for problem in found if problem), None)


def _plain_mismatch(value: Any, shape: type, where: str) -> str | None:
    if shape in (int, float):
        allowed = (int,) if shape is int else (int, float)
        if type(value) not in allowed:
            return f"{where} is {_shown(value)}, not {'a whole number' if shape is int else 'a number'}"
        return None if value >= 0 and math.isfinite(value) else f"{where} is {value}: no number here is negative"
    if type(value) is not shape:
        return f"{where} is {_shown(value)}, not {'text' if shape is str else shape.__name__}"
    return f"{where} is empty" if value == "" else None


def _shown(value: Any) -> str:
    return "null" if value is None else repr(value)[:40]
