"""The runner: whole results or none, the same bytes twice, and no stage that outlives who started it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import nbformat
import psutil
import pytest
import xarray as xr
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pydantic import BaseModel

from bcopt.compendium import runner
from bcopt.compendium.parameters import Parameters
from bcopt.compendium.problems import InputError

STAGE = "energyeng2023/x"
OWN = [Path("results/figures") / STAGE, Path("results/tables") / STAGE]
COMMAND = [sys.executable, "-m", "bcopt.compendium.runner", STAGE]
# netCDF4 is compiled against headers of a newer numpy, whose array struct is opaque; numpy itself declares this warning
# harmless, but pytest's "error" overrides numpy's own filter.
pytestmark = pytest.mark.filterwarnings("ignore:numpy.ndarray size changed:RuntimeWarning")
CHECKOUT = Path(__file__).parents[2]
PROTOCOL = """\
energyeng2023:
  choices: {reading: {value: c, reason: as published, alternatives: [a], known_before: true}}
  fits: []
  held_out: {}
"""
CLAIMS = """\
id,paper,locator,statement,printed,unit,class,basis,correction
E-1-share,energyeng2023,section 1,a share,12.5,%,identity,,
"""
EVERYTHING = [
    "import sys, time, warnings\nimport pandas as pd, xarray as xr\n"
    "from bcopt.compendium import figures\nfrom bcopt.compendium.ledger import Outcome\n"
    "from bcopt.compendium.page import Page\npage = Page('energyeng2023/x', {'seed': seed})",
    "print('seed', seed, 'engine', engine, flush=True)\nprint('noise', time.time(), file=sys.stderr, flush=True)\n"
    "print('joined', flush=True)\nwarnings.warn('old')",
    "with figures.style():\n    figure, axes = figures.new()\n    axes.plot([0, 1 / 3])\npage.figure(figure, '1-line')",
    "page.table(pd.DataFrame({'hour': [0, 1], 'cost': [1 / 3, 2.0]}), 'costs')",
    "kept = page.solution(xr.Dataset({'cost': ('hour', [1 / 3, 2.0], {'units': 'yuan'})}))",
    "page.derived(pd.DataFrame({'quantity': ['scale'], 'value': [1 / 3]}), 'x.csv')",
    "page.ledger({'E-1-share': Outcome(12.5, 'by hand')})",
]
WRITE = "import os, pathlib\nfor name in ('figures/energyeng2023/x/1.svg', 'tables/energyeng2023/x/1.csv'):\n"
WRITE += "    path = pathlib.Path(os.environ['BCOPT_STAGING'], 'results', name)\n"
WRITE += "    path.parent.mkdir(parents=True, exist_ok=True)\n    path.write_text('new')"
SLOW = "import time\npathlib.Path('kernel.pid').write_text(str(os.getpid()))\n"
SLOW += "time.sleep(60 if pathlib.Path('slow').exists() else 0)\npathlib.Path('afterwards').touch()"


def smallest(model: type[BaseModel]) -> dict[str, Any]:
    """Return some values that the model admits, whichever keys it has today."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        lower = [getattr(bound, "ge", getattr(bound, "gt", None)) for bound in field.metadata]
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            values[name] = smallest(kind)
        elif get_origin(kind) is Literal:
            values[name] = get_args(kind)[-1]
        elif kind is bool:
            values[name] = False
        elif type(None) in get_args(kind):
            values[name] = None
        else:
            least = kind(next((x for x in lower if x is not None), 0))
            values[name] = least if kind is int else least + 0.5
    return values


PARAMS = smallest(Parameters)
PARAMS["energyeng2023"]["seed"] = 7


