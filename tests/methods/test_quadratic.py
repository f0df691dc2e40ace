import linopy
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods import solver
from bcopt.methods.quadratic import PersistentQuadratic

HOURS = xr.DataArray([0.0, 0.0], dims="hour", coords={"hour": [0, 1]})


def two_hours(total=4.0, curved=True, upper=10.0, **kind):
    model = linopy.Model()
    buy = model.add_variables(lower=0 + HOURS, upper=upper + HOURS, name="purchase", **kind)
    model.add_constraints(buy.sum() == total, name="total")
    price = HOURS.copy(data=[1.0, 2.0])
    model.add_objective((0.5 * buy * buy).sum() + (price * buy).sum() if curved else (price * buy).sum())
    return model


def test_by_hand():
    """Prices 1 + x and 2 + (4 - x) meet at x = 2.5; both are 3.5."""
    kept = PersistentQuadratic(two_hours())
    assert kept.solve().objective == pytest.approx(2.5 + 3 + (2.5**2 + 1.5**2) / 2, rel=1e-9)
    assert kept.value("purchase").values == pytest.approx([2.5, 1.5], abs=1e-7)
    assert float(kept.dual("total")) == pytest.approx(3.5, abs=1e-7)


def test_changes_by_hand():
    kept = PersistentQuadratic(two_hours(curved=False))
    assert kept.solve().objective == pytest.approx(4.0)
    kept.curvature("purchase", 1.0)
    kept.solve()
    assert kept.value("purchase").values == pytest.approx([2.5, 1.5], abs=1e-7)
    kept.curvature("purchase", np.array([1.0, 3.0]))
    kept.solve()
    assert kept.value("purchase").values == pytest.approx([3.25, 0.75], abs=1e-6)
    kept.costs("purchase", xr.DataArray([1.0, 2.0], dims="hour", coords={"hour": [1, 0]}))
    kept.solve()
    assert kept.value("purchase").values == pytest.approx([2.75, 1.25], abs=1e-6)
    kept.bounds("purchase", upper=2.0)
    kept.solve()
    assert kept.value("purchase").values == pytest.approx([2.0, 2.0], abs=1e-6)
    kept.right_hand_side("total", 1.0)
    kept.solve()
    assert kept.value("purchase").values == pytest.approx([0.5, 0.5], abs=1e-6)
    kept.bounds("purchase", lower=0.5, upper=0.5)
    assert kept.solve().objective == pytest.approx(0.5 * 2 + 0.5 + (1 + 3) * 0.25 / 2)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_optima_have_prices_that_prove_them(seed):
    """Strong duality at a random programme with inequalities: no other solver is asked."""
    generator = np.random.default_rng(seed)
    model = linopy.Model()
    index = xr.DataArray(np.arange(8), dims="item", coords={"item": np.arange(8)})
    x = model.add_variables(lower=-1.0 + 0 * index, upper=generator.uniform(-0.5, 2, 8) + 0 * index, name="x")
    coefficients = xr.DataArray(
        generator.normal(size=(3, 8)), dims=("row", "item"), coords={"item": index, "row": range(3)}
    )
    inside = coefficients.to_numpy() @ np.full(8, -0.75)
    side = xr.DataArray(inside + generator.uniform(0, 1, 3), dims="row", coords={"row": range(3)})
    model.add_constraints((coefficients * x).sum("item") <= side, name="rows")
    bent, cost = generator.uniform(0, 3, 8) * (generator.random(8) < 0.6), generator.normal(size=8)
    model.add_objective((index.copy(data=cost) * x).sum())
    kept = PersistentQuadratic(model)
    kept.curvature("x", bent)
    objective = kept.solve().objective
    found, price = kept.value("x").to_numpy(), kept.dual("rows").to_numpy()
    assert (price <= 1e-6).all()
    reduced = bent * found + cost - coefficients.to_numpy().T @ price
    lower, upper = np.full(8, -1.0), model.variables["x"].upper.to_numpy()
    bound = np.where(reduced > 0, lower, upper)
    dual = price @ side.to_numpy() + reduced @ bound - bent @ found**2 / 2
    assert dual == pytest.approx(objective, abs=1e-6)


def test_the_answer_depends_on_the_data_alone():
    kept, fresh = PersistentQuadratic(two_hours()), PersistentQuadratic(two_hours())
    for total in (1.0, 7.0, 4.0):
        kept.right_hand_side("total", total)
        kept.solve()
    fresh.solve()
    assert np.array_equal(kept.value("purchase"), fresh.value("purchase"))


