"""Reading contracts: strict YAML, every mistake a finding with its place and what to write instead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import ConsequenceError, DocumentError, Findings, nearest_advice
from features.facts.dictionary import IDENTIFIER, Register
from features.facts.vocabulary import Vocabulary
from features.registers.contract_columns import allowed_header, one_or_more, read_columns
from features.registers.contracts import (
    DATE_FORMS,
    DATE_MARK,
    DEFAULT_LEAST_SHARE,
    DEFAULT_LIMIT,
    DEFAULT_LIMIT_ROWS,
    ENCODINGS,
    ENDINGS,
    FORMATS,
    Column,
    Contracts,
    StatusColumn,
    Table,
)
from features.yaml_files import Shelf

_SHARED = ("delivery", "formats", "encoding", "true_from", "true_to", "attested_on", "status", "ignored", "limit",
           "limit_rows", "least_share", "dates", "money", "yes", "no", "nobody")  # fmt: skip
_OWN = ("names", "subject", "files", "key", "columns")
_SAMPLE_DAY = dt.date(2026, 3, 1)


def contracts_folder(jurisdiction: str) -> Path:
    """The folder of the contracts that ship with this package."""
    return Path(str(resources.files("features") / "registers" / "contracts")) / jurisdiction


def load_contracts(
    vocabulary: Vocabulary, findings: Findings, folder: Path | None = None, shelf: Shelf | None = None
) -> Contracts:
    """Read every `*.yaml` of a folder of contracts.

    Args:
        vocabulary: the facts, kinds of subject and registers that contracts may name.
        findings: mistakes are appended here; a table with a mistake is left out.
        folder: the contracts; those that ship for the vocabulary's jurisdiction by default.
        shelf: reads the files.
    """
    shelf = shelf or Shelf()
    tables: dict[str, Table] = {}
    for path in sorted((folder or contracts_folder(vocabulary.jurisdiction)).glob("*.yaml")):
        with findings.collecting():
            document = shelf.read(path)
            document.expect(("register", "tables"), ("every_table", "note"), what="a contract")
            register = _register(document.entries["register"], vocabulary)
            shared = _shared(document.get("every_table"))
            for name, node in doc.mapping_of(document.entries["tables"], "tables").entries.items():
                with findings.collecting():
                    table = _TableReader(register, name, node, shared, vocabulary).read()
                    _refuse_same_files(table, tables.values())
                    tables[table.id] = table
    return Contracts(tables)


def _register(node: doc.Node, vocabulary: Vocabulary) -> Register:
    name = doc.text_of(node, "register")
    found = vocabulary.dictionary.registers.get(name)
    if found is None:
        if vocabulary.dictionary.incomplete:
            raise ConsequenceError(node.place, f"The register `{name}` is not known.")
        raise DocumentError(
            node.place,
            f"`{name}` is no register of the fact dictionary.",
            nearest_advice(name, vocabulary.dictionary.registers, "Registers are: "),
        )
    return found


def _shared(node: doc.Node | None) -> dict[str, doc.Node]:
    if node is None:
        return {}
    entry = doc.mapping_of(node, "every_table")
    entry.expect((), _SHARED, what="every_table")
    return entry.entries


def _refuse_same_files(table: Table, others: Iterable[Table]) -> None:
    for other in others:
        if table.id == other.id:
            raise DocumentError(table.place, f"There is another table `{table.id}`.", "Put one register in one file.")
        if any(other.matches(table.file_name(_SAMPLE_DAY, form)) for form in table.formats if ENDINGS[form]):
            raise DocumentError(
                table.place,
                f"Files of this table would also be files of `{other.id}` ({other.place}).",
                "Give one of them another name in `files`.",
            )


class _TableReader:
    """One table's entry, with what its register says of all its tables."""

    def __init__(
        self, register: Register, name: str, node: doc.Node, shared: dict[str, doc.Node], vocabulary: Vocabulary
    ) -> None:
        self.register, self.name, self.vocabulary = register, name, vocabulary
        self.entry = doc.mapping_of(node, f"the table `{name}`")
        self.entry.expect(_OWN, ("relation", "ends_with", "note", *_SHARED), what=f"the table `{name}`")
        self.get = {**shared, **self.entry.entries}

    def read(self) -> Table:
        if not IDENTIFIER.match(self.name):
            raise DocumentError(
                self.entry.place, f"`{self.name}` cannot be a table's name.", "Use a-z, 0-9 and _ only."
            )
        kind = doc.choice_of(self.get["subject"], self.vocabulary.subjects.kinds, "subject")
        formats = self._formats()
        columns = read_columns(self.get, kind, register=self.register, vocabulary=self.vocabulary)
        table = Table(
            register=self.register,
            name=self.name,
            names=doc.wording_of(self.get["names"], "names"),
            kind=kind,
            full=doc.choice_of(self._needed("delivery"), ("full", "changes"), "delivery") == "full",
            files=self._files(),
            formats=formats,
            encoding=doc.choice_of(self._needed("encoding"), ENCODINGS, "encoding") if "csv" in formats else "utf-8",
            relation=self._relation(formats),
            key=self._header("key") or "",
            columns=columns,
            true_from=self._header("true_from"),
            true_to=self._header("true_to"),
            ends_with=self._ends_with(columns),
            attested_on=self._header("attested_on"),
            status=self._status(),
            ignored=tuple(self._ignored()),
            dates=self._choice("dates", DATE_FORMS, "YYYY-MM-DD"),
            limit=self._share("limit", DEFAULT_LIMIT),
            limit_rows=self._limit_rows(),
            least_share=self._share("least_share", DEFAULT_LEAST_SHARE),
            place=self.entry.place,
        )
        self._refuse_same_headers(table)
        return table

    def _needed(self, key: str) -> doc.Node:
        if key not in self.get:
            raise DocumentError(
                self.entry.place, f"The table `{self.name}` lacks `{key}`.", f"Add `{key}: …` here or in `every_table`."
            )
        return self.get[key]

    def _choice(self, key: str, choices: Iterable[str], default: str) -> str:
        return doc.choice_of(self.get[key], choices, key) if key in self.get else default

    def _header(self, key: str) -> str | None:
        node = self.get.get(key)
        return None if node is None or _is_none(node) else allowed_header(doc.text_of(node, key), node.place)

    def _ends_with(self, columns: Iterable[Column]) -> str | None:
        node = self.entry.get("ends_with")
        if node is None:
            return None
        named = doc.text_of(node, "ends_with")
        if not any(column.fact.id == named and column.fact.type.kind == "date" for column in columns):
            raise DocumentError(
                node.place,
                "`ends_with` names no date that the table carries.",
                "Name the fact of a column that is a date.",
            )
        return named

    def _formats(self) -> tuple[str, ...]:
        return tuple(doc.choice_of(node, FORMATS, "formats") for node in one_or_more(self._needed("formats")))

    def _files(self) -> str:
        node = self.get["files"]
        text = doc.text_of(node, "files")
        rest = text.replace(DATE_MARK, "", 1)
        if (
            not rest.strip()
            or any(sign in rest for sign in "{}/\\*?")
            or text.lower().endswith(tuple(ENDINGS.values())[:4])
        ):
            raise DocumentError(
                node.place,
                f"`files` is `{text}`, which names no files.",
                f"Write the name without ending; `{DATE_MARK}` stands for a day like 20260301.",
            )
        return text

    def _relation(self, formats: tuple[str, ...]) -> str | None:
        node = self.entry.get("relation")
        if (node is not None) != ("postgres" in formats):
            raise DocumentError(
                node.place if node else self.entry.place,
                "`relation` goes with the format `postgres`, and it with `relation`.",
                "Write both, like `formats: [postgres]` and `relation: schema.table`, or neither.",
            )
        if node is None:
            return None
        if "attested_on" not in self.get:
            raise DocumentError(
                self.entry.place,
                "A PostgreSQL table has no name with a day in it.",
                "Add `attested_on: …`, the column that names the day.",
            )
        text = doc.text_of(node, "relation")
        if not all(IDENTIFIER.match(part) for part in text.split(".")) or text.count(".") > 1:
            raise DocumentError(node.place, "`relation` is no name of a table.", "Write it like `schema.table`.")
        return text

    def _status(self) -> StatusColumn | None:
        node = self.get.get("status")
        if node is None or _is_none(node):
            return None
        entry = doc.mapping_of(node, "status")
        entry.expect(("column", "stated", "withdrawn"), what="status")
        return StatusColumn(*(doc.text_of(entry.entries[key], key) for key in ("column", "stated", "withdrawn")))

    def _ignored(self) -> Iterable[str]:
        for node in doc.sequence_of(self.get["ignored"], "ignored") if "ignored" in self.get else ():
            yield allowed_header(doc.text_of(node, "ignored"), node.place)

    def _share(self, key: str, default: Decimal) -> Decimal:
        if key not in self.get:
            return default
        share = doc.decimal_of(self.get[key], key)
        if not 0 <= share <= 1:
            raise DocumentError(self.get[key].place, f"`{key}` is a share of rows.", f"Write it like {default}.")
        return share

    def _limit_rows(self) -> int:
        if "limit_rows" not in self.get:
            return DEFAULT_LIMIT_ROWS
        rows = doc.decimal_of(self.get["limit_rows"], "limit_rows")
        if rows < 0 or rows != int(rows):
            raise DocumentError(self.get["limit_rows"].place, "`limit_rows` counts rows.", "Write it like 2.")
        return int(rows)

    def _refuse_same_headers(self, table: Table) -> None:
        own = [table.key, *(column.header for column in table.columns), *table.ignored]
        own += [header for header in table.row_headers[1:] if header is not None]
        twice = next((header for header in own if own.count(header) > 1), None)
        if twice is not None or table.true_from in (table.key, *table.ignored):
            raise DocumentError(
                self.entry.place,
                f"The header `{twice or table.true_from}` has two meanings in the table `{self.name}`.",
                "Give one of them its own `header`. (`true_from` may be the header of a fact that is a date.)",
            )


def _is_none(node: doc.Node) -> bool:
    """`none` takes back what `every_table` says."""
    return isinstance(node, doc.Scalar) and node.text == "none"
