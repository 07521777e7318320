"""Departments: DCI-shaped search, subscribe and notify, signed both ways. No personal row goes to an outside party.

A search is answered with what there is for everybody: the catalogue. There is no endpoint that returns personal
rows to others (acceptance.md, row 24).

Source:
    Digital Convergence Initiative, registry core API 1.0.0.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection, insert, update
from starlette.responses import JSONResponse, Response

from features.registers.errors import LoadRefusedError, UnreadableDeliveryError
from serving.access.limits import STAFF
from serving.api.departments import Departments, once
from serving.api.parts import Parts
from serving.api.problems import ProblemError
from serving.api.routing import PROBLEMS
from serving.store.tables.api import subscription

router = APIRouter(prefix="/dci/registry", tags=["departments"])
RECORD_TYPE: Final = "applyfree:benefits:1"
_Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Url = Annotated[str, StringConstraints(pattern=r"^https://[^\s\x00]{1,500}$")]


class HeaderIn(BaseModel):
    """Of a message: who, when, which, what for."""

    model_config = ConfigDict(extra="allow")

    message_id: _Text = Field(examples=["5b6e1f0a-1"])
    message_ts: _Text = Field(examples=["2026-03-01T08:00:00+00:00"])
    action: _Text = Field(examples=["search"])
    sender_id: _Text = Field(examples=["civil_affairs"])


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="forbid")

    signature: Annotated[str, StringConstraints(max_length=200)] = Field(
        description="Ed25519 over the canonical JSON (RFC 8785) of `header` and `message`, in base64."
    )
    header: HeaderIn


class SearchCriteria(BaseModel):
    """What is searched."""

    model_config = ConfigDict(extra="allow")

    reg_record_type: _Text = Field(examples=[RECORD_TYPE])


class SearchRequest(BaseModel):
    """One search."""

    model_config = ConfigDict(extra="allow")

    reference_id: _Text
    search_criteria: SearchCriteria


class SearchMessage(BaseModel):
    """Searches."""

    model_config = ConfigDict(extra="allow")

    transaction_id: _Text
    search_request: Annotated[list[SearchRequest], Field(min_length=1, max_length=20)]


class SearchIn(_Envelope):
    """A signed search."""

    message: SearchMessage


class SubscribeRequest(BaseModel):
    """One subscription."""

    model_config = ConfigDict(extra="allow")

    reference_id: _Text
    event: Literal["catalogue_changed"]
    notify_url: _Url


class SubscribeMessage(BaseModel):
    """Subscriptions."""

    model_config = ConfigDict(extra="allow")

    transaction_id: _Text
    subscribe_request: Annotated[list[SubscribeRequest], Field(min_length=1, max_length=20)]


class SubscribeIn(_Envelope):
    """A signed subscription."""

    message: SubscribeMessage


class UnsubscribeMessage(BaseModel):
    """Subscriptions that end."""

    model_config = ConfigDict(extra="allow")

    transaction_id: _Text
    subscription_codes: Annotated[list[uuid.UUID], Field(min_length=1, max_length=20)]


class UnsubscribeIn(_Envelope):
    """A signed end of subscriptions."""

    message: UnsubscribeMessage


class NotifyIn(_Envelope):
    """A signed life event: `event_type`, `event_id`, `version`, `event_date`, `subjects`, `attributes`."""

    message: Annotated[dict[str, Any], Field(min_length=1, max_length=50)]


class EnvelopeOut(BaseModel):
    """A message of ours, signed."""

    model_config = ConfigDict(extra="forbid")

    signature: str
    header: dict[str, Any]
    message: dict[str, Any]


@router.post("/search", response_model=EnvelopeOut, responses=PROBLEMS)
def search(request: Request, body: SearchIn) -> Response:
    """Which benefits there are; personal rows are not searched by anybody outside."""
    return _taken(request, body, lambda parts, connection, sender, now: _search(parts, connection, body, now))


@router.post("/subscribe", response_model=EnvelopeOut, responses=PROBLEMS)
def subscribe(request: Request, body: SubscribeIn) -> Response:
    """Be told when the catalogue changes."""
    return _taken(request, body, lambda parts, connection, sender, now: _subscribe(connection, body, sender, now))


@router.post("/unsubscribe", response_model=EnvelopeOut, responses=PROBLEMS)
def unsubscribe(request: Request, body: UnsubscribeIn) -> Response:
    """Be told no more."""
    return _taken(request, body, lambda parts, connection, sender, now: _unsubscribe(connection, body, sender, now))


@router.post("/notify", response_model=EnvelopeOut, responses=PROBLEMS)
def notify(request: Request, body: NotifyIn) -> Response:
    """A life event, as `applyfree events` takes it in: a birth, a death, a move, with corrections and reversals."""
    return _taken(request, body, lambda parts, connection, sender, now: _notify(parts, body, now))


Act = Callable[[Parts, Connection, str, dt.datetime], dict[str, Any]]


def _taken(request: Request, body: _Envelope, act: Act) -> Response:
    parts: Parts = request.app.state.parts
    now = parts.now()
    # As it was sent: what was signed is not what a model made of it.
    envelope = body.model_dump(mode="json", exclude_unset=True)
    sender = parts.departments.check(envelope, now)
    verdict = parts.limiter.hit(STAFF, f"sender:{sender}")
    if not verdict.allowed:
        raise ProblemError(429, "too_many", headers={"Retry-After": str(verdict.retry_after_seconds)})
    with parts.engine.begin() as connection:
        answer = once(
            connection, sender, envelope, now,
            lambda: _envelope(parts.departments, envelope, act(parts, connection, sender, now), now),
        )  # fmt: skip
    return JSONResponse(answer)


def _envelope(
    departments: Departments, asked: dict[str, Any], message: dict[str, Any], now: dt.datetime
) -> dict[str, Any]:
    header = {
        "message_id": str(uuid.uuid4()),
        "message_ts": now.isoformat(),
        "action": f"on-{asked['header']['action']}"[:60],
        "sender_id": departments.name,
        "receiver_id": asked["header"]["sender_id"],
        "status": "succ",
    }
    return departments.signed({"header": header, "message": message})


def _search(parts: Parts, connection: Connection, body: SearchIn, now: dt.datetime) -> dict[str, Any]:
    rulebook = parts.knowledge.rulebook(connection, now)
    records = [
        {"benefit": name, "subject": one.benefit.subject, "zh": one.benefit.names.zh, "en": one.benefit.names.en}
        for name, one in rulebook.benefits.items()
    ]
    answers: list[dict[str, Any]] = []
    for asked in body.message.search_request:
        told = {"reference_id": asked.reference_id, "timestamp": now.isoformat()}
        if asked.search_criteria.reg_record_type == RECORD_TYPE:
            data = {"reg_record_type": RECORD_TYPE, "reg_records": records}
            answers.append({**told, "status": "succ", "data": data})
        else:
            answers.append({**told, "status": "rjct", "status_reason_code": "rjct.search_criteria.invalid"})
    return {"transaction_id": body.message.transaction_id, "search_response": answers}


def _subscribe(connection: Connection, body: SubscribeIn, sender: str, now: dt.datetime) -> dict[str, Any]:
    answers = []
    for asked in body.message.subscribe_request:
        number = uuid.uuid4()
        row = {"id": number, "sender": sender, "event": asked.event, "notify_url": asked.notify_url, "made_at": now}
        connection.execute(insert(subscription).values(row))
        answers.append({"reference_id": asked.reference_id, "status": "succ", "subscription_code": str(number)})
    return {"transaction_id": body.message.transaction_id, "subscribe_response": answers}


def _unsubscribe(connection: Connection, body: UnsubscribeIn, sender: str, now: dt.datetime) -> dict[str, Any]:
    of = subscription.c
    ended = connection.execute(
        update(subscription)
        .where(of.id.in_(body.message.subscription_codes), of.sender == sender, of.ended_at.is_(None))
        .values(ended_at=now)
        .returning(of.id)
    ).scalars()
    return {"transaction_id": body.message.transaction_id, "subscription_codes": sorted(str(one) for one in ended)}


def _notify(parts: Parts, body: NotifyIn, now: dt.datetime) -> dict[str, Any]:
    envelope = body.model_dump(mode="json", exclude_unset=True)
    try:
        count = parts.departments.take_records(json.dumps(envelope, ensure_ascii=False).encode(), now)
    except (LoadRefusedError, UnreadableDeliveryError) as error:
        raise ProblemError(422, "refused", "The records are not as the contract says; none was taken.") from error
    return {"ack_status": "ACK", "records": count}
