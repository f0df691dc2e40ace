"""Dispatch agreed between consumers and their provider through prices: the alternating direction method of multipliers.

    min  sum_n f_n(x_n) + g(s)    subject to  sum_n x_n = s

The provider's cost depends on the sum alone, so that the dual of ``x_n = supply_n`` is one price for all consumers: the
sharing problem, whose steps need nothing but averages.

With means over the consumers m = mean(x), supply per consumer z = s/N and price p = penalty u, repeat

    x_n <- argmin f_n(x) + penalty/2 |x - (x_n - m + z - u)|^2       all consumers at once
    z   <- argmin g(N z)/N + penalty/2 |z - (m + u)|^2               the provider, per average consumer
    u   <- u + m - z

Copies of x_n that add up to s are z_n = x_n - m + z. The residuals, as root mean squares over the N consumers, are

    primal = |m - z|,    dual = penalty sqrt(mean over n of |z_n - z_n before|^2),

and the method stops where, with the number d of entries of z,

    primal <= sqrt(d) absolute + tolerance max(rms |x_n|, rms |z_n|),  dual <= sqrt(d) absolute + tolerance |price|.

Written per average consumer, N identical consumers take the steps of one: their number does not matter. The penalty
does. It is a price change per change of load, and three things set the pace.

- Where the provider's price stands, consumers of curvature c approach their answer by penalty/(penalty + c) a step: a
  benefit v L - v L^2/(2 Lmax) has c = v/Lmax, which is 1e-3 yuan/kWh per kW for 1 yuan/kWh and 1 MW.
- Where the supply stands, at a kink of the provider's cost, the price has to move until the consumers come to it.
- Where neither answers, as all consumers are at a bound and the supply is at a kink, loads and supply differ by the
  same amount at every step and the price moves by the penalty times that amount: a single such entry can take hundreds
  of steps with a small penalty while all others have settled.

The first asks for a small penalty, the last for a large one. The adaptive penalty, the default, doubles while an entry
drifts and halves while consumers approach; expect 6 to 50 steps to 1e-5, and a first penalty ten times too large or too
small to cost less than twice the steps. A fixed one near the smallest of the curvatures takes about as many where no
entry drifts. Over-relaxation is left out: entries at a bound turn it into an oscillation that dies by 0.6 a step
at 1.6, which is slower than the adaptive penalty alone.

The tolerance bounds the last step, not the distance to the answer. The loads are nearly optimal long before they are
exact, as the cost is flat there.

References: Boyd et al. (2011), sections 7.3 (sharing), 3.3 (residuals and stopping) and 3.4.1 (varying penalty),
https://doi.org/10.1561/2200000016; residuals compared in units of their tolerances as in Wohlberg (2017),
https://doi.org/10.48550/arXiv.1704.06209. frontiers2022, section 3.4, https://doi.org/10.3389/fenrg.2022.865190.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Step = Callable[[Array, float], Array]
"""From a target and a penalty to argmin of a cost plus penalty/2 |. - target|^2, in the shape of the target."""

RATIO = 10.0  # of the residuals, each in units of its tolerance, beyond which an adaptive penalty changes
FACTOR = 2.0  # by which it changes


class NotConverged(RuntimeError):  # noqa: N818 (reads as a state)
    """The residuals did not fall below their tolerances within the steps allowed."""


@dataclass(frozen=True, eq=False)
class Result:
    """What consumers and provider agreed on, and how.

    Parameters
    ----------
    loads : array, dims (consumer, ...)
        Each consumer's x_n.
    supply : array, dims (...)
        The provider's s, which the loads add up to within the tolerance.
    price : array, dims (...)
        Dual of the balance, dg/ds = -df_n/dx_n, in money per unit of load.
    iterations : int
        Steps taken.
    primal, dual : array, dims (iteration)
        Norms of the residuals after each step, as root mean squares over the consumers.
    penalty : array, dims (iteration)
        The penalty of each step.
    """

    loads: Array
    supply: Array
    price: Array
    iterations: int
    primal: Array
    dual: Array
    penalty: Array


def exchange(
    consumers: Step,
    provider: Step,
    start: Array,
    penalty: float,
    tolerance: float = 1e-5,
    adaptive: bool = True,
    limit: int = 1000,
    price: Array | None = None,
    absolute: float = 1e-9,
) -> Result:
    """Find the loads, the supply and the price at which consumers and provider agree.

    Parameters
    ----------
    consumers, provider : callable
        The first two steps: from a target, dims (consumer, ...) and (...), and the penalty to x and z in that shape.
    start : array, dims (consumer, ...)
        First loads; the first supply is their sum.
    penalty : float
        Weight of disagreement, positive [money per unit of load squared].
    tolerance, absolute : float
        Relative tolerance of both residuals [-], and absolute one an entry, in the units of load and of price.
    adaptive : bool
        Double or halve the penalty, in the first half of the steps allowed, where one residual is ten times the other.
    limit : int
        Steps allowed.
    price : array, dims (...), optional
        First price, zero by default. It changes the path, not the answer.

    Raises
    ------
    ValueError
        For a penalty, a tolerance or a limit that is not positive, or arrays of other shapes or not finite.
    NotConverged
        Where the limit is reached, with the last residuals and the entry that adds most to each.
    """
    loads = np.array(start, float)
    first = np.zeros(loads.shape[1:]) if price is None else np.array(price, float)
    _check(loads, first, penalty, tolerance, absolute, limit)
    scaled, copies, least = first / penalty, loads, np.sqrt(first.size) * absolute
    history: list[tuple[float, float, float]] = []
    for count in range(1, limit + 1):
        loads = _answer("consumers", consumers(copies - scaled, penalty), loads.shape)
        mean = loads.mean(axis=0)
        supply = _answer("provider", provider(mean + scaled, penalty), mean.shape)
        scaled = scaled + mean - supply
        before, copies = copies, loads + (supply - mean)
        history.append((float(np.linalg.norm(mean - supply)), penalty * _size(copies - before), penalty))
        largest = max(_size(loads), _size(copies)), penalty * float(np.linalg.norm(scaled))
        primal, dual = (left / (least + tolerance * of) for left, of in zip(history[-1], largest, strict=False))
        if max(primal, dual) <= 1.0:
            return Result(loads, len(loads) * supply, penalty * scaled, count, *np.array(history).T)
        if adaptive and 2 * count <= limit:
            change = _change(primal, dual)
            penalty, scaled = penalty * change, scaled / change
    moved = history[-1][2] * np.sqrt(np.square(copies - before).mean(axis=0))
    left = f"{_left(mean - supply, 'loads', primal)} and {_left(moved, 'prices', dual)}"
    raise NotConverged(f"after {limit} steps the residuals are still {left}")


def _check(loads: Array, price: Array, penalty: float, tolerance: float, absolute: float, limit: int) -> None:
    """Refuse data with which no step is possible."""
    problems = []
    if loads.ndim < 2 or not loads.size:
        problems.append(f"start must have the dims (consumer, ...), it has the shape {loads.shape}")
    if price.shape != loads.shape[1:]:
        problems.append(f"price must have the shape {loads.shape[1:]} of one consumer's load, it has {price.shape}")
    problems += [
        f"{name} must be finite, {np.count_nonzero(~np.isfinite(values))} entries are not"
        for name, values in (("start", loads), ("price", price))
        if not np.isfinite(values).all()
    ]
    problems += [
        f"{name} must be positive and finite, it is {value}"
        for name, value in (("penalty", penalty), ("tolerance", tolerance), ("absolute", absolute), ("limit", limit))
        if not 0 < value < np.inf
    ]
    if problems:
        raise ValueError(f"exchange: {'; '.join(problems)}")


def _answer(name: str, values: Array, shape: tuple[int, ...]) -> Array:
    """Return a step's answer, refusing one that cannot be used."""
    if np.shape(values) != shape or not np.isfinite(values).all():
        raise ValueError(f"exchange: the {name} must answer with finite values of the shape {shape}")
    return np.asarray(values, float)


def _left(values: Array, what: str, share: float) -> str:
    """Describe a residual, given its entries and its size in units of its tolerance, and where it is largest."""
    where = np.unravel_index(np.abs(values).argmax(), values.shape)
    most = f"entry {', '.join(map(str, where))} with {values[where]:.3g}"
    return f"{np.linalg.norm(values):.3g} of {what}, {share:.3g} times the tolerance, most at {most}"


def _change(primal: float, dual: float) -> float:
    """Return the factor by which the penalty changes, given the residuals in units of their tolerances."""
    if primal > RATIO * dual:
        return FACTOR
    return 1 / FACTOR if dual > RATIO * primal else 1.0


def _size(values: Array) -> float:
    """Return the root mean square, over the consumers, of the norm of each."""
    return float(np.linalg.norm(values) / np.sqrt(len(values)))
