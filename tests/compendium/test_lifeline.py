"""The lifeline: a stage dies with the pipeline that started it, with or without a shell between them."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bcopt.compendium import lifeline

linux = pytest.mark.skipif(sys.platform != "linux", reason="signals and shells of Linux")
# The module alone, not the package: these processes are to start fast.
CHILD = f"""\
import importlib.util, os, pathlib, sys, time
spec = importlib.util.spec_from_file_location("lifeline", {lifeline.__file__!r})
lifeline = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lifeline)
sys.platform = sys.argv[2] or sys.platform
line = lifeline.Lifeline(0.1)
line.hold()
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(float(sys.argv[3]))
"""
DIRECT = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
SHELL = "import shlex, subprocess, sys; subprocess.Popen(['sh', '-c', shlex.join(sys.argv[1:]) + '; true']).wait()"


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def ended(process: psutil.Process, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not gone(process) and time.monotonic() < end:
        time.sleep(0.02)
    return gone(process)


class Family:
    """A starter and its stage, waiting to be killed."""

    def __init__(self, folder: Path, between: str, platform: str = "") -> None:
        note = folder / "pid"
        command = [sys.executable, "-c", between, sys.executable, "-c", CHILD, str(note), platform, "30"]
        self.starter = subprocess.Popen(command)
        end = time.monotonic() + 20
        while not (note.exists() and note.read_text()) and time.monotonic() < end:
            time.sleep(0.02)
        self.all = psutil.Process(self.starter.pid).children(recursive=True)
        self.stage = psutil.Process(int(note.read_text()))


@pytest.fixture
def family(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Family]:
    members = Family(tmp_path, *request.param)
    yield members
    for process in members.all:
        if not gone(process):
            process.kill()
    members.starter.kill()
    members.starter.wait()


@linux
@pytest.mark.parametrize(
    "family",
    [(DIRECT,), (DIRECT, "darwin"), (SHELL,)],
    ids=["kernel", "thread alone", "shell between"],
    indirect=True,
)
def test_dies_with_its_starter(family: Family) -> None:
    time.sleep(0.3)
    assert not gone(family.stage), "while the starter lives, so does the stage"
    family.starter.kill()
    family.starter.wait()
    assert ended(family.stage, 3)


@linux
@pytest.mark.parametrize("family", [(SHELL,)], ids=["shell between"], indirect=True)
def test_a_starter_that_nobody_buried_is_dead(family: Family) -> None:
    """A killed pipeline stays a zombie until its own parent looks; the stage must not wait for that."""
    family.starter.send_signal(signal.SIGKILL)  # and no wait: it stays a zombie
    assert ended(family.stage, 3)


EARLY = "import subprocess, sys; subprocess.Popen(['sh', '-c', 'sleep 1; exec \"$@\"', 'sh', *sys.argv[1:]])"
"""Is gone before what it starts has looked who that was."""


@pytest.mark.slow
@linux
@pytest.mark.parametrize("stage", [True, False], ids=["of DVC", "by hand"])
def test_a_stage_whose_pipeline_was_gone_before_it_looked(tmp_path: Path, stage: bool) -> None:
    """Between DVC's fork and the first look lie the seconds that Python imports for."""
    note = tmp_path / "pid"
    command = [sys.executable, "-c", EARLY, sys.executable, "-c", CHILD, str(note), "", "0.1"]
    environment = os.environ | ({"DVC_STAGE": "ledger"} if stage else {})
    assert subprocess.run(command, env=environment, start_new_session=True, check=False).returncode == 0
    end = time.monotonic() + (5 if stage else 30)
    while not note.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert note.exists() is not stage


@linux
def test_a_stage_of_a_pipeline_that_lives(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, tmp_path / "pid", "", "0.3"]
    environment = os.environ | {"DVC_STAGE": "ledger"}
    assert subprocess.run(command, env=environment, check=False, timeout=30).returncode == 0


CALLER = f"""\
import importlib.util, subprocess, sys
spec = importlib.util.spec_from_file_location("lifeline", {lifeline.__file__!r})
lifeline = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lifeline)
code = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(30)"
subprocess.run(lifeline.bound(code, sys.argv[1]))
"""


