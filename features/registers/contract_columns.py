"""Reading the columns of a contract: which fact, under which header, in which words, on what ground."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from features import documents as doc
from features.documents import ConsequenceError, DocumentError, nearest_advice
from features.facts.dictionary import Fact, Register
from features.facts.grounds import LEGAL_BASIS, OWNER
from features.facts.vocabulary import Vocabulary
from features.registers.contracts import DATE_FORMS, MONEY_UNITS, Column
from features.registers.forbidden import why_forbidden

_KEYS = {
    "code": ("codes",), "boolean": ("yes", "no"), "money": ("money",), "date": ("dates",), "id": ("nobody",),
}  # fmt: skip
_WORDS = {"yes": "是", "no": "否", "nobody": "无"}


def read_columns(
    table: Mapping[str, doc.Node], kind: str, *, register: Register, vocabulary: Vocabulary
) -> tuple[Column, ...]:
    """The columns of a table's entry.

    Args:
        table: the entry, with what holds for every table of the register.
        kind: the kind of subject its rows are about.
        register: whose table it is.
        vocabulary: the facts there are.

    Raises:
        DocumentError: a column names no fact, a forbidden one, or one that this register may not tell.
    """
    return tuple(_Reader(table, kind, register, vocabulary).read())


class _Reader:
    def __init__(self, table: Mapping[str, doc.Node], kind: str, register: Register, vocabulary: Vocabulary) -> None:
        self.table, self.kind, self.register, self.dictionary = table, kind, register, vocabulary.dictionary

    def read(self) -> Iterable[Column]:
        seen: set[str] = set()
        for node in doc.sequence_of(self.table["columns"], "columns"):
            column = self._column(node)
            if column.fact.id in seen:
                raise DocumentError(node.place, f"`{column.fact.id}` has two columns.", "Remove one of them.")
            seen.add(column.fact.id)
            yield column

    def _column(self, node: doc.Node) -> Column:
        fact, get = self._fact_and_words(node)
        header = doc.text_of(get["header"], "header") if "header" in get else fact.names.zh
        settings = {**self.table, **get}
        return Column(
            header=allowed_header(header, node.place),
            fact=fact,
            codes=_codes(fact, get.get("codes"), node),
            yes=_words(settings.get("yes"), "yes"),
            no=_words(settings.get("no"), "no"),
            money=_money(fact, settings, node),
            dates=doc.choice_of(settings["dates"], DATE_FORMS, "dates") if "dates" in settings else "YYYY-MM-DD",
            nobody=_words(settings.get("nobody"), "nobody")[0],
            legal_basis=self._legal_basis(fact, get.get("legal_basis"), node),
        )

    def _fact_and_words(self, node: doc.Node) -> tuple[Fact, Mapping[str, doc.Node]]:
        """The fact, and what the column itself says of it."""
        if isinstance(node, doc.Scalar):
            return self._fact(node), {}
        entry = doc.mapping_of(node, "a column")
        words = tuple(key for keys in _KEYS.values() for key in keys)
        entry.expect(("fact",), ("header", "legal_basis", "note", *words), what="a column")
        fact = self._fact(entry.entries["fact"])
        for key in words:
            if key in entry.entries and key not in _KEYS.get(fact.type.kind, ()):
                raise DocumentError(
                    entry.places[key], f"`{key}` does not go with a fact of type `{fact.type.kind}`.", "Remove it."
                )
        return fact, entry.entries

    def _fact(self, node: doc.Node) -> Fact:
        name = doc.text_of(node, "fact")
        reason = why_forbidden(name)
        if reason is not None:
            raise DocumentError(
                node.place, f"The column `{name}` is a forbidden input: {reason}.", "No delivery may carry it."
            )
        fact = self.dictionary.facts.get(name)
        if fact is None:
            if name in self.dictionary.broken or self.dictionary.incomplete:
                raise ConsequenceError(node.place, f"The fact `{name}` has a mistake of its own.")
            raise DocumentError(
                node.place,
                f"The column `{name}` is no fact of the dictionary: it has no owner and no legal basis. "
                f"{OWNER}. {LEGAL_BASIS}.",
                nearest_advice(name, [f.id for f in self.dictionary.of_subject(self.kind)], "Facts are: "),
            )
        if fact.subject != self.kind:
            raise DocumentError(
                node.place,
                f"`{name}` is a fact of a {fact.subject}; the rows of this table are about a {self.kind}.",
                f"Put it in a table with `subject: {fact.subject}`.",
            )
        return fact

    def _legal_basis(self, fact: Fact, node: doc.Node | None, column: doc.Node) -> str:
        if node is not None:
            return doc.text_of(node, "legal_basis")
        if fact.register != self.register.id:
            raise DocumentError(
                column.place,
                f"`{fact.id}` belongs to the register `{fact.register}`; on what ground does this one tell it?",
                "Add `legal_basis: …` to the column, or remove it.",
            )
        return fact.legal_basis


def _money(fact: Fact, settings: Mapping[str, doc.Node], node: doc.Node) -> str | None:
    if fact.type.kind != "money":
        return None
    if "money" not in settings:
        raise DocumentError(
            node.place,
            f"It is not said in which unit `{fact.id}` is written.",
            "Add `money: yuan` or `money: fen` to the column, the table or `every_table`.",
        )
    return doc.choice_of(settings["money"], MONEY_UNITS, "money")


def _codes(fact: Fact, node: doc.Node | None, column: doc.Node) -> dict[str, str]:
    """What is written -> code; by default the Chinese names of the codes are written."""
    if fact.type.kind != "code":
        return {}
    if node is None:
        return {names.zh: code for code, names in fact.code_names.items()}
    written = doc.mapping_of(node, "codes").entries
    codes = {word: doc.choice_of(code, fact.type.codes, f"the code of `{word}`") for word, code in written.items()}
    left = [code for code in fact.type.codes if code not in codes.values()]
    if left:
        raise DocumentError(
            column.place, f"Nothing that can be written means `{left[0]}`, a code of `{fact.id}`.", "Add it to `codes`."
        )
    return codes


def _words(node: doc.Node | None, key: str) -> tuple[str, ...]:
    return (_WORDS[key],) if node is None else tuple(doc.text_of(word, key) for word in one_or_more(node))


def one_or_more(node: doc.Node) -> tuple[doc.Node, ...]:
    """The items of a list, or the one value that stands there."""
    return (node,) if isinstance(node, doc.Scalar) else doc.sequence_of(node, "a word or a list of words")


def allowed_header(header: str, place: doc.Place) -> str:
    """The header. Raises DocumentError where deliveries may not bear it."""
    reason = why_forbidden(header)
    if reason is not None:
        raise DocumentError(
            place, f"The header `{header}` is a forbidden input: {reason}.", "No delivery may carry it."
        )
    if header != header.strip():
        raise DocumentError(place, f"The header `{header}` begins or ends with a space.", "Remove the space.")
    return header
