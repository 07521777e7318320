"""Whose affairs are whose: what a person's session reaches, and how their answers are put together."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from explain.audience import Audience
from explain.explanation import Explanation
from explain.render import render
from explain.shown import Line
from explain.wording import Language
from features.facts.subjects import PERSON
from rules.rulebook import Rulebook
from serving.access.actions import Action
from serving.access.actors import Grant
from serving.api.knowledge import Knowledge, NotReadyError, Standing
from serving.api.schemas.answers import Wording
from serving.api.schemas.citizens import AmountOut, BenefitOut, EntitlementOut, ExplainedOut, LineOut, SectionOut
from serving.casework.citizen.speaking import Speaker
from serving.casework.moves import Entitlement
from serving.store.tables.access import citizen_account

FOREVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
_LIVE_HELP = frozenset({Action.HELP_GIVE})
_HELPER = frozenset({Action.OFFER_READ, Action.OFFER_ANSWER, Action.OBJECTION_RAISE})


@dataclass(frozen=True, slots=True)
class HouseholdKin:
    """A person's household is theirs too (:class:`serving.access.actors.Kin`).

    Attributes:
        knowledge: says who belongs where.
    """

    knowledge: Knowledge

    def subjects_of(self, connection: Connection, subject: str, now: dt.datetime) -> frozenset[str]:
        """Their groups; nobody's, where nothing was swept yet."""
        kind, _, name = subject.partition(":")
        if kind != PERSON:
            return frozenset()
        try:
            return self.knowledge.groups_of(connection, name, now)
        except NotReadyError:
            return frozenset()


class ProxyGrants:
    """What people let others do for them (:class:`serving.access.actors.Grants`): proxies, and codes of live help."""

    def open_grants(self, connection: Connection, account: str, now: dt.datetime) -> tuple[Grant, ...]:
        """The grants of an account."""
        found: list[Grant] = []
        for row in connection.execute(_GRANTS, {"account": account, "now": now}):
            actions = _HELPER if row.is_proxy else _LIVE_HELP
            found.append(Grant(row.subject, actions, row.until or FOREVER, row.offer))
        return tuple(found)


# One question for both kinds: it is asked at each request.
_GRANTS = text("""
    SELECT true AS is_proxy, p.elder_kind || ':' || p.elder AS subject, p.until AS until, e.id::text AS offer
    FROM citizen_account a
    JOIN proxy p ON p.helper = a.subject AND a.kind = 'person'
    LEFT JOIN proxy_cover c ON c.proxy = p.id AND NOT p.covers_all
    LEFT JOIN entitlement e ON e.kind = p.elder_kind AND e.subject = p.elder
                           AND (e.benefit = c.benefit OR e.id = c.entitlement)
    WHERE a.id = :account AND p.revoked_at IS NULL AND p.since <= :now AND (p.until IS NULL OR p.until > :now)
      AND (p.covers_all OR e.id IS NOT NULL)
    UNION ALL
    SELECT false, h.kind || ':' || h.subject, h.until_at, NULL FROM help_code h
    WHERE h.officer = :account AND h.until_at > :now
""")


def speaker(own: str, subjects: Iterable[str]) -> Speaker:
    """Somebody who is logged in, as casework knows them. An enterprise helps nobody, whatever its number is."""
    pairs = frozenset((kind, name) for kind, _, name in (one.partition(":") for one in subjects))
    kind, _, name = own.partition(":")
    return Speaker(name if kind == PERSON else own, pairs)


def entitlement_out(of: Entitlement, rulebook: Rulebook) -> EntitlementOut:
    """An entitlement, as its owner sees it."""
    return EntitlementOut.model_construct(
        entitlement=of.id, benefit=of.benefit, name=name_of(rulebook, of.benefit), period=of.period,
        amount_minor=of.amount_minor, unit=of.unit, tier=of.tier, state=of.state.value, revision=of.revision,
        answer_until=of.next_step_at if of.state.value == "offered" else None,
    )  # fmt: skip


def name_of(rulebook: Rulebook, benefit: str) -> Wording:
    """What a benefit is called."""
    known = rulebook.benefits.get(benefit)
    if known is None:  # it was taken out of the catalogue since
        return Wording.model_construct(zh=benefit, en=benefit)
    return Wording.model_construct(zh=known.benefit.names.zh, en=known.benefit.names.en)


def amount_out(found: Standing) -> AmountOut:
    """What is owed."""
    return AmountOut.model_construct(
        value=found.amount, low=found.amount_low, high=found.amount_high, per=found.per, unit=found.unit
    )


def benefits_out(
    kind: str, standings: Sequence[Standing], entitlements: Sequence[Entitlement], rulebook: Rulebook
) -> list[BenefitOut]:
    """How each benefit stands for one subject."""
    owed: Mapping[str, list[Entitlement]] = defaultdict(list)
    for one in entitlements:
        owed[one.benefit].append(one)
    return [
        BenefitOut.model_construct(
            benefit=found.benefit, name=name_of(rulebook, found.benefit), of=kind, outcome=found.outcome,
            amount=amount_out(found), tier=found.tier, unmet=found.unmet, missing=found.missing,
            next_change=found.next_change, on_date=found.on_date,
            entitlements=[entitlement_out(one, rulebook) for one in owed.get(found.benefit, ())],
        )
        for found in standings
    ]  # fmt: skip


def explained_out(
    found: Explanation, audience: Audience, language: Language, reader: str, entitlements: Sequence[EntitlementOut] = ()
) -> ExplainedOut:
    """The whole answer in words, cut to what its audience may see."""
    shown = render(found, audience, language, reader)
    sections = [
        SectionOut.model_construct(id=one.id, title=one.title, lines=[_line(line) for line in one.lines])
        for one in shown.sections
    ]
    return ExplainedOut.model_construct(
        benefit=found.benefit, heading=shown.heading, outcome=shown.outcome.value, outcome_text=shown.outcome_text,
        sections=sections, entitlements=list(entitlements), banners=[],
    )  # fmt: skip


def _line(line: Line) -> LineOut:
    met = None if line.met is None else line.met.name.lower()
    return LineOut.model_construct(text=line.text, met=met, details=[_line(one) for one in line.details])


def account_of(connection: Connection, kind: str, subject: str) -> str | None:
    """The account of a person or enterprise, where they have one."""
    where = (citizen_account.c.kind == kind, citizen_account.c.subject == subject)
    return connection.execute(select(citizen_account.c.id).where(*where).limit(1)).scalar_one_or_none()
