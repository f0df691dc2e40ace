"""Independent tasks spread over processes, with the same numbers whatever the count of processes.

Processes are forked from a server that has imported what they run and solved nothing, since the threads of a solver do
not survive a fork. Where there is no such server, on Windows, they are spawned and import it anew. What they run must
be importable by name, from a module and not from the cell of a notebook.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection
from types import FunctionType, TracebackType
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Evaluator = Callable[[Array], npt.ArrayLike]
Given = TypeVar("Given")
Returned = TypeVar("Returned")


def available() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parallel(
    function: Callable[[Given], Returned], tasks: Iterable[Given], workers: int | None = None
) -> list[Returned]:
    """Return a function's values of all tasks, in the order of the tasks.

    Parameters
    ----------
    function : callable
        Importable by name.
    tasks : iterable
        Its arguments, one each; they and the values are sent between the processes.
    workers : int, optional
        Processes; as many as :func:`available` by default, and no more than tasks. With one, all is done in the calling
        process.

    Raises
    ------
    ValueError
        If workers is not a positive integer, or the function belongs to no module.
    ChildProcessError
        If a process ends before it has answered.
    Exception
        What the function raises of the first task that fails, with its own type and message; tasks that have not begun
        are left.
    """
    tasks = list(tasks)
    workers = min(_checked(workers), len(tasks))
    if workers <= 1:
        return [function(task) for task in tasks]
    pool = _pool(workers, function)
    try:
        return [_opened(answer) for answer in _answers(pool, function, tasks)]
    finally:
        pool.shutdown(cancel_futures=True)


class Workers:
    """Processes that each build one evaluator and share the decisions of every call; a context manager.

    The evaluator must be a pure function: what it returns for a decision depends on that decision alone, not on the
    others of its call nor on those before. Then the values are the same to the last bit for any number of processes,
    remembered or not. A solver that goes on from its last basis is no such function; one that starts from a kept basis
    is, see :meth:`bcopt.methods.persistent.Persistent.keep_basis`.

    Parameters
    ----------
    factory : callable
        Builds the evaluator, a callable from array (individual, variable) to array (individual, value). A function or
        class importable by name; its arguments are sent to every process once.
    *arguments
        Of the factory.
    workers : int, optional
        Processes; as many as :func:`available` by default. With one, all is done in the calling process.
    memory : bool
        Whether a decision met again, bit by bit, gets the values it had.

    Attributes
    ----------
    workers : int
        Processes.
    solved, recalled : int
        Decisions evaluated, and those answered from memory, so far.

    Raises
    ------
    ValueError
        If workers is not a positive integer.
    """

    def __init__(
        self, factory: Callable[..., Evaluator], *arguments: Any, workers: int | None = None, memory: bool = True
    ) -> None:
        self.workers = _checked(workers)
        self.solved = self.recalled = 0
        self._known: dict[bytes, Array] | None = {} if memory else None
        self._factory, self._arguments = factory, arguments
        self._here = _Once(factory, arguments)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, once they have finished what they began; a further call would start new ones."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def evaluate(self, decisions: npt.ArrayLike) -> Array:
        """Return the values of decisions, in their order.

        Parameters
        ----------
        decisions : array, dims (individual, variable)
            A whole population.

        Returns
        -------
        array, dims (individual, value)
            What the evaluator returns of each.

        Raises
        ------
        ValueError
            If the decisions are no such array, the evaluator does not return a row of values for each of them, or the
            factory belongs to no module.
        ChildProcessError
            If a process ends before it has answered; a further call starts new ones.
        Exception
            What factory or evaluator raise, with its own type and message; nothing of that call is remembered.
        """
        rows = np.ascontiguousarray(decisions, float)
        if rows.ndim != 2 or not rows.size:
            raise ValueError(f"decisions: expected an array (individual, variable), got the shape {rows.shape}")
        if self._known is None:
            values = self._shared(rows)
            self.solved += len(rows)
            return values
        keys = [row.tobytes() for row in rows]
        new: dict[bytes, int] = {}
        for number, key in enumerate(keys):
            if key not in self._known:
                new.setdefault(key, number)
        if new:
            self._known.update(zip(new, self._shared(rows[list(new.values())]), strict=True))
        self.solved += len(new)
        self.recalled += len(rows) - len(new)
        return np.array([self._known[key] for key in keys])

    def _shared(self, rows: Array) -> Array:
        """Evaluate rows, a chunk a process."""
        if self.workers == 1:
            return self._here(rows)
        if self._pool is None:
            self._pool = _pool(self.workers, self._factory, _prepare, (self._factory, self._arguments))
        chunks = np.array_split(rows, min(self.workers, len(rows)))
        try:
            return np.concatenate([_opened(answer) for answer in _answers(self._pool, _evaluated, chunks)])
        except ChildProcessError:
            self.close()
            raise


class _Once:
    """An evaluator that is built when it is first needed."""

    def __init__(self, factory: Callable[..., Evaluator], arguments: tuple[Any, ...]) -> None:
        self._factory, self._arguments = factory, arguments
        self._evaluator: Evaluator | None = None

    def __call__(self, rows: Array) -> Array:
        if self._evaluator is None:
            self._evaluator = self._factory(*self._arguments)
        values = np.asarray(self._evaluator(rows), float)
        if values.ndim != 2 or len(values) != len(rows):
            raise ValueError(f"the evaluator returned the shape {values.shape} for {len(rows)} decisions")
        return values


_EVALUATORS: list[_Once] = []
"""The one of this process, where it is a worker."""


def _prepare(factory: Callable[..., Evaluator], arguments: tuple[Any, ...]) -> None:
    """Tell a worker what to build; an error of the factory is left to the first call, which can return it."""
    _EVALUATORS.append(_Once(factory, arguments))


def _evaluated(rows: Array) -> Array:
    """Evaluate rows in a worker."""
    return _EVALUATORS[0](rows)


@dataclass(frozen=True)
class _Failure:
    """An exception on its way between processes: what rebuilds it, its type first, and where it was raised."""

    kind: type[Exception]
    build: Callable[..., Exception]
    arguments: tuple[Any, ...]
    state: dict[str, Any]
    trace: str


def _caught(function: Callable[[Given], Returned], task: Given) -> Returned | _Failure:
    """Return a function's value, or what it raises."""
    try:
        return function(task)
    except Exception as error:
        build, arguments, *_ = cast("tuple[Any, ...]", error.__reduce__())
        return _Failure(type(error), build, arguments, vars(error), traceback.format_exc())


