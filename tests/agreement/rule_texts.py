"""Random well-typed rules, as the text that a person would write."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

PARAMETERS = """
parameters:
  limit:
    type: money
    per: month
    names: {zh: 限, en: limit}
    values:
      - {from: 2020-01-01, value: 100, source: 法, confidence: A}
      - {from: 2025-03-01, value: 150.5, source: 法, confidence: A}
      - {from: 2026-01-01, to: 2026-07-01, value: 200, source: 法, confidence: A}
  standard:
    type: money
    per: month
    names: {zh: 准, en: standard}
    by: [area]
    values:
      - {from: 2020-01-01, value: {"11": 90, "112": 120}, source: 法, confidence: A}
      - {from: 2025-06-01, value: {"1": 70, "112": 125}, source: 法, confidence: A}
  by_age:
    type: money
    per: month
    names: {zh: 龄, en: by age}
    by: [band]
    values:
      - from: 2020-01-01
        source: 法
        confidence: A
        value:
          - {at_least: 3, below: 18, value: 30}
          - {at_least: 18, below: 60, value: 10}
          - {at_least: 60, below: 90, value: 55}
  cross:
    type: money
    per: month
    names: {zh: 表, en: cross}
    by: [code, integer]
    values:
      - {from: 2020-01-01, value: {a: {1: 10, 2: 20}, b: {1: 15, 2: 25, 3: 35}}, source: 法, confidence: A}
  rates:
    type: number
    names: {zh: 率, en: rates}
    by: [band]
    values:
      - from: 2020-01-01
        value: [{at_least: 0, below: 100, value: 0.5}, {at_least: 100, value: 0.25}]
        source: 法
        confidence: A
  open_here:
    type: boolean
    names: {zh: 开, en: open here}
    by: [area]
    values:
      - {from: 2020-01-01, value: {"11": true, "12": false}, source: 法, confidence: A}
  grown:
    type: integer
    unit: year
    names: {zh: 成年, en: grown}
    values:
      - {from: 2020-01-01, value: 18, source: 法, confidence: A}
      - {from: 2025-09-01, value: 16, source: 法, confidence: A}
