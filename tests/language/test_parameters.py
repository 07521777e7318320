"""Parameters: by date, area, code, number and band; the edges of bands, marginal rates, `at`, and what has no value."""

from __future__ import annotations

import pytest

from tests.language.tables import assert_value, rows

BY_DATE = """
    # expression            | given                | value
    $five                   |                      | 5
    $half                   |                      | 0.5
    i >= $five              | i=5                  | T
    i >= $five              | i=4                  | F
    $stepped                | on_date=2020-01-01   | 100
    $stepped                | on_date=2024-02-29   | 100
    $stepped                | on_date=2024-03-01   | 120.5
    $stepped                | on_date=2024-12-31   | 120.5
    # no value on the day: unknown, never the one before
    $stepped                | on_date=2025-01-01   | ..
    $stepped                | on_date=2025-05-31   | ..
    $stepped                | on_date=2025-06-01   | 130
    $stepped                | on_date=2019-12-31   | ..
    wage <= $stepped        | on_date=2025-01-01 wage=0 | U
    wage <= $stepped        | on_date=2025-06-01 wage=130 | T
    $doubled                | on_date=2024-03-01   | 241
    $doubled                | on_date=2025-01-01   | ..
    $open_now               | on_date=2025-06-14   | F
    $open_now               | on_date=2025-06-15   | T
    $open_now               | on_date=2019-01-01   | U
    not $open_now           | on_date=2025-06-15   | F
    $deadline               |                      | 2025-06-30
    event <= $deadline      | event=2025-06-30     | T
    # on another date than today
    $stepped at event       | event=2024-02-29     | 100
    $stepped at event       | event=2024-03-01     | 120.5
    $stepped at event       | event=2025-03-01     | ..
    $stepped at event       |                      | ..
    $stepped at 2024-03-01  | on_date=2025-06-15   | 120.5
    $stepped at $deadline   |                      | 130
    $stepped at add_months(event, 1) | event=2024-02-15 | 120.5
    $open_now at event      | event=2025-06-14     | F
    $open_now at event      |                      | U
"""
BY_AREA = """
    $local                  | place=10             | 50
    $local                  | place=101            | 70
    $local                  | place=1011           | 70
    # a code that ended: the value of its successor from that day on; of several, where they agree
    $local                  | place=102 on_date=2020-01-01 | 70
    $local                  | place=102            | 70
    $local                  | place=103 on_date=2023-12-31 | 50
    $local                  | place=103 on_date=2024-01-01 | ..
    $local                  | place=105 on_date=2024-06-30 | 50
    $local                  | place=105 on_date=2024-07-01 | ..
    $local                  | place=201            | 60
    # the land itself has no value, and nothing encloses it
    $local                  | place=1              | ..
    $local                  |                      | ..
    wage < $local           | place=1011 wage=69.99 | T
    wage < $local           | wage=0               | U
"""
BY_CODE_AND_NUMBER = """
    $by_kind[kind]          | kind=a               | 1
    $by_kind[kind]          | kind=c               | 4
    $by_kind[kind]          |                      | 1 .. 4
    $by_some_kinds[kind]    | kind=b               | 2
    $by_some_kinds[kind]    | kind=c               | ..
    # a table bounds an unknown key only where it has a value for every key there may be
    $by_some_kinds[kind]    |                      | ..
    $by_number[k]           | k=1                  | 10
    $by_number[k]           | k=4                  | 30
    $by_number[k]           |                      | 10 .. 30
    $by_number[n]           | n=2                  | 18
    $by_number[n]           | n=5                  | ..
    $by_number[n]           |                      | ..
    $by_number[min(n, 4)]   | n=9                  | 30
    $cross[kind, n]         | kind=a n=2           | 12
    $cross[kind, n]         | kind=b n=1           | 21
    $cross[kind, n]         | kind=c n=1           | ..
    $cross[kind, n]         | kind=a n=3           | ..
    $cross[kind, n]         | kind=a               | ..
    $cross[kind, n]         | n=1                  | ..
    $cross[kind, 1]         | kind=a               | 11
"""
BY_BAND = """
    # half-open: the lower edge belongs to the band, the upper one to the next
    $by_age[age]            | birth_date=1965-06-15 | 10
    $by_age[age]            | birth_date=1965-06-16 | ..
    $by_age[age]            | birth_date=1955-06-16 | 10
    $by_age[age]            | birth_date=1955-06-15 | 20
    $by_age[age]            | birth_date=1945-06-16 | 20
    $by_age[age]            | birth_date=1945-06-15 | 30
    $by_age[age]            | birth_date=1900-01-01 | 30
    $by_age[age]            |                      | ..
    $by_fee[fee]            | fee=100.49           | 0.1
    $by_fee[fee]            | fee=100.50           | 0.2
    $by_fee[fee]            | fee=499.99           | 0.2
    $by_fee[fee]            | fee=500              | 0.3
    $by_fee[fee]            | fee=0                | 0.1
    $by_fee[fee]            |                      | 0.1 .. 0.3
    $by_fee[fee / 2]        | fee=200.99           | 0.1
    $by_fee[fee / 2]        | fee=201              | 0.2
    $by_fee[x]              | x=100.5              | 0.2
    $by_fee[x]              | x=-5                 | 0.1
"""
MARGINAL = """
    marginal($brackets, wage) | wage=0             | 0
    marginal($brackets, wage) | wage=999.99        | 99.999
    marginal($brackets, wage) | wage=1000          | 100
    marginal($brackets, wage) | wage=1000.01       | 100.002
    marginal($brackets, wage) | wage=3000          | 500
    marginal($brackets, wage) | wage=5000          | 1200
    marginal($brackets, wage) |                    | 0 ..
    marginal($brackets, fee)  |                    | 0 .. 100
    marginal($brackets, fee + CNY 1000) |          | 100 .. 300
    round(marginal($brackets, wage), CNY 1) | wage=1003 | 101
"""


@pytest.mark.parametrize(
    ("expression", "given", "value"),
    rows(BY_DATE) + rows(BY_AREA) + rows(BY_CODE_AND_NUMBER) + rows(BY_BAND) + rows(MARGINAL),
)
def test_a_parameter_has_this_value(expression: str, given: str, value: str) -> None:
    assert_value(expression, given, value)
