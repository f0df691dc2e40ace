"""The pricing of one cluster and carrier as an environment that a learner acts in, hour by hour."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import xarray as xr
from gymnasium import spaces

from bcopt.models import pricing

Observation = dict[str, Any]


class PricingEnvironment(gymnasium.Env[Observation, np.int64]):
    """Set the retail price of one cluster and carrier for a day, an hour a step.

    An action is a price level of :func:`bcopt.models.pricing.price_levels`; level k uses k of the steps of
    :func:`bcopt.models.pricing.price_budget`. One above what is left is lowered to the highest that is; level 0 uses
    nothing, so that a plan can always be completed and no plan exceeds the mean-price cap. The reward is that of
    :func:`bcopt.models.pricing.reward_table` [yuan]. Nothing is random.

    Observed are the steps gone, ``hour``, the budget used, ``used``, and the load before response of the hour to come
    as a share of the largest, ``load``, zero after the last. Hour and budget alone are a Markov state. Every ``info``
    has the ``action_mask`` of the levels still admitted, and that of a step also the ``level`` taken and its ``price``
    [yuan/kWh].

    Parameters
    ----------
    inputs : xr.Dataset, dims (hour)
        Of :data:`bcopt.models.pricing.QUANTITIES`, for one cluster and one carrier.
    number : int
        Price levels.
    weight : float
        Of the cluster's benefit in the reward [-].
    response : {"willingness", "elasticity"}
        Of the load to the price.

    Raises
    ------
    ValueError
        For inputs with other dims than ``hour``, and as the functions of :mod:`bcopt.models.pricing`.

    References
    ----------
    Frontiers in Energy Research 2022, section 3.3, https://doi.org/10.3389/fenrg.2022.865190.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (as its base class declares it)

    def __init__(
        self, inputs: xr.Dataset, number: int, weight: float, response: pricing.Response = "willingness"
    ) -> None:
        pricing.check(inputs)
        if others := [str(dim) for dim in inputs.dims if dim != "hour"]:
            raise ValueError(f"one cluster and carrier at a time: select one label of {', '.join(others)}")
        levels = pricing.price_levels(inputs["wholesale_price"], number)
        self._prices = levels.to_numpy()
        self._rewards = pricing.reward_table(inputs, levels, weight, response).to_numpy()
        self._loads = np.append(inputs["load"].to_numpy() / float(inputs["load"].max()), 0.0)
        self.budget = int(pricing.price_budget(inputs["wholesale_price"], levels))
        self.action_space = spaces.Discrete(number)
        self.observation_space = spaces.Dict(
            {
                "hour": spaces.Discrete(len(self._rewards) + 1),
                "used": spaces.Discrete(self.budget + 1),
                "load": spaces.Box(0.0, 1.0, (1,), np.float64),
            }
        )
        self._hour, self._used = len(self._rewards), 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin the day anew, with the whole budget.

        Parameters
        ----------
        seed : int, optional
            Of the environment's generator, which nothing here draws from.
        options : dict, optional
            There are none.

        Returns
        -------
        tuple
            Observation and info, as the class describes them.
        """
        super().reset(seed=seed, options=options)
        self._hour, self._used = 0, 0
        return self._observed(), self._mask()

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Set the price of the hour.

        Parameters
        ----------
        action : int
            Price level, lowered to the highest that the budget left admits.

        Returns
        -------
        tuple
            Observation; reward [yuan]; whether the day is over; False, as no day is cut short; info.

        Raises
        ------
        ValueError
            For an action that is no price level.
        RuntimeError
            If the day is over, or not begun.
        """
        if self._hour == len(self._rewards):
            raise RuntimeError("the day is over or has not begun: reset first")
        if not self.action_space.contains(action):
            raise ValueError(f"action must be a price level from 0 to {len(self._prices) - 1}, found {action!r}")
        level = min(int(action), self.budget - self._used)
        gained = float(self._rewards[self._hour, level])
        self._hour += 1
        self._used += level
        info = self._mask() | {"level": level, "price": float(self._prices[level])}
        return self._observed(), gained, self._hour == len(self._rewards), False, info

    def _observed(self) -> Observation:
        """Return the observation of the hour to come."""
        hour, used = np.int64(self._hour), np.int64(self._used)
        return {"hour": hour, "used": used, "load": self._loads[[self._hour]]}

    def _mask(self) -> dict[str, Any]:
        """Return which levels the budget left admits, as :meth:`gymnasium.spaces.Discrete.sample` takes it."""
        return {"action_mask": (np.arange(len(self._prices)) <= self.budget - self._used).astype(np.int8)}
