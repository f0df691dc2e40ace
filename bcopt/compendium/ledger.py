"""The ledger: every printed number of the studies beside what was computed, how, and how far off it is."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from bcopt.compendium.inputs import FILLED, schema_problems
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import HeldOut, Protocol
from bcopt.compendium.texts import read_cells

CLAIMS = Path("data") / "published" / "claims.csv"
CLASSES = ("input", "identity", "fit", "closure", "held-out", "qualitative", "unpublished")
VERDICTS = (
    "reproduced",
    "within tolerance",
    "missed",
    "contradicted",
    "used as input",
    "nothing printed",
    "not attempted",
)
HEADLINE_CLASSES = ("held-out", "qualitative")
COLUMNS = [
    "id", "paper", "locator", "statement", "unit", "printed", "reproduced", "deviation", "tolerance", "class",
    "verdict", "band", "notebook", "note",
]  # fmt: skip
SHOWN = ["statement", "unit", "printed", "reproduced", "class", "verdict", "band", "note"]
NOT_BUILT = "not built yet"

_CLAIMED = ["paper", "statement", "unit", "printed", "class"]
"""What a verdict is a verdict on: rows made from another text than the claims have now are refused."""

_BOOLEAN = (bool, np.bool_)
_PRINTED = r"^(true|-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?)?\Z"
_NO_ID = "is not of the form S-3.1-name"
CLAIMS_SCHEMA = pa.DataFrameSchema(
    {
        "id": pa.Column(str, pa.Check.str_matches(r"^[A-Z]-[\w.-]+$", error=_NO_ID), unique=True),
        **{name: pa.Column(str, FILLED) for name in ("paper", "locator", "statement")},
        "printed": pa.Column(str, pa.Check.str_matches(_PRINTED, error="is no number and not 'true'")),
        **{name: pa.Column(str) for name in ("unit", "basis", "correction")},
        "class": pa.Column(str, pa.Check.isin(CLASSES, error=f"is none of {', '.join(CLASSES)}")),
    },
    strict=True,
)


@dataclass(frozen=True)
class Outcome:
    """What a notebook found for one claim.

    Parameters
    ----------
    value : float, bool or None
        The number in the claim's unit; for a statement, whether it holds; None where the paper prints nothing.
    note : str
        How it was obtained, or why the row is weak evidence. A fit without a note gets its step and knob.
    band : tuple of float, optional
        Lowest and highest value over the protocol's variants. It is shown and decides nothing.
    contradiction : str
        Why what is printed is impossible under the study's own model, if it is: the proof. It follows the
        note.
    """

    value: float | bool | None
    note: str = ""
    band: tuple[float, float] | None = None
    contradiction: str = ""


def read_claims(root: Path) -> pd.DataFrame:
    """Read the published claims, one row each, every cell as the text that is printed.

    Raises
    ------
    InputError
        If the file is no UTF-8 table; listing every missing column, duplicated id, unknown class and printed value that
        is not a number.
    """
    claims = read_cells(root / CLAIMS, CLAIMS.as_posix())
    problems = schema_problems(CLAIMS_SCHEMA, claims)
    if problems:
        raise InputError(CLAIMS.as_posix(), problems)
    return claims


def printed_number(printed: str) -> tuple[float, float]:
    """Return a printed number and half a unit of its last printed digit.

    >>> printed_number("3,310,354.42")
    (3310354.42, 0.005)
    """
    text = printed.replace(",", "")
    decimals = len(text.partition(".")[2])
    return float(text), 0.5 * 10.0**-decimals


def printed_numbers(claims: pd.DataFrame, names: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Return the numbers that some claims print, each as :func:`printed_number` does.

    Parameters
    ----------
    claims : pd.DataFrame
        From :func:`read_claims`.
    names : iterable of str
        Their ids.

    Raises
    ------
    InputError
        Listing every claim that is missing or prints no number.
    """
    texts = claims.set_index("id")["printed"].to_dict()
    wanted = list(names)
    problems = [
        f"claim {name}: {'prints no number' if name in texts else 'missing'}, expected a printed number"
        for name in wanted
        if texts.get(name, "") in ("", "true")
    ]
    if problems:
        raise InputError(CLAIMS.as_posix(), problems)
    return {name: printed_number(texts[name]) for name in wanted}


