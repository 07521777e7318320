"""Truth with three values: `not`, `and`, `or`, `if`, comparisons, `between`, `in`, codes and areas."""

from __future__ import annotations

import pytest

from tests.language.tables import assert_value, rows, truth_rows

KLEENE = """
    p q | p and q | p or q | not p | not (p and q) | not p or not q | p and not p | p or not p
    T T |    T    |   T    |   F   |       F       |       F        |      F      |     T
    T U |    U    |   T    |   F   |       U       |       U        |      F      |     T
    T F |    F    |   T    |   F   |       T       |       T        |      F      |     T
    U T |    U    |   T    |   U   |       U       |       U        |      U      |     U
    U U |    U    |   U    |   U   |       U       |       U        |      U      |     U
    U F |    F    |   U    |   U   |       T       |       T        |      U      |     U
    F T |    F    |   T    |   T   |       T       |       T        |      F      |     T
    F U |    F    |   U    |   T   |       T       |       T        |      F      |     T
    F F |    F    |   F    |   T   |       T       |       T        |      F      |     T
"""
CHOICE = """
    p q r | if p then q else r | if p then q else true | if p then q else not q | if not p then q else r
    T T F |         T          |          T            |           T            |           F
    T F T |         F          |          F            |           F            |           T
    T U T |         U          |          U            |           U            |           T
    T T U |         T          |          T            |           T            |           U
    F T U |         U          |          T            |           F            |           T
    F U F |         F          |          T            |           U            |           U
    U T T |         T          |          T            |           U            |           T
    U F F |         F          |          U            |           U            |           F
    U T F |         U          |          T            |           U            |           U
    U U U |         U          |          U            |           U            |           U
    U U T |         U          |          U            |           U            |           U
"""
CONSTANTS = """
    # expression            | given | value
    true                    |       | T
    false                   |       | F
    true or p               |       | T
    false and p             |       | F
    true and p              |       | U
    p or q or r             | r=T   | T
    p and q and r           | q=F   | F
    not not p               | p=T   | T
    p or q and r            | p=F q=T r=F | F
    (p or q) and r          | p=T q=T r=F | F
    p or q and r            | p=T r=F     | T
"""
COMPARISONS = """
    i = 3                   | i=3    | T
    i = 3                   | i=4    | F
    i = 3                   |        | U
    i != 3                  | i=3    | F
    i != 3                  | i=4    | T
    i < 3                   | i=2    | T
    i < 3                   | i=3    | F
    i <= 3                  | i=3    | T
    i <= 3                  | i=4    | F
    i > 3                   | i=3    | F
    i > 3                   | i=4    | T
    i >= 3                  | i=3    | T
    i >= 3                  | i=2    | F
    3 > i                   | i=2    | T
    i < j                   | i=2 j=3  | T
    i < j                   | i=3 j=3  | F
    i <= j                  | i=3 j=3  | T
    i = j                   | i=3 j=3  | T
    i = j                   | i=3      | U
    # the bounds of a fact decide where they can
    i <= 1000               |        | T
    i < 1000                |        | U
    i > 1000                |        | F
    i >= -1000              |        | T
    i = 1001                |        | F
    i != 1001               |        | T
    i < j                   | j=-1000 | F
    i <= j                  | i=-1000 | T
    n >= 0                  |        | T
    n < 0                   |        | F
    n < 5                   |        | U
    wage >= CNY 0           |        | T
    wage > CNY 0            |        | U
    fee > wage              |        | U
    fee > wage              | wage=1000 | F
    fee >= wage             | wage=1000 | U
    k = 5                   |        | F
    # numbers of different decimals
    x = 1.5                 | x=1.5  | T
    x < 1.505               | x=1.5  | T
    x = i                   | x=2 i=2 | T
    x < i                   | x=1.99 i=2 | T
    y > 0.499               |        | T
    y = 0.4                 |        | F
    wage = CNY 2520.50      | wage=2520.5 | T
    wage <= CNY 2520.50     | wage=2520.51 | F
    20% = 0.2               |        | T
    # dates
    event < 2025-01-01      | event=2024-12-31 | T
    event < 2025-01-01      | event=2025-01-01 | F
    event < 2025-01-01      |        | U
    event = birth_date      | event=2024-02-29 birth_date=2024-02-29 | T
    on_date = 2025-06-15    |        | T
    on_date < 2025-06-15    |        | F
    # a part that is unknown twice is unknown
    i = i                   |        | U
    i - i = 0               |        | U
    i < i + 1               |        | U
"""
BETWEEN = """
    i between 1 and 3       | i=1    | T
    i between 1 and 3       | i=3    | T
    i between 1 and 3       | i=0    | F
    i between 1 and 3       | i=4    | F
    i between 1 and 3       |        | U
    i between 3 and 1       | i=2    | F
    i between j and 3       | i=2 j=1 | T
    i between j and 3       | i=4    | F
    i between j and 3       | i=2    | U
    k between 1 and 4       |        | T
    k between 5 and 9       |        | F
    event between 2025-01-01 and 2025-12-31 | event=2025-12-31 | T
    not (i between 1 and 3) | i=4    | T
    i between 1 and 3 and p | i=2 p=T | T
"""
CODES = """
    kind = 'a'              | kind=a | T
    kind = 'a'              | kind=b | F
    kind = 'a'              |        | U
    kind != 'a'             | kind=b | T
    kind != 'a'             |        | U
    'a' = kind              | kind=a | T
    kind in ('a', 'b')      | kind=b | T
    kind in ('a', 'b')      | kind=c | F
    kind in ('a', 'b')      |        | U
    kind in ('a')           | kind=a | T
    kind in ('a',)          | kind=a | T
    kind in ('a', 'b', 'c') |        | U
    kind not in ('a', 'b')  | kind=c | T
    kind not in ('a', 'b')  | kind=a | F
    kind not in ('a', 'b')  |        | U
    kind = 'a' or kind = 'b'  | kind=b | T
    i in (1, 2)             | i=2    | T
    i in (1, 2)             | i=3    | F
    i in (1, 2)             |        | U
    i in (1, j)             | i=2 j=2 | T
    i in (1, j)             | i=1    | T
    i in (1, j)             | i=2    | U
    k in (5, 6)             |        | F
    i not in (1, 2)         | i=3    | T
    i not in (1, 2)         |        | U
"""
AREAS = """
    place within "10"       | place=10   | T
    place within "10"       | place=101  | T
    place within "10"       | place=1011 | T
    place within "10"       | place=20   | F
    place within "10"       | place=1    | F
    place within "10"       |            | U
    place within "1"        | place=201  | T
    # a code that ended keeps its place in the hierarchy, and from that day on lies where its successor lies
    place within "10"       | place=102  | T
    place within "102"      | place=102  | T
    place within "101"      | place=102 on_date=2019-12-31 | F
    place within "101"      | place=102 on_date=2020-01-01 | T
    place within "101"      | place=102  | T
    place = "101"           | place=102  | T
    place within "1011"     | place=102  | F
    # of several successors nobody knows which: what holds of all holds, what holds of some is unknown
    place within "101"      | place=103 on_date=2023-12-31 | F
    place within "101"      | place=103 on_date=2024-01-01 | U
    place within "104"      | place=103  | U
    place within "10"       | place=103  | T
    place within "20"       | place=103  | F
    place within "103"      | place=103  | T
    place in ("101", "104") | place=103  | T
    place in ("101", "104") | place=103 on_date=2023-12-31 | F
    # successors of successors
    place within "104"      | place=105 on_date=2024-06-30 | F
    place within "104"      | place=105 on_date=2024-07-01 | U
    household.region within "101" | household.region=102 | T
    household.region within "104" | household.region=103 | U
    place = "101"           | place=101  | T
    place = "101"           | place=1011 | F
    place in ("101", "201") | place=201  | T
    place within $area      | place=201  | T
    household.region within "20" | household.region=201 | T
    household.region within "20" | household.region=101 | F
    household.region within "20" |         | U
    not (place within "10") | place=20   | T
"""


@pytest.mark.parametrize(("expression", "given", "value"), truth_rows(KLEENE) + truth_rows(CHOICE))
def test_a_truth_table_holds(expression: str, given: str, value: str) -> None:
    assert_value(expression, given, value)


@pytest.mark.parametrize(
    ("expression", "given", "value"), rows(CONSTANTS) + rows(COMPARISONS) + rows(BETWEEN) + rows(CODES) + rows(AREAS)
)
def test_a_condition_has_this_truth(expression: str, given: str, value: str) -> None:
    assert_value(expression, given, value)
