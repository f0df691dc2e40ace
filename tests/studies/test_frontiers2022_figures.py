"""Figures of frontiers2022 show the numbers that they are given, beside those that the paper prints."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from bcopt.compendium.figures import PUBLISHED, WIDTH, rendered
from bcopt.compendium.ledger import printed_number, read_claims
from bcopt.compendium.protocol import read_protocol
from bcopt.methods.admm import Result
from bcopt.models import dispatch
from bcopt.planning.commitment import Commitment
from bcopt.studies.frontiers2022 import dispatch_figures, figures, weight_figures
from bcopt.studies.frontiers2022 import inputs as study_inputs
from bcopt.studies.frontiers2022.basic_data import Knobs, dispatch_inputs
from bcopt.studies.frontiers2022.fits import printed
from bcopt.studies.frontiers2022.inputs import CARRIERS, CLUSTERS
from bcopt.studies.frontiers2022.results import (
    BENEFIT,
    BUSINESS,
    FUEL_SHARE,
    LOSSES,
    NIGHT,
    adjustable,
    cost_table,
    hourly_benefit,
)
from bcopt.studies.frontiers2022.scenario import central, changed
from bcopt.studies.frontiers2022.simulation import POSITIONS
from bcopt.studies.frontiers2022.stages import Settled
from bcopt.studies.frontiers2022.weights import COST, PLATEAU

ROOT = Path(__file__).resolve().parents[2]
SETS = figures.SETS
HOURS = np.arange(24)
WEIGHTS = (0.0, 0.3, 0.5, 0.6, 1.0)
TIES = "nearest to wholesale"
LABELS = {"cluster": list(CLUSTERS), "carrier": list(CARRIERS), "hour": HOURS}


def drawn(seed: int, low: float, high: float, *dims: str) -> xr.DataArray:
    """Random numbers over clusters, carriers and hours, or some of these."""
    labels = {dim: LABELS[dim] for dim in dims}
    size = [len(values) for values in labels.values()]
    return xr.DataArray(np.random.default_rng(seed).uniform(low, high, size), labels, dims)


def day_of(price_set: str, inputs: xr.Dataset) -> xr.Dataset:
    seed = SETS.index(price_set)
    price = inputs["electricity_price"].sel(price_set=price_set, drop=True)
    return xr.Dataset(
        {
            "load": drawn(seed, 100, 900, "cluster", "carrier", "hour"),
            "wholesale_price": xr.concat([price, price / 3], pd.Index(CARRIERS, name="carrier")),
            "photovoltaics": drawn(seed + 10, 0, 90, "hour"),
            "load_scale": drawn(seed + 20, 0.5, 2.0, "cluster"),
        }
    )


def flows_of(seed: int, load: xr.DataArray) -> xr.Dataset:
    """A dispatch that makes ice at night and sells at noon in the first price set alone."""
    names = ("photovoltaics", "turbine", "purchase", "fuel", "gas", "absorption", "chiller", "ice_discharge")
    found = {name: drawn(100 * seed + number, 50, 700, "hour") for number, name in enumerate(names)}
    hour = load["hour"]
    found |= {
        "chiller_power": found["chiller"] / 3,
        "ice_charge": xr.where(hour < 6, 240.0, 0.0),
        "ice_power": xr.where(hour < 6, 100.0, 0.0),
        "ice_energy": 100.0 * hour,
        "export": xr.where((hour == 12) & (seed == 0), 150.0, 0.0),
        "on": xr.ones_like(hour, float),
        "load": load,
    }
    return xr.Dataset(found)


def settled_of(price_set: str) -> Settled:
    inputs = study_inputs.load(ROOT)
    scenario = changed(central(read_protocol(ROOT)["frontiers2022"], inputs), {"price_set": price_set})
    knobs, seed, day = Knobs(0.02, 2.0, 1.5, 0.5), SETS.index(price_set), day_of(price_set, inputs)
    reduction = drawn(seed + 30, 0, 9, "cluster", "carrier", "hour")
    retail = xr.Dataset(
        {
            "price": drawn(seed + 40, 0.3, 1.2, "cluster", "carrier", "hour"),
            "reduction": reduction,
            "load": day["load"] - reduction,
        }
    )
    given = dispatch_inputs(day, inputs, scenario, knobs, retail["load"])
    flows = flows_of(seed, day["load"] * drawn(seed + 50, 0.8, 1.1, "cluster", "carrier", "hour"))
    accounts = dispatch.accounts(given, flows, retail["price"])
    on = Commitment(flows["on"], 0.0, 0.0, 1)
    return Settled(day, scenario, knobs, on, retail, given, flows, accounts)


@pytest.fixture(scope="module")
def both() -> dict[str, Settled]:
    return {name: settled_of(name) for name in SETS}


@pytest.fixture(scope="module")
def inputs() -> xr.Dataset:
    return study_inputs.load(ROOT)


@pytest.fixture(scope="module")
def positions() -> xr.Dataset:
    size = (2, len(POSITIONS), 2, 24)
    values = np.random.default_rng(5).uniform(0, 1, size)
    labels = {"variant": ["central", "other"], "position": [*POSITIONS], "day": ["mean day of July", "another"]}
    dims = ("variant", "position", "day", "hour")
    return xr.Dataset({"photovoltaics": (dims, values)}, coords=labels | {"hour": HOURS})


def plans(settled: dict[str, Settled], factor: float) -> dict[str, xr.Dataset]:
    return {name: (one.retail[["price"]] * factor) for name, one in settled.items()}


def gaps(scale: float, weights: tuple[float, ...] = (0.2, 0.5)) -> pd.DataFrame:
    """Rows in no order, as a table may have them."""
    rows = [
        (weight, episodes, scale * (2 + weight) / episodes, scale / episodes, scale * 5 / episodes)
        for weight in weights
        for episodes in (1000, 100, 5000)
    ]
    columns = ["weight", "episodes", "gap, median [yuan]", "least [yuan]", "greatest [yuan]"]
    return pd.DataFrame(rows, columns=columns)


FORMS = ("the paper's state", "budget in the state")


def distances(seeds: int, weights: tuple[float, ...] = (0.2, 0.5)) -> dict[str, xr.DataArray]:
    size = (len(weights), seeds)
    values = [np.random.default_rng(number).uniform(1, 90, size) for number in range(2)]
    labels = {"weight": list(weights), "seed": range(seeds)}
    return {form: xr.DataArray(of, labels, ("weight", "seed")) for form, of in zip(FORMS, values, strict=True)}


def result(steps: int) -> Result:
    falling = 10.0 ** -np.arange(steps)
    return Result(np.zeros(3), np.zeros(1), np.zeros(1), steps, falling, 3 * falling, np.ones(steps))


def penalties(scale: int) -> pd.DataFrame:
    columns = ["penalty [yuan/kWh/kW]", "iterations, fixed", "iterations, adaptive"]
    return pd.DataFrame([(1e-4, 90 * scale, 9), (1e-3, 20 * scale, 7), (1e-2, 400 * scale, 8)], columns=columns)


def exact(scale: float) -> pd.DataFrame:
    """At weight 0.5 alone the ties matter, and the rule lies between them."""
    rows = []
    for weight, (ties, lift) in product(WEIGHTS, ((TIES, 0.0), ("cheapest", -1500.0), ("dearest", 2500.0))):
        benefit = scale * (4000 - 9000 * weight) + (lift if weight == 0.5 else 0.0)
        rows.append((weight, ties, benefit, benefit + 27000))
    return pd.DataFrame(rows, columns=["weight", "ties", BENEFIT, COST])


def learnt(lengths: tuple[int, ...] = (100, 5000), seeds: int = 5) -> pd.DataFrame:
    rows = [
        (episodes, weight, seed, 1000 * weight + 10 * seed**2 + episodes, 25000 + 10 * seed**2 - episodes)
        for episodes, weight, seed in product(lengths, WEIGHTS, range(seeds))
    ]
    return pd.DataFrame(rows, columns=["episodes", "weight", "seed", BENEFIT, COST])


def scenarios(count: int) -> pd.DataFrame:
    names = ["central", *(f"a choice of the protocol with a name, number {number}" for number in range(1, count))]
    shares = np.random.default_rng(3).uniform(82, 97, count)
    no_root = ["satisfaction hotel" if number % 5 == 4 else "" for number in range(count)]
    return pd.DataFrame({"scenario": names, FUEL_SHARE: shares, "no root": no_root})


def every(settled: dict[str, Settled], inputs: xr.Dataset, positions: xr.Dataset) -> dict[str, Figure]:
    """All figures of the study, by name."""
    cooling = {name: one.flows["chiller"] for name, one in settled.items()}
    first = next(iter(settled.values()))
    return {
        "demand": figures.demand({name: one.day for name, one in settled.items()}),
        "wholesale": figures.wholesale(inputs.sel(price_set=list(settled))),
        "photovoltaics": figures.photovoltaics(positions, 250.0),
        **{f"pricing of {name}": figures.pricing(settled, name) for name in CLUSTERS},
        "tied prices": figures.tied_prices(settled, plans(settled, 0.9), plans(settled, 1.1)),
        "learning": figures.learning({form: gaps(scale) for form, scale in zip(FORMS, (5e4, 5e6), strict=True)}),
        "gap distribution": figures.gap_distribution(distances(20)),
        "consumption, 10": dispatch_figures.consumption(settled, ["commercial"], 10),
        "consumption, 11": dispatch_figures.consumption(settled, ["residential", "hotel"], 11),
        "operation": dispatch_figures.operation(settled),
        "residuals": dispatch_figures.residuals({"3 clusters": result(12), "30 clusters": result(15)}),
        "penalties": dispatch_figures.penalties({name: penalties(n + 1) for n, name in enumerate(settled)}),
        "part load": dispatch_figures.part_load(first.inputs, cooling),
        "hourly": weight_figures.hourly(settled),
        "composition": weight_figures.composition(settled),
        "sweep": weight_figures.sweep({name: exact(n + 1) for n, name in enumerate(settled)},
                                      {name: learnt() for name in settled}, TIES),
        "band": weight_figures.band(scenarios(40), FUEL_SHARE, 90.0, 5.0),
    }  # fmt: skip


@pytest.fixture(scope="module", params=[SETS, SETS[:1], SETS[1:]], ids=["both", "first", "second"])
def all_figures(
    request: pytest.FixtureRequest, both: dict[str, Settled], inputs: xr.Dataset, positions: xr.Dataset
) -> dict[str, Figure]:
    return every({name: both[name] for name in request.param}, inputs, positions)


# ---- what holds of all figures


def panels(figure: Figure) -> np.ndarray:
    """Panels by row and column."""
    grid = figure.axes[0].get_gridspec()
    return np.array(figure.axes, dtype=object).reshape(grid.nrows, grid.ncols)


def test_axes_are_named_with_units(all_figures: dict[str, Figure]) -> None:
    unitless = {"hour of the day"}
    for name, figure in all_figures.items():
        grid = panels(figure)
        for axes in grid[-1]:
            x = axes.get_xlabel()
            assert x in unitless or x.endswith("]") or name == "gap distribution", f"{name}: {x}"
        for axes in grid[:, 0]:
            assert axes.get_ylabel().endswith("]") or name in ("composition", "band"), f"{name}: {axes.get_ylabel()}"
        assert figure.get_figwidth() == WIDTH


def written(figure: Figure) -> list[Text]:
    """Every text that is to be read, tick labels in view included."""
    found: list[Text] = [figure._suptitle] if figure._suptitle else []
    for axes in figure.axes:
        found += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = axis.get_major_ticks()
            found += [tick.label1 for tick in ticks if low <= tick.get_loc() <= high and tick.label1.get_visible()]
    for box in [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]:
        found += box.get_texts()
    return [text for text in found if text.get_text().strip() and text.get_visible()]


@pytest.mark.slow
def test_no_texts_overlap_or_leave_the_page(all_figures: dict[str, Figure]) -> None:
    for name, figure in all_figures.items():
        figure.draw_without_rendering()
        boxes = [(text.get_text(), text.get_window_extent()) for text in written(figure)]
        assert len(boxes) > 4
        for text, box in boxes:
            assert figure.bbox.x0 - 1 <= box.x0 <= box.x1 <= figure.bbox.x1 + 1, f"{name}: {text}"
            assert figure.bbox.y0 - 1 <= box.y0 <= box.y1 <= figure.bbox.y1 + 1, f"{name}: {text}"
        for (text, box), (other, near) in combinations(boxes, 2):
            wide = min(box.x1, near.x1) - max(box.x0, near.x0)
            high = min(box.y1, near.y1) - max(box.y0, near.y0)
            assert min(wide, high) < 1.5, f"{name}: {text!r} on {other!r}"


def test_figures_are_the_same_each_time(both: dict[str, Settled]) -> None:
    drawn = [rendered(weight_figures.hourly(both), kind) for kind in ("png", "svg") for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[2] == drawn[3]


def test_numbers_of_the_paper_are_in_the_titles(all_figures: dict[str, Figure]) -> None:
    numbered = {"demand": 5, "photovoltaics": 6, "pricing of commercial": 7, "pricing of residential": 8,
                "pricing of hotel": 9, "consumption, 10": 10, "consumption, 11": 11, "operation": 12, "hourly": 13,
                "composition": 13, "sweep": 14}  # fmt: skip
    for name, figure in all_figures.items():
        titles = [figure.get_suptitle(), *(axes.get_title(loc="left") for axes in figure.axes)]
        with_number = [title for title in titles if title.startswith("Figure ")]
        expected = [f"Figure {numbered[name]}"] if name in numbered else []
        assert [title.partition(":")[0] for title in with_number] == expected


def test_price_sets_stand_side_by_side_on_one_scale(all_figures: dict[str, Figure]) -> None:
    for name in ("wholesale", "pricing of hotel", "tied prices", "consumption, 11", "operation", "hourly", "sweep"):
        for row in panels(all_figures[name]):
            assert len({axes.get_ylim() for axes in row}) == 1
        sets = len(panels(all_figures[name])[0])
        shown = [axes.get_title(loc="left").split(": ") for axes in panels(all_figures[name])[0]]
        assert len([part for title in shown for part in title if part in SETS]) == sets, name


def test_nothing_drawn_is_out_of_sight(all_figures: dict[str, Figure]) -> None:
    for name, figure in all_figures.items():
        for axes in figure.axes:
            low, high = sorted(axes.get_ylim())
            for step in steps(axes):
                assert low <= np.nanmin(values(step)), name
                assert np.nanmax(values(step)) <= high, name


def public(module: object) -> list[Callable[..., object]]:
    mine = (f for _, f in inspect.getmembers(module, inspect.isfunction))
    return [f for f in mine if f.__module__ == module.__name__]  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", [figures, dispatch_figures, weight_figures])
def test_functions_are_short(module: object) -> None:
    for function in public(module):
        lines = inspect.getsource(inspect.unwrap(function)).splitlines()
        length = len(lines) - len((function.__doc__ or "").splitlines())
        assert length <= 40, function.__name__


# ---- readers of what is drawn


def steps(axes: Axes) -> list[StepPatch]:
    return [patch for patch in axes.patches if isinstance(patch, StepPatch)]


def values(step: StepPatch) -> np.ndarray:
    return np.asarray(step.get_data()[0])


def step(axes: Axes, name: str) -> np.ndarray:
    (found,) = [one for one in steps(axes) if one.get_label() == name]
    return values(found)


def bars(axes: Axes) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Bottom and height of stacked bars by name."""
    return {
        group.get_label(): tuple(np.array([(bar.get_y(), bar.get_height()) for bar in group]).T)
        for group in axes.containers
        if group.get_label() and not group.get_label().startswith("_")
    }  # type: ignore[misc]


