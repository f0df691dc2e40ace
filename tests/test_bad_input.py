"""Bad input: whatever is wrong with a file that people or the pipeline write, one error says all of it and where.

Every file below ``data/`` and ``params.yaml`` goes through the reader that the pipeline uses, in every kind of fault
that :mod:`broken` names, at a place that hypothesis draws.
"""

from __future__ import annotations

import copy
import math
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import broken
import hypothesis
import pandas as pd
import pytest
import xarray as xr
import yaml
from broken import Table
from hypothesis import strategies as st

from bcopt.compendium import fitted
from bcopt.compendium.datapackage import data_package, read_words
from bcopt.compendium.inputs import Expected
from bcopt.compendium.ledger import Outcome, judge, read_claims
from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import Protocol, read_protocol
from bcopt.compendium.tables import read_tables
from bcopt.studies import energyeng2023, frontiers2022, systems2024

CHECKOUT = Path(__file__).parents[1]
OF_LIBRARIES = ("Traceback", "object at 0x", "C error", "Errno", "codec can't", "Tokenizing", "KeyError")
"""Words of a library that say nothing to who wrote the file."""
QUICK = hypothesis.settings(
    phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck), deadline=None
)
Reader = Callable[[Path], Any]


@cache
def _as_it_is() -> Protocol:
    return read_protocol(CHECKOUT)


@cache
def central() -> systems2024.scenario.Scenario:
    return systems2024.scenario.central(_as_it_is()["systems2024"], _given()[0])


@dataclass(frozen=True)
class File:
    """A file, its family of faults, the reader of the pipeline, and what its quantities must be."""

    family: str
    read: Reader
    rules: Mapping[str, Expected] = field(default_factory=dict)


def _tables() -> Iterator[tuple[str, File]]:
    for study in (systems2024, energyeng2023, frontiers2022):
        for name, rules in study.inputs.TABLES.items():
            hourly = any("hour" in rule.dims for rule in rules.values())
            read = partial(_table, name, rules, study.inputs.LABELS)
            yield f"data/{name}", File("hourly" if hourly else "long", read, rules)


def _table(name: str, rules: Mapping[str, Expected], labels: Mapping[str, Any], root: Path) -> xr.Dataset:
    return read_tables("a study", {name: rules}, labels, root)


def _of_fits() -> Iterator[tuple[str, File]]:
    for name, (_, rules, _) in energyeng2023.inputs.FITTED.items():
        yield f"data/derived/{name}", File("fitted", partial(energyeng2023.inputs.load_fitted, name), rules)
    fits = frontiers2022.fits
    found = {name: array.attrs["units"] for name, array in fits.read_table(CHECKOUT).data_vars.items()}
    rules = {name: Expected(unit, lower=0.0 if unit == "1" else -math.inf) for name, unit in found.items()}
    yield f"data/derived/{fits.TABLE}", File("fitted", fits.read_table, rules)
    knobs = {name: Expected(unit, lower=0.0) for name, unit in systems2024.fits.UNITS.items()}
    yield f"data/derived/{systems2024.fits.TABLE}", File("fits of scenarios", _knobs, knobs)


def _knobs(root: Path) -> Any:
    return systems2024.fits.read_knobs(root, {"central": central()})


def _bands() -> Iterator[tuple[str, File]]:
    for section in systems2024.band.SECTIONS:
        read = partial(systems2024.band.read, section, {})
        yield f"data/derived/{systems2024.band.table_of(section)}", File("swept", read)
    yield f"data/derived/{frontiers2022.band.TABLE}", File("swept", lambda root: frontiers2022.band.read(root, {}))


def _claims(root: Path) -> pd.DataFrame:
    """Read the claims, and of them the numbers that fits aim at, judged as a notebook's are."""
    claims = read_claims(root)
    for numbers in (systems2024.fits.targets, systems2024.district_fits.targets, frontiers2022.fits.printed):
        numbers(claims)
    outcomes = {claim: Outcome(None, contradiction="in a test") for claim in claims["id"]}
    judge(claims, outcomes, _as_it_is(), "a notebook", {})
    return claims


@cache
def _given() -> tuple[xr.Dataset, xr.Dataset]:
    return systems2024.inputs.load(CHECKOUT), frontiers2022.inputs.load(CHECKOUT)


def _protocol(root: Path) -> Protocol:
    """Read the protocol, and of it the choices of the studies."""
    protocol = read_protocol(root)
    for study, given in zip((systems2024, frontiers2022), _given(), strict=True):
        study.scenario.central(protocol[study.__name__.rpartition(".")[2]], given)
    return protocol


def _simulated(place: int, root: Path) -> xr.Dataset:
    simulated = {"program": "GB 55015-2021", "hour_shift": 0, "neighbours": True}
    return systems2024.analysis.read_results(simulated, root)[place]


