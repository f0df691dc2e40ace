"""Commitment, dispatch, fits and results of frontiers2022, and the bargain beside the central programme."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bcopt.compendium import files
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import read_protocol
from bcopt.methods.quadratic import PersistentQuadratic
from bcopt.models import dispatch
from bcopt.planning import commitment, retail
from bcopt.studies.frontiers2022 import band, claims, distributed, fits, results, tables
from bcopt.studies.frontiers2022.basic_data import Knobs, dispatch_inputs, pricing_inputs
from bcopt.studies.frontiers2022.fits import BRACKETS, TARGETS
from bcopt.studies.frontiers2022.inputs import CLUSTERS, PRICE_SETS
from bcopt.studies.frontiers2022.results import LOSSES, MORNING, NIGHT, OTHERWISE
from bcopt.studies.frontiers2022.scenario import Scenario
from bcopt.studies.frontiers2022.stages import Evaluator, Jump, Settled

ROOT = Path(__file__).parents[2]
HOURS = list(range(24))
TIES = "nearest to wholesale"


@pytest.fixture(scope="module", params=PRICE_SETS)
def price_set(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def settled(providers: dict[str, Settled], price_set: str) -> Settled:
    return providers[price_set]


@pytest.fixture(scope="module")
def bands(providers: dict[str, Settled]) -> Settled:
    return providers["text-bands"]


@pytest.fixture(scope="module")
def wanted(published: pd.DataFrame) -> dict[str, float]:
    return fits.printed(published)


@pytest.fixture(scope="module")
def evaluator(settled: Settled, provider_inputs: xr.Dataset) -> Evaluator:
    return Evaluator(settled.day, provider_inputs, settled.scenario, settled.knobs)


def paid(settled: Settled) -> xr.DataArray:
    return settled.accounts["payment"].sum(["carrier", "hour"])


# ---- when the turbine runs


def test_commitment_is_proved(settled: Settled) -> None:
    found = settled.commitment
    scale = abs(found.value - dispatch.constant(settled.inputs))
    assert found.bound <= found.value + 1e-9 * scale
    assert found.value - found.bound <= commitment.GAP * scale
    assert found.on.isin([0, 1]).all()
    assert 0 < int(found.on.sum()) < 24, "neither always nor never"
    assert found.value == pytest.approx(-float(settled.accounts["welfare"]), abs=1e-4)


def test_no_other_hour_is_better(settled: Settled) -> None:
    """Each hour turned on or off by itself, dispatched anew."""
    dispatcher = commitment.Dispatcher(settled.inputs, settled.scenario.mean_temperature, settled.commitment.on)
    constant, others = dispatch.constant(settled.inputs), []
    for hour in HOURS:
        on = settled.commitment.on.copy()
        on.loc[{"hour": hour}] = 1 - on.sel(hour=hour)
        dispatcher.commit(on)
        others.append(dispatcher.solve(settled.inputs) + constant)
    assert min(others) > settled.commitment.value - 1e-5
    assert max(others) > settled.commitment.value + 100, "and the hours matter"


def dearer_gas(inputs: xr.Dataset, factor: float) -> xr.Dataset:
    names = ("gas_price", "emission_cost")
    return inputs.assign({name: (inputs[name] * factor).assign_attrs(inputs[name].attrs) for name in names})


def test_free_gas_runs_the_turbine_always(bands: Settled) -> None:
    found = commitment.commit(dearer_gas(bands.inputs, 0.0), bands.scenario.mean_temperature)
    assert int(found.on.sum()) == 24
    assert found.value - found.bound <= 1e-3


def test_dear_gas_never_runs_it(bands: Settled) -> None:
    found = commitment.commit(dearer_gas(bands.inputs, 10.0), bands.scenario.mean_temperature)
    assert int(found.on.sum()) == 0


def test_a_worse_commitment_to_begin_with_is_left(settled: Settled) -> None:
    kept = settled.scenario.mean_temperature
    dispatcher = commitment.Dispatcher(settled.inputs, kept)
    for first in (settled.commitment.on, 1 - settled.commitment.on):
        found = commitment.commit(settled.inputs, kept, dispatcher, first)
        xr.testing.assert_equal(found.on, settled.commitment.on)
        assert found.value == pytest.approx(settled.commitment.value, abs=1e-6)
        assert found.tried == (1 if first is settled.commitment.on else 2)


# ---- the dispatch


@pytest.mark.slow
def test_dispatch_forgets_what_it_solved_before(settled: Settled, provider_inputs: xr.Dataset) -> None:
    """To the last bit; and it is what a model built anew has."""
    dispatcher = commitment.Dispatcher(settled.inputs, settled.scenario.mean_temperature, settled.commitment.on)
    first, loads = dispatcher.solve(settled.inputs), dispatcher.value("load")
    other = replace(settled.knobs, operation=2.0, satisfaction_hotel=3.0)
    given = dispatch_inputs(settled.day, provider_inputs, settled.scenario, other, 0.95 * settled.day["load"])
    elsewhere = dispatcher.solve(given)
    dispatcher.commit(settled.commitment.on * 0)
    dispatcher.solve(given)
    dispatcher.commit(settled.commitment.on)
    assert dispatcher.solve(settled.inputs) == first
    xr.testing.assert_identical(dispatcher.value("load"), loads)
    assert abs(elsewhere - first) > 100
    anew = PersistentQuadratic(dispatch.dispatch_model(given, settled.commitment.on)).solve().objective
    assert elsewhere == pytest.approx(anew, rel=1e-7)
    fresh = PersistentQuadratic(dispatch.dispatch_model(settled.inputs, settled.commitment.on)).solve().objective
    assert first == pytest.approx(fresh, rel=1e-7)


def test_energy_balances(settled: Settled) -> None:
    flows, given = settled.flows, settled.inputs
    electricity, cooling = (flows["load"].sel(carrier=c).sum("cluster") for c in ("electricity", "cooling"))
    into = flows["photovoltaics"] + flows["turbine"] + flows["purchase"] - flows["export"]
    used = electricity + flows["chiller"] / 3.0 + flows["ice_charge"] / 2.4
    np.testing.assert_allclose(into, used, atol=1e-6)
    np.testing.assert_allclose(flows["absorption"] + flows["chiller"] + flows["ice_discharge"], cooling, atol=1e-6)
    fuel = 600 / 0.33 * (0.15 * flows["on"] + 0.85 * flows["turbine"] / 600)
    np.testing.assert_allclose(flows["gas"] * 9.7, fuel, atol=1e-6)
    heat = 0.8 * (0.9 * fuel - flows["turbine"])
    assert (flows["absorption"] <= 1.2 * heat + 1e-6).all()
    assert (flows["turbine"] >= 0.3 * 600 * flows["on"] - 1e-6).all()
    assert (flows["turbine"] <= 600 * flows["on"] + 1e-6).all()
    assert (flows["photovoltaics"] <= given["photovoltaics"] + 1e-6).all()
    assert float(flows["chiller"].max()) <= 4000 + 1e-6


def test_ice_is_a_cycle_within_its_tank(settled: Settled) -> None:
    flows = settled.flows
    energy = flows["ice_energy"]
    before = energy.roll(hour=1, roll_coords=False)
    np.testing.assert_allclose(energy, 0.99 * before + flows["ice_charge"] - flows["ice_discharge"], atol=1e-6)
    assert float(energy.min()) >= -1e-6
    assert float(energy.max()) <= 3000 + 1e-6
    assert float(energy.max()) > 100, "and it is used"
    for name in ("ice_charge", "ice_discharge"):
        assert -1e-6 <= float(flows[name].min()) <= float(flows[name].max()) <= 500 + 1e-6


def test_loads_move_within_what_was_agreed(settled: Settled) -> None:
    agreed, load = settled.retail["load"], settled.flows["load"]
    moved = load - agreed
    assert float(np.abs(moved.sum("hour")).max()) < 1e-5
    share = np.abs(moved.sel(carrier="electricity")) / settled.day["load"].sel(carrier="electricity")
    assert (share <= xr.DataArray([0.06, 0.06, 0.05], {"cluster": list(CLUSTERS)}) + 1e-8).all()
    assert float(share.max()) > 0.049
    assert float(load.min()) >= -1e-6


def test_rooms_stay_in_the_band(settled: Settled) -> None:
    """The deviation from the loads, the cycle run until it repeats: e to the -2 is left of it after an hour."""
    more = (settled.flows["load"] - settled.retail["load"]).sel(carrier="cooling").transpose("cluster", "hour")
    resistance = 8 / settled.day["load"].sel(carrier="cooling").max("hour").to_numpy()
    left, x = np.exp(-2), np.zeros(3)
    found = np.empty((3, 24))
    for _ in range(10):
        for hour in HOURS:
            x = left * x - (1 - left) * resistance * more.to_numpy()[:, hour]
            found[:, hour] = x
    assert np.abs(found).max() <= 1.0 + 1e-6
    assert np.abs(found).max() > 0.2499, "and use it"
    np.testing.assert_allclose(found, settled.flows["temperature"].transpose("cluster", "hour"), atol=1e-6)
    assert np.abs(found.mean(axis=1)).max() < 1e-6


def test_benefit_is_revenue_less_parts(settled: Settled) -> None:
    flows, given, knob = settled.flows, settled.inputs, settled.knobs.operation
    cost = (given["grid_price"] * (flows["purchase"] - 0.5 * flows["export"]) + 3.57 * flows["gas"]).sum()
    operation = {"turbine": 0.08, "photovoltaics": 0.03, "absorption": 0.02, "ice_discharge": 0.03}
    cost = cost + knob * sum(price * flows[name].sum() for name, price in operation.items())
    cost = cost + knob * 0.1 * (flows["chiller"] + flows["ice_charge"]).sum()
    revenue = (settled.retail["price"] * flows["load"]).sum()
    assert float(settled.accounts["provider_benefit"]) == pytest.approx(float(revenue - cost), rel=1e-9)
    hours = results.hourly_benefit(settled)
    parts = hours.drop(columns=["hour", "revenue", "benefit"])
    np.testing.assert_allclose(hours["benefit"], hours["revenue"] - parts.sum(axis=1), rtol=0, atol=1e-9)
    assert hours["hour"].tolist() == HOURS
    assert hours["benefit"].sum() == pytest.approx(float(settled.accounts["provider_benefit"]), rel=1e-9)
    total = float(settled.accounts["cluster_benefit"].sum() + settled.accounts["provider_benefit"])
    assert total == pytest.approx(float(settled.accounts["welfare"]), abs=1e-8)


def test_prices_of_the_dispatch_are_marginal(bands: Settled) -> None:
    """A kilowatt-hour more of critical load costs what the dual says."""
    programme = PersistentQuadratic(dispatch.dispatch_model(bands.inputs, bands.commitment.on))
    before, price = programme.solve().objective, -programme.dual("coupling")
    assert price.sizes == {"carrier": 2, "hour": 24}
    buying = bands.flows["purchase"] > 1
    np.testing.assert_allclose(
        price.sel(carrier="electricity").where(buying, drop=True), bands.inputs["grid_price"].where(buying, drop=True),
        atol=1e-5,
    )  # fmt: skip
    assert before == pytest.approx(bands.commitment.value - dispatch.constant(bands.inputs), abs=1e-4)


# ---- the bargain


@pytest.mark.slow
def test_bargain_comes_to_the_central_dispatch(settled: Settled) -> None:
    found, result = distributed.compared(settled, 1, 1e-3)
    assert found["clusters"] == 3
    assert abs(found["gap of the bargain [yuan]"]) <= 1e-6 * float(settled.accounts["cost"])
    assert found["gap of the bargain [yuan]"] >= -1e-4, "no bargain is better than the optimum"
    assert found["largest difference of a load [kW]"] <= 0.1
    assert found["largest imbalance [kW]"] <= 1e-6 * float(np.abs(result.supply).max())
    assert found["central objective [yuan]"] == pytest.approx(settled.commitment.value, abs=1e-4)
    np.testing.assert_allclose(result.loads, settled.flows["load"].transpose(*distributed.DIMS), atol=0.1)


@pytest.mark.slow
def test_what_is_bargained_for_can_be_supplied(bands: Settled) -> None:
    """The provider serves the clusters' loads exactly, at the cost that the bargain is said to have."""
    found, result = distributed.compared(bands, 1, 1e-3)
    loads = xr.DataArray(result.loads, {dim: bands.inputs["load"][dim] for dim in distributed.DIMS}, distributed.DIMS)
    own = bands.inputs[[name for name in bands.inputs.data_vars if "cluster" not in bands.inputs[name].dims]]
    provider = PersistentQuadratic(dispatch.provider_model(own, bands.commitment.on))
    provider.bounds("supply", loads.sum("cluster"), loads.sum("cluster"))
    cost = provider.solve().objective
    flows = {name: provider.value(name) for name in ("photovoltaics", "turbine", "purchase", "export", "chiller",
                                                     "absorption", "ice-charge", "ice-discharge")}  # fmt: skip
    electricity, cooling = (loads.sel(carrier=c).sum("cluster") for c in ("electricity", "cooling"))
    into = flows["photovoltaics"] + flows["turbine"] + flows["purchase"] - flows["export"]
    used = electricity + flows["chiller"] / 3 + flows["ice-charge"] / 2.4
    np.testing.assert_allclose(into, used, atol=1e-6)
    np.testing.assert_allclose(flows["absorption"] + flows["chiller"] + flows["ice-discharge"], cooling, atol=1e-6)
    worth = dispatch.utility(bands.inputs, loads) - dispatch.dissatisfaction(bands.inputs, loads)
    said = found["central objective [yuan]"] + found["gap of the bargain [yuan]"]
    assert cost - float(worth.sum()) == pytest.approx(said, abs=1e-6)
    assert float(np.abs((loads - bands.retail["load"]).sum("hour")).max()) < 1e-5


