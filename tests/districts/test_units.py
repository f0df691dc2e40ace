"""Numbers with units as a planner writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcopt.districts import units

KNOWN = {
    "kW": {"W": 1e-3, "MW": 1e3, "GW": 1e6, "kilowatt": 1.0, "kWh/h": 1.0, "MJ/h": 1 / 3.6},
    "kWh": {"Wh": 1e-3, "MWh": 1e3, "GJ": 1e3 / 3.6, "MJ": 1 / 3.6, "kW*h": 1.0, "kW h": 1.0},
    "m2": {"ha": 1e4, "m^2": 1.0, "m**2": 1.0, "m²": 1.0, "km2": 1e6, "m·m": 1.0},
    "1": {"%": 0.01},
    "1/h": {"%/h": 0.01, "1/day": 1 / 24, "h^-1": 1.0},
    "a": {"year": 1.0, "month": 1 / 12},
    "yuan/kWh": {"EUR/MWh": 1e-3, "EUR/kWh": 1.0, "EUR/GJ": 3.6e-3, "EUR/(kWh)": None},
    "yuan/kW": {"EUR/MW": 1e-3, "EUR/W": 1e3},
    "yuan/kg": {"EUR/t": 1e-3, "EUR/kg": 1.0},
    "kg/kWh": {"g/kWh": 1e-3, "t/MWh": 1.0, "kg/MJ": 3.6},
    "MJ/a": {"GWh/a": 3.6e6, "GJ/year": 1e3},
    "m2K/W": {"m2 K/W": 1.0, "m2*K/W": 1.0, "K*m2/kW": 1e-3},
    "W/m2/K": {"W/m^2/K": 1.0, "kW/m2/K": 1e3},
}
SOUND = [(unit, other, scale) for unit, others in KNOWN.items() for other, scale in others.items() if scale]


@pytest.mark.parametrize(
    ("text", "unit", "found"),
    [
        ("0.42", "kW", 0.42),
        (" 12 ", "kW", 12.0),
        ("+1.5e3 W", "kW", 1.5),
        (".5 MW", "kW", 500.0),
        ("3.6 ha", "m2", 36000.0),
        ("15 %", "1", 0.15),
        ("70 EUR/MWh", "yuan/kWh", 0.07),
        ("80 EUR/t", "yuan/kg", 0.08),
        ("100 GWh/a", "MJ/a", 3.6e8),
        ("45 degC", "degC", 45.0),
        ("318.15 K", "degC", 45.0),
        ("113 degF", "degC", 45.0),
        ("-5", "yuan/kWh", -5.0),
        ("28 ct/kWh", "yuan/kWh", 0.28),
        ("28 cEUR/kWh", "yuan/kWh", 0.28),
        ("3 Ct/kWh", "yuan/kWh", 0.03),
        ("5 kEUR/kW", "yuan/kW", 5000.0),
        ("380 kg CO2/MWh", "kg/kWh", 0.38),
        ("0.38 tCO2/MWh", "kg/kWh", 0.38),
        ("400 gCO2eq/kWh", "kg/kWh", 0.4),
        ("80 EUR/tCO2", "yuan/kg", 0.08),
        ("80 EUR/tonne CO2", "yuan/kg", 0.08),
        ("380 g CO2-eq/kWh", "kg/kWh", 0.38),
    ],
)
def test_by_hand(text, unit, found):
    assert units.number(text, unit, "EUR") == pytest.approx(found, rel=1e-11)


@given(st.sampled_from(SOUND), st.floats(-1e12, 1e12, allow_subnormal=False))
def test_any_number_reads_as_in_the_unit_of_the_models(known, number):
    unit, other, scale = known
    assert units.number(f"{number!r} {other}", unit, "EUR") == pytest.approx(number * scale, rel=1e-9)
    assert units.number(f"{number!r}", unit, "EUR") == number
    assert units.number(f"{number!r} {units.shown(unit, 'EUR')}", unit, "EUR") == number


@given(st.sampled_from(SOUND))
def test_a_column_is_scaled_as_its_numbers(known):
    unit, other, scale = known
    assert units.factor(other, unit, "EUR") == pytest.approx(scale, rel=1e-12)
    assert units.factor("", unit, "EUR") == 1.0


@pytest.mark.parametrize(
    ("text", "unit", "problem"),
    [
        ("12 kWh", "kW", "kWh is no unit of a power in kW"),
        ("12 kw", "kW", "'kw' is no known unit, expected a power in kW, did you mean kW?"),
        ("12 yuan/kWh", "yuan/kWh", "'yuan/kWh' is no known unit, expected a price in EUR/kWh; money is in EUR here"),
        ("0.9 TEUR/kW", "yuan/kW", "'TEUR/kW' is no known unit, did you mean kEUR/kW?"),
        ("5 MioEUR/kW", "yuan/kW", "'MioEUR/kW' is no known unit, did you mean MEUR/kW?"),
        ("5 mEUR/kW", "yuan/kW", "'mEUR/kW' is no known unit, money is in EUR, kEUR, MEUR or ct here"),
        ("5 GEUR/kW", "yuan/kW", "'GEUR/kW' is no known unit, money is in EUR, kEUR, MEUR or ct here"),
        ("0.38 ton/MWh", "kg/kWh", "'ton/MWh' is no known unit, expected metric tons as t"),
        ("0.38 kton/GWh", "kg/kWh", "'kton/GWh' is no known unit, expected metric tons as t"),
        ("0.08 kEUR/ton", "yuan/kg", "'kEUR/ton' is no known unit, expected metric tons as t"),
        ("12 EUR", "yuan/kWh", "EUR is no unit of a price in EUR/kWh"),
        ("1,5", "kW", "'1,5' is no number, expected a power in kW; decimals follow a point"),
        ("1.5, kW", "kW", "'1.5, kW' is no number, expected a power in kW; decimals follow a point"),
        ("many", "1", "'many' is no number, expected a number without unit"),
        ("", "a", "'' is no number, expected a time in a"),
        ("3 2 m2", "m2", "'2 m2' is no known unit, expected an area in m2"),
        ("3 m2/0", "m2", "'m2/0' is no known unit, expected an area in m2"),
        ("3 m^9^9^9", "m2", "'m^9^9^9' is no known unit, expected an area in m2"),
        ("3 EUR/(kWh)", "yuan/kWh", "'EUR/(kWh)' is no known unit, expected a price in EUR/kWh; money is in EUR here"),
    ],
)
def test_what_is_refused(text, unit, problem):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the whole text is compared)
        units.number(text, unit, "EUR")
    assert str(error.value) == problem


@pytest.mark.parametrize("currency", ["cent", "cents", "Cent", "Ct"])
def test_money_that_is_called_cent_is_no_hundredth_of_itself(currency):
    assert units.number(f"28 {currency}/kWh", "yuan/kWh", currency) == 28.0
    with pytest.raises(ValueError, match="ct/kWh is no unit"):
        units.number("28 ct/kWh", "yuan/kWh", currency)


@pytest.mark.slow
@given(st.text(max_size=12))
def test_any_text_is_a_number_or_refused_in_one_line(text):
    try:
        units.number(f"1 {text}", "kW")
    except ValueError as error:
        problem = str(error)
    else:
        problem = ""
    assert "expected a power in kW" in problem or "is no unit of a power in kW" in problem or not problem


@pytest.mark.parametrize("name", ["EUR", "USD", "CNY", "yuan", "euro", "MAD", "PEN"])
def test_money(name):
    assert units.money(name) == name


@pytest.mark.parametrize("name", ["", "E", "E1", "€", "US dollar", "kW", "kWh", "pound", "hour"])
def test_what_is_no_money(name):
    with pytest.raises(ValueError, match="EUR"):
        units.money(name)


def test_without_a_name_of_money_only_the_rest_is_judged():
    assert units.number("3 EUR/kWh", "yuan/kWh", "") == 3.0
    assert units.expected("yuan/kWh", "") == "a price in money/kWh"
    with pytest.raises(ValueError, match="kWh is no unit of a power in kW"):
        units.number("3 kWh", "kW", "")
