"""Input tables: every fault is named by file, row and column, all of them at once, and nothing is lost or moved."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bcopt.compendium.hourly import read_hourly
from bcopt.compendium.inputs import PROVENANCE, Expected, check_dataset, provenance_table, read_quantities
from bcopt.compendium.problems import InputError

CHECKOUT = Path(__file__).parents[2]
TABLES = sorted((CHECKOUT / "data").glob("[!d]*/*.csv"))
HEADER = "quantity,plan,month,value,unit,provenance,source,description"
GOOD = f"""\
{HEADER}
area,,,11.6,km2,published,section 5.1,area of the park
cost,before,,3.5,yuan,published,section 5.2,annual cost
cost,after,,-2,yuan,fitted,step 1,annual cost
load,before,1,1e3,kWh,assumed,standard,load of a month
load,before,2,2,kWh,assumed,standard,load of a month
load,after,1,3,kWh,assumed,"standard, again",load of a month
load,after,2,4,kWh,assumed,standard,load of a month
"""


def read(folder: Path, content: str | bytes) -> xr.Dataset:
    path = folder / "data/published/x.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_quantities(path, folder)


def faults(folder: Path, content: str | bytes) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(folder, content)
    assert caught.value.source == "data/published/x.csv"
    return list(caught.value.problems)


def test_good_table(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert found["area"].item() == 11.6
    assert found["area"].dims == ()
    assert found["cost"].dims == ("plan",)
    assert found["cost"].sel(plan="after").item() == -2
    assert found["load"].sel(plan="after", month=1).item() == 3
    assert found["load"].sel(plan="before").to_numpy().tolist() == [1000, 2]
    assert found["plan"].to_numpy().tolist() == ["before", "after"]
    assert found["month"].dtype.kind == "i", "labels that are all numbers are numbers"
    assert found["load"].attrs == {
        "units": "kWh",
        "long_name": "load of a month",
        "provenance": "assumed",
        "source": "standard; standard, again",
    }
    assert found["cost"].attrs["provenance"] == "published; fitted"


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    xr.testing.assert_identical(
        read(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()), read(tmp_path, GOOD)
    )


ROW = "cost,before,,3.5,yuan,published,section 5.2,annual cost"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (",value,", ",amount,", ["column value: missing"]),
        (",value,unit,", ",amount,units,", ["column value: missing", "column unit: missing"]),
        (ROW, ROW.replace("cost,before", " ,before"), ["row 3, column quantity: ' ' is empty"]),
        (ROW, ROW.replace("yuan", ""), ["row 3, column unit: '' is empty"]),
        (ROW, ROW.replace("section 5.2", ""), ["row 3, column source: '' is empty"]),
        (ROW, ROW.replace("annual cost", ""), ["row 3, column description: '' is empty"]),
        (ROW, ROW.replace("section 5.2,annual cost", "section 5.2"), ["row 3: has 7 cells, expected 8 as the header"]),
        (ROW, ROW.replace("3.5", "inf"), ["row 3, column value: inf is not a finite number"]),
        (ROW, ROW.replace("3.5", "-1e999"), ["row 3, column value: -inf is not a finite number"]),
        (
            ROW,
            ROW.replace("published", "guessed"),
            ["row 3, column provenance: 'guessed' is none of published, derived"],
        ),
        (ROW, ROW.replace("published", ""), ["row 3, column provenance: '' is none of published, derived"]),
        (ROW, ROW.replace("yuan", "USD"), ["quantity cost: two texts in column unit: ['USD', 'yuan']"]),
        (ROW, ROW.replace("annual", "daily"), ["quantity cost: two texts in column description"]),
        (ROW, ROW + "\n" + ROW.replace("3.5", "3.6"), ["row 4: a second value of cost at plan before"]),
        (ROW, ROW + "\n" + ROW, ["row 4: a second value of cost at plan before"]),
        ("area,", "area,,,1,km2,published,section 5.1,area of the park\narea,", ["row 3: a second value of area"]),
        (ROW, ROW.replace("before", ""), ["row 3, column plan: empty, but cost varies over it"]),
        (ROW + "\n", "", ["quantity cost: no row for plan before"]),
        ("load,after,1,3,", "load,before,3,3,", [f"quantity load: no row for plan after, month {m}" for m in "13"]),
        (ROW, ROW + ",extra", ["row 3: has 9 cells, expected 8 as the header"]),
        (ROW, ROW.replace("annual", '"annual'), ["is not a UTF-8 table with a header row: "]),
    ],
)
def test_each_fault(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert old in GOOD
    found = faults(tmp_path, GOOD.replace(old, new, 1))
    assert len(found) == len(expected), found
    assert [start for start, problem in zip(expected, found, strict=True) if not problem.startswith(start)] == []


@pytest.mark.parametrize("text", ["", " ", "abc", "1 000", '"1,000"', "1.2.3", "--"])
def test_not_a_number(tmp_path: Path, text: str) -> None:
    """One fault is one line, however many checks see it."""
    found = faults(tmp_path, GOOD.replace(ROW, ROW.replace("3.5", text)))
    plain = text.strip('"')
    assert found == [f"row 3, column value: {plain!r} is not a number"]


@pytest.mark.parametrize("text", ["nan", "NaN"])
def test_nan(tmp_path: Path, text: str) -> None:
    (found,) = faults(tmp_path, GOOD.replace(ROW, ROW.replace("3.5", text)))
    assert found.startswith("row 3, column value: ")
    assert "not a finite number" in found, "a reader of the message need not know pandera"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^data/y\.csv: 1 problem\n  - the file does not exist$"):
        read_quantities(tmp_path / "data/y.csv", tmp_path)
    with pytest.raises(InputError, match=r"^/.*y\.csv: 1 problem"):
        read_quantities(tmp_path / "y.csv", tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", HEADER.encode() + b"\n\xff,,,1,m,published,s,d\n", GOOD.encode("utf-16")]
)
def test_not_a_table(tmp_path: Path, content: bytes) -> None:
    (found,) = faults(tmp_path, content)
    assert found.startswith("is not a UTF-8 table with a header row: ")


def test_one_field_too_many_in_every_row(tmp_path: Path) -> None:
    """Pandas takes the first column for an index then, and every column moves by one."""
    rows = GOOD.splitlines()
    assert faults(tmp_path, "\n".join([rows[0], *(row + "," for row in rows[1:])]))


def test_several_cells_at_once(tmp_path: Path) -> None:
    table = f"{HEADER}\na,,,inf,,published,s,d\nb,,,2,kW,guess, ,d\nc,,,3,kW,published,s,\n"
    assert sorted(faults(tmp_path, table)) == [
        "row 2, column unit: '' is empty",
        "row 2, column value: inf is not a finite number",
        "row 3, column provenance: 'guess' is none of published, derived, fitted, assumed",
        "row 3, column source: ' ' is empty",
        "row 4, column description: '' is empty",
    ]


def test_cells_and_structure_at_once(tmp_path: Path) -> None:
    """The docstring promises a single list: no second round after the first is mended."""
    table = f"{HEADER}\na,,,abc,kW,published,s,d\nb,,,inf,kW,published,s,d\n"
    table += "c,,,1,kW,published,s,d\nc,,,1,MW,published,s,d\nd,x,,1,kW,published,s,d\nd,y,,1,kW,published,s,d\n"
    table += "e,x,,1,kW,published,s,d\n"
    found = "\n".join(faults(tmp_path, table))
    for part in ("row 2", "row 3", "two texts in column unit", "row 5: a second value of c", "e: no row for plan y"):
        assert part in found


@pytest.mark.parametrize("label", ["²", "٣"])
def test_labels_that_look_like_digits(tmp_path: Path, label: str) -> None:
    found = read(tmp_path, f"{HEADER}\nb,{label},,1,kW,published,s,d\n")
    assert found["b"].size == 1


def test_two_labels_never_become_one(tmp_path: Path) -> None:
    found = read(tmp_path, f"{HEADER}\nb,1,,1,kW,published,s,d\nb,01,,2,kW,published,s,d\n")
    assert found["plan"].to_index().is_unique


@pytest.mark.parametrize("rows", ["plan,x,,5,kW,published,s,d", "plan,,,5,kW,published,s,d\nb,y,,1,kW,published,s,d"])
def test_quantity_named_as_a_column_is_refused(tmp_path: Path, rows: str) -> None:
    """Xarray would take it for the labels, or the labels for it."""
    assert "plan" in faults(tmp_path, f"{HEADER}\n{rows}\n")[0]


names = st.text("abcdefgh_", min_size=1, max_size=6)
labels = st.lists(st.text("xyz-é ", min_size=1, max_size=4).filter(lambda t: t.strip() == t), min_size=1, unique=True)
numbers = st.lists(st.integers(0, 8760).map(str), min_size=1, max_size=4, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, dict[str, dict[tuple[object, ...], float]]]:
    """Return a shuffled long table and, apart from it, every value by its labels."""
    coordinates = {"plan": draw(labels.map(lambda x: x[:3])), "hour": draw(numbers)}
    rows, expected = [], {}
    for quantity in draw(
        st.lists(names.filter(lambda n: n not in ("plan", "hour")), min_size=1, max_size=4, unique=True)
    ):
        dims = draw(st.sampled_from([(), ("plan",), ("hour",), ("plan", "hour")]))
        values = {}
        for place in itertools.product(*(coordinates[d] for d in dims)):
            value = draw(st.floats(allow_nan=False, allow_infinity=False))
            values[place] = value
            row = {"quantity": quantity, "value": repr(value), "unit": "kW", "source": "s, t", "description": quantity}
            row["provenance"] = draw(st.sampled_from(PROVENANCE))
            rows.append(row | dict(zip(dims, place, strict=True)))
        expected[quantity] = values
    columns = draw(st.permutations([*HEADER.replace("month", "hour").split(",")]))
    return pd.DataFrame(draw(st.permutations(rows)), columns=columns, dtype=object).fillna(""), expected


@pytest.mark.slow
@given(tables())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_in_any_order(tmp_path: Path, drawn: tuple[pd.DataFrame, dict]) -> None:
    table, expected = drawn
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    found = read(tmp_path, buffer.getvalue())
    assert set(found.data_vars) == set(expected)
    for quantity, values in expected.items():
        array = found[quantity]
        dims = [d for d in ("plan", "hour") if d in array.dims]
        assert array.size == len(values)
        for place, value in values.items():
            labels = {d: int(label) if d == "hour" else label for d, label in zip(dims, place, strict=True)}
            assert array.sel(labels).item() == value
        assert array.attrs["units"] == "kW"
        assert array.attrs["long_name"] == quantity


def dataset() -> xr.Dataset:
    return xr.Dataset(
        {
            "load": (("hour", "use"), [[0.0, 1.0], [2.0, 3.0]], {"units": "kW"}),
            "share": ((), 0.5, {"units": "1"}),
        },
        {"hour": [0, 1], "use": ["heat", "cold"]},
    )


RULES = {"load": Expected("kW", ("use", "hour"), lower=0.0), "share": Expected("1", lower=0.0, upper=1.0)}


def test_check_dataset_returns_what_is_right() -> None:
    good = dataset()
    assert check_dataset(good, RULES, "inputs") is good
    ends = good.assign(share=good["share"].copy(data=1.0))
    check_dataset(ends, RULES, "both ends are admitted")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.drop_vars("share"), "share: missing"),
        (lambda d: d.assign(lode=d["load"]), "lode: unknown, expected one of load, share"),
        (lambda d: d.isel(hour=0), "load: has dims ('use',), expected ('use', 'hour')"),
        (lambda d: d.assign(load=d["load"].assign_attrs(units="W")), "load: is in 'W', expected 'kW'"),
        (lambda d: d.assign(load=d["load"].drop_attrs()), "load: is in None, expected 'kW'"),
        (lambda d: d.assign(share=d["share"].copy(data=1.5)), "share: 1.5 1, expected 0 to 1"),
        (lambda d: d.assign(share=d["share"].copy(data=np.nan)), "share: nan 1, expected 0 to 1"),
        (
            lambda d: d.assign(
                load=d["load"].where((d["hour"] != 1) | (d["use"] != "cold"), -2.0).assign_attrs(units="kW")
            ),
            "load at hour 1, use cold: -2 kW, expected 0 to inf",
        ),
    ],
)
def test_check_dataset_each_fault(change, problem) -> None:
    with pytest.raises(InputError) as caught:
        check_dataset(change(dataset()), RULES, "inputs of a problem")
    assert caught.value.source == "inputs of a problem"
    assert caught.value.problems == (problem,)


def test_check_dataset_lists_all() -> None:
    wrong = dataset().drop_vars("share")
    wrong = wrong.assign(load=wrong["load"] - 1.5, other=1.0)
    with pytest.raises(InputError) as caught:
        check_dataset(wrong, RULES, "x")
    assert len(caught.value.problems) == 5


def test_provenance_table(tmp_path: Path) -> None:
    found = provenance_table(read(tmp_path, GOOD)).set_index("quantity")
    assert found.loc["area of the park"].to_dict() == {
        "value": "11.6",
        "unit": "km2",
        "provenance": "published",
        "source": "section 5.1",
    }
    assert found.loc["load of a month", "value"] == "4 values"


@pytest.mark.parametrize("path", [p for p in TABLES if p.name != "claims.csv"], ids=lambda p: p.stem)
def test_tables_of_the_compendium(path: Path) -> None:
    hourly = ",h24" in path.read_text(encoding="utf-8").splitlines()[0]
    found = (read_hourly if hourly else read_quantities)(path, CHECKOUT)
    assert found.data_vars
    assert all(np.isfinite(array).all() for array in found.data_vars.values())
    folder = path.parent.name
    kinds = {kind for array in found.data_vars.values() for kind in array.attrs["provenance"].split("; ")}
    admitted = {"published": {"published", "derived"}, "standards": {"published"}, "assumed": {"assumed", "derived"}}
    assert kinds <= admitted[folder], "a number stands in the folder of its provenance"
