"""Who may do what, told a second time and otherwise: by act, in plain words, with nothing of the table's code."""

from __future__ import annotations

from serving.access.actors import Actor, Target
from tests.unit.serving.access.requests_at_random import NOW

OWN = {
    "own:read", "own:export", "offer:read", "offer:answer", "objection:raise", "person:request", "automation:refuse",
    "fact:contest", "proxy:change", "reads:list", "help:ask", "delivery:rate",
}  # fmt: skip
PROXY = {"offer:read", "offer:answer", "objection:raise"}
BUSINESS = {"caseworker", "supervisor", "policy"}
INSIDE = {
    "1": {"1", "11", "111", "12", "112", "113"}, "11": {"11", "111"}, "111": {"111"}, "12": {"12", "112"},
}  # fmt: skip
"""By district, the codes that lie in it on the day: 112 went to 12, 113 was shared out between 111 and 12."""


def may(a: Actor, act: str, t: Target, why: str) -> bool:
    roles = {str(role) for role in a.roles}
    one = len(roles) == 1 and next(iter(roles))
    if not a.enabled or not (one or (roles and roles <= BUSINESS)):
        return False
    worker, boss, law = (role in roles for role in ("caseworker", "supervisor", "policy"))
    granted = any(
        g.subject == t.subject and act in {str(x) for x in g.actions} and g.offer in (None, t.offer) and g.until > NOW
        for g in a.grants
    )
    if one in ("citizen", "enterprise"):
        if why == "own_affairs":
            return act in OWN and t.subject in a.subjects
        return one == "citizen" and why == "representation" and act in PROXY and granted
    if not a.strong:
        return False
    here = t.district in INSIDE.get(a.district or "", ())
    mine = here and bool(a.programmes & {"*", t.programme})
    given = any(t.district in INSIDE.get(x.district, ()) and x.programme in ("*", t.programme) for x in a.assignments)
    stranger_to_me = a.person is None or a.person != t.subject
    running = t.lease_until is not None and t.lease_until > NOW
    second = len(t.hands) > 0 and a.account not in t.hands
    workable = mine and given and t.is_open is True and stranger_to_me
    glass = any(g.subject == t.subject and g.until > NOW for g in a.glasses) and stranger_to_me
    programme = bool(a.programmes & {"*", t.programme})
    other = t.account not in (None, a.account)
    lines = {
        ("casework", worker): {
            "catalogue:read": True, "queue:read": mine and given, "correction:follow": mine and given,
            "case:read": workable, "case:claim": workable and not (running and t.lease_holder not in (None, a.account)),
            "case:approve": workable and second, "case:bulk": mine and given and stranger_to_me,
            **dict.fromkeys(("case:work", "case:decide", "field:reveal"),
                            workable and running and t.lease_holder == a.account),
        },
        ("counter", worker): {"person:find": here and stranger_to_me,
                              "counter:act": mine and given and stranger_to_me},
        ("help", worker): {"help:give": granted and stranger_to_me},
        ("quality", worker or boss): {"sample:review": mine and stranger_to_me and a.account not in t.hands},
        ("emergency", worker or boss): {"glass:break": stranger_to_me, "case:read": glass},
        ("supervision", boss): {
            **dict.fromkeys(("queue:read", "correction:follow", "team:read"), mine),
            "case:bulk": mine and stranger_to_me,
            "case:read": mine and stranger_to_me, "case:take_over": mine and t.is_open is True and stranger_to_me,
            "case:approve": mine and t.is_open is True and stranger_to_me and second,
            "case:bulk_approve": mine and stranger_to_me and second, "glass:review": here and second,
            "stop:press": programme, "stop:ask_release": programme, "stop:release": programme and second,
            "catalogue:read": True, "figures:read": True,
        },
        ("policy_work", law): {
            **dict.fromkeys(("rule:edit", "rule:roll_back", "rule_ticket:work"), mine), "rule:approve": mine and second,
            "stop:press": programme, "stop:ask_release": programme, "stop:release": programme and second,
            **dict.fromkeys(("lab:run", "figures:read", "catalogue:read"), True),
        },
        ("audit", one == "auditor"): {
            **dict.fromkeys(("ledger:read", "figures:read", "catalogue:read"), True),
            **dict.fromkeys(("case:read", "replay:run"), here and stranger_to_me),
            **dict.fromkeys(("reads:search", "anomaly:read"), here),
        },
        ("operation", one == "operator"): dict.fromkeys(("stop:press", "health:read", "work:run"), True),
        ("administration", one == "system_admin"): {
            "health:read": True, "account:read": True, "account:make": other, "account:disable": other},
        ("administration", one == "security_admin"): {
            **dict.fromkeys(("account:read", "alarm:read", "key:ask_rotation"), True), "key:rotate": second,
            **dict.fromkeys(("roles:change", "assignment:change", "account:disable", "session:end"), other)},
        ("administration", one == "audit_admin"): dict.fromkeys(
            ("admin_log:read", "alarm:read", "anomaly:read", "ledger:read"), True),
    }  # fmt: skip
    return any(may_at_all and why == purpose and acts.get(act, False) for (purpose, may_at_all), acts in lines.items())
