"""What a district.yaml may hold: every key with its unit, its range and what it means."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from bcopt.districts import units
from bcopt.districts.values import (
    Area,
    Energy,
    Loss,
    Power,
    Price,
    Range,
    Ratio,
    Share,
    Strict,
    Window,
    Years,
    amount,
    sized,
)
from bcopt.models import district, flexibility

Task = Literal["flexibility", "mix", "sizing", "dispatch", "pricing", "provider", "renewables"]
Use = Literal[
    "residential", "low-rise residential", "office", "small office", "hotel", "small hotel", "mall", "supermarket",
    "restaurant", "primary school", "school", "college", "hospital", "clinic", "laboratory", "courthouse", "warehouse",
    "other",
]  # fmt: skip


class Vehicles(Strict):
    """Electric vehicles of a cluster, one battery for all."""

    energy: Energy = Field(description="of all batteries at full charge")
    power: Power = Field(description="of all chargers")
    lowest: Share = Field(default=0.1, description="state of charge")
    highest: Share = Field(default=0.9, description="state of charge")
    available: Window = Field(default="always", description="when they are connected")


class HeatStore(Strict):
    """A tank of heat in a cluster."""

    energy: Energy = Field(description="of heat at full charge")
    power: Power = Field(description="of charging and of discharging")
    loss: Loss = Field(default=0.0, description="share of the heat held that an hour takes")
    lowest: Share = Field(default=0.0, description="state of charge")
    highest: Share = Field(default=1.0, description="state of charge")


class ClusterHeatPump(Strict):
    """Heat pumps of a cluster's own."""

    heat: Power = Field(description="greatest heat")
    cop: Ratio | None = Field(
        default=None, description="heat per electricity; empty: the electricity is not counted here"
    )


class Flexibility(Strict):
    """What of a cluster's energy can wait, move or be stored."""

    vehicles: Vehicles | None = Field(default=None, description="electric vehicles")
    heat_store: HeatStore | None = Field(default=None, description="tank of heat")
    heat_pump: ClusterHeatPump | None = Field(default=None, description="heat pumps of the cluster's own")
    lighting_floor: Share = Field(default=1.0, description="least share of the lighting; 1: none is reduced")
    transferable_share: Share = Field(default=0.0, description="share of the equipment whose hour can be chosen")
    transfer_window: Window = Field(default="always", description="between which hours it can move; in a list 0 or 1")
    transfer_limit: Power | None = Field(default=None, description="most of it in an hour; empty: twice its own peak")
    heater_power: Power | None = Field(
        default=None, description="of electric water heaters; empty: the peak of hot water"
    )


class SharePart(Strict):
    """Between what shares a cluster may be of another mix of functions."""

    least: Share = Field(default=0.0, description="of the ground or floor")
    most: Share = Field(default=1.0, description="of the ground or floor")


class Cluster(Strict):
    """Buildings of one use."""

    use: Use = Field(description="what the buildings are used for")
    group: str | None = Field(default=None, description="clusters of a group have one meter; empty: the use")
    tariff: str | None = Field(
        default=None, description="what the cluster pays; empty: the only one, or that of its group"
    )
    public: bool | None = Field(default=None, description="whether it counts as public; empty: all but homes")
    floor_area: Area = Field(description="of all storeys")
    storeys: Annotated[int, Field(ge=1, le=200, strict=True)] = Field(default=5, description="of each building")
    storey_height: Annotated[float, amount("m", 2, 20)] = Field(default=3.5, description="floor to floor")
    buildings: Annotated[int, Field(ge=1, le=1000, strict=True)] = Field(default=1, description="alike")
    roof_share: Share = Field(default=0.46, description="of the roof that modules cover")
    cooking: Literal["gas", "electricity"] = Field(default="gas", description="what stoves burn")
    share: SharePart = Field(default=SharePart(), description="bounds of its share in another mix")
    flexibility: Flexibility = Field(default=Flexibility(), description="what can wait, move or be stored")


class Tariff(Strict):
    """What a cluster pays, one number or one for each hour; columns of prices.csv may stand in."""

    electricity: Price | None = Field(default=None, description="bought")
    export: Price | None = Field(default=None, description="paid for what is fed into the grid; empty: nothing")
    heat: Price | None = Field(default=None, description="bought heat in the run flexibility; empty: the price of gas")
    gas: Price | None = Field(default=None, description="per heat of the boilers; empty: the price of heat")
    battery_wear: Price = Field(default=0.0, description="per energy charged and per energy discharged, of vehicles")
    heat_store_wear: Price = Field(default=0.0, description="the same of tanks")
    storage_wear: Price = Field(default=0.0, description="the same of the shared storage")


class LiftedCop(Strict):
    """Heat pumps whose coefficient of performance follows the temperature outside."""

    source: Literal["air", "ground"] = Field(description="what they draw on")
    sink: Annotated[float, amount("degC", 20, 90)] = Field(description="temperature of the heat they supply")


