"""A building of a cluster as a honeybee model: its storeys, its envelope, the buildings around it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr
from honeybee.boundarycondition import boundary_conditions
from honeybee.facetype import face_types
from honeybee.model import Model
from honeybee.room import Room
from honeybee.shade import Shade
from honeybee_energy.construction.opaque import OpaqueConstruction
from honeybee_energy.construction.window import WindowConstruction
from honeybee_energy.constructionset import ConstructionSet
from honeybee_energy.load.infiltration import Infiltration
from honeybee_energy.load.process import Process
from honeybee_energy.material.glazing import EnergyWindowMaterialSimpleGlazSys
from honeybee_energy.material.opaque import EnergyMaterial, EnergyMaterialNoMass
from ladybug_geometry.geometry3d import Point3D

from bcopt.compendium.inputs import Expected, check_dataset
from bcopt.loads.programs import Program, fractions_of_peak
from bcopt.loads.prototypes import Cluster
from bcopt.loads.systems import IdealAir

ENVELOPE = {
    "wall_transmittance": Expected("W/m2/K", (), 0.05, 6.0),
    "roof_transmittance": Expected("W/m2/K", (), 0.05, 6.0),
    "window_transmittance": Expected("W/m2/K", (), 0.3, 7.0),
    "solar_heat_gain_coefficient": Expected("1", (), 0.05, 0.9),
    "window_to_wall_ratio": Expected("1", ("orientation",), 0.0, 0.95),
    "ground_floor_resistance": Expected("m2K/W", (), 0.0, 10.0),
    "infiltration": Expected("1/h", (), 0.0, 10.0),
    "soil_temperature": Expected("degC", (), -20.0, 40.0),
}
"""What a building's envelope needs, with the soil below it; orientations north, east, south, west."""
SURFACE_RESISTANCE = 0.15
"""Of the inner and the outer film of a wall or roof [m2K/W], GB 50176-2016 appendix B.4."""
BASE_LOAD = "base load"
_CONCRETE = {"conductivity": 1.74, "density": 2500.0, "specific_heat": 920.0}
"""Reinforced concrete, GB 50176-2016 table B.1 [W/m/K, kg/m3, J/kg/K]."""
_ORIENTATIONS = {0: "north", 90: "east", 180: "south", 270: "west"}


@dataclass(frozen=True)
class Building:
    """One building of a cluster, seen through its kinds of storey.

    Parameters
    ----------
    model : Model
        One zone a kind of storey, named ground, middle and top.
    storeys : dict of str to int
        How many storeys of the building each zone stands for.
    """

    model: Model
    storeys: Mapping[str, int]


