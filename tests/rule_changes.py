"""What policy staff publish, written into copies of the shipped Chinese rules and areas."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

from features.facts.vocabulary import facts_folder
from rules.catalogue import Catalogue, load_catalogue
from serving.catalogues import shipped_catalogues

_SUBSIDY = "resident_medical_insurance_subsidy"
_WHOLE_YEAR = "{from: 2026-01-01, to: 2027-01-01,"
_ENDS = "    to: 2027-01-01\n"


@dataclass(frozen=True, slots=True)
class Published:
    """A copy of the Chinese catalogue and of the facts and areas it speaks of, to be changed."""

    rules: Path
    facts: Path

    @staticmethod
    def below(folder: Path) -> Published:
        """A fresh copy."""
        found = Published(folder / "published" / "cn", folder / "published" / "facts")
        shutil.copytree(shipped_catalogues() / "cn", found.rules)
        shutil.copytree(facts_folder(), found.facts, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        return found

    def catalogue(self) -> Catalogue:
        """As it now reads."""
        return load_catalogue(self.rules, self.facts)

    def correct_the_rate(self) -> None:
        """A figure that many answers feel was wrong from its first day on."""
        _replace(self.rules / _SUBSIDY / "parameters.yaml", "value: 820,", "value: 830,")

    def announce_a_rate(self, on: dt.date) -> None:
        """From a day to come that figure is another one."""
        file = self.rules / _SUBSIDY / "parameters.yaml"
        text = file.read_text(encoding="utf-8")
        at = text.index(_WHOLE_YEAR, text.index("subsidy_other:"))
        new = f"{{from: {on}, to: 2027-01-01, value: 871, source: 试例, confidence: A}}\n      - "
        old = text[at:].replace(_WHOLE_YEAR, f"{{from: 2026-01-01, to: {on},", 1)
        file.write_text(text[:at] + new + old, encoding="utf-8")

    def announce_a_version(self, on: dt.date) -> None:
        """From a day to come the benefit has another rule: a large household is covered without having enrolled."""
        file = self.rules / _SUBSIDY / "benefit.yaml"
        text = file.read_text(encoding="utf-8")
        start, end = text.index("  - from: 2026-01-01"), text.index("relations:")
        old = text[start:end]
        new = old.replace("from: 2026-01-01", f"from: {on}", 1)
        new = new.replace("(medical_insurance_scheme = 'none' and assisted)", "household_size >= 4", 1)
        assert new.count("household_size") == old.count(_ENDS) == 1
        file.write_text(text[:start] + old.replace(_ENDS, f"    to: {on}\n") + new + text[end:], encoding="utf-8")

    def end_an_area(self, code: str, on: dt.date, *successors: str) -> None:
        """From a day on its people belong elsewhere: to one area (a merge), or to one of several (a split)."""
        line = f'  - {{code: "{code}", '
        names = ", ".join(f'"{successor}"' for successor in successors)
        _replace(self.facts / "areas.yaml", line, f"{line}to: {on}, succeeded_by: [{names}], ")

    def add_an_area(self, code: str, parent: str, since: dt.date) -> None:
        """An area of which nobody knew before; `end_an_area` names it as a successor."""
        area = f'  - {{code: "{code}", names: {{zh: 新区, en: New}}, parent: "{parent}", from: {since}}}'
        _replace(self.facts / "areas.yaml", "\nareas:\n", f"\nareas:\n{area}\n")


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, (file.name, old)
    file.write_text(text.replace(old, new), encoding="utf-8")
