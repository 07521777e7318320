"""`any`, `all`, `count`, `sum`: members with unknown facts, relations that are empty or not known."""

from __future__ import annotations

import pytest

from tests.language.tables import assert_value, rows

ANY_AND_ALL = """
    # expression                    | given                                    | value
    any children where p            | children=[p=T][p=F]                      | T
    any children where p            | children=[p=F][p=F]                      | F
    any children where p            | children=[p=F][p=U]                      | U
    any children where p            | children=[p=T][p=U]                      | T
    any children where p            | children=none                            | F
    any children where p            | children=?                               | U
    all children where p            | children=[p=T][p=T]                      | T
    all children where p            | children=[p=T][p=F]                      | F
    all children where p            | children=[p=T][p=U]                      | U
    all children where p            | children=[p=F][p=U]                      | F
    all children where p            | children=none                            | T
    all children where p            | children=?                               | U
    not (any children where p)      | children=none                            | T
    any children where not p        | children=[p=T][p=F]                      | T
    any children where p and q      | children=[p=T q=F][p=F q=T]              | F
    any children where p and q      | children=[p=T q=F][p=T q=T]              | T
    any children where i > 3        | children=[i=3][i=4]                      | T
    any children where k <= 4       | children=[q=T]                           | T
    # the facts inside are the member's; `self` is the one who asks
    any children where p            | p=T children=[p=F]                       | F
    any children where i > self.i   | i=3 children=[i=4]                       | T
    any children where i > self.i   | i=5 children=[i=4]                       | F
    any children where i > self.i   | children=[i=4]                           | U
    any children where p and self.p | p=F children=[p=T]                       | F
    any children where household.poor | household.poor=T children=[p=T]        | U
    any household.members where age < 18 | birth_date=1990-01-01 members=[birth_date=2010-01-01] | T
    any household.members where age < 18 | birth_date=1990-01-01 members=[birth_date=2000-01-01] | F
    any household.members where age < 18 | birth_date=2010-01-01               | T
    any household.members where p   | p=F members=[p=U]                        | U
    any household.members where p and household.poor | household.poor=T p=T    | T
    any household.members where rent > CNY 5 | household.rent=6 p=T            | T
    any spouse where p              | spouse=[p=T]                             | T
    any spouse where p              | spouse=none                              | F
    any spouse where p              | spouse=?                                 | U
    all spouse where p              | spouse=none                              | T
    any parents where p             | parents=[p=F][p=T]                       | T
    any parents where p             | parents=[p=F]                            | F
    any parents where p             | parents=?                                | U
    any children where any spouse where p | children=[p=T]                     | F
    any parents where any children where p | p=T parents=[q=T]                 | T
    any parents where any children where p | parents=[q=T]                     | U
"""
COUNT_AND_SUM = """
    count children                  | children=[p=T][p=F]                      | 2
    count children                  | children=none                            | 0
    count children                  | children=?                               | 0 ..
    count children where p          | children=[p=T][p=F][p=T]                 | 2
    count children where p          | children=[p=T][p=F][p=U]                 | 1 .. 2
    count children where p          | children=[p=U][p=U]                      | 0 .. 2
    count children where p          | children=?                               | 0 ..
    (count children where p) >= 1   | children=[p=T][p=U]                      | T
    (count children where p) >= 2   | children=[p=T][p=U]                      | U
    (count children where p) >= 3   | children=[p=T][p=U]                      | F
    (count children) + 1            | children=[p=T]                           | 2
    count household.members         | members=[p=T][p=F]                       | 3
    count household.members         |                                          | 1
    sum children of i               | children=[i=3][i=-5]                     | -2
    sum children of i               | children=none                            | 0
    sum children of i               | children=?                               | ..
    sum children of n               | children=?                               | 0 ..
    sum children of i               | children=[i=3][q=T]                      | -997 .. 1003
    sum children of n               | children=[n=3][q=T]                      | 3 ..
    sum children of i where p       | children=[i=3 p=T][i=7 p=F]              | 3
    sum children of i where p       | children=[i=3 p=T][i=7 p=U]              | 3 .. 10
    sum children of i where p       | children=[i=3 p=T][i=-7 p=U]             | -4 .. 3
    sum children of i where p       | children=[i=3 p=T][p=F]                  | 3
    sum children of k where p       | children=[p=U]                           | 0 .. 4
    sum children of k where p       | children=[p=T]                           | 1 .. 4
    sum household.members of wage   | wage=100 members=[wage=50.50]            | 150.5
    sum household.members of wage   | wage=100 members=[p=T]                   | 100 ..
    (sum household.members of wage) / 2 | wage=100 members=[wage=50]           | 75
    sum children of (if p then 1 else 2) | children=[p=T][p=F][p=U]              | 4 .. 5
    sum children of (i - self.i)    | i=1 children=[i=3][i=5]                  | 6
    sum children of max(CNY 0, wage - CNY 100) | children=[wage=150][wage=50]  | 50
    sum children of $by_age[age]    | children=[birth_date=1960-01-01][birth_date=1950-01-01] | 30
    sum children of (count spouse)  | children=[p=T][p=F]                      | 0
"""
THROUGH_THE_HOUSEHOLD = """
    household.rent                  | household.rent=300                       | 300
    rent                            | household.rent=300                       | 300
    household.rent                  |                                          | 0 ..
    household.poor and p            | household.poor=T p=T                     | T
    poor or p                       | household.poor=F                         | U
    wage + household.rent           | wage=1 household.rent=2                  | 3
"""


@pytest.mark.parametrize(
    ("expression", "given", "value"), rows(ANY_AND_ALL) + rows(COUNT_AND_SUM) + rows(THROUGH_THE_HOUSEHOLD)
)
def test_a_quantifier_has_this_value(expression: str, given: str, value: str) -> None:
    assert_value(expression, given, value)
