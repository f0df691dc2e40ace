"""The studies' own districts as folders: what anybody's district runs through gives the studies' numbers to 1e-6."""

from __future__ import annotations

import functools
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bcopt import districts
from bcopt.compendium.pipeline import DISTRICTS, districts_listed
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import read_protocol
from bcopt.districts import market
from bcopt.planning import self_optimisation
from bcopt.studies import energyeng2023, folders, frontiers2022, systems2024
from bcopt.studies.folders import systems2024 as of_systems2024
from bcopt.studies.systems2024.flexible_day import FIRST_HOUR

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "results" / "tables"
CLUSTERS, DISTRICT = ROOT / "districts" / "systems2024-clusters", ROOT / "districts" / "systems2024-district"
PARK, PROVIDER = ROOT / "districts" / "energyeng2023", ROOT / "districts" / "frontiers2022"
FREE = {f"clusters.{name}.share": {"least": 0, "most": 1} for name in systems2024.inputs.CLUSTERS}
"""Section 3.2.2 bounds no share."""


def close(expected, rel=1e-6):
    return pytest.approx(expected, rel=rel, abs=1e-9)


@functools.cache
def answered(folder: Path) -> districts.Answers:
    return districts.answer(districts.read(folder))


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(TABLES / name)


@pytest.fixture(scope="module")
def settled() -> of_systems2024.Settled:
    return of_systems2024.settled(ROOT)


@pytest.fixture(scope="module")
def twelve(settled: of_systems2024.Settled) -> xr.Dataset:
    """The inputs of the twelve clusters as the study makes them."""
    return systems2024.flexible_day.model_inputs(settled.series, settled.inputs, settled.scenario, settled.knobs)


@pytest.fixture(scope="module")
def groups(settled: of_systems2024.Settled) -> xr.Dataset:
    """The fitted day of the four groups as the study makes it."""
    day = systems2024.district_day.unfitted(settled.series, settled.inputs, settled.scenario, settled.knobs)
    return systems2024.district_day.fitted(day, settled.scenario, of_systems2024.district_knobs(ROOT))


@pytest.fixture(scope="module")
def provider() -> frontiers2022.stages.Settled:
    """The fitted day of the provider as the study settles it."""
    inputs, days = frontiers2022.inputs.load(ROOT), frontiers2022.simulation.read(ROOT)
    central = frontiers2022.scenario.central(read_protocol(ROOT)["frontiers2022"], inputs)
    return frontiers2022.fits.read(ROOT, days, inputs, {central.price_set: central})[central.price_set]


@pytest.mark.slow
@pytest.mark.parametrize("name", folders.FOLDERS)
def test_the_folder_is_what_the_study_writes(name: str) -> None:
    place = ROOT / "districts" / name
    written = {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}
    assert written == {file: text.encode() for file, text in folders.FOLDERS[name](ROOT).items()}


def test_every_folder_is_a_stage() -> None:
    assert set(folders.FOLDERS) <= set(districts_listed((ROOT / DISTRICTS).read_bytes()))


def test_all_folders_are_written_below_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "FOLDERS", {"one": lambda root: {"district.yaml": f"name: {root.name}\n"}})
    assert folders.write(tmp_path) == [tmp_path / "districts" / "one" / "district.yaml"]
    assert (tmp_path / "districts/one/district.yaml").read_text() == f"name: {tmp_path.name}\n"


class TestFlexibility:
    @pytest.mark.slow
    def test_every_input_of_the_model(self, twelve: xr.Dataset) -> None:
        day = answered(CLUSTERS).parts["day"]
        assert set(day) == set(twelve)
        for name, expected in twelve.data_vars.items():
            if not name.startswith("vehicle_soc"):
                both = xr.broadcast(day[name], expected)
                np.testing.assert_allclose(both[0], both[1], rtol=1e-8, atol=1e-9, err_msg=str(name))

    def test_cost_of_every_cluster_before_and_after(self, twelve: xr.Dataset, settled: of_systems2024.Settled) -> None:
        found = answered(CLUSTERS).tables["flexibility"].set_index("cluster")
        flows = {
            "before": self_optimisation.as_simulated(twelve),
            "after": self_optimisation.schedule(twelve, settled.scenario.tie_rule, FIRST_HOUR),
        }
        for when, expected in flows.items():
            cost = expected["energy_cost"].sum("hour").to_series()
            assert found[f"energy cost {when} [yuan/a]"].drop("all clusters").to_dict() == close(cost.to_dict())
            assert found[f"energy cost {when} [yuan/a]"]["all clusters"] == close(float(cost.sum()))
        committed = table("systems2024/3.1-self-optimisation/clusters.csv").set_index("cluster")
        assert found["saving [%]"].drop("all clusters").to_dict() == close(committed["energy cost saved [%]"].to_dict())

    def test_the_two_printed_costs_of_x1(self) -> None:
        committed = table("systems2024/3.1-self-optimisation/clusters.csv").set_index("cluster")
        for when, part in (("before", "as given"), ("after", "optimised")):
            cost = answered(CLUSTERS).parts[part]["electricity_cost"].sum("hour").to_series()
            assert cost.to_dict() == close(committed[f"electricity cost {when} [yuan]"].to_dict())
        assert cost["x1"] == close(14556)


