"""What is masked adds nothing, under every supported version of linopy, and is not warned of."""

import linopy
import pytest
import xarray as xr

from bcopt.models.linopy_versions import absent_as_zero

HOURS = xr.DataArray([0, 1], coords={"hour": [0, 1]}, dims="hour")


def least_purchase(whole):
    """Return the cheapest purchases for a demand of 2 in two hours; an offer of 1 is there in the first only."""
    model = linopy.Model()
    bought = model.add_variables(lower=0, coords=[HOURS.indexes["hour"]], name="bought")
    offered = model.add_variables(upper=1, coords=HOURS.coords, mask=HOURS == 0, name="offered")
    model.add_constraints(bought + whole(offered) >= 2, name="demand")
    model.add_objective(bought.sum())
    model.solve("highs", output_flag=False)
    return bought.solution.to_numpy().tolist()


def test_an_absent_entry_adds_nothing_and_the_demand_of_its_hour_stays():
    assert least_purchase(absent_as_zero) == pytest.approx([1, 2])


def test_dims_and_coefficients_are_those_of_the_variable():
    model = linopy.Model()
    offered = model.add_variables(upper=1, coords=HOURS.coords, mask=HOURS == 0, name="offered")
    expression = absent_as_zero(offered)
    assert expression.coord_dims == ("hour",)
    assert expression.vars.to_numpy().ravel().tolist() == [0, -1]
