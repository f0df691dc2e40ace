"""Buildings as honeybee models: storeys, boundaries, windows, resistances, neighbours, and what EnergyPlus is told."""

from __future__ import annotations

import numpy as np
import pytest
from honeybee_energy.load.setpoint import Setpoint
from hypothesis import given
from hypothesis import strategies as st

from bcopt.compendium.problems import InputError
from bcopt.loads.buildings import BASE_LOAD, ENVELOPE, SURFACE_RESISTANCE, building, construction_set
from bcopt.loads.programs import library_program, standard_program
from bcopt.loads.systems import MAXIMUM_SUPPLY_HUMIDITY, MINIMUM_SUPPLY_HUMIDITY, IdealAir

NORMALS = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}


@pytest.fixture(scope="module")
def program(profiles):
    return standard_program("p", profiles(fresh_air=1.0))


@pytest.fixture
def built(cluster, program, envelope):
    """Return the building of a cluster of 20 m x 10 m x 3 m storeys, but for what is given."""

    def call(neighbours=False, walls=None, used=None, **changed):
        return building(cluster(**changed), used or program, envelope(**(walls or {})), neighbours)

    return call


def rooms(found):
    return {room.identifier: room for room in found.model.rooms}


def objects(idf, kind):
    """Return the fields of all objects of a kind."""
    lines = (line.split("!-")[0].strip() for line in idf.splitlines())
    texts = "".join(line for line in lines if not line.startswith("!")).split(";")
    return [[field.strip() for field in text.split(",")][1:] for text in texts if text.split(",")[0].strip() == kind]


class TestStoreys:
    @pytest.mark.parametrize(
        ("storeys", "stand_for"),
        [
            (1, {"ground": 1}),
            (2, {"ground": 1, "top": 1}),
            (3, {"ground": 1, "middle": 1, "top": 1}),
            (5, {"ground": 1, "middle": 3, "top": 1}),
            (30, {"ground": 1, "middle": 28, "top": 1}),
        ],
    )
    def test_number(self, built, storeys, stand_for):
        found = built(storeys=storeys)
        assert found.storeys == stand_for
        assert list(rooms(found)) == list(stand_for)

    @pytest.mark.slow
    @given(storeys=st.integers(1, 100))
    def test_every_storey_is_counted_once(self, cluster, program, envelope, storeys):
        found = building(cluster(storeys=storeys), program, envelope(), False)
        assert sum(found.storeys.values()) == storeys
        assert all(count > 0 for count in found.storeys.values())

    @pytest.mark.parametrize("storeys", [1, 2, 12])
    def test_each_by_itself(self, cluster, program, envelope, storeys):
        found = building(cluster(storeys=storeys), program, envelope(), False, every_storey=True)
        assert found.storeys == {f"storey_{level}": 1 for level in range(storeys)}
        assert [room.min.z for room in found.model.rooms] == pytest.approx([3.0 * level for level in range(storeys)])
        outside = {room.identifier: room.exposed_area for room in found.model.rooms}
        assert outside == pytest.approx(
            {name: 180.0 + 200.0 * (name == f"storey_{storeys - 1}") for name in found.storeys}
        )

    def test_heights(self, built):
        found = rooms(built(storeys=5))
        assert {name: room.min.z for name, room in found.items()} == {"ground": 0, "middle": 6, "top": 12}
        assert {room.volume for room in found.values()} == {600.0}
        assert {room.floor_area for room in found.values()} == {200.0}
        assert {(room.max.x - room.min.x, room.max.y - room.min.y) for room in found.values()} == {(20.0, 10.0)}

    @pytest.mark.parametrize(
        ("storeys", "name", "floor", "ceiling"),
        [
            (1, "ground", "Ground", "Outdoors"),
            (2, "ground", "Ground", "Adiabatic"),
            (2, "top", "Adiabatic", "Outdoors"),
            (5, "ground", "Ground", "Adiabatic"),
            (5, "middle", "Adiabatic", "Adiabatic"),
            (5, "top", "Adiabatic", "Outdoors"),
        ],
    )
    def test_boundaries(self, built, storeys, name, floor, ceiling):
        faces = rooms(built(storeys=storeys))[name].faces
        found = {(face.type.name, face.boundary_condition.name) for face in faces}
        assert found == {("Floor", floor), ("Wall", "Outdoors"), ("RoofCeiling", ceiling)}

    @pytest.mark.parametrize("name", ["ground", "middle", "top"])
    def test_leakage_is_of_the_volume_and_not_of_the_facades(self, built, name):
        room = rooms(built())[name]
        infiltration = room.properties.energy.infiltration
        assert infiltration.flow_per_exterior_area * room.exposed_area == pytest.approx(0.5 * 600 / 3600)

    def test_base_load(self, built):
        (process,) = rooms(built())["middle"].properties.energy.process_loads
        assert (process.watts, process.fuel_type, process.end_use_category) == (200.0, "Electricity", BASE_LOAD)
        assert process.lost_fraction == 0.25
        assert set(process.schedule.values()) == {1.0}

    def test_no_base_load(self, built):
        (process,) = rooms(built(used=library_program("LargeOffice")))["middle"].properties.energy.process_loads
        assert (process.watts, set(process.schedule.values())) == (0, {0.0})


