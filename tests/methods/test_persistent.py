import functools
import time

import linopy
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods import solver
from bcopt.methods.optimal_face import lexicographic, ranges
from bcopt.methods.persistent import Persistent

HOURS = xr.DataArray([0.0, 0.0, 0.0], dims="hour", coords={"hour": [8, 9, 10]})
CLUSTERS = xr.DataArray([0.0, 0.0], dims="cluster", coords={"cluster": ["x1", "x2"]})
GRID = HOURS + CLUSTERS
DEMAND = GRID.copy(data=[[1.0, 2.0], [3.0, 1.0], [2.0, 2.0]])
PRICE = HOURS.copy(data=[3.0, 1.0, 2.0])


def district(demand=DEMAND, price=PRICE, power=1.0, capacity=2.0, purchase=4.0, integer=False):
    """Purchase with a lossy, cyclic store in each cluster."""
    model = linopy.Model()
    buy = model.add_variables(lower=0, upper=purchase + GRID, name="purchase", integer=integer)
    charge = model.add_variables(lower=0, upper=power + GRID, name="charge")
    discharge = model.add_variables(lower=0, upper=power + GRID, name="discharge")
    energy = model.add_variables(lower=0, upper=capacity + GRID, name="energy")
    model.add_constraints(energy - energy.roll(hour=1) - 0.9 * charge + discharge == 0, name="balance")
    model.add_constraints(buy - charge + discharge >= GRID + demand, name="demand")
    model.add_objective((buy * (GRID + price)).sum())
    return model


def two_hours(price=(1.0, 1.0), total=4.0, limit=10.0, sense="min", **kind):
    """A total to buy in two hours: at equal prices every division is optimal."""
    hours = xr.DataArray([0.0, 0.0], dims="hour", coords={"hour": [0, 1]})
    model = linopy.Model()
    buy = model.add_variables(lower=0, upper=limit + hours, name="purchase", **kind)
    model.add_constraints(buy.sum() == total, name="total")
    model.add_objective((buy * hours.copy(data=list(price))).sum(), sense=sense)
    return model


def weighted(model, name, weights):
    labels = model.variables[name].labels
    return (model.variables[name] * labels.astype(float).copy(data=weights)).sum()


# ---- changes


def test_first_solve_is_that_of_the_model():
    model = district()
    kept = Persistent(model)
    assert kept.solve().objective == pytest.approx(solver.solve(model).objective)
    xr.testing.assert_allclose(kept.evaluate(model.objective.expression), xr.DataArray(model.objective.value))
    assert set(kept.solution().data_vars) == {"purchase", "charge", "discharge", "energy"}
    assert kept.value("purchase").dims == ("hour", "cluster")
    assert kept.value("purchase").sel(hour=8, cluster="x1").ndim == 0


def changes():
    """Draw demand, price, purchase limit and energy limit."""
    numbers = st.floats(0.0, 3.0).map(lambda x: round(x, 2))
    return st.lists(
        st.tuples(
            st.lists(numbers, min_size=6, max_size=6),
            st.lists(st.floats(-1.0, 3.0), min_size=3, max_size=3),
            st.lists(st.floats(3.0, 6.0), min_size=6, max_size=6),
            st.floats(0.0, 3.0),
        ),
        min_size=2,
        max_size=2,
    )


@pytest.mark.slow
@settings(max_examples=10)
@given(changes())
def test_warm_solves_agree_with_models_built_anew(drawn):
    kept = Persistent(district())
    for demand, price, purchase, capacity in drawn:
        demand, purchase = (GRID.copy(data=np.reshape(x, (3, 2))) for x in (demand, purchase))
        price = HOURS.copy(data=price)
        kept.right_hand_side("demand", demand)
        kept.costs("purchase", price)
        kept.bounds("purchase", upper=purchase)
        kept.bounds("energy", upper=capacity)
        anew = district(demand, price, purchase=purchase, capacity=capacity)
        report = kept.solve()
        assert report.objective == pytest.approx(solver.relaxation(anew).objective, abs=1e-6)
        bought = kept.value("purchase")
        assert float((bought * price).sum()) == pytest.approx(report.objective, abs=1e-6)
        assert bool((bought <= purchase + 1e-6).all())
        assert bool((kept.evaluate(anew_balance(kept)) >= demand - 1e-6).all())


def anew_balance(kept):
    variables = kept._programme.model.variables
    return variables["purchase"] - variables["charge"] + variables["discharge"]


@pytest.mark.slow
@settings(max_examples=10)
@given(changes())
def test_warm_mixed_integer_solves_agree_with_models_built_anew(drawn):
    kept = Persistent(district(integer=True), mip_rel_gap=0.0)
    for demand, price, _, capacity in drawn:
        demand, price = GRID.copy(data=np.reshape(demand, (3, 2))), HOURS.copy(data=price)
        kept.right_hand_side("demand", demand)
        kept.costs("purchase", price)
        kept.bounds("energy", upper=capacity)
        programme = solver.Programme.of(district(demand, price, capacity=capacity, integer=True))
        expected = programme.solve(programme.highs(mip_rel_gap=0.0)).objective
        report = kept.solve()
        assert report.objective == pytest.approx(expected, abs=1e-5)
        assert report.bound == pytest.approx(report.objective, abs=1e-5)
        assert np.round(kept.value("purchase")).values == pytest.approx(kept.value("purchase").values, abs=1e-5)