def line(axes: Axes, name: str) -> np.ndarray:
    (found,) = [one for one in axes.lines if one.get_label() == name]
    return np.asarray(found.get_xydata())


def published(axes: Axes) -> np.ndarray:
    """The points of all hollow diamonds, dims (point, coordinate)."""
    found = [one for one in axes.lines if one.get_marker() == PUBLISHED["marker"]]
    assert all(one.get_markerfacecolor() == "white" and one.get_markeredgecolor() == "black" for one in found)
    return np.concatenate([one.get_xydata() for one in found]) if found else np.empty((0, 2))


def segments(axes: Axes, name: str) -> np.ndarray:
    """Ends of lines that were drawn together, dims (line, end, coordinate)."""
    (found,) = [one for one in axes.collections if one.get_label() == name]
    return np.array(found.get_segments())  # type: ignore[attr-defined]


def marked(axes: Axes, name: str) -> set[int]:
    """Clock hours under a strip."""
    ends = segments(axes, name)
    np.testing.assert_allclose(ends[:, 1, 0] - ends[:, 0, 0], 1)
    return set(ends[:, 0, 0].astype(int))


def test_stacked_keeps_both_sides_of_zero_apart() -> None:
    axes = Figure().subplots()
    parts = {"a": np.full(24, 3.0), "b": np.full(24, -2.0), "c": np.full(24, -1.0), "d": np.full(24, 4.0)}
    figures.stacked(axes, parts, dict.fromkeys(parts, "black"))
    found = {name: (bottom[0], height[0]) for name, (bottom, height) in bars(axes).items()}
    assert found == {"a": (0, 3), "b": (0, -2), "c": (-2, -1), "d": (3, 4)}