def test_no_answer():
    kept = PersistentQuadratic(two_hours(total=30.0))
    with pytest.raises(solver.NotSolved, match="total: missed by 10"):
        kept.solve()
    with pytest.raises(RuntimeError, match="solve first"):
        kept.value("purchase")
    model = linopy.Model()
    model.add_objective(1 * model.add_variables(upper=0, name="free"))
    with pytest.raises(solver.NotSolved, match="unbounded"):
        PersistentQuadratic(model).solve()


@pytest.mark.parametrize("curved", [False, True])
def test_what_is_feasible_and_bounded_but_not_solved_is_not_called_unbounded(monkeypatch, curved):
    monkeypatch.setattr("bcopt.methods.interior_point.LIMIT", 2)
    with pytest.raises(solver.NotSolved, match=r"not solved to the tolerance:\n  a residual of .*, 1e-08 is accepted"):
        PersistentQuadratic(two_hours(curved=curved)).solve()


def test_curvature_or_a_constraint_ends_a_fall():
    """Minimise -x - y with y <= 9 and x free upwards: unbounded, unless x is curved or a row ties it to y."""

    def programme(curved=False, tied=False):
        model = linopy.Model()
        x, y = (model.add_variables(lower=0, upper=upper, name=name) for name, upper in (("x", np.inf), ("y", 9)))
        if tied:
            model.add_constraints(x - y <= 1, name="tie")
        model.add_objective(-1 * x - y + 0.5 * x * x if curved else -1 * x - y)
        return PersistentQuadratic(model)

    with pytest.raises(solver.NotSolved, match=r"the model is unbounded$"):
        programme().solve()
    assert programme(curved=True).solve().objective == pytest.approx(-9.5)
    assert programme(tied=True).solve().objective == pytest.approx(-19)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda kept: kept.costs("sale", 1.0), "no variable sale, only purchase"),
        (lambda kept: kept.costs("purchase", np.nan), "costs of purchase must be finite"),
        (lambda kept: kept.costs("purchase", np.ones(3)), r"expected the shape \(2,\), got \(3,\)"),
        (lambda kept: kept.curvature("purchase", -1.0), "none below zero, got -1"),
        (lambda kept: kept.bounds("purchase", lower=11.0), "no value is left"),
        (lambda kept: kept.right_hand_side("total", np.inf), "right-hand side of total must be finite"),
        (
            lambda kept: kept.costs("purchase", xr.DataArray([1.0], dims="hour", coords={"hour": [1]})),
            r"costs of purchase: missing hour \[0\]",
        ),
    ],
)
def test_bad_changes(change, message):
    with pytest.raises(ValueError, match=message):
        change(PersistentQuadratic(two_hours()))


def test_only_convex_continuous_programmes():
    with pytest.raises(ValueError, match="continuous variables"):
        PersistentQuadratic(two_hours(curved=False, integer=True))


def switched(cost=5.0):
    """Serve as near to 4 as is worth it: (x - 4)^2 / 2 - 8 of x, at most 10 while on at a cost, else nothing."""
    model = linopy.Model()
    on = model.add_variables(lower=1, upper=1, name="on")
    x = model.add_variables(lower=0, upper=10, name="x")
    model.add_constraints(x - 10 * on <= 0, name="only-on")
    model.add_objective(0.5 * x * x - 4 * x + cost * on)
    return PersistentQuadratic(model)


def test_tangents_bound_by_hand():
    """On: at 4, worth 8 less the cost. The tangents at 2 and 6 meet at 3: 2 * 3 - 2 - 12 + 5 = -3.5 at x = 3 or 4."""
    kept = switched()
    assert kept.solve().objective == pytest.approx(-3)
    bound, on = kept.bound("on", "x", xr.DataArray([2.0, 6.0], dims="tangent"))
    assert bound == pytest.approx(min(2 * x - 2 if x < 4 else 6 * x - 18 for x in (4,)) - 16 + 5)
    assert float(on) == 1
    bound, on = kept.bound("on", "x", xr.DataArray([2.0, 6.0, 4.0], dims="tangent"))
    assert bound == pytest.approx(-3), "exact with a tangent at the optimum"
    assert kept.solve().objective == pytest.approx(-3), "and leaves the programme as it was"


def test_too_dear_stays_off():
    kept = switched(cost=9.0)
    assert kept.solve().objective == pytest.approx(1), "on, as its bounds say"
    bound, on = kept.bound("on", "x", xr.DataArray([4.0], dims="tangent"))
    assert (bound, float(on)) == (pytest.approx(0), 0)


def test_tangents_need_all_the_curvature():
    kept = switched()
    kept.curvature("on", 1.0)
    with pytest.raises(ValueError, match="curvature of x alone"):
        kept.bound("on", "x", xr.DataArray([4.0], dims="tangent"))