class HeatPump(Strict):
    """Heat pumps of the district."""

    heat: Annotated[float | Range, sized("kW")] = Field(description="greatest heat of all, or a range to choose from")
    by_group: dict[str, Power] = Field(default_factory=dict, description="limit below the ground of each group")
    shared: bool = Field(default=True, description="whether groups pool them")
    cop: Ratio | LiftedCop | None = Field(
        default=3.5, description="heat per electricity; empty: electricity not counted"
    )
    cost: Annotated[float, amount("yuan/kW")] = Field(default=0.0, description="investment")
    lifetime: Years = Field(default=20.0, description="over which the investment is paid")


class Storage(Strict):
    """The battery that the groups share."""

    energy: Annotated[float | Range, sized("kWh")] = Field(description="size, or a range to choose from")
    power_to_energy: Annotated[float, amount("kW/kWh", 0.0, 1.0)] = Field(default=0.5, description="power per energy")
    loss: Loss = Field(default=0.0, description="share of the energy held that an hour takes")
    cost: Annotated[float, amount("yuan/kWh")] = Field(default=0.0, description="investment")
    lifetime: Years = Field(default=15.0, description="over which the investment is paid")
    account: district.Account = Field(default="none", description="what a group may take out")


class Boiler(Strict):
    """Gas boilers of the district."""

    heat: Power | None = Field(default=None, description="of all together; empty: as much as is needed")
    cost_of_heat: Annotated[float, amount("yuan/kWh")] = Field(default=0.0, description="beside the gas")


class Chiller(Strict):
    """Chillers of the district."""

    cop: Ratio = Field(default=5.0, description="cooling per electricity")
    cooling: Power | None = Field(default=None, description="of all together; empty: as much as is needed")


class Envelope(Strict):
    """Envelopes of simulated buildings; the defaults are of the order of ASHRAE 90.1-2019 in climate zone 5."""

    wall_transmittance: Annotated[float, amount("W/m2/K", 0.05, 6.0)] = Field(
        default=0.31, description="heat through walls"
    )
    roof_transmittance: Annotated[float, amount("W/m2/K", 0.05, 6.0)] = Field(
        default=0.18, description="heat through roofs"
    )
    window_transmittance: Annotated[float, amount("W/m2/K", 0.3, 7.0)] = Field(
        default=2.0, description="heat through windows"
    )
    solar_heat_gain_coefficient: Annotated[float, amount("1", 0.05, 0.9)] = Field(
        default=0.38, description="of windows"
    )
    window_to_wall_ratio: Annotated[float, amount("1", 0.0, 0.95)] = Field(default=0.3, description="on all sides")
    ground_floor_resistance: Annotated[float, amount("m2K/W", 0.0, 10.0)] = Field(
        default=2.6, description="of the floor"
    )
    infiltration: Annotated[float, amount("1/h", 0.0, 10.0)] = Field(default=0.3, description="changes of air")


class Devices(Strict):
    """What serves the district."""

    heat_pump: HeatPump = Field(default=HeatPump(heat=0.0), description="heat pumps")
    storage: Storage = Field(default=Storage(energy=0.0), description="shared battery")
    boiler: Boiler = Field(default=Boiler(), description="gas boilers")
    chiller: Chiller = Field(default=Chiller(), description="chillers")


class Emissions(Strict):
    """What energy emits."""

    grid: Annotated[float, amount("kg/kWh", 0.0, 5.0)] = Field(description="electricity of the grid")
    gas: Annotated[float, amount("kg/kWh", 0.0, 5.0)] = Field(description="heat of the boilers")


class Objective(Strict):
    """What is minimised: cost times its weight plus emissions times theirs."""

    cost: Annotated[float, amount("1")] = Field(default=1.0, description="weight of the yearly cost")
    emissions: Annotated[float, amount("yuan/kg")] = Field(
        default=0.0, description="price of a kilogram of carbon dioxide"
    )
    front_within: Share | None = Field(
        default=None,
        description="share below which corners of the front are left out; empty: 0 for a day, 0.1 % for a year",
    )


class Dispatching(Strict):
    """How the district is run."""

    minimise: Literal["objective", "payments"] = Field(
        default="objective", description="the objective, or what groups pay for energy, then wear, then emissions"
    )
    loads: Literal["given", "self-optimised"] = Field(
        default="given", description="loads before or after the run flexibility"
    )


class Schedule(Strict):
    """How clusters use their flexibility."""

    ties: flexibility.TieRule = Field(default="earliest", description="among schedules of equal cost")
    first_hour: Annotated[int, Field(ge=0, le=23, strict=True)] = Field(
        default=0, description="clock hour at which the day begins"
    )