@pytest.mark.parametrize(
    "values",
    [
        5.0,
        np.full((3, 2), 5.0),
        GRID + 5.0,
        (GRID + 5.0).transpose("cluster", "hour"),
        HOURS + 5.0,
        CLUSTERS + 5.0,
        (GRID + 5.0).isel(hour=[2, 0, 1], cluster=[1, 0]),
        (GRID + 5.0).assign_coords(day=3),
    ],
)
def test_values_in_every_shape(values):
    kept = Persistent(district(purchase=1.0, power=0.0))
    with pytest.raises(solver.NotSolved):
        kept.solve()
    kept.bounds("purchase", upper=values)
    assert kept.solve().objective == pytest.approx(float((DEMAND * PRICE).sum()))


def test_values_are_matched_by_label():
    """Only hour 9 is cheap: given in another order it stays hour 9 that is cheap."""
    kept = Persistent(two_hours(total=4.0, limit=10.0))
    kept.costs("purchase", xr.DataArray([1.0, 5.0], dims="hour", coords={"hour": [1, 0]}))
    assert kept.solve().objective == pytest.approx(4.0)
    assert kept.value("purchase").values == pytest.approx([0.0, 4.0])
    kept.costs("purchase", np.array([1.0, 5.0]))
    kept.solve()
    assert kept.value("purchase").values == pytest.approx([4.0, 0.0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (xr.DataArray([1.0, 1.0], dims="hour", coords={"hour": [0, 2]}), r"unknown hour \[2\]; missing hour \[1\]"),
        (xr.DataArray([1.0], dims="hour", coords={"hour": [0]}), r"missing hour \[1\]"),
        (xr.DataArray([1.0, 1.0, 1.0], dims="hour", coords={"hour": [0, 1, 1]}), "repeated hour"),
        (xr.DataArray([1.0], dims="day", coords={"day": [0]}), "unknown dimension day"),
        (np.ones(3), r"expected the shape \(2,\), got \(3,\)"),
        (np.ones((1, 2)), r"expected the shape \(2,\), got \(1, 2\)"),
    ],
)
def test_wrong_labels_are_refused_everywhere(values, message):
    kept = Persistent(two_hours())
    with pytest.raises(ValueError, match=f"upper bound of purchase: {message}"):
        kept.bounds("purchase", upper=values)
    with pytest.raises(ValueError, match=f"lower bound of purchase: {message}"):
        kept.bounds("purchase", lower=values)
    with pytest.raises(ValueError, match=f"costs of purchase: {message}"):
        kept.costs("purchase", values)
    assert kept.solve().objective == pytest.approx(4.0)


def test_wrong_right_hand_sides_are_refused():
    kept = Persistent(district())
    with pytest.raises(ValueError, match=r"right-hand side of demand: unknown hour \[11\]; missing hour \[8\]"):
        kept.right_hand_side("demand", DEMAND.assign_coords(hour=[9, 10, 11]))
    with pytest.raises(ValueError, match=r"no value is left to\n  demand at hour 9, cluster x2: from nan to inf$"):
        kept.right_hand_side("demand", DEMAND.where((DEMAND.hour != 9) | (DEMAND.cluster != "x2")))
    with pytest.raises(
        ValueError, match=r"balance at hour 8, cluster x1: from inf to inf\n(.*\n)*.*hour 10, cluster x2"
    ):
        kept.right_hand_side("balance", np.inf)


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (5.0, None, "purchase at hour 0: from 5 to 1\n  purchase at hour 1: from 5 to 1$"),
        (None, np.array([-1.0, 1.0]), "purchase at hour 0: from 0 to -1$"),
        (np.array([0.0, 2.0]), np.array([1.0, 1.0]), "purchase at hour 1: from 2 to 1$"),
        (np.nan, None, "hour 0: from nan to 1"),
        (-np.inf, -np.inf, "hour 0: from -inf to -inf"),
        (np.inf, np.inf, "hour 0: from inf to inf"),
    ],
)
def test_crossing_bounds_are_refused_with_their_labels(lower, upper, message):
    kept = Persistent(two_hours(limit=1.0, total=1.5))
    with pytest.raises(ValueError, match=message):
        kept.bounds("purchase", lower, upper)
    assert kept.solve().objective == pytest.approx(1.5)


def test_unknown_names_are_answered_by_the_known_ones():
    kept = Persistent(district())
    kept.solve()
    for ask in (kept.bounds, kept.value, kept.minimise, kept.evaluate, lambda name: kept.costs(name, 1.0)):
        with pytest.raises(ValueError, match="no variable sale, only purchase, charge, discharge, energy"):
            ask("sale")
    with pytest.raises(ValueError, match="no constraint sale, only balance, demand"):
        kept.right_hand_side("sale", 1.0)


