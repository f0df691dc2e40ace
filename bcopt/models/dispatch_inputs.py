"""Inputs of the dispatch model: what they must be, alone and between each other, and the resistance of many rooms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Literal, TypeVar, cast

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.models.quantities import Quantity, faults, label_faults, unknown
from bcopt.models.store import LOSS, SHARE, listed, outside

ANY = pd.Interval(-np.inf, np.inf, closed="neither")
EFFICIENCY = pd.Interval(0.0, 1.0, closed="right")
POSITIVE = pd.Interval(0.0, np.inf, closed="neither")
CARRIERS = ("electricity", "cooling")
MeanTemperature = Literal["kept", "free"]
Values = TypeVar("Values", xr.DataArray, xr.Variable)
PART_LOAD = ("part_load_quadratic", "part_load_linear", "part_load_constant")
"""a, b and c of the part load of the chiller, needed where its power is to be a polynomial's."""

PROVIDER = {
    "photovoltaics": Quantity("kW", True),  # what the sun offers
    "grid_price": Quantity("yuan/kWh", True),
    "export_price": Quantity("yuan/kWh", True),
    "turbine_capacity": Quantity("kW", False),
    "turbine_minimum_share": Quantity("1", False),  # least power while running, per capacity; at most 1
    "turbine_fixed_fuel": Quantity("kW", False),  # F0, burnt while running whatever the power
    "turbine_fuel_slope": Quantity("kWh/kWh", False),  # F1
    "turbine_heat_loss": Quantity("1", False, SHARE),  # share of the fuel that is neither power nor heat
    "recovery_efficiency": Quantity("1", False, EFFICIENCY),
    "absorption_cop": Quantity("kWh/kWh", False, POSITIVE),
    "chiller_capacity": Quantity("kW", False),  # cooling
    "chiller_eer": Quantity("kWh/kWh", False, POSITIVE),  # energy efficiency ratio, cooling per electricity
    **{name: Quantity("1", False, ANY, required=False) for name in PART_LOAD},
    "ice_capacity": Quantity("kWh", False),
    "ice_power": Quantity("kW", False),  # cooling, of making ice and of melting it
    "ice_eer": Quantity("kWh/kWh", False, POSITIVE),  # of making ice
    "ice_loss": Quantity("1/h", False, LOSS),
    "gas_price": Quantity("yuan/m3", False),
    "heating_value": Quantity("kWh/m3", False, POSITIVE),
    "emission_cost": Quantity("yuan/m3", False),  # per gas
    "turbine_operation_price": Quantity("yuan/kWh", False),  # per electricity generated
    "chiller_operation_price": Quantity("yuan/kWh", False),  # per cooling, that of making ice included
    "absorption_operation_price": Quantity("yuan/kWh", False),  # per cooling
    "photovoltaics_operation_price": Quantity("yuan/kWh", False),  # per electricity used or exported
    "ice_operation_price": Quantity("yuan/kWh", False),  # per cooling from melting ice
}
"""Inputs of the provider, without dims or over ``hour``."""

CLUSTERS = {
    "load": Quantity("kW", True),  # L0, before any response
    "agreed": Quantity("kW", True, required=False),  # after the response to prices; the load by default
    "transferable_share": Quantity("1", False, SHARE),  # of the electricity
    "room_resistance": Quantity("K/kW", False, POSITIVE),  # R, of all rooms of the cluster together
    "time_constant": Quantity("h", False, POSITIVE),  # R C
    "comfort_band": Quantity("K", False),
    "satisfaction": Quantity("yuan/kWh", False),  # v
    "satiation": Quantity("yuan/kWh/kW", False),  # b
    "loss_linear": Quantity("yuan/kWh", False),  # phi2
    "loss_quadratic": Quantity("yuan/kWh/kW", False),  # phi1
}
"""Inputs of the clusters, over the dims of :data:`CLUSTER_DIMS` or some of them."""
CLUSTER_DIMS = {
    "load": ("cluster", "carrier", "hour"),
    "agreed": ("cluster", "carrier", "hour"),
    "transferable_share": ("cluster", "hour"),
    "room_resistance": ("cluster",),
    "time_constant": ("cluster",),
    "comfort_band": ("cluster", "hour"),
    **dict.fromkeys(("satisfaction", "satiation", "loss_linear", "loss_quadratic"), ("cluster", "carrier")),
}
QUANTITIES = PROVIDER | CLUSTERS
"""The inputs of the dispatch model are a dataset of these."""


