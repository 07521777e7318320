"""Explanations from dossiers: the same as from the history, in milliseconds.

`serving.sweep.one_subject.explained` says what an explanation is; a test compares the two.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable

from explain.compose import Explainer, Looked
from explain.evidence import OnRecord
from explain.explanation import Explanation
from features.facts.population import NONE, Population
from features.facts.subjects import PERSON
from rules.paths import Chain, Step, links_of, paths_of
from rules.rulebook import Rulebook
from serving.sweep.dossiers.content import Dossier, Dossiers
from serving.sweep.dossiers.making import kept_facts

Load = Callable[[Collection[tuple[str, str]]], Dossiers]
"""Fetches dossiers by kind and id; those that there are."""


class DossierExplainer:
    """Explains answers of one sweep. Made once per rulebook and day; it keeps nothing about anybody.

    Args:
        explainer: of the sweep's rulebook.
        on_date: of the sweep.
        known_at: of the sweep.
    """

    def __init__(self, explainer: Explainer, on_date: dt.date, known_at: dt.datetime) -> None:
        self.explainer, self.on_date, self.known_at = explainer, on_date, known_at
        rulebook = explainer.rulebook
        facts = kept_facts(rulebook, on_date)
        links = rulebook.vocabulary.subjects.links
        self._facts = {k: [f for f in some if k != PERSON or f not in links] for k, some in facts.items()}
        self._chains: dict[tuple[str, dt.date], frozenset[Chain]] = {}

    @property
    def rulebook(self) -> Rulebook:
        """Whose answers are explained."""
        return self.explainer.rulebook

    def chains(self, benefit: str, day: dt.date) -> frozenset[Chain]:
        """Whom the rules of a day look at."""
        key = (benefit, day)
        if key not in self._chains:
            self._chains[key] = paths_of(benefit, self.rulebook.in_force(day))
        return self._chains[key]

    def opened(self, kind: str, subject: str, benefits: Iterable[str], load: Load) -> OpenDossiers:
        """The dossiers of a subject and of everybody whom the rules of some benefits look at."""
        chains = frozenset(chain for benefit in benefits for chain in self.chains(benefit, self.on_date))
        return self._opened(kind, subject, chains, load)

    def explained(self, benefit: str, subject: str, load: Load) -> Explanation:
        """The whole answer for one subject of the benefit's kind.

        Raises:
            KeyError: there is no dossier of the subject.
        """
        kind = self.rulebook.benefits[benefit].benefit.subject
        today = self.chains(benefit, self.on_date)
        opened = self._opened(kind, subject, today, load)

        def by_rules_of(day: dt.date) -> Looked:
            plans = self.rulebook.in_force(day)
            later = self.chains(benefit, day)
            near = opened if not plans[benefit].variants or later == today else self._opened(kind, subject, later, load)
            return Looked(near.population, near.doubtful_links(later, plans[benefit].names))

        looked = by_rules_of(self.on_date)
        return self.explainer.explain(
            looked.population,
            benefit,
            looked.population.listed[kind][subject],
            self.on_date,
            known_at=self.known_at,
            records=opened,
            doubtful_links=looked.doubtful_links,
            by_rules_of=by_rules_of,
        )

    def _opened(self, kind: str, subject: str, chains: frozenset[Chain], load: Load) -> OpenDossiers:
        found: dict[tuple[str, str], Dossier] = dict(load([(kind, subject)]))
        reached: dict[Chain, set[str]] = {(): {subject}}
        near = OpenDossiers(self, kind, subject, found, reached)
        for length in range(1, max(map(len, chains), default=0) + 1):
            for chain in (chain for chain in chains if len(chain) == length):
                before = chain[-2].arrives_at if length > 1 else kind
                reached[chain] = near.follow(chain[-1], before, reached[chain[:-1]])
            wanted = {(c[-1].arrives_at, i) for c, ids in reached.items() if len(c) == length for i in ids}
            new = [key for key in wanted if key not in found]
            if new:
                found.update(load(new))
        return near

    def population(self, dossiers: Dossiers) -> Population:
        """Everybody who is listed, as rules read them."""
        vocabulary = self.rulebook.vocabulary
        listed = sorted((d.place, k, i) for (k, i), d in dossiers.items() if d.listed)
        some = [dossiers[k, i].subject(k, i, vocabulary, self._facts.get(k, ())) for _, k, i in listed]
        return Population(vocabulary.subjects, some)


class OpenDossiers:
    """A subject's dossier with those of everybody around it: whom a rule looks at, and what registers said of them."""

    def __init__(
        self, by: DossierExplainer, kind: str, subject: str, found: Dossiers, reached: dict[Chain, set[str]]
    ) -> None:
        self._by, self._kind, self._subject, self._found, self._reached = by, kind, subject, found, reached
        self._population: Population | None = None
        self._subjects = by.rulebook.vocabulary.subjects

    @property
    def population(self) -> Population:
        """Everybody, as rules read them."""
        if self._population is None:
            self._population = self._by.population(self._found)
        return self._population

    def of(self, kind: str, subject_id: str, fact: str) -> OnRecord | None:
        """See :class:`explain.evidence.Records`."""
        dossier = self._found.get((kind, subject_id))
        return None if dossier is None else dossier.on_record(fact, self._by.rulebook.vocabulary)

    def doubtful_links(self, chains: frozenset[Chain], names: tuple[str, ...]) -> tuple[str, ...]:
        """The links because of which it is not known who belongs to the subject (see `rules.paths.in_doubt`)."""
        for chain in chains:
            if chain and (chain[-1].way == "members" or self._is_inverse(chain[-1])):
                kind = chain[-2].arrives_at if len(chain) > 1 else self._kind
                ids = self._reached.get(chain[:-1], ())
                if any((d := self._found.get((kind, i))) is not None and d.doubtful for i in ids):
                    return tuple(links_of(chains, self._subjects, names))
        return ()

    def follow(self, step: Step, kind: str, ids: Collection[str]) -> set[str]:
        """Whom a relation leads to from some subjects."""
        if step.way == "to_group":
            return self._linked([self._subjects.groups[step.name].link], ids)
        if step.way == "members":
            return self._naming(kind, [self._subjects.groups[step.name].link], ids)
        links = self._subjects.relations[step.name].links
        return self._naming(PERSON, links, ids) if self._is_inverse(step) else self._linked(links, ids)

    def _is_inverse(self, step: Step) -> bool:
        return step.way == "related" and self._subjects.relations[step.name].inverse

    def _linked(self, links: Collection[str], ids: Collection[str]) -> set[str]:
        held = (self._found.get((PERSON, i)) for i in ids)
        return {t for d in held if d is not None for link in links if (t := d.links.get(link)) not in (None, NONE)}

    def _naming(self, kind: str, links: Collection[str], ids: Collection[str]) -> set[str]:
        held = (self._found.get((kind, i)) for i in ids)
        return {person for d in held if d is not None for link in links for person in d.named_by.get(link, ())}
