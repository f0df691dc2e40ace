"""The days of systems2024 under the fitted values that stand in data/derived."""

from pathlib import Path

import pandas as pd
import pytest

from bcopt.compendium.protocol import read_protocol
from bcopt.studies import systems2024 as study

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def inputs():
    return study.inputs.load(ROOT)


@pytest.fixture(scope="session")
def central(inputs):
    return study.scenario.central(read_protocol(ROOT)["systems2024"], inputs)


@pytest.fixture(scope="session")
def knobs(central):
    return study.fits.read_knobs(ROOT, {"central": central})["central"]


@pytest.fixture(scope="session")
def series(central):
    loads, variants, _ = study.analysis.read_results(root=ROOT)
    return study.flexible_day.january(loads, variants, central)


@pytest.fixture(scope="session")
def district_knobs():
    table = pd.read_csv(ROOT / "data/derived" / study.district_fits.TABLE)
    return study.district_day.DistrictKnobs(**dict(zip(table["quantity"], table["value"], strict=True)))
