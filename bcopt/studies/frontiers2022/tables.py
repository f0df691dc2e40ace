"""Tables of sections 4.1 and 4.2: the day, its fits, the prices beside their exact optimum, the dispatch."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bcopt.methods import dynamic_programme, qlearning, solver
from bcopt.methods.decoders import Array
from bcopt.methods.parallel import in_parallel
from bcopt.models import dispatch, pricing
from bcopt.models.pricing_environment import PricingEnvironment
from bcopt.planning import retail
from bcopt.planning.commitment import Dispatcher, commit
from bcopt.studies.frontiers2022 import learning
from bcopt.studies.frontiers2022.basic_data import dispatch_inputs, pricing_inputs, typical_day
from bcopt.studies.frontiers2022.fits import START, TARGETS
from bcopt.studies.frontiers2022.inputs import CARRIERS, CLUSTERS
from bcopt.studies.frontiers2022.scenario import Scenario, changed
from bcopt.studies.frontiers2022.stages import Settled, reached
from bcopt.studies.frontiers2022.weights import market_of


def demand_table(days: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Return energy and peak of each cluster and carrier by price set, and the load scale (table 3)."""
    rows = []
    for price_set, day in days.items():
        for cluster in CLUSTERS:
            load = day["load"].sel(cluster=cluster)
            row: dict[str, object] = {"price set": price_set, "cluster": cluster}
            for carrier in CARRIERS:
                of = load.sel(carrier=carrier)
                row |= {f"{carrier} [kWh]": float(of.sum()), f"peak of {carrier} [kW]": float(of.max())}
            rows.append({**row, "load scale [-]": float(day["load_scale"].sel(cluster=cluster))})
    return pd.DataFrame(rows)


def fits_table(settled: Mapping[str, Settled], wanted: Mapping[str, float]) -> pd.DataFrame:
    """Return where each knob stands and what it gives; without root, both sides of the jump or of the bracket."""
    rows = []
    for price_set, found in settled.items():
        gives = reached(found)
        for knob, claim in TARGETS.items():
            jump = found.jumps.get(knob)
            sides = f"{jump.low[1]:,.2f} and {jump.high[1]:,.2f}" if jump else ""
            kind = jump.kind if jump else "root"
            rows.append(
                {
                    "price set": price_set,
                    "knob": knob.replace("_", " "),
                    "stands at [-]": getattr(found.knobs, knob),
                    "target": claim,
                    "printed [yuan]": wanted[knob],
                    "gives [yuan]": gives[knob],
                    "found": kind,
                    "between [yuan]": sides,
                }
            )
    return pd.DataFrame(rows)


def second_stage_alone(
    days: xr.Dataset,
    inputs: xr.Dataset,
    scenarios: Mapping[str, Scenario],
    wanted: Mapping[str, float],
    bands: Sequence[float],
) -> pd.DataFrame:
    """Return what the second stage alone saves the commercial cluster, by price set and comfort band of the rooms.

    Nothing is reduced and every price is the wholesale price: what is saved, electricity and cold moved to cheap hours
    save.

    Parameters
    ----------
    days, inputs, wanted
        As :func:`bcopt.studies.frontiers2022.fits.fit` takes them.
    scenarios : mapping of str to Scenario
        By price set.
    bands : sequence of float
        Comfort bands [K].
    """
    rows = []
    for price_set, scenario in scenarios.items():
        day = typical_day(days, inputs, scenario, wanted)
        load, price = day["load"], day["wholesale_price"]
        for shifted, band in itertools.product((0.0, scenario.transferable_share), bands):
            other = changed(scenario, {"comfort_band": band, "transferable_share": shifted})
            given = dispatch_inputs(day, inputs, other, START, load)
            dispatcher = Dispatcher(given, other.mean_temperature)
            dispatcher.commit(commit(given, other.mean_temperature, dispatcher).on)
            flows = dispatcher.flows(given)
            saved = 100 * (1 - float((price * flows["load"]).sel(cluster="commercial").sum() / wanted["commercial"]))
            rows.append((price_set, band, "yes" if shifted else "no", saved))
    columns = ["price set", "comfort band [K]", "electricity may move", "commercial cluster saves [%]"]
    return pd.DataFrame(rows, columns=columns)


