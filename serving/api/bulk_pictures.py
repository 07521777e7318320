"""What an act on many cases would do, as it is told: figures and lines, and why a case is decided by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal, cast

from serving.api.schemas.answers import Wording
from serving.api.schemas.bulk import (
    BenefitCount,
    BulkLine,
    BulkOut,
    BulkState,
    ForMany,
    LeftOutLine,
    PictureOut,
    PreviewOut,
    TotalOut,
)
from serving.casework.bulk import ONE_IN
from serving.casework.bulk_acts import Bulk
from serving.casework.bulk_preview import LeftOut, Line, Preview

NOT_THERE: Final = "not_there"
_SAYS: Final[Mapping[LeftOut | Literal["not_there"], tuple[str, str]]] = {
    LeftOut.NOT_OPEN: ("不是待办状态", "It is not open."),
    LeftOut.IN_HAND: ("正由经办人员办理", "Somebody has it in hand."),
    LeftOut.NO_ENTITLEMENT: ("不涉及具体待遇", "It is about no entitlement."),
    LeftOut.OWN_MATTER: ("异议、要求人工、数据存疑等案件须逐件办理", "It is heard by itself: an objection, a doubt."),
    LeftOut.ABOVE_CAP: ("超过单人审批限额", "It is above its cap."),
    LeftOut.BY_ITSELF: ("须逐件审核", "It is judged by itself."),
    LeftOut.CHANGED: ("提出之后情况已变", "It has changed since the act was proposed."),
    NOT_THERE: ("没有此案，或不在权限范围内", "There is no such case, or not for you."),
}


def preview_out(of: Preview, hidden: Collection[int]) -> PreviewOut:
    """A preview.

    Args:
        of: it.
        hidden: cases that were asked for and are not there, or not for whoever asks: the two read the same.
    """
    size = len(of.lines)
    return PreviewOut(
        verdict=cast(ForMany, of.verdict.value), size=size, drawn=-(-size // ONE_IN), picture=picture_out(of, hidden)
    )


def picture_out(of: Preview, hidden: Collection[int] = ()) -> PictureOut:
    """Its figures, its lines, and what is left out."""
    outliers = of.outliers
    left_out: list[tuple[int, LeftOut | Literal["not_there"]]] = list(of.left_out.items())
    left_out += [(number, NOT_THERE) for number in hidden]
    return PictureOut(
        lines=[_line(line, is_outlier=line.case.id in outliers) for line in of.lines],
        totals=[TotalOut(unit=unit, amount_minor=amount) for unit, amount in sorted(of.totals.items())],
        by_benefit=[BenefitCount(benefit=name, cases=count) for name, count in sorted(of.by_benefit.items())],
        unmeasured=of.unmeasured,
        outliers=list(outliers),
        left_out=[
            LeftOutLine(case=number, why=why, says=Wording(zh=_SAYS[why][0], en=_SAYS[why][1]))
            for number, why in sorted(left_out)
        ],
        seen=of.fingerprint,
    )


def state_out(of: Bulk) -> BulkState:
    """How far an act is."""
    waits_for: Literal["author", "second", "time", "nothing"] = "nothing"
    if of.state == "proposed":
        waits_for = "author" if of.unopened else "second"
    elif of.state == "agreed":
        waits_for = "time"
    return BulkState(
        act=of.id, verdict=cast(ForMany, of.verdict.value), size=of.size, state=of.state, officer=of.officer,
        second=of.second, proposed_at=of.proposed_at, agreed_at=of.agreed_at, undo_until=of.undo_until,
        drawn=sorted(of.drawn), unopened=sorted(of.unopened), left=sorted(of.left), waits_for=waits_for,
    )  # fmt: skip


def bulk_out(of: Bulk, now: Preview | None) -> BulkOut:
    """An act with what it would do now; None: it is settled."""
    return BulkOut(**state_out(of).model_dump(), picture=None if now is None else picture_out(now))


def _line(of: Line, *, is_outlier: bool) -> BulkLine:
    return BulkLine(
        case=of.case.id, revision=of.case.revision, benefit=of.of.benefit, period=of.of.period,
        district=of.case.district, amount_minor=of.of.amount_minor, unit=of.of.unit, hardship=of.case.hardship,
        is_outlier=is_outlier,
    )  # fmt: skip
