"""Citizens and helpers: yes, no, objections, people who are asked for, wishes."""

import datetime as dt

from hypothesis.stateful import rule
from sqlalchemy import Connection

from serving.casework.citizen import bundles, objections, offers, proxies, wishes
from serving.casework.citizen.speaking import itself
from serving.casework.moves import By, read_entitlement
from serving.casework.states import Actor
from tests.at_random.city import one_of
from tests.at_random.ground import (
    BENEFITS,
    HELPERS,
    OFFICERS,
    PEOPLE,
    SEED,
    Ground,
)
from tests.at_random.invariants import BrokenPromiseError
from tests.cases_world import DISTRICT, SAID


class Citizens(Ground):
    """What people say."""

    @rule(seed=SEED)
    def a_citizen_answers(self, seed: int) -> None:
        self.begin(seed)
        row = self.an_entitlement("state IN ('offered', 'silent', 'confirmed', 'refused', 'approved', 'public_notice')")
        row = row if row is not None and self.rng.random() < 0.8 else self.an_entitlement()
        if row is None:
            return
        do = self.rng.choice([offers.confirm, offers.confirm, offers.refuse])
        voice, key, revision = self.a_voice(row), self.a_key(), self.revision(row)
        self.ask(do.__name__, lambda connection: do(connection, voice, row["id"], revision, key, self.now))

    @rule(seed=SEED)
    def a_request_comes_again(self, seed: int) -> None:
        self.begin(seed)
        if not self.asked:
            return
        request, answer = self.rng.choice(self.asked)
        again = self.city.try_to("again", request)
        if again is not None and again != answer:
            raise BrokenPromiseError(f"a request was answered with {answer}, and again with {again}")

    @rule(seed=SEED)
    def a_citizen_asks_for_a_person(self, seed: int) -> None:
        self.begin(seed)
        row = self.an_entitlement()
        key, decide_it, at = self.a_key(), self.rng.random() < 0.5, self.now
        if row is None or self.rng.random() < 0.1:
            voice, kind = itself(self.rng.choice(PEOPLE)), ("person", self.rng.choice(PEOPLE))
            self.ask("person without offer", lambda connection: offers.ask_for_person_without_offer(
                connection, voice, kind, "dibao", DISTRICT, key, at))  # fmt: skip
            return
        voice_of = self.a_voice(row)
        self.ask("ask for person", lambda connection: offers.ask_for_person(
            connection, voice_of, row["id"], key, at, decide=decide_it, words=SAID))  # fmt: skip

    @rule(seed=SEED)
    def somebody_objects(self, seed: int) -> None:
        self.begin(seed)
        row, key, at = (
            self.an_entitlement(self.rng.choice(["true", "state = 'public_notice'", _NEGATIVE])),
            self.a_key(),
            self.now,
        )
        if row is None:
            return
        other = self.rng.choice(PEOPLE)
        way = self.rng.choice(["own", "own", "third", "answer"])
        if way == "own":
            voice, revision = itself(row["subject"]), self.revision(row)
            self.ask("object", lambda connection: objections.object_to(
                connection, voice, row["id"], revision, SAID, key, at))  # fmt: skip
        elif way == "third":
            self.ask("object to notice", lambda connection: objections.object_to_notice(
                connection, other, row["id"], SAID, key, at))  # fmt: skip
        else:
            self.ask("object to answer", lambda connection: objections.object_to_answer(
                connection, itself(other), ("person", other), "dibao", DISTRICT, SAID, key, at))  # fmt: skip

    @rule(seed=SEED)
    def somebody_wishes(self, seed: int) -> None:
        self.begin(seed)
        person = self.rng.choice(PEOPLE)
        do = self.rng.choice([
            wishes.stop_pushes, wishes.allow_pushes, wishes.want_human,
            wishes.allow_automation, wishes.allow_automation,
        ])  # fmt: skip
        by = By(Actor.CITIZEN, person)
        self.city.try_to(do.__name__, lambda connection: do(connection, ("person", person), by, self.now))

    @rule(seed=SEED)
    def a_helper_is_named_or_let_go(self, seed: int) -> None:
        self.begin(seed)
        there = one_of(self.city, "SELECT id, elder FROM proxy WHERE revoked_at IS NULL ORDER BY id")
        if there is not None and self.rng.random() < 0.4:
            voice = itself(there["elder"])
            self.city.try_to(
                "revoke proxy", lambda connection: proxies.revoke(connection, there["id"], voice, self.now)
            )
            return
        wanted = proxies.Proxy(
            ("person", self.rng.choice(PEOPLE)), self.rng.choice(HELPERS), self.now, self.now + dt.timedelta(days=60),
            proxies.Established.COUNTER, tuple(self.rng.sample(list(BENEFITS), 2)),
        )  # fmt: skip
        self.city.try_to(
            "establish proxy", lambda connection: proxies.establish(connection, wanted, OFFICERS[0], self.now)
        )

    @rule(seed=SEED)
    def a_bundle_is_sent_or_answered(self, seed: int) -> None:
        self.begin(seed)
        there = one_of(self.city, "SELECT id, addressee FROM bundle ORDER BY id")
        key, at = self.a_key(), self.now
        if there is None or self.rng.random() < 0.4:
            person = self.rng.choice(PEOPLE)
            rows = self.entitlements("subject = %(p)s AND state IN ('offered', 'silent')", p=person)

            def open_it(connection: Connection) -> int:
                members = [read_entitlement(connection, row["id"]) for row in rows]
                return bundles.open_bundle(connection, ("person", person), "birth", key, members, at)

            if rows:
                self.city.try_to("open bundle", open_it)
            return
        members = self.entitlements(_OPEN_IN_BUNDLE, b=there["id"])
        seen = {row["id"]: self.revision(row) for row in members}
        do = self.rng.choice([bundles.confirm_bundle, bundles.confirm_bundle, bundles.refuse_bundle])
        voice = itself(there["addressee"])
        self.ask(do.__name__, lambda connection: do(connection, voice, there["id"], seen, key, at))


_OPEN_IN_BUNDLE = """
    state IN ('offered', 'silent') AND id IN (SELECT entitlement FROM bundle_member WHERE bundle = %(b)s)
"""
_NEGATIVE = "state IN ('denied', 'suspended', 'ended')"
