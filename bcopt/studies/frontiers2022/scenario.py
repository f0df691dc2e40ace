"""What the study does not print and the protocol decides: one value of every choice that a calculation needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal, get_type_hints

import xarray as xr
from pydantic import StringConstraints

from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import PROTOCOL, StudyProtocol
from bcopt.studies.frontiers2022.inputs import PRICE_SETS

CENTRAL = "central"


@dataclass(frozen=True)
class Scenario:
    """One value of each choice of the protocol that the loads, the prices and the dispatch depend on, by its name."""

    price_set: Literal["text-bands", "guangdong-2021"]
    cooling_price: Annotated[str, StringConstraints(pattern=r"^electricity over [1-9]\d*(\.\d+)?$")]
    commercial_building: Literal["mall", "office"]
    envelope: Literal["hot summer and warm winter", "cold"]
    weather: Literal["Miami morphed to Guangzhou", "Miami as it is"]
    day: Literal["mean day of July", "mean workday of July", "mean day of August"]
    hot_water: Literal["gas", "electricity"]
    response: Literal["willingness", "elasticity"]
    sensitivity: float
    reducible_share: float
    satisfaction_commercial: float
    satiation_share: float
    loss_share: float
    loss_linear_share: float
    price_levels: int
    price_ties: Literal["nearest to wholesale", "lowest", "highest"]
    weight: float
    transferable_share: float
    comfort_band: float
    room_time_constant: float
    mean_temperature: Literal["kept", "free"]
    export_price_share: float

    @property
    def cooling_divisor(self) -> float:
        """How many times cheaper than electricity cold is at wholesale."""
        return float(self.cooling_price.removeprefix("electricity over "))

    @property
    def loads(self) -> str:
        """Variant of the simulated loads, as :func:`bcopt.studies.frontiers2022.simulation.variants` names them."""
        if self.envelope == "cold":
            return "envelope: cold"
        return f"weather: {self.weather}" if self.weather == "Miami as it is" else CENTRAL


CHOICES = tuple(field.name for field in fields(Scenario))
NOT_SWEPT = ("price_set", "weight")
"""Choices whose alternatives have a place of their own: both price sets throughout, all weights in section 4.3."""
_ASSUMED = {
    "sensitivity": "sensitivity",
    "reducible_share": "reducible_share",
    "satisfaction_commercial": "satisfaction_commercial",
    "satiation_share": "satiation_share",
    "loss_share": "loss_quadratic_share",
    "loss_linear_share": "loss_linear_share",
    "comfort_band": "comfort_band",
    "room_time_constant": "room_time_constant",
    "export_price_share": "export_price_share",
}
"""Choices that stand in data/assumed/frontiers2022.csv too, with their source."""


def central(protocol: StudyProtocol, inputs: xr.Dataset, parameters: Mapping[str, Any] | None = None) -> Scenario:
    """Return the protocol's central choices, those that are parameters of the run as they are there.

    Parameters
    ----------
    protocol : StudyProtocol
        With every choice of :data:`CHOICES`.
    inputs : xr.Dataset
        The study's inputs.
    parameters : mapping, optional
        Parameters of the run by name.

    Raises
    ------
    InputError
        Naming every choice that the protocol lacks, has of another kind, or whose central value is not that of the
        inputs.
    """
    chosen = protocol.chosen(CHOICES, get_type_hints(Scenario, include_extras=True))
    differ = [
        f"{quantity} is {float(inputs[quantity]):g} in data/assumed/frontiers2022.csv and {name} {chosen[name]} here: "
        "both must be changed"
        for name, quantity in _ASSUMED.items()
        if float(inputs[quantity]) != chosen[name]
    ]
    if differ:
        raise InputError(PROTOCOL.as_posix(), differ)
    return Scenario(**{**chosen, **{name: value for name, value in (parameters or {}).items() if name in CHOICES}})


def alternatives(protocol: StudyProtocol, middle: Scenario) -> dict[str, Scenario]:
    """Return the central scenario and those that differ from it in one choice, by what they change."""
    found = {CENTRAL: middle}
    for name in CHOICES:
        choice = protocol.choices[name]
        for value in () if name in NOT_SWEPT else (choice.value, *choice.alternatives):
            if value != getattr(middle, name):
                found[f"{name.replace('_', ' ')}: {value}"] = changed(middle, {name: value})
    return found


def by_price_set(middle: Scenario) -> dict[str, Scenario]:
    """Return a scenario under both price sets, that of the scenario first."""
    names = sorted(PRICE_SETS, key=lambda name: name != middle.price_set)
    return {name: changed(middle, {"price_set": name}) for name in names}


def changed(scenario: Scenario, choices: Mapping[str, Any]) -> Scenario:
    """Return a scenario with other values of some choices, by name."""
    return replace(scenario, **choices)
