"""Coefficients of performance by hand, beyond the range of the regressions, and beside another published fit."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bcopt.models.heat_pump import REGRESSIONS, SOURCES, coefficient_of_performance

# Ruhnau et al. (2019), doi 10.1038/s41597-019-0199-y, as in their input/cop/cop_parameters.csv
RUHNAU = {"air": (6.0801, -0.0941, 0.0005), "ground": (10.288, -0.2084, 0.0012)}


def over_hours(*values):
    return xr.DataArray(np.asarray(values, float), {"hour": np.arange(len(values))}, "hour")


@pytest.mark.parametrize(
    ("source", "lift", "cop"),
    [
        ("air", 15, 5.13675),  # 6.81 - 1.815 + 0.14175
        ("air", 35, 3.34675),  # 6.81 - 4.235 + 0.77175
        ("air", 50, 2.335),  # 6.81 - 6.05 + 1.575
        ("air", 60, 1.818),  # 6.81 - 7.26 + 2.268
        ("ground", 20, 6.0636),  # 8.77 - 3 + 0.2936
        ("ground", 35, 4.41915),  # 8.77 - 5.25 + 0.89915
        ("ground", 50, 3.105),  # 8.77 - 7.5 + 1.835
        ("ground", 60, 2.4124),  # 8.77 - 9 + 2.6424
    ],
)
def test_by_hand(source, lift, cop):
    """The same at any sink: only the lift counts."""
    for sink in (35.0, 55.0):
        assert coefficient_of_performance(sink - lift, sink, source) == pytest.approx(cop, rel=1e-12)


@pytest.mark.parametrize("source", SOURCES)
def test_a_small_lift_counts_as_the_smallest_of_the_range(source):
    """Just below its end, none, and a source that is warmer than the sink."""
    fit = REGRESSIONS[source]
    found = coefficient_of_performance(over_hours(45 - fit.least, 45 - fit.least + 1, 45, 60), 45.0, source)
    assert found.values == pytest.approx([{"air": 5.13675, "ground": 6.0636}[source]] * 4)
    assert (fit.least, fit.most) == ({"air": 15, "ground": 20}[source], 60)


@pytest.mark.parametrize(
    ("source", "at_70", "lowest"),
    [
        ("air", 1.427, 6.81 - 0.121**2 / (4 * 0.00063)),  # 6.81 - 8.47 + 3.087, and where the parabola turns
        ("ground", 1.8666, 8.77 - 0.15**2 / (4 * 0.000734)),  # 8.77 - 10.5 + 3.5966
    ],
)
def test_a_large_lift_follows_the_parabola_as_far_as_it_falls(source, at_70, lowest):
    lift = np.arange(0.0, 150.0)
    found = coefficient_of_performance(over_hours(*(60 - lift)), 60.0, source).values
    assert found[70] == pytest.approx(at_70)
    assert np.all(np.diff(found) <= 0), "no lift is better than a smaller one"
    assert found[110:] == pytest.approx([lowest] * 40)
    assert 1 < lowest < 1.2


def test_least():
    """2.335 at 50 K is raised to the least, 3.34675 at 35 K is not."""
    found = coefficient_of_performance(over_hours(-5, 10), 45.0, least=2.5)
    assert found.values == pytest.approx([2.5, 3.34675])


@pytest.mark.parametrize("source", SOURCES)
def test_another_fit_to_other_tests_is_near(source):
    lift = np.arange(20.0, 55.5, 0.5)
    constant, slope, curvature = RUHNAU[source]
    found = coefficient_of_performance(over_hours(*(45 - lift)), 45.0, source).values
    ratio = found / (constant + slope * lift + curvature * lift**2)
    assert 0.85 < ratio.min() < 1 < ratio.max() < 1.15


def test_over_any_dims():
    """A sink that follows the weather, and one for each group."""
    outdoor = over_hours(-10, 0, 10)
    sink = over_hours(45, 40, 35) + xr.DataArray([0.0, 10.0], {"group": ["new", "old"]}, "group")
    found = coefficient_of_performance(outdoor, sink)
    assert set(found.dims) == {"hour", "group"}
    assert float(found.sel(hour=2, group="old")) == pytest.approx(3.34675)
    assert float(found.sel(hour=1, group="old")) == pytest.approx(2.335)
    assert isinstance(coefficient_of_performance(10.0, 45.0), float)


def test_labels_must_agree():
    with pytest.raises(ValueError, match="hour"):
        coefficient_of_performance(over_hours(0, 1), over_hours(45, 45, 45))


def test_every_problem_at_once():
    """Among them kelvin, which would count as a small lift."""
    outdoor = over_hours(0, np.nan, 273.15)
    with pytest.raises(ValueError, match="source_temperature") as caught:
        coefficient_of_performance(outdoor, np.inf, "water", least=0.0)
    lines = str(caught.value).splitlines()
    assert lines[0] == "source must be one of ('air', 'ground'), found 'water'"
    assert lines[1] == "least must be above 0 kWh/kWh, found 0.0"
    assert lines[2] == (
        "source_temperature must be within [-100.0, 100.0] °C: found nan at hour 1; found 273.15 at hour 2"
    )
    assert lines[3] == "sink_temperature must be within [-100.0, 100.0] °C: found inf"
