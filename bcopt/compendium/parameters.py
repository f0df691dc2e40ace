"""The parameters of a run: params.yaml, validated before anything starts."""

from __future__ import annotations

import reprlib
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bcopt.compendium.problems import InputError
from bcopt.compendium.texts import decoded, shown_name

_DEEPEST = 20
"""Levels of a YAML file that are read."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SearchParameters(_Strict):
    """Evolutionary search, common to all studies."""

    engine: Literal["geatpy", "pymoo"] = Field(description="library that runs the searches")


class Energyeng2023Parameters(_Strict):
    """Parameters of the notebooks of energyeng2023."""

    reading: Literal["a", "b", "c"] = Field(description="which technologies the unpublished bounds hold back")
    energy_basis: Literal["rounded", "exact"] = Field(description="target of 176 million MJ, or of 48,910.92 MWh")
    depreciation: bool = Field(description="whether straight-line depreciation is added to the annual cost")
    heat_pump_credit: Literal["heat and cold", "heat"] = Field(description="which energy of the heat pumps counts")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(description="first seed of all random numbers")
    seeds: Annotated[int, Field(ge=1, le=1000)] = Field(description="how many searches, from seed on")
    population: Annotated[int, Field(ge=4, le=10_000)] = Field(description="individuals of a generation")
    front_population: Annotated[int, Field(ge=4, le=10_000)] = Field(
        description="individuals of NSGA-II over the front"
    )
    generations: Annotated[int, Field(ge=1, le=100_000)] = Field(description="generations of a search")
    differential_weight: Annotated[float, Field(gt=0, le=2)] = Field(description="F of differential evolution")
    crossover_rate: Annotated[float, Field(ge=0, le=1)] = Field(description="CR of differential evolution")
    samples: Annotated[int, Field(ge=1000, le=10_000_000)] = Field(description="draws from priors and posteriors")


class ClimateParameters(_Strict):
    """Weather of the building simulations, common to all studies."""

    epw: Annotated[str, Field(min_length=1)] | None = Field(
        description="EPW file of 8,760 hours instead of the morphed weather, from the project's root"
    )


class Systems2024Parameters(_Strict):
    """Parameters of the notebooks of systems2024."""

    program: Literal["GB 55015-2021", "ASHRAE 90.1-2019"] = Field(
        description="where densities, hours, set points and fresh air come from"
    )
    hour_shift: Literal[-1, 0, 1] = Field(description="hours by which the standard's labels are read later")
    neighbours: bool = Field(description="whether the buildings of a cluster shade each other")
    tie_rule: Literal["earliest", "latest", "least peak", "least throughput"] = Field(
        description="which of the schedules of equal cost is taken"
    )
    levelled_load: Literal["as simulated", "self-optimised"] = Field(description="the load whose AR is least")
    area_reading: Literal["ground area", "floor area"] = Field(description="what the shares of a mix are shares of")
    heat_pump_sharing: Literal["own ground", "pooled"] = Field(
        description="whether clusters share their heat pumps in section 3.2.2"
    )
    district_loads: Literal["self-optimised", "as simulated"] = Field(description="the loads that enter section 3.3")
    account: Literal["daily", "held", "none"] = Field(description="what a group may take from the shared storage")
    power_to_energy: Annotated[float, Field(gt=0, le=1)] = Field(description="power of the shared storage, kW per kWh")
    search_population: Annotated[int, Field(ge=4, le=10_000)] = Field(description="individuals of a generation")
    search_generations: Annotated[int, Field(ge=1, le=100_000)] = Field(description="generations of a search")
    crossover_probability: Annotated[float, Field(ge=0, le=1)] = Field(description="of each pair of parents")
    mutation_probability: Annotated[float, Field(ge=0, le=1)] = Field(description="of each variable")
    front_mutation_probability: Annotated[float, Field(ge=0, le=1)] = Field(
        description="of each variable, in the search over two objectives"
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(description="first seed of all random numbers")
    seeds: Annotated[int, Field(ge=1, le=1000)] = Field(description="how many searches, from seed on")


class Frontiers2022Parameters(_Strict):
    """Parameters of the notebooks of frontiers2022."""

    price_set: Literal["text-bands", "guangdong-2021"] = Field(description="wholesale prices that decide the ledger")
    price_levels: Annotated[int, Field(ge=2, le=1000)] = Field(
        description="retail prices from the lowest to the highest wholesale price"
    )
    price_ties: Literal["nearest to wholesale", "lowest", "highest"] = Field(
        description="which of the prices of equal reward is taken"
    )
    learning_rate: Annotated[float, Field(gt=0, le=1)] = Field(description="of Q-learning")
    discount: Annotated[float, Field(ge=0, le=1)] = Field(description="of Q-learning")
    episodes: Annotated[int, Field(ge=100, le=1_000_000)] = Field(description="days that a learner is trained on")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(description="first seed of all random numbers")
    seeds: Annotated[int, Field(ge=1, le=1000)] = Field(description="how many learners, from seed on")
    penalty: Annotated[float, Field(gt=0, le=1000)] = Field(description="of ADMM, yuan/kWh/kW")


class Parameters(_Strict):
    """All of params.yaml."""

    search: SearchParameters
    climate: ClimateParameters
    systems2024: Systems2024Parameters
    energyeng2023: Energyeng2023Parameters
    frontiers2022: Frontiers2022Parameters

    def of_notebook(self, study: str, names: list[str]) -> dict[str, Any]:
        """Return the values of a notebook's parameters, from its study's section and the common ones.

        Parameters
        ----------
        study : str
            Section of params.yaml.
        names : list of str
            Names in the notebook's cell tagged ``parameters``.

        Raises
        ------
        ValueError
            If a name is in neither section.
        """
        known: dict[str, Any] = self.search.model_dump() | self.climate.model_dump() | self.model_dump().get(study, {})
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ValueError(
                f"notebook parameters {', '.join(unknown)} of {study} are not in params.yaml, "
                f"which has {', '.join(known)}"
            )
        return {name: known[name] for name in names}


class _Plain(yaml.SafeLoader):
    """A safe loader of plain YAML: mappings with single keys, each given once, lists, and values without tags.

    It refuses what could mean another thing than what is written, such as tags and anchors, and what cannot be read,
    such as numbers beyond 64 bits. Dates stay texts.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        tag = getattr(event, "tag", None)
        fault = (
            "anchors and aliases are not read: write the value"
            if getattr(event, "anchor", None) is not None
            else f"could not determine a constructor for the tag {tag!r}: values are plain"
            if tag is not None
            else f"is nested deeper than {_DEEPEST} levels"
            if self.depth == _DEEPEST
            else ""
        )
        if fault:
            raise yaml.composer.ComposerError(None, None, fault, event.start_mark)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            fault = "is no single value" if not isinstance(key, Hashable) else "is given twice" if key in seen else ""
            if fault:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} {fault}", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_whole(self, node: yaml.ScalarNode) -> int:
        fault = f"{reprlib.repr(node.value)} is no whole number of 64 bits"
        try:
            number = int(super().construct_yaml_int(node))
        except ValueError as error:
            raise yaml.constructor.ConstructorError(None, None, fault, node.start_mark) from error
        if number.bit_length() > 63:
            raise yaml.constructor.ConstructorError(None, None, fault, node.start_mark)
        return number


