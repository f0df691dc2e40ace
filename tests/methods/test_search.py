"""Searches: known optima, and what a run may not do."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from bcopt.methods import engines, pareto, search

ENGINES = [
    pytest.param(name, marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is missing"))
    for name in engines.MODULES
]
METHODS = [search.differential_evolution, search.genetic_algorithm, search.nsga2]
SINGLE = METHODS[:2]


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


def settings(engine, **changes):
    return search.Settings(
        **{"population": 20, "generations": 15, "crossover": 0.9, "mutation": 0.5, "seed": 1, "engine": engine}
        | changes
    )


def sphere(decisions):
    return ((decisions - 1) ** 2).sum(axis=1, keepdims=True)


def two_spheres(decisions):
    return np.hstack([sphere(decisions), sphere(-decisions)])


def problem(method, variables=3, **changes):
    objectives = two_spheres if method is search.nsga2 else sphere
    return search.Problem(**{"objectives": objectives, "lower": [-4] * variables, "upper": [5] * variables} | changes)


class Watch:
    """Objectives that remember what they were asked and what they answered."""

    def __init__(self, objectives):
        self.objectives, self.asked, self.answers = objectives, [], []

    def __call__(self, decisions):
        self.asked.append(decisions.copy())
        self.answers.append(self.objectives(decisions))
        return self.answers[-1]


# Known optima


def test_differential_evolution_finds_the_centre_of_a_sphere(engine):
    result = search.differential_evolution(problem(METHODS[0], 5), settings(engine, population=40, generations=150))
    assert result.objectives.shape == (1, 1)
    assert result.objectives[0, 0] < 1e-6
    assert result.decisions == pytest.approx(np.ones((1, 5)), abs=1e-3)


def test_genetic_algorithm_finds_the_centre_of_a_sphere(engine):
    chosen = settings(engine, population=60, generations=200, mutation=0.2)
    result = search.genetic_algorithm(problem(SINGLE[1], 5), chosen)
    assert result.objectives[0, 0] < 1e-3
    assert result.decisions == pytest.approx(np.ones((1, 5)), abs=0.05)


@pytest.mark.parametrize(
    ("rows", "limits", "vertex"),
    [
        ([[1, 1], [1, 3]], [4, 6], [3, 1]),  # both constraints and the bound x <= 3 meet here
        ([[1, 1]], [4], [3, 1]),  # the second is redundant
        ([[1, 3]], [4.5], [3, 0.5]),  # without the first
        ([], [], [3, 3]),  # the box alone
    ],
)
def test_differential_evolution_finds_the_vertex_of_a_linear_programme(engine, rows, limits, vertex):
    """Maximise 3 x + 2 y over 0 <= x, y <= 3 and the rows."""

    def violations(decisions):
        return decisions @ np.reshape(rows, (-1, 2)).T - limits

    programme = search.Problem(
        lambda decisions: -decisions @ [[3], [2]], [0, 0], [3, 3], violations=violations if rows else None
    )
    result = search.differential_evolution(programme, settings(engine, population=30, generations=120))
    assert result.feasible
    assert result.objectives[0, 0] == pytest.approx(-np.dot([3, 2], vertex), abs=1e-6)
    assert result.decisions[0] == pytest.approx(vertex, abs=1e-5)
    if rows:
        assert (violations(result.decisions) <= 0).all()


def zdt1(decisions):
    """First problem of Zitzler, Deb, Thiele (2000): the front is f2 = 1 - sqrt(f1)."""
    first = decisions[:, 0]
    distance = 1 + 9 * decisions[:, 1:].mean(axis=1)
    return np.stack([first, distance * (1 - np.sqrt(first / distance))], axis=1)


def test_nsga2_covers_the_front_of_zdt1(engine):
    result = search.nsga2(
        search.Problem(zdt1, np.zeros(10), np.ones(10)),
        settings(engine, population=100, generations=120, mutation=0.1),
    )
    whole = 1.1 * 0.1 + 1.0 - (1 - 2 / 3) + 0.1  # dominated up to (1.1, 1.1)
    root = np.linspace(0, 1, 501)
    front = np.stack([root**2, 1 - root], axis=1)
    assert pareto.polyline_hypervolume(front, [1.1, 1.1]) == pytest.approx(whole, abs=1e-5)
    assert 0.98 * whole <= pareto.hypervolume(result.objectives, [1.1, 1.1]) <= whole
    assert 0.98 <= pareto.hypervolume_ratio(result.objectives, front) <= 1


def test_nsga2_keeps_to_constraints(engine):
    """Of minimise (x, y), the constraint x + y >= 1 leaves the segment between (0, 1) and (1, 0)."""
    shared = search.Problem(
        lambda decisions: decisions,
        [0, 0],
        [2, 2],
        violations=lambda decisions: 1 - decisions.sum(axis=1, keepdims=True),
    )
    result = search.nsga2(shared, settings(engine, population=60, generations=100, mutation=0.3))
    assert result.feasible
    assert (result.objectives.sum(axis=1) >= 1).all()
    assert pareto.hypervolume_ratio(result.objectives, [[0, 1], [1, 0]]) > 0.95


# Operators: the second generation, by what it was made from


def generations_asked(method, engine, **changes):
    """The first two populations."""
    watch = Watch(problem(method).objectives)
    variables = changes.pop("variables", 5)
    method(problem(method, variables, objectives=watch), settings(engine, generations=2, **changes))
    return watch.asked


def test_donors_are_rand_1(engine):
    """With crossover 1 a trial is its donor, x[r1] + F (x[r2] - x[r3]), but for variables in which that left the box.

    Mostly of three different individuals: geatpy lets the base into the difference, pymoo misses some repetitions.
    """
    parents, trials = generations_asked(METHODS[0], engine, population=9, crossover=1.0, mutation=0.3)
    triples = np.array(list(np.ndindex(9, 9, 9)))
    a, b, c = triples.T
    donors = parents[a] + 0.3 * (parents[b] - parents[c])
    outside = (donors < -4) | (donors > 5)
    different = 0
    for trial in trials:
        alike = np.isclose(donors, trial, rtol=0, atol=1e-12)
        made = triples[(alike | outside).all(axis=1) & (alike.sum(axis=1) >= 2)]
        assert len(made)
        different += len(made) == 1 and len(set(made[0])) == 3
    assert different >= 5


@pytest.mark.parametrize("rate", [0.0, 0.4, 1.0])
def test_trials_take_variables_at_the_rate_of_crossover(engine, rate):
    """And one for certain: in geatpy one drawn beforehand, in pymoo one where none was taken."""
    targets, trials = generations_asked(METHODS[0], engine, population=400, crossover=rate)
    taken = trials != targets
    certain = {"geatpy": (1 - rate) / 5, "pymoo": (1 - rate) ** 5 / 5}[engine]
    assert (taken.sum(axis=1) >= 1).mean() > 0.99  # clipped to the bound where the target is, a donor shows no trace
    assert taken.mean() == pytest.approx(rate + certain, abs=0.03)
    assert rate or taken.sum(axis=1).max() == 1  # nothing else changes a trial


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_variables_mutate_at_the_rate_of_mutation(engine, method, rate):
    parents, children = generations_asked(method, engine, population=400, crossover=0.0, mutation=rate)
    assert (~np.isin(children, parents)).mean() == pytest.approx(rate, abs=0.04)


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("rate", [0.0, 0.6])
def test_pairs_cross_at_the_rate_of_crossover(engine, method, rate):
    """Of a crossed pair, each variable is blended or left with even chances."""
    parents, children = generations_asked(method, engine, population=400, crossover=rate, mutation=0.0)
    new = ~np.isin(children, parents)
    assert new.any(axis=1).mean() == pytest.approx(rate, abs=0.08)
    assert new.mean() == pytest.approx(rate / 2, abs=0.05)


# Solutions


@pytest.mark.parametrize("method", SINGLE)
def test_the_solution_is_the_best_ever_evaluated(engine, method):
    watch = Watch(sphere)
    result = method(problem(method, objectives=watch), settings(engine))
    answers, asked = np.vstack(watch.answers), np.vstack(watch.asked)
    assert result.objectives[0] == answers.min(axis=0)
    assert (result.decisions[0] == asked[answers.argmin()]).all()


@pytest.mark.parametrize("generations", [1, 40])
def test_a_front_is_sorted_efficient_and_without_copies(engine, generations):
    """The first generation holds many dominated individuals; rounded decisions make copies common in the last."""
    result = search.nsga2(problem(METHODS[2], decode=np.round), settings(engine, generations=generations))
    assert (np.diff(result.objectives[:, 0]) > 0).all()
    assert pareto.non_dominated(result.objectives).all()
    assert (two_spheres(result.decisions) == result.objectives).all()
    assert len(result.objectives) < 20


@pytest.mark.parametrize("method", METHODS)
def test_without_feasible_individuals_the_least_violation_is_returned(engine, method):
    watch = Watch(lambda decisions: 1 + np.abs(decisions))
    result = method(problem(method, violations=watch), settings(engine))
    assert not result.feasible
    assert result.decisions.shape == (1, 3)
    violation = np.vstack(watch.answers).sum(axis=1)
    assert (result.decisions[0] == np.vstack(watch.asked)[violation.argmin()]).all()
    assert result.history["best"].isnull().all()
    assert result.history["mean"].isnull().all()
    assert (result.history["feasible"] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_functions_see_decoded_decisions(engine, method):
    watch, limits = Watch(two_spheres if method is search.nsga2 else sphere), Watch(lambda decisions: decisions - 9)
    result = method(
        problem(
            method, objectives=watch, violations=limits, decode=lambda genotype: np.hstack([genotype, genotype]) + 10
        ),
        settings(engine),
    )
    for decisions in (*watch.asked, *limits.asked, result.decisions):
        assert decisions.shape[1] == 6
        assert decisions.min() >= 6
        assert (decisions[:, :3] == decisions[:, 3:]).all()


@pytest.mark.parametrize("method", METHODS)
def test_genotypes_stay_in_the_box(engine, method):
    """With the optimum outside, so that every generation presses against the bounds."""
    watch = Watch(lambda decisions: decisions[:, :1] - decisions[:, 1:] if method in SINGLE else decisions * [1, -1])
    lower, upper = np.array([-1e3, 1e-3]), np.array([-999.9, 2e-3])
    result = method(search.Problem(watch, lower, upper), settings(engine, generations=40, crossover=1.0))
    asked = np.vstack(watch.asked)
    assert (asked >= lower).all()
    assert (asked <= upper).all()
    assert result.decisions[0] == pytest.approx([-1e3, 2e-3], rel=0.01)


@pytest.mark.parametrize("method", METHODS)
def test_fixed_variables_stay_fixed(engine, method):
    result = method(problem(method, lower=[-4, 2, -4], upper=[5, 2, 5]), settings(engine, generations=60, mutation=0.4))
    assert (result.decisions[:, 1] == 2).all()
    assert result.objectives[:, 0].min() == pytest.approx(1, abs=0.1)


# The record


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("population", "generations"), [(20, 15), (7, 4), (4, 1)])
def test_every_generation_evaluates_one_population(engine, method, population, generations):
    watch = Watch(problem(method).objectives)
    chosen = settings(engine, population=population, generations=generations)
    result = method(problem(method, objectives=watch), chosen)
    assert [len(decisions) for decisions in watch.asked] == [population] * generations
    assert result.evaluations == population * generations
    expected = population * np.arange(1, generations + 1)
    assert (result.history["evaluations"] == expected).all()
    assert result.history["generation"].values.tolist() == list(range(1, generations + 1))


@pytest.mark.parametrize("method", METHODS)
def test_history_by_definition(engine, method):
    """The best so far never rises and is the least of all feasible values; survivors are a population."""
    watch, limits = Watch(problem(method).objectives), Watch(lambda decisions: decisions.sum(axis=1, keepdims=True))
    result = method(problem(method, objectives=watch, violations=limits), settings(engine))
    history = result.history
    assert history["best"].dims == history["mean"].dims == ("generation", "objective")
    feasible = [
        np.where(limit <= 0, values, np.nan) for limit, values in zip(limits.answers, watch.answers, strict=True)
    ]
    so_far = np.fmin.accumulate([np.nanmin(values, axis=0) for values in feasible])
    assert (history["best"].values == so_far).all()
    assert (history["best"].diff("generation") <= 0).all()
    assert (history["mean"] >= history["best"]).all()
    assert history["mean"].values[0] == pytest.approx(np.nanmean(feasible[0], axis=0))
    assert history["feasible"].values[0] == (limits.answers[0] <= 0).sum()
    assert (history["feasible"].diff("generation") >= 0).all()
    assert history["feasible"].values[-1] <= 20
    assert all({"units", "long_name"} <= set(variable.attrs) for variable in history.variables.values())


def test_mean_is_undefined_until_something_is_feasible(engine):
    """A tenth of a thousandth of the box is feasible: not hit at first, found by following the violation."""
    narrow = problem(METHODS[0], violations=lambda decisions: np.abs(decisions - 1) - 0.1)
    result = search.differential_evolution(narrow, settings(engine, generations=80))
    undefined = result.history["mean"].isnull().values[:, 0]
    assert result.feasible
    assert undefined[0]
    assert not undefined[-1]
    assert (undefined == (result.history["feasible"] == 0).values).all()
    assert (np.diff(undefined.astype(int)) <= 0).all()


# Reproducibility and manners


def both(result):
    return result.decisions.tobytes() + result.objectives.tobytes() + result.history.to_array().values.tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_one_seed_one_result(engine, method):
    once = both(method(problem(method), settings(engine)))
    np.random.default_rng().random()
    random.random()
    assert both(method(problem(method), settings(engine))) == once
    assert both(method(problem(method), settings(engine, seed=2))) != once


@pytest.mark.parametrize("method", METHODS)
def test_the_first_generation_depends_on_the_seed_alone(engine, method):
    watch = Watch(sphere if method in SINGLE else two_spheres)
    method(problem(method, objectives=watch), settings(engine, generations=2))
    first = np.random.default_rng(np.random.SeedSequence(1).spawn(2)[0]).uniform(-4, 5, (20, 3))
    assert (watch.asked[0] == first).all()
    assert not (watch.asked[1] == first).all()


def global_state():
    numpy_state = np.random.get_state()  # noqa: NPY002
    return [part.tolist() if isinstance(part, np.ndarray) else part for part in numpy_state], random.getstate()


def unusual_global_state():
    """No state that an earlier run can have left behind."""
    np.random.seed(987)  # noqa: NPY002
    random.seed(987)
    return global_state()


@pytest.mark.parametrize("method", METHODS)
def test_global_generators_are_left_as_they_were(engine, method):
    before = unusual_global_state()
    method(problem(method), settings(engine))
    assert global_state() == before


@pytest.mark.parametrize("method", METHODS)
def test_global_generators_are_left_as_they_were_by_a_failure(engine, method):
    objectives = Watch(problem(method).objectives)

    def fails_later(decisions):
        if len(objectives.asked) == 3:
            raise ZeroDivisionError("tripped")
        return objectives(decisions)

    before = unusual_global_state()
    with pytest.raises(ZeroDivisionError, match="tripped"):
        method(problem(method, objectives=fails_later), settings(engine))
    assert global_state() == before


@pytest.mark.slow
def test_nothing_is_printed_or_written(engine, tmp_path):
    """In a process of its own, so that the import and what C code prints count too."""
    script = f"""
        import sys
        import numpy as np
        from bcopt.methods import search
        if {{"geatpy", "pymoo"}} & set(sys.modules):
            raise SystemExit("an engine was imported before it was needed")
        chosen = search.Settings(20, 10, 0.9, 0.5, 1, {engine!r})
        box = np.zeros(2), np.ones(2)
        def limit(decisions):
            return decisions - 0.5
        for impossible in (0, 9):
            one = search.Problem(lambda d: d[:, :1], *box, violations=lambda d: limit(d) + impossible)
            two = search.Problem(lambda d: d * [1, -1] - d[:, ::-1] * 0.5, *box, violations=one.violations)
            search.differential_evolution(one, chosen)
            search.genetic_algorithm(one, chosen)
            search.nsga2(two, chosen)
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


