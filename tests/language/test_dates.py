"""Dates: completed years, months and days, moves inside the month, anchors, and months in a window."""

from __future__ import annotations

import pytest

from tests.language.tables import assert_value, rows

ELAPSED = """
    # expression                    | given                                    | value
    age                             | birth_date=2000-06-15                    | 25
    age                             | birth_date=2000-06-16                    | 24
    age                             | birth_date=2025-06-15                    | 0
    age                             | birth_date=2025-06-16                    | -1
    age                             |                                          | ..
    # born on 29 February: in other years the birthday is 1 March
    age                             | birth_date=2004-02-29 on_date=2022-02-28 | 17
    age                             | birth_date=2004-02-29 on_date=2022-03-01 | 18
    age                             | birth_date=2004-02-29 on_date=2024-02-28 | 19
    age                             | birth_date=2004-02-29 on_date=2024-02-29 | 20
    age >= 18                       | birth_date=2004-02-29 on_date=2022-02-28 | F
    years_between(event, on_date)   | event=2020-06-15                         | 5
    years_between(on_date, event)   | event=2020-06-15                         | -5
    years_between(on_date, event)   | event=2020-06-14                         | -6
    years_between(on_date, event)   | event=2020-06-16                         | -5
    years_between(event, event)     | event=2020-06-16                         | 0
    months_between(event, on_date)  | event=2025-05-15                         | 1
    months_between(event, on_date)  | event=2025-05-16                         | 0
    months_between(event, on_date)  | event=2025-07-15                         | -1
    months_between(event, on_date)  | event=2025-06-16                         | -1
    months_between(event, on_date)  | event=2024-02-15                         | 16
    # from the 31st, a month that has none is completed on the first of the next
    months_between(event, on_date)  | event=2025-01-31 on_date=2025-02-28      | 0
    months_between(event, on_date)  | event=2025-01-31 on_date=2025-03-01      | 1
    months_between(event, on_date)  | event=2025-01-31 on_date=2025-03-30      | 1
    months_between(event, on_date)  | event=2025-01-31 on_date=2025-03-31      | 2
    months_between(event, on_date)  | event=2024-02-29 on_date=2024-03-28      | 0
    months_between(event, on_date)  | event=2024-02-29 on_date=2024-03-29      | 1
    months_between(event, on_date)  | event=2024-02-29 on_date=2025-02-28      | 11
    months_between(event, on_date)  | event=2024-02-29 on_date=2025-03-01      | 12
    days_between(event, on_date)    | event=2025-06-14                         | 1
    days_between(event, on_date)    | event=2025-06-15                         | 0
    days_between(event, on_date)    | event=2025-06-16                         | -1
    days_between(event, on_date)    | event=2024-02-28 on_date=2024-03-01      | 2
    days_between(event, on_date)    | event=2025-02-28 on_date=2025-03-01      | 1
    days_between(event, on_date)    |                                          | ..
    days_between(event, on_date) > 3 |                                         | U
"""
MOVED = """
    add_days(event, 1)              | event=2024-02-28                         | 2024-02-29
    add_days(event, 1)              | event=2025-02-28                         | 2025-03-01
    add_days(event, -1)             | event=2025-01-01                         | 2024-12-31
    add_months(event, 1)            | event=2025-01-31                         | 2025-02-28
    add_months(event, 1)            | event=2024-01-31                         | 2024-02-29
    add_months(event, 13)           | event=2024-12-31                         | 2026-01-31
    add_months(event, -1)           | event=2025-03-31                         | 2025-02-28
    add_months(event, -12)          | event=2024-02-29                         | 2023-02-28
    add_years(event, 1)             | event=2024-02-29                         | 2025-02-28
    add_years(event, 4)             | event=2024-02-29                         | 2028-02-29
    add_years(event, -1)            | event=2024-02-29                         | 2023-02-28
    # a parameter or a literal says how far; dates stay inside 1850 to 2149
    add_years(event, 300)           | event=2024-02-29                         | 2149-12-31
    add_years(event, -300)          | event=2024-02-29                         | 1850-01-01
    add_months(event, 1)            |                                          | ..
    add_months(on_date, 6)          |                                          | 2025-12-15
    event > add_months(on_date, -6) | event=2024-12-16                         | T
    event > add_months(on_date, -6) | event=2024-12-15                         | F
"""
ANCHORED = """
    start_of_month(event)           | event=2024-02-29                         | 2024-02-01
    end_of_month(event)             | event=2024-02-01                         | 2024-02-29
    end_of_month(event)             | event=2025-02-01                         | 2025-02-28
    end_of_month(event)             | event=2025-12-31                         | 2025-12-31
    start_of_year(event)            | event=2024-12-31                         | 2024-01-01
    end_of_year(event)              | event=2024-01-01                         | 2024-12-31
    day_of_year(event, 8, 31)       | event=2024-01-01                         | 2024-08-31
    day_of_year(event, 8, 31)       | event=2024-12-31                         | 2024-08-31
    day_of_year(event, 2, 29)       | event=2025-12-31                         | 2025-02-28
    day_of_year(event, 2, 29)       | event=2024-12-31                         | 2024-02-29
    month_of(event)                 | event=2024-12-31                         | 12
    year_of(event)                  | event=2024-12-31                         | 2024
    # what is known of an unknown date
    month_of(event)                 |                                          | 1 .. 12
    month_of(event) <= 12           |                                          | T
    year_of(event)                  |                                          | ..
    year_of(max(event, 2025-01-01)) |                                          | 2025 ..
    year_of(min(event, on_date))    |                                          | .. 2025
    month_of(max(event, 2025-01-01)) |                                         | 1 .. 12
    month_of(if p then 2025-01-01 else 2025-03-01) |                           | 1 .. 12
    month_of(if p then 2025-01-01 else 2025-03-01) | p=F                       | 3
    month_of(event)                 |                                          | 1 .. 12
    month_of(on_date)               |                                          | 6
    end_of_month(on_date)           | on_date=2024-02-10                       | 2024-02-29
    end_of_month(add_months(event, 1)) | event=2024-01-31                      | 2024-02-29
    age >= 60 or end_of_month(add_years(birth_date, 60)) = end_of_month(on_date) | birth_date=1965-06-30 | T
    years_between(birth_date, end_of_month(on_date)) | birth_date=1965-06-30   | 60
    min(event, on_date)             | event=2030-01-01                         | 2025-06-15
    max(event, on_date)             | event=2030-01-01                         | 2030-01-01
    max(event, on_date)             |                                          | 2025-06-15 ..
    if p then event else on_date    | p=F                                      | 2025-06-15
"""
WINDOW = """
    # the months before this one; this month itself does not count
    months_in(worked, 3)            | worked=2025-03..2025-05                  | 3
    months_in(worked, 3)            | worked=2025-02..2025-06                  | 3
    months_in(worked, 3)            | worked=2025-06                           | 0
    months_in(worked, 3)            | worked=2025-02                           | 0
    months_in(worked, 3)            | worked=2025-03;2025-05                   | 2
    months_in(worked, 12)           | worked=2024-06..2025-05                  | 12
    months_in(worked, 12)           | worked=2024-05                           | 0
    months_in(worked, 12)           | worked=2024-12;2025-01 on_date=2025-01-31 | 1
    months_in(worked, 3)            |                                          | 0 .. 3
    months_in(worked, 3) <= 3       |                                          | T
    months_in(worked, 3) >= 1       |                                          | U
    months_in(worked, 36) >= 12     | worked=2023-01..2023-12                  | T
"""


@pytest.mark.parametrize(("expression", "given", "value"), rows(ELAPSED) + rows(MOVED) + rows(ANCHORED) + rows(WINDOW))
def test_a_date_or_a_span_of_time_is_counted_so(expression: str, given: str, value: str) -> None:
    assert_value(expression, given, value)
