import linopy
import numpy as np
import pytest
import xarray as xr

from bcopt.methods.admm import NotConverged, exchange
from bcopt.methods.quadratic import PersistentQuadratic

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
    result = quadratic(adaptive=False)
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
    fixed, adaptive = quadratic(penalty=300.0, limit=5000, adaptive=False), quadratic(penalty=300.0)
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


def test_the_limit_is_an_error_with_the_residuals_and_where_they_are_worst():
    with pytest.raises(
        NotConverged, match=r"after 2 steps the residuals are still .* of loads, .* times the tolerance"
    ):
        quadratic(limit=2, tolerance=1e-12)
    wish = np.array([[[1.0, 2.0], [3.0, 100.0]]])
    with pytest.raises(
        NotConverged, match=r"still 50 of loads, 1e\+05 times the tolerance, most at entry 1, 1 with 50 and 0 of"
    ):
        exchange(lambda target, _: (wish + target) / 2, lambda target, _: 0 * target, 0 * wish, 1.0, limit=1)


def kink(penalty, **kind):
    """A consumer between 4 and 6 worth 3 each, a provider with unit cost 1 up to 3 and 10 up from there."""

    def provider(target, penalty):
        cheap, dear = target - 1 / penalty, target - 10 / penalty
        return np.where(cheap < 3, np.maximum(cheap, 0), np.maximum(dear, 3))

    def consumer(target, penalty):
        return np.clip(target + 3 / penalty, 4, 6)

    return exchange(consumer, provider, np.full((1, 1), 5.0), penalty, **kind)


def test_an_entry_at_a_kink_drifts_by_the_penalty_times_what_is_missing_unless_the_penalty_adapts():
    """4 of load on 3 of cheap supply: 1 is missing at every step until the price has climbed from 0 to 10."""
    fixed, adaptive = kink(0.05, adaptive=False), kink(0.05)
    for result in (fixed, adaptive):
        assert result.loads == pytest.approx(4.0, abs=1e-3)
        assert result.price == pytest.approx(10.0, abs=1e-3)
    assert np.isclose(fixed.primal, 1.0).sum() > 100
    assert adaptive.iterations < 40


HOURS = xr.DataArray(np.zeros(4), {"hour": np.arange(4)}, "hour")
PRICE = np.array([[0.3, 0.7, 1.2, 0.7], [0.1, 0.2, 0.4, 0.2]])


class District:
    """Consumers with a wish for each hour, and a provider with a grid, a chiller and dear spare cooling."""

    def __init__(self, count):
        generator = np.random.default_rng(1)
        self.wish = generator.uniform(300, 900, (count, 2, 4))
        self.bent = generator.uniform(5e-4, 2e-3, (count, 2, 1))
        self.lower, self.upper = 0.9 * self.wish, 1.1 * self.wish
        self.kept = PersistentQuadratic(self.model(1))

    def model(self, size, loads=False):
        """The provider for as many consumers, and the central programme with their loads."""
        model, each = linopy.Model(), self.wish.shape[0]
        carrier = xr.DataArray([0.0, 0.0], {"carrier": ["electricity", "cooling"]}, "carrier")
        supply = model.add_variables(lower=carrier + HOURS, name="supply")
        bought, spare = (model.add_variables(lower=0 * HOURS, name=name) for name in ("purchase", "spare"))
        chiller = model.add_variables(lower=0 * HOURS, upper=500 * size + HOURS, name="chiller")
        electricity, cooling = (supply.sel(carrier=name, drop=True) for name in ("electricity", "cooling"))
        model.add_constraints(bought - chiller / 3 - electricity == 0, name="electricity")
        model.add_constraints(chiller + spare - cooling == 0, name="cooling")
        cost = (bought * HOURS.copy(data=PRICE[0]) + 0.9 * spare).sum()
        if loads:
            index = {"consumer": np.arange(each), "carrier": carrier["carrier"], "hour": HOURS["hour"]}
            wide = [xr.DataArray(x, index, list(index)) for x in (self.lower, self.upper, self.wish)]
            bent = xr.DataArray(
                self.bent[..., 0], {k: index[k] for k in ("consumer", "carrier")}, ["consumer", "carrier"]
            )
            load = model.add_variables(lower=wide[0], upper=wide[1], name="load")
            model.add_constraints(load.sum("consumer") - supply == 0, name="balance")
            cost = cost + (bent / 2 * load * load).sum() - (bent * wide[2] * load).sum()
        model.add_objective(cost)
        return model

    def consumers(self, target, penalty):
        return np.clip((self.bent * self.wish + penalty * target) / (self.bent + penalty), self.lower, self.upper)

    def provider(self, target, penalty):
        self.kept.curvature("supply", penalty)
        self.kept.costs("supply", -penalty * target)
        self.kept.solve()
        return self.kept.value("supply").transpose("carrier", "hour").to_numpy()


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("count", [3, 30])
def test_the_agreement_is_the_central_optimum(count, adaptive):
    """Objective and loads; the prices are those that the central programme proves its optimum by."""
    district = District(count)
    central = PersistentQuadratic(district.model(count, loads=True))
    optimum = central.solve().objective
    result = exchange(
        district.consumers, district.provider, district.wish, 1e-3, price=PRICE, adaptive=adaptive, limit=3000
    )
    assert np.abs(result.loads - central.value("load").transpose("consumer", "carrier", "hour").to_numpy()).max() < 0.1
    assert result.price == pytest.approx(-central.dual("balance").transpose("carrier", "hour").to_numpy(), abs=1e-3)
    supplied = PersistentQuadratic(district.model(count))
    supplied.bounds("supply", result.loads.sum(axis=0), result.loads.sum(axis=0))
    own = (district.bent * (result.loads**2 / 2 - district.wish * result.loads)).sum()
    assert supplied.solve().objective + own == pytest.approx(optimum, rel=1e-6)
