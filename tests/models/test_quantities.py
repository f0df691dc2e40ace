"""What inputs must be: a line for each fault of a quantity, none for a sound one, and hours in steps of one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bcopt.models.quantities import Quantity, faults, label_faults, unknown
from bcopt.models.store import NOT_NEGATIVE

POWER = Quantity("kW", hourly=True)
OPEN = Quantity("1", hourly=False, interval=pd.Interval(0.0, 1.0, closed="neither"))
SHARE = Quantity("1", hourly=False, interval=pd.Interval(0.0, 1.0, closed="both"), required=False)


def inputs(values, name="load", **attrs):
    values = np.asarray(values, float)
    coords = {"hour": np.arange(values.size)} if values.ndim else {}
    return xr.Dataset({name: xr.DataArray(values, coords, tuple(coords), attrs=attrs)})


def test_a_quantity_is_required_and_not_negative_by_default():
    assert (POWER.required, POWER.interval) == (True, NOT_NEGATIVE)
    assert not SHARE.required
    with pytest.raises(AttributeError):
        POWER.units = "MW"


@pytest.mark.parametrize(
    ("given", "quantity", "lines"),
    [
        (inputs([0, 1]), POWER, []),
        (inputs([0, 1], units="kW"), POWER, []),
        (inputs([0, 1], units="MW"), POWER, ["load: units must be kW, found MW"]),
        (inputs(1.0), POWER, ["load: must have the dim hour, found ()"]),
        (inputs([0, -1]), POWER, ["load must be within [0.0, inf) kW: found -1 at hour 1"]),
        (inputs([0, np.nan]), POWER, ["load must be within [0.0, inf) kW: found nan at hour 1"]),
        (
            inputs(-1.0, units="MW"),
            POWER,
            [
                "load: units must be kW, found MW",
                "load: must have the dim hour, found ()",
                "load must be within [0.0, inf) kW: found -1",
            ],
        ),
        (inputs([0, 1], name="other"), POWER, ["load: missing, expected in kW"]),
        (inputs([0, 1], name="other"), SHARE, []),
        (inputs([0, 1]), SHARE, []),  # every quantity may have hours
        (inputs(1.0), SHARE, []),
        (inputs(1.1), SHARE, ["load must be within [0.0, 1.0] 1: found 1.1"]),
        (inputs(0.0), OPEN, ["load must be within (0.0, 1.0) 1: found 0"]),
    ],
)
def test_faults(given, quantity, lines):
    assert list(faults("load", quantity, given)) == lines


@pytest.mark.parametrize(
    ("hours", "lines"),
    [
        ([0, 1, 2], []),
        ([7, 8], []),
        ([8759], []),
        ([0.0, 1.0], []),
        ([0, 1, 3], ["hour: expected steps of one hour in order, found hour 3 after hour 1"]),
        ([1, 0], ["hour: expected steps of one hour in order, found hour 0 after hour 1"]),
        ([0, 0], ["hour: expected steps of one hour in order, found hour 0 after hour 0"]),
        ([22, 23, 0, 5], ["hour: expected steps of one hour in order, found hour 0 after hour 23"]),  # the first
        ([0, np.nan], ["hour: expected steps of one hour in order, found hour nan after hour 0.0"]),
        ([], ["hour: no labels, expected one or more"]),
    ],
)
def test_hours(hours, lines):
    given = inputs(np.zeros(len(hours))).assign_coords(hour=hours)
    assert list(label_faults(given)) == lines


def test_dims_without_labels():
    given = xr.Dataset({"load": xr.DataArray(np.ones((0, 0, 2)), dims=("group", "day", "hour"))})
    assert list(label_faults(given)) == ["group, day: no labels, expected one or more"]
    assert list(label_faults(inputs([0, 1]).drop_vars("hour"))) == []
    assert list(label_faults(inputs(1.0))) == []


def test_unknown():
    given = inputs([0, 1]).assign(steam=1.0, load_factor=1.0)
    assert unknown(given, {"load": POWER}) == ["steam: unknown, known are load", "load_factor: unknown, known are load"]
    assert unknown(inputs([0, 1]), {"load": POWER, "share": SHARE}) == []


def test_repeated_labels():
    given = inputs([0, 1]).assign_coords(group=["a", "b", "a", "a"])
    assert list(label_faults(given)) == ["group: repeated labels ['a']"]
