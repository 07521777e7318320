"""G6: every route of the OpenAPI, for every role, on one's own, another's, another district's and a closed object."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from features import documents as doc
from features.yaml_files import read_document
from serving.access.accounts import Login, assign, make_staff
from serving.access.actors import Assignment
from serving.api.application import description, routes
from serving.casework.bulk import propose_bulk, return_bulk
from serving.casework.bulk_preview import preview
from serving.casework.citizen.bundles import open_bundle
from serving.casework.citizen.proxies import Established, Proxy, establish
from serving.casework.moves import read_entitlement
from serving.casework.review import Verdict
from serving.casework.states import State
from serving.stops.buttons import Scope, press
from tests.api_world import ISSUER, NOW, World, a_case_for_many, api_world, unlimited
from tests.casework_world import an_entitlement, moved

ROLES: Final = {
    "c": "alice", "e": "firm", "w": "ann", "s": "sue", "p": "pol", "a": "aud", "o": "ops", "y": "sys", "r": "sec",
    "d": "adm",
}  # fmt: skip
REFUSED: Final = frozenset({401, 403, 404})
OBJECTS: Final = ("own", "other", "district", "closed")
WORDS: Final = {"words": "因为登记的不对，所以要改。"}
GENERAL: Final = ("anybody", "logged_in", "ends", "signed")
NO_MODEL: Final = "urn:applyfree:problem:no_model"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with api_world(change=unlimited) as made:
        yield made


@pytest.fixture(scope="module")
def targets(world: World) -> dict[str, dict[str, dict[str, Any]]]:
    """By kind of object and relation what to put into a request."""
    alice, bob = (world.people[name] for name in ("alice", "bob"))
    kind, _, number = alice.partition(":")
    with world.parts.engine.begin() as connection:
        far = an_entitlement(connection, bob.partition(":")[2], period="2026-05", district=world.there)
        moved(connection, far, State.OFFERED)
        ended = an_entitlement(connection, bob.partition(":")[2], period="2026-06", district=world.here)
        moved(connection, ended, State.SUPERSEDED)
        cleo = an_entitlement(connection, world.people["cleo"].partition(":")[2], period="2026-07", district=world.here)
        moved(connection, cleo, State.OFFERED)
        mine = read_entitlement(connection, world.offers["alice2"])
        bundle = open_bundle(connection, (kind, number), "birth", "test|1", [mine], NOW)
        others = open_bundle(connection, ("person", bob), "birth", "test|2", [cleo], NOW)
        helper = world.people["cleo"].partition(":")[2]
        until = NOW + dt.timedelta(days=9)
        wanted = Proxy((kind, number), helper, NOW, until, Established.COUNTER, entitlements=(world.offers["alice"],))
        proxy = establish(connection, wanted, "ann", NOW)
        elder, third = ("person", helper), bob.partition(":")[2]
        other = establish(
            connection, Proxy(elder, third, NOW, until, Established.COUNTER, entitlements=(cleo.id,)), "ann", NOW
        )
        stop = press(connection, Scope.CHANNEL, "letter", "ann", "test", NOW).id
    with world.parts.engine.begin() as connection:
        make_staff(connection, "spare", Login(ISSUER, "spare"), "Office of spare", world.here, "sys", NOW)
    with world.parts.engine.begin() as connection:
        work = assign(connection, "spare", Assignment(world.there, "*"), "sec", NOW)
    code = world.ask("alice", "POST", "/me/help-code").json()["code"]
    helped = world.ask("ann", "POST", "/live-help", json={"code": code})
    assert helped.status_code == 200, helped.text
    cases = world.cases
    acts = _acts(world)
    return {
        "act": acts,
        "session": {"own": {"number": stop, "account": "spare", "assignment": work}},
        "entitlement": {
            "own": {"number": world.offers["alice"]}, "other": {"number": cleo.id}, "district": {"number": far.id},
            "closed": {"number": ended.id},
        },
        "notice": {"own": {"number": world.offers["notice"]}},
        "bundle": {"own": {"number": bundle}, "other": {"number": others}},
        "proxy": {"own": {"number": proxy}, "other": {"number": other}},
        "subject": {"own": {"subject": alice}, "district": {"subject": world.people["away"]}},
        "help": {"own": {"number": helped.json()["help"]}, "other": {"number": "0" * 32}},
        "case": {
            "own": {"number": cases["mine"]}, "other": {"number": cases["bens"]},
            "district": {"number": cases["there"]}, "closed": {"number": cases["closed"]},
        },
    }  # fmt: skip


def _acts(world: World) -> dict[str, dict[str, Any]]:
    """Acts on many cases, by whose they are."""
    proposed = (("own", "ann", world.here), ("other", "sue", world.here), ("district", "far", world.there),
                ("closed", "ann", world.here))  # fmt: skip
    found = {}
    for month, (relation, officer, district) in enumerate(proposed, start=1):
        with world.parts.engine.begin() as connection:
            numbers = [a_case_for_many(connection, world, "bob", f"2023-{month:02d}", district)]
            seen = preview(connection, numbers, Verdict.OFFER, NOW)
            act = propose_bulk(connection, seen, officer, random.Random(1), NOW)
            if relation == "closed":
                return_bulk(connection, act, officer, NOW)
        found[relation] = {"number": act.id, "case": numbers[0]}
    return found


def test_every_route_is_listed_and_every_listed_route_is_there(world: World) -> None:
    described = description(routes(world.parts))["paths"]
    found = {f"{method.upper()} {path}" for path, ways in described.items() for method in ways}
    assert found == set(_listed())


def test_nobody_is_let_in_who_is_not_named(world: World, targets: dict[str, dict[str, dict[str, Any]]]) -> None:
    asked, wrong = 0, []
    for route, (group, expected) in _listed().items():
        if group in GENERAL:
            continue
        for relation in targets[group]:
            named = set(expected.get(relation, "").split())
            for letter, name in [("", None), *ROLES.items()]:
                answer = _ask(world, name, route, targets[group][relation])
                asked += 1
                let_in = answer.status_code not in REFUSED or answer.json()["type"] == NO_MODEL
                if let_in != (letter in named) or answer.status_code >= 500:
                    wrong.append(f"{name} {route} {relation}: {answer.status_code} {answer.text[:300]}")
    assert wrong == [], "\n".join(wrong)
    assert asked > 700


def test_a_session_is_needed_and_departments_sign(world: World) -> None:
    for route, (group, _) in _listed().items():
        if group not in GENERAL:
            continue
        answer = _ask(world, None, route, {})
        if group == "anybody":
            assert answer.status_code < 300, route
        elif group == "ends":
            assert answer.status_code == 403, route  # by the guard against forged requests: there is no session
        elif group == "signed":
            assert answer.status_code in (401, 422), route
        elif group == "logged_in":
            assert answer.status_code == 401
            for name in ROLES.values():
                assert _ask(world, name, route, {}).status_code == 200


def _listed() -> dict[str, tuple[str, Mapping[str, str]]]:
    document = read_document(Path(__file__).parent / "g06_matrix.yaml")
    found: dict[str, tuple[str, Mapping[str, str]]] = {}
    for group, node in document.entries.items():
        if group in GENERAL:
            found |= {doc.text_of(one, group): (group, {}) for one in doc.sequence_of(node, group)}
            continue
        for route, told in doc.mapping_of(node, group).entries.items():
            if group == "session":
                found[route] = (group, {"own": doc.text_of(told, route)})
            else:
                found[route] = (group, {k: doc.text_of(v, k) for k, v in doc.mapping_of(told, route).entries.items()})
    return found


def _ask(world: World, name: str | None, route: str, of: Mapping[str, Any]) -> httpx.Response:
    method, path = route.split(" ", 1)
    number = of.get("assignment") if "/admin/assignments/" in path else of.get("number", 1)
    for part, value in (
        ("number", number),
        ("account", of.get("account", "spare")),
        ("which", "no-pushes"),
        ("case", of.get("case", 1)),
    ):
        path = path.replace(f"{{{part}}}", str(value))
    path = path.replace("{benefit}", "advanced_age_allowance")
    more: dict[str, Any] = {"headers": {"If-Match": '"r999"'}}
    if path.endswith("/bulk-acts/preview"):
        more["params"] = {"verdict": "offer", "case": number}
    if path.endswith("/figures"):
        more["params"] = {"by": "benefit"}
    if path.endswith("/audit/reads"):
        more["params"] = {"subject": of["subject"]}
    body = _body(world, route, of)
    if body is not None:
        more["json"] = body
    if not path.startswith("/api/v1"):
        with world.client(name) as client:
            found: httpx.Response = client.request(method, path, **more)
            return found
    return world.ask(name, method, path.removeprefix("/api/v1"), **more)


def _body(world: World, route: str, of: Mapping[str, Any]) -> dict[str, Any] | None:
    end = route.rsplit("/", 1)[1]
    until = (NOW + dt.timedelta(days=3)).isoformat()
    bodies: dict[str, dict[str, Any]] = {
        "person": {}, "objection": WORDS, "objections": {"benefit": "advanced_age_allowance", **WORDS},
        "take-over": {}, "pause": {"code": "waiting_for_citizen"}, "view": {"view": "grant"},
        "decision": {"verdict": "grant"}, "second": {"agree": True}, "notes": WORDS,
        "live-help": {"code": "AAAA-BBBB-CCCC"}, "answer": {"said": "person", "how": "counter"},
        "glass": {"subject": world.people["cleo"], "reason": "她在医院，急需知道能否报销，家里无人可问。"},
        "stops": {"scope": "all", "reason": "test"}, "state": {"active": True},
        "posting": {"roles": ["policy"], "district": world.here, "programmes": ["*"]},
        "assignments": {"district": world.here, "programme": "dibao"},
        "proxies": {
            "elder": of.get("subject", ""), "helper": "p-helper", "benefits": ["advanced_age_allowance"],
            "until": until, "how": "counter",
        },
        "accounts": {
            "account": f"new-{len(route)}", "issuer": ISSUER, "login": "new", "office": "office",
            "district": world.here,
        },
    }  # fmt: skip
    nothing = {"seen": "0" * 64, "size": 1}
    bodies["agree"] = nothing
    bodies["bulk-acts"] = nothing | {"verdict": "offer", "cases": [{"case": of.get("number", 1), "revision": 999}]}
    if "/bundles/" in route:
        return {"seen": {"1": 999}}
    return bodies.get(end) if not route.startswith(("GET", "DELETE")) else None