def project(root: Path, *cells: str, parameters: str = "seed = 0\nengine = 'geatpy'") -> Path:
    """Write a checkout with one notebook and the results of an earlier run."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# X"),
            new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            *map(new_code_cell, cells),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "mine", "language": "python"}},
    )
    for name, text in {
        "dvc.yaml": "",
        "params.yaml": yaml.safe_dump(PARAMS),
        "data/protocol.yaml": PROTOCOL,
        "data/published/claims.csv": CLAIMS,
        f"notebooks/{STAGE}.ipynb": nbformat.writes(notebook),
        f"results/notebooks/{STAGE}.ipynb": "old",
        f"results/figures/{STAGE}/stale.svg": "old",
        f"results/tables/{STAGE}/stale.csv": "old",
        f"results/tables/{STAGE}/1.csv": "old",
        "results/tables/energyeng2023/other/kept.csv": "old",
        "results/ledger.csv": "old",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def contents(root: Path) -> dict[str, bytes]:
    """Return what a reader sees of results/ and data/: everything but staging and timings."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in ("results", "data")
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and ".staging" not in path.parts and "timings" not in path.parts
    }


def staged(root: Path) -> list[str]:
    return [path.name for path in (root / runner.STAGING_FOLDER).iterdir() if "-run-" in path.name]


def until(condition: Callable[[], object], seconds: float) -> bool:
    """Wait for a condition, but not for ever."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended, buried by its parent or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kernel_of(root: Path, started: subprocess.Popen[bytes]) -> psutil.Process:
    """Wait for the kernel to be in its slow cell and return it."""
    path = root / "kernel.pid"
    until(lambda: (path.exists() and path.read_text()) or started.poll() is not None, 180)
    assert path.exists(), "the notebook never came to its slow cell"
    return psutil.Process(int(path.read_text()))


@pytest.fixture
def tame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave pytest without a lifeline, which would bind it for good to whoever started it."""

    class Unbound:
        def hold(self) -> None: ...

        def check(self) -> None: ...

    monkeypatch.setattr(runner, "Lifeline", Unbound)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[str]]:
    """Run the same notebook in two checkouts at once."""
    roots = [project(tmp_path_factory.mktemp(name), *EVERYTHING) for name in ("one", "another-place")]
    with contextlib.ExitStack() as stack:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started = [stack.enter_context(subprocess.Popen(COMMAND, cwd=root, **pipes)) for root in roots]
        reports = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], reports
    return roots[0], roots[1], reports


def executed(root: Path) -> nbformat.NotebookNode:
    return nbformat.read(root / f"results/notebooks/{STAGE}.ipynb", as_version=4)


def test_everything_is_in_place(finished: tuple[Path, Path, list[str]]) -> None:
    root = finished[0]
    assert set(contents(root)) == {
        "data/derived/x.csv",
        "data/protocol.yaml",
        "data/published/claims.csv",
        "results/energyeng2023/x.nc",
        "results/figures/energyeng2023/x/1-line.svg",
        "results/ledger.csv",
        "results/notebooks/energyeng2023/x.ipynb",
        "results/tables/energyeng2023/other/kept.csv",
        "results/tables/energyeng2023/x/costs.csv",
        "results/tables/energyeng2023/x/ledger.csv",
    }
    assert (root / "results/tables/energyeng2023/x/costs.csv").read_text() == "hour,cost\n0,0.333333333\n1,2\n"
    assert xr.load_dataset(root / "results/energyeng2023/x.nc")["cost"].to_numpy().tolist() == [0.333333333, 2.0]
    assert staged(root) == []


def test_two_runs_give_the_same_bytes(finished: tuple[Path, Path, list[str]]) -> None:
    one, another = (contents(root) for root in finished[:2])
    assert [name for name in one if one[name] != another.get(name)] == []


def test_parameters_come_from_params_yaml(finished: tuple[Path, Path, list[str]]) -> None:
    injected = [cell for cell in executed(finished[0]).cells if cell.metadata.get("tags") == ["injected-parameters"]]
    assert len(injected) == 1
    assert 'seed = 7\nengine = "pymoo"' in injected[0].source
    streams = [out.text for cell in executed(finished[0]).cells for out in cell.get("outputs", []) if "text" in out]
    assert streams == ["seed 7 engine pymoo\njoined\n"], "standard error is dropped and the rest joined"


