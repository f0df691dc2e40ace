"""Every way in which a folder can be broken is said at once, in a planner's words, with file and line."""

import re

import pytest
from folders import LOADS, PRICES, SUN, WEATHER, YAML, copied, hours, line_of, original, part
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bcopt import districts
from bcopt.compendium.problems import InputError
from bcopt.districts.schema import Cluster, DistrictFile, Use

RUN = "run: [flexibility, mix, sizing, dispatch, pricing]"
TOP = ", ".join(DistrictFile.model_fields)
CLUSTER = ", ".join(Cluster.model_fields)
USES = [f"'{use}'" for use in Use.__args__]
ONE_OF_USES = f"{', '.join(USES[:-1])} or {USES[-1]}"
PRICE_HEAD = "homes and others: gas [EUR/kWh]"
FLAT = part(YAML, r"\[0\.12, 0\.12.*?\]")
EVENING = '"18:00 to 08:00"'
VEHICLES = "clusters.Homes.flexibility.vehicles"
WINDOW = "expected 'always' or a window such as '18:00 to 08:00'"
ELECTRICITY = "pricing.carriers.electricity"
PRICING = (
    "wholesale_price, reducible_share, sensitivity, elasticity, satisfaction, satiation, loss_linear, loss_quadratic"
)
SHOPS = part(YAML, r"^  Shops:.*?storeys: 3\n")
CLUSTERS = part(YAML, r"^clusters:.*?(?=^tariffs)")
TARIFF = "tariffs.homes and others"
SWEPT = "  devices.storage.cost: [200, 300, 400]"
PUMPS = "    cost: 900 EUR/kW"
CHILLER = "  chiller: {cop: 4.5}"
SMALL_PUMPS = (YAML, "most: 1500 kW", "most: 300 kW")
SMALL_BOILER = (YAML, CHILLER, f"  boiler: {{heat: 100 kW}}\n{CHILLER}")


def yaml(old, new):
    return YAML, old, new


def without(prefix):
    """Return loads.csv without the columns of a cluster."""
    rows = [line.split(",") for line in original(LOADS).splitlines()]
    kept = [place for place, name in enumerate(rows[0]) if not name.startswith(prefix)]
    return LOADS, "".join(",".join(row[place] for place in kept) + "\n" for row in rows)


def renewables(text):
    return yaml(RUN, f"run: [renewables]\nrenewables:\n{text}")


def at(where, text, file=YAML):
    """Return a problem of a file, on the line where a part of its text begins."""
    return file, where, f"{file}, line {{line}}: {text}"


def nowhere(cluster):
    columns = f"expected a column such as '{cluster}: heating' in loads.csv or an EPW file"
    where = f"  {cluster}:\n"
    return at(where, f"clusters.{cluster}: no loads are given and no weather to simulate them, {columns}")


def cell(line, text, expected="a power in kW of 0 or more"):
    return LOADS, line, f"loads.csv, column 'Homes: lighting [kW]': line {{line}} {text}: expected {expected}"


def cold(hour, office, mall, lacking):
    needed = f"needed office {office} kW, mall {mall} kW, at most chillers 100 kW, {lacking} kW missing"
    return at("cooling: 100", f"devices.chiller.cooling: cooling cannot be met in hour {hour}: {needed}")


def heat(hour, homes, office, lacking, pumps, whole=True):
    where = f"devices.boiler.heat: heating cannot be met in hour {hour}"
    needed = f"needed residential {homes} kW, office {office} kW, mall 40 kW"
    most = f"at most heat pumps {pumps}{'' if whole else ' of their own'} and boilers 100 kW"
    return at("boiler:", f"{where}: {needed}, {most}, {lacking} kW missing")


