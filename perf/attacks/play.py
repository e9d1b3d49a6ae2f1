"""Plays an attack on a service, and says what its clients saw and what is left of the service afterwards."""

import asyncio
import json
import socket
import struct
from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from bench.check.bodies import mismatch
from bench.check.client import Client, NoAnswer
from perf.attacks.kinds import Attack
from services.common import contract, models
from services.common.encoding import encode

HUNG_S: Final = 2.5 * contract.ARRIVE_S
"""A connection that is neither answered nor closed by then is hung."""
NEXT_S: Final = 1.0
"""An answer that does not follow another within this is none."""
PROBE_EVERY_S: Final = 0.1


@dataclass(frozen=True)
class Outcome:
    """What `Attack.times` clients saw, counted."""

    seen: Counter[str]
    """2xx, 4xx, 5xx · other: an error that has a body, and not the contract's · closed: without an answer · left: the
    client did not wait · kept: nothing was sent, and the connection is open · hung: neither answered nor closed."""
    health_ms: float
    """The longest that another client waited for `/health` meanwhile; infinite where it got no answer."""
    whole: str
    """Empty where nothing is changed and the pool is whole; else what is not."""


async def play(base_url: str, attack: Attack) -> Outcome:
    """Attacks, asks for `/health` meanwhile, and then looks after the pool."""
    host, _, port = base_url.removeprefix("http://").partition(":")
    before = await _config(base_url)
    over = asyncio.Event()
    probe = asyncio.ensure_future(_probe(base_url, over))
    heard = await asyncio.gather(*(_client(host, int(port), attack) for _ in range(attack.times)))
    over.set()
    seen = Counter(each for one in heard for each in one)
    health_ms = await probe
    return Outcome(seen, health_ms, await _missing(base_url, before))


async def _client(host: str, port: int, attack: Attack) -> list[str]:
    """One connection: a word for each answer, and how it ended where it had none or hung."""
    try:
        async with asyncio.timeout(HUNG_S + attack.pause_s * len(attack.pieces)):
            reader, writer = await asyncio.open_connection(host, port, limit=2**20)
    except OSError:
        return ["closed"]
    sending = asyncio.ensure_future(_send(writer, attack))
    answers: list[str] = []
    try:
        if attack.then in ("close", "reset"):
            await sending
            return ["left"]
        await_s = HUNG_S + attack.pause_s * len(attack.pieces)
        while answer := await asyncio.wait_for(_answer(reader), NEXT_S if answers else await_s):
            answers.append(answer)
    except TimeoutError:  # after an answer the connection is kept, and nothing more is asked
        return answers or ["hung" if attack.pieces else "kept"]
    except OSError:
        pass
    finally:
        sending.cancel()
        writer.transport.abort()
    return answers or ["closed"]


async def _send(writer: asyncio.StreamWriter, attack: Attack) -> None:
    try:
        for number, piece in enumerate(attack.pieces):
            if number:
                await asyncio.sleep(attack.pause_s)
            writer.write(piece)
            await writer.drain()
        match attack.then:
            case "half-close":
                writer.write_eof()
            case "close":
                await asyncio.sleep(attack.pause_s)
                writer.close()
            case "reset":
                await asyncio.sleep(attack.pause_s)
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
    except OSError:
        pass  # the server has closed the connection: what it said is read elsewhere


async def _answer(reader: asyncio.StreamReader) -> str:
    """The next answer in a word; empty at the end of the connection."""
    while True:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            return "other" if getattr(error, "partial", b"!") else ""
        first, *lines = head.rstrip("\r\n").split("\r\n")
        status = first.split(" ")[1]
        if not status.startswith("1"):
            break
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    return f"{status[0]}xx" if status < "400" or _of_contract(body) else "other"


def _of_contract(body: bytes) -> bool:
    """Whether an error has the contract's body, or none."""
    try:
        shown = json.loads(body or b"{}")
    except ValueError:
        return False
    return not body or not (mismatch(shown, models.Error) and mismatch(shown, models.Rejected))


async def _probe(base_url: str, over: asyncio.Event) -> float:
    """The longest wait for `/health`, on a connection of its own each time, in ms."""
    longest_ms = 0.0
    while not over.is_set():
        began = monotonic()
        client = Client(base_url)
        try:
            await client.get(contract.HEALTH)
            longest_ms = max(longest_ms, 1000 * (monotonic() - began))
        except NoAnswer:
            longest_ms = float("inf")
        finally:
            await client.close()
        await asyncio.sleep(PROBE_EVERY_S)
    return longest_ms


async def _config(base_url: str) -> dict[str, Any]:
    client = Client(base_url)
    try:
        return dict((await client.get(contract.CONFIG)).json())
    finally:
        await client.close()


async def _missing(base_url: str, before: dict[str, Any]) -> str:
    """What is not as it was: the configuration, the counts at rest, or a connection that cannot be held."""
    client = Client(base_url)
    try:
        if await _config(base_url) != before:
            again = encode({"work_time_ms": before["work_time_ms"]})  # the next attack is to be seen, too
            await client.ask("POST", contract.CONFIG, again)
            return "the configuration changed"
        deadline = monotonic() + HUNG_S
        while (now := (await client.get(contract.STATS)).json())["pool_used_size"] or now["waiting_requests"]:
            if monotonic() > deadline:
                return f"used {now['pool_used_size']}, waiting {now['waiting_requests']}"
            await asyncio.sleep(0.05)
        size = before["pool_max_size"]
        held = await asyncio.gather(*(client.get(f"{contract.QUERY}?hold_ms=300") for _ in range(size)))
        served = sum(answer.status == 200 for answer in held)
        longest_s = max(answer.seconds for answer in held)
        if served < size or longest_s > 0.6:
            return f"{served} of {size} held at once, the last answered after {longest_s:.1f} s"
        return ""
    except (NoAnswer, TypeError) as error:
        return str(error)
    finally:
        await client.close()
