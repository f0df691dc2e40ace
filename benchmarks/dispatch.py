"""Time the dispatch by prices against its size, and beside it the central quadratic programme."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import linopy
import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.methods.admm import Array, Result, exchange
from bcopt.methods.decoders import project_to_total
from bcopt.methods.quadratic import PersistentQuadratic
from bcopt.methods.tracking import Rooms
from benchmarks.timing import show

HOURS = 24
HOUR = xr.DataArray(np.zeros(HOURS), dims="hour", coords={"hour": np.arange(HOURS)})
PRICE = np.select([np.arange(HOURS) < 8, np.isin(np.arange(HOURS), [10, 11, 14, 15, 16, 17, 18])], [0.27, 1.19], 0.70)
CARRIERS = ["electricity", "cooling"]
SHIFT = 0.06
PENALTY = 1e-3
CHUNK = 1000


@dataclass(frozen=True, eq=False)
class Consumers:
    """Synthetic consumers: demands (consumer, carrier, hour) [kW], curvatures (consumer, carrier) and rooms."""

    demand: Array
    curvature: Array
    persistence: Array
    gain: Array
    band: Array

    @classmethod
    def draw(cls, count: int) -> Consumers:
        """Draw consumers of 0.4 to 1.5 MW whose rooms keep a comfort band of 2 to 4 K."""
        generator, hour = np.random.default_rng(1), np.arange(HOURS)
        day = np.clip(np.sin((hour - 5) / 15 * np.pi), 0, None)
        size = generator.uniform(400, 1500, (count, 1))
        noise = generator.uniform(0.9, 1.1, (2, count, HOURS))
        electricity = size * (0.25 + 0.75 * np.roll(day, 1) * generator.uniform(0.5, 1, (count, 1))) * noise[0]
        cooling = size * generator.uniform(0.8, 1.4, (count, 1)) * np.where(day > 0, 0.15 + 0.85 * day, 0) * noise[1]
        return cls(
            np.stack([electricity, cooling], axis=1),
            np.array([0.7, 0.7]) / size,
            generator.uniform(0.7, 0.95, count),
            generator.uniform(0.5, 2, count) / size[:, 0] / 1.2,
            generator.uniform(2, 4, count),
        )

    @property
    def most_cooling(self) -> Array:
        """Largest cooling, none in hours without demand."""
        return 2 * self.demand[:, 1]


class Steps:
    """The proximal steps of consumers, each started from the one before, and of their provider."""

    def __init__(self, consumers: Consumers) -> None:
        self.of, demand = consumers, consumers.demand
        room = consumers.persistence, consumers.gain, consumers.band
        self.rooms = Rooms(-demand[:, 1], consumers.most_cooling - demand[:, 1], *room)
        self.near = np.zeros_like(demand[:, 1])
        self.kept = PersistentQuadratic(provider_model())

    def consumers(self, target: Array, penalty: float) -> Array:
        """Return the loads nearest to what benefit and target ask for together."""
        demand, weight = self.of.demand, self.of.curvature[:, :, np.newaxis] / penalty
        wish = (weight * demand + target) / (weight + 1)
        loads = np.empty_like(wish)
        for start in range(0, len(wish), CHUNK):
            part, own = slice(start, start + CHUNK), demand[start : start + CHUNK, 0]
            band = (1 - SHIFT) * own, (1 + SHIFT) * own
            loads[part, 0] = project_to_total(wish[part, 0], *band, own.sum(axis=1))
        self.near = self.rooms.project(wish[:, 1] - demand[:, 1], self.near)
        loads[:, 1] = demand[:, 1] + self.near
        return loads

    def provider(self, target: Array, penalty: float) -> Array:
        """Return the supply per consumer."""
        self.kept.curvature("supply", penalty)
        self.kept.costs("supply", -penalty * target.T)
        self.kept.solve()
        return self.kept.value("supply").to_numpy().T


def provider_model(size: float = 1 / 3) -> linopy.Model:
    """Build a provider: grid, turbine with heat recovery and absorption, chillers and an ice tank; three per size 1."""
    model = linopy.Model()
    add_provider(model, size)
    return model


def add_provider(model: linopy.Model, size: float) -> linopy.Variable:
    """Add the provider's variables, balances and cost and return its supply, dims (hour, carrier)."""

    def flow(name: str, upper: npt.NDArray[Any] | float, lower: npt.NDArray[Any] | float = 0.0) -> linopy.Variable:
        return model.add_variables(lower=lower + HOUR, upper=upper + HOUR, name=name)

    hour = np.arange(HOURS, dtype=float)
    on = np.where((hour >= 9) & (hour < 21), size, 0.0).astype(float)
    bought, sold = flow("purchase", np.inf), flow("sale", 1000 * size)
    turbine, heat, absorption = flow("turbine", 600 * on, 180 * on), flow("heat", np.inf), flow("absorption", np.inf)
    sun = flow("photovoltaics", 250 * size * np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None))
    chiller, spare = flow("chiller", 2600 * size), flow("spare", np.inf)
    charge, discharge, energy = flow("charge", 500 * size), flow("discharge", 500 * size), flow("ice", 3000 * size)
    carrier = xr.DataArray(np.zeros(2), dims="carrier", coords={"carrier": CARRIERS})
    supply = model.add_variables(lower=HOUR + carrier, name="supply")
    model.add_constraints(heat - 0.8 * (0.9 / 0.33 - 1) * turbine <= 0, name="heat")
    model.add_constraints(absorption - 1.2 * heat <= 0, name="absorption")
    model.add_constraints(energy - 0.99 * energy.roll(hour=1) - charge + discharge == 0, name="ice")
    made = bought - sold + turbine + sun - chiller / 3.0 - charge / 2.4 - spare / 2.5
    model.add_constraints(made - supply.sel(carrier="electricity") == 0, name="electricity")
    cold = chiller + absorption + discharge + spare
    model.add_constraints(cold - supply.sel(carrier="cooling") == 0, name="cooling")
    fuel = 3.45 / 9.7 / 0.33 + 0.08
    running = fuel * turbine + 0.1 * chiller + 0.1 * charge + 0.03 * discharge + 0.02 * absorption + 0.15 * spare
    model.add_objective((bought * HOUR.copy(data=PRICE) - 0.3 * sold + running).sum())
    return supply


