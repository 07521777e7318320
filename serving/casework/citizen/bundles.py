"""One life event, one bundle, one answer: yes or no to every offer of it, all or none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from serving.casework.citizen.notices import offer
from serving.casework.citizen.offers import answered, say_no, say_yes
from serving.casework.citizen.requests import Answer, Asked, once
from serving.casework.citizen.speaking import Voice, speaks_as
from serving.casework.errors import ConflictError, NotAllowedError, NotFoundError
from serving.casework.moves import Entitlement, read_entitlement
from serving.casework.states import State
from serving.store.tables.citizens import bundle, bundle_member

_OPEN = frozenset({State.OFFERED, State.SILENT})


def open_bundle(
    connection: Connection,
    addressee: tuple[str, str],
    event_kind: str,
    event: str,
    members: Sequence[Entitlement],
    at: dt.datetime,
) -> int:
    """Put offers that come of one life event together, and have them sent as one.

    Args:
        connection: in a transaction.
        addressee: kind and id of whom it goes to.
        event_kind: birth, move, …
        event: its source and id: a second time the first bundle is given, and nothing is sent.
        members: what is offered.
        at: the moment.

    Returns:
        The number of the bundle.
    """
    values = {"addressee_kind": addressee[0], "addressee": addressee[1], "event_kind": event_kind, "event": event}
    made = connection.execute(
        upsert(bundle).values(**values, opened_at=at).on_conflict_do_nothing().returning(bundle.c.id)
    ).scalar_one_or_none()
    if made is None:
        return int(connection.execute(select(bundle.c.id).filter_by(**values)).scalar_one())
    connection.execute(insert(bundle_member), [{"bundle": made, "entitlement": each.id} for each in members])
    benefits = sorted({each.benefit for each in members})
    payload = {"bundle": made, "event_kind": event_kind, "entitlements": sorted(each.id for each in members)}
    offer(connection, f"bundle|{made}", benefits[0], addressee, at, payload=payload)
    return int(made)


def confirm_bundle(
    connection: Connection, voice: Voice, number: int, seen: Mapping[int, int], key: str, at: dt.datetime
) -> Answer:
    """Say yes to every open offer of a bundle that one sees, at once.

    Args:
        connection: in a transaction.
        voice: who speaks: of a helper, the offers that they were let see.
        number: of the bundle.
        seen: by entitlement the revision that was shown: what was shown is what is answered.
        key: of the request.
        at: the moment.

    Returns:
        `bundle` and `entitlements`, each as `confirm` answers.

    Raises:
        NotFoundError: it does not exist for them.
        ConflictError: an offer came, went or moved since it was shown: none is confirmed.
        NotAllowedError: nothing of it is open.
    """
    return _answer(connection, voice, number, seen, key, at, "confirm_bundle", say_yes)


def refuse_bundle(
    connection: Connection, voice: Voice, number: int, seen: Mapping[int, int], key: str, at: dt.datetime
) -> Answer:
    """Say no to every open offer of a bundle that one sees, at once. All else as `confirm_bundle`."""
    return _answer(connection, voice, number, seen, key, at, "refuse_bundle", say_no)


def open_offers(connection: Connection, voice: Voice, number: int, at: dt.datetime) -> list[Entitlement]:
    """The open offers of a bundle that exist for somebody.

    Raises:
        NotFoundError: none of its offers, open or not, exists for them.
    """
    numbers = connection.execute(
        select(bundle_member.c.entitlement)
        .where(bundle_member.c.bundle == number)
        .order_by(bundle_member.c.entitlement)
    ).scalars()
    members = [read_entitlement(connection, one) for one in numbers.all()]
    theirs = [each for each in members if _exists(connection, voice, each, at)]
    if not theirs:
        raise NotFoundError(f"There is no bundle {number}.")
    return [each for each in theirs if each.state in _OPEN]


def _exists(connection: Connection, voice: Voice, of: Entitlement, at: dt.datetime) -> bool:
    try:
        speaks_as(connection, voice, of, at)
    except NotFoundError:
        return False
    return True


def _answer(
    connection: Connection,
    voice: Voice,
    number: int,
    seen: Mapping[int, int],
    key: str,
    at: dt.datetime,
    do: str,
    say: Callable[[Connection, Voice, Entitlement, dt.datetime], Entitlement],
) -> Answer:
    def carry_out() -> Answer:
        found = open_offers(connection, voice, number, at)
        if not found:
            raise NotAllowedError(f"Nothing of the bundle {number} is open.")
        for each in found:
            if seen.get(each.id) != each.revision:
                raise ConflictError("entitlement", each.id, seen.get(each.id, -1), each.revision)
        if gone := seen.keys() - {each.id for each in found}:
            other = read_entitlement(connection, min(gone))
            raise ConflictError("entitlement", other.id, seen[other.id], other.revision)
        return {"bundle": number, "entitlements": [answered(say(connection, voice, each, at)) for each in found]}

    asked: Asked = {"do": do, "bundle": number, "seen": {str(each): revision for each, revision in seen.items()}}
    return once(connection, voice.name, key, asked, at, carry_out)
