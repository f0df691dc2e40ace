"""Districts from the command line: ``python -m bcopt.districts sweep districts/NAME``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bcopt import districts
from bcopt.compendium import figures
from bcopt.compendium.files import write_bytes, write_table
from bcopt.districts.sweep import PROBLEM, rows_folder
from bcopt.districts.sweep_figures import parallel_coordinates

Command = Callable[[argparse.Namespace], None]
"""Does what was asked for, with the arguments of its own."""


def sweep(given: argparse.Namespace) -> None:
    """Run a sweep and write its table and figure beside the other results of the district."""
    results = rows_folder(given.folder).parent
    swept = list(districts.read(given.folder).sweep)
    table = districts.sweep(given.folder, given.address, given.workers)
    write_table(results / "sweep.csv", table)
    answered = int((table[PROBLEM] == "").sum())
    if answered:
        write_bytes(results / "sweep.svg", figures.rendered(parallel_coordinates(table, swept), "svg"))
    sys.stdout.write(f"{given.folder.name}: {answered} of {len(table)} runs have an answer: {results / 'sweep.csv'}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one command and return 0, or 1 with what is wrong on the error stream."""
    parser = argparse.ArgumentParser(prog="python -m bcopt.districts", description="Districts of one's own.")
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("sweep", help="run all combinations of what district.yaml lists under sweep:")
    command.add_argument("folder", type=Path, help="the district, such as districts/millbrook")
    place = command.add_mutually_exclusive_group()
    place.add_argument("--workers", type=int, help="processes on this machine; as many as processors by default")
    place.add_argument("--address", help="of a Dask scheduler to run there instead, such as tcp://127.0.0.1:8786")
    command.set_defaults(command=sweep)
    given = parser.parse_args(arguments)
    run: Command = given.command
    try:
        run(given)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; what was finished before is kept: start again to go on\n")
        return 1
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