def test_standard_error_is_not_lost(finished: tuple[Path, Path, list[str]]) -> None:
    assert "noise" in finished[2][0]
    assert "UserWarning: old" in finished[2][0]


def test_nothing_of_the_run_is_left_in_the_notebook(finished: tuple[Path, Path, list[str]]) -> None:
    root = finished[0]
    notebook = executed(root)
    nbformat.validate(notebook)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert {key for cell in notebook.cells for key in cell.metadata} == {"tags"}
    text = json.dumps(notebook)
    assert "papermill" not in text.lower()
    assert str(root) not in text
    assert str(root.parent) not in text
    assert not re.search(r"ipykernel_\d|iopub|20\d\d-\d\d-\d\dT", text)
    assert not re.search(r"20\d\d-\d\d-\d\d|" + re.escape(str(root)), "".join(map(str, contents(root).values())))


def test_timings_are_kept_where_git_does_not_look(finished: tuple[Path, Path, list[str]]) -> None:
    own, every = (json.loads((finished[0] / runner.TIMINGS / f"{name}.json").read_text()) for name in (STAGE, "all"))
    assert own["seconds"] > 0
    assert own["peak memory [MiB]"] > 10
    assert every == own | {"disk [MiB]": 0}, "of one stage with small results"
    for path in (runner.TIMINGS, runner.STAGING_FOLDER / "any"):
        ignored = subprocess.run(["git", "check-ignore", "-q", path], cwd=CHECKOUT, check=False)
        assert ignored.returncode == 0, path


@pytest.mark.usefixtures("tame")
def test_timings_of_other_stages_stay(tmp_path: Path) -> None:
    timings = tmp_path / runner.TIMINGS
    (timings / "study").mkdir(parents=True)
    (timings / "study" / "b.json").write_text('{"seconds": 1000, "peak memory [MiB]": 99999}')
    (tmp_path / "results" / "large.csv").write_bytes(bytes(3 * 1024**2))
    with runner.guarded("a", tmp_path):
        pass
    with pytest.raises(KeyError), runner.guarded("c", tmp_path):
        raise KeyError
    found = {path.relative_to(timings).as_posix() for path in timings.rglob("*.json")}
    assert found == {"a.json", "study/b.json", "all.json"}, "only stages that ended are timed"
    every = json.loads((timings / "all.json").read_text())
    assert every["seconds"] >= 1000
    assert every["peak memory [MiB]"] == 99999
    assert every["disk [MiB]"] == 3


@pytest.mark.usefixtures("tame")
def test_a_stage_without_notebook_says_what_was_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "project_root", lambda: tmp_path)
    worked: list[Path] = []

    def fails(error: Exception) -> Callable[[Path, object], None]:
        def work(root: Path, _: object) -> None:
            worked.append(root)
            raise error

        return work

    assert runner.run_alone("a", lambda root, _: worked.append(root)) == 0
    assert worked == [tmp_path]
    assert runner.run_alone("a", fails(ValueError("no sun"))) == 1
    assert runner.run_alone("a", fails(LookupError("no wind")), LookupError) == 1
    assert capsys.readouterr().err.splitlines() == ["no sun", "no wind"]
    with pytest.raises(LookupError):
        runner.run_alone("a", fails(LookupError("not expected")))


@pytest.mark.usefixtures("tame")
def test_failing_cell_changes_nothing(tmp_path: Path) -> None:
    root = project(tmp_path, WRITE, "kilowatts = 3", "raise ValueError('no sun today')", "kilowatts")
    before, environment = contents(root), dict(os.environ)
    with pytest.raises(runner.StageError) as caught:
        runner.run_stage(STAGE, root)
    message = str(caught.value)
    assert message.startswith(f"{STAGE}: cell 5 failed with ValueError: no sun today\n"), (
        "injected parameters are cell 2"
    )
    kept = root / re.findall(r"\S+\.ipynb", message)[-1]
    assert kept.is_relative_to(root / runner.STAGING_FOLDER)
    assert "no sun today" in kept.read_text(encoding="utf-8")
    assert contents(root) == before
    assert staged(root) == []
    assert not (root / runner.TIMINGS).exists()
    assert dict(os.environ) == environment


