"""Checks that what is not in the contract is refused in its terms, and changes nothing."""

from typing import Final

from bench.check import shapes
from bench.check.client import Answer
from bench.check.shapes import problem_of
from bench.check.subject import Subject, rise
from bench.check.verdicts import Failed, Skipped, settle
from services.common import contract, models
from services.common.encoding import encode

UNKNOWN: Final = ("/", "/nope", "/api", "/API/query", "/docs", "/static/x")
REWRITTEN_BY_PROXIES: Final = (400, *range(301, 309))
"""What a reverse proxy says of a path with `..` or `//` by itself: it is malformed, or is to be asked for elsewhere."""
QUERIES: Final = (
    *(f"{path}?unknown=1" for path, methods in contract.METHODS.items() if "GET" in methods),
    *(f"{path}?hold_ms=-1" for path in contract.HOLDING),
    f"{contract.QUERY}?hold_ms=",
    f"{contract.QUERY}?hold_ms=abc",
    f"{contract.QUERY}?hold_ms=1.5",
    f"{contract.QUERY}?hold_ms=1e3",
    f"{contract.QUERY}?hold_ms=+5",
    f"{contract.QUERY}?hold_ms=NaN",
    f"{contract.QUERY}?hold_ms=%D9%A3",  # a digit, and no ASCII
    f"{contract.QUERY}?hold_ms={contract.MAX_HOLD_MS + 1}",
    f"{contract.QUERY}?hold_ms={10**40}",
    f"{contract.QUERY}?hold_ms=1&hold_ms=2",
    f"{contract.QUERY}?hold_ms=1&unknown=1",
    f"{contract.QUERY}?times=2",
    *(f"{contract.SEVERAL}?times={text}" for text in ("", "0", "-1", "1.5", "abc", contract.MAX_TIMES + 1, 10**40)),
    f"{contract.SEVERAL}?times=2&times=2",
    f"{contract.NOOP}?hold_ms=1",
    f"{contract.QUERY_LEAK}?how=other",
    f"{contract.QUERY_LEAK}?how=",
    f"{contract.QUERY_LEAK}?hold_ms=1",
)
NO_OBJECTS: Final = (
    b"",
    b"{",
    b"nope",
    b"[]",
    b"null",
    b'"text"',
    b"5",
    b"\xff\xfe",
    b"[" * 20_000,
    b'{"work_time_ms":1}x',
)
NO_CONFIGURATIONS: Final = (
    b"{}",
    b'{"unknown":1}',
    b'{"work_time_ms":1,"unknown":1}',
    b'{"work_time_ms":1,"work_kind":"nap"}',
    b'{"work_time_ms":1,"work_time_ms":2}',
    b'{"work_time_ms":"10"}',
    b'{"work_time_ms":1.5}',
    b'{"work_time_ms":true}',
    b'{"work_time_ms":null}',
    b'{"work_time_ms":[1]}',
    b'{"work_time_ms":-1}',
    b'{"work_time_ms":600001}',
    b'{"work_kind":1}',
    b'{"work_units":-1}',
    b'{"work_units":1.5}',
    b'{"pool_acquire_timeout":NaN}',
    b'{"pool_acquire_timeout":Infinity}',
    b'{"pool_acquire_timeout":1e999}',
    b'{"pool_acquire_timeout":0}',
    b'{"pool_acquire_timeout":-1}',
    b'{"pool_acquire_timeout":"1"}',
    b'{"pool_acquire_timeout":3601}',
    b'{"pool_max_size":0}',
    b'{"pool_max_size":1001}',
    b'{"pool_max_size":"5"}',
    b'{"pool_max_size":true}',
    b'{"pool_min_size":-1}',
    b'{"pool_min_size":6,"pool_max_size":5}',
    b'{"tuning":"as_shipped"}',
    b'{"tuning":"equalised"}',
)

FOREIGN: Final[tuple[dict[str, str], ...]] = (
    {"Origin": "http://elsewhere.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:1"},
)
"""What a browser says of a page that is not the service's own."""


async def unknown_paths(subject: Subject) -> str:
    """404 for a path that is not in the contract, one with a trailing slash included.

    A path with `..` or `//` may also be what it is short for, or refused, as reverse proxies do before the service.
    """
    targets = [*UNKNOWN, *(f"{path}/" for path in contract.METHODS)]
    problems = [_refused(await subject.client.get(target), 404) for target in targets]
    problems += [_unresolved(await subject.client.get(target)) for target in shapes.RESOLVED_TO_HEALTH]
    return settle([one for one in problems if one], f"{len(problems)} paths are no others")