class TestMix:
    def test_flattest(self, settled: of_systems2024.Settled) -> None:
        study, of = systems2024.levelling, settled
        load = study.levelled_load(of.series, of.inputs, of.scenario, of.knobs)
        exact = study.exact(load, *study.bounds(of.inputs, of.scenario))
        found = answered(CLUSTERS).parts["mixes"].sel(mix="flattest")
        assert float(found["levelisation_rate"]) == close(float(exact["rate"]))
        assert found["shares"].to_series().to_dict() == pytest.approx(exact["shares"].to_series().to_dict(), abs=1e-6)
        rates = table("systems2024/3.2.1-load-levelling/rates.csv").set_index("load")["AR"]
        assert answered(CLUSTERS).numbers["departure from the average load, flattest [%]"] == close(
            100 * rates["optimum"]
        )
        assert answered(CLUSTERS).numbers["departure from the average load, today [%]"] == close(100 * rates["1:1 mix"])
        shares = table("systems2024/3.2.1-load-levelling/03-mix.csv").set_index("cluster")["exact [%]"]
        assert (100 * found["shares"]).to_series().to_dict() == pytest.approx(shares.to_dict(), abs=1e-4)

    @pytest.mark.slow
    @pytest.mark.parametrize(("file", "pooled"), [("front-own-ground.csv", False), ("front-pooled.csv", True)])
    def test_most_renewable_along_the_public_share(self, file: str, pooled: bool) -> None:
        front = table(f"systems2024/3.2.2-renewable-penetration/{file}")
        for public, expected in front.iloc[[1, 5], :2].to_numpy():
            changes = {**FREE, "run": ["mix"], "mix.least_public": public / 100, "mix.pooled": pooled}
            assert districts.numbers(CLUSTERS, changes)["renewable share, most renewable [%]"] == close(expected)

    def test_at_the_printed_public_share(self, settled: of_systems2024.Settled) -> None:
        study, of = systems2024.penetration, settled
        energy = study.energies(of.series, of.inputs, of.scenario, of.knobs.load_scale)
        found = districts.numbers(CLUSTERS, {**FREE, "run": ["mix"]})["renewable share, most renewable [%]"]
        assert found == close(study.at_printed_share(energy, of.inputs, pooled=False))


