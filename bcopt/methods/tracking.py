"""The nearest cooling that keeps rooms in their comfort band: a projection, for very many consumers at once.

A consumer's proximal step with a quadratic benefit whose curvature is the same in every hour is a projection, of

    argmin  curvature/2 |y - wish|^2 + penalty/2 |y - target|^2,   the weighted mean of wish and target,

onto what the consumer's equipment and comfort admit. Where that is a box and a total, as for shiftable electricity,
:func:`bcopt.methods.decoders.project_to_total` does it; where a room stores the cooling, :class:`Rooms` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import linopy
import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.methods.cyclic import Cyclic
from bcopt.methods.solver import NotSolved, solve

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

TOLERANCE = 1e-11  # of residuals, all data being scaled to one
ACCEPTED = 1e-9  # of residuals in the interior point method
GAP = 1e-14  # of complementarity
STIFFNESS = 1e6  # of what binds against the objective, in one Newton step; multipliers remove what it leaves
ADMITTED = 1e-7  # violation below which a consumer's bounds admit something
FIXED = 1e-12  # bounds closer than this are one
NEAR = 1e-7  # distance at which a bound counts as met
FAR = 3.0  # bounds beyond this never bind
GUESSES = 8  # of the inequalities that bind, before the interior point method is called
LIMIT = 80  # Newton steps; about ten to fifteen are usual
BACK = 0.995  # share of the way to the nearest bound that a step may go
CHUNK = 500  # consumers at a time, for the processor's cache


@dataclass(frozen=True, eq=False)
class Rooms:
    """Project cooling onto what keeps each room within its comfort band.

        minimise    sum over t of (y[t] - target[t])^2
        subject to  lower[t] <= y[t] <= upper[t],   |x[t]| <= band,   x[t] = persistence x[t-1] - gain y[t],
                    and, if balanced,  sum over t of y[t] = 0,

    the last hour preceding the first. y is a deviation of the cooling and x that of the room's temperature. In units of
    the band and of band/gain only x is left to find: y[t] = persistence x[t-1] - x[t], a cyclic tridiagonal quadratic
    programme with |y| < 2. Mehrotra's predictor-corrector method solves all consumers together, each with steps of its
    own; the loops over hours are those of the tridiagonal elimination.

    Hours with lower = upper are equalities, which have a multiplier instead of a barrier. A band of zero leaves y = 0.

    Parameters
    ----------
    lower, upper : array, dims (consumer, hour), or that broadcast
        Bounds of y [kW]; minus and plus infinity for none.
    persistence : array, dims (consumer)
        Share of a temperature deviation that is left after an hour, in (0, 1) [-].
    gain : array, dims (consumer)
        Fall of the temperature by one kW during one hour, positive [K/kW].
    band : array, dims (consumer)
        Largest temperature deviation, not negative [K].
    balanced : bool
        Whether y sums to zero over the hours.

    Raises
    ------
    ValueError
        For data out of range, naming the consumers.

    References
    ----------
    Mehrotra (1992), On the implementation of a primal-dual interior point method, https://doi.org/10.1137/0802028.
    """

    lower: Array
    upper: Array
    persistence: Array
    gain: Array
    band: Array
    balanced: bool = False

    def __post_init__(self) -> None:
        count = np.size(self.band)
        hours = np.broadcast_shapes(np.shape(self.lower), np.shape(self.upper), (1, 1))[-1]
        for name in ("persistence", "gain", "band", "lower", "upper"):
            shape = (count, hours) if name in ("lower", "upper") else (count,)
            try:
                value = np.broadcast_to(np.asarray(getattr(self, name), float), shape)
            except ValueError as error:
                raise ValueError(f"rooms: {name} has the shape {np.shape(getattr(self, name))}, not {shape}") from error
            object.__setattr__(self, name, value)
        if hours < 2:
            raise ValueError(f"rooms: the cycle needs at least two hours, got {hours}")
        allowed = {
            "persistence between 0 and 1": (self.persistence > 0) & (self.persistence < 1),
            "positive gain": (self.gain > 0) & np.isfinite(self.gain),
            "band not negative": (self.band >= 0) & np.isfinite(self.band),
            "lower <= upper": ((self.lower <= self.upper) & (self.lower < np.inf) & (self.upper > -np.inf)).all(axis=1),
        }
        problems = [f"{rule} for {_named(~kept)}" for rule, kept in allowed.items() if not kept.all()]
        if problems:
            raise ValueError(f"rooms: expected {'; '.join(problems)}")

    def project(self, target: Array, near: Array | None = None) -> Array:
        """Return the nearest admissible cooling.

        Parameters
        ----------
        target : array, dims (consumer, hour)
            Wanted deviation [kW].
        near : array, dims (consumer, hour), optional
            The answer to a similar target [kW]: what binds there is tried first. It makes the answer faster, not other.

        Returns
        -------
        array, dims (consumer, hour)
            To 1e-9 of band/gain where the method finds which bounds bind, as it nearly always does, and to 1e-6 of it
            where some bind by so little that it cannot tell.

        Raises
        ------
        ValueError
            For a target of another shape or not finite, or where nothing is admissible, naming the consumers.
        NotSolved
            For consumers who have a projection that was not found.
        """
        wanted = np.asarray(target, float)
        if wanted.shape != self.lower.shape or not np.isfinite(wanted).all():
            raise ValueError(f"rooms: expected finite targets of the shape {self.lower.shape}, got {wanted.shape}")
        guess = np.zeros_like(wanted) if near is None else near
        found, solved = np.zeros(wanted.shape), np.empty(self.band.size, bool)
        for start in range(0, self.band.size, CHUNK):
            part = slice(start, start + CHUNK)
            found[part], solved[part] = self._part(part, wanted[part], guess[part])
        if not solved.all():
            self._refuse(~solved)
        return found

    def _refuse(self, unsolved: Mask) -> None:
        """Raise what consumers without answer deserve: an error for those that can have none, or for all of them."""
        which = np.flatnonzero(unsolved & (self.band > 0))
        unit = (self.band / self.gain)[which, np.newaxis]
        impossible, scaled = unsolved.copy(), (self.lower[which] / unit, self.upper[which] / unit)
        if which.size:
            impossible[which] = _missing(*scaled, self.persistence[which], self.balanced) > ADMITTED
        if impossible.any():
            raise ValueError(f"rooms: nothing between lower and upper keeps within the band for {_named(impossible)}")
        raise NotSolved("not solved to the tolerance", f"  rooms: the projection of {_named(unsolved)}")

    def _part(self, part: slice, target: Array, near: Array) -> tuple[Array, Mask]:
        """Return the projection of some consumers and which have one."""
        lower, upper = self.lower[part], self.upper[part]
        rigid = self.band[part] == 0
        unit = np.where(rigid, 1.0, self.band[part] / self.gain[part])[:, np.newaxis]
        found, free = np.zeros(target.shape), np.flatnonzero(~rigid)
        solved = rigid & (lower <= 0).all(axis=1) & (upper >= 0).all(axis=1)
        if free.size:
            low, high, wanted, guess = ((values[free] / unit[free]).T for values in (lower, upper, target, near))
            share = self.persistence[part][free]
            y, solved[free] = _projected(_Batch.of(low, high, wanted, share, self.balanced), guess)
            found[free] = np.clip(y.T * unit[free], lower[free], upper[free])
        return found, solved


def _missing(lower: Array, upper: Array, persistence: Array, balanced: bool) -> Array:
    """Return by how much the bounds of each consumer must give way, |x| <= 1, to admit anything."""
    model = linopy.Model()
    low, high = (xr.DataArray(np.clip(side, -FAR, FAR), dims=("consumer", "hour")) for side in (lower, upper))
    share = xr.DataArray(persistence, dims="consumer")
    x = model.add_variables(lower=0 * low - 1, upper=0 * low + 1, name="temperature")
    missing = model.add_variables(lower=0 * share, name="missing")
    y = share * x.roll(hour=1) - x
    model.add_constraints(y + missing >= low, name="lower")
    model.add_constraints(y - missing <= high, name="upper")
    if balanced:
        model.add_constraints(x.sum("hour") == 0, name="balance")
    model.add_objective(missing.sum())
    solve(model)
    return np.asarray(model.solution["missing"].to_numpy())


def _named(which: Mask) -> str:
    """Return the numbers of some consumers, the first ten of many."""
    numbers = np.flatnonzero(which)
    more = f" and {numbers.size - 10} more" if numbers.size > 10 else ""
    return f"consumer {', '.join(map(str, numbers[:10]))}{more}"


def _projected(batch: _Batch, near: Array) -> tuple[Array, Mask]:
    """Return y and for which consumers it exists: from the bounds met nearby, or else by the interior point method."""
    x = Cyclic.of(np.ones_like(near), np.zeros_like(near), batch.persistence).solve(batch.transposed(near))
    x, solved = batch.active_set(batch.groups(x) + batch.offset <= NEAR)
    rest = np.flatnonzero(~solved)
    if rest.size:
        with np.errstate(all="ignore"):  # where nothing is admissible, the steps diverge
            x[:, rest], solved[rest] = batch.part(rest).interior_point()
    return batch.cooling(x), solved


@dataclass(frozen=True, eq=False)
class _Batch:
    """min weight/2 |C x - target|^2 subject to G x + offset >= 0, where G = [C, -C, I, -I]; dims (hour, consumer).

    In the fixed hours the first two groups are far away, and C x has the value given. ``weight`` brings the gradient to
    the size of one.
    """

    target: Array
    offset: Array
    fixed: Mask
    value: Array
    persistence: Array
    balanced: bool

    @classmethod
    def of(cls, lower: Array, upper: Array, target: Array, persistence: Array, balanced: bool) -> _Batch:
        """Cut bounds to where they can bind."""
        fixed = upper - lower <= FIXED
        least, most = np.where(fixed, -FAR, np.maximum(lower, -FAR)), np.where(fixed, FAR, np.minimum(upper, FAR))
        offset = np.stack([-least, most, np.ones_like(least), np.ones_like(least)])
        return cls(target, offset, fixed, np.where(fixed, lower, 0.0), persistence, balanced)

    def part(self, which: npt.NDArray[np.intp]) -> _Batch:
        """Return some consumers."""
        return _Batch(
            self.target[:, which],
            self.offset[:, :, which],
            self.fixed[:, which],
            self.value[:, which],
            self.persistence[which],
            self.balanced,
        )

    @cached_property
    def weight(self) -> Array:
        """Return one over the largest target."""
        weight: Array = 1 / np.maximum(np.abs(self.target).max(axis=0), 1.0)
        return weight

    def cooling(self, x: Array) -> Array:
        """Return C x, the cooling that leads from each temperature to the next."""
        return self.persistence * np.roll(x, 1, axis=0) - x

    def transposed(self, y: Array) -> Array:
        """Return C' y."""
        return self.persistence * np.roll(y, -1, axis=0) - y

    def groups(self, x: Array) -> Array:
        """Return G x."""
        y = self.cooling(x)
        return np.stack([y, -y, x, -x])

    def gathered(self, q: Array) -> Array:
        """Return G' q."""
        gathered: Array = self.transposed(q[0] - q[1]) + q[2] - q[3]
        return gathered

    def active_set(self, active: Mask) -> tuple[Array, Mask]:
        """Guess which inequalities bind and correct the guess a few times; return x and where it proved right."""
        found, solved = np.zeros_like(self.target), np.zeros(self.weight.size, bool)
        rest, batch = np.arange(self.weight.size), self
        for _ in range(GUESSES):
            point = _Point.start(batch, np.zeros_like(batch.offset))
            stiff = np.where(active, STIFFNESS * batch.weight, 0.0)
            newton = _Newton.of(batch, stiff)
            for _ in range(2):
                slack = batch.groups(point.x) + batch.offset
                dx, dprice, dmultiplier = newton.step(point, -stiff * slack)
                point.move(1.0, dx, dprice, dmultiplier, -stiff * (slack + batch.groups(dx)))
            slack = batch.groups(point.x) + batch.offset
            worst = np.abs(np.minimum(np.where(active, point.q, slack), 0)).max(axis=(0, 1))
            worst = np.maximum(worst, np.abs(np.where(active, slack, 0)).max(axis=(0, 1)))
            right = np.maximum(worst, point.residual()) <= 10 * TOLERANCE
            found[:, rest[right]], solved[rest[right]] = point.x[:, right], True
            wrong = np.flatnonzero(~right)
            if not wrong.size:
                break
            active = np.where(active, point.q > 0, slack < 0)[..., wrong]
            rest, batch = rest[wrong], batch.part(wrong)
        return found, solved

    def interior_point(self) -> tuple[Array, Mask]:
        """Return x by Mehrotra's method, what binds there being met exactly, and where it converged."""
        p, point = np.maximum(self.offset, 0.3), _Point.start(self, np.full_like(self.offset, 0.3))
        size, done = p.shape[0] * p.shape[1], np.zeros(self.weight.size, bool)
        for _ in range(LIMIT):
            miss = self.groups(point.x) + self.offset - p
            product = p * point.q
            gap = product.sum(axis=(0, 1)) / size
            worst = np.maximum(np.abs(miss).max(axis=(0, 1)), point.residual())
            done |= (worst <= ACCEPTED) & (gap <= GAP * self.weight)
            if (done | ~np.isfinite(worst)).all():
                break
            ratio = point.q / p
            newton = _Newton.of(self, ratio)
            dx, _, _ = newton.step(point, -point.q - ratio * miss)
            dp = self.groups(dx) + miss
            dq = -point.q - ratio * dp
            length = _length(p, point.q, dp, dq)
            centring = gap * (((p + length * dp) * (point.q + length * dq)).sum(axis=(0, 1)) / size / gap) ** 3
            wanted = (centring - product - dp * dq) / p
            dx, dprice, dmultiplier = newton.step(point, wanted - ratio * miss)
            dp = self.groups(dx) + miss
            dq = wanted - ratio * dp
            length = np.where(done, 0.0, BACK * _length(p, point.q, dp, dq))
            point.move(length, dx, dprice, dmultiplier, dq)
            p += length * dp
        polished, right = self.active_set(p < point.q)
        return np.where(right, polished, point.x), done | right