# ---- the fits


def test_knobs_meet_their_targets_or_stand_at_a_jump(settled: Settled, wanted: dict[str, float]) -> None:
    gives = fits.reached(settled)
    for knob, target in {name: wanted[name] for name in TARGETS}.items():
        here = getattr(settled.knobs, knob)
        assert BRACKETS[knob][0] <= here <= BRACKETS[knob][1]
        if knob not in settled.jumps:
            assert abs(gives[knob] - target) < 0.005, knob
            continue
        low, high = settled.jumps[knob].low, settled.jumps[knob].high
        if settled.jumps[knob].narrow:
            assert min(low[1], high[1]) < target < max(low[1], high[1])
            assert 0 < high[0] - low[0] <= 1e-6 * (BRACKETS[knob][1] - BRACKETS[knob][0])
        else:
            assert (low[0], high[0]) == BRACKETS[knob]
            assert not min(low[1], high[1]) <= target <= max(low[1], high[1])
        nearer = min(low, high, key=lambda side: abs(side[1] - target))
        assert here == nearer[0]
        assert gives[knob] == pytest.approx(nearer[1], abs=0.01), "as read, on its side of the jump"
    assert "operation" not in settled.jumps
    moved_alone = settled.scenario.price_set == "guangdong-2021"
    assert ("reducible_commercial" in settled.jumps) == moved_alone, "moving saves more there than is printed"


