"""Results are rounded, written whole or not at all, and the same bytes for the same numbers."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from bcopt.compendium import files

# netCDF4 is compiled against headers of a newer numpy, whose array struct is opaque; numpy itself declares this warning
# harmless, but pytest's "error" overrides numpy's own filter.
pytestmark = pytest.mark.filterwarnings("ignore:numpy.ndarray size changed:RuntimeWarning")
WRITER = """\
import sys, pathlib, numpy as np, pandas as pd, xarray as xr
from bcopt.compendium import files
folder = pathlib.Path(sys.argv[1])
values = 1 / np.arange(1.0, 7.0).reshape(3, 2)
dataset = xr.Dataset(
    {"cost": (("hour", "plan"), values, {"units": "yuan"}), "n": ("hour", [1, 2, 3]), "scalar": 1 / 3},
    {"hour": [0, 1, 2], "plan": ["a", "b"], "weight": ("hour", [0.1, 1 / 3, 1.0])},
    {"title": "test"},
)
files.write_dataset(folder / "x.nc", dataset)
files.write_table(folder / "x.csv", pd.DataFrame({"name": ["ä", "b"], "value": [1 / 3, np.nan], "n": [1, 2]}))
files.write_json(folder / "x.json", {"ä": [1, 0.5], "b": None})
"""
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, st.integers(1, 15))
def test_relative_error_and_idempotence(x: float, digits: int) -> None:
    once = float(files.round_significant(x, digits))
    if not math.isinf(once):  # the largest doubles may round up beyond the range
        assert abs(once - x) <= abs(x) * 0.5 * 10.0 ** (1 - digits) * (1 + 1e-9) + 5e-324
        assert float(files.round_significant(once, digits)) == once
        assert float(f"{once:.{digits}g}") == once


@given(finite.filter(lambda x: abs(x) > 1e-300))
def test_nine_digits(x: float) -> None:
    assert abs(float(files.round_significant(x)) - x) <= 5e-9 * abs(x)
    assert float(files.round_significant(-x)) == -float(files.round_significant(x))


def test_special_values_and_shape() -> None:
    found = files.round_significant([[-0.0, np.nan], [np.inf, -np.inf]])
    assert found.shape == (2, 2)
    assert math.copysign(1, found[0, 0]) == 1, "no minus before a zero"
    assert np.isnan(found[0, 1])
    assert found[1].tolist() == [np.inf, -np.inf]
    assert files.round_significant(2).shape == ()
    assert files.round_significant([]).size == 0


def test_rounded_copies_leave_the_original_alone() -> None:
    dataset = xr.Dataset({"a": ("x", [1 / 3], {"units": "kW"})}, {"x": [1 / 7]}, {"title": "t"})
    rounded = files.rounded_dataset(dataset)
    assert rounded["a"].item() == 0.333333333
    assert rounded["x"].item() == 0.142857143
    assert rounded["a"].attrs == {"units": "kW"}
    assert rounded.attrs == {"title": "t"}
    assert dataset["a"].item() == 1 / 3
    assert dataset["x"].item() == 1 / 7
    table = pd.DataFrame({"a": [1 / 3], "n": [10**12], "s": ["x"]})
    assert files.rounded_table(table).to_dict("records") == [{"a": 0.333333333, "n": 10**12, "s": "x"}]
    assert table["a"].item() == 1 / 3


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_writer_that_raises_changes_nothing(tmp_path: Path, old: bytes | None) -> None:
    path = tmp_path / "x.csv"
    if old is not None:
        path.write_bytes(old)
    before = listing(tmp_path)

    def half(beside: Path) -> None:
        beside.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.replace(path, half)
    assert listing(tmp_path) == before


def test_a_writer_that_is_interrupted_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")

    def interrupted(beside: Path) -> None:
        beside.touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.replace(tmp_path / "x", interrupted)
    assert listing(tmp_path) == {"x": b"old"}


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/x"
    files.write_bytes(path, b"old")
    names = set()

    def write(beside: Path) -> None:
        assert path.read_bytes() == b"old"
        assert beside.parent == path.parent, "a rename must not cross file systems"
        names.add(beside.name)
        beside.write_bytes(b"new")

    files.replace(path, write)
    files.replace(path, write) if path.write_bytes(b"old") else None
    assert listing(path.parent) == {"x": b"new"}
    assert len(names) == 2, "no name twice"


@pytest.mark.slow
def test_same_bytes_twice_and_in_two_processes(tmp_path: Path) -> None:
    started = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        started.append(subprocess.Popen([sys.executable, "-c", WRITER, tmp_path / name]))
    assert [process.wait(60) for process in started] == [0, 0]
    assert listing(tmp_path / "one") == listing(tmp_path / "two")
    read = xr.load_dataset(tmp_path / "one/x.nc")
    files.write_dataset(tmp_path / "again.nc", read)
    third = xr.load_dataset(tmp_path / "again.nc")
    xr.testing.assert_identical(read, third)
    assert read["cost"].to_numpy().tolist() == files.round_significant(1 / np.arange(1.0, 7.0).reshape(3, 2)).tolist()
    assert read["weight"].to_numpy().tolist() == [0.1, 0.333333333, 1.0]
    assert read["cost"].attrs == {"units": "yuan"}
    assert read.attrs == {"title": "test"}
    assert (tmp_path / "one/x.csv").read_bytes() == "name,value,n\nä,0.333333333,1\nb,,2\n".encode()
    assert (tmp_path / "one/x.json").read_bytes().endswith(b"}\n")
    assert json.loads((tmp_path / "one/x.json").read_text(encoding="utf-8")) == {"ä": [1, 0.5], "b": None}


def test_numbers_beside_texts_are_rounded_too(tmp_path: Path) -> None:
    """A column of numbers and texts has dtype object, which pandas writes to the last bit."""
    files.write_table(tmp_path / "x.csv", pd.DataFrame({"value": [1 / 3, "none"]}))
    assert (tmp_path / "x.csv").read_text() == "value\n0.333333333\nnone\n"


def test_numbers_in_json_are_rounded_too(tmp_path: Path) -> None:
    files.write_json(tmp_path / "x.json", {"a": {"b": [1 / 3, 2]}})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": {"b": [0.333333333, 2]}}


@pytest.mark.parametrize("content", [{1, 2}, {"a": Path()}])
def test_json_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, content: object) -> None:
    files.write_json(tmp_path / "x.json", 1)
    with pytest.raises(TypeError):
        files.write_json(tmp_path / "x.json", content)
    assert listing(tmp_path) == {"x.json": b"1\n"}