# Errors


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["objectives", "violations"])
def test_values_that_are_not_finite_name_the_individual(engine, method, name, value):
    calls = []

    def spoilt(decisions):
        calls.append(decisions)
        values = problem(method).objectives(decisions)
        if len(calls) == 3:
            values[4, -1] = value
        return values

    with pytest.raises(ValueError, match=rf"{name}: column \d of individual 4 is {value} \(1 of 20 individuals"):
        method(problem(method, **{name: spoilt}), settings(engine))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objectives": lambda decisions: decisions.sum(axis=1)}, r"objectives must return one row .* got \(20,\)"),
        ({"objectives": lambda decisions: sphere(decisions)[1:]}, r"one row for each of 20 individuals, got \(19, 1\)"),
        ({"violations": lambda _: 0.0}, r"violations must return one row .* got \(\)"),
        ({"decode": lambda genotype: genotype[0]}, r"decode must return one row .* got \(3,\)"),
        ({"decode": lambda genotype: genotype * np.nan}, "decode: column 0 of individual 0 is nan"),
        ({"objectives": two_spheres}, "differential_evolution minimises one objective, got 2"),
    ],
)
def test_answers_of_the_wrong_shape(engine, changes, message):
    with pytest.raises(ValueError, match=message):
        search.differential_evolution(problem(METHODS[0], **changes), settings(engine))


