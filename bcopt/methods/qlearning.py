"""Tabular Q-learning of plans under one integer budget, for many independent learners.

The problem is that of :mod:`bcopt.methods.dynamic_programme`, whose optimum the learner can be held against. Each lane
is a learner of its own, with its own rewards, budget and stream of random numbers, so that it learns the same
whichever others there are. Its loop over episodes and steps is compiled.

As published, the state is the step alone. The budget left then decides which actions are feasible without being known
to the table: one entry stands for different futures, the process is not Markov in its states, and Q need approach no
optimum. With the budget in the state it does.

Actions of equal Q are settled by the least use, then by their order. Rewards are used as they are: from a table of
zeros, the same rewards in another unit are learnt alike. Each lane draws one number per step from a PCG64 generator of
its seed, episode after episode: below the exploration the learner explores, and where it lies below says which action.

References
----------
Watkins, Dayan (1992), Q-learning, Machine Learning 8, 279-292, https://doi.org/10.1007/BF00992698.
The form with the step alone: Frontiers in Energy Research 2022, section 3.3 and its table 1,
https://doi.org/10.3389/fenrg.2022.865190.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import numbers
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from bcopt.methods.dynamic_programme import Array, Integers, sound

Start = Literal["zero", "optimistic"]

NUMBERS = 1 << 20
"""Random numbers that are drawn at once, roughly."""


@dataclass(frozen=True)
class Settings:
    """How a learner explores and learns.

    Attributes
    ----------
    learning_rate : float
        Share of the difference that an update corrects, alpha in (0, 1] [-].
    discount : float
        What the value of the next state counts, gamma in [0, 1] [-].
    exploration_start, exploration_end : float
        Probability of a random action in the first and in the last episode, in between on a line [-].
    episodes : int
        Passes through all steps.
    checkpoints : tuple of int
        Numbers of the episodes after which the greedy plan is recorded, ascending; the last one always is.
    start : {"zero", "optimistic"}
        Table before the first episode: zeros, or the discounted sum of the greatest rewards from the step on, which no
        plan can exceed, so that an action is tried before it is given up.

    Raises
    ------
    ValueError
        Listing every setting out of range.
    """

    learning_rate: float
    discount: float
    exploration_start: float
    exploration_end: float
    episodes: int
    checkpoints: tuple[int, ...] = ()
    start: Start = "zero"

    def __post_init__(self) -> None:
        problems = []
        if not _within(self.learning_rate) or self.learning_rate == 0:
            problems.append(f"learning_rate must be within (0, 1], got {self.learning_rate!r}")
        problems += [
            f"{name} must be within [0, 1], got {getattr(self, name)!r}"
            for name in ("discount", "exploration_start", "exploration_end")
            if not _within(getattr(self, name))
        ]
        if not _whole(self.episodes) or self.episodes < 1:
            problems.append(f"episodes must be an integer of at least 1, got {self.episodes!r}")
        elif not all(_whole(n) and 1 <= n <= self.episodes for n in self.checkpoints):
            problems.append(f"checkpoints must be integers within [1, {self.episodes}], got {self.checkpoints!r}")
        elif any(after <= before for before, after in zip(self.checkpoints, self.checkpoints[1:], strict=False)):
            problems.append(f"checkpoints must ascend, got {self.checkpoints!r}")
        if self.start not in get_args(Start):
            problems.append(f"start must be one of {', '.join(get_args(Start))}, got {self.start!r}")
        if problems:
            raise ValueError("learning settings: " + "; ".join(problems))

    @property
    def recorded(self) -> tuple[int, ...]:
        """Return the checkpoints, the last episode among them."""
        return tuple(sorted({*self.checkpoints, self.episodes}))

    @property
    def exploration(self) -> Array:
        """Return the probability of a random action (episode)."""
        return np.linspace(self.exploration_start, self.exploration_end, self.episodes)


def _within(value: object) -> bool:
    """Say whether a value is a number from 0 to 1."""
    return isinstance(value, numbers.Real) and 0 <= float(value) <= 1


def _whole(value: object) -> bool:
    """Say whether a value is an integer."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


