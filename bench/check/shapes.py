"""Checks that every endpoint answers with the body that the contract says; nothing here changes the service."""

from typing import Final

from bench.check.bodies import mismatch
from bench.check.client import Answer
from bench.check.subject import Subject
from bench.check.verdicts import Failed, settle
from services.common import contract, models
from services.common.models import Body

BRIEF: Final = "hold_ms=1"
RESOLVED_TO_HEALTH: Final = ("//health", "/api/../health")
"""Paths of which reverse proxies make `/health`, or a refusal of their own."""


def problem_of(answer: Answer, status: int, model: type[Body]) -> str | None:
    """What is wrong with one JSON answer."""
    if answer.status != status:
        return f"{answer}, not {status}"
    kind = answer.headers.get("content-type", "none")
    if kind.partition(";")[0].strip() != contract.JSON:
        return f"{answer}: Content-Type is {kind}, not {contract.JSON}"
    found = mismatch(answer.json(), model)
    return f"{answer}: {found}" if found else None


def refusal_problem(answer: Answer) -> str | None:
    """What is wrong with one 503: its body, or a `Retry-After` that is not a whole number from 1."""
    after = answer.headers.get(contract.RETRY_AFTER.lower(), "missing")
    if found := problem_of(answer, 503, models.REJECTED[answer.path]):
        return found
    return (
        None if after.isdigit() and int(after) >= 1 else f"{answer}: {contract.RETRY_AFTER} is {after}, not 1 or more"
    )


async def health(subject: Subject) -> str:
    """`GET /health` is 200 and names the service."""
    return await _shapes(subject, (contract.HEALTH, models.Health))


async def stats(subject: Subject) -> str:
    """`GET /pool/stats` has exactly the contract's keys; what a library does not know is null."""
    return await _shapes(subject, (contract.STATS, models.Stats))


async def configuration(subject: Subject) -> str:
    """`GET /admin/config` has exactly the contract's keys."""
    return await _shapes(subject, (contract.CONFIG, models.Configuration))


async def queries(subject: Subject) -> str:
    """Query, query-proper and noop: 200 with exactly the contract's keys."""
    return await _shapes(
        subject,
        (f"{contract.QUERY}?{BRIEF}", models.Served),
        (f"{contract.QUERY_PROPER}?{BRIEF}", models.Served),
        (contract.NOOP, models.Served),
    )


async def rows(subject: Subject) -> str:
    """Every service reads the same rows, and noop sends as many bytes as a query, give or take some digits."""
    problems, sizes = [], {}
    for target in (f"{contract.QUERY}?{BRIEF}", f"{contract.QUERY_PROPER}?{BRIEF}", contract.NOOP):
        answer = await subject.client.get(target)
        body = answer.json()
        count = body.get("rows_returned") if isinstance(body, dict) else None
        if count != contract.ROWS:
            problems.append(f"{answer}: {count} rows, not {contract.ROWS}")
        sizes[answer.path] = len(answer.body)
    if max(sizes.values()) - min(sizes.values()) > 40:
        problems.append(f"the answers' bytes differ: {sizes}")
    return settle(problems, f"{contract.ROWS} rows, {min(sizes.values())} to {max(sizes.values())} bytes")


async def openapi(subject: Subject) -> str:
    """`GET /openapi.json` describes exactly the contract's paths and methods."""
    answer = await subject.client.get(contract.OPENAPI)
    document = answer.json()
    if answer.status != 200 or not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise Failed(f"{answer}: no OpenAPI document")
    paths = {path: sorted(map(str.upper, methods)) for path, methods in document["paths"].items()}
    expected = {path: sorted(methods) for path, methods in contract.METHODS.items()}
    apart = [path for path in sorted(paths | expected) if paths.get(path) != expected.get(path)]
    problems = [f"{path}: {paths.get(path)}, the contract has {expected.get(path)}" for path in apart]
    if not str(document.get("openapi", "")).startswith("3."):
        problems.append(f"openapi is {document.get('openapi')!r}, not 3.x")
    return settle(problems, f"{len(paths)} paths, {len(answer.body)} bytes")


async def server_timing(subject: Subject) -> str:
    """Every answer so far, of whatever status, carried `Server-Timing` with the four parts; a proxy's own do not."""
    counts: dict[int, int] = {}
    problems = []
    for answer in subject.client.answers:
        if answer.path in RESOLVED_TO_HEALTH:
            continue
        counts[answer.status] = counts.get(answer.status, 0) + 1
        if answer.server_timing() is None:
            given = answer.headers.get(contract.SERVER_TIMING.lower(), "missing")
            problems.append(f"{answer}: {contract.SERVER_TIMING} is {given}")
    missing = [str(status) for status in (200, 404, 405, 422) if status not in counts]
    if missing:
        problems.append(f"no answer with {', '.join(missing)} was seen")
    return settle(problems, ", ".join(f"{count} with {status}" for status, count in sorted(counts.items())))


async def _shapes(subject: Subject, *expected: tuple[str, type[Body]]) -> str:
    problems, size = [], 0
    for target, model in expected:
        answer = await subject.client.get(target)
        body = answer.json()
        size += len(answer.body)
        if found := problem_of(answer, 200, model):
            problems.append(found)
        elif body["service"] != subject.service:
            problems.append(f"{answer}: service is {body['service']!r}, elsewhere {subject.service!r}")
    return settle(problems, f"{len(expected)} as the contract says, {size} bytes")
