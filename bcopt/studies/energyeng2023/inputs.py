"""The study's inputs: published, assumed and fitted numbers, each with unit, provenance and source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from bcopt.compendium.fitted import read_fitted
from bcopt.compendium.inputs import Expected
from bcopt.compendium.paths import project_root
from bcopt.compendium.tables import read_tables

SOLAR_HOT_WATER = "solar hot water"
SOLAR_POWER = "solar power"
HEAT_PUMP = "ground-source heat pump"
WIND = "wind power"
TECHNOLOGIES = (SOLAR_HOT_WATER, SOLAR_POWER, HEAT_PUMP, WIND)

LABELS: dict[str, list[Any]] = {
    "technology": list(TECHNOLOGIES),
    "plan": ["baseline", "optimum"],
    "month": list(range(1, 13)),
}
EFFECTIVE_AREAS = "energyeng2023_effective_areas.csv"
COEFFICIENTS = "energyeng2023_coefficients.csv"

_BY_TECHNOLOGY = ("technology",)
_SHARE = Expected("1", (), 0.0, 1.0)
TABLES = {
    "published/energyeng2023.csv": {
        "total_energy": Expected("MWh/a", lower=0.0),
        "renewable_share": _SHARE,
        "irradiation": Expected("MJ/m2/a", lower=0.0, upper=12_000.0),
        "wind_speed": Expected("m/s", lower=0.0, upper=30.0),
        "heating_load": Expected("MJ/m2/a", lower=0.0),
        "cooling_load": Expected("MJ/m2/a", lower=0.0),
        "interest_rate": Expected("1/a", lower=0.0, upper=1.0),
        "lifetime": Expected("a", lower=1.0, upper=200.0),
        "maintenance_rate": Expected("1/a", _BY_TECHNOLOGY, 0.0, 1.0),
        "park_area": Expected("km2", lower=0.0),
        "floor_area": Expected("m2", lower=0.0),
        "printed_share": Expected("%", ("plan", "technology"), 0.0, 100.0),
        "published_cost": Expected("USD/a", ("plan",), lower=0.0),
        "published_carbon": Expected("kg/a", ("plan",), lower=0.0),
        "baseline_parts": Expected("1", _BY_TECHNOLOGY, lower=0.0),
    },
    "assumed/energyeng2023.csv": {
        "collector_efficiency": _SHARE,
        "collector_loss": _SHARE,
        "effective_utilisation": _SHARE,
        "module_efficiency": _SHARE,
        "performance_ratio": _SHARE,
        "heat_pump_cop": Expected("1", lower=1.0, upper=20.0),
        "electricity_price": Expected("USD/kWh", lower=0.0),
        "grid_emission_national": Expected("kg/kWh", lower=0.0, upper=2.0),
        "grid_emission_regional": Expected("kg/kWh", lower=0.0, upper=2.0),
        "electric_heater_efficiency": _SHARE,
        "gas_boiler_efficiency": _SHARE,
        "gas_emission": Expected("kg/kWh", lower=0.0, upper=2.0),
        "rotor_diameter": Expected("m", lower=1.0, upper=400.0),
        "hub_height": Expected("m", lower=10.0, upper=300.0),
        "anemometer_height": Expected("m", lower=1.0, upper=100.0),
        "wind_capital": Expected("USD/kW", lower=0.0),
        "spacing_across": Expected("1", lower=1.0),
        "spacing_along": Expected("1", lower=1.0),
        "wind_availability": _SHARE,
        "chiller_cop": Expected("1", lower=0.5, upper=20.0),
        "roughness_length": Expected("m", lower=1e-5, upper=5.0),
    },
    "assumed/energyeng2023_priors.csv": {
        "cost_median": Expected("USD/MJ", _BY_TECHNOLOGY, lower=1e-12),
        "cost_geometric_sd": Expected("1", _BY_TECHNOLOGY, lower=1.000001),
        "carbon_median": Expected("g/MJ", _BY_TECHNOLOGY, lower=1e-12),
        "carbon_geometric_sd": Expected("1", _BY_TECHNOLOGY, lower=1.000001),
    },
    "assumed/qingdao_monthly.csv": {
        "monthly_irradiation": Expected("MJ/m2/d", ("month",), 0.0, 50.0),
        "monthly_wind_speed": Expected("m/s", ("month",), 0.0, 30.0),
    },
}
"""The tables below ``data/`` and what each of their quantities must be."""

FITTED: dict[str, tuple[str, dict[str, Expected], dict[str, list[str]]]] = {
    EFFECTIVE_AREAS: (
        "energyeng2023-renewable-energy",
        {"effective_area": Expected("m2", _BY_TECHNOLOGY, lower=0.0)},
        {"technology": [SOLAR_HOT_WATER, SOLAR_POWER]},
    ),
    COEFFICIENTS: (
        "energyeng2023-cost-and-carbon",
        {
            "capital": Expected("USD a/MJ", _BY_TECHNOLOGY, lower=0.0),
            "operation_cost": Expected("USD/MJ", _BY_TECHNOLOGY, lower=0.0),
            "embodied_carbon": Expected("g a/MJ", _BY_TECHNOLOGY),
            "operation_carbon": Expected("g/MJ", _BY_TECHNOLOGY, lower=0.0),
        },
        {"technology": list(TECHNOLOGIES)},
    ),
}
"""The tables in ``data/derived``: the stage that writes each, its quantities, what each must be, and the labels."""


def load(root: Path | None = None) -> xr.Dataset:
    """Return the study's published and assumed inputs.

    Parameters
    ----------
    root : Path, optional
        Project root, found from the working directory by default.

    Returns
    -------
    xr.Dataset, dims (technology, plan, month)
        Every variable with ``units``, ``long_name``, ``provenance`` and ``source``.

    Raises
    ------
    InputError
        Listing every fault of a table, or every variable that is missing, unknown, in another unit or out of range.
    """
    return read_tables("energyeng2023", TABLES, LABELS, root or project_root())


def load_fitted(table: str, root: Path | None = None) -> xr.Dataset:
    """Return fitted values that an earlier stage wrote, refusing those made under another protocol.

    Parameters
    ----------
    table : str
        :data:`EFFECTIVE_AREAS` or :data:`COEFFICIENTS`.
    root : Path, optional
        Project root.

    Raises
    ------
    InputError
        If the table is missing, faulty, or carries the hash of another protocol.
    """
    stage, expected, labels = FITTED[table]
    return read_fitted(table, stage, expected, root or project_root(), labels)
