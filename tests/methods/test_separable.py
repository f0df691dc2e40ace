import linopy
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods import separable, solver
from bcopt.methods.separable import solve_separable
from bcopt.models.linopy_versions import absent_as_zero

DAYS = xr.DataArray([0.0, 0.0, 0.0], dims="day", coords={"day": [1, 2, 3]})
HOURS = xr.DataArray([0.0, 0.0, 0.0], dims="hour", coords={"hour": [8, 9, 10]})
CLUSTERS = xr.DataArray([0.0, 0.0], dims="cluster", coords={"cluster": ["x1", "x2"]})
GRID = DAYS + HOURS + CLUSTERS
RANDOM = np.random.default_rng(0)
DEMAND = GRID.copy(data=RANDOM.uniform(0.5, 2.0, GRID.shape))
PRICE = GRID.copy(data=RANDOM.uniform(1.0, 3.0, GRID.shape))


def stores(demand=DEMAND, purchase=4.0, efficiency=0.9, **kind):
    """A store in each cluster on each day: six blocks of nine columns."""
    model = linopy.Model()
    buy = model.add_variables(lower=0, upper=purchase + GRID, name="purchase", **kind)
    charge = model.add_variables(lower=-1, upper=1 + GRID, name="charge")
    energy = model.add_variables(lower=0, upper=1.5 + GRID, name="energy")
    model.add_constraints(energy - energy.roll(hour=1) - (GRID + efficiency) * charge == 0, name="balance")
    model.add_constraints(buy - charge >= demand, name="demand")
    model.add_objective((buy * PRICE).sum())
    return model


def counted(monkeypatch):
    """Count the instances of HiGHS and the runs."""
    counts = {"instances": 0, "runs": 0}
    highs, solve = solver.Programme.highs, solver.Programme.solve

    def counting(name, method):
        def wrapped(*args, **kwargs):
            counts[name] += 1
            return method(*args, **kwargs)

        return wrapped

    monkeypatch.setattr(solver.Programme, "highs", counting("instances", highs))
    monkeypatch.setattr(solver.Programme, "solve", counting("runs", solve))
    return counts


def agrees_with_whole(model, **options):
    """Solve whole and in blocks; the objective and the feasibility of the solution must be the same."""
    whole = solver.solve(model, **options)
    parts = solve_separable(model, **options)
    assert parts.objective == pytest.approx(whole.objective, rel=1e-6, abs=1e-6)
    assert parts.bound == pytest.approx(whole.bound, rel=1e-6, abs=1e-6)
    assert model.objective.value == parts.objective
    assert (model.status, model.termination_condition) == ("ok", "optimal")
    assert float(model.objective.expression.solution) == pytest.approx(parts.objective, abs=1e-6)
    for name in model.variables:
        variable = model.variables[name]
        assert bool(((variable.solution >= variable.lower - 1e-6) | (variable.labels < 0)).all())
        assert bool(((variable.solution <= variable.upper + 1e-6) | (variable.labels < 0)).all())
    for name in model.constraints:
        constraint = model.constraints[name]
        missing = constraint.lhs.solution - constraint.rhs
        below, above = missing.where(constraint.sign != ">=", 0), missing.where(constraint.sign != "<=", 0)
        assert bool((below.where(constraint.labels >= 0, 0) <= 1e-6).all())
        assert bool((above.where(constraint.labels >= 0, 0) >= -1e-6).all())
    return parts


# ---- equality with the whole


def test_alike_blocks_share_an_instance(monkeypatch):
    counts = counted(monkeypatch)
    agrees_with_whole(stores())
    assert counts == {"instances": 1, "runs": 6}


def test_solution_and_duals_are_those_of_the_whole():
    """Random prices and demands leave one optimum, and one dual."""
    whole, parts = stores(), stores()
    solver.solve(whole)
    solve_separable(parts)
    assert list(parts.solution.data_vars) == list(whole.solution.data_vars)
    for name in whole.solution:
        xr.testing.assert_allclose(parts.solution[name], whole.solution[name], atol=1e-6)
    for name in whole.dual:
        xr.testing.assert_allclose(parts.dual[name], whole.dual[name], atol=1e-6)
    assert parts.solution["purchase"].dims == ("day", "hour", "cluster")


def test_one_block(monkeypatch):
    counts = counted(monkeypatch)
    model = stores()
    model.add_constraints(model.variables["purchase"].sum() <= float(DEMAND.sum()) * 1.02, name="total")
    agrees_with_whole(model)
    assert counts == {"instances": 1, "runs": 1}


def test_a_constraint_joins_what_it_couples(monkeypatch):
    """A limit on each cluster's three days: two blocks; were they solved by day, the limit would be broken."""
    counts = counted(monkeypatch)
    model = stores()
    free = solver.solve(model).objective
    model.add_constraints(model.variables["energy"].sum(["day", "hour"]) <= 3.0, name="limit")
    assert agrees_with_whole(model).objective > free + 1e-3
    assert counts["instances"] == 1
    assert counts["runs"] == 2


