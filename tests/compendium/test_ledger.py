"""The ledger: every claim is there, judged by its class, and nothing decides but what was fixed before."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcopt.compendium import ledger
from bcopt.compendium.ledger import CLASSES, VERDICTS, Outcome, assemble, coverage, judge, printed_number, read_claims
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import Protocol

CHECKOUT = Path(__file__).parents[2]
ROWS = """\
id,paper,locator,statement,printed,unit,class,basis,correction
S-1-identity,study2020,s 1,a cost,"3,310,354.42",yuan,identity,,
S-1-fit,study2020,s 1,a share,14.39,%,fit,,
S-1-closure,study2020,s 1,a sum,100,%,closure,,
S-1-input,study2020,s 1,a rate,0.10,1,input,,
S-1-imposed,study2020,s 1,an order,true,,input,,
S-1-absolute,study2020,s 1,a peak,50,kW,held-out,,
S-1-relative,study2020,s 1,a peak,-200,kW,held-out,,
S-1-loose,study2020,s 1,a peak,50,kW,held-out,,
S-1-statement,study2020,s 1,it falls,true,,qualitative,,
S-1-count,study2020,s 1,it settles,60,iteration,qualitative,,
S-1-probable,study2020,s 1,same minimiser,true,,qualitative,,
S-1-follows,study2020,s 1,it follows,true,,closure,,
S-1-unpublished,study2020,s 1,a table,,,unpublished,,
S-1-blank,study2020,s 1,a total,,kWh,fit,,
"""


def rule(tolerance: float, kind: str) -> dict[str, Any]:
    return {"tolerance": tolerance, "kind": kind, "reason": "fixed before", "known_before": False}


def step(order: int, knob: str, *targets: str) -> dict[str, Any]:
    return {"order": order, "knob": knob, "targets": targets, "method": "root finding"}


PROTOCOL = Protocol.model_validate(
    {
        "sha256": "a" * 64,
        "studies": {
            "study2020": {
                "choices": {},
                "fits": [step(1, "load scale", "S-1-fit"), step(2, "size", "S-1-blank")],
                "held_out": {
                    "S-1-absolute": rule(2.5, "absolute"),
                    "S-1-relative": rule(0.1, "relative"),
                    "S-1-probable": rule(0.5, "probability at least"),
                },
            }
        },
    }
)
OTHER = PROTOCOL.model_copy(update={"sha256": "b" * 64})


def write(root: Path, text: str) -> Path:
    path = root / ledger.CLAIMS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def claims(tmp_path: Path) -> pd.DataFrame:
    return read_claims(write(tmp_path, ROWS))


def row(claims: pd.DataFrame, name: str, outcome: Outcome, **deviations: Any) -> dict[str, Any]:
    (found,) = judge(claims, {f"S-1-{name}": outcome}, PROTOCOL, "study2020/x", deviations).to_dict("records")
    return found


# ---- printed numbers


@pytest.mark.parametrize(
    ("printed", "number", "half"),
    [
        ("3,310,354.42", 3310354.42, 0.005),
        ("26,457", 26457.0, 0.5),
        ("0", 0.0, 0.5),
        ("71.20", 71.2, 0.005),
        ("-1.5", -1.5, 0.05),
        ("5.", 5.0, 0.5),
    ],
)
def test_printed_number(printed: str, number: float, half: float) -> None:
    assert printed_number(printed) == (number, half)


@given(st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_printed_number_round_trips(digits: int, decimals: int) -> None:
    value = digits / 10**decimals
    number, half = printed_number(f"{value:,.{decimals}f}")
    assert number == value
    assert half == 0.5 * 10.0**-decimals
    assert printed_number(f"{value:.{decimals}f}") == (number, half)


# ---- verdicts, class by class


@pytest.mark.parametrize(
    ("name", "value", "verdict", "tolerance"),
    [
        ("identity", 3310354.42, "reproduced", "0.005"),
        ("identity", 3310354.425, "reproduced", "0.005"),
        ("identity", 3310354.415, "reproduced", "0.005"),
        ("identity", 3310354.42501, "missed", "0.005"),
        ("identity", 3310354.41499, "missed", "0.005"),
        ("fit", 14.385, "reproduced", "0.005"),
        ("fit", 14.395, "reproduced", "0.005"),
        ("fit", 14.395 + 1e-12, "missed", "0.005"),
        ("fit", 14.385 - 1e-12, "missed", "0.005"),
        ("closure", 100.5, "reproduced", "0.5"),
        ("closure", 99.5 - 1e-9, "missed", "0.5"),
        ("input", 0.1, "used as input", "0.005"),
        ("input", 0.11, "missed", "0.005"),
        ("absolute", 52.5, "within tolerance", "2.5"),
        ("absolute", 47.5, "within tolerance", "2.5"),
        ("absolute", 52.5 + 1e-9, "missed", "2.5"),
        ("relative", -220.0, "within tolerance", "20"),
        ("relative", -180.0, "within tolerance", "20"),
        ("relative", -179.999, "missed", "20"),
        ("relative", 200.0, "missed", "20"),
        ("closure", np.float64(100), "reproduced", "0.5"),
        ("closure", 100, "reproduced", "0.5"),
    ],
)
def test_numbers(claims: pd.DataFrame, name: str, value: float, verdict: str, tolerance: str) -> None:
    found = row(claims, name, Outcome(value, "how", (1.0, 2.0)))
    assert (found["verdict"], found["tolerance"]) == (verdict, tolerance)
    assert float(found["reproduced"]) == pytest.approx(value, rel=1e-8)
    assert float(found["deviation"]) == pytest.approx(value - printed_number(found["printed"])[0], rel=0.05, abs=5e-3)
    assert (found["note"], found["band"], found["notebook"]) == ("how", "1 to 2", "study2020/x")
    assert found["protocol"] == PROTOCOL.sha256


@given(st.integers(0, 10**7), st.integers(0, 4), st.integers(-2000, 2000))
def test_a_value_is_reproduced_where_it_rounds_to_the_print(digits: int, decimals: int, offset: int) -> None:
    """Offsets are thousandths of the last digit, so that a miss is never a matter of the last bit."""
    printed = f"{digits / 10**decimals:,.{decimals}f}"
    claim = {"id": "S-1", "printed": printed, "class": "fit"}
    value = (digits + offset / 1000) / 10**decimals
    verdict = ledger._judge_number(claim, value, None)["verdict"]
    assert verdict == ("reproduced" if abs(offset) <= 500 else "missed")


def test_the_band_decides_nothing(claims: pd.DataFrame) -> None:
    assert row(claims, "absolute", Outcome(60.0, band=(50.0, 60.0)))["verdict"] == "missed"
    assert row(claims, "absolute", Outcome(50.0, band=(80.0, 90.0)))["verdict"] == "within tolerance"


@pytest.mark.parametrize("name", ["statement", "count", "follows"])
@pytest.mark.parametrize(("value", "verdict"), [(True, "reproduced"), (False, "missed"), (np.True_, "reproduced")])
def test_statements(claims: pd.DataFrame, name: str, value: bool, verdict: str) -> None:
    found = row(claims, name, Outcome(value))
    assert (found["verdict"], found["reproduced"], found["deviation"]) == (verdict, str(bool(value)).lower(), "")


def test_an_imposed_statement_is_no_evidence(claims: pd.DataFrame) -> None:
    """A published statement used as a constraint is an input like a published number."""
    assert row(claims, "imposed", Outcome(True))["verdict"] == "used as input"
    assert row(claims, "imposed", Outcome(False))["verdict"] == "missed"


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.5, "reproduced"), (1, "reproduced"), (0.4999, "missed"), (0, "missed")]
)
def test_probability(claims: pd.DataFrame, value: float, verdict: str) -> None:
    found = row(claims, "probable", Outcome(value))
    assert (found["verdict"], found["tolerance"]) == (verdict, "probability >= 0.5")


@pytest.mark.parametrize("name", ["unpublished", "blank"])
@pytest.mark.parametrize(("value", "text"), [(None, ""), (12.5, "12.5"), (True, "true")])
def test_nothing_printed(claims: pd.DataFrame, name: str, value: float | None, text: str) -> None:
    found = row(claims, name, Outcome(value, "how"))
    assert (found["verdict"], found["reproduced"], found["note"]) == ("nothing printed", text, "how")


@pytest.mark.parametrize("name", ["identity", "fit", "absolute", "statement", "probable"])
def test_contradiction_needs_no_value(claims: pd.DataFrame, name: str) -> None:
    found = row(claims, name, Outcome(None, "a note", contradiction="by dominance"))
    assert (found["verdict"], found["reproduced"]) == ("contradicted", "")
    assert "by dominance" in found["note"]


def test_contradiction_keeps_what_was_computed(claims: pd.DataFrame) -> None:
    found = row(claims, "identity", Outcome(1.5, "a note", contradiction="by dominance"))
    assert found["reproduced"] == "1.5"
    assert "a note" in found["note"]


@pytest.mark.parametrize("name", ["absolute", "relative", "statement", "count", "probable"])
@pytest.mark.parametrize("contradiction", ["", "by dominance"])
def test_only_the_central_variant_decides(claims: pd.DataFrame, name: str, contradiction: str) -> None:
    found = row(claims, name, Outcome(True, contradiction=contradiction), reading="b", weight=0.5)
    assert (found["verdict"], found["reproduced"], found["deviation"]) == ("not attempted", "", "")
    assert found["note"] == "not the protocol's central variant: reading = b, weight = 0.5"


def test_other_classes_are_judged_under_any_variant(claims: pd.DataFrame) -> None:
    assert row(claims, "identity", Outcome(3310354.42), reading="b")["verdict"] == "reproduced"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("identity", None),
        ("identity", True),
        ("identity", np.True_),
        ("identity", math.nan),
        ("identity", math.inf),
        ("absolute", None),
        ("absolute", np.False_),
        ("statement", 1.0),
        ("statement", None),
        ("statement", "true"),
        ("count", 60.0),
        ("probable", True),
        ("probable", np.True_),
        ("probable", None),
        ("probable", 1.01),
        ("probable", -0.01),
        ("probable", math.nan),
    ],
)
def test_wrong_kinds(claims: pd.DataFrame, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"S-1-{name}: is "):
        row(claims, name, Outcome(value))


def test_held_out_without_a_tolerance(claims: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="S-1-loose: a held-out row needs its tolerance"):
        row(claims, "loose", Outcome(50.0))


def test_a_fit_without_a_step(claims: pd.DataFrame) -> None:
    """Whatever came of it: what no step of the protocol aims at was no target when the knobs were turned."""
    aimless = PROTOCOL.model_copy(
        update={"studies": {"study2020": PROTOCOL["study2020"].model_copy(update={"fits": ()})}}
    )
    for name, outcome in [
        ("fit", Outcome(14.39)),
        ("fit", Outcome(1.0, "a note")),
        ("fit", Outcome(None, contradiction="by dominance")),
        ("blank", Outcome(None)),
    ]:
        for deviations in ({}, {"reading": "b"}):
            with pytest.raises(ValueError, match=f"S-1-{name}: a fit needs its step in data/protocol.yaml"):
                judge(claims, {f"S-1-{name}": outcome}, aimless, "x", deviations)
            assert len(judge(claims, {f"S-1-{name}": outcome}, PROTOCOL, "x", deviations)) == 1


def test_all_that_is_undecided_at_once(claims: pd.DataFrame) -> None:
    """Steps of one claim are no steps of another, and a tolerance is no step."""
    other = step(1, "load scale", "S-1-closure")
    loose = rule(0.1, "relative")
    study = {"choices": {}, "fits": [other], "held_out": {"S-1-fit": loose, "S-1-relative": loose}}
    protocol = Protocol.model_validate({"sha256": "a", "studies": {"study2020": study}})
    outcomes = {f"S-1-{name}": Outcome(1.0) for name in ("loose", "fit", "blank", "closure", "relative", "identity")}
    with pytest.raises(ValueError, match="step") as caught:
        judge(claims, outcomes, protocol, "x", {})
    assert [fault.partition(":")[0] for fault in str(caught.value).split("; ")] == ["S-1-fit", "S-1-loose", "S-1-blank"]


def test_a_fit_names_its_step_and_knob(claims: pd.DataFrame) -> None:
    assert row(claims, "fit", Outcome(14.39))["note"] == "fit 1, knob: load scale"
    assert row(claims, "blank", Outcome(12.5))["note"] == "fit 2, knob: size"
    assert row(claims, "fit", Outcome(14.39, "one of two roots"))["note"] == "one of two roots"
    contradicted = row(claims, "fit", Outcome(None, contradiction="by dominance"))["note"]
    assert contradicted == "fit 1, knob: load scale; by dominance"
    assert row(claims, "closure", Outcome(100.0))["note"] == ""


def test_a_number_is_not_decided_by_a_probability(claims: pd.DataFrame) -> None:
    loose = Protocol.model_validate(
        PROTOCOL.model_dump()
        | {
            "studies": {
                "study2020": {"choices": {}, "fits": [], "held_out": {"S-1-loose": rule(0.5, "probability at least")}}
            }
        }
    )
    with pytest.raises(ValueError, match="S-1-loose"):
        judge(claims, {"S-1-loose": Outcome(50.0)}, loose, "x", {})


def test_unknown_ids(claims: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"x: no claim S-9, S-8 in data/published/claims\.csv"):
        judge(claims, {"S-9": Outcome(1.0), "S-1-fit": Outcome(1.0), "S-8": Outcome(1.0)}, PROTOCOL, "x", {})


def test_rows_are_in_the_order_of_the_claims(claims: pd.DataFrame) -> None:
    found = judge(claims, {"S-1-closure": Outcome(1.0), "S-1-fit": Outcome(1.0)}, PROTOCOL, "x", {})
    assert found["id"].tolist() == ["S-1-fit", "S-1-closure"]
    assert found.columns.tolist() == [*ledger.COLUMNS, "protocol"]
    assert judge(claims, {}, PROTOCOL, "x", {}).columns.tolist() == [*ledger.COLUMNS, "protocol"]


# ---- the whole ledger


def fragment(
    claims: pd.DataFrame, *names: str, notebook: str = "study2020/x", protocol: Protocol = PROTOCOL
) -> pd.DataFrame:
    outcomes = {f"S-1-{name}": Outcome(50.0 if name != "statement" else True) for name in names}
    return judge(claims, outcomes, protocol, notebook, {})


def test_assemble(claims: pd.DataFrame) -> None:
    found = assemble(claims, {"x": fragment(claims, "fit", "absolute"), "y": fragment(claims, "statement")}, PROTOCOL)
    assert found["id"].tolist() == claims["id"].tolist()
    assert found.columns.tolist() == ledger.COLUMNS
    verdicts = found.set_index("id")["verdict"]
    assert verdicts[["S-1-fit", "S-1-absolute", "S-1-statement"]].tolist() == [
        "missed",
        "within tolerance",
        "reproduced",
    ]
    rest = found[found["verdict"] == "not attempted"]
    assert len(rest) == len(claims) - 3
    assert set(rest["note"]) == {ledger.NOT_BUILT}
    assert rest["statement"].tolist() == claims.loc[rest.index, "statement"].tolist()
    assert not found.isna().to_numpy().any()


def test_assemble_from_nothing_or_empty_rows(claims: pd.DataFrame) -> None:
    for fragments in ({}, {"x": judge(claims, {}, PROTOCOL, "x", {})}):
        assert assemble(claims, fragments, PROTOCOL)["verdict"].unique().tolist() == ["not attempted"]


def test_rows_under_another_protocol_are_refused(claims: pd.DataFrame) -> None:
    stale = fragment(claims, "fit", protocol=OTHER)
    mixed = pd.concat([fragment(claims, "closure"), stale])
    for rows in (stale, mixed):
        with pytest.raises(
            ValueError, match=r"rows of y were made under another data/protocol\.yaml .*aaaaaaaaaaaa.*dvc repro"
        ):
            assemble(claims, {"x": fragment(claims, "identity"), "y": rows}, PROTOCOL)


@pytest.mark.parametrize("name", ["fit", "blank", "closure", "absolute", "relative", "identity", "statement"])
def test_no_row_of_another_protocol_gets_in(claims: pd.DataFrame, name: str, tmp_path: Path) -> None:
    """One stale row among good ones is enough, whatever its class, in memory as from its file."""
    others = [other for other in ("identity", "closure", "fit", "absolute") if other != name]
    rows = pd.concat([fragment(claims, *others), fragment(claims, name, protocol=OTHER)])
    path = tmp_path / "results/tables/study2020/x/ledger.csv"
    path.parent.mkdir(parents=True)
    for mixture in (rows, rows.iloc[::-1]):
        mixture.to_csv(path, index=False)
        for fragments in ({"study2020/x": mixture}, ledger.read_fragments(tmp_path)):
            for in_force in (PROTOCOL, OTHER):
                with pytest.raises(ValueError, match="rows of study2020/x were made under another"):
                    assemble(claims, fragments, in_force)
    assert len(assemble(claims, {"study2020/x": fragment(claims, *others, name)}, PROTOCOL)) == len(claims)


def test_duplicates_and_orphans_are_refused(claims: pd.DataFrame) -> None:
    rows = fragment(claims, "fit")
    with pytest.raises(ValueError, match=r"two notebooks: \['S-1-fit'\]; without a claim: \[\]"):
        assemble(claims, {"x": rows, "y": rows}, PROTOCOL)
    with pytest.raises(ValueError, match=r"without a claim: \['S-9'\]"):
        assemble(claims, {"x": rows.assign(id="S-9")}, PROTOCOL)


def test_rows_of_claims_that_have_changed_are_refused(claims: pd.DataFrame) -> None:
    """A verdict on another print is no verdict."""
    rows = fragment(claims, "fit")
    with pytest.raises(ValueError, match="S-1-fit"):
        assemble(claims.replace({"printed": {"14.39": "50"}}), {"x": rows}, PROTOCOL)


def test_fragments_survive_their_files(claims: pd.DataFrame, tmp_path: Path) -> None:
    rows = fragment(claims, "fit", "statement")
    path = tmp_path / "results/tables/study2020/x/ledger.csv"
    path.parent.mkdir(parents=True)
    rows.to_csv(path, index=False)
    found = ledger.read_fragments(tmp_path)
    assert list(found) == ["study2020/x"]
    pd.testing.assert_frame_equal(
        assemble(claims, found, PROTOCOL).astype(str), assemble(claims, {"study2020/x": rows}, PROTOCOL).astype(str)
    )


def test_coverage(claims: pd.DataFrame) -> None:
    names = ("identity", "fit", "absolute", "relative", "statement", "unpublished")
    found = coverage(assemble(claims, {"x": fragment(claims, *names)}, PROTOCOL))
    assert found["rows"] == len(claims) == sum(found["class"].values()) == sum(found["verdict"].values())
    assert found["coverage"] == round(len(names) / len(claims), 4)
    assert tuple(found["class"]) == CLASSES
    assert tuple(found["verdict"]) == VERDICTS
    assert found["headline"] == {"rows": 3, "reproduced": 1, "within tolerance": 1, "missed": 1, "contradicted": 0}


def test_fits_and_inputs_do_not_move_the_headline(claims: pd.DataFrame) -> None:
    few = coverage(assemble(claims, {"x": fragment(claims, "absolute")}, PROTOCOL))
    more = coverage(
        assemble(claims, {"x": fragment(claims, "absolute", "fit", "identity", "closure", "input")}, PROTOCOL)
    )
    assert few["headline"] == more["headline"]
    assert few["coverage"] < more["coverage"]


# ---- claims.csv


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("S-1-fit", "S-1-identity", "column id"),
        ("S-1-fit", "1-fit", "row 3, column id: '1-fit' is not of the form"),
        ("%,fit", "%,fitted", "row 3, column class: 'fitted' is none of input, identity"),
        ("a share", "", "row 3, column statement: '' is empty"),
        ("14.39", "14.39 %", "row 3, column printed: '14.39 %' is no number and not 'true'"),
        ("14.39", "yes", "row 3, column printed: 'yes' is no number"),
        ("14.39", "inf", "row 3, column printed: 'inf' is no number"),
        ("14.39", "nan", "row 3, column printed: 'nan' is no number"),
        ("14.39", '"14,39"', "row 3, column printed: '14,39' is no number"),
        ("14.39", "1e3", "row 3, column printed: '1e3' is no number"),
        ("basis,", "base,", "column basis"),
    ],
)
def test_claims_each_fault(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read_claims(write(tmp_path, ROWS.replace(old, new, 1)))
    assert caught.value.source == "data/published/claims.csv"
    assert problem in str(caught.value)


def test_claims_missing_or_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the file does not exist"):
        read_claims(tmp_path)
    write(tmp_path, "")
    for content in (b"", b"\xff\xfe"):
        (tmp_path / ledger.CLAIMS).write_bytes(content)
        with pytest.raises(InputError):
            read_claims(tmp_path)


# The first six hexadecimal digits of each row's sha256 as the claims were taken from the studies, before any result was
# known. A later reading of the print is welcome, but must say in `correction` what it corrects.
ORIGINAL = (
    "52e823bd931c519ab645e093f45ea1ef9dbcda0cbf6ab9828e2ed77717290239095f96ae73d10369031bd5223b84e6ac"
    "36f1dee0fa9907ef0055f960fa00d7c2655efa69b73bf099dd4a3096c940f068afafc6dd299388477262048f63aa8312"
    "e8c6639b2e202f50cdf638e74ab86f43c4105722083cf239254cda40db77eb0217d73464af9b987c0f5a2b617f26874c"
    "894b4c78d1e8da5476a0e189bfe4aa7821fe1e86dea57d026783b3ac45cde9d58df41c214fd4b4e1764205adb3be487a"
    "3f8be27f771aa8708e6409c580f0e53cff683fed614d512f977822274f3c63d5ea168061c40c855301ae18169957fe8f"
    "2c0969bed7547c8bfaf5e980729fed5933d6"
)


def test_claims_of_the_studies() -> None:
    claims = read_claims(CHECKOUT)
    assert len(claims) == 91
    assert claims["id"].is_unique
    assert claims["paper"].value_counts().to_dict() == {"systems2024": 53, "energyeng2023": 18, "frontiers2022": 20}
    assert (claims["id"].str[0] == claims["paper"].str[0].str.upper()).all()


def test_changed_claims_carry_a_correction() -> None:
    claims = read_claims(CHECKOUT)
    added = claims["correction"].str.startswith("added: ")
    assert claims.loc[added, "id"].str.startswith("S-2.1-").all()
    assert added.sum() == 5
    claims = claims[~added].reset_index(drop=True)
    rows = claims.drop(columns="correction").apply("\x1f".join, axis=1)
    now = [hashlib.sha256(text.encode()).hexdigest()[:6] for text in rows]
    original = [ORIGINAL[i : i + 6] for i in range(0, len(ORIGINAL), 6)]
    changed = pd.Series([a != b for a, b in zip(now, original, strict=True)])
    assert claims.loc[changed & (claims["correction"] == ""), "id"].tolist() == []
    assert claims.loc[~changed & (claims["correction"] != ""), "id"].tolist() == []


def test_every_claim_of_the_studies_is_always_in_the_ledger() -> None:
    claims = read_claims(CHECKOUT)
    some = [row["id"] for row in claims.to_dict("records") if row["paper"] == "energyeng2023" and row["class"] == "fit"]
    protocol = Protocol.model_validate(
        {
            "sha256": "a",
            "studies": {"energyeng2023": {"choices": {}, "fits": [step(1, "all of them", *some)], "held_out": {}}},
        }
    )
    rows = judge(claims, {name: Outcome(1.0) for name in some}, protocol, "x", {})
    for fragments in ({}, {"x": rows}):
        assert assemble(claims, fragments, protocol)["id"].tolist() == claims["id"].tolist()