class Mix(Strict):
    """How other proportions of the clusters are judged."""

    shares_of: Literal["floor", "ground"] = Field(
        default="floor", description="what the shares are of: floor area, or ground, taken as equal today"
    )
    loads: Literal["given", "self-optimised"] = Field(
        default="given", description="loads before or after the run flexibility"
    )
    net_of_photovoltaics: bool = Field(default=False, description="level the load after the sun")
    least_public: Share = Field(default=0.0, description="least share of public clusters in the most renewable mix")
    pooled: bool = Field(default=False, description="whether heat pumps of one cluster may heat another")


class Learner(Strict):
    """How Q-learning learns, where it is to run beside the exact prices."""

    episodes: Annotated[int, Field(ge=100, le=1_000_000, strict=True)] = Field(
        default=2000, description="days of training"
    )
    learning_rate: Annotated[float, amount("1", 1e-6, 1.0)] = Field(default=0.1, description="step of the update")
    discount: Share = Field(default=0.9, description="of later hours")
    seeds: Annotated[int, Field(ge=1, le=1000, strict=True)] = Field(default=10, description="learners")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)] = Field(default=1, description="the first")


class Pricing(Strict):
    """Retail prices of a provider: what clusters are willing to do, by quantities of bcopt.models.pricing."""

    levels: Annotated[int, Field(ge=2, le=1000, strict=True)] = Field(default=11, description="prices to choose from")
    weight: Share = Field(default=0.5, description="of the clusters' benefit beside the provider's")
    ties: Literal["nearest to wholesale", "lowest", "highest", "cheapest", "dearest"] = Field(
        default="nearest to wholesale", description="among prices of equal reward"
    )
    response: Literal["willingness", "elasticity"] = Field(default="willingness", description="how loads follow prices")
    carriers: dict[Literal["electricity", "cooling"], dict[str, Any]] = Field(
        description="quantities of each carrier, such as wholesale_price and sensitivity", min_length=1
    )
    learner: Learner | None = Field(default=None, description="Q-learning beside the exact prices")


class Provider(Strict):
    """A provider with turbine, absorption chiller and ice, by quantities of bcopt.models.dispatch."""

    mean_temperature: Literal["kept", "free"] = Field(
        default="kept", description="whether rooms keep their mean temperature"
    )
    quantities: dict[str, Any] = Field(description="such as turbine_capacity and gas_price")


class Technology(Strict):
    """A renewable technology of a yearly mix."""

    least: Annotated[float, amount("MJ/a")] = Field(default=0.0, description="energy of the year")
    most: Annotated[float, amount("MJ/a")] = Field(description="energy of the year")
    cost: Annotated[float, amount("yuan/MJ", -math.inf)] = Field(description="per energy")
    carbon: Annotated[float, amount("g/MJ", -math.inf)] = Field(description="per energy")


class Renewables(Strict):
    """A yearly mix of renewable technologies that covers an energy."""

    energy: Annotated[float, amount("MJ/a", 1e-6)] = Field(description="to be covered")
    technologies: dict[str, Technology] = Field(description="what can cover it", min_length=1)


class DistrictFile(Strict):
    """All of a district.yaml."""

    name: Annotated[str, Field(min_length=1, max_length=80)] = Field(description="of the district")
    description: str = Field(default="", description="a sentence for the report")
    currency: Annotated[str, AfterValidator(units.money)] = Field(default="yuan", description="what money is called")
    hours: Literal[24, 8760] = Field(description="24 for a day that returns, 8760 for a year")
    days: Annotated[float, amount("1", 1e-6, 366)] = Field(default=365.0, description="of a year that a day stands for")
    weather: str | None = Field(default=None, description="EPW file in this folder, or Golden, Miami or Willard")
    month: Annotated[int, Field(ge=1, le=12, strict=True)] = Field(
        default=1, description="whose mean day is simulated where hours are 24"
    )
    envelope: Envelope = Field(default=Envelope(), description="of simulated buildings")
    interest_rate: Share = Field(default=0.05, description="of investments")
    every_cluster: dict[str, Any] = Field(default_factory=dict, description="defaults of all clusters")
    clusters: dict[str, Cluster] = Field(default_factory=dict, description="the clusters by name")
    tariffs: dict[str, Tariff] = Field(default_factory=dict, description="what clusters pay, by name")
    devices: Devices = Field(default=Devices(), description="what serves the district")
    emissions: Emissions | None = Field(default=None, description="what energy emits")
    objective: Objective = Field(default=Objective(), description="what is minimised")
    flexibility: Schedule = Field(default=Schedule(), description="how clusters use their flexibility")
    dispatch: Dispatching = Field(default=Dispatching(), description="how the district is run")
    mix: Mix = Field(default=Mix(), description="how other mixes are judged")
    pricing: Pricing | None = Field(default=None, description="retail prices of a provider")
    provider: Provider | None = Field(default=None, description="a provider with turbine and ice")
    renewables: Renewables | None = Field(default=None, description="yearly mix of renewable technologies")
    run: Annotated[tuple[Task, ...], Field(min_length=1)] = Field(description="what to compute")
    sweep: dict[str, Any] = Field(default_factory=dict, description="lists or ranges of any key")
