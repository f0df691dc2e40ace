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
PRICES = st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.0, 3.0]), min_size=3, max_size=3)


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


def stored():
    """Demand met by purchase and a lossy, cyclic store."""
    model = linopy.Model()
    buy = model.add_variables(lower=0, upper=4 + HOURS, name="purchase")
    charge = model.add_variables(lower=0, upper=1 + HOURS, name="charge")
    discharge = model.add_variables(lower=0, upper=1 + HOURS, name="discharge")
    energy = model.add_variables(lower=0, upper=2 + HOURS, name="energy")
    model.add_constraints(energy - energy.roll(hour=1) - 0.9 * charge + discharge == 0, name="balance")
    model.add_constraints(buy - charge + discharge >= HOURS.copy(data=[1.0, 3.0, 2.0]), name="demand")
    return model


# ---- how far values can move


@pytest.mark.parametrize("kind", [{}, {"integer": True}])
def test_a_tie_leaves_all_divisions_open(kind):
    kept = Persistent(two_hours(**kind))
    kept.solve()
    found = ranges(kept, "purchase")
    assert found["low"].values == pytest.approx([0.0, 0.0], abs=1e-6)
    assert found["high"].values == pytest.approx([4.0, 4.0], abs=1e-6)


@pytest.mark.parametrize("kind", [{}, {"integer": True}])
@pytest.mark.parametrize("sense", ["min", "max"])
def test_without_a_tie_nothing_is_open(kind, sense):
    """The cheaper hour up to its limit 3, the rest of 4 in the other; without the prices 1 to 3 in either."""
    kept = Persistent(two_hours(price=(1.0, 2.0), limit=3.0, sense=sense, **kind))
    kept.solve()
    expected = [3.0, 1.0] if sense == "min" else [1.0, 3.0]
    found = ranges(kept, "purchase")
    assert found["low"].values == pytest.approx(expected, abs=1e-6)
    assert found["high"].values == pytest.approx(expected, abs=1e-6)
    kept.minimise(weighted(kept._programme.model, "purchase", [0.0, 0.0]))
    kept.solve()
    assert ranges(kept, "purchase")["low"].values == pytest.approx([1.0, 1.0], abs=1e-6)


def test_ranges_by_hand():
    """Hours 0 and 1 cost the same and are limited to 3; hour 2 is dearer. Of 5, the dear hour gets nothing."""
    hours = xr.DataArray([0.0, 0.0, 0.0], dims="hour", coords={"hour": [0, 1, 2]})
    model = linopy.Model()
    buy = model.add_variables(lower=0, upper=3 + hours, name="purchase")
    model.add_constraints(buy.sum() >= 5, name="total")
    model.add_objective((buy * hours.copy(data=[1.0, 1.0, 1.001])).sum())
    kept = Persistent(model)
    report, before = kept.solve(), kept.value("purchase")
    found = ranges(kept, "purchase")
    assert found["low"].values == pytest.approx([2.0, 2.0, 0.0])
    assert found["high"].values == pytest.approx([3.0, 3.0, 0.0])
    xr.testing.assert_identical(kept.value("purchase"), before)
    assert kept.solve().objective == report.objective
    both = ranges(kept, 2 * buy.sel(hour=[0, 1]).sum() + 7)
    assert (float(both["low"]), float(both["high"])) == pytest.approx((17.0, 17.0))
    assert ranges(kept, buy - buy.sel(hour=1, drop=True))["high"].values == pytest.approx([1.0, 0.0, -2.0])


@pytest.mark.parametrize("sign", ["<=", ">=", "="])
def test_a_row_with_a_price_stays_at_its_bound(sign):
    """Sell up to 4, or buy at least 4: the total is fixed, its division open, whichever side of the row binds."""
    hours = xr.DataArray([0.0, 0.0], dims="hour", coords={"hour": [0, 1]})
    model = linopy.Model()
    traded = model.add_variables(lower=0, upper=3 + hours, name="traded")
    model.add_constraints(traded.sum(), sign, 4, name="total")
    model.add_objective(traded.sum() * (-1 if sign == "<=" else 1))
    kept = Persistent(model)
    kept.solve()
    total = ranges(kept, traded.sum())
    assert (float(total["low"]), float(total["high"])) == pytest.approx((4.0, 4.0))
    assert ranges(kept, traded)["low"].values == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize("constant", [-100.0, 100.0])
