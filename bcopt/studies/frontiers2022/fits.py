"""Fits 1 to 5 of the protocol: seven numbers from seven parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import xarray as xr

from bcopt.compendium.fitted import read_fitted
from bcopt.compendium.inputs import Expected
from bcopt.compendium.ledger import printed_numbers, read_claims
from bcopt.compendium.problems import InputError
from bcopt.methods.calibration import Unreachable, calibrate
from bcopt.methods.parallel import in_parallel
from bcopt.studies.frontiers2022.basic_data import Knobs, targets, typical_day
from bcopt.studies.frontiers2022.inputs import CLUSTERS, PRICE_SETS
from bcopt.studies.frontiers2022.scenario import Scenario
from bcopt.studies.frontiers2022.stages import Evaluator, Jump, Settled, reached

TARGETS = {
    "reducible_commercial": "F-4.3-cost-commercial",
    "satisfaction_residential": "F-4.3-cost-residential",
    "satisfaction_hotel": "F-4.3-cost-hotel",
    "operation": "F-4.3-esp-benefit",
}
"""Claim that each knob is turned to, in the order of the protocol."""
BRACKETS = {
    "reducible_commercial": (1e-5, 0.3),
    "satisfaction_residential": (0.5, 6.0),
    "satisfaction_hotel": (0.5, 6.0),
    "operation": (0.0, 10.0),
}
"""Where roots are sought. Not from zero: a cluster that can reduce nothing has ties in place of best prices."""
TABLE = "frontiers2022_fits.csv"
STAGE = "frontiers2022-basic-data"
_KNOBS = {
    "reducible_commercial": "share of the load that the commercial cluster is ready to reduce",
    "satisfaction_residential": "satisfaction of the residential cluster over the mean wholesale price",
    "satisfaction_hotel": "satisfaction of the hotel cluster over the mean wholesale price",
    "operation": "factor on the operation costs of the equipment",
}
_QUANTITIES = [(knob, "1", text) for knob, text in _KNOBS.items()] + [
    (
        f"{knob}_at_{side}",
        "yuan" if side.endswith("gives") else "1",
        f"{text}: {words} a jump across the target, if any",
    )
    for knob, text in _KNOBS.items()
    for side, words in (
        ("low", "just below"),
        ("high", "just above"),
        ("low_gives", "amount just below"),
        ("high_gives", "amount just above"),
    )
]
START = Knobs(0.02, 2.0, 1.5, 0.7)
TOLERANCE = 0.004
"""yuan; less than half a printed digit."""
RESOLUTIONS = 2e-4, 5e-6
"""Width, as a share of the bracket, at which a jump is located: in the first pass, and in the later, narrower ones."""
DECIMALS = 7
"""Of a knob at a jump."""
NEAR = 0.003
"""Share of a bracket within which the next pass looks first."""
STEADY = 1e-3
"""Share of a knob at a jump by which it may still have moved in the last pass: what the first pass leaves open."""
PASSES = 12
STILL = 0.05
"""yuan by which what a knob gives may have moved since it was fitted."""
HALF = 0.005
"""yuan; half a printed digit."""
BACK = 1e-4
"""Share of a knob within which a later pass is back where an earlier one was."""


def printed(claims: pd.DataFrame) -> dict[str, float]:
    """Return the numbers to fit by knob, and the direct cost of each cluster by its name [yuan]."""
    texts = printed_numbers(claims, TARGETS.values())
    costs = targets(claims).set_index("cluster")["direct cost [yuan]"]
    return {knob: texts[claim][0] for knob, claim in TARGETS.items()} | {name: float(costs[name]) for name in CLUSTERS}


def fit(days: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, wanted: Mapping[str, float]) -> Settled:
    """Turn all knobs in the order of the protocol until they stand still, or go round.

    Where passes come back to knobs that they had left, as jumps of two knobs may chase each other, the pass with the
    least of their largest misses is kept, and the knobs that go round have the turns of the cycle for a jump.

    Parameters
    ----------
    days : xr.Dataset
        From :func:`bcopt.studies.frontiers2022.simulation.read`.
    inputs : xr.Dataset
        The study's inputs.
    scenario : Scenario
        The choices.
    wanted : mapping
        From :func:`printed`.

    Raises
    ------
    ValueError
        If the knobs neither stand still nor go round.
    """
    at = Evaluator(typical_day(days, inputs, scenario, wanted), inputs, scenario, START)
    knobs, jumps, passes = START, dict[str, Jump](), list[Settled]()
    while len(passes) < PASSES:
        before = knobs
        for knob in TARGETS:
            knobs, jump = _turned(at, knob, knobs, wanted[knob], first=not passes)
            jumps = {name: kept for name, kept in jumps.items() if name != knob} | ({knob: jump} if jump else {})
        changed = at.recommit(knobs)
        passes.append(replace(at.settle(knobs), jumps=jumps, passes=len(passes) + 1))
        if len(passes) > 1 and not changed and _stands(passes[-1], before, wanted):
            return passes[-1]
        if cycle := _cycle(passes):
            return _kept(cycle, wanted)
    raise ValueError(f"{PASSES} passes of the fits do not settle the knobs: {before} became {knobs}")


def fit_each(
    days: xr.Dataset,
    inputs: xr.Dataset,
    scenarios: Mapping[str, Scenario],
    wanted: Mapping[str, float],
    workers: int | None = None,
) -> dict[str, Settled]:
    """Return what :func:`fit` does of each scenario, in processes side by side."""
    tasks = [(days, inputs, scenario, wanted) for scenario in scenarios.values()]
    return dict(zip(scenarios, in_parallel(_fitted, tasks, workers=workers), strict=True))


def _fitted(task: tuple[xr.Dataset, xr.Dataset, Scenario, Mapping[str, float]]) -> Settled:
    return fit(*task)


def table(settled: Mapping[str, Settled]) -> pd.DataFrame:
    """Return what the fits found as a table of quantities: each knob, and the two sides of the jump it stands at.

    Parameters
    ----------
    settled : mapping of str to Settled
        By price set.

    Returns
    -------
    pd.DataFrame
        With the columns of :func:`bcopt.compendium.inputs.read_quantities`. Of a knob with a root, both sides are the
        knob itself.
    """
    rows = []
    for name, units, description in _QUANTITIES:
        for price_set, found in settled.items():
            rows.append(
                {
                    "quantity": name,
                    "price_set": price_set,
                    "value": _value(name, found),
                    "unit": units,
                    "provenance": "fitted",
                    "source": "data/protocol.yaml, fits 2 to 5 of frontiers2022",
                    "description": description,
                }
            )
    return pd.DataFrame(rows)


def _value(name: str, found: Settled) -> float:
    knob, _, side = name.partition("_at_")
    if not side:
        return float(getattr(found.knobs, knob))
    jump = found.jumps.get(knob)
    root = getattr(found.knobs, knob), reached(found)[knob]
    low, high = (jump.low, jump.high) if jump else (root, root)
    return float({"low": low[0], "high": high[0], "low_gives": low[1], "high_gives": high[1]}[side])


def dataset(settled: Mapping[str, Settled]) -> xr.Dataset:
    """Return settled days as one dataset: day, prices, loads as agreed and at last, knobs, dims (price_set, ...)."""
    parts = [
        found.day.assign(
            price=found.retail["price"],
            agreed=found.retail["load"],
            final=found.flows["load"],
            **{knob: getattr(found.knobs, knob) for knob in TARGETS},
        )
        for found in settled.values()
    ]
    return xr.concat(parts, pd.Index(list(settled), name="price_set"), combine_attrs="drop_conflicts")


def read_table(root: Path) -> xr.Dataset:
    """Return what :func:`table` wrote, dims (price_set).

    Raises
    ------
    InputError
        If there are no fits of the protocol in force, or listing every fault of them.
    """
    expected = {
        name: Expected(units, ("price_set",), lower=0.0 if units == "1" else -math.inf)
        for name, units, _ in _QUANTITIES
    }
    return read_fitted(TABLE, STAGE, expected, root, {"price_set": PRICE_SETS})


def read(root: Path, days: xr.Dataset, inputs: xr.Dataset, scenarios: Mapping[str, Scenario]) -> dict[str, Settled]:
    """Return the days at the knobs that the fits have found.

    Parameters
    ----------
    root : Path
        Project root.
    days, inputs
        As :func:`fit` takes them.
    scenarios : mapping of str to Scenario
        By price set.

    Raises
    ------
    InputError
        If there are no fits of the protocol in force.
    """
    fitted = read_table(root)
    wanted = printed(read_claims(root))
    found = {}
    for price_set, scenario in scenarios.items():
        row = {str(name): float(value) for name, value in fitted.sel(price_set=price_set).data_vars.items()}
        knobs = Knobs(**{knob: row[knob] for knob in TARGETS})
        at = Evaluator(typical_day(days, inputs, scenario, wanted), inputs, scenario, knobs)
        sides = {
            knob: [(row[f"{knob}_at_{s}"], row[f"{knob}_at_{s}_gives"]) for s in ("low", "high")] for knob in TARGETS
        }
        jumps = {knob: _jump(knob, low, high) for knob, (low, high) in sides.items() if low[0] != high[0]}
        found[price_set] = replace(at.settle(knobs), jumps=jumps)
        _check_still(found[price_set], sides)
    return found


def _jump(knob: str, low: tuple[float, float], high: tuple[float, float]) -> Jump:
    """Return what two sides are of: a jump, a bracket, or else a cycle."""
    found = Jump(low, high)
    return found if found.narrow or (low[0], high[0]) == BRACKETS[knob] else replace(found, goes_round=True)


def _check_still(found: Settled, sides: Mapping[str, list[tuple[float, float]]]) -> None:
    """Raise if the knobs no longer give what they gave when they were fitted, as under other parameters."""
    gives = reached(found)
    other = [
        f"{knob} gave {' or '.join(f'{given:,.2f}' for _, given in sides[knob])} yuan and gives {gives[knob]:,.2f} now"
        for knob in TARGETS
        if min(abs(gives[knob] - given) for _, given in sides[knob]) > STILL
    ]
    if other:
        raise InputError(
            f"data/derived/{TABLE}",
            [*other, f"fitted under other parameters or inputs: run `dvc repro`, whose stage {STAGE} fits again"],
        )


def _stands(found: Settled, before: Knobs, wanted: Mapping[str, float]) -> bool:
    """Say whether every knob meets its target, or stands still at a jump."""
    gives = reached(found)
    return all(
        math.isclose(getattr(found.knobs, knob), getattr(before, knob), rel_tol=STEADY)
        if knob in found.jumps
        else abs(gives[knob] - wanted[knob]) < HALF
        for knob in TARGETS
    )


def _cycle(passes: list[Settled]) -> list[Settled]:
    """Return the passes since the knobs were where they are after the last, if they were elsewhere in between."""
    last = passes[-1]
    back = [n for n, earlier in enumerate(passes[:-2]) if _alike(earlier, last, BACK)]
    left = back and not all(_alike(between, last, STEADY) for between in passes[back[-1] + 1 : -1])
    return passes[back[-1] + 1 :] if left else []


def _alike(one: Settled, other: Settled, within: float) -> bool:
    """Say whether two passes have the same commitment and, within a share, the same knobs."""
    knobs = ((getattr(of.knobs, knob) for of in (one, other)) for knob in TARGETS)
    return one.commitment.on.equals(other.commitment.on) and all(math.isclose(*k, rel_tol=within) for k in knobs)


def _kept(cycle: list[Settled], wanted: Mapping[str, float]) -> Settled:
    """Return the pass of a cycle whose largest miss is least, with the cycle's turns in place of roots."""
    gives = [reached(found) for found in cycle]
    misses = [max(abs(given[knob] - wanted[knob]) for knob in TARGETS) for given in gives]
    best = misses.index(min(misses))
    jumps = dict(cycle[best].jumps)
    for knob in TARGETS:
        turns = [(float(getattr(found.knobs, knob)), given[knob]) for found, given in zip(cycle, gives, strict=True)]
        here = turns[best]
        away = max(turns, key=lambda turn: abs(turn[0] - here[0]))
        if not math.isclose(here[0], away[0], rel_tol=STEADY):
            low, high = sorted((here, away))
            jumps[knob] = Jump(low, high, goes_round=True)
    return replace(cycle[best], jumps=jumps, passes=cycle[-1].passes)