@pytest.mark.usefixtures("tame")
def test_dead_kernel_is_a_failed_stage(tmp_path: Path) -> None:
    """As when the machine runs out of memory: one message, nothing changed."""
    root = project(tmp_path, WRITE, "os._exit(1)")
    before = contents(root)
    with pytest.raises(runner.StageError, match=STAGE):
        runner.run_stage(STAGE, root)
    assert contents(root) == before
    assert staged(root) == []


@pytest.mark.slow
@pytest.mark.usefixtures("tame")
def test_a_kernel_that_dies_before_it_answers_is_a_failed_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = "import os, sys\nif 'ipykernel_launcher' in sys.orig_argv:\n    os._exit(1)\n"
    (tmp_path / "early").mkdir()
    (tmp_path / "early" / "sitecustomize.py").write_text(early)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "early"))
    root = project(tmp_path, WRITE)
    before = contents(root)
    with pytest.raises(runner.StageError, match=f"{STAGE}: the kernel died"):
        runner.run_stage(STAGE, root)
    assert contents(root) == before
    assert staged(root) == []


@pytest.mark.parametrize("name", ["params.yaml", "data/protocol.yaml"])
@pytest.mark.usefixtures("tame")
def test_invalid_inputs_stop_before_anything_runs(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(tmp_path, WRITE)
    (root / name).write_text("nonsense: 1\n")
    before = {path: path.is_file() and path.read_bytes() for path in root.rglob("*")}
    monkeypatch.setattr(runner.papermill, "execute_notebook", lambda *_, **__: pytest.fail("it ran"))
    with pytest.raises(InputError, match=name):
        runner.run_stage(STAGE, root)
    assert {path: path.is_file() and path.read_bytes() for path in root.rglob("*")} == before


@pytest.mark.usefixtures("tame")
def test_parameter_without_a_value_stops_before_anything_runs(tmp_path: Path) -> None:
    root = project(tmp_path, WRITE, parameters="sead = 1\nseed = 2")
    with pytest.raises(ValueError, match=r"notebook parameters sead of energyeng2023 are not in params\.yaml"):
        runner.run_stage(STAGE, root)


def fake_staging(root: Path, *names: str) -> Path:
    staging = root / runner.STAGING_FOLDER / "energyeng2023-x-run-1"
    for name in names:
        (staging / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).write_text("new")
    return staging


def test_stale_results_are_removed_from_own_folders_only(tmp_path: Path) -> None:
    root = project(tmp_path)
    runner.put_into_place(fake_staging(root, f"results/tables/{STAGE}/1.csv"), root, OWN)
    assert {name: text for name, text in contents(root).items() if name.startswith("results/")} == {
        f"results/notebooks/{STAGE}.ipynb": b"old",
        f"results/tables/{STAGE}/1.csv": b"new",
        "results/tables/energyeng2023/other/kept.csv": b"old",
        "results/ledger.csv": b"old",
    }


def test_stale_folder_is_removed_too(tmp_path: Path) -> None:
    """JupyterLab leaves .ipynb_checkpoints beside a table that somebody saved."""
    root = project(tmp_path)
    (root / f"results/tables/{STAGE}/.ipynb_checkpoints").mkdir()
    (root / f"results/tables/{STAGE}/.ipynb_checkpoints/1-checkpoint.csv").write_text("old")
    runner.put_into_place(fake_staging(root, f"results/tables/{STAGE}/deep/1.csv"), root, OWN)
    found = sorted(p.relative_to(root / "results/tables" / STAGE) for p in (root / "results/tables" / STAGE).rglob("*"))
    assert [path.as_posix() for path in found] == ["deep", "deep/1.csv"]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Path, dict[str, bytes], list[str]]]]:
    """Kill what started a runner (or the runner) in its slow cell; per case: root, results before, who lives on."""
    direct = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
    shell = "import shlex, subprocess, sys; subprocess.Popen(['sh', '-c', shlex.join(sys.argv[1:]) + '; true']).wait()"
    cases = {
        "parent": [sys.executable, "-c", direct, *COMMAND],
        "parent above a shell": [sys.executable, "-c", shell, *COMMAND],
        "runner": COMMAND,
    }
    started, roots = {}, {}
    for case, command in cases.items():
        roots[case] = project(tmp_path_factory.mktemp(case.replace(" ", "-")), WRITE, SLOW)
        (roots[case] / "slow").touch()
        started[case] = subprocess.Popen(command, cwd=roots[case], stderr=subprocess.DEVNULL)
    found = {}
    family: list[psutil.Process] = []
    try:
        for case, process in started.items():
            kernel, top = kernel_of(roots[case], process), psutil.Process(process.pid)
            runners = [p for p in (top, *top.children(recursive=True)) if "bcopt.compendium.runner" in p.cmdline()]
            below = [p for p in runners if "-c" not in p.cmdline()[:2]] + [kernel]
            family += [top, *top.children(recursive=True)]
            before = contents(roots[case])
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            until(functools.partial(lambda b: all(map(gone, b)), below), 5)
            found[case] = (roots[case], before, [" ".join(p.cmdline()[:4]) for p in below if not gone(p)])
            assert len(below) == 2
        yield found
    finally:
        for member in family:
            if not gone(member):
                member.kill()
        for process in started.values():
            process.kill()
            process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="signals and shells of Linux")