def building(
    cluster: Cluster, program: Program, envelope: xr.Dataset, neighbours: bool, every_storey: bool = False
) -> Building:
    """Return a building of a cluster: its lowest, a middle and its highest storey, each one zone over the whole plan.

    Storeys pass no heat to each other. The middle one stands at half height and counts for all between lowest and
    highest; a building of two storeys has none, and in a building of one the storey is both lowest and highest.

    Parameters
    ----------
    cluster : Cluster
        Storeys, plan and grid.
    program : Program
        What the building is used for.
    envelope : xr.Dataset, dims (orientation)
        As in :data:`ENVELOPE`.
    neighbours : bool
        Whether the eight buildings around it on the grid shade it.
    every_storey : bool
        Whether each storey is simulated, named storey_0 and up, instead of the three kinds.

    Raises
    ------
    InputError
        Listing every variable of the envelope that is missing, unknown, in other units or out of range.
    """
    check_dataset(envelope, ENVELOPE, f"envelope of {cluster.name}")
    constructions = construction_set(cluster.name, envelope)
    top = cluster.storeys - 1
    levels = {"ground": (0, 1), "middle": (cluster.storeys // 2, top - 1), "top": (top, 1)}
    if cluster.storeys == 1:
        levels.pop("top")
    if every_storey:
        levels = {f"storey_{level}": (level, 1) for level in range(cluster.storeys)}
    storeys = {name: count for name, (_, count) in levels.items() if count > 0}
    rooms = [_storey(name, levels[name][0], cluster, program, envelope, constructions) for name in storeys]
    shades = _neighbours(cluster) if neighbours else []
    return Building(Model(cluster.name, rooms, orphaned_shades=shades, tolerance=0.01), storeys)


def construction_set(name: str, envelope: xr.Dataset) -> ConstructionSet:
    """Return walls and roofs of concrete, insulated outside to their transmittance, and windows and a floor on ground.

        R_insulation = 1 / U - R_surfaces - d / lambda

    Raises
    ------
    ValueError
        If bare concrete already insulates better than the transmittance asks for.
    """
    value = {key: float(envelope[key]) for key, rule in ENVELOPE.items() if not rule.dims}
    found = ConstructionSet(f"{name} envelope")
    found.wall_set.exterior_construction = _insulated(f"{name} wall", 0.2, 1 / value["wall_transmittance"])
    found.roof_ceiling_set.exterior_construction = _insulated(f"{name} roof", 0.12, 1 / value["roof_transmittance"])
    slab = EnergyMaterial(f"{name} slab", 0.12, **_CONCRETE)
    below = [EnergyMaterialNoMass(f"{name} floor insulation", max(value["ground_floor_resistance"], 0.001))]
    found.floor_set.ground_construction = OpaqueConstruction(f"{name} floor on ground", [*below, slab])
    found.floor_set.interior_construction = OpaqueConstruction(f"{name} floor", [slab])
    found.roof_ceiling_set.interior_construction = OpaqueConstruction(f"{name} ceiling", [slab])
    glass = EnergyWindowMaterialSimpleGlazSys(
        f"{name} glazing", value["window_transmittance"], value["solar_heat_gain_coefficient"]
    )
    found.aperture_set.window_construction = WindowConstruction(f"{name} window", [glass])
    return found


def _insulated(name: str, thickness: float, resistance: float) -> OpaqueConstruction:
    insulation = resistance - SURFACE_RESISTANCE - thickness / _CONCRETE["conductivity"]
    if insulation <= 0:
        raise ValueError(
            f"{name}: a transmittance of {1 / resistance:.3g} W/m2/K is above that of {thickness:g} m of bare concrete"
        )
    concrete = EnergyMaterial(f"{name} concrete", thickness, **_CONCRETE)
    return OpaqueConstruction(name, [EnergyMaterialNoMass(f"{name} insulation", insulation), concrete])


def _storey(
    name: str, level: int, cluster: Cluster, program: Program, envelope: xr.Dataset, constructions: ConstructionSet
) -> Room:
    origin = Point3D(-cluster.length / 2, -cluster.width / 2, level * cluster.storey_height)
    room = Room.from_box(name, cluster.length, cluster.width, cluster.storey_height, origin=origin)
    energy = room.properties.energy
    energy.construction_set, energy.program_type, energy.hvac = constructions, program.rooms, IdealAir(f"{name} air")
    for face in room.faces:
        if face.type == face_types.wall:
            facing = _ORIENTATIONS[round(face.horizontal_orientation()) % 360]
            face.apertures_by_ratio(float(envelope["window_to_wall_ratio"].sel(orientation=facing)), 0.01)
        elif face.type == face_types.floor and level == 0:
            face.boundary_condition = boundary_conditions.ground
        elif face.type == face_types.floor or level < cluster.storeys - 1:
            face.boundary_condition = boundary_conditions.adiabatic
    energy.infiltration = Infiltration(
        f"{name} infiltration", float(envelope["infiltration"]) * room.volume / 3600 / room.exposed_area
    )
    watts = float(program.base_load.max()) * room.floor_area
    schedule = fractions_of_peak(f"{BASE_LOAD} of {cluster.name}", program.base_load)
    energy.add_process_load(
        Process(
            f"{name} {BASE_LOAD}", watts, schedule, "Electricity", BASE_LOAD, lost_fraction=program.base_load_outside
        )
    )
    return room


def _neighbours(cluster: Cluster) -> list[Shade]:
    """Return walls and roofs of the eight buildings around one, as shades."""
    along_x, along_y = cluster.distance
    boxes = [
        Room.from_box(
            f"neighbour_{i + 1}_{j + 1}",
            cluster.length,
            cluster.width,
            cluster.height,
            origin=Point3D(i * along_x - cluster.length / 2, j * along_y - cluster.width / 2, 0.0),
        )
        for i, j in itertools.product((-1, 0, 1), repeat=2)
        if (i, j) != (0, 0)
    ]
    return [
        Shade(face.identifier, face.geometry) for box in boxes for face in box.faces if face.type != face_types.floor
    ]
