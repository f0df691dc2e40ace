"""Tabular Q-learning of plans under one integer budget, for many independent learners at once.

The problem is that of :mod:`bcopt.methods.dynamic_programme`, whose optimum the learner can be held against. Each lane
is a learner of its own, with its own rewards, budget and stream of random numbers, so that it learns the same
whichever others run beside it. They go through steps and episodes together: what is one loop in Python for one lane is
the same loop for all.

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

import numbers
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from bcopt.methods.dynamic_programme import Array, Integers, sound

Start = Literal["zero", "optimistic"]

LANES = 1000
"""Lanes that learn together at most: enough to make a step's overhead small, few enough for the processor's cache."""
TABLES = 1 << 25
"""Entries of the tables that are held at once at most; a lane beyond it learns alone."""
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
    """Learn as many lanes at once as is fast, and return the plans and the table; actions by ascending use."""
    lanes, steps, actions = reward.shape
    size = max(1, min(LANES, TABLES // (steps * states * actions)))
    taken = np.empty((len(settings.recorded), lanes, steps), np.int64)
    table = np.empty((steps, lanes, states, actions)) if keep_table else None
    for first in range(0, lanes, size):
        some = slice(first, first + size)
        learners = _Learners(reward[some], use, budget[some], settings, seeds[some], states)
        for checkpoint, plan in enumerate(learners.plans()):
            taken[checkpoint, some] = plan
        if table is not None:
            table[:, some] = learners.table.reshape(steps, -1, states, actions)
    return taken, table


class _Learners:
    """Lanes that learn together.

    Actions stand in ascending order of use, so that the feasible ones come first. A row of ``table`` is a state: the
    states of a lane one after the other, the lanes of a step, the steps.
    """

    def __init__(
        self, reward: Array, use: Integers, budget: Integers, settings: Settings, seeds: Integers, states: int
    ) -> None:
        self.lanes, self.steps, self.actions = reward.shape
        self.use, self.budget, self.settings, self.states = use, budget, settings, states
        self.reward = np.ascontiguousarray(reward.transpose(1, 0, 2)).reshape(self.steps, -1)
        self.streams = [np.random.default_rng(int(seed)) for seed in seeds]
        self.feasible = np.searchsorted(use, np.arange(budget.max() + 1), side="right")
        self.closed = np.where(np.arange(self.actions) < self.feasible[:, None], 0.0, -np.inf)
        self.state_rows = np.arange(self.steps * self.lanes).reshape(self.steps, -1) * states
        self.lane_entries = np.arange(self.lanes) * self.actions
        self.choices, self.mask = np.empty((2, self.lanes, self.actions))
        start = _greatest(reward, settings.discount) if settings.start == "optimistic" else np.zeros(reward.shape[:2])
        self.table = np.repeat(start.T.ravel(), states * self.actions).reshape(-1, self.actions)
        self.entries = self.table.reshape(-1)

    def plans(self) -> Iterator[Integers]:
        """Learn, and yield the greedy plan (lane, step) at each checkpoint."""
        done = 0
        for checkpoint in self.settings.recorded:
            for block in self._drawn(done, checkpoint):
                for thresholds in block:
                    self._learn_episode(thresholds)
            yield self._greedy_plan()
            done = checkpoint

    def _drawn(self, done: int, until: int) -> Iterator[Array]:
        """Yield random numbers (episode, step, lane) divided by the exploration: below one the learner explores."""
        size = max(1, NUMBERS // (self.steps * self.lanes))
        for first in range(done, until, size):
            exploration = self.settings.exploration[first : min(first + size, until)][:, None, None]
            drawn = np.empty((self.lanes, exploration.size * self.steps))
            for stream, numbers_of_lane in zip(self.streams, drawn, strict=True):
                stream.random(out=numbers_of_lane)
            ratio = np.ones((exploration.size, self.steps, self.lanes))
            yield np.divide(drawn.T.reshape(ratio.shape), exploration, out=ratio, where=exploration > 0)

    def _learn_episode(self, ratio: Array) -> None:
        """Go through all steps once, correcting the entry of each action taken."""
        alpha, gamma = self.settings.learning_rate, self.settings.discount
        left = self.budget.copy()
        rows, count, best, _ = self._state(0, left)
        for step in range(self.steps):
            choice = ratio[step] * count
            np.copyto(choice, best, where=ratio[step] >= 1)
            action = choice.astype(np.int64)
            entry = rows * self.actions + action
            gain = self.reward[step].take(self.lane_entries + action)
            if step + 1 < self.steps:
                left -= self.use.take(action)
                rows, count, best, value = self._state(step + 1, left)
                gain += gamma * value
            old = self.entries.take(entry)
            self.entries[entry] = old + alpha * (gain - old)

    def _state(self, step: int, left: Integers) -> tuple[Integers, Integers, Integers, Array]:
        """Return the row (lane) of a state, the number of feasible actions, the best of them and its Q."""
        rows = self.state_rows[step]
        if self.states > 1:
            rows = rows + (self.budget - left)
        np.take(self.table, rows, axis=0, out=self.choices, mode="clip")
        np.take(self.closed, left, axis=0, out=self.mask, mode="clip")
        self.choices += self.mask
        best = self.choices.argmax(axis=1)
        return rows, self.feasible.take(left), best, self.choices.reshape(-1).take(self.lane_entries + best)

    def _greedy_plan(self) -> Integers:
        """Return the best feasible action (lane, step) by the table as it is."""
        left, taken = self.budget.copy(), np.empty((self.lanes, self.steps), np.int64)
        for step in range(self.steps):
            _, _, best, _ = self._state(step, left)
            taken[:, step] = best
            left -= self.use.take(best)
        return taken


def _greatest(reward: Array, discount: float) -> Array:
    """Return the discounted sum (lane, step) of the greatest rewards from a step on."""
    greatest: Array = reward.max(axis=2)
    for step in range(greatest.shape[1] - 2, -1, -1):
        greatest[:, step] += discount * greatest[:, step + 1]
    return greatest
