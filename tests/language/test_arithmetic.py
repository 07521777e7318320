"""Figures: exact decimals, intervals of what is unknown, rounding by every mode, also below zero and at ties."""

from __future__ import annotations

import pytest

from tests.language.tables import assert_value, rows

EXACT = """
    # expression            | given          | value
    1 + 2                   |                | 3
    i + j                   | i=3 j=-5       | -2
    i - j                   | i=3 j=-5       | 8
    -i                      | i=3            | -3
    --i                     | i=3            | 3
    i * n                   | i=-3 n=4       | -12
    n * i                   | i=-3 n=4       | -12
    i - j - 1               | i=3 j=1        | 1
    i - (j - 1)             | i=3 j=1        | 3
    i + n * 2               | i=3 n=4        | 11
    (i + n) * 2             | i=3 n=4        | 14
    x + y                   | x=0.1 y=0.7    | 0.8
    x * y                   | x=-0.25 y=0.5 | -0.125
    0.1 + 0.2               |                | 0.3
    wage + CNY 0.01         | wage=2520.50   | 2520.51
    wage * 0.35             | wage=100.01    | 35.0035
    wage * 20%              | wage=100.01    | 20.002
    wage - fee              | wage=100 fee=250 | -150
    wage * n                | wage=100.50 n=3 | 301.5
    min(i, j)               | i=3 j=-5       | -5
    max(i, j, 0)            | i=-3 j=-5      | 0
    min(i)                  | i=3            | 3
    max(wage, CNY 100)      | wage=99.99     | 100
    if p then 1 else 2      | p=T            | 1
    if p then 1 else 2      | p=F            | 2
    if p then i else x      | p=T i=3        | 3
    if p then i else x      | p=F x=0.25     | 0.25
"""
DIVISION = """
    # money keeps 4 decimals of the minor unit, numbers 9, half up
    wage / 3                | wage=100       | 33.333333
    wage / 3                | wage=200       | 66.666667
    wage / 8                | wage=0.01      | 0.00125
    i / 3                   | i=1            | 0.333333333
    i / 3                   | i=2            | 0.666666667
    i / 3                   | i=-1           | -0.333333333
    i / 3                   | i=-2           | -0.666666667
    i / 4                   | i=1            | 0.25
    i / k                   | i=7 k=2        | 3.5
    x / 4                   | x=-0.01        | -0.0025
    wage / max(fee, CNY 1)  | wage=100 fee=3 | 33.333333333
    wage / max(fee, CNY 1)  | wage=2 fee=0   | 2
    0.5 / 0.25              |                | 2
    i / 0.3                 | i=1            | 3.333333333
    # a tie in the last decimal goes up, towards plus infinity
    i / 2000000000          | i=1            | 0.000000001
    i / 2000000000          | i=-1           | 0
    i / 2000000000          | i=3            | 0.000000002
    i / 2000000000          | i=-3           | -0.000000001
    per_month(salary)       | salary=12000   | 1000
    per_month(salary)       | salary=100     | 8.333333
    per_year(wage)          | wage=100.01    | 1200.12
    price / max(1, months_paid) | price=100 months_paid=3 | 33.333333
"""
INTERVALS = """
    # what is unknown may be anything between its bounds
    i                       |                | -1000 .. 1000
    n                       |                | 0 ..
    wage                    |                | 0 ..
    fee                     |                | 0 .. 1000
    x                       |                | -1000 .. 1000
    k                       |                | 1 .. 4
    event                   |                | ..
    i + j                   | i=3            | -997 .. 1003
    i + n                   | i=3            | 3 ..
    i + n                   |                | -1000 ..
    -i                      |                | -1000 .. 1000
    -n                      |                | .. 0
    n - n                   |                | ..
    wage - fee              | wage=100       | -900 .. 100
    wage - fee              | fee=100        | -100 ..
    i * k                   | i=3            | 3 .. 12
    i * k                   | i=-3           | -12 .. -3
    i * k                   | k=2            | -2000 .. 2000
    i * k                   | i=0            | 0
    i * n                   | n=0            | 0
    i * n                   |                | ..
    n * k                   | k=2            | 0 ..
    wage * 0.5              |                | 0 ..
    fee * 0.5               |                | 0 .. 500
    k / 2                   |                | 0.5 .. 2
    i / k                   | i=12           | 3 .. 12
    i / k                   | i=-12          | -12 .. -3
    n / k                   |                | 0 ..
    fee / k                 |                | 0 .. 1000
    i / max(1, n)           | i=12           | 0 .. 12
    i / max(1, n)           | i=-12          | -12 .. 0
    min(i, 5)               |                | -1000 .. 5
    max(i, 5)               |                | 5 .. 1000
    max(n, 5)               |                | 5 ..
    min(n, 5)               |                | 0 .. 5
    min(n, k)               |                | 0 .. 4
    max(CNY 0, wage - fee)  | wage=100       | 0 .. 100
    max(CNY 0, wage - fee)  | fee=1000       | 0 ..
    # what cannot matter does not
    min(n, 0)               |                | 0
    max(i, 1000)            |                | 1000
    min(fee, wage)          | wage=0         | 0
    # both branches, where it is not known which
    if p then 1 else 5      |                | 1 .. 5
    if p then 5 else 5      |                | 5
    if p then k else 9      |                | 1 .. 9
    if p then n else i      |                | -1000 ..
    if p then k else 9      | p=T            | 1 .. 4
    if i > 5 then 1 else 2  |                | 1 .. 2
    if i <= 1000 then 1 else 2 |             | 1
    round(n, 10)            |                | 0 ..
    round(k, 10, up)        |                | 10
    round(k, 10, down)      |                | 0
    round(k, 2, up)         |                | 2 .. 4
    floor(fee, CNY 300)     |                | 0 .. 900
    per_month(salary)       |                | 0 ..
"""
ROUNDING = """
    # to the nearest, ties towards plus infinity
    round(x, 1)                | x=2.5       | 3
    round(x, 1)                | x=2.49      | 2
    round(x, 1)                | x=-2.5      | -2
    round(x, 1)                | x=-2.51     | -3
    round(x, 1, half_up)       | x=-0.5      | 0
    round(x, 1, half_up)       | x=0.5       | 1
    # ties to the even neighbour
    round(x, 1, half_even)     | x=0.5       | 0
    round(x, 1, half_even)     | x=1.5       | 2
    round(x, 1, half_even)     | x=2.5       | 2
    round(x, 1, half_even)     | x=2.51      | 3
    round(x, 1, half_even)     | x=-0.5      | 0
    round(x, 1, half_even)     | x=-1.5      | -2
    round(x, 1, half_even)     | x=-2.5      | -2
    # up and down mean plus and minus infinity
    round(x, 1, up)            | x=2.01      | 3
    round(x, 1, up)            | x=2         | 2
    round(x, 1, up)            | x=-2.99     | -2
    round(x, 1, down)          | x=2.99      | 2
    round(x, 1, down)          | x=-2.01     | -3
    round(x, 1, down)          | x=-2        | -2
    floor(x, 1)                | x=2.99      | 2
    floor(x, 1)                | x=-2.01     | -3
    ceil(x, 1)                 | x=2.01      | 3
    ceil(x, 1)                 | x=-2.99     | -2
    # steps other than one
    round(x, 5)                | x=7.5       | 10
    round(x, 5)                | x=-7.5      | -5
    round(x, 0.5)              | x=1.25      | 1.5
    round(x, 0.25, down)       | x=1.3       | 1.25
    round(x, 0.1)              | x=0.25      | 0.3
    round(i, 10)               | i=15        | 20
    round(i, 10, half_even)    | i=25        | 20
    round(i, 10, half_even)    | i=35        | 40
    round(wage, CNY 1)         | wage=100.50 | 101
    round(wage, CNY 1, half_even) | wage=100.50 | 100
    round(wage, CNY 0.10)      | wage=100.05 | 100.1
    floor(wage, CNY 10)        | wage=99.99  | 90
    ceil(wage, CNY 10)         | wage=90.01  | 100
    ceil(wage, CNY 10)         | wage=90     | 90
    round(wage * 1.5, CNY 1, up) | wage=0.67 | 2
    round(wage / 3, CNY 0.01)  | wage=0.02   | 0.01
    round(wage - fee, CNY 1)   | wage=0 fee=0.50 | 0
    round(wage - fee, CNY 1, half_even) | wage=0 fee=1.50 | -2
    round(0.5, 1) + round(1.5, 1) |          | 3
"""


@pytest.mark.parametrize(("expression", "given", "value"), rows(EXACT) + rows(DIVISION))
def test_a_figure_is_exact(expression: str, given: str, value: str) -> None:
    assert_value(expression, given, value)


@pytest.mark.parametrize(("expression", "given", "value"), rows(INTERVALS))
def test_an_unknown_figure_is_an_interval(expression: str, given: str, value: str) -> None:
    assert_value(expression, given, value)


@pytest.mark.parametrize(("expression", "given", "value"), rows(ROUNDING))
def test_a_figure_is_rounded(expression: str, given: str, value: str) -> None:
    assert_value(expression, given, value)
