"""Notes what each Python process of a run unpickles and whom it calls, a JSON line each, in the file WATCHED_LOG.

With this folder on PYTHONPATH each interpreter imports it before anything else, those that others start as well.
"""

import functools
import ipaddress
import json
import os
import pickle
import stat
import sys
from pathlib import Path

LOG = os.environ.get("WATCHED_LOG")
ADDRESSED = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}
"""Events that carry an address, and where."""
NAMED = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")
"""Events that begin with a host."""


def note(**what):
    line = json.dumps({"program": getattr(sys, "argv", [])[:3], "process": os.getpid(), **what}, default=str)
    with Path(LOG).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def is_local(host):
    """Return whether a host is this machine's loopback, by number or by name."""
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host if isinstance(host, str) else host.decode()).is_loopback
    except ValueError:
        return False


def listen(event, arguments):
    if event in ADDRESSED and isinstance(arguments[ADDRESSED[event]], tuple):
        host = arguments[ADDRESSED[event]][0]
    elif event in NAMED:
        host = arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
    elif event == "subprocess.Popen" and "daemon" in arguments[1]:
        return note(event="daemon", command=arguments[1])  # of DVC, which runs without this watcher
    else:
        return None
    return None if is_local(host) else note(event=event, host=host)


def source(file):
    """Return the path of a regular file that is open, or what else something is read from."""
    try:
        number = file.fileno()
    except (AttributeError, OSError):
        return "memory"
    mode = os.fstat(number).st_mode
    return str(getattr(file, "name", number)) if stat.S_ISREG(mode) else "pipe"


def reader():
    """Return the module that asked for an unpickling."""
    frame = sys._getframe(2)
    while frame and frame.f_globals.get("__name__") in (__name__, "functools", "pickle"):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "") if frame else ""


def unpickle(original, given, *arguments, **options):
    note(event="unpickle", reader=reader(), source=source(given))
    return original(given, *arguments, **options)


class Unpickler(pickle.Unpickler):
    def __init__(self, file, *arguments, **options):
        note(event="unpickle", reader=reader(), source=source(file))
        super().__init__(file, *arguments, **options)


if LOG:
    pickle.load, pickle.loads = (functools.partial(unpickle, original) for original in (pickle.load, pickle.loads))
    pickle.Unpickler = Unpickler
    sys.addaudithook(listen)
