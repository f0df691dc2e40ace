import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods.cyclic import Cyclic


def dense(w, v, persistence):
    """C' W C + V of one consumer."""
    c = persistence * np.roll(np.eye(w.size), -1, axis=1) - np.eye(w.size)
    return c.T @ np.diag(w) @ c + np.diag(v)


def test_by_hand():
    """Two hours, persistence 0.5, W = 1, V = 0: diagonal 1.25, beside it twice -0.5."""
    found = Cyclic.of(np.ones((2, 1)), np.zeros((2, 1)), np.array([0.5])).solve(np.array([[0.25], [0.25]]))
    assert found[:, 0] == pytest.approx([1.0, 1.0])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 26))
def test_every_consumer_gets_the_solution_of_its_system(seed, hours):
    generator = np.random.default_rng(seed)
    w, v, right = generator.uniform(0.1, 2, (hours, 5)), generator.uniform(0, 2, (hours, 5)), np.ones((hours, 5))
    right *= generator.normal(size=right.shape)
    persistence = generator.uniform(0.05, 0.99, 5)
    kept = right.copy()
    found = Cyclic.of(w, v, persistence).solve(right)
    for number in range(5):
        matrix = dense(w[:, number], v[:, number], persistence[number])
        assert matrix @ found[:, number] == pytest.approx(right[:, number], abs=1e-9 * np.abs(found).max())
    assert np.array_equal(right, kept)


def test_weights_far_apart_cancel_nothing():
    """V of 1e12 in one hour holds x there at zero to 1e-12, the others as if it were cut out of the system."""
    w, v, right = np.ones((6, 1)), np.zeros((6, 1)), np.ones((6, 1))
    v[2] = 1e12
    found = Cyclic.of(w, v, np.array([0.9])).solve(right)[:, 0]
    others = [0, 1, 3, 4, 5]
    matrix = dense(w[:, 0], 0 * w[:, 0], 0.9)
    assert found[others] == pytest.approx(np.linalg.solve(matrix[np.ix_(others, others)], np.ones(5)), rel=1e-9)
    assert abs(found[2]) <= 1e-10
