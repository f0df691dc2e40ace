"""A sweep on a real Dask cluster: a scheduler and workers of their own, on this machine and seen by no other."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import pandas as pd
import pytest
import toy_runs
from test_sweep import ALL, sweeping, swept

from bcopt.districts import cluster as dask_cluster
from bcopt.districts.sweep import Changed

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals")]
HERE = ["--host", "127.0.0.1", "--no-dashboard"]
MODULE = sys.modules["bcopt.districts.sweep"]


class Cluster:
    """A scheduler and workers of one thread, each a process that can be killed."""

    def __init__(self, place, workers=2, allowed_failures=3, path=sys.path):
        self.place, self.workers = place, []
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures),
        }
        place.mkdir(parents=True, exist_ok=True)
        file = place / "scheduler.json"
        self.scheduler = self.started("scheduler", "--port", "0", "--scheduler-file", file, "--idle-timeout", "300s")
        toy_runs.until(lambda: file.is_file() and file.read_bytes().endswith(b"}"))
        self.address = json.loads(file.read_text(encoding="utf-8"))["address"]
        for _ in range(workers):
            self.add_worker()

    def add_worker(self):
        options = ["--no-nanny", "--nthreads", "1", "--local-directory", self.place, "--death-timeout", "60"]
        self.workers.append(self.started("worker", self.address, *options))

    def started(self, kind, *arguments):
        with (self.place / f"{kind}.log").open("ab") as log:
            command = [sys.executable, "-m", "dask", kind, *HERE, *map(str, arguments)]
            return subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)

    def end(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@contextlib.contextmanager
def clustered(place, **options):
    cluster = Cluster(place, **options)
    try:
        yield cluster
    finally:
        cluster.end()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with clustered(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(autouse=True)
def patience():
    """End what would wait for ever."""

    def out_of_time(*_):
        raise TimeoutError("the cluster does not answer")

    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(120)
    yield
    signal.alarm(0)


def on(cluster, folder, runner=toy_runs.plain):
    return swept(folder, runner, address=cluster.address, workers=None)


def equal_to_one_here(table, place):
    pd.testing.assert_frame_equal(table, swept(toy_runs.folder_in(place / "here")), check_exact=True)


def test_the_same_table_as_on_this_machine(cluster, tmp_path):
    folder = toy_runs.folder_in(tmp_path / "there")
    equal_to_one_here(on(cluster, folder, toy_runs.first_last), tmp_path)
    assert sorted(toy_runs.processes(folder)) == sorted(worker.pid for worker in cluster.workers)
    on(cluster, folder)
    assert len(toy_runs.noted(folder, "begun")) == len(ALL)


def test_a_run_without_an_answer(cluster, tmp_path):
    table = on(cluster, toy_runs.folder_in(tmp_path), toy_runs.infeasible_when_weighted)
    assert table["problem"].tolist() == ["", "toy/district.yaml: 1 problem\n  - weight: too heavy: 0.5"] * 3
    assert len(toy_runs.kept(tmp_path / "toy")) == 3


def test_a_fault_of_the_code_is_not_hidden(cluster, tmp_path):
    with pytest.raises(KeyError, match="a fault of the code"):
        on(cluster, toy_runs.folder_in(tmp_path), toy_runs.faulty)


def test_a_folder_that_is_another_on_the_machine_of_a_worker(cluster, tmp_path):
    with pytest.raises(Changed, match=r"toy on .* is not what the sweep began with"):
        on(cluster, toy_runs.folder_in(tmp_path), toy_runs.edits_the_folder)


def test_the_sweep_killed_and_started_again(cluster, tmp_path):
    folder = toy_runs.folder_in(tmp_path / "there", seconds=0.5)
    process = sweeping(folder, cluster.address)
    process.kill()
    process.wait()
    kept = toy_runs.kept(folder)
    assert 2 <= len(kept) < len(ALL)
    table = on(cluster, folder)
    begun = toy_runs.noted(folder, "begun")
    assert [begun.count(change) for change in kept] == [1] * len(kept), "no finished run is run again"
    equal_to_one_here(table, tmp_path)


def test_a_worker_killed(tmp_path):
    with clustered(tmp_path / "cluster") as cluster:
        folder = toy_runs.folder_in(tmp_path / "there", seconds=0.3)
        table = on(cluster, folder, toy_runs.killed_once)
        assert sum(worker.poll() is not None for worker in cluster.workers) == 1
    begun = toy_runs.noted(folder, "begun")
    kept = toy_runs.kept_at_the_kill(folder)
    assert len(kept) >= 2
    assert [begun.count(change) for change in kept] == [1] * len(kept), "no finished run is run again"
    equal_to_one_here(table, tmp_path)


def test_a_run_that_kills_its_worker_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "TRIES", 1)
    message = r"workers ended 1 times .* 5 of 6 runs are finished"
    with (
        clustered(tmp_path / "cluster", allowed_failures=0) as cluster,
        pytest.raises(ChildProcessError, match=message),
    ):
        on(cluster, toy_runs.folder_in(tmp_path), toy_runs.killed_always)
    assert len(toy_runs.noted(tmp_path / "toy", "done")) == 5
    assert toy_runs.noted(tmp_path / "toy", "begun").count(toy_runs.DEADLY) == 2


def test_a_cluster_of_one_thread_whose_scheduler_goes(tmp_path, caplog):
    with clustered(tmp_path / "cluster", workers=1) as cluster:
        folder = toy_runs.folder_in(tmp_path / "whole")
        on(cluster, folder)
        assert toy_runs.processes(folder) == [cluster.workers[0].pid], "and nothing in the process that sweeps"
        folder = toy_runs.folder_in(tmp_path / "gone")
        (folder.parent / "scheduler").write_text(str(cluster.scheduler.pid), encoding="utf-8")
        with pytest.raises(ConnectionError, match="is gone; what was finished before is kept"):
            on(cluster, folder, toy_runs.kills_the_scheduler)
    assert toy_runs.kept(folder)
    assert caplog.text == ""


def test_a_cluster_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "PATIENCE", 1.0)
    folder = toy_runs.folder_in(tmp_path)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        with pytest.raises(ConnectionError, match=f"no Dask scheduler answers at {address}: expected the address"):
            swept(folder, address=address, workers=None)
    with clustered(tmp_path / "cluster", workers=0, path=[]) as cluster:
        with pytest.raises(ConnectionError, match=r"tcp://.* has no workers: start some with `dask worker tcp://"):
            on(cluster, folder)
        cluster.add_worker()
        monkeypatch.setattr(dask_cluster, "PATIENCE", 60.0)
        with pytest.raises(ChildProcessError, match="the cluster cannot run it: RuntimeError: Error during deseriali"):
            on(cluster, folder)