# Each: the edits, and every problem that is to be listed, in order.
BROKEN = {
    # ---------------------------------------------------------------- district.yaml as a text
    "no district.yaml": ([(YAML, None)], [(YAML, "", "district.yaml: the file does not exist")]),
    "empty": ([(YAML, "")], [at("", "is empty, expected keys such as name, clusters and run")]),
    "comments alone": ([(YAML, "# soon\n")], [at("#", "is empty, expected keys such as name, clusters and run")]),
    "a list": ([(YAML, "- Millbrook\n")], [at("-", "is a list, expected keys such as name, clusters and run")]),
    "brace left open": (
        [yaml("most: 1500 kW}", "most: 1500 kW")],
        [at("cop: 3.2\n    cost", "expected a comma or a closing brace }; what is not right began on line 44")],
    ),
    "bracket left open": (
        [yaml("pricing]\n", "pricing\n")],
        [at("sweep:", "expected a comma or a closing bracket ]; what is not right began on line 77")],
    ),
    "key given twice": (
        [yaml("storeys: 6\n", "storeys: 6\n    storeys: 7\n")],
        [at("storeys: 7", "key 'storeys' is given twice")],
    ),
    "tab": ([yaml("    storeys: 6", "\tstoreys: 6")], [at("\tstoreys", "a tab, expected blanks")]),
    "indented otherwise": (
        [yaml("  weight: 0.45", "    weight: 0.45")],
        [at("    weight", "a colon that was not expected: indent with blanks, put text with ': ' in quotes")],
    ),
    "colon in a text": (
        [yaml("description: Homes", "description: Millbrook: Homes")],
        [at("description", "a colon that was not expected: indent with blanks, put text with ': ' in quotes")],
    ),
    "anchor": (
        [yaml("storeys: 6", "storeys: &six 6")],
        [at("&six", "anchors and aliases are not read: write the value")],
    ),
    "tag": (
        [yaml("storeys: 6", "storeys: !!python/object:os.system 6")],
        [at("!!python", "a value of a kind of its own (! or <<), expected plain text, numbers and lists")],
    ),
    "latin-1": (
        [(YAML, original(YAML).replace("Millbrook\n", "Mühlbach\n").encode("latin-1"))],
        [(YAML, None, "district.yaml, line 2: byte 0xfc, expected text in utf-8")],
    ),
    "UTF-16": (
        [(YAML, original(YAML).encode("utf-16"))],
        [(YAML, None, "district.yaml, line 1: byte 0xff, expected text in utf-8")],
    ),
    # ---------------------------------------------------------------- its keys
    "key missing": (
        [yaml("hours: 24 ", "# ")],
        [at("# A small", "hours: missing, expected 24, 8760: 24 for a day that returns, 8760 for a year")],
    ),
    "key missing in a cluster": (
        [yaml("    floor_area: 3.6 ha\n", "")],
        [at("  Homes:", "clusters.Homes.floor_area: missing, expected m2, above 0: of all storeys")],
    ),
    "misspelt": (
        [yaml("emissions: {grid", "emission: {grid")],
        [
            at("emission: {", f"emission: unknown, did you mean emissions? known here: {TOP}"),
        ],
    ),
    "misspelt in a cluster": (
        [yaml("floor_area: 3.6 ha", "floor_aera: 3.6 ha")],
        [
            at("  Homes:", "clusters.Homes.floor_area: missing, expected m2, above 0: of all storeys"),
            at("floor_aera", f"clusters.Homes.floor_aera: unknown, did you mean floor_area? known here: {CLUSTER}"),
        ],
    ),
    "misspelt deep inside": (
        [yaml("available: ", "availible: ")],
        [
            at(
                "availible",
                f"{VEHICLES}.availible: unknown, did you mean available? known here: energy, power, lowest, "
                "highest, available",
            )
        ],
    ),
    "misspelt default, said once": (
        [yaml("clusters:\n", "every_cluster:\n  stories: 3\nclusters:\n")],
        [at("stories", f"every_cluster.stories: unknown, did you mean storeys? known here: {CLUSTER}")],
    ),
    "nonsense": ([yaml("days: 150 ", "xyz: 1\ndays: 150 ")], [at("xyz", f"xyz: unknown, known here: {TOP}")]),
    "words for a number": (
        [yaml("storeys: 6", "storeys: six")],
        [at("six", "clusters.Homes.storeys: is 'six', expected a whole number from 1 to 200")],
    ),
    "yes for a number": (
        [yaml("storeys: 6", "storeys: yes")],
        [at("storeys: yes", "clusters.Homes.storeys: is yes, expected a whole number from 1 to 200")],
    ),
    "half a storey": (
        [yaml("storeys: 6", "storeys: 5.5")],
        [at("5.5", "clusters.Homes.storeys: is 5.5, expected a whole number from 1 to 200")],
    ),
    "no storey": (
        [yaml("storeys: 6", "storeys: 0")],
        [at("storeys: 0", "clusters.Homes.storeys: is 0, expected a whole number from 1 to 200")],
    ),
    "number for a name": (
        [yaml("name: Millbrook", "name: 5")],
        [at("name: 5", "name: is 5, expected text, a number in quotes")],
    ),
    "one task without brackets": (
        [yaml(RUN, "run: mix")],
        [at("run: mix", "run: is 'mix', expected a list in brackets, such as [mix, sizing]")],
    ),
    "nothing to run": ([yaml(RUN, "run: []")], [at("run: []", "run: is empty, expected at least one")]),
    "unknown task": (
        [yaml(RUN, "run: [mix, sizeing]")],
        [
            at(
                "run: [mix",
                "run.1: is 'sizeing', did you mean sizing? expected 'flexibility', 'mix', 'sizing', 'dispatch', "
                "'pricing', 'provider' or 'renewables'",
            )
        ],
    ),
    "unknown use": (
        [yaml("use: residential", "use: residental")],
        [at("residental", f"clusters.Homes.use: is 'residental', did you mean residential? expected {ONE_OF_USES}")],
    ),
    "cluster of one word": (
        [yaml(SHOPS, "  Shops: mall\n")],
        [at("Shops: mall", "clusters.Shops: is 'mall', expected keys of its own such as use, group, tariff")],
    ),
    "clusters of one word": (
        [yaml(CLUSTERS, "clusters: none\n\n")],
        [at("clusters: none", "clusters: is 'none', expected names, each with keys of its own")],
    ),
    "tariff of one number": (
        [yaml(part(YAML, r"^  homes and others:.*?storage_wear: 0.01\n"), "  homes and others: 0.3\n")],
        [at("others: 0.3", f"{TARIFF}: is 0.3, expected keys of its own such as electricity, export, heat")],
    ),
    "device without keys": (
        [yaml(CHILLER, "  chiller:")],
        [at("  chiller:", "devices.chiller: is empty, expected keys of its own such as cop, cooling")],
    ),
    "neither yes nor no": (
        [yaml(PUMPS, f"    shared: sometimes\n{PUMPS}")],
        [at("sometimes", "devices.heat_pump.shared: is 'sometimes', expected yes or no")],
    ),
    "48 hours": ([yaml("hours: 24 ", "hours: 48 ")], [at("hours: 48", "hours: is 48, expected 24 or 8760")]),
    # ---------------------------------------------------------------- numbers and units
    "energy for a power": (
        [yaml("400 kW,", "400 kWh,")],
        [at("400 kWh", f"{VEHICLES}.power: kWh is no unit of a power in kW")],
    ),
    "power for an energy": (
        [yaml("1.5 MWh", "1.5 MW")],
        [at("1.5 MW", f"{VEHICLES}.energy: MW is no unit of an energy in kWh")],
    ),
    "other money": (
        [yaml("900 EUR/kW", "900 yuan/kW")],
        [
            at(
                "yuan",
                "devices.heat_pump.cost: 'yuan/kW' is no known unit, expected a number in EUR/kW; money is in EUR here",
            )
        ],
    ),
    "money without energy": (
        [yaml("cost: 300 EUR/kWh", "cost: 300 EUR")],
        [at("300 EUR", "devices.storage.cost: EUR is no unit of a price in EUR/kWh")],
    ),
    "unknown unit": (
        [yaml("3.6 ha", "3.6 hectarez")],
        [at("hectarez", "clusters.Homes.floor_area: 'hectarez' is no known unit, expected an area in m2")],
    ),
    "unit in capitals": (
        [yaml("400 kW,", "400 KW,")],
        [at("400 KW", f"{VEHICLES}.power: 'KW' is no known unit, expected a power in kW, did you mean kW?")],
    ),
    "unit that divides by zero": (
        [yaml("3.6 ha", "3.6 m2/0")],
        [at("m2/0", "clusters.Homes.floor_area: 'm2/0' is no known unit, expected an area in m2")],
    ),
    "unit without end": (
        [yaml("3.6 ha", "3.6 m^9^9^9^9")],
        [at("m^9", "clusters.Homes.floor_area: 'm^9^9^9^9' is no known unit, expected an area in m2")],
    ),
    "decimal comma": (
        [yaml("3.6 ha", "3,6 ha")],
        [
            at(
                "3,6",
                "clusters.Homes.floor_area: '3,6 ha' is no number, expected an area in m2; decimals follow a point",
            )
        ],
    ),
    "negative area": (
        [yaml("3.6 ha", "-3.6 ha")],
        [at("-3.6", "clusters.Homes.floor_area: is -36000, expected an area in m2 above 0")],
    ),
    "empty area": (
        [yaml("3.6 ha", "")],
        [at("floor_area: \n", "clusters.Homes.floor_area: is empty, expected an area in m2")],
    ),
    "not finite": (
        [yaml("cop: 4.5", "cop: .inf")],
        [at(".inf", "devices.chiller.cop: is inf, expected a number in kWh/kWh above 0")],
    ),
    "loss of all": (
        [yaml("0.01 1/h", "1 1/h")],
        [at("1 1/h", "clusters.Homes.flexibility.heat_store.loss: is 1, expected a number in 1/h from 0 to below 1")],
    ),
    "interest of 400 %": (
        [yaml("interest_rate: 4 %", "interest_rate: 4")],
        [at("interest_rate", "interest_rate: is 4, expected a number without unit from 0 to 1")],
    ),
    "thousandths of a watt": (
        [yaml("power: 400 kW", "power: 400 mW")],
        [at("400 mW", "clusters.Homes.flexibility.vehicles.power: 'mW' is in thousandths of a W, did you mean MW?")],
    ),
    "negative wear": (
        [yaml("battery_wear: 0.03", "battery_wear: -0.03")],
        [at("-0.03", f"{TARIFF}.battery_wear: is -0.03, expected a price in EUR/kWh of 0 or more")],
    ),
    "money with a digit": (
        [yaml("currency: EUR", "currency: E1")],
        [at("E1", "currency: is 'E1', expected 2 to 12 letters, such as EUR")],
    ),
    "money that is a unit": (
        [yaml("currency: EUR", "currency: kW")],
        [
            at(
                "currency: kW",
                "currency: is 'kW', which is a unit of something else, expected a name of money such as EUR",
            )
        ],
    ),
    "no money": (
        [yaml("currency: EUR", "currency:")],
        [at("currency:", "currency: is empty, expected text, a number in quotes")],
    ),
    # ---------------------------------------------------------------- lists, windows, ranges
    "25 values": (
        [yaml("[0.18, 0.18,", "[0.18, 0.18, 0.18,")],
        [at("electricity: [", f"{TARIFF}.electricity: has 25 values, expected one, 24 or 8760")],
    ),
    "word in a list": (
        [yaml("[0.18, 0.18,", "[0.18, low,")],
        [at("low", f"{TARIFF}.electricity: hour 1: 'low' is no number, expected a price in EUR/kWh")],
    ),
    "window without minutes": (
        [yaml(EVENING, '"18 to 8"')],
        [at("18 to 8", f"{VEHICLES}.available: is '18 to 8', {WINDOW}")],
    ),
    "window at half past": (
        [yaml(EVENING, '"18:30 to 08:00"')],
        [at("18:30", f"{VEHICLES}.available: is '18:30 to 08:00', {WINDOW}")],
    ),
    "window at 25 o'clock": (
        [yaml(EVENING, '"25:00 to 08:00"')],
        [at("25:00", f"{VEHICLES}.available: is '25:00 to 08:00', {WINDOW}")],
    ),
    "window with a dash": (
        [yaml(EVENING, "18:00-08:00")],
        [at("18:00-08:00", f"{VEHICLES}.available: is '18:00-08:00', {WINDOW}")],
    ),
    "window of three hours": (
        [yaml(EVENING, "[1, 0, 1]")],
        [at("[1, 0", f"{VEHICLES}.available: is a list of 3, expected 24 or 8760 shares from 0 to 1")],
    ),
    "window of half an hour": (
        [yaml('"06:00 to 23:00"', f"[0.5{', 1' * 23}]")],
        [at("[0.5", "clusters.Homes.flexibility.transfer_window: is 0.5 in hour 0, expected 0 or 1")],
    ),
    "charge that crosses": (
        [yaml("power: 400 kW,", "power: 400 kW, lowest: 95 %,")],
        [at("lowest", f"{VEHICLES}.lowest: lowest 0.95 is above highest 0.9")],
    ),
    "range that crosses": (
        [yaml("{least: 0, most: 10 MWh}", "{least: 20 MWh, most: 10 MWh}")],
        [at("20 MWh", "devices.storage.energy: least 20000 is above most 10000")],
    ),
    "range without end": (
        [yaml("{least: 0, most: 10 MWh}", "{least: 0}")],
        [at("energy: {least: 0}", "devices.storage.energy.most: missing, expected number: greatest size")],
    ),
    "both ends wrong": (
        [yaml("{least: 0, most: 10 MWh}", "{least: -1, most: 10 MW}")],
        [
            at(
                "least: -1",
                "devices.storage.energy: least: is -1, expected an energy in kWh of 0 or more; most: MW is no "
                "unit of an energy in kWh",
            )
        ],
    ),
    "storage of any size": (
        [yaml("{least: 0, most: 10 MWh}", "big")],
        [at("energy: big", "devices.storage.energy: 'big' is no number, expected an energy in kWh")],
    ),
    # ---------------------------------------------------------------- tariffs
    "unknown tariff": (
        [yaml("storeys: 6\n", "storeys: 6\n    tariff: homes and other\n")],
        [
            at(
                "tariff: homes",
                "clusters.Homes.tariff: 'homes and other' is unknown, did you mean homes and others? known here: "
                "homes and others",
            )
        ],
    ),
    "which tariff": (
        [
            yaml("tariffs:\n", "tariffs:\n  residential: {electricity: 0.2, gas: 0.1}\n"),
            yaml("storeys: 5\n", "storeys: 5\n    tariff: residential\n"),
        ],
        [
            at(
                "  Shops:",
                "clusters.Shops.tariff: missing, and there is none called 'mall' as its group, expected one of "
                "residential, homes and others",
            )
        ],
    ),
    "two tariffs at one meter": (
        [
            yaml("tariffs:\n", "tariffs:\n  cheap: {electricity: 0.2, gas: 0.1}\n"),
            yaml("storeys: 6\n", "storeys: 6\n    tariff: cheap\n    group: all\n"),
            yaml("storeys: 5\n", "storeys: 5\n    tariff: homes and others\n    group: all\n"),
            yaml("storeys: 3\n", "storeys: 3\n    tariff: cheap\n"),
        ],
        [
            at(
                "tariff: homes",
                "clusters.Offices.tariff: 'homes and others', but others of its group 'all' pay by 'cheap': a "
                "group has one meter",
            )
        ],
    ),
    "price twice": (
        [(PRICES, hours(PRICE_HEAD, 0.1))],
        [
            at(
                "    gas: 0.11",
                f"{TARIFF}.gas: given here and in prices.csv, column homes and others: gas; expected in one of them",
            )
        ],
    ),
    "no price of electricity": (
        [yaml("    electricity: [0.18", "    heat: [0.18")],
        [at("  homes and others:", f"{TARIFF}: no price of electricity, expected here or in prices.csv")],
    ),
    "no price of heat": (
        [yaml("    gas: 0.11\n", "")],
        [at("  homes and others:", f"{TARIFF}: neither heat nor gas has a price, expected one of them")],
    ),
    "exports above purchases": (
        [yaml("70 EUR/MWh", "200 EUR/MWh")],
        [
            at(
                "200 EUR/MWh",
                f"{TARIFF}.export: 0.2 EUR/kWh in hour 0 is above electricity, 0.18 EUR/kWh, as in 6 more hours: "
                "buying and selling at once would pay, expected at most the price of electricity",
            )
        ],
    ),
    "negative wear in prices.csv": (
        [
            yaml("    battery_wear: 0.03\n", ""),
            (PRICES, hours("homes and others: battery_wear", 0).replace("\n7,0\n", "\n7,-1\n")),
        ],
        [
            (
                PRICES,
                "7,-1",
                f"{PRICES}, column 'homes and others: battery_wear': line {{line}} '-1': "
                "expected a price in EUR/kWh of 0 or more",
            )
        ],
    ),
    # ---------------------------------------------------------------- devices, shares, weather, tasks
    "limits of groups below the heat of all": (
        [yaml(PUMPS, f"    by_group: {{residential: 100, office: 100, mall: 50}}\n{PUMPS}")],
        [
            at(
                "heat: {least",
                "devices.heat_pump.heat: is 1500 kW, more than by_group admits together, 250 kW, expected that or less",
            )
        ],
    ),
    "a stray table": (
        [("load.csv", "hour,Homes: heating\n")],
        [
            (
                "load.csv",
                "hour",
                "load.csv: unknown, did you mean loads.csv? known here: loads.csv, photovoltaics.csv, prices.csv",
            )
        ],
    ),
    "a public share beyond all clusters": (
        [yaml("run: [", "mix: {least_public: 0.9}\nrun: [")],
        [
            at(
                "least_public",
                "mix.least_public: is 0.9, but the shares of clusters let public ones have 0.8 at most, "
                "expected that or less",
            )
        ],
    ),
    "limits of some groups": (
        [yaml(PUMPS, f"    by_group: {{residential: 500, offices: 300}}\n{PUMPS}")],
        [
            at(
                "by_group",
                "devices.heat_pump.by_group.offices: unknown, did you mean office? known here: residential, "
                "office, mall",
            ),
            at("by_group", "devices.heat_pump.by_group: no limit for office, mall, expected one for each group"),
        ],
    ),
    "limits of no group": (
        [yaml(PUMPS, f"    shared: false\n{PUMPS}")],
        [
            at(
                "  heat_pump:\n",
                "devices.heat_pump.by_group: no limit for residential, office, mall, expected one for each "
                "group, since heat pumps are not shared",
            )
        ],
    ),
    "air without weather": (
        [yaml("    cop: 3.2\n", "    cop: {source: air, sink: 45 degC}\n")],
        [at("source: air", "devices.heat_pump.cop: follows the air, which needs weather: an EPW file")],
    ),
    "shares above one": (
        [yaml("storeys: 3\n", "storeys: 3\n    share: {least: 90 %}\n")],
        [at("clusters:", "clusters: shares sum to 1.1 at least and 3 at most, expected 1 between")],
    ),
    "shares below one": (
        [yaml("clusters:\n", "every_cluster: {share: {most: 25 %}}\nclusters:\n")],
        [at("clusters:\n  Homes", "clusters: shares sum to 0.2 at least and 0.75 at most, expected 1 between")],
    ),
    "share that crosses": (
        [yaml("storeys: 3\n", "storeys: 3\n    share: {least: 50 %, most: 10 %}\n")],
        [at("least: 50 %", "clusters.Shops.share: least 0.5 is above most 0.1")],
    ),
    "no weather file": (
        [yaml("hours: 24 ", f"weather: {WEATHER}\nhours: 24 ")],
        [
            at(
                "weather:",
                "weather: 'town.epw' is no file of this folder, expected an EPW file, or Willard, Miami, Golden",
            )
        ],
    ),
    "damaged weather file": (
        [yaml("hours: 24 ", f"weather: {WEATHER}\nhours: 24 "), (WEATHER, "hello\n")],
        [
            at(
                "weather:",
                "weather: town.epw: is not an EPW: starts with 'hello', expected LOCATION and later DATA PERIODS lines",
            )
        ],
    ),
    "no loads and no weather": ([without("Homes")], [nowhere("Homes")]),
    "no loads at all": ([(LOADS, None)], [nowhere("Homes"), nowhere("Offices"), nowhere("Shops")]),
    "loads of a use of its own": (
        [yaml("use: mall", "use: other"), without("Shops")],
        [
            at(
                "use: other",
                "clusters.Shops.use: 'other' cannot be simulated and no loads are given, expected a column such "
                "as 'Shops: heating' in loads.csv",
            )
        ],
    ),
    "task without its keys": (
        [yaml(RUN, "run: [mix, provider, renewables]")],
        [
            at("run:", "run.1: provider needs the key provider, which is not there"),
            at("run:", "run.2: renewables needs the key renewables, which is not there"),
        ],
    ),
    "sizing without emissions": (
        [yaml("emissions: {grid: 380 g/kWh, gas: 0.23 kg/kWh}\n", ""), yaml(RUN, "run: [sizing]")],
        [at("run:", "run.0: sizing needs the key emissions, which is not there")],
    ),
    "no clusters": (
        [yaml(CLUSTERS, ""), yaml(RUN, "run: [mix]")],
        [at("run:", "run.0: mix needs the key clusters, which is not there")],
    ),
    "objective of nothing": (
        [yaml("  cost: 1\n", "  cost: 0\n"), yaml("0.08 EUR/kg", "0")],
        [at("objective:", "objective: cost and emissions are both 0, expected one above 0")],
    ),
    # ---------------------------------------------------------------- sweep
    "sweep of an unknown key": (
        [yaml("devices.storage.cost:", "device.storage.cost:")],
        [at("device.storage", f"sweep.device.storage.cost: device: unknown, did you mean devices? known here: {TOP}")],
    ),
    "sweep of an unknown inner key": (
        [yaml("devices.storage.cost:", "devices.storage.costs:")],
        [
            at(
                "storage.costs",
                "sweep.devices.storage.costs: unknown, did you mean cost? known here: energy, power_to_energy, "
                "loss, cost, lifetime, account",
            )
        ],
    ),
    "sweep of an unknown cluster": (
        [yaml("devices.storage.cost:", "clusters.Home.storeys:")],
        [
            at(
                "clusters.Home",
                "sweep.clusters.Home.storeys: 'Home' is unknown, did you mean Homes? known here: Homes, Offices, Shops",
            )
        ],
    ),
    "sweep of impossible values": (
        [yaml("[200, 300, 400]", "[200, -300, 4 EUR/MW]")],
        [
            at("-300", "sweep.devices.storage.cost: is -300, expected a price in EUR/kWh of 0 or more"),
            at("-300", "sweep.devices.storage.cost: EUR/MW is no unit of a price in EUR/kWh"),
        ],
    ),
    "sweep of a key below another": (
        [yaml(SWEPT, f"{SWEPT}\n  devices.storage: [{{energy: 300}}]")],
        [
            at(
                "devices.storage.cost: [200",
                "sweep.devices.storage.cost: lies below devices.storage, which is swept too, expected one of them",
            )
        ],
    ),
    "sweep in one step": (
        [yaml("steps: 3", "steps: 1")],
        [at("steps: 1", "sweep.objective.emissions: expected a whole number of at least 2 as steps, got 1")],
    ),
    "sweep of one number": (
        [yaml("[200, 300, 400]", "200")],
        [at("cost: 200", "sweep.devices.storage.cost: expected a list or a range {from: 0, to: 1, steps: 5}, got 200")],
    ),
    "sweep of nothing": (
        [yaml("[200, 300, 400]", "[]")],
        [at("cost: []", "sweep.devices.storage.cost: expected at least one value, got an empty list")],
    ),
    "sweep of a value twice": (
        [yaml("[200, 300, 400]", "[200, 200]")],
        [at("[200, 200]", "sweep.devices.storage.cost: expected different values, got twice: 200")],
    ),
    # ---------------------------------------------------------------- prices, providers, renewables
    "unknown quantity": (
        [yaml("sensitivity: 2", "sensitivty: 2")],
        [
            at("sensitivty", f"{ELECTRICITY}.sensitivty: unknown, did you mean sensitivity? known here: {PRICING}"),
            at("    electricity:\n", f"{ELECTRICITY}.sensitivity: missing, expected a number without unit"),
        ],
    ),
    "quantity out of range": (
        [yaml("reducible_share: 15 %", "reducible_share: 150 %")],
        [at("150 %", f"{ELECTRICITY}.reducible_share: is 1.5, expected a number without unit from 0 to 1")],
    ),
    "quantity of one cluster out of range": (
        [yaml("sensitivity: 2", "sensitivity: {Homes: 2, Offices: -1, Shops: 2}")],
        [
            at(
                "sensitivity:",
                f"{ELECTRICITY}.sensitivity: is -1 of Offices, expected a number without unit of 0 or more",
            )
        ],
    ),
    "quantity without a cluster": (
        [yaml("sensitivity: 2", "sensitivity: {Homes: 2, Office: 1}")],
        [
            at(
                "sensitivity:",
                f"{ELECTRICITY}.sensitivity: names Homes, Office, expected all clusters alone; differs in Office, "
                "Offices, Shops",
            )
        ],
    ),
    "quantity in words": (
        [yaml("satisfaction: 0.45", "satisfaction: much")],
        [at("much", f"{ELECTRICITY}.satisfaction: 'much' is no number, expected a price in EUR/kWh")],
    ),
    "quantity of 23 hours": (
        [yaml("[0.12, 0.12, 0.12, 0.12, 0.12, 0.13", "[0.12, 0.12, 0.12, 0.12, 0.13")],
        [
            at(
                "wholesale_price",
                f"{ELECTRICITY}.wholesale_price: has 23 values, expected one for all or 24, one for each hour of "
                "the day",
            )
        ],
    ),
    "wholesale prices of nothing": (
        [yaml("[0.12, 0.12, 0.12, 0.12, 0.12, 0.13", "[-0.12, 0, 0.12, 0.12, 0.12, 0.13")],
        [
            at(
                "wholesale_price",
                f"{ELECTRICITY}.wholesale_price: is -0.12 in hour 0, 0 in hour 1, expected a price in EUR/kWh above 0",
            )
        ],
    ),
    "wholesale prices alike": (
        [yaml(FLAT, "0.2")],
        [
            at(
                "wholesale_price",
                f"{ELECTRICITY}.wholesale_price: is 0.2 in all hours, expected prices that differ: retail prices "
                "lie between them",
            )
        ],
    ),
    "no elasticity": (
        [yaml("  levels: 9", "  response: elasticity\n  levels: 9")],
        [
            at(
                "    electricity:\n",
                f"{ELECTRICITY}.elasticity: missing, expected a number without unit: the response is by elasticity",
            )
        ],
    ),
    "unknown carrier": (
        [yaml("    electricity:\n", "    steam:\n")],
        [at("steam", "pricing.carriers.steam: is 'steam', expected 'electricity' or 'cooling'")],
    ),
    "nothing to sell": (
        [yaml("    electricity:\n", "    cooling:\n")],
        [at("run:", "run.4: pricing needs some cooling of each cluster, none of Homes")],
    ),
    "renewables that are too few": (
        [
            renewables(
                "  energy: 100 GWh/a\n  technologies:\n    sun: {most: 10 GWh/a, cost: 0.1, carbon: 5}\n    "
                "wind: {most: 20 GWh/a, cost: 0.1, carbon: 5}"
            )
        ],
        [at("energy: 100", "renewables.energy: is 3.6e+08 MJ a year, the technologies give from 0 to 1.08e+08 MJ")],
    ),
    "renewables that cross": (
        [
            renewables(
                "  energy: 10 GWh/a\n  technologies:\n    sun: {least: 5 GWh/a, most: 1 GWh/a, cost: 0.1, "
                "carbon: 5}\n    wind: {most: 20 GWh/a, cost: 0.1, carbon: 5}"
            )
        ],
        [at("sun:", "renewables.technologies.sun.least: least 1.8e+07 MJ is above most 3.6e+06 MJ")],
    ),
    # ---------------------------------------------------------------- tables
    "23 hours": (
        [(LOADS, "23,40,100,20,430,5,30,60,0,10,25,40,0\n", "")],
        [(LOADS, "22,80,", "loads.csv, line {line}: ends after 23 hours, expected 24")],
    ),
    "hours from 1": (
        [(LOADS, re.sub(r"(?m)^\d+", lambda hour: f"{int(hour[0]) + 1}", original(LOADS)))],
        [at("1,20,80,", "hour '1', expected 0; hour h is the clock from h to h + 1", LOADS)],
    ),
    "hours out of order": ([(LOADS, "\n5,15,", "\n6,15,")], [at("6,15,", "hour '6', expected 5", LOADS)]),
    "no hours": (
        [(LOADS, "hour,", "clock,")],
        [
            at("clock", "no column 'hour', expected one with the hours 0 to 23", LOADS),
            at("clock", "column 'clock': expected a heading such as 'Homes: electricity'", LOADS),
        ],
    ),
    "NaN": ([(LOADS, "\n5,15,", "\n5,NaN,")], [cell("5,NaN", "'NaN'")]),
    "empty cell": ([(LOADS, "\n5,15,", "\n5,,")], [cell("5,,", "empty")]),
    "word in a cell": ([(LOADS, "\n5,15,", "\n5,low,")], [cell("5,low", "'low'")]),
    "negative load": ([(LOADS, "\n5,15,", "\n5,-15,")], [cell("5,-15", "'-15'")]),
    "comma in a cell": (
        [(LOADS, "\n5,15,", '\n5,"15,5",')],
        [cell('5,"15', "'15,5'", "a power in kW of 0 or more; decimals follow a point")],
    ),
    "a cell too many": (
        [(LOADS, "\n5,15,", "\n5,15,1,")],
        [at("5,15,1", "has 14 cells, expected 13 as the header has", LOADS)],
    ),
    "semicolons": (
        [(LOADS, original(LOADS).replace(",", ";"))],
        [at("hour;", "cells are parted by ';', expected by commas", LOADS)],
    ),
    "hours twice": (
        [(LOADS, original(LOADS).replace("\n", ",1\n").replace("],1\n", "],Hour\n", 1))],
        [at("hour,", "more than one column 'hour', expected one with the hours 0 to 23", LOADS)],
    ),
    "semicolons and decimal commas": (
        [(LOADS, original(LOADS).replace(",", ";").replace("\n0;", "\n0,0;"))],
        [at("hour;", "cells are parted by ';', expected by commas; decimals follow a comma, expected a point", LOADS)],
    ),
    "a cell too many in all rows": (
        [(LOADS, original(LOADS).replace("\n", ",\n").replace("],\n", "]\n", 1))],
        [(LOADS, None, f"loads.csv, line {line}: has 14 cells, expected 13 as the header has") for line in range(2, 7)]
        + [(LOADS, None, "loads.csv: 19 more faults")],
    ),
    "quote left open": ([(LOADS, "\n5,15,", '\n5,"15,')], [at('5,"15', "a quote that nothing closes", LOADS)]),
    "empty table": ([(LOADS, "")], [at("", "nothing in it, expected a header row", LOADS)]),
    "column twice": (
        [(LOADS, "Homes: equipment [kW]", "Homes: lighting [kW]")],
        [at("hour,", "column 'Homes: lighting [kW]' is given twice", LOADS)],
    ),
    "column twice in two ways": (
        [(LOADS, "Homes: equipment [kW]", "Homes:lighting")],
        [at("hour,", "column 'Homes: lighting' is given twice", LOADS)],
    ),
    "column of an unknown cluster": (
        [(LOADS, "Shops: cooling", "Shop: cooling")],
        [
            at(
                "hour,",
                "column 'Shop: cooling [kW]': 'Shop' is unknown, did you mean Shops? known here: Homes, Offices, Shops",
                LOADS,
            )
        ],
    ),
    "column of an unknown use": (
        [(LOADS, "Shops: cooling", "Shops: coling")],
        [
            at(
                "hour,",
                "column 'Shops: coling [kW]': 'coling' is unknown, did you mean cooling? known here: "
                "electricity, lighting, equipment, base_load, cooking, hot_water, heating, cooling",
                LOADS,
            )
        ],
    ),
    "column in another unit": (
        [(LOADS, "Shops: cooling [kW]", "Shops: cooling [kWh]")],
        [at("hour,", "column 'Shops: cooling [kWh]': kWh is no unit of a power in kW", LOADS)],
    ),
    "sun of an unknown cluster": (
        [(SUN, "Shops", "Shop")],
        [
            at(
                "hour,",
                "column 'Shop [kW]': 'Shop' is unknown, did you mean Shops? known here: Homes, Offices, Shops",
                SUN,
            )
        ],
    ),
    "prices of an unknown tariff": (
        [(PRICES, hours("others: gas", 0.1))],
        [at("hour,", "column 'others: gas': 'others' is unknown, known here: homes and others", PRICES)],
    ),
    "a year of tables of a day": (
        [yaml("hours: 24 ", "hours: 8760 ")],
        [(file, "\n23,", f"{file}, line 25: ends after 24 hours, expected 8760") for file in (LOADS, SUN)],
    ),
    # ---------------------------------------------------------------- demands that nothing can meet
    "heaters too small": (
        [yaml("heater_power: 250 kW", "heater_power: 20 kW")],
        [
            at(
                "heater_power",
                "clusters.Homes.flexibility.heater_power: hot water needs 1260 kWh in hours 0 to 23, 20 kW give "
                "at most 480 kWh, expected 52.5 kW or more",
            )
        ],
    ),
    "too little can move": (
        [yaml("      heater_power", "      transfer_limit: 1 kW\n      heater_power")],
        [
            at(
                "transfer_limit",
                "clusters.Homes.flexibility.transfer_limit: equipment that can move needs 490 kWh in hours 0 to "
                "23, 1 kW give at most 17 kWh, expected 28.8235 kW or more",
            )
        ],
    ),
    "loss beyond power": (
        [yaml("power: 200 kW, loss: 0.01 1/h", "power: 1 kW, loss: 0.01 1/h, lowest: 50 %")],
        [
            at(
                "lowest: 50 %",
                "clusters.Homes.flexibility.heat_store.power: 1 kW cannot make good the 3 kW that the store "
                "loses at its lowest charge, expected 3 kW or more",
            )
        ],
    ),
    "boilers too small": (
        [SMALL_PUMPS, SMALL_BOILER],
        [
            *(
                heat(hour, homes, 60, lacking, "300 kW")
                for hour, homes, lacking in ((0, 420, 120), (1, 430, 130), (2, 440, 140), (3, 450, 150))
            ),
            heat(4, 460, 70, 170, "300 kW"),
            at("boiler:", "devices.boiler.heat: heating cannot be met in 19 more hours"),
        ],
    ),
    "boilers too small for one group": (
        [
            SMALL_BOILER,
            yaml(PUMPS, f"    shared: false\n    by_group: {{residential: 400, office: 300, mall: 300}}\n{PUMPS}"),
        ],
        [
            at(
                "boiler:",
                "devices.boiler.heat: heating cannot be met in hour 6: needed residential 520 kW, office 320 kW, "
                "mall 60 kW, at most heat pumps residential 400 kW, office 300 kW, mall 300 kW of their own and "
                "boilers 100 kW, 40 kW missing",
            ),
            at(
                "boiler:",
                "devices.boiler.heat: heating cannot be met in hour 7: needed residential 510 kW, office 360 kW, "
                "mall 120 kW, at most heat pumps residential 400 kW, office 300 kW, mall 300 kW of their own and "
                "boilers 100 kW, 70 kW missing",
            ),
        ],
    ),
    "chillers too small": (
        [yaml("chiller: {cop: 4.5}", "chiller: {cop: 4.5, cooling: 100 kW}")],
        [cold(12, 50, 60, 10), cold(13, 55, 60, 15), cold(14, 55, 60, 15), cold(15, 50, 55, 5)],
    ),
    # ---------------------------------------------------------------- several at once
    "three files": (
        [yaml("storeys: 6", "storeys: 0"), (LOADS, "\n5,15,", "\n5,-15,"), (SUN, "Shops", "Shop")],
        [
            at("storeys: 0", "clusters.Homes.storeys: is 0, expected a whole number from 1 to 200"),
            cell("5,-15", "'-15'"),
            at(
                "hour,",
                "column 'Shop [kW]': 'Shop' is unknown, did you mean Shops? known here: Homes, Offices, Shops",
                SUN,
            ),
        ],
    ),
    "five keys, a table and the sweep": (
        [
            yaml("3.6 ha", "3.6 kg"),
            yaml("900 EUR/kW", "cheap"),
            yaml("cop: 4.5", "cop: 0"),
            yaml("steps: 3", "steps: 0"),
            yaml("levels: 9", "levels: 1"),
            (LOADS, "\n5,15,", "\n5,,"),
        ],
        [
            at("3.6 kg", "clusters.Homes.floor_area: kg is no unit of an area in m2"),
            at("cheap", "devices.heat_pump.cost: 'cheap' is no number, expected a number in EUR/kW"),
            at("cop: 0", "devices.chiller.cop: is 0, expected a number in kWh/kWh above 0"),
            at("levels: 1", "pricing.levels: is 1, expected a whole number from 2 to 1000"),
            cell("5,,", "empty"),
            at("steps: 0", "sweep.objective.emissions: expected a whole number of at least 2 as steps, got 0"),
        ],
    ),
}


