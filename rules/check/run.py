"""Every static check of a catalogue, in one call."""

from __future__ import annotations

from features.documents import Findings
from rules.catalogue import Catalogue
from rules.check import coverage, criteria, periods, relations, texts, unread


def check_catalogue(catalogue: Catalogue) -> Findings:
    """Everything that is wrong with a catalogue: what loading found, and what only the whole shows.

    What could not be loaded is not looked at further: its mistakes come first. Findings are sorted by file and line,
    and each stands there once.
    """
    findings = Findings(catalogue.findings)
    findings.extend(texts.find_text_mistakes(texts.catalogue_files(catalogue)))
    findings.extend(texts.find_placeholder_mistakes(catalogue))
    findings.extend(periods.find_version_gaps(source.benefit for source in catalogue.sources.values()))
    findings.extend(unread.find_unread_definitions(catalogue))
    findings.extend(unread.find_hidden_parameters(catalogue))
    findings.extend(relations.find_relation_mistakes(catalogue))
    if not catalogue.findings:  # a benefit that is left out may be the one that reads a shared parameter
        findings.extend(unread.find_unread_parameters(catalogue))
    if catalogue.rulebook is not None:
        findings.extend(periods.find_value_gaps(catalogue.rulebook))
        findings.extend(criteria.find_dead_criteria(catalogue.rulebook))
        findings.extend(relations.find_orders_without_measure(catalogue))
        findings.extend(relations.find_idle_relations(catalogue))
        findings.extend(coverage.find_missing_examples(catalogue))
    findings[:] = sorted(set(findings))
    return findings


def advise(catalogue: Catalogue) -> list[str]:
    """What is worth knowing and is no mistake: facts of the dictionary that no rule reads."""
    facts = unread.facts_nobody_reads(catalogue)
    return [f"No rule reads {len(facts)} facts of the dictionary: {', '.join(facts)}."] if facts else []