@pytest.mark.parametrize("cost", [np.nan, np.inf])
def test_costs_are_finite(cost):
    with pytest.raises(ValueError, match=f"costs of purchase must be finite, got .{cost}"):
        Persistent(two_hours()).costs("purchase", np.array([1.0, cost]))


def test_a_free_side_can_be_limited_later_and_freed_again():
    model = two_hours()
    model.add_constraints(model.variables["purchase"] <= np.inf, name="cap")
    model.add_constraints(model.variables["purchase"] >= -np.inf, name="floor")
    kept = Persistent(model)
    kept.costs("purchase", np.array([1.0, 2.0]))
    assert kept.solve().objective == pytest.approx(4.0)
    kept.right_hand_side("cap", np.array([3.0, np.inf]))
    assert kept.solve().objective == pytest.approx(3 * 1 + 1 * 2)
    kept.right_hand_side("floor", np.array([-np.inf, 2.0]))
    assert kept.solve().objective == pytest.approx(2 * 1 + 2 * 2)
    kept.right_hand_side("floor", -np.inf)
    kept.right_hand_side("cap", np.inf)
    assert kept.solve().objective == pytest.approx(4.0)


def test_the_model_keeps_its_data_and_its_solution():
    model = district()
    before = solver.solve(model)
    solution = model.solution.copy(deep=True)
    kept = Persistent(model)
    kept.bounds("purchase", upper=20.0)
    kept.costs("purchase", 7.0)
    kept.right_hand_side("demand", 1.0)
    kept.solve()
    xr.testing.assert_identical(model.solution, solution)
    assert solver.solve(model).objective == before.objective


@pytest.mark.filterwarnings("ignore:Variable 'made' has absent slots")  # masked on purpose
def test_masked_entries_are_skipped():
    model = linopy.Model()
    mask = HOURS.copy(data=[True, False, True]).astype(bool)
    made = model.add_variables(lower=0, upper=1 + HOURS, mask=mask, name="made")
    model.add_constraints(made >= 0.25 + HOURS, mask=mask, name="least")
    model.add_objective(made.sum())
    kept = Persistent(model)
    assert kept.solve().objective == pytest.approx(0.5)
    kept.right_hand_side("least", HOURS.copy(data=[0.5, np.nan, 0.75]))
    kept.bounds("made", upper=HOURS.copy(data=[1.0, np.nan, 1.0]))
    assert kept.solve().objective == pytest.approx(1.25)
    assert kept.value("made").values == pytest.approx([0.5, np.nan, 0.75], nan_ok=True)
    found = ranges(kept, "made")
    assert found["low"].values == pytest.approx([0.5, np.nan, 0.75], nan_ok=True)


# ---- solves


def test_infeasible_names_the_present_conflict_and_can_be_mended():
    kept = Persistent(district(power=0.0))
    kept.solve()
    kept.right_hand_side("demand", DEMAND + GRID.copy(data=[[0, 0], [0, 0], [0, 5.0]]))
    with pytest.raises(solver.NotSolved) as caught:
        kept.solve()
    assert str(caught.value) == "the model is infeasible:\n  demand at hour 10, cluster x2: missed by 3"
    with pytest.raises(RuntimeError, match="no solution to read"):
        kept.value("purchase")
    kept.right_hand_side("demand", DEMAND)
    assert kept.solve().objective == pytest.approx(float((DEMAND * PRICE).sum()))


def test_unbounded():
    kept = Persistent(two_hours(limit=np.inf))
    kept.bounds("purchase", lower=-np.inf)
    kept.costs("purchase", np.array([1.0, 2.0]))
    with pytest.raises(solver.NotSolved) as caught:
        kept.solve()
    assert caught.value.status == "unbounded"


@pytest.mark.parametrize("integer", [False, True])
def test_witnesses_from_scratch_find_the_same_optimum(integer):
    kept = Persistent(district(integer=integer), mip_rel_gap=0.0)
    found = [kept.solve(presolve=presolve).objective for presolve in (None, True, False, None)]
    assert found == pytest.approx([found[0]] * 4)


def test_a_warm_solve_takes_fewer_steps():
    kept = Persistent(district())
    kept.solve(presolve=False)
    cold = kept._highs.getInfo().simplex_iteration_count
    kept.bounds("purchase", upper=5.0)
    kept.solve()
    assert kept._highs.getInfo().simplex_iteration_count < cold / 2


def test_maximising_models_stay_so():
    kept = Persistent(two_hours(price=(1.0, 3.0), sense="max", limit=3.0))
    assert kept.solve().objective == pytest.approx(3 * 3 + 1 * 1)
    kept.costs("purchase", np.array([4.0, 3.0]))
    assert kept.solve().objective == pytest.approx(3 * 4 + 1 * 3)
    kept.minimise("purchase")
    kept.costs("purchase", np.array([4.0, 3.0]))
    assert kept.solve().objective == pytest.approx(3 * 3 + 1 * 4)