FILES: dict[str, File] = {
    "params.yaml": File("parameters", read_parameters),
    "data/protocol.yaml": File("protocol", _protocol),
    "data/tables.yaml": File("words", read_words),
    "data/published/claims.csv": File("claims", _claims),
    **dict(_tables()),
    **dict(_of_fits()),
    **dict(_bands()),
    f"data/derived/{systems2024.district_fits.TABLE}": File("described", data_package),
    "data/derived/loads.nc": File("arrays", partial(_simulated, 0)),
    "data/derived/load_variants.nc": File("arrays", partial(_simulated, 1)),
    "data/derived/storey_balance.nc": File("arrays", partial(_simulated, 2)),
    "data/derived/frontiers2022_days.nc": File("arrays", frontiers2022.simulation.read),
}
UNSEEN = {
    "fits of scenarios": ("label less", "label renamed"),
    "described": (
        *("below the least", "above the greatest", "wrong unit", "wrong unit in a row", "quantity less"),
        *("quantity renamed", "row less", "header only", "extra column", "column less", "column renamed"),
    ),
}
"""Faults that a reader cannot know: of scenarios that it does not ask for, and in a table that no stage reads back."""
NO_ATTRIBUTES = ("data/derived/load_variants.nc", "attribute less")
KINDS = {
    "long": broken.QUANTITIES,
    "fitted": broken.QUANTITIES,
    "fits of scenarios": broken.QUANTITIES,
    "described": broken.QUANTITIES,
    "hourly": broken.HOURLY,
    "claims": broken.CLAIMS,
    "swept": broken.SWEPT,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """What the readers read, as it is."""
    return _copied(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def described(project, tmp_path_factory):
    """A project whose package has one table."""
    root, name = tmp_path_factory.mktemp("described"), f"derived/{systems2024.district_fits.TABLE}"
    words = yaml.safe_load((project / "data/tables.yaml").read_text(encoding="utf-8"))
    words |= {"tables": {name: words["tables"][name]}, "folders": {"derived": words["folders"]["derived"]}}
    (root / "data/derived").mkdir(parents=True)
    (root / "data/tables.yaml").write_bytes(broken.dumped(words))
    shutil.copy2(project / "data" / name, root / "data" / name)
    return root


def _copied(root: Path) -> Path:
    shutil.copytree(CHECKOUT / "data", root / "data")
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy2(CHECKOUT / name, root / name)
    return root


@pytest.fixture
def roots(project, described, monkeypatch):
    """Where a file is read; what is not broken then is read once."""
    protocol = _as_it_is()
    for module in (fitted, systems2024.band, frontiers2022.band):
        monkeypatch.setattr(module, "read_protocol", lambda _: protocol)
    for study, given in zip((systems2024, frontiers2022), _given(), strict=True):
        monkeypatch.setattr(study.inputs, "load", lambda _, given=given: given)
    return lambda name: described if FILES[name].family == "described" else project


def refusal(file: str, root: Path, content: bytes) -> list[str]:
    """Return what the reader says of a file in place of the good one, which is put back."""
    path = root / file
    good = path.read_bytes()
    assert content != good
    try:
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            FILES[file].read(root)
    finally:
        path.write_bytes(good)
    error = caught.value
    if error.source != file:
        assert [line for line in error.problems if not line.startswith(f"{file}: ")] == [], str(error)
    assert error.problems
    assert [word for word in OF_LIBRARIES if word in str(error)] == []
    return list(error.problems)


def said(problems: list[str], words: broken.Words) -> None:
    text = "\n".join(problems)
    assert [word for word in words if word not in text] == [], text[:2000]


def drawn(case: str, check: Callable[[broken.Draw], None], examples: int = 1) -> None:
    """Let hypothesis draw places for a fault, others for each case, and never the first of all."""

    @hypothesis.seed(zlib.crc32(case.encode()))
    @hypothesis.settings(QUICK, max_examples=examples)
    @hypothesis.given(st.data())
    def run(data):
        hypothesis.assume(data.draw(st.integers(0, 2**30)) > 0)
        check(data.draw)

    run()


def of(*families: str) -> list[str]:
    return [name for name, file in FILES.items() if file.family in families or not families]


def _possible(name: str, kind: str) -> bool:
    """Say whether a table can have a fault: labels if it has coordinates, bounds if its quantities have them."""
    file = FILES[name]
    if kind in UNSEEN.get(file.family, ()):
        return False
    if kind in broken.OF_LABELS:
        return bool(Table.parse((CHECKOUT / name).read_bytes()).coordinates)
    if kind in broken.OF_BOUNDS:
        return any(math.isfinite(getattr(rule, broken.OF_BOUNDS[kind])) for rule in file.rules.values())
    return True


CASES = [(name, kind) for name, file in FILES.items() for kind in KINDS.get(file.family, ()) if _possible(name, kind)]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_tables(roots, name, kind):
    root = roots(name)
    good = Table.parse((root / name).read_bytes(), FILES[name].rules)

    def check(draw):
        table = copy.deepcopy(good)
        words = KINDS[FILES[name].family][kind](draw, table)
        said(refusal(name, root, table.written()), words)

    drawn(f"{name}: {kind}", check)


@pytest.mark.parametrize("kind", broken.BYTES)
@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".nc")])
def test_text(roots, name, kind):
    root = roots(name)
    good = (root / name).read_bytes()
    drawn(f"{name}: {kind}", lambda draw: refusal(name, root, broken.BYTES[kind](draw, good)))


