"""The linear programmes of sections 3.1 and 3.3 of systems2024 rebuilt from PyPSA's components.

What is shared with bcopt is the dataset of the inputs and nothing else: balances, bounds and costs below are PyPSA's.
A Generator of ``sign`` -1 sells. Load that may be moved is a Load behind a Link, which holds the limits by the hour,
and a cyclic Store, which may owe as much as it may hold and so keeps the sum. A Store takes no price for throughput,
so that its wear stands on the Links to and from it. ``p_nom`` is 1 kW where limits by the hour are given in kW.

All cases stand side by side in one network, since PyPSA takes longer to build a network than to fill it.
"""

import itertools

import pandas as pd
import pypsa
import xarray as xr

AMPLE = 1e7
"""kW or kWh that no flow of the studies reaches; HiGHS needs a number."""
APART = " | "


class Network:
    """A PyPSA network of cases that do not touch, each of which has the same places, such as clusters.

    Parameters
    ----------
    inputs : xr.Dataset
        Quantities over (case, place, hour), or some of these dims.
    dim : str
        The dim of the places.
    """

    def __init__(self, inputs, dim):
        self.inputs, self.dim = inputs, dim
        self.cases = [str(case) for case in inputs["case"].to_numpy()]
        self.network = pypsa.Network()
        self.network.set_snapshots(pd.Index(inputs["hour"].to_numpy(), name="snapshot"))

    def add(self, kind, name, **attributes):
        """Add a component at every place of every case; ``{place}`` and ``{case}`` in a bus stand for what they are."""
        places = itertools.product(self.cases, self.inputs[self.dim].to_numpy())
        self._add(kind, name, ("case", self.dim), [(f"{case}:{place}", case) for case, place in places], attributes)

    def add_shared(self, kind, name, **attributes):
        """Add one component to every case."""
        self._add(kind, name, ("case",), [(case, case) for case in self.cases], attributes)

    def _add(self, kind, name, dims, places, attributes):
        """Add a component for each pair of place and case."""
        names = [place + APART + name for place, _ in places]

        def each(value):
            if isinstance(value, str):
                return [value.format(place=place, case=case) for place, case in places]
            if not isinstance(value, xr.DataArray):
                return value
            value = value.broadcast_like(self.inputs[list(dims)]).transpose("hour", *dims, missing_dims="ignore")
            if "hour" not in value.dims:
                return value.to_numpy().ravel()
            return pd.DataFrame(value.to_numpy().reshape(-1, len(names)), self.network.snapshots, names)

        self.network.add(kind, names, **{key: each(value) for key, value in attributes.items()})

    def add_movable(self, name, demand, least, most):
        """Add load that keeps its sum over the hours, within limits."""
        self.add("Bus", name)
        bus = "{place}" + APART + name
        self.add("Link", name, bus0=at("electricity"), bus1=bus, p_nom=1.0, p_min_pu=least, p_max_pu=most)
        self.add("Load", name, bus=bus, p_set=demand)
        self.add("Store", name, bus=bus, e_nom=AMPLE, e_min_pu=-1.0, e_cyclic=True)

    def add_market(self):
        """Add the grid, which sells without limit and buys no more than the sun gives, and the sun, which must run."""
        given, bus = self.inputs, at("electricity")
        sun = given["photovoltaics"]
        self.add("Bus", "electricity")
        self.add("Generator", "purchase", bus=bus, p_nom=AMPLE, marginal_cost=given["electricity_price"])
        sold = {"p_max_pu": sun, "marginal_cost": -given["export_price"]}
        self.add("Generator", "export", bus=bus, sign=-1.0, p_nom=1.0, **sold)
        self.add("Generator", "photovoltaics", bus=bus, p_nom=1.0, p_min_pu=sun, p_max_pu=sun)

    def optimum(self, **options):
        """Return the least cost of all cases together [yuan]."""
        quiet = {"output_flag": False}
        answer = self.network.optimize(solver_name="highs", solver_options=quiet, progress=False, **options)
        assert answer == ("ok", "optimal")
        return self.network.objective

    def costs(self):
        """Return what the optimum costs each place [yuan], and each case where it has something of its own."""
        network, stores = self.network, self.network.stores
        paid = [(stores["capital_cost"] * stores["e_nom_opt"]).where(stores["e_nom_extendable"], 0.0)]
        for kind, flows in (("Generator", network.generators_t.p), ("Link", network.links_t.p0)):
            paid.append((network.get_switchable_as_dense(kind, "marginal_cost") * flows).sum())
        every = pd.concat(paid)
        return every.groupby(every.index.str.partition(APART).get_level_values(0)).sum()


