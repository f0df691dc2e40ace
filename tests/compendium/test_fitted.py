"""Fitted values are read under the protocol they were fitted under, or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from bcopt.compendium.files import write_table
from bcopt.compendium.fitted import read_fitted, read_swept, stamped
from bcopt.compendium.inputs import Expected
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import read_protocol

TABLE = "study2020_fits.csv"
STAGE = "study2020-self-optimisation"
EXPECTED = {"load_scale": Expected("1", lower=0.0), "battery": Expected("kWh", ("group",))}
PROTOCOL = """\
study2020:
  choices: {reading: {value: c, reason: as published, alternatives: [a], known_before: true}}
  fits: []
  held_out: {}
"""
TEXT = """\
quantity,group,value,unit,provenance,source,description,protocol
load_scale,,0.1,1,fitted,fit 1,factor on the load,HASH
battery,homes,2.25,kWh,fitted,fit 2,size of a battery,HASH
battery,offices,3,kWh,fitted,fit 2,size of a battery,HASH
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data/derived").mkdir(parents=True)
    (tmp_path / "data/protocol.yaml").write_text(PROTOCOL)
    write(tmp_path, TEXT)
    return tmp_path


def write(root: Path, text: str) -> None:
    (root / "data/derived" / TABLE).write_text(text.replace("HASH", read_protocol(root).sha256))


def refusal(root: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_fitted(TABLE, STAGE, EXPECTED, root)
    assert caught.value.source == f"data/derived/{TABLE}"
    return caught.value


def test_values_with_what_is_known_of_them(root: Path) -> None:
    found = read_fitted(TABLE, STAGE, EXPECTED, root)
    assert set(found.data_vars) == {"load_scale", "battery"}, "the hash is no quantity"
    assert float(found["load_scale"]) == 0.1
    assert found["battery"].sel(group=["offices", "homes"]).to_numpy().tolist() == [3.0, 2.25]
    assert found["battery"].attrs == {
        "units": "kWh",
        "long_name": "size of a battery",
        "provenance": "fitted",
        "source": "fit 2",
    }


def test_missing(root: Path) -> None:
    (root / "data/derived" / TABLE).unlink()
    assert refusal(root).problems == (f"the file does not exist: run `dvc repro`, whose stage {STAGE} writes it",)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("HASH", "0" * 64),
        ("HASH", ""),
        ("HASH", "HASH "),
        ("load,HASH", "load," + "0" * 64),
        ("load,HASH", "load,"),
        (r"HASH\n\Z", "\n"),
        (",protocol\n", ",hash\n"),
        (TEXT[TEXT.index("load_scale") :], ""),
    ],
    ids=[
        "another",
        "none",
        "nearly",
        "another in one row",
        "none in one row",
        "none in the last row",
        "no column",
        "no rows",
    ],
)
def test_another_protocol(root: Path, old: str, new: str) -> None:
    write(root, re.sub(old, new, TEXT))
    (problem,) = refusal(root).problems
    assert problem.startswith("was made under another data/protocol.yaml: ")
    assert problem.endswith(f"run `dvc repro`, whose stage {STAGE} uses the one in force")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("as published", "as printed"),
        lambda text: text + "# a word\n",
        lambda text: text.replace("known_before: true", "known_before: false"),
    ],
)
def test_one_word_makes_another_protocol(root: Path, change) -> None:
    (root / "data/protocol.yaml").write_text(change(PROTOCOL))
    assert "under another" in str(refusal(root))
    write(root, TEXT)
    read_fitted(TABLE, STAGE, EXPECTED, root)


def test_line_ends_make_no_other_protocol(root: Path) -> None:
    (root / "data/protocol.yaml").write_bytes(PROTOCOL.replace("\n", "\r\n").encode())
    read_fitted(TABLE, STAGE, EXPECTED, root)


def test_an_invalid_protocol_is_told_itself(root: Path) -> None:
    (root / "data/protocol.yaml").write_text("study2020: {}\n")
    with pytest.raises(InputError, match=r"^data/protocol\.yaml: 3 problems"):
        read_fitted(TABLE, STAGE, EXPECTED, root)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("0.1", "many", "row 2, column value: 'many' is not a number"),
        ("0.1", "inf", "row 2, column value: inf is not a finite number"),
        ("fitted,fit 1", "turned,fit 1", "row 2, column provenance: 'turned' is none of"),
        ("fit 1", "", "row 2, column source: '' is empty"),
        ("0.1", "-0.1", "load_scale: -0.1 1, expected 0 to inf"),
        (",1,fitted", ",%,fitted", "load_scale: is in '%', expected '1'"),
        ("load_scale,", "lode_scale,", "load_scale: missing"),
        ("load_scale,", "lode_scale,", "lode_scale: unknown, expected one of load_scale, battery"),
        ("battery,offices", "battery,homes", "row 4: a second value of battery at group homes"),
        ("group,value", "cluster,value", "battery: has dims ('cluster',), expected ('group',)"),
        ("quantity,", "name,", "column quantity: missing"),
    ],
)
def test_each_fault(root: Path, old: str, new: str, problem: str) -> None:
    write(root, TEXT.replace(old, new, 1))
    assert any(problem in found for found in refusal(root).problems)


