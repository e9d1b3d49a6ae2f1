"""The attacks: what is sent, in which pieces, and what the client does then."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from services.common import contract

Then = Literal["wait", "half-close", "close", "reset"]
"""What the client does when all is sent: it waits for the answer, does so having said that it sends no more, or leaves
without having read anything (FIN or RST)."""

PATCH: Final = b'{"work_time_ms": 7}'
"""No attack may bring it into force."""
HOST: Final = b"Host: localhost\r\n"
HOLD: Final = f"{contract.QUERY}?hold_ms=200".encode()
BIG: Final = 70_000
"""More bytes than any server takes for a line or a header."""


@dataclass(frozen=True)
class Attack:
    """One connection; `pause_s` passes between its pieces. `times` connections are open at once."""

    name: str
    pieces: tuple[bytes, ...]
    then: Then = "wait"
    pause_s: float = 0.05
    times: int = 20


def get(path: bytes = b"/health", *headers: bytes, version: bytes = b"1.1") -> bytes:
    return b"GET " + path + b" HTTP/" + version + b"\r\n" + HOST + b"".join(one + b"\r\n" for one in headers) + b"\r\n"


def post(body: bytes, *headers: bytes, path: str = contract.CONFIG) -> bytes:
    """A POST with exactly these headers: the length is the caller's to say."""
    lines = b"".join(one + b"\r\n" for one in headers)
    return b"POST " + path.encode() + b" HTTP/1.1\r\n" + HOST + lines + b"\r\n" + body


def length(count: int) -> bytes:
    return b"Content-Length: %d" % count


CHUNKED: Final = b"Transfer-Encoding: chunked"
WHOLE: Final = length(len(PATCH))
CHUNK: Final = b"%x\r\n%s\r\n" % (len(PATCH), PATCH)


def attacks() -> tuple[Attack, ...]:
    """Every kind, in groups."""
    return (*_heads(), *_bodies(), *_unfinished(), *_leaving(), *_legal())


