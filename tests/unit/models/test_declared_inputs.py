"""The build fails on a leak: every declared list of inputs is judged where it is kept, and each kind is refused.

The lists are judged at import (`models.missing_evidence.inputs`) and at every reading (`inputs.yaml`); these tests run
over all of them, and add an input of each forbidden kind to see the refusal.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import LeakError
from models.lifecycle.kinds import NAMES, kind_of
from models.missing_evidence import inputs as evidence
from models.observed.inputs import BannedInputError, load_inputs, shipped_benefits

LEAKS = {
    "receipt": ("months_of_dibao", "benefits_received_1y", "snap_ben"),
    "after the answer": ("paid_on", "override_reason", "determination_outcome"),
    "future": ("wages_next_year", "future_address", "job_later"),
    "protected": ("sex", "age_head_max", "district"),
}
EACH = [(kind, name) for kind, names in LEAKS.items() for name in names]
FILES = ("take_up", "second_look")


@pytest.mark.parametrize("model", NAMES)
def test_every_declared_list_is_clean(model: str) -> None:
    kind = kind_of(model)
    assert len(kind.declared()) >= 8
    assert {name: kind.why_banned(name) for name in kind.declared() if kind.why_banned(name)} == {}


@pytest.mark.parametrize(("kind", "name"), EACH, ids=[name for _, name in EACH])
@pytest.mark.parametrize("model", FILES)
def test_a_file_of_inputs_with_a_leak_cannot_be_read(
    model: str, kind: str, name: str, repository: Path, tmp_path: Path
) -> None:
    shipped = (repository / "models" / model / "inputs.yaml").read_text(encoding="utf-8")
    added = f"inputs:\n  {name}: {{why: {{zh: 本测试所加, en: added by this test}}, score: free}}\n"
    copy = tmp_path / "inputs.yaml"
    copy.write_text(shipped, encoding="utf-8")
    assert name not in load_inputs(copy).names
    copy.write_text(shipped.replace("inputs:\n", added), encoding="utf-8")
    with pytest.raises(BannedInputError) as refused:
        load_inputs(copy)
    assert refused.value.name == name, kind


@pytest.mark.parametrize(("kind", "name"), EACH, ids=[name for _, name in EACH])
def test_a_list_of_inputs_with_a_leak_cannot_be_imported(kind: str, name: str) -> None:
    if name == "months_of_dibao":
        name = "receipt_of_snap"  # this model is of one benefit of the survey
    source = Path(evidence.__file__).read_text(encoding="utf-8")
    added = f'ALL = (*RECORDED, Input("quiet", 0, ("{name}",), Wording("静", "quiet")), *DERIVED)'
    changed = source.replace("ALL = RECORDED + DERIVED", added)
    assert changed != source
    scope = {"__name__": "models.missing_evidence.inputs_with_a_leak", "__file__": evidence.__file__}
    with pytest.raises(LeakError, match=name):
        exec(compile(changed, "inputs_with_a_leak", "exec"), scope)
    assert kind


def test_all_shipped_benefits_are_known_to_the_ban() -> None:
    assert {"dibao", "snap", "childcare_subsidy"} <= set(shipped_benefits())
    assert "shared" not in shipped_benefits()