def test_all_faults_at_once(root: Path) -> None:
    write(root, TEXT.replace("0.1", "many").replace("fit 2", ""))
    assert len(refusal(root).problems) == 3


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a\n1,2\n"])
def test_no_table(root: Path, content: bytes) -> None:
    (root / "data/derived" / TABLE).write_bytes(content)
    assert len(refusal(root).problems) == 1


def test_the_order_of_rows_and_columns_is_immaterial(root: Path) -> None:
    path = root / "data/derived" / TABLE
    found = read_fitted(TABLE, STAGE, EXPECTED, root)
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows.iloc[::-1, ::-1].to_csv(path, index=False)
    again = read_fitted(TABLE, STAGE, EXPECTED, root)
    assert again.sel(group=found["group"]).equals(found)


# ---------------------------------------------------------------- what was swept

SWEPT = pd.DataFrame(
    {
        "scenario": ["central", "hours: +1"],
        "cost [yuan]": [26457.5, 1.0],
        "holds": [True, False],
        "missed": ["", "no root"],
        "gap [%]": [float("nan"), 2.0],
    }
)
MADE_WITH = {"tie_rule": "earliest", "ratio": 1.0, "neighbours": True}


def swept(root: Path, table: pd.DataFrame = SWEPT, **changed: object) -> pd.DataFrame:
    write_table(root / "data/derived/study2020_band.csv", stamped(table, root, MADE_WITH))
    return read_swept("study2020_band.csv", "study2020-band", root, tuple(MADE_WITH), MADE_WITH | changed)


def test_a_swept_table_is_read_as_it_was_made(root: Path) -> None:
    pd.testing.assert_frame_equal(swept(root), SWEPT)
    assert swept(root, SWEPT.assign(missed=""))["missed"].tolist() == ["", ""], "texts, though all are empty"


@pytest.mark.parametrize(
    ("changed", "made"), [({"tie_rule": "latest"}, "earliest"), ({"ratio": 0.5}, "1"), ({"neighbours": False}, "True")]
)
def test_other_parameters_are_refused(root: Path, changed: dict[str, object], made: str) -> None:
    ((name, value),) = changed.items()
    with pytest.raises(InputError) as caught:
        swept(root, **changed)
    assert caught.value.source == "data/derived/study2020_band.csv"
    (problem,) = caught.value.problems
    assert (
        problem
        == f"was made with {name} = {made}, not {value}: run `dvc repro study2020-band` with this in params.yaml"
    )


def test_every_other_parameter_is_named_and_unknown_ones_are_not_asked(root: Path) -> None:
    with pytest.raises(InputError) as caught:
        swept(root, tie_rule="latest", ratio=2, seeds=3)
    assert [problem.split()[3] for problem in caught.value.problems] == ["tie_rule", "ratio"]


def test_a_swept_table_that_does_not_say_its_parameters_is_refused(root: Path) -> None:
    write_table(root / "data/derived/study2020_band.csv", stamped(SWEPT, root, {"ratio": 1.0}))
    with pytest.raises(InputError) as caught:
        read_swept("study2020_band.csv", "study2020-band", root, tuple(MADE_WITH), MADE_WITH)
    assert [problem.split()[4] for problem in caught.value.problems] == ["tie_rule", "neighbours"]


def test_every_row_says_its_parameters(root: Path) -> None:
    mixed = stamped(SWEPT, root, MADE_WITH).assign(tie_rule=["earliest", "latest"])
    write_table(root / "data/derived/study2020_band.csv", mixed)
    with pytest.raises(InputError, match="was made with tie_rule = latest, not earliest"):
        read_swept("study2020_band.csv", "study2020-band", root, tuple(MADE_WITH), MADE_WITH)


def test_a_swept_table_of_another_protocol_or_none_is_refused(root: Path) -> None:
    swept(root)
    text = (root / "data/protocol.yaml").read_text()
    (root / "data/protocol.yaml").write_text(text.replace("as published", "as decided"))
    with pytest.raises(InputError, match=r"another data/protocol\.yaml: run `dvc repro`, whose stage study2020-band"):
        read_swept("study2020_band.csv", "study2020-band", root, (), {})
    with pytest.raises(InputError, match="does not exist: run `dvc repro`, whose stage study2020-band writes it"):
        read_swept("other.csv", "study2020-band", root, (), {})
