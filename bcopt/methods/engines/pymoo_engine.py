"""Adapter of pymoo, the engine for Pythons and machines without geatpy.

Every algorithm is driven by ask and tell, from the task's first generation, and keeps duplicates,
so that each generation evaluates exactly one population.

References
----------
Blank, Deb (2020), pymoo: multi-objective optimization in Python, IEEE Access 8,
doi:10.1109/ACCESS.2020.2990567.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.algorithms.soo.nonconvex.de import DE
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.evaluator import Evaluator
from pymoo.core.problem import Problem
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.problems.static import StaticProblem

from bcopt.methods.engines import DISTRIBUTION_INDEX, Evaluation, Task


def differential_evolution(task: Task) -> None:
    """Run DE/rand/1/bin, without the polynomial mutation and the jitter pymoo adds by default.

    The three parents of a donor are drawn to differ from each other and from the target; pymoo's
    redraws miss some repetitions (in about one donor of ten among twelve individuals). Donors
    beyond a bound are drawn again between the bound and their base vector. One variable comes from
    the donor where the draws chose none, so that a trial takes slightly fewer variables than in
    geatpy. A trial replaces its target only if it is better and no copy of another individual.
    """
    algorithm = DE(
        pop_size=len(task.initial.genotype),
        sampling=task.initial.genotype,
        variant="DE/rand/1/bin",
        F=task.mutation,
        CR=task.crossover,
        jitter=False,
        prob_mut=0.0,
    )
    _run(algorithm, task)


def genetic_algorithm(task: Task) -> None:
    """Run the (mu + mu) genetic algorithm.

    Binary tournaments choose the parents; the better half of parents and offspring survives.
    """
    _run(GA(**_real_operators(task)), task)


def nsga2(task: Task) -> None:
    """Run NSGA-II with tournaments by dominance, then crowding distance."""
    _run(NSGA2(**_real_operators(task)), task)


def _real_operators(task: Task) -> dict[str, Any]:
    """Options shared by the two algorithms of crossover and mutation."""
    return {
        "pop_size": len(task.initial.genotype),
        "sampling": task.initial.genotype,
        "crossover": SBX(prob=task.crossover, eta=DISTRIBUTION_INDEX),
        "mutation": PM(prob=1.0, prob_var=task.mutation, eta=DISTRIBUTION_INDEX),
        "eliminate_duplicates": False,
    }


def _run(algorithm: Any, task: Task) -> None:
    """Ask for individuals, tell their values, show the survivors; once per generation."""
    problem = Problem(
        n_var=len(task.lower),
        n_obj=task.initial.objectives.shape[1],
        n_ieq_constr=int(task.constrained),
        xl=task.lower,
        xu=task.upper,
    )
    algorithm.setup(problem, termination=("n_gen", task.generations), seed=task.seed, verbose=False)
    for generation in range(task.generations):
        asked = algorithm.ask()
        values = task.evaluate(asked.get("X")) if generation else task.initial
        known = {"F": values.objectives}
        if task.constrained:
            known["G"] = values.violation[:, np.newaxis]
        Evaluator().eval(StaticProblem(problem, **known), asked)
        algorithm.tell(infills=asked)
        task.observe(_survivors(algorithm.pop, task.constrained))


def _survivors(population: Any, constrained: bool) -> Evaluation:
    """Copy a population's values."""
    genotype, objectives = population.get("X", "F")
    violation = population.get("G")[:, 0] if constrained else np.zeros(len(population))
    return Evaluation(genotype.astype(float), objectives.astype(float), violation.astype(float))
