"""All tables of a study at once: labels in the study's order, whole or not at all, every fault with its file."""

from __future__ import annotations

import numpy as np
import pytest

from bcopt.compendium.hourly import HOURS
from bcopt.compendium.inputs import Expected
from bcopt.compendium.problems import InputError
from bcopt.compendium.tables import read_tables

LABELS = {"plan": ["after", "before"], "month": [1, 2]}
TABLES = {
    "published/x.csv": {
        "cost": Expected("yuan", ("plan",), lower=0.0),
        "area": Expected("km2"),
        "load": Expected("kWh", ("plan", "month")),
    },
    "standards/y.csv": {"rate": Expected("1", ("plan", "hour"), 0.0, 30.0), "price": Expected("yuan/kWh", ("hour",))},
}
X = """\
quantity,plan,month,value,unit,provenance,source,description
area,,,11.6,km2,published,section 5.1,area of the park
cost,before,,3.5,yuan,published,section 5.2,annual cost
cost,after,,2,yuan,fitted,step 1,annual cost
load,before,2,22,kWh,assumed,standard,load of a month
load,before,1,21,kWh,assumed,standard,load of a month
load,after,2,12,kWh,assumed,standard,load of a month
load,after,1,11,kWh,assumed,standard,load of a month
"""
HOURLY = "quantity,plan,unit,provenance,source,description,convention," + ",".join(f"h{k}" for k in range(1, 25))
TO_24 = ",".join(map(str, range(1, 25)))
Y = f"""\
{HOURLY}
rate,before,1,published,table C,rate of use,ends,{TO_24}
rate,after,1,published,table C,rate of use,starts,{TO_24}
price,,yuan/kWh,published,Table 2,price,starts,{TO_24}
"""


def read(folder, x=X, y=Y, tables=TABLES, labels=LABELS):
    for name, text in (("published/x.csv", x), ("standards/y.csv", y)):
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_text(text, encoding="utf-8")
    return read_tables("study", tables, labels, folder)


def faults(folder, *args, **changed):
    with pytest.raises(InputError) as caught:
        read(folder, *args, **changed)
    assert caught.value.source == "inputs of study"
    return list(caught.value.problems)


class TestReading:
    def test_everything_is_in_one_dataset(self, tmp_path):
        found = read(tmp_path)
        assert set(found.data_vars) == {"area", "cost", "load", "rate", "price"}
        assert found["plan"].to_numpy().tolist() == ["after", "before"]
        assert found["month"].to_numpy().tolist() == [1, 2]
        assert found["hour"].to_numpy().tolist() == list(HOURS)

    def test_values_follow_their_labels_and_not_the_order_of_the_file(self, tmp_path):
        found = read(tmp_path)
        assert found["cost"].to_numpy().tolist() == [2.0, 3.5]
        assert found["load"].transpose("plan", "month").to_numpy().tolist() == [[11, 12], [21, 22]]
        assert found["rate"].sel(plan="before").to_numpy().tolist() == list(range(1, 25))
        assert found["rate"].sel(plan="after").to_numpy().tolist() == [24, *range(1, 24)]

    @pytest.mark.parametrize("plans", [["after", "before"], ["before", "after"]])
    def test_the_study_says_the_order(self, tmp_path, plans):
        found = read(tmp_path, labels={**LABELS, "plan": plans})
        assert found["plan"].to_numpy().tolist() == plans
        assert float(found["cost"].sel(plan="before")) == 3.5
        assert float(found["rate"].sel(plan="after", hour=0)) == 24

    def test_labels_of_other_tables_are_not_needed(self, tmp_path):
        """A label list that no table uses, such as another file's, asks for nothing."""
        assert "group" not in read(tmp_path, labels={**LABELS, "group": ["a"]}).dims

    def test_attributes(self, tmp_path):
        found = read(tmp_path)
        assert found["cost"].attrs == {
            "units": "yuan",
            "long_name": "annual cost",
            "provenance": "published; fitted",
            "source": "section 5.2; step 1",
        }
        assert found["rate"].attrs["units"] == "1"

    def test_moving_a_label_moves_its_value(self, tmp_path):
        """Mutation: `ends` read as `starts` moves the hours by one and leaves all the rest."""
        usual, moved = read(tmp_path), read(tmp_path, y=Y.replace(",ends,", ",starts,"))
        rolled = np.roll(usual["rate"].sel(plan="before").to_numpy(), 1)
        assert moved["rate"].sel(plan="before").to_numpy().tolist() == rolled.tolist()
        assert moved.drop_vars("rate").identical(usual.drop_vars("rate"))