def test_both_sides_of_a_jump_are_what_they_give(settled: Settled, evaluator: Evaluator) -> None:
    assert settled.jumps
    for knob, jump in settled.jumps.items():
        for at, gives in (jump.low, jump.high):
            assert evaluator.response(knob, replace(settled.knobs, **{knob: at})) == pytest.approx(gives, abs=0.01)


def test_clusters_have_the_prices_and_inputs_of_all_together(
    evaluator: Evaluator, settled: Settled, provider_inputs: xr.Dataset
) -> None:
    other = replace(settled.knobs, satisfaction_hotel=3.0, reducible_commercial=0.1, operation=2.0)
    for knobs in (settled.knobs, other):
        of = settled.scenario
        users = pricing_inputs(settled.day, provider_inputs, of, knobs)
        whole = retail.exact(retail.market(users, of.price_levels, of.response), of.weight, of.price_ties)
        xr.testing.assert_equal(evaluator.prices(knobs), whole)
        given = dispatch_inputs(settled.day, provider_inputs, settled.scenario, knobs, whole["load"])
        found = evaluator.of_dispatch(knobs)
        xr.testing.assert_allclose(found.drop_attrs(), given.drop_attrs(), rtol=1e-14)
        assert all(found[name].attrs["units"] == given[name].attrs["units"] for name in given.data_vars)


