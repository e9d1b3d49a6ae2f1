"""What a cell measured, in the columns that the store keeps.

In: the generator's samples and the sampler's rows. Out: data frames with the cell's key in every row.
"""

from collections.abc import Sequence

import polars as pl

from bench.record.schema import POOL_COLUMNS, Cell, Row
from bench.scenarios.loads import Share

_TYPES = {"str": pl.String, "int": pl.Int64, "float": pl.Float64}


def request_frame(cell: Cell, samples: pl.DataFrame, mix: Sequence[Share]) -> pl.DataFrame:
    """`REQUEST_COLUMNS`: whole microseconds, null for what there is not."""
    return samples.select(
        pl.lit(cell.scenario).alias("scenario"),
        pl.lit(cell.service).alias("service"),
        pl.lit(cell.block).alias("block"),
        pl.col("n", "user").cast(pl.Int64),
        pl.col("path").replace_strict(dict(enumerate(share.path for share in mix)), return_dtype=pl.String),
        *(_microseconds(f"{name}_s", f"{name}_us", 1e6) for name in ("planned", "sent", "finished")),
        pl.col("status").cast(pl.Int64),
        pl.col("error").cast(pl.String),
        *(_microseconds(f"{name}_ms", f"{name}_us", 1e3) for name in ("acquire", "work", "release", "app")),
    )


def pool_frame(cell: Cell, rows: Sequence[Row]) -> pl.DataFrame:
    """`POOL_COLUMNS`."""
    schema = {name: _TYPES[kind] for name, kind in POOL_COLUMNS.items()}
    keyed = [(cell.scenario, cell.service, cell.block, *row) for row in rows]
    return pl.DataFrame(keyed, schema=schema, orient="row")


def _microseconds(source: str, name: str, factor: float) -> pl.Expr:
    return (pl.col(source).fill_nan(None) * factor).round().cast(pl.Int64).alias(name)
