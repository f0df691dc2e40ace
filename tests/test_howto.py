"""How to add a technology, as a reader follows the page: its code runs, prints what it shows, its words are true."""

from __future__ import annotations

import contextlib
import io
import re

import numpy as np
import pytest
import yaml

PAGE = "docs/adding-a-technology.md"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:^```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"\d+\.?\d*")


@pytest.fixture(scope="module")
def text(root):
    return (root / PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def said(text):
    """What each block of code prints and what the page shows, and the names that all blocks leave."""
    names, printed = {"__name__": "howto"}, []
    for code, shown in BLOCK.findall(text):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(compile(code, PAGE, "exec"), names)  # the page's own code
        printed.append((output.getvalue(), shown))
    return printed, names


def test_every_block_is_run(text):
    assert len(BLOCK.findall(text)) == text.count("```python") == 6
    assert sum(bool(shown) for _, shown in BLOCK.findall(text)) == text.count("```text") == 5


def test_blocks_print_what_the_page_shows(said):
    """Words as they stand, numbers to one unit of their last digit."""
    for printed, shown in said[0]:
        assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown)
        for one, other in zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True):
            assert float(one) == pytest.approx(float(other), abs=1.01 * 10.0 ** -len(other.partition(".")[2]))


def test_values_by_hand(text, said):
    """The first test that the page speaks of, and the ratio of prices that decides about gas."""
    names = said[1]
    assert "= 3.34675." in text
    assert names["coefficient_of_performance"](10.0, 45.0) == pytest.approx(3.34675)
    assert names["prices"]["electricity_price"] / names["prices"]["gas_price"] == pytest.approx(2.4)
    assert "0.60 / 0.25 = 2.4" in text


def test_what_the_page_says_of_the_day(said):
    """Gas burns in the hours in which the pumps' COP is below the ratio of prices, and in no other."""
    names = said[1]
    hourly = names["cops"]["by the hour"]
    assert names["cops"]["constant"] > 2.4
    assert np.flatnonzero(hourly < 2.4).tolist() == list(range(9))
    assert names["hour"][int(names["outdoor"].argmin("hour"))] == 4
    model = names["district_model"](names["inputs"](names["heat"], pump_cop=hourly, **names["prices"]))
    names["solve"](model)
    gas = names["flows"](model.solution)["gas_heat"].sum("group")
    assert np.flatnonzero(gas > 1e-6).tolist() == list(range(9))


def test_equations_are_those_of_the_package(text):
    from bcopt.models.heat_pump import REGRESSIONS

    for source, fit in REGRESSIONS.items():
        row = f"| {source} | {fit.constant:g} - {-fit.slope:.3f} lift + {fit.curvature:.6f} lift² |"
        assert f"{row} {fit.least:g} to {fit.most:g} K |" in text


def test_the_key_is_one_that_a_folder_may_have(text):
    from bcopt.districts.schema import HeatPump

    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    pump = HeatPump.model_validate(yaml.safe_load(block)["devices"]["heat_pump"])
    assert (pump.heat, pump.cop.source, pump.cop.sink) == (400.0, "air", 45.0)