LIBRARIES = (
    "pydantic", "pint", "xarray", "numpy", "pandas", "yaml.", "input should be", "validation error", "keyerror",
    "valueerror", "typeerror", "traceback", "dimension", "nonetype", "unicode string", "valid dictionary",
    "valid integer", "<class", "none/", "tuple", "dict[",
)  # fmt: skip


def expected(folder, problem):
    """Return a problem with the line that its part of the text stands on."""
    file, where, text = problem
    if "{line}" not in text:
        return text
    number = line_of(folder / file, where) if where else 1
    return text.replace("{line}", str(number))


def plain(problem):
    """Return whether a problem is one line without a word of a library."""
    return "\n" not in problem and not [word for word in LIBRARIES if word in problem.lower()]


@pytest.mark.parametrize("name", BROKEN)
def test_every_problem_is_listed_at_once_in_a_planners_words(name, tmp_path):
    edits, problems = BROKEN[name]
    folder = copied(tmp_path, *edits)
    with pytest.raises(InputError) as error:
        districts.read(folder)
    assert list(error.value.problems) == [expected(folder, problem) for problem in problems]
    assert all(map(plain, error.value.problems))
    assert str(error.value).startswith(f"{folder.as_posix()}: {len(problems)} problem")


def test_there_are_more_than_forty():
    assert len(BROKEN) > 100


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such folder; a district is a folder with a district"):
        districts.read(tmp_path / "nowhere")


