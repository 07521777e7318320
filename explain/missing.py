"""What is missing, who holds it, and of whom it is not known: each name of the irreducible set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explain.evidence import LINK_SENSITIVITY, EvidenceReader, link_label
from explain.explanation import Evidence, MissingItem
from features.documents import Wording
from features.facts.population import Population
from features.facts.subjects import PERSON
from features.facts.values import Unknown
from rules.catalogue import Catalogue
from rules.determination import FactUsed


@dataclass(frozen=True, slots=True)
class MissingReader:
    """Puts missing names in full.

    Attributes:
        catalogue: where parameters are written.
        benefit: whose answer is open.
        population: everybody the rule may look at.
        evidence: of the facts.
    """

    catalogue: Catalogue
    benefit: str
    population: Population
    evidence: EvidenceReader

    def item(self, name: str, read: Sequence[Evidence]) -> MissingItem:
        """One missing fact, link or (with `$`) parameter.

        Args:
            name: as rules name it.
            read: the facts that the answer rests on, for the reasons why they are not known.
        """
        vocabulary = self.evidence.vocabulary
        if name.startswith("$"):
            own = self.catalogue.sources[self.benefit].parameters
            parameter = own.get(name[1:]) or self.catalogue.shared.get(name[1:])
            label = parameter.names if parameter else Wording(name, name)
            return MissingItem("parameter", name, label, "", "", None, None, False, 1, ())
        is_link = name in vocabulary.subjects.links
        lacking = self._unlinked(name) if is_link else tuple(one for one in read if one.fact == name and one.gap)
        lacking = tuple(dict.fromkeys(lacking))
        gaps = tuple(dict.fromkeys(one.gap for one in lacking))
        fact = vocabulary.dictionary.facts.get(name)
        if fact is None:
            label = link_label(vocabulary.subjects, name)
            return MissingItem("link", name, label, "", "", None, None, False, LINK_SENSITIVITY, gaps, lacking)
        register = vocabulary.dictionary.registers[fact.register]
        what = "link" if fact.type.kind == "id" else "fact"
        return MissingItem(
            what, name, fact.names, fact.subject, register.id, register.names, register.owner,
            fact.ask_citizen, fact.sensitivity, gaps, lacking,
        )  # fmt: skip

    def _unlinked(self, link: str) -> tuple[Evidence, ...]:
        """The persons looked at of whom it is not known to whom this link leads."""
        persons = self.population.listed[PERSON].values()
        open_ones = (person for person in persons if link in person.links and person.links[link] is None)
        return self.evidence.of(FactUsed(PERSON, person.id, link, Unknown()) for person in open_ones)
