"""Evolutionary search: differential evolution, a genetic algorithm and NSGA-II.

All minimise, and all see a whole population per call. The algorithms come from an engine, geatpy
or pymoo; what surrounds them is common to both: the first generation (uniform within the bounds,
the same for both engines at one seed), the constraints (the sum of the positive violations, any
feasible individual beating any infeasible one), the record of every generation and the solutions.
The engines draw different random numbers and differ in details named in their adapters,
:mod:`bcopt.methods.engines.geatpy_engine` and :mod:`bcopt.methods.engines.pymoo_engine`.

References
----------
Storn, Price (1997), Differential evolution - a simple and efficient heuristic for global
optimization over continuous spaces, J. Global Optimization 11, doi:10.1023/A:1008202821328.
Deb, Pratap, Agarwal, Meyarivan (2002), A fast and elitist multiobjective genetic algorithm:
NSGA-II, IEEE Trans. Evolutionary Computation 6(2), doi:10.1109/4235.996017.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.methods import engines, pareto
from bcopt.methods.engines import Array, Evaluation, Task, finite_rows

_SMALLEST_POPULATION = 4
"""A donor of DE/rand/1 and its target are four different individuals."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Objectives over a box, with optional constraints and decoder.

    Attributes
    ----------
    objectives : callable, array (individual, variable) -> array (individual, objective)
        Values to minimise, of decoded decisions (read-only).
    lower, upper : array, dims (variable)
        Bounds of the genotype. A variable whose bounds coincide is fixed and not searched.
    violations : callable, array (individual, variable) -> array (individual, constraint), optional
        Met where not above zero; of decoded decisions. Constraints in one unit weigh alike.
    decode : callable, array (individual, variable) -> array (individual, decision), optional
        Decisions of genotypes; the identity by default.

    Raises
    ------
    ValueError
        If the bounds are not two finite vectors of one length, cross, or leave nothing to search.
    """

    objectives: Callable[[Array], npt.ArrayLike]
    lower: Array
    upper: Array
    violations: Callable[[Array], npt.ArrayLike] | None = None
    decode: Callable[[Array], npt.ArrayLike] | None = None

    def __post_init__(self) -> None:
        for name in ("lower", "upper"):
            bound = np.array(getattr(self, name), dtype=float)
            bound.setflags(write=False)
            object.__setattr__(self, name, bound)
        problems = _bound_problems(self.lower, self.upper)
        if problems:
            raise ValueError("search problem: " + "; ".join(problems))


def _bound_problems(lower: Array, upper: Array) -> list[str]:
    """Say what is wrong with a box."""
    if lower.ndim != 1 or lower.shape != upper.shape or not lower.size:
        return [f"lower and upper must be vectors of one length, got shapes {lower.shape} and {upper.shape}"]
    problems = []
    for name, bound in (("lower", lower), ("upper", upper)):
        unbounded = np.flatnonzero(~np.isfinite(bound)).tolist()
        if unbounded:
            problems.append(f"{name} is not finite for variable {unbounded}")
    crossed = np.flatnonzero(lower > upper).tolist()
    if crossed:
        problems.append(f"lower exceeds upper for variable {crossed}: {lower[crossed]} > {upper[crossed]}")
    if not problems and np.array_equal(lower, upper):
        problems.append("every variable is fixed (lower equals upper), so there is nothing to search")
    return problems


@dataclass(frozen=True)
class Settings:
    """How long, how and by which engine to search.

    Attributes
    ----------
    population : int
        Individuals per generation, at least 4.
    generations : int
        Generations, the first (random) one included.
    crossover : float
        Rate: per variable in differential evolution, per pair of parents otherwise [-].
    mutation : float
        Differential weight F in (0, 2] in differential evolution, otherwise the probability with
        which each variable mutates, in [0, 1] [-].
    seed : int
        Of all random numbers; one seed gives one result.
    engine : {"geatpy", "pymoo"}
        Library that carries the algorithms.

    Raises
    ------
    ValueError
        Listing every setting out of range.
    """

    population: int
    generations: int
    crossover: float
    mutation: float
    seed: int
    engine: Literal["geatpy", "pymoo"] = "geatpy"

    def __post_init__(self) -> None:
        problems = []
        for name, least in (("population", _SMALLEST_POPULATION), ("generations", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
                problems.append(f"{name} must be an integer of at least {least}, got {value!r}")
        for name, most in (("crossover", 1.0), ("mutation", 2.0)):
            value = getattr(self, name)
            if not isinstance(value, numbers.Real) or not 0.0 <= float(value) <= most:
                problems.append(f"{name} must be within [0, {most:g}], got {value!r}")
        if self.engine not in engines.MODULES:
            problems.append(f"engine must be one of {sorted(engines.MODULES)}, got {self.engine!r}")
        if problems:
            raise ValueError("search settings: " + "; ".join(problems))


@dataclass(frozen=True, eq=False)
class Result:
    """What a search found.

    Attributes
    ----------
    decisions : array, dims (solution, decision)
        Decoded. One solution for one objective: the best individual of the whole run.
    objectives : array, dims (solution, objective)
        Values of the solutions.
    feasible : bool
        Whether the solutions meet every constraint. If no individual ever did, the one solution
        is the individual of least violation.
    evaluations : int
        Individuals evaluated: population times generations.
    history : xr.Dataset, dims (generation, objective)
        ``best``, least feasible value so far of each objective; ``mean`` over the feasible
        survivors; both NaN where there are none. ``feasible``, number of feasible survivors, and
        ``evaluations``, cumulative, have dims (generation). Generations count from 1.
    """

    decisions: Array
    objectives: Array
    feasible: bool
    evaluations: int
    history: xr.Dataset


def differential_evolution(problem: Problem, settings: Settings) -> Result:
    """Minimise one objective by differential evolution, DE/rand/1/bin.

    Each target x[i] meets a trial that takes a variable from the donor

        v = x[r1] + F (x[r2] - x[r3])

    with the probability of crossover, and at least one. A trial that is better takes the target's
    place; equals do not, unlike in Storn and Price.

    Parameters
    ----------
    problem : Problem
        With one objective.
    settings : Settings
        ``mutation`` is the differential weight F.

    Returns
    -------
    Result
        With one solution.

    Raises
    ------
    ValueError
        If F is zero, the problem has several objectives, or a value is not finite.
    bcopt.methods.engines.EngineNotInstalledError
        If the engine is missing.

    Notes
    -----
    Beyond a bound, geatpy clips the donor; pymoo draws it anew between bound and base vector. The
    certain variable is drawn in advance in geatpy, and only where none was taken in pymoo.

    References
    ----------
    Storn, Price (1997), doi:10.1023/A:1008202821328.
    """
    if not settings.mutation > 0:
        raise ValueError(f"differential_evolution: mutation (the weight F) must be above 0, got {settings.mutation}")
    run = _Run(problem, settings, "differential_evolution", several=False)
    engines.load(settings.engine).differential_evolution(run.task)
    return run.best()


def genetic_algorithm(problem: Problem, settings: Settings) -> Result:
    """Minimise one objective by a real-coded, elitist genetic algorithm.

    Binary tournaments, simulated binary crossover and polynomial mutation (distribution index 20);
    the best of parents and offspring survive, so the best individual is never lost.

    Parameters
    ----------
    problem : Problem
        With one objective.
    settings : Settings
        ``mutation`` is the probability of each variable.

    Returns
    -------
    Result
        With one solution.

    Raises
    ------
    ValueError
        If the mutation exceeds 1, the problem has several objectives, or a value is not finite.
    bcopt.methods.engines.EngineNotInstalledError
        If the engine is missing.

    Notes
    -----
    A pair crosses over in about half of its variables. geatpy's crossover ignores the bounds and
    its mutation clips to them; pymoo's crossover stays within them.
    """
    _check_probability("genetic_algorithm", settings.mutation)
    run = _Run(problem, settings, "genetic_algorithm", several=False)
    engines.load(settings.engine).genetic_algorithm(run.task)
    return run.best()


def nsga2(problem: Problem, settings: Settings) -> Result:
    """Minimise several objectives by NSGA-II.

    Individuals rank by non-domination, then by crowding distance; crossover and mutation are those
    of :func:`genetic_algorithm`.

    Parameters
    ----------
    problem : Problem
        With two or more objectives.
    settings : Settings
        ``mutation`` is the probability of each variable.

    Returns
    -------
    Result
        The non-dominated feasible individuals of the last generation in ascending order of the
        first objective; of individuals with equal objectives, one.

    Raises
    ------
    ValueError
        If the mutation exceeds 1, the problem has one objective, or a value is not finite.
    bcopt.methods.engines.EngineNotInstalledError
        If the engine is missing.

    References
    ----------
    Deb, Pratap, Agarwal, Meyarivan (2002), doi:10.1109/4235.996017.
    """
    _check_probability("nsga2", settings.mutation)
    run = _Run(problem, settings, "nsga2", several=True)
    engines.load(settings.engine).nsga2(run.task)
    return run.front()


def _check_probability(method: str, mutation: float) -> None:
    """Refuse a differential weight where a probability is meant."""
    if mutation > 1:
        raise ValueError(f"{method}: mutation is a probability here and must be within [0, 1], got {mutation}")


class _Run:
    """Evaluates for the engine, and keeps the best individual and the history.

    The first generation is evaluated on construction, since an engine must know the number of
    objectives before it starts.
    """

    def __init__(self, problem: Problem, settings: Settings, method: str, *, several: bool) -> None:
        self._problem = problem
        self._free = problem.lower < problem.upper
        self._evaluations = 0
        self._rank = (math.inf, math.inf)
        self._incumbent = (np.empty(0), np.empty(0))
        self._lowest: Array = np.array([np.nan])
        self._records: list[tuple[Array, Array, int, int]] = []
        first, then = np.random.SeedSequence(int(settings.seed)).spawn(2)
        lower, upper = problem.lower[self._free], problem.upper[self._free]
        size = (int(settings.population), lower.size)
        initial = self._evaluate(np.random.default_rng(first).uniform(lower, upper, size))
        count = initial.objectives.shape[1]
        if several != (count > 1):
            raise ValueError(f"{method} minimises {'several objectives' if several else 'one objective'}, got {count}")
        self._survivors = initial
        self.task = Task(
            evaluate=self._evaluate,
            observe=self._observe,
            initial=initial,
            lower=lower,
            upper=upper,
            constrained=problem.violations is not None,
            generations=int(settings.generations),
            crossover=float(settings.crossover),
            mutation=float(settings.mutation),
            seed=int(then.generate_state(1)[0]),
        )

    def best(self) -> Result:
        """Return the best individual of the run."""
        decisions, objectives = self._incumbent
        return self._result(decisions[np.newaxis], objectives[np.newaxis], feasible=self._rank[0] == 0)

    def front(self) -> Result:
        """Return the non-dominated feasible survivors."""
        feasible = np.flatnonzero(self._survivors.violation == 0)
        if not feasible.size:
            return self.best()
        objectives = self._survivors.objectives[feasible]
        efficient = feasible[pareto.non_dominated(objectives)]
        values, index = np.unique(self._survivors.objectives[efficient], axis=0, return_index=True)
        return self._result(self._decode(self._survivors.genotype[efficient[index]]), values, feasible=True)

    def _result(self, decisions: Array, objectives: Array, *, feasible: bool) -> Result:
        return Result(decisions.copy(), objectives.copy(), feasible, self._evaluations, self._history())

    def _decode(self, genotype: Array) -> Array:
        """Add the fixed variables and decode (read-only, so that values belong to their decisions)."""
        complete = np.tile(self._problem.lower, (len(genotype), 1))
        complete[:, self._free] = genotype
        if self._problem.decode is not None:
            complete = finite_rows("decode", self._problem.decode(complete), complete)
        complete.setflags(write=False)
        return complete

    def _evaluate(self, genotype: Array) -> Evaluation:
        decisions = self._decode(genotype)
        objectives = finite_rows("objectives", self._problem.objectives(decisions), decisions)
        violation = np.zeros(len(genotype))
        if self._problem.violations is not None:
            excess = finite_rows("violations", self._problem.violations(decisions), decisions)
            violation = np.maximum(excess, 0.0).sum(axis=1)
        self._evaluations += len(genotype)
        self._keep(decisions, objectives, violation)
        return Evaluation(genotype, objectives, violation)

    def _keep(self, decisions: Array, objectives: Array, violation: Array) -> None:
        """Update the best individual (least violation first) and the least of each objective."""
        index = np.lexsort((objectives[:, 0], violation))[0]
        rank = (float(violation[index]), float(objectives[index, 0]))
        if rank < self._rank:
            self._rank = rank
            self._incumbent = (decisions[index].copy(), objectives[index].copy())
        feasible = objectives[violation == 0]
        if len(feasible):
            self._lowest = np.fmin(self._lowest, feasible.min(axis=0))

    def _observe(self, survivors: Evaluation) -> None:
        self._survivors = survivors
        feasible = survivors.objectives[survivors.violation == 0]
        undefined = np.full(survivors.objectives.shape[1], np.nan)
        mean = feasible.mean(axis=0) if len(feasible) else undefined
        self._records.append((np.fmin(self._lowest, undefined), mean, len(feasible), self._evaluations))

    def _history(self) -> xr.Dataset:
        best, mean, feasible, evaluations = zip(*self._records, strict=True)
        both = ("generation", "objective")
        return xr.Dataset(
            {
                "best": (both, np.array(best), _named("least feasible value so far", "as the objective")),
                "mean": (both, np.array(mean), _named("mean over the feasible survivors", "as the objective")),
                "feasible": ("generation", np.array(feasible), _named("feasible survivors", "1")),
                "evaluations": ("generation", np.array(evaluations), _named("individuals evaluated so far", "1")),
                "generation": ("generation", np.arange(1, len(best) + 1), _named("generation", "1")),
                "objective": ("objective", np.arange(best[0].size), _named("objective", "1")),
            }
        )


def _named(long_name: str, units: str) -> dict[str, str]:
    return {"long_name": long_name, "units": units}
