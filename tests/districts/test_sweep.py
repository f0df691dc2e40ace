"""A sweep on this machine: what it runs, what it keeps, and what is left of it when somebody is killed."""

import os
import sys
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest
import toy_runs
import yaml

from bcopt import districts
from bcopt.compendium import figures
from bcopt.districts.__main__ import main
from bcopt.districts.sweep import Changed, combinations, expanded, run_all
from bcopt.districts.sweep_figures import parallel_coordinates

MODULE = sys.modules["bcopt.districts.sweep"]
ALL = combinations(toy_runs.SWEPT)
SCRIPT = """
import sys, pathlib, toy_runs
from bcopt.districts.sweep import run_all
folder, rows = map(pathlib.Path, sys.argv[1:3])
options = {"address": sys.argv[3]} if sys.argv[3] else {"workers": 2}
run_all(folder, toy_runs.SWEPT, toy_runs.plain, results=rows, **options)
"""


def swept(folder, runner=toy_runs.plain, **options):
    return run_all(folder, toy_runs.SWEPT, runner, results=folder.parent / "rows", **{"workers": 1, **options})


def rewritten(folder, **settings):
    path = folder / "district.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | settings), encoding="utf-8")


def sweeping(folder, address=""):
    """Start a sweep in a process of its own and return it when some of its runs are kept and others are not."""
    rows = folder.parent / "rows"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with (folder.parent / "log").open("wb") as log:
        process = psutil.Popen(
            [sys.executable, "-c", SCRIPT, str(folder), str(rows), address], stdout=log, stderr=log, env=environment
        )
    toy_runs.until(lambda: len(toy_runs.kept(folder)) >= 2 or process.poll() is not None)
    assert process.poll() is None, (folder.parent / "log").read_text()
    return process


# ---- what is swept


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([600, 800], [600, 800]),
        (["600 yuan/kWh", None], ["600 yuan/kWh", None]),
        ({"from": 0, "to": 0.5, "steps": 6}, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"from": 12, "to": 4, "steps": 3}, [12, 8, 4]),
        ({"from": 0, "to": 1, "steps": 3}, [0.0, 0.5, 1.0]),
    ],
)
def test_lists_and_ranges(values, found):
    assert expanded(values) == found
    assert [type(value) for value in expanded(values)] == [type(value) for value in found]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "at least one value"),
        ([600, 800, 600], "different values, got twice: 600"),
        (600, "expected a list or a range .* got 600"),
        ({"from": 0, "to": 1}, "expected a list or a range"),
        ({"from": 0, "to": 1, "step": 0.1}, "expected a list or a range"),
        ({"from": 1, "to": 1, "steps": 3}, "two different numbers"),
        ({"from": "0", "to": 1, "steps": 3}, "two different numbers"),
        ({"from": 0, "to": float("inf"), "steps": 3}, "two different numbers"),
        ({"from": True, "to": 3, "steps": 3}, "two different numbers"),
        ({"from": 0, "to": 1, "steps": 1}, "whole number of at least 2"),
        ({"from": 0, "to": 1, "steps": 2.5}, "whole number of at least 2"),
    ],
)
def test_no_range(values, message):
    with pytest.raises(ValueError, match=message):
        expanded(values)


def test_all_combinations_the_last_key_fastest():
    assert combinations({"a": [1, 2], "b": ["x", "y"]}) == [
        {"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"},
    ]  # fmt: skip


@pytest.mark.parametrize("nothing", [{}, {"a": [1], "b": []}])
def test_no_combination(nothing):
    with pytest.raises(ValueError, match=r"nothing to sweep|no values to sweep for b"):
        combinations(nothing)


@pytest.mark.parametrize("options", [{"workers": 0}, {"workers": True}, {"workers": 2, "address": "tcp://127.0.0.1:1"}])
def test_workers(tmp_path, options):
    with pytest.raises(ValueError, match="workers: expected a positive number"):
        swept(toy_runs.folder_in(tmp_path), **options)


