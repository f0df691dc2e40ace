"""A stage must not outlive the pipeline that started it, nor its processes the stage: an orphan could write later."""

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
    starter : int, optional
        Who started this process, where that is known: whoever else is its parent now has only adopted it.
    """

    def __init__(self, interval: float = 0.5, starter: int | None = None) -> None:
        told = starter is not None and sys.platform != "win32"  # where a launcher stands between, and handles for ids
        self._adopted = os.getppid() != starter if told else _adopted_from_dvc()
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
        if self._adopted or not all(_alive(ancestor) for ancestor in self._ancestors):
            os.kill(os.getpid(), signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)

    def _watch(self) -> None:
        while True:
            self.check()
            time.sleep(self._interval)


def bound(code: str, *arguments: str) -> list[str]:
    """Return the command of a Python process that ends when the calling one does, however that ends.

    Parameters
    ----------
    code : str
        What it runs; it imports what it needs.
    *arguments : str
        For ``sys.argv``.
    """
    hold = f"import runpy\nrunpy.run_path({__file__!r})['Lifeline'](starter={os.getpid()}).hold()\n"
    return [sys.executable, "-c", hold + code, *arguments]


def load_ipython_extension(_: object) -> None:
    """Bind a kernel to the stage that started it, as an extension of IPython.

    The kernel's own watch takes whoever adopted it for its starter if that one was gone before it began.
    """
    Lifeline(starter=int(os.environ["JPY_PARENT_PID"])).hold()


def _adopted_from_dvc() -> bool:
    """Return whether DVC started this process and was gone before the first look.

    DVC runs a stage in its own process group; who adopts orphans is in another.
    """
    if "DVC_STAGE" not in os.environ or sys.platform == "win32":
        return False
    try:
        return os.getpgid(os.getppid()) != os.getpgrp()
    except ProcessLookupError:
        return True


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
