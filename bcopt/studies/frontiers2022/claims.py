"""What was found for each claim of the study; the price set of the run decides, the other stands in the note."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bcopt.compendium.ledger import Outcome
from bcopt.studies.frontiers2022.fits import TARGETS
from bcopt.studies.frontiers2022.inputs import PUBLISHED
from bcopt.studies.frontiers2022.results import BENEFIT, FUEL_SHARE, OTHERWISE, STATEMENTS, payments
from bcopt.studies.frontiers2022.stages import PAYERS, Settled

SEVEN = "one of seven fits for seven numbers, no evidence"
_TIES = "the band is over prices of equal reward"
_WEIGHTS = {
    "F-4.3-weight-monotone": "weight monotone",
    "F-4.3-weight-plateau": "weight plateau",
    "F-4.3-weight-zero": "weight zero",
    "F-4.3-weight-one": "weight one",
}
_WEAK = {
    "F-4.2.2-cooling-order": "weak: recovered heat costs nothing, so every optimum uses it",
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
        "F-4.2.2-commercial-sheds": f"{row['commercial uses less electricity, 10 to 20 [%]']:.1f} % less electricity "
        f"and {row['commercial uses less cooling, 10 to 20 [%]']:.1f} % less cold, of which reduced "
        f"{row['of it reduced electricity [%]']:.1f} and {row['of it reduced cooling [%]']:.1f} %, the rest moved; "
        f"reductions alone, at wholesale prices, save 2.11 % of the cost at {shedding:.1f} % over these hours",
        "F-4.2.2-residential-keeps": f"{row['residential price over wholesale, 8 to 13 [%]']:.0f} % of the wholesale "
        f"price from 8 to 13, {row['residential price over wholesale, other hours [%]']:.0f} % else; "
        f"{row['residential electricity reduced, 8 to 13 [%]']:.1f} % reduced, "
        f"{row['residential electricity less after dispatch, 8 to 13 [%]']:.1f} % less after dispatch",
        "F-4.2.2-grid-hours": f"{row['mean purchase, 0 to 8 and 22 to 24 [kW]']:.0f} kW then, "
        f"{row['mean purchase, other hours [kW]']:.0f} kW else",
        "F-4.2.2-cooling-order": f"in {row['hours with the turbine on in which CCHP comes first']} of "
        f"{row['hours with the turbine on']} hours with the turbine on",
    }
    return _statements(list(seen), by_set, decides, seen)


def of_section_4_3(
    settled: Mapping[str, Settled],
    by_set: pd.DataFrame,
    exact: pd.DataFrame,
    weights: pd.DataFrame,
    sweep: pd.DataFrame,
    decides: str,
) -> dict[str, Outcome]:
    """Return the outcomes of the notebook on the weight sweep.

    Parameters
    ----------
    settled : mapping of str to Settled
        By price set.
    by_set, decides
        As in :func:`of_section_4_2_1`.
    exact : pd.DataFrame
        From :func:`bcopt.studies.frontiers2022.weights.exact_sweep`, of the price set of the run.
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
        f"{losses['hours with a loss']} of 24, by the tie rule",
        "F-4.3-weight-monotone": f"greatest rise {row['greatest rise from a weight to the next [yuan]']:.2f} yuan, "
        f"{row['that rise over the cost [%]']:.3f} % of the clusters' cost: the dispatch moves loads, while the terms "
        "of the reward itself are monotone",
        "F-4.3-weight-plateau": "from 0.3 to 0.6 the benefit spans "
        f"{100 * row['benefit from 0.3 to 0.6 over that from 0 to 1 [-]']:.1f} % of the whole: the "
        "factor of payments in the reward changes its sign at 0.5",
        "F-4.3-weight-zero": f"above it: {row['clusters above their direct cost at 0'] or 'none'}; the cap on the mean "
        "price does not weigh hours by load",
        "F-4.3-weight-one": f"{row['benefit at 1 [yuan]']:.0f} yuan: prices fall to the lowest wholesale price",
    }
    return {
        **_fits(settled, exact, decides),
        **_statements(["F-4.3-loss-hours"], by_set, decides, seen),
        "F-4.3-fuel-share": Outcome(
            by_name[decides],
            f"weak: complement of the fitted operation costs; {by_name[other]:.1f} under {other}",
            band=(float(share.min()), float(share.max())),
        ),
        **_statements(list(_WEIGHTS), weights, decides, seen),
    }


def _fits(settled: Mapping[str, Settled], exact: pd.DataFrame, decides: str) -> dict[str, Outcome]:
    """Return the seven fitted numbers: knob or what stands in for a root, and as a band the prices of equal reward."""
    paid, tied = (
        payments(settled[decides]).set_index("cluster"),
        exact[exact["weight"] == settled[decides].scenario.weight],
    )
    costs, reductions = paid["cost [yuan]"].to_dict(), paid["reduction [%]"].to_dict()
    direct = paid["direct cost [yuan]"].to_dict()
    found = {}
    for knob, cluster in PAYERS.items():
        note = f"{SEVEN}; {_knob(settled, decides, knob)}; {_TIES}"
        cost, reduction = PUBLISHED[cluster]
        low, high = (float(of) for of in tied[f"cost of {cluster} [yuan]"].agg(["min", "max"]))
        found[cost] = Outcome(costs[cluster], note, band=(low, high))
        scale = float(settled[decides].day["load_scale"].sel(cluster=cluster))
        band = (100 * (1 - high / direct[cluster]), 100 * (1 - low / direct[cluster]))
        found[reduction] = Outcome(reductions[cluster], f"load scale {scale:.5g}; {note}", band=band)
    benefit = float(settled[decides].accounts["provider_benefit"])
    low, high = (float(of) for of in tied[BENEFIT].agg(["min", "max"]))
    note = f"{SEVEN}; {_knob(settled, decides, 'operation')}; {_TIES}"
    return found | {TARGETS["operation"]: Outcome(benefit, note, band=(low, high))}


def _knob(settled: Mapping[str, Settled], decides: str, knob: str) -> str:
    """Return where a knob stands and why, under both price sets."""
    texts = []
    for name in sorted(settled, key=lambda name: name != decides):
        value, jump = getattr(settled[name].knobs, knob), settled[name].jumps.get(knob)
        text = f"{value:.6g}"
        if jump and jump.goes_round:
            low, high = (f"{at:.6g}, which gives {given:,.2f} yuan" for at, given in (jump.low, jump.high))
            text = f"no root: goes round between {low}, and {high}; kept at {value:.6g}"
        elif jump:
            kind = "jump" if jump.narrow else "out of reach,"
            text = f"missed: {kind} from {jump.low[1]:,.2f} to {jump.high[1]:,.2f} yuan at {value:.6g}"
        texts.append(f"{name}: {text}")
    return f"{knob.replace('_', ' ')}, {'; '.join(texts)}"


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