def test_constants_count_in_the_objective_and_nothing_else():
    model = two_hours()
    buy = model.variables["purchase"]
    kept = Persistent(model)
    kept.minimise((2 * buy + 10).sum() - 1)
    assert kept.solve().objective == pytest.approx(2 * 4 + 2 * 10 - 1)
    kept.bounds("purchase", upper=2.0)
    assert kept.solve().objective == pytest.approx(27.0)
    assert float(kept.evaluate((2 * buy + 10).sum() - 1)) == pytest.approx(27.0)
    kept.minimise(buy.sum())
    assert kept.solve().objective == pytest.approx(4.0)
    assert lexicographic(kept, [buy.sum() + 3, buy.sum() - 5]) == pytest.approx([7.0, -1.0])


def test_objectives_of_repeated_variables_are_added_up():
    model = two_hours(price=(1.0, 1.0), limit=3.0)
    buy = model.variables["purchase"]
    kept = Persistent(model)
    kept.minimise(buy.sum() + buy.sum() + buy.sel(hour=0))
    assert kept.solve().objective == pytest.approx(1 * 3 + 3 * 2)
    assert kept.evaluate(buy + buy).values == pytest.approx([2.0, 6.0])


def test_expressions_keep_their_dims():
    model = district()
    kept = Persistent(model)
    kept.solve()
    buy = model.variables["purchase"]
    bought = kept.value("purchase")
    xr.testing.assert_allclose(kept.evaluate(buy.sum("hour") * 2 + 1), bought.sum("hour") * 2 + 1)
    xr.testing.assert_allclose(kept.evaluate("purchase"), bought)
    xr.testing.assert_allclose(kept.evaluate(buy.sel(cluster="x2")), bought.sel(cluster="x2"))


def test_foreign_and_later_variables_are_refused():
    model = two_hours()
    kept = Persistent(model)
    kept.solve()
    for foreign in (two_hours().variables["purchase"], model.variables["purchase"] * model.variables["purchase"]):
        with pytest.raises(ValueError, match="a linear expression of the model's own variables"):
            kept.minimise(foreign)
    late = model.add_variables(name="late")
    with pytest.raises(ValueError, match="variables that were added to the model later"):
        kept.evaluate(late + model.variables["purchase"])
    with pytest.raises(ValueError, match="coefficients of the expression must be finite"):
        kept.minimise(np.inf * model.variables["purchase"])


def test_quadratic_objectives_are_refused():
    model = two_hours()
    model.add_objective((model.variables["purchase"] * model.variables["purchase"]).sum(), overwrite=True)
    with pytest.raises(ValueError, match="must be linear"):
        Persistent(model)


def test_nothing_is_read_before_a_solve():
    kept = Persistent(two_hours())
    for ask in (kept.solution, lambda: kept.value("purchase"), lambda: kept.evaluate("purchase")):
        with pytest.raises(RuntimeError, match="solve first"):
            ask()


# ---- restriction to an optimum


prices = st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.0, 3.0]), min_size=3, max_size=3)
directions = st.lists(st.integers(-3, 3).map(float), min_size=6, max_size=6)


@pytest.mark.slow
@settings(max_examples=10)
@given(prices, directions, st.booleans())
def test_the_objective_cannot_move_on_the_face_and_all_of_the_face_is_there(price, direction, integer):
    """The same second optimum as with the first objective held by a constraint, whatever dual the solver found."""
    price = HOURS.copy(data=price)
    kept = Persistent(district(price=price, integer=integer), mip_rel_gap=0.0)
    best = kept.solve().objective
    model = kept._programme.model
    cost = (model.variables["purchase"] * (GRID + price)).sum()
    second = weighted(model, "purchase", np.reshape(direction, (3, 2))) + weighted(model, "energy", -np.ones((3, 2)))
    kept.restrict_to_optimum()
    kept.minimise(second)
    found = kept.solve().objective
    assert float(kept.evaluate(cost)) == pytest.approx(best, abs=1e-5)

    held = district(price=price, integer=integer)
    buy, energy = held.variables["purchase"], held.variables["energy"]
    held.add_constraints((buy * (GRID + price)).sum() <= best + 1e-7, name="held")
    direction = GRID.copy(data=np.reshape(direction, (3, 2)))
    held.add_objective((buy * direction).sum() - energy.sum(), overwrite=True)
    programme = solver.Programme.of(held)
    assert found == pytest.approx(programme.solve(programme.highs(mip_rel_gap=0.0)).objective, abs=1e-4)


@pytest.mark.parametrize("kind", [{}, {"integer": True}])
def test_release_restores(kind):
    model = two_hours(price=(1.0, 2.0), limit=3.0, **kind)
    kept = Persistent(model)
    kept.solve()
    kept.restrict_to_optimum()
    kept.minimise(weighted(model, "purchase", [1.0, 0.0]))
    assert kept.solve().objective == pytest.approx(3.0)
    kept.release()
    assert kept.value("purchase").values == pytest.approx([3.0, 1.0])
    assert kept.solve().objective == pytest.approx(1.0)
    kept.bounds("purchase", upper=4.0)
    assert kept.solve().objective == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(RuntimeError, match="no restriction to release"):
        kept.release()


