"""Parquet files: columns have types already; the first row is row 1."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from features.registers.deliveries import Delivery, hash_of_file
from features.registers.errors import UnreadableDeliveryError

_MARK = b"PAR1"


def read_parquet(path: Path) -> Delivery:
    """Read a Parquet file.

    Raises:
        UnreadableDeliveryError: it is no Parquet file, or damaged.
    """
    with path.open("rb") as file:
        start = file.read(len(_MARK))
    if start != _MARK:
        raise UnreadableDeliveryError("This is not a Parquet file. Write it again.")
    try:
        cells = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UnreadableDeliveryError("The Parquet file is damaged. Write it again.") from error
    return Delivery(path.name, "parquet", hash_of_file(path), cells, 1)
