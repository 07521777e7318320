"""The value of information: for each subject the one fact that unlocks the most expected entitlement, and its holder.

What a determination still lacks (`missing`) is irreducible: only all of it together settles the answer. So the expected
entitlement of a benefit is shared equally among its missing facts, which is the Shapley value of a game that only the
whole coalition wins. A fact's worth is the sum of its shares over the subject's benefits.

Source: Shapley, A Value for n-Person Games (1953), unanimity games; Howard, Information Value Theory (1966).
"""

from __future__ import annotations

import polars as pl

from features.facts.units import MINOR_UNITS
from features.facts.vocabulary import Vocabulary
from models.outreach.objective import Objective
from rules.determination import Outcome

KEY = ["subject", "id"]
PROBABILITY = "probability"
MILLION = 1_000_000
MOST_MINOR = 9_000_000_000_000
"""Amounts are capped here for ordering only, so that whole-number arithmetic cannot overflow (90 billion)."""
A_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4}
DEPARTMENT, CITIZEN, CASEWORKER = "department", "citizen", "caseworker"
CITIZENS_OWN = {"cn": "citizen_declaration", "us": "applicant"}
"""The register of what only the citizen can say."""


def expected_entitlements(
    determinations: pl.DataFrame, probabilities: pl.DataFrame | None, objective: Objective
) -> pl.DataFrame:
    """What each determination that is not settled would bring in a year.

    Args:
        determinations: as `rules.evaluate.output` writes them.
        probabilities: `subject`, `id`, `benefit`, `probability` that an undetermined answer would be eligible, from a
            model or from donor households; None, or no row: it is counted in full, and only the rules order.
        objective: how amounts are counted.

    Returns:
        The rows that lack something and are not ineligible, with `expected_minor` (whole minor units a year).
    """
    lacking = pl.col("missing").list.len() > 0
    open_ones = determinations.filter(lacking & (pl.col("outcome") != Outcome.INELIGIBLE.value))
    return expected_of(open_ones, determinations, probabilities, objective)


def expected_of(
    kept: pl.DataFrame, determinations: pl.DataFrame, probabilities: pl.DataFrame | None, objective: Objective
) -> pl.DataFrame:
    """What some determinations would bring in a year, whether they lack anything or not.

    Args:
        kept: some of the determinations, none of them ineligible.
        determinations: all of them: what a benefit typically is stands in where nothing bounds an amount.
        probabilities: see :func:`expected_entitlements`.
        objective: how amounts are counted.

    Returns:
        The rows of `kept`, with `expected_minor` (whole minor units a year).
    """
    typical = _typical(determinations, objective)
    kept = kept.join(typical, on="benefit", how="left", maintain_order="left").with_columns(
        pl.col("typical_minor").fill_null(objective.unbounded_minor)
    )
    kept = kept.with_columns(_yearly_minor(objective).clip(0, MOST_MINOR).alias("yearly_minor"))
    kept = _with_share(kept, probabilities)
    expected = pl.col("yearly_minor") * pl.col("millionths") // MILLION
    return kept.with_columns(expected.alias("expected_minor")).drop("typical_minor", "largest_minor", "millionths")


def _with_share(kept: pl.DataFrame, probabilities: pl.DataFrame | None) -> pl.DataFrame:
    """With the probability in millionths; what is eligible already, and whatever no model speaks of, counts in full."""
    certain = pl.col("outcome") == Outcome.ELIGIBLE.value
    if probabilities is None:
        return kept.with_columns(pl.lit(MILLION, dtype=pl.Int64).alias("millionths"))
    known = probabilities.select(*KEY, "benefit", pl.col(PROBABILITY).clip(0, 1))
    joined = kept.join(known, on=[*KEY, "benefit"], how="left", maintain_order="left")
    share = pl.when(certain).then(1.0).otherwise(pl.col(PROBABILITY).fill_null(1.0))
    return joined.with_columns((share * MILLION).round().cast(pl.Int64).alias("millionths")).drop(PROBABILITY)


def _minor(column: str) -> pl.Expr:
    return (pl.col(column) * MINOR_UNITS).cast(pl.Int64, strict=False)


