"""Time pricing: Q-learning of many lanes beside a plain loop, and the exact plan beside a plain recursion."""

from __future__ import annotations

import functools
import itertools
import random
import resource
import sys
import time

import numpy as np

from bcopt.methods import dynamic_programme, qlearning
from bcopt.methods.dynamic_programme import Array, Integers
from benchmarks.timing import Line, seconds, show

LANES, STEPS, LEVELS, EPISODES = 3300, 24, 22, 5000
"""Eleven weights, fifty seeds, three clusters and two carriers, over a day of hourly prices."""
FEW = 200
"""Episodes of the plain loop, from which its time for all is extrapolated."""
ALPHA, GAMMA, EXPLORATION = 0.1, 0.9, 0.1


def main() -> None:
    """Compare learners with a plain loop, and exact plans with a recursion in Python and with all plans."""
    show(f"pricing, {STEPS} hours, {LEVELS} levels, {EPISODES} episodes", [_learning(False), _learning(True)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    sys.stdout.write(f"peak memory of this process: {peak:.2f} GB\n")
    show("exact plan of a day, one lane", [*_planning(LEVELS, 3), *_planning(401, 1), _four_hours()])


def _problem(lanes: int, levels: int, steps: int = STEPS) -> tuple[Array, Integers, int]:
    """Return rewards that are concave in the level, uses, and half of the budget that would not bind."""
    best = np.random.default_rng(1).uniform(0, levels - 1, (lanes, steps, 1))
    reward = 100 - 50 * np.square((np.arange(levels) - best) / levels)
    return reward, np.arange(levels), steps * (levels - 1) // 2


def _learning(budget_in_state: bool) -> Line:
    """Learn in all lanes, or in a tenth of them where the tables are as many times larger, and in one by a loop."""
    lanes = LANES // 10 if budget_in_state else LANES
    reward, use, budget = _problem(lanes, LEVELS)
    settings = qlearning.Settings(ALPHA, GAMMA, EXPLORATION, EXPLORATION, EPISODES)
    start = time.perf_counter()
    qlearning.learn(reward, use, budget, settings, range(lanes), budget_in_state)
    own = time.perf_counter() - start
    states = budget + 1 if budget_in_state else 1
    table = [[[0.0] * LEVELS for _ in range(states)] for _ in range(STEPS)]
    loop = seconds(functools.partial(_plain_learner, reward[0].tolist(), table, budget, FEW)) / FEW * EPISODES * lanes
    sys.stdout.write(f"{lanes} lanes: {own:.1f} s, {own / lanes / STEPS / EPISODES * 1e9:.0f} ns a lane and step\n")
    state = "hour and budget" if budget_in_state else "hour"
    return f"Q-learning, {lanes} lanes, state {state}", own, f"plain loop, from {FEW} episodes", loop


def _plain_learner(reward: list[list[float]], table: list[list[list[float]]], budget: int, episodes: int) -> None:
    """Learn in one lane, step by step, in a table (hour, state, level); level k uses k of the budget."""
    levels, generator, known = len(reward[0]), random.Random(1), len(table[0]) > 1
    for _ in range(episodes):
        used = 0
        row = table[0][0]
        feasible = min(levels, budget + 1)
        value = max(row[:feasible])
        for hour, gains in enumerate(reward):
            explores = generator.random() < EXPLORATION
            level = generator.randrange(feasible) if explores else row.index(value, 0, feasible)
            old, gain = row, gains[level]
            used += level
            if hour + 1 < len(reward):
                row = table[hour + 1][used if known else 0]
                feasible = min(levels, budget - used + 1)
                value = max(row[:feasible])
                gain += GAMMA * value
            old[level] += ALPHA * (gain - old[level])


def _planning(levels: int, repeats: int) -> list[Line]:
    """Plan exactly, with and without a preference among ties."""
    reward, use, budget = _problem(1, levels)
    table = reward[0].tolist()
    plain = seconds(functools.partial(_plain_plan, table, budget), 1) if levels < 100 else _extrapolated(table, budget)
    name = f"{levels} levels, budget {budget}"
    peer = "recursion in Python" + (", from 3 hours" if levels >= 100 else "")
    solve = functools.partial(dynamic_programme.solve, reward, use, budget)
    return [
        (name, seconds(solve, repeats), peer, plain),
        (f"{name}, preference", seconds(functools.partial(solve, preference=reward), repeats), peer, plain),
        (f"{name}, dual bound", seconds(lambda: dynamic_programme.lagrangian_bound(reward, use, budget)), peer, plain),
    ]


def _plain_plan(reward: list[list[float]], budget: int) -> float:
    """Return the optimum by the recursion over hours and budget, state by state."""
    values = [0.0] * (budget + 1)
    for gains in reversed(reward):
        values = [
            max(gain + values[left - level] for level, gain in enumerate(gains[: left + 1]))
            for left in range(budget + 1)
        ]
    return values[budget]


def _extrapolated(reward: list[list[float]], budget: int) -> float:
    """Return the time of the recursion from that of its first hours, one of which is like the other."""
    return seconds(lambda: _plain_plan(reward[:3], budget), 1) / 3 * len(reward)


def _four_hours() -> Line:
    """Plan four hours exactly and by trying every plan."""
    reward, use, budget = _problem(1, LEVELS, 4)
    table: list[list[float]] = reward[0].tolist()

    def every_plan() -> float:
        return max(
            sum(gains[level] for gains, level in zip(table, plan, strict=True))
            for plan in itertools.product(range(LEVELS), repeat=4)
            if sum(plan) <= budget
        )

    own = seconds(lambda: dynamic_programme.solve(reward, use, budget))
    return f"{LEVELS} levels, four hours", own, f"all {LEVELS**4:,} plans", seconds(every_plan, 1)
