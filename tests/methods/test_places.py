import linopy
import numpy as np
import pytest
import xarray as xr

from bcopt.methods.places import Place, check_bounds, check_finite, place_of, places

LABELS = xr.DataArray([[3, -1], [5, 8]], {"hour": [0, 1], "cluster": ["a", "b"]}, ["hour", "cluster"])


def test_entries_are_read_from_where_their_labels_stand():
    place = Place("load", LABELS, np.array([1, 3, 5, 7, 8]))
    assert place.index.tolist() == [1, 2, 4]
    read = place.read([10.0, 11.0, 12.0, 13.0, 14.0])
    assert read.values == pytest.approx(np.array([[11.0, np.nan], [12.0, 14.0]]), nan_ok=True)
    assert read.name == "load"
    assert read.sel(hour=1, cluster="b") == 14.0


def test_values_are_matched_by_label_and_masked_entries_skipped():
    place = Place("load", LABELS, np.array([1, 3, 5, 7, 8]))
    turned = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], {"cluster": ["b", "a"], "hour": [1, 0]}, ["cluster", "hour"])
    assert place.values("costs", turned).tolist() == [4.0, 3.0, 1.0]
    assert place.values("costs", xr.DataArray([7.0, 9.0], {"hour": [1, 0]}, "hour")).tolist() == [9.0, 7.0, 7.0]
    assert place.values("costs", np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [1.0, 3.0, 4.0]
    assert place.values("costs", 2).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(2), r"costs of load: expected the shape \(2, 2\), got \(2,\)"),
        (xr.DataArray([1.0, 2.0], {"hour": [0, 2]}, "hour"), r"costs of load: unknown hour \[2\]; missing hour \[1\]"),
        (xr.DataArray([1.0, 2.0, 3.0], {"hour": [0, 1, 1]}, "hour"), "costs of load: repeated hour"),
        (xr.DataArray([1.0], {"day": [0]}, "day"), "costs of load: unknown dimension day"),
        (np.inf, r"costs of load must be finite, got \[inf\]"),
    ],
)
def test_what_does_not_fit_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Place("load", LABELS, np.array([3, 5, 8])).finite("costs", values)


def test_by_name_and_within_bounds():
    model = linopy.Model()
    model.add_variables(lower=LABELS * 0.0, name="load")
    known = places(model.variables, np.arange(4))
    assert place_of("variable", "load", known) is known["load"]
    with pytest.raises(ValueError, match="there is no variable sale, only load"):
        place_of("variable", "sale", known)
    check_bounds(model.variables, np.arange(4), np.zeros(4), np.zeros(4))
    with pytest.raises(ValueError, match="no value is left to\n  load at hour 1, cluster a: from 0 to -1"):
        check_bounds(model.variables, np.arange(4), np.zeros(4), np.array([0.0, 0.0, -1.0, 1.0]))
    with pytest.raises(ValueError, match=r"sides must be finite, got \[nan\]"):
        check_finite("sides", np.array([1.0, np.nan]))