@pytest.mark.parametrize("kind", broken.YAML_TEXTS)
@pytest.mark.parametrize("name", of("parameters", "protocol", "words"))
def test_yaml(project, name, kind):
    good = (project / name).read_text(encoding="utf-8")
    drawn(f"{name}: {kind}", lambda draw: refusal(name, project, broken.YAML_TEXTS[kind](draw, good).encode()))


@pytest.mark.parametrize("kind", broken.YAML_TREES)
@pytest.mark.parametrize("name", of("parameters", "protocol", "words"))
def test_yaml_values(project, name, kind):
    good = yaml.safe_load((project / name).read_text(encoding="utf-8"))

    def check(draw):
        content = copy.deepcopy(good)
        words = broken.YAML_TREES[kind](draw, content)
        said(refusal(name, project, broken.dumped(content)), words)

    drawn(f"{name}: {kind}", check)


@pytest.mark.parametrize("kind", broken.NUMBERS)
@pytest.mark.parametrize("name", of("parameters", "protocol"))
def test_yaml_numbers(project, name, kind):
    good = yaml.safe_load((project / name).read_text(encoding="utf-8"))

    def check(draw):
        content = copy.deepcopy(good)
        words = broken.NUMBERS[kind](draw, content)
        said(refusal(name, project, broken.dumped(content)), words)

    drawn(f"{name}: {kind}", check)


@pytest.mark.parametrize("kind", broken.CHOICES)
def test_choices(project, kind):
    """What the studies make of the protocol's choices is checked as well."""
    good = yaml.safe_load((project / "data/protocol.yaml").read_text(encoding="utf-8"))

    def check(draw):
        content = copy.deepcopy(good)
        words = broken.CHOICES[kind](draw, content)
        said(refusal("data/protocol.yaml", project, broken.dumped(content)), words)

    drawn(kind, check)


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in of("arrays") for kind in broken.ARRAYS if (name, kind) != NO_ATTRIBUTES],
)
def test_arrays(project, name, kind):
    good = broken.arrays(CHECKOUT / name)

    def check(draw):
        changed, words = broken.ARRAYS[kind](draw, good)
        changed.to_netcdf(project / "changed.nc", engine="netcdf4")
        said(refusal(name, project, (project / "changed.nc").read_bytes()), words)

    drawn(f"{name}: {kind}", check)


@pytest.mark.parametrize("kind", broken.ARRAY_BYTES)
@pytest.mark.parametrize("name", of("arrays"))
def test_array_files(project, name, kind):
    good = (project / name).read_bytes()
    drawn(f"{name}: {kind}", lambda draw: refusal(name, project, broken.ARRAY_BYTES[kind](draw, good)))


def same(one: Any, other: Any) -> bool:
    if isinstance(one, xr.Dataset):
        return one.equals(other)
    if isinstance(one, pd.DataFrame):
        key = "id" if "id" in one else "scenario"
        first, second = (table.sort_values(key).sort_index(axis=1).reset_index(drop=True) for table in (one, other))
        return first.equals(second)
    return bool(one == other)


@pytest.mark.parametrize("kind", broken.HARMLESS_BYTES)
@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".nc")])
def test_harmless_text(roots, name, kind):
    if name == "data/protocol.yaml" and kind.endswith("at the end"):
        pytest.skip("another text has another hash")
    read_alike(roots(name), name, broken.HARMLESS_BYTES[kind])


@pytest.mark.parametrize("kind", broken.HARMLESS_TABLES)
@pytest.mark.parametrize("name", [name for name in of() if name.endswith(".csv") and name not in of("described")])
def test_harmless_tables(roots, name, kind):
    def check(draw):
        read_alike(roots(name), name, lambda good: broken.HARMLESS_TABLES[kind](draw, Table.parse(good)))

    drawn(f"{name}: {kind}", check)


def read_alike(root: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Read a file as it is and as it is written otherwise, and get the same."""
    path = root / name
    before, good = unbroken(root, name), path.read_bytes()
    try:
        path.write_bytes(change(good))
        after = FILES[name].read(root)
    finally:
        path.write_bytes(good)
    assert same(before, after)


@cache
def unbroken(root: Path, name: str) -> Any:
    return FILES[name].read(root)


def test_every_file_is_tried():
    described = set(yaml.safe_load((CHECKOUT / "data/tables.yaml").read_text(encoding="utf-8"))["tables"])
    assert set(FILES) == {f"data/{name}" for name in described} | {"params.yaml", "data/tables.yaml"}
