"""A service whose timing is known, in a process of its own: what the load generator is tested against.

`python stub_server.py --connections C --hold-ms H --acquire-timeout-ms P [--close-after-health]`
prints its port, and answers
    /health           200 (and the connection closed behind it, unannounced, with --close-after-health)
    /api/query        waits up to P ms for one of C connections, first come first served, and holds it H ms;
                      200, or 503 pool_exhausted when P passed. `?hold_ms=` overrides H
    /api/gather?n=N   200 for everyone, as soon as N are in flight at once; never before
    /api/reset        reads the request, then resets the connection
    /api/close        reads the request, then closes the connection without an answer
    /api/cut          promises ten bytes, sends three, closes
    /api/silent       never answers
    /redirect         302 to /api/query
    /log              what it saw so far, as JSON, and forgets it
"""

import argparse
import asyncio
import json
import socket
import struct
import time
from urllib.parse import parse_qs, urlsplit


class Stub:
    def __init__(self, connections: int, hold_ms: float, acquire_timeout_ms: float, close_after_health: bool) -> None:
        self.pool = asyncio.Semaphore(connections)
        self.hold_ms = hold_ms
        self.acquire_timeout_s = acquire_timeout_ms / 1e3
        self.close_after_health = close_after_health
        self.gathered = asyncio.Event()
        self.in_flight = 0
        self.forget()

    def forget(self) -> None:
        self.arrivals: list[tuple[float, str]] = []
        self.most_in_flight = 0
        self.opened = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target = head.split(b" ", 2)[1].decode()
                if target == "/log":
                    log = {"arrivals": self.arrivals, "most": self.most_in_flight, "opened": self.opened}
                    self.forget()
                    answer(writer, 200, log)
                    continue
                self.arrivals.append((time.monotonic(), target))
                if target == "/health":
                    answer(writer, 200, {"status": "ok"})
                    if self.close_after_health:
                        return
                    continue
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    if not await self.api(target, writer):
                        return
                finally:
                    self.in_flight -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def api(self, target: str, writer: asyncio.StreamWriter) -> bool:
        """Answer, or do not; whether the connection lives on."""
        url = urlsplit(target)
        query = parse_qs(url.query)
        if url.path == "/api/query":
            await self.query(float(query.get("hold_ms", [self.hold_ms])[0]), writer)
        elif url.path == "/api/gather":
            if self.in_flight == int(query["n"][0]):
                self.gathered.set()
            await self.gathered.wait()
            answer(writer, 200, {})
        elif url.path == "/redirect":
            answer(writer, 302, {}, location="/api/query")
        elif url.path == "/api/silent":
            await asyncio.Event().wait()
        elif url.path == "/api/cut":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            return False
        elif url.path == "/api/close":
            return False
        elif url.path == "/api/reset":
            # Lingering for no time at all makes close() a reset.
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return False
        else:
            answer(writer, 404, {"detail": {"error": "no such path"}})
        return True

    async def query(self, hold_ms: float, writer: asyncio.StreamWriter) -> None:
        asked = time.monotonic()
        try:
            async with asyncio.timeout(self.acquire_timeout_s):
                await self.pool.acquire()
        except TimeoutError:
            waited = (time.monotonic() - asked) * 1e3
            detail = {"error": "pool_exhausted", "waited_seconds": waited / 1e3}
            answer(writer, 503, {"detail": detail}, timing=f"acquire;dur={waited:.3f}, app;dur={waited:.3f}")
            return
        acquire = (time.monotonic() - asked) * 1e3
        try:
            while (work := (time.monotonic() - asked) * 1e3 - acquire) < hold_ms:
                await asyncio.sleep((hold_ms - work) / 1e3)
        finally:
            self.pool.release()
        app = (time.monotonic() - asked) * 1e3
        timing = f"acquire;dur={acquire:.3f}, work;dur={work:.3f}, release;dur=0.001, app;dur={app:.3f}"
        answer(writer, 200, {"status": "success"}, timing=timing)


def answer(writer: asyncio.StreamWriter, status: int, body: object, *, timing: str = "", location: str = "") -> None:
    payload = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
    head += f"Server-Timing: {timing}\r\n" if timing else ""
    head += f"Location: {location}\r\n" if location else ""
    writer.write(head.encode() + b"\r\n" + payload)


async def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--connections", type=int, default=5)
    options.add_argument("--hold-ms", type=float, default=20.0)
    options.add_argument("--acquire-timeout-ms", type=float, default=10_000.0)
    options.add_argument("--close-after-health", action="store_true")
    stub = Stub(**vars(options.parse_args()))
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
