"""The words beside the numbers: where every input of a district comes from, and one page of answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
from pydantic import BaseModel

from bcopt.districts.answers import Answers
from bcopt.districts.folder import District
from bcopt.districts.schema import Tariff
from bcopt.districts.uses import BUILDINGS
from bcopt.districts.values import Range


def validation(district: District) -> pd.DataFrame:
    """Return where loads, sun and prices come from, what is sized, and what the schema assumed.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`, so that nothing in it is wrong.

    Returns
    -------
    pd.DataFrame
        Columns input, comes from.
    """
    rows = [("folder", f"{district.folder.name}: no problem found"), *_loads(district), *_prices(district)]
    rows += [*_devices(district), ("assumed where the folder says nothing", _assumed(district) or "nothing")]
    return pd.DataFrame(rows, columns=["input", "comes from"])


def _loads(district: District) -> Iterator[tuple[str, str]]:
    weather = district.file.weather
    for name, own in district.clusters.items():
        given = [use for cluster, use in district.loads if cluster == name]
        loads = f"loads.csv: {', '.join(given)}; nothing else"
        if not given:
            built = f"{own.floor_area:,.0f} m2 of {own.use} ({BUILDINGS[own.use]}), {own.storeys} storeys"
            loads = f"EnergyPlus: {built}, weather {weather}"
        sun = (
            f"roofs under {weather}, {100 * own.roof_share:g} % covered" if weather else "none: no table and no weather"
        )
        yield f"loads of {name}", loads
        yield f"sun of {name}", "photovoltaics.csv" if name in district.photovoltaics else sun


def _prices(district: District) -> Iterator[tuple[str, str]]:
    for name, tariff in district.file.tariffs.items():
        read = [key for key in Tariff.model_fields if (name, key) in district.prices]
        written = [key for key in Tariff.model_fields if key in tariff.model_fields_set]
        parts = [
            f"{file}: {', '.join(keys)}" for file, keys in (("prices.csv", read), ("district.yaml", written)) if keys
        ]
        yield f"tariff {name}", "; ".join(parts)


def _devices(district: District) -> Iterator[tuple[str, str]]:
    if not {"sizing", "dispatch"} & set(district.file.run):
        return
    devices = district.file.devices
    for name, size, unit in (
        ("heat pumps", devices.heat_pump.heat, "kW"),
        ("shared storage", devices.storage.energy, "kWh"),
    ):
        sized = isinstance(size, Range)
        text = (
            f"sized between {size.least:,.6g} and {size.most:,.6g} {unit}"
            if isinstance(size, Range)
            else f"{size:,.6g} {unit}"
        )
        yield name, text if sized else f"{text}, as given"


def _assumed(district: District) -> str:
    """Return the keys that stand at what the schema gives them, among the parts that a run uses."""
    parts: dict[str, Any] = {"": district.file, "envelope.": district.file.envelope}
    parts |= {
        f"devices.{name}.": getattr(district.file.devices, name)
        for name in ("heat_pump", "storage", "chiller", "boiler")
    }
    if not any(map(district.is_simulated, district.clusters)):
        del parts["envelope."]
    plain = [
        f"{prefix}{key} = {value}"
        for prefix, part in parts.items()
        for key, value in ((k, getattr(part, k)) for k in type(part).model_fields if k not in part.model_fields_set)
        if value not in (None, "", (), {}) and not isinstance(value, BaseModel | dict)
    ]
    return ", ".join(plain)


QUESTIONS: dict[str, tuple[str, ...]] = {
    "What do the clusters use in a year?": (r"electricity of uses", r"heat of rooms", r"cold of rooms"),
    "What do the roofs give?": (r"photovoltaics",),
    "What is flexibility worth?": (r"clusters' saving",),
    "How level could another mix be?": (r"departure from the average load, (today|flattest)",),
    "How renewable could another mix be?": (r"renewable share, (today|most renewable)",),
    "What should be built?": (r"storage \[", r"heat pumps \["),
    "What does it cost, and emit?": (r"cost \[", r"emissions \["),
    "What is one more unit worth?": (r"one ",),
    "How is it run?": (r"purchase \[", r"export \[", r"pump heat", r"gas heat", r"greatest purchase"),
    "What do retail prices do?": (r"provider's benefit", r"clusters' benefit", r"load forgone"),
    "How does the provider run?": (r"turbine runs", r"gas of the turbine", r"provider buys"),
    "Which renewables?": (r"renewables' ",),
}
"""What a client asks for first, and how the names of the numbers begin that answer it."""


def page(answers: Answers) -> pd.DataFrame:
    """Return the answers to the :data:`QUESTIONS` that a folder's run has any of."""
    rows = []
    for question, begins in QUESTIONS.items():
        found = [name for begin in begins for name in answers.numbers if re.match(begin, name)]
        rows += [(question if place == 0 else "", name, answers.numbers[name]) for place, name in enumerate(found)]
    return pd.DataFrame(rows, columns=["question", "answer", "value"])
