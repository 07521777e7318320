"""On random well-typed rules and random subjects with unknowns, batch equals reference, field by field."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from tests.agreement.comparison import batch_rows, reference_rows
from tests.agreement.worlds import World, worlds


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large], deadline=None
)
@given(worlds())
def test_batch_equals_reference_on_random_rules(world: World) -> None:
    expected = reference_rows(world.rulebook, world.population, world.on_date)
    found = batch_rows(world.rulebook, world.population, world.on_date)
    assert found == expected, "\n".join(world.texts)
