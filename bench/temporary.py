"""Temporary directories, each locked by the process that lives in it, so that the next run removes those of a killed
one.

The lock tells the living from the dead: the kernel lets go of it when the last holder dies, however it dies.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SAMPLES: Final = "poolbench-samples-"
"""How the directory of a cell's samples begins."""


@contextmanager
def directory(prefix: str) -> Iterator[Path]:
    """A new directory, for as long as the block lasts."""
    path, lock = locked_directory(prefix)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def locked_directory(prefix: str, within: Path | None = None) -> tuple[Path, int]:
    """A new directory that only we can enter, and a descriptor that holds its lock; `within` another than the system's
    for temporary ones."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=within))
        lock = _locked(path)
        # A sweep that ran between the two calls has removed the directory, or is about to.
        if lock is not None:
            return path, lock


def sweep(prefix: str, end: Callable[[Path], None] | None = None, within: Path | None = None) -> None:
    """Remove what killed processes left behind: our own directories of this prefix that no process locks.

    `end` is called with each before it is removed.
    """
    for path in (within or Path(tempfile.gettempdir())).glob(f"{prefix}*"):
        remove_if_abandoned(path, end)


def remove_if_abandoned(path: Path, end: Callable[[Path], None] | None = None) -> None:
    """Remove one directory of ours, unless a live process locks it."""
    lock = _locked(path)
    if lock is None:
        return
    try:
        if end:
            end(path)
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)


def _locked(path: Path) -> int | None:
    """A descriptor with the exclusive lock on our directory; None when it is gone, another's, or alive."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine = os.fstat(lock)
        if mine.st_uid == os.geteuid() and os.path.samestat(mine, path.stat()):
            return lock
    except OSError:
        pass
    os.close(lock)
    return None
