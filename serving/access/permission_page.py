"""The table of permissions as a page: what `docs/access.md` shows, made from the only place where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from serving.access.actions import Action, Purpose
from serving.access.conditions import Condition
from serving.access.permissions import PERMISSIONS
from serving.access.roles import Role

WORDS: Final[dict[Role | Purpose | Condition, tuple[str, str]]] = {
    Role.CITIZEN: ("个人", "citizen"),
    Role.ENTERPRISE: ("企业（法人）账号", "an enterprise's account"),
    Role.CASEWORKER: ("经办人员", "caseworker"),
    Role.SUPERVISOR: ("主管", "supervisor"),
    Role.POLICY: ("政策人员", "policy staff"),
    Role.AUDITOR: ("审计人员", "auditor"),
    Role.OPERATOR: ("运维人员", "operator"),
    Role.SYSTEM_ADMIN: ("系统管理员", "system administrator"),
    Role.SECURITY_ADMIN: ("安全管理员", "security administrator"),
    Role.AUDIT_ADMIN: ("审计管理员", "audit administrator"),
    Purpose.OWN_AFFAIRS: ("本人（本单位）事务", "their own affairs"),
    Purpose.REPRESENTATION: ("代办", "for another, by a grant"),
    Purpose.CASEWORK: ("经办", "casework"),
    Purpose.COUNTER: ("窗口服务", "at the counter"),
    Purpose.HELP: ("在线帮办", "live help"),
    Purpose.QUALITY: ("质量抽查", "quality samples"),
    Purpose.SUPERVISION: ("监督", "supervision"),
    Purpose.EMERGENCY: ("紧急调阅", "an emergency"),
    Purpose.POLICY_WORK: ("政策工作", "policy work"),
    Purpose.AUDIT: ("审计", "audit"),
    Purpose.OPERATION: ("运行维护", "operation"),
    Purpose.ADMINISTRATION: ("系统管理", "administration"),
    Condition.OWN: ("对象为登录者本人（从会话取得）", "it is their own, as the session says"),
    Condition.GRANTED: ("本人授权，且在授权范围和期限内", "its subject let them, for this and until later than now"),
    Condition.IN_DISTRICT: ("在任职区划范围内", "it lies in the district where they are posted"),
    Condition.ON_PROGRAMME: ("属于任职事项", "it is of a benefit for which they are posted"),
    Condition.ASSIGNED: ("有有效的工作分派（区划与事项）", "an open assignment covers district and benefit together"),
    Condition.OPEN: ("案件未办结", "the case is open"),
    Condition.HOLDS_LEASE: ("案件由本人领办且在时限内", "they have the case in hand"),
    Condition.NO_OTHER_LEASE: ("案件未被他人领办", "nobody else has it in hand"),
    Condition.NOT_OWN_FILE: ("不是本人的档案", "it is not their own file"),
    Condition.ANOTHER_PERSON: ("前一步骤由他人完成", "another person took the step before"),
    Condition.NOT_INVOLVED: ("本人未参与此案", "they had no hand in it"),
    Condition.NOT_ONESELF: ("不是本人的账号", "it is not their own account"),
    Condition.GLASS_BROKEN: (
        "十五分钟内已登记紧急调阅",
        "they broke the glass for this subject in the last 15 minutes",
    ),
}
"""In Chinese and English."""


def permission_tables() -> str:
    """All permissions in Markdown: one table for each role, then what the conditions mean."""
    lines: list[str] = []
    for role in Role:
        zh, en = WORDS[role]
        lines += [
            f"### {zh} ({en}, `{role}`)",
            "",
            "| 目的 purpose | 可以 may | 条件 where all of these hold |",
            "|---|---|---|",
        ]
        lines += [*_rows(role), ""]
    lines += ["### 条件 Conditions", "", "| 条件 condition | 含义 | meaning |", "|---|---|---|"]
    lines += [f"| `{condition}` | {WORDS[condition][0]} | {WORDS[condition][1]} |" for condition in Condition]
    return "\n".join(lines) + "\n"


def _rows(role: Role) -> Iterator[str]:
    for row in PERMISSIONS:
        if row.role is role:
            acts = ", ".join(f"`{action}`" for action in Action if action in row.actions)
            conditions = ", ".join(f"`{condition}`" for condition in row.conditions) or "–"
            yield f"| {' '.join(WORDS[row.purpose])} | {acts} | {conditions} |"