def judge(
    claims: pd.DataFrame,
    outcomes: Mapping[str, Outcome],
    protocol: Protocol,
    notebook: str,
    deviations: Mapping[str, Any],
) -> pd.DataFrame:
    """Set what was found against what is printed.

    Parameters
    ----------
    claims : pd.DataFrame
        From :func:`read_claims`.
    outcomes : mapping of claim id to Outcome
        What one notebook found.
    protocol : Protocol
        Holds the tolerances of held-out rows, fixed before they were computed.
    notebook : str
        The notebook the rows end in, as ``study/name``.
    deviations : mapping
        Parameters of this run that are not the protocol's central values. Only the central variant decides a held-out
        or qualitative row: under any other it is not attempted.

    Returns
    -------
    pd.DataFrame
        One row an outcome, in the order of the claims, with the columns of the ledger and ``protocol`` (hash).

    Raises
    ------
    InputError
        Listing every claim of an unknown paper.
    ValueError
        For outcomes without a claim, for values of the wrong kind, and listing every fit that is the target of no step
        and every held-out row that has no tolerance in the protocol.
    """
    unknown = [key for key in outcomes if key not in set(claims["id"])]
    if unknown:
        raise ValueError(f"{notebook}: no claim {', '.join(unknown)} in {CLAIMS.as_posix()}")
    judged = [claim for claim in claims.to_dict("records") if claim["id"] in outcomes]
    strange = [
        f"claim {claim['id']}, column paper: {claim['paper']!r}, expected one of {', '.join(protocol.studies)}"
        for claim in judged
        if claim["paper"] not in protocol.studies
    ]
    if strange:
        raise InputError(CLAIMS.as_posix(), strange)
    undecided = [fault for claim in judged if (fault := _undecided(claim, protocol))]
    if undecided:
        raise ValueError("; ".join(undecided))
    rows = [_row(claim, outcomes[claim["id"]], protocol, notebook, deviations) for claim in judged]
    return pd.DataFrame(rows, columns=[*COLUMNS, "protocol"])


def assemble(claims: pd.DataFrame, fragments: Mapping[str, pd.DataFrame], protocol: Protocol) -> pd.DataFrame:
    """Join the rows of all notebooks into the ledger of every claim.

    Parameters
    ----------
    claims : pd.DataFrame
        From :func:`read_claims`.
    fragments : mapping of notebook to DataFrame
        The rows that each notebook ended in, from :func:`judge`.
    protocol : Protocol
        The protocol in force.

    Returns
    -------
    pd.DataFrame
        One row a claim; those that no notebook covers are "not attempted".

    Raises
    ------
    ValueError
        If rows were made under another protocol than the one in force or from other claims, if two notebooks claim one
        row, or if a row has no claim.
    """
    stale = {name: rows for name, rows in fragments.items() if (rows["protocol"] != protocol.sha256).any()}
    if stale:
        raise ValueError(
            f"rows of {', '.join(stale)} were made under another {CLAIMS.parent.parent.name}/protocol.yaml than the "
            f"one in force ({protocol.sha256[:12]}): rerun these notebooks with `dvc repro`"
        )
    found = pd.concat([rows[COLUMNS] for rows in fragments.values()]) if fragments else pd.DataFrame(columns=COLUMNS)
    repeated = sorted(found.loc[found["id"].duplicated(), "id"])
    orphans = sorted(set(found["id"]) - set(claims["id"]))
    if repeated or orphans:
        raise ValueError(f"ledger rows claimed by two notebooks: {repeated}; without a claim: {orphans}")
    changed = _changed(claims, found)
    if changed:
        raise ValueError(
            f"claims have changed since the rows of {', '.join(changed)} were made: "
            "rerun their notebooks with `dvc repro`"
        )
    by_id = {row["id"]: row for row in found.to_dict("records")}
    rows = [by_id.get(claim["id"]) or _missing(claim) for claim in claims.to_dict("records")]
    return pd.DataFrame(rows, columns=COLUMNS)


def read_fragments(root: Path) -> dict[str, pd.DataFrame]:
    """Return the ledger rows that each notebook ended in, by notebook, as they stand in ``results/tables``."""
    tables = root / "results" / "tables"
    return {
        path.parent.relative_to(tables).as_posix(): pd.read_csv(path, dtype=str, keep_default_na=False)
        for path in sorted(tables.glob("*/*/ledger.csv"))
    }


