"""Programs, buildings, weather and variants of the twelve prototypes, against hand calculations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bcopt.compendium.inputs import read_quantities
from bcopt.compendium.problems import InputError
from bcopt.loads.climate import monthly_means, morph
from bcopt.loads.programs import PROFILES
from bcopt.loads.weather import CALENDAR, read_weather, shipped_weather
from bcopt.studies.systems2024 import demand, inputs
from bcopt.studies.systems2024.demand import Variant

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    return inputs.load(ROOT)


def at(profile: xr.DataArray, day: str, hour: int) -> float:
    return float(profile.sel(day=day, hour=hour))


# ---- programs


def test_a_home_by_hand(study: xr.Dataset) -> None:
    found = demand.profiles(study, "residential")
    # Label 7 ends at 7: the clock hour 6. Living .2625 x 5 x 1, bed .30 x 5 x .5, kitchen .06 x 5 x 1, bath and storage
    # .0525 and .075 x 5 x .1.
    assert at(found["lighting"], "workday", 6) == pytest.approx(1.3125 + 0.75 + 0.3 + 0.02625 + 0.0375)
    # Clock hour 19 is label 20: living 1, bed 0, kitchen 0, bath .5, storage .1.
    assert at(found["lighting"], "workday", 19) == pytest.approx(
        5 * (0.2625 + 0.0525 * 0.5 + 0.075 * study_rate(study))
    )
    assert at(found["equipment"], "holiday", 11) == pytest.approx(3.8 * (0.2625 + 0.06))
    assert at(found["people"], "workday", 2) == pytest.approx(0.04 * 0.30)
    household = (0.9 + 0.9) * 1000 / 24 + 125 * 1000 / 8760  # refrigerator, water heater, standby
    common = 2.5 * 1000 / 8760
    assert at(found["base_load"], "workday", 13) == pytest.approx(household / 77.64 + common)
    assert float(found["base_load_outside"]) == pytest.approx(common / (household / 77.64 + common))
    assert float(found["hot_water"].sel(day="workday").sum()) == pytest.approx(30 * 2.31 / 77.64)
    assert float(found["cooking"].sel(day="workday").sum()) == pytest.approx(12.75 * 1000 / 365)
    assert float(found["fresh_air"].max()) == 0


def study_rate(study: xr.Dataset) -> float:
    return float(study["lighting_rate"].sel(space="residential_storage_room", day="workday", hour=19))


def test_an_office_by_hand(study: xr.Dataset) -> None:
    found = demand.profiles(study, "office")
    common = 3.0 * 1000 / 8760
    # At night nothing of the table runs: .29 of the appliances and .05 of the lights.
    assert at(found["base_load"], "workday", 2) == pytest.approx(0.29 * 15 + 0.05 * 8 + common)
    assert at(found["base_load"], "holiday", 12) == pytest.approx(0.22 * 15 + 0.05 * 8 + common)
    # By day the table is above the night rates; label 18 ends at 18: three tenths run in clock hour 17.
    assert at(found["base_load"], "workday", 10) == pytest.approx(common)
    assert at(found["equipment"], "workday", 17) == pytest.approx(15 * 0.3)
    assert at(found["base_load"], "workday", 17) == pytest.approx(common)
    assert float(found["equipment"].sel(day="holiday").max()) == 0
    assert float(found["hot_water"].sel(day="holiday").max()) == 0, "nobody is there"
    assert float(found["hot_water"].sel(day="workday").sum()) == pytest.approx(5 * 0.1 * 0.95)
    assert at(found["fresh_air"], "workday", 6) == pytest.approx(30 * 0.1)
    assert at(found["fresh_air"], "workday", 5) == at(found["fresh_air"], "workday", 19) == 0
    assert [at(found["heating_setpoint"], "workday", h) for h in (4, 5, 6, 7, 17, 18, 19)] == [
        5,
        12,
        18,
        20,
        20,
        18,
        12,
    ]


def test_appliances_never_fall_below_their_night_rate(study: xr.Dataset) -> None:
    for function, density, workday, holiday in (
        ("office", 15, 0.29, 0.22),
        ("hotel", 15, 0.2, 0.2),
        ("mall", 13, 0.2, 0.15),
    ):
        found = demand.profiles(study, function)
        total = found["equipment"] + found["base_load"]
        assert float(total.sel(day="workday").min()) >= workday * density
        assert float(total.sel(day="holiday").min()) >= holiday * density


@pytest.mark.parametrize("function", inputs.FUNCTIONS)
def test_profiles_are_what_programs_take(study: xr.Dataset, function: str) -> None:
    found = demand.profiles(study, function)
    assert set(found.data_vars) == set(PROFILES)
    assert all(np.isfinite(array).all() for array in found.data_vars.values())


@pytest.mark.parametrize("shift", [-1, 1])
def test_reading_the_labels_later_moves_the_standard_and_nothing_else(study: xr.Dataset, shift: int) -> None:
    central, moved = demand.profiles(study, "office"), demand.profiles(study, "office", shift)
    for name in ("people", "lighting", "equipment", "heating_setpoint", "cooling_setpoint", "fresh_air"):
        np.testing.assert_allclose(moved[name].roll(hour=-shift).to_numpy(), central[name].to_numpy())
    lit = {s: demand.profiles(study, "office", s)["lighting"].sel(day="workday") > 0 for s in (-1, 0, 1)}
    first = {s: int(on["hour"][on].min()) for s, on in lit.items()}
    assert first == {-1: 5, 0: 6, 1: 7}, "label 7 lights the hour that ends at 7"
    xr.testing.assert_allclose(moved["hot_water"], central["hot_water"])


# ---- variants and cases


def test_each_variant_changes_one_choice() -> None:
    central = Variant()
    found = demand.variants(central)
    assert found.pop("central") == central
    assert len(found) == 6
    for name, variant in found.items():
        different = [
            f for f in ("program", "hour_shift", "neighbours", "weather") if getattr(variant, f) != getattr(central, f)
        ]
        assert len(different) == 1, name


def test_the_library_has_no_labels_to_shift() -> None:
    found = demand.variants(Variant(program="ASHRAE 90.1-2019"))
    assert not [name for name in found if name.startswith("hours")]
    assert found["program GB 55015-2021"].program == "GB 55015-2021"


def test_weather_of_ones_own_is_compared_with_all_of_ours() -> None:
    assert set(demand.PLACE.weathers) <= set(demand.variants(Variant(weather="mine.epw")))


def test_rebuilt_clusters_have_the_printed_areas(study: xr.Dataset) -> None:
    found = demand.rebuilt(study)
    assert [c.construction_area for c in found] == pytest.approx(study["construction_area"].to_numpy().tolist())
    assert [c.height for c in found] == pytest.approx(study["height"].to_numpy().tolist())


@pytest.mark.slow
def test_cases_follow_the_function_of_each_cluster(study: xr.Dataset, tmp_path: Path) -> None:
    cases = demand.cases(study, Variant(neighbours=False), tmp_path)
    assert [case.cluster.name for case in cases] == list(inputs.CLUSTERS)
    assert [case.program.rooms.identifier for case in cases] == list(inputs.CLUSTERS.values())
    assert float(cases[8].envelope["window_to_wall_ratio"].sel(orientation="north")) == 0.25
    assert {case.neighbours for case in cases} == {False}
    assert len({case.weather for case in cases}) == 1


# ---- weather


def test_a_week_has_five_workdays() -> None:
    profile = xr.DataArray([[7.0, 7.0], [0.0, 0.0]], dims=("day", "hour"), coords={"day": ["workday", "holiday"]})
    assert float(demand.week_mean(profile)) == pytest.approx(5)


def test_a_file_of_ones_own_is_found_from_any_folder(study: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = "results/systems2024/weather/Beijing-from-Willard.epw"
    if not (ROOT / mine).is_file():
        pytest.skip("the pipeline has not run here")
    monkeypatch.chdir(ROOT / "notebooks" / "systems2024")
    assert demand.PLACE.year(study, mine).sizes["hour"] == 8760
    assert len(demand.PLACE.hash(mine)) == 64
    assert demand.PLACE.hash(Variant.weather) == ""


@pytest.mark.slow
def test_morphed_weather_meets_the_normals(study: xr.Dataset, tmp_path: Path) -> None:
    path = demand.PLACE.file(study, Variant.weather, tmp_path)
    means = monthly_means(read_weather(path))
    np.testing.assert_allclose(means["mean_temperature"], study["mean_temperature"], atol=0.01)
    np.testing.assert_allclose(means["global_horizontal_radiation"], study["global_horizontal_radiation"], rtol=0.01)
    assert demand.PLACE.file(study, Variant.weather, tmp_path) == path
    assert sorted(tmp_path.iterdir()) == [path], "written once"


@pytest.mark.slow
def test_guangzhou_from_miami() -> None:
    table = read_quantities(ROOT / "data/assumed/guangzhou_climate.csv", ROOT)
    means = monthly_means(morph(read_weather(shipped_weather("Miami")), table, "Guangzhou"))
    np.testing.assert_allclose(means["mean_temperature"].sel(month=7), 28.6, atol=1e-6)
    np.testing.assert_allclose(means["global_horizontal_radiation"], table["global_horizontal_radiation"], rtol=1e-6)


def test_a_file_of_ones_own(study: xr.Dataset, tmp_path: Path) -> None:
    mine = tmp_path / "mine.epw"
    mine.write_bytes(shipped_weather("Miami").read_bytes())
    assert demand.PLACE.file(study, str(mine), tmp_path) == mine
    lines = mine.read_text(encoding="latin-1").splitlines()
    mine.write_text("\n".join(lines[:500]), encoding="latin-1")
    with pytest.raises(InputError, match=r"mine\.epw"):
        demand.PLACE.file(study, str(mine), tmp_path)
    with pytest.raises(InputError, match=r"absent\.epw"):
        demand.PLACE.file(study, str(tmp_path / "absent.epw"), tmp_path)


# ---- mean days


def test_mean_day_of_a_month() -> None:
    hours = xr.DataArray(
        CALENDAR.hour + 100 * CALENDAR.month + CALENDAR.day, dims="hour", coords={"hour": np.arange(8760)}
    )
    found = demand.mean_days(hours.astype(float), (1, 2))
    assert found.dims == ("month", "hour")
    assert found["hour"].to_numpy().tolist() == list(range(24))
    assert found.sel(month=1, hour=5).item() == 100 + 5 + 16
    assert found.sel(month=2, hour=0).item() == 200 + 14.5


# ---- inputs


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("published/systems2024.csv", "area,x1,,,480000", "area,x1,,,-480000", ["construction_area", "x1", "-480000"]),
        ("published/systems2024_tariffs.csv", "starts", "begins", ["convention", "begins"]),
        ("standards/gb55015_rates.csv", "rate,office,workday,1", "rate,office,workday,W", ["_rate", "unit"]),
        (
            "standards/gb55015_densities.csv",
            "equipment_density,hotel,15",
            "equipment_density,hotel,all",
            ["'all'", "row"],
        ),
        ("assumed/beijing_climate.csv", "mean_temperature,1,-3.1", "mean_temperature,1,", ["row 2", "value"]),
    ],
)
def test_every_faulty_table_is_named(tmp_path: Path, file: str, old: str, new: str, words: list[str]) -> None:
    for name in inputs.TABLES:
        target = tmp_path / "data" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / "data" / name).read_text()
        assert name != file or old in text
        target.write_text(text.replace(old, new, 1) if name == file else text)
    with pytest.raises(InputError) as caught:
        inputs.load(tmp_path)
    assert file in str(caught.value)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_height_that_storeys_do_not_divide(study: xr.Dataset) -> None:
    wrong = study.copy(deep=True)
    wrong["height"].loc[{"cluster": "x2"}] = 29.0
    with pytest.raises(InputError, match=r"cluster x2: a height of 29 m in storeys of 2\.8 m"):
        demand.rebuilt(wrong)


def test_calendar_of_mean_days_is_that_of_the_weather() -> None:
    assert isinstance(CALENDAR, pd.DatetimeIndex)
    assert (CALENDAR.month == 1).sum() == 744
