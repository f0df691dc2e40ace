"""The one place where the versions of linopy differ for us."""

from __future__ import annotations

from typing import Any, cast

import linopy

_ABSENT_IS_SAID = hasattr(linopy.config, "LinopySemanticsWarning")


def absent_as_zero(variable: linopy.Variable) -> linopy.LinearExpression:
    """Return a masked variable as an expression whose absent entries add nothing to what they are added to.

    Up to 0.7 linopy takes them so of itself. Later versions will let absence spread to the whole sum, under which a
    constraint on it disappears; they ask to be told.

    Parameters
    ----------
    variable : linopy.Variable
        Masked in some entries.

    Returns
    -------
    linopy.LinearExpression
        Over the dims of the variable.
    """
    return cast("Any", variable).fillna(0) if _ABSENT_IS_SAID else 1 * variable