def test_each_knob_turns_its_own_number(evaluator: Evaluator, settled: Settled) -> None:
    """More to reduce: the commercial cluster pays less. Dearer operation: less benefit."""
    here = settled.knobs
    for knob in ("reducible_commercial", "operation"):
        more = replace(here, **{knob: 1.1 * getattr(here, knob)})
        least = 1 if knob not in settled.jumps else 0.01
        assert evaluator.response(knob, more) < evaluator.response(knob, here) - least
    shares = [evaluator.response("reducible_commercial", replace(here, reducible_commercial=x))
              for x in np.geomspace(1e-5, 0.3, 8)]  # fmt: skip
    assert (np.diff(shares) < 0).all(), "one root"


def test_without_anything_to_reduce_ties_decide(evaluator: Evaluator, settled: Settled) -> None:
    """Why the bracket does not begin at zero: the cost at zero is no limit of the costs above."""
    at = [evaluator.response("reducible_commercial", replace(settled.knobs, reducible_commercial=x))
          for x in (0.0, 1e-5, 2e-5)]  # fmt: skip
    assert abs(at[0] - at[1]) > 10
    assert abs(at[1] - at[2]) < 0.5


def test_fits_are_written_and_read(
    providers: dict[str, Settled], provider_days: xr.Dataset, provider_inputs: xr.Dataset,
    provider_scenarios: dict[str, Scenario], tmp_path: Path,
) -> None:  # fmt: skip
    shutil.copytree(ROOT / "data", tmp_path / "data")
    path = tmp_path / "data/derived" / fits.TABLE
    one = {"text-bands": provider_scenarios["text-bands"]}
    path.unlink()
    with pytest.raises(InputError, match=r"does not exist.*frontiers2022-basic-data"):
        fits.read(tmp_path, provider_days, provider_inputs, one)
    table = fits.table(providers)
    assert len(table) == 2 * len(TARGETS) * 5
    files.write_table(path, table.assign(protocol="0" * 64))
    with pytest.raises(InputError, match=r"was made under another data/protocol\.yaml"):
        fits.read(tmp_path, provider_days, provider_inputs, one)
    files.write_table(path, table.assign(protocol=read_protocol(tmp_path).sha256))
    found, before = fits.read(tmp_path, provider_days, provider_inputs, one)["text-bands"], providers["text-bands"]
    for knob in TARGETS:
        assert getattr(found.knobs, knob) == pytest.approx(getattr(before.knobs, knob), rel=1e-8)
    assert found.jumps.keys() == before.jumps.keys()
    for knob, jump in before.jumps.items():
        assert found.jumps[knob].low == pytest.approx(jump.low, rel=1e-8)
        assert found.jumps[knob].high == pytest.approx(jump.high, rel=1e-8)
        assert getattr(found.knobs, knob) in (found.jumps[knob].low[0], found.jumps[knob].high[0])
    assert fits.reached(found) == pytest.approx(fits.reached(before), abs=0.001)


class Made:
    """Stands for both stages: each knob's number by a function of all knobs."""

    def __init__(self, **numbers: Callable[[Knobs], float]) -> None:
        self.numbers = numbers

    def response(self, knob: str, knobs: Knobs) -> float:
        return self.numbers[knob](knobs)

    def recommit(self, _: Knobs) -> bool:
        return False

    def settle(self, knobs: Knobs) -> Any:
        costs = [self.numbers[knob](knobs) for knob in TARGETS]
        payment = xr.DataArray([[[x]] for x in costs[:3]], {"cluster": list(CLUSTERS)}, ("cluster", "carrier", "hour"))
        accounts = xr.Dataset({"payment": payment, "provider_benefit": costs[3]})
        commitment = SimpleNamespace(on=xr.DataArray([1, 0], dims="hour"))
        return Settled(None, None, knobs, commitment, *[None] * 3, accounts)  # type: ignore[arg-type]