# ---- the table


def test_one_row_a_combination_in_their_order_by_hand(tmp_path):
    table = swept(toy_runs.folder_in(tmp_path))
    assert list(table.columns) == [*toy_runs.SWEPT, *toy_runs.NUMBERS, "problem"]
    assert table[list(toy_runs.SWEPT)].to_dict("records") == ALL
    assert table["cost [yuan/a]"].tolist() == [300, 400, 366.666667, 500, 433.333333, 600]
    assert table["storage [kWh]"].tolist() == [1666.66667, 1631.66667, 1250, 1215, 1000, 965]
    assert table["problem"].tolist() == [""] * 6


@pytest.mark.slow
def test_the_same_table_whoever_finishes_first(tmp_path):
    folder = toy_runs.folder_in(tmp_path / "two")
    table = swept(folder, toy_runs.first_last, workers=2)
    assert toy_runs.noted(folder, "done")[-1] == toy_runs.FIRST
    assert len(toy_runs.processes(folder)) == 2
    assert os.getpid() not in toy_runs.processes(folder)
    pd.testing.assert_frame_equal(table, swept(toy_runs.folder_in(tmp_path / "one")), check_exact=True)


def test_a_run_without_an_answer_stops_no_other_and_is_tried_again(tmp_path):
    folder = toy_runs.folder_in(tmp_path)
    table = swept(folder, toy_runs.infeasible_when_weighted)
    assert table["cost [yuan/a]"].isna().tolist() == [False, True] * 3
    assert table["problem"].tolist() == ["", "toy/district.yaml: 1 problem\n  - weight: too heavy: 0.5"] * 3
    assert len(toy_runs.kept(folder)) == 3
    swept(folder)
    assert toy_runs.noted(folder, "begun") == [*ALL, *ALL[1::2]]


def test_a_fault_of_the_code_is_not_hidden(tmp_path):
    with pytest.raises(KeyError, match="a fault of the code"):
        swept(toy_runs.folder_in(tmp_path), toy_runs.faulty)


# ---- what is kept


def test_what_is_kept_is_not_run_again(tmp_path):
    folder = toy_runs.folder_in(tmp_path)
    first = swept(folder)
    pd.testing.assert_frame_equal(first, swept(folder), check_exact=True)
    assert toy_runs.noted(folder, "begun") == ALL


def test_a_sweep_that_grows_runs_only_what_is_new(tmp_path):
    folder = toy_runs.folder_in(tmp_path)
    swept(folder)
    wider = toy_runs.SWEPT | {"weight": [0.0, 0.25, 0.5]}
    rewritten(folder, sweep=wider)
    run_all(folder, wider, toy_runs.plain, workers=1, results=tmp_path / "rows")
    assert [change["weight"] for change in toy_runs.noted(folder, "begun")[6:]] == [0.25] * 3


def test_a_worker_keeps_what_it_finished_and_runs_it_once_whoever_asks(tmp_path):
    folder = toy_runs.folder_in(tmp_path)
    (tmp_path / "rows").mkdir()
    run = MODULE._Run(toy_runs.plain, folder, MODULE.contents(folder), tmp_path / "rows", None)
    first = run(toy_runs.FIRST)
    assert toy_runs.kept(folder) == [toy_runs.FIRST]
    assert run(toy_runs.FIRST) == first
    assert toy_runs.noted(folder, "begun") == [toy_runs.FIRST]


def test_who_sweeps_keeps_what_a_worker_cannot(tmp_path):
    folder = toy_runs.folder_in(tmp_path)
    pd.testing.assert_frame_equal(swept(folder, toy_runs.without_rows), swept(folder), check_exact=True)
    assert toy_runs.noted(folder, "begun") == [*ALL, *ALL[:-1]]


def edited_cost(folder, _):
    rewritten(folder, base=101)


def another_file(folder, _):
    (folder / "loads.csv").write_text("hour\n", encoding="utf-8")


