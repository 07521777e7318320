"""Ids of the city: of the form that departments use, and impossible for anybody or anything real.

An area code that begins with 99 is assigned to no place (GB/T 2260 ends at 82), so no real person has such a number.
The four digits that follow name the partition.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from features.city.errors import CityError

PREFIX = "99"
MOST_PARTITIONS = 10_000
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_MOST_ALIKE = 499


def person_ids(partition: int, birth: npt.NDArray[np.int32], male: npt.NDArray[np.bool_]) -> pl.Series:
    """Citizen identity numbers (GB 11643): area, day of birth, sequence (odd for men), check digit.

    Raises:
        CityError: more than 499 persons of one sex and day of birth in a partition.
    """
    frame = pl.DataFrame({"birth": pl.Series(birth, dtype=pl.Int32).cast(pl.Date), "male": male})
    rank = pl.int_range(pl.len()).over("birth", "male").cast(pl.Int32)
    frame = frame.with_columns(rank=rank)
    if int(frame.get_column("rank").max() or 0) >= _MOST_ALIKE:  # type: ignore[arg-type]
        raise CityError("Too many persons of one day of birth in a partition. Make partitions smaller.")
    body = pl.format(
        "{}{}{}",
        pl.lit(f"{PREFIX}{partition:04d}"),
        pl.col("birth").dt.strftime("%Y%m%d"),
        (pl.col("rank") * 2 + pl.when("male").then(1).otherwise(2)).cast(pl.String).str.zfill(3),
    )
    numbers = frame.select(body.alias("body")).get_column("body")
    return numbers + _check_digits(numbers)


def _check_digits(bodies: pl.Series) -> pl.Series:
    text = np.array(bodies.to_list(), dtype="S17")
    digits = text.view("S1").reshape(-1, 17).view(np.uint8).reshape(-1, 17).astype(np.int32) - ord("0")
    return pl.Series(np.array(list(_CHECKS))[(digits @ np.array(_WEIGHTS)) % 11])


def household_ids(partition: int, count: int) -> pl.Series:
    """`H99pppp` and six digits."""
    numbers = pl.Series(np.arange(1, count + 1)).cast(pl.String).str.zfill(6)
    return pl.Series([f"H{PREFIX}{partition:04d}"]).new_from_index(0, count) + numbers if count else numbers


def enterprise_ids(partition: int, count: int) -> pl.Series:
    """18 characters like a unified social credit code, of an area that does not exist."""
    numbers = pl.Series(np.arange(1, count + 1)).cast(pl.String).str.zfill(9)
    if not count:
        return numbers
    start = pl.Series([f"91{PREFIX}{partition:04d}"]).new_from_index(0, count)
    return start + numbers + pl.Series(["Z"]).new_from_index(0, count)


def partition_of(person_id: str) -> int:
    """The partition in which a person lives."""
    return int(person_id[2:6])
