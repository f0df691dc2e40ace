import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing import forkserver

import numpy as np
import psutil
import pytest

from bcopt.methods import parallel
from bcopt.methods.parallel import Workers, in_parallel

ROWS = np.random.default_rng(0).uniform(-1, 1, (11, 3))


class NotSolved(RuntimeError):
    """Composes its message from other arguments than it is called with."""

    def __init__(self, status, detail):
        self.status = status
        super().__init__(f"the model is {status}:\n{detail}")


class Sines:
    """An evaluator that tells when it is built, and of how many rows it is asked at a time."""

    def __init__(self, scale, log=None):
        self.scale, self.log = scale, log
        if log is not None:
            log.append("built")

    def __call__(self, rows):
        if self.log is not None:
            self.log.append(len(rows))
        return np.stack([np.sin(self.scale * rows).prod(axis=1), np.exp(rows).sum(axis=1)], axis=1)


BUILT: list[str] = []


def witness(label):
    """Build an evaluator that tells its process, how often it was built there, and refuses decisions above 5."""
    BUILT.append(label)
    return witnessed


def witnessed(rows):
    if (rows > 5).any():
        raise NotSolved("infeasible", f"  row {rows.max():g}")
    return np.tile([float(os.getpid()), float(len(BUILT))], (len(rows), 1))


def without_weather(name):
    raise OSError(2, "no such weather", name)


def square(task):
    if task < 0:
        raise NotSolved("infeasible", "  demand at hour 3: missed by 2")
    return task**2


def of_no_module(task):
    return task


# ---- in the calling process


def test_values_are_those_of_the_evaluator_in_order():
    log: list[object] = []
    with Workers(Sines, 2.0, log, workers=1) as pool:
        assert log == []
        found = pool.evaluate(ROWS)
        np.testing.assert_array_equal(found, Sines(2.0)(ROWS))
        np.testing.assert_array_equal(pool.evaluate(ROWS[::-1]), found[::-1])
    assert log == ["built", 11]
    assert (pool.solved, pool.recalled) == (11, 11)


def test_memory_is_of_exact_decisions_and_counts():
    log: list[object] = []
    pool = Workers(Sines, 1.0, log, workers=1)
    twice = np.vstack([ROWS[:3], ROWS[:2], np.nextafter(ROWS[:1], 2)])
    found = pool.evaluate(twice)
    np.testing.assert_array_equal(found[:2], found[3:5])
    assert (pool.solved, pool.recalled) == (4, 2)
    pool.evaluate(ROWS[:4])
    assert (pool.solved, pool.recalled) == (5, 5)
    assert log == ["built", 4, 1]
    found[:] = 0.0
    assert pool.evaluate(ROWS[:1])[0, 0] != 0.0


def test_without_memory_everything_is_solved_again():
    log: list[object] = []
    pool = Workers(Sines, 1.0, log, workers=1, memory=False)
    first, second = pool.evaluate(ROWS), pool.evaluate(ROWS)
    np.testing.assert_array_equal(first, second)
    assert (pool.solved, pool.recalled) == (22, 0)
    assert log == ["built", 11, 11]


@pytest.mark.parametrize("seed", range(20))
def test_memory_changes_no_value(seed):
    rng = np.random.default_rng(seed)
    rows = rng.choice([0.0, 0.5, 1.0], (rng.integers(1, 9), 2))
    remembering, forgetting = Workers(Sines, 3.0, workers=1), Workers(Sines, 3.0, workers=1, memory=False)
    for part in (rows, rows[::-1], rows):
        np.testing.assert_array_equal(remembering.evaluate(part), forgetting.evaluate(part))
    assert remembering.solved == len(np.unique(rows, axis=0))
    assert remembering.solved + remembering.recalled == forgetting.solved == 3 * len(rows)


def test_nothing_is_remembered_of_a_call_that_failed():
    pool = Workers(witness, "here", workers=1)
    with pytest.raises(NotSolved, match="row 6"):
        pool.evaluate([[1.0, 2.0], [3.0, 6.0]])
    assert (pool.solved, pool.recalled) == (0, 0)
    assert pool.evaluate([[1.0, 2.0]])[0, 0] == os.getpid()
    assert (pool.solved, pool.recalled) == (1, 0)


@pytest.mark.parametrize("rows", [[1.0, 2.0], [[[1.0]]], [], [[]], 3.0])
def test_decisions_are_rows(rows):
    with pytest.raises(ValueError, match=r"expected an array \(individual, variable\), got the shape"):
        Workers(Sines, 1.0, workers=1).evaluate(rows)


@pytest.mark.parametrize("values", [np.zeros(11), np.zeros((10, 1)), 0.0])
def test_values_are_rows(values):
    with pytest.raises(ValueError, match=r"the evaluator returned the shape .* for 11 decisions"):
        Workers(lambda: lambda _: values, workers=1).evaluate(ROWS)


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2"])
def test_workers_are_a_positive_integer(workers):
    for start in (lambda: Workers(Sines, 1.0, workers=workers), lambda: in_parallel(abs, [1], workers=workers)):
        with pytest.raises(ValueError, match="workers: expected a positive integer, got"):
            start()


def test_one_worker_is_this_process():
    assert in_parallel(lambda task: (task, os.getpid()), [3, 1], workers=1) == [(3, os.getpid()), (1, os.getpid())]
    assert in_parallel(lambda task: task, [5], workers=8) == [5]
    assert in_parallel(abs, [], workers=8) == []
    with pytest.raises(NotSolved, match="the model is infeasible:\n  demand"):
        in_parallel(square, [1, -1], workers=1)