def check(inputs: xr.Dataset, clusters: bool = True) -> None:
    """Raise if the inputs describe no problem.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`QUANTITIES`.
    clusters : bool
        False looks at those of the provider alone.

    Raises
    ------
    ValueError
        With a line for each quantity that is missing, unknown, in other units, without hours, over other dims, or
        outside its range with its labels; for exports that would earn more than purchases cost; for a minimum load
        above capacity, or a turbine that turns more of its fuel into power and loss than it has; for a part load that
        leaves the chiller no finite power; for other carriers, and clusters without load. Before that for repeated or
        no labels, and hours that are not in order, one apart.
    """
    if wrong_labels := list(label_faults(inputs)):
        raise ValueError("\n".join(wrong_labels))
    found = {name: list(_faults(name, inputs)) for name in (QUANTITIES if clusters else PROVIDER)}
    sound = inputs[[name for name, lines in found.items() if name in inputs and not lines]]
    together = chain(_prices(sound), _turbine(sound), _part_load(sound), _clusters(sound))
    if lines := [*unknown(inputs, QUANTITIES), *chain(*found.values()), *together]:
        raise ValueError("\n".join(lines))


def _faults(name: str, inputs: xr.Dataset) -> Iterator[str]:
    """Yield what is wrong with one quantity alone."""
    yield from faults(name, QUANTITIES[name], inputs)
    admitted = CLUSTER_DIMS.get(name, ("hour",))
    if name in inputs and (odd := [str(dim) for dim in inputs[name].dims if dim not in admitted]):
        yield f"{name}: must have no dims but {', '.join(admitted)}, found {', '.join(odd)}"
    if name == "load" and name in inputs and (lacking := set(admitted[:2]) - set(inputs[name].dims)):
        yield f"{name}: must have the dims {', '.join(admitted)}, without {', '.join(sorted(lacking))}"


def _prices(sound: xr.Dataset) -> Iterator[str]:
    """Yield the hours in which the provider would earn by buying and selling at once."""
    if sound.keys() >= {"grid_price", "export_price"}:
        bought, sold = sound["grid_price"], sound["export_price"]
        message = "export_price must not exceed grid_price [yuan/kWh]"
        yield from listed(message, sold > bought, export=sold, purchase=bought)


def _turbine(sound: xr.Dataset) -> Iterator[str]:
    """Yield a least power above the capacity, and powers at which the balance leaves less than no heat."""
    share = sound.get("turbine_minimum_share")
    if share is not None:
        yield from listed("turbine_minimum_share above 1, minimum load above capacity", share > 1, found=share)
    names = ("turbine_capacity", "turbine_fixed_fuel", "turbine_fuel_slope", "turbine_heat_loss")
    if share is not None and sound.keys() >= set(names):
        capacity, fixed, slope, loss = (sound[name] for name in names)
        for load, power in (("least", share * capacity), ("full", capacity)):
            heat = (fixed + slope * power) * (1 - loss) - power
            message = f"turbine: heat must not be negative at {load} power [kW]"
            yield from listed(message, (heat < 0) & (share <= 1), heat=heat, power=power)


def _part_load(sound: xr.Dataset) -> Iterator[str]:
    """Yield coefficients with which the energy efficiency ratio reaches zero at some load of the chiller."""
    given = [name for name in PART_LOAD if name in sound]
    if given and len(given) < len(PART_LOAD):
        yield f"part load: {', '.join(given)} alone, expected {', '.join(PART_LOAD)} or none of them"
    if len(given) == len(PART_LOAD):
        a, b, c = xr.broadcast(*(sound[name] for name in PART_LOAD))
        turn = (-b / (2 * a.where(a != 0))).fillna(1.0).clip(0, 1)
        at_turn = ((a * turn + b) * turn + c).where(turn > 0, a + b + c)
        wrong = (c < 0) | ((c == 0) & (b <= 0)) | (a + b + c <= 0) | (at_turn <= 0)
        message = "part load: the energy efficiency ratio must be positive for all loads up to the capacity"
        yield from listed(message, wrong, quadratic=a, linear=b, constant=c)


def _clusters(sound: xr.Dataset) -> Iterator[str]:
    """Yield other carriers than the two, and clusters that use neither."""
    if "carrier" in sound.dims and set(sound["carrier"].to_numpy()) != set(CARRIERS):
        yield f"carrier: expected {', '.join(CARRIERS)}, found {', '.join(map(str, sound['carrier'].to_numpy()))}"
    if "load" in sound:
        used = sound["load"].sum(["carrier", "hour"])
        yield from listed("load: every cluster must have some, found none", used == 0)


def complete(inputs: xr.Dataset, *names: str) -> xr.Dataset:
    """Return sound inputs with agreed loads, each over all its dims: (hour), or those of :data:`CLUSTER_DIMS`.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`QUANTITIES`; those of the provider suffice.
    *names : str
        Quantities to return; all there are by default.

    Returns
    -------
    xr.Dataset
        Carriers in the order of :data:`CARRIERS`.
    """
    return labelled(inputs, wide(inputs, *names))