@dataclass(frozen=True, eq=False)
class Result:
    """What the learners have come to.

    Attributes
    ----------
    episodes : array of int, dims (checkpoint)
        After which the plans were recorded.
    actions : array of int, dims (checkpoint, lane, step)
        Greedy plans: the feasible action of the greatest table entry, step by step.
    value : array, dims (checkpoint, lane)
        Their rewards, undiscounted: what the dynamic programme maximises.
    table : array, dims (step, lane, state, action), optional
        Q after the last episode, in the unit of the reward, if it was to be kept. The state is the budget used so far,
        or there is one alone.
    """

    episodes: Integers
    actions: Integers
    value: Array
    table: Array | None = None


def learn(
    reward: Array,
    use: Integers,
    budget: npt.ArrayLike,
    settings: Settings,
    seeds: npt.ArrayLike,
    budget_in_state: bool,
    keep_table: bool = False,
) -> Result:
    """Learn a plan in every lane.

    In step t and state s a learner takes a random feasible action with the probability of exploration, else the one of
    the greatest Q, and corrects

        Q[t, s, a] += learning_rate (reward[t, a] + discount max_b Q[t+1, s', b] - Q[t, s, a])

    with b over the actions that the budget still admits, and no next term in the last step.

    Parameters
    ----------
    reward : array, dims (lane, step, action)
        In any unit.
    use : array of int, dims (action)
        Budget that an action uses up.
    budget : int or array of int, dims (lane)
        Budget of all steps together.
    settings : Settings
        Common to all lanes.
    seeds : array of int, dims (lane)
        Of the random numbers of each lane.
    budget_in_state, keep_table : bool
        Whether the state is (step, budget used) or the step alone; whether to return Q, an entry a state and action.

    Returns
    -------
    Result
        Of the lanes in their order.

    Raises
    ------
    ValueError
        As :func:`bcopt.methods.dynamic_programme.solve`, and for seeds that are negative or not an integer.
    """
    drawn, lanes = np.asarray(seeds), len(np.atleast_1d(reward))
    lines = []
    if drawn.shape != (lanes,) or not np.issubdtype(drawn.dtype, np.integer) or (drawn < 0).any():
        lines.append(
            f"seeds must be {lanes} nonnegative integers, one a lane, found {drawn.dtype} of shape {drawn.shape}"
        )
    rewards, uses, budgets = sound(reward, use, budget, lines)
    order = np.argsort(uses, kind="stable")
    rewards, uses = rewards[:, :, order], uses[order]
    states = int(budgets.max()) + 1 if budget_in_state else 1
    taken, table = _learnt(rewards, uses, budgets, settings, drawn, states, keep_table)
    value = np.take_along_axis(rewards[None], taken[..., None], 3).sum(axis=(2, 3))
    kept = None if table is None else table[..., np.argsort(order)]
    return Result(np.array(settings.recorded), order[taken], value, kept)


def _learnt(
    reward: Array,
    use: Integers,
    budget: Integers,
    settings: Settings,
    seeds: Integers,
    states: int,
    keep_table: bool,
) -> tuple[Integers, Array | None]:
    """Learn lane by lane, and return the plans and the table; actions by ascending use."""
    lanes, steps, actions = reward.shape
    learn_episodes = _compiled()
    rates = float(settings.learning_rate), float(settings.discount)
    feasible = np.searchsorted(use, np.arange(budget.max() + 1), side="right")
    start = _greatest(reward, settings.discount) if settings.start == "optimistic" else np.zeros(reward.shape[:2])
    taken = np.empty((len(settings.recorded), lanes, steps), np.int64)
    kept = np.empty((steps, lanes, states, actions)) if keep_table else None
    for lane in range(lanes):
        table = np.repeat(start[lane], states * actions).reshape(steps, states, actions)
        rewards, limits = np.ascontiguousarray(reward[lane]), (use, feasible, int(budget[lane]))
        blocks = _drawn(seeds[lane], steps, settings)
        for checkpoint in range(len(settings.recorded)):
            for ratio in next(blocks):
                learn_episodes(table, rewards, *limits, *rates, ratio)
            taken[checkpoint, lane] = _greedy_plan(table, *limits)
        if kept is not None:
            kept[:, lane] = table
    return taken, kept


