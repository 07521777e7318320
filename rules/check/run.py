"""Every static check of a catalogue, in one call."""

from __future__ import annotations

from features.documents import Findings
from rules.benefits import benefits_read
from rules.catalogue import Catalogue
from rules.check import coverage, criteria, periods, relations, texts, unread


def check_catalogue(catalogue: Catalogue) -> Findings:
    """Everything that is wrong with a catalogue: what loading found, and what only the whole shows.

    Each mistake is said once. A benefit that could not be loaded is not looked at further, the examples of a benefit
    are not asked for while it has a criterion that decides nothing, and what only seems unread because its reader was
    left out is not reported. Findings are sorted by file and line.
    """
    findings = Findings(catalogue.findings)
    findings.extend(texts.find_text_mistakes(texts.catalogue_files(catalogue), catalogue.shelf))
    findings.extend(relations.find_relation_mistakes(catalogue))
    if not catalogue.findings:
        findings.extend(unread.find_unread_parameters(catalogue))
    if catalogue.rulebook is not None:
        findings.extend(periods.find_value_gaps(catalogue.rulebook))
        findings.extend(relations.find_orders_without_measure(catalogue.rulebook))
        findings.extend(relations.find_idle_relations(catalogue.rulebook))
        findings.extend(_of_each_benefit(catalogue))
    findings[:] = sorted(set(findings))
    return findings


def _of_each_benefit(catalogue: Catalogue) -> Findings:
    """What is checked benefit by benefit, each after those that it reads."""
    assert catalogue.rulebook is not None
    findings = Findings()
    worlds = criteria.Worlds(catalogue.rulebook)
    dead: set[str] = set()
    for benefit_id, compiled in catalogue.rulebook.benefits.items():
        source = catalogue.sources[benefit_id]
        findings.extend(texts.find_placeholder_mistakes(source, catalogue.shared))
        findings.extend(periods.find_version_gaps(source.benefit))
        findings.extend(unread.find_unread_definitions(source.benefit))
        findings.extend(unread.find_hidden_parameters(source, catalogue.shared))
        idle = list(criteria.find_idle_criteria(compiled, worlds))
        findings.extend(idle)
        if idle or benefits_read(source.benefit).keys() & dead:
            dead.add(benefit_id)
        else:
            findings.extend(coverage.find_missing_examples(catalogue.rulebook, source))
    return findings


def advise(catalogue: Catalogue) -> list[str]:
    """What is worth knowing and is no mistake: facts of the dictionary that no rule reads."""
    facts = unread.facts_nobody_reads(catalogue)
    return [f"No rule reads {len(facts)} facts of the dictionary: {', '.join(facts)}."] if facts else []
