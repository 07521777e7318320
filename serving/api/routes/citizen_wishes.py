"""What citizens and enterprises settle for the future: no pushes, a human decides, who may speak for them, help."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Annotated, Final

from fastapi import APIRouter, Path
from sqlalchemy import delete, insert, select

from serving.access.actions import Action
from serving.access.actors import Target
from serving.api.problems import not_found
from serving.api.routes.citizen_offers import Number, me
from serving.api.routing import IdempotencyKey, Visiting, serve
from serving.api.schemas.answers import Done
from serving.api.schemas.citizens import HelpCodeOut, ProxiesOut, ProxyOut, WishesOut
from serving.api.visits import Visit
from serving.casework.citizen import proxies, wishes
from serving.casework.moves import By
from serving.casework.states import Actor
from serving.store.tables.api import help_code
from serving.store.tables.citizens import proxy, proxy_cover

router = APIRouter(prefix="/me", tags=["citizens and enterprises"])
CODE_OPEN: Final = dt.timedelta(minutes=15)
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # pragma: allowlist secret (the alphabet of codes)
_SIGNS: Final = 12
"""60 bits. Source: gates.md, S26."""
Which = Annotated[str, Path(pattern="^(no-pushes|human-decides)$", examples=["no-pushes"])]


@serve(router, "GET", "/wishes", WishesOut, personal=True)
def my_wishes(visit: Visiting) -> WishesOut:
    """What holds for me until I withdraw it."""
    return _wishes(visit, Action.OWN_READ)


@serve(router, "PUT", "/wishes/{which}", WishesOut, personal=True, always=True)
def wish(visit: Visiting, which: Which, key: IdempotencyKey) -> WishesOut:
    """No pushes, of any department; or: a human decides. Neither costs me what I am owed."""
    subject, by = _pair(visit)
    visit.allow(Action.AUTOMATION_REFUSE, Target(subject=visit.own))
    make = wishes.stop_pushes if which == "no-pushes" else wishes.want_human
    make(visit.connection, subject, by, visit.now)
    return _wishes(visit, Action.AUTOMATION_REFUSE)


@serve(router, "DELETE", "/wishes/{which}", WishesOut, personal=True, always=True)
def withdraw(visit: Visiting, which: Which, key: IdempotencyKey) -> WishesOut:
    """Take a wish back."""
    subject, by = _pair(visit)
    visit.allow(Action.AUTOMATION_REFUSE, Target(subject=visit.own))
    end = wishes.allow_pushes if which == "no-pushes" else wishes.allow_automation
    end(visit.connection, subject, by, visit.now)
    return _wishes(visit, Action.AUTOMATION_REFUSE)


@serve(router, "GET", "/proxies", ProxiesOut, personal=True)
def my_proxies(visit: Visiting) -> ProxiesOut:
    """Who may speak for me, about what, until when."""
    own = visit.own
    visit.allow(Action.OWN_READ, Target(subject=own))
    visit.show(own, ("proxies",))
    kind, _, name = own.partition(":")
    numbers = proxies.proxies_of(visit.connection, (kind, name))
    rows = visit.connection.execute(select(proxy).where(proxy.c.id.in_(numbers)).order_by(proxy.c.id)).mappings()
    covers = visit.connection.execute(select(proxy_cover).where(proxy_cover.c.proxy.in_(numbers))).all()
    found = [
        ProxyOut(
            proxy=row["id"], helper=row["helper"], covers_all=row["covers_all"], since=row["since"], until=row["until"],
            established=row["established"],
            benefits=[one.benefit for one in covers if one.proxy == row["id"] and one.benefit is not None],
            entitlements=[one.entitlement for one in covers if one.proxy == row["id"] and one.entitlement is not None],
        )
        for row in rows
    ]  # fmt: skip
    return ProxiesOut(proxies=found)


@serve(router, "DELETE", "/proxies/{number}", Done, personal=True, always=True)
def revoke(visit: Visiting, number: Number, key: IdempotencyKey) -> Done:
    """Let somebody speak for me no more, from this moment."""
    own = visit.own
    visit.allow(Action.PROXY_CHANGE, Target(subject=own))
    visit.show(own, ("proxies",))
    proxies.revoke(visit.connection, number, me(visit), visit.now)
    return Done(done="revoked")


@serve(router, "POST", "/help-code", HelpCodeOut, personal=True, always=True)
def help_me(visit: Visiting, key: IdempotencyKey) -> HelpCodeOut:
    """A code to tell an officer on the telephone: they see what I see, read-only, for a quarter of an hour."""
    own = visit.own
    visit.allow(Action.HELP_ASK, Target(subject=own))
    visit.show(own, ("help_code",))
    kind, _, name = own.partition(":")
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_SIGNS))
    until = visit.now + CODE_OPEN
    visit.connection.execute(delete(help_code).where(help_code.c.until_at < visit.now))
    visit.connection.execute(
        insert(help_code).values(
            code_hash=code_hash(code), kind=kind, subject=name, made_by=visit.actor.account, made_at=visit.now,
            until_at=until,
        )
    )  # fmt: skip
    return HelpCodeOut(code="-".join(code[at : at + 4] for at in range(0, _SIGNS, 4)), until=until)


def code_hash(code: str) -> bytes:
    """How a code is kept: 60 random bits that hold for a quarter of an hour need no slow hash."""
    plain = code.upper().replace("-", "").replace(" ", "").replace("O", "0").replace("I", "1").replace("L", "1")
    return hashlib.sha256(b"help" + plain.encode()).digest()


def _wishes(visit: Visit, action: Action) -> WishesOut:
    own = visit.own
    visit.allow(action, Target(subject=own))
    visit.show(own, ("wishes",))
    kind, _, name = own.partition(":")
    return WishesOut(
        no_pushes=wishes.is_opted_out(visit.connection, (kind, name)),
        human_decides=wishes.wants_human(visit.connection, (kind, name)),
    )


def _pair(visit: Visit) -> tuple[tuple[str, str], By]:
    kind, _, name = visit.own.partition(":")
    if not name:
        raise not_found()
    return (kind, name), By(Actor.CITIZEN, name)
