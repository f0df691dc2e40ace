"""One fixture per study: its central variant, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from bcopt.compendium import ledger
from bcopt.compendium.protocol import Protocol, StudyProtocol, read_protocol
from bcopt.studies import systems2024
from bcopt.studies.energyeng2023 import coefficients, inputs, optimisation, plans
from bcopt.studies.frontiers2022 import fits as provider_fits
from bcopt.studies.frontiers2022 import inputs as provider_tables
from bcopt.studies.frontiers2022 import scenario as provider_scenario
from bcopt.studies.frontiers2022 import simulation as provider_simulation
from bcopt.studies.systems2024 import district_day, district_results, fits, flexible_day
from bcopt.studies.systems2024.district_fits import DistrictFits, fit, targets
from bcopt.studies.systems2024.district_results import Days
from bcopt.studies.systems2024.flexible_day import Knobs
from bcopt.studies.systems2024.scenario import CENTRAL, Scenario, alternatives
from bcopt.studies.systems2024.scenario import central as central_scenario

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class EcoPark:
    """energyeng2023 under the protocol's central values."""

    root: Path
    protocol: Protocol
    choices: dict
    inputs: xr.Dataset
    target: float
    areas: xr.DataArray
    energy: xr.DataArray
    point: xr.Dataset
    parts: xr.Dataset
    where: optimisation.Region

    @property
    def optimum(self):
        return self.energy.sel(plan="optimum", drop=True)

    @property
    def medians(self):
        """Unit values at the prior medians, fitted to nothing."""
        return xr.Dataset({quantity: self.inputs[f"{quantity}_median"] for quantity in coefficients.QUANTITIES})


@pytest.fixture(scope="session")
def eco() -> EcoPark:
    protocol = read_protocol(ROOT)
    choices = {name: choice.value for name, choice in protocol["energyeng2023"].choices.items()}
    values = inputs.load(ROOT)
    target = plans.energy_target(values, choices["energy_basis"])
    areas = plans.effective_areas(values, target)["effective_area"]
    energy = plans.energies(values, areas, target, choices["baseline_shares"])
    point = coefficients.reference(
        values, energy, choices["reading"], choices["merit_order_margin"], choices["reference_distance"]
    )
    return EcoPark(
        root=ROOT,
        protocol=protocol,
        choices=choices,
        inputs=values,
        target=target,
        areas=areas,
        energy=energy,
        point=point,
        parts=coefficients.decompose(point, values, choices["depreciation"], choices["heat_pump_credit"]),
        where=optimisation.region(energy, choices["reading"], choices["inactive_bounds"]),
    )


@pytest.fixture(scope="session")
def study() -> xr.Dataset:
    """Inputs of systems2024."""
    return systems2024.inputs.load(ROOT)


@pytest.fixture(scope="session")
def simulated() -> tuple[xr.Dataset, xr.Dataset]:
    """Loads of systems2024 over the year, and of the mean days of its variants."""
    loads, variants, _ = systems2024.analysis.read_results(root=ROOT)
    return loads, variants


@pytest.fixture(scope="session")
def protocol() -> StudyProtocol:
    return read_protocol(ROOT)["systems2024"]


@pytest.fixture(scope="session")
def scenarios(
    protocol: StudyProtocol, study: xr.Dataset, simulated: tuple[xr.Dataset, xr.Dataset]
) -> dict[str, Scenario]:
    """Return the central scenario of systems2024 and those that differ from it in one choice."""
    names = simulated[1]["variant"].to_numpy().tolist()
    return alternatives(protocol, central_scenario(protocol, study), names)


@pytest.fixture(scope="session")
def central(scenarios: dict[str, Scenario]) -> Scenario:
    return scenarios[CENTRAL]


@pytest.fixture(scope="session")
def series(simulated: tuple[xr.Dataset, xr.Dataset], central: Scenario) -> xr.Dataset:
    """The January mean day of systems2024."""
    return flexible_day.january(*simulated, central)


@pytest.fixture(scope="session")
def published() -> pd.DataFrame:
    """The claims of all studies."""
    return ledger.read_claims(ROOT)


@pytest.fixture(scope="session")
def knobs(series: xr.Dataset, study: xr.Dataset, central: Scenario, published: pd.DataFrame) -> Knobs:
    """What fits 1 and 2 of systems2024 find."""
    return fits.fit(series, study, central, fits.targets(published)).knobs


@pytest.fixture(scope="session")
def unfitted_day(series: xr.Dataset, study: xr.Dataset, central: Scenario, knobs: Knobs) -> xr.Dataset:
    """The district's day before fits 3 to 6."""
    return district_day.unfitted(series, study, central, knobs)


@pytest.fixture(scope="session")
def fits_of_district(unfitted_day: xr.Dataset, central: Scenario, published: pd.DataFrame) -> DistrictFits:
    """What fits 3 to 6 of systems2024 find."""
    return fit(unfitted_day, central, targets(published))


@pytest.fixture(scope="session")
def compared(unfitted_day: xr.Dataset, central: Scenario, fits_of_district: DistrictFits) -> Days:
    """The fitted district before and after the shared storage, and with own ground."""
    return district_results.days(unfitted_day, central, fits_of_district.knobs)


@pytest.fixture(scope="session")
def provider_protocol() -> StudyProtocol:
    return read_protocol(ROOT)["frontiers2022"]


@pytest.fixture(scope="session")
def provider_inputs() -> xr.Dataset:
    """Inputs of frontiers2022."""
    return provider_tables.load(ROOT)


@pytest.fixture(scope="session")
def provider_days() -> xr.Dataset:
    """Typical days of frontiers2022, as simulated."""
    return provider_simulation.read(ROOT)


@pytest.fixture(scope="session")
def provider_scenarios(
    provider_protocol: StudyProtocol, provider_inputs: xr.Dataset
) -> dict[str, provider_scenario.Scenario]:
    """The central scenario of frontiers2022 by price set."""
    return provider_scenario.by_price_set(provider_scenario.central(provider_protocol, provider_inputs))


@pytest.fixture(scope="session")
def providers(
    provider_days: xr.Dataset, provider_inputs: xr.Dataset, provider_scenarios: dict[str, provider_scenario.Scenario]
) -> dict[str, provider_fits.Settled]:
    """The fitted day of frontiers2022 by price set."""
    return provider_fits.read(ROOT, provider_days, provider_inputs, provider_scenarios)
