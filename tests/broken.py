"""Ways to break a file, one named kind each: what is wrong, done to a place that hypothesis draws.

A kind takes ``draw`` and what it breaks, changes it, and returns the words that the error must contain.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
import yaml
from hypothesis import strategies as st

from bcopt.compendium.inputs import RESERVED, Expected
from bcopt.studies import frontiers2022, systems2024

Draw = Callable[[st.SearchStrategy[Any]], Any]
Words = tuple[str, ...]
HOURS = [f"h{label}" for label in range(1, 25)]
NO_NUMBER = ("abc", "", "1,000", "1_000", "0x10", "1.2.3", "true", "None", "2024-01-01", "=1+1", "۱۲", "1 2", "--1")
NOT_FINITE = ("nan", "NaN", "inf", "-inf", "Infinity", "1e999")


# ---------------------------------------------------------------- any text file, byte by byte

BYTES: dict[str, Callable[[Draw, bytes], bytes]] = {
    "empty": lambda *_: b"",
    "blank lines only": lambda *_: b"\n\r\n\n",
    "binary": lambda draw, _: draw(st.binary(min_size=20, max_size=200)) + b"\x80\xff\x00",
    "picture": lambda _, content: b"\x89PNG\r\n\x1a\n" + content,
    "UTF-16": lambda _, content: content.decode().encode("utf-16"),
    "UTF-16 without mark": lambda _, content: content.decode().encode("utf-16-be"),
    "UTF-32": lambda _, content: content.decode().encode("utf-32"),
    "latin-1": lambda draw, content: _inserted(draw, content, "é".encode("latin-1")),
    "half a character": lambda draw, content: _inserted(draw, content, "é".encode()[:1]),
    "null character": lambda draw, content: _inserted(draw, content, b"\x00"),
    "control character": lambda draw, content: _inserted(draw, content, b"\x1b"),
    "lone surrogate": lambda draw, content: _inserted(draw, content, b"\xed\xa0\x80"),
}
"""Faults of the encoding."""

HARMLESS_BYTES: dict[str, Callable[[bytes], bytes]] = {
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "Windows line ends": lambda content: content.replace(b"\n", b"\r\n"),
    "blank lines at the end": lambda content: content + b"\n\n\n",
    "no line end at the end": lambda content: content.rstrip(b"\n"),
}


def _inserted(draw: Draw, content: bytes, what: bytes) -> bytes:
    """Put bytes in the middle of a word."""
    places = [i for i in range(1, len(content)) if content[i - 1 : i + 1].isalpha()]
    at = draw(st.sampled_from(places))
    return content[:at] + what + content[at:]


# ---------------------------------------------------------------- tables


@dataclass
class Table:
    """A CSV file as texts, with what its quantities must be."""

    header: list[str]
    rows: list[list[str]]
    rules: Mapping[str, Expected]

    @staticmethod
    def parse(content: bytes, rules: Mapping[str, Expected] | None = None) -> Table:
        header, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
        return Table(header, rows, rules or {})

    def written(self, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n", quoting=quoting).writerows([self.header, *self.rows])
        return buffer.getvalue().encode()

    def column(self, name: str) -> list[str]:
        return [row[self.header.index(name)] for row in self.rows]

    def put(self, row: int, name: str, text: str) -> None:
        self.rows[row][self.header.index(name)] = text

    def get(self, row: int, name: str) -> str:
        return self.rows[row][self.header.index(name)]

    @property
    def coordinates(self) -> list[str]:
        return [name for name in self.header if name not in (*RESERVED, "convention", *HOURS)]


TableKind = Callable[[Draw, Table], Words]


def any_row(draw: Draw, table: Table, where: Callable[[int], bool] = lambda _: True) -> int:
    return draw(st.sampled_from([row for row in range(len(table.rows)) if where(row)]))


def numeric(draw: Draw, table: Table) -> str:
    return draw(st.sampled_from([name for name in table.header if name == "value" or name in HOURS]))


def _cell(texts: tuple[str, ...], column: str | None = None) -> TableKind:
    def kind(draw: Draw, table: Table) -> Words:
        row, name = any_row(draw, table), column or numeric(draw, table)
        table.put(row, name, draw(st.sampled_from(texts)))
        return f"row {row + 2}, column {name}", "expected" if column == "convention" else ""

    return kind


def _bounded(side: str) -> TableKind:
    def kind(draw: Draw, table: Table) -> Words:
        def limit(row: int) -> float:
            return float(getattr(table.rules[table.get(row, "quantity")], side))

        row = any_row(draw, table, lambda row: bool(np.isfinite(limit(row))))
        beyond = draw(st.sampled_from([1e-3, 1.0, 1e6, 1e300]))
        table.put(row, numeric(draw, table), repr(limit(row) + (-beyond if side == "lower" else beyond)))
        return table.get(row, "quantity"), "expected", *(table.get(row, name) for name in table.coordinates)

    return kind


def _label(texts: tuple[str, ...]) -> TableKind:
    def kind(draw: Draw, table: Table) -> Words:
        name = draw(st.sampled_from(table.coordinates))
        row = any_row(draw, table, lambda row: table.get(row, name) != "")
        text = draw(st.sampled_from(texts))
        table.put(row, name, text)
        return name, text

    return kind


def renamed_label(draw: Draw, table: Table) -> Words:
    name = draw(st.sampled_from(table.coordinates))
    old = draw(st.sampled_from(sorted(set(table.column(name)) - {""})))
    for row in range(len(table.rows)):
        if table.get(row, name) == old:
            table.put(row, name, "x99")
    return name, "x99", "must be"


def absent_label(draw: Draw, table: Table) -> Words:
    name = draw(st.sampled_from(table.coordinates))
    old = draw(st.sampled_from(sorted(set(table.column(name)) - {""})))
    table.rows = [row for row in table.rows if row[table.header.index(name)] != old]
    return (old,)


def one_row_less(draw: Draw, table: Table) -> Words:
    row = any_row(draw, table)
    quantity, *labels = (table.get(row, name) for name in ("quantity", *table.coordinates))
    del table.rows[row]
    return tuple(labels) if any(labels) else (quantity,)


def quantity_less(draw: Draw, table: Table) -> Words:
    gone = draw(st.sampled_from(sorted(set(table.column("quantity")))))
    table.rows = [row for row in table.rows if row[table.header.index("quantity")] != gone]
    return (gone, "missing") if table.rows else ()


def quantity_renamed(draw: Draw, table: Table) -> Words:
    gone = draw(st.sampled_from(sorted(set(table.column("quantity")))))
    new = draw(st.sampled_from([gone + "s", gone.upper(), " " + gone, "unit", "Ω", *table.coordinates]))
    for row in range(len(table.rows)):
        if table.get(row, "quantity") == gone:
            table.put(row, "quantity", new)
    return (new,)


def other_unit(draw: Draw, table: Table) -> Words:
    quantity = draw(st.sampled_from(sorted(set(table.column("quantity")))))
    unit = table.rules[quantity].units
    new = draw(st.sampled_from(["k" + unit, unit + "/h", unit.swapcase() + "2", "furlong", "None", "nan"]))
    for row in range(len(table.rows)):
        if table.get(row, "quantity") == quantity:
            table.put(row, "unit", new)
    return quantity, new, f"expected {unit!r}"


def unit_of_a_row(draw: Draw, table: Table) -> Words:
    row = any_row(draw, table)
    table.put(row, "unit", "furlong")
    return table.get(row, "quantity"), "unit" if table.column("quantity").count(table.get(row, "quantity")) > 1 else ""


def repeated(changed: bool) -> TableKind:
    def kind(draw: Draw, table: Table) -> Words:
        row, at = any_row(draw, table), draw(st.integers(0, len(table.rows)))
        again, quantity = [*table.rows[row]], table.get(row, "quantity")
        if changed:
            again[table.header.index(numeric(draw, table))] = "1.25"
        table.rows.insert(at, again)
        return f"row {max(row + (at <= row), at) + 2}", quantity

    return kind


def extra_column(draw: Draw, table: Table) -> Words:
    name = draw(st.sampled_from(["note", "2024", "h25", "Value", "quantity ", "index", "x"]))
    cells = draw(st.sampled_from(["constant", "empty", "each its own", "one"]))
    at = draw(st.integers(0, len(table.header)))
    table.header.insert(at, name)
    for number, row in enumerate(table.rows):
        text = {"constant": "z", "empty": "", "each its own": f"z{number}", "one": "" if number else "z"}[cells]
        row.insert(at, text)
    return (name,)


def column_twice(draw: Draw, table: Table) -> Words:
    name = draw(st.sampled_from(table.header))
    at = draw(st.integers(0, len(table.header)))
    cells = table.column(name)
    table.header.insert(at, name)
    for row, text in zip(table.rows, cells, strict=True):
        row.insert(at, text)
    return name, "twice"


def column_without_name(draw: Draw, table: Table) -> Words:
    at = draw(st.integers(0, len(table.header)))
    table.header.insert(at, draw(st.sampled_from(["", " "])))
    for row in table.rows:
        row.insert(at, "z")
    return (f"column {at + 1}",)


def column_less(draw: Draw, table: Table) -> Words:
    name = draw(st.sampled_from(table.header))
    at, words = table.header.index(name), () if name in (*table.coordinates, "protocol") else (name,)
    table.header.remove(name)
    for row in table.rows:
        del row[at]
    return words


def column_renamed(draw: Draw, table: Table) -> Words:
    name = draw(st.sampled_from([name for name in table.header if name != "protocol"]))
    words = () if name in table.coordinates else (name,)
    table.header[table.header.index(name)] = draw(st.sampled_from([name.upper(), name + " ", "x" + name]))
    return words


def header_only(_: Draw, table: Table) -> Words:
    table.rows = []
    return ()


def no_header(_: Draw, table: Table) -> Words:
    table.header, *table.rows = table.rows
    return ()


def cell_more(draw: Draw, table: Table) -> Words:
    row = any_row(draw, table)
    table.rows[row].append(draw(st.sampled_from(["", "z"])))
    return (f"row {row + 2}",)


def cell_less(draw: Draw, table: Table) -> Words:
    row = any_row(draw, table)
    del table.rows[row][draw(st.integers(0, len(table.header) - 1))]
    return (f"row {row + 2}",)


def cells_shifted(_: Draw, table: Table) -> Words:
    """One cell more in every row, which pandas would take for labels of rows."""
    table.rows = [["z", *row] for row in table.rows]
    return ("row 2",)


def hours_less(draw: Draw, table: Table) -> Words:
    for name in draw(st.lists(st.sampled_from(HOURS), min_size=1, max_size=24, unique=True)):
        at = table.header.index(name)
        table.header.remove(name)
        for row in table.rows:
            del row[at]
    return "column h", "missing"


def hour_column_twice(draw: Draw, table: Table) -> Words:
    one, other = draw(st.lists(st.sampled_from(HOURS), min_size=2, max_size=2, unique=True))
    table.header[table.header.index(one)] = other
    return (other,)


def column_of_the_other_shape(draw: Draw, table: Table) -> Words:
    name = draw(st.sampled_from(["hour", "value"]))
    table.header.append(name)
    table.rows = [[*row, "1"] for row in table.rows]
    return (name,)


STRUCTURE: dict[str, TableKind] = {
    "extra column": extra_column,
    "column twice": column_twice,
    "column without a name": column_without_name,
    "column less": column_less,
    "column renamed": column_renamed,
    "header only": header_only,
    "no header": no_header,
    "cell more": cell_more,
    "cell less": cell_less,
    "cell more in every row": cells_shifted,
}
"""Faults of any table."""
QUANTITIES: dict[str, TableKind] = {
    **STRUCTURE,
    "no number": _cell(NO_NUMBER),
    "not finite": _cell(NOT_FINITE),
    "below the least": _bounded("lower"),
    "above the greatest": _bounded("upper"),
    "provenance": _cell(("guessed", "", "Published", "nan"), "provenance"),
    "source empty": _cell(("", "  "), "source"),
    "description empty": _cell(("", "\t"), "description"),
    "unit empty": _cell(("", " "), "unit"),
    "quantity empty": _cell(("", " "), "quantity"),
    "wrong unit": other_unit,
    "wrong unit in a row": unit_of_a_row,
    "row twice": repeated(False),
    "two values": repeated(True),
    "row less": one_row_less,
    "quantity less": quantity_less,
    "quantity renamed": quantity_renamed,
    "unknown label": _label(("x13", "Ω", "9" * 5000, "-1", "1.5", " ")),
    "label empty": _label(("",)),
    "label renamed": renamed_label,
    "label less": absent_label,
}
"""Faults of a table of quantities."""
HOURLY: dict[str, TableKind] = {
    **QUANTITIES,
    "convention": _cell(("", "begins", "Ends", "nan"), "convention"),
    "hour less": hours_less,
    "hour twice": hour_column_twice,
    "column of a long table": column_of_the_other_shape,
}
"""Faults of an hourly table."""
OF_LABELS = ("unknown label", "label empty", "label renamed", "label less")
OF_BOUNDS = {"below the least": "lower", "above the greatest": "upper"}


# ---------------------------------------------------------------- claims


def claim_less(draw: Draw, table: Table) -> Words:
    gone = draw(st.sampled_from(["S-3.1-cost-before", "S-3.3-gas-heat", "E-5.5-opt-shw", "F-4.3-cost-hotel"]))
    table.rows = [row for row in table.rows if row[table.header.index("id")] != gone]
    return (gone,)


def claim_twice(draw: Draw, table: Table) -> Words:
    row, other = draw(st.lists(st.sampled_from(range(len(table.rows))), min_size=2, max_size=2, unique=True))
    table.put(row, "id", table.get(other, "id"))
    return table.get(other, "id"), "twice"


CLAIMS: dict[str, TableKind] = {
    **STRUCTURE,
    "id": _cell(("", "S 3.1", "s-3.1-x", "S-", "nan"), "id"),
    "id twice": claim_twice,
    "class": _cell(("", "guess", "Input", "nan"), "class"),
    "no number": _cell(("abc", "1e5", "nan", "inf", "1,0000", "1_000", "True", "1.", " 1"), "printed"),
    "paper": _cell(("", "systems2025", "nan"), "paper"),
    "statement empty": _cell(("", " "), "statement"),
    "locator empty": _cell(("", " "), "locator"),
    "claim less": claim_less,
}
"""Faults of the table of claims."""


# ---------------------------------------------------------------- tables with a row a scenario


def _in_column(kind_of: Callable[[str], bool], texts: tuple[str, ...]) -> TableKind:
    def kind(draw: Draw, table: Table) -> Words:
        name = draw(st.sampled_from([name for name in table.header if kind_of(name)]))
        row = any_row(draw, table)
        table.put(row, name, draw(st.sampled_from(texts)))
        return f"row {row + 2}, column {name}", "expected"

    return kind


def scenario_less(draw: Draw, table: Table) -> Words:
    row = any_row(draw, table)
    words = (table.get(row, "scenario"),)
    del table.rows[row]
    return words


def scenario_twice(draw: Draw, table: Table) -> Words:
    row = any_row(draw, table)
    table.rows.append([*table.rows[row]])
    return (table.get(row, "scenario"), f"row {len(table.rows) + 1}")


def scenario_renamed(draw: Draw, table: Table) -> Words:
    row = any_row(draw, table)
    table.put(row, "scenario", new := draw(st.sampled_from(["", "Central", "loads: snow", "nan"])))
    return (f"row {row + 2}", new)


def stamp_less(draw: Draw, table: Table) -> Words:
    row = any_row(draw, table)
    table.put(row, "protocol", draw(st.sampled_from(["", "nan", "0" * 64])))
    return ("data/protocol.yaml",)


NUMBER, TRUTH = (lambda name: name.endswith("]")), (lambda name: " hold" in name or name.startswith(("no ", "grid")))
SWEPT: dict[str, TableKind] = {
    **STRUCTURE,
    "no number": _in_column(NUMBER, NO_NUMBER),
    "not finite": _in_column(NUMBER, NOT_FINITE),
    "scenario less": scenario_less,
    "scenario twice": scenario_twice,
    "scenario renamed": scenario_renamed,
    "another protocol": stamp_less,
}
"""Faults of a table with a row a scenario."""


# ---------------------------------------------------------------- YAML

TAGS = (
    "python/object/apply:os.system [ls]",
    "python/name:os.system",
    "bool maybe",
    "int abc",
    "float abc",
    "timestamp abc",
    "binary '*'",
    "set [1]",
    "omap 1",
    "pairs {a: 1}",
    "null x",
)
_MANY = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else '1'] * 9)}]\n" for n in range(9))
"""Nine anchors that stand for a thousand million values."""


def _before(*starts: str) -> Callable[[Draw, str], str]:
    """Put one of some texts before all others."""
    return lambda draw, text: draw(st.sampled_from(starts)) + text


YAML_TEXTS: dict[str, Callable[[Draw, str], str]] = {
    "tab": lambda draw, text: _line(draw, text, lambda line: "\t" + line),
    "one blank more": lambda draw, text: _line(draw, text, lambda line: "   " + line, once=True),
    "no colon": lambda draw, text: _line(draw, text, lambda line: line.replace(":", " ", 1)),
    "key twice": lambda draw, text: _line(draw, text, lambda line: f"{line}\n{line}", once=True),
    "quote not closed": lambda draw, text: _line(draw, text, lambda line: line.replace(": ", ': "', 1)),
    "bracket not closed": lambda draw, text: _line(draw, text, lambda line: line.replace(": ", ": [", 1)),
    "alias of nothing": lambda draw, text: _line(draw, text, lambda line: line.replace(": ", ": *x ", 1)),
    "anchor": _before("anchor: &x 1\nalias: *x\n"),
    "anchor in itself": _before("anchor: &x [*x]\n"),
    "many anchors": _before(_MANY),
    "merge": _before("<<: {anchor: 1}\n", "<<: 1\n", "<<: [1]\n"),
    "tag": _before(*(f"x: !!{tag}\n" for tag in TAGS), "!!str x: 1\n", "x: !own x\n", "x: ! x\n"),
    "value sign": _before("x: =\n"),
    "no number": _before("x: 0b_\n", "x: 0x_\n", "x: -0b_\n", "x: ._\n"),
    "date": _before("x: 2024-13-45\n", "2024-01-01: 1\n", "2024-02-30T25:61:61Z: 1\n"),
    "huge number": _before("x: " + "9" * 5000 + "\n", "x: 0x" + "f" * 5000 + "\n", "x: " + "1:" * 900 + "1\n"),
    "two documents": lambda _, text: text + "---\n" + text,
    "directive": _before("%YAML 3.0\n---\n"),
    "deep": _before("x: " + "[" * 5000 + "]" * 5000 + "\n", "x: " + "{a: " * 3000 + "}" * 3000 + "\n"),
    "key of many parts": _before("? [1, 2]\n: 3\n", "{a: 1}: 2\n", "? {a: 1}\n"),
    "key that is no text": _before("1: 1\n", "true: 1\n", "null: 1\n", ".nan: 1\n"),
    "reserved sign": _before("@x: 1\n", "`x: 1\n", "%x: 1\n", "x: @\n"),
    "list": lambda *_: "- a\n- b\n",
    "scalar": lambda draw, _: draw(st.sampled_from(["abc\n", "1\n", "~\n", ".nan\n", "true\n", "2024-13-01\n"])),
    "comments only": lambda *_: "# nothing\n",
    "cut": lambda draw, text: _cut(draw, text),
}  # fmt: skip
"""Faults of any YAML file, as text."""


def _line(draw: Draw, text: str, change: Callable[[str], str], once: bool = False) -> str:
    """Change a line that has a key and a plain value; ``once`` one that another of its mapping follows."""
    lines = text.splitlines()
    keyed = [
        i
        for i, line in enumerate(lines[:-1])
        if line.lstrip()[:1].isalpha() and ": " in line and ">-" not in line and "- " not in line
        and (not once or lines[i + 1].startswith(line[: len(line) - len(line.lstrip())] + line.lstrip()[:0]))
        and lines[i + 1][:1] == line[:1] == " "
        and len(lines[i + 1]) - len(lines[i + 1].lstrip()) == len(line) - len(line.lstrip())
    ]  # fmt: skip
    at = draw(st.sampled_from(keyed))
    lines[at] = change(lines[at])
    return "\n".join(lines) + "\n"


def _cut(draw: Draw, text: str) -> str:
    """Return a file that ends in the middle of a key."""
    places = [i for i, line in enumerate(text.splitlines()) if line.startswith("  ") and ":" in line and i > 3]
    lines = text.splitlines()[: draw(st.sampled_from(places)) + 1]
    return "\n".join([*lines[:-1], lines[-1].partition(":")[0]])


Path = tuple[Any, ...]


def places(content: Any, at: Path = ()) -> list[tuple[Path, Any]]:
    """Return every place of nested mappings and lists with what is there."""
    inside = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [((*at, key), value) for key, value in inside] + [
        place for key, value in inside for place in places(value, (*at, key))
    ]


def put(content: Any, at: Path, value: Any) -> None:
    for key in at[:-1]:
        content = content[key]
    content[at[-1]] = value


def dumped(content: Any) -> bytes:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode()


def _in_tree(where: Callable[[Path, Any], bool], values: tuple[Any, ...]) -> Callable[[Draw, Any], Words]:
    """Put one of some values at one of some places; the error names the last key."""

    def kind(draw: Draw, content: Any) -> Words:
        at = draw(st.sampled_from([at for at, value in places(content) if where(at, value)]))
        put(content, at, draw(st.sampled_from(values)))
        return (str(at[-1]),)

    return kind


def _is_scalar(at: Path, value: Any) -> bool:
    return not isinstance(value, (dict, list)) and value is not None and not isinstance(at[-1], int)


def _is_number(at: Path, value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and _is_checked(at, value)


def _is_checked(at: Path, value: Any) -> bool:
    """Say whether a place of the protocol is no choice, which may be any number, text or truth."""
    return _is_scalar(at, value) and at[-1] != "value"


def _key_less(draw: Draw, content: Any) -> Words:
    at = draw(st.sampled_from([at for at, _ in places(content) if _required(at)]))
    *above, key = at
    inside = content
    for part in above:
        inside = inside[part]
    del inside[key]
    return (str(key),)


def _required(at: Path) -> bool:
    """Say whether a key must be there: sections and their keys, not what people may name."""
    of_people = at[0] in ("tables", "licences", "columns", "provenance", "conventions", "folders") and len(at) < 3
    optional = at[-1] in ("licence", "provenance") and len(at) == 3
    named = len(at) > 1 and at[1] in ("choices", "held_out", "fits") and len(at) == 3
    return not isinstance(at[-1], int) and not of_people and not optional and not named


def _key_more(draw: Draw, content: Any) -> Words:
    inside = [content, *(value for at, value in places(content) if isinstance(value, dict) and _closed(at))]
    key = draw(st.sampled_from(["zzz", "Seed ", "n/a", "1"]))
    inside[draw(st.integers(0, len(inside) - 1))][key] = draw(st.sampled_from([1, "x", None, [], {}]))
    return (key,)


def _closed(at: Path) -> bool:
    """Say whether a mapping has a fixed set of keys."""
    return at[-1] not in ("choices", "held_out", "columns")


YAML_TREES: dict[str, Callable[[Draw, Any], Words]] = {
    "list or mapping for a value": _in_tree(_is_scalar, ([], [1, 2], [[1]], {}, {"a": 1}, {"a": {"b": []}})),
    "nothing for a value": lambda draw, content: _in_tree(
        lambda at, value: _is_scalar(at, value) and at[-1] != "epw", (None,)
    )(draw, content),
    "value for a mapping": _in_tree(lambda _, value: isinstance(value, dict), (1, "x", None, [], [1], True, 0.5)),
    "key less": _key_less,
    "key more": _key_more,
}
"""Faults of any YAML file, by place."""
NUMBERS: dict[str, Callable[[Draw, Any], Words]] = {
    "text for a number": _in_tree(_is_number, ("abc", "1", "", "1,5", "nan")),
    "date for a number": _in_tree(_is_number, (datetime.date(2024, 1, 1),)),
    "truth for a number": _in_tree(_is_number, (True, False)),
    "negative": _in_tree(lambda at, value: _is_number(at, value) and at[-1] != "hour_shift", (-1, -0.5, -1e300)),
    "huge": _in_tree(_is_number, (10**30, 10**400, -(10**19))),
    "not finite": _in_tree(_is_number, (float("inf"), float("nan"), float("-inf"))),
    "number for a text": _in_tree(lambda at, value: isinstance(value, str) and _is_checked(at, value), (1, 0.5, True)),
}
"""Faults of params.yaml and of what the protocol says beside its choices."""


def _choice(of: Callable[[Any], bool], values: tuple[Any, ...]) -> Callable[[Draw, Any], Words]:
    """Put another value, or another alternative, into a choice of a study whose scenarios are made of them."""

    def kind(draw: Draw, content: Any) -> Words:
        study, name = draw(
            st.sampled_from(
                [
                    (study, name)
                    for study, choices in SCENARIOS.items()
                    for name in choices
                    if of(content[study]["choices"][name]["value"]) and name not in FREE
                ]
            )
        )
        choice = content[study]["choices"][name]
        new = draw(st.sampled_from(values))
        if draw(st.booleans()):
            choice["value"] = new
        else:
            choice["alternatives"] = [*choice["alternatives"], new]
        return (name,)

    return kind


SCENARIOS = {"systems2024": systems2024.scenario.CHOICES, "frontiers2022": frontiers2022.scenario.CHOICES}
FREE = ("room_shares", "base_load", "export_price")
"""Choices in free words, and one of numbers and words."""


def _choice_less(draw: Draw, content: Any) -> Words:
    study = draw(st.sampled_from(sorted(SCENARIOS)))
    name = draw(st.sampled_from(SCENARIOS[study]))
    del content[study]["choices"][name]
    return (name,)


def _study_less(draw: Draw, content: Any) -> Words:
    study = draw(st.sampled_from(sorted(SCENARIOS)))
    del content[study]
    return (study,)


CHOICES: dict[str, Callable[[Draw, Any], Words]] = {
    "unknown word": _choice(lambda value: isinstance(value, str), ("maybe", "", "None")),
    "number for a word": _choice(lambda value: isinstance(value, str), (1, 0.5, True)),
    "word for a number": _choice(lambda value: isinstance(value, float), ("abc", "1.5", True)),
    "number for a truth": _choice(lambda value: isinstance(value, bool), (0, 1, "yes", 0.5)),
    "not finite": _choice(lambda value: isinstance(value, float), (float("nan"), float("inf"))),
    "choice less": _choice_less,
    "study less": _study_less,
}
"""Faults of the protocol's choices."""


