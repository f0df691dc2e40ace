"""What the study does not print and the protocol decides: one set of choices, and those that differ from it in one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal, get_type_hints

import xarray as xr
from pydantic import StringConstraints

from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import PROTOCOL, StudyProtocol
from bcopt.models import district
from bcopt.models.flexibility import TieRule

CENTRAL = "central"
_LITRES = r"(\d+) L\b"


@dataclass(frozen=True)
class Scenario:
    """The choices of section 3 under the names that data/protocol.yaml gives them.

    Parameters
    ----------
    loads : str
        Variant of the simulated loads, as in data/derived/load_variants.nc: its program, reading of hours, neighbours
        and weather.
    room_shares, base_load, hot_water, area_per_household, roof_coverage, borehole_heat
        Choices of section 2.1 whose alternatives follow from the central loads by arithmetic, in electricity and
        potentials; what they change in heat is left out.
    others
        As the protocol says.
    """

    room_shares: str
    base_load: str
    hot_water: Annotated[str, StringConstraints(pattern=_LITRES)]
    area_per_household: float
    roof_coverage: float
    borehole_heat: float
    cost_reading: Literal["electricity cost", "energy cost"]
    load_scale_carries: Literal["residential", "x1", "every cluster"]
    cooking: Literal["gas", "electricity"]
    heat_pump_electricity: bool
    export_price: float | Literal["purchase price"]
    storage_price_electricity: Literal["as printed", "zero"]
    storage_price_heat: Literal["zero", "as printed"]
    self_discharge: float
    heat_storage_power: float
    vehicle_power: float
    vehicle_availability: Literal["always", "18:00 to 08:00"]
    vehicles_at_public: Literal["none", "as many per area as at homes"]
    lighting_floor: float
    transferable_share: float
    transfer_window: str
    transfer_limit: float
    heater_power: float
    tie_rule: TieRule
    levelled_load: Literal["as simulated", "self-optimised"]
    photovoltaics_deducted: bool
    area_reading: Literal["ground area", "floor area"]
    hotel_split: Literal["equally", "all x8", "all x11"]
    heat_pump_sharing: Literal["own ground", "pooled"]
    penetration_period: Literal["January", "year"]
    penetration_photovoltaics: Literal["generated", "used at once"]
    district_mix: Literal["from the printed caps", "hotels a tenth, the others alike", "least AR at the printed share"]
    district_loads: Literal["self-optimised", "as simulated"]
    district_heat_pump_electricity: bool
    district_cooling: bool
    district_export_price: float
    gas_price: Literal["public price for all", "residential price for all", "each its own"]
    account: district.Account
    power_to_energy: float
    shared_storage_loss: float
    ground_heat_split: Literal["alike", "office first", "hotel first", "mall first"]
    lower_level_ties: Annotated[str, StringConstraints(pattern="^(least|greatest) throughput$")]
    installation_cost: Literal["a day", "a year"]
    export_share_of: Literal[
        "residential electricity, heat pumps included",
        "residential electricity, heat pumps left out",
        "residential generation",
    ]
    storage_state: Literal["of each group", "of the whole"]
    loads: str = CENTRAL


CHOICES = tuple(field.name for field in fields(Scenario) if field.name != "loads")
"""Names of the choices that a scenario takes from the protocol."""
OF_THE_MIX = (
    "levelled_load",
    "photovoltaics_deducted",
    "area_reading",
    "hotel_split",
    "heat_pump_sharing",
    "penetration_period",
    "penetration_photovoltaics",
)
"""Choices that act on section 3.2 alone: fits 1 and 2 are the same under all their values."""
OF_THE_DISTRICT = CHOICES[CHOICES.index("district_mix") :]
"""Choices that act on section 3.3 alone."""
OF_THE_PLOTS = ("district_mix", "district_loads", "district_cooling")
"""Those of them that act on what the groups of the district use; the others act on how it is supplied."""
OF_DEMAND = tuple(name for name in CHOICES if name not in OF_THE_DISTRICT)
"""Choices of sections 3.1 and 3.2."""
OF_THE_FITS = tuple(name for name in OF_DEMAND if name not in OF_THE_MIX)


def central(protocol: StudyProtocol, inputs: xr.Dataset, parameters: Mapping[str, Any] | None = None) -> Scenario:
    """Return the protocol's central choices, those that are parameters of the run as they are there.

    Parameters
    ----------
    protocol : StudyProtocol
        With every choice of :data:`CHOICES`.
    inputs : xr.Dataset
        The study's inputs, whose assumptions the loads were simulated with.
    parameters : mapping, optional
        Parameters of the run by name.

    Raises
    ------
    InputError
        Naming every choice that the protocol lacks, has of another kind, or whose central value is not that of the
        inputs.
    """
    chosen = protocol.chosen(CHOICES, get_type_hints(Scenario, include_extras=True))
    assumed = {
        name: (float(inputs[name]), chosen[name]) for name in ("area_per_household", "roof_coverage", "borehole_heat")
    }
    assumed["hot_water"] = (
        float(inputs["hot_water_per_person"].sel(function="residential")),
        litres(str(chosen["hot_water"])),
    )
    differ = [
        f"{name} is {value:g} in data/assumed/systems2024.csv and {decided} here: both must be changed"
        for name, (value, decided) in assumed.items()
        if value != decided
    ]
    if differ:
        raise InputError(PROTOCOL.as_posix(), differ)
    return Scenario(**{**chosen, **{name: value for name, value in (parameters or {}).items() if name in CHOICES}})


def litres(hot_water: str) -> float:
    """Return the litres a person and day in a choice of hot water such as ``20 L``.

    Raises
    ------
    ValueError
        If it names none.
    """
    found = re.search(_LITRES, hot_water)
    if not found:
        raise ValueError(f"hot water {hot_water!r}, expected litres a person such as '30 L'")
    return float(found.group(1))


def alternatives(
    protocol: StudyProtocol, middle: Scenario, variants: Iterable[str], names: Iterable[str] = OF_DEMAND
) -> dict[str, Scenario]:
    """Return the central scenario and those that differ from it in one choice, by what they change.

    Parameters
    ----------
    protocol : StudyProtocol
        With the alternatives.
    middle : Scenario
        From :func:`central`.
    variants : iterable of str
        Variants of the simulated loads, the central one among them.
    names : iterable of str
        Choices to change.
    """
    found = {CENTRAL: middle}
    found |= {f"loads: {name}": replace(middle, loads=name) for name in variants if name != CENTRAL}
    for name in names:
        choice = protocol.choices[name]
        for value in (choice.value, *choice.alternatives):
            if value != getattr(middle, name):
                found[f"{name.replace('_', ' ')}: {value}"] = changed(middle, {name: value})
    return found


def changed(scenario: Scenario, choices: Mapping[str, Any]) -> Scenario:
    """Return a scenario with other values of some choices, by name."""
    return replace(scenario, **choices)
