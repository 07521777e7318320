"""Feast's definitions, generated: entities from kinds of subject, views from registers, services from purposes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl
from feast import Entity, FeatureService, FeatureView, Field, ValueType
from feast.data_source import DataSource
from feast.feature_view_projection import FeatureViewProjection
from feast.types import Array, Bool, FeastType, Int32, Int64, String

from features.facts.vocabulary import Vocabulary
from features.history.records import View
from features.store.columns import EVENT, LEARNED, ROW_COLUMNS, fact_type, key_column, stored_type
from features.store.errors import StoreError
from features.store.purposes import Purpose, Purposes, feast_name, kept_views

SourceOf = Callable[[View], DataSource]
"""Where the offline rows of a view are."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything that Feast is told, and the purposes and views that it was generated from."""

    vocabulary: Vocabulary
    purposes: Purposes
    views: dict[str, View]
    entities: dict[str, Entity]
    feature_views: dict[str, FeatureView]
    services: dict[str, FeatureService]

    @property
    def objects(self) -> list[Entity | FeatureView | FeatureService]:
        """What `FeatureStore.apply` takes."""
        return [*self.entities.values(), *self.feature_views.values(), *self.services.values()]

    def views_of(self, kind: str) -> list[View]:
        """The views about one kind of subject."""
        return [view for view in self.views.values() if view.kind == kind]


def define(vocabulary: Vocabulary, views: Iterable[View], purposes: Purposes, source_of: SourceOf) -> Definitions:
    """Generate every definition. What nothing active reads is in none of them.

    Raises:
        StoreError: a fact bears the name of a column that every row has.
    """
    kept = kept_views(views, purposes)
    for view in kept:
        clash = set(view.facts) & {*ROW_COLUMNS, EVENT, LEARNED, key_column(view.kind)}
        if clash:
            raise StoreError(f"The view `{view.id}` has a fact `{min(clash)}`, as every row does. Rename the fact.")
    kinds = dict.fromkeys(view.kind for view in kept)
    entities = {
        kind: Entity(name=kind, join_keys=[key_column(kind)], value_type=ValueType.STRING, tags={"kind": kind})
        for kind in kinds
    }
    feature_views = {view.id: _feature_view(view, entities[view.kind], vocabulary, source_of(view)) for view in kept}
    services = {
        purpose.name: service(purpose, kept, feature_views, purpose.reads) for purpose in purposes.by_name.values()
    }
    return Definitions(
        vocabulary, purposes, {view.id: view for view in kept}, entities, feature_views, _nonempty(services)
    )


def service(
    purpose: Purpose, views: Iterable[View], feature_views: dict[str, FeatureView], wanted: Iterable[tuple[str, str]]
) -> FeatureService:
    """The feature service of a purpose: from each view the facts it wants, with what the rows say of themselves.

    Raises:
        PurposeError: it wants a fact that the purpose does not read.
    """
    facts = frozenset(wanted)
    purpose.check(facts)
    projections: list[FeatureView] = []
    for view in views:
        columns = [fact for fact in view.facts if (view.kind, fact) in facts]
        if columns:
            projections.append(feature_views[view.id][[*columns, *ROW_COLUMNS]])
    return FeatureService(name=purpose.name, features=projections, tags={"reads": str(len(facts))})


def check_service(held: FeatureService, definitions: Definitions) -> None:
    """Refuse a service, as a registry holds it, that fetches what its purpose does not read.

    Raises:
        PurposeError: names the facts and the article of law.
        UnknownPurposeError: nothing active bears its name.
    """
    by_name = {feast_name(view.id): view for view in definitions.views.values()}
    purpose = definitions.purposes.get(held.name)
    for projection in held.feature_view_projections:
        purpose.check(_facts_of(projection, by_name))


def _facts_of(projection: FeatureViewProjection, by_name: dict[str, View]) -> set[tuple[str, str]]:
    view = by_name.get(projection.name)
    kind = projection.name if view is None else view.kind
    return {(kind, field.name) for field in projection.features if field.name not in ROW_COLUMNS}


def _feature_view(view: View, entity: Entity, vocabulary: Vocabulary, source: DataSource) -> FeatureView:
    fields = [Field(name=key_column(view.kind), dtype=String)]
    for fact in view.facts:
        found = vocabulary.dictionary.facts.get(fact)
        tags = {} if found is None else {"legal_basis": found.legal_basis, "sensitivity": str(found.sensitivity)}
        if found is not None and found.maximum_age_months is not None:
            tags["maximum_age_months"] = str(found.maximum_age_months)
        fields.append(Field(name=fact, dtype=_feast_type(stored_type(fact_type(fact, vocabulary))), tags=tags))
    fields += [Field(name=name, dtype=_feast_type(dtype)) for name, dtype in ROW_COLUMNS.items()]
    register = vocabulary.dictionary.registers.get(view.register)
    return FeatureView(
        name=feast_name(view.id),
        entities=[entity],
        schema=fields,
        source=source,
        ttl=None,  # Values age from the day of attestation, each fact by its own maximum age: see `timelines`.
        online=True,
        description="" if register is None else register.names.en,
        owner="" if register is None else register.owner.en,
        tags={"view": view.id, "register": view.register, "kind": view.kind},
    )


def _feast_type(stored: pl.DataType) -> FeastType:
    if stored == pl.Boolean:
        return Bool
    if stored == pl.Int64:
        return Int64
    if stored == pl.Int32:
        return Int32
    return Array(Int32) if isinstance(stored, pl.List) else String


def _nonempty(services: dict[str, FeatureService]) -> dict[str, FeatureService]:
    """A purpose whose facts no register delivers has nothing to fetch: Feast refuses services without features."""
    return {name: found for name, found in services.items() if found.feature_view_projections}
