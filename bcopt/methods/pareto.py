"""Fronts of minimised objectives: who dominates whom, and how much of a front is covered.

The hypervolume of a front is the measure of what it dominates within a reference point.

References
----------
Zitzler, Deb, Thiele (2000), Comparison of multiobjective evolutionary algorithms: empirical
results, Evolutionary Computation 8(2), doi:10.1162/106365600568202.
Fonseca, Paquete, Lopez-Ibanez (2006), An improved dimension-sweep algorithm for the hypervolume
indicator, IEEE CEC, doi:10.1109/CEC.2006.1688440 (the algorithm of moocore).
"""

from __future__ import annotations

import moocore
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

REFERENCE = 1.1
"""Reference point of normalised objectives, in which the exact front spans 0 to 1 [-]."""

_CONVEXITY_TOLERANCE = 1e-6
"""Share of an objective's range by which a vertex may lie above its neighbours' chord [-]."""


def non_dominated(objectives: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Mark the points that no other point dominates.

    A point dominates another if it is nowhere larger and somewhere smaller. Equal points do not
    dominate each other, so copies of a non-dominated point are all marked.

    Parameters
    ----------
    objectives : array, dims (point, objective)
        Minimised, in any units.

    Returns
    -------
    array of bool, dims (point)

    Raises
    ------
    ValueError
        If the array is empty, not two-dimensional or not finite.
    """
    points = _points("objectives", objectives)
    if points.shape[1] == 1:
        return np.asarray(points[:, 0] == points[:, 0].min())
    return np.asarray(moocore.is_nondominated(points, keep_weakly=True), dtype=bool)


def hypervolume(objectives: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """Return the hypervolume that points dominate.

    Parameters
    ----------
    objectives : array, dims (point, objective)
        Minimised; points beyond the reference add nothing.
    reference : array, dims (objective)
        Reference point, in the objectives' units.

    Returns
    -------
    float
        In the product of the objectives' units.

    Raises
    ------
    ValueError
        If shapes do not fit or a value is not finite.
    """
    points = _points("objectives", objectives)
    return float(moocore.hypervolume(points, ref=_reference(reference, points.shape[1])))


def polyline_hypervolume(vertices: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """Return the hypervolume dominated by a convex piecewise-linear front of two objectives.

    With g the front's second objective over its first, constant beyond the last vertex b,

        area = integral from the first vertex to reference[0] of max(reference[1] - g(y), 0) dy

    which is a sum of trapezoids. The vertices alone dominate less: their staircase.

    Parameters
    ----------
    vertices : array, dims (vertex, objective)
        Minimised, in any order; dominated vertices are left out. The front of a linear programme.
    reference : array, dims (objective)
        Reference point, in the objectives' units.

    Returns
    -------
    float
        In the product of the objectives' units.

    Raises
    ------
    ValueError
        If there are not two objectives, the front is not convex, shapes do not fit or a value is
        not finite.
    """
    first, second = _convex_front(vertices).T
    right, top = _reference(reference, 2)
    height = top - second
    area = 0.0
    for a, b, high_a, high_b in zip(first[:-1], first[1:], height[:-1], height[1:], strict=True):
        slope = (high_b - high_a) / (b - a)
        start = a if high_a >= 0 else b - high_b / slope
        end = min(b, right)
        if end > start:
            area += (end - start) * (high_a + slope * ((start + end) / 2 - a))
    area += max(right - first[-1], 0.0) * max(height[-1], 0.0)
    return float(area)


def hypervolume_ratio(
    approximation: npt.ArrayLike,
    exact: npt.ArrayLike,
    reference: npt.ArrayLike | None = None,
    *,
    polyline: bool = True,
) -> float:
    """Return the hypervolume of an approximation as a share of the exact front's.

    The objectives are normalised to the exact front, from its ideal point (0) to its nadir (1).

    Parameters
    ----------
    approximation : array, dims (point, objective)
        Minimised.
    exact : array, dims (vertex, objective)
        The exact front: with two objectives its vertices, joined by line segments.
    reference : array, dims (objective), optional
        Reference point in the objectives' own units; by default 1.1 in normalised objectives.
    polyline : bool
        Join the vertices of two objectives. False where the front is the points alone, as that of
        an integer programme; always so with other numbers of objectives.

    Returns
    -------
    float
        One for a perfect approximation, which no finite number of points of a polyline reaches [-].

    Raises
    ------
    ValueError
        As :func:`hypervolume` and :func:`polyline_hypervolume`; or if the exact front has no
        extent in an objective and no reference is given, or does not dominate the reference.
    """
    front = _points("exact", exact)
    points = _points("approximation", approximation)
    if points.shape[1] != front.shape[1]:
        raise ValueError(f"approximation has {points.shape[1]} objectives, the exact front {front.shape[1]}")
    front = front[non_dominated(front)]
    ideal, extent = front.min(axis=0), np.ptp(front, axis=0)
    flat = np.flatnonzero(extent == 0).tolist()
    if reference is None and flat:
        raise ValueError(f"the exact front has no extent in objective {flat}: give a reference point")
    scale = np.where(extent == 0, 1.0, extent)
    corner = np.full(front.shape[1], REFERENCE) if reference is None else _reference(reference, front.shape[1])
    if reference is not None:
        corner = (corner - ideal) / scale
    measure = polyline_hypervolume if polyline and front.shape[1] == 2 else hypervolume
    whole = measure((front - ideal) / scale, corner)
    if not whole > 0:
        raise ValueError(f"the exact front does not dominate the reference point {np.asarray(reference).tolist()}")
    return hypervolume((points - ideal) / scale, corner) / whole


def _points(name: str, values: npt.ArrayLike) -> Array:
    """Check that points are a finite matrix with at least one row and column."""
    points = np.array(values, dtype=float)
    if points.ndim != 2 or not points.size:
        raise ValueError(f"{name} must have dims (point, objective) and at least one point, got shape {points.shape}")
    bad = np.argwhere(~np.isfinite(points))
    if len(bad):
        row, column = bad[0].tolist()
        raise ValueError(f"{name}: objective {column} of point {row} is {points[row, column]}")
    return points


def _reference(values: npt.ArrayLike, objectives: int) -> Array:
    """Check that a reference point has one finite value per objective."""
    reference = np.array(values, dtype=float)
    if reference.shape != (objectives,) or not np.isfinite(reference).all():
        raise ValueError(f"reference must be {objectives} finite values, got {reference.tolist()}")
    return reference


def _convex_front(values: npt.ArrayLike) -> Array:
    """Return the distinct non-dominated vertices by first objective, refusing a front that is not convex."""
    vertices = _points("vertices", values)
    if vertices.shape[1] != 2:
        raise ValueError(f"a polyline front has two objectives, got {vertices.shape[1]}")
    vertices = np.asarray(np.unique(vertices[non_dominated(vertices)], axis=0), dtype=float)
    before, vertex, after = vertices[:-2], vertices[1:-1], vertices[2:]
    along = (vertex[:, 0] - before[:, 0]) / (after[:, 0] - before[:, 0])
    chord = before[:, 1] + along * (after[:, 1] - before[:, 1])
    above = np.flatnonzero(vertex[:, 1] - chord > _CONVEXITY_TOLERANCE * np.ptp(vertices[:, 1]))
    if above.size:
        raise ValueError(f"the front is not convex at {vertex[above[0]].tolist()}: it is no polyline of optima")
    return vertices