@pytest.mark.parametrize("case", ["parent", "parent above a shell", "runner"])
def test_nobody_lives_on_and_nothing_is_written(killed: dict, case: str) -> None:
    root, before, alive = killed[case]
    assert alive == [], "runner or kernel alive 5 s after"
    assert contents(root) == before
    assert not (root / "afterwards").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="signals and shells of Linux")
def test_a_killed_run_leaves_nothing_beside_the_results(killed: dict) -> None:
    """Such as the kernel's sockets, which git would show as changes."""
    known = {"data", "dvc.yaml", "notebooks", "params.yaml", "results", "slow", "afterwards", "kernel.pid"}
    assert {path.name for path in killed["parent"][0].iterdir()} <= known


@pytest.mark.skipif(sys.platform != "linux", reason="signals and shells of Linux")
@pytest.mark.usefixtures("tame")
def test_the_next_run_finishes_and_cleans_up(killed: dict) -> None:
    root = killed["runner"][0]
    assert len(staged(root)) == 1
    (root / "slow").unlink()
    runner.run_stage(STAGE, root)
    assert staged(root) == []
    assert (root / f"results/tables/{STAGE}/1.csv").read_text() == "new"
    assert not (root / f"results/tables/{STAGE}/stale.csv").exists()


@pytest.mark.slow
def test_two_stages_at_once_do_not_meet(tmp_path: Path) -> None:
    """Their kernels start at the same moment in the same folder; each must talk to its own."""
    root = project(tmp_path, WRITE, "print(seed, flush=True)")
    text = (root / f"notebooks/{STAGE}.ipynb").read_text(encoding="utf-8")
    (root / "notebooks/energyeng2023/y.ipynb").write_text(text.replace("seed, flush", "-seed, flush"))
    with contextlib.ExitStack() as stack:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": root}
        commands = [COMMAND, [*COMMAND[:-1], "energyeng2023/y"]]
        started = [stack.enter_context(subprocess.Popen(command, **pipes)) for command in commands]
        stack.callback(lambda: [process.kill() for process in started])
        reports = [process.communicate(timeout=30)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], reports
    said = [nbformat.read(root / f"results/notebooks/energyeng2023/{n}.ipynb", as_version=4).cells[-1] for n in "xy"]
    assert [cell.outputs[0].text for cell in said] == ["7\n", "-7\n"]