def _heads() -> Iterator[Attack]:
    yield Attack("no HTTP at all", (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,))
    yield Attack("no version", (b"GET /health\r\n\r\n",))
    yield Attack("HTTP/9.9", (get(version=b"9.9"),))
    yield Attack("HTTP/2 preface", (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",))
    yield Attack("unknown method", (get().replace(b"GET", b"BREW"),))
    yield Attack("method in small letters", (get().replace(b"GET", b"get"),))
    yield Attack("request line of 70 kB", (get(b"/" + b"a" * BIG),))
    yield Attack("query of 70 kB", (get(b"/health?" + b"a" * BIG),))
    yield Attack("header of 70 kB", (get(b"/health", b"X-Big: " + b"a" * BIG),))
    yield Attack("2000 headers", (get(b"/health", *(b"X-%d: 1" % number for number in range(2000))),))
    yield Attack("header without a colon", (get(b"/health", b"nonsense"),))
    yield Attack("header with a space before its colon", (get(b"/health", b"X-A : 1"),))
    yield Attack("folded header", (get(b"/health", b"X-A: 1\r\n 2"),))
    yield Attack("two Hosts", (get(b"/health", b"Host: other"),))
    yield Attack("bare line feeds", (get().replace(b"\r\n", b"\n"),))
    yield Attack("NUL in the path", (get(b"/hea\x00lth"),))
    yield Attack("NUL in a header", (get(b"/health", b"X-A: a\x00b"),))
    yield Attack("path that is no UTF-8", (get(b"/health%ff%fe"), get(b"/\xff\xfe")))
    yield Attack("query that is no UTF-8", (get(HOLD + b"%ff"),))
    yield Attack("query of raw bytes", (get(HOLD + b"\xff\xfe"),))
    yield Attack("path of dots", (get(b"/api/../admin/config"),))
    yield Attack("percent and nothing", (get(b"/health%"),))
    yield Attack("CONNECT", (b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",))
    yield Attack("OPTIONS *", (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",))
    yield Attack("Content-Type that is none", (get(b"/health", b"Content-Type: text/plain; a*=nonsense''b"),))
    yield Attack("other Expect", (post(PATCH, WHOLE, b"Expect: a-miracle", path=contract.HEALTH),))
    upgrade = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
    yield Attack("upgrade to h2c", (get(b"/health", *upgrade),))


def _bodies() -> Iterator[Attack]:
    yield Attack("two Content-Lengths", (post(PATCH, WHOLE, length(3)),))
    yield Attack("Content-Length twice", (post(PATCH, WHOLE, WHOLE, path=contract.HEALTH),))
    yield Attack("Content-Length and chunks", (post(CHUNK + b"0\r\n\r\n", WHOLE, CHUNKED, path=contract.HEALTH),))
    yield Attack("Content-Length of -1", (post(PATCH, b"Content-Length: -1"),))
    yield Attack("Content-Length of +19", (post(PATCH, b"Content-Length: +19"),))
    yield Attack("Content-Length of 10^30", (post(PATCH, b"Content-Length: 1" + b"0" * 30),), "half-close")
    yield Attack("unknown coding", (post(PATCH, b"Transfer-Encoding: nonsense"),))
    yield Attack("chunk without a size", (post(b"zz\r\n" + PATCH + b"\r\n0\r\n\r\n", CHUNKED),))
    yield Attack("chunk of negative size", (post(b"-13\r\n" + PATCH + b"\r\n0\r\n\r\n", CHUNKED),))
    yield Attack("chunk longer than said", (post(b"3\r\n" + PATCH + b"\r\n0\r\n\r\n", CHUNKED),))
    yield Attack("chunk size of 20 digits", (post(b"f" * 20 + b"\r\n" + PATCH + b"\r\n0\r\n\r\n", CHUNKED),))
    yield Attack("chunks that end early", (post(CHUNK, CHUNKED),), "half-close")
    yield Attack("body shorter than its length", (post(PATCH, length(len(PATCH) + 1)),), "half-close")
    yield Attack("no length", (post(PATCH),), "half-close")
    yield Attack("body of 10 MB", (post(b" " * 10_000_000, length(10_000_000)),), times=4)
    yield Attack("chunks of 10 MB", (post((b"1000\r\n" + b" " * 4096 + b"\r\n") * 2500, CHUNKED),), times=4)


def _unfinished() -> Iterator[Attack]:
    """The client waits, and sends no more."""
    yield Attack("nothing sent, 500 sockets", (), times=500)
    yield Attack("half a request line, 500 sockets", (b"GET /hea",), times=500)
    yield Attack("half a head, 500 sockets", (get()[:-2],), times=500)
    yield Attack("half a body, 500 sockets", (post(PATCH[:9], WHOLE),), times=500)
    yield Attack("half a chunk, 500 sockets", (post(CHUNK[:9], CHUNKED),), times=500)
    yield Attack("no body after 100-continue", (post(b"", WHOLE, b"Expect: 100-continue"),))
    yield Attack("a byte every second", tuple(get()[at : at + 1] for at in range(30)), pause_s=1, times=100)
    yield Attack("a byte of the body every second", (post(b"", length(50)), *((b" ",) * 30)), pause_s=1, times=100)
    yield Attack("answers that end the connection, 100 sockets", (get(version=b"1.0"),), times=100)
    yield Attack("refusals, and the client stays, 100 sockets", (b"nonsense\r\n\r\n",), times=100)


def _leaving() -> Iterator[Attack]:
    """The client goes in the middle of what it asked for."""
    for name, pieces in {
        "in the head": (get(HOLD)[:20],),
        "in the body": (post(PATCH[:9], WHOLE),),
        "in a chunk": (post(CHUNK[:9], CHUNKED),),
        "while it waits or holds": (get(HOLD),),
        "while it holds two": (get(f"{contract.NESTED}?hold_ms=100".encode()),),
        "from a pipeline of ten": (get(HOLD) * 10,),
    }.items():
        yield Attack(f"leaves {name} (FIN)", pieces, "close", times=40)
        yield Attack(f"leaves {name} (RST)", pieces, "reset", times=40)


def _legal() -> Iterator[Attack]:
    """Unusual, and a server may well answer it."""
    yield Attack("HTTP/1.0", (get(version=b"1.0"),))
    yield Attack("HTTP/1.0 without a Host", (b"GET /health HTTP/1.0\r\n\r\n",))
    yield Attack("absolute form", (get(b"http://localhost/health"),))
    yield Attack("absolute form without a path", (get(b"http://localhost"),))
    yield Attack("ten in a pipeline", (get(HOLD) * 10,), times=4)
    yield Attack("a refusal in a pipeline", (get() + get(b"/nope") + b"nonsense\r\n\r\n" + get(),))
    yield Attack("100-continue", (post(b"", WHOLE, b"Expect: 100-continue", path=contract.HEALTH), PATCH))
    yield Attack("a byte of the body at a time", (post(b"", length(9)), *(b"%c" % one for one in b"[1, 2, 3]")))
    yield Attack("body of a GET", (get(b"/health", WHOLE) + PATCH,))
