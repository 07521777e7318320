"""Random worlds: a catalogue of random rules, and a population with unknown facts."""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from hypothesis import assume
from hypothesis import strategies as st

from features.facts.population import NONE, Population, Subject
from features.facts.units import month_number
from features.facts.values import Gap, Holding, Known, Unknown, Value
from rules.catalogue import load_catalogue
from rules.rulebook import Rulebook
from tests.agreement.rule_texts import FIRST, PARAMETERS, SECOND, THIRD, Texts, benefit_text

FACTS = Path(__file__).parent / "facts"
FIRST_DAY, LAST_DAY = dt.date(2024, 11, 1), dt.date(2026, 8, 1)


@dataclass(frozen=True, repr=False)
class World:
    """A rulebook, a population and a day."""

    rulebook: Rulebook
    population: Population
    on_date: dt.date
    texts: tuple[str, ...]

    def __repr__(self) -> str:
        people = [(s.id, s.facts, s.links) for listed in self.population.listed.values() for s in listed.values()]
        return "\n".join([str(self.on_date), *self.texts, *map(str, people)])


def rulebook_of(texts: tuple[str, ...]) -> Rulebook | None:
    """Compile benefit texts; None where a static check refuses one of them."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "catalogue.yaml").write_text(
            'jurisdiction: test\ncurrency: USD\nroot_area: "1"\nnames: {zh: 试, en: test}\n'
        )
        (root / "shared").mkdir()
        (root / "shared" / "parameters.yaml").write_text(PARAMETERS)
        for text in texts:
            name = text.split("\n", 1)[0].removeprefix("benefit: ")
            (root / name).mkdir()
            (root / name / "benefit.yaml").write_text(text)
        catalogue = load_catalogue(root, FACTS)
        if catalogue.findings:
            return None
        return catalogue.rulebook


_SOURCES = {
    FIRST: Texts(in_person=True),
    SECOND: Texts(in_person=True, benefits=(FIRST,)),
    THIRD: Texts(in_person=False),
}


@st.composite
def rulebooks(draw: st.DrawFn, depth: int = 2) -> tuple[Rulebook, tuple[str, ...]]:
    """Three benefits: a person's, another person's that reads the first, and a household's."""
    texts: list[str] = []
    for name, subject in ((FIRST, "person"), (SECOND, "person"), (THIRD, "household")):
        source = _SOURCES[name]
        conditions = draw(st.lists(source.condition(depth), min_size=1, max_size=3))
        exceptions = draw(st.lists(source.condition(1), max_size=1))
        texts.append(
            benefit_text(name, subject, conditions, exceptions, draw(source.money(depth)), local=draw(st.booleans()))
        )
    rulebook = rulebook_of(tuple(texts))
    assume(rulebook is not None)
    assert rulebook is not None
    return rulebook, tuple(texts)


def days() -> st.SearchStrategy[dt.date]:
    """Days around those on which parameters and versions change."""
    return st.dates(FIRST_DAY, LAST_DAY)


def values(fact: str) -> st.SearchStrategy[Value]:
    """Values of a fact, often at the limits that rules have."""
    born = st.one_of(
        st.dates(dt.date(1930, 1, 1), dt.date(2026, 1, 1)), st.just(dt.date(2008, 2, 29)), st.just(dt.date(1965, 5, 31))
    )
    return {
        "birth_date": born,
        "event_date": st.dates(dt.date(2019, 6, 1), dt.date(2027, 12, 31)),
        "rich": st.booleans(),
        "ill": st.booleans(),
        "works": st.booleans(),
        "poor": st.booleans(),
        "kind": st.sampled_from(["a", "b", "c"]),
        "home": st.sampled_from(["1", "11", "111", "112", "12", "113", "114", "115"]),
        "place": st.sampled_from(["1", "11", "111", "112", "12", "113", "114", "115"]),
        "wage": st.integers(0, 50_000).map(Decimal),
        "debt": st.integers(-20_000, 30_000).map(Decimal),
        "rent": st.integers(0, 40_000).map(Decimal),
        "degree": st.integers(0, 300).map(lambda n: Decimal(n) / 100),
        "size": st.integers(1, 9),
        "paid_months": st.frozensets(
            st.integers(month_number(dt.date(2023, 1, 1)), month_number(dt.date(2026, 12, 1))), max_size=30
        ),
    }[fact]  # type: ignore[return-value]


PERSON_FACTS = (
    "birth_date",
    "event_date",
    "rich",
    "ill",
    "works",
    "kind",
    "home",
    "wage",
    "debt",
    "degree",
    "paid_months",
)
HOUSEHOLD_FACTS = ("poor", "size", "rent", "place")


@st.composite
def holdings(draw: st.DrawFn, fact: str) -> Holding:
    """A value, sometimes unknown, sometimes soon stale."""
    if draw(st.integers(0, 9)) < 3:
        return Unknown(draw(st.sampled_from(list(Gap))))
    stale = draw(st.one_of(st.none(), st.none(), st.none(), days()))
    return Known(draw(values(fact)), "test", None, stale)


@st.composite
def populations(draw: st.DrawFn, rulebook: Rulebook) -> Population:
    """A few households with persons who are related to one another."""
    subjects: list[Subject] = []
    names = [f"p{n}" for n in range(draw(st.integers(1, 5)))]
    homes = [f"h{n}" for n in range(draw(st.integers(1, 3)))]
    related = draw(st.booleans())
    for home in homes:
        facts = {fact: draw(holdings(fact)) for fact in HOUSEHOLD_FACTS if draw(st.integers(0, 9)) > 0}
        subjects.append(Subject("household", home, facts))
    for name in names:
        facts = {fact: draw(holdings(fact)) for fact in PERSON_FACTS if draw(st.integers(0, 9)) > 0}
        links: dict[str, str | None] = {
            "household_id": draw(st.sampled_from([*homes, *homes, "elsewhere", NONE, None]))
        }
        if related:
            for link in ("spouse_id", "mother_id", "father_id"):
                links[link] = draw(st.sampled_from([NONE, NONE, None, "stranger", *names]))
        subjects.append(Subject("person", name, facts, links))
    return Population(rulebook.vocabulary.subjects, subjects)


@st.composite
def worlds(draw: st.DrawFn, depth: int = 2) -> World:
    """A rulebook, a population and a day."""
    rulebook, texts = draw(rulebooks(depth))
    return World(rulebook, draw(populations(rulebook)), draw(days()), texts)