def test_decisions_are_read_only(engine):
    def spoils(decisions):
        decisions[:] = 0
        return sphere(decisions)

    with pytest.raises(ValueError, match="read-only"):
        search.genetic_algorithm(problem(SINGLE[1], objectives=spoils), settings(engine))


def test_rates_that_do_not_fit_the_method(engine):
    with pytest.raises(ValueError, match="nsga2 minimises several objectives, got 1"):
        search.nsga2(problem(SINGLE[0]), settings(engine))
    for method in METHODS[1:]:
        with pytest.raises(ValueError, match=rf"{method.__name__}: mutation is a probability .* got 1.5"):
            method(problem(method), settings(engine, mutation=1.5))
    with pytest.raises(ValueError, match=r"the weight F\) must be above 0"):
        search.differential_evolution(problem(SINGLE[0]), settings(engine, mutation=0))


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        ([0, 0], [1], r"vectors of one length, got shapes \(2,\) and \(1,\)"),
        ([], [], r"got shapes \(0,\) and \(0,\)"),
        (0, 1, r"got shapes \(\) and \(\)"),
        ([0, np.nan, 3], [1, 1, 2], r"lower is not finite for variable \[1\]; lower exceeds upper for variable \[2\]"),
        ([0, 0], [1, np.inf], r"upper is not finite for variable \[1\]"),
        ([1, 2], [1, 2], "every variable is fixed"),
    ],
)
def test_bounds_refused(lower, upper, message):
    with pytest.raises(ValueError, match=message):
        search.Problem(sphere, lower, upper)