@pytest.mark.parametrize("kind", [{}, {"integer": True}])
def test_a_constant_does_not_widen_the_face(constant, kind):
    """The cheap hour gets its 3 of 4; were the constant counted as a cost, it could get 1."""
    model = two_hours(price=(1.0, 2.0), limit=3.0, **kind)
    kept = Persistent(model)
    kept.minimise(model.objective.expression + constant)
    assert kept.solve().objective == pytest.approx(5.0 + constant)
    assert ranges(kept, "purchase")["low"].values == pytest.approx([3.0, 1.0], abs=1e-6)
    assert kept.solve().objective == pytest.approx(5.0 + constant)


def test_an_unlimited_range_is_infinite():
    model = two_hours(limit=np.inf)
    model.add_variables(lower=1, name="idle")
    kept = Persistent(model)
    kept.solve()
    found = ranges(kept, "idle")
    assert (float(found["low"]), float(found["high"])) == (1.0, np.inf)
    assert kept.solve().objective == pytest.approx(4.0)


def test_an_objective_of_zero_leaves_the_feasible_set():
    kept = Persistent(two_hours(price=(0.0, 0.0), limit=3.0))
    kept.solve()
    assert ranges(kept, "purchase")["low"].values == pytest.approx([1.0, 1.0])


def test_a_penalty_does_not_hide_small_prices():
    """At a scale set by the penalty 1e7, prices apart by 1e-3 would count as equal, and the range be 1 to 4."""
    model = two_hours(price=(1.0, 1.001), limit=10.0)
    missed = model.add_variables(lower=0, upper=1, name="missed")
    model.objective.expression = model.objective.expression + 1e7 * missed
    model.add_constraints(model.variables["purchase"].sum() + missed >= 2, name="served")
    kept = Persistent(model)
    kept.solve()
    assert ranges(kept, "purchase")["high"].values == pytest.approx([4.0, 0.0])
    assert float(ranges(kept, "missed")["high"]) == 0.0


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_the_face_does_not_depend_on_the_unit_of_cost(scale):
    kept = Persistent(two_hours(price=(1.0 * scale, 1.0 * scale)))
    kept.solve()
    assert ranges(kept, "purchase")["high"].values == pytest.approx([4.0, 4.0])
    kept.costs("purchase", np.array([1.0, 1.001]) * scale)
    kept.solve()
    assert ranges(kept, "purchase")["high"].values == pytest.approx([4.0, 0.0])


# ---- one objective after the other


@pytest.mark.parametrize("kind", [{}, {"integer": True}])
def test_lexicographic_by_hand(kind):
    """A tie between hours 0 and 1, then as late as possible, then a say in what is left: nothing."""
    hours = xr.DataArray([0.0, 0.0, 0.0], dims="hour", coords={"hour": [0, 1, 2]})
    model = linopy.Model()
    buy = model.add_variables(lower=0, upper=3 + hours, name="purchase", **kind)
    model.add_constraints(buy.sum() == 5, name="total")
    model.add_objective(buy.sum())
    cost, late, rest = (
        (buy * hours.copy(data=x)).sum() for x in ([1.0, 1.0, 2.0], [0.0, -1.0, -2.0], [-9.0, 0.0, 0.0])
    )
    kept = Persistent(model, mip_rel_gap=0.0)
    assert lexicographic(kept, [cost, late, rest]) == pytest.approx([5.0, -3.0, -18.0])
    assert kept.value("purchase").values == pytest.approx([2.0, 3.0, 0.0])
    assert lexicographic(kept, [cost, rest, late]) == pytest.approx([5.0, -27.0, -2.0])
    assert lexicographic(kept, [late, cost]) == pytest.approx([-8.0, 8.0])
    assert lexicographic(kept, []) == []
    assert kept.solve().objective == pytest.approx(5.0)  # the cost, which was last, without a rank before it