def at(bus):
    """Return the name of a bus of each place."""
    return "{place}" + APART + bus


def of_all(bus):
    """Return the name of a bus of each case."""
    return "{case}" + APART + bus


def flexibility(day):
    """Return the self-optimisation of clusters, equations (1) to (28), as a network.

    Parameters
    ----------
    day : xr.Dataset, dims (case, cluster, hour)
        The inputs of bcopt.models.flexibility.
    """
    found = Network(day, "cluster")
    found.add_market()
    found.add("Load", "fixed", bus=at("electricity"), p_set=day["fixed"])
    found.add("Load", "lighting", bus=at("electricity"), p_set=day["lighting"])
    dimmed = (1 - day["lighting_floor"]) * day["lighting"]
    found.add("Generator", "dimmed", bus=at("electricity"), p_nom=1.0, p_max_pu=dimmed)
    inside, load = day["transfer_window"], day["transferable"]
    outside = (1 - inside) * load
    found.add_movable("transferable", load, outside, outside + inside * day["transfer_limit"])
    found.add_movable("hot water", day["hot_water"], 0.0, day["heater_power"] * xr.ones_like(day["hot_water"]))
    found.add("Bus", "heat")
    found.add("Load", "heat", bus=at("heat"), p_set=day["heat"])
    found.add("Generator", "purchased heat", bus=at("heat"), p_nom=AMPLE, marginal_cost=day["heat_price"])
    found.add("Bus", "ground")
    found.add("Generator", "ground", bus=at("ground"), p_nom=day["pump_heat"])
    driven = {"bus2": at("electricity"), "efficiency2": -day["pump_electricity"]}
    found.add("Link", "heat pump", bus0=at("ground"), bus1=at("heat"), p_nom=AMPLE, **driven)
    _add_store(found, "vehicle", "electricity", day["storage_price_electricity"])
    _add_store(found, "heat_store", "heat", day["storage_price_heat"])
    return found


def _add_store(found, name, bus, wear):
    """Add a cyclic store behind a Link in and one out, both of which wear it."""
    day = found.inputs
    power = day[f"{name}_power"] * day.get(f"{name}_available", xr.ones_like(day["hour"]))
    limits = {"p_nom": 1.0, "p_max_pu": power, "marginal_cost": wear}
    found.add("Bus", name)
    found.add("Link", f"{name} in", bus0=at(bus), bus1=at(name), **limits)
    found.add("Link", f"{name} out", bus0=at(name), bus1=at(bus), **limits)
    energy = {"e_nom": day[f"{name}_energy"], "standing_loss": day.get(f"{name}_loss", 0.0)}
    energy |= {"e_min_pu": day[f"{name}_soc_lower"], "e_max_pu": day[f"{name}_soc_upper"]}
    found.add("Store", name, bus=at(name), e_cyclic=True, **energy)