def turned(number: Callable[[float], float], target: float, start: float = 2.0, first: bool = True) -> Any:
    knobs = replace(fits.START, satisfaction_hotel=start)
    made = Made(satisfaction_hotel=lambda knobs: number(knobs.satisfaction_hotel))
    found, jump = fits._turned(made, "satisfaction_hotel", knobs, target, first)  # type: ignore[arg-type]
    assert replace(found, satisfaction_hotel=start) == knobs, "no other knob is turned"
    return found.satisfaction_hotel, jump


def test_a_root_is_found() -> None:
    knob, jump = turned(lambda x: 100 - 10 * x, 60.0)
    assert knob == pytest.approx(4.0, abs=1e-3)
    assert jump is None


def test_ties_at_nothing_to_reduce_hide_no_root() -> None:
    """At zero the cost is below the target, as at the upper end: the root between is found all the same."""
    made = Made(reducible_commercial=lambda k: 100 - 200 * k.reducible_commercial if k.reducible_commercial else 0.0)
    found, jump = fits._turned(made, "reducible_commercial", fits.START, 60.0, True)  # type: ignore[arg-type]
    assert found.reducible_commercial == pytest.approx(0.2, abs=1e-4)
    assert jump is None


def test_a_jump_is_located_and_its_nearer_side_taken() -> None:
    edge = 1.23456789012
    for target, side in ((52.0, "high"), (58.0, "low")):
        knob, jump = turned(lambda x: 60.0 if x < edge else 50.0, target, start=1.24, first=False)
        assert jump.low[0] < edge < jump.high[0]
        assert jump.high[0] - jump.low[0] < 1e-6 * 5.5
        assert (jump.low[1], jump.high[1]) == (60.0, 50.0)
        assert knob == getattr(jump, side)[0]
        kept = float(files.round_significant(np.array(knob)))
        assert kept == knob, "a table keeps it as it is"


def test_what_no_knob_reaches_has_the_nearer_end() -> None:
    assert turned(lambda x: 100 - 10 * x, 5.0) == (6.0, Jump((0.5, 95.0), (6.0, 40.0)))
    assert turned(lambda x: 100 - 10 * x, 99.0) == (0.5, Jump((0.5, 95.0), (6.0, 40.0)))


def test_later_passes_look_near_first_and_then_everywhere() -> None:
    asked: list[float] = []

    def number(x: float) -> float:
        asked.append(x)
        return 100 - 10 * x

    assert turned(number, 60.0, start=4.001, first=False)[0] == pytest.approx(4.0, abs=1e-3)
    assert max(asked) - min(asked) <= 2 * fits.NEAR * 5.5 + 1e-12
    assert turned(number, 60.0, start=2.0, first=False)[0] == pytest.approx(4.0, abs=1e-3)


def fitted(monkeypatch: pytest.MonkeyPatch, **numbers: Callable[[Knobs], float]) -> Settled:
    monkeypatch.setattr(fits, "Evaluator", lambda *_: Made(**numbers))
    monkeypatch.setattr(fits, "typical_day", lambda *_: None)
    wanted = dict.fromkeys(TARGETS, 0.0)
    return fits.fit(None, None, None, wanted)  # type: ignore[arg-type]


COUPLED: dict[str, Callable[[Knobs], float]] = {
    "reducible_commercial": lambda k: 0.1 - k.reducible_commercial,
    "satisfaction_residential": lambda k: 100 * (3 - k.satisfaction_residential),
    "satisfaction_hotel": lambda k: 1000 * (k.satisfaction_residential / 3 - k.satisfaction_hotel),
    "operation": lambda k: 1000 * (k.reducible_commercial * 20 - k.operation),
}


def test_knobs_are_turned_until_all_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fitted(monkeypatch, **COUPLED)
    assert found.knobs.satisfaction_hotel == pytest.approx(1, abs=1e-3)
    assert found.knobs.operation == pytest.approx(2, abs=0.1)
    assert found.passes >= 1
    assert not found.jumps
    jumping = COUPLED | {"satisfaction_hotel": lambda k: -1.0 if k.satisfaction_hotel < 2.5 else 2.0}
    found = fitted(monkeypatch, **jumping)
    assert found.jumps.keys() == {"satisfaction_hotel"}
    assert found.jumps["satisfaction_hotel"].low == (found.knobs.satisfaction_hotel, -1.0)
    assert found.passes >= 2, "a jump must be found again where it was"


