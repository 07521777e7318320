"""Which facts the receipt of a benefit changes: `receipts.yaml`, each line with its law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError, Place
from features.facts.dictionary import Fact
from features.facts.subjects import PERSON
from features.facts.values import Value
from features.facts.vocabulary import Vocabulary
from features.yaml_files import read_document
from rules.ordering import dependencies_first
from rules.reads import Read
from rules.rulebook import CompiledBenefit, Rulebook
from serving.delivery.bundles.errors import ReceiptFileError

SELF, MEMBERS = "self", "members"
ADDS = ("amount", "up_to_amount")
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Effect:
    """What receipt does to one fact: it becomes a value, or a figure grows by the amount received.

    `adds` None: `becomes`, and `otherwise` once it is given up. `only_reduces`: see `receipts.yaml`.
    """

    fact: str
    of: str
    becomes: Value | None
    otherwise: Value | None
    adds: str | None
    only_reduces: bool
    because: str
    place: Place


@dataclass(frozen=True, slots=True)
class Receipts:
    """The effects of every benefit of a jurisdiction, and what is knowingly left out."""

    effects: Mapping[str, tuple[Effect, ...]]
    not_modelled: Mapping[str, str]
    elsewhere: Mapping[str, str]

    def facts(self) -> frozenset[str]:
        """Every fact that some receipt changes."""
        return frozenset(effect.fact for effects in self.effects.values() for effect in effects)


@cache
def read_receipts(jurisdiction: str, path: Path | None = None) -> Receipts:
    """The receipts of a jurisdiction; none where the file does not name it.

    Raises:
        DocumentError: the file is not as it should be.
    """
    path = path or Path(str(resources.files("serving.delivery.bundles") / "receipts.yaml"))
    node = read_document(path).entries.get(jurisdiction)
    if node is None:
        return Receipts({}, {}, {})
    entry = doc.mapping_of(node, jurisdiction)
    entry.expect(("receipts", "not_modelled", "elsewhere"), what=f"`{jurisdiction}`")
    effects = {
        benefit: tuple(_effect(item) for item in doc.sequence_of(lines, benefit))
        for benefit, lines in doc.mapping_of(entry.entries["receipts"], "receipts").entries.items()
    }
    return Receipts(effects, _reasons(entry, "not_modelled"), _reasons(entry, "elsewhere"))


def _reasons(entry: doc.Mapping, key: str) -> dict[str, str]:
    found = doc.mapping_of(entry.entries[key], key).entries
    return {fact: doc.text_of(reason, fact) for fact, reason in found.items()}


def _effect(node: doc.Node) -> Effect:
    entry = doc.mapping_of(node, "an effect")
    entry.expect(("fact", "of", "because"), ("becomes", "otherwise", "adds", "only_reduces"), what="an effect")
    get = entry.entries
    if ("becomes" in get) == ("adds" in get):
        raise DocumentError(entry.place, "An effect says either `becomes` or `adds`.", "Keep one of them.")
    if "otherwise" in get and "becomes" not in get:
        raise DocumentError(entry.places["otherwise"], "`otherwise` goes with `becomes`.", "Remove it.")
    becomes = _value(get["becomes"], "becomes") if "becomes" in get else None
    otherwise = _value(get["otherwise"], "otherwise") if "otherwise" in get else None
    if becomes is not None and otherwise is None:
        if not isinstance(becomes, bool):
            raise DocumentError(entry.place, "What is the fact once the benefit is given up?", "Add `otherwise: …`.")
        otherwise = not becomes
    return Effect(
        doc.text_of(get["fact"], "fact"),
        doc.text_of(get["of"], "of"),
        becomes,
        otherwise,
        doc.choice_of(get["adds"], ADDS, "adds") if "adds" in get else None,
        "only_reduces" in get and doc.boolean_of(get["only_reduces"], "only_reduces"),
        doc.text_of(get["because"], "because"),
        entry.place,
    )


def _value(node: doc.Node, what: str) -> Value:
    text = doc.text_of(node, what)
    return _BOOLEANS.get(text, text)


def check_receipts(receipts: Receipts, rulebook: Rulebook, reads: Mapping[str, tuple[Read, ...]]) -> None:
    """See to it that every effect names a benefit, a fact and a value that there are, and that amounts have an order.

    Raises:
        ReceiptFileError: the first effect of which this does not hold, or a circle of amounts that change each other.
    """
    for benefit, effects in receipts.effects.items():
        if benefit not in rulebook.benefits:
            raise ReceiptFileError(f"receipts.yaml: there is no benefit `{benefit}`. Correct the name.")
        for effect in effects:
            _check_effect(effect, rulebook.benefits[benefit], rulebook.vocabulary)
    _check_order(receipts, reads)


def _check_effect(effect: Effect, giver: CompiledBenefit, vocabulary: Vocabulary) -> None:
    fact, groups = vocabulary.dictionary.facts.get(effect.fact), vocabulary.subjects.groups
    if fact is None:
        raise ReceiptFileError(f"{effect.place}: there is no fact `{effect.fact}`. Correct the name.")
    if effect.of not in (SELF, MEMBERS, *groups):
        raise ReceiptFileError(f"{effect.place}: `of` is `self`, `members` or a group. Correct it.")
    holder = giver.benefit.subject if effect.of == SELF else PERSON if effect.of == MEMBERS else effect.of
    if holder != fact.subject:
        raise ReceiptFileError(
            f"{effect.place}: `{fact.id}` is a fact of a {fact.subject}, not of a {holder}. Correct `of`."
        )
    if effect.adds is not None:
        if fact.type.kind != "money" or giver.amount_type is None:
            raise ReceiptFileError(f"{effect.place}: `adds` goes with amounts and facts of money. Use `becomes`.")
    elif not _fits(effect.becomes, fact) or not _fits(effect.otherwise, fact):
        raise ReceiptFileError(f"{effect.place}: that is no value of `{fact.id}`. Write one that it can have.")


def _fits(value: Value | None, fact: Fact) -> bool:
    return value in fact.type.codes if fact.type.kind == "code" else isinstance(value, bool)


def _check_order(receipts: Receipts, reads: Mapping[str, tuple[Read, ...]]) -> None:
    """An amount is known before it is added to what another benefit reads."""
    adds = {b: {e.fact for e in effects if e.adds is not None} for b, effects in receipts.effects.items()}
    after = {
        reader: {giver for giver, facts in adds.items() if facts & {name for _, name in read}}
        for reader, read in reads.items()
    }
    _, circles = dependencies_first(after)
    if circles:
        raise ReceiptFileError(
            f"receipts.yaml: amounts change each other in a circle: {' → '.join(circles[0])}. Remove one `adds`."
        )
