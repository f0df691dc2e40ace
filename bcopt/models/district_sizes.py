"""Sizes that a district model chooses, each up to the one that the model was built with.

They turn the lower level into one level with the upper: whoever minimises the costs of both, with what the sizes cost,
has no conflict of aims.
"""

from __future__ import annotations

import linopy


def add_storage_size(model: linopy.Model, power_to_energy: float) -> linopy.Variable:
    """Let a model choose the energy of its storage.

        energy <= size,   charge <= power_to_energy size,   discharge <= power_to_energy size   in every hour

    Parameters
    ----------
    model : linopy.Model
        From :func:`~bcopt.models.district.district_model`, extended in place by the variable and the constraints
        ``storage-energy-size``, ``storage-charge-size`` and ``storage-discharge-size``.
    power_to_energy : float
        Power of the storage per energy [kW/kWh].

    Returns
    -------
    linopy.Variable
        ``storage-size`` [kWh], over the dims of the problems.

    Raises
    ------
    ValueError
        If the power could turn over more than the energy in an hour, or is negative.
    """
    if not 0 <= power_to_energy <= 1:
        raise ValueError(f"power_to_energy must be within [0, 1] kW/kWh, found {power_to_energy}")
    v = model.variables
    most = v["storage-energy"].upper.max("hour")
    size = model.add_variables(lower=0.0 * most, upper=most, name="storage-size")
    per_size = {"energy": 1.0, "charge": power_to_energy, "discharge": power_to_energy}
    for flow, ratio in per_size.items():
        model.add_constraints(v[f"storage-{flow}"] - ratio * size <= 0, name=f"storage-{flow}-size")
    return size


def add_pump_size(model: linopy.Model) -> linopy.Variable:
    """Let a model choose the heat of its heat pumps.

        sharing:  sum_g pump_heat <= size,   size <= sum_g pump_capacity       in every hour
        else:     pump_heat <= size,         size <= pump_capacity

    Where the capacity varies, the size may reach its greatest value, and each hour keeps its own limit.

    Parameters
    ----------
    model : linopy.Model
        From :func:`~bcopt.models.district.district_model`, extended in place by the variable and the constraint
        ``pump-heat-size``.

    Returns
    -------
    linopy.Variable
        ``pump-size`` [kW], over the dims of the problems, and over ``group`` where the groups do not share.
    """
    ground = model.constraints["ground-heat"]
    most = ground.rhs.max("hour")
    size = model.add_variables(lower=0.0 * most, upper=most, name="pump-size")
    model.add_constraints(ground.lhs - size <= 0, name="pump-heat-size")
    return size
