"""Figures for policy staff are what stands in the database, though they are not counted at each question."""

from __future__ import annotations

from sqlalchemy import event, text

from tests.api_world import NOW, World


def test_figures_are_counted_once_and_again_when_something_changed(world: World) -> None:
    counted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM current_tier GROUP BY" in statement:
            counted.append(statement)

    event.listen(world.parts.engine, "before_cursor_execute", note)
    try:
        first = world.ask("pol", "GET", "/policy/figures?by=outcome")
        assert first.status_code == 200, first.text
        with world.owner.connect() as connection:
            query = text("SELECT outcome, count(*) AS answers FROM current_tier GROUP BY 1 HAVING count(*) >= 10")
            stands = {row.outcome: row.answers for row in connection.execute(query)}
        told = {one["key"]["outcome"]: one["count"] for one in first.json()["figures"] if one["count"] is not None}
        assert told
        assert told.items() <= stands.items()
        for path in ("/policy/figures?by=tier&by=benefit", "/policy/figures?by=kind", "/policy/catalogue"):
            assert world.ask("pol", "GET", path).status_code == 200
        assert len(counted) == 1

        with world.owner.begin() as connection:
            demoted = text(
                "INSERT INTO demotion (benefit, cause, detail, ceiling, since) "
                "VALUES ('advanced_age_allowance', 'test', 'test', 'review', :at)"
            )
            connection.execute(demoted, {"at": NOW})
        world.ask("pol", "GET", "/policy/figures?by=tier")
        world.parts.tallies.wait()
        world.ask("pol", "GET", "/policy/figures?by=tier")
        assert len(counted) == 2
    finally:
        event.remove(world.parts.engine, "before_cursor_execute", note)