def wide(inputs: xr.Dataset, *names: str) -> dict[str, xr.Variable]:
    """Return quantities as :func:`complete` does, without labels: arithmetic by dims alone is many times as fast."""
    given = inputs.variables
    order = _order(inputs)
    found = {}
    for name in names or [*inputs.data_vars, *(["agreed"] if "load" in inputs else [])]:
        dims = CLUSTER_DIMS.get(str(name), ("hour",))
        values = given["load" if name == "agreed" and name not in given else name]
        full = values.set_dims({dim: inputs.sizes[dim] for dim in dims}).transpose(*dims)
        found[str(name)] = full.isel(carrier=order) if order and "carrier" in dims else full
    return found


def labelled(inputs: xr.Dataset, found: Mapping[str, xr.Variable]) -> xr.Dataset:
    """Return what was found from :func:`wide` inputs with the labels of its dims."""
    order = _order(inputs)
    of = inputs[["carrier"]].isel(carrier=order).xindexes if order else {}
    used = {dim for values in found.values() for dim in values.dims}
    indexes = {dim: index for dim, index in {**inputs.xindexes, **of}.items() if dim in used}
    variables = {name: x for index in indexes.values() for name, x in index.create_variables().items()}
    return xr.Dataset(dict(found), xr.Coordinates(variables, indexes))


def _order(inputs: xr.Dataset) -> list[int]:
    """Return where the :data:`CARRIERS` are among the labels, nothing if they are in their places."""
    if "carrier" not in inputs.dims:
        return []
    carriers = inputs.variables["carrier"].to_numpy().tolist()
    return [] if carriers == list(CARRIERS) else [carriers.index(name) for name in CARRIERS]


def limits(inputs: xr.Dataset, mean_temperature: MeanTemperature = "kept") -> dict[str, xr.DataArray]:
    """Return how far loads may leave the agreed ones: bounds and right-hand sides of the dispatch model.

    A cluster that cools nothing in an hour is closed then, and takes no cold to keep for later.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`~bcopt.models.dispatch_inputs.CLUSTERS`.
    mean_temperature : {"kept", "free"}
        Whether the cooling of each cluster over the cycle is kept, and thereby the mean of its temperature.

    Returns
    -------
    dict of str to xr.DataArray
        ``lower`` and ``upper`` (cluster, carrier, hour) of the variable ``load`` [kW]; the sides of the constraints
        ``load-total`` (cluster, carrier) [kWh], of the carriers whose total is kept, and ``room`` (cluster, hour) [K].
    """
    given = wide(inputs, "agreed", "load", "transferable_share", "time_constant", "room_resistance", "comfort_band")
    agreed = given["agreed"]
    decay, per_load = room(given)
    moved = given["transferable_share"] * given["load"].isel(carrier=0)
    swing = given["comfort_band"] * (1 + decay) / per_load  # from one end of the band to the other in an hour
    cooling = agreed.isel(carrier=1)
    freedom = xr.Variable.concat([moved, swing.where(cooling > 0, 0.0)], "carrier").transpose(*agreed.dims)
    found = {
        "lower": (agreed - freedom).clip(min=0),
        "upper": agreed + freedom,
        "load-total": agreed.sum("hour"),
        "room": per_load * cooling,
    }
    within = {str(name): values for name, values in labelled(inputs, found).data_vars.items()}
    if mean_temperature == "free":
        within["load-total"] = within["load-total"].sel(carrier=["electricity"])
    return within


def room(given: Mapping[Any, Values]) -> tuple[Values, Values]:
    """Return the share of a temperature deviation left after an hour, and the deviation by one kW for one hour."""
    decay = cast("Values", np.exp(-1 / given["time_constant"]))
    return decay, (1 - decay) * given["room_resistance"]


def room_resistance(per_user: xr.DataArray, users: xr.DataArray, simultaneity: xr.DataArray) -> xr.DataArray:
    """Return the resistance of the rooms of all users of a cluster together.

        R = per_user / (users simultaneity)

    The heat that enters ``users`` equal rooms, of which the share ``simultaneity`` is cooled at a time, adds up.

    Parameters
    ----------
    per_user : xr.DataArray, dims (cluster, ...)
        Resistance of the envelope of one user's rooms [K/kW].
    users, simultaneity : xr.DataArray, dims (cluster, ...)
        Users of the cluster [-] and simultaneity factor, within (0, 1] [-].

    Returns
    -------
    xr.DataArray, dims (cluster, ...)
        ``room_resistance`` [K/kW].

    Raises
    ------
    ValueError
        Naming each value out of its range.

    References
    ----------
    Frontiers in Energy Research 2022, section 3.1.2, https://doi.org/10.3389/fenrg.2022.865190.
    """
    problems = outside("resistance per user", per_user, POSITIVE, "K/kW") + outside("users", users, POSITIVE)
    problems += outside("simultaneity", simultaneity, EFFICIENCY)
    if problems:
        raise ValueError("\n".join(problems))
    return (per_user / (users * simultaneity)).rename("room_resistance").assign_attrs(units="K/kW")
