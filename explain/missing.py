"""What is missing, and who holds it: each name of the irreducible set with its register and owner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from explain.explanation import MissingItem
from features.documents import Wording
from features.facts.values import Gap, Holding, Unknown
from rules.catalogue import Catalogue
from rules.determination import FactUsed
from rules.rulebook import Rulebook


def missing_items(
    names: Iterable[str],
    catalogue: Catalogue,
    rulebook: Rulebook,
    benefit: str,
    used: Iterable[FactUsed],
    on_date: dt.date,
) -> tuple[MissingItem, ...]:
    """Each missing name in full.

    Args:
        names: of facts, links and (with `$`) parameters.
        catalogue: where parameters are written.
        rulebook: the same, compiled.
        benefit: its id.
        used: the facts that the answer rests on, for the reasons why they are not known.
        on_date: the day of the question; what is too old on it is not known.
    """
    open_facts: dict[str, dict[tuple[str, str], str]] = {}
    for fact in used:
        gap = _gap(fact.holding, on_date)
        if gap:
            open_facts.setdefault(fact.fact, {})[fact.subject_kind, fact.subject_id] = gap
    return tuple(_item(name, catalogue, rulebook, benefit, open_facts.get(name, {})) for name in names)


def _gap(holding: Holding, on_date: dt.date) -> str:
    if isinstance(holding, Unknown):
        return holding.gap.value
    return Gap.STALE.value if holding.stale_on is not None and holding.stale_on <= on_date else ""


def _item(
    name: str, catalogue: Catalogue, rulebook: Rulebook, benefit: str, open_facts: dict[tuple[str, str], str]
) -> MissingItem:
    vocabulary = rulebook.vocabulary
    if name.startswith("$"):
        own = catalogue.sources[benefit].parameters
        parameter = own.get(name[1:]) or catalogue.shared.get(name[1:])
        label = parameter.names if parameter else Wording(name, name)
        return MissingItem("parameter", name, label, "", "", None, None, False, 1, ())
    fact = vocabulary.dictionary.facts.get(name)
    if fact is None:
        groups = {group.link: group.names for group in vocabulary.subjects.groups.values()}
        links = {link: r.names for r in vocabulary.subjects.relations.values() if not r.inverse for link in r.links}
        return MissingItem("link", name, {**links, **groups}[name], "", "", None, None, False, 3, ())
    register = vocabulary.dictionary.registers[fact.register]
    what = "link" if fact.type.kind == "id" else "fact"
    return MissingItem(
        what, name, fact.names, fact.subject, register.id, register.names, register.owner,
        fact.ask_citizen, fact.sensitivity, tuple(dict.fromkeys(open_facts.values())), tuple(open_facts),
    )  # fmt: skip
