"""The name of a rulebook: a hash over all that can change an answer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError
from features.yaml_files import Shelf

LANGUAGE_VERSION = 1


def content_hash(folder: Path, facts: Path, jurisdiction: str, shelf: Shelf) -> str:
    """SHA-256 over everything that can change an answer: rules, parameters, dictionary, subjects and areas.

    Comments, order of files and layout do not count; examples do not either.
    """
    digest = hashlib.sha256(f"language {LANGUAGE_VERSION}".encode())
    roots = [(folder, p) for p in sorted(folder.rglob("*.yaml")) if p.name != "examples.yaml"]
    roots += [(facts, p) for p in sorted((facts / "dictionary" / jurisdiction).glob("*.yaml"))]
    roots += [(facts, facts / "areas.yaml"), (facts, facts / "subjects.yaml")]
    for base, path in roots:
        try:
            tree = _plain(shelf.read(path))
        except DocumentError:
            tree = path.read_bytes().hex() if path.is_file() else ""
        text = json.dumps([str(path.relative_to(base)), tree], ensure_ascii=True, separators=(",", ":"))
        digest.update(text.encode())
    return digest.hexdigest()


def _plain(node: doc.Node) -> object:
    if isinstance(node, doc.Scalar):
        return node.text
    if isinstance(node, doc.Sequence):
        return [_plain(item) for item in node.items]
    return {key: _plain(value) for key, value in node.entries.items()}