def _turned(at: Evaluator, knob: str, knobs: Knobs, target: float, first: bool) -> tuple[Knobs, Jump | None]:
    """Turn one knob: to its target, or to the better side of the jump across it."""

    @cache
    def response(value: float) -> float:
        return at.response(knob, replace(knobs, **{knob: value}))

    here = getattr(knobs, knob)
    low, high = BRACKETS[knob]
    width = NEAR * (high - low)
    near = (max(low, here - width), min(high, here + width))
    bracket = (low, high) if first or not _encloses(response, near, target) else near
    resolution = RESOLUTIONS[not first]
    try:
        found = calibrate(response, target, bracket, tolerance=TOLERANCE, name=knob, resolution=resolution)
    except Unreachable as miss:
        jump = Jump(miss.low, miss.high)
        if jump.narrow:
            low, high = _apart(miss.low[0], miss.high[0])
            jump = Jump((low, response(low)), (high, response(high)))
        better = min(jump.low, jump.high, key=lambda side: abs(side[1] - target))
        return replace(knobs, **{knob: better[0]}), jump
    return replace(knobs, **{knob: found.knob}), None


def _encloses(response: Callable[[float], float], bracket: tuple[float, float], target: float) -> bool:
    """Say whether the responses at the ends of a bracket enclose a target."""
    return (response(bracket[0]) - target) * (response(bracket[1]) - target) <= 0


def _apart(low: float, high: float) -> tuple[float, float]:
    """Return the sides of a jump, moved apart to :data:`DECIMALS`, so that a table keeps each on its side."""
    step = 10.0**-DECIMALS
    return round(low - step / 2, DECIMALS), round(high + step / 2, DECIMALS)