def _times(objective: Objective) -> pl.Expr:
    """How often an amount is counted: what is paid regularly over `months_counted`, what is paid once, once."""
    often = {period: objective.months_counted * a_year // 12 for period, a_year in A_YEAR.items()}
    return pl.col("per").replace_strict(often, default=1, return_dtype=pl.Int64)


def _yearly_minor(objective: Objective) -> pl.Expr:
    """The middle of the amount's bounds, or what the benefit typically is where nothing bounds it above.

    A bound above what anybody gets is no more than the largest figure a record may hold: the largest amount stands in.
    """
    low, high = _minor("amount_low").fill_null(0), _minor("amount_high")
    most = pl.max_horizontal(pl.col("largest_minor"), low * _times(objective))
    highest = pl.min_horizontal(high * _times(objective), pl.when(pl.col("largest_minor").is_not_null()).then(most))
    bounded = (low * _times(objective) + highest) // 2
    money = pl.when(high.is_null()).then(pl.max_horizontal("typical_minor", low * _times(objective))).otherwise(bounded)
    is_money = pl.col("unit").str.contains("^[A-Z]{3}$")
    return pl.when(is_money).then(money).otherwise(objective.in_kind_minor)


def _typical(determinations: pl.DataFrame, objective: Objective) -> pl.DataFrame:
    """The median and the largest of what those get, by benefit, of whom the figure is known."""
    held = determinations.filter((pl.col("outcome") == Outcome.ELIGIBLE.value) & pl.col("amount").is_not_null())
    yearly = (_minor("amount") * _times(objective)).alias("typical_minor")
    medians = (
        held.select("benefit", yearly)
        .group_by("benefit")
        .agg(pl.col("typical_minor").median(), pl.col("typical_minor").max().alias("largest_minor"))
    )
    return medians.with_columns(pl.col("typical_minor").cast(pl.Int64))


def worth_of_facts(expected: pl.DataFrame) -> pl.DataFrame:
    """What each missing fact of each subject is worth.

    Args:
        expected: of :func:`expected_entitlements`.

    Returns:
        `subject`, `id`, `fact`, `worth_minor` (its shares), `settles_minor` (of answers that it settles alone),
        `unlocks` (the benefits), `place` (how early rules read it).
    """
    count = pl.col("missing").list.len().cast(pl.Int64)
    shared = expected.with_columns(
        (pl.col("expected_minor") // count).alias("share"),
        pl.when(count == 1).then("expected_minor").otherwise(0).alias("alone"),
        pl.int_ranges(0, pl.col("missing").list.len()).alias("place"),
    )
    facts = shared.explode("missing", "place").rename({"missing": "fact"})
    return facts.group_by(*KEY, "fact").agg(
        pl.col("share").sum().alias("worth_minor"),
        pl.col("alone").sum().alias("settles_minor"),
        pl.col("benefit").sort().alias("unlocks"),
        pl.col("place").min(),
    )


def holders(vocabulary: Vocabulary) -> pl.DataFrame:
    """Who is asked for each fact: its department; the citizen only for what nobody else can say.

    Returns:
        `fact`, `register`, `ask`, `otherwise`: whom to ask once the department has said that it does not hold it.
    """
    own = CITIZENS_OWN.get(vocabulary.jurisdiction)
    rows = [
        {
            "fact": fact.id,
            "register": fact.register,
            "ask": CITIZEN if fact.register == own else DEPARTMENT,
            "otherwise": CITIZEN if fact.ask_citizen else CASEWORKER,
        }
        for fact in vocabulary.dictionary.facts.values()
    ]
    names = ("fact", "register", "ask", "otherwise")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String()))


def facts_to_ask(expected: pl.DataFrame, vocabulary: Vocabulary, not_held: pl.DataFrame | None = None) -> pl.DataFrame:
    """For each subject the one fact to ask for, and whom.

    Of facts worth the same the one a department holds is asked for first, then the one that settles more alone, then
    the one that rules read first.

    Args:
        expected: of :func:`expected_entitlements`.
        vocabulary: says who holds a fact and whether its citizen may be asked.
        not_held: `subject`, `id`, `fact` of which the department has said that it holds nothing.

    Returns:
        One row for each subject: `subject`, `id`, `fact`, `register`, `ask`, `unlocks`, `worth_minor`, `settles_minor`.
    """
    worth = worth_of_facts(expected).join(holders(vocabulary), on="fact", how="left")
    worth = worth.with_columns(pl.col("ask").fill_null(CASEWORKER))  # a link of no register: somebody must look
    if not_held is not None:
        told = not_held.select(*KEY, "fact").unique().with_columns(pl.lit(True).alias("told"))
        worth = worth.join(told, on=[*KEY, "fact"], how="left")
        refused = pl.col("told").fill_null(False) & (pl.col("ask") == DEPARTMENT)
        worth = worth.with_columns(pl.when(refused).then("otherwise").otherwise("ask").alias("ask"))
    effort = pl.col("ask").replace_strict({DEPARTMENT: 0, CITIZEN: 1, CASEWORKER: 2}, return_dtype=pl.Int8)
    ordered = worth.with_columns(effort.alias("effort")).sort(
        *KEY, "worth_minor", "effort", "settles_minor", "place", "fact",
        descending=[False, False, True, False, True, False, False],
    )  # fmt: skip
    best = ordered.unique(KEY, keep="first", maintain_order=True)
    return best.select(*KEY, "fact", "register", "ask", "unlocks", "worth_minor", "settles_minor")
