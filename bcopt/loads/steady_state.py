"""A month's heating of a storey by hand: transmission and air exchange less useful gains, without EnergyPlus."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.loads.prototypes import Cluster
from bcopt.loads.solar import PhotovoltaicArray, plane_of_array_irradiance
from bcopt.loads.weather import CALENDAR

Array = npt.NDArray[np.float64]

AIR_HEAT_CAPACITY = 0.335
"""Of a cubic metre of air [Wh/m3/K], 1.2 kg/m3 x 1,006 J/kg/K."""
HEAT_CAPACITY = 260e3 / 3600
"""Of a heavy building per floor area [Wh/m2/K], ISO 13790:2008 table 12."""
SURFACE_RESISTANCE_BELOW = 0.17
"""Of a floor towards the room [m2K/W], ISO 6946."""
_FACING = {"north": 0.0, "east": 90.0, "south": 180.0, "west": 270.0}
_LONG_SIDES = ("north", "south")


def monthly_heating(
    cluster: Cluster,
    envelope: xr.Dataset,
    weather: xr.Dataset,
    month: int,
    indoor: float,
    internal_gains: float,
    soil: float,
    air_change: float,
) -> xr.Dataset:
    """Return the heat that the lowest, a middle and the highest storey of a lone building need in a month.

        Q = L - eta G,   L = [sum U A + c n V] sum(T_in - T_out) + A_floor (T_in - T_soil) t / R_floor
        G = q A t + sum over facades of SHGC x A_window x I
        eta = (1 - g^a) / (1 - g^(a + 1)),   g = G / L,   a = 1 + C / (15 h x L per kelvin)

    Parameters
    ----------
    cluster : Cluster
        Plan and storey height.
    envelope : xr.Dataset, dims (orientation)
        As in :data:`bcopt.loads.buildings.ENVELOPE`.
    weather : xr.Dataset, dims (hour)
        The 8,760 hours of a year.
    month : int
        1 to 12.
    indoor, soil : float
        Constant temperatures of the rooms and below the building [degC].
    internal_gains : float
        Mean heat of people, lights and appliances that stays in the rooms [W/m2].
    air_change : float
        By leakage and fresh air together [1/h].

    Returns
    -------
    xr.Dataset, dims (storey)
        walls, windows, roof, floor, air; internal and solar gains; heating [kWh]; utilisation of the gains [-].

    Raises
    ------
    ValueError
        If a storey loses no heat in the month.

    References
    ----------
    ISO 13790:2008, sections 7, 8 and 12.2.1.1, the monthly quasi-steady-state method.
    """
    inside = CALENDAR.month == month
    cold = indoor - weather["dry_bulb_temperature"][inside]
    heat = _losses(cluster, envelope, float(cold.sum()), (indoor - soil) * cold.size, air_change)
    losses = np.sum(list(heat.values()), axis=0)
    if not (cold.sum() > 0 and (losses > 0).all()):
        raise ValueError(f"month {month}: rooms of {indoor:g} degC lose no heat, expected a colder month of 1 to 12")
    heat |= _gains(cluster, envelope, weather, inside, internal_gains)
    gains = heat["internal"] + heat["solar"]
    utilisation = _utilisation(gains, losses, HEAT_CAPACITY * cluster.length * cluster.width * float(cold.sum()))
    heat["heating"] = losses - utilisation * gains
    terms = {name: ("storey", value / 1000, {"units": "kWh"}) for name, value in heat.items()}
    terms["utilisation"] = ("storey", utilisation, {"units": "1"})
    return xr.Dataset(terms, {"storey": ["ground", "middle", "top"]})


def _losses(
    cluster: Cluster, envelope: xr.Dataset, kelvin_hours: float, soil_kelvin_hours: float, air_change: float
) -> dict[str, Array]:
    """Return what the lowest, a middle and the highest storey lose [Wh]."""
    area = cluster.length * cluster.width
    opaque, glass = _facades(cluster, envelope["window_to_wall_ratio"])
    resistance = float(envelope["ground_floor_resistance"]) + SURFACE_RESISTANCE_BELOW
    return {
        "walls": np.full(3, opaque * float(envelope["wall_transmittance"]) * kelvin_hours),
        "windows": np.full(3, sum(glass.values()) * float(envelope["window_transmittance"]) * kelvin_hours),
        "roof": np.array([0, 0, area * float(envelope["roof_transmittance"]) * kelvin_hours]),
        "floor": np.array([area * soil_kelvin_hours / resistance, 0, 0]),
        "air": np.full(3, AIR_HEAT_CAPACITY * air_change * area * cluster.storey_height * kelvin_hours),
    }


def _facades(cluster: Cluster, ratio: xr.DataArray) -> tuple[float, dict[str, float]]:
    """Return the areas of a storey's walls, without windows, and of its windows by orientation [m2]."""
    sides = {facing: cluster.length if facing in _LONG_SIDES else cluster.width for facing in _FACING}
    glass = {
        facing: side * cluster.storey_height * float(ratio.sel(orientation=facing)) for facing, side in sides.items()
    }
    return sum(sides.values()) * cluster.storey_height - sum(glass.values()), glass


def _gains(
    cluster: Cluster, envelope: xr.Dataset, weather: xr.Dataset, inside: npt.NDArray[np.bool_], internal_gains: float
) -> dict[str, Array]:
    """Return what a storey gains over the hours chosen: inside, and of the sun by its windows [Wh]."""
    _, glass = _facades(cluster, envelope["window_to_wall_ratio"])
    chosen = weather.isel(hour=inside)
    facades = {facing: PhotovoltaicArray(tilt=90.0, azimuth=azimuth) for facing, azimuth in _FACING.items()}
    on_windows = sum(
        glass[facing] * float(plane_of_array_irradiance(chosen, facades[facing]).sum()) for facing in glass
    )
    return {
        "internal": np.full(3, internal_gains * cluster.length * cluster.width * inside.sum()),
        "solar": np.full(3, float(envelope["solar_heat_gain_coefficient"]) * on_windows),
    }


def _utilisation(gains: Array, losses: Array, storage: float) -> Array:
    """Return the share of gains that is useful; the time constant [h] is the storage [Wh h] per losses [Wh]."""
    ratio, exponent = gains / losses, 1 + storage / losses / 15
    balanced = exponent / (exponent + 1)  # the limit where gains equal losses, and their difference is lost
    return np.divide(1 - ratio**exponent, 1 - ratio ** (exponent + 1), out=balanced, where=np.abs(ratio - 1) > 1e-9)
