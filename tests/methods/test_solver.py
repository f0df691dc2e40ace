import linopy
import numpy as np
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
    assert capfd.readouterr() == ("", "")


# ---- two labels, and what names the conflict

CLUSTERS = xr.DataArray([0.0, 0.0], dims="cluster", coords={"cluster": ["x1", "x2"]})
GRID = HOURS * 0.0 + CLUSTERS


def clusters(demand, capacity=2.0, **kind):
    """Two clusters over two hours; demand by (hour, cluster)."""
    model = linopy.Model()
    bought = model.add_variables(lower=0, upper=capacity + GRID, name="bought", **kind)
    model.add_constraints(bought >= GRID + demand, name="demand")
    model.add_objective(bought.sum())
    return model


def test_infeasible_names_hour_and_cluster():
    demand = GRID.copy(data=[[1.0, 1.0], [1.0, 2.5]])
    with pytest.raises(solver.NotSolved) as caught:
        solver.solve(clusters(demand))
    assert str(caught.value) == "the model is infeasible:\n  demand at hour 1, cluster x2: missed by 0.5"


def test_the_more_capacity_the_fewer_conflicts():
    demand = GRID.copy(data=[[1.0, 2.0], [3.0, 4.0]])
    named = [solver.conflict(clusters(demand, capacity)).count("missed") for capacity in (0.5, 1.5, 2.5, 3.5)]
    assert named == [4, 3, 2, 1]
    assert solver.conflict(clusters(demand, 4.0)) == "  no constraint by more than the tolerance of the solver"


def test_crossed_bounds_name_variable_hour_and_cluster():
    capacity = GRID.copy(data=[[1.0, 1.0], [-0.25, 1.0]])
    with pytest.raises(solver.NotSolved, match=r":\n  bought at hour 1, cluster x1: no value from 0 to -0.25$"):
        solver.solve(clusters(0.5, capacity))


def test_bounds_without_an_integer_between_them_are_named():
    model = clusters(0.0, integer=True)
    model.variables["bought"].lower = GRID + 0.25
    model.variables["bought"].upper = GRID.copy(data=[[1.0, 0.75], [1.0, 1.0]])
    with pytest.raises(solver.NotSolved, match=r":\n  bought at hour 0, cluster x2: no integer from 0.25 to 0.75$"):
        solver.solve(model)


def test_a_conflict_is_of_the_data_as_they_are_now():
    model = supply([0.5, 3.0])
    assert "hour 1: missed by 1" in solver.conflict(model)
    model.constraints["demand"].rhs = xr.DataArray([5.0, 0.0], dims="hour", coords=HOURS.coords)
    assert solver.conflict(model) == "  demand at hour 0: missed by 3"


def test_a_conflict_without_dims_has_no_labels():
    model = supply([0.0, 0.0])
    model.add_constraints(model.variables["bought"].sum() <= -1, name="total")
    assert solver.conflict(model) == "  total: missed by 1"


# ---- bounds, witnesses and relaxations


def knapsack(sense, size=40):
    """A knapsack whose linear relaxation is fractional."""
    generator = np.random.default_rng(1)
    weight = xr.DataArray(generator.uniform(1, 9, size), dims="item")
    worth = weight + generator.uniform(0, 1, size)
    model = linopy.Model()
    taken = model.add_variables(binary=True, coords=[range(size)], dims=["item"], name="taken")
    model.add_constraints((taken * weight).sum() <= float(weight.sum()) / 2.1, name="weight")
    model.add_objective((taken * worth).sum() * (1 if sense == "max" else -1), sense=sense)
    return model


@pytest.mark.parametrize("sense", ["min", "max"])
@pytest.mark.parametrize("presolve", [True, False])
def test_a_wide_gap_is_reported_with_a_bound_on_the_right_side(sense, presolve):
    exact = solver.solve(knapsack(sense), mip_rel_gap=0.0)
    wide = solver.solve(knapsack(sense), presolve=presolve, mip_rel_gap=0.3)
    sign = 1 if sense == "max" else -1
    assert sign * wide.objective <= sign * exact.objective * (1 + 1e-9) <= sign * wide.bound + 1e-6
    assert wide.gap == pytest.approx(abs(wide.bound - wide.objective) / abs(wide.objective))
    assert 0.0 < wide.gap <= 0.3
    assert exact.gap == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("sense", ["min", "max"])
def test_the_relaxation_bounds_the_optimum_and_leaves_the_model_alone(sense):
    model = knapsack(sense)
    exact = solver.solve(model, mip_rel_gap=0.0)
    before = model.solution.copy(deep=True)
    relaxed = solver.relaxation(model)
    assert abs(relaxed.objective) > abs(exact.objective) + 1e-6
    assert (relaxed.bound, relaxed.gap) == (relaxed.objective, 0.0)
    xr.testing.assert_identical(model.solution, before)
    assert model.objective.value == exact.objective
    assert list(model.binaries) == ["taken"]


def test_relaxation_by_hand():
    assert solver.relaxation(supply([0.5, 1.0], integer=True)).objective == pytest.approx(3 * 0.5 + 1 * 1.0)
    assert solver.solve(supply([0.5, 1.0], integer=True)).objective == pytest.approx(3 * 1 + 1 * 1)