def test_the_processors_of_this_process_are_the_default(monkeypatch):
    assert Workers(Sines, 1.0).workers == parallel.available() >= 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert parallel.available() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert parallel.available() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert parallel.available() == 1


def test_what_no_process_can_import_is_refused(monkeypatch):
    monkeypatch.setattr(of_no_module, "__module__", "__main__")
    with pytest.raises(ValueError, match="of_no_module must belong to a module that can be imported"):
        in_parallel(of_no_module, [1, 2], workers=2)
    with pytest.raises(ValueError, match="of_no_module must belong to a module that can be imported"):
        Workers(of_no_module, workers=2).evaluate(ROWS)


# ---- in processes of their own, which take seconds to start


def test_the_same_bits_for_any_number_of_processes():
    alone = Workers(Sines, 2.0, workers=1)
    with Workers(Sines, 2.0, workers=2) as pool:
        for rows in (ROWS, ROWS[:1], np.vstack([ROWS[5:], ROWS[:2] / 3])):
            np.testing.assert_array_equal(pool.evaluate(rows), alone.evaluate(rows))
        assert (pool.solved, pool.recalled) == (alone.solved, alone.recalled) == (13, 7)
    assert multiprocessing.active_children() == []


def test_every_process_builds_once_and_its_errors_arrive_as_they_were():
    with Workers(witness, "there", workers=2, memory=False) as pool:
        found = np.vstack([pool.evaluate(ROWS) for _ in range(6)])
        with pytest.raises(NotSolved) as caught:
            pool.evaluate([[1.0], [6.0]])
        found = np.vstack([found, pool.evaluate([[1.0], [2.0]])])
    assert set(found[:, 1]) == {1.0}
    assert os.getpid() not in found[:, 0]
    assert len(set(found[:, 0])) <= 2
    assert "there" not in BUILT
    assert str(caught.value) == "the model is infeasible:\n  row 6"
    assert caught.value.status == "infeasible"
    assert "in witnessed" in str(caught.value.__cause__)
    assert pool.solved == 6 * 11 + 2


def test_an_error_of_the_factory_arrives_as_it_was():
    with Workers(without_weather, "x.epw", workers=2) as pool, pytest.raises(FileNotFoundError) as caught:
        pool.evaluate(ROWS)
    assert str(caught.value) == "[Errno 2] no such weather: 'x.epw'"
    assert multiprocessing.active_children() == []


def test_tasks_keep_their_order():
    tasks = list(range(20, 0, -1))
    assert in_parallel(square, iter(tasks), workers=2) == [task**2 for task in tasks]
    assert multiprocessing.active_children() == []


def test_an_error_of_a_task_arrives_as_it_was():
    with pytest.raises(NotSolved) as caught:
        in_parallel(square, [2, -1, *range(50)], workers=2)
    assert str(caught.value) == "the model is infeasible:\n  demand at hour 3: missed by 2"
    assert multiprocessing.active_children() == []


# ---------------------------------------------------------------- a worker, the server or a parent that is gone


def suicide(task):
    """End as if the machine were out of memory."""
    if task[0] == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return task[0]


def deserted(task):
    """End the server that this worker was forked from."""
    if task == 1:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return task


def mortal():
    """Build an evaluator that does not survive a single decision."""
    return lambda rows: suicide(rows[0]) if len(rows) == 1 else rows


@pytest.mark.parametrize("length", [1, 1_000_000], ids=["short tasks", "tasks longer than a pipe"])
def test_a_killed_worker_is_one_error_and_no_wait_for_ever(length):
    with pytest.raises(ChildProcessError, match="a worker process ended before its task was done"):
        in_parallel(suicide, [np.full(length, number) for number in range(12)], workers=2)
    assert multiprocessing.active_children() == []
    assert in_parallel(square, [2, 3], workers=2) == [4, 9]


def test_a_killed_server_is_one_error():
    with pytest.raises(ChildProcessError, match="a worker process ended before its task was done"):
        in_parallel(deserted, range(4), workers=2)
    time.sleep(1.0)  # until it is buried
    assert in_parallel(square, [2, 3], workers=2) == [4, 9]


def test_the_end_of_a_queue_is_closed_once_whoever_comes_first():
    """The feeder of a pool closes it too, and a number closed twice may be another file's by then."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    parallel._close_once(reader)
    close, closed = reader._close, []

    def slow():
        closed.append(reader.fileno())
        time.sleep(0.2)
        close()

    reader._close = slow
    threads = [threading.Thread(target=reader.close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(closed) == 1
    assert reader.closed
    writer.close()


def test_no_server_any_more_is_one_error(monkeypatch):
    """It was killed after the pool had been made."""
    monkeypatch.setattr(forkserver, "connect_to_new_process", lambda _: socket.create_connection(("localhost", 9)))
    with pytest.raises(ChildProcessError, match="a worker process ended before its task was done"):
        in_parallel(square, range(4), workers=2)


def test_a_call_after_a_worker_was_killed_begins_new_ones():
    with Workers(mortal, workers=2, memory=False) as pool:
        with pytest.raises(ChildProcessError):
            pool.evaluate([[1.0], [1.0]])
        np.testing.assert_array_equal(pool.evaluate(ROWS), ROWS)
    assert multiprocessing.active_children() == []


PARENT = """
import sys, time
from bcopt.methods import parallel
if __name__ == "__main__":
    pool = parallel._pool(2, parallel.available)
    print(*(pool.submit(parallel.os.getpid).result() for _ in range(20)), flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        workers = [psutil.Process(int(pid)) for pid in set(parent.stdout.readline().split())]
        assert workers
        parent.kill()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive, "nobody is left to give them work"