def test_what_is_not_broken_reads(tmp_path):
    assert districts.read(copied(tmp_path)).file.name == "Millbrook"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("devices.storage.price", 3, "devices.storage.price: unknown"),
        ("clusters.Home.storeys", 3, "clusters.Home.storeys: 'Home' is unknown, did you mean Homes?"),
        ("hours.first", 3, "hours.first: leads to no key"),
        ("devices.storage.cost", "3 EUR/kW", "devices.storage.cost: EUR/kW is no unit of a price in EUR/kWh"),
        ("devices.boiler.heat", 1, "devices.boiler.heat: heating cannot be met in hour 0"),
    ],
)
def test_changes_are_checked_as_what_is_written(key, value, problem, tmp_path):
    pumps = {"devices.heat_pump.heat": 500} if key == "devices.boiler.heat" else {}
    with pytest.raises(InputError) as error:
        districts.read(copied(tmp_path), {**pumps, key: value})
    assert problem in str(error.value)
    assert all(map(plain, error.value.problems))


VALUES = [
    "",
    "5",
    "-1",
    "yes",
    "'text'",
    "[]",
    "{}",
    "[1, 2]",
    "{a: 1}",
    ".nan",
    "12 kWh",
    "2020-01-01",
    "null",
    "1e999",
]


