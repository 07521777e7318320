"""Contracts with departments: what a delivery of each table of a register looks like, word by word.

A contract is data (`contracts/<jurisdiction>/<register>.yaml`). It says which facts a table carries, under which
headers, in which words, and from which share of bad rows on a delivery is refused as a whole. What no contract names is
not taken.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from features.documents import Place, Wording
from features.facts.dictionary import Fact, Register
from features.history.records import View

ENCODINGS = ("utf-8", "gb18030")
DATE_FORMS = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYYMMDD": "%Y%m%d",
    "YYYY/MM/DD": "%Y/%m/%d",
    "YYYY年MM月DD日": "%Y年%m月%d日",
}
"""How a department may write a day, and the same for Polars and `strftime`."""
MONEY_UNITS = {"yuan": 2, "fen": 0}
"""The unit in which money is written, and how many decimals it may then have."""
ENDINGS = {"csv": ".csv", "xlsx": ".xlsx", "parquet": ".parquet", "dci_json": ".json", "postgres": ""}
"""The formats of deliveries and how their files end; a PostgreSQL table is no file."""
FORMATS = tuple(ENDINGS)
DEFAULT_LIMIT = Decimal("0.005")
"""The share of bad rows above which a delivery is refused (fault F14)."""
DEFAULT_LIMIT_ROWS = 2
"""So many bad rows refuse no delivery, unless they are more than half of it: one row in fifty is a mistake, not a sign
that the whole is wrong. Each is set aside all the same."""
DEFAULT_LEAST_SHARE = Decimal("0.8")
"""A list of everybody that names fewer than this share of those whom the last one named is refused: it was probably cut
off."""
DATE_MARK = "{date}"
_DATE_IN_NAME = "[0-9]{8}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a delivery: its header, the fact it carries, and the words in which it does so.

    Attributes:
        header: as it stands in the first row.
        fact: what it says of the subject.
        codes: what is written -> the code of the fact (code facts only).
        yes: the words for true (boolean facts only).
        no: the words for false (boolean facts only).
        money: the unit money is written in, `yuan` or `fen` (money facts only).
        dates: how days are written, a key of `DATE_FORMS` (date facts only).
        nobody: the word that says that there is nobody (links only); an empty cell says that it is not known.
        legal_basis: on what ground this register may tell us a fact (the fact's own, where the register owns it).
    """

    header: str
    fact: Fact
    codes: Mapping[str, str]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    money: str | None
    dates: str
    nobody: str
    legal_basis: str


@dataclass(frozen=True, slots=True)
class StatusColumn:
    """The column that says whether a row is stated or taken back, and its words."""

    header: str
    stated: str
    withdrawn: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a register: what a delivery of it looks like.

    Attributes:
        register: whose table it is, with the department that owns it.
        name: the table's name within the register.
        names: what people call it.
        kind: the kind of subject each row is about.
        full: does each delivery list everybody? Otherwise it holds what changed.
        files: the name of its files without ending; `{date}` stands for the day attested, like 20260301.
        formats: in which formats it may come; the first is the usual one.
        encoding: of its CSV files.
        relation: `schema.table` where it may come from PostgreSQL.
        key: the header of the subject's id.
        columns: one for each fact.
        true_from: the header of the day from which the row holds; None: the day attested.
        true_to: the header of the day on which it ceases to hold (exclusive).
        ends_with: the fact that names the last day of what a row is about: no row holds after it.
        attested_on: the header of the day for which the delivery speaks; None: the day in the file's name.
        status: the column that says whether a row is taken back.
        ignored: headers that a delivery may bear and that are never read.
        dates: how the days of the row itself are written.
        limit: the share of bad rows above which a delivery is refused.
        limit_rows: so many bad rows refuse no delivery, whatever their share, unless they are more than half of it.
        least_share: of a table whose deliveries list everybody, the least share of those whom the last list named.
        place: where the contract says so.
    """

    register: Register
    name: str
    names: Wording
    kind: str
    full: bool
    files: str
    formats: tuple[str, ...]
    encoding: str
    relation: str | None
    key: str
    columns: tuple[Column, ...]
    true_from: str | None
    true_to: str | None
    ends_with: str | None
    attested_on: str | None
    status: StatusColumn | None
    ignored: tuple[str, ...]
    dates: str
    limit: Decimal
    limit_rows: int
    least_share: Decimal
    place: Place

    @property
    def id(self) -> str:
        """`<register>.<table>`."""
        return f"{self.register.id}.{self.name}"

    @property
    def view(self) -> View:
        """The view of the history that its rows belong to."""
        facts = tuple(column.fact.id for column in self.columns)
        return View(self.id, self.register.id, self.kind, facts, self.full, self.ends_with)

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header that a delivery must bear, in the usual order."""
        every = [self.key, *(column.header for column in self.columns), *self.row_headers]
        return tuple(dict.fromkeys(header for header in every if header is not None))

    @property
    def row_headers(self) -> tuple[str | None, str | None, str | None, str | None]:
        """The headers of what is said of the row itself: from, to, attested on, status."""
        return self.true_from, self.true_to, self.attested_on, self.status.header if self.status else None

    def allows(self, set_aside: int, count: int) -> bool:
        """May so many of so many rows have mistakes?"""
        few = set_aside <= self.limit_rows and 2 * set_aside <= count
        return few or set_aside <= self.limit * count

    def is_cut_off(self, listed: int, listed_before: int) -> bool:
        """Does a list of everybody leave out more than it may? As few as may be bad may also be gone."""
        gone = listed_before - listed
        return self.full and gone > self.limit_rows and gone > (1 - self.least_share) * listed_before

    def file_name(self, attested_on: dt.date, form: str | None = None) -> str:
        """The name of a delivery's file."""
        day = f"{attested_on:%Y%m%d}"
        return self.files.replace(DATE_MARK, day) + ENDINGS[form or self.formats[0]]

    def matches(self, name: str) -> bool:
        """Is a file of this name one of its deliveries?"""
        return any(self._pattern(form).fullmatch(name) is not None for form in self.formats if ENDINGS[form])

    def date_in(self, name: str) -> dt.date | None:
        """The day in a file's name; None where there is none, or no day of the calendar."""
        for form in self.formats:
            match = self._pattern(form).fullmatch(name)
            if match and match.groups():
                try:
                    return dt.date.fromisoformat(match[1])
                except ValueError:
                    return None
        return None

    def _pattern(self, form: str) -> re.Pattern[str]:
        before, mark, after = self.files.partition(DATE_MARK)
        day = f"({_DATE_IN_NAME})" if mark else ""
        return re.compile(re.escape(before) + day + re.escape(after + ENDINGS[form]), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Contracts:
    """All contracts of a jurisdiction, by the id of the table."""

    tables: dict[str, Table]

    @property
    def views(self) -> dict[str, View]:
        """What the history is made of, by id."""
        return {table.id: table.view for table in self.tables.values()}

    def of_file(self, name: str) -> Table | None:
        """The table whose delivery a file of this name is; None where no contract knows it."""
        return next((table for table in self.tables.values() if table.matches(name)), None)

    def of_register(self, register: str) -> tuple[Table, ...]:
        """The tables of one register, in the order of its contract."""
        return tuple(table for table in self.tables.values() if table.register.id == register)
