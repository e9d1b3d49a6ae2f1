"""The seed of a cell: every stack of a repetition meets the same arrivals."""

import zlib


def cell_seed(run_seed: int, scenario: str, repetition: int) -> int:
    """The seed of a scenario in a repetition of a run, from 0 to 2³² − 1. All services of a repetition have the same:
    they meet the same arrivals."""
    return zlib.crc32(f"{run_seed}/{scenario}/{repetition}".encode())