async def wrong_methods(subject: Subject) -> str:
    """405 with `Allow` for every other method, HEAD and OPTIONS included, and no connection is taken."""
    before = await subject.stats()
    problems, asked = [], 0
    for path, methods in contract.METHODS.items():
        for method in sorted({"HEAD", "OPTIONS", "GET", "POST", "PUT", "PATCH", "DELETE"} - set(methods)):
            answer = await subject.client.ask(method, path, b"{}" if method in ("POST", "PUT", "PATCH") else None)
            asked += 1
            allowed = {one.strip() for one in answer.headers.get("allow", "").split(",")}
            if problem := _refused(answer, 405):
                problems.append(problem)
            elif allowed != set(methods):
                problems.append(
                    f"{answer}: Allow is {answer.headers.get('allow', 'missing')}, not {', '.join(methods)}"
                )
    taken = rise(before, await subject.stats())["acquired_total"]
    if taken and subject.workers == 1:  # each of several counts for itself
        problems.append(f"{taken:g} connections were taken for them")
    return settle(problems, f"{asked} methods are 405")


async def malformed_queries(subject: Subject) -> str:
    """422 for a query string that the path does not know or cannot read, and no connection is taken."""
    before = await subject.stats()
    problems = [_refused(await subject.client.get(target), 422) for target in QUERIES]
    problems.append(_refused(await subject.post(f"{contract.RELEASE_LEAKS}?unknown=1"), 422))
    taken = rise(before, await subject.stats())["acquired_total"]
    if taken and subject.workers == 1:  # each of several counts for itself
        problems.append(f"{taken:g} connections were taken for them")
    return settle([one for one in problems if one], f"{len(problems)} query strings are 422")


async def malformed_configurations(subject: Subject) -> str:
    """422 for a body that is no JSON object or no configuration, 413 for a huge one; nothing changes."""
    before = (await subject.client.get(contract.CONFIG)).json()
    problems = []
    for body in (*NO_OBJECTS, *NO_CONFIGURATIONS):
        answer = await subject.post(contract.CONFIG, body)
        if problem := _refused(answer, 422):
            problems.append(f"{problem} for {body[:50].decode('latin-1')!r}")
    huge = b'{"work_kind":"' + b"x" * contract.MAX_BODY_BYTES + b'"}'
    problems.append(_refused(await subject.post(contract.CONFIG, huge), 413) or "")
    after = (await subject.client.get(contract.CONFIG)).json()
    if before != after:
        problems.append(f"refused, and the configuration changed all the same: {_apart(before, after)}")
    count = len(NO_OBJECTS) + len(NO_CONFIGURATIONS)
    return settle([one for one in problems if one], f"{count} bodies are 422, {len(huge)} bytes 413, nothing changed")


async def foreign_origins(subject: Subject) -> str:
    """403 for a POST that a page of another site asks for, and nothing changes; a page of its own may ask."""
    before = (await subject.client.get(contract.CONFIG)).json()
    other = encode({"work_time_ms": (before["work_time_ms"] + 1) % 1000})
    problems, asked = [], 0
    for path in (path for path, methods in contract.METHODS.items() if "POST" in methods):
        for headers in FOREIGN:
            answer = await subject.client.ask("POST", path, other if path == contract.CONFIG else b"", headers)
            asked += 1
            if problem := _refused(answer, 403):
                problems.append(f"{problem} with {headers}")
    after = (await subject.client.get(contract.CONFIG)).json()
    if before != after:
        problems.append(f"refused, and the configuration changed all the same: {_apart(before, after)}")
    own = {"Origin": subject.client.origin, "Sec-Fetch-Site": "same-origin"}
    answer = await subject.client.ask("POST", contract.RELEASE_LEAKS, b"", own)
    problems.append(problem_of(answer, 200, models.Released) or "")
    return settle([one for one in problems if one], f"{asked} are 403, nothing changed")


async def several_workers(subject: Subject) -> str:
    """409 for a change where several worker processes serve the address, and only there."""
    if subject.workers == 1:
        raise Skipped("one worker process: there is nothing to refuse")
    answer = await subject.post(contract.CONFIG, encode({"work_time_ms": subject.found["work_time_ms"]}))
    if problem := _refused(answer, 409):
        raise Failed(problem)
    return f"409 with {subject.workers} worker processes"


def _unresolved(answer: Answer) -> str | None:
    """What is wrong with the answer for a path that a proxy may have resolved."""
    if answer.status == 200:
        return problem_of(answer, 200, models.Health)
    return None if answer.status in REWRITTEN_BY_PROXIES else _refused(answer, 404)


def _refused(answer: Answer, status: int) -> str | None:
    """What is wrong with a refusal: its status, or a body that does not say what to change."""
    if answer.method == "HEAD":
        if answer.body:
            return f"{answer}: a body of {len(answer.body)} bytes"
        return None if answer.status == status else f"{answer}, not {status}"
    return problem_of(answer, status, models.Error)


def _apart(before: object, after: object) -> str:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return "no JSON"
    return ", ".join(
        f"{name} {before.get(name)} → {after.get(name)}" for name in after if before.get(name) != after[name]
    )
