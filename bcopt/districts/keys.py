"""Every key of a district.yaml as a table in markdown, from the schema itself."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from bcopt.districts.schema import DistrictFile
from bcopt.districts.values import WINDOW, Number, Series, Size, window

HEAD = "| key | unit or values | if left out | meaning |\n|---|---|---|---|\n"


def table() -> str:
    """Return the table: a row a key, what stands below a name of the folder's own as ``NAME``."""
    return HEAD + "".join(f"| {' | '.join(cells)} |\n" for cells in _rows(DistrictFile, ""))


def _rows(model: type[BaseModel], above: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        key = f"{above}{name}"
        inner = _model_in(field.annotation)
        yield f"`{key}`", admitted(field), _default(field), field.description or ""
        if inner is not None:
            model_of, named = inner
            yield from _rows(model_of, f"{key}.NAME." if named else f"{key}.")


def _model_in(kind: Any, named: bool = False) -> tuple[type[BaseModel], bool] | None:
    """Return the keys that stand below a key, and whether below names of the folder's own."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind, named
    if typing.get_origin(kind) is dict:
        return _model_in(typing.get_args(kind)[1], True)
    nested = (typing.Union, types.UnionType, typing.Annotated)
    arguments = typing.get_args(kind) if typing.get_origin(kind) in nested else ()
    return next((found for each in arguments if (found := _model_in(each, named))), None)


def admitted(field: FieldInfo) -> str:
    """Return what may stand at a key: a unit with its range, words to choose from, or what kind of thing."""
    for reader in _readers(field.annotation, field.metadata):
        unit = "" if reader.unit == "1" else f"{reader.unit}, "
        more = {Series: ", one or one for each hour", Size: ", or a range `least`, `most`"}.get(type(reader), "")
        return f"{unit}{reader.limits}{more}"
    if any(isinstance(each, BeforeValidator) and each.func is window for each in field.metadata):
        return WINDOW
    if words := list(_words(field.annotation)):
        return ", ".join(words)
    if (inner := _model_in(field.annotation)) is not None:
        return "names, each with keys" if inner[1] else "keys"
    if typing.get_origin(field.annotation) is dict:
        return "keys"
    kinds = (field.annotation, *typing.get_args(field.annotation))
    plain = {bool: "yes or no", int: "whole number", str: "text", float: "number"}
    return next((text for kind, text in plain.items() if kind in kinds), "keys")


def _readers(kind: Any, metadata: list[Any]) -> Iterator[Number]:
    yield from (each.func for each in metadata if isinstance(each, BeforeValidator) and isinstance(each.func, Number))
    if typing.get_origin(kind) is typing.Annotated:
        base, *inner = typing.get_args(kind)
        yield from _readers(base, inner)
    elif typing.get_origin(kind) in (typing.Union, types.UnionType):
        for each in typing.get_args(kind):
            yield from _readers(each, [])


def _words(kind: Any) -> Iterator[str]:
    """Yield the words of a choice, in lists too."""
    if typing.get_origin(kind) is typing.Literal:
        yield from map(str, typing.get_args(kind))
    else:
        for each in typing.get_args(kind):
            yield from _words(each)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    default = field.get_default(call_default_factory=True)
    if default is None or default == "" or isinstance(default, BaseModel) or default == {}:
        return ""
    return {True: "yes", False: "no"}.get(default, f"{default}") if isinstance(default, bool) else f"{default}"