def test_knobs_that_never_stand_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two jumps that push each other apart."""
    passes = iter(range(10**6))
    moving = COUPLED | {"satisfaction_hotel": lambda k: -1.0 if k.satisfaction_hotel < 1.5 + next(passes) / 1e4 else 2}
    with pytest.raises(ValueError, match="12 passes of the fits do not settle the knobs"):
        fitted(monkeypatch, **moving)


CHASING = COUPLED | {
    "reducible_commercial": lambda k: 1e4 * (0.1 - k.reducible_commercial),
    "satisfaction_residential": lambda k: 1e4 * (3 - k.satisfaction_residential),
    "satisfaction_hotel": lambda k: -1.0 if k.satisfaction_hotel < (1.5 if k.operation < 1 else 2.5) else 2.0,
    "operation": lambda k: 1000 * ((1.5 if k.satisfaction_hotel < 2 else 0.5) - k.operation),
}
"""A jump that the operation moves, and an operation that the jump moves: neither ever stands."""


def test_knobs_that_go_round_are_kept_where_they_miss_least(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hotels miss by 1 yuan below 1.5 and by 2 below 2.5; the operation meets its target in both."""
    found = fitted(monkeypatch, **CHASING)
    assert found.passes in (3, 4), "as soon as it is back, whether in the wide or in the narrow bracket"
    assert found.knobs.satisfaction_hotel == pytest.approx(1.5, abs=2e-3)
    assert found.knobs.operation == pytest.approx(1.5, abs=1e-4)
    assert found.jumps.keys() == {"satisfaction_hotel", "operation"}
    hotel = found.jumps["satisfaction_hotel"]
    assert hotel.goes_round
    assert not hotel.narrow
    assert hotel.kind == "goes round"
    assert (hotel.low[0], hotel.low[1], hotel.high[1]) == (found.knobs.satisfaction_hotel, -1.0, 2.0)
    assert hotel.high[0] == pytest.approx(2.5, abs=2e-3)
    operation = found.jumps["operation"]
    assert (operation.low[0], operation.high[0]) == pytest.approx((0.5, 1.5), abs=1e-4)
    assert abs(fits.reached(found)["operation"]) < 0.005


def test_what_comes_back_without_having_left_is_no_cycle(bands: Settled) -> None:
    def at(hotel: float, on: xr.DataArray = bands.commitment.on) -> Settled:
        knobs = replace(bands.knobs, satisfaction_hotel=hotel)
        return replace(bands, knobs=knobs, commitment=replace(bands.commitment, on=on))

    assert fits._cycle([at(1.0)]) == []
    assert fits._cycle([at(1.0), at(1.00001), at(1.00002)]) == []
    assert fits._cycle([at(1.0), at(1.2), at(1.4)]) == []
    assert fits._cycle([at(1.0), at(1.2), at(1.0, 1 - bands.commitment.on)]) == []
    cycle = fits._cycle([at(3.0), at(1.0), at(1.2), at(1.00001)])
    assert [of.knobs.satisfaction_hotel for of in cycle] == [1.2, 1.00001]
    assert len(fits._cycle([at(1.0), at(1.0, 1 - bands.commitment.on), at(1.0)])) == 2


def test_a_cycle_is_told_wherever_the_knob_stands(bands: Settled, providers: dict[str, Settled]) -> None:
    gives = fits.reached(bands)["satisfaction_hotel"]
    jump = Jump((1.0051134, gives), (1.2, gives + 12.5), goes_round=True)
    round_ = replace(bands, jumps={"satisfaction_hotel": jump})
    assert results.row("made", round_)["no root"] == "satisfaction hotel goes round between 1.00511 and 1.2"
    wanted = dict.fromkeys(TARGETS, 1.0)
    table = tables.fits_table({"text-bands": round_}, wanted).set_index("knob")["found"]
    assert table["satisfaction hotel"] == "goes round"
    note = claims._knob(providers | {"text-bands": round_}, "text-bands", "satisfaction_hotel")
    assert f"goes round between 1.00511, which gives {gives:,.2f} yuan, and 1.2" in note
    assert f"which gives {gives + 12.5:,.2f} yuan; kept at 1.00511" in note
    written = fits.table({"text-bands": round_}).set_index("quantity")["value"]
    at = "satisfaction_hotel_at_"
    low, high = ((written[at + side], written[f"{at}{side}_gives"]) for side in ("low", "high"))
    assert fits._jump("satisfaction_hotel", low, high) == jump, "as read"
    assert fits._jump("satisfaction_hotel", (1.0, 5.0), (1.0000002, 3.0)).kind == "jump"
    assert fits._jump("satisfaction_hotel", (0.5, 5.0), (6.0, 3.0)).kind == "out of reach"


# ---- tables


def test_costs_add_up(settled: Settled) -> None:
    table = results.cost_table(settled).set_index("item")
    amount, share = table["amount [yuan]"], table["share of the cost [%]"]
    parts = ["purchased electricity", "exported electricity", "gas", "emissions", "operation"]
    assert amount[parts].sum() == pytest.approx(amount["cost"], rel=1e-12)
    assert share[parts].sum() == pytest.approx(100, rel=1e-12)
    assert share["cost"] == pytest.approx(100)
    assert np.isnan(share[["revenue", "benefit"]]).all()
    assert amount["revenue"] - amount["cost"] == pytest.approx(amount["benefit"], rel=1e-9)
    assert amount["cost"] == pytest.approx(float(settled.accounts["cost"]), rel=1e-12)
    assert amount["gas"] / amount["emissions"] == pytest.approx(3.45 / 0.12, rel=1e-9)
    found = results.row("made", settled)
    assert found[results.FUEL_SHARE] == pytest.approx(share[parts[:3]].sum())
    assert found["scenario"] == "made"
    assert found["no root"] == ", ".join(knob.replace("_", " ") for knob in settled.jumps)
    assert found[results.BENEFIT] == amount["benefit"]
    assert found["cost of hotel [yuan]"] == pytest.approx(float(paid(settled).sel(cluster="hotel")))
    assert set(results.STATEMENTS.values()) <= set(found)