# ---------------------------------------------------------------- arrays


def arrays(path: Any) -> xr.Dataset:
    with xr.open_dataset(path, decode_times=False) as dataset:
        return dataset.load()


def _some(draw: Draw, dataset: xr.Dataset) -> str:
    numbers = [str(name) for name, array in dataset.data_vars.items() if array.dtype.kind == "f"]
    return draw(st.sampled_from(sorted(numbers)))


def _value_at(draw: Draw, dataset: xr.Dataset, value: float) -> tuple[xr.Dataset, Words]:
    name = _some(draw, dataset)
    array = dataset[name].copy(deep=True)
    at = tuple(draw(st.integers(0, size - 1)) for size in array.shape)
    array.to_numpy()[at] = value
    labels = tuple(str(array[dim].to_numpy()[i]) for dim, i in zip(array.dims, at, strict=True))
    return dataset.assign({name: array}), (name, *labels)


def _hour(draw: Draw, dataset: xr.Dataset) -> int:
    return draw(st.integers(0, dataset.sizes["hour"] - 1))


def _without_variable(draw: Draw, dataset: xr.Dataset) -> tuple[xr.Dataset, Words]:
    name = draw(st.sampled_from(sorted(map(str, dataset.data_vars))))
    return dataset.drop_vars(name), (name, "missing")


