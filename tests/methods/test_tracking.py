import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods import solver
from bcopt.methods.tracking import Rooms


def drawn(count, hours=24, seed=0, night=True):
    generator = np.random.default_rng(seed)
    load = generator.uniform(50, 1000, (count, hours))
    if night:
        load[:, :5] = 0.0
    rooms = {
        "lower": -load,
        "upper": load * generator.uniform(0, 1, (count, 1)),
        "persistence": generator.uniform(0.3, 0.99, count),
        "gain": generator.uniform(0.0005, 0.005, count),
        "band": generator.uniform(0.1, 2, count),
    }
    return rooms, load * generator.normal(0, 1, load.shape)


def caused(y, persistence, gain):
    """Temperatures of one consumer, cyclic."""
    hours = y.size
    matrix = np.eye(hours) - persistence * np.roll(np.eye(hours), -1, axis=1)
    return np.linalg.solve(matrix, -gain * y)


def unexplained(normals, gradient):
    """Return how far the nearest combination of normals at prices that are not negative stays from a gradient.

    Not by ``scipy.optimize.nnls``: what SciPy 1.15 calls its residual need not be that of its prices (issue 25389), and
    SciPy 1.17 may free memory twice.
    """
    if not normals.shape[1]:
        return np.linalg.norm(gradient)
    prices = scipy.optimize.lsq_linear(
        normals, gradient, bounds=(0.0, np.inf), method="bvls", tol=1e-15, max_iter=5000
    ).x
    return np.linalg.norm(normals @ np.maximum(prices, 0.0) - gradient)


def certify(rooms, target, y, number, balanced=False):
    """Nonnegative prices explain y - target, so that y is the projection; an independent proof for each consumer."""
    lower, upper = rooms["lower"][number], rooms["upper"][number]
    share, gain, band = (rooms[name][number] for name in ("persistence", "gain", "band"))
    hours, unit = y.size, band / gain
    x = caused(y, share, gain)
    assert (y >= lower - 1e-9 * unit).all()
    assert (y <= upper + 1e-9 * unit).all()
    assert np.abs(x).max() <= band * (1 + 1e-8)
    effect = np.linalg.inv(np.eye(hours) - share * np.roll(np.eye(hours), -1, axis=1))
    near = 1e-8
    columns = [
        np.eye(hours)[:, y <= lower + near * unit],
        -np.eye(hours)[:, y >= upper - near * unit],
        -effect.T[:, x <= -band * (1 - near)],
        effect.T[:, x >= band * (1 - near)],
    ]
    if balanced:
        assert abs(y.sum()) <= 1e-8 * unit
        columns += [np.ones((hours, 1)), -np.ones((hours, 1))]
    assert unexplained(np.hstack(columns), (y - target) / np.abs(target).max()) <= 1e-8


def proved(rooms, target, y, balanced=False):
    """Return, for each consumer, how far prices of what binds are from explaining y - target, relative to the target.

    With temperatures x = effect y, the gradient y - target has to be a combination of the normals of what binds, with
    prices that are not negative: a least-squares problem for each consumer.
    """
    share, unit = rooms["persistence"][:, np.newaxis, np.newaxis], (rooms["band"] / rooms["gain"])[:, np.newaxis]
    hours = y.shape[1]
    effect = -np.linalg.inv(np.eye(hours) - share * np.roll(np.eye(hours), -1, axis=1))
    x = np.einsum("nts,ns->nt", effect, y / unit)
    low, high = (y - rooms["lower"]) / unit, (rooms["upper"] - y) / unit
    assert min(low.min(), high.min(), (1 - np.abs(x)).min()) >= -1e-7
    each = np.broadcast_to(np.eye(hours), effect.shape)
    normals = np.concatenate([each, -each, effect, -effect], axis=1)
    slack = np.concatenate([low, high, 1 + x, 1 - x], axis=1)
    if balanced:
        assert np.abs(y.sum(axis=1) / unit[:, 0]).max() <= 1e-7
        one = np.ones((len(y), 1, hours))
        normals, slack = np.concatenate([normals, one, -one], axis=1), np.pad(slack, ((0, 0), (0, 2)))
    size = np.abs(target).max(axis=1)
    missing = np.empty(len(y))
    for number, (sides, tight, gradient) in enumerate(zip(normals, slack <= 1e-6, y - target, strict=True)):
        missing[number] = unexplained(sides[tight].T, gradient / size[number])
    return missing


@pytest.mark.parametrize("balanced", [False, True])
def test_a_thousand_at_once_are_projections(balanced):
    rooms, target = drawn(1000)
    y = Rooms(**rooms, balanced=balanced).project(target)
    assert proved(rooms, target, y, balanced).max() <= 1e-8


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 26), st.booleans())
def test_any_consumer_gets_its_projection(seed, hours, balanced):
    rooms, target = drawn(4, hours, seed, night=hours > 8)
    y = Rooms(**rooms, balanced=balanced).project(target)
    for number in range(4):
        certify(rooms, target[number], y[number], number, balanced)


