"""Who may do what: the one table. What stands in no row is refused. `docs/access.md` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serving.access.actions import Action, Purpose
from serving.access.conditions import Condition
from serving.access.roles import Role


@dataclass(frozen=True, slots=True)
class Permission:
    """One row: a role may do some things for one purpose where all conditions hold."""

    role: Role
    purpose: Purpose
    actions: frozenset[Action]
    conditions: tuple[Condition, ...] = ()


def _may(role: Role, purpose: Purpose, *actions: Action, when: tuple[Condition, ...] = ()) -> Permission:
    return Permission(role, purpose, frozenset(actions), when)


_A, _C, _P, _R = Action, Condition, Purpose, Role

_OF_ONESELF: Final = (
    _A.OWN_READ, _A.OWN_EXPORT, _A.OFFER_READ, _A.OFFER_ANSWER, _A.OBJECTION_RAISE, _A.PERSON_REQUEST,
    _A.AUTOMATION_REFUSE, _A.FACT_CONTEST, _A.PROXY_CHANGE, _A.READS_LIST, _A.HELP_ASK, _A.DELIVERY_RATE,
)  # fmt: skip
_POSTED: Final = (_C.IN_DISTRICT, _C.ON_PROGRAMME)
_ASSIGNED: Final = (*_POSTED, _C.ASSIGNED)
_OPEN_FILE: Final = (*_ASSIGNED, _C.OPEN, _C.NOT_OWN_FILE)
_IN_HAND: Final = (*_OPEN_FILE, _C.HOLDS_LEASE)

PERMISSIONS: Final = (
    # Citizens act for themselves, an enterprise's account for the legal person; whose they are comes from the session.
    _may(_R.CITIZEN, _P.OWN_AFFAIRS, *_OF_ONESELF, when=(_C.OWN,)),
    _may(_R.ENTERPRISE, _P.OWN_AFFAIRS, *_OF_ONESELF, when=(_C.OWN,)),
    # A helper sees and answers the offer they were let to, and may object for the other; nothing else of theirs.
    _may(_R.CITIZEN, _P.REPRESENTATION, _A.OFFER_READ, _A.OFFER_ANSWER, _A.OBJECTION_RAISE, when=(_C.GRANTED,)),
    # A caseworker: posted there, given this work, the case open, and in hand where anything changes.
    _may(_R.CASEWORKER, _P.CASEWORK, _A.QUEUE_READ, _A.CORRECTION_FOLLOW, when=_ASSIGNED),
    _may(_R.CASEWORKER, _P.CASEWORK, _A.CASE_READ, when=_OPEN_FILE),
    _may(_R.CASEWORKER, _P.CASEWORK, _A.CASE_CLAIM, when=(*_OPEN_FILE, _C.NO_OTHER_LEASE)),
    _may(_R.CASEWORKER, _P.CASEWORK, _A.CASE_WORK, _A.CASE_DECIDE, _A.FIELD_REVEAL, when=_IN_HAND),
    _may(_R.CASEWORKER, _P.CASEWORK, _A.CASE_APPROVE, when=(*_OPEN_FILE, _C.ANOTHER_PERSON)),
    # On each of many cases; what was done to many is still read by its author once they are closed.
    _may(_R.CASEWORKER, _P.CASEWORK, _A.CASE_BULK, when=(*_ASSIGNED, _C.NOT_OWN_FILE)),
    _may(_R.CASEWORKER, _P.COUNTER, _A.PERSON_FIND, when=(_C.IN_DISTRICT, _C.NOT_OWN_FILE)),
    _may(_R.CASEWORKER, _P.COUNTER, _A.COUNTER_ACT, when=(*_ASSIGNED, _C.NOT_OWN_FILE)),
    _may(_R.CASEWORKER, _P.HELP, _A.HELP_GIVE, when=(_C.GRANTED, _C.NOT_OWN_FILE)),
    _may(_R.CASEWORKER, _P.QUALITY, _A.SAMPLE_REVIEW, when=(*_POSTED, _C.NOT_OWN_FILE, _C.NOT_INVOLVED)),
    # A supervisor sees closed cases too, and is the usual second person.
    _may(_R.SUPERVISOR, _P.SUPERVISION, _A.QUEUE_READ, _A.CORRECTION_FOLLOW, _A.TEAM_READ, when=_POSTED),
    _may(_R.SUPERVISOR, _P.SUPERVISION, _A.CASE_READ, when=(*_POSTED, _C.NOT_OWN_FILE)),
    _may(_R.SUPERVISOR, _P.SUPERVISION, _A.CASE_TAKE_OVER, when=(*_POSTED, _C.OPEN, _C.NOT_OWN_FILE)),
    _may(_R.SUPERVISOR, _P.SUPERVISION, _A.CASE_APPROVE, when=(*_POSTED, _C.OPEN, _C.NOT_OWN_FILE, _C.ANOTHER_PERSON)),
    _may(_R.SUPERVISOR, _P.SUPERVISION, _A.CASE_BULK, when=(*_POSTED, _C.NOT_OWN_FILE)),
    _may(_R.SUPERVISOR, _P.SUPERVISION, _A.CASE_BULK_APPROVE, when=(*_POSTED, _C.NOT_OWN_FILE, _C.ANOTHER_PERSON)),
    _may(_R.SUPERVISOR, _P.SUPERVISION, _A.GLASS_REVIEW, when=(_C.IN_DISTRICT, _C.ANOTHER_PERSON)),
    _may(_R.SUPERVISOR, _P.QUALITY, _A.SAMPLE_REVIEW, when=(*_POSTED, _C.NOT_OWN_FILE, _C.NOT_INVOLVED)),
    # Breaking the glass opens one file for reading, for a quarter of an hour, and a supervisor is told.
    _may(_R.CASEWORKER, _P.EMERGENCY, _A.GLASS_BREAK, when=(_C.NOT_OWN_FILE,)),
    _may(_R.SUPERVISOR, _P.EMERGENCY, _A.GLASS_BREAK, when=(_C.NOT_OWN_FILE,)),
    _may(_R.CASEWORKER, _P.EMERGENCY, _A.CASE_READ, when=(_C.GLASS_BROKEN, _C.NOT_OWN_FILE)),
    _may(_R.SUPERVISOR, _P.EMERGENCY, _A.CASE_READ, when=(_C.GLASS_BROKEN, _C.NOT_OWN_FILE)),
    # Stopping is one person's act, starting again takes two; whoever runs the machines may stop them.
    _may(_R.SUPERVISOR, _P.SUPERVISION, _A.STOP_PRESS, _A.STOP_ASK_RELEASE, when=(_C.ON_PROGRAMME,)),
    _may(_R.SUPERVISOR, _P.SUPERVISION, _A.STOP_RELEASE, when=(_C.ON_PROGRAMME, _C.ANOTHER_PERSON)),
    _may(_R.POLICY, _P.POLICY_WORK, _A.STOP_PRESS, _A.STOP_ASK_RELEASE, when=(_C.ON_PROGRAMME,)),
    _may(_R.POLICY, _P.POLICY_WORK, _A.STOP_RELEASE, when=(_C.ON_PROGRAMME, _C.ANOTHER_PERSON)),
    _may(_R.OPERATOR, _P.OPERATION, _A.STOP_PRESS),
    # Policy staff change rules of their area and see figures, never a person.
    _may(_R.POLICY, _P.POLICY_WORK, _A.RULE_EDIT, _A.RULE_ROLL_BACK, _A.RULE_TICKET_WORK, when=_POSTED),
    _may(_R.POLICY, _P.POLICY_WORK, _A.RULE_APPROVE, when=(*_POSTED, _C.ANOTHER_PERSON)),
    _may(_R.POLICY, _P.POLICY_WORK, _A.LAB_RUN, _A.FIGURES_READ, _A.CATALOGUE_READ),
    _may(_R.CASEWORKER, _P.CASEWORK, _A.CATALOGUE_READ),
    _may(_R.SUPERVISOR, _P.SUPERVISION, _A.CATALOGUE_READ, _A.FIGURES_READ),
    # An auditor reads what was decided and who looked, in their area; and changes nothing.
    _may(_R.AUDITOR, _P.AUDIT, _A.LEDGER_READ, _A.FIGURES_READ, _A.CATALOGUE_READ),
    _may(_R.AUDITOR, _P.AUDIT, _A.CASE_READ, _A.REPLAY_RUN, when=(_C.IN_DISTRICT, _C.NOT_OWN_FILE)),
    _may(_R.AUDITOR, _P.AUDIT, _A.READS_SEARCH, _A.ANOMALY_READ, when=(_C.IN_DISTRICT,)),
    # The operator runs the machines: no case, no person, no rule.
    _may(_R.OPERATOR, _P.OPERATION, _A.HEALTH_READ, _A.WORK_RUN),
    # 三员: accounts are made by one, given rights by the second, and both are watched by the third.
    _may(_R.SYSTEM_ADMIN, _P.ADMINISTRATION, _A.HEALTH_READ, _A.ACCOUNT_READ),
    _may(_R.SYSTEM_ADMIN, _P.ADMINISTRATION, _A.ACCOUNT_MAKE, _A.ACCOUNT_DISABLE, when=(_C.NOT_ONESELF,)),
    _may(_R.SECURITY_ADMIN, _P.ADMINISTRATION, _A.ACCOUNT_READ, _A.ALARM_READ, _A.KEY_ASK_ROTATION),
    _may(
        _R.SECURITY_ADMIN,
        _P.ADMINISTRATION,
        _A.ROLES_CHANGE,
        _A.ASSIGNMENT_CHANGE,
        _A.ACCOUNT_DISABLE,
        _A.SESSION_END,
        when=(_C.NOT_ONESELF,),
    ),
    _may(_R.SECURITY_ADMIN, _P.ADMINISTRATION, _A.KEY_ROTATE, when=(_C.ANOTHER_PERSON,)),
    _may(_R.AUDIT_ADMIN, _P.ADMINISTRATION, _A.ADMIN_LOG_READ, _A.ALARM_READ, _A.ANOMALY_READ, _A.LEDGER_READ),
)
"""All that is allowed; tests compare it with an oracle of their own on requests made at random."""
