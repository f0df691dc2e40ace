"""What sound folders read as, and that what does not matter does not matter."""

import numpy as np
import pytest
import yaml
from folders import LOADS, PRICES, SUN, YAML, copied, hours, original, part
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bcopt import districts

OFTEN = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
ROWS = original(LOADS).splitlines()


@pytest.fixture(scope="module")
def millbrook(tmp_path_factory):
    return districts.read(copied(tmp_path_factory.mktemp("as it is")))


def same(one, other):
    """Return whether two folders read the same."""
    series = [(one.loads, other.loads), (one.photovoltaics, other.photovoltaics), (one.prices, other.prices)]
    alike = all(a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a) for a, b in series)
    return alike and one.file == other.file and dict(one.sweep) == dict(other.sweep)


# ---------------------------------------------------------------- numbers by hand


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("interest_rate", 0.04),  # 4 %
        ("days", 150.0),
        ("clusters.Homes.floor_area", 36000.0),  # 3.6 ha
        ("clusters.Homes.flexibility.vehicles.energy", 1500.0),  # 1.5 MWh
        ("clusters.Homes.flexibility.vehicles.lowest", 0.1),  # left out
        ("clusters.Homes.flexibility.heat_store.loss", 0.01),
        ("clusters.Homes.flexibility.transferable_share", 0.2),
        ("clusters.Homes.flexibility.transfer_limit", None),
        ("clusters.Homes.share.least", 0.2),
        ("clusters.Offices.flexibility.lighting_floor", 0.9),
        ("tariffs.homes and others.export", 0.07),  # 70 EUR/MWh
        ("tariffs.homes and others.heat", None),
        ("devices.heat_pump.heat.most", 1500.0),
        ("devices.storage.energy.most", 10000.0),  # 10 MWh
        ("devices.boiler.heat", None),
        ("emissions.grid", 0.38),  # 380 g/kWh
        ("objective.emissions", 0.08),
    ],
)
def test_units_are_those_of_the_models(millbrook, key, number):
    found = millbrook.file
    for name in key.split("."):
        found = found[name] if isinstance(found, dict) else getattr(found, name)
    assert found == (None if number is None else pytest.approx(number, rel=1e-12))


def test_tables_are_read_by_cluster_and_use(millbrook):
    assert len(millbrook.loads) == 12
    assert millbrook.loads["Homes", "heating"][6] == 520
    assert millbrook.loads["Shops", "cooling"].sum() == 545
    assert millbrook.photovoltaics["Offices"].max() == 188
    assert not millbrook.prices


def test_groups_and_tariffs(millbrook):
    assert millbrook.groups == ["residential", "office", "mall"]
    assert {millbrook.tariff(name) for name in millbrook.clusters} == {"homes and others"}
    assert millbrook.cycles == 150
    assert not any(map(millbrook.is_simulated, millbrook.clusters))


def test_the_sweep_is_expanded(millbrook):
    assert millbrook.sweep == {"devices.storage.cost": [200, 300, 400], "objective.emissions": [0.0, 0.1, 0.2]}


def test_lines_are_those_of_the_file(millbrook):
    lines = original(YAML).splitlines()
    assert "storeys: 3" in lines[millbrook.lines["clusters", "Shops", "storeys"] - 1]
    assert "learner" in lines[millbrook.lines["pricing", "learner"] - 1]


def test_a_tariff_is_of_a_cluster_or_of_its_group(tmp_path):
    folder = copied(
        tmp_path,
        (YAML, "tariffs:\n", "tariffs:\n  town: {electricity: 0.2, gas: 0.1}\n  mall: {electricity: 0.3, gas: 0.1}\n"),
        (YAML, "storeys: 6\n", "storeys: 6\n    tariff: homes and others\n"),
        (YAML, "storeys: 5\n", "storeys: 5\n    group: town\n"),
    )
    district = districts.read(folder)
    assert [district.tariff(name) for name in district.clusters] == ["homes and others", "town", "mall"]
    assert district.groups == ["residential", "town", "mall"]


# ---------------------------------------------------------------- defaults of every cluster