def test_unequal_blocks(monkeypatch):
    """Another efficiency is another block; another demand, price or bound is not."""
    counts = counted(monkeypatch)
    agrees_with_whole(stores(efficiency=CLUSTERS.copy(data=[0.9, 0.8])))
    assert counts == {"instances": 2, "runs": 6}
    counts.update(instances=0, runs=0)
    agrees_with_whole(stores(efficiency=GRID.copy(data=RANDOM.uniform(0.8, 1.0, GRID.shape))))
    assert counts == {"instances": 6, "runs": 6}


def test_another_kind_is_another_block(monkeypatch):
    counts = counted(monkeypatch)
    model = linopy.Model()
    whole = model.add_variables(lower=0, upper=9 + HOURS, name="whole", integer=True)
    part = model.add_variables(lower=0, upper=9 + HOURS, name="part")
    model.add_constraints(whole >= 0.5 + HOURS, name="a")
    model.add_constraints(part >= 0.5 + HOURS, name="b")
    model.add_objective((whole + part).sum())
    assert agrees_with_whole(model).objective == pytest.approx(3 * 1 + 3 * 0.5)
    assert counts == {"instances": 2, "runs": 6}


def test_binaries():
    model = stores(purchase=6.0)
    buy = model.variables["purchase"]
    on = model.add_variables(binary=True, coords=GRID.coords, name="on")
    model.add_constraints(buy - 4.0 * on <= 0, name="only-if-on")
    model.add_objective((buy * PRICE + 2.0 * on).sum(), overwrite=True)
    report = agrees_with_whole(model, mip_rel_gap=0.0)
    assert set(np.unique(np.round(model.solution["on"], 6))) == {0.0, 1.0}
    relaxed = solver.relaxation(model)
    assert relaxed.objective < report.objective - 0.1
    assert report.gap <= 1e-6


def test_the_bound_is_the_sum_of_the_bounds():
    """Blocks stopped at a wide gap: the sum of their bounds is below the optimum, that of their objectives above."""
    rng = np.random.default_rng(3)
    item = xr.DataArray(np.zeros(30), dims="item", coords={"item": range(30)})
    weight = DAYS + item.copy(data=rng.uniform(1, 9, 30))
    worth = weight + DAYS.copy(data=[0.0, 0.1, 0.2]) + item.copy(data=rng.uniform(0, 1, 30))
    model = linopy.Model()
    taken = model.add_variables(binary=True, coords=weight.coords, name="taken")
    model.add_constraints((taken * weight).sum("item") <= weight.sum("item") / 2.1, name="weight")
    model.add_objective((taken * worth).sum(), sense="max")
    exact = agrees_with_whole(model, mip_rel_gap=0.0)
    wide = solve_separable(model, mip_rel_gap=0.3)
    assert wide.objective <= exact.objective + 1e-6 <= wide.bound + 2e-6
    assert 0.0 < wide.gap <= 0.3


@pytest.mark.parametrize("sense", ["min", "max"])
def test_variables_in_no_constraint(monkeypatch, sense):
    """Each goes to its better bound; all of them together are one block."""
    counts = counted(monkeypatch)
    model = linopy.Model()
    free = model.add_variables(lower=-1 + GRID, upper=2 + GRID, name="free")
    idle = model.add_variables(lower=1, upper=5, name="idle")
    tied = model.add_variables(lower=0, upper=9, name="tied")
    model.add_constraints(tied <= 4, name="limit")
    model.add_objective((free * PRICE).sum() + 0 * idle + tied, sense=sense)
    report = agrees_with_whole(model)
    expected = -float(PRICE.sum()) if sense == "min" else 2 * float(PRICE.sum()) + 4
    assert report.objective == pytest.approx(expected)
    assert 1.0 <= float(model.solution["idle"]) <= 5.0
    assert counts == {"instances": 2, "runs": 2}


def test_no_constraint_at_all():
    model = linopy.Model()
    free = model.add_variables(lower=HOURS - 1, upper=HOURS + 2, name="free")
    model.add_objective((free * HOURS.copy(data=[1.0, -1.0, 2.0])).sum())
    assert agrees_with_whole(model).objective == pytest.approx(-1 - 2 - 2)


def test_masked_and_empty_constraints():
    """A mask leaves rows out; a row whose terms cancel says nothing, or that nothing is feasible."""
    model = stores()
    buy = model.variables["purchase"]
    mask = (GRID.hour == 9) & (GRID + 1 > 0)
    model.add_constraints(buy <= 1.75, mask=mask, name="noon")
    model.add_constraints(buy - buy <= 1, name="cancelled")
    model.add_variables(lower=0, upper=1 + GRID, mask=mask, name="spare")
    model.add_constraints(absent_as_zero(model.variables["spare"]) <= 0.5, mask=mask, name="half")
    agrees_with_whole(model)
    assert int(model.solution["spare"].notnull().sum()) == int(mask.sum())
    assert int(model.dual["noon"].notnull().sum()) == int(mask.sum())
    model.add_constraints(2 * buy - 2 * buy >= 1, name="impossible")
    for solve in (solver.solve, solve_separable):
        with pytest.raises(solver.NotSolved, match="impossible at day 1, hour 8, cluster x1: missed by 1"):
            solve(model)


