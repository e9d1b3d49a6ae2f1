"""The keeper: a small process that owns one PostgreSQL and its directory, and never leaves them behind.

Its first argument is the directory. On stdin come JSON lines: the plan, and after it {"do": "stop" | "start" |
"thaw"} or {"do": "freeze", "most_s"}; on stdout it answers each with one: {"pid", "port"}, {"stopped"}, {"frozen"},
{"thawed"} or {"error"}. Unasked it says {"died"} where PostgreSQL has ended by itself.

The other end of stdin is held by the bench. When it closes (the bench has ended, crashed or was killed), or when
PostgreSQL has ended by itself, the keeper ends what is left of it, frozen or not, removes the directory and ends. Run
as `python -I keeper.py`: the standard library only, nothing that the bench could break.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout, which `python -I` leaves out

from bench.postgres.freezer import adopt_orphans
from bench.postgres.server import DiedError, HungUpError, Server, StartError


def _answer(**fields: object) -> None:
    try:
        print(json.dumps(fields), flush=True)
    except BrokenPipeError:
        raise HungUpError from None


def _serve(server: Server) -> None:
    server.create()
    _answer(**server.start())
    for line in _lines(server):
        message = json.loads(line)
        match message["do"]:
            case "freeze":
                _answer(frozen=server.freeze(message["most_s"]))
            case "thaw":
                server.thaw()
                _answer(thawed=True)
            case "start":
                server.stop()
                _answer(**server.start())
            case _:
                server.stop()
                _answer(stopped=True)


def _lines(server: Server) -> Iterator[str]:
    """What the bench says, until it hangs up; a child that ends meanwhile is looked at."""
    ended = _ends_of_children()
    while True:
        # The bench says nothing while it waits for an answer, so that no line lies unseen in the buffer of stdin.
        ready = select.select([sys.stdin, ended], [], [])[0]
        if ended in ready:
            os.read(ended, 4096)
            server.look()
        if sys.stdin in ready:
            line = sys.stdin.readline()
            if not line:
                return
            yield line


def _ends_of_children() -> int:
    """A descriptor that can be read when a child has ended."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    os.write(writing, b"0")  # one may have ended before
    return reading


def _hang_up(_number: int, _frame: object) -> None:
    raise HungUpError


def main() -> None:
    """Keep until stdin ends; then nothing is left. An error is told after the directory is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _hang_up)
    adopt_orphans()
    directory = Path(sys.argv[1])
    server = None
    error = None
    try:
        plan = sys.stdin.readline()
        if plan:
            server = Server(directory, json.loads(plan))
            _serve(server)
    except HungUpError:
        pass
    except StartError as failure:
        error = str(failure)
    except DiedError as death:
        with contextlib.suppress(HungUpError):  # at once: the bench may wait for what does not come any more
            _answer(died=str(death))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if server is not None:
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    if error is not None:
        with contextlib.suppress(HungUpError):
            _answer(error=error)


if __name__ == "__main__":
    main()