@pytest.mark.slow
@given(
    st.sampled_from([n for n, line in enumerate(original(YAML).splitlines()) if ": " in line]), st.sampled_from(VALUES)
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_at_a_key_it_reads_or_is_refused_in_plain_words(tmp_path_factory, number, value):
    lines = original(YAML).splitlines()
    lines[number] = f"{lines[number].partition(': ')[0]}: {value}"
    folder = copied(tmp_path_factory.mktemp("any"), (YAML, "\n".join(lines)))
    problems = refused(folder)
    assert all(map(plain, problems))
    assert all(re.match(r"(district\.yaml|loads\.csv|photovoltaics\.csv), line \d+: ", each) for each in problems)


def refused(folder):
    try:
        districts.read(folder)
    except InputError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("key", "length", "problem"),
    [
        ("transfer_window", 8760, "has 8760 values, expected 24, since hours are 24"),
        ("vehicles.available", 8760, "has 8760 values, expected 24, since hours are 24"),
        ("vehicles.available", 25, "is a list of 25, expected 24 or 8760 shares from 0 to 1"),
    ],
)
def test_a_window_of_other_hours_than_the_folder_has(key, length, problem, tmp_path):
    place = f"clusters.Homes.flexibility.{key}"
    with pytest.raises(InputError) as error:
        districts.read(copied(tmp_path), {place: [1] * length})
    assert [text.partition(": ")[2] for text in error.value.problems] == [f"{place}: {problem}"]