def test_payments_are_those_of_the_accounts(settled: Settled) -> None:
    found = results.payments(settled).set_index("cluster")
    assert found["cost [yuan]"].sum() == pytest.approx(float(settled.accounts["revenue"]), rel=1e-12)
    direct = found["direct cost [yuan]"]
    assert direct.tolist() == pytest.approx([20611.39 / 0.9789, 4382.92 / 0.7529, 4354.75 / 0.8914], rel=1e-9)
    np.testing.assert_allclose(found["reduction [%]"], 100 * (direct - found["cost [yuan]"]) / direct, rtol=1e-9)
    if "reducible_commercial" not in settled.jumps:
        assert found.loc["commercial", "reduction [%]"] == pytest.approx(2.11, abs=0.005)


# ---- the sentences


def with_flows(of: Settled, **changed: xr.DataArray) -> Settled:
    return replace(of, flows=of.flows.assign(changed))


def with_loads(of: Settled, cluster: str, load: xr.DataArray) -> Settled:
    loads = of.flows["load"]
    return with_flows(of, load=xr.where(loads["cluster"] == cluster, load, loads).transpose(*loads.dims))


def reduced(of: Settled, share: float) -> Settled:
    """All reduce so much of what they are ready to."""
    return replace(of, retail=of.retail.assign(reduction=share * results.adjustable(of)))


def ready(of: Settled, share: float) -> Settled:
    """The commercial cluster is ready to reduce so much, reduces 95 % of it and moves nothing."""
    other = reduced(replace(of, knobs=replace(of.knobs, reducible_commercial=share)), 0.95)
    return with_loads(other, "commercial", of.day["load"] - other.retail["reduction"])


def moved(of: Settled, share: float) -> Settled:
    """The commercial cluster reduces nothing, and uses so much less because it moves load."""
    return with_loads(reduced(of, 0.0), "commercial", (1 - share) * of.day["load"])


def residential(of: Settled, inside: float, outside: float, kept: float = 0.0) -> Settled:
    """Residential prices of so much of the wholesale price, in the morning and else, and a reduction."""
    price = of.day["wholesale_price"] * xr.where(of.day["hour"].isin(MORNING), inside, outside)
    reduction = of.retail["reduction"]
    less = xr.where(reduction["cluster"] == "residential", kept * of.day["load"], reduction)
    return replace(of, retail=of.retail.assign(price=price + 0 * of.retail["price"], reduction=less))


def bought(of: Settled, by_night: float, by_day: float) -> Settled:
    night = of.flows["hour"].isin(NIGHT)
    return with_flows(of, purchase=xr.where(night, by_night, by_day) + 0 * of.flows["purchase"])


def earning(of: Settled, said: float, first: float | None = None) -> Settled:
    """The benefit of each hour of the sentence, that of its first hour, and none at other times."""
    cost = results.hourly_benefit(of)["revenue"] - results.hourly_benefit(of)["benefit"]
    benefit = np.where(np.isin(HOURS, LOSSES), said, 0.0)
    benefit[0] = said if first is None else first
    payment = of.accounts["payment"]
    even = xr.DataArray((cost.to_numpy() + benefit) / 6, {"hour": payment["hour"]}, "hour")
    return replace(of, accounts=of.accounts.assign(payment=even + 0 * payment))


def absorbing(of: Settled, factor: float, at: int | None = None, chiller: float = 1.0) -> Settled:
    absorption = of.flows["absorption"]
    where = of.flows["hour"] == at if at is not None else xr.ones_like(of.flows["hour"], bool)
    return with_flows(
        of, absorption=xr.where(where, factor * absorption, absorption), chiller=chiller * of.flows["chiller"]
    )


@pytest.mark.parametrize(
    ("sentence", "change", "strictly", "otherwise"),
    [
        ("adjustment below capacity", lambda s: reduced(s, 0.9), True, True),
        ("adjustment below capacity", lambda s: reduced(s, 1.0), False, True),
        ("adjustment below capacity", lambda s: reduced(s, 1.01), False, False),
        ("commercial sheds", lambda s: ready(s, 0.06), True, True),
        ("commercial sheds", lambda s: ready(s, 0.03), False, True),
        ("commercial sheds", lambda s: ready(s, 0.0), False, False),
        ("commercial sheds", lambda s: moved(s, 0.2), False, False),
        ("commercial sheds", lambda s: reduced(moved(s, 0.2), 0.89), False, False),
        ("commercial sheds", lambda s: reduced(moved(s, 0.2), 0.91), True, True),
        ("residential keeps", lambda s: residential(s, 0.7, 1.0), True, True),
        ("residential keeps", lambda s: residential(s, 0.7, 0.8), False, True),
        ("residential keeps", lambda s: residential(s, 0.7, 1.0, 0.02), False, False),
        ("residential keeps", lambda s: residential(s, 0.81, 1.0), False, False),
        ("grid hours", lambda s: bought(s, 2000, 1000), True, True),
        ("grid hours", lambda s: bought(s, 1000, 2000), False, True),
        ("grid hours", lambda s: bought(s, -1, 2000), False, False),
        ("cooling order", lambda s: absorbing(s, 1.0, chiller=0.1), True, True),
        ("cooling order", lambda s: absorbing(s, 1.0), True, False),
        ("cooling order", lambda s: absorbing(s, 0.9, at=12, chiller=0.1), False, True),
        ("loss hours", lambda s: earning(s, -1.0), True, True),
        ("loss hours", lambda s: earning(s, -1.0, first=1.0), False, True),
        ("loss hours", lambda s: earning(s, -1.0, first=20.0), False, False),
    ],
)
def test_sentences_can_be_either(
    bands: Settled, sentence: str, change: Callable[[Settled], Settled], strictly: bool, otherwise: bool
) -> None:
    found = results.statements(change(bands))
    assert (found[sentence], found[sentence + OTHERWISE]) == (strictly, otherwise)


