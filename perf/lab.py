"""What the sections share: one PostgreSQL, one generator, and a directory for samples.

In: nothing. Out: a `Lab`; all of it is gone at the end.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load.driver import LoadGenerator, Outcome
from bench.postgres.database import Database, load_schema
from bench.postgres.embedded import embedded_postgres
from bench.scenarios.loads import Drive, Load, Share
from bench.targets.process import SCHEMA


@dataclass(frozen=True)
class Lab:
    database: Database
    generator: LoadGenerator
    directory: Path

    def drive(self, base_url: str, load: Load, path: str) -> Outcome:
        drive = Drive(base_url=base_url, load=load, mix=(Share(path=path),), seed=1, give_up_s=60)
        return self.generator.drive(drive, self.directory / "samples", timeout_s=120)


@contextmanager
def lab() -> Iterator[Lab]:
    with (
        embedded_postgres() as database,
        LoadGenerator() as generator,
        tempfile.TemporaryDirectory(prefix="poolbench-perf-") as directory,
    ):
        load_schema(database, SCHEMA)
        yield Lab(database, generator, Path(directory))