# ---- sections 4.1 and 4.2.1


def test_demand(both: dict[str, Settled]) -> None:
    axes = figures.demand({name: one.day for name, one in both.items()}).axes
    for panel, carrier in zip(axes, CARRIERS, strict=True):
        assert panel.get_ylabel() == f"{carrier} [kW]"
        for (name, one), cluster in product(both.items(), CLUSTERS):
            np.testing.assert_allclose(
                step(panel, f"{cluster}, {name}"), one.day["load"].sel(cluster=cluster, carrier=carrier)
            )


def test_wholesale_has_bounds_and_mean(inputs: xr.Dataset) -> None:
    for axes, name in zip(figures.wholesale(inputs).axes, SETS, strict=True):
        price = inputs["electricity_price"].sel(price_set=name)
        np.testing.assert_allclose(step(axes, "wholesale price"), price)
        heights = [one.get_ydata()[0] for one in axes.lines]
        np.testing.assert_allclose(heights, [price.min(), price.max(), price.mean()])
        assert f"{name}: {price.min():.3f} to {price.max():.3f}, mean {price.mean():.3f}" == axes.get_title(loc="left")
        assert axes.get_ylim()[0] == 0


def test_photovoltaics_are_power_by_position(positions: xr.Dataset) -> None:
    (axes,) = figures.photovoltaics(positions, 250.0, "other", "another").axes
    chosen = positions["photovoltaics"].sel(variant="other", day="another")
    for name in POSITIONS:
        np.testing.assert_allclose(step(axes, name), 250 * chosen.sel(position=name))
    assert "250 kW" in axes.get_title(loc="left")
    assert "another" in axes.get_title(loc="left")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_pricing(both: dict[str, Settled], cluster: str) -> None:
    grid = panels(figures.pricing(both, cluster))
    for one, column in zip(both.values(), grid.T, strict=True):
        for carrier, price, load in zip(CARRIERS, column[:2], column[2:], strict=True):
            at = {"cluster": cluster, "carrier": carrier}
            np.testing.assert_allclose(step(price, "retail price"), one.retail["price"].sel(at))
            np.testing.assert_allclose(step(price, "wholesale price"), one.day["wholesale_price"].sel(carrier=carrier))
            np.testing.assert_allclose(step(load, "adjustable capacity"), adjustable(one).sel(at))
            np.testing.assert_allclose(step(load, "actual reduction"), one.retail["reduction"].sel(at))
    assert [axes.get_ylabel() for axes in grid[:, 0]] == [
        *(f"{carrier}\n[yuan/kWh]" for carrier in CARRIERS),
        *(f"{carrier}\nreduced [kW]" for carrier in CARRIERS),
    ]


