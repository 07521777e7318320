"""What the model reads of a household, each with its direction, origin and reason, and how it is computed.

Directions hold for the sum of all inputs: where one fact raises two inputs, both may only push the same way. So nobody
who is worse off on every need axis can rank below, whatever the trees have learned.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.documents import Wording
from models.inputs import Input, check_inputs
from models.missing_evidence.households import EARNED, INCOMES
from models.missing_evidence.outages import TAXED
from models.missing_evidence.rule import MONTHS, guideline, parameters
from models.trees import Floats

_ALL_INCOMES = tuple(INCOMES.values())
_LIMITED = (*_ALL_INCOMES, "hhsize")
_FACTS = (*INCOMES, "size", "children", "elderly", "returns", "on_roll")

RECORDED = (
    *(
        Input(kind, -1, (origin,), Wording("收入与两个限额相比", "income counts against both limits"))
        for kind, origin in INCOMES.items()
    ),
    *(
        Input(
            f"last_{kind}",
            -1,
            (INCOMES[kind],),
            Wording("今年的记录迟到时，用去年的收入", "last year's income, while this year's record is late"),
        )
        for kind in TAXED
    ),
    Input(
        "size",
        0,
        ("hhsize",),
        Wording(
            "人口越多限额越高，但未见工资的劳动者也越多",
            "the limits rise with the household, but so do earners whose wages are hidden",
        ),
    ),
    Input("children", 1, ("nu18",), Wording("子女提高限额，且没有工资", "children raise the limits and earn nothing")),
    Input("returns", 0, ("n_units",), Wording("本户申报的税表份数", "tax returns filed in the household")),
    Input(
        "on_roll",
        0,
        ("earners",),
        Wording(
            "在册就业人数；人口未知时也反映户的大小",
            "how many are enrolled as employed; also a sign of size where that is hidden",
        ),
    ),
)
DERIVED = tuple(
    Input(name, direction, origins, Wording(zh, en), is_rule_derived=True)
    for name, direction, origins, zh, en in (
        ("known_income", -1, _ALL_INCOMES, "月收入至少有多少", "the least that monthly income can be"),
        ("plausible_income", -1, _ALL_INCOMES, "月收入合理的上限", "the most that it plausibly is"),
        ("gross_slack", 1, _LIMITED, "离总收入限额至多还差多少", "room to the gross limit, at most"),
        ("net_slack", 1, _LIMITED, "离净收入限额至多还差多少", "room to the net limit, at most"),
        ("known_net_income", -1, _ALL_INCOMES, "扣除后收入至少有多少",
         "the least that income can be after deductions"),
        ("people_needed", -1, _ALL_INCOMES, "已知收入下，至少要多少人口才不超限额",
         "the smallest household to which the known income leaves room"),
        ("last_slack", 1, _LIMITED, "按去年收入，离总收入限额还差多少", "room to the gross limit with last year's"),
        ("exempting_members", 0, ("eld", "blind"), "有几位成员依法免总收入审核", "how many lift the gross test by law"),
        ("adults", -1, ("hhsize", "nu18"), "未见的收入可能属于其中的人",
         "those whose income may be among what is hidden"),
        ("missing_facts", 0, (), "缺几项事实", "how many facts are not held"),
        ("known_share", 0, (), "已知的收入种类占全部收入的比重",
         "the share of all income that the kinds known here make up"),
    )
)  # fmt: skip
ALL = RECORDED + DERIVED
check_inputs(ALL)  # a list that leaks cannot even be imported
NEED_AXES = {**dict.fromkeys((*INCOMES, *(f"last_{kind}" for kind in TAXED)), -1), "children": 1}
"""The facts on which one household can be worse off than another: less of any income (-1), or more children (+1)."""


def directions(inputs: tuple[Input, ...] = ALL) -> dict[str, int]:
    """Columns in order, each with its direction."""
    return {i.name: i.direction for i in inputs}


def inputs_of(records: pl.DataFrame) -> pl.DataFrame:
    """The inputs of masked records, all of `ALL`; what cannot be computed from what is known is null."""
    held = {name: records[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in _READ}
    known = {kind: np.nan_to_num(held[kind]) for kind in INCOMES}
    limit = guideline(held["size"], records["year"].cast(pl.Int64).to_numpy())
    last = {kind: np.nan_to_num(held.get(f"last_{kind}", np.zeros(records.height))) for kind in INCOMES}
    late = ~np.isnan(held["last_wages"])
    gross, net = _monthly(known)
    missing = np.sum([np.isnan(held[name]) for name in _FACTS], axis=0)
    gross_limit = parameters()["gross_limit"]
    last_gross = gross + np.sum(list(last.values()), axis=0) / MONTHS
    derived = {
        "known_income": gross,
        "plausible_income": gross + _sum_over_hidden(held, "plausible") / MONTHS,
        "gross_slack": gross_limit - gross / limit,
        "net_slack": 1 - net / limit,
        "known_net_income": net,
        "people_needed": _people_needed(gross, net, records["year"].cast(pl.Int64).to_numpy()),
        "last_slack": np.where(late, gross_limit - last_gross / limit, np.nan),
        "exempting_members": held["elderly"] + held["blind"],
        "adults": held["size"] - held["children"],
        "missing_facts": missing.astype(np.float64),
        "known_share": 1 - _sum_over_hidden(held, "share"),
    }
    recorded = {i.name: held[i.name] for i in RECORDED}
    return pl.DataFrame({**recorded, **derived}, nan_to_null=True).select(i.name for i in ALL)


@cache
def settings() -> dict[str, Any]:
    """What is measured once and kept: `settings.toml`."""
    return tomllib.loads((Path(__file__).parent / "settings.toml").read_text(encoding="utf-8"))


_READ = (*_FACTS, "blind", *(f"last_{kind}" for kind in TAXED))


def _monthly(known: dict[str, Floats]) -> tuple[Floats, Floats]:
    """Least gross income, and least income after the deduction from earnings, by month."""
    earned = np.sum([known[kind] for kind in EARNED], axis=0)
    gross = np.sum(list(known.values()), axis=0)
    return gross / MONTHS, (gross - parameters()["earned_income_deduction"] * earned) / MONTHS


def _sum_over_hidden(held: dict[str, Floats], column: str) -> Floats:
    table = settings()["incomes"]
    return np.asarray(np.sum([np.where(np.isnan(held[k]), table[k][column], 0.0) for k in INCOMES], axis=0))


def _people_needed(gross: Floats, net: Floats, year: npt.NDArray[np.int64]) -> Floats:
    """The smallest number of people whose limits leave room for this income, as a fraction between whole numbers."""
    first = guideline(np.ones(len(gross)), year)
    more = guideline(np.full(len(gross), 2.0), year) - first
    return np.asarray(1 + (np.maximum(gross / parameters()["gross_limit"], net) - first) / more)