def test_numbers_behind_the_sentences(bands: Settled) -> None:
    found = results.statements(residential(bought(reduced(bands, 0.5), 300, 200), 0.7, 0.95, 0.03))
    assert found["commercial uses of its capacity [%]"] == pytest.approx(50)
    assert found["residential price over wholesale, 8 to 13 [%]"] == pytest.approx(70)
    assert found["residential price over wholesale, other hours [%]"] == pytest.approx(95)
    assert found["residential electricity reduced, 8 to 13 [%]"] == pytest.approx(3)
    assert found["mean purchase, 0 to 8 and 22 to 24 [kW]"] == pytest.approx(300)
    assert found["mean purchase, other hours [kW]"] == pytest.approx(200)
    assert found["hours with the turbine on"] == int(bands.commitment.on.sum())
    lost = results.statements(earning(bands, -2.0, first=5.0))
    assert lost["hours of the sentence with a loss"] == len(LOSSES) - 1 == 11
    assert lost["benefit in the hours of the sentence [yuan]"] == pytest.approx(-17)
    shed = results.statements(ready(bands, 0.06))
    assert shed["commercial uses less electricity, 10 to 20 [%]"] == pytest.approx(5.7)
    assert shed["of it reduced electricity [%]"] == pytest.approx(5.7)
    assert results.statements(moved(bands, 0.2))["of it reduced electricity [%]"] == 0


def test_hours_of_the_sentences() -> None:
    """Labels name the hour that ends there: 1 to 8, 23 and 24; 1 to 10, 23 and 24."""
    assert list(NIGHT) == [*range(8), 22, 23]
    assert list(LOSSES) == [*range(10), 22, 23]
    assert list(results.BUSINESS) == list(range(10, 20))
    assert list(MORNING) == list(range(8, 13))


def test_scenarios_are_fitted_in_their_order(bands: Settled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(band, "fit", lambda *given: replace(bands, scenario=given[2]))
    scenarios = {"b": bands.scenario, "a": replace(bands.scenario, reducible_share=0.12)}
    found = band.sweep(scenarios, bands.day, bands.inputs, {}, workers=1)
    assert found["scenario"].tolist() == ["b", "a"]
    half = found["residential uses of its capacity [%]"]
    assert half[1] == pytest.approx(half[0] / 2)


# ---- knobs of another run


def test_knobs_that_give_something_else_now_are_refused(settled: Settled) -> None:
    """As in a notebook whose parameters are not those of the fits."""
    gives = fits.reached(settled)
    sides = {knob: [(1.0, gives[knob]), (1.1, gives[knob] + 5)] for knob in TARGETS}
    fits._check_still(settled, sides)
    sides["satisfaction_hotel"] = [(1.0, gives["satisfaction_hotel"] + 1), (1.1, gives["satisfaction_hotel"] - 1)]
    with pytest.raises(InputError, match=r"satisfaction_hotel gave .* yuan and gives .* now"):
        fits._check_still(settled, sides)


# ---- the band as written


def written_band(root: Path, **changed: object) -> Path:
    folder = root / "data" / "derived"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "data" / "protocol.yaml", root / "data" / "protocol.yaml")
    shared = {"price_set": "text-bands", "price_levels": 22, "price_ties": TIES, "protocol": read_protocol(ROOT).sha256}
    pd.DataFrame({"scenario": ["central"], "x": [1.5], "said": [True]}).assign(**(shared | changed)).to_csv(
        root / "data/derived" / band.TABLE, index=False
    )
    return root


RUN = {"price_set": "text-bands", "price_levels": 22, "price_ties": TIES, "episodes": 5}


def test_a_band_of_this_run_is_read() -> None:
    found = band.read(ROOT, RUN)
    written = pd.read_csv(ROOT / "data/derived" / band.TABLE, keep_default_na=False)
    pd.testing.assert_frame_equal(found, written[list(found)])
    assert list(found) == ["scenario", *found.columns.intersection(list(band.COLUMNS))]


def test_a_band_of_other_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"column x: unknown(.|\n)*column operation: missing"):
        band.read(written_band(tmp_path), RUN)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"protocol": "0" * 64}, r"another data/protocol\.yaml"),
        ({"price_levels": 12}, "price_levels = 12, not 22"),
        ({"price_set": "guangdong-2021"}, "price_set = guangdong-2021, not text-bands"),
    ],
)
def test_a_band_of_another_run_is_refused(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        band.read(written_band(tmp_path, **changed), RUN)


def test_no_band_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="whose stage frontiers2022-band writes it"):
        band.read(tmp_path, RUN)
