"""The study's inputs: published tables, standards, climate and assumptions, each with unit, provenance and source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from bcopt.compendium.inputs import Expected
from bcopt.compendium.paths import project_root
from bcopt.compendium.tables import read_tables
from bcopt.loads.programs import HOLIDAY, WORKDAY

FUNCTIONS = ("residential", "office", "hotel", "mall")
"""What clusters are used for; the published groups of the district."""
CLUSTERS = {
    **dict.fromkeys(("x1", "x2", "x3", "x4", "x5", "x6"), "residential"),
    "x7": "office",
    "x8": "hotel",
    "x9": "mall",
    "x10": "office",
    "x11": "hotel",
    "x12": "mall",
}
"""Function of each cluster of Table 1."""
SPACES = {
    "residential_living_room": "residential",
    "residential_bedroom": "residential",
    "residential_kitchen": "residential",
    "residential_bathroom": "residential",
    "residential_storage_room": "residential",
    "office": "office",
    "hotel": "hotel",
    "shopping_mall": "mall",
}
"""Function that each room of the standard belongs to."""
LABELS: dict[str, list[Any]] = {
    "cluster": list(CLUSTERS),
    "function": list(FUNCTIONS),
    "space": list(SPACES),
    "group": ["residential", "public"],
    "day": [WORKDAY, HOLIDAY],
    "orientation": ["north", "east", "south", "west"],
    "measure": ["electricity", "heating"],
    "month": list(range(1, 13)),
}

_CLUSTER, _FUNCTION, _SPACE, _MONTH = ("cluster",), ("function",), ("space",), ("month",)
_SHARE = Expected("1", (), 0.0, 1.0)
_SHARE_BY_FUNCTION = Expected("1", _FUNCTION, 0.0, 1.0)
_BY_HOUR = ("day", "hour")
TABLES = {
    "published/systems2024.csv": {
        "construction_area": Expected("m2", _CLUSTER, lower=1.0),
        "height": Expected("m", _CLUSTER, lower=2.0, upper=1000.0),
        "density": Expected("1", _CLUSTER, 0.0, 1.0),
        "land_side": Expected("m", lower=1.0),
        "heat_pump_cap": Expected("kW", _FUNCTION, lower=0.0),
        "heat_pump_cop": Expected("1", lower=1.0, upper=20.0),
        "storage_price": Expected("yuan/kWh", ("group",), 0.0, 100.0),
        "soc_lower": _SHARE,
        "soc_upper": _SHARE,
        "heat_store_share": Expected("1", lower=0.0, upper=10.0),
        "hotel_share": _SHARE,
        "penetration_public_share": _SHARE,
        "residential_share": _SHARE,
        "storage_installation_price": Expected("yuan/kWh", (), 0.0, 1e5),
        "boiler_installation_price": Expected("yuan/kWh", (), 0.0, 1e5),
        "grid_emission_factor": Expected("kg/kWh", (), 0.0, 10.0),
        "gas_emission_factor": Expected("kg/kWh", (), 0.0, 10.0),
    },
    "published/systems2024_tariffs.csv": {
        "electricity_price": Expected("yuan/kWh", ("group", "hour"), 0.0, 100.0),
        "heat_price": Expected("yuan/kWh", ("group", "hour"), 0.0, 100.0),
    },
    "standards/gb55015_densities.csv": {
        "people_density": Expected("person/m2", _SPACE, 0.0, 10.0),
        "lighting_density": Expected("W/m2", _SPACE, 0.0, 200.0),
        "equipment_density": Expected("W/m2", _SPACE, 0.0, 2000.0),
    },
    "standards/gb55015_rates.csv": {
        "people_rate": Expected("1", ("space", *_BY_HOUR), 0.0, 1.0),
        "lighting_rate": Expected("1", ("space", *_BY_HOUR), 0.0, 1.0),
        "equipment_rate": Expected("1", ("space", *_BY_HOUR), 0.0, 1.0),
    },
    "standards/gb55015_operation.csv": {
        "heating_setpoint": Expected("degC", ("function", *_BY_HOUR), -50.0, 40.0),
        "cooling_setpoint": Expected("degC", ("function", *_BY_HOUR), 0.0, 60.0),
        "fresh_air_rate": Expected("1", ("function", *_BY_HOUR), 0.0, 1.0),
    },
    "assumed/systems2024.csv": {
        "storey_height": Expected("m", _FUNCTION, lower=2.0, upper=20.0),
        "building_length": Expected("m", _FUNCTION, lower=1.0),
        "building_width": Expected("m", _FUNCTION, lower=1.0),
        "room_share": Expected("1", _SPACE, 0.0, 1.0),
        "persons_per_household": Expected("person", lower=0.1, upper=20.0),
        "area_per_household": Expected("m2", lower=5.0, upper=1000.0),
        "metabolic_rate": Expected("W/person", _FUNCTION, 20.0, 500.0),
        "fresh_air_per_person": Expected("m3/h/person", _FUNCTION, 0.0, 500.0),
        "infiltration": Expected("1/h", _FUNCTION, 0.0, 10.0),
        "wall_transmittance": Expected("W/m2/K", _FUNCTION, 0.05, 6.0),
        "roof_transmittance": Expected("W/m2/K", _FUNCTION, 0.05, 6.0),
        "window_transmittance": Expected("W/m2/K", _FUNCTION, 0.3, 7.0),
        "solar_heat_gain_coefficient": Expected("1", _FUNCTION, 0.05, 0.9),
        "ground_floor_resistance": Expected("m2K/W", _FUNCTION, 0.0, 10.0),
        "soil_temperature": Expected("degC", lower=-20.0, upper=40.0),
        "hot_water_per_person": Expected("L/d/person", _FUNCTION, 0.0, 1000.0),
        "hot_water_temperature": Expected("degC", lower=30.0, upper=90.0),
        "water_heater_loss": Expected("kWh/d", lower=0.0, upper=20.0),
        "refrigerator": Expected("kWh/d", lower=0.0, upper=20.0),
        "standby": Expected("kWh/a", lower=0.0, upper=5000.0),
        "common_services": Expected("kWh/m2/a", _FUNCTION, 0.0, 200.0),
        "night_equipment_workday": _SHARE_BY_FUNCTION,
        "night_equipment_holiday": _SHARE_BY_FUNCTION,
        "night_lighting": _SHARE_BY_FUNCTION,
        "cooking": Expected("kWh/m2/a", _FUNCTION, 0.0, 500.0),
        "chiller_cop": Expected("1", (), 1.0, 20.0),
        "module_tilt": Expected("degree", lower=0.0, upper=90.0),
        "roof_coverage": _SHARE,
        "borehole_heat": Expected("W/m2", lower=0.0, upper=1000.0),
    },
    "assumed/systems2024_windows.csv": {
        "window_to_wall_ratio": Expected("1", ("function", "orientation"), 0.0, 0.95),
    },
    "assumed/systems2024_shapes.csv": {
        "hot_water_shape": Expected("1", ("function", "hour"), 0.0, 1.0),
        "cooking_shape": Expected("1", ("function", "hour"), 0.0, 1.0),
    },
    "assumed/systems2024_benchmarks.csv": {
        "benchmark_low": Expected("kWh/m2/a", ("function", "measure"), 0.0, 1000.0),
        "benchmark_high": Expected("kWh/m2/a", ("function", "measure"), 0.0, 1000.0),
    },
    "assumed/beijing_climate.csv": {
        "mean_temperature": Expected("degC", _MONTH, -70.0, 60.0),
        "mean_daily_maximum": Expected("degC", _MONTH, -70.0, 60.0),
        "mean_daily_minimum": Expected("degC", _MONTH, -70.0, 60.0),
        "global_horizontal_radiation": Expected("kWh/m2/day", _MONTH, 0.0, 20.0),
        "wind_speed": Expected("m/s", _MONTH, 0.0, 40.0),
        "relative_humidity": Expected("%", _MONTH, 1.0, 100.0),
    },
}
"""The tables below ``data/`` and what each of their quantities must be."""
CLIMATE = tuple(TABLES["assumed/beijing_climate.csv"])
"""Monthly means that the weather is morphed to."""


def load(root: Path | None = None) -> xr.Dataset:
    """Return the study's published, standard and assumed inputs.

    Parameters
    ----------
    root : Path, optional
        Project root, found from the working directory by default.

    Returns
    -------
    xr.Dataset, dims (cluster, function, space, group, day, orientation, month, hour)
        Every variable with ``units``, ``long_name``, ``provenance`` and ``source``; coordinate ``used_for``, dims
        (cluster), names the function of each cluster.

    Raises
    ------
    InputError
        Listing every fault of a table, or every variable that is missing, unknown, in another unit or out of range.
    """
    found = read_tables("systems2024", TABLES, LABELS, root or project_root())
    return found.assign_coords(used_for=("cluster", list(CLUSTERS.values())))
