"""The pipeline killed at random points: every file whole, nobody lives on, and the next run gives the same bytes.

A few short stages of every kind are killed by default. ``BCOPT_KILL_STAGES=all`` runs the whole pipeline from nothing,
``BCOPT_KILLS`` is how often it is killed and ``BCOPT_KILL_SEED`` where.
"""

import contextlib
import json
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass

import psutil
import pytest
from checkout import contents

from bcopt.compendium import resume
from bcopt.compendium.pipeline import read_stages

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="signals and processes of Linux")]
SEED = int(os.environ.get("BCOPT_KILL_SEED", "8"))
KILLS = int(os.environ.get("BCOPT_KILLS", "22"))
SHORT = {
    "energyeng2023-renewable-energy": 5,
    "provenance": 5,
    "ledger": 4,
    "frontiers2022-simulation": 4,
    "frontiers2022-basic-data": 2,
    "site": 2,
}
"""Stages and how often each is killed: notebooks, EnergyPlus, workers of a fork server, and neither."""
MOMENTS = {
    "while it imports": ("its start", lambda _: 3.0, ["dvc", "stage"]),
    "with others": ("its first process", lambda lasting: min(0.5 * lasting, 60.0), ["worker"]),
    "at any time": ("its start", lambda lasting: lasting, ["dvc", "stage", "worker"]),
    "while it renames": ("its first renaming", lambda _: 0.5, ["dvc", "stage"]),
    "while DVC writes": ("the writing of dvc.lock", lambda _: 0.6, ["dvc"]),
}
"""What is waited for, for how long after that at most, given the seconds of the stage [s], and who may be killed."""
MARK = "BCOPT_KILLED_RUN"
"""Environment variable by which every process of a run is known, whoever its parent is by now."""
RENAMING = 0.03
"""Time that the renaming of a file into place is drawn out to, so that kills fall into it [s]."""
HOOK = f"""\
import os, pathlib, sys, time
notes, mark = pathlib.Path(__file__).parent, os.environ.get("{MARK}")
def slowed(event, given):
    if event == "os.rename" and "/.staging/" in str(given[0]) and "/.staging/" not in str(given[1]):
        (notes / f"{{mark}}.{{os.environ.get('DVC_STAGE')}}.renaming").touch()
        time.sleep({RENAMING})
    elif event == "open" and str(given[0]).endswith("dvc.lock") and str(given[1]).startswith("w"):
        (notes / f"{{mark}}.locking").touch()
if mark:
    sys.addaudithook(slowed)
"""
WORDS = ("the kernel died", "a worker process ended", "EnergyPlus failed", "jupyter-book ended with")
"""What a stage says of a process of its own that was killed."""
KINDS = {
    "ipykernel_launcher": "kernel",
    "pyenergyplus": "EnergyPlus",
    "multiprocessing.forkserver": "worker",
    "multiprocessing.resource_tracker": "resource tracker",
    "jupyter_book": "jupyter-book",
}
BOUND = ("EnergyPlus", "jupyter-book")
"""What the kernel of Linux ends at once with the stage."""
PATIENCE = 300.0
"""How long a process may import on a busy machine before it looks who started it [s]."""


@dataclass
class Kill:
    """One kill to come: of whom, when, and how long after that [s]."""

    stage: str
    victim: str
    moment: str
    delay: float

    def __str__(self):
        return f"{self.stage}: {self.victim} {self.delay:.2f} s after {self.moment}"