@pytest.mark.usefixtures("tame")
def test_second_run_of_a_stage_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(tmp_path, WRITE)
    monkeypatch.setattr(runner, "LOCK_TIMEOUT", 0.1)
    with runner.guarded(STAGE, root):  # as another run holds it
        running = fake_staging(root, "half-written")
        with pytest.raises(runner.StageError, match=rf"{STAGE}: another process is running this stage"):
            runner.run_stage(STAGE, root)
        assert (running / "half-written").exists(), "the run that goes on keeps its folder"
        with runner.guarded("energyeng2023/other", root):
            pass  # other stages are free
    with runner.guarded(STAGE, root):
        pass


def stream(name: str, text: str) -> nbformat.NotebookNode:
    return new_output("stream", name=name, text=text)


def test_normalise() -> None:
    shown = new_output("display_data", data={"text/plain": "1"})
    outputs = [
        stream("stdout", "a\n"),
        stream("stderr", "at 0x7f3a"),
        stream("stdout", "b\n"),
        shown,
        stream("stdout", "c\n"),
    ]
    metadata = {"tags": ["t"], "execution": {"iopub.execute_input": "2024"}, "papermill": {"duration": 1.5}}
    notebook = new_notebook(
        cells=[
            new_code_cell("1", execution_count=3, outputs=outputs, metadata=metadata),
            new_markdown_cell("x", metadata=metadata | {"tags": []}),
        ],
        metadata={"language_info": {"name": "python", "version": "3.10.1"}, "papermill": {"start_time": "2024"}},
    )
    notebook.cells[0].outputs[3]["transient"] = {"display_id": "abc"}
    once = nbformat.writes(runner.normalise(notebook))
    assert nbformat.writes(runner.normalise(notebook)) == once
    first, second = notebook.cells
    assert [(first.id, first.metadata), (second.id, second.metadata)] == [
        ("cell-000", {"tags": ["t"]}),
        ("cell-001", {}),
    ]
    assert first.execution_count == 3
    assert [output.get("text") for output in first.outputs] == ["a\nb\n", None, "c\n"]
    assert [word for word in ("papermill", "3.10", "2024", "transient", "stderr", "0x7f3a") if word in once] == []
    nbformat.validate(notebook)


@pytest.mark.parametrize(
    ("stage", "folder", "message"),
    [
        ("energyeng2023/y", ".", "energyeng2023/y: no notebook notebooks/energyeng2023/y.ipynb"),
        (STAGE, "..", "no dvc.yaml in"),
        ("energyeng2023/broken", ".", "broken"),
    ],
)
@pytest.mark.usefixtures("tame")
def test_bad_stage_is_one_message(tmp_path, monkeypatch, capfd, stage, folder, message) -> None:
    root = project(tmp_path / "checkout")
    (root / "notebooks/energyeng2023/broken.ipynb").write_text("{}")
    before = contents(root)
    monkeypatch.chdir(root / folder)
    assert runner.main([stage]) == 1
    captured = capfd.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert contents(root) == before


@pytest.mark.usefixtures("tame")
def test_main_lists_every_problem(tmp_path, monkeypatch, capfd) -> None:
    root = project(tmp_path)
    wrong = PARAMS | {"energyeng2023": PARAMS["energyeng2023"] | {"seed": -7, "reading": "d"}}
    (root / "params.yaml").write_text(yaml.safe_dump(wrong))
    monkeypatch.chdir(root / "notebooks/energyeng2023")
    assert runner.main([STAGE]) == 1
    message = capfd.readouterr().err
    assert message.startswith("params.yaml: 2 problems\n")
    assert "energyeng2023.seed" in message
    assert "energyeng2023.reading" in message