class TestDistrict:
    def test_every_input_of_the_model(self, groups: xr.Dataset) -> None:
        day = answered(DISTRICT).parts["district day"]
        assert set(day) == set(groups)
        for name, expected in groups.data_vars.items():
            both = xr.broadcast(day[name], expected)
            np.testing.assert_allclose(both[0], both[1], rtol=1e-8, atol=1e-9, err_msg=str(name))

    def test_cost_and_emissions_with_the_fitted_storage(
        self, groups: xr.Dataset, settled: of_systems2024.Settled
    ) -> None:
        upper = systems2024.district_dispatch.UPPER
        ranks = systems2024.district_dispatch.Dispatch(groups, settled.scenario, settled=False).solve(upper)
        found = answered(DISTRICT)
        assert found.numbers["groups pay for energy [yuan/a]"] == close(ranks["energy cost"])
        assert found.numbers["emissions when run [t/a]"] == close(ranks["emissions"] / 1000)
        installed = float(groups["storage_installation_price"] * groups["storage_energy"])
        assert found.parts["dispatched"].cost == close(ranks["energy cost"] + ranks["other cost"] + installed)

    @pytest.mark.parametrize(("shared", "printed"), [(True, "shared"), (False, "own")])
    def test_shares_of_ground_heat(self, shared: bool, printed: str) -> None:
        """Of all and of homes. What the public groups have of it is tied where they share, which the study settles."""
        heat = table("systems2024/3.3-district-system/heat.csv").set_index("group")[f"ground heat, {printed} [%]"]
        changes = {"run": ["dispatch"], "devices.heat_pump.shared": shared}
        found = districts.answer(districts.read(DISTRICT, changes))
        whole = found.numbers["pump heat [kWh/a]"] + found.numbers["gas heat [kWh/a]"]
        assert 100 * found.numbers["pump heat [kWh/a]"] / whole == close(heat["all"])
        of_groups = found.tables["dispatch"].set_index("group")["heat from pumps [%]"]
        expected = heat.drop("all") if not shared else heat[["residential"]]
        assert of_groups[expected.index].to_dict() == close(expected.to_dict())

    @pytest.mark.slow
    def test_what_storage_saves_by_its_size(self) -> None:
        """The sweep that the folder lists."""
        expected = table("systems2024/3.3-district-system/sizes.csv").query("`ground heat` == 'shared'")
        listed = districts.read(DISTRICT).sweep["devices.storage.energy"]
        assert listed == expected["storage [kWh]"].tolist()
        found = [districts.numbers(DISTRICT, {"devices.storage.energy": size}) for size in listed[::3]]
        for row, at in zip(expected.iloc[::3].to_dict("records"), found, strict=True):
            saved = found[0]["groups pay for energy [yuan/a]"] - at["groups pay for energy [yuan/a]"]
            assert saved == close(row["energy cost saved [yuan/day]"])
            avoided = found[0]["emissions when run [t/a]"] - at["emissions when run [t/a]"]
            assert 1000 * avoided == close(row["emissions avoided [kg/day]"])

    def test_the_front_of_one_level(self, groups: xr.Dataset, settled: of_systems2024.Settled) -> None:
        most = float(groups["electricity"].sum())
        changes = {"run": ["sizing"], "devices.storage.energy": {"least": 0, "most": most}}
        front = districts.answer(districts.read(DISTRICT, changes)).tables["front"]
        at = front["emissions [t/a]"].to_numpy()[::-1], front["cost [yuan/a]"].to_numpy()[::-1]
        own = systems2024.district_sizing.merged_front(groups, settled.scenario, levels=9)
        for merged in (own, table("systems2024/3.3-district-system/merged.csv")):
            limits = merged["emissions [kg]"].to_numpy() / 1000
            assert front["emissions [t/a]"].to_numpy()[[0, -1]] == close(limits[[0, -1]])
            assert np.interp(limits, *at) == close(merged["cost [yuan]"].to_numpy())


class TestRenewables:
    def test_cost_and_carbon_of_the_optimum(self) -> None:
        found = answered(PARK).numbers
        plans = table("energyeng2023/5.5-dual-objective/04-plans.csv").set_index("plan").loc["optimum"]
        assert found["renewables' least cost [USD/a]"] == close(plans["cost"], 1e-8)
        assert found["renewables' carbon at least cost [t/a]"] == close(plans["carbon"] / 1000, 1e-8)
        assert found["renewables' least carbon [t/a]"] == close(plans["carbon"] / 1000, 1e-8)

    def test_the_mix_of_both_linear_programmes(self, eco) -> None:
        exact = energyeng2023.optimisation.linear_programmes(
            energyeng2023.coefficients.unit_values(eco.parts, eco.inputs, False), eco.where
        )
        found = answered(PARK).tables["renewables"]
        assert len(found) == 1, "one mix has least cost and least carbon"
        for objective in ("cost", "carbon"):
            energy = exact["energy"].sel(objective=objective).to_series().add_suffix(" [MJ/a]")
            assert found.iloc[0][energy.index].to_dict() == close(energy.to_dict())

    def test_vertices_at_the_literature_values(self, eco) -> None:
        changes = {
            f"renewables.technologies.{name}.{quantity}": float(eco.medians[quantity].sel(technology=name))
            for name in energyeng2023.inputs.TECHNOLOGIES
            for quantity in ("cost", "carbon")
        }
        found = districts.answer(districts.read(PARK, changes)).tables["renewables"]
        front = table("energyeng2023/5.5-dual-objective/front.csv")
        assert found["cost [USD/a]"].tolist() == close(front["cost [USD/a]"].tolist(), 1e-8)
        assert (1000 * found["carbon [t/a]"]).tolist() == close(front["carbon [kg/a]"].tolist(), 1e-8)
        for name in energyeng2023.inputs.TECHNOLOGIES:
            assert (100 * found[f"{name} [MJ/a]"] / 176e6).tolist() == close(front[f"{name} [%]"].tolist())