@pytest.mark.parametrize("balanced", [False, True])
def test_the_interior_point_method_alone_finds_the_same(monkeypatch, balanced):
    """To a millionth of band/gain, the unit in which it works."""
    rooms, target = drawn(500)
    expected = Rooms(**rooms, balanced=balanced).project(target)
    monkeypatch.setattr("bcopt.methods.tracking.GUESSES", 0)
    found = Rooms(**rooms, balanced=balanced).project(target)
    off = np.abs(found - expected) / (rooms["band"] / rooms["gain"])[:, np.newaxis]
    assert 0 < off.max() <= 1e-6


def test_what_is_near_changes_nothing_but_time():
    rooms, target = drawn(300)
    kept = Rooms(**rooms)
    near = kept.project(target)
    assert kept.project(1.1 * target, near) == pytest.approx(kept.project(1.1 * target), abs=1e-6)


def one(target, band=10.0, lower=-10.0, upper=10.0, **kind):
    hours = (1, len(target))
    rooms = Rooms(np.full(hours, lower), np.full(hours, upper), [0.5], [1.0], [band], **kind)
    return rooms.project(np.array([target], float))[0]


def test_by_hand():
    """Constant cooling y gives x = -y/(1 - 0.5) = -2y: a band of 1 leaves y = 0.5 of the 3 wanted."""
    assert one([3, 3, 3]) == pytest.approx([3, 3, 3])
    assert one([3, 3, 3], band=1.0) == pytest.approx([0.5, 0.5, 0.5])
    assert one([3, 3, 3], upper=2.0) == pytest.approx([2, 2, 2])
    assert one([-3, -3, -3], lower=-2.0) == pytest.approx([-2, -2, -2])
    assert one([3, 1, 2], balanced=True) == pytest.approx([1, -1, 0])
    assert one([3, 1, 2], band=0.0) == pytest.approx([0, 0, 0])
    assert one([3, 1, 2], lower=-np.inf, upper=np.inf) == pytest.approx([3, 1, 2])


def test_fixed_hours_keep_their_value_exactly():
    rooms, target = drawn(50)
    y = Rooms(**rooms).project(target)
    assert (y[:, :5] == 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"persistence": [0.5, 1.0]}, "persistence between 0 and 1 for consumer 1$"),
        ({"gain": [0.0, 1.0]}, "positive gain for consumer 0$"),
        ({"band": [1.0, -1.0], "gain": [0.0, 1.0]}, "positive gain for consumer 0; band not negative for consumer 1"),
        ({"lower": np.full((2, 4), 9.0)}, "lower <= upper for consumer 0, 1$"),
        ({"gain": [1.0, 1.0, 1.0]}, r"gain has the shape \(3,\), not \(2,\)"),
        ({"lower": -1.0, "upper": 1.0}, "at least two hours"),
    ],
)
def test_bad_data_are_named(change, message):
    good = {
        "lower": np.full((2, 4), -1.0),
        "upper": 1.0,
        "persistence": [0.5, 0.5],
        "gain": [1.0] * 2,
        "band": [1.0] * 2,
    }
    with pytest.raises(ValueError, match=message):
        Rooms(**(good | change))


def test_what_has_no_answer_is_named():
    rooms = Rooms(np.array([[-1.0] * 3, [0.9] * 3, [0.1] * 3]), 1.0, [0.5] * 3, [1.0] * 3, [1.0, 1.0, 0.0])
    with pytest.raises(ValueError, match=r"within the band for consumer 1, 2$"):
        rooms.project(np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"finite targets of the shape \(3, 3\)"):
        rooms.project(np.full((3, 3), np.nan))


def test_what_was_not_found_is_not_called_impossible(monkeypatch):
    """Bounds that admit exactly one answer, y = 0.5 at x = -1, and hardly any step; a band of zero has no steps."""
    monkeypatch.setattr("bcopt.methods.tracking.GUESSES", 0)
    monkeypatch.setattr("bcopt.methods.tracking.LIMIT", 2)
    with pytest.raises(
        solver.NotSolved, match=r"not solved to the tolerance:\n  rooms: the projection of consumer 0, 1$"
    ):
        Rooms(np.array([[0.5] * 3, [-1.0] * 3]), 1.0, [0.5] * 2, [1.0] * 2, [1.0, 1.0]).project(np.full((2, 3), 9.0))
    low = np.array([[-1.0] * 3, [0.9] * 3, [0.1] * 3])
    with pytest.raises(ValueError, match=r"within the band for consumer 1, 2$"):
        Rooms(low, 1.0, [0.5] * 3, [1.0] * 3, [1.0, 1.0, 0.0]).project(np.ones((3, 3)))
    with pytest.raises(ValueError, match=r"within the band for consumer 0$"):
        Rooms(np.full((1, 3), 0.1), 1.0, [0.5], [1.0], [1.0], balanced=True).project(np.ones((1, 3)))