def test_data_cannot_change_under_an_optimum():
    kept = Persistent(two_hours())
    kept.solve()
    kept.restrict_to_optimum()
    for change in (lambda: kept.bounds("purchase", upper=3.0), lambda: kept.right_hand_side("total", 3.0)):
        with pytest.raises(RuntimeError, match="belong to the optimum"):
            change()
    kept.release()
    kept.bounds("purchase", upper=3.0)
    kept.right_hand_side("total", 3.0)
    assert kept.solve().objective == pytest.approx(3.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept.bounds("purchase", upper=3.0),
        lambda kept: kept.right_hand_side("total", 3.0),
        lambda kept: kept.costs("purchase", 2.0),
        lambda kept: kept.minimise("purchase"),
    ],
)
def test_no_restriction_to_an_optimum_of_before_a_change(change):
    kept = Persistent(two_hours())
    with pytest.raises(RuntimeError, match="no optimum to restrict to"):
        kept.restrict_to_optimum()
    kept.solve()
    change(kept)
    with pytest.raises(RuntimeError, match="no optimum to restrict to"):
        ranges(kept, "purchase")
    kept.solve()
    found = ranges(kept, "purchase")
    assert bool((found["high"] > found["low"] + 1).all())


# ---- compiled objectives


def test_compiled_objectives_stand_for_their_expressions():
    model = district()
    buy = model.variables["purchase"]
    expression = (2 * buy + buy.sel(hour=8) + 10).sum("cluster") - 1
    kept = Persistent(model)
    compiled = kept.compiled(expression)
    assert kept.compiled(compiled) is compiled
    assert compiled.constant == 3 * (2 * 10 - 1)
    objectives = []
    for objective in (expression, compiled):
        kept.minimise(objective)
        objectives.append(kept.solve(presolve=False).objective)
        assert float(kept.evaluate(compiled)) == pytest.approx(float(kept.evaluate(expression).sum()))
    assert objectives[0] == objectives[1]
    kept.minimise(-compiled)
    assert kept.solve().objective == pytest.approx(-float(kept.evaluate(compiled)))
    assert kept.evaluate(buy.sum()) == pytest.approx(4.0 * 6)


@pytest.mark.filterwarnings("ignore:Variable 'made' has absent slots")  # masked on purpose
def test_entries_are_objectives_one_by_one():
    model = linopy.Model()
    made = model.add_variables(lower=1, upper=2 + HOURS, mask=HOURS.copy(data=[1, 0, 1]).astype(bool), name="made")
    kept = Persistent(model)
    kept.solve()
    first, masked, last = kept.entries(3 * made + HOURS.copy(data=[1.0, 2.0, 3.0]))
    assert masked is None
    assert (first.cost.tolist(), first.constant) == ([3.0, 0.0], 1.0)
    assert (last.cost.tolist(), last.constant) == ([0.0, 3.0], 3.0)
    assert [float(kept.evaluate(entry)) for entry in (first, last)] == [4.0, 6.0]


def test_a_change_of_costs_leaves_compiled_objectives_as_they_are():
    kept = Persistent(two_hours())
    compiled = kept.compiled("purchase")
    kept.minimise(compiled)
    kept.costs("purchase", 7.0)
    assert kept.solve().objective == pytest.approx(28.0)
    assert compiled.cost.tolist() == [1.0, 1.0]
    kept.minimise(compiled)
    assert kept.solve().objective == pytest.approx(4.0)


def test_objectives_of_another_programme_are_refused():
    """Two programmes of one model may hold different columns, so theirs are not exchanged either."""
    model = two_hours()
    kept, other = Persistent(model), Persistent(model)
    kept.solve()
    for use in (kept.minimise, kept.evaluate, kept.compiled, lambda x: list(kept.entries(x))):
        with pytest.raises(ValueError, match="model's own variables, or one compiled here"):
            use(other.compiled("purchase"))


# ---- starts from a kept basis


def test_a_tie_is_decided_by_what_was_solved_before_unless_a_basis_is_kept():
    """At equal prices the last solution stays; from one basis it is the same, however the prices stood before."""

    def bought(kept, before):
        kept.costs("purchase", np.array(before))
        kept.solve()
        kept.costs("purchase", 1.0)
        kept.solve()
        return kept.value("purchase").values.tolist()

    kept = Persistent(two_hours())
    kept.solve()
    assert bought(kept, [1.0, 2.0]) == pytest.approx([4.0, 0.0])
    assert bought(kept, [2.0, 1.0]) == pytest.approx([0.0, 4.0])
    kept.costs("purchase", np.array([1.0, 2.0]))
    kept.solve()
    kept.keep_basis()
    assert bought(kept, [1.0, 2.0]) == pytest.approx([4.0, 0.0])
    assert bought(kept, [2.0, 1.0]) == pytest.approx([4.0, 0.0])


@functools.cache
def district_once():
    return district()


