"""Nobody applies: who never logged in is delivered to (acceptance row 1), and hardly anybody does anything (row 9)."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from statistics import median, quantiles

from sqlalchemy import text

from serving.casework.citizen.offers import say_yes
from serving.casework.citizen.speaking import itself
from serving.casework.moves import By, make_move, read_entitlement
from serving.casework.states import Actor, State
from tests.delivered_city import NIGHT, City

APPLIES = re.compile("appl(y|ied|ies|ication)|申请", re.IGNORECASE)
"""What no event may say. The program's own name is in none of them."""


def test_who_never_logged_in_has_it_approved_and_in_the_outbox(city: City) -> None:
    assert city.opened.rows("SELECT count(*) FROM session") == [(0,)]
    assert city.opened.rows("SELECT count(*) FROM citizen_account") == [(0,)]
    people = city.opened.rows(
        "SELECT count(DISTINCT e.subject), count(DISTINCT e.id), count(DISTINCT o.id) FROM entitlement e "
        "JOIN outbox o ON o.entitlement = e.id AND o.kind = 'grant' AND o.channel = 'payment' "
        "WHERE e.kind = 'person' AND e.state = 'approved'"
    )
    ((persons, approved, rows),) = people
    assert isinstance(persons, int)
    assert persons > city.persons // 10
    assert approved == rows


def test_no_event_of_anybody_is_an_application(city: City) -> None:
    said = city.opened.rows(
        "SELECT DISTINCT unnest(ARRAY[from_state, to_state, actor_kind, actor]) FROM move "
        "UNION SELECT DISTINCT unnest(ARRAY[action, actor, object]) FROM audit_intent "
        "UNION SELECT DISTINCT unnest(ARRAY[action, actor]) FROM case_event "
        "UNION SELECT DISTINCT unnest(ARRAY[kind, channel]) FROM outbox"
    )
    words = {str(word) for (word,) in said}
    assert {"approved", "entitlement:approved", "grant"} <= words
    assert not [word for word in words if APPLIES.search(word)]
    assert city.opened.rows("SELECT DISTINCT actor_kind FROM move") == [("system",)]


def test_a_benefit_costs_its_citizen_no_action_in_the_median_and_at_most_one_of_nine_in_ten(city: City) -> None:
    """Even if everybody says yes to all that is offered: counted from the moves."""
    noticed = {name for name, plan in city.opened.rulebook.benefits.items() if plan.benefit.delivery.public_notice_days}
    later = NIGHT + dt.timedelta(days=1)
    with city.opened.engine.connect() as connection:
        offered = connection.execute(text("SELECT id FROM entitlement WHERE state = 'offered' ORDER BY id")).scalars()
        for number in list(offered):
            of = read_entitlement(connection, number)
            confirmed = say_yes(connection, itself(of.subject, (of.kind, of.subject)), of, later)
            to = State.PUBLIC_NOTICE if of.benefit in noticed else State.APPROVED
            make_move(connection, confirmed, to, By(Actor.SYSTEM, "waiting"), later)
        actions = [
            int(count)
            for (count,) in connection.execute(
                text(
                    "SELECT count(m.id) FILTER (WHERE m.actor_kind IN ('citizen', 'proxy')) FROM entitlement e "
                    "JOIN move m ON m.entitlement = e.id WHERE e.state IN ('approved', 'public_notice') GROUP BY e.id"
                )
            )
        ]
        connection.rollback()
    counted = Counter(actions)
    assert counted.total() == sum(city.done.steps[state] for state in ("approved", "public_notice", "offered"))
    assert counted[1] == city.done.steps["offered"] > 0  # those who are asked for a yes do something
    assert median(actions) == 0
    assert quantiles(actions, n=10)[-1] <= 1
