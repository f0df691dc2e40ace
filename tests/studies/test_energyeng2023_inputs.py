"""Loading: a broken table gives one error that names the fault; fits of another protocol are refused."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bcopt.compendium.inputs import read_quantities
from bcopt.compendium.pipeline import read_stages
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import read_protocol
from bcopt.studies.energyeng2023 import coefficients, inputs, plans

PUBLISHED, ASSUMED, PRIORS, MONTHLY = inputs.TABLES


@pytest.fixture
def copy(eco, tmp_path):
    """Return a copy of the data that a test may break."""
    shutil.copytree(eco.root / "data", tmp_path / "data")
    return tmp_path


def broken(root, table, change):
    path = root / "data" / table
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    changed = change(rows)
    (rows if changed is None else changed).to_csv(path, index=False)


def cell(quantity, column, value, **labels):
    """Alter one cell."""

    def change(rows):
        at = rows["quantity"] == quantity
        for name, label in labels.items():
            at &= rows[name] == label
        assert at.sum() == 1
        rows.loc[at, column] = value

    return change


def without(**labels):
    """Drop the rows with these labels."""

    def change(rows):
        at = pd.Series(True, index=rows.index)
        for name, label in labels.items():
            at &= rows[name] == label
        assert at.any()
        return rows[~at]

    return change


def extra(**row):
    def change(rows):
        return pd.concat([rows, pd.DataFrame([{c: row.get(c, rows[c].iloc[0]) for c in rows.columns}])])

    return change


BROKEN = {
    "not a number": (PUBLISHED, cell("wind_speed", "value", "NaN"), ["row 5, column value", "not a finite number"]),
    "text": (PUBLISHED, cell("wind_speed", "value", "3,55"), ["row 5, column value: '3,55'"]),
    "empty": (ASSUMED, cell("heat_pump_cop", "value", ""), ["row 7, column value"]),
    "infinite": (ASSUMED, cell("heat_pump_cop", "value", "inf"), ["row 7, column value", "not a finite number"]),
    "negative": (PUBLISHED, cell("irradiation", "value", "-4636.69"),
        ["irradiation: -4636.69 MJ/m2/a, expected 0 to 12000"]),
    "beyond its range": (PUBLISHED, cell("renewable_share", "value", "15"), ["renewable_share: 15 1, expected 0 to 1"]),
    "unit": (PUBLISHED, cell("total_energy", "unit", "GWh/a"), ["total_energy: is in 'GWh/a', expected 'MWh/a'"]),
    "unit of one label": (
        PRIORS, cell("cost_median", "unit", "USD/kWh", technology="wind power"),
        ["quantity cost_median: two texts in column unit"]),
    "negative at a label": (
        PUBLISHED, cell("maintenance_rate", "value", "-0.01", technology="solar power"),
        ["maintenance_rate at technology solar power: -0.01 1/a"]),
    "negative at two labels": (
        PUBLISHED, cell("printed_share", "value", "-1", plan="optimum", technology="wind power"),
        ["printed_share at plan optimum, technology wind power: -1 %"]),
    "spread of a prior": (
        PRIORS, cell("carbon_geometric_sd", "value", "1", technology="wind power"),
        ["carbon_geometric_sd at technology wind power: 1 1"]),
    "median of a prior": (
        PRIORS, cell("carbon_median", "value", "0", technology="wind power"),
        ["carbon_median at technology wind power: 0 g/MJ"]),
    "one technology missing": (
        PRIORS, without(quantity="cost_median", technology="wind power"),
        ["quantity cost_median: no row for technology wind power"]),
    "technology missing throughout": (
        PRIORS, without(technology="wind power"),
        [f"data/{PRIORS}: technology must be", "wind power", "got solar hot water"]),
    "technology misspelt": (
        PRIORS, cell("cost_median", "technology", "wind powre", technology="wind power"), ["wind powre"]),
    "plan missing": (PUBLISHED, without(plan="optimum"),
        [f"data/{PUBLISHED}: plan must be baseline, optimum, got baseline"]),
    "month missing": (MONTHLY, without(month="7"), [f"data/{MONTHLY}: month must be 1, 2,"]),
    "month named": (MONTHLY, cell("monthly_irradiation", "month", "July", month="7"), ["July"]),
    "quantity missing": (ASSUMED, without(quantity="chiller_cop"), ["chiller_cop: missing"]),
    "quantity unknown": (ASSUMED, cell("chiller_cop", "quantity", "chiler_cop"),
        ["chiller_cop: missing", "chiler_cop: unknown"]),
    "quantity twice": (ASSUMED, extra(quantity="chiller_cop", value="4"), ["a second value of chiller_cop"]),
    "provenance": (ASSUMED, cell("chiller_cop", "provenance", "guessed"), ["'guessed' is none of published, derived"]),
    "no source": (ASSUMED, cell("chiller_cop", "source", ""), ["column source", "is empty"]),
    "label where none belongs": (
        PUBLISHED, cell("wind_speed", "technology", "wind power"), ["wind_speed"]),
    "column renamed": (PUBLISHED, lambda rows: rows.rename(columns={"unit": "units"}), ["column unit: missing"]),
    "coordinate renamed": (PRIORS, lambda rows: rows.rename(columns={"technology": "technolgy"}), ["technolgy"]),
    "quantity of another table": (
        ASSUMED, extra(quantity="wind_speed", value="7", unit="m/s", description="again"), ["wind_speed"]),
}  # fmt: skip


@pytest.mark.parametrize(("table", "change", "named"), BROKEN.values(), ids=BROKEN)
def test_broken_table(copy, table, change, named):
    broken(copy, table, change)
    with pytest.raises(InputError) as refusal:
        inputs.load(copy)
    for text in named:
        assert text in str(refusal.value)


def test_all_faults_of_all_tables_at_once(copy):
    broken(copy, PUBLISHED, cell("irradiation", "value", "-1"))
    broken(copy, ASSUMED, cell("heat_pump_cop", "unit", "%"))
    with pytest.raises(InputError) as refusal:
        inputs.load(copy)
    assert len(refusal.value.problems) == 2
    assert "inputs of energyeng2023: 2 problems" in str(refusal.value)


@pytest.mark.parametrize("table", inputs.TABLES)
def test_missing_table(copy, table):
    (copy / "data" / table).unlink()
    with pytest.raises(InputError, match=f"1 problem\n  - data/{table}: the file does not exist"):
        inputs.load(copy)


def test_order_of_rows_is_immaterial(eco, copy):
    for table in inputs.TABLES:
        broken(copy, table, lambda rows: rows.iloc[::-1])
    found = inputs.load(copy)
    for name in eco.inputs.data_vars:
        xr.testing.assert_equal(found[name], eco.inputs[name])


def test_every_value_has_unit_provenance_and_source(eco):
    for name, array in eco.inputs.data_vars.items():
        assert all(array.attrs[a] for a in ("units", "long_name", "provenance", "source")), name
    assert eco.inputs["irradiation"].attrs["provenance"] == "published"
    assert eco.inputs["cost_median"].attrs["provenance"] == "assumed"
    assert eco.inputs["technology"].to_numpy().tolist() == list(inputs.TECHNOLOGIES)


@pytest.fixture
def fitted(eco, copy):
    """Write both fitted tables as the pipeline does, under the protocol of the copy."""
    folder = copy / "data" / "derived"
    folder.mkdir(exist_ok=True)
    areas = plans.effective_area_table(plans.effective_areas(eco.inputs, eco.target))
    tables = {inputs.EFFECTIVE_AREAS: areas, inputs.COEFFICIENTS: coefficients.coefficient_table(eco.parts)}

    def write(**columns):
        for name, table in tables.items():
            table.assign(**columns).to_csv(folder / name, index=False)
        return copy

    return write


TABLES = [inputs.EFFECTIVE_AREAS, inputs.COEFFICIENTS]


def path_of(out):
    """Return the path of an out of dvc.yaml, which is a text or a mapping of one path to its settings."""
    return out if isinstance(out, str) else next(iter(out))


class TestFitted:
    def test_comes_back_as_written(self, eco, fitted):
        root = fitted(protocol=eco.protocol.sha256)
        areas = inputs.load_fitted(inputs.EFFECTIVE_AREAS, root)["effective_area"]
        xr.testing.assert_equal(areas.astype(float), eco.areas)
        assert areas.attrs["units"] == "m2"
        parts = inputs.load_fitted(inputs.COEFFICIENTS, root)
        xr.testing.assert_allclose(parts, eco.parts, rtol=1e-15)
        for name in eco.parts.data_vars:
            assert parts[name].attrs["units"] == eco.parts[name].attrs["units"]
            assert parts[name].attrs["provenance"] == "fitted"
        found = coefficients.plan_totals(eco.energy, parts, eco.inputs, depreciation=False)
        assert float(found["cost"].sel(plan="optimum")) == pytest.approx(2_834_116.92, abs=0.005)

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("columns", [{}, {"protocol": ""}, {"protocol": "0" * 64}])
    def test_of_another_protocol_is_refused(self, fitted, table, columns):
        with pytest.raises(InputError, match=r"was made under another data/protocol\.yaml: run `dvc repro`"):
            inputs.load_fitted(table, fitted(**columns))

    @pytest.mark.parametrize("table", TABLES)
    def test_of_two_protocols_is_refused(self, eco, fitted, table):
        root = fitted(protocol=eco.protocol.sha256)
        path = root / "data" / "derived" / table
        rows = pd.read_csv(path, dtype=str)
        rows.loc[0, "protocol"] = "0" * 64
        rows.to_csv(path, index=False)
        with pytest.raises(InputError, match="under another"):
            inputs.load_fitted(table, root)

    @pytest.mark.parametrize("table", TABLES)
    def test_one_word_of_the_protocol_is_another_protocol(self, eco, fitted, table):
        root = fitted(protocol=eco.protocol.sha256)
        inputs.load_fitted(table, root)
        path = root / "data" / "protocol.yaml"
        path.write_text(path.read_text().replace("value: 0.02", "value: 0.03"))
        assert read_protocol(root).sha256 != eco.protocol.sha256
        with pytest.raises(InputError, match=f"data/derived/{table}"):
            inputs.load_fitted(table, root)

    @pytest.mark.parametrize("table", TABLES)
    def test_missing(self, copy, table):
        (copy / "data" / "derived" / table).unlink(missing_ok=True)
        with pytest.raises(InputError, match=f"the file does not exist: run `dvc repro`, .* {inputs.FITTED[table][0]}"):
            inputs.load_fitted(table, copy)

    @pytest.mark.parametrize("table", TABLES)
    def test_the_stage_that_is_named_writes_the_table(self, eco, table):
        stages = read_stages(eco.root)
        written = {
            name for name, stage in stages.items() if f"data/derived/{table}" in map(path_of, stage.get("outs", ()))
        }
        assert written == {inputs.FITTED[table][0]}

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize(
        ("column", "value", "problem"),
        [
            ("unit", "km2", "is in 'km2', expected"),
            ("quantity", "length", "length: unknown, expected one of"),
            ("technology", "", "has dims ()"),
        ],
    )
    def test_another_table_is_refused(self, eco, fitted, table, column, value, problem):
        root = fitted(protocol=eco.protocol.sha256)
        path = root / "data" / "derived" / table
        rows = pd.read_csv(path, dtype=str)
        first = rows["quantity"] == rows["quantity"].iloc[0]
        if column == "technology":
            rows = rows.drop(index=rows.index[first][1:])
            first = first.loc[rows.index]
        rows.loc[first, column] = value
        rows.to_csv(path, index=False)
        with pytest.raises(InputError) as refusal:
            inputs.load_fitted(table, root)
        assert problem in str(refusal.value)
        assert refusal.value.source == f"data/derived/{table}"

    def test_keeps_every_digit(self, eco, fitted):
        root = fitted(protocol=eco.protocol.sha256)
        table = read_quantities(root / "data" / "derived" / inputs.COEFFICIENTS, root)
        assert np.array_equal(table["capital"], eco.parts["capital"])