def _other_units(draw: Draw, dataset: xr.Dataset) -> tuple[xr.Dataset, Words]:
    name = _some(draw, dataset)
    attributes = {**dataset[name].attrs, "units": "furlong"}
    return dataset.assign({name: dataset[name].assign_attrs(attributes)}), (name, "furlong")


def _without_units(draw: Draw, dataset: xr.Dataset) -> tuple[xr.Dataset, Words]:
    name = _some(draw, dataset)
    return dataset.assign({name: dataset[name].drop_attrs()}), (name, "expected")


def _label_of(draw: Draw, dataset: xr.Dataset) -> str:
    return draw(st.sampled_from(sorted(str(dim) for dim in dataset.dims if dim != "hour")))


def _renamed_label(draw: Draw, dataset: xr.Dataset) -> tuple[xr.Dataset, Words]:
    dim = _label_of(draw, dataset)
    labels = dataset[dim].to_numpy().astype(object)
    labels[draw(st.integers(0, len(labels) - 1))] = 99 if dim == "month" else "x99"
    return dataset.assign_coords({dim: labels.tolist()}), (dim, "99")


def _without_label(draw: Draw, dataset: xr.Dataset) -> tuple[xr.Dataset, Words]:
    dim = _label_of(draw, dataset)
    at = draw(st.integers(0, dataset.sizes[dim] - 1))
    gone = str(dataset[dim].to_numpy()[at])
    return dataset.isel({dim: [i for i in range(dataset.sizes[dim]) if i != at]}), (dim, gone)