def test_pricing_shows_loads_that_rise(both: dict[str, Settled]) -> None:
    one = both[SETS[0]]
    rising = replace(one, retail=one.retail.assign(reduction=one.retail["reduction"] - 5))
    assert panels(figures.pricing({SETS[0]: rising}, "hotel"))[2, 0].get_ylim()[0] < -4
    assert panels(figures.pricing({SETS[0]: one}, "hotel"))[2, 0].get_ylim()[0] == 0


def test_tied_prices_lie_between_the_plans(both: dict[str, Settled]) -> None:
    low, high = plans(both, 0.8), plans(both, 1.3)
    figure = figures.tied_prices(both, low, high)
    for (name, one), column in zip(both.items(), panels(figure).T, strict=True):
        for cluster, axes in zip(CLUSTERS, column, strict=True):
            (band,) = [patch for patch in steps(axes) if patch.get_label().startswith("between")]
            at = {"cluster": cluster, "carrier": "electricity"}
            np.testing.assert_allclose(values(band), high[name]["price"].sel(at))
            np.testing.assert_allclose(band.get_data().baseline, low[name]["price"].sel(at))
            np.testing.assert_allclose(step(axes, f"taken: {TIES}"), one.retail["price"].sel(at))
            wholesale = one.day["wholesale_price"].sel(carrier="electricity")
            np.testing.assert_allclose(step(axes, "wholesale price"), wholesale)
    assert figure.get_suptitle().endswith("weight 0.5")