class TestProvider:
    def test_prices_rewards_and_benefits_of_every_cluster(self, provider: frontiers2022.stages.Settled) -> None:
        found = answered(PROVIDER).parts["prices"]
        for name in ("price", "reward", "load"):
            xr.testing.assert_allclose(found[name], provider.retail[name].transpose(*found[name].dims), rtol=1e-6)
        for name in ("provider_benefit", "cluster_benefit"):
            both = (of[name].sum("hour").transpose("cluster", "carrier") for of in (found, provider.retail))
            xr.testing.assert_allclose(*both, rtol=1e-6, atol=1e-6)
        bounds = table("frontiers2022/4.2.1-pricing/bounds.csv").set_index(["price set", "weight"])
        assert float(found["reward"].sum()) == close(bounds.loc[("text-bands", 0.5), "exact reward [yuan]"])

    def test_commitment_value_and_flows(self, provider: frontiers2022.stages.Settled) -> None:
        best, flows, _ = answered(PROVIDER).parts["provider"]
        assert best.on.astype(int).to_numpy().tolist() == provider.commitment.on.astype(int).to_numpy().tolist()
        assert best.value == close(provider.commitment.value)
        committed = table("frontiers2022/4.2.2-scheduling/commitment.csv").set_index("price set").loc["text-bands"]
        assert best.value == close(committed["dispatched value [yuan]"])
        running = ", ".join(str(hour) for hour in np.flatnonzero(best.on.to_numpy()))
        assert running == committed["turbine runs in the clock hours"]
        for name in ("gas", "purchase", "export", "turbine", "photovoltaics"):
            assert float(flows[name].sum()) == close(float(provider.flows[name].sum())), name


@dataclass(frozen=True)
class Mutation:
    """One number of a folder replaced by another, and the answer that moves."""

    folder: Path
    file: str
    before: str
    after: str
    run: list[str]
    answer: str


AFTER, COST = "clusters' energy cost after [yuan/a]", "cost [yuan/a]"
CHEAPEST = "renewables' least cost [USD/a]"
MUTATIONS = {
    "a price at homes": Mutation(CLUSTERS, "prices.csv", "\n19,0.86", "\n19,0.87", ["flexibility"], AFTER),
    "vehicles": Mutation(CLUSTERS, "district.yaml", "energy: 1758.89858", "energy: 1768.89858", ["flexibility"], AFTER),
    "a load": Mutation(
        CLUSTERS, "loads.csv", "0,629.928396", "0,639.928396", ["mix"], "departure from the average load, today [%]"
    ),
    "ground": Mutation(DISTRICT, "district.yaml", "heat: 36772", "heat: 36672", ["dispatch"], "pump heat [kWh/a]"),
    "a storage": Mutation(DISTRICT, "district.yaml", "energy: 12343.534", "energy: 12344.534", ["sizing"], COST),
    "what wears": Mutation(DISTRICT, "district.yaml", "storage_wear: 0.25", "storage_wear: 0.251", ["sizing"], COST),
    "a unit cost": Mutation(
        PARK, "district.yaml", "cost: 0.016346539", "cost: 0.016346639", ["renewables"], CHEAPEST
    ),
    "a bound": Mutation(
        PARK, "district.yaml", "most: 35609779.2", "most: 35619779.2", ["renewables"], CHEAPEST
    ),
    "what homes want": Mutation(
        PROVIDER, "district.yaml", "residential: 1.38126142", "residential: 1.3813", ["pricing"],
        "clusters' benefit [yuan/d]",
    ),
    "gas": Mutation(
        PROVIDER, "district.yaml", "gas_price: 3.45", "gas_price: 3.46", ["pricing", "provider"],
        "provider's cost less the clusters' benefit [yuan/d]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("of", MUTATIONS.values(), ids=MUTATIONS)
def test_one_other_number_moves_the_answer(of: Mutation, tmp_path: Path) -> None:
    """What is compared above would not pass with a number of the folder a little off."""
    place = tmp_path / of.folder.name
    shutil.copytree(of.folder, place)
    text = (place / of.file).read_text()
    assert text.count(of.before) >= 1
    (place / of.file).write_text(text.replace(of.before, of.after, 1))
    assert districts.numbers(place, {"run": of.run})[of.answer] != close(answered(of.folder).numbers[of.answer])


def test_a_provider_whose_pricing_leaves_out_a_carrier_says_what_clusters_want() -> None:
    """What clusters want stands in pricing once; of a carrier that is not priced nothing is known."""
    of = districts.read(PROVIDER).file.pricing.carriers["electricity"]
    alone = {"pricing.carriers": {"electricity": of}}
    with pytest.raises(InputError, match=r"provider.quantities.satisfaction: missing"):
        districts.read(PROVIDER, alone)
    users = {f"provider.quantities.{name}": of[name] for name in market.USERS}
    given = districts.answer(districts.read(PROVIDER, alone | users)).parts["provider"][2]
    xr.testing.assert_equal(given["agreed"].sel(carrier="cooling"), given["load"].sel(carrier="cooling"))
    assert bool((given["agreed"].sel(carrier="electricity") < given["load"].sel(carrier="electricity")).any())
