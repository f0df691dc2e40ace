"""The study's inputs: prices, equipment, users and the climate of Guangzhou, each with unit, provenance and source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from bcopt.compendium.inputs import Expected
from bcopt.compendium.paths import project_root
from bcopt.compendium.tables import read_tables
from bcopt.studies import systems2024

CLUSTERS = ("commercial", "residential", "hotel")
CARRIERS = ("electricity", "cooling")
PRICE_SETS = ("text-bands", "guangdong-2021")
LABELS: dict[str, list[Any]] = {
    "cluster": list(CLUSTERS),
    "function": list(systems2024.inputs.FUNCTIONS),
    "band": ["low", "middle", "high"],
    "price_set": list(PRICE_SETS),
    "month": list(range(1, 13)),
}

_CLUSTER, _FUNCTION = ("cluster",), ("function",)
_SHARE = Expected("1", (), 0.0, 1.0)
_PRICE = Expected("yuan/kWh", (), 0.0, 100.0)
_CAPACITY = Expected("kW", (), 0.0, 1e6)
TABLES = {
    "assumed/frontiers2022_prices.csv": {
        "electricity_price": Expected("yuan/kWh", ("price_set", "hour"), 0.001, 100.0),
    },
    "assumed/frontiers2022.csv": {
        "wall_transmittance": Expected("W/m2/K", _FUNCTION, 0.05, 6.0),
        "roof_transmittance": Expected("W/m2/K", _FUNCTION, 0.05, 6.0),
        "window_transmittance": Expected("W/m2/K", _FUNCTION, 0.3, 7.0),
        "solar_heat_gain_coefficient": Expected("1", _FUNCTION, 0.05, 0.9),
        "soil_temperature": Expected("degC", (), -20.0, 40.0),
        "photovoltaic_capacity": _CAPACITY,
        "turbine_capacity": _CAPACITY,
        "turbine_efficiency": Expected("1", (), 0.05, 0.7),
        "turbine_idle_share": Expected("1", (), 0.0, 0.9),
        "turbine_minimum": _SHARE,
        "turbine_heat_loss": _SHARE,
        "recovery_efficiency": Expected("1", (), 0.01, 1.0),
        "absorption_cop": Expected("1", (), 0.1, 5.0),
        "chiller_capacity": _CAPACITY,
        "chiller_eer": Expected("1", (), 0.5, 20.0),
        "part_load_a": Expected("1", (), -10.0, 10.0),
        "part_load_b": Expected("1", (), -10.0, 10.0),
        "part_load_c": Expected("1", (), -10.0, 10.0),
        "ice_capacity": Expected("kWh", (), 0.0, 1e7),
        "ice_power": _CAPACITY,
        "ice_eer": Expected("1", (), 0.5, 20.0),
        "ice_loss": Expected("1/h", (), 0.0, 0.5),
        "gas_price": Expected("yuan/m3", (), 0.0, 100.0),
        "heating_value": Expected("kWh/m3", (), 1.0, 20.0),
        "emission_cost": Expected("yuan/m3", (), 0.0, 100.0),
        "turbine_operation": _PRICE,
        "chiller_operation": _PRICE,
        "absorption_operation": _PRICE,
        "photovoltaic_operation": _PRICE,
        "ice_operation": _PRICE,
        "export_price_share": _SHARE,
        "satisfaction_commercial": Expected("1", (), 0.0, 20.0),
        "satiation_share": Expected("1", (), 0.0, 1.0),
        "loss_linear_share": Expected("1", (), 0.0, 10.0),
        "loss_quadratic_share": Expected("1", (), 0.0, 10.0),
        "reducible_share": _SHARE,
        "sensitivity": Expected("1", (), 0.0, 100.0),
        "elasticity": Expected("1", ("band",), -10.0, 0.0),
        "transferable_share": Expected("1", _CLUSTER, 0.0, 1.0),
        "design_temperature_difference": Expected("K", (), 0.1, 60.0),
        "room_time_constant": Expected("h", (), 0.1, 1000.0),
        "comfort_band": Expected("K", (), 0.0, 20.0),
    },
    "assumed/guangzhou_climate.csv": systems2024.inputs.TABLES["assumed/beijing_climate.csv"],
}
"""The tables below ``data/`` and what each of their quantities must be."""
ENVELOPE = tuple(list(TABLES["assumed/frontiers2022.csv"])[:5])
"""What buildings in Guangzhou have otherwise than in Beijing."""
PUBLISHED = {cluster: (f"F-4.3-cost-{cluster}", f"F-4.3-reduction-{cluster}") for cluster in CLUSTERS}
"""Claims on the energy cost of each cluster and on its reduction against direct purchase."""


def load(root: Path | None = None) -> xr.Dataset:
    """Return the study's inputs.

    Parameters
    ----------
    root : Path, optional
        Project root, found from the working directory by default.

    Returns
    -------
    xr.Dataset, dims (cluster, function, band, price_set, month, hour)
        Every variable with ``units``, ``long_name``, ``provenance`` and ``source``.

    Raises
    ------
    InputError
        Listing every fault of a table, or every variable that is missing, unknown, in another unit or out of range.
    """
    return read_tables("frontiers2022", TABLES, LABELS, root or project_root())


def of_buildings(root: Path | None = None, envelope: str = "hot summer and warm winter") -> xr.Dataset:
    """Return what the buildings are simulated from: the prototypes of systems2024 in the climate of Guangzhou.

    Parameters
    ----------
    root : Path, optional
        Project root.
    envelope : {"hot summer and warm winter", "cold"}
        Climate zone whose envelope the buildings have; the second leaves that of Beijing.

    Raises
    ------
    InputError
        As :func:`load`, and :func:`bcopt.studies.systems2024.inputs.load`.
    """
    mine, theirs = load(root), systems2024.inputs.load(root)
    names = [*systems2024.inputs.CLIMATE, *(ENVELOPE if envelope != "cold" else ENVELOPE[-1:])]
    return theirs.assign({name: mine[name] for name in names})