class TestWindows:
    @pytest.mark.parametrize(("facing", "facade", "ratio"), [
        ("north", 60, 0.25), ("east", 30, 0.1), ("south", 60, 0.4), ("west", 30, 0.15),
    ])  # fmt: skip
    def test_area_by_orientation(self, built, facing, facade, ratio):
        found = rooms(built(walls={"window_to_wall_ratio": [0.25, 0.1, 0.4, 0.15]}))["middle"]
        (face,) = [face for face in found.faces if np.allclose((face.normal.x, face.normal.y), NORMALS[facing])]
        assert face.area == pytest.approx(facade)
        assert face.aperture_area == pytest.approx(facade * ratio)

    def test_none(self, built):
        assert all(not face.apertures for face in rooms(built(walls={"window_to_wall_ratio": [0] * 4}))["top"].faces)

    def test_glass(self, built):
        room = rooms(built())["ground"]
        glass = next(a for face in room.faces for a in face.apertures).properties.energy.construction.materials[0]
        assert (glass.u_factor, glass.shgc) == (2.0, 0.45)


class TestConstructions:
    @pytest.mark.parametrize(("kind", "transmittance"), [("wall", 0.45), ("roof", 0.3)])
    def test_resistance_by_hand(self, envelope, kind, transmittance):
        found = construction_set("x", envelope())
        used = found.wall_set if kind == "wall" else found.roof_ceiling_set
        layers = used.exterior_construction.materials
        thickness = {"wall": 0.2, "roof": 0.12}[kind]
        assert [type(layer).__name__ for layer in layers] == ["EnergyMaterialNoMass", "EnergyMaterial"]  # outside first
        assert layers[1].thickness == thickness
        assert layers[0].r_value == pytest.approx(1 / transmittance - 0.15 - thickness / 1.74)
        assert sum(layer.r_value for layer in layers) + SURFACE_RESISTANCE == pytest.approx(1 / transmittance)

    @given(st.floats(0.05, 3.0), st.floats(0.05, 3.0))
    def test_transmittances_come_back(self, envelope, wall, roof):
        found = construction_set("x", envelope(wall_transmittance=wall, roof_transmittance=roof))
        for used, transmittance in ((found.wall_set, wall), (found.roof_ceiling_set, roof)):
            layers = used.exterior_construction.materials
            assert 1 / (sum(layer.r_value for layer in layers) + 0.15) == pytest.approx(transmittance)

    @pytest.mark.parametrize("resistance", [0.0, 0.6, 1.5])
    def test_floor_on_ground(self, envelope, resistance):
        layers = construction_set(
            "x", envelope(ground_floor_resistance=resistance)
        ).floor_set.ground_construction.materials
        assert layers[0].r_value == pytest.approx(max(resistance, 0.001))
        assert layers[1].thickness == 0.12

    @pytest.mark.parametrize(("name", "bare"), [("wall_transmittance", 3.774), ("roof_transmittance", 4.567)])
    def test_concrete_that_insulates_too_well(self, envelope, name, bare):
        """0.15 + 0.2 / 1.74 and 0.15 + 0.12 / 1.74 m2K/W."""
        construction_set("x", envelope(**{name: bare - 0.01}))
        part = name.split("_")[0]
        with pytest.raises(
            ValueError, match=rf"x {part}: a transmittance of {bare + 0.01:.3g} W/m2/K is above that of"
        ):
            construction_set("x", envelope(**{name: bare + 0.01}))

    def test_faults_of_the_envelope_at_once(self, cluster, program, envelope):
        wrong = envelope(wall_transmittance=9.0, window_to_wall_ratio=[0.2, 0.96, 0.2, 0.2]).drop_vars("infiltration")
        with pytest.raises(InputError) as caught:
            building(cluster(), program, wrong, neighbours=False)
        assert str(caught.value) == (
            "envelope of tower: 3 problems\n  - infiltration: missing\n"
            "  - wall_transmittance: 9 W/m2/K, expected 0.05 to 6\n"
            "  - window_to_wall_ratio at orientation east: 0.96 1, expected 0 to 0.95"
        )

    @pytest.mark.parametrize("name", ENVELOPE)
    def test_each_is_needed(self, cluster, program, envelope, name):
        with pytest.raises(InputError, match=rf"envelope of tower: 1 problem\n  - {name}: missing"):
            building(cluster(), program, envelope().drop_vars(name), neighbours=False)


