"""The protocol: written before the fits, valid, hashed the same everywhere."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bcopt.compendium.ledger import read_claims
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import PROTOCOL, read_protocol

CHECKOUT = Path(__file__).parents[2]
GOOD: dict[str, Any] = {
    "study2020": {
        "choices": {
            "reading": {"value": "c", "reason": "as published", "alternatives": ["a", "b"], "known_before": True},
            "repeat": {"value": False, "reason": "as published", "alternatives": [True], "known_before": False},
            "weight": {"value": 0.5, "reason": "as published", "alternatives": [], "known_before": False},
        },
        "fits": [
            {"order": 1, "knob": "load scale", "targets": ["S-1"], "method": "bisection"},
            {"order": 2, "knob": "price scale", "targets": ["S-2", "S-3"], "method": "bisection"},
        ],
        "held_out": {
            "S-4": {"tolerance": 0.1, "kind": "relative", "reason": "as measured", "known_before": False},
        },
    }
}


def write(root: Path, content: object, newline: str = "\n") -> Path:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    (root / "data").mkdir(exist_ok=True)
    (root / PROTOCOL).write_bytes(text.replace("\n", newline).encode())
    return root


@pytest.fixture
def good() -> dict[str, Any]:
    return copy.deepcopy(GOOD)


def test_good(tmp_path: Path) -> None:
    found = read_protocol(write(tmp_path, GOOD))
    study = found["study2020"]
    assert study.choices["reading"].alternatives == ("a", "b")
    assert [fit.knob for fit in study.fits] == ["load scale", "price scale"]
    assert study.held_out["S-4"].tolerance == 0.1
    with pytest.raises(InputError, match="has no study 'study2021': it has study2020"):
        found["study2021"]


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda s: s.pop("fits"), "fits: Field required"),
        (lambda s: s.update(fit=[]), "fit: Extra inputs"),
        (lambda s: s["choices"]["reading"].pop("reason"), "choices.reading.reason: Field required"),
        (lambda s: s["choices"]["reading"].pop("known_before"), "choices.reading.known_before: Field required"),
        (lambda s: s["choices"]["reading"].pop("alternatives"), "choices.reading.alternatives: Field required"),
        (lambda s: s["choices"]["reading"].update(reason=""), "choices.reading.reason: String should have at least 3"),
        (lambda s: s["choices"]["reading"].update(value=[1]), "choices.reading.value"),
        (lambda s: s["choices"]["reading"].update(value="a"), "choices.reading: Value error, the alternatives repeat"),
        (lambda s: s["choices"]["reading"].update(alternatives=["a", "a"]), "choices.reading: Value error"),
        (lambda s: s["fits"][0].update(targets=[]), "fits.0.targets"),
        (lambda s: s["fits"][1].update(order=0), "fits.1.order"),
        (
            lambda s: s["fits"][1].update(order=3),
            "Value error, the fits must be listed in their order 1..2, got [1, 3]",
        ),
        (lambda s: s["fits"].reverse(), "Value error, the fits must be listed in their order 1..2, got [2, 1]"),
        (
            lambda s: s["fits"][1].update(order=1),
            "Value error, the fits must be listed in their order 1..2, got [1, 1]",
        ),
        (lambda s: s["held_out"]["S-4"].update(tolerance=0), "held_out.S-4.tolerance: Input should be greater than 0"),
        (lambda s: s["held_out"]["S-4"].update(tolerance=-1), "held_out.S-4.tolerance"),
        (lambda s: s["held_out"]["S-4"].update(tolerance=float("nan")), "held_out.S-4.tolerance"),
        (lambda s: s["held_out"]["S-4"].update(kind="about"), "held_out.S-4.kind: Input should be 'absolute', 'relati"),
        (lambda s: s["held_out"]["S-4"].pop("tolerance"), "held_out.S-4.tolerance: Field required"),
        (lambda s: s["held_out"]["S-4"].pop("known_before"), "held_out.S-4.known_before: Field required"),
        (lambda s: s["held_out"]["S-4"].update(tolerance="ten"), "held_out.S-4.tolerance"),
    ],
)
def test_each_fault(tmp_path: Path, good: dict[str, Any], change: Change, where: str) -> None:
    change(good["study2020"])
    with pytest.raises(InputError) as caught:
        read_protocol(write(tmp_path, good))
    assert caught.value.source == "data/protocol.yaml"
    assert any(where in problem and "study2020" in problem for problem in caught.value.problems), caught.value


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["held_out"]["S-4"].update(tolerance=float("inf")),
        lambda s: s["held_out"]["S-4"].update(kind="probability at least", tolerance=1.5),
        lambda s: s["held_out"]["S-4"].update(known_before=0),
        lambda s: s["held_out"]["S-4"].update(tolerance="0.1"),
        lambda s: s["choices"]["reading"].update(known_before="yes"),
        lambda s: s["choices"]["weight"].update(reason="   "),
        lambda s: s["choices"]["weight"].update(value=float("nan")),
        lambda s: s["choices"]["weight"].update(alternatives=[0.50]),
        lambda s: s["fits"][1].update(targets=["S-2", "S-1"]),
    ],
    ids=[
        "a tolerance that nothing can miss",
        "a probability above one",
        "a number for a truth",
        "a text for a number",
        "a text for a truth",
        "blanks for a reason",
        "a value equal to nothing",
        "the value as alternative",
        "one target for two knobs",
    ],
)
def test_loose_ends_are_refused(tmp_path: Path, good: dict[str, Any], change: Change) -> None:
    change(good["study2020"])
    with pytest.raises(InputError):
        read_protocol(write(tmp_path, good))


def test_all_faults_at_once(tmp_path: Path, good: dict[str, Any]) -> None:
    good["study2020"]["choices"]["reading"]["reason"] = ""
    good["study2020"]["held_out"]["S-4"]["kind"] = "about"
    good["study2020"]["fits"][0]["extra"] = 1
    with pytest.raises(InputError) as caught:
        read_protocol(write(tmp_path, good))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("content", ["", "a: 1\na: 2\n", "- 1\n", "a: [\n"])
def test_not_a_protocol(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"^data/protocol\.yaml: 1 problem"):
        read_protocol(write(tmp_path, content))


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the file does not exist"):
        read_protocol(tmp_path)


def test_hash(tmp_path: Path) -> None:
    text = yaml.safe_dump(GOOD)
    plain = read_protocol(write(tmp_path, text)).sha256
    assert plain == hashlib.sha256(text.encode()).hexdigest()
    assert read_protocol(write(tmp_path, text, "\r\n")).sha256 == plain, "the same on every platform"
    others = [text.replace("0.1", "0.2"), text + "# a word\n", text.replace("S-2", "S-5"), text.replace("true", "True")]
    hashes = {read_protocol(write(tmp_path, other)).sha256 for other in others}
    assert len(hashes | {plain}) == len(others) + 1, "whatever changes, a comment too"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {}),
        ({"reading": "c", "repeat": False, "weight": 0.5, "seed": 3}, {}),
        ({"reading": "b", "seed": 3}, {"reading": "b"}),
        ({"repeat": True, "weight": 0.6, "reading": "c"}, {"repeat": True, "weight": 0.6}),
    ],
)
def test_deviations(tmp_path: Path, parameters: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_protocol(write(tmp_path, GOOD))["study2020"].deviations(parameters) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], {}),
        (["repeat"], {"repeat": False}),
        (["weight", "reading"], {"weight": 0.5, "reading": "c"}),
        (["reading", "reading"], {"reading": "c"}),
        ((name for name in ("repeat", "weight")), {"repeat": False, "weight": 0.5}),
    ],
)
def test_chosen(tmp_path: Path, names: Iterable[str], expected: dict[str, Any]) -> None:
    found = read_protocol(write(tmp_path, GOOD))["study2020"].chosen(names)
    assert found == expected
    assert list(found) == list(expected), "in the order of the question"
    assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]


def test_what_is_not_decided_is_not_chosen(tmp_path: Path) -> None:
    study = read_protocol(write(tmp_path, GOOD))["study2020"]
    with pytest.raises(ValueError, match=r"^data/protocol\.yaml: 3 problems") as caught:
        study.chosen(["gas_price", "reading", "load scale", "gas_price"])
    assert isinstance(caught.value, InputError)
    assert caught.value.problems == (
        "decides no gas_price: write it down before the fit",
        "decides no load scale: write it down before the fit",
        "what the study decides is reading, repeat, weight",
    )


def test_nothing_is_chosen_where_nothing_is_decided(tmp_path: Path, good: dict[str, Any]) -> None:
    good["study2020"]["choices"] = {}
    study = read_protocol(write(tmp_path, good))["study2020"]
    assert study.chosen([]) == {}
    with pytest.raises(InputError, match="what the study decides is nothing"):
        study.chosen(["reading"])


@pytest.mark.parametrize(("claim", "order"), [("S-1", 1), ("S-2", 2), ("S-3", 2), ("S-4", None), ("S", None)])
def test_fit_of(tmp_path: Path, claim: str, order: int | None) -> None:
    fit = read_protocol(write(tmp_path, GOOD))["study2020"].fit_of(claim)
    assert (fit.order if fit else None) == order


def test_protocol_of_the_compendium() -> None:
    """Every target is a claim of class fit, every held-out row one that can decide something, in its own paper."""
    claims = read_claims(CHECKOUT).set_index("id")
    for name, study in read_protocol(CHECKOUT).studies.items():
        targets = [target for fit in study.fits for target in fit.targets]
        assert len(set(targets)) == len(targets), "one target, one knob"
        assert {(claims.loc[t, "paper"], claims.loc[t, "class"]) for t in targets} <= {(name, "fit")}
        fitted = claims[(claims["paper"] == name) & (claims["class"] == "fit")]
        assert set(fitted.index) == set(targets) or not study.fits, "every fit has its step before the first is made"
        held_out = claims.loc[list(study.held_out)]
        assert set(held_out["paper"]) <= {name}
        assert set(held_out["class"]) <= {"held-out", "qualitative"}
        decided = claims[(claims["paper"] == name) & (claims["class"] == "held-out")]
        assert set(decided.index) <= set(study.held_out) or not study.fits, "every held-out row has its tolerance"
        for identifier, rule in study.held_out.items():
            statement = claims.loc[identifier, "printed"] == "true"
            assert statement == (rule.kind == "probability at least"), identifier
        assert all(choice.alternatives for choice in study.choices.values())


@pytest.mark.skipif(not (CHECKOUT / "params.yaml").is_file(), reason="no params.yaml yet")
def test_committed_parameters_are_the_central_variant() -> None:
    parameters = yaml.safe_load((CHECKOUT / "params.yaml").read_text(encoding="utf-8"))
    for name, study in read_protocol(CHECKOUT).studies.items():
        assert study.deviations(parameters[name]) == {}