def central_model(consumers: Consumers) -> linopy.Model:
    """Build the programme of provider and consumers together."""
    model, count = linopy.Model(), len(consumers.band)
    supply = add_provider(model, count / 3)
    each = xr.DataArray(np.zeros(count), dims="consumer", coords={"consumer": np.arange(count)}) + HOUR
    demand = [each.copy(data=consumers.demand[:, carrier]) for carrier in (0, 1)]
    most = each.copy(data=consumers.most_cooling)
    electricity = model.add_variables(lower=(1 - SHIFT) * demand[0], upper=(1 + SHIFT) * demand[0], name="shifted")
    cooling = model.add_variables(lower=0 * each, upper=most, name="cooled")
    band, gain, share = (
        each + each.isel(hour=0, drop=True).copy(data=values)
        for values in (consumers.band, consumers.gain, consumers.persistence)
    )
    room = model.add_variables(lower=-band, upper=band, name="room")
    model.add_constraints(electricity.sum("hour") == demand[0].sum("hour"), name="total")
    model.add_constraints(room - share * room.roll(hour=1) + gain * cooling == gain * demand[1], name="rooms")
    for carrier, load in zip(CARRIERS, (electricity, cooling), strict=True):
        model.add_constraints(load.sum("consumer") - supply.sel(carrier=carrier) == 0, name=f"{carrier} balance")
    objective = 1 * model.objective.expression
    for number, load in enumerate((electricity, cooling)):
        bent = each + each.isel(hour=0, drop=True).copy(data=consumers.curvature[:, number])
        objective = objective + (0.5 * bent * load * load - bent * demand[number] * load).sum()
    model.add_objective(objective, overwrite=True)
    return model


def agreed(consumers: Consumers, adaptive: bool = False) -> Result:
    """Let consumers and provider agree to 1e-5, starting from the tariff."""
    steps = Steps(consumers)
    first = np.stack([PRICE, PRICE / 3])
    return exchange(steps.consumers, steps.provider, consumers.demand, PENALTY, adaptive=adaptive, price=first)


def main() -> None:
    """Compare the times of agreement, and of the central programme, with those for other numbers of consumers."""
    for count in (3, 10, 30, 60, 100, 1000, 10_000):
        drawn = Consumers.draw(count)
        start = time.perf_counter()
        result = agreed(drawn)
        own = time.perf_counter() - start
        sys.stdout.write(f"{count} consumers agree in {result.iterations} iterations, {own:.2f} s\n")
        if count <= 60:
            kept = PersistentQuadratic(central_model(drawn))
            report = kept.solve()
            off = float(np.abs(result.loads[:, 0] - kept.value("shifted").to_numpy()).max())
            off = max(off, float(np.abs(result.loads[:, 1] - kept.value("cooled").to_numpy()).max()))
            show(
                f"{count} consumers, optimum {report.objective:.6f}, loads differ by at most {off:.3f} kW",
                [("agreed by prices", own, "central quadratic programme", report.seconds)],
            )


if __name__ == "__main__":
    main()
