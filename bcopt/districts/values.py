"""How single values of a district.yaml are read: numbers with units, ranges, hours of a day or a year, windows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from bcopt.districts import units

DAY, YEAR = 24, 8760
ABOVE_ZERO, BELOW_ONE = 1e-6, 0.999999
"""Ends of ranges that leave out zero or one."""
_WINDOW = re.compile(r"(?:[01]\d|2[0-4]):00 to (?:[01]\d|2[0-4]):00")


@dataclass(frozen=True)
class Number:
    """Reads one number, with or without a unit, and keeps it within its range.

    Parameters
    ----------
    unit : str
        In which the number is returned.
    least, most : float
        Admitted, both included.
    """

    unit: str
    least: float = 0.0
    most: float = math.inf

    def __call__(self, value: Any, info: ValidationInfo) -> float:
        """Return the number, or raise saying what was expected."""
        currency = str((info.context or {}).get("currency", units.MONEY))
        wanted = units.expected(self.unit, currency)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(f"is {shown(value)}, expected {wanted}")
        found = units.number(value, self.unit, currency) if isinstance(value, str) else float(value)
        if not (math.isfinite(found) and self.least <= found <= self.most):
            raise ValueError(f"is {found:g}, expected {wanted} {self.limits}")
        return found

    @property
    def limits(self) -> str:
        """The range, in words."""
        least = "above 0" if self.least == ABOVE_ZERO else f"from {self.least:g}"
        if math.isfinite(self.most):
            return f"{least} to {'below 1' if self.most == BELOW_ONE else f'{self.most:g}'}"
        if math.isfinite(self.least):
            return least if self.least == ABOVE_ZERO else f"of {self.least:g} or more"
        return "any"


class Series(Number):
    """Reads one number, or one for each hour of the day or of the year."""

    def __call__(self, value: Any, info: ValidationInfo) -> Any:
        """Return the number or a tuple of them, or raise naming the hours that are wrong."""
        if not isinstance(value, list):
            return super().__call__(value, info)
        if len(value) not in (DAY, YEAR):
            raise ValueError(f"has {len(value)} values, expected one, {DAY} or {YEAR}")
        found, wrong = [], []
        for hour, each in enumerate(value):
            try:  # each hour may be wrong by itself
                found.append(super().__call__(each, info))
            except ValueError as error:  # noqa: PERF203
                wrong.append(f"hour {hour}: {error}")
        if wrong:
            raise ValueError("; ".join([*wrong[:5], *([f"{len(wrong) - 5} more"] if len(wrong) > 5 else [])]))
        return tuple(found)


class Size(Number):
    """Reads a size, or the least and the most of a :class:`Range`."""

    def __call__(self, value: Any, info: ValidationInfo) -> Any:
        """Return the number, or the keys of the range with their numbers."""
        one = super().__call__
        if not isinstance(value, Mapping):
            return one(value, info)
        found, wrong = dict(value), []
        for name in value.keys() & Range.model_fields.keys():
            try:  # each end may be wrong by itself
                found[name] = one(value[name], info)
            except ValueError as error:  # noqa: PERF203
                wrong.append(f"{name}: {error}")
        if wrong:
            raise ValueError("; ".join(sorted(wrong)))
        return found


def shown(value: Any) -> str:
    """Return a value as a planner may have written it, lists and keys by their kind alone."""
    kinds = {list: "a list", dict: "a set of keys", type(None): "empty"}
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "empty" if value in ([], {}) else kinds.get(type(value), f"{value!r}")


class Strict(BaseModel):
    """Keys as they are listed, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def amount(unit: str, least: float = 0.0, most: float = math.inf) -> Any:
    """Return the annotation of a :class:`Number`."""
    return BeforeValidator(Number(unit, least, most))


class Range(Strict):
    """Least and greatest size of a device that is to be sized."""

    least: float = Field(default=0.0, description="smallest size")
    most: float = Field(description="greatest size")

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.least > self.most:
            raise ValueError(f"least {self.least:g} is above most {self.most:g}")
        return self


def sized(unit: str) -> Any:
    """Return the annotation of a :class:`Size`."""
    return BeforeValidator(Size(unit))


WINDOW = "always, hours such as 18:00 to 08:00, or a list from 0 to 1 by hour"
"""What :func:`window` reads, in words."""


def window(value: Any) -> Any:
    """Refuse what is neither every hour nor a clock window, nor a share for every hour."""
    if isinstance(value, str) and value != "always" and not _WINDOW.fullmatch(value):
        raise ValueError(f"is {value!r}, expected 'always' or a window such as '18:00 to 08:00'")
    if isinstance(value, list):
        if len(value) not in (DAY, YEAR):
            raise ValueError(f"is a list of {len(value)}, expected {DAY} or {YEAR} shares from 0 to 1")
        if odd := [hour for hour, x in enumerate(value) if not (isinstance(x, int | float) and 0 <= x <= 1)]:
            raise ValueError(f"is {shown(value[odd[0]])} in hour {odd[0]}, expected shares from 0 to 1")
    if not isinstance(value, str | list):
        raise ValueError(f"is {shown(value)}, expected 'always' or a window such as '18:00 to 08:00'")
    return tuple(value) if isinstance(value, list) else value


Power = Annotated[float, amount("kW")]
Energy = Annotated[float, amount("kWh")]
Area = Annotated[float, amount("m2", ABOVE_ZERO)]
Share = Annotated[float, amount("1", 0.0, 1.0)]
Loss = Annotated[float, amount("1/h", 0.0, BELOW_ONE)]
Ratio = Annotated[float, amount("kWh/kWh", ABOVE_ZERO)]
Years = Annotated[float, amount("a", 0.01, 200.0)]
Price = Annotated[float | tuple[float, ...], BeforeValidator(Series("yuan/kWh"))]
Window = Annotated[str | tuple[float, ...], BeforeValidator(window)]
