"""Cells of facts to and from the values that Feast carries."""

from __future__ import annotations

from feast.protos.feast.types.Value_pb2 import Int32List, Value
from feast.types import Array, Bool, FeastType, Int32, Int64

from features.store.rows import Cell


def cell_of(value: Value) -> Cell:
    """What a value of Feast says; a value without content is unknown."""
    which = value.WhichOneof("val")
    if which is None or which == "null_val":
        return None
    content = getattr(value, which)
    if which.endswith("_list_val"):
        return [int(item) for item in content.val]
    assert isinstance(content, bool | int | str)
    return content


def proto_of(cell: Cell, dtype: FeastType) -> Value:
    """The value of Feast that says the same."""
    if cell is None:
        return Value()
    if isinstance(dtype, Array):
        assert isinstance(cell, list)
        return Value(int32_list_val=Int32List(val=cell))
    if dtype == Bool:
        return Value(bool_val=bool(cell))
    if dtype == Int32:
        assert isinstance(cell, int)
        return Value(int32_val=cell)
    if dtype == Int64:
        assert isinstance(cell, int)
        return Value(int64_val=cell)
    return Value(string_val=str(cell))
