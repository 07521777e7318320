"""What stands in a file and is read by nothing."""

from __future__ import annotations

from collections.abc import Iterator

from features.documents import Finding
from rules.benefits import Benefit
from rules.catalogue import Catalogue, Source
from rules.check import reading
from rules.check.texts import placeholders
from rules.parameters import Parameter


def find_unread_definitions(benefit: Benefit) -> Iterator[Finding]:
    """Definitions that neither a criterion nor the amount of their version reaches."""
    for version in benefit.versions:
        reached = reading.definitions_reached(version)
        for definition in version.definitions.values():
            if definition.id not in reached:
                yield Finding(
                    definition.place,
                    f"Nothing reads the definition `{definition.id}`.",
                    "Remove it, or use it in a criterion or in the amount.",
                )


def find_unread_parameters(catalogue: Catalogue) -> Iterator[Finding]:
    """Parameters that no criterion, amount or text of their benefit reads; shared ones: of any benefit.

    A parameter that only an unread definition reads is unread too.
    """
    read_by_any: set[str] = set()
    for source in catalogue.sources.values():
        read = _read_by(source, catalogue.shared)
        read_by_any |= read
        for parameter in source.parameters.values():
            if parameter.id not in read:
                yield _unread(parameter, f"`{source.benefit.id}`")
    for parameter in catalogue.shared.values():
        if parameter.id not in read_by_any:
            yield _unread(parameter, "any benefit")


def find_hidden_parameters(source: Source, shared: dict[str, Parameter]) -> Iterator[Finding]:
    """A benefit's own parameter with the name of a shared one: the rule reads its own, and people may not see that."""
    for name in source.parameters.keys() & shared.keys():
        yield Finding(
            source.parameters[name].place,
            f"The parameter `{name}` hides the shared one of the same name ({shared[name].place}).",
            "Rename this one, or remove it if it is the same number.",
        )


def facts_nobody_reads(catalogue: Catalogue) -> list[str]:
    """Facts of the dictionary that no rule reads. Worth knowing, never wrong: a register may hold more than we use."""
    if catalogue.rulebook is None:
        return []
    versions = [v for b in catalogue.rulebook.benefits.values() for v in b.versions]
    read = {fact.id for fact in reading.facts(node for version in versions for node in reading.roots(version))}
    read |= {source.benefit.area_by for source in catalogue.sources.values() if source.benefit.area_by}
    facts = catalogue.rulebook.vocabulary.dictionary.facts
    return sorted(fact.id for fact in facts.values() if fact.id not in read and fact.type.kind != "id")


def _unread(parameter: Parameter, reader: str) -> Finding:
    return Finding(
        parameter.place, f"The parameter `{parameter.id}` is not read by {reader}.", "Remove it, or use it in a rule."
    )


def _read_by(source: Source, shared: dict[str, Parameter]) -> set[str]:
    known = {**shared, **source.parameters}
    names: set[str] = set()
    for version in source.benefit.versions:
        names |= reading.parameters_named(reading.expressions(version, reading.definitions_reached(version)))
        for criterion in version.criteria:
            names |= placeholders(criterion.says.zh) | placeholders(criterion.says.en)
    return reading.parameters_behind(names, known)