"""

FIRST, SECOND, THIRD = "first", "second", "third"


class Texts:
    """Strategies for expressions, for a person's rule (`in_person`) or a household's.

    `other` names an earlier benefit of the same subject; `members` says whether a quantifier may still be opened.
    """

    def __init__(
        self, *, in_person: bool, benefits: tuple[str, ...] = (), members: bool = True, area: bool = True
    ) -> None:
        self.in_person = in_person
        self.benefits = benefits
        self.members = members
        self.area = area

    @cache  # noqa: B019
    def inner(self) -> Texts:
        """Expressions inside a quantifier."""
        return Texts(in_person=True, members=False, area=False)

    @cache  # noqa: B019 (a handful of generators live as long as the test run)
    def condition(self, depth: int) -> st.SearchStrategy[str]:
        """A condition."""
        leaves = [self._leaf(max(0, depth - 1))]
        if depth > 0:
            sub = self.condition(depth - 1)
            leaves += [
                st.tuples(sub, st.sampled_from([" and ", " or "]), sub).map(lambda p: f"({p[0]}{p[1]}{p[2]})"),
                st.tuples(sub, st.sampled_from([" and ", " or "]), sub, st.sampled_from([" and ", " or "]), sub).map(
                    lambda p: f"({p[0]}{p[1]}{p[2]}{p[3]}{p[4]})"
                ),
                sub.map(lambda p: f"not ({p})"),
                st.tuples(sub, sub, sub).map(lambda p: f"(if {p[0]} then {p[1]} else {p[2]})"),
            ]
            if self.members:
                where = self.inner().condition(depth - 1)
                relation = st.sampled_from(["household.members", "spouse", "children", "parents"])
                over = relation if self.in_person else st.just("members")
                leaves.append(
                    st.tuples(st.sampled_from(["any", "all"]), over, where).map(
                        lambda p: f"({p[0]} {p[1]} where {p[2]})"
                    )
                )
        return st.one_of(leaves)

    def _leaf(self, depth: int) -> st.SearchStrategy[str]:
        order = st.sampled_from(["<", "<=", ">", ">=", "=", "!="])
        leaves = [
            st.tuples(self.money(depth), order, self.money(0)).map(" ".join),
            st.tuples(self.people(depth), order, self.people(0)).map(" ".join),
            st.tuples(self.date(1), order, self.date(1)).map(" ".join),
            st.just("poor"),
        ]
        if self.in_person:
            leaves += [
                st.sampled_from(["rich", "ill", "works"]),
                st.tuples(self.years(1), order, self.years(0)).map(" ".join),
                st.sampled_from(
                    ["kind = 'a'", "kind in ('a', 'b')", "kind != 'c'", 'home within "11"', 'home in ("111", "12")']
                ),
                st.tuples(st.just("months_in(paid_months, 12)"), order, st.integers(0, 13).map(str)).map(" ".join),
                st.tuples(st.just("degree"), order, st.sampled_from(["0.5", "1", "2.75"])).map(" ".join),
            ]
        else:
            leaves.append(st.sampled_from(['place within "11"', 'place = "112"']))
        if self.area:
            leaves.append(st.just("$open_here"))
        leaves += [st.just(f"eligible({b})") for b in self.benefits]
        return st.one_of(leaves)

    @cache  # noqa: B019 (a handful of generators live as long as the test run)
    def money(self, depth: int) -> st.SearchStrategy[str]:
        """Money per month."""
        own = ["wage", "debt", "$by_age[age]", "$cross[kind, size]"] if self.in_person else ["rent"]
        leaves: list[st.SearchStrategy[str]] = [
            st.sampled_from([*own, "rent", "$limit", *(["$standard"] if self.area else [])]),
            st.integers(0, 300).map(lambda n: f"USD {n}"),
            st.just("$limit at event_date") if self.in_person else st.just("$limit at 2025-04-01"),
        ]
        leaves += [st.just(f"amount({b})") for b in self.benefits]
        if depth > 0:
            sub = self.money(depth - 1)
            condition = self.condition(depth - 1)
            leaves += [
                st.tuples(sub, st.sampled_from([" + ", " - "]), sub).map(lambda p: f"({p[0]}{p[1]}{p[2]})"),
                st.tuples(sub, st.sampled_from(["0.2", "3", "15%", "size", "1.25"])).map(
                    lambda p: f"({p[0]} * {p[1]})"
                ),
                st.tuples(sub, st.sampled_from(["3", "size", "max(1, size - 2)"])).map(lambda p: f"({p[0]} / {p[1]})"),
                st.tuples(st.sampled_from(["min", "max"]), sub, sub).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
                st.tuples(
                    sub, st.sampled_from(["up", "down", "half_up", "half_even"]), st.sampled_from(["1", "10", "0.05"])
                ).map(lambda p: f"round({p[0]}, USD {p[2]}, {p[1]})"),
                st.tuples(condition, sub, sub).map(lambda p: f"(if {p[0]} then {p[1]} else {p[2]})"),
                sub.map(lambda p: f"marginal($rates, {p})"),
            ]
            if self.members:
                of = self.inner().money(depth - 1)
                where = self.inner().condition(0)
                over = st.sampled_from(["household.members", "children"]) if self.in_person else st.just("members")
                leaves += [
                    st.tuples(over, of, where).map(lambda p: f"(sum {p[0]} of {p[1]} where {p[2]})"),
                    st.tuples(over, of).map(lambda p: f"(sum {p[0]} of {p[1]})"),
                ]
        return st.one_of(leaves)

    @cache  # noqa: B019 (a handful of generators live as long as the test run)
    def people(self, depth: int) -> st.SearchStrategy[str]:
        """A whole number of persons."""
        leaves = [st.just("size"), st.integers(0, 5).map(str)]
        if depth > 0 and self.members:
            where = self.inner().condition(depth - 1)
            over = st.sampled_from(["household.members", "parents"]) if self.in_person else st.just("members")
            leaves.append(st.tuples(over, where).map(lambda p: f"(count {p[0]} where {p[1]})"))
        return st.one_of(leaves)

    @cache  # noqa: B019 (a handful of generators live as long as the test run)
    def years(self, depth: int) -> st.SearchStrategy[str]:
        """Completed years."""
        leaves = [st.just("age"), st.integers(0, 95).map(str), st.just("$grown")]
        if depth > 0:
            dates = self.date(1)
            leaves += [
                st.tuples(dates, dates).map(lambda p: f"years_between({p[0]}, {p[1]})"),
                st.just("years_between(birth_date, end_of_month(on_date))"),
                st.just("min(age, 70)"),
            ]
        return st.one_of(leaves)

    @cache  # noqa: B019 (a handful of generators live as long as the test run)
    def date(self, depth: int) -> st.SearchStrategy[str]:
        """A date."""
        own = ["birth_date", "event_date"] if self.in_person else []
        leaves: list[st.SearchStrategy[str]] = [
            st.sampled_from([*own, "on_date", "on_date", "2025-06-30", "2024-02-29"])
        ]
        if depth > 0:
            sub = self.date(depth - 1)
            leaves += [
                st.tuples(st.sampled_from(["start_of_month", "end_of_month", "start_of_year", "end_of_year"]), sub).map(
                    lambda p: f"{p[0]}({p[1]})"
                ),
                st.tuples(st.sampled_from(["add_days", "add_months", "add_years"]), sub, st.integers(-20, 20)).map(
                    lambda p: f"{p[0]}({p[1]}, {p[2]})"
                ),
                sub.map(lambda p: f"day_of_year({p}, 8, 31)"),
            ]
        return st.one_of(leaves)


def benefit_text(
    name: str, subject: str, conditions: list[str], exceptions: list[str], amount: str, *, local: bool
) -> str:
    """The text of a benefit.yaml with these expressions; `local`: a second version of its own for the city 112."""
    says = "says: {zh: 条件, en: condition}"
    clauses = "".join(
        f"      - {{id: c{n}, test: {_quoted(t)}, because: 法, {says}}}\n" for n, t in enumerate(conditions)
    )
    unless = "".join(
        f"      - {{id: e{n}, test: {_quoted(t)}, because: 法, {says}}}\n" for n, t in enumerate(exceptions)
    )
    area_by = "home" if subject == "person" else "place"
    version = (
        "law: {title: 法}\n    eligible_when:\n"
        + clauses
        + ("    unless:\n" + unless if unless else "")
        + f"    amount: {{value: {_quoted(amount)}, per: month, because: 法}}\n"
    )
    versions = f"  - from: 2020-01-01\n    {version}"
    if local:
        versions += f'  - from: 2021-01-01\n    to: 2026-02-01\n    area: "112"\n    {version}'
    return (
        f'benefit: {name}\nsubject: {subject}\narea: "1"\narea_by: {area_by}\n'
        "names: {zh: 补贴, en: benefit}\n"
        f"versions:\n{versions}"
        "delivery: {application_required_by_law: false, discretion: none, will_needed: false, public_notice_days: 0}\n"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