def test_learning_has_median_and_range() -> None:
    tables = {form: gaps(scale) for form, scale in zip(FORMS, (5e4, 5e6), strict=True)}
    axes = figures.learning(tables).axes
    assert [panel.get_title(loc="left") for panel in axes] == ["weight 0.2", "weight 0.5"]
    for panel, weight in zip(axes, (0.2, 0.5), strict=True):
        assert panel.get_xscale() == "log"
        for form, table in tables.items():
            rows = table[table["weight"] == weight].sort_values("episodes")
            np.testing.assert_allclose(line(panel, f"{form}: median"), rows[["episodes", "gap, median [yuan]"]])
            (area,) = [one for one in panel.collections if one.get_label() == f"{form}: all seeds"]
            corners = {tuple(corner) for corner in area.get_paths()[0].vertices}
            for column in ("least [yuan]", "greatest [yuan]"):
                assert set(rows[["episodes", column]].itertuples(index=False, name=None)) <= corners


def test_learning_of_one_form_and_weight() -> None:
    (axes,) = figures.learning({FORMS[0]: gaps(1e4, (0.5,))}).axes
    assert len(axes.lines) == 1


@pytest.mark.parametrize("seeds", [1, 2, 20])
def test_gap_distribution_has_every_seed_and_the_median(seeds: int) -> None:
    gap = distances(seeds)
    for axes, weight in zip(figures.gap_distribution(gap).axes, (0.2, 0.5), strict=True):
        for place, (form, of) in enumerate(gap.items()):
            points = line(axes, f"{form}: a seed")
            np.testing.assert_allclose(points[:, 1], of.sel(weight=weight))
            assert (abs(points[:, 0] - place) < 0.5).all(), "no form's points stand among another's"
            (ends,) = segments(axes, f"{form}: median")
            np.testing.assert_allclose(ends[:, 1], float(of.sel(weight=weight).median()))


def test_gap_distribution_of_forms_with_other_weights() -> None:
    gap = {FORMS[0]: distances(3, (0.2, 0.5))[FORMS[0]], FORMS[1]: distances(3, (0.5,))[FORMS[1]]}
    first, second = figures.gap_distribution(gap).axes
    assert [len(axes.lines) for axes in (first, second)] == [1, 2]


# ---- section 4.2.2


def test_consumption_before_agreed_and_after(both: dict[str, Settled]) -> None:
    clusters = ["residential", "hotel"]
    grid = panels(dispatch_figures.consumption(both, clusters, 11))
    assert grid.shape == (4, 2)
    for one, column in zip(both.values(), grid.T, strict=True):
        for axes, (cluster, carrier) in zip(column, product(clusters, CARRIERS), strict=True):
            at = {"cluster": cluster, "carrier": carrier}
            np.testing.assert_allclose(step(axes, "before"), one.day["load"].sel(at))
            np.testing.assert_allclose(step(axes, "agreed through prices"), one.retail["load"].sel(at))
            np.testing.assert_allclose(step(axes, "after dispatch"), one.flows["load"].sel(at))


def test_consumption_marks_the_hours_of_the_sentence(both: dict[str, Settled]) -> None:
    commercial = panels(dispatch_figures.consumption(both, ["commercial"], 10))
    assert all(marked(axes, "the paper's hours, 10 to 20") == set(BUSINESS) for axes in commercial.flat)
    others = panels(dispatch_figures.consumption(both, ["residential", "hotel"], 11))
    assert all(marked(axes, "the paper's hours, 8 to 13") == {8, 9, 10, 11, 12} for axes in others[:2].flat)
    assert not any(axes.collections for axes in others[2:].flat), "none is on the hotel"


