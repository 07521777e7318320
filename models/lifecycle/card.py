"""The card of a model: what it answers, from what, for whom it was measured and what must not be done with it.

Written beside the model as JSON for programs and as Markdown in Chinese and English for people; both hold no row of
anybody, and no group too small to show.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from features.documents import Wording
from models.fairness.groups import GroupReport
from models.intervals import Interval
from models.lifecycle.promotion import Assessment

JSON_FILE = "card.json"
TEXT_FILES = {"zh": "card.zh.md", "en": "card.en.md"}
_WORDS = {
    "zh": {
        "target": "回答什么", "window": "期限", "days": "天", "features": "读取什么，为什么", "exclusions": "谁不计入",
        "measured": "在未见过的数据上测得", "groups": "分组", "limits": "不得用于", "rows": "行", "yes": "其中为“是”",
        "hidden": "人数过少，不显示", "auc": "AUC（排序）", "ece": "ECE（概率偏差）", "brier": "Brier 分",
        "reach": "触达率", "rate": "入选率", "calibration_gap": "概率偏差", "flag": "超出偶然", "made": "训练于",
        "left_out": "未用于训练的行", "data": "数据摘要", "interval": "括号内为 95% 区间",
    },
    "en": {
        "target": "What it answers", "window": "Window", "days": "days", "features": "What it reads, and why",
        "exclusions": "Who is left out", "measured": "Interval on rows it has not seen", "groups": "By group",
        "limits": "What it must not be used for", "rows": "rows", "yes": "of them yes",
        "hidden": "too few people to show", "auc": "AUC (order)", "ece": "ECE (probabilities)", "brier": "Brier score",
        "reach": "reach", "rate": "rate", "calibration_gap": "calibration gap", "flag": "beyond chance",
        "made": "Trained on", "left_out": "Rows not used", "data": "Dataset", "interval": "95 % intervals in brackets",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Card:
    """Everything a card says.

    Attributes:
        model: its name.
        sha256: of the model.
        target: what the score is the probability of.
        window_days: within which that happens or not.
        features: column -> why it is read, and its direction.
        exclusions: whom the training rows leave out.
        left_out: how many, by reason.
        limits: what must not be done with it.
        assessment: on held-out rows.
        dataset_sha256: of all training rows.
        rows_sha256: of the held-out rows.
        limits_sha256: of the file of limits that the run read.
        trained_on: the day, as ISO text.
        twins: hashes of the same training with other seeds.
    """

    model: str
    sha256: str
    target: Wording
    window_days: int
    features: Mapping[str, tuple[Wording, int]]
    exclusions: Sequence[Wording]
    left_out: Mapping[str, int]
    limits: Sequence[Wording]
    assessment: Assessment
    dataset_sha256: str
    rows_sha256: str
    limits_sha256: str
    trained_on: str
    twins: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write the three files."""
        text = json.dumps(self.content(), indent=1, ensure_ascii=False, sort_keys=True, allow_nan=False)
        (folder / JSON_FILE).write_text(text + "\n", encoding="utf-8")
        for language, name in TEXT_FILES.items():
            (folder / name).write_text(self.text(language), encoding="utf-8")

    def content(self) -> dict[str, object]:
        """The card as JSON."""
        found = self.assessment
        return {
            "model": self.model,
            "sha256": self.sha256,
            "target": asdict(self.target),
            "window_days": self.window_days,
            "features": [
                {"name": name, "why": asdict(why), "monotone": sign} for name, (why, sign) in self.features.items()
            ],
            "exclusions": [asdict(wording) for wording in self.exclusions],
            "left_out": dict(self.left_out),
            "limits": [asdict(wording) for wording in self.limits],
            "metrics": {
                "rows": found.rows,
                "positives": found.positives,
                **{name: value.content() for name, value in _overall(found).items()},
            },
            "groups": [line.content() for line in found.groups.lines],
            "groups_guard": {
                "multiple_tests": found.groups.guard,
                "least_cell": found.groups.least_cell,
                "draws": found.groups.draws,
            },
            "dataset_sha256": self.dataset_sha256,
            "rows_sha256": self.rows_sha256,
            "limits_sha256": self.limits_sha256,
            "trained_on": self.trained_on,
            "twins": list(self.twins),
        }  # fmt: skip

    def text(self, language: str) -> str:
        """The card as Markdown, in `zh` or `en`."""
        say, found = _WORDS[language], self.assessment
        lines = [f"# {self.model} `{self.sha256[:12]}…`", "", f"{say['made']} {self.trained_on}", ""]
        lines += [f"## {say['target']}", "", self.target.in_language(language)]
        lines += ["", f"{say['window']}: {self.window_days} {say['days']}", "", f"## {say['features']}", ""]
        arrow = {1: " ↑", -1: " ↓", 0: ""}
        lines += [
            f"- `{name}`{arrow[sign]}: {why.in_language(language)}" for name, (why, sign) in self.features.items()
        ]
        lines += ["", f"## {say['exclusions']}", ""]
        lines += [f"- {wording.in_language(language)}" for wording in self.exclusions]
        lines += [f"- {say['left_out']} ({reason}): {count:,}" for reason, count in self.left_out.items()]
        lines += ["", f"## {say['measured']}", ""]
        lines += [f"{found.rows:,} {say['rows']}, {found.positives:,} {say['yes']}; {say['interval']}", ""]
        lines += [f"- {say[name]}: {_said(value)}" for name, value in _overall(found).items()]
        lines += ["", f"## {say['groups']}", "", *_table(found.groups, say)]
        lines += ["", f"## {say['limits']}", "", *(f"- {wording.in_language(language)}" for wording in self.limits)]
        lines += ["", f"{say['data']}: `{self.dataset_sha256}`", ""]
        return "\n".join(lines)


def _overall(found: Assessment) -> dict[str, Interval]:
    return {"auc": found.auc, "ece": found.ece, "brier": found.brier}


def _said(value: Interval) -> str:
    return f"{value.value:.3f} ({value.low:.3f}–{value.high:.3f})" if math.isfinite(value.value) else "–"


def _table(report: GroupReport, say: Mapping[str, str]) -> list[str]:
    metrics = ("rate", "reach", "calibration_gap")
    lines = [f"| | | {say['rows']} | " + " | ".join(say[m] for m in metrics) + f" | {say['flag']} |", "|---" * 7 + "|"]
    for line in report.lines:
        if line.hidden:
            lines.append(f"| {line.axis} | {line.group} | {say['hidden']} | | | | |")
            continue
        said = (_said(f) for f in (line.figures[m] for m in metrics))
        flags = ", ".join(say[metric] for metric in line.flagged)
        lines.append(f"| {line.axis} | {line.group} | {line.count:,} | " + " | ".join(said) + f" | {flags} |")
    return lines
