"""A small building written by hand, its program and its envelope, to be varied by the tests of loads."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

from bcopt.loads.buildings import ENVELOPE
from bcopt.loads.programs import HOLIDAY, PROFILES, WORKDAY
from bcopt.loads.prototypes import Cluster
from bcopt.loads.weather import shipped_weather

DAYS = [WORKDAY, HOLIDAY]
CLUSTER = Cluster("tower", 3, 5, 3.0, 20.0, 10.0, (40.0, 25.0))
ROOM = {
    "people": 0.03,
    "lighting": 2.0,
    "equipment": 3.0,
    "base_load": 1.0,
    "cooking": 0.5,
    "hot_water": 0.1,
    "fresh_air": 0.0,
    "heating_setpoint": 18.0,
    "cooling_setpoint": 26.0,
    "metabolic_rate": 100.0,
    "hot_water_temperature": 60.0,
    "base_load_outside": 0.25,
}
WALLS = {
    "wall_transmittance": 0.45,
    "roof_transmittance": 0.3,
    "window_transmittance": 2.0,
    "solar_heat_gain_coefficient": 0.45,
    "window_to_wall_ratio": [0.25, 0.1, 0.4, 0.1],
    "ground_floor_resistance": 1.5,
    "infiltration": 0.5,
    "soil_temperature": 18.0,
}


def by_hour(value):
    """A number all the time, 24 numbers on both days, or the two days, as an array over (day, hour)."""
    shape = np.broadcast_to(np.asarray(value, dtype=float), (2, 24)).copy()
    return xr.DataArray(shape, dims=("day", "hour"), coords={"day": DAYS, "hour": list(range(24))})


@pytest.fixture(scope="session")
def hours():
    return by_hour


@pytest.fixture(scope="session")
def profiles():
    """Return a program's profiles, constant over the day but for those given."""

    def call(**changed):
        values = ROOM | changed
        found = {
            name: by_hour(values[name]) if PROFILES[name].dims else xr.DataArray(values[name]) for name in PROFILES
        }
        return xr.Dataset({name: array.assign_attrs(units=PROFILES[name].units) for name, array in found.items()})

    return call


@pytest.fixture(scope="session")
def envelope():
    """Return an envelope of homes in a cold climate but for what is given."""

    def call(**changed):
        values = WALLS | changed
        found = {
            name: xr.DataArray(
                values[name],
                dims=rule.dims,
                coords={"orientation": ["north", "east", "south", "west"]} if rule.dims else {},
                attrs={"units": rule.units},
            )
            for name, rule in ENVELOPE.items()
        }
        return xr.Dataset(found)

    return call


@pytest.fixture(scope="session")
def cluster():
    """Return three slabs of five storeys but for what is given."""
    return lambda **changed: dataclasses.replace(CLUSTER, **changed)


@pytest.fixture(scope="session")
def willard():
    """A typical year of Champaign, Illinois, which comes with EnergyPlus; 1 January is a Sunday."""
    try:
        return shipped_weather("Willard")
    except FileNotFoundError as error:
        pytest.skip(str(error))
