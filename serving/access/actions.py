"""What can be done, and what for."""

from __future__ import annotations

import enum


class Purpose(enum.StrEnum):
    """Why somebody acts: said with each request, and written into the record of the read."""

    OWN_AFFAIRS = "own_affairs"
    REPRESENTATION = "representation"
    CASEWORK = "casework"
    COUNTER = "counter"
    HELP = "help"
    QUALITY = "quality"
    SUPERVISION = "supervision"
    EMERGENCY = "emergency"
    POLICY_WORK = "policy_work"
    AUDIT = "audit"
    OPERATION = "operation"
    ADMINISTRATION = "administration"


class Action(enum.StrEnum):
    """What can be done, named `object:act`."""

    # what citizens and enterprises do
    OWN_READ = "own:read"
    OWN_EXPORT = "own:export"
    OFFER_READ = "offer:read"
    OFFER_ANSWER = "offer:answer"
    OBJECTION_RAISE = "objection:raise"
    PERSON_REQUEST = "person:request"
    AUTOMATION_REFUSE = "automation:refuse"
    FACT_CONTEST = "fact:contest"
    PROXY_CHANGE = "proxy:change"
    READS_LIST = "reads:list"
    HELP_ASK = "help:ask"
    DELIVERY_RATE = "delivery:rate"
    # work on cases
    QUEUE_READ = "queue:read"
    CASE_READ = "case:read"
    CASE_CLAIM = "case:claim"
    CASE_WORK = "case:work"
    CASE_DECIDE = "case:decide"
    CASE_APPROVE = "case:approve"
    CASE_TAKE_OVER = "case:take_over"
    CASE_BULK = "case:bulk"
    CASE_BULK_APPROVE = "case:bulk_approve"
    FIELD_REVEAL = "field:reveal"
    PERSON_FIND = "person:find"
    COUNTER_ACT = "counter:act"
    HELP_GIVE = "help:give"
    SAMPLE_REVIEW = "sample:review"
    CORRECTION_FOLLOW = "correction:follow"
    GLASS_BREAK = "glass:break"
    GLASS_REVIEW = "glass:review"
    TEAM_READ = "team:read"
    # stop buttons
    STOP_PRESS = "stop:press"
    STOP_ASK_RELEASE = "stop:ask_release"
    STOP_RELEASE = "stop:release"
    # rules
    CATALOGUE_READ = "catalogue:read"
    RULE_EDIT = "rule:edit"
    RULE_APPROVE = "rule:approve"
    RULE_ROLL_BACK = "rule:roll_back"
    RULE_TICKET_WORK = "rule_ticket:work"
    LAB_RUN = "lab:run"
    FIGURES_READ = "figures:read"
    # looking back
    LEDGER_READ = "ledger:read"
    READS_SEARCH = "reads:search"
    REPLAY_RUN = "replay:run"
    ANOMALY_READ = "anomaly:read"
    ADMIN_LOG_READ = "admin_log:read"
    # keeping it running
    HEALTH_READ = "health:read"
    WORK_RUN = "work:run"
    ACCOUNT_READ = "account:read"
    ACCOUNT_MAKE = "account:make"
    ACCOUNT_DISABLE = "account:disable"
    ROLES_CHANGE = "roles:change"
    ASSIGNMENT_CHANGE = "assignment:change"
    SESSION_END = "session:end"
    KEY_ASK_ROTATION = "key:ask_rotation"
    KEY_ROTATE = "key:rotate"
    ALARM_READ = "alarm:read"