def test_defaults_of_every_cluster(tmp_path):
    flexible = "flexibility: {lighting_floor: 80 %, transferable_share: 10 %}"
    common = f"every_cluster:\n  storeys: 9\n  roof_share: 30 %\n  {flexible}\n"
    district = districts.read(copied(tmp_path, (YAML, "clusters:\n", f"{common}clusters:\n")))
    homes, offices, shops = district.clusters.values()
    assert [own.roof_share for own in (homes, offices, shops)] == [0.3, 0.3, 0.3]
    assert [own.storeys for own in (homes, offices, shops)] == [6, 5, 3]
    assert [own.flexibility.lighting_floor for own in (homes, offices, shops)] == [0.8, 0.9, 0.8]
    assert [own.flexibility.transferable_share for own in (homes, offices, shops)] == [0.2, 0.1, 0.1]
    assert homes.flexibility.vehicles.energy == 1500


def test_a_cluster_of_defaults_alone(tmp_path):
    shops = part(YAML, r"^  Shops:.*?storeys: 3\n")
    common = "every_cluster: {use: mall, floor_area: 9000 m2, storeys: 3}\n"
    folder = copied(tmp_path, (YAML, shops, "  Shops:\n"), (YAML, "clusters:\n", f"{common}clusters:\n"))
    assert districts.read(folder).file.clusters == districts.read(copied(tmp_path / "own")).file.clusters


# ---------------------------------------------------------------- changes

CHANGES = [
    ("devices.storage.cost", "    cost: 300 EUR/kWh", "    cost: {}", st.floats(0, 1e6)),
    ("devices.heat_pump.lifetime", "    lifetime: 20", "    lifetime: {}", st.floats(1, 100)),
    ("clusters.Homes.floor_area", "floor_area: 3.6 ha", "floor_area: {}", st.floats(1, 1e9)),
    ("clusters.Homes.storeys", "storeys: 6", "storeys: {}", st.integers(1, 200)),
    ("tariffs.homes and others.gas", "    gas: 0.11", "    gas: {}", st.floats(0, 10)),
    ("objective.emissions", "emissions: 0.08 EUR/kg", "emissions: {}", st.floats(0.1, 9).map("{!r} EUR/kg".format)),
    ("currency", "currency: EUR ", "currency: {} ", st.just("EUR")),
    ("run", "run: [flexibility, mix, sizing, dispatch, pricing]", "run: {}", st.just(["mix", "sizing"])),
    ("devices.storage.energy", "{least: 0, most: 10 MWh}", "{}", st.floats(0, 1e5)),
    ("emissions.gas", "gas: 0.23 kg/kWh", "gas: {}", st.floats(0, 3)),
]  # fmt: skip


@pytest.mark.slow
@given(st.data())
@OFTEN
def test_a_change_is_the_same_in_the_file(tmp_path_factory, data):
    key, old, new, values = data.draw(st.sampled_from(CHANGES))
    value = data.draw(values)
    changed = districts.read(copied(tmp_path_factory.mktemp("by key")), {key: value})
    text = new.replace("{}", yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip())
    written = districts.read(copied(tmp_path_factory.mktemp("in file"), (YAML, old, text)))
    assert same(changed, written)


def test_changes_leave_the_folder_as_it_is(tmp_path, millbrook):
    folder = copied(tmp_path)
    changed = districts.read(folder, {"devices.storage.cost": 1, "devices.boiler.heat": "3 MW"})
    assert changed.file.devices.storage.cost == 1
    assert changed.file.devices.boiler.heat == 3000
    assert (folder / YAML).read_bytes() == original(YAML).encode()
    assert same(districts.read(folder), millbrook)


def test_a_change_of_a_name_with_points(tmp_path):
    folder = copied(
        tmp_path,
        (YAML, "  Shops:", "  St. Mary:"),
        (LOADS, original(LOADS).replace("Shops", "St. Mary")),
        (SUN, original(SUN).replace("Shops", "St. Mary")),
    )
    assert districts.read(folder, {"clusters.St. Mary.storeys": 7}).clusters["St. Mary"].storeys == 7


