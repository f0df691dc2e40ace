"""The best plan of a reward that adds up over steps which share one integer budget, exactly and by its dual bound.

    max  sum_t reward[t, a_t]    subject to    sum_t use[a_t] <= budget

with nonnegative integer uses, some action of which uses nothing. Steps know each other through the budget alone, so
that (step, budget left) is a state and Bellman's equation gives an optimum, not an approximation of one; this is the
multiple-choice knapsack problem. All problems that differ in reward or budget, the lanes, are solved at once.

Ties are between plans. A plan of tied actions loses at most the tolerance in all its steps together, and each plan that
loses no more than ``tolerance / steps`` altogether consists of tied actions. Among tied plans that are preferred alike
the first in the order of actions is taken, the first step deciding first.

References
----------
Bellman (1957), Dynamic Programming, Princeton University Press. Sinha, Zoltners (1979), The multiple-choice knapsack
problem, Operations Research 27(3), 503-515, https://doi.org/10.1287/opre.27.3.503.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

STATES = 1 << 16
"""Actions in states that are weighed at once: few enough to stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The best plan of every lane.

    Attributes
    ----------
    actions : array of int, dims (lane, step)
        Index of the action taken.
    value : array, dims (lane)
        The optimum, which the actions reach to within the tolerance of ties.
    preference : array, dims (lane)
        The least sum of the preference over the tied plans; zero if there was no preference.
    """

    actions: Integers
    value: Array
    preference: Array


def faults(reward: npt.ArrayLike, use: npt.ArrayLike, budget: npt.ArrayLike) -> list[str]:
    """Return what is wrong with a problem, a line each; nothing for a sound one.

    Parameters
    ----------
    reward, use, budget
        As in :func:`solve`.
    """
    rewards, uses, budgets = np.asarray(reward), np.asarray(use), np.asarray(budget)
    if rewards.ndim != 3 or not rewards.size:
        return [f"reward must have the dims (lane, step, action), none empty, found shape {rewards.shape}"]
    lines = []
    if not np.isfinite(rewards).all():
        places = np.argwhere(~np.isfinite(rewards))
        lines.append(
            f"reward must be finite, it is not at {len(places)} place(s), first (lane, step, action) {places[0]}"
        )
    if uses.shape != rewards.shape[2:]:
        lines.append(f"use must have one entry for each of {rewards.shape[2]} actions, found shape {uses.shape}")
    if not np.issubdtype(uses.dtype, np.integer) or (uses < 0).any() or not (uses == 0).any():
        lines.append(f"use must be nonnegative integers, one or more of them 0, found {uses.tolist()}")
    if budgets.shape not in ((), rewards.shape[:1]):
        lines.append(f"budget must be one number or one for each of {len(rewards)} lanes, found shape {budgets.shape}")
    if not np.issubdtype(budgets.dtype, np.integer) or (budgets < 0).any():
        found = np.unique(budgets[~(budgets >= 0)]) if (~(budgets >= 0)).any() else budgets.dtype
        lines.append(f"budget must be nonnegative integers, found {found}")
    return lines


def sound(
    reward: npt.ArrayLike, use: npt.ArrayLike, budget: npt.ArrayLike, further: Iterable[str] = ()
) -> tuple[Array, Integers, Integers]:
    """Return reward, use, and the budget (lane) without what no plan can use up: the largest use in every step.

    Parameters
    ----------
    reward, use, budget
        As in :func:`solve`.
    further : iterable of str
        What else is wrong, a line each.

    Raises
    ------
    ValueError
        With a line for each fault.
    """
    if lines := [*faults(reward, use, budget), *further]:
        raise ValueError("\n".join(lines))
    rewards, uses = np.asarray(reward, float), np.asarray(use, np.int64)
    most = rewards.shape[1] * int(uses.max())
    return rewards, uses, np.broadcast_to(np.minimum(budget, most), len(rewards)).astype(np.int64)


def solve(
    reward: Array,
    use: Integers,
    budget: npt.ArrayLike,
    preference: Array | None = None,
    tolerance: float | None = None,
) -> Plan:
    """Return the best plan of every lane, and the preferred one of those that are as good.

    Backwards over the steps, b being the budget left,

        V[t, b] = max { reward[t, a] + V[t+1, b - use[a]] : use[a] <= b }

    Actions that come within ``tolerance / steps`` of V[t, b] are tied, and a second recursion minimises the preference
    over these alone. A preference and its negative give the interval of a sum over all optimal plans.

    Parameters
    ----------
    reward : array, dims (lane, step, action)
        In any unit.
    use : array of int, dims (action)
        Budget that an action uses up.
    budget : int or array of int, dims (lane)
        Budget of all steps together.
    preference : array, dims (lane, step, action), optional
        Minimised among tied plans; by default none is preferred.
    tolerance : float, optional
        What a plan may lose and yet be tied, in the unit of the reward; by default 1e-9 of the lane's largest absolute
        reward.

    Returns
    -------
    Plan
        Of the lanes in their order.

    Raises
    ------
    ValueError
        With a line for each of: a reward, preference or tolerance that is not finite, shapes that do not fit, a use or
        budget that is negative or not an integer, and no action without use.
    """
    further = _option_faults(np.shape(reward), preference, tolerance)
    rewards, uses, budgets = sound(reward, use, budget, further)
    preferences = None if preference is None else np.asarray(preference, float)
    lanes, steps, _ = rewards.shape
    scale = np.abs(rewards).max(axis=(1, 2))
    slack = np.broadcast_to(1e-9 * scale if tolerance is None else tolerance, lanes) / steps
    plan = Plan(np.empty((lanes, steps), np.int64), np.empty(lanes), np.zeros(lanes))
    order = np.argsort(budgets, kind="stable")  # lanes of like budgets together
    size = max(1, STATES // (uses.size * (int(budgets.max()) + 1)))
    for some in np.split(order, range(size, lanes, size)):
        among = None if preferences is None else preferences[some]
        plan.actions[some], plan.value[some], plan.preference[some] = _solved(
            rewards[some], uses, budgets[some], among, slack[some]
        )
    return plan


def _option_faults(shape: tuple[int, ...], preference: Array | None, tolerance: float | None) -> list[str]:
    """Say what is wrong with a preference or a tolerance."""
    lines = []
    if preference is not None and (np.shape(preference) != shape or not np.isfinite(preference).all()):
        lines.append(f"preference must be finite, in the shape of the reward, found shape {np.shape(preference)}")
    if tolerance is not None and not 0 <= tolerance < np.inf:
        lines.append(f"tolerance must not be negative or infinite, found {tolerance:g}")
    return lines


def _solved(
    reward: Array, use: Integers, budget: Integers, preference: Array | None, slack: Array
) -> tuple[Integers, Array, Array]:
    """Solve some lanes: values backwards, then preferences backwards, then actions forwards."""
    lanes, steps, actions = reward.shape
    every, left = np.arange(lanes), budget.copy()
    values = _values(reward, use, int(budget.max()))
    costs = None if preference is None else _preferences(reward, use, values, preference, slack)
    taken = np.empty((lanes, steps), np.int64)
    for step in range(steps):
        after = left[:, None] - use
        within = after >= 0
        after[~within] = 0
        total = np.where(within, reward[:, step] + values[step + 1, every[:, None], after], -np.inf)
        tied = total >= values[step, every, left][:, None] - slack[:, None]
        if costs is not None and preference is not None:
            further = np.where(tied, preference[:, step] + costs[step + 1, every[:, None], after], np.inf)
            rounding = 1e-12 * np.abs(preference).sum(axis=(1, 2)) / actions
            tied = further <= (costs[step, every, left] + rounding)[:, None]
        taken[:, step] = tied.argmax(axis=1)
        left -= use[taken[:, step]]
    return taken, values[0, every, budget], np.zeros(lanes) if costs is None else costs[0, every, budget]


def _values(reward: Array, use: Integers, budget: int) -> Array:
    """Return V (step, lane, budget left), all zero after the last step."""
    lanes, steps, _ = reward.shape
    values = np.zeros((steps + 1, lanes, budget + 1))
    for step in range(steps - 1, -1, -1):
        values[step] = (_after(values[step + 1], use, -np.inf) + reward[:, step, :, None]).max(axis=1)
    return values


def _preferences(reward: Array, use: Integers, values: Array, preference: Array, slack: Array) -> Array:
    """Return the least preference (step, lane, budget left) over tied actions, all zero after the last step."""
    costs = np.zeros_like(values)
    for step in range(reward.shape[1] - 1, -1, -1):
        total = _after(values[step + 1], use, -np.inf) + reward[:, step, :, None]
        cost = _after(costs[step + 1], use, np.inf) + preference[:, step, :, None]
        tied = total >= (values[step] - slack[:, None])[:, None]
        costs[step] = np.where(tied, cost, np.inf).min(axis=1)
    return costs


def _after(then: Array, use: Integers, otherwise: float) -> Array:
    """Return what (lane, budget left) is worth after each action, dims (lane, action, budget left)."""
    size = then.shape[1]
    most = min(int(use.max()), size)
    padded = np.concatenate([np.full((len(then), most), otherwise), then], axis=1)
    left = np.arange(size) - np.minimum(use, size)[:, None]
    worth: Array = np.take(padded, np.maximum(left + most, 0), axis=1)
    return worth


def lagrangian_bound(reward: Array, use: Integers, budget: npt.ArrayLike) -> tuple[Array, Array]:
    """Return a bound of the optimum that no recursion enters, and the value of a plan found on the way.

        bound = min over m >= 0 of  m budget + sum_t max_a (reward[t, a] - m use[a])

    The dual is convex and piecewise linear in the multiplier m [reward per unit of budget]. Two multipliers enclose its
    minimum, one whose plan exceeds the budget and one whose plan keeps it; where their tangents meet is the next, until
    no plan uses an amount between theirs. The dual function bounds the optimum at every multiplier, so also at one that
    is rounded.

    Parameters
    ----------
    reward, use, budget
        As in :func:`solve`.

    Returns
    -------
    bound : array, dims (lane)
        Never below the optimum.
    value : array, dims (lane)
        The best of the feasible plans met, never above the optimum; steps tied at the best multiplier can leave it well
        below.

    Raises
    ------
    ValueError
        As :func:`solve`.
    """
    rewards, uses, budgets = sound(reward, use, budget)
    order = np.argsort(uses, kind="stable")  # of equals the one that uses least
    rewards, uses = rewards[:, :, order], uses[order]
    dual, value, used = _relaxed(rewards, uses, budgets, np.zeros(len(rewards)))
    worthless = 2 * np.ptp(rewards, axis=2).max(axis=1)  # multiplier at which nothing is worth any use
    above, below = (value, used), _relaxed(rewards, uses, budgets, worthless)[1:]
    bound = dual
    best = np.where(used <= budgets, value, below[0])
    between = used > budgets
    while between.any():
        width = np.where(between, above[1] - below[1], 1)
        multiplier = np.where(between, np.maximum(above[0] - below[0], 0.0) / width, 0.0)
        dual, value, used = _relaxed(rewards, uses, budgets, multiplier)
        bound = np.where(between, np.minimum(bound, dual), bound)
        best = np.where(between & (used <= budgets), np.maximum(best, value), best)
        between &= (used < above[1]) & (used > below[1])
        exceeds, keeps = between & (used > budgets), between & (used <= budgets)
        above = np.where(exceeds, value, above[0]), np.where(exceeds, used, above[1])
        below = np.where(keeps, value, below[0]), np.where(keeps, used, below[1])
    return bound, best


def _relaxed(reward: Array, use: Integers, budget: Integers, multiplier: Array) -> tuple[Array, Array, Integers]:
    """Return the dual function (lane) at a multiplier, and the value and the use of the plan that attains it."""
    priced = reward - multiplier[:, None, None] * use
    taken = priced.argmax(axis=2)
    value = np.take_along_axis(reward, taken[:, :, None], 2).sum(axis=(1, 2))
    dual = multiplier * budget + priced.max(axis=2).sum(axis=1)
    return dual, value, use[taken].sum(axis=1)
