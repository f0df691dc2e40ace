"""Section 3.4: the dispatch as a bargain of clusters and provider through prices, for three clusters or many."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bcopt.methods.admm import Array, Result, exchange
from bcopt.methods.decoders import project_to_total
from bcopt.methods.quadratic import PersistentQuadratic
from bcopt.methods.tracking import Rooms
from bcopt.models import dispatch
from bcopt.models.dispatch_inputs import limits, room
from bcopt.studies.frontiers2022.stages import Settled

CHUNK = 1000
"""Clusters whose electricity is projected at a time."""
DIMS = ("cluster", "carrier", "hour")
PER_CAPACITY = (
    "photovoltaics",
    "turbine_capacity",
    "turbine_fixed_fuel",
    "chiller_capacity",
    "ice_capacity",
    "ice_power",
)
"""Inputs of the provider that grow with the number of clusters."""
GOLDEN_ANGLE = 2.399963
"""Spreads the phases of copies evenly over the circle [rad]."""


def copies(inputs: xr.Dataset, number: int) -> xr.Dataset:
    """Return a district of copies of its clusters, with as many times the provider's equipment.

    Parameters
    ----------
    inputs : xr.Dataset
        Of the dispatch.
    number : int
        Copies of each cluster. Those beyond the first differ from it by up to a tenth in load and users, in steps that
        repeat, so that no two neighbours are alike.
    """
    size = inputs.sizes["cluster"]
    copy = np.arange(size * number) // size
    many = inputs.isel(cluster=np.tile(np.arange(size), number))
    factor = xr.DataArray(1 + 0.1 * np.sin(GOLDEN_ANGLE * copy), dims="cluster")
    scales = {"load": factor, "agreed": factor, "room_resistance": 1 / factor,
              "satiation": 1 / factor, "loss_quadratic": 1 / factor} | dict.fromkeys(PER_CAPACITY, number)  # fmt: skip
    scaled = {name: (many[name] * by).assign_attrs(inputs[name].attrs) for name, by in scales.items()}
    names = [f"{name} {number}" for name, number in zip(many["cluster"].to_numpy(), copy + 1, strict=True)]
    return many.assign(scaled).assign_coords(cluster=names)


class Bargain:
    """The proximal steps of clusters and provider.

    Parameters
    ----------
    inputs : xr.Dataset
        Of the dispatch, for any number of clusters.
    on : xr.DataArray, dims (hour)
        When the turbine runs.
    mean_temperature : {"kept", "free"}
        As in :func:`bcopt.models.dispatch.dispatch_model`.
    """

    def __init__(
        self, inputs: xr.Dataset, on: xr.DataArray, mean_temperature: dispatch.MeanTemperature = "kept"
    ) -> None:
        form, within, (decay, per_load) = dispatch.consumption(inputs), limits(inputs, mean_temperature), room(inputs)
        agreed = inputs["agreed"].transpose(*DIMS)
        self.agreed = agreed.to_numpy()
        self._curvature = form["curvature"].transpose(*DIMS[:2]).to_numpy()[:, :, None]
        self._linear = form["linear"].transpose(*DIMS).to_numpy()
        self._lower, self._upper = (within[name].transpose(*DIMS).to_numpy() for name in ("lower", "upper"))
        self._total = within["load-total"].sel(carrier="electricity").to_numpy()
        lower = (within["lower"] - agreed).sel(carrier="cooling").transpose("cluster", "hour").to_numpy()
        band = inputs["comfort_band"].broadcast_like(per_load).to_numpy()
        kept, gain = (np.broadcast_to(np.asarray(x), band.shape) for x in (decay, per_load))
        upper = (within["upper"] - agreed).sel(carrier="cooling").transpose("cluster", "hour").to_numpy()
        self._rooms = Rooms(lower, upper, kept, gain, band, balanced=mean_temperature == "kept")
        self._near = np.zeros_like(lower)
        count = inputs.sizes["cluster"]
        one = {name: (inputs[name] / count).assign_attrs(inputs[name].attrs) for name in PER_CAPACITY}
        own = [name for name in inputs.data_vars if "cluster" not in inputs[name].dims]
        self._provider = PersistentQuadratic(dispatch.provider_model(inputs[own].assign(one), on))

    @classmethod
    def of_day(cls, settled: Settled, copies_of_each: int = 1) -> Bargain:
        """Return the steps of a settled day, its clusters multiplied by :func:`copies`."""
        return cls(copies(settled.inputs, copies_of_each), settled.commitment.on, mean_temperature(settled))

    def clusters(self, target: Array, penalty: float) -> Array:
        """Return each cluster's best loads near a target, dims (cluster, carrier, hour) [kW]."""
        wish = (self._linear + penalty * target) / (self._curvature + penalty)
        loads = np.empty_like(wish)
        for start in range(0, len(wish), CHUNK):
            part = slice(start, start + CHUNK)
            loads[part, 0] = project_to_total(
                wish[part, 0], self._lower[part, 0], self._upper[part, 0], self._total[part]
            )
        self._near = self._rooms.project(wish[:, 1] - self.agreed[:, 1], self._near)
        loads[:, 1] = self.agreed[:, 1] + self._near
        return np.asarray(loads)

    def provider(self, target: Array, penalty: float) -> Array:
        """Return the provider's best supply for an average cluster near a target, dims (carrier, hour) [kW]."""
        self._provider.curvature("supply", penalty)
        self._provider.costs("supply", -penalty * target)
        self._provider.solve()
        supply: Array = self._provider.value("supply").transpose("carrier", "hour").to_numpy()
        return supply

    def strike(self, penalty: float, price: npt.ArrayLike | None = None, **options: float | bool) -> Result:
        """Return the loads, the supply and the price that all agree on, from the agreed loads on.

        Parameters
        ----------
        penalty : float
            Of disagreement [yuan/kWh/kW].
        price : array, dims (carrier, hour), optional
            To begin with [yuan/kWh].
        **options
            Of :func:`bcopt.methods.admm.exchange`.
        """
        first = None if price is None else np.asarray(price, float)
        return exchange(self.clusters, self.provider, self.agreed, penalty, price=first, **options)  # type: ignore[arg-type]


