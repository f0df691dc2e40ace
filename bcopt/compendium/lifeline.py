"""A stage must not outlive the pipeline that started it: an orphan could overwrite newer results."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

import psutil

_PR_SET_PDEATHSIG = 1


class Lifeline:
    """Kills this process when the one that started it is gone.

    On Linux the kernel does it at once for the direct parent. A thread watches as well, on every platform, since a
    shell may stand between the pipeline and the stage and outlive the pipeline.

    Parameters
    ----------
    interval : float
        Seconds between two looks.
    """

    def __init__(self, interval: float = 0.5) -> None:
        self._ancestors = [] if os.getppid() <= 1 else _shells_and_starter(psutil.Process())
        self._interval = interval

    def hold(self) -> None:
        """Start watching."""
        if sys.platform == "linux":
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        self.check()
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def check(self) -> None:
        """Kill this process if an ancestor is gone: called last before anything is put into place."""
        if not all(_alive(ancestor) for ancestor in self._ancestors):
            os.kill(os.getpid(), signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)

    def _watch(self) -> None:
        while True:
            self.check()
            time.sleep(self._interval)


def _alive(process: psutil.Process) -> bool:
    """Return whether a process still runs: one that ended and was not yet collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _shells_and_starter(process: psutil.Process) -> list[psutil.Process]:
    """Return the parent and, while those are shells, the ones above, ending with the first that is no shell."""
    chain: list[psutil.Process] = []
    for ancestor in process.parents():
        if ancestor.pid <= 1:
            break
        chain.append(ancestor)
        if ancestor.name() not in {"sh", "bash", "dash", "zsh", "cmd.exe"}:
            break
    return chain