@linux
def test_a_bound_process_ends_with_who_called_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    caller = subprocess.Popen([sys.executable, "-c", CALLER, note])
    end = time.monotonic() + 20
    while not (note.exists() and note.read_text()) and time.monotonic() < end:
        time.sleep(0.02)
    bound = psutil.Process(int(note.read_text()))
    caller.kill()
    caller.wait()
    assert ended(bound, 3)


@linux
def test_a_bound_process_whose_caller_is_gone_does_nothing(tmp_path: Path) -> None:
    command = lifeline.bound("import pathlib, sys; pathlib.Path(sys.argv[1]).touch()", str(tmp_path / "done"))
    assert subprocess.run(command, check=False).returncode == 0
    assert (tmp_path / "done").exists()
    (tmp_path / "done").unlink()
    adopted = ["sh", "-c", shlex.join(command) + "; exit $?"]  # whose child it is is not who made the command
    assert subprocess.run(adopted, check=False).returncode == 128 + signal.SIGKILL
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize(("starter", "kills"), [(os.getppid(), 0), (os.getpid(), 1)], ids=["its own", "another"])
def test_a_kernel_looks_for_the_stage_that_started_it(monkeypatch, starter: int, kills: int) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setenv("JPY_PARENT_PID", str(starter))
    monkeypatch.setattr(lifeline.os, "kill", lambda *args: killed.append(args))
    monkeypatch.setattr(lifeline, "_shells_and_starter", lambda _: [])
    monkeypatch.setattr(lifeline.sys, "platform", "darwin")
    monkeypatch.setattr(lifeline.Lifeline, "_watch", lambda _: None)
    lifeline.load_ipython_extension(None)
    assert killed == [(os.getpid(), signal.SIGKILL)] * kills


def test_ends_in_peace(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, tmp_path / "pid", "", "0.3"], check=False, timeout=30)
    assert done.returncode == 0


@linux
def test_shell_that_started_by_hand_is_watched_over(tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-c", CHILD, str(tmp_path / "pid"), "", "0.3"])
    assert subprocess.run(["sh", "-c", f"{command}; exit $?"], check=False, timeout=30).returncode == 0


class Relative:
    """A process with a name, alive or not."""

    def __init__(self, pid: int, name: str, alive: bool = True, above: tuple[Relative, ...] = ()) -> None:
        self.pid, self._name, self._alive, self._above = pid, name, alive, above

    def name(self) -> str:
        return self._name

    def is_running(self) -> bool:
        return self._alive

    def status(self) -> str:
        return psutil.STATUS_SLEEPING if self._alive else psutil.STATUS_DEAD

    def parents(self) -> list[Relative]:
        return list(self._above)


@pytest.mark.parametrize(
    ("names", "watched"),
    [
        (["dvc", "bash", "sshd"], ["dvc"]),
        (["sh", "dvc", "bash"], ["sh", "dvc"]),
        (["bash", "sh", "python", "init"], ["bash", "sh", "python"]),
        (["sh", "init"], ["sh"]),
        (["init"], []),
        ([], []),
    ],
)
def test_who_is_watched(names: list[str], watched: list[str]) -> None:
    above = tuple(Relative(1 if name == "init" else 100 + i, name) for i, name in enumerate(names))
    found = lifeline._shells_and_starter(Relative(200, "python", above=above))
    assert [process.name() for process in found] == watched


@pytest.mark.parametrize(("alive", "kills"), [(True, 0), (False, 1)])
def test_check(monkeypatch: pytest.MonkeyPatch, alive: bool, kills: int) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(lifeline.os, "kill", lambda *args: killed.append(args))
    monkeypatch.setattr(lifeline.os, "getppid", lambda: 99)
    chain = [Relative(99, "sh"), Relative(98, "dvc", alive)]
    monkeypatch.setattr(lifeline, "_shells_and_starter", lambda _: chain)
    lifeline.Lifeline().check()
    assert killed == [(os.getpid(), signal.SIGKILL)] * kills


def test_without_a_starter_there_is_nothing_to_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifeline.os, "getppid", lambda: 1)
    monkeypatch.setattr(lifeline.os, "kill", lambda *_: pytest.fail("killed"))
    lifeline.Lifeline().check()