def evidence(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a verdict that could have come out otherwise: held-out and qualitative ones."""
    return ledger[ledger["class"].isin(HEADLINE_CLASSES) & (ledger["verdict"] != "not attempted")]


def shown(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that fit a page, by claim; results/ledger.csv has the others."""
    return ledger.set_index("id")[SHOWN]


def coverage(ledger: pd.DataFrame) -> dict[str, Any]:
    """Return the share of rows with a verdict, the counts by class and verdict, and the headline.

    The headline counts held-out and qualitative rows alone: only those could have come out otherwise.
    """
    attempted = ledger["verdict"] != "not attempted"
    headline = ledger[attempted & ledger["class"].isin(HEADLINE_CLASSES)]
    return {
        "rows": len(ledger),
        "coverage": round(float(attempted.mean()), 4),
        "class": _counts(ledger["class"], CLASSES),
        "verdict": _counts(ledger["verdict"], VERDICTS),
        "headline": {"rows": len(headline), **_counts(headline["verdict"], VERDICTS[:4])},
    }


def _counts(column: pd.Series, names: tuple[str, ...]) -> dict[str, int]:
    return {name: int((column == name).sum()) for name in names}


def _changed(claims: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """Return the rows that were judged on another text than the claims have now, with the columns that differ."""
    now = claims.set_index("id")
    return [
        f"{row['id']} ({', '.join(columns)})"
        for row in found.to_dict("records")
        if (columns := [column for column in _CLAIMED if row[column] != now.loc[row["id"], column]])
    ]


def _missing(claim: Mapping[Hashable, str]) -> dict[str, str]:
    return {column: claim.get(column, "") for column in COLUMNS} | {"verdict": "not attempted", "note": NOT_BUILT}


def _undecided(claim: Mapping[Hashable, str], protocol: Protocol) -> str:
    """Return what the protocol must say of a claim before it can be judged and does not, or nothing."""
    study = protocol[claim["paper"]]
    if claim["class"] == "held-out" and claim["id"] not in study.held_out:
        return f"{claim['id']}: a held-out row needs its tolerance in data/protocol.yaml first, which has none for it"
    if claim["class"] == "fit" and study.fit_of(claim["id"]) is None:
        return f"{claim['id']}: a fit needs its step in data/protocol.yaml first, where it is the target of none"
    return ""


def _row(
    claim: Mapping[Hashable, str], outcome: Outcome, protocol: Protocol, notebook: str, deviations: Mapping[str, Any]
) -> dict[str, str]:
    kind = claim["class"]
    study = protocol[claim["paper"]]
    rule, fit = study.held_out.get(claim["id"]), study.fit_of(claim["id"])
    note = outcome.note or (f"fit {fit.order}, knob: {fit.knob}" if fit else "")
    row = {column: claim.get(column, "") for column in COLUMNS}
    row |= {"notebook": notebook, "note": note, "protocol": protocol.sha256}
    if outcome.band is not None:
        row["band"] = f"{_number(outcome.band[0])} to {_number(outcome.band[1])}"
    if kind in HEADLINE_CLASSES and deviations:
        variant = ", ".join(f"{name} = {value}" for name, value in deviations.items())
        return row | {"verdict": "not attempted", "note": f"not the protocol's central variant: {variant}"}
    if outcome.contradiction:
        note = "; ".join(text for text in (note, outcome.contradiction) if text)
        return row | {"verdict": "contradicted", "reproduced": _text(outcome.value), "note": note}
    if kind == "unpublished" or claim["printed"] == "":
        return row | {"verdict": "nothing printed", "reproduced": _text(outcome.value)}
    if claim["printed"] == "true" or kind == "qualitative":
        return row | _judge_statement(claim, outcome.value, rule)
    return row | _judge_number(claim, outcome.value, rule)


def _judge_statement(claim: Mapping[Hashable, str], value: float | bool | None, rule: HeldOut | None) -> dict[str, str]:
    if rule is not None and rule.kind == "probability at least":
        if isinstance(value, _BOOLEAN) or value is None or not 0 <= value <= 1:
            raise ValueError(f"{claim['id']}: is decided by a probability from 0 to 1, got {value!r}")
        holds = value >= rule.tolerance
        return {
            "reproduced": _number(value),
            "tolerance": f"probability >= {rule.tolerance:g}",
            "verdict": "reproduced" if holds else "missed",
        }
    if not isinstance(value, _BOOLEAN):
        raise ValueError(f"{claim['id']}: is a statement, so its outcome is True or False, got {value!r}")
    hit = "used as input" if claim["class"] == "input" else "reproduced"
    return {"reproduced": _text(value), "verdict": hit if value else "missed"}


def _judge_number(claim: Mapping[Hashable, str], value: float | bool | None, rule: HeldOut | None) -> dict[str, str]:
    if value is None or isinstance(value, _BOOLEAN) or not math.isfinite(value):
        raise ValueError(f"{claim['id']}: is a number, got {value!r}")
    printed, tolerance = printed_number(claim["printed"])
    if rule is not None and claim["class"] == "held-out":
        if rule.kind == "probability at least":
            raise ValueError(f"{claim['id']}: is a number, which no probability in data/protocol.yaml can decide")
        tolerance = rule.allows(printed)
    deviation = float(value) - printed
    # A value exactly half a unit off rounds to the printed digit as well; the slack is that of adding two doubles.
    hit = abs(deviation) <= tolerance + 4 * np.spacing(max(abs(printed), abs(float(value))))
    verdict = {"input": "used as input", "held-out": "within tolerance"}.get(claim["class"], "reproduced")
    return {
        "reproduced": _number(float(value)),
        "deviation": f"{deviation:.2g}" if abs(deviation) > 1e-9 * max(abs(printed), 1.0) else "0",
        "tolerance": f"{tolerance:g}",
        "verdict": verdict if hit else "missed",
    }


def _number(value: float) -> str:
    return f"{value:.9g}" if abs(value) < 1e9 else f"{value:.12g}"


def _text(value: float | bool | None) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, _BOOLEAN) else _number(value)