def other_code(_, patch):
    patch.setattr(MODULE, "_code", lambda: ["another"])


def hidden_file(folder, _):
    (folder / ".~lock.loads.csv#").touch()


def comment(folder, _):
    path = folder / "district.yaml"
    path.write_text("# a remark\n" + path.read_text(), encoding="utf-8")


def row_cut_off(folder, _):
    for row in (folder.parent / "rows").glob("*.json"):
        row.write_bytes(row.read_bytes()[:-20])


@pytest.mark.parametrize(
    ("edit", "again"),
    [(edited_cost, 6), (another_file, 6), (other_code, 6), (row_cut_off, 6), (hidden_file, 0), (comment, 0)],
)
def test_what_makes_a_row_stale(tmp_path, monkeypatch, edit, again):
    folder = toy_runs.folder_in(tmp_path)
    swept(folder)
    edit(folder, monkeypatch)
    table = swept(folder)
    assert len(toy_runs.noted(folder, "begun")) == 6 + again
    assert table["cost [yuan/a]"][0] == (301 if edit is edited_cost else 300)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_edited_in_the_meantime(tmp_path, workers):
    folder = toy_runs.folder_in(tmp_path, seconds=0.1)
    with pytest.raises(Changed, match=r"toy on .* is not what the sweep began with"):
        swept(folder, toy_runs.edits_the_folder, workers=workers)
    assert toy_runs.DEADLY not in toy_runs.kept(folder)


# ---- who is killed

killing = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.mark.slow
@killing
def test_a_worker_killed(tmp_path):
    folder = toy_runs.folder_in(tmp_path / "killed", seconds=0.2)
    table = swept(folder, toy_runs.killed_once, workers=2)
    pd.testing.assert_frame_equal(table, swept(toy_runs.folder_in(tmp_path / "whole")), check_exact=True)
    kept, begun = toy_runs.kept_at_the_kill(folder), toy_runs.noted(folder, "begun")
    assert len(kept) >= 2
    assert [begun.count(change) for change in kept] == [1] * len(kept), "no finished run is run again"
    assert begun.count(toy_runs.DEADLY) == 2


@pytest.mark.slow
@killing
def test_a_run_that_kills_its_worker_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "TRIES", 1)
    folder = toy_runs.folder_in(tmp_path)
    with pytest.raises(ChildProcessError, match=r"workers ended 1 times .* 5 of 6 runs are finished"):
        swept(folder, toy_runs.killed_always, workers=2)
    assert len(toy_runs.kept(folder)) == 5
    assert toy_runs.noted(folder, "begun").count(toy_runs.DEADLY) == 2, "once more after the one that got on"


@pytest.mark.slow
@killing
def test_the_sweep_killed_and_started_again(tmp_path):
    folder = toy_runs.folder_in(tmp_path / "killed", seconds=0.5)
    process = sweeping(folder)
    workers = [psutil.Process(pid) for pid in toy_runs.processes(folder)]
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == [], "workers end with the sweep"
    kept, begun = toy_runs.kept(folder), len(toy_runs.noted(folder, "begun"))
    assert 2 <= len(kept) < len(ALL)
    table = swept(folder)
    again = toy_runs.noted(folder, "begun")[begun:]
    assert again == [change for change in ALL if change not in kept]
    pd.testing.assert_frame_equal(table, swept(toy_runs.folder_in(tmp_path / "whole")), check_exact=True)


# ---- the figure


def table_of(swept_values, answer, problem=lambda _: ""):
    rows = combinations(swept_values)
    return pd.DataFrame([{**row, **({} if problem(row) else answer(row)), "problem": problem(row)} for row in rows])


def drawn(figure):
    """Return the lines of the runs as (height on every axis), and the labels of the axes."""
    axes = figure.axes[0]
    labels = [label.get_text().replace("\n", " ") for label in axes.get_xticklabels()]
    return [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == len(labels) > 2], labels


