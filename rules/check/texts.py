"""Texts for people: both languages, no code that a page could run, placeholders that can be filled, citations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError, Finding
from features.yaml_files import Shelf
from rules.benefit_files import UNSAFE
from rules.benefits import Criterion
from rules.catalogue import Catalogue, Source
from rules.check import reading
from rules.parameters import Parameter

_CHINESE = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U0003ffff]")
_PLACEHOLDER = re.compile(r"\{\$([a-z][a-z0-9_]*)\}")
_BRACES = re.compile(r"[{}]")
_EMPTY_WORDS = re.compile(
    r"(todo|tbd|fixme|xxx+|n/?a|none|null|unknown|待定|待补|待补充|无|暂无|不详|未知|略|[?？.。…—~-]+)[.。!！]?\Z",
    re.IGNORECASE,
)
_EXPRESSIONS = frozenset({"test", "value", "derived"})
_CITATIONS = frozenset({"because", "source", "legal_basis", "title"})


def placeholders(text: str) -> set[str]:
    """The parameters that a text puts in as `{$name}`."""
    return set(_PLACEHOLDER.findall(text))


def find_text_mistakes(paths: list[Path], shelf: Shelf) -> Iterator[Finding]:
    """In every `{zh: …, en: …}` a Chinese text in Chinese and an English one without; no markup or script anywhere.

    A citation (`because`, `source`, `legal_basis`, `title`) that only says `TODO`, `无` or `…` is missing.
    """
    for path in paths:
        try:
            document = shelf.read(path)
        except DocumentError:
            continue  # loading has found it
        yield from _in(document)


def find_placeholder_mistakes(source: Source, shared: dict[str, Parameter]) -> Iterator[Finding]:
    """`{$name}` in `says` must be a parameter with one value for the subject's area and date, in both languages."""
    for version in source.benefit.versions:
        for criterion in version.criteria:
            yield from _placeholders_of(criterion, {**shared, **source.parameters})


def _in(node: doc.Node, key: str = "") -> Iterator[Finding]:
    if isinstance(node, doc.Sequence):
        for item in node.items:
            yield from _in(item, key)
    elif isinstance(node, doc.Mapping):
        if node.entries.keys() == {"zh", "en"}:
            yield from _languages(node)
        for name, child in node.entries.items():
            yield from _in(child, name)
    else:
        yield from _scalar(node, key)


def _languages(node: doc.Mapping) -> Iterator[Finding]:
    zh, en = node.entries["zh"], node.entries["en"]
    if isinstance(zh, doc.Scalar) and zh.text.strip() and not _CHINESE.search(zh.text):
        yield Finding(zh.place, f"The Chinese text “{zh.text[:40]}” has no Chinese character.", "Write it in Chinese.")
    if isinstance(en, doc.Scalar) and (found := _CHINESE.search(en.text)):
        yield Finding(
            en.at(found.start()),
            f"The English text “{en.text[:40]}” holds the Chinese character {found[0]}.",
            "Write it in English, with a transcription where the term has none.",
        )


def _scalar(node: doc.Scalar, key: str) -> Iterator[Finding]:
    found = None if key in _EXPRESSIONS else UNSAFE.search(node.text)
    if found:
        yield Finding(node.place, f"`{found[0]}` cannot stand in a text for people.", "Write plain text.")
    if key in _CITATIONS and _EMPTY_WORDS.match(node.text.strip()):
        yield Finding(
            node.place,
            f"`{key}: {node.text[:20]}` cites nothing.",
            "Name act and article, like 第四条（一） or § 273.9(d).",
        )


def _placeholders_of(criterion: Criterion, known: dict[str, Parameter]) -> Iterator[Finding]:
    texts = (criterion.says.zh, criterion.says.en)
    for text, place in zip(texts, criterion.says_places, strict=True):
        for name in sorted(placeholders(text)):
            parameter = known.get(name)
            if parameter is None:
                yield Finding(
                    place,
                    f"The text of `{criterion.id}` puts in `${name}`, which is no parameter.",
                    doc.nearest_advice(name, known, "Parameters are: "),
                )
            elif not _has_one_value(parameter, known):
                yield Finding(
                    place,
                    f"The text of `{criterion.id}` puts in `${name}`, which has many values on one day.",
                    "Only a parameter without keys, or by area, can stand in a text: say it in words.",
                )
        if _BRACES.search(_PLACEHOLDER.sub("", text)):
            yield Finding(
                place,
                f"The text of `{criterion.id}` has a brace that belongs to no `{{$name}}`.",
                "A parameter is put in as `{$income_limit}`; other braces are not needed.",
            )
    in_zh, in_en = (placeholders(text) for text in texts)
    if in_zh != in_en and in_zh | in_en <= known.keys():
        names = ", ".join(f"`${name}`" for name in sorted(in_zh ^ in_en))
        yield Finding(
            criterion.says_places[0],
            f"Only one of the two texts of `{criterion.id}` puts in {names}.",
            "Say it in both.",
        )


def _has_one_value(parameter: Parameter, known: dict[str, Parameter]) -> bool:
    behind = reading.parameters_behind([parameter.id], known)
    return all(name in known and set(known[name].dimensions) <= {"area"} for name in behind)


def catalogue_files(catalogue: Catalogue) -> list[Path]:
    """The files whose texts people may read: rules, parameters, dictionary, subjects and areas; examples are ours."""
    facts = catalogue.facts
    files = [p for p in sorted(catalogue.folder.rglob("*.yaml")) if p.name != "examples.yaml"]
    if catalogue.rulebook is not None:
        files += sorted((facts / "dictionary" / catalogue.rulebook.jurisdiction).glob("*.yaml"))
    return [*files, facts / "subjects.yaml", facts / "areas.yaml"]