def _drawn(seed: int, steps: int, settings: Settings) -> Iterator[Iterator[Array]]:
    """Yield the random numbers until each checkpoint, in blocks (episode, step), divided by the exploration."""
    stream, size = np.random.default_rng(int(seed)), max(1, NUMBERS // steps)

    def block(first: int, until: int) -> Array:
        exploration = settings.exploration[first:until, None]
        drawn = stream.random((until - first, steps))
        return np.divide(drawn, exploration, out=np.ones_like(drawn), where=exploration > 0)

    for done, until in itertools.pairwise((0, *settings.recorded)):
        yield (block(first, min(first + size, until)) for first in range(done, until, size))


@functools.cache
def _compiled() -> Callable[..., None]:
    """Return :func:`_learn_episodes` as machine code, which takes Numba some seconds; as it is where Numba is not."""
    if importlib.util.find_spec("numba") is None:
        return _learn_episodes
    from numba import njit

    return cast("Callable[..., None]", njit(_learn_episodes))


def _learn_episodes(
    table: Array,
    reward: Array,
    use: Integers,
    feasible: Integers,
    budget: int,
    learning_rate: float,
    discount: float,
    ratio: Array,
) -> None:
    """Go through all steps of one lane episode by episode, correcting the entry of each action taken.

    Parameters
    ----------
    table : array, dims (step, state, action)
        Q, which is changed. There is one state, or one for each budget that is used so far.
    reward : array, dims (step, action)
        Actions in ascending order of use, so that the feasible ones come first.
    use : array of int, dims (action)
        Budget that an action uses up.
    feasible : array of int, dims (budget left)
        Number of actions that fit.
    budget : int
        Of all steps together.
    learning_rate, discount : float
        As in :class:`Settings`.
    ratio : array, dims (episode, step)
        Random numbers divided by the exploration: below one the learner explores.
    """
    steps, states, _ = table.shape
    before, gain = (0, 0, 0), 0.0
    for episode in range(len(ratio)):
        left = budget
        for step in range(steps):
            count = feasible[left]
            state = budget - left if states > 1 else 0
            action = 0
            for other in range(1, count):
                if table[step, state, other] > table[step, state, action]:
                    action = other
            if step:
                target = gain + discount * table[step, state, action]
                table[before] += learning_rate * (target - table[before])
            if ratio[episode, step] < 1:
                action = int(ratio[episode, step] * count)
            before, gain = (step, state, action), reward[step, action]
            left -= use[action]
        table[before] += learning_rate * (gain - table[before])


def _greedy_plan(table: Array, use: Integers, feasible: Integers, budget: int) -> Integers:
    """Return the best feasible action (step) by the table as it is; of what :func:`_learn_episodes` takes."""
    steps, states, _ = table.shape
    taken, left = np.empty(steps, np.int64), budget
    for step in range(steps):
        taken[step] = table[step, budget - left if states > 1 else 0, : feasible[left]].argmax()
        left -= use[taken[step]]
    return taken


def _greatest(reward: Array, discount: float) -> Array:
    """Return the discounted sum (lane, step) of the greatest rewards from a step on."""
    greatest: Array = reward.max(axis=2)
    for step in range(greatest.shape[1] - 2, -1, -1):
        greatest[:, step] += discount * greatest[:, step + 1]
    return greatest