def test_bounds_are_the_problems_own():
    lower = np.zeros(2)
    made = search.Problem(sphere, lower, [1, 1])
    lower[0] = 9
    assert made.lower.tolist() == [0, 0]


def test_all_settings_out_of_range_are_listed():
    with pytest.raises(ValueError, match="search settings") as caught:
        search.Settings(3, 0, 1.5, -0.1, -1, "matlab")
    for name in ("population", "generations", "crossover", "mutation", "seed", "engine"):
        assert f"{name} must be" in str(caught.value)
    for changes in ({"population": 10.5}, {"generations": True}, {"crossover": np.nan}, {"mutation": "high"}):
        with pytest.raises(ValueError, match=f"{next(iter(changes))} must be"):
            settings("pymoo", **changes)


def test_a_missing_engine_names_the_other(engine, monkeypatch):
    other = next(name for name in engines.MODULES if name != engine)
    monkeypatch.delitem(sys.modules, engines.MODULES[engine], raising=False)
    for module in [name for name in sys.modules if name.split(".")[0] == engine] or [engine]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(engines.EngineNotInstalledError, match=f"{engine}.* choose search.engine = '{other}'") as caught:
        search.genetic_algorithm(problem(SINGLE[1]), settings(engine))
    assert isinstance(caught.value, ImportError)


def test_an_unknown_engine():
    with pytest.raises(ValueError, match=r"no engine 'matlab', choose one of \['geatpy', 'pymoo'\]"):
        engines.load("matlab")