def _length(p: Array, q: Array, dp: Array, dq: Array) -> Array:
    """Return the longest step up to one, for each consumer, that keeps slacks and prices from falling below zero."""
    steepest = np.maximum((-dp / p).max(axis=(0, 1)), (-dq / q).max(axis=(0, 1)))
    length: Array = 1 / np.maximum(steepest, 1.0)
    return length


@dataclass(eq=False)
class _Point:
    """Temperatures x, prices q of the inequalities, of the balance and of the fixed hours."""

    batch: _Batch
    x: Array
    q: Array
    price: Array
    multiplier: Array

    @classmethod
    def start(cls, batch: _Batch, q: Array) -> _Point:
        """Begin at x = 0 with these prices."""
        zero = np.zeros_like(batch.target)
        return cls(batch, zero, q, np.zeros_like(batch.weight), zero.copy())

    def gradient(self) -> Array:
        """Return the derivative of the Lagrangian."""
        batch = self.batch
        inner = batch.weight * (batch.cooling(self.x) - batch.target) + self.multiplier
        return batch.transposed(inner) - batch.gathered(self.q) + self.price

    def off(self) -> Array:
        """Return by how much the fixed hours are missed."""
        return np.where(self.batch.fixed, self.batch.cooling(self.x) - self.batch.value, 0.0)

    def residual(self) -> Array:
        """Return the largest violation of what is no inequality."""
        worst: Array = np.maximum(np.abs(self.gradient()).max(axis=0), np.abs(self.off()).max(axis=0))
        return np.maximum(worst, np.abs(self.x.sum(axis=0))) if self.batch.balanced else worst

    def move(self, length: Array | float, dx: Array, dprice: Array, dmultiplier: Array, dq: Array) -> None:
        """Take a step."""
        self.x += length * dx
        self.price += length * dprice
        self.multiplier += length * dmultiplier
        self.q += length * dq