def mean_temperature(settled: Settled) -> dispatch.MeanTemperature:
    """Return whether the scenario keeps the mean temperature of the rooms."""
    return "kept" if settled.scenario.mean_temperature == "kept" else "free"


def mean_price(settled: Settled) -> Array:
    """Return the retail price of a mean cluster, dims (carrier, hour) [yuan/kWh], for the bargain to begin with."""
    return np.asarray(settled.retail["price"].mean("cluster").transpose(*DIMS[1:]))


def objective(inputs: xr.Dataset, on: xr.DataArray, found: Result) -> float:
    """Return what loads and their supply cost less what they are worth, as the central problem counts it [yuan].

    The provider serves exactly what the clusters take.
    """
    model = dispatch.provider_model(inputs[[n for n in inputs.data_vars if "cluster" not in inputs[n].dims]], on)
    provider = PersistentQuadratic(model)
    loads = xr.DataArray(found.loads, {dim: inputs["load"][dim] for dim in DIMS}, DIMS)
    supply = loads.sum("cluster")
    provider.bounds("supply", supply, supply)
    own = dispatch.dissatisfaction(inputs, loads) - dispatch.utility(inputs, loads)
    return provider.solve().objective + float(own.sum())


def compared(
    settled: Settled, copies_of_each: int, penalty: float, tolerance: float = 1e-9, **options: bool
) -> tuple[dict[str, float], Result]:
    """Return how near the bargain comes to the central programme.

    Parameters
    ----------
    settled : Settled
        Day, knobs and commitment.
    copies_of_each : int
        As in :func:`copies`.
    penalty, tolerance
        Of the bargain.
    **options
        Of :func:`bcopt.methods.admm.exchange`.
    """
    inputs, on = copies(settled.inputs, copies_of_each), settled.commitment.on
    central = PersistentQuadratic(dispatch.dispatch_model(inputs, on, mean_temperature=mean_temperature(settled)))
    best = central.solve().objective + dispatch.constant(inputs)
    bargain = Bargain(inputs, on, mean_temperature(settled))
    found = bargain.strike(penalty, mean_price(settled), tolerance=tolerance, **options)
    reached = objective(inputs, on, found)
    loads = central.value("load").transpose(*DIMS).to_numpy()
    return {
        "clusters": inputs.sizes["cluster"],
        "iterations": found.iterations,
        "central objective [yuan]": best,
        "gap of the bargain [yuan]": reached - best,
        "relative to the objective [-]": (reached - best) / abs(best),
        "largest difference of a load [kW]": float(np.abs(found.loads - loads).max()),
        "largest imbalance [kW]": float(np.abs(found.loads.sum(axis=0) - found.supply).max()),
    }, found


def against_penalty(settled: Settled, penalties: list[float], tolerance: float = 1e-5) -> pd.DataFrame:
    """Return the iterations the bargain takes, with a fixed penalty and with one that adapts."""
    bargain = Bargain.of_day(settled)
    rows = []
    for penalty in penalties:
        taken = [bargain.strike(penalty, tolerance=tolerance, adaptive=a, limit=5000).iterations for a in (False, True)]
        rows.append((penalty, *taken))
    return pd.DataFrame(rows, columns=["penalty [yuan/kWh/kW]", "iterations, fixed", "iterations, adaptive"])
