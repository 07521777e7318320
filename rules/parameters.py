"""Parameters: the numbers of the law, dated, cited, and different by area, code or band where the law says so."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from features import documents as doc
from features.documents import DocumentError, Findings, Place, Wording
from features.facts.areas import Areas
from features.facts.dictionary import IDENTIFIER
from features.facts.units import MINOR_UNITS, PERIODS
from rules.language import syntax
from rules.language.parse import parse_expression
from rules.language.types import BOOLEAN, DATE, Type

TYPES = ("integer", "number", "money", "date", "boolean")
DIMENSIONS = ("area", "code", "integer", "band")
MOST_VALUE = Decimal(10) ** 13
GRADES = ("A", "B", "C", "W")
TRUSTED_GRADES = ("A", "B")

Band = tuple[Decimal | None, Decimal | None]
Key = str | int | Band
ParameterValue = int | bool


@dataclass(frozen=True, slots=True, eq=False)
class Period:
    """The values in force on `[start, end)`, each under one key per dimension."""

    start: dt.date
    end: dt.date | None
    table: dict[tuple[Key, ...], ParameterValue]
    source: str
    confidence: str
    place: Place
    note: str = ""

    def covers(self, day: dt.date) -> bool:
        """Is the day in this period?"""
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """One named number of the law.

    Numeric values are whole units of 10^-`scale` (money: of minor units); dates are day numbers from 1970.
    """

    id: str
    type: Type
    names: Wording
    dimensions: tuple[str, ...]
    scale: int
    periods: tuple[Period, ...]
    derived: syntax.Expression | None
    source: str
    place: Place
    note: str = ""
    """What a reader must know: a reading of unclear law, or why there is no value for some days or areas."""

    def on(self, day: dt.date) -> Period | None:
        """The period in force on a day, or None."""
        return _period_on(self, day)

    def next_change(self, day: dt.date) -> dt.date | None:
        """The first later day on which some value of this parameter is another, or None."""
        return _next_change(self, day)

    @property
    def numbers(self) -> list[int]:
        """Every numeric value there is, over all periods and keys."""
        return [v for p in self.periods for v in p.table.values() if not isinstance(v, bool)]


@lru_cache(maxsize=20_000)
def _period_on(parameter: Parameter, day: dt.date) -> Period | None:
    for period in parameter.periods:
        if period.covers(day):
            return period
    return None


@lru_cache(maxsize=20_000)
def _next_change(parameter: Parameter, day: dt.date) -> dt.date | None:
    now = parameter.on(day)
    changes = {p.start for p in parameter.periods} | {p.end for p in parameter.periods if p.end is not None}
    for change in sorted(c for c in changes if c > day):
        then = parameter.on(change)
        if (then.table if then else None) != (now.table if now else None):
            return change
    return None


def load_parameters(
    document: doc.Mapping, currency: str, areas: Areas, findings: Findings, *, trusted_only: bool
) -> tuple[dict[str, Parameter], frozenset[str]]:
    """Read the `parameters` of one file.

    Args:
        document: the file.
        currency: of the catalogue.
        areas: to know every area that is named.
        findings: mistakes are appended here; a parameter with a mistake is left out.
        trusted_only: refuse values whose confidence is C or W.

    Returns:
        The parameters by name, and the names of those that were left out.

    Raises:
        DocumentError: the frame of the file is wrong.
    """
    parameters: dict[str, Parameter] = {}
    document.expect(("parameters",), what="a parameter file")
    entries = doc.mapping_of(document.entries["parameters"], "parameters").entries
    for name, node in entries.items():
        with findings.collecting():
            parameters[name] = _read_parameter(name, node, currency, areas, trusted_only)
    return parameters, frozenset(entries.keys() - parameters.keys())


def _read_parameter(name: str, node: doc.Node, currency: str, areas: Areas, trusted_only: bool) -> Parameter:
    entry = doc.mapping_of(node, f"the parameter `{name}`")
    if not IDENTIFIER.match(name) or name == "area":
        raise DocumentError(entry.place, f"`{name[:60]}` cannot be a parameter's name.", "Use a-z, 0-9 and _.")
    derived = "derived" in entry.entries
    if derived:
        entry.expect(
            ("type", "names", "derived", "source", "confidence"),
            ("unit", "per", "note"),
            what=f"the derived parameter `{name}`",
        )
    else:
        entry.expect(("type", "names", "values"), ("unit", "per", "by", "note"), what=f"the parameter `{name}`")
    get = entry.entries
    parameter_type = _read_type(entry, currency)
    names = doc.wording_of(get["names"], "names")
    if derived:
        _read_grade(get["confidence"], trusted_only)
        if not isinstance(get["derived"], doc.Scalar):
            raise DocumentError(
                get["derived"].place, "`derived` must be an expression.", "Like `derived: $standard * 1.5`."
            )
        expression = parse_expression(get["derived"])
        source = doc.text_of(get["source"], "source")
        return Parameter(name, parameter_type, names, (), 0, (), expression, source, entry.place, _note(entry))
    dimensions: tuple[str, ...] = ()
    if "by" in get:
        dimensions = tuple(
            doc.choice_of(item, DIMENSIONS, "a key of `by`") for item in doc.sequence_of(get["by"], "by")
        )
        if len(dimensions) > 3 or dimensions.count("area") > 1 or dimensions.count("band") > 1:
            raise DocumentError(
                get["by"].place,
                "`by` has at most three keys, one `area` and one `band` among them.",
                "Split the table.",
            )
    raw: list[tuple[doc.Mapping, dict[tuple[Key, ...], doc.Scalar]]] = []
    for item in doc.sequence_of(get["values"], "values"):
        period = doc.mapping_of(item, "a value")
        period.expect(("from", "value", "source", "confidence"), ("to", "note"), what=f"a value of `{name}`")
        raw.append((period, dict(_entries(period.entries["value"], dimensions, areas, ()))))
    if not raw:
        raise DocumentError(get["values"].place, f"`{name}` has no values.", "Add at least one dated value.")
    for scalar in (s for _, table in raw for s in table.values()):
        _check_value(scalar, parameter_type, f"a value of `{name}`")
    scale = _scale(parameter_type, [s for _, table in raw for s in table.values()])
    periods = []
    for period, scalars in raw:
        table = {key: _read_value(scalar, parameter_type, scale) for key, scalar in scalars.items()}
        _same_bands(name, table, dimensions, period.place)
        start = doc.date_of(period.entries["from"], "from")
        end = doc.date_of(period.entries["to"], "to") if "to" in period.entries else None
        if end is not None and end <= start:
            raise DocumentError(
                period.place,
                f"A value of `{name}` ends ({end}) before it begins ({start}).",
                "Correct `from` or `to`: `to` is the first day after.",
            )
        periods.append(
            Period(
                start,
                end,
                table,
                doc.text_of(period.entries["source"], "source"),
                _read_grade(period.entries["confidence"], trusted_only),
                period.place,
                _note(period),
            )
        )
    return Parameter(
        name, parameter_type, names, dimensions, scale, _in_order(name, periods), None, "", entry.place, _note(entry)
    )


def _note(entry: doc.Mapping) -> str:
    return doc.text_of(entry.entries["note"], "note") if "note" in entry.entries else ""


def _same_bands(
    name: str, table: dict[tuple[Key, ...], ParameterValue], dimensions: tuple[str, ...], place: Place
) -> None:
    """Refuse bands that cut across one another under different keys: a figure must fall into one band, whoever asks."""
    if "band" not in dimensions:
        return
    axis = dimensions.index("band")
    bands: set[tuple[Decimal, Decimal]] = set()
    for key in table:
        band = key[axis]
        assert isinstance(band, tuple)
        low, high = band
        bands.add((Decimal("-Infinity") if low is None else low, Decimal("Infinity") if high is None else high))
    ordered = sorted(bands)
    for before, after in itertools.pairwise(ordered):
        if after[0] < before[1]:
            raise DocumentError(
                place,
                f"The bands of `{name}` differ from one key to another, and overlap at {after[0]}.",
                "Cut the bands the same way under every key, repeating a value where it does not change.",
            )


def _in_order(name: str, periods: list[Period]) -> tuple[Period, ...]:
    """Close each open period where the next begins; refuse overlaps."""
    result: list[Period] = []
    ordered = sorted(periods, key=lambda p: p.start)
    for index, period in enumerate(ordered):
        following = ordered[index + 1] if index + 1 < len(ordered) else None
        end = period.end
        if following is not None:
            if following.start == period.start or (end is not None and end > following.start):
                raise DocumentError(
                    following.place,
                    f"Two values of `{name}` are in force on {following.start}.",
                    "End the earlier one with `to:`, or correct a date.",
                )
            end = following.start if end is None else end
        result.append(replace(period, end=end))
    return tuple(result)


def _read_grade(node: doc.Node, trusted_only: bool) -> str:
    grade = doc.choice_of(node, GRADES, "confidence")
    if trusted_only and grade not in TRUSTED_GRADES:
        raise DocumentError(
            node.place,
            f"A value graded {grade} cannot serve an automatic benefit.",
            "Find an A or B source, or say under `needs_confirmation` in benefit.yaml what must be confirmed.",
        )
    return grade


def _read_type(entry: doc.Mapping, currency: str) -> Type:
    get = entry.entries
    kind = doc.choice_of(get["type"], TYPES, "type")
    for key, kinds in (("unit", ("integer", "number")), ("per", ("money",))):
        if key in get and kind not in kinds:
            raise DocumentError(
                entry.places[key], f"`{key}` does not go with the type `{kind}`.", "Remove it, or correct `type`."
            )
    if kind == "money":
        if "per" not in get:
            raise DocumentError(
                entry.place, "A money parameter needs `per`.", "Write `per: month`, `per: year` or `per: once`."
            )
        return Type("money", per=doc.choice_of(get["per"], PERIODS, "per"), currency=currency)
    if kind in ("integer", "number"):
        return Type(kind, unit=doc.text_of(get["unit"], "unit") if "unit" in get else None)
    return DATE if kind == "date" else BOOLEAN


def _entries(
    node: doc.Node, dimensions: tuple[str, ...], areas: Areas, prefix: tuple[Key, ...]
) -> Iterable[tuple[tuple[Key, ...], doc.Scalar]]:
    if not dimensions:
        if not isinstance(node, doc.Scalar):
            raise DocumentError(node.place, "A single value is wanted here.", "Is a key of `by` missing?")
        yield prefix, node
        return
    first, rest = dimensions[0], dimensions[1:]
    if first == "band":
        yield from _bands(node, rest, areas, prefix)
        return
    mapping = doc.mapping_of(node, f"a value by {first}")
    if not mapping.entries:
        raise DocumentError(node.place, f"The table by {first} is empty.", "Write `key: value` lines.")
    for text, child in mapping.entries.items():
        key: Key = text
        if first == "area" and text not in areas:
            raise DocumentError(mapping.places[text], f"There is no area `{text}`.", "See features/facts/areas.yaml.")
        if first == "integer":
            key = doc.integer_of(doc.Scalar(text, False, mapping.places[text]), "the key")
        yield from _entries(child, rest, areas, (*prefix, key))


def _bands(
    node: doc.Node, rest: tuple[str, ...], areas: Areas, prefix: tuple[Key, ...]
) -> Iterable[tuple[tuple[Key, ...], doc.Scalar]]:
    previous: Decimal | None = None
    first = True
    for item in doc.sequence_of(node, "bands"):
        band = doc.mapping_of(item, "a band")
        band.expect(("value",), ("at_least", "below"), what="a band")
        low = doc.decimal_of(band.entries["at_least"], "at_least") if "at_least" in band.entries else None
        high = doc.decimal_of(band.entries["below"], "below") if "below" in band.entries else None
        if not first and previous is None:
            raise DocumentError(
                item.place, "The band before this one has no upper end.", "Write `below: …` in it, or remove this one."
            )
        if low != previous and not first:
            what = "an overlap" if low is None or previous is None or low < previous else "a gap"
            raise DocumentError(
                item.place,
                f"There is {what} between this band and the one before it (which ends below {previous}).",
                f"Write `at_least: {previous}`.",
            )
        if low is not None and high is not None and high <= low:
            raise DocumentError(item.place, "The band is empty: `below` is not above `at_least`.", "Correct one.")
        previous, first = high, False
        yield from _entries(band.entries["value"], rest, areas, (*prefix, (low, high)))


def _scale(parameter_type: Type, scalars: list[doc.Scalar]) -> int:
    """The decimals that the values need (beyond the minor unit, for money)."""
    if not parameter_type.is_numeric or parameter_type.kind == "integer":
        return 0
    longest = max((len(s.text.partition(".")[2].rstrip("0")) for s in scalars), default=0)
    return max(0, longest - 2) if parameter_type.kind == "money" else longest


def _check_value(scalar: doc.Scalar, parameter_type: Type, what: str) -> None:
    """Refuse a value that is none of its type, or that no column would hold."""
    if parameter_type.kind == "boolean":
        doc.boolean_of(scalar, what)
    elif parameter_type.kind == "date":
        doc.date_of(scalar, what)
    elif parameter_type.kind == "integer":
        doc.integer_of(scalar, what)
    else:
        value = doc.decimal_of(scalar, what)
        if abs(value) > MOST_VALUE:
            raise DocumentError(scalar.place, f"{what} is too large.", f"At most {MOST_VALUE:,}.")
        if parameter_type.kind == "money" and value != round(value, 6):
            raise DocumentError(scalar.place, f"{what} has more than six decimals.", "Write at most six.")


def _read_value(scalar: doc.Scalar, parameter_type: Type, scale: int) -> ParameterValue:
    """A value that has been checked, as a whole number of its units (or true or false)."""
    if parameter_type.kind == "boolean":
        return scalar.text == "true"
    if parameter_type.kind == "date":
        return (dt.date.fromisoformat(scalar.text) - dt.date(1970, 1, 1)).days
    units = MINOR_UNITS if parameter_type.kind == "money" else 1
    return int(Decimal(scalar.text) * units * 10**scale)