def _label_twice(draw: Draw, dataset: xr.Dataset) -> tuple[xr.Dataset, Words]:
    dim = _label_of(draw, dataset)
    return dataset.isel({dim: [*range(dataset.sizes[dim]), 0]}), (dim, str(dataset[dim].to_numpy()[0]))


def _without_dimension(draw: Draw, dataset: xr.Dataset) -> tuple[xr.Dataset, Words]:
    dim = draw(st.sampled_from(sorted(map(str, dataset.dims))))
    return dataset.isel({dim: 0}, drop=True), (dim,)


def _without_attribute(draw: Draw, dataset: xr.Dataset) -> tuple[xr.Dataset, Words]:
    name = draw(st.sampled_from(sorted(map(str, dataset.attrs))))
    return dataset.assign_attrs({}).drop_attrs(deep=False).assign_attrs(
        {key: value for key, value in dataset.attrs.items() if key != name}
    ), (name,)


ARRAYS: dict[str, Callable[[Draw, xr.Dataset], tuple[xr.Dataset, Words]]] = {
    "NaN": lambda draw, dataset: _value_at(draw, dataset, np.nan),
    "infinite": lambda draw, dataset: _value_at(draw, dataset, draw(st.sampled_from([np.inf, -np.inf]))),
    "negative": lambda draw, dataset: _value_at(draw, dataset, -1e9),
    "all NaN": lambda draw, dataset: ((lambda name: (dataset.assign({name: dataset[name] * np.nan}), (name,)))(
        _some(draw, dataset)
    )),
    "variable less": _without_variable,
    "variable more": lambda _, dataset: (dataset.assign(more=0.0), ("more",)),
    "wrong unit": _other_units,
    "no unit": _without_units,
    "texts for numbers": lambda draw, dataset: ((lambda name: (
        dataset.assign({name: dataset[name].astype(str).assign_attrs(dataset[name].attrs)}), (name,)
    ))(_some(draw, dataset))),
    "hour less": lambda _, dataset: (
        dataset.isel(hour=[h for h in range(dataset.sizes["hour"]) if h != 5]), ("hour", "5")
    ),
    "hour twice": lambda _, dataset: (dataset.isel(hour=[0, *range(dataset.sizes["hour"])]), ("hour", "0")),
    "hours from one": lambda _, dataset: (dataset.assign_coords(hour=dataset["hour"] + 1), ("hour",)),
    "hours moved": lambda _, dataset: (dataset.drop_vars("hour"), ("hour",)),
    "label renamed": _renamed_label,
    "label less": _without_label,
    "label twice": _label_twice,
    "dimension less": _without_dimension,
    "attribute less": _without_attribute,
}  # fmt: skip
"""Faults of a file of arrays."""
ARRAY_BYTES: dict[str, Callable[[Draw, bytes], bytes]] = {
    "empty": lambda *_: b"",
    "binary": lambda draw, _: draw(st.binary(min_size=20, max_size=200)) + b"\x80",
    "text": lambda *_: b"hour,cluster\n1,x1\n",
    "cut": lambda draw, content: content[: draw(st.integers(1, len(content) - 2000))],
    "begins otherwise": lambda _, content: b"\x00" * 64 + content[64:],
    "page": lambda *_: b"<!DOCTYPE html><html></html>",
}
"""Faults of a file of arrays, byte by byte."""


def _reordered(draw: Draw, table: Table) -> bytes:
    table.rows = draw(st.permutations(table.rows))
    return table.written()


def _columns_reordered(draw: Draw, table: Table) -> bytes:
    order = draw(st.permutations(range(len(table.header))))
    table.header = [table.header[i] for i in order]
    table.rows = [[row[i] for i in order] for row in table.rows]
    return table.written()


HARMLESS_TABLES: dict[str, Callable[[Draw, Table], bytes]] = {
    "rows in another order": _reordered,
    "columns in another order": _columns_reordered,
    "every cell in quotes": lambda _, table: table.written(csv.QUOTE_ALL),
}
