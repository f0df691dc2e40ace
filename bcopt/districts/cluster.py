"""A Dask cluster as a place where joblib runs: connected to, and with an end where Dask gives a run up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from distributed import Client, KilledWorker
from joblib import register_parallel_backend  # type: ignore[import-untyped]
from joblib._dask import DaskDistributedBackend  # type: ignore[import-untyped]

BACKEND = "cluster"
"""How joblib calls it."""
PATIENCE = 20.0
"""How long a scheduler and its first worker are waited for [s]."""
_LOGS = ("distributed", "distributed.client", "tornado.application")
"""Dask's, each with a level of its own."""


@contextmanager
def connected(address: str) -> Iterator[dict[str, Any]]:
    """Connect to the scheduler of a cluster and yield what ``joblib.parallel_config`` takes to run there.

    Parameters
    ----------
    address : str
        Such as ``tcp://127.0.0.1:8786``.

    Raises
    ------
    ConnectionError
        If the scheduler does not answer or has no workers.
    """
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError) as error:
        raise ConnectionError(
            f"no Dask scheduler answers at {address}: expected the address that `dask scheduler` prints, "
            "such as tcp://127.0.0.1:8786"
        ) from error
    with _silenced(), client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise ConnectionError(
                f"the Dask scheduler at {address} has no workers: start some with `dask worker {address} --nthreads 1`"
            ) from error
        yield {"backend": BACKEND, "client": client}


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep Dask's log quiet: a lost connection is an error with words of its own, and needs no trace of the library."""
    logs = [logging.getLogger(name) for name in _LOGS]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


class _Cluster(DaskDistributedBackend):  # type: ignore[misc]  # of a library without types
    """Joblib's own way to Dask, which would wait for ever for a run that Dask gives up and never calls back."""

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return the threads of the cluster, never one: joblib would run all in the calling process then."""
        return max(2, int(super().effective_n_jobs(n_jobs)))

    def submit(self, func: Any, callback: Callable[[Any], None] | None = None) -> Future[Any]:
        """Hand a run to Dask and call back when it is done or given up."""
        future: Future[Any] = super().submit(func, callback)
        if callback is not None:
            future.add_done_callback(lambda done: callback(done) if done.exception() is not None else None)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        """Return what a run returned, or raise what it raised or why Dask gave it up."""
        if not isinstance(out, Future):
            try:
                return super().retrieve_result_callback(out)
            except CancelledError as error:
                raise ConnectionError(
                    "the Dask scheduler is gone; what was finished before is kept: start again"
                ) from error
        given_up = out.exception()
        if isinstance(given_up, KilledWorker):
            raise BrokenProcessPool(str(given_up)) from given_up
        raise ChildProcessError(f"the cluster cannot run it: {type(given_up).__name__}: {given_up}") from given_up


register_parallel_backend(BACKEND, _Cluster)
