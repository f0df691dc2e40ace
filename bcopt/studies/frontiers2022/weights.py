"""Section 4.3: what the weight of the reward does, by exact prices with their ties and by Q-learning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.methods.parallel import in_parallel
from bcopt.models import dispatch
from bcopt.planning import retail
from bcopt.planning.commitment import Dispatcher, commit
from bcopt.studies.frontiers2022.basic_data import dispatch_inputs, pricing_inputs
from bcopt.studies.frontiers2022.inputs import CLUSTERS
from bcopt.studies.frontiers2022.results import BENEFIT
from bcopt.studies.frontiers2022.stages import Settled

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.45, 0.48, 0.49, 0.5, 0.51, 0.52, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of the exact sweep; dense where the optimum steps."""
LEARNT = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of the learners."""
PLATEAU = (0.3, 0.6)
SPAN, SPAN_OTHERWISE = 0.25, 0.1
ROUNDING = 0.005
"""yuan"""
BATCH = 40
COST = "cost of the clusters [yuan]"


@dataclass(frozen=True)
class Prices:
    """One answer of the first stage, to be dispatched: prices and loads, dims (cluster, carrier, hour)."""

    name: tuple[object, ...]
    first: xr.Dataset


@dataclass(frozen=True)
class _Share:
    """Loads to be dispatched in one process."""

    settled: Settled
    inputs: xr.Dataset
    loads: tuple[xr.DataArray, ...]
    recommit: bool


def _dispatches(share: _Share) -> list[tuple[xr.Dataset, xr.Dataset]]:
    """Return the inputs of the second stage and the flows of each of the loads."""
    of, found = share.settled, []
    dispatcher = Dispatcher(of.inputs, of.scenario.mean_temperature, of.commitment.on)
    for load in share.loads:
        given = dispatch_inputs(of.day, share.inputs, of.scenario, of.knobs, load)
        if share.recommit:
            dispatcher.commit(commit(given, of.scenario.mean_temperature, dispatcher).on)
        found.append((given, dispatcher.flows(given)))
    return found


def dispatched(
    settled: Settled, inputs: xr.Dataset, prices: Sequence[Prices], recommit: bool, workers: int | None = None
) -> list[dict[str, float]]:
    """Return who pays and gains what under several answers of the first stage, each of their loads dispatched once.

    Parameters
    ----------
    settled : Settled
        Day, knobs, and the commitment that is kept unless the best is sought for each.
    inputs : xr.Dataset
        The study's inputs.
    prices : sequence of Prices
        Answers of the first stage.
    recommit : bool
        Whether to seek the best commitment for each.
    workers : int, optional
        Processes; as many as processors by default.
    """
    loads = {prices_of.first["load"].to_numpy().round(6).tobytes(): prices_of.first["load"] for prices_of in prices}
    every = list(loads.values())
    shares = [_Share(settled, inputs, tuple(part), recommit) for part in _batches(every)]
    second = [pair for pairs in in_parallel(_dispatches, shares, workers=workers) for pair in pairs]
    by_load = dict(zip(loads, second, strict=True))
    return [_money(p, *by_load[p.first["load"].to_numpy().round(6).tobytes()]) for p in prices]


def _money(prices: Prices, given: xr.Dataset, flows: xr.Dataset) -> dict[str, float]:
    """Return who pays and gains what."""
    accounts = dispatch.accounts(given, flows, prices.first["price"])
    paid = accounts["payment"].sum(["carrier", "hour"])
    return {
        BENEFIT: float(accounts["provider_benefit"]),
        COST: float(paid.sum()),
        **{f"cost of {name} [yuan]": float(paid.sel(cluster=name)) for name in CLUSTERS},
        "hours with the turbine on": int(flows["on"].round().sum()),
    }


def _batches(loads: Sequence[xr.DataArray]) -> Iterator[Sequence[xr.DataArray]]:
    """Yield loads in batches for one process each."""
    for start in range(0, len(loads), BATCH):
        yield loads[start : start + BATCH]


def market_of(settled: Settled, inputs: xr.Dataset) -> retail.Market:
    """Return the market of a settled day."""
    given, of = pricing_inputs(settled.day, inputs, settled.scenario, settled.knobs), settled.scenario
    return retail.market(given, of.price_levels, of.response)


def exact_sweep(settled: Settled, inputs: xr.Dataset, weights: Sequence[float] = WEIGHTS) -> pd.DataFrame:
    """Return both stages at the exact optimum of each weight, by the tie rule and at both ends of the ties.

    Returns
    -------
    pd.DataFrame
        One row a weight and rule: benefit of the provider, costs of the clusters after dispatch, and the terms of the
        reward in the first stage [yuan].
    """
    found = market_of(settled, inputs)
    best = {
        rule: retail.exact(found, list(weights), rule) for rule in (settled.scenario.price_ties, "cheapest", "dearest")
    }
    prices = [
        Prices((float(weight), rule), of.sel(weight=weight, drop=True))
        for rule, of in best.items()
        for weight in weights
    ]
    terms = {
        (float(weight), rule): {
            f"{name} [yuan]": float(of.sel(weight=weight)[name].sum())
            for name in ("provider_benefit", "cluster_benefit")
        }
        for rule, of in best.items()
        for weight in weights
    }
    money = dispatched(settled, inputs, prices, recommit=True)
    rows = [
        {"weight": place[0], "ties": place[1], **row, **{f"first stage: {name}": x for name, x in terms[place].items()}}
        for place, row in zip(terms, money, strict=True)
    ]
    return pd.DataFrame(rows)


def learnt_sweep(settled: Settled, inputs: xr.Dataset, learned: xr.Dataset) -> pd.DataFrame:
    """Return both stages at the prices of every learner, with the commitment of the settled day.

    Parameters
    ----------
    settled : Settled
        Day and knobs.
    inputs : xr.Dataset
        The study's inputs.
    learned : xr.Dataset, dims (episode, weight, seed, cluster, carrier, hour)
        From :func:`bcopt.planning.retail.learnt`.
    """
    found = market_of(settled, inputs)
    places = [
        (int(episode), float(weight), int(seed))
        for episode in learned["episode"].to_numpy()
        for weight in learned["weight"].to_numpy()
        for seed in learned["seed"].to_numpy()
    ]
    dims = ("episode", "weight", "seed")
    prices = [
        Prices(place, found.at(learned["level"].sel(dict(zip(dims, place, strict=True)), drop=True))[["price", "load"]])
        for place in places
    ]
    money = dispatched(settled, inputs, prices, recommit=False)
    return pd.DataFrame([dict(zip(("episodes", "weight", "seed"), p.name, strict=True)) | row
                         for p, row in zip(prices, money, strict=True)])  # fmt: skip


def learnt_table(learnt: pd.DataFrame) -> pd.DataFrame:
    """Return median, least and greatest benefit and median cost over the seeds, by training and weight."""
    groups = learnt.groupby(["episodes", "weight"])
    table = groups[BENEFIT].agg(["median", "min", "max"]).set_axis([f"{BENEFIT}, median", "least", "greatest"], axis=1)
    table[f"{COST}, median"] = groups[COST].median()
    return table.reset_index()


def statements_by_set(sweeps: Mapping[str, pd.DataFrame], ties: str, direct: Mapping[str, float]) -> pd.DataFrame:
    """Return a row of :func:`statements` for each price set, named in ``scenario``."""
    return pd.DataFrame([{"scenario": name, **statements(of, ties, direct)} for name, of in sweeps.items()])


def statements(sweep: pd.DataFrame, ties: str, direct: Mapping[str, float]) -> dict[str, bool | float | str]:
    """Return the sentences on figure 14 as tests of the exact optimum.

    Parameters
    ----------
    sweep : pd.DataFrame
        From :func:`exact_sweep`.
    ties : str
        The tie rule.
    direct : mapping of str to float
        Direct cost of each cluster [yuan].
    """
    rows = sweep[sweep["ties"] == ties].set_index("weight").sort_index()
    benefit, cost = rows[BENEFIT], rows[COST]
    rise = max(float(benefit.diff().max()), float(cost.diff().max()))
    whole = float(benefit.max() - benefit.min())
    inside = benefit.loc[PLATEAU[0] : PLATEAU[1]]
    span = float(inside.max() - inside.min()) / whole if whole else 0.0
    falls = bool(benefit.iloc[-1] < benefit.iloc[0] - ROUNDING and cost.iloc[-1] < cost.iloc[0] - ROUNDING)
    at_zero = rows.loc[0.0]
    paid = {name: float(at_zero[f"cost of {name} [yuan]"]) for name in CLUSTERS}
    more = [name for name in CLUSTERS if paid[name] > direct[name] + ROUNDING]
    at_one = sweep[sweep["weight"] == 1.0][BENEFIT]
    return {
        "greatest rise from a weight to the next [yuan]": rise,
        "that rise over the cost [%]": 100 * rise / float(cost.max()),
        "benefit from 0.3 to 0.6 over that from 0 to 1 [-]": span,
        "clusters above their direct cost at 0": ", ".join(more),
        **{f"cost of {name} over direct at 0 [%]": 100 * (paid[name] / direct[name] - 1) for name in CLUSTERS},
        "benefit at 1 [yuan]": float(benefit.loc[1.0]),
        "weight monotone": rise <= ROUNDING and falls,
        "weight monotone (other definition)": falls,
        "weight plateau": span <= SPAN,
        "weight plateau (other definition)": span <= SPAN_OTHERWISE,
        "weight zero": not more,
        "weight zero (other definition)": sum(paid.values()) <= sum(direct.values()) + ROUNDING,
        "weight one": float(benefit.loc[1.0]) > 0,
        "weight one (other definition)": bool(at_one.min() > 0),
    }


def structure(settled: Settled, inputs: xr.Dataset) -> pd.DataFrame:
    """Return what holds whatever the data, as measured on this day.

    Returns
    -------
    pd.DataFrame
        ``fact``, ``measured`` and its ``unit``.
    """
    found = market_of(settled, inputs)
    half, gained = found.rewards(0.5), found.gained
    without = 0.5 * (gained["utility"] - gained["dissatisfaction"] - found.inputs["wholesale_price"] * gained["load"])
    uncapped = retail.Market(found.inputs, found.levels, found.budget * 0 + 10**6, found.gained)
    lift = {
        w: retail.exact(uncapped, w, "lowest")["reward"] - retail.exact(found, w, "lowest")["reward"]
        for w in (0.4, 0.5, 0.6)
    }
    hourly = uncapped.rewards(0.5).max("level").sum("hour")
    bound = retail.lagrangian(found, 0.4)
    best = retail.exact(found, 0.4, "lowest")["reward"]
    free = retail.exact(uncapped, 0.5, "lowest")["reward"]
    accounts = settled.accounts
    gains = accounts["cluster_benefit"].sum() + accounts["provider_benefit"]
    facts = {
        "weight 0.5: reward with payments less reward without": np.abs(half - without).max(),
        "without the cap: best day less the sum of best hours": np.abs(free - hourly).max(),
        **{f"weight {w}: what the cap costs the reward": gain.sum() for w, gain in lift.items()},
        "weight 0.4: Lagrangian bound less the exact reward": (bound["bound"] - best).sum(),
        "weight 0.4: exact reward less the Lagrangian's own plan": (best - bound["value"]).sum(),
        "dispatch: welfare less utility, dissatisfaction and cost": accounts["welfare"] - gains,
    }
    rows = [(fact, float(amount), "yuan") for fact, amount in facts.items()]
    table = pd.DataFrame(rows, columns=["fact", "measured", "unit"])
    return table.assign(measured=table["measured"].round(6) + 0.0)
