"""The proportions of building prototypes in a district: how level its load is, how much of its energy is renewable.

A district mixes its prototypes k in shares x_k that sum to one. Both objectives are ratios over a total D that is
linear in the shares, so one linear programme finds each optimum exactly: y = t x become the variables, with D(y) = 1
(Charnes and Cooper 1962, https://doi.org/10.1002/nav.3800090303). Each mix x gives the point t = 1 / D(x), y = t x of
equal value; each point has t > 0, since t = 0 leaves y = 0 and D(y) = 0, and gives the mix x = y / t of equal value.
This needs D > 0 in every mix that the bounds admit; loads of which that is not so are refused.

Equation numbers are those of systems2024, section 2.2.2, Systems 2024, 12(3), 92,
https://doi.org/10.3390/systems12030092. It prints the interval of the shares (35) as open; with its ends the optima
exist. Evaluating 40 mixes of 12 clusters over 24 hours takes about a millisecond, checks included.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import linopy
import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.models import mix

Array = npt.NDArray[Any]

_HOURLY = ("load", "electricity", "heat", "photovoltaics")
_ABOVE_ZERO = np.nextafter(0.0, 1.0)
_LEAST = {"load": -np.inf, "shares": -np.inf, "area": _ABOVE_ZERO}
_MOST = {"lower": 1.0, "upper": 1.0}
_ROUNDING = 1e-12
_mix_hours = partial(np.einsum, "...k,...kh->...h")


def mixed(load: xr.DataArray, shares: xr.DataArray) -> xr.DataArray:
    """Return the load of a district, dims (..., hour), in the unit of ``load``.

        L_i = sum_k x_k L_k,i,   sum_k x_k = 1                                                                 (34)

    Parameters
    ----------
    load : xr.DataArray, dims (..., cluster, hour)
        L_k,i [kW] of plots that cover equal ground, or [kW/m2] from :func:`per_area`.
    shares : xr.DataArray, dims (..., cluster)
        x_k [-], of the ground or, with loads per area, of the floor.

    Raises
    ------
    ValueError
        Naming values that are not finite and labels that only one of the two has.
    """
    dims = [["cluster"], ["cluster", "hour"]]
    load, shares = _matched("load shares", load, shares)
    result = xr.apply_ufunc(_mix_hours, shares, load, input_core_dims=dims, output_core_dims=[["hour"]])
    return cast("xr.DataArray", result)


def levelisation_rate(load: xr.DataArray) -> xr.DataArray:
    """Return how far a load departs from its average [-]: 0 if constant, 2 (n - 1) / n if all in one of n hours.

        AR = sum_i |L_i - L_avg| / sum_i L_i                                                                   (29)

    Parameters
    ----------
    load : xr.DataArray, dims (..., hour)
        L_i in any unit; net of photovoltaics it may be negative in single hours.

    Raises
    ------
    ValueError
        Naming each load that does not sum to a positive number.
    """
    total = load.sum("hour", skipna=False)
    _refuse(_not_positive("sum of the load", total))
    departure = xr.apply_ufunc(
        lambda x: np.abs(x - x.mean(-1, keepdims=True)).sum(-1), load, input_core_dims=[["hour"]]
    )
    return cast("xr.DataArray", departure / total)


def per_area(load: xr.DataArray, area: xr.DataArray) -> xr.DataArray:
    """Return the loads that shares of the floor area mix, L_k,i / A_k [kW/m2].

    Parameters
    ----------
    load : xr.DataArray, dims (..., cluster, hour)
        L_k,i of a plot [kW].
    area : xr.DataArray, dims (cluster)
        Floor area of a plot A_k [m2]; each must be positive.
    """
    load, area = _matched("load area", load, area)
    return load / area


def ground_share(shares: xr.DataArray, area: xr.DataArray) -> xr.DataArray:
    """Return the shares of the ground that belong to shares of the floor area [-].

        (x_k / A_k) / sum_m (x_m / A_m)

    Plots mixed by these shares and loads per area mixed by those of the floor differ by a factor alone, so levelisation
    and penetration are the same under both readings: only bounds and the public share tell them apart.

    Parameters
    ----------
    shares : xr.DataArray, dims (..., cluster)
        Of the floor area x_k [-].
    area : xr.DataArray, dims (cluster)
        Floor area of a plot A_k [m2], plots covering equal ground; each must be positive.
    """
    shares, area = _matched("shares area", shares, area)
    plots = shares / area
    return plots / plots.sum("cluster")


def levelling_model(load: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray) -> linopy.Model:
    """Build the linear programme whose objective is the least levelisation rate [-]; :func:`shares` reads the mix.

        min  sum_i z_i   subject to   z_i >= +-(sum_k y_k L_k,i - 1 / n),   sum_k y_k sum_i L_k,i = 1,
                                      sum_k y_k = t,   l_k t <= y_k <= u_k t

    Parameters
    ----------
    load : xr.DataArray, dims (cluster, hour)
        L_k,i in any unit; may be negative in single hours.
    lower, upper : xr.DataArray, dims (cluster)
        Bounds of the shares l_k and u_k [-], equal where a share is fixed.

    Raises
    ------
    ValueError
        Naming labels that differ, values that are not finite, bounds that cross or do not admit the sum of one, or the
        clusters by which an admitted mix has a load that does not sum to a positive number.
    """
    load, lower, upper = _matched("load lower upper", load, lower, upper, alone=True)
    total = load.sum("hour")
    model = _ratio_model("sum of the load", total, lower, upper)
    level = (load / float(total.max()) * model.variables["scaled_share"]).sum("cluster")
    average = 1 / load.sizes["hour"]
    deviation = model.add_variables(lower=0, coords=[load.indexes["hour"]], name="deviation")
    model.add_constraints(deviation - level >= -average, name="above")
    model.add_constraints(deviation + level >= average, name="below")
    model.add_objective(deviation.sum())
    return model


def shares(solution: xr.Dataset) -> xr.DataArray:
    """Return the shares x_k = y_k / t [-] of a solved :func:`levelling_model` or :func:`penetration_model`.

    Parameters
    ----------
    solution : xr.Dataset
        The model's solution, with ``scaled_share`` y (cluster) and ``scale`` t.
    """
    return (solution["scaled_share"] / solution["scale"]).rename("shares")


def penetration(
    shares: xr.DataArray,
    electricity: xr.DataArray,
    heat: xr.DataArray,
    photovoltaics: xr.DataArray,
    ground_heat: xr.DataArray,
    pooled: bool,
) -> xr.DataArray:
    """Return the part of a district's energy that is renewable [-], equations (30) to (33) put together.

        EP = (E_pv + E_pump) / (E_e + E_h),   E_pump = sum_k x_k sum_i min(h_k,i, g_k)   or, with pooled pumps,
                                              E_pump = sum_i min(sum_k x_k h_k,i, sum_k x_k g_k)

    Parameters
    ----------
    shares : xr.DataArray, dims (..., cluster)
        x_k [-], of the ground; of the floor if all else is per floor area.
    electricity, heat : xr.DataArray, dims (..., cluster, hour)
        Consumption of the clusters, h being the heat [kW].
    photovoltaics : xr.DataArray, dims (..., cluster, hour)
        What counts as solar supply [kW]: all that is generated, or what is used on the spot.
    ground_heat : xr.DataArray, dims (..., cluster)
        Greatest heat from ground-source pumps g_k [kW].
    pooled : bool
        Whether the pumps of one cluster may heat another.

    Raises
    ------
    ValueError
        Naming labels that differ, values that are negative or not finite, or the mixes that consume nothing.
    """
    used, heated, generated, pumped = _energies(shares, electricity, heat, photovoltaics, ground_heat, pooled=pooled)
    consumed = used + heated
    _refuse(_not_positive("consumption", consumed))
    return (generated + pumped) / consumed


def penetration_parts(
    shares: xr.DataArray,
    electricity: xr.DataArray,
    heat: xr.DataArray,
    photovoltaics: xr.DataArray,
    ground_heat: xr.DataArray,
    pooled: bool,
) -> xr.Dataset:
    """Return what :func:`penetration` is made of, EP = K EP_pv + (1 - K) EP_pump (32).

        EP_pv = E_pv / E_e (30),   EP_pump = E_pump / E_h (31),   K = E_e / (E_e + E_h) (33)

    Parameters and errors are those of :func:`penetration`; electricity and heat each have to be consumed. The variables
    are ``photovoltaic`` EP_pv, ``ground_source`` EP_pump and ``electricity_share`` K [-], dims (...).
    """
    used, heated, generated, pumped = _energies(shares, electricity, heat, photovoltaics, ground_heat, pooled=pooled)
    _refuse(_not_positive("electricity of the mix", used) + _not_positive("heat of the mix", heated))
    parts = {"photovoltaic": generated / used, "ground_source": pumped / heated}
    return xr.Dataset({**parts, "electricity_share": used / (used + heated)})


def penetration_model(
    electricity: xr.DataArray,
    heat: xr.DataArray,
    photovoltaics: xr.DataArray,
    ground_heat: xr.DataArray,
    public: xr.DataArray,
    least_public: float,
    pooled: bool,
    lower: float | xr.DataArray = 0.0,
    upper: float | xr.DataArray = 1.0,
) -> linopy.Model:
    """Build the linear programme whose objective is the greatest penetration with a public share of at least s [-].

        max  E_pv(y) + E_pump(y)   subject to   E_e(y) + E_h(y) = 1,   sum_k y_k = t,   l_k t <= y_k <= u_k t,
                                                sum over public k of y_k - s t >= 0

    Pooled, E_pump = sum_i w_i with w_i <= sum_k y_k h_k,i and w_i <= sum_k y_k g_k. Along a front one coefficient
    changes: that of ``scale`` in the row ``public``, which is -s. The solution is read by :func:`shares`.

    Parameters
    ----------
    electricity, heat, photovoltaics, ground_heat, pooled
        As in :func:`penetration`, dims (cluster, hour) and (cluster) alone.
    public : xr.DataArray of bool, dims (cluster)
        Which clusters are public buildings.
    least_public : float
        s [-]
    lower, upper : float or xr.DataArray, dims (cluster)
        Bounds of the shares l_k and u_k [-].

    Raises
    ------
    ValueError
        As :func:`penetration` and :func:`levelling_model`, or if the public clusters are none, all or cannot reach s.
    """
    low, high = (b if isinstance(b, xr.DataArray) else xr.full_like(public, b, dtype=float) for b in (lower, upper))
    names, demand = "electricity heat photovoltaics ground_heat public lower upper", (electricity, heat)
    matched = _matched(names, *demand, photovoltaics, ground_heat, public, low, high, alone=True)
    electricity, heat, photovoltaics, ground_heat, public, low, high = matched
    reach = min(float(high.where(public, 0).sum()), 1 - float(low.where(public == 0, 0).sum()))
    _check_public(public, xr.DataArray(least_public), reach)
    consumed = (electricity + heat).sum("hour")
    model = _ratio_model("consumption", consumed, low, high)
    y, t = model.variables["scaled_share"], model.variables["scale"]
    model.add_constraints(y.sel(cluster=public["cluster"][public]).sum() - least_public * t >= 0, name="public")
    scaled = y / float(consumed.max())
    own = photovoltaics if pooled else photovoltaics + np.minimum(heat, ground_heat)
    renewable = (own.sum("hour") * scaled).sum()
    if pooled:
        pumped = model.add_variables(lower=0, coords=[heat.indexes["hour"]], name="pumped")
        model.add_constraints(pumped - (heat * scaled).sum("cluster") <= 0, name="pumped_heat")
        model.add_constraints(pumped - (ground_heat * scaled).sum() <= 0, name="pumped_capacity")
        renewable = renewable + pumped.sum()
    model.add_objective(renewable, sense="max")
    return model


def penetration_front_pairs(
    electricity: xr.DataArray,
    heat: xr.DataArray,
    photovoltaics: xr.DataArray,
    ground_heat: xr.DataArray,
    public: xr.DataArray,
    public_share: xr.DataArray,
) -> xr.Dataset:
    """Return the greatest penetration at public shares of exactly s, each cluster with its own pumps, in closed form.

        EP(s) = max over public p and other r of (s n_p + (1 - s) n_r) / (s d_p + (1 - s) d_r)

    A cluster's renewable and consumed energy are n_k and d_k. A ratio of linear functions is greatest at a vertex, and
    a vertex of the mixes with public share s holds one public and one other cluster. Each pair's ratio is monotone in
    s, so where s is the least share the greatest is max(EP(s), EP(1)). The variables are ``penetration`` EP (...) and
    ``shares`` x_k (..., cluster), which attain it [-].

    Parameters
    ----------
    electricity, heat, photovoltaics, ground_heat, public
        As in :func:`penetration_model`.
    public_share : xr.DataArray, dims (...)
        s [-]

    Raises
    ------
    ValueError
        As :func:`penetration_model`, and naming the clusters that consume nothing.
    """
    names = "electricity heat photovoltaics ground_heat public"
    matched = _matched(names, electricity, heat, photovoltaics, ground_heat, public, alone=True)
    electricity, heat, photovoltaics, ground_heat, public = matched
    energies = (photovoltaics + np.minimum(heat, ground_heat)).sum("hour"), (electricity + heat).sum("hour")
    _refuse(_not_positive("consumption", energies[1]))
    _check_public(public, public_share)
    one, other = public.to_numpy(), ~public.to_numpy()
    renewable, consumed = (
        public_share * energy[one].rename(cluster="one") + (1 - public_share) * energy[other].rename(cluster="other")
        for energy in energies
    )
    ratio = renewable / consumed
    best = ratio.argmax(["one", "other"])
    first, second = (ratio[pair][best[pair]].reset_coords(drop=True) for pair in ("one", "other"))
    held = public_share * (first == public["cluster"]) + (1 - public_share) * (second == public["cluster"])
    return xr.Dataset({"penetration": ratio.max(["one", "other"]), "shares": held})


def _energies(*arrays: xr.DataArray, pooled: bool) -> tuple[xr.DataArray, ...]:
    """Return electricity, heat, photovoltaics and heat by ground-source pumps of the mixes, each over all hours."""

    def energies(x: Array, e: Array, h: Array, pv: Array, g: Array) -> tuple[Array, ...]:
        pumped = (x * np.minimum(h, g[..., None]).sum(-1)).sum(-1)
        if pooled:
            pumped = np.minimum(_mix_hours(x, h), (x * g).sum(-1)[..., None]).sum(-1)
        return *((x * hourly.sum(-1)).sum(-1) for hourly in (e, h, pv)), pumped

    matched = _matched("shares electricity heat photovoltaics ground_heat", *arrays)
    dims = [["cluster"], *[["cluster", "hour"]] * 3, ["cluster"]]
    summed = xr.apply_ufunc(energies, *matched, input_core_dims=dims, output_core_dims=[[]] * 4)
    return cast("tuple[xr.DataArray, ...]", summed)


def _ratio_model(name: str, total: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray) -> linopy.Model:
    """Build the scaled mixes of total one, in units of the largest of a cluster, if every mix has a positive total."""
    cost, low, high = (array.rename(cluster="technology") for array in (total, lower, upper))
    smallest = float((mix.cheapest_mix(cost, low, high, 1.0) * cost).sum())
    if smallest <= 0:
        _refuse([f"the bounds admit a mix with {name} {smallest:g}, expected positive", *_not_positive(name, total)])
    model = linopy.Model()
    scaled = model.add_variables(lower=0, coords=[total.indexes["cluster"]], name="scaled_share")
    scale = model.add_variables(lower=0, name="scale")
    model.add_constraints((total / float(total.max()) * scaled).sum() == 1, name="denominator")
    model.add_constraints(scaled.sum() - scale == 0, name="whole")
    model.add_constraints(scaled - lower * scale >= 0, name="lower")
    model.add_constraints(scaled - upper * scale <= 0, name="upper")
    return model


def _matched(names: str, *arrays: xr.DataArray, alone: bool = False) -> list[xr.DataArray]:
    """Return the arrays in one order of labels, or raise with all that is wrong with their dims, labels and values."""
    problems, ordered, first = list[str](), list[xr.DataArray](), dict[str, tuple[str, Any]]()
    for name, array in zip(names.split(), arrays, strict=True):
        dims = ["cluster", "hour"] if name in _HOURLY else ["cluster"]
        if set(dims) != {dim for dim in array.dims if alone or dim in ("cluster", "hour")}:
            problems.append(f"{name} must have the dims {dims}, got {list(array.dims)}")
            continue
        for dim in dims:
            labels: Any = array[dim].to_index()
            owner, expected = first.setdefault(dim, (name, labels))
            if labels.is_unique and labels.equals(expected):
                continue
            if odd := labels[labels.duplicated()].tolist() or labels.symmetric_difference(expected).tolist():
                problems.append(f"{name} and {owner} must each name the same {dim}s once, not so for {odd}")
            else:
                array = array.sel({dim: expected})
        problems += _outside(name, array, _LEAST.get(name, 0.0), _MOST.get(name, np.inf))
        ordered.append(array)
    _refuse(problems)
    return ordered


def _check_public(public: xr.DataArray, share: xr.DataArray, most: float = 1.0) -> None:
    """Raise if the public clusters are none or all, or cannot have the share."""
    problems = _outside("public share", share, 0.0, most + _ROUNDING)
    if public.dtype != bool or bool(public.all()) or not bool(public.any()):
        problems.append("public must be True for some clusters and False for others")
    _refuse(problems)


def _not_positive(name: str, array: xr.DataArray) -> list[str]:
    return _outside(name, array, _ABOVE_ZERO, np.inf)


def _outside(name: str, array: xr.DataArray, least: float, most: float) -> list[str]:
    """Return nothing, or one problem that lists where an array is not finite or exceeds its limits."""
    values = array.to_numpy()
    listed = [
        ", ".join(f"{dim} {array[dim].to_numpy()[i]}" for dim, i in zip(array.dims, where, strict=True))
        + f" {values[tuple(where)]:g}"
        for where in np.argwhere(~(np.isfinite(values) & (values >= least) & (values <= most)))
    ]
    expected = "positive" if least == _ABOVE_ZERO else f"finite and {least:g} to {most:g}"
    return [f"{name} must be {expected}, got {'; '.join(listed).strip()}"] if listed else []


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ValueError("\n".join(problems))