def test_operation_stacks_what_supplies(both: dict[str, Settled]) -> None:
    grid = panels(dispatch_figures.operation(both))
    for one, (power, cooling, ice) in zip(both.values(), grid.T, strict=True):
        for axes, flows in (
            (power, {"photovoltaics": "photovoltaics", "turbine": "turbine", "purchase": "purchase"}),
            (cooling, {"absorption": "absorption", "chiller": "chiller", "ice": "ice_discharge"}),
        ):
            found, bottom = bars(axes), np.zeros(24)
            assert list(found) == list(flows)
            for name, flow in flows.items():
                np.testing.assert_allclose(found[name][0], bottom)
                np.testing.assert_allclose(found[name][1], one.flows[flow])
                bottom = bottom + one.flows[flow].to_numpy()
            assert bottom.max() < axes.get_ylim()[1], "the highest bar ends below the edge"
        (served,) = steps(cooling)
        np.testing.assert_allclose(values(served), one.flows["load"].sel(carrier="cooling").sum("cluster"))
        held = line(ice, "cold held by the ice")
        np.testing.assert_allclose(held, [(0, 2300), *((hour + 1, 100 * hour) for hour in HOURS)])
        assert [found.get_ydata()[0] for found in ice.lines[1:]] == [float(one.inputs["ice_capacity"])]
        assert marked(power, "published: large purchases, 0 to 8, 22 to 24") == set(NIGHT)


def test_operation_adds_up_the_uses(both: dict[str, Settled]) -> None:
    first, second = panels(dispatch_figures.operation(both))[0]
    for axes, one in zip((first, second), both.values(), strict=True):
        served = one.flows["load"].sel(carrier="electricity").sum("cluster")
        np.testing.assert_allclose(step(axes, "use: clusters"), served)
        np.testing.assert_allclose(step(axes, "use: chiller"), served + one.flows["chiller_power"])
        ice = step(axes, "use: making ice")
        np.testing.assert_allclose(ice[:6], (served + one.flows["chiller_power"])[:6] + 100)
        assert np.isnan(ice[6:]).all(), "drawn where ice is made"
    flows = both[SETS[0]].flows
    noon = (flows["load"].sel(carrier="electricity").sum("cluster") + flows["chiller_power"]).sel(hour=12) + 150
    sold = step(first, "use: exports")
    assert sold[12] == pytest.approx(float(noon))
    assert np.flatnonzero(~np.isnan(sold)).tolist() == [12]
    assert not [one for one in steps(second) if one.get_label() == "use: exports"], "nothing is sold there"


def test_legend_names_what_any_panel_shows(both: dict[str, Settled]) -> None:
    turned = {name: both[name] for name in reversed(SETS)}
    (box,) = dispatch_figures.operation(turned).legends
    names = [text.get_text() for text in box.get_texts()]
    assert "use: exports" in names
    assert len(names) == len(set(names))


def test_residuals_over_the_steps() -> None:
    results = {"3 clusters": result(12), "30 clusters": result(15)}
    primal, dual = dispatch_figures.residuals(results).axes
    for case, found in results.items():
        name, steps_taken = f"{case}: {found.iterations} steps", np.arange(1, found.iterations + 1)
        np.testing.assert_allclose(line(primal, name), np.column_stack([steps_taken, found.primal]))
        np.testing.assert_allclose(line(dual, name), np.column_stack([steps_taken, found.dual]))
    assert [axes.get_yscale() for axes in (primal, dual)] == ["log", "log"]
    assert [axes.get_ylabel() for axes in (primal, dual)] == ["imbalance [kW]", "price change [yuan/kWh]"]


def test_penalties_fixed_and_adaptive() -> None:
    tables = {name: penalties(number + 1) for number, name in enumerate(SETS)}
    (axes,) = dispatch_figures.penalties(tables).axes
    for (name, table), kind in product(tables.items(), ("fixed", "adaptive")):
        expected = table[["penalty [yuan/kWh/kW]", f"iterations, {kind}"]]
        np.testing.assert_allclose(line(axes, f"{kind}, {name}"), expected)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_part_load_is_below_and_above_the_constant_ratio(both: dict[str, Settled]) -> None:
    given = both[SETS[0]].inputs
    cooling = {name: one.flows["chiller"] for name, one in both.items()}
    (axes,) = dispatch_figures.part_load(given, cooling).axes
    capacity, ratio = float(given["chiller_capacity"]), float(given["chiller_eer"])
    straight, curve = line(axes, f"constant ratio of {ratio:g}"), line(axes, "polynomial of the part load")
    np.testing.assert_allclose(straight[:, 1], straight[:, 0] * capacity / ratio)
    a, b, c = (float(given[f"part_load_{name}"]) for name in ("quadratic", "linear", "constant"))
    share = curve[1:, 0]
    np.testing.assert_allclose(curve[1:, 1], share * capacity / (ratio * (a * share**2 + b * share + c)))
    assert curve[0].tolist() == [0, 0]
    for name, of in cooling.items():
        points = line(axes, f"hours of the day, {name}")
        np.testing.assert_allclose(points[:, 0] * capacity, of)
        np.testing.assert_allclose(points[:, 1], dispatch.chiller_power(given, of))