def _answers(
    pool: ProcessPoolExecutor, function: Callable[[Given], Returned], tasks: Iterable[Given]
) -> Iterator[Returned | _Failure]:
    """Give tasks to a pool, all at once, and yield what comes of each, in their order."""
    try:
        futures = [pool.submit(_caught, function, task) for task in tasks]
        for future in futures:
            yield future.result()
    except (BrokenProcessPool, ConnectionError, EOFError) as error:  # a worker is gone, or the server of all of them
        if sys.version_info < (3, 12):  # where the pool would wait for ever to hand a long task to the dead: gh-94777
            vars(pool)["_call_queue"]._reader.close()
        raise ChildProcessError(
            "a worker process ended before its task was done: it was killed, perhaps for want of memory"
        ) from error


def _opened(returned: Returned | _Failure) -> Returned:
    """Return the value, or raise what was caught.

    A type that composes its message from other arguments is not called with the message, which it would wrap again.
    """
    if not isinstance(returned, _Failure):
        return returned
    kind, build = returned.kind, returned.build
    composed = build is kind and isinstance(kind.__init__, FunctionType)
    error = kind.__new__(kind, *returned.arguments) if composed else build(*returned.arguments)
    vars(error).update(returned.state)
    raise error from RuntimeError(f"in a worker process:\n{returned.trace}")


def _checked(workers: int | None) -> int:
    """Return the number of processes."""
    if workers is None:
        return available()
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers: expected a positive integer, got {workers!r}")
    return workers


def _pool(workers: int, function: Callable[..., Any], *initial: Any) -> ProcessPoolExecutor:
    """Return processes for a function that they can import."""
    if getattr(function, "__module__", None) == "__main__":
        raise ValueError(f"{getattr(function, '__qualname__', function)} must belong to a module that can be imported")
    forked = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if forked else "spawn")
    if forked:
        context.set_forkserver_preload([function.__module__])
    pool = ProcessPoolExecutor(workers, context, _begin, initial)
    _close_once(vars(pool)["_call_queue"]._reader)
    return pool


def _close_once(reader: Any) -> None:
    """Let threads close a connection one after the other: two at once would both close what its number stands for."""
    close, lock = reader.close, threading.Lock()

    def closed() -> None:
        with lock:
            close()

    reader.close = closed


def _begin(prepare: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()) -> None:
    """Begin a worker: it ends when the process that asked for it is gone, however that ended."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare:
        prepare(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
