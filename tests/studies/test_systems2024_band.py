"""Every scenario of the protocol: the committed tables are of the scenarios there are, and say what is found anew."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import StudyProtocol
from bcopt.studies.systems2024 import (
    band,
    district_day,
    district_fits,
    district_results,
    fits,
    flexibility_results,
    flexible_day,
    levelling,
    levelling_results,
    penetration,
)
from bcopt.studies.systems2024.scenario import CENTRAL, OF_THE_DISTRICT, OF_THE_FITS, Scenario, alternatives


@pytest.fixture(scope="module")
def parameters(root: Path) -> dict[str, object]:
    return read_parameters(root).systems2024.model_dump()


@pytest.fixture(scope="module")
def tables(root: Path, parameters: dict[str, object]) -> dict[str, pd.DataFrame]:
    return {section: band.read(section, parameters, root) for section in band.SECTIONS}


@pytest.fixture(scope="module")
def every(
    protocol: StudyProtocol, central: Scenario, simulated: tuple[xr.Dataset, xr.Dataset]
) -> dict[str, dict[str, Scenario]]:
    """Return the scenarios of each section."""
    names = simulated[1]["variant"].to_numpy().tolist()
    of_demand = alternatives(protocol, central, names)
    others = {name: of for name, of in levelling.loads_to_level(central).items() if of not in of_demand.values()}
    return {
        "self-optimisation": alternatives(protocol, central, names, OF_THE_FITS),
        "levelling": of_demand | others,
        "penetration": of_demand,
        "district": alternatives(protocol, central, names, OF_THE_FITS + OF_THE_DISTRICT),
        "district-combinations": district_results.crossed(protocol, central),
    }


def row(tables: dict[str, pd.DataFrame], section: str, name: str) -> dict[str, object]:
    return tables[section].set_index("scenario").loc[name].to_dict()


def assert_same(found: dict[str, object], committed: dict[str, object]) -> None:
    assert set(found) - {"scenario"} == set(committed)
    for name, value in committed.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            assert found[name] == pytest.approx(value, rel=1e-5, abs=1e-5), name
        else:
            assert found[name] == value, name


def test_every_scenario_has_a_row_the_central_one_first(
    tables: dict[str, pd.DataFrame], every: dict[str, dict[str, Scenario]]
) -> None:
    for section, table in tables.items():
        assert table["scenario"].tolist() == list(every[section]), section
        assert table["scenario"][0] == CENTRAL


@pytest.mark.slow
@pytest.mark.parametrize("name", [CENTRAL, "self discharge: 0.05", "cooking: electricity"])
def test_self_optimisation_and_its_fits(
    name: str,
    root: Path,
    tables: dict[str, pd.DataFrame],
    every: dict[str, dict[str, Scenario]],
    simulated: tuple[xr.Dataset, xr.Dataset],
    study: xr.Dataset,
    published: pd.DataFrame,
) -> None:
    scenario = every["self-optimisation"][name]
    series = flexible_day.january(*simulated, scenario)
    found, fitted = flexibility_results.scenario_row(name, scenario, series, study, fits.targets(published))
    assert_same(found, row(tables, "self-optimisation", name))
    knobs = fits.read_knobs(root, every["self-optimisation"])[name]
    assert (knobs.load_scale, knobs.vehicle_energy) == pytest.approx(
        (fitted.knobs.load_scale, fitted.knobs.vehicle_energy), rel=1e-8
    )


@pytest.mark.slow
def test_levelling_and_penetration(
    root: Path,
    tables: dict[str, pd.DataFrame],
    every: dict[str, dict[str, Scenario]],
    simulated: tuple[xr.Dataset, xr.Dataset],
    study: xr.Dataset,
) -> None:
    for section, name in (("levelling", "area reading: floor area"), ("penetration", "heat pump sharing: pooled")):
        some = {CENTRAL: every[section][CENTRAL], name: every[section][name]}
        compute = {"levelling": levelling_results.public_shares, "penetration": penetration.penetrations}[section]
        found = compute(some, *simulated, study, fits.read_knobs(root, some)).set_index("scenario")
        for each in some:
            assert_same(found.loc[each].to_dict(), row(tables, section, each))


@pytest.mark.slow
@pytest.mark.parametrize(("section", "place"), [("district", 0), ("district", -1), ("district-combinations", 7)])
def test_district(
    section: str,
    place: int,
    root: Path,
    tables: dict[str, pd.DataFrame],
    every: dict[str, dict[str, Scenario]],
    simulated: tuple[xr.Dataset, xr.Dataset],
    study: xr.Dataset,
    published: pd.DataFrame,
) -> None:
    name = list(every[section])[place]
    scenario = every[section][name]
    knobs = fits.read_knobs(root, {CENTRAL: every[section][CENTRAL]})[CENTRAL]
    day = district_day.unfitted(flexible_day.january(*simulated, scenario), study, scenario, knobs)
    found, _, _ = district_results.scenario_row(name, day, scenario, district_fits.targets(published))
    assert_same(found, row(tables, section, name))


def test_knobs_are_those_of_the_scenario_that_was_fitted(every: dict[str, dict[str, Scenario]]) -> None:
    names = fits.fitted_as(every["penetration"])
    assert names["levelled load: self-optimised"] == CENTRAL, "a choice of the mix alone acts on no fit"
    assert names["self discharge: 0.05"] == "self discharge: 0.05"
    assert set(names.values()) == set(every["self-optimisation"])


def test_tables_of_other_parameters_are_refused(root: Path, parameters: dict[str, object]) -> None:
    with pytest.raises(InputError, match="made with account = daily, not held") as caught:
        band.read("district", parameters | {"account": "held", "seeds": 3}, root)
    assert len(caught.value.problems) == 1, "seeds change no scenario"
    assert caught.value.source == "data/derived/systems2024_band_district.csv"
