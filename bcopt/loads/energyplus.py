"""EnergyPlus, run in a process of its own: text in, hourly series by zone and meter out, errors as exceptions."""

from __future__ import annotations

import importlib.util
import re
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bcopt.compendium.hourly import clock_hour
from bcopt.compendium.lifeline import bound

HOURS_OF_YEAR = 8760
JOULE_PER_KWH = 3.6e6

# Its own process: a crash of the library ends the child and becomes an error here, and runs share no state.
_CHILD = """
import sys
from pyenergyplus.api import EnergyPlusAPI
api = EnergyPlusAPI()
state = api.state_manager.new_state()
api.runtime.set_console_output_status(state, False)
sys.exit(api.runtime.run_energyplus(state, sys.argv[1:]))
"""
# Of all the files only the database (the sixth); the error file is always written.
_FILES = "OutputControl:Files, No, No, No, No, No, Yes, No, No;\n\nOutput:SQLite, Simple;"
_REMEDY = (
    "there are wheels of it for Linux x86-64, Windows and Apple silicon: `make -B environment` installs it anew; "
    "the simulated loads that are committed, data/derived/loads.nc, are read without it"
)
_MESSAGE = re.compile(r"^ *\** *\*\* *(Warning|Severe|Fatal) *\*\* *(.*)$")
_CONTINUED = re.compile(r"^ *\** *\*\* *~~~ *\*\* *(.*)$")


class EnergyPlusError(RuntimeError):
    """EnergyPlus found a severe or fatal fault, did not finish, or is not installed.

    Parameters
    ----------
    name : str
        What was simulated.
    messages : sequence of str
        EnergyPlus's own words, which name the offending object.
    """

    def __init__(self, name: str, messages: Sequence[str]) -> None:
        self.name = name
        self.messages = tuple(messages)
        super().__init__("\n  - ".join([f"{name}: EnergyPlus failed", *self.messages]))


@dataclass(frozen=True)
class Run:
    """What a finished simulation leaves.

    Parameters
    ----------
    variables : dict of str to xr.DataArray
        For each output variable its hourly series, dims (hour, key): sums in kWh, that is kW over the hour, averages in
        the variable's own unit. The key is EnergyPlus's, in capitals: a zone, a system, an object.
    meters : dict of str to xr.DataArray
        For each meter its hourly series [kW], dims (hour).
    warnings : tuple of str
        EnergyPlus's warnings, each once as it was written.
    """

    variables: dict[str, xr.DataArray]
    meters: dict[str, xr.DataArray]
    warnings: tuple[str, ...]


def simulate(idf: str, weather: Path, name: str, variables: Sequence[str], meters: Sequence[str]) -> Run:
    """Run EnergyPlus over the year of a weather file.

    Parameters
    ----------
    idf : str
        The model, without objects that would have to be expanded, and without outputs.
    weather : Path
        EPW file of 8,760 hours.
    name : str
        What is simulated, to be named in errors.
    variables, meters : sequence of str
        What to report, by EnergyPlus's names.

    Returns
    -------
    Run
        Hour 0 is the first hour of the year, from midnight to one: EnergyPlus's hour 1, which ends at one.

    Raises
    ------
    EnergyPlusError
        If EnergyPlus reports a severe or fatal fault or ends early, with its messages; if a series asked for was not
        reported or not for every hour of the year; if there is no such weather file, or no EnergyPlus for this machine.
    """
    require_energyplus(name)
    if not weather.is_file():
        raise EnergyPlusError(name, [f"weather file {weather} does not exist"])
    with tempfile.TemporaryDirectory(prefix="bcopt-energyplus-") as folder:
        source = Path(folder) / "in.idf"
        source.write_text("\n\n".join([idf, _FILES, *_requests(variables, meters)]), encoding="utf-8")
        command = bound(_CHILD, "-d", folder, "-w", str(weather.resolve()), str(source))
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)  # noqa: S603 (our own child)
        warnings, faults = read_messages(Path(folder) / "eplusout.err")
        if faults or done.returncode != 0:
            killed = ", killed, perhaps for want of memory" if done.returncode == -signal.SIGKILL else ""
            raise EnergyPlusError(
                name, faults or [f"ended with exit code {done.returncode}{killed}: {done.stderr.strip()[-500:]}"]
            )
        found, metered = _read_series(Path(folder) / "eplusout.sql", name)
    missing = [
        wanted for wanted, have in ((variables, found), (meters, metered)) for wanted in wanted if wanted not in have
    ]
    if missing:
        raise EnergyPlusError(name, [f"reported no {series}: nothing in the model produces it" for series in missing])
    return Run(found, metered, tuple(dict.fromkeys(warnings)))


