import linopy
import pytest
import xarray as xr

from bcopt.methods import solver

HOURS = xr.DataArray([0, 1], dims="hour", coords={"hour": [0, 1]})


def supply(demand, capacity=2.0, price=(3.0, 1.0), integer=False):
    model = linopy.Model()
    bought = model.add_variables(lower=0, upper=capacity + 0.0 * HOURS, name="bought", integer=integer)
    model.add_constraints(bought >= xr.DataArray(demand, dims="hour", coords=HOURS.coords), name="demand")
    model.add_objective((bought * xr.DataArray(list(price), dims="hour", coords=HOURS.coords)).sum())
    return model


@pytest.mark.parametrize("presolve", [True, False])
def test_optimum_by_hand(presolve):
    report = solver.solve(supply([0.5, 1.0]), presolve=presolve)
    assert report.objective == pytest.approx(3 * 0.5 + 1 * 1.0)
    assert (report.status, report.gap) == ("optimal", 0.0)
    assert report.bound == report.objective


def test_integers_cost_more_and_carry_a_bound():
    report = solver.solve(supply([0.5, 1.0], integer=True))
    assert report.objective == pytest.approx(3 * 1 + 1 * 1)
    assert report.bound == pytest.approx(report.objective)


def test_infeasible_names_constraint_and_hour():
    with pytest.raises(solver.NotSolved, match=r"infeasible:\n  demand at hour 1: missed by 1\b") as caught:
        solver.solve(supply([0.5, 3.0]))
    assert caught.value.status == "infeasible"
    assert "hour 0" not in str(caught.value)


def test_conflict_is_listed_worst_first_and_cut():
    text = solver.conflict(supply([3.0, 5.0]), limit=1)
    assert text.startswith("  demand at hour 1: missed by 3")
    assert text.endswith("and 1 more")


def test_unbounded_is_no_answer():
    model = linopy.Model()
    free = model.add_variables(name="free")
    model.add_objective(1 * free)
    with pytest.raises(solver.NotSolved, match="unbounded"):
        solver.solve(model)


def test_silent(capfd):
    solver.solve(supply([0.5, 1.0]))
    captured = capfd.readouterr()
    assert captured.err == ""
