"""What an evolutionary engine is given and must do, and how one is loaded.

An adapter is a module with the three functions of :class:`Engine`. Only adapters import the
library they are named after, and only when a search asks for it.
"""

from __future__ import annotations

import importlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MODULES = MappingProxyType(
    {
        "geatpy": "bcopt.methods.engines.geatpy_engine",
        "pymoo": "bcopt.methods.engines.pymoo_engine",
    }
)
"""Adapter module of each engine."""

DISTRIBUTION_INDEX = 20.0
"""Spread of simulated binary crossover and polynomial mutation, alike in both engines [-]."""


class EngineNotInstalledError(ImportError):
    """The library behind the requested engine cannot be imported."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Values of a set of individuals, one row each.

    Attributes
    ----------
    genotype : array, dims (individual, variable)
        Free variables only.
    objectives : array, dims (individual, objective)
        Minimised.
    violation : array, dims (individual)
        Sum of what exceeds zero over the constraints; zero where feasible.
    """

    genotype: Array
    objectives: Array
    violation: Array


@dataclass(frozen=True, eq=False)
class Task:
    """One run, stripped of everything an engine need not know.

    Attributes
    ----------
    evaluate : callable, array (individual, variable) -> Evaluation
        Called once per generation after the first.
    observe : callable
        Takes the survivors of each generation, the first included.
    initial : Evaluation
        The first generation, evaluated.
    lower, upper : array, dims (variable)
        Bounds of the genotype, ``lower < upper`` throughout.
    constrained : bool
        Whether violations can be positive.
    generations : int
        Generations to run, the first included.
    crossover, mutation : float
        Rates, as in :class:`bcopt.methods.search.Settings` [-].
    seed : int
        Seed of the engine's own random numbers, below 2**32.
    """

    evaluate: Callable[[Array], Evaluation]
    observe: Callable[[Evaluation], None]
    initial: Evaluation
    lower: Array
    upper: Array
    constrained: bool
    generations: int
    crossover: float
    mutation: float
    seed: int


def finite_rows(name: str, values: npt.ArrayLike, individuals: Array) -> Array:
    """Check that a function of a population returned one finite row per individual, and copy it.

    Parameters
    ----------
    name : str
        Function, for the message.
    values : array, dims (individual, column)
        What it returned.
    individuals : array, dims (individual, variable)
        What it was given.

    Raises
    ------
    ValueError
        If the shape is wrong, or naming the first individual with a value that is not finite.
    """
    matrix = np.array(values, dtype=float)
    if matrix.ndim != 2 or len(matrix) != len(individuals) or not matrix.shape[1]:
        raise ValueError(f"{name} must return one row for each of {len(individuals)} individuals, got {matrix.shape}")
    bad = np.argwhere(~np.isfinite(matrix))
    if len(bad):
        row, column = bad[0].tolist()
        raise ValueError(
            f"{name}: column {column} of individual {row} is {matrix[row, column]} "
            f"({len(np.unique(bad[:, 0]))} of {len(matrix)} individuals are not finite), at {individuals[row].tolist()}"
        )
    return matrix


class Engine(Protocol):
    """The functions of an adapter; each runs a task to its last generation."""

    def differential_evolution(self, task: Task) -> None:
        """Run DE/rand/1/bin."""

    def genetic_algorithm(self, task: Task) -> None:
        """Run a real-coded genetic algorithm in which parents and offspring compete."""

    def nsga2(self, task: Task) -> None:
        """Run NSGA-II."""


def load(name: str) -> Engine:
    """Import the adapter of an engine.

    Parameters
    ----------
    name : str
        One of :data:`MODULES`.

    Raises
    ------
    ValueError
        If there is no such engine.
    EngineNotInstalledError
        If its library is missing; the message says which engine to choose instead.
    """
    if name not in MODULES:
        raise ValueError(f"search.engine: there is no engine {name!r}, choose one of {sorted(MODULES)}")
    try:
        return cast(Engine, importlib.import_module(MODULES[name]))
    except ImportError as error:
        others = " or ".join(repr(other) for other in MODULES if other != name)
        raise EngineNotInstalledError(
            f"search.engine = {name!r} cannot be imported on Python {platform.python_version()}, "
            f"{platform.system()} {platform.machine()} ({error}): choose search.engine = {others}"
        ) from error