@settings(max_examples=10)
@given(st.permutations([0, 1, 2]), PRICES)
def test_lexicographic_is_never_better_than_alone_and_first_is_alone(order, price):
    model = stored()
    kept = Persistent(model)
    objectives = [
        (model.variables["purchase"] * HOURS.copy(data=price)).sum(),
        model.variables["charge"].sum(),
        -1 * model.variables["energy"].sum(),
    ]
    ranked = [objectives[i] for i in order]
    found = lexicographic(kept, ranked)
    attained = [float(kept.evaluate(objective)) for objective in ranked]
    assert attained == pytest.approx(found, abs=1e-5)
    alone = []
    for objective in ranked:
        kept.minimise(objective)
        alone.append(kept.solve().objective)
    assert found[0] == pytest.approx(alone[0], abs=1e-6)
    assert all(f >= a - 1e-6 for f, a in zip(found, alone, strict=True))


def test_lexicographic_within_a_restriction_returns_to_it():
    model = two_hours(price=(1.0, 1.0), limit=3.0)
    kept = Persistent(model)
    first, second = (weighted(model, "purchase", x) for x in ([1.0, 0.0], [0.0, 1.0]))
    kept.minimise(first)
    kept.solve()
    kept.restrict_to_optimum()
    assert lexicographic(kept, [second, first]) == pytest.approx([3.0, 1.0])
    kept.minimise(second)
    assert kept.solve().objective == pytest.approx(3.0)
    kept.release()
    assert kept.solve().objective == pytest.approx(1.0)


def test_a_failure_on_the_way_releases():
    model = two_hours(limit=np.inf)
    idle = model.add_variables(name="idle")
    kept = Persistent(model)
    buy = weighted(model, "purchase", [1.0, 0.0])
    with pytest.raises(solver.NotSolved, match="unbounded"):
        lexicographic(kept, [buy, 1 * idle])
    kept.minimise(weighted(model, "purchase", [0.0, 1.0]))
    assert kept.solve().objective == pytest.approx(0.0)


# ---- compiled objectives


@pytest.mark.parametrize("kind", [{}, {"integer": True}])
def test_compiled_objectives_give_the_same_values_without_reading_expressions(kind, monkeypatch):
    model = two_hours(limit=3.0, **kind)
    buy = model.variables["purchase"]
    kept = Persistent(model, mip_rel_gap=0.0)
    ranked = [buy.sum() + 2, weighted(model, "purchase", [0.0, 1.0]) - 5]
    expected = lexicographic(kept, ranked)
    assert expected == pytest.approx([6.0, -4.0])
    compiled = [kept.compiled(objective) for objective in ranked]
    monkeypatch.setattr(linopy.LinearExpression, "vars", property(lambda _: pytest.fail("read")), raising=False)
    for total, late in ((4.0, 1.0), (5.0, 2.0), (4.0, 1.0)):
        kept.right_hand_side("total", total)
        assert lexicographic(kept, compiled) == pytest.approx([total + 2, late - 5])
        assert float(kept.evaluate(compiled[1])) == pytest.approx(late - 5)
    with pytest.raises(pytest.fail.Exception, match="read"):
        lexicographic(kept, ranked)


def test_ranges_of_a_compiled_target_are_those_of_its_sum():
    model = two_hours(limit=3.0)
    kept = Persistent(model)
    kept.solve()
    late = weighted(model, "purchase", [0.0, 2.0]) + 1
    for target in (late, kept.compiled(late)):
        found = ranges(kept, target)
        assert (float(found["low"]), float(found["high"])) == pytest.approx((3.0, 7.0))
        assert found["low"].dims == ()
