"""params.yaml: validated whole, before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from bcopt.compendium.parameters import Parameters, read_parameters, read_yaml
from bcopt.compendium.problems import InputError

CHECKOUT = Path(__file__).parents[2]


def smallest(model: type[BaseModel]) -> dict[str, Any]:
    """Return some values that the model admits, whichever keys it has today."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        lower = [getattr(bound, "ge", getattr(bound, "gt", None)) for bound in field.metadata]
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            values[name] = smallest(kind)
        elif get_origin(kind) is Literal:
            values[name] = get_args(kind)[-1]
        elif kind is bool:
            values[name] = False
        elif type(None) in get_args(kind):
            values[name] = None
        else:
            least = kind(next((x for x in lower if x is not None), 0))
            values[name] = least if kind is int else least + 0.5
    return values


def write(root: Path, content: object) -> Path:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    (root / "params.yaml").write_text(text, encoding="utf-8")
    return root


def faults(root: Path, content: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_parameters(write(root, content))
    assert caught.value.source == "params.yaml"
    return list(caught.value.problems)


@pytest.fixture
def good() -> dict[str, Any]:
    return smallest(Parameters)


def test_good(tmp_path: Path, good: dict[str, Any]) -> None:
    found = read_parameters(write(tmp_path, good))
    assert found.model_dump() == good
    with pytest.raises(ValidationError):
        found.search.engine = "geatpy"


def test_every_parameter_says_what_it_is() -> None:
    for section in (Parameters.model_fields[name].annotation for name in Parameters.model_fields):
        assert [name for name, field in section.model_fields.items() if not field.description] == []


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda p: p["search"].update(motor="x"), "search.motor: Extra inputs are not permitted, got 'x'"),
        (lambda p: p.update(other2020={}), "other2020: Extra inputs are not permitted"),
        (lambda p: p.pop("search"), "search: Field required"),
        (lambda p: p["energyeng2023"].pop("seed"), "energyeng2023.seed: Field required"),
        (lambda p: p["energyeng2023"].update(seed="1"), "energyeng2023.seed: Input should be a valid integer, got '1'"),
        (lambda p: p["energyeng2023"].update(seed=1.5), "energyeng2023.seed: Input should be a valid integer, got 1.5"),
        (
            lambda p: p["energyeng2023"].update(seed=True),
            "energyeng2023.seed: Input should be a valid integer, got True",
        ),
        (
            lambda p: p["energyeng2023"].update(depreciation=0),
            "energyeng2023.depreciation: Input should be a valid bool",
        ),
        (lambda p: p["energyeng2023"].update(depreciation=None), "energyeng2023.depreciation: Input should be a valid"),
        (
            lambda p: p["energyeng2023"].update(seeds=0),
            "energyeng2023.seeds: Input should be greater than or equal to 1",
        ),
        (
            lambda p: p["energyeng2023"].update(crossover_rate=1.01),
            "energyeng2023.crossover_rate: Input should be less",
        ),
        (
            lambda p: p["energyeng2023"].update(crossover_rate=float("nan")),
            "energyeng2023.crossover_rate: Input should",
        ),
        (lambda p: p["energyeng2023"].update(reading="d"), "energyeng2023.reading: Input should be 'a', 'b' or 'c'"),
        (lambda p: p.update(search="geatpy"), "search: Input should be a valid dictionary"),
    ],
)
def test_each_fault(tmp_path: Path, good: dict[str, Any], change: Change, problem: str) -> None:
    change(good)
    (found,) = faults(tmp_path, good)
    assert found.startswith(problem)


def test_all_faults_at_once(tmp_path: Path, good: dict[str, Any]) -> None:
    good["search"]["engine"] = "cplex"
    good["energyeng2023"] |= {"sead": 1, "samples": "many", "generations": -1}
    del good["energyeng2023"]["population"]
    found = faults(tmp_path, good)
    assert [problem.partition(":")[0] for problem in found] == [
        "search.engine",
        *(f"energyeng2023.{name}" for name in Parameters.model_fields["energyeng2023"].annotation.model_fields
          if name in ("population", "generations", "samples")),
        "energyeng2023.sead",
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["", "# nothing\n", "{}\n"])
def test_empty_file_misses_every_section(tmp_path: Path, content: str) -> None:
    assert faults(tmp_path, content) == [f"{section}: Field required" for section in Parameters.model_fields]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("- 1\n", "file: Input should be a valid dictionary"),
        ("search: {engine: pymoo}\nsearch: {engine: geatpy}\n", "key 'search' is given twice"),
        ("search:\n  engine: pymoo\n  engine: geatpy\n", "line 3"),
        ("search: [\n", "line 2"),
        ("search: !!python/object:os.system {}\n", "could not determine a constructor"),
        ("[a]: 1\n", "line 1"),
        ("{a: 1}: 1\n", "line 1"),
    ],
)
def test_not_a_mapping_of_single_keys(tmp_path: Path, content: str, part: str) -> None:
    (found,) = faults(tmp_path, content)
    assert part in found
    assert "\n" not in found


def test_missing_or_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^params\.yaml: 1 problem\n  - the file does not exist$"):
        read_parameters(tmp_path)
    (tmp_path / "params.yaml").write_bytes(b"search: \xff\n")
    with pytest.raises(InputError, match=r"^params\.yaml: 1 problem\n.*utf-8"):
        read_parameters(tmp_path)
    with pytest.raises(InputError, match=r"^/.*params\.yaml: 1 problem"):
        read_yaml(tmp_path / "params.yaml", tmp_path / "elsewhere")


def test_of_notebook(tmp_path: Path, good: dict[str, Any]) -> None:
    found = read_parameters(write(tmp_path, good))
    assert found.of_notebook("energyeng2023", ["seed", "engine"]) == {"seed": 0, "engine": "pymoo"}
    assert list(found.of_notebook("energyeng2023", ["samples", "engine", "seed"])) == ["samples", "engine", "seed"]
    assert found.of_notebook("ledger", []) == {}
    assert found.of_notebook("ledger", ["engine"]) == {"engine": "pymoo"}, "common to all"
    with pytest.raises(
        ValueError, match=r"parameters sead, size of energyeng2023 are not in params\.yaml, which has en"
    ):
        found.of_notebook("energyeng2023", ["sead", "seed", "size"])
    with pytest.raises(ValueError, match="seed of ledger"):
        found.of_notebook("ledger", ["seed"])


def test_a_method_is_no_section(tmp_path: Path, good: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="seed of copy are not in"):
        read_parameters(write(tmp_path, good)).of_notebook("copy", ["seed"])


def test_no_name_is_in_two_sections() -> None:
    """A study's parameter would hide the common one."""
    common = set(Parameters.model_fields["search"].annotation.model_fields)
    for name, field in Parameters.model_fields.items():
        if name != "search":
            assert not common & set(field.annotation.model_fields)


@pytest.mark.skipif(not (CHECKOUT / "params.yaml").is_file(), reason="no params.yaml yet")
def test_parameters_of_the_compendium() -> None:
    assert read_parameters(CHECKOUT).search.engine in ("geatpy", "pymoo")
