"""Copies of districts/millbrook with some of their text changed, and where things stand in them."""

import re
import shutil

from checkout import ROOT

MILLBROOK = ROOT / "districts" / "millbrook"
YAML, LOADS, SUN, PRICES, WEATHER = "district.yaml", "loads.csv", "photovoltaics.csv", "prices.csv", "town.epw"
FILES = (YAML, LOADS, SUN)


def copied(parent, *edits):
    """Copy the folder and edit it.

    An edit is a file and all its new content, none to take it away; or a file, a part that is there once and a new one.
    """
    folder = parent / "millbrook"
    folder.mkdir(parents=True)
    for file in FILES:
        shutil.copy(MILLBROOK / file, folder / file)
    for file, *change in edits:
        path = folder / file
        if len(change) == 2:
            old, new = change
            text = path.read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
            path.write_text(text.replace(old, new), encoding="utf-8")
        elif change[0] is None:
            path.unlink()
        elif isinstance(change[0], bytes):
            path.write_bytes(change[0])
        else:
            path.write_text(change[0], encoding="utf-8")
    return folder


def line_of(path, part):
    """Return the line, from 1, on which a part of a text begins that is there once."""
    text = path.read_text(encoding="utf-8-sig")
    assert text.count(part) == 1, f"{part!r} stands {text.count(part)} times in {path.name}"
    return text[: text.index(part)].count("\n") + 1


def hours(column, value, length=24):
    """Return a table of one column."""
    return f"hour,{column}\n" + "".join(f"{hour},{value}\n" for hour in range(length))


def original(file):
    return (MILLBROOK / file).read_text(encoding="utf-8")


def part(file, pattern):
    """Return the part of a file of the folder that a pattern finds first."""
    return re.search(pattern, original(file), re.DOTALL | re.MULTILINE)[0]