# ---- section 4.3


def test_hourly_cost_and_benefit(both: dict[str, Settled]) -> None:
    for axes, one in zip(weight_figures.hourly(both).axes, both.values(), strict=True):
        hours, found = hourly_benefit(one), bars(axes)
        np.testing.assert_allclose(step(axes, "benefit"), hours["benefit"])
        net = hours["purchase"] + hours["export"]
        operation = hours[["turbine", "photovoltaics", "absorption", "chiller", "ice"]].sum(axis=1)
        expected = {
            "purchases less exports": net, "gas": hours["fuel"], "emissions": hours["emission"], "operation": operation
        }  # fmt: skip
        assert list(found) == list(expected)
        for name, amount in expected.items():
            np.testing.assert_allclose(found[name][1], amount)
        top = sum(heights for _, heights in found.values())
        np.testing.assert_allclose(top, hours["revenue"] - hours["benefit"])
        assert marked(axes, "published: losses, 0 to 10, 22 to 24") == set(LOSSES)


def test_earnings_from_exports_hang_below_zero(both: dict[str, Settled]) -> None:
    one = both[SETS[0]]
    none = xr.zeros_like(one.flows["purchase"])
    sells = replace(one, flows=one.flows.assign(purchase=none, export=none + 900.0))
    (axes,) = weight_figures.hourly({SETS[0]: sells}).axes
    found = bars(axes)
    net, gas = found["purchases less exports"], found["gas"]
    np.testing.assert_allclose(net[0], 0)
    assert (net[1] < 0).all()
    np.testing.assert_allclose(gas[0], 0, err_msg="what is spent begins at zero again")
    assert axes.get_ylim()[0] < net[1].min()


def test_composition_adds_up(both: dict[str, Settled]) -> None:
    (axes,) = weight_figures.composition(both).axes
    lengths = np.array([[bar.get_width() for bar in group] for group in axes.containers]).reshape(len(both), -1)
    starts = np.array([[bar.get_x() for bar in group] for group in axes.containers]).reshape(len(both), -1)
    for one, length, start in zip(both.values(), lengths, starts, strict=True):
        share = cost_table(one).set_index("item")["share of the cost [%]"]
        net = share["purchased electricity"] + share["exported electricity"]
        np.testing.assert_allclose(length, [net, share["gas"], share["emissions"], share["operation"]])
        np.testing.assert_allclose(length.sum(), 100)
        np.testing.assert_allclose(start, np.append(0, length.cumsum()[:-1]))
    assert [text.get_text() for text in axes.texts] == [f"{share:.1f}" for share in lengths.ravel()]
    together = [one for one in axes.lines if one.get_linewidth() == 2.2]
    np.testing.assert_allclose([one.get_xdata()[0] for one in together], lengths[:, :2].sum(axis=1))
    np.testing.assert_allclose(published(axes)[:, 0], [90.0])
    assert [text.get_text() for text in axes.get_yticklabels()] == list(both)


def test_published_values_are_those_of_the_ledger() -> None:
    claims = read_claims(ROOT)
    wanted = printed(claims)
    paid = wanted["reducible_commercial"] + wanted["satisfaction_residential"] + wanted["satisfaction_hotel"]
    assert weight_figures.AT_HALF[BENEFIT] == wanted["operation"] == 1429.08
    assert weight_figures.AT_HALF[COST] == pytest.approx(paid, abs=1e-6)
    assert paid == pytest.approx(29349.06)
    share, _ = printed_number(claims.set_index("id")["printed"]["F-4.3-fuel-share"])
    assert share == weight_figures.ALMOST


def test_sweep_has_the_rule_the_ties_and_the_learners() -> None:
    exact_by_set = {name: exact(number + 1) for number, name in enumerate(SETS)}
    grid = panels(weight_figures.sweep(exact_by_set, {name: learnt() for name in SETS}, TIES))
    for (name, table), column in zip(exact_by_set.items(), grid.T, strict=True):
        for axes, quantity in zip(column, (BENEFIT, COST), strict=True):
            taken = table[table["ties"] == TIES]
            np.testing.assert_allclose(
                line(axes, f"exact: {TIES}"), np.column_stack([taken["weight"], taken[quantity] / 1000])
            )
            ends = segments(axes, "exact: prices of equal reward")
            np.testing.assert_allclose(ends[:, 0, 0], WEIGHTS)
            reach = ends[:, 1, 1] - ends[:, 0, 1]
            np.testing.assert_allclose(reach, [4.0 if weight == 0.5 else 0.0 for weight in WEIGHTS], atol=1e-9)
            low = float(taken[taken["weight"] == 0.5][quantity].iloc[0]) / 1000 - 1.5
            assert ends[WEIGHTS.index(0.5), 0, 1] == pytest.approx(low)
            np.testing.assert_allclose(published(axes), [[0.5, weight_figures.AT_HALF[quantity] / 1000]])
            (plateau,) = [patch for patch in axes.patches if patch.get_label() == "published: fluctuates less"]
            assert (plateau.get_x(), plateau.get_x() + plateau.get_width()) == pytest.approx(PLATEAU)
        assert [one for one in column[0].lines if one.get_ydata()[0] == 0 and len(one.get_ydata()) == 2], name


