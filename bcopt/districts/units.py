"""Numbers with units as a planner writes them, ``12 MWh`` or ``0.5 yuan/kWh``, in the unit that a model takes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import pint

MONEY = "yuan"
"""Unit of money in the models; a folder may call its own money something else."""
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*)?", re.DOTALL)
_POWER = re.compile(r"(?<=[A-Za-z])([23])(?![0-9])")
_FACTOR = r"(?:1|%|°?[^\W\d]+)(?:\s*(?:\*\*|\^)\s*-?\d)?"
_UNIT = re.compile(rf"{_FACTOR}(?:(?:\s*[/*·]\s*|\s+){_FACTOR})*")
"""Names with a power of one digit, multiplied or divided."""
_CARBON = re.compile(r"(?<=[A-Za-z])[ _-]?CO2(?:[ _-]?eq?)?(?![A-Za-z0-9])")
"""What is said of a mass of carbon dioxide and measures nothing."""
_OF_MONEY = {
    "k": "k",
    "M": "M",
    "c": "c",
    "kilo": "kilo",
    "mega": "mega",
    "centi": "centi",
    "T": "k",
    "t": "k",
    "Mio": "M",
}
"""Prefixes that money has, and what is meant by those that planners write beside them."""
_HUNDREDTH = ("ct", "cent", "cents")
"""What a hundredth of money is called."""
_MEANING = {
    "1": "a number without unit",
    "kW": "a power",
    "kWh": "an energy",
    "m2": "an area",
    "h": "a time",
    "a": "a time",
    "yuan/kWh": "a price",
    "kg/kWh": "an emission factor",
}


def number(text: str, unit: str, currency: str = MONEY) -> float:
    """Return a number that may carry a unit in the unit expected; without one it is in that already.

    Parameters
    ----------
    text : str
        Such as ``0.42``, ``420 yuan/MWh`` or ``15 %``.
    unit : str
        Expected unit, money called ``yuan`` in it.
    currency : str
        What the folder calls its money; nothing if that is not known, and no unit of money can be judged.

    Raises
    ------
    ValueError
        If the text is no number, or its unit is unknown or no measure of the same thing.
    """
    found = _NUMBER.fullmatch(text)
    if not found or (found[2] or "").startswith(","):
        comma = "; decimals follow a point" if "," in text else ""
        raise ValueError(f"{text!r} is no number, expected {expected(unit, currency)}{comma}")
    scale, zero = _line(found[2] or "", unit, currency)
    return float(found[1]) * scale + zero


def factor(given: str, unit: str, currency: str = MONEY) -> float:
    """Return by what to multiply a number in a unit to have it in another [-].

    Parameters
    ----------
    given : str
        Unit as written; nothing is the unit expected.
    unit, currency
        As in :func:`number`.

    Raises
    ------
    ValueError
        If a unit is unknown or no measure of the same thing.
    """
    return _line(given, unit, currency)[0]


def _line(given: str, unit: str, currency: str) -> tuple[float, float]:
    """Return by what to multiply a number in a unit to have it in another, and what to add, of temperatures alone."""
    wanted = shown(unit, currency)
    if not given.strip() or given.strip() == wanted or (not currency and wanted != unit):
        return 1.0, 0.0
    _refuse_misread(given.strip(), currency)
    if small := re.search(r"(?<![A-Za-z])m(Wh?|J)(?![A-Za-z])", given):
        raise ValueError(f"{given.strip()!r} is in thousandths of a {small[1]}, did you mean M{small[1]}?")
    registry = _registry(currency)
    spelt = _spelt(_CARBON.sub("", given.strip()))
    meant = f", did you mean {wanted}?" if given.lower() == wanted.lower() else ""
    money = f"; money is in {currency} here" if currency and MONEY in unit else ""
    unknown = f"{given.strip()!r} is no known unit, expected {expected(unit, currency)}{meant}{money}"
    if not _UNIT.fullmatch(spelt):
        raise ValueError(unknown)
    try:
        zero, one = (float(registry.Quantity(x, spelt).to(_spelt(wanted)).magnitude) for x in (0.0, 1.0))
    except pint.DimensionalityError as error:
        raise ValueError(f"{given.strip()} is no unit of {expected(unit, currency)}") from error
    except (pint.PintError, AssertionError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(unknown) from error
    return one - zero, zero


def _refuse_misread(given: str, currency: str) -> None:
    """Raise if a unit has a name that the registry reads otherwise than it is meant: TEUR, ton."""
    known = f"{given!r} is no known unit"
    if currency and (found := re.search(rf"(?<![^\W\d])([^\W\d]+){currency}(?![^\W\d])", given)):
        meant = _OF_MONEY.get(found[1])
        if meant is None:
            raise ValueError(f"{known}, money is in {currency}, k{currency}, M{currency} or ct here")
        if meant != found[1]:
            raise ValueError(f"{known}, did you mean {given.replace(found[0], meant + currency, 1)}?")
    if re.search(r"(?<![^\W\d])[kM]?[Tt]ons?(?![^\W\d])", given):
        raise ValueError(f"{known}, expected metric tons as t")


def money(name: str) -> str:
    """Return the name of a folder's money, or raise if it is none.

    Raises
    ------
    ValueError
        If it is not of two to twelve letters, or the name of a unit already.
    """
    if not re.fullmatch("[A-Za-z]{2,12}", name):
        raise ValueError(f"is {name!r}, expected 2 to 12 letters, such as EUR")
    if name in _registry(""):
        raise ValueError(f"is {name!r}, which is a unit of something else, expected a name of money such as EUR")
    return name


def expected(unit: str, currency: str = MONEY) -> str:
    """Say what a unit measures, in words."""
    name = shown(unit, currency)
    meaning = _MEANING.get(unit, "a number")
    return meaning if unit == "1" else f"{meaning} in {name}"


def shown(unit: str, currency: str = MONEY) -> str:
    """Return a unit of the models with the folder's own money."""
    return re.sub(rf"\b{MONEY}\b", currency or "money", unit)


def _spelt(unit: str) -> str:
    """Return a unit in pint's spelling: powers by ``**``, ratios as dimensionless."""
    if unit == "1":
        return "dimensionless"
    return _POWER.sub(r"**\1 ", unit).strip()


@lru_cache(maxsize=8)
def _registry(currency: str) -> Any:
    registry: Any = pint.UnitRegistry(cache_folder=None, on_redefinition="ignore")
    if currency:
        registry.define(f"{currency} = [currency]")
        if currency.lower() not in _HUNDREDTH:
            registry.define(f"hundredth_of_{currency} = 0.01 * {currency} = {' = '.join(_HUNDREDTH)} = Ct")
    registry.define("vehicle = [] = vehicles")
    return registry