numbers = st.integers(-3, 3).map(float)


@st.composite
def random_models(draw):
    """Draw models of up to six variables and five constraints, sparse, bounded and so often of several blocks."""
    size, rows = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    vector = st.lists(numbers, min_size=size, max_size=size)
    matrix = np.array([draw(vector) for _ in range(rows)]) * np.array(
        [draw(st.lists(st.booleans(), min_size=size, max_size=size)) for _ in range(rows)]
    )
    column = xr.DataArray(np.zeros(size), dims="column", coords={"column": range(size)})
    row = xr.DataArray(np.zeros(rows), dims="row", coords={"row": range(rows)})
    model = linopy.Model()
    x = model.add_variables(lower=-2 + column, upper=2 + column, name="x", integer=draw(st.booleans()))
    inside = np.array(draw(st.lists(st.integers(-2, 2), min_size=size, max_size=size)), float)
    reach = matrix @ inside
    for sign, name in (("<=", "most"), (">=", "least")):
        slack = draw(st.sampled_from([0.0, 1.0, 2.0])) * (1 if sign == "<=" else -1)
        product = (x * (row + column).copy(data=matrix)).sum("column")
        model.add_constraints(product, sign, row.copy(data=reach + slack), name=name)
    cost = column.copy(data=np.array(draw(vector)))
    model.add_objective((x * (cost + 1e-3 * column.column)).sum(), sense=draw(st.sampled_from(["min", "max"])))
    return model


@pytest.mark.slow
@settings(max_examples=40)
@given(random_models())
def test_random_models_agree(model):
    agrees_with_whole(model, mip_rel_gap=0.0)


@settings(max_examples=100)
@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=5))
def test_components_are_joined_by_chains_only(pattern):
    """Against the transitive closure of sharing a row."""
    matrix = np.array(pattern, float)
    columns, rows = separable._components(separable.scipy.sparse.csc_matrix(matrix))
    shared = (matrix.T @ matrix > 0) | np.eye(4, dtype=bool)
    closure = np.linalg.matrix_power(shared.astype(float), 8) > 0
    idle = matrix.sum(axis=0) == 0
    closure |= idle[:, None] & idle[None, :]
    assert ((columns[:, None] == columns[None, :]) == closure).all()
    for row, number in enumerate(rows):
        assert set(columns[matrix[row] > 0]) == {number} or not matrix[row].any()
        assert number in columns


# ---- refusals


def test_the_infeasible_block_is_named():
    model = stores(demand=DEMAND + GRID.copy(data=np.zeros(GRID.shape)).where(DEMAND.day != 2, 6.0))
    model.constraints["demand"].rhs = DEMAND.where((DEMAND.day != 2) | (DEMAND.cluster != "x2"), 6.0)
    with pytest.raises(solver.NotSolved) as caught:
        solve_separable(model)
    named = str(caught.value).splitlines()
    assert named[0] == "the model is infeasible:"
    assert named[1:]
    assert all("day 2" in line and "cluster x2" in line and "missed by" in line for line in named[1:])
    assert model.status == "warning"
    assert "solution" not in model.variables["purchase"].data


def test_a_failure_leaves_no_solution_of_before():
    model = stores()
    solve_separable(model)
    model.variables["purchase"].upper = GRID
    with pytest.raises(solver.NotSolved):
        solve_separable(model)
    assert "solution" not in model.variables["purchase"].data
    assert "dual" not in model.constraints["demand"].data
    assert np.isnan(model.objective.value)


def test_crossed_bounds():
    model = stores()
    upper = GRID.where((GRID.day != 3) | (GRID.hour != 9), -1.0) + 0.0
    try:
        model.variables["energy"].upper = upper
    except ValueError:
        pytest.skip("this linopy refuses crossed bounds itself")
    with pytest.raises(solver.NotSolved, match="energy at day 3, hour 9, cluster x1: no value from 0 to -1"):
        solve_separable(model)


def test_unbounded_variables():
    model = stores()
    model.variables["purchase"].upper = GRID + np.inf
    model.add_objective(-1 * model.variables["purchase"].sum(), overwrite=True)
    with pytest.raises(solver.NotSolved, match="unbounded"):
        solve_separable(model)


def test_what_cannot_be_solved_in_blocks():
    model = stores()
    model.add_objective((model.variables["purchase"] * model.variables["purchase"]).sum(), overwrite=True)
    with pytest.raises(ValueError, match="must be linear"):
        solve_separable(model)
    with pytest.raises(ValueError, match="does not take the option hurry = True"):
        solve_separable(stores(), hurry=True)


def test_nothing_is_printed(capfd):
    solve_separable(stores())
    solve_separable(stores(integer=True))
    with pytest.raises(solver.NotSolved):
        solve_separable(stores(purchase=0.0))
    assert capfd.readouterr() == ("", "")


def test_a_solution_of_blocks_can_be_solved_again_as_a_whole():
    model = stores()
    parts = solve_separable(model)
    model.constraints["demand"].rhs = DEMAND * 1.1
    assert solver.solve(model).objective > parts.objective
    assert solve_separable(model).objective == pytest.approx(model.objective.value)