def bounds_table(settled: Mapping[str, Settled], inputs: xr.Dataset, weights: Sequence[float]) -> pd.DataFrame:
    """Return the exact reward of the day beside its Lagrangian bound and the plan that the bound meets on its way."""
    rows = []
    for price_set, of in settled.items():
        found = market_of(of, inputs)
        for weight in weights:
            best, bound = retail.exact(found, weight, "lowest"), retail.lagrangian(found, weight)
            rows.append(
                {
                    "price set": price_set,
                    "weight": weight,
                    "exact reward [yuan]": float(best["reward"].sum()),
                    "Lagrangian bound [yuan]": float(bound["bound"].sum()),
                    "its own plan [yuan]": float(bound["value"].sum()),
                    "price budget used [%]": 100 * float((best["level"].sum("hour") / found.budget).mean()),
                }
            )
    return pd.DataFrame(rows)


def tied_table(settled: Mapping[str, Settled], inputs: xr.Dataset) -> pd.DataFrame:
    """Return what each cluster pays and saves over all prices of equal reward, before dispatch (weight 0.5)."""
    rows = []
    for price_set, of in settled.items():
        found = market_of(of, inputs)
        direct = (of.day["wholesale_price"] * of.day["load"]).sum(["carrier", "hour"])
        rules = ("cheapest", of.scenario.price_ties, "dearest")
        paid = {
            rule: retail.exact(found, of.scenario.weight, rule)["payment"].sum(["carrier", "hour"]) for rule in rules
        }
        for cluster in CLUSTERS:
            saved = {rule: 100 * float((1 - paid[rule] / direct).sel(cluster=cluster)) for rule in rules}
            rows.append({"price set": price_set, "cluster": cluster, "greatest saving [%]": saved["cheapest"],
                         "by the rule [%]": saved[rules[1]], "least saving [%]": saved["dearest"]})  # fmt: skip
    return pd.DataFrame(rows)


def filled_table(settled: Settled, inputs: xr.Dataset, weight: float) -> pd.DataFrame:
    """Return how far the plan stays below the best whose rewards an agent has met by trying each price once an hour.

    The agent acts in the environment alone: up to the hour it takes the lowest price, then the price to be tried. What
    it has seen fills a table of rewards, on which the dynamic programme is run.
    """
    found = market_of(settled, inputs)
    rows = []
    for cluster in CLUSTERS:
        for carrier in CARRIERS:
            of = found.inputs.sel(cluster=cluster, carrier=carrier, drop=True)
            environment = PricingEnvironment(of, found.levels.sizes["level"], weight)
            seen, steps = _seen(environment, of.sizes["hour"], found.use)
            budget = int(found.budget.sel(carrier=carrier))
            learned = dynamic_programme.solve(seen[np.newaxis], found.use, budget).actions
            true = found.rewards(weight).sel(cluster=cluster, carrier=carrier).to_numpy()
            best = dynamic_programme.solve(true[np.newaxis], found.use, budget).value
            gap = float(best[0]) - float(np.take_along_axis(true, learned[0][:, np.newaxis], 1).sum())
            rows.append(
                {"cluster": cluster, "carrier": carrier, "prices tried": steps, "gap [yuan]": round(gap, 6) + 0.0}
            )
    return pd.DataFrame(rows)


def _seen(environment: PricingEnvironment, hours: int, levels: npt.NDArray[np.int64]) -> tuple[Array, int]:
    """Return the rewards (hour, level) met by trying each price once in each hour, and how many steps that took."""
    seen, steps = np.zeros((hours, levels.size)), 0
    for level in levels:
        for hour in range(hours):
            environment.reset()
            for before in range(hour + 1):
                _, reward, *_ = environment.step(np.int64(level if before == hour else 0))
                steps += 1
            seen[hour, level] = reward
    return seen, steps


def learners_table(
    settled: Settled,
    inputs: xr.Dataset,
    how: Mapping[str, qlearning.Settings],
    weights: Sequence[float],
    seeds: Sequence[int],
) -> pd.DataFrame:
    """Return the gap that learners end with, by their settings, form and weight; without the cap in the last rows.

    Parameters
    ----------
    settled : Settled
        Day and knobs.
    inputs : xr.Dataset
        The study's inputs.
    how : mapping of str to Settings
        By what they change.
    weights, seeds : sequence
        Of the learners.
    """
    found = market_of(settled, inputs)
    enough = found.budget * 0 + found.use.size * found.gained.sizes["hour"]
    free = retail.Market(found.inputs, found.levels, enough, found.gained)
    markets = {**dict.fromkeys(learning.FORMS, found), "hour alone, without the cap": free}
    named = [(name, form) for name in how for form in markets]
    medians = in_parallel(_medians, [(markets[form], how[name], form, weights, seeds) for name, form in named])
    return pd.DataFrame(
        [
            {"setting": name, "form": form}
            | {f"median gap at {weight:g} [yuan]": gap for weight, gap in zip(weights, found, strict=True)}
            for (name, form), found in zip(named, medians, strict=True)
        ]
    )


