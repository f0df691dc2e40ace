"""A provider's retail prices: by the exact plan, the ties among its optima, and by Q-learning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.methods import dynamic_programme, qlearning
from bcopt.models import pricing

SECOND = 1e-6
"""kWh that a price weighs beside payments."""
TIES = ("nearest to wholesale", "lowest", "highest", "cheapest", "dearest")
"""Rules among prices of equal reward; the last two are the ends of the band of what the clusters pay."""
LANE = ("cluster", "carrier")
"""Prices of a cluster and carrier depend on no other: each is a problem of its own."""


@dataclass(frozen=True)
class Market:
    """What retail prices are chosen from and what they do.

    Parameters
    ----------
    inputs : xr.Dataset
        Of :data:`bcopt.models.pricing.QUANTITIES`.
    levels : xr.DataArray, dims (carrier, level)
        Prices to choose from [yuan/kWh].
    budget : xr.DataArray, dims (carrier)
        Level steps above the lowest price that the day may use together.
    gained : xr.Dataset, dims (cluster, carrier, hour, level)
        Benefits and loads at each price.
    """

    inputs: xr.Dataset
    levels: xr.DataArray
    budget: xr.DataArray
    gained: xr.Dataset

    def rewards(self, weight: float | xr.DataArray) -> xr.DataArray:
        """Return the reward of each price, dims (..., cluster, carrier, hour, level) [yuan]."""
        return pricing.reward(self.gained, weight).transpose(..., *LANE, "hour", "level")

    @property
    def use(self) -> npt.NDArray[np.int64]:
        """Level steps that each price uses."""
        return np.arange(self.levels.sizes["level"])

    def at(self, level: xr.DataArray) -> xr.Dataset:
        """Return what becomes of the levels chosen: ``price`` [yuan/kWh], and :attr:`gained` there.

        Parameters
        ----------
        level : xr.DataArray of int, dims (..., cluster, carrier, hour)
            Index of the price taken.
        """
        given = {**self.gained.data_vars, "price": self.levels}
        taken = {name: of.variable.isel(level=level.variable).transpose(*level.dims) for name, of in given.items()}
        return xr.Dataset(taken, level.coords)


def market(
    inputs: xr.Dataset, number: int, response: pricing.Response = "willingness", like: Market | None = None
) -> Market:
    """Return the market of a provider and its clusters.

    Parameters
    ----------
    inputs : xr.Dataset
        Of :data:`bcopt.models.pricing.QUANTITIES`.
    number : int
        Of prices to choose from, from the lowest to the highest wholesale price.
    response : {"willingness", "elasticity"}
        Of the loads to a price.
    like : Market, optional
        Of other users at the same wholesale prices, whose levels and budget these are too, whatever ``number`` says.

    Raises
    ------
    ValueError
        From :func:`bcopt.models.pricing.price_levels` and :func:`bcopt.models.pricing.benefits`.
    """
    if like:
        return Market(inputs, like.levels, like.budget, pricing.gains(inputs, like.levels, response))
    levels = pricing.price_levels(inputs["wholesale_price"], number)
    budget = pricing.price_budget(inputs["wholesale_price"], levels)
    return Market(inputs, levels, budget, pricing.benefits(inputs, levels, response))


def preference(found: Market, ties: str) -> xr.DataArray:
    """Return what is least among prices of equal reward, by a rule of :data:`TIES`.

    The last two leave the clusters the lowest and the highest payment, then of prices the lowest and the highest.

    Returns
    -------
    xr.DataArray, dims (cluster, carrier, hour, level)
        Of which a plan of prices has the least sum.

    Raises
    ------
    ValueError
        For another rule.
    """
    if ties not in TIES:
        raise ValueError(f"the rule among ties must be one of {TIES}, found {ties!r}")
    payment = found.gained["payment"].transpose(*LANE, "hour", "level")
    price = payment.copy(data=np.broadcast_to(found.levels.to_numpy()[:, None], payment.shape))
    rules: dict[str, Callable[[], xr.DataArray]] = {
        "nearest to wholesale": lambda: abs(price - found.inputs["wholesale_price"]),
        "lowest": lambda: price,
        "highest": lambda: -price,
        "cheapest": lambda: payment + SECOND * price,
        "dearest": lambda: -payment - SECOND * price,
    }
    return rules[ties]().transpose(*LANE, "hour", "level")


def exact(found: Market, weight: float | Sequence[float], ties: str) -> xr.Dataset:
    """Return the best prices, by the dynamic programme over the hours and the price budget left.

    Parameters
    ----------
    found : Market
        From :func:`market`.
    weight : float or sequence of float
        Of the clusters' benefit; several give the dim ``weight``.
    ties : str
        Rule of :data:`TIES` among prices of equal reward.

    Returns
    -------
    xr.Dataset, dims ([weight,] cluster, carrier, hour)
        ``price``, ``level`` and all of :attr:`Market.gained`; ``reward`` of the day [yuan], without hour.
    """
    weights = np.atleast_1d(weight)
    rewards = found.rewards(xr.DataArray(weights, {"weight": weights})).transpose("weight", *LANE, "hour", "level")
    rule = preference(found, ties).variable.set_dims(rewards.sizes)
    plan = dynamic_programme.solve(_lanes(rewards), found.use, _budgets(found, rewards), _lanes(rule))
    hours = rewards.isel(level=0, drop=True)
    level = xr.DataArray(plan.actions.reshape(hours.shape), hours.coords, hours.dims)
    value = xr.Variable(hours.dims[:-1], plan.value.reshape(hours.shape[:-1]), {"units": "yuan"})
    best = found.at(level).assign(level=level.variable, reward=value)
    return best if np.ndim(weight) else best.squeeze("weight", drop=True)


def lagrangian(found: Market, weight: float) -> xr.Dataset:
    """Return a ``bound`` of the best reward that enters no recursion, and the ``value`` of a plan met on the way.

    Returns
    -------
    xr.Dataset, dims (cluster, carrier)
        [yuan]
    """
    rewards = found.rewards(weight)
    day = rewards.isel(hour=0, level=0, drop=True)
    answers = dynamic_programme.lagrangian_bound(_lanes(rewards), found.use, _budgets(found, rewards))
    return xr.Dataset(
        {n: day.copy(data=x.reshape(day.shape)) for n, x in zip(("bound", "value"), answers, strict=True)}
    )


def _lanes(values: xr.DataArray | xr.Variable) -> npt.NDArray[np.float64]:
    """Return values over all dims but the last two as lanes, dims (lane, hour, level)."""
    return values.to_numpy().reshape(-1, *values.shape[-2:])


def _budgets(found: Market, rewards: xr.DataArray) -> npt.NDArray[np.int64]:
    """Return the price budget of each lane."""
    shape = {dim: rewards.sizes[dim] for dim in rewards.dims[:-2]}
    budgets: npt.NDArray[np.int64] = found.budget.variable.set_dims(shape).transpose(*shape).to_numpy().ravel()
    return budgets


def learnt(
    found: Market,
    weights: Sequence[float],
    seeds: Sequence[int],
    how: qlearning.Settings,
    budget_in_state: bool = False,
) -> xr.Dataset:
    """Return the prices that Q-learning comes to, a learner for each weight, seed, cluster and carrier.

    Parameters
    ----------
    found : Market
        From :func:`market`.
    weights, seeds : sequence
        Of the learners.
    how : Settings
        Rates, exploration and episodes.
    budget_in_state : bool
        Whether the learner sees the price budget, without which its state is not Markov.

    Returns
    -------
    xr.Dataset, dims (episode, weight, seed, cluster, carrier[, hour])
        ``level`` (with hour) and ``reward`` of the day [yuan] after so many episodes.
    """
    weight = xr.DataArray(list(weights), {"weight": list(weights)})
    rewards = found.rewards(weight).expand_dims(seed=list(seeds), axis=1)
    rewards = rewards.transpose("weight", "seed", *LANE, "hour", "level")
    # A learner of its own stream in every lane: neighbours of one seed draw no common numbers.
    own = rewards.shape[2] * rewards.shape[3]
    streams = np.add.outer(np.asarray(seeds) * own, np.arange(own))
    every = np.broadcast_to(streams, (len(weights), *streams.shape)).ravel()
    result = qlearning.learn(_lanes(rewards), found.use, _budgets(found, rewards), how, every, budget_in_state)
    dims = ("episode", "weight", "seed", *LANE)
    shape = (result.episodes.size, *rewards.shape[:4])
    coords = {name: rewards[name].to_numpy() for name in (*dims[1:], "hour")} | {"episode": result.episodes}
    return xr.Dataset(
        {
            "level": ((*dims, "hour"), result.actions.reshape(*shape, -1)),
            "reward": (dims, result.value.reshape(shape), {"units": "yuan"}),
        },
        coords,
    )
