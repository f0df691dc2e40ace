"""Runs of a toy district that write down when they begin and when they are done, for workers to import by name."""

import json
import os
import shutil
import signal
import time

import yaml

from bcopt.compendium.problems import InputError

SWEPT = {"devices.storage.cost": [600, 800, 1000], "weight": [0.0, 0.5]}
FIRST = {"devices.storage.cost": 600, "weight": 0.0}
DEADLY = {"devices.storage.cost": 800, "weight": 0.5}
"""The combination in which workers die."""
NUMBERS = ["cost [yuan/a]", "storage [kWh]"]


def folder_in(place, seconds=0.0, **settings):
    """Make a toy district in a place."""
    folder = place / "toy"
    folder.mkdir(parents=True)
    district = {"name": "Toy", "base": 100, "seconds": seconds, "sweep": SWEPT, **settings}
    (folder / "district.yaml").write_text(yaml.safe_dump(district), encoding="utf-8")
    return folder


def note(folder, event, change):
    """Write one line down, whole."""
    with (folder.parent / "events").open("a", encoding="utf-8") as file:
        file.write(json.dumps([event, change, os.getpid()]) + "\n")


def noted(folder, event):
    """Return the changes of all runs that began or were done, in their order."""
    path = folder.parent / "events"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [change for what, change, _ in map(json.loads, lines) if what == event]


def processes(folder):
    """Return the processes that ran anything."""
    lines = (folder.parent / "events").read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(json.loads(line)[2] for line in lines))


def until(true, seconds=60.0):
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true after {seconds} s")
        time.sleep(0.02)


def kept(folder):
    """Return the changes of all runs that are kept."""
    rows = sorted((folder.parent / "rows").glob("*.json"))
    return [json.loads(row.read_text(encoding="utf-8"))["changes"] for row in rows]


def kept_at_the_kill(folder):
    """Return the changes of all runs that were kept when a worker died."""
    return json.loads((folder.parent / "killed").read_text(encoding="utf-8"))


def plain(folder, change):
    """Answer after some seconds."""
    note(folder, "begun", change)
    settings = yaml.safe_load((folder / "district.yaml").read_text(encoding="utf-8"))
    time.sleep(settings["seconds"])
    cost, weight = change["devices.storage.cost"], change["weight"]
    numbers = {"cost [yuan/a]": settings["base"] + cost * (1 + weight) / 3, "storage [kWh]": 1e6 / cost - 70 * weight}
    note(folder, "done", change)
    return numbers


def infeasible_when_weighted(folder, change):
    if change["weight"]:
        note(folder, "begun", change)
        raise InputError(f"{folder.as_posix()}/district.yaml", [f"weight: too heavy: {change['weight']}"])
    return plain(folder, change)


def first_last(folder, change):
    """Answer the first combination when all others are done."""
    if change == FIRST:
        until(lambda: len(noted(folder, "done")) == 5)
    return plain(folder, change)


def without_rows(folder, change):
    """Answer on a machine that has no folder for what is finished."""
    shutil.rmtree(folder.parent / "rows")
    return plain(folder, change)


def faulty(folder, change):
    raise KeyError(f"a fault of the code: {folder.name}, {change}")


def killed_once(folder, change):
    """Die in the middle of one run, the first time that it is tried."""
    mark = folder.parent / "killed"
    if change == DEADLY and not mark.exists():
        note(folder, "begun", change)
        until(lambda: len(kept(folder)) >= 2)
        mark.write_text(json.dumps(kept(folder)), encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(folder, change)


def killed_always(folder, change):
    """Die in one run, whenever it is tried and all others are kept."""
    if change == DEADLY:
        note(folder, "begun", change)
        until(lambda: len(kept(folder)) == 5)
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(folder, change)


def kills_the_scheduler(folder, change):
    if change == DEADLY:
        os.kill(int((folder.parent / "scheduler").read_text(encoding="utf-8")), signal.SIGKILL)
    return plain(folder, change)


def edits_the_folder(folder, change):
    numbers = plain(folder, change)
    if change == DEADLY:
        (folder / "loads.csv").write_text("hour\n0\n", encoding="utf-8")
    return numbers