def test_sweep_shows_median_and_range_over_seeds() -> None:
    table = learnt()
    (axes, _) = weight_figures.sweep({SETS[0]: exact(1)}, {SETS[0]: table}, TIES).axes
    groups = [group for group in axes.containers if group.get_label().startswith("Q-learning")]
    assert [group.get_label() for group in groups] == [
        "Q-learning, 100 episodes: all seeds", "Q-learning, 5,000 episodes: all seeds"
    ]  # fmt: skip
    for group, episodes in zip(groups, (100, 5000), strict=True):
        points, _, (reach,) = group
        np.testing.assert_allclose(points.get_xydata()[:, 1], [(1000 * w + 40 + episodes) / 1000 for w in WEIGHTS])
        ends = np.array(reach.get_segments())[:, :, 1]
        np.testing.assert_allclose(ends[:, 0], [(1000 * w + episodes) / 1000 for w in WEIGHTS])
        np.testing.assert_allclose(ends[:, 1], [(1000 * w + 160 + episodes) / 1000 for w in WEIGHTS])
        beside = points.get_xydata()[:, 0] - WEIGHTS
        assert ((beside > 0) & (beside < 0.05)).all(), "right of its weight, left of the next"


def test_sweep_shows_every_length_of_training() -> None:
    lengths = (100, 300, 1000, 2000, 3000, 5000)
    (axes, _) = weight_figures.sweep({SETS[0]: exact(1)}, {SETS[0]: learnt(lengths)}, TIES).axes
    points = [group[0] for group in axes.containers]
    assert len({tuple(one.get_color()) for one in points}) == len(lengths)
    assert (np.diff([one.get_xdata()[0] for one in points]) > 0).all(), "the longer the training, the farther right"


def test_sweep_with_one_seed_one_length_or_no_learner() -> None:
    one = learnt((300,), seeds=1)
    figure = weight_figures.sweep({name: exact(1) for name in SETS}, {SETS[1]: one}, TIES)
    without, with_learner = panels(figure)[0]
    assert not without.containers
    (group,) = with_learner.containers
    np.testing.assert_allclose(group[0].get_xydata()[:, 1], one[BENEFIT] / 1000)
    assert "Q-learning, 300 episodes: all seeds" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert weight_figures.sweep({SETS[0]: exact(1)}, {}, TIES).axes


def test_sweep_where_the_rule_is_an_end_of_the_ties() -> None:
    table = exact(1)
    table = table[table["ties"] != TIES]
    benefit, _ = weight_figures.sweep({SETS[0]: table}, {}, "dearest").axes
    at = line(benefit, "exact: dearest")[WEIGHTS.index(0.5)]
    assert at[1] == pytest.approx(segments(benefit, "exact: prices of equal reward")[WEIGHTS.index(0.5), 1, 1])


def test_band_has_a_row_for_every_scenario() -> None:
    table = scenarios(40)
    (axes,) = weight_figures.band(table, FUEL_SHARE, 90.0, 5.0).axes
    fitted = (table["no root"] == "").to_numpy()
    for name, which in (("scenario", fitted), ("scenario, a fit has no root", ~fitted)):
        np.testing.assert_allclose(
            line(axes, name), np.column_stack([table[FUEL_SHARE], np.arange(40)])[which], err_msg=name
        )
    np.testing.assert_allclose(line(axes, "central"), [[table[FUEL_SHARE][0], 0]])
    np.testing.assert_allclose(published(axes), [[90.0, -1.0]])
    (tolerance,) = [patch for patch in axes.patches if patch.get_label() == "tolerance"]
    assert (tolerance.get_x(), tolerance.get_width()) == pytest.approx((85.0, 10.0))
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert len(names) == 40
    assert names[0] == "central"
    assert all(len(name) <= weight_figures.LONGEST for name in names)
    low, high = sorted(axes.get_ylim())
    assert low < -1 < 39 < high


@pytest.mark.parametrize("no_root", ["", "operation"])
def test_band_of_the_central_scenario_alone(no_root: str) -> None:
    table = scenarios(1).assign(**{"no root": no_root})
    (axes,) = weight_figures.band(table, FUEL_SHARE, 90.0, 5.0).axes
    (central_one,) = [one for one in axes.lines if one.get_label() == "central"]
    hollow = to_rgba(central_one.get_markerfacecolor()) == to_rgba("white")
    assert hollow == bool(no_root)
    labels = {one.get_label() for one in axes.lines}
    assert ("scenario, a fit has no root" in labels) == bool(no_root)
