"""Section 4.2.1: how the learners of retail prices learn, and how far below the exact optimum they stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.protocol import StudyProtocol
from bcopt.methods import qlearning
from bcopt.planning.retail import LANE

FORMS = {"as published": False, "with the budget in the state": True}
"""Forms of the learner, and whether its state has the price budget that is used."""
AT_OPTIMUM = 1e-6
"""Share of the best reward within which a learner has reached it."""


def settings(
    protocol: StudyProtocol, parameters: Mapping[str, Any], checkpoints: Sequence[int], **other: Any
) -> qlearning.Settings:
    """Return how the learner learns: parameters of the run, what else the protocol decides, what is to differ."""
    chosen = protocol.chosen(["exploration_start", "exploration_end", "table_start"])
    episodes = int(parameters["episodes"])
    given: dict[str, Any] = {
        "learning_rate": float(parameters["learning_rate"]),
        "discount": float(parameters["discount"]),
        "exploration_start": float(chosen["exploration_start"]),
        "exploration_end": float(chosen["exploration_end"]),
        "start": str(chosen["table_start"]),
    }
    return qlearning.Settings(
        **(given | other), episodes=episodes, checkpoints=tuple(n for n in checkpoints if n < episodes)
    )


def day_gap(best: xr.Dataset, learned: xr.Dataset) -> xr.DataArray:
    """Return how far the learners of a seed stay below the best rewards, dims (episode, weight, seed) [yuan]."""
    gap = (best["reward"] - learned["reward"]).sum(LANE)
    return gap.transpose("episode", "weight", "seed").assign_attrs(units="yuan", long_name="gap of the reward")


def solution(best: xr.Dataset, learned: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Return the best levels beside those of every learner, which have the dims form, episode and seed too."""
    found = xr.concat(list(learned.values()), pd.Index(list(learned), name="form"))
    return found.assign(best_level=best["level"], best_reward=best["reward"])


def gaps(best: xr.Dataset, learned: xr.Dataset) -> pd.DataFrame:
    """Return how far each learner stays below the best reward.

    Returns
    -------
    pd.DataFrame
        One row a number of episodes and weight: median, least and greatest ``gap [yuan]`` over the seeds of the sum
        over clusters and carriers, and the share of learners, one a lane, that ``reach the optimum [%]``.
    """
    whole = day_gap(best, learned)
    gap = best["reward"] - learned["reward"]
    reached = (gap <= AT_OPTIMUM * np.abs(best["reward"])).mean(["seed", *LANE])
    rows = [
        {
            "weight": float(weight),
            "episodes": int(episode),
            "gap, median [yuan]": float(of.median()),
            "least [yuan]": float(of.min()),
            "greatest [yuan]": float(of.max()),
            "learners at the optimum [%]": 100 * float(reached.sel(weight=weight, episode=episode)),
        }
        for weight in whole["weight"].to_numpy()
        for episode in whole["episode"].to_numpy()
        for of in [whole.sel(weight=weight, episode=episode)]
    ]
    return pd.DataFrame(rows).round(6) + 0.0