def family(kept):
    """Return a function that solves one member of a family, and everything that is read of it."""
    variables = kept._programme.model.variables
    objectives = [
        kept.compiled((variables["purchase"] * (GRID + PRICE)).sum()),
        kept.compiled(variables["charge"].sum() + variables["discharge"].sum()),
        kept.compiled(variables["energy"].sum()),
    ]

    def solved(demand, capacity, ranks):
        kept.right_hand_side("demand", GRID.copy(data=np.reshape(demand, (3, 2))))
        kept.bounds("energy", upper=capacity)
        values = lexicographic(kept, [objectives[rank] for rank in ranks])
        numbers = [kept.value(name).values for name in variables]
        duals = [kept.dual("demand").values, kept.reduced_cost("energy").values]
        return np.concatenate([values, *(x.ravel() for x in (*numbers, *duals))])

    return solved


members = st.tuples(
    st.lists(st.floats(0.0, 3.0), min_size=6, max_size=6), st.floats(0.0, 3.0), st.permutations([0, 1, 2])
)


@pytest.mark.slow
@settings(max_examples=8)
@given(st.lists(members, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_from_a_kept_basis_the_order_of_solves_leaves_every_bit(drawn, random):
    orders = [list(range(len(drawn))), random.sample(range(len(drawn)), len(drawn))]
    found = []
    for order in orders:
        kept = Persistent(district_once())
        kept.solve()
        kept.keep_basis()
        solved = family(kept)
        results = {}
        for number in order:
            results[number] = solved(*drawn[number])
            if random.random() < 0.5:
                kept.solve(presolve=random.random() < 0.5)
                ranges(kept, "energy")
        found.append(results)
    assert all(np.array_equal(found[0][number], found[1][number]) for number in orders[0])


def test_from_a_kept_basis_many_steps_leave_every_bit():
    """Long enough for the random numbers of the solver to differ between the orders, were they not reset."""
    hours = xr.DataArray(np.zeros(24), dims="hour", coords={"hour": np.arange(24)})
    model = linopy.Model()
    price = hours.copy(data=np.round(2 + np.sin(np.arange(24)), 1))
    net = hours
    for source in ("grid", "boiler", "pump"):
        net = net + model.add_variables(lower=0, upper=9 + hours, name=source)
    for store in ("battery", "tank", "ice"):
        flow = model.add_variables(lower=-1, upper=1 + hours, name=f"{store}-flow")
        energy = model.add_variables(lower=0, upper=2 + hours, name=f"{store}-energy")
        model.add_constraints(energy - 0.98 * energy.roll(hour=1) - flow == 0, name=f"{store}-balance")
        net = net - 0.97 * flow
    model.add_constraints(net >= 1 + hours, name="demand")
    variables = model.variables
    cost = ((variables["grid"] + variables["boiler"] + variables["pump"]) * price).sum()
    throughput = sum(variables[f"{store}-energy"].sum() for store in ("battery", "tank", "ice"))
    draws = np.random.default_rng(0).uniform(0.5, 4.0, (40, 24))

    def solutions(order, between):
        kept = Persistent(model)
        ranked = [kept.compiled(cost), kept.compiled(throughput)]
        lexicographic(kept, ranked)
        kept.keep_basis()
        found = {}
        for number in order:
            kept.right_hand_side("demand", draws[number])
            lexicographic(kept, ranked)
            found[number] = kept.solution()
            between(kept)
        return found

    def missed(kept):
        kept.right_hand_side("demand", 99.0)
        with pytest.raises(solver.NotSolved):
            kept.solve()

    first = solutions(range(40), lambda _: None)
    second = solutions(range(39, -1, -1), missed)
    for number in range(40):
        xr.testing.assert_identical(first[number], second[number])


def test_within_an_optimum_solves_start_from_the_basis_of_that_optimum():
    """The second objective agrees with the first, so no step is left; from the basis kept it would take some."""
    kept = Persistent(district())
    kept.minimise(-kept.compiled("purchase"))
    kept.solve()
    kept.keep_basis()
    kept.minimise("purchase")
    kept.solve()
    steps = kept._highs.getInfo().simplex_iteration_count
    kept.restrict_to_optimum()
    kept.minimise("purchase")
    for _ in range(2):
        kept.solve()
        assert kept._highs.getInfo().simplex_iteration_count == 0
    kept.release()
    kept.solve()
    assert kept._highs.getInfo().simplex_iteration_count == steps > 0


def test_a_basis_is_kept_of_a_solved_linear_programme():
    whole, kept = Persistent(two_hours(integer=True)), Persistent(two_hours(total=99.0))
    whole.solve()
    with pytest.raises(solver.NotSolved):
        kept.solve()
    for refused in (whole, kept, Persistent(two_hours())):
        with pytest.raises(RuntimeError, match="only a linear programme that was solved has a basis to keep"):
            refused.keep_basis()


def test_the_basis_of_the_last_rank_is_kept_though_that_rank_alone_has_no_optimum():
    model = two_hours(price=(1.0, 2.0), limit=np.inf)
    free = model.add_variables(name="free")
    model.add_constraints(free - model.variables["purchase"].sel(hour=0) <= 0, name="at most the first")
    kept = Persistent(model)
    assert lexicographic(kept, [model.objective.expression, -1 * free]) == pytest.approx([4.0, -4.0])
    kept.minimise(1 * free)
    with pytest.raises(solver.NotSolved, match="unbounded"):
        kept.solve()
    lexicographic(kept, [model.objective.expression, -1 * free])
    kept.minimise(1 * free)
    kept.keep_basis()
    assert float(kept.value("free")) == pytest.approx(4.0)
    kept.minimise(model.objective.expression)
    kept.solve()
    assert kept._highs.getInfo().simplex_iteration_count == 0
    assert float(kept.value("free")) == pytest.approx(4.0)


# ---- prices in the dual


def derivative(kept, change, at, width=1e-3):
    """Return the optimum's change per unit of a datum by central difference."""
    optima = []
    for value in (at + width, at - width):
        change(value)
        optima.append(kept.solve().objective)
    change(at)
    kept.solve()
    return (optima[0] - optima[1]) / (2 * width)


@pytest.mark.parametrize("sense", ["min", "max"])
def test_duals_are_derivatives_of_the_optimum(sense):
    """Minimising, hour 0 at 1 is full and hour 1 at 2 is marginal; maximising, the other way round."""
    kept = Persistent(two_hours(price=(1.0, 2.0), limit=3.0, sense=sense))
    kept.solve()
    marginal, full = (2.0, [-1.0, 0.0]) if sense == "min" else (1.0, [0.0, 1.0])
    assert float(kept.dual("total")) == pytest.approx(marginal)
    assert kept.reduced_cost("purchase").values == pytest.approx(full)
    assert derivative(kept, lambda x: kept.right_hand_side("total", x), 4.0) == pytest.approx(marginal)
    for hour in (0, 1):
        unit = np.eye(2)[hour]
        found = derivative(kept, lambda x, unit=unit: kept.bounds("purchase", upper=3.0 + unit * (x - 3.0)), 3.0)
        assert found == pytest.approx(full[hour], abs=1e-9)
    assert kept.reduced_cost("purchase").dims == ("hour",)
    assert kept.dual("total").name == "total"


@pytest.mark.parametrize("sense", ["min", "max"])
@pytest.mark.parametrize("sign", ["<=", ">=", "="])
def test_duals_of_every_sign_and_sense(sign, sense):
    """A total held from the side that its price pushes against; a lower bound of 1 in the dearer hour."""
    push = -1.0 if (sign == "<=") == (sense == "min") else 1.0
    hours = xr.DataArray([0.0, 0.0], dims="hour", coords={"hour": [0, 1]})
    model = linopy.Model()
    traded = model.add_variables(lower=1 + hours, upper=9, name="traded")
    model.add_constraints(traded.sum(), sign, 4, name="total")
    model.add_objective((traded * hours.copy(data=[1.0, 3.0])).sum() * push, sense=sense)
    kept = Persistent(model)
    kept.solve()
    price, bound = float(kept.dual("total")), kept.reduced_cost("traded").values
    assert derivative(kept, lambda x: kept.right_hand_side("total", x), 4.0) == pytest.approx(price)
    assert abs(price) in (1.0, 3.0)
    found = [
        derivative(kept, lambda x, unit=unit: kept.bounds("traded", lower=1.0 + unit * (x - 1.0)), 1.0)
        for unit in np.eye(2)
    ]
    assert found == pytest.approx(bound.tolist(), abs=1e-9)
    assert np.abs(bound).max() == pytest.approx(2.0)


@settings(max_examples=10)
@given(changes())
def test_the_duals_explain_the_optimum(drawn):
    """Strong duality: prices times right-hand sides, and reduced costs times values, add up to the optimum."""
    kept = Persistent(district_once())
    for demand, price, purchase, capacity in drawn:
        demand = GRID.copy(data=np.reshape(demand, (3, 2)))
        kept.right_hand_side("demand", demand)
        kept.costs("purchase", HOURS.copy(data=price))
        kept.bounds("purchase", upper=GRID.copy(data=np.reshape(purchase, (3, 2))))
        kept.bounds("energy", upper=capacity)
        optimum = kept.solve().objective
        explained = float((kept.dual("demand") * demand).sum())
        for name in ("purchase", "charge", "discharge", "energy"):
            explained += float((kept.reduced_cost(name) * kept.value(name)).sum())
        assert explained == pytest.approx(optimum, abs=1e-6)
        assert bool((kept.dual("demand") >= -1e-9).all())
        assert kept.dual("balance").dims == ("hour", "cluster")


@pytest.mark.filterwarnings("ignore:Variable 'made' has absent slots")  # masked on purpose
def test_duals_are_not_a_number_where_masked():
    model = linopy.Model()
    mask = HOURS.copy(data=[True, False, True]).astype(bool)
    made = model.add_variables(lower=0, upper=1 + HOURS, mask=mask, name="made")
    model.add_constraints(made >= 0.25 + HOURS, mask=mask, name="least")
    model.add_objective((2 * made).sum())
    kept = Persistent(model)
    kept.solve()
    assert kept.dual("least").values == pytest.approx([2.0, np.nan, 2.0], nan_ok=True)
    assert kept.reduced_cost("made").values == pytest.approx([0.0, np.nan, 0.0], nan_ok=True)


def test_duals_are_read_of_linear_programmes_that_were_solved():
    kept = Persistent(two_hours())
    for ask in (lambda: kept.dual("total"), lambda: kept.reduced_cost("purchase")):
        with pytest.raises(RuntimeError, match="solve first"):
            ask()
    with pytest.raises(ValueError, match="no constraint price, only total"):
        kept.dual("price")
    whole = Persistent(two_hours(integer=True))
    whole.solve()
    for ask in (lambda: whole.dual("total"), lambda: whole.reduced_cost("purchase")):
        with pytest.raises(RuntimeError, match="mixed-integer programme has no duals"):
            ask()


# ---- manners


def test_nothing_is_printed(capfd):
    for integer in (False, True):
        kept = Persistent(district(integer=integer))
        kept.solve(presolve=True)
        lexicographic(kept, ["purchase", "charge"])
        kept.solve()
        ranges(kept, "energy")
        kept.right_hand_side("demand", 99.0)
        with pytest.raises(solver.NotSolved, match="demand at hour 8, cluster x1"):
            kept.solve()
    assert capfd.readouterr() == ("", "")


def test_a_thousand_solves_of_a_day_are_quick():
    """About 0.6 s; a model built anew each time takes over a minute."""
    hours = xr.DataArray(np.zeros(24), dims="hour", coords={"hour": np.arange(24)})
    rng = np.random.default_rng(0)
    model = linopy.Model()
    buy = model.add_variables(lower=0, upper=9 + hours, name="purchase")
    model.add_objective(buy.sum())
    net = 1 * buy
    for store in ("battery", "tank", "ice"):
        charge, discharge, energy = (
            model.add_variables(lower=0, upper=size + hours, name=f"{store}-{kind}")
            for kind, size in (("charge", 1.0), ("discharge", 1.0), ("energy", 2.0))
        )
        model.add_constraints(energy - 0.98 * energy.roll(hour=1) - charge + discharge == 0, name=f"{store}-balance")
        net = net - charge + 0.9 * discharge
    model.add_constraints(net >= 1 + hours, name="demand")
    kept = Persistent(model)
    kept.solve()
    draws = rng.uniform(0.9, 1.1, (1000, 3, 24))
    start = time.process_time()
    for demand, price, limit in draws:
        kept.right_hand_side("demand", 2 * demand)
        kept.costs("purchase", price)
        kept.bounds("purchase", upper=5 * limit)
        kept.solve()
    assert time.process_time() - start < 5.0


# ---------------------------------------------------------------- coefficients


def blend(share):
    """Return the cheapest mix of two fuels at 1 and 3, of which the dearer is at least a share of the total."""
    fuels = xr.DataArray([1.0, 3.0], coords={"fuel": ["coal", "gas"]}, dims="fuel")
    model = linopy.Model()
    use = model.add_variables(lower=0, coords=[fuels.indexes["fuel"]], name="use")
    model.add_constraints(use.sum() >= 1, name="whole")
    model.add_constraints(((fuels == 3.0) - share) * use >= -1e9, name="wide")
    model.add_constraints((((fuels == 3.0) - share) * use).sum() >= 0, name="share")
    model.add_objective((fuels * use).sum())
    return model


@pytest.mark.parametrize("shares", [(0.0, 0.25, 1.0), (1.0, 0.5, 0.0)])
def test_changed_coefficients_are_those_of_a_model_built_anew(shares):
    kept = Persistent(blend(shares[0]))
    dearer = xr.DataArray([0.0, 1.0], coords={"fuel": ["coal", "gas"]}, dims="fuel")
    for share in shares:
        kept.coefficients("share", "use", (dearer - share).isel(fuel=[1, 0]))
        assert kept.solve().objective == pytest.approx(1 + 2 * share, abs=1e-9)
        assert float(kept.value("use").sel(fuel="gas")) == pytest.approx(share, abs=1e-9)
        assert share == 0 or float(kept.dual("share")) == pytest.approx(2.0, abs=1e-9)


def test_optimal_face_knows_the_changed_coefficients():
    kept = Persistent(blend(0.0))
    kept.coefficients("share", "use", np.array([-0.5, 0.5]))
    kept.solve()
    with kept.within_optimum():
        kept.minimise("use")
        assert kept.solve().objective == pytest.approx(1.0, abs=1e-9)
        with pytest.raises(RuntimeError, match="release it first"):
            kept.coefficients("share", "use", 1.0)
    assert kept.solve().objective == pytest.approx(2.0, abs=1e-9)


def test_wrong_coefficients_are_refused():
    kept = Persistent(blend(0.5))
    with pytest.raises(ValueError, match="coefficients of wide: expected a constraint of one row, got 2"):
        kept.coefficients("wide", "use", 1.0)
    with pytest.raises(ValueError, match="there is no variable gas, only use"):
        kept.coefficients("share", "gas", 1.0)
    with pytest.raises(ValueError, match="coefficients in share of use must be finite, got"):
        kept.coefficients("share", "use", np.array([1.0, np.inf]))
    assert kept.solve().objective == pytest.approx(2.0), "nothing was changed"
