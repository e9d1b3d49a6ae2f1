"""What the sections share: one PostgreSQL, one generator, and a directory for samples, all gone at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import temporary
from bench.load.driver import LoadGenerator
from bench.load.outcome import Outcome
from bench.postgres.database import Database, load_schema
from bench.postgres.embedded import embedded_postgres
from bench.targets.process import SCHEMA_SQL
from services.workload.loads import Load, Share, Workload
from services.workload.wire import HttpJob

DIRECTORY: Final = "poolbench-perf-"


@dataclass(frozen=True)
class Lab:
    database: Database
    generator: LoadGenerator
    directory: Path

    def play(self, base_url: str, load: Load, path: str) -> Outcome:
        """A load on one path; its requests are to be read before the next one is played."""
        workload = Workload(load=load, mix=(Share(path=path),), seed=1, give_up_s=60)
        job = HttpJob(workload=workload, out=str(self.directory), base_url=base_url)
        return self.generator.play(job, timeout_s=120)


@contextmanager
def lab() -> Iterator[Lab]:
    temporary.sweep(DIRECTORY)
    with (
        embedded_postgres() as database,
        LoadGenerator() as generator,
        temporary.directory(DIRECTORY) as directory,
    ):
        load_schema(database, SCHEMA_SQL)
        yield Lab(database, generator, directory)
