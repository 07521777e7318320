"""Roles, and which of them one person may hold together."""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import Final

from serving.access.errors import RolesClashError


class Role(enum.StrEnum):
    """What somebody is to the engine.

    Source:
        三员分立: GB/T 22239-2019 (等保 2.0), 8.1.5.1–8.1.5.3, system, audit and security management apart.
    """

    CITIZEN = "citizen"
    ENTERPRISE = "enterprise"
    CASEWORKER = "caseworker"
    SUPERVISOR = "supervisor"
    POLICY = "policy"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"


PUBLIC: Final = frozenset({Role.CITIZEN, Role.ENTERPRISE})
"""Those who act for themselves, or for a legal person: never staff in the same account."""
STAFF: Final = frozenset(Role) - PUBLIC
ADMINISTRATORS: Final = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
"""三员: each watches the other two, so nobody is two of them."""
ALONE: Final = ADMINISTRATORS | {Role.AUDITOR, Role.OPERATOR}
"""Roles that stand alone: an auditor judges the others' work, an operator must never reach a case or a rule."""


def check_staff_roles(roles: Collection[Role]) -> None:
    """Refuse a set of roles that one member of staff may not hold; the table `staff_account` checks the same.

    Raises:
        RolesClashError: it is empty, holds a role of the public, or one that stands alone with any other.
    """
    held = set(roles)
    if not held or held & PUBLIC or (held & ALONE and len(held) > 1):
        raise RolesClashError(tuple(sorted(held)))
