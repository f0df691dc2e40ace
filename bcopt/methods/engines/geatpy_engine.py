"""Adapter of geatpy 2.7, the engine of the published studies.

The algorithm classes are run directly, not through ``geatpy.optimize``: nothing is logged, drawn,
printed or saved. geatpy draws from numpy's global generator, so that generator is seeded for the
run and given back as it was.

References
----------
Jazzbin et al., Geatpy: the genetic and evolutionary algorithm toolbox with high performance in
Python, http://www.geatpy.com, 2020.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import geatpy
import numpy as np

from bcopt.methods.engines import DISTRIBUTION_INDEX, Evaluation, Task


def differential_evolution(task: Task) -> None:
    """Run DE/rand/1/bin (``soea_DE_rand_1_bin_templet``).

    The base vectors are the population rotated by a random number of places (what the template's
    random compensation selection comes to): each individual is once the base of another. The
    difference is of two individuals other than the target, either of which may be the base. Donors
    beyond a bound are clipped to it. One variable, drawn beforehand, always comes from the donor.
    A trial replaces its target only if it is better.
    """
    algorithm = _algorithm(geatpy.soea_DE_rand_1_bin_templet, task)
    algorithm.mutOper = geatpy.Mutde(F=task.mutation)
    algorithm.recOper = geatpy.Xovbd(XOVR=task.crossover, Half_N=True)
    _run(algorithm, task)


def genetic_algorithm(task: Task) -> None:
    """Run the strengthened elitist genetic algorithm (``soea_SEGA_templet``).

    Binary tournaments fill the mating pool; the better half of parents and offspring survives.
    Simulated binary crossover and polynomial mutation take the place of the template's two-point
    crossover and breeder mutation.
    """
    _run(_with_real_operators(_algorithm(geatpy.soea_SEGA_templet, task), task), task)


def nsga2(task: Task) -> None:
    """Run NSGA-II (``moea_NSGA2_templet``) with the given rates for the template's 1 and 1/variables."""
    _run(_with_real_operators(_algorithm(geatpy.moea_NSGA2_templet, task), task), task)


def _with_real_operators(algorithm: Any, task: Task) -> Any:
    """Give an algorithm simulated binary crossover and polynomial mutation."""
    algorithm.recOper = geatpy.Recsbx(XOVR=task.crossover, n=DISTRIBUTION_INDEX)
    algorithm.mutOper = geatpy.Mutpolyn(Pm=task.mutation, DisI=DISTRIBUTION_INDEX)
    return algorithm


def _algorithm(template: Any, task: Task) -> Any:
    """Build an algorithm whose evaluations and statistics are the task's."""
    size, variables = task.initial.genotype.shape
    problem = geatpy.Problem(
        name="task",
        M=task.initial.objectives.shape[1],
        maxormins=None,
        Dim=variables,
        varTypes=np.zeros(variables, dtype=int),
        lb=task.lower,
        ub=task.upper,
    )
    algorithm = template(
        problem,
        geatpy.Population(Encoding="RI", NIND=size),
        MAXGEN=task.generations,
        logTras=0,
        verbose=False,
        drawing=0,
    )

    def evaluate(population: Any) -> None:
        first = algorithm.evalsNum == 0
        population.Chrom = np.clip(population.Chrom, task.lower, task.upper)  # operators overstep bounds by rounding
        values = task.initial if first else task.evaluate(population.Chrom)
        population.Phen = population.Chrom.copy()
        population.ObjV = values.objectives
        population.CV = values.violation[:, np.newaxis] if task.constrained else None
        algorithm.evalsNum += population.sizes

    def observe(population: Any) -> None:
        violation = population.CV[:, 0] if task.constrained else np.zeros(population.sizes)
        task.observe(Evaluation(population.Chrom.copy(), population.ObjV.copy(), violation.copy()))

    algorithm.call_aimFunc = evaluate
    algorithm.stat = observe
    return algorithm


def _run(algorithm: Any, task: Task) -> None:
    """Run an algorithm from the task's first generation."""
    population = algorithm.population
    first = geatpy.Population("RI", population.Field, len(task.initial.genotype), task.initial.genotype)
    with _global_generators(task.seed):
        algorithm.run(first)


@contextmanager
def _global_generators(seed: int) -> Iterator[None]:
    """Seed the global generators of numpy and Python, and restore them."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002 (geatpy uses it)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
