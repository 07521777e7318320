"""A population's statements as rows for the online store, written by columns and not subject by subject."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import polars as pl

from features.facts.encoding import ID
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary
from features.history.records import STATUS, TRUE_FROM, TRUE_TO, View
from features.history.statements import ATTESTED_ON, LEARNED_AT
from features.store.columns import fact_type, to_stored
from features.store.places import subject_key
from features.store.rows import moment_number

_KEY, _TEXT = "key", "text"


def subjects_as_bytes(
    told: Mapping[str, pl.DataFrame],
    views: Mapping[str, View],
    known_at: dt.datetime,
    vocabulary: Vocabulary,
    indexed_links: Iterable[str],
) -> dict[str, bytes]:
    """Every subject that any view tells of, by key, as `features.store.rows.load` reads it.

    Args:
        told: statements by view, of all subjects or of some.
        views: what to keep of them.
        known_at: the moment the statements are as known at.
        vocabulary: the types of facts.
        indexed_links: links of persons by which those they name find them again.
    """
    moment = moment_number(known_at)
    parts = [_view(told[view.id], view, moment, vocabulary) for view in views.values() if view.id in told]
    named = _named(
        [told[view.id] for view in views.values() if view.kind == PERSON and view.id in told],
        vocabulary,
        tuple(indexed_links),
    )
    empty = pl.DataFrame(schema={_KEY: pl.String, _TEXT: pl.String})
    by_view = pl.concat([empty, *parts]).group_by(_KEY).agg(pl.col(_TEXT).str.join(","))
    by_link = pl.concat([empty, *named]).group_by(_KEY).agg(pl.col(_TEXT).str.join(","))
    whole = by_view.join(by_link, on=_KEY, how="full", coalesce=True, suffix="_link").select(
        _KEY,
        pl.concat_str(
            pl.lit('{"hidden":['),
            pl.when(pl.col(_TEXT).is_not_null()).then(moment).otherwise(-1),
            pl.lit(',{},0],"named_by":{'),
            pl.col(_TEXT + "_link").fill_null(""),
            pl.lit('},"views":{'),
            pl.col(_TEXT).fill_null(""),
            pl.lit("}}"),
        ).alias(_TEXT),
    )
    return {key: text.encode() for key, text in whole.iter_rows()}


def _view(told: pl.DataFrame, view: View, moment: int, vocabulary: Vocabulary) -> pl.DataFrame:
    """Of each subject `"view":[known_at,[row,…],[]]`, each row as `features.store.rows` writes it."""
    facts = pl.struct(to_stored(fact, fact_type(fact, vocabulary)) for fact in view.facts).struct.json_encode()
    day = {
        name: pl.col(name).cast(pl.Int32).cast(pl.String).fill_null("null")
        for name in (TRUE_FROM, TRUE_TO, ATTESTED_ON)
    }
    row = pl.concat_str(
        pl.lit("["), day[TRUE_FROM], pl.lit(","), pl.col(LEARNED_AT).dt.epoch("us").cast(pl.String), pl.lit(',"'),
        pl.col(STATUS).cast(pl.String), pl.lit('",'), day[TRUE_TO], pl.lit(","), day[ATTESTED_ON], pl.lit(",0,"), facts,
        pl.lit("]"),
    )  # fmt: skip
    return (
        told.sort(ID, TRUE_FROM)
        .select(pl.concat_str(pl.lit(subject_key(view.kind, "")), ID).alias(_KEY), row.alias(_TEXT))
        .group_by(_KEY, maintain_order=True)
        .agg(pl.col(_TEXT).str.join(","))
        .with_columns(pl.concat_str(pl.lit(f'"{view.id}":[{moment},['), _TEXT, pl.lit("],[]]")).alias(_TEXT))
    )


def _named(told: Iterable[pl.DataFrame], vocabulary: Vocabulary, links: tuple[str, ...]) -> list[pl.DataFrame]:
    """Of each subject that persons name `"link":["id",…]`."""
    groups = {group.link: group.name for group in vocabulary.subjects.groups.values()}
    frames = list(told)
    found: list[pl.DataFrame] = []
    for link in links:
        pairs = [frame.select(ID, pl.col(link).alias("named")) for frame in frames if link in frame.columns]
        if not pairs:
            continue
        named = pl.concat(pairs).unique().filter(pl.col("named").is_not_null() & (pl.col("named") != NONE))
        key = pl.concat_str(pl.lit(subject_key(groups.get(link, PERSON), "")), "named").alias(_KEY)
        ids = pl.struct(pl.col(ID).alias(link)).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        found.append(named.group_by("named").agg(pl.col(ID).sort()).select(key, ids.alias(_TEXT)))
    return found