def require_energyplus(name: str) -> None:
    """Refuse to begin where EnergyPlus cannot be loaded.

    Parameters
    ----------
    name : str
        What is to be simulated, named in the error.

    Raises
    ------
    EnergyPlusError
        Saying why, where EnergyPlus can be installed and how, and what can be done without.
    """
    if fault := _fault():
        raise EnergyPlusError(name, [fault, _REMEDY])


@lru_cache(maxsize=1)
def _fault() -> str:
    """Return why EnergyPlus cannot be loaded, found in a process of its own; nothing if it can."""
    if importlib.util.find_spec("pyenergyplus") is None:
        return "its library pyenergyplus-lbnl is not installed"
    command = bound("from pyenergyplus.api import EnergyPlusAPI\nEnergyPlusAPI()")
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own child)
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    return f"its library pyenergyplus-lbnl cannot be loaded ({said[0]})"


def read_messages(path: Path) -> tuple[list[str], list[str]]:
    """Return the warnings and the severe and fatal faults of an EnergyPlus error file, continuation lines joined."""
    if not path.is_file():
        return [], []
    warnings: list[str] = []
    faults: list[str] = []
    into: list[str] | None = None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if message := _MESSAGE.match(line):
            into = warnings if message[1] == "Warning" else faults
            into.append(message[2].strip())
        elif (more := _CONTINUED.match(line)) and into:
            into[-1] = f"{into[-1]} {more[1].strip()}"
    return warnings, faults


def _requests(variables: Sequence[str], meters: Sequence[str]) -> list[str]:
    return [f"Output:Variable,*,{name},Hourly;" for name in variables] + [
        f"Output:Meter,{name},Hourly;" for name in meters
    ]


def _hours(connection: sqlite3.Connection) -> npt.NDArray[np.int64]:
    """Return the hours of the year that EnergyPlus's labels mean, each the hour that ends at its label."""
    asked = "SELECT Month, Day, Hour FROM Time WHERE TimeIndex IN (SELECT TimeIndex FROM ReportData) ORDER BY TimeIndex"
    labels = pd.read_sql_query(asked, connection)
    dates = pd.to_datetime(labels[["Month", "Day"]].assign(Year=2001)).dt.day_of_year.to_numpy()  # a common year
    hours: npt.NDArray[np.int64] = 24 * (dates - 1) + clock_hour(labels["Hour"].to_numpy(), "ends")
    return hours


def _read_series(path: Path, name: str) -> tuple[dict[str, xr.DataArray], dict[str, xr.DataArray]]:
    """Return output variables, dims (hour, key), and meters, dims (hour), of EnergyPlus's SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        series = pd.read_sql_query(
            "SELECT ReportDataDictionaryIndex AS id, IsMeter AS meter, Name AS name, KeyValue AS key, Units AS units "
            "FROM ReportDataDictionary ORDER BY id",
            connection,
        )
        values = np.asarray(
            connection.execute("SELECT Value FROM ReportData ORDER BY ReportDataDictionaryIndex, TimeIndex").fetchall()
        )
        hours = _hours(connection)
    if values.size != len(series) * HOURS_OF_YEAR or not np.array_equal(hours, np.arange(HOURS_OF_YEAR)):
        counts = f"{values.size} values of {len(series)} series"
        raise EnergyPlusError(name, [f"reported {counts}, expected the {HOURS_OF_YEAR} hours of a year of each"])
    table = values.reshape(len(series), HOURS_OF_YEAR)
    table[series["units"].to_numpy() == "J"] /= JOULE_PER_KWH
    variables = {}
    for variable, rows in series[series["meter"] == 0].groupby("name", sort=True):
        units = "kW" if rows["units"].iloc[0] == "J" else rows["units"].iloc[0]
        variables[str(variable)] = xr.DataArray(
            table[rows.index].T,
            dims=("hour", "key"),
            coords={"hour": hours, "key": rows["key"].tolist()},
            attrs={"units": units},
        )
    metered = {
        str(found): xr.DataArray(row, dims="hour", coords={"hour": hours}, attrs={"units": "kW"})
        for found, meter, row in zip(series["name"], series["meter"], table, strict=True)
        if meter
    }
    return variables, metered