def test_a_window_with_more_than_all_of_an_hour(tmp_path):
    place = "clusters.Homes.flexibility.vehicles.available"
    with pytest.raises(InputError, match=r"is 1\.5 in hour 7, expected shares from 0 to 1"):
        districts.read(copied(tmp_path), {place: [1] * 7 + [1.5] + [1] * 16})


@pytest.mark.parametrize("name", ["No", "yes", "010", "10:30"])
def test_a_name_that_yaml_reads_as_something_else(name, tmp_path):
    folder = copied(tmp_path, yaml("  Shops:\n", f"  {name}:\n"))
    problems = refused(folder)
    assert any("clusters: a name here is read as" in text and "expected it in quotes" in text for text in problems)
    assert not any(
        "expected it in quotes" in text
        for text in refused(copied(tmp_path / "q", yaml("  Shops:\n", f"  '{name}':\n")))
    )


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("$a$ south", "has $ twice in its name, between which figures read mathematics"),
        ("S" * 41, "has 41 letters, expected 40 at most"),
    ],
)
def test_a_name_that_no_figure_can_show(name, problem, tmp_path):
    assert any(
        f"clusters.{name}: {problem}" in text
        for text in refused(copied(tmp_path / "a", yaml("  Shops:\n", f"  {name}:\n")))
    )
    with pytest.raises(InputError) as error:
        districts.read(copied(tmp_path / "b"), {"clusters.Shops.group": name})
    assert any(f"clusters.Shops.group: {problem}" in text for text in error.value.problems)


def test_pumps_of_their_own_that_are_too_small_together(tmp_path):
    limits = {"residential": 400, "office": 300, "mall": 150}
    pumps = {"shared": False, "by_group": limits, "heat": {"least": 0, "most": 300}}
    changes = {f"devices.heat_pump.{key}": value for key, value in pumps.items()}
    with pytest.raises(InputError) as error:
        districts.read(copied(tmp_path), {**changes, "devices.boiler.heat": 100})
    assert all("devices.boiler.heat: heating cannot be met in " in text for text in error.value.problems)
    assert "of their own, 300 kW together, and boilers 100 kW" in error.value.problems[0]


@pytest.mark.parametrize("mark", [":", "[", "]"])
def test_a_name_that_parts_the_headings_of_tables(mark, tmp_path):
    folder = copied(tmp_path, yaml("  Shops:\n", f"  'Shops {mark} south':\n"))
    with pytest.raises(InputError) as error:
        districts.read(folder)
    line = line_of(folder / YAML, f"Shops {mark} south")
    words = f"has {mark} in its name, which parts the headings of tables, expected other marks"
    assert f"{YAML}, line {line}: clusters.Shops {mark} south: {words}" in error.value.problems