class TestNeighbours:
    def test_eight_on_the_grid(self, built):
        """Four walls and a roof each, of full height, at every place of the grid but the building's own."""
        shades = built(neighbours=True, distance=(40.0, 25.0)).model.orphaned_shades
        assert len(shades) == 8 * 5
        roofs = [shade for shade in shades if abs(shade.normal.z) > 0.5]
        places = {(round(shade.center.x, 6), round(shade.center.y, 6)) for shade in roofs}
        assert places == {(i * 40.0, j * 25.0) for i in (-1, 0, 1) for j in (-1, 0, 1)} - {(0.0, 0.0)}
        assert {shade.center.z for shade in roofs} == {15.0}
        assert {shade.area for shade in roofs} == {200.0}
        assert {(shade.min.z, shade.max.z) for shade in shades if shade not in roofs} == {(0.0, 15.0)}

    def test_none(self, built):
        assert built(neighbours=False).model.orphaned_shades == ()

    def test_the_building_stands_in_the_middle(self, built):
        for room in rooms(built(neighbours=True)).values():
            assert (room.min.x + room.max.x, room.min.y + room.max.y) == (0, 0)


class TestSystems:
    @pytest.fixture
    def idf(self, built):
        model = built().model
        return model.to.idf(model)

    def test_nothing_is_left_to_be_expanded(self, idf):
        assert "HVACTemplate" not in idf

    def test_a_system_and_a_thermostat_for_each_zone(self, idf):
        systems, thermostats, connections = (
            {fields[0] if kind != "ZoneControl:Thermostat" else fields[1]: fields for fields in objects(idf, kind)}
            for kind in ("ZoneHVAC:IdealLoadsAirSystem", "ZoneControl:Thermostat", "ZoneHVAC:EquipmentConnections")
        )
        assert set(systems) == {f"{zone} system" for zone in ("ground", "middle", "top")}
        assert set(thermostats) == set(connections) == {"ground", "middle", "top"}

    def test_what_it_may_do(self):
        """Unlimited, without economiser or heat recovery, with outdoor air only where there is fresh air."""
        program = library_program("LargeOffice").rooms
        with_air, without = (
            objects(IdealAir("x").to_idf_zone("z", program.setpoint, air), "ZoneHVAC:IdealLoadsAirSystem")[0]
            for air in (program.ventilation, None)
        )
        assert with_air[7:9] == [str(MAXIMUM_SUPPLY_HUMIDITY), str(MINIMUM_SUPPLY_HUMIDITY)]
        assert with_air[9] == with_air[12] == "NoLimit"
        assert with_air[-3:] == ["None", "NoEconomizer", "None"]
        assert with_air[-5:-3] == [f"{program.ventilation.identifier}..z", "z outdoor air"]
        assert without[-5:-3] == ["", ""]

    def test_both_set_points_at_all_times(self, profiles):
        setpoint = standard_program("p", profiles()).rooms.setpoint
        idf = setpoint.to_idf("z")
        assert isinstance(setpoint, Setpoint)
        (dual,) = objects(idf, "ThermostatSetpoint:DualSetpoint")
        assert dual == ["z set points", setpoint.heating_schedule.identifier, setpoint.cooling_schedule.identifier]
        assert objects(idf, "Schedule:Constant") == [["z control type", "z control", "4"]]
        assert objects(idf, "ZoneControl:Thermostat")[0][-2:] == ["ThermostatSetpoint:DualSetpoint", "z set points"]
