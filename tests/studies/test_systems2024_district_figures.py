"""Figures of section 3.3 show the numbers that they are given, beside those that the paper prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, StepPatch

from bcopt.compendium.figures import PUBLISHED, rendered
from bcopt.methods.calibration import Calibration
from bcopt.studies.systems2024 import district_figures as figures
from bcopt.studies.systems2024.district_day import DistrictKnobs
from bcopt.studies.systems2024.district_fits import DistrictFits
from bcopt.studies.systems2024.district_results import FITTED, Days, shares
from bcopt.studies.systems2024.district_sizing import Searched
from bcopt.studies.systems2024.figures import FUNCTION_COLOURS

GROUPS = [*FUNCTION_COLOURS]
HOURS = np.arange(24)
EXPORT = (21370.06, 7703.0)
SHARED = {"office": 46.54, "hotel": 65.01, "mall": 71.2, "all": 68.79}
OWN = {"office": 21.8, "hotel": 22.46, "mall": 24.44, "all": 37.63}


def by_hour(seed: int, low: float = 0.0, high: float = 9000.0) -> xr.DataArray:
    drawn = np.random.default_rng(seed).uniform(low, high, (4, 24))
    return xr.DataArray(drawn, dims=("group", "hour"), coords={"group": GROUPS, "hour": HOURS})


def dispatched(seed: int, heat: xr.DataArray, energy: float) -> xr.Dataset:
    """A dispatch in which homes alone sell, at noon."""
    sells = (heat["group"] == "residential") & (heat["hour"] == 12)
    pumped = heat * by_hour(seed + 1, 0.2, 0.9)
    return xr.Dataset(
        {
            "purchase": by_hour(seed).where(~sells, 0.0),
            "export": xr.where(sells, 1000.0 * seed, 0.0).transpose("group", "hour"),
            "pump_heat": pumped,
            "gas_heat": heat - pumped,
            "energy": ("hour", energy * (HOURS % 5) / 4),
        }
    )


@pytest.fixture(scope="module")
def days() -> Days:
    heat = by_hour(1, 100.0)
    price = xr.DataArray(np.repeat([0.2, 0.5, 0.9, 0.5], 6), dims="hour", coords={"hour": HOURS})
    day = xr.Dataset(
        {
            "electricity": by_hour(2),
            "photovoltaics": by_hour(3),
            "heat": heat,
            "electricity_price": price * xr.DataArray([1.0, 1.6, 1.6, 1.6], dims="group", coords={"group": GROUPS}),
            "pump_capacity": ("group", [7000.0, 2000.0, 1000.0, 500.0]),
            "storage_energy": 12000.0,
        }
    )
    return Days(day, dispatched(4, heat, 0.0), dispatched(6, heat, 12000.0), dispatched(8, heat, 12000.0))


def steps(axes: Axes) -> list[StepPatch]:
    return [patch for patch in axes.patches if isinstance(patch, StepPatch)]


def values(step: StepPatch) -> np.ndarray:
    return np.asarray(step.get_data()[0])


def heights(axes: Axes) -> np.ndarray:
    """Bars of a panel in the order in which they were drawn, dims (series, bar)."""
    return np.array([[bar.get_height() for bar in bars] for bars in axes.containers])


def bottoms(axes: Axes) -> np.ndarray:
    return np.array([[bar.get_y() for bar in bars] for bars in axes.containers])


def line(axes: Axes, name: str) -> np.ndarray:
    """The points of the line with a label, dims (point, coordinate)."""
    (found,) = [one for one in axes.lines if one.get_label() == name]
    return np.asarray(found.get_xydata())


def published(axes: Axes) -> list[np.ndarray]:
    """The points of all hollow diamonds, one array a series."""
    return [np.asarray(one.get_xydata()) for one in axes.lines if one.get_marker() == PUBLISHED["marker"]]


def legend(figure: Figure) -> list[str]:
    boxes = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    return [text.get_text() for box in boxes for text in box.get_texts()]


def bars_across(axes: Axes, name: str) -> list[tuple[float, float]]:
    """Start and end of the bands with a label."""
    (found,) = [one for one in axes.collections if one.get_label() == name]
    return [(float(path.vertices[:, 0].min()), float(path.vertices[:, 0].max())) for path in found.get_paths()]


# ---- figure 10


def test_baseline_is_electricity_less_photovoltaics_and_heat(days: Days) -> None:
    power, heat = figures.baseline(days).axes
    net = (days.day["electricity"] - days.day["photovoltaics"]) / 1000
    np.testing.assert_allclose([values(step) for step in steps(power)], net)
    np.testing.assert_allclose([values(step) for step in steps(heat)], days.day["heat"] / 1000)
    assert [step.get_label() for step in steps(power)] == GROUPS
    assert net.min() < 0 > power.get_ylim()[0], "the sun's surplus is seen"


# ---- figure 11


@pytest.fixture
def found() -> tuple[Searched, np.ndarray, pd.DataFrame]:
    """A front given from its far end, whose last part falls by rounding alone."""
    front = np.array([[9.0e6, 4.0e5 - 1e-7], [5.0e6, 4.0e5], [4.5e6, 4.1e5], [4.0e6, 4.5e5]])
    plans = pd.DataFrame({"cost [yuan]": [4.1e6, 4.6e6, 8.0e6], "emissions [kg]": [4.45e5, 4.1e5, 4.0e5]})
    bound = pd.DataFrame({"emissions [kg]": [4.4e5, 4.0e5], "cost [yuan]": [3.9e6, 4.9e6], "storage energy [kWh]": 0.0})
    return Searched(pd.DataFrame(), plans), front, bound


def test_front_has_all_three_and_the_plan(found: tuple[Searched, np.ndarray, pd.DataFrame]) -> None:
    searched, front, bound = found
    (axes,) = figures.front(*found, plan=(4.2e6, 4.4e5)).axes
    units = [1e6, 1e3]
    np.testing.assert_allclose(line(axes, "exact front of the two levels"), front[::-1] / units)
    (merged,) = [one for one in axes.lines if one.get_linestyle() == "--"]
    np.testing.assert_allclose(merged.get_xydata(), bound[["cost [yuan]", "emissions [kg]"]] / units)
    np.testing.assert_allclose(line(axes, "NSGA-II, 3 plans of the first seed, 1 beyond"), searched.plans / units)
    np.testing.assert_allclose(line(axes, "the fitted storage"), [[4.2, 440.0]])
    assert axes.get_xlim()[0] < 4.0
    assert axes.get_xlim()[1] == pytest.approx(5.1), "a tenth beyond the end; rounding does not draw it out to nine"


def test_front_that_is_a_point_and_no_plan(found: tuple[Searched, np.ndarray, pd.DataFrame]) -> None:
    searched, front, bound = found
    (axes,) = figures.front(searched, front[-1:], bound).axes
    assert "the fitted storage" not in legend(axes.figure)
    assert axes.get_xlim()[0] < 4.0 < 8.0 < axes.get_xlim()[1]


# ---- figure 12


def test_purchases_before_and_after(days: Days) -> None:
    power, _ = figures.purchases(days).axes
    before, after = (flows["purchase"].sum("group").to_numpy() / 1000 for flows in (days.before, days.after))
    drawn = {step.get_label(): step for step in steps(power)}
    np.testing.assert_allclose(values(drawn["purchase before"]), before)
    np.testing.assert_allclose(values(drawn["purchase after"]), after)
    fall, rise = (values(drawn[name]) - drawn[name].get_data().baseline for name in ("it falls", "it rises"))
    np.testing.assert_allclose(fall, np.maximum(before - after, 0))
    np.testing.assert_allclose(rise, np.maximum(after - before, 0))
    assert power.get_ylim()[1] * 0.92 > max(before.max(), after.max()), "published hours hide nothing"


def test_purchases_have_the_published_hours(days: Days) -> None:
    power, _ = figures.purchases(days).axes
    assert bars_across(power, "published: falls, hours 15 to 20") == [(15, 21)]
    assert bars_across(power, "published: rises, hours 23 to 5") == [(0, 6), (23, 24)]


def test_purchases_lie_on_the_tariff(days: Days) -> None:
    for axes in figures.purchases(days).axes:
        shaded = {
            tuple(one.get_facecolor()[0]): [(p.vertices[:, 0].min(), p.vertices[:, 0].max()) for p in one.get_paths()]
            for one in axes.collections
            if one.get_zorder() == 0
        }
        low, middle, high = (shaded[to_rgba(shade)] for shade in figures.TARIFF_SHADES)
        assert (low, middle, high) == ([(0, 6)], [(6, 12), (18, 24)], [(12, 18)])


def test_the_storage_begins_where_it_ends(days: Days) -> None:
    _, storage = figures.purchases(days).axes
    held, limit = storage.lines
    energy = days.after["energy"].to_numpy() / 1000
    np.testing.assert_array_equal(held.get_xdata(), np.arange(25))
    np.testing.assert_allclose(held.get_ydata(), [energy[-1], *energy])
    assert set(limit.get_ydata()) == {12.0}


# ---- figure 13


def test_groups_buy_and_sell(days: Days) -> None:
    figure = figures.by_group(days, EXPORT)
    for axes, group in zip(figure.axes, GROUPS, strict=True):
        open_steps = {step.get_label(): values(step) for step in steps(axes) if not step.get_fill()}
        for name, flows in (("before", days.before), ("after", days.after)):
            at = flows.sel(group=group)
            np.testing.assert_allclose(open_steps[name], (at["purchase"] - at["export"]) / 1000)
        before, after = (float(flows["purchase"].sel(group=group).sum()) / 1000 for flows in (days.before, days.after))
        assert axes.get_title(loc="left") == f"{group}: {before:.1f} MWh, then {after:.1f} MWh"


def test_what_homes_sell_is_hatched_and_stands_beside_the_published(days: Days) -> None:
    homes, *others = figures.by_group(days, EXPORT).axes
    hatched = [step for step in steps(homes) if step.get_hatch()]
    assert [values(step)[12] for step in hatched] == [values(step).sum() for step in hatched] == [-4.0, -6.0]
    (note,) = [text.get_text() for text in homes.texts]
    assert note.replace("\n", " ").split(" export ")[0] == "export before 4,000 kWh (published 21,370)"
    assert note.replace("\n", " ").endswith("export after 6,000 kWh (published 7,703)")
    assert not [step for axes in others for step in steps(axes) if step.get_hatch()]


# ---- figures 14 and 15


@pytest.mark.parametrize(("own", "number", "printed"), [(False, 14, SHARED), (True, 15, OWN)])
def test_heat_is_stacked_by_source_and_group(days: Days, own: bool, number: int, printed: dict[str, float]) -> None:
    figure = figures.heat_sources(days, own, printed)
    (axes,) = figure.axes
    flows = days.own if own else days.after
    expected = np.concatenate([flows["pump_heat"], flows["gas_heat"]]) / 1000
    np.testing.assert_allclose(heights(axes), expected)
    np.testing.assert_allclose(bottoms(axes), np.cumsum(expected, axis=0) - expected, atol=1e-12)
    hatches = [bars[0].get_hatch() for bars in axes.containers]
    assert hatches == [""] * 4 + [figures.GAS_HATCH] * 4
    colours = [bars[0].get_facecolor() for bars in axes.containers]
    assert colours == [to_rgba(colour) for colour in FUNCTION_COLOURS.values()] * 2
    (needed,) = steps(axes)
    np.testing.assert_allclose(values(needed), days.day["heat"].sum("group") / 1000)
    (cap,) = [one for one in axes.lines if one.get_linestyle() == "--"]
    assert set(cap.get_ydata()) == {10.5}
    table = shares(days).set_index("group")[f"ground heat, {'own' if own else 'shared'} [%]"]
    texts = legend(figure)
    assert f"residential: {table['residential']:.2f} %" in texts, "nothing published, nothing beside"
    for group in ("office", "hotel", "mall"):
        assert f"{group}: {table[group]:.2f} % (published {printed[group]:.2f} %)" in texts
    title = axes.get_title(loc="left")
    assert title.startswith(f"Figure {number}: {'own' if own else 'shared'} ground heat")
    assert f"{table['all']:.2f} % (published {printed['all']:.2f} %)" in title


# ---- fits


def searched(name: str, knobs: list[float], responses: list[float], target: float) -> Calibration:
    path = xr.Dataset({"knob": ("evaluation", knobs), "response": ("evaluation", responses)})
    return Calibration(name, knobs[-1], responses[-1], target, path)


@pytest.fixture
def fits() -> DistrictFits:
    found = {
        "photovoltaic_scale": searched("sun", [0.0, 20.0, 3.0, 2.0], [0.0, 700e3, 30e3, 20e3], 21e3),
        "storage_energy": searched("storage", [0.0, 90e3, 12e3], [322e3, 132e3, 278e3], 277.9e3),
    }
    return DistrictFits(DistrictKnobs(), found, {"public_scale": "the responses do not enclose the target 322600.0"})


def test_paths_of_the_fits(fits: DistrictFits) -> None:
    figure = figures.calibration_paths(fits)
    sun, public, storage = figure.axes
    np.testing.assert_allclose(line(sun, "tried"), [[0, 0], [2, 20], [3, 30], [20, 700]])
    np.testing.assert_allclose(line(storage, "tried"), [[0, 322], [12, 278], [90, 132]])
    for axes, taken, target in ((sun, [2, 20], 21), (storage, [12, 278], 277.9)):
        np.testing.assert_allclose(line(axes, "taken"), [taken])
        assert set(line(axes, "published: the target")[:, 1]) == {target}
        assert axes.get_ylim()[0] < target < axes.get_ylim()[1]
    assert sun.get_xlim() == (0, 4)
    assert 30 < sun.get_ylim()[1] < 700, "far tries do not flatten the others"
    assert sun.get_title(loc="left") == "2: 3 of 4 tries drawn"
    assert storage.get_title(loc="left") == "12: 2 of 3 tries drawn"
    assert public.texts[0].get_text().replace("\n", " ") == fits.missed["public_scale"]
    assert public.lines[:] == []


def test_legend_of_the_fits_without_the_first(fits: DistrictFits) -> None:
    steps_left = {"storage_energy": fits.steps["storage_energy"]}
    figure = figures.calibration_paths(replace(fits, steps=steps_left))
    assert legend(figure) == ["tried", "published: the target", "taken"]
    assert figure.axes[0].texts[0].get_text() == "not searched"


# ---- sizes of the storage


def curve(scale: float) -> xr.Dataset:
    named = {
        "storage_energy": [0.0, 10e3, 30e3, 100e3],
        "energy_cost": [400e3, 400e3 - 30e3 * scale, 400e3 - 50e3 * scale, 400e3 - 64e3 * scale],
        "other_cost": [0.0, 20e3, 60e3, 60e3],
        "cost": [4.0e6, 4.1e6, 4.3e6, 5.0e6],
        "emissions": [500e3, 490e3, 490e3, 490e3],
        "marginal_value": [3.0 * scale, 1.0 * scale, 0.2 * scale, np.nan],
    }
    return xr.Dataset({name: ("size", value) for name, value in named.items()})


def test_sizes_of_the_storage() -> None:
    curves = {"shared": curve(1.0), "own": curve(0.8)}
    figure = figures.sizes(curves, fitted=12e3, printed=-44.7e3)
    energy, whole, emissions, value = figure.axes
    for which, scale in ((0, 1.0), (2, 0.8)):
        cost, with_others = (energy.lines[which + k].get_xydata() for k in (0, 1))
        np.testing.assert_allclose(cost, [[0, 0], [10, -30 * scale], [30, -50 * scale]])
        np.testing.assert_allclose(with_others, [[0, 0], [10, 20 - 30 * scale], [30, 60 - 50 * scale]])
    np.testing.assert_allclose(whole.lines[0].get_xydata(), [[0, 0], [10, 100], [30, 300]])
    np.testing.assert_allclose(emissions.lines[1].get_xydata(), [[0, 500], [10, 490], [30, 490]])
    shared, own = steps(value)
    np.testing.assert_allclose(shared.get_data().edges, [0, 10, 30])
    np.testing.assert_allclose(values(shared), [3.0, 1.0])
    np.testing.assert_allclose(values(own), [2.4, 0.8])
    np.testing.assert_allclose(published(energy), [[[12, -44.7]]])
    for axes in figure.axes:
        assert [one.get_xdata()[0] for one in axes.lines if one.get_linestyle() == ":"] == [12.0]


def test_sizes_are_drawn_to_the_last_that_is_worth_it_and_to_the_fitted() -> None:
    """From 30 MWh on a further kWh saves a fifteenth of the first; a fitted size beyond is drawn, interpolated."""
    for fitted, end, cost in ((12e3, 30.0, 300.0), (65e3, 65.0, 650.0)):
        _, whole, *_ = figures.sizes({"shared": curve(1.0)}, fitted, 0.0).axes
        np.testing.assert_allclose(whole.lines[0].get_xydata()[-1], [end, cost])
        assert whole.get_xlim() == pytest.approx((0, 1.05 * end))


# ---- value and shares of ground heat


def test_value_of_ground_heat_and_the_gas_beside(days: Days) -> None:
    value = xr.DataArray(np.linspace(0, 0.4, 24), dims="hour", coords={"hour": HOURS})
    worth, gas = figures.ground_heat(value, days).axes
    (step,) = steps(worth)
    np.testing.assert_allclose(values(step), value)
    burnt = days.after["gas_heat"].to_numpy() / 1000
    np.testing.assert_allclose(heights(gas), burnt)
    np.testing.assert_allclose(bottoms(gas), np.cumsum(burnt, axis=0) - burnt, atol=1e-12)


def test_shares_of_ground_heat_beside_the_published(days: Days) -> None:
    table = shares(days)
    (axes,) = figures.sharing(table, {"shared": SHARED, "own": OWN}).axes
    ours = [table[f"ground heat, {name} [%]"] for name in ("shared", "own")]
    np.testing.assert_allclose(heights(axes), ours)
    assert [text.get_text() for text in axes.texts] == [f"{value:.1f}" for share in ours for value in share]
    for bars, diamonds, printed in zip(axes.containers, published(axes), (SHARED, OWN), strict=True):
        under = {name: bar.get_x() + bar.get_width() / 2 for name, bar in zip(table["group"], bars, strict=True)}
        np.testing.assert_allclose(diamonds, [(under[name], value) for name, value in printed.items()])
    assert legend(axes.figure).count("published") == 1


# ---- held-out numbers


@pytest.fixture
def sweep() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "scenario": ["central", "b", "c"],
            "ground heat, shared [%]": [74.79, 58.79, 68.79],
            "export after [kWh]": [680.0, 9243.6, 7703.0],
            FITTED: ["", "", "storage energy"],
        }
    )


def test_bands_are_distances_in_tolerances(sweep: pd.DataFrame) -> None:
    columns = {"ground heat, shared [%]": (68.79, 5.0), "export after [kWh]": (7703.0, 1540.6)}
    (axes,) = figures.bands(sweep, columns).axes
    np.testing.assert_allclose(line(axes, "scenario"), [[1.2, 0], [-4.558613, 1], [-2.0, 0], [1.0, 1]], atol=1e-6)
    np.testing.assert_allclose(line(axes, "scenario, a fit has no root"), [[0, 0], [0, 1]], atol=1e-9)
    np.testing.assert_allclose(line(axes, "central"), [[1.2, 0], [-4.558613, 1]], atol=1e-6)
    np.testing.assert_allclose(published(axes), [[[0, 0], [0, 1]]])
    (span,) = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert (span.get_x(), span.get_width()) == (-1, 2)
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "ground heat, shared [%]\n74.79, from 58.79 to 74.79; published 68.79 ± 5.00",
        "export after [kWh]\n680, from 680 to 9,244; published 7,703 ± 1,541",
    ]


def test_bands_of_a_sweep_whose_fits_all_have_roots(sweep: pd.DataFrame) -> None:
    figure = figures.bands(sweep.assign(**{FITTED: ""}), {"export after [kWh]": (7703.0, 1540.6)})
    assert legend(figure) == ["tolerance", "scenario", "central", "published"]


# ---- all of them


DRAW: dict[str, Callable[[Days], Figure]] = {
    "10": figures.baseline,
    "12": figures.purchases,
    "13": lambda days: figures.by_group(days, EXPORT),
    "14": lambda days: figures.heat_sources(days, False, SHARED),
    "15": lambda days: figures.heat_sources(days, True, OWN),
    "sharing": lambda days: figures.sharing(shares(days), {"shared": SHARED, "own": OWN}),
    "sizes": lambda _: figures.sizes({"shared": curve(1.0), "own": curve(0.8)}, 12e3, -44.7e3),
}


@pytest.mark.parametrize("name", DRAW)
def test_every_axis_has_its_unit_and_nothing_leaves_the_page(name: str, days: Days) -> None:
    figure = DRAW[name](days)
    rendered(figure, "png")
    width, height = figure.bbox.width, figure.bbox.height
    for axes in figure.axes:
        label = axes.get_ylabel()
        assert not label or ("[" in label and "]" in label)
        box = axes.get_tightbbox()
        assert -1 <= box.x0 < box.x1 <= width + 1, "titles and labels fit"
        assert -1 <= box.y0 < box.y1 <= height + 1
    assert any(axes.get_ylabel() for axes in figure.axes)
    assert {axes.get_xlabel() for axes in figure.axes} <= {"", "hour of the day", "shared storage [MWh]"}
    if name in ("10", "12", "13", "14", "15"):
        titles = [axes.get_title(loc="left") for axes in figure.axes] + [figure.get_suptitle()]
        assert any(title.startswith(f"Figure {name}: ") for title in titles)