class TestFaults:
    def test_of_all_files_at_once(self, tmp_path):
        x = X.replace("11.6", "x").replace("cost,after,,2,yuan", "cost,after,,2,usd")
        found = faults(tmp_path, x, Y.replace(",ends,1,", ",last,1,").replace("starts,1,2,", "starts,,2,"))
        assert found == [
            "data/published/x.csv: row 2, column value: 'x' is not a number",
            "data/published/x.csv: quantity cost: two texts in column unit: ['usd', 'yuan']",
            "data/standards/y.csv: row 2, column convention: 'last', expected one of starts, ends",
            "data/standards/y.csv: row 3, column h1: '' is not a number",
            "data/standards/y.csv: row 4, column h1: '' is not a number",
        ]

    def test_missing_file_does_not_hide_the_others(self, tmp_path):
        found = faults(tmp_path, x=None, y=Y.replace("rate,after", "rate,later"))
        assert found[0] == "data/published/x.csv: the file does not exist"
        assert found[1].startswith("data/standards/y.csv: plan must be after, before, got ")

    def test_unit_range_and_dims(self, tmp_path):
        x = X.replace("cost,after,,2", "cost,after,,-2").replace("km2", "m2")
        found = faults(tmp_path, x, Y.replace(",23,24\n", ",23,31\n"))
        assert found[:2] == [
            "data/published/x.csv: cost at plan after: -2 yuan, expected 0 to inf",
            "data/published/x.csv: area: is in 'm2', expected 'km2'",
        ]
        assert found[2:] == [
            "data/standards/y.csv: rate at plan after, hour 0: 31 1, expected 0 to 30",
            "data/standards/y.csv: rate at plan before, hour 23: 31 1, expected 0 to 30",
        ]

    def test_missing_and_unknown_quantities(self, tmp_path):
        found = faults(tmp_path, X.replace("area,", "aria,"), Y.replace("price,", "prize,"))
        assert found == [
            "data/published/x.csv: area: missing",
            "data/published/x.csv: aria: unknown, expected one of cost, area, load",
            "data/standards/y.csv: price: missing",
            "data/standards/y.csv: prize: unknown, expected one of rate, price",
        ]

    def test_unknown_column(self, tmp_path):
        found = faults(tmp_path, X.replace("month", "moth"))
        assert found == ["data/published/x.csv: column moth: unknown, expected plan, month"]
        found = faults(tmp_path, y=Y.replace("plan", "case"))
        assert found == ["data/standards/y.csv: column case: unknown, expected plan, month, hour"]

    def test_labels_must_be_all_of_the_study(self, tmp_path):
        found = faults(tmp_path, labels={"plan": ["before", "after", "later"], "month": [1]})
        assert found == [
            "data/published/x.csv: plan must be before, after, later, got before, after",
            "data/published/x.csv: month must be 1, got 2, 1",
            "data/standards/y.csv: plan must be before, after, later, got before, after",
        ]

    def test_an_hourly_quantity_in_a_long_table(self, tmp_path):
        """The file with hours is read as an hourly one; a long one in its place lacks h1 to h24."""
        found = faults(tmp_path, y=X)
        assert len(found) == 26
        assert found[0] == "data/standards/y.csv: column convention: missing, expected convention and h1 to h24"
        assert found[-1] == "data/standards/y.csv: column value: unknown beside h1 to h24"

    def test_an_hourly_table_in_place_of_a_long_one(self, tmp_path):
        assert any("column value: missing" in fault for fault in faults(tmp_path, x=Y))