def test_a_line_a_run_by_hand():
    table = table_of({"cost": [600, 1000], "weather": ["Golden", "Miami"]}, lambda row: {"a [kWh]": row["cost"] * 2.0})
    lines, labels = drawn(parallel_coordinates(table, ["cost", "weather"]))
    assert labels == ["cost", "weather", "a [kWh] (colour)"]
    assert [list(line) for line in lines] == [[0, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]]


def test_what_has_no_answer_is_not_drawn_and_said():
    table = table_of(
        {"cost": [1, 2, 3], "b": [1, 2]}, lambda row: {"a [kWh]": row["cost"]}, lambda r: "?" * (r["b"] > 1)
    )
    figure = parallel_coordinates(table, ["cost", "b"])
    assert len(drawn(figure)[0]) == 3
    assert figure.get_supxlabel() == "3 of 6 runs have no answer and are not drawn"
    with pytest.raises(ValueError, match="no run of the sweep has an answer"):
        parallel_coordinates(table.assign(problem="?"), ["cost", "b"])


def test_the_numbers_that_are_drawn():
    table = table_of({"x": [1, 2]}, lambda row: {"same": 1.0} | {f"n{i}": row["x"] * i for i in range(1, 20)})
    assert drawn(parallel_coordinates(table, ["x"]))[1] == ["x", "n1 (colour)", "n2", "n3", "n4", "n5", "n6"]
    assert drawn(parallel_coordinates(table, ["x"], ["same", "n9"]))[1] == ["x", "same (colour)", "n9"]
    with pytest.raises(ValueError, match="the table has no column n20"):
        parallel_coordinates(table, ["x"], ["n20"])


def test_the_same_figure_the_same_bytes():
    table = table_of({"cost": [600, 1000], "shared": [True, False]}, lambda row: {"a [kWh]": row["cost"] / 7e-5})
    first, second = (figures.rendered(parallel_coordinates(table, ["cost", "shared"]), "svg") for _ in range(2))
    assert first == second


# ---- the command


@pytest.fixture
def toy_district(tmp_path, monkeypatch):
    """A toy district in a checkout, and the front door opening to it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.setattr(districts, "numbers", toy_runs.infeasible_when_weighted, raising=False)
    monkeypatch.setattr(districts, "read", lambda _: SimpleNamespace(sweep=toy_runs.SWEPT), raising=False)
    monkeypatch.setattr(districts, "sweep", MODULE.sweep, raising=False)
    return toy_runs.folder_in(tmp_path / "districts")


def test_the_command_writes_a_table_and_a_figure(toy_district, tmp_path, capsys):
    assert main(["sweep", "districts/toy", "--workers", "1"]) == 0
    assert "toy: 3 of 6 runs have an answer" in capsys.readouterr().out
    results = tmp_path / "results" / "districts" / "toy"
    assert len(list((results / ".sweep").iterdir())) == 3
    assert (results / "sweep.svg").read_bytes().startswith(b"<?xml")
    written = (results / "sweep.csv").read_bytes()
    assert written.splitlines()[:2] == [
        b"devices.storage.cost,weight,cost [yuan/a],storage [kWh],problem", b"600,0,300,1666.66667,",
    ]  # fmt: skip
    assert main(["sweep", str(toy_district), "--workers", "1"]) == 0
    assert (results / "sweep.csv").read_bytes() == written, "the second time from what was kept"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "0"], "workers: expected a positive number"),
        (["--address", "nonsense://x"], "no Dask scheduler answers at nonsense://x"),
    ],
)
def test_a_fault_in_plain_words(toy_district, capsys, arguments, said):
    assert main(["sweep", str(toy_district), *arguments]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_nothing_to_sweep(toy_district, capsys, monkeypatch):
    monkeypatch.setattr(districts, "read", lambda _: SimpleNamespace(sweep={}))
    assert main(["sweep", str(toy_district)]) == 1
    assert "nothing to sweep" in capsys.readouterr().err
