"""What was found for each claim of the study; the price set of the run decides, the other stands in the note."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bcopt.compendium.ledger import Outcome
from bcopt.studies.frontiers2022.fits import PAYERS, TARGETS, Settled
from bcopt.studies.frontiers2022.inputs import PUBLISHED
from bcopt.studies.frontiers2022.results import FUEL_SHARE, OTHERWISE, STATEMENTS, payments

SEVEN = "one of seven fits for seven numbers, no evidence"
_WEIGHTS = {
    "F-4.3-weight-monotone": "weight monotone",
    "F-4.3-weight-plateau": "weight plateau",
    "F-4.3-weight-zero": "weight zero",
    "F-4.3-weight-one": "weight one",
}
_WEAK = {
    "F-4.2.2-commercial-sheds": "weak: the form of the response was chosen on this sentence",
    "F-4.2.2-residential-keeps": "weak: the form of the response was chosen on this sentence",
    "F-4.2.2-grid-hours": "weak under text-bands: its bands were read from this sentence",
    "F-4.3-loss-hours": "weak under text-bands: its bands were read from this sentence",
}


def of_section_4_1() -> dict[str, Outcome]:
    """Return the outcome of the notebook on the basic data."""
    return {"F-4.1-tables": Outcome(None, "images; our prices, loads, users and equipment stand in the notebook")}


def of_section_4_2_1(by_set: pd.DataFrame, kept: Mapping[str, bool], decides: str) -> dict[str, Outcome]:
    """Return the outcomes of the notebook on pricing.

    Parameters
    ----------
    by_set : pd.DataFrame
        From :func:`bcopt.studies.frontiers2022.results.row`, a row a price set, named in ``scenario``.
    kept : mapping of str to bool
        Whether the mean retail price is at most the mean wholesale price, by price set.
    decides : str
        The price set of the run.
    """
    found = {"F-4.2.1-average-price": Outcome(kept[decides], f"imposed; {_by_set(kept)}")}
    return found | _statements(["F-4.2.1-adjustment"], by_set, decides, {})


def of_section_4_2_2(by_set: pd.DataFrame, shedding: float, decides: str) -> dict[str, Outcome]:
    """Return the outcomes of the notebook on scheduling.

    Parameters
    ----------
    by_set, decides
        As in :func:`of_section_4_2_1`.
    shedding : float
        Uniform reduction over the clock hours 10 to 20 that the printed saving of the commercial cluster admits [%].
    """
    row = by_set.set_index("scenario").loc[decides]
    seen = {
        "F-4.2.2-commercial-sheds": f"{row['commercial sheds of its electricity [%]']:.1f} % of the electricity and "
        f"{row['commercial sheds of its cooling [%]']:.1f} % of the cold go, most of it moved to other hours; the "
        f"printed saving of 2.11 % admits {shedding:.1f} % at wholesale prices",
        "F-4.2.2-residential-keeps": f"{row['residential price over wholesale, 8 to 13 [%]']:.0f} % of the wholesale "
        f"price from 8 to 13, {row['residential price over wholesale, other hours [%]']:.0f} % else; load reduced by "
        f"{row['residential reduction, 8 to 13 [%]']:.1f} %",
        "F-4.2.2-grid-hours": f"{row['mean purchase, 0 to 8 and 22 to 24 [kW]']:.0f} kW then, "
        f"{row['mean purchase, other hours [kW]']:.0f} kW else",
        "F-4.2.2-cooling-order": f"in {row['hours in which CCHP comes first']} of 24 hours",
    }
    return _statements(list(seen), by_set, decides, seen)


def of_section_4_3(
    settled: Mapping[str, Settled], by_set: pd.DataFrame, weights: pd.DataFrame, sweep: pd.DataFrame, decides: str
) -> dict[str, Outcome]:
    """Return the outcomes of the notebook on the weight sweep.

    Parameters
    ----------
    settled : mapping of str to Settled
        By price set.
    by_set, decides
        As in :func:`of_section_4_2_1`.
    weights : pd.DataFrame
        From :func:`bcopt.studies.frontiers2022.weights.statements`, a row a price set, named in ``scenario``.
    sweep : pd.DataFrame
        From :func:`bcopt.studies.frontiers2022.results.sweep`, of the price set of the run.
    """
    other = next(name for name in settled if name != decides)
    rows, row = by_set.set_index("scenario"), weights.set_index("scenario").loc[decides]
    share, by_name = sweep[FUEL_SHARE], rows[FUEL_SHARE].to_dict()
    losses = rows.loc[decides]
    seen = {
        "F-4.3-loss-hours": f"loss in {losses['hours of the sentence with a loss']} of its 12 hours, "
        f"{losses['hours with a loss']} of 24",
        "F-4.3-weight-monotone": f"greatest rise {row['greatest rise from a weight to the next [yuan]']:.2f} yuan",
        "F-4.3-weight-plateau": "from 0.3 to 0.6 the benefit spans "
        f"{100 * row['benefit from 0.3 to 0.6 over that from 0 to 1 [-]']:.1f} % of the whole: the exact "
        "optimum is a step at 0.5, below which payments raise the reward and above which they lower it",
        "F-4.3-weight-zero": f"above it: {row['clusters above their direct cost at 0'] or 'none'}; the cap on the mean "
        "price does not weigh hours by load",
        "F-4.3-weight-one": f"{row['benefit at 1 [yuan]']:.0f} yuan: every price is the lowest wholesale price",
    }
    return {
        **_fits(settled, decides),
        **_statements(["F-4.3-loss-hours"], by_set, decides, seen),
        "F-4.3-fuel-share": Outcome(
            by_name[decides],
            f"weak: complement of the fitted operation costs; {by_name[other]:.1f} under {other}",
            band=(float(share.min()), float(share.max())),
        ),
        **_statements(list(_WEIGHTS), weights, decides, seen),
    }


def _fits(settled: Mapping[str, Settled], decides: str) -> dict[str, Outcome]:
    """Return the seven fitted numbers: knob, or both sides of the jump that the target lies in."""
    paid = payments(settled[decides]).set_index("cluster")
    costs, reductions = paid["cost [yuan]"].to_dict(), paid["reduction [%]"].to_dict()
    found = {}
    for knob, cluster in PAYERS.items():
        note = _knob(settled, decides, knob)
        cost, reduction = PUBLISHED[cluster]
        found[cost] = Outcome(costs[cluster], note)
        scale = float(settled[decides].day["load_scale"].sel(cluster=cluster))
        found[reduction] = Outcome(reductions[cluster], f"{SEVEN}; load scale {scale:.5g}; cost: {note}")
    benefit = float(settled[decides].accounts["provider_benefit"])
    return found | {TARGETS["operation"]: Outcome(benefit, _knob(settled, decides, "operation"))}


def _knob(settled: Mapping[str, Settled], decides: str, knob: str) -> str:
    """Return where a knob stands and why, under both price sets."""
    texts = []
    for name in sorted(settled, key=lambda name: name != decides):
        value, jump = getattr(settled[name].knobs, knob), settled[name].jumps.get(knob)
        text = f"{value:.6g}"
        if jump:
            text = f"missed: jump from {jump.low[1]:,.2f} to {jump.high[1]:,.2f} yuan at {value:.6g}"
        texts.append(f"{name}: {text}")
    return f"{SEVEN}; {knob.replace('_', ' ')}, {'; '.join(texts)}"


def _statements(claims: list[str], by_set: pd.DataFrame, decides: str, seen: Mapping[str, str]) -> dict[str, Outcome]:
    """Return sentences as they came out, under both price sets and by both definitions."""
    rows = by_set.set_index("scenario")
    found = {}
    for claim in claims:
        column = (STATEMENTS | _WEIGHTS)[claim]
        notes = [_WEAK.get(claim, ""), seen.get(claim, ""), _by_set(rows[column])]
        notes.append(f"by the other definition {_by_set(rows[column + OTHERWISE])}")
        found[claim] = Outcome(bool(rows.loc[decides, column]), "; ".join(note for note in notes if note))
    return found


def _by_set(holds: Mapping[str, object] | pd.Series) -> str:
    return ", ".join(f"{name}: {'yes' if value else 'no'}" for name, value in holds.items())