def alive(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def kind_of(process):
    """Return what a process below a stage is, nothing where it is none of ours."""
    with contextlib.suppress(psutil.NoSuchProcess):
        line = " ".join(process.cmdline())
        return next((kind for sign, kind in KINDS.items() if sign in line), "")
    return ""


class Run:
    """A run of DVC with all the processes that it brings forth."""

    def __init__(self, project, notes, *targets):
        self.project, self.notes, self.mark = project, notes, secrets.token_hex(8)
        self.name, self.since, self.killed_at = None, 0.0, None
        dropped = ("PYTEST", "BCOPT", "DVC", "COV")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        path = os.pathsep.join(filter(None, (str(notes), os.environ.get("PYTHONPATH"))))
        environment |= {MARK: self.mark, "PYTHONPATH": path}
        self.log = notes / f"{self.mark}.log"
        with self.log.open("wb") as log:
            self.dvc = psutil.Popen(
                ["dvc", "repro", *targets],
                cwd=project,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self):
        return self.log.read_text(errors="replace")

    def stage(self):
        """Return the process that runs a stage, once it is no shell any more, and remember its name."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in self.dvc.children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    name = child.environ().get("DVC_STAGE")
                    if name and "python" in child.name() and alive(child):
                        if name != self.name:
                            self.name, self.since = name, time.time()
                        return child
        return None

    def below(self, stage):
        """Return the processes below a stage by their kind."""
        found = {}
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in stage.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    kind = kind_of(process)
                    if kind and alive(process):
                        server = kind == "worker" and kind_of(process.parent()) != "worker"
                        found[process] = "fork server" if server else kind
        return found

    def family(self):
        """Return every process that carries the run's mark and lives."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if process.environ().get(MARK) == self.mark and alive(process):
                    found.append(process)
        return found

    def reached(self, plan):
        """Return the next kill of the stage that runs, and the stage, if the moment has come."""
        stage = self.stage()
        kills = plan.get(self.name)
        if not kills:
            return None
        if kills[0].moment == "the writing of dvc.lock":
            note = self.notes / f"{self.mark}.locking"
            come = note.exists() and note.stat().st_mtime > self.since
            return (kills[0], stage) if come else None
        come = {
            "its start": lambda: True,
            "its first process": lambda: bool(self.below(stage)),
            "its first renaming": (self.notes / f"{self.mark}.{self.name}.renaming").exists,
        }
        return (kills[0], stage) if stage and come[kills[0].moment]() else None


def pipeline(project):
    """Return the stages that write something, by name."""
    return {name: stage for name, stage in read_stages(project).items() if "outs" in stage}


def seconds(root, stages):
    """Return what stages took when they last ran here, by name [s]."""
    found = {}
    for name, stage in stages.items():
        words = stage["cmd"].split()
        page = words[-1] if "runner" in words[3] else f"{words[3].split('.')[-1]}/{words[-1]}"
        path = root / "results" / "timings" / f"{page if len(words) > 4 else words[3].split('.')[-1]}.json"
        found[name] = json.loads(path.read_text())["seconds"] if path.is_file() else 10.0
    return found


def planned(stage, count, lasting, rng, late=True):
    """Return kills of one stage, of every kind in turn; those towards its end as likely as those before."""
    left_out = {"with others"} if stage == "provenance" else set()
    left_out |= set() if late else {"while it renames", "while DVC writes"}
    kinds = [kind for kind in MOMENTS if kind not in left_out]
    rng.shuffle(kinds)
    turns = [MOMENTS[kinds[number % len(kinds)]] for number in range(count)]
    return [Kill(stage, rng.choice(who), event, rng.uniform(0, most(lasting))) for event, most, who in turns]


def outs(stage):
    """Return the paths that a stage writes."""
    listed = [*stage["outs"], *stage.get("metrics", [])]
    return [name for out in listed for name in ([out] if isinstance(out, str) else out)]


def below(project, names):
    """Return the files at and below paths."""
    for path in (project / name for name in names):
        yield from [path] if path.is_file() else (each for each in path.rglob("*") if each.is_file())


def make_stale(project, names):
    """Replace what a stage wrote by something older, so that old and new can be told apart."""
    for path in list(below(project, names)):
        path.unlink()
        path.write_bytes(b"stale\n")


def state(project):
    """Return the bytes of results and of data."""
    found = contents(project)
    for path in below(project, ["data", "dvc.lock"]):
        found[path.relative_to(project).as_posix()] = path.read_bytes()
    return found


def touched(project):
    """Return when every file of results and data was last written, staging included."""
    found = {}
    for path in below(project, ["data", "results", "dvc.lock"]):
        with contextlib.suppress(FileNotFoundError):
            found[path] = path.stat().st_mtime_ns
    return found


def differing(found, *allowed):
    """Return the files that are as in none of the states allowed."""
    return sorted(name for name, content in found.items() if all(content != each.get(name) for each in allowed))


class Siege:
    """A project, killed again and again, and what came of it."""

    def __init__(self, project, notes, reference):
        self.project, self.notes, self.reference = project, notes, reference
        self.killed, self.survived, self.mended, self.mixtures = Counter(), Counter(), Counter(), 0
        (notes / "sitecustomize.py").write_text(HOOK)

    def tell(self, *words):
        line = " ".join(map(str, words))
        with (self.notes / "siege.txt").open("a") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {line}\n")

    def run(self, targets, plan):
        """Run DVC until it is killed, fails of a kill or ends; return the run."""
        for sentence in resume.mend(self.project):  # as `make reproduce` begins
            self.mended[sentence.split()[0]] += 1
            self.tell(sentence)
        before = state(self.project)
        run = Run(self.project, self.notes, *targets)
        try:
            while any(plan.values()) and run.dvc.poll() is None:
                if found := run.reached(plan):
                    self.kill(run, *found, plan)
                time.sleep(0.01)
            run.dvc.wait(3600)
            self.settled(run, before)
            return run
        finally:
            for process in run.family():
                process.kill()

    def kill(self, run, kill, stage, plan):
        """Kill whom the plan says, if somebody is there."""
        time.sleep(kill.delay)
        victim, kind = stage, kill.victim
        if kill.victim == "dvc":
            victim = run.dvc
        elif kill.victim == "worker":
            there = sorted(run.below(stage).items(), key=lambda item: item[0].pid)
            victim, kind = random.Random(f"{SEED} {kill}").choice(there) if there else (stage, "stage")
        if not alive(victim):
            self.tell("missed", kill)
            kill.delay /= 2
            return
        plan[kill.stage].pop(0)
        victim.send_signal(signal.SIGKILL)
        self.killed[kill.stage, kind] += 1
        self.tell(f"killed {kind}:", kill)
        if kind in ("dvc", "stage"):
            run.killed_at = time.time()
            run.dvc.wait(60)
            return
        while alive(stage):
            time.sleep(0.05)
        time.sleep(2.0)
        self.one_message(run, kill)

    def one_message(self, run, kill):
        """A stage whose worker was killed says so once, or ends well."""
        said = run.said()
        assert "Traceback" not in said, f"{kill}\n{said[-5000:]}"
        if run.dvc.poll() in (0, None):
            self.survived[kill.stage] += 1
            self.tell("survived")
        else:
            found = [word for word in WORDS for _ in re.findall(word, said)]
            assert len(found) == 1, f"{kill}\n{said[-5000:]}"

    def settled(self, run, before):
        """Nobody lives on, every file is whole, and it stays like that."""
        begun = time.monotonic()
        while left := run.family():
            waited = time.monotonic() - begun
            assert waited < PATIENCE, [process.cmdline() for process in left]
            assert waited < 10 or not [process for process in left if kind_of(process) in BOUND]
            time.sleep(0.05)
        for note in self.notes.glob(f"{run.mark}.*.renaming") if run.killed_at else ():
            assert note.stat().st_mtime < run.killed_at + 0.5, "an orphan put something into place"
        first = touched(self.project)
        found = state(self.project)
        found.pop("dvc.lock")  # DVC's own, see resume
        assert differing(found, before, self.reference) == [], "neither as before nor as after"
        lost = before.keys() & self.reference.keys() - found.keys() - {"dvc.lock"}
        assert [name for name in lost if not name.startswith("results/site/")] == [], "the site is swapped as a folder"
        self.mixtures += bool(differing(found, before)) and bool(differing(found, self.reference))
        time.sleep(1.0)
        assert touched(self.project) == first, "somebody wrote later"

    def finished(self, targets):
        run = self.run(targets, {})
        assert run.dvc.returncode == 0, run.said()[-5000:]
        assert differing(state(self.project), self.reference) == []
        assert not list(self.project.glob("results/.staging/*-run-*"))


@pytest.fixture
def siege(copied_project, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    siege = Siege(copied_project, notes, state(copied_project))
    yield siege
    siege.tell(f"BCOPT_KILL_SEED={SEED}", dict(siege.killed), dict(siege.survived), dict(siege.mended), siege.mixtures)
    sys.stdout.write((notes / "siege.txt").read_text())


def clean(project):
    return subprocess.run(["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True).stdout == ""


@pytest.mark.skipif(os.environ.get("BCOPT_KILL_STAGES") == "all", reason="the whole pipeline instead")
@pytest.mark.parametrize("name", SHORT)
def test_a_stage_killed_at_random_points(root, siege, name):
    stages = pipeline(root)
    rng = random.Random(f"{SEED} {name}")
    count = round(SHORT[name] * KILLS / sum(SHORT.values()))
    lasting = seconds(root, stages)[name]
    kills = planned(name, count, min(lasting, 15.0), rng, late=lasting < 15.0)
    for _ in range(2 * len(kills)):
        if not kills:
            break
        if differing(state(siege.project), siege.reference) in ([], ["dvc.lock"]):
            make_stale(siege.project, outs(stages[name]))
        siege.run(["--single-item", name], {name: kills})
    siege.finished(["--single-item", name])
    assert kills == []
    assert clean(siege.project)


@pytest.mark.skipif(os.environ.get("BCOPT_KILL_STAGES") != "all", reason="takes an hour; BCOPT_KILL_STAGES=all")
def test_the_whole_pipeline_killed_at_random_points(root, siege):
    stages = pipeline(root)
    lasting = seconds(root, stages)
    rng = random.Random(SEED)
    counts = Counter([*stages, *rng.choices(list(stages), list(lasting.values()), k=max(0, KILLS - len(stages)))])
    plan = {name: planned(name, count, lasting[name], rng) for name, count in counts.items()}
    make_stale(siege.project, [name for stage in stages.values() for name in outs(stage)])
    for folder in (siege.project / ".dvc" / name for name in ("cache", "tmp")):
        shutil.rmtree(folder, ignore_errors=True)
    for _ in range(3 * KILLS):
        if siege.run([], plan).dvc.returncode == 0:
            break
    siege.finished([])
    assert sum(siege.killed.values()) >= 20
    assert clean(siege.project)