def test_a_changed_default_is_that_of_every_cluster(tmp_path):
    district = districts.read(copied(tmp_path), {"every_cluster.roof_share": "10 %"})
    assert {own.roof_share for own in district.clusters.values()} == {0.1}


# ---------------------------------------------------------------- what does not matter

HARMLESS = {
    "comments": lambda text: text.replace("\n  Offices:", "  # in the east\n  Offices:  # three houses\n"),
    "order of keys": lambda text: text.replace("name: Millbrook\n", "") + "name: Millbrook\n",
    "quotes": lambda text: text.replace("use: mall", "'use': \"mall\"").replace("900 EUR/kW", "'900 EUR/kW'"),
    "braces": lambda text: text.replace("  chiller: {cop: 4.5}", "  chiller:\n    cop: 4.5"),
    "mark of byte order": lambda text: f"\ufeff{text}",
    "ends of lines": lambda text: text.replace("\n", "\r\n"),
    "blank lines": lambda text: text.replace("\ntariffs:", "\n\n\ntariffs:"),
    "blanks around units": lambda text: text.replace("900 EUR/kW", "900  EUR / kW"),
    "another unit": lambda text: text.replace("9000 m2", "0.9 ha").replace("400 kW,", "0.4 MW,"),
    "spelt out": lambda text: text.replace("hours: 24 ", "month: 1\nhours: 24 "),
    "a start of the document": lambda text: f"---\n{text}",
    "order of parts": lambda text: text.replace(part(YAML, r"^emissions:.*?\n"), "") + part(YAML, r"^emissions:.*?\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_edits_of_the_text_read_the_same(name, tmp_path, millbrook):
    text = HARMLESS[name](original(YAML))
    assert text != original(YAML)
    assert same(districts.read(copied(tmp_path, (YAML, text.encode()))), millbrook)


def columns(order, rows=ROWS):
    return "".join(",".join(row.split(",")[place] for place in order) + "\n" for row in rows)


@given(st.permutations(range(len(ROWS[0].split(",")))))
@OFTEN
def test_columns_may_stand_in_any_order(tmp_path_factory, millbrook, order):
    read = districts.read(copied(tmp_path_factory.mktemp("ordered"), (LOADS, columns(order))))
    assert {key: values.tolist() for key, values in read.loads.items()} == {
        key: values.tolist() for key, values in millbrook.loads.items()
    }


TABLES = {
    "blank lines at the end": lambda text: f"{text}\n\n",
    "ends of lines": lambda text: text.replace("\n", "\r\n"),
    "mark of byte order": lambda text: f"\ufeff{text}",
    "hours in capitals": lambda text: text.replace("hour", "Hour", 1),
    "no units": lambda text: text.replace(" [kW]", ""),
    "blanks": lambda text: text.replace(",", " , ").replace("Homes: ", "Homes :"),
    "quotes": lambda text: text.replace("Homes: lighting [kW]", '"Homes: lighting [kW]"'),
    "decimals": lambda text: text.replace("\n5,15,", "\n5,15.0,").replace("\n2,12,", "\n2,1.2e1,"),
    "watts": lambda text: "\n".join(
        [
            text.splitlines()[0].replace("Homes: lighting [kW]", "Homes: lighting [W]"),
            *(
                f"{hour},{int(first) * 1000},{rest}"
                for hour, first, rest in (x.split(",", 2) for x in text.splitlines()[1:])
            ),
        ]
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_harmless_edits_of_a_table_read_the_same(name, tmp_path, millbrook):
    text = TABLES[name](original(LOADS))
    assert text != original(LOADS)
    assert same(districts.read(copied(tmp_path, (LOADS, text.encode()))), millbrook)


def test_a_price_is_the_same_in_the_file_and_in_its_table(tmp_path):
    table = hours("homes and others: gas [EUR/MWh]", 110)
    folder = copied(tmp_path, (YAML, "    gas: 0.11\n", ""), (PRICES, table))
    assert np.allclose(districts.read(folder).prices["homes and others", "gas"], 0.11, rtol=1e-12)