def _medians(task: tuple[retail.Market, qlearning.Settings, str, Sequence[float], Sequence[int]]) -> list[float]:
    """Return the median gap at each weight of learners of one form, for a process of its own [yuan]."""
    of, settings, form, weights, seeds = task
    learned = retail.learnt(of, weights, seeds, settings, learning.FORMS.get(form, False))
    table = learning.gaps(retail.exact(of, list(weights), "lowest"), learned)
    medians = table.groupby("weight")["gap, median [yuan]"].last()
    return [float(medians[weight]) for weight in weights]


def ablation(settled: Mapping[str, Settled], inputs: xr.Dataset) -> pd.DataFrame:
    """Return what elastic demand would do at the prices found: loads rise wherever the price is below wholesale."""
    rows = []
    for price_set, of in settled.items():
        elastic = changed(of.scenario, {"response": "elasticity"})
        given = pricing_inputs(of.day, inputs, elastic, of.knobs)
        for response, load in (
            ("willingness", of.retail["load"]),
            ("elasticity", pricing.elastic_load(given, of.retail["price"])),
        ):
            change = 100 * (load.sum(["carrier", "hour"]) / of.day["load"].sum(["carrier", "hour"]) - 1)
            changes = {f"energy of {name} changes by [%]": float(change.sel(cluster=name)) for name in CLUSTERS}
            rows.append({"price set": price_set, "response": response, **changes})
    return pd.DataFrame(rows)


def commitment_table(settled: Mapping[str, Settled]) -> pd.DataFrame:
    """Return when the turbine runs, and the proof that no other commitment is better."""
    rows = []
    for price_set, of in settled.items():
        found = of.commitment
        hours = found.on["hour"].to_numpy()[found.on.to_numpy() == 1].tolist()
        rows.append(
            {
                "price set": price_set,
                "turbine runs in the clock hours": ", ".join(map(str, hours)),
                "dispatched value [yuan]": found.value,
                "proved bound [yuan]": found.bound,
                "commitments tried": found.tried,
            }
        )
    return pd.DataFrame(rows)


def part_load_table(settled: Mapping[str, Settled], segments: int) -> pd.DataFrame:
    """Return what the chiller's part load costs: evaluated after a linear dispatch, and optimised piecewise.

    Loads are held as agreed, so that both are exact; the piecewise chiller brings binaries.
    """
    rows = []
    for price_set, of in settled.items():
        held = of.inputs
        costs = {}
        for chiller in ("linear", "piecewise"):
            kind: dispatch.Chiller = "linear" if chiller == "linear" else "piecewise"
            model = dispatch.dispatch_model(held, chiller=kind, loads="agreed", segments=segments)
            report = solver.solve(model, mip_rel_gap=1e-9, mip_abs_gap=1e-6)
            flows = dispatch.flows(held, model.solution)
            after = dispatch.chiller_power(held, flows["chiller"]) - flows["chiller_power"]
            more = float((held["grid_price"] * after).sum())
            costs[chiller] = (report.objective, more, int(flows["on"].round().sum()))
        rows.append(
            {
                "price set": price_set,
                "linear chiller: cost [yuan]": costs["linear"][0],
                "by the polynomial, after [yuan]": costs["linear"][0] + costs["linear"][1],
                "piecewise chiller: cost [yuan]": costs["piecewise"][0],
                "piecewise, by the polynomial [yuan]": costs["piecewise"][0] + costs["piecewise"][1],
                "hours with the turbine on, linear": costs["linear"][2],
                "piecewise": costs["piecewise"][2],
            }
        )
    return pd.DataFrame(rows)


def bargain_table(bargains: Mapping[int, tuple[Mapping[str, float], object]]) -> pd.DataFrame:
    """Return how near bargains of several sizes come to the central programme, to a millionth of each unit."""
    return pd.DataFrame([numbers for numbers, _ in bargains.values()]).round(6)
