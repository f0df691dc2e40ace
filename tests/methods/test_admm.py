import numpy as np
import pytest

from bcopt.methods.admm import NotConverged, exchange
from bcopt.methods.quadratic import PersistentQuadratic
from benchmarks import dispatch

WISH, BENT = np.array([[3.0, 1.0], [5.0, 2.0], [1.0, 9.0]]), np.array([1.0, 2.0, 4.0])[:, np.newaxis]


def quadratic(copies=1, **kind):
    """Consumers BENT/2 |x - WISH|^2 and a provider with s^2/2 for three consumers, in proportion for more."""
    wish, bent = np.tile(WISH, (copies, 1)), np.tile(BENT, (copies, 1))

    def consumers(target, penalty):
        return (bent * wish + penalty * target) / (bent + penalty)

    def provider(target, penalty):
        """g(N z)/N is 3 z^2/2, whatever the copies."""
        return penalty * target / (3.0 + penalty)

    settings = {"start": np.zeros_like(wish), "penalty": 1.0} | kind
    return exchange(consumers, provider, **settings)


def closed_form():
    """The price is the supply: x_n = wish - p/bent, p = sum x_n."""
    price = WISH.sum(axis=0) / (1 + (1 / BENT).sum())
    return WISH - price / BENT, price


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("penalty", [0.05, 1.0, 50.0])
def test_closed_form(adaptive, penalty):
    result, (loads, price) = quadratic(penalty=penalty, adaptive=adaptive, tolerance=1e-9), closed_form()
    assert result.loads == pytest.approx(loads, abs=1e-6)
    assert result.price == pytest.approx(price, abs=1e-6)
    assert result.supply == pytest.approx(loads.sum(axis=0), abs=1e-6)


def test_copies_take_the_same_steps():
    few, many = quadratic(), quadratic(copies=1000)
    assert many.iterations == few.iterations
    assert many.loads.mean(axis=0) == pytest.approx(few.loads.mean(axis=0), rel=1e-12)
    assert many.primal == pytest.approx(few.primal, rel=1e-9)
    assert many.dual == pytest.approx(few.dual, rel=1e-9)


def test_the_first_price_changes_the_path_alone():
    loads, price = closed_form()
    cold, warm = quadratic(tolerance=1e-9), quadratic(tolerance=1e-9, price=price, start=loads)
    assert warm.loads == pytest.approx(cold.loads, abs=1e-6)
    assert warm.iterations == 1 < cold.iterations
    assert warm.price == pytest.approx(price)


def test_residuals_are_those_of_the_steps():
    result = quadratic()
    assert result.primal.shape == result.dual.shape == result.penalty.shape == (result.iterations,)
    gap = np.linalg.norm(result.loads.mean(axis=0) - result.supply / 3)
    assert result.primal[-1] == pytest.approx(gap)
    assert (result.penalty == 1.0).all()
    first = quadratic(limit=1, tolerance=1e6)
    consumers = (BENT * WISH) / (BENT + 1)
    supply = consumers.mean(axis=0) / 4
    copies = consumers + supply - consumers.mean(axis=0)
    assert first.primal[0] == pytest.approx(np.linalg.norm(consumers.mean(axis=0) - supply))
    assert first.dual[0] == pytest.approx(np.sqrt((copies**2).sum() / 3))


def test_an_adaptive_penalty_repairs_a_bad_one():
    fixed, adaptive = quadratic(penalty=300.0, limit=5000), quadratic(penalty=300.0, adaptive=True)
    assert adaptive.iterations < fixed.iterations / 2
    assert adaptive.penalty[0] == 300.0 > adaptive.penalty[-1]
    ratios = adaptive.penalty[1:] / adaptive.penalty[:-1]
    assert set(ratios.tolist()) <= {0.5, 1.0, 2.0}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ({"penalty": 0.0}, "penalty must be positive and finite, it is 0"),
        ({"penalty": -1.0, "tolerance": 0.0}, "penalty must be .*; tolerance must be"),
        ({"limit": 0}, "limit must be positive"),
        ({"start": np.zeros(3)}, r"dims \(consumer, ...\)"),
        ({"price": np.zeros(3)}, r"price must have the shape \(2,\)"),
        ({"start": np.full((3, 2), np.nan)}, "start must be finite, 6 entries"),
    ],
)
def test_bad_data(kind, message):
    with pytest.raises(ValueError, match=message):
        quadratic(**kind)


def test_an_answer_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"the provider must answer with finite values of the shape \(2,\)"):
        exchange(lambda target, _: target, lambda _target, _penalty: np.zeros(3), np.zeros((3, 2)), 1.0)


def test_the_limit_is_an_error_with_the_residuals():
    with pytest.raises(NotConverged, match=r"after 2 steps the residuals are still .* of loads"):
        quadratic(limit=2, tolerance=1e-12)


@pytest.mark.parametrize("count", [3, 30])
def test_the_agreement_is_the_central_optimum(count):
    """Provider with grid, turbine, chillers and ice; consumers who shift electricity and whose rooms store cooling."""
    drawn = dispatch.Consumers.draw(count)
    central = PersistentQuadratic(dispatch.central_model(drawn))
    optimum = central.solve().objective
    result = dispatch.agreed(drawn)
    assert np.abs(result.loads[:, 0] - central.value("shifted").to_numpy()).max() < 0.1
    assert np.abs(result.loads[:, 1] - central.value("cooled").to_numpy()).max() < 0.1
    supplied = PersistentQuadratic(dispatch.provider_model(count / 3))
    total = result.loads.sum(axis=0).T
    supplied.bounds("supply", total, total)
    bent = drawn.curvature[:, :, np.newaxis]
    own = (bent * result.loads**2 / 2 - bent * drawn.demand * result.loads).sum()
    assert supplied.solve().objective + own == pytest.approx(optimum, rel=1e-6)
