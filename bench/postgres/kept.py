"""The bench's side of the keeper: starts it, asks it, and knows when it or its PostgreSQL has died."""

import contextlib
import json
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, Final

from bench.errors import PostgresDied, UserError

_KEEPER: Final = Path(__file__).with_name("keeper.py")
_POLL_S: Final = 0.02
_CLOSE_S: Final = 30.0
"""Longer than the keeper gives PostgreSQL."""


class Kept:
    """A keeper's process with its PostgreSQL; for several threads. `lock` is what it holds for as long as it lives."""

    def __init__(self, directory: Path, lock: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", _KEEPER, directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=(lock,),
            start_new_session=True,  # a Ctrl-C in the terminal reaches the bench, and not the keeper
        )
        self._asking = threading.Lock()
        self._died: str | None = None

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Its answer. Raises PostgresDied where it or PostgreSQL has died, UserError where PostgreSQL did not start."""
        stdin, stdout, _ = self._pipes()
        with self._asking:
            if self._died is None:
                with contextlib.suppress(BrokenPipeError):
                    stdin.write(json.dumps(message) + "\n")
                    stdin.flush()
                answer = self._read(stdout)
        if self._died is not None:
            raise PostgresDied(self._died)
        if "error" in answer:
            raise UserError(f"PostgreSQL did not start; correct what it names: {answer['error']}")
        return answer

    def died(self, within_s: float = 0.0) -> str | None:
        """What has died, in words, or does so within that time; None as long as the server lives, or was stopped."""
        until = time.monotonic() + within_s
        while not self._looked() and time.monotonic() < until:
            time.sleep(_POLL_S)
        return self._died

    def close(self) -> None:
        """Let go of it: it ends PostgreSQL and removes the directory. Returns when that is done, or it hung and was
        killed."""
        stdin, stdout, stderr = self._pipes()
        with contextlib.suppress(BrokenPipeError):
            stdin.close()
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        stdout.close()
        stderr.close()

    def _looked(self) -> bool:
        """Whether something has died; while an answer is waited for, that is its matter."""
        if self._died is None and self._asking.acquire(blocking=False):
            try:
                stdout = self._pipes()[1]
                if select.select([stdout], [], [], 0)[0]:
                    self._read(stdout)
            finally:
                self._asking.release()
        return self._died is not None

    def _read(self, stdout: IO[str]) -> dict[str, Any]:
        line = stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {}
        if not line:
            self._died = f"the keeper of PostgreSQL has died: {self._end()}"
        elif "died" in answer:
            self._died = f"PostgreSQL has died: {answer['died']}"
        return answer

    def _end(self) -> str:
        status = self._process.wait()
        if status < 0:
            return f"it was killed by {signal.Signals(-status).name}"
        said = self._pipes()[2].read().split("\n")
        return next((line.strip() for line in reversed(said) if line.strip()), f"its exit status is {status}")

    def _pipes(self) -> tuple[IO[str], IO[str], IO[str]]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        return process.stdin, process.stdout, process.stderr
