"""What is said about cliffs and choices, in both languages; the sentences stand in `messages.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path

from explain.values import money_text
from explain.wording import Language, messages
from features import documents as doc
from features.documents import Wording
from features.facts.units import MINOR_UNITS
from features.yaml_files import read_document
from serving.delivery.bundles.choice import Reason
from serving.delivery.bundles.cliffs import Cliff


@cache
def sentences() -> Mapping[str, Wording]:
    """Every sentence of this package by its key."""
    path = Path(str(resources.files("serving.delivery.bundles") / "messages.yaml"))
    return {key: doc.wording_of(node, key) for key, node in read_document(path).entries.items()}


def reason_said(reason: Reason) -> Wording:
    """Why a household's case is not simply settled."""
    return sentences()[reason.value]


def cliff_said(cliff: Cliff, names: Mapping[str, Wording], currency: str) -> Wording:
    """A cliff in words.

    Args:
        cliff: what is lost by accepting what.
        names: of the benefits.
        currency: of the amounts.
    """
    key = cliff.kind.value if cliff.certain else "may_fall"
    said = {
        language: sentences()[key]
        .in_language(language.value)
        .format(
            accept=names[cliff.accept.benefit].in_language(language.value),
            lose=names[cliff.lose.benefit].in_language(language.value),
            loss=_loss_said(cliff, language, currency),
            because=cliff.because,
        )
        for language in Language
    }
    return Wording(said[Language.ZH], said[Language.EN])


def _loss_said(cliff: Cliff, language: Language, currency: str) -> str:
    def money(minor: int | None) -> str:
        major = Decimal(minor or 0) / MINOR_UNITS
        return money_text(major, currency, messages(language))

    low, high = cliff.loss_low, cliff.loss_high
    if cliff.in_kind:
        key = "loss_in_kind"
    elif high is None:
        key = "loss_at_least" if low else "loss_open"
    elif low == high:
        key = "loss_exact"
    else:
        key = "loss_between" if low else "loss_up_to"
    text = sentences()[key].in_language(language.value)
    return text.format(amount=money(low), low=money(low), high=money(high))