@dataclass(frozen=True, eq=False)
class _Newton:
    """The matrix of a Newton step, with the balance bordering it."""

    batch: _Batch
    matrix: Cyclic
    held: Array
    column: Array | None

    @classmethod
    def of(cls, batch: _Batch, ratio: Array) -> _Newton:
        """Factorise for these weights of the inequalities."""
        held = np.where(batch.fixed, STIFFNESS * batch.weight, 0.0)
        matrix = Cyclic.of(batch.weight + ratio[0] + ratio[1] + held, ratio[2] + ratio[3], batch.persistence)
        return cls(batch, matrix, held, matrix.solve(np.ones_like(held)) if batch.balanced else None)

    def step(self, point: _Point, prices: Array) -> tuple[Array, Array, Array]:
        """Return the change of x, balance price and multipliers, the prices of G x changing by ``prices`` at dx = 0."""
        batch, off = self.batch, point.off()
        dx = self.matrix.solve(batch.gathered(prices) - point.gradient() - batch.transposed(self.held * off))
        dprice = np.zeros_like(point.price)
        if self.column is not None:
            dprice = (dx.sum(axis=0) + point.x.sum(axis=0)) / self.column.sum(axis=0)
            dx -= self.column * dprice
        return dx, dprice, self.held * (batch.cooling(dx) + off)
