"""Prototype clusters: the published table rebuilt exactly, faults with their cluster, the grid against all others."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st

from bcopt.compendium.problems import InputError
from bcopt.loads.prototypes import Cluster, clusters, implied

LAND = 300.0
PLANS = {"home": (2.8, 40.0, 20.0), "office": (3.0, 50.0, 50.0), "mall": (4.5, 117.0, 100.0)}
# Table 1: construction area [m2], height [m], the density that its area and height imply, storeys
TABLE_1 = {
    "x1": ("home", 480_000, 56.0, 0.2667, 20),
    "x2": ("home", 288_000, 28.0, 0.32, 10),
    "x3": ("home", 134_400, 11.2, 0.3733, 4),
    "x4": ("home", 288_000, 56.0, 0.16, 20),
    "x5": ("home", 192_000, 28.0, 0.2133, 10),
    "x6": ("home", 96_000, 11.2, 0.2667, 4),
    "x7": ("office", 900_000, 90.0, 0.3333, 30),
    "x8": ("office", 900_000, 90.0, 0.3333, 30),
    "x9": ("mall", 468_000, 45.0, 0.52, 10),
    "x10": ("office", 300_000, 30.0, 0.3333, 10),
    "x11": ("office", 300_000, 30.0, 0.3333, 10),
    "x12": ("mall", 234_000, 22.5, 0.52, 5),
}


def table(rows):
    """Rows of construction area, height, storey height, length and width by cluster."""
    names = ("construction_area", "height", "storey_height", "building_length", "building_width")
    values = np.array(list(rows.values()), dtype=float).T
    return xr.Dataset(
        {name: ("cluster", column) for name, column in zip(names, values, strict=True)}, {"cluster": list(rows)}
    )


def published():
    return table({x: (area, height, *PLANS[kind]) for x, (kind, area, height, *_) in TABLE_1.items()})


def only(**changed):
    row = {"area": 7200.0, "height": 9.0, "storey_height": 3.0, "length": 20.0, "width": 10.0} | changed
    return table({"a": tuple(row.values())})


def faults(found, land=LAND):
    with pytest.raises(InputError) as caught:
        clusters(found, land)
    assert caught.value.source == "table of clusters"
    return list(caught.value.problems)


class TestTable1:
    @pytest.fixture(scope="class")
    @classmethod
    def rebuilt(cls):
        return {cluster.name: cluster for cluster in clusters(published(), LAND)}

    @pytest.mark.parametrize("name", TABLE_1)
    def test_rebuilt(self, rebuilt, name):
        _, area, height, density, storeys = TABLE_1[name]
        found = rebuilt[name]
        assert found.construction_area == area
        assert found.storeys == storeys
        assert found.height == pytest.approx(height, rel=1e-12)
        row = implied([found], LAND).sel(cluster=name)
        assert float(row["density"]) == pytest.approx(density, abs=5e-5)
        assert float(row["construction_area"]) == area
        assert float(row["footprint"]) == pytest.approx(density * LAND**2, abs=5)
        assert float(row["street"]) > 0

    def test_order(self, rebuilt):
        assert list(rebuilt) == list(TABLE_1)

    @pytest.mark.parametrize(("name", "printed"), [("x7", 0.36), ("x8", 0.36), ("x10", 0.36), ("x9", 0.51)])
    def test_printed_densities_that_area_and_height_contradict(self, rebuilt, name, printed):
        assert abs(float(implied([rebuilt[name]], LAND)["density"][0]) - printed) > 0.005

    def test_other_storeys_have_other_densities(self):
        """The storey height is what ties area to density: malls of 3 m would cover 0.347 of their land."""
        lower = table({"x9": (468_000, 45.0, 3.0, 104.0, 50.0)})
        assert float(implied(clusters(lower, LAND), LAND)["density"][0]) == pytest.approx(0.3467, abs=5e-5)

    def test_implied_is_described(self, rebuilt):
        found = implied(list(rebuilt.values()), LAND)
        assert found["cluster"].to_numpy().tolist() == list(TABLE_1)
        assert {str(name): array.attrs["units"] for name, array in found.items()} == {
            "buildings": "1",
            "storeys": "1",
            "construction_area": "m2",
            "footprint": "m2",
            "density": "1",
            "street": "m",
        }
        assert all(array.attrs["long_name"] for array in found.values())


class TestByHand:
    def test_one_cluster(self):
        """7,200 m2 on three storeys are 2,400 m2 of plan, 12 buildings of 200 m2 in 3 columns and 4 rows."""
        (found,) = clusters(only(), LAND)
        assert found == Cluster("a", 12, 3, 3.0, 20.0, 10.0, (100.0, 75.0))  # 4 columns and 3 rows leave 55 m
        assert (found.height, found.construction_area) == (9.0, 7200.0)
        row = implied([found], LAND).isel(cluster=0)
        assert [float(row[name]) for name in ("buildings", "storeys", "footprint", "street")] == [12, 3, 2400, 65]
        assert float(row["density"]) == pytest.approx(2400 / 90_000)

    def test_the_street_is_the_narrower_of_two(self):
        square = Cluster("a", 4, 1, 3.0, 100.0, 20.0, (150.0, 150.0))
        slab = Cluster("b", 4, 1, 3.0, 20.0, 100.0, (150.0, 150.0))
        assert implied([square, slab], LAND)["street"].to_numpy().tolist() == [50.0, 50.0]

    def test_a_lone_building_has_the_plot(self):
        (found,) = clusters(only(area=600.0), LAND)
        assert (found.buildings, found.distance) == (1, (300.0, 300.0))

    def test_long_slabs_stand_in_rows(self):
        (found,) = clusters(only(area=3 * 2000.0, length=200.0, width=10.0), LAND)
        assert found.distance == (300.0, 300.0)
        (found,) = clusters(only(area=3 * 7 * 2000.0, length=200.0, width=10.0), LAND)
        assert found.distance == (300.0, 300.0 / 7)  # seven is prime, and two columns of 200 m do not fit

    def test_rounding_of_the_table_is_no_fault(self):
        """A relative distance of 5e-7 from a whole number of storeys still counts as one, 1e-5 does not."""
        assert clusters(only(height=9.0 * (1 + 5e-7)), LAND)[0].storeys == 3
        assert "expected a whole number" in faults(only(height=9.0 * (1 + 1e-5)))[0]


class TestFaults:
    @pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
    @pytest.mark.parametrize(
        ("name", "key"),
        [
            ("area", "construction_area"),
            ("height", "height"),
            ("storey_height", "storey_height"),
            ("length", "building_length"),
            ("width", "building_width"),
        ],
    )
    def test_not_positive(self, name, key, wrong):
        assert faults(only(**{name: wrong})) == [f"cluster a: {key} is {wrong:g}, expected more than zero and finite"]

    def test_not_positive_all_of_a_cluster(self):
        assert faults(only(height=-9.0, width=0.0)) == [
            "cluster a: height is -9, expected more than zero and finite; "
            "building_width is 0, expected more than zero and finite"
        ]

    def test_broken_storeys(self):
        assert faults(only(height=10.0)) == [
            "cluster a: a height of 10 m in storeys of 3 m is 3.33333 of them, expected a whole number"
        ]

    def test_less_than_a_storey(self):
        assert faults(only(height=1.0)) == [
            "cluster a: a height of 1 m in storeys of 3 m is 0.333333 of them, expected a whole number"
        ]

    def test_broken_buildings(self):
        assert faults(only(area=7300.0)) == [
            "cluster a: a construction area of 7300 m2 on 3 storeys of 20 m x 10 m is 12.1667 of them, "
            "expected a whole number"
        ]

    @pytest.mark.parametrize(("area", "count"), [(3 * 200 * 450.0, 450), (3 * 200 * 451.0, 451)])
    def test_no_room(self, area, count):
        assert faults(only(area=area)) == [
            f"cluster a: {count} buildings of 20 m x 10 m fit on no grid of a plot 300 m x 300 m"
        ]

    @pytest.mark.parametrize("land", [0.0, -300.0, float("nan")])
    def test_no_land(self, land):
        assert f"fit on no grid of a plot {land:g} m" in faults(only(), land)[0]

    def test_all_clusters_at_once(self):
        rows = {
            "a": (0, 9, 3, 20, 10),
            "good": (7200, 9, 3, 20, 10),
            "b": (7200, 10, 3, 20, 10),
            "c": (1, 9, 3, 20, 10),
        }
        found = faults(table(rows))
        assert [text.split(":")[0] for text in found] == ["cluster a", "cluster b", "cluster c"]
        assert "construction_area is 0" in found[0]
        assert "a height of 10 m" in found[1]
        assert "a construction area of 1 m2" in found[2]


SIDES = st.floats(5, 60)


@given(st.integers(1, 60), st.integers(1, 40), st.floats(2.5, 6), SIDES, SIDES)
def test_what_was_built_is_rebuilt(buildings, storeys, storey_height, length, width):
    """Area, storeys and buildings come back, and no grid has a wider narrowest street."""
    grids = [(LAND / (buildings // rows), LAND / rows) for rows in range(1, buildings + 1) if buildings % rows == 0]
    streets = [min(x - length, y - width) for x, y in grids]
    assume(max(streets) > 1e-6)
    area = buildings * storeys * length * width
    (found,) = clusters(table({"a": (area, storeys * storey_height, storey_height, length, width)}), LAND)
    assert (found.buildings, found.storeys) == (buildings, storeys)
    assert found.construction_area == pytest.approx(area, rel=1e-12)
    assert found.height == pytest.approx(storeys * storey_height, rel=1e-12)
    assert found.distance in grids
    assert float(implied([found], LAND)["street"][0]) == max(streets)
    assert math.isclose(LAND**2 / (found.distance[0] * found.distance[1]), buildings, rel_tol=1e-9)