_Plain.add_constructor("tag:yaml.org,2002:int", _Plain.construct_whole)
_Plain.add_constructor("tag:yaml.org,2002:timestamp", _Plain.construct_yaml_str)  # type: ignore[type-var]


def read_yaml(path: Path, root: Path) -> Any:
    """Read a YAML file, refusing duplicate keys and all that is not plain, with one error that names the file and line.

    Raises
    ------
    InputError
        If the file does not exist, is not UTF-8 or is no plain YAML.
    """
    name = shown_name(path, root)
    if not path.is_file():
        raise InputError(name, ["the file does not exist"])
    text, fault = decoded(path.read_bytes())
    if fault:
        raise InputError(name, [fault])
    try:
        return yaml.load(text, Loader=_Plain)  # noqa: S506 (derived from SafeLoader)
    except yaml.YAMLError as error:
        raise InputError(name, [" ".join(str(error).split())]) from error


def validated(model: type[BaseModel], content: Any, name: str) -> Any:
    """Return ``content`` as ``model``, or raise one error that lists every key with its fault."""
    try:
        return model.model_validate(content if content is not None else {})
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}"
            + (f", got {reprlib.repr(fault['input'])}" if not isinstance(fault["input"], dict) else "")
            for fault in error.errors()
        ]
        raise InputError(name, problems) from error


def read_parameters(root: Path) -> Parameters:
    """Read and validate params.yaml.

    Raises
    ------
    InputError
        Listing every unknown or missing key, wrong type and impossible value.
    """
    parameters: Parameters = validated(Parameters, read_yaml(root / "params.yaml", root), "params.yaml")
    return parameters
