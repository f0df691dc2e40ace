"""Thermostat and ideal air system as EnergyPlus runs them, where honeybee writes templates to be expanded first."""

from __future__ import annotations

from collections.abc import Sequence

from honeybee_energy.hvac.idealair import IdealAirSystem
from honeybee_energy.load.setpoint import Setpoint
from honeybee_energy.load.ventilation import Ventilation
from honeybee_energy.writer import generate_idf_string

MAXIMUM_SUPPLY_HUMIDITY, MINIMUM_SUPPLY_HUMIDITY = 0.0156, 0.0077
"""Humidity ratios of the supply air [kg/kg], EnergyPlus's defaults."""


class IdealAir(IdealAirSystem):  # type: ignore[misc]
    """Unlimited heating and cooling of a zone's air, with its outdoor air, without economiser or heat recovery."""

    __slots__ = ()

    def to_idf_zone(
        self,
        zone_identifier: str,
        setpoint: Setpoint,  # noqa: ARG002 (the thermostat is written with its room)
        ventilation: Ventilation | None = None,
    ) -> str:
        """Return the zone's system and its connections."""
        zone = zone_identifier
        outdoor_air = (f"{ventilation.identifier}..{zone}", f"{zone} outdoor air") if ventilation else ("", "")
        return _objects(
            ("ZoneHVAC:IdealLoadsAirSystem", f"{zone} system", "", f"{zone} supply", "", "",
             self.heating_air_temperature, self.cooling_air_temperature,
             MAXIMUM_SUPPLY_HUMIDITY, MINIMUM_SUPPLY_HUMIDITY, "NoLimit", "", "", "NoLimit", "", "", "", "",
             "None", "", "None", *outdoor_air, "None", "NoEconomizer", "None"),
            ("ZoneHVAC:EquipmentList", f"{zone} equipment", "SequentialLoad",
             "ZoneHVAC:IdealLoadsAirSystem", f"{zone} system", 1, 1),
            ("ZoneHVAC:EquipmentConnections", zone, f"{zone} equipment", f"{zone} supply", "", f"{zone} air",
             f"{zone} return"),
        )  # fmt: skip


class Thermostat(Setpoint):  # type: ignore[misc]
    """Heating and cooling set points, both in force at all times."""

    __slots__ = ()

    def to_idf(self, zone_identifier: str) -> str:
        """Return the zone's thermostat."""
        zone = zone_identifier
        dual = ("ThermostatSetpoint:DualSetpoint", f"{zone} set points")
        return _objects(
            (*dual, self.heating_schedule.identifier, self.cooling_schedule.identifier),
            ("ScheduleTypeLimits", f"{zone} control", 0, 4, "Discrete"),
            ("Schedule:Constant", f"{zone} control type", f"{zone} control", 4),
            ("ZoneControl:Thermostat", f"{zone} thermostat", zone, f"{zone} control type", *dual),
        )


def _objects(*objects: Sequence[object]) -> str:
    """Return objects of an input file, each given by its kind and its fields."""
    return "\n\n".join(generate_idf_string(kind, fields) for kind, *fields in objects)