def test_relaxation_of_a_semi_continuous_variable_reaches_zero():
    model = linopy.Model()
    power = model.add_variables(lower=1, upper=4, semi_continuous=True, name="power")
    model.add_constraints(power >= 0.5, name="demand")
    model.add_objective(2 * power)
    assert solver.solve(model).objective == pytest.approx(2 * 1)
    assert solver.relaxation(model).objective == pytest.approx(2 * 0.5)


def test_relaxation_of_an_infeasible_model_names_its_conflict():
    with pytest.raises(solver.NotSolved, match="demand at hour 1: missed by 1"):
        solver.relaxation(supply([0.5, 3.0], integer=True))


def test_relaxation_refuses_a_quadratic_objective():
    model = supply([0.5, 1.0])
    model.add_objective((model.variables["bought"] * model.variables["bought"]).sum(), overwrite=True)
    with pytest.raises(ValueError, match="linear, it is quadratic"):
        solver.relaxation(model)


def test_a_quadratic_objective_does_not_hide_the_conflict():
    model = supply([0.5, 3.0])
    model.add_objective((model.variables["bought"] * model.variables["bought"]).sum(), overwrite=True)
    assert solver.conflict(model) == "  demand at hour 1: missed by 1"


def test_witnesses_agree_and_leave_the_solution_of_the_first():
    model = supply([0.5, 1.0])
    presolved, without = solver.witnessed(model)
    assert presolved.objective == pytest.approx(2.5)
    assert without.objective == pytest.approx(2.5)
    assert model.objective.value == presolved.objective
    assert model.solution["bought"].values == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize("sense", ["min", "max"])
def test_witnesses_of_a_mixed_integer_model_close_the_gap(sense):
    presolved, without = solver.witnessed(knapsack(sense))
    assert presolved.gap <= 1e-6
    assert without.gap <= 1e-6


@pytest.mark.parametrize(("second", "agrees"), [(2.5 * (1 + 5e-7), True), (2.5 * (1 + 2e-6), False)])
def test_witnesses_that_disagree(monkeypatch, second, agrees):
    answers = iter([second, 2.5, second, 2.5])
    monkeypatch.setattr(solver, "solve", lambda *_, **__: solver.Report.optimal(next(answers), 2.5, 0.0))
    if agrees:
        assert [r.objective for r in solver.witnessed(supply([0.5, 1.0]))] == [2.5, second]
    else:
        with pytest.raises(solver.Disagreement, match=r"2\.5 with presolve and 2\.50000"):
            solver.witnessed(supply([0.5, 1.0]))
    assert len(solver.witnessed(supply([0.5, 1.0]), tolerance=1e-5)) == 2


def test_infeasible_models_have_no_witnesses():
    with pytest.raises(solver.NotSolved, match="demand at hour 1"):
        solver.witnessed(supply([0.5, 3.0]))


def test_unbounded_integers_are_told_from_infeasible_ones():
    model = linopy.Model()
    made = model.add_variables(lower=0, integer=True, name="made")
    used = model.add_variables(lower=0, name="used")
    model.add_constraints(made - used <= 1, name="balance")
    model.add_objective(-1 * made)
    with pytest.raises(solver.NotSolved) as caught:
        solver.solve(model)
    assert caught.value.status == "unbounded"


# ---- programmes


def test_a_programme_holds_the_model():
    model = supply([0.5, 1.0], integer=True)
    model.add_constraints(model.variables["bought"].sum() <= 3, name="cap")
    model.add_constraints(model.variables["bought"].sum() == 2, name="total")
    programme = solver.Programme.of(model)
    assert programme.cost.tolist() == [3.0, 1.0]
    assert programme.row_lower.tolist() == [0.5, 1.0, -np.inf, 2.0]
    assert programme.row_upper.tolist() == [np.inf, np.inf, 3.0, 2.0]
    assert programme.matrix.toarray().tolist() == [[1, 0], [0, 1], [1, 1], [1, 1]]
    assert programme.kinds.tolist() == [1, 1]
    assert programme.solve(programme.highs()).objective == pytest.approx(3 * 1 + 1 * 1)


def test_options_are_checked():
    with pytest.raises(ValueError, match="HiGHS does not take the option speed = 3"):
        solver.Programme.of(supply([0.5, 1.0])).highs(speed=3, time_limit=1.0)


@pytest.mark.parametrize("known", [[], [3], [1, 4, 9]])
def test_positions(known):
    labels = np.array([[-1, 1, 3], [4, 9, 10]])
    found = solver.position(np.array(known, np.int64), labels)
    expected = [[known.index(x) if x in known else -1 for x in row] for row in labels.tolist()]
    assert found.tolist() == expected


def test_nothing_is_printed(capfd):
    solver.witnessed(supply([0.5, 1.0], integer=True))
    solver.relaxation(supply([0.5, 1.0], integer=True))
    assert "hour 1" in solver.conflict(supply([0.5, 3.0], integer=True))
    assert "no value" in solver.conflict(supply([0.5, 1.0], capacity=-1.0))
    assert capfd.readouterr() == ("", "")
