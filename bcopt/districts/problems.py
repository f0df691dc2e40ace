"""Every problem of a district.yaml in a planner's words, with the line on which it stands."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bcopt.compendium.problems import InputError
from bcopt.districts import units
from bcopt.districts.keys import admitted
from bcopt.districts.schema import DistrictFile
from bcopt.districts.values import shown

FILE = "district.yaml"
_KINDS = {
    "string_type": "text, a number in quotes",
    "string_too_short": "text",
    "string_too_long": "a shorter text",
    "bool_type": "yes or no",
    "bool_parsing": "yes or no",
    "tuple_type": "a list in brackets, such as [mix, sizing]",
}
_YAML = {
    "'\\t'": "a tab, expected blanks",
    "mapping values are not allowed": "a colon that was not expected: indent with blanks, put text with ': ' in quotes",
    "expected <block end>": "indented otherwise than the keys that it stands with",
    "could not find expected ':'": "a key without a colon",
    "expected ',' or '}'": "expected a comma or a closing brace }",
    "expected ',' or ']'": "expected a comma or a closing bracket ]",
    "constructor for the tag": "a value of a kind of its own (! or <<), expected plain text, numbers and lists",
}
"""What a reader of YAML finds, and how it is said."""
_QUOTED = re.compile("'(.*?)'")
_PLACED = re.compile(rf"^{FILE}: line (\d+)")
Key = tuple[str | int, ...]


def line_numbers(text: str) -> dict[Key, int]:
    """Return the line on which each key of a YAML text stands, counted from 1."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found: dict[Key, int] = {(): 1}

    def visit(node: yaml.Node | None, key: Key) -> None:
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                place = (*key, str(name.value))
                found[place] = name.start_mark.line + 1
                visit(value, place)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                place = (*key, index)
                found[place] = value.start_mark.line + 1
                visit(value, place)

    visit(root, ())
    return found


def located(key: Key, text: str, lines: Mapping[Key, int]) -> str:
    """Return a problem with its file, the nearest line that is there, and its key."""
    return f"{FILE}, line {_line(key, lines)}: {'.'.join(map(str, key)) or 'file'}: {text}"


def _line(key: Key, lines: Mapping[Key, int]) -> int:
    """Return the line of a key, or of the nearest above it that is there."""
    while key not in lines:
        key = key[:-1]
    return lines[key]


def of_yaml(error: InputError) -> list[str]:
    """Return why a district.yaml cannot be read, in a planner's words and with the line."""
    fault = error.__cause__
    if not isinstance(fault, yaml.MarkedYAMLError) or fault.problem_mark is None:
        return [_PLACED.sub(rf"{FILE}, line \1", f"{FILE}: {problem}") for problem in error.problems]
    text = next((said for part, said in _YAML.items() if part in (fault.problem or "")), fault.problem or "")
    began = fault.context_mark
    since = (
        f"; what is not right began on line {began.line + 1}" if began and began.line < fault.problem_mark.line else ""
    )
    return [f"{FILE}, line {fault.problem_mark.line + 1}: {text}{since}"]


def of_schema(error: ValidationError, content: Mapping[str, Any], lines: Mapping[Key, int]) -> dict[Key, str]:
    """Return what the schema found by key, in the order of the file."""
    found: dict[Key, ErrorDetails] = {}
    for fault in error.errors():
        key = _followed(fault, content)
        if key not in found or found[key]["type"] in ("model_type", "dict_type", "float_type"):
            found[key] = fault
    kept = {
        key: fault
        for key, fault in found.items()
        if not any(other[: len(key)] == key and len(other) > len(key) for other in found)
    }
    currency = str(content.get("currency", units.MONEY))
    said = {_origin(key, lines): _said(key, fault, currency) for key, fault in kept.items()}
    return {key: said[key] for key in sorted(said, key=lambda key: _line(key, lines))}


def _origin(key: Key, lines: Mapping[Key, int]) -> Key:
    """Return where a key of a cluster was written: there, or with the defaults of every cluster."""
    common = ("every_cluster", *key[2:])
    is_common = key[0] == "clusters" and len(key) > 2 and common in lines and lines.get(key) == lines[common]
    return common if is_common else key


def _followed(fault: ErrorDetails, content: Any) -> Key:
    """Return the key of the file that a fault is about, without the kinds that were tried there."""
    key: list[str | int] = []
    for number, part in enumerate(fault["loc"]):
        if isinstance(content, Mapping) and part in content:
            content = content[part]
        elif isinstance(content, Sequence) and not isinstance(content, str) and isinstance(part, int):
            content = content[part] if part < len(content) else None
        elif not (fault["type"] == "missing" and number == len(fault["loc"]) - 1):
            continue
        key.append(part)
    return tuple(key)


def _said(key: Key, fault: ErrorDetails, currency: str) -> str:
    kind, given, field = fault["type"], fault["input"], _field(key)
    if kind == "missing":
        wanted = f", expected {units.shown(admitted(field), currency)}: {field.description}" if field else ""
        return f"missing{wanted}"
    if kind == "extra_forbidden":
        return unknown(str(key[-1]), list(_fields(_kind_at(key[:-1]))))
    if kind == "value_error":
        return fault["msg"].partition(", ")[2]
    if kind == "literal_error":
        words = fault["ctx"]["expected"]
        near = _meant(str(given), _QUOTED.findall(words))
        return f"is {shown(given)}, {near}expected {words}"
    return f"is {shown(given)}, expected {_wanted(kind, key, field)}"


def _wanted(kind: str, key: Key, field: FieldInfo | None) -> str:
    """Say what kind of value was expected."""
    if kind in ("int_type", "greater_than_equal", "less_than_equal") and field:
        ends = {type(each).__name__: each for each in field.metadata}
        return f"a whole number from {ends['Ge'].ge} to {ends['Le'].le}"
    if kind in ("model_type", "model_attributes_type", "dict_type", "dict_attributes_type"):
        names = list(_fields(_kind_at(key)))[:3]
        own = f"keys of its own such as {', '.join(names)}" if names else "keys of its own"
        return f"names, each with {own}" if key in (("clusters",), ("tariffs",)) else own
    if kind == "too_short":
        return "at least one"
    return _KINDS.get(kind) or (admitted(field) if field else "another kind of value")


def unknown(name: str, known: Sequence[str]) -> str:
    """Say that a name is unknown, which one may be meant, and which there are."""
    return f"unknown, {_meant(name, known)}known here: {', '.join(known) or 'none'}"


def _meant(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}? " if near else ""


def _field(key: Key) -> FieldInfo | None:
    """Return what the schema says of a key, nothing for keys that it does not know."""
    return _fields(_kind_at(key[:-1])).get(str(key[-1])) if key else None


def _fields(kind: Any) -> dict[str, FieldInfo]:
    return dict(kind.model_fields) if _is_model(kind) else {}


def _kind_at(key: Key) -> Any:
    """Return the model that stands at a key of the schema."""
    kind: Any = DistrictFile
    for part in key:
        if _is_model(kind):
            field = kind.model_fields.get(str(part))
            kind = _plain(field.annotation) if field else None
        elif typing.get_origin(kind) is dict:
            kind = _plain(typing.get_args(kind)[1])
    return kind


def _plain(kind: Any) -> Any:
    """Return the model or mapping among the kinds that a field admits."""
    if typing.get_origin(kind) is typing.Annotated:
        return _plain(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        found = [_plain(each) for each in typing.get_args(kind)]
        return next((each for each in found if typing.get_origin(each) is dict or _is_model(each)), None)
    return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