def district(day, upper=False):
    """Return the lower level of the district, equations (43) to (60), as a network.

    Each group has its ground, from which Links lead to a pool and back where grounds are shared. What a group may take
    from the storage, as much over the day as it put in, is a Store that each kilowatt-hour in fills and each out
    empties; a Generator of ``sign`` -1 takes from it what the group leaves to others, and one of ``sign`` 1 gives
    without limit where there is no account.

    Parameters
    ----------
    day : xr.Dataset, dims (case, group, hour)
        The inputs of bcopt.models.district with capacities of boilers and chillers; ``pooled`` and ``account``, 1 where
        the groups share their ground and where there is an account, else 0.
    upper : bool
        Count what the upper level adds to the cost, (38) and (39): boilers by their energy, and the storage's wear.
    """
    found = Network(day, "group")
    found.add_market()
    found.add("Load", "electricity", bus=at("electricity"), p_set=day["electricity"])
    found.add("Bus", "cold")
    found.add("Load", "cold", bus=at("cold"), p_set=day["cooling"])
    found.add_shared("Bus", "chillers")
    found.add_shared("Generator", "chillers", bus=of_all("chillers"), p_nom=day["chiller_capacity"])
    driven = {"bus2": at("electricity"), "efficiency2": -1 / day["chiller_cop"]}
    found.add("Link", "chiller", bus0=of_all("chillers"), bus1=at("cold"), p_nom=AMPLE, **driven)
    found.add("Bus", "heat")
    found.add("Load", "heat", bus=at("heat"), p_set=day["heat"])
    found.add_shared("Bus", "boilers")
    found.add_shared("Generator", "boilers", bus=of_all("boilers"), p_nom=day["boiler_capacity"])
    burnt = day["gas_price"] + float(upper) * day["boiler_installation_price"]
    found.add("Link", "gas", bus0=of_all("boilers"), bus1=at("heat"), p_nom=AMPLE, marginal_cost=burnt)
    found.add("Bus", "ground")
    found.add("Generator", "ground", bus=at("ground"), p_nom=day["pump_capacity"])
    found.add_shared("Bus", "pool")
    found.add("Link", "to the pool", bus0=at("ground"), bus1=of_all("pool"), p_nom=AMPLE * day["pooled"])
    found.add("Link", "from the pool", bus0=of_all("pool"), bus1=at("ground"), p_nom=AMPLE * day["pooled"])
    driven = {"bus2": at("electricity"), "efficiency2": -1 / day["pump_cop"]}
    found.add("Link", "heat pump", bus0=at("ground"), bus1=at("heat"), p_nom=AMPLE, **driven)
    _add_shared_storage(found, float(upper) * day["storage_price"])
    return found


def _add_shared_storage(found, wear):
    """Add the storage of all groups, its limits of power, and the Links by which groups reach it and keep account."""
    day = found.inputs
    for bus in ("charging", "storage", "discharging"):
        found.add_shared("Bus", bus)
    found.add_shared("Link", "charging", bus0=of_all("charging"), bus1=of_all("storage"), p_nom=day["storage_power"])
    out = {"bus0": of_all("storage"), "bus1": of_all("discharging")}
    found.add_shared("Link", "discharging", p_nom=day["storage_power"], **out)
    energy = {"e_nom": day["storage_energy"], "standing_loss": day["storage_loss"]}
    found.add_shared("Store", "storage", bus=of_all("storage"), e_cyclic=True, **energy)
    found.add("Bus", "account")
    found.add("Store", "account", bus=at("account"), e_nom=AMPLE, e_min_pu=-1.0, e_cyclic=True)
    found.add("Generator", "left", bus=at("account"), sign=-1.0, p_nom=AMPLE)
    found.add("Generator", "lent", bus=at("account"), p_nom=AMPLE * (1 - day["account"]))
    booked = {"bus2": at("account"), "p_nom": AMPLE, "marginal_cost": wear}
    for name, bus0, bus1, sign in (
        ("storage in", at("electricity"), of_all("charging"), 1.0),
        ("storage out", of_all("discharging"), at("electricity"), -1.0),
    ):
        found.add("Link", name, bus0=bus0, bus1=bus1, efficiency2=sign, **booked)


def optimum_with_size(found, price, most, power_to_energy):
    """Let every district choose the energy of its storage and return the optimum of all [yuan].

    That the power of both Links follows the energy of the Store is the one constraint that no component states.

    Parameters
    ----------
    found : Network
        From :func:`district`.
    price : xr.DataArray, dims (case)
        Of the storage [yuan/kWh].
    most, power_to_energy : float
        Greatest energy [kWh]; power per energy [kW/kWh].
    """
    network = found.network
    stores = [case + APART + "storage" for case in found.cases]
    links = {name: [case + APART + name for case in found.cases] for name in ("charging", "discharging")}
    for name, value in {"e_nom": 0.0, "e_nom_extendable": True, "e_nom_max": most, "capital_cost": price}.items():
        network.stores.loc[stores, name] = value
    for name, value in {"p_nom": 0.0, "p_nom_extendable": True}.items():
        network.links.loc[list(itertools.chain(*links.values())), name] = value

    def in_proportion(network, _):
        energy, power = (network.model.variables[name] for name in ("Store-e_nom", "Link-p_nom"))
        for names in links.values():
            for store, link in zip(stores, names, strict=True):
                limit = power_to_energy * energy.loc[[store]].sum() - power.loc[[link]].sum()
                network.model.add_constraints(limit == 0, name=f"power of {link}")

    return found.optimum(extra_functionality=in_proportion)
