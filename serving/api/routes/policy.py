"""Policy staff: the catalogue with tiers and reasons, and figures. Nobody's row, whatever is asked."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import text

from serving.access.actions import Action
from serving.api.figures import hidden_cells, total_of
from serving.api.own import name_of
from serving.api.schemas.policy import CatalogueOut, FigureOut, FiguresOut, ItemOut
from serving.api.visits import Visiting, serve

router = APIRouter(prefix="/policy", tags=["policy"])
By = Annotated[
    list[Annotated[str, Query(pattern="^(benefit|outcome|tier|kind)$")]],
    Query(min_length=1, max_length=2, description="Counted by: `benefit`, `outcome`, `tier`, `kind`; two at most."),
]


@serve(router, "GET", "/catalogue", CatalogueOut, personal=False)
def catalogue(visit: Visiting) -> CatalogueOut:
    """Every item with the tiers of its answers and, where sources or errors hold it back, why."""
    visit.allow(Action.CATALOGUE_READ)
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    counts = visit.parts.tallies.by(visit.connection, "benefit", "tier")
    hidden = hidden_cells(counts)
    ceilings = {row.benefit: row.ceiling for row in visit.connection.execute(text("SELECT * FROM current_ceiling"))}
    why: dict[str, list[dict[str, Any]]] = {}
    for row in visit.connection.execute(_DEMOTIONS).mappings():
        why.setdefault(str(row["benefit"]), []).append(
            {name: value for name, value in row.items() if name in ("cause", "ceiling", "register", "detail")}
        )
    plans = rulebook.in_force(visit.on_date)
    items = []
    for benefit, compiled in rulebook.benefits.items():
        laws = [variant.compiled.version.law for variant in plans[benefit].variants]
        area = compiled.versions[-1].area or None if compiled.versions else None
        tiers = {tier: None if key in hidden else n for key, n in counts.items() for b, tier in [key] if b == benefit}
        items.append(
            ItemOut(
                benefit=benefit, name=name_of(rulebook, benefit), of=compiled.benefit.subject, area=area,
                law=list(dict.fromkeys(f"{law.title} {law.number}".strip() for law in laws)),
                ceiling=ceilings.get(benefit), demoted_because=why.get(benefit, []), tiers=tiers,
            )
        )  # fmt: skip
    return CatalogueOut(items=items)


@serve(router, "GET", "/figures", FiguresOut, personal=False)
def figures(visit: Visiting, by: By) -> FiguresOut:
    """How many answers there are; counts below ten, and those from which they could be worked out, are not shown."""
    visit.allow(Action.FIGURES_READ)
    names = list(dict.fromkeys(by))
    counts = visit.parts.tallies.by(visit.connection, *names)
    hidden = hidden_cells(counts)
    told = [
        FigureOut(key=dict(zip(names, key, strict=True)), count=None if key in hidden else count)
        for key, count in counts.items()
    ]
    return FiguresOut(figures=told, total=total_of(counts, hidden), hidden=len(hidden))


_DEMOTIONS = text("SELECT * FROM demotion WHERE until IS NULL ORDER BY benefit, id")
