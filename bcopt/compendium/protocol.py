"""The protocol: every structural choice, calibration knob and tolerance, written down before the fit it precedes."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticKnownError

from bcopt.compendium.parameters import read_yaml, validated
from bcopt.compendium.problems import InputError
from bcopt.compendium.texts import decoded

PROTOCOL = Path("data") / "protocol.yaml"


def _finite(value: bool | int | float | str) -> bool | int | float | str:
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticKnownError("finite_number")
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)]
Value = Annotated[bool | int | float | str, AfterValidator(_finite)]
_AS_TUPLE = Field(strict=False)
"""For the lists of YAML; what stands in them is strict all the same."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Choice(_Strict):
    """One structural choice: the central value and what else it could have been."""

    value: Value
    reason: Text
    alternatives: Annotated[tuple[Value, ...], _AS_TUPLE]
    known_before: bool = Field(description="whether results under this or another value were known when it was chosen")

    @model_validator(mode="after")
    def _distinct(self) -> Choice:
        options = [self.value, *self.alternatives]
        if len({(type(x), x) for x in options}) < len(options):
            raise ValueError("the alternatives repeat each other or the value")
        return self


class Fit(_Strict):
    """One calibration step: which knob is turned, to which published numbers, in which order."""

    order: Annotated[int, Field(ge=1)]
    knob: Text
    targets: Annotated[tuple[str, ...], _AS_TUPLE, Field(min_length=1)]
    method: Text


class HeldOut(_Strict):
    """What decides a row that is computed with everything frozen."""

    tolerance: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    kind: Literal["absolute", "relative", "probability at least"]
    reason: Text
    known_before: bool

    @model_validator(mode="after")
    def _possible(self) -> HeldOut:
        if self.kind == "probability at least" and self.tolerance > 1:
            raise ValueError(f"a probability is at most 1, got {self.tolerance:g}")
        return self

    def allows(self, printed: float) -> float:
        """Return how far from a printed number a value may be, in the number's unit."""
        return self.tolerance * (abs(printed) if self.kind == "relative" else 1.0)


class StudyProtocol(_Strict):
    """The protocol of one study."""

    choices: dict[str, Choice]
    fits: Annotated[tuple[Fit, ...], _AS_TUPLE]
    held_out: dict[str, HeldOut]

    @model_validator(mode="after")
    def _order(self) -> StudyProtocol:
        orders = [fit.order for fit in self.fits]
        if orders != list(range(1, len(orders) + 1)):
            raise ValueError(f"the fits must be listed in their order 1..{len(orders)}, got {orders}")
        return self

    @model_validator(mode="after")
    def _one_knob_a_target(self) -> StudyProtocol:
        targets = Counter(target for fit in self.fits for target in fit.targets)
        repeated = [target for target, count in targets.items() if count > 1]
        if repeated:
            raise ValueError(f"a target belongs to one fit, once, but {', '.join(repeated)} to more")
        return self

    def choice(self, name: str) -> Choice:
        """Return a choice by its name.

        Raises
        ------
        InputError
            If the protocol decides nothing of it.
        """
        self.chosen([name])
        return self.choices[name]

    def chosen(self, names: Iterable[str], kinds: Mapping[str, Any] | None = None) -> dict[str, Value]:
        """Return the central values of named choices.

        Parameters
        ----------
        names : iterable of str
            The choices.
        kinds : mapping of str to type, optional
            What the value of a choice and its alternatives must be, such as ``float`` or a ``Literal``.

        Raises
        ------
        InputError
            Listing every name that the protocol decides nothing of: nothing may be fitted under an unwritten choice;
            and every value or alternative that is of another kind.
        """
        wanted = list(dict.fromkeys(names))
        undecided = [name for name in wanted if name not in self.choices]
        problems = [f"decides no {name}: write it down before the fit" for name in undecided]
        if undecided:
            problems.append(f"what the study decides is {', '.join(self.choices) or 'nothing'}")
        of_kind = {name: TypeAdapter(kind) for name, kind in (kinds or {}).items() if name in wanted}
        problems += [
            f"choice {name}: {fault}"
            for name, kind in of_kind.items()
            if name in self.choices
            for value in (self.choices[name].value, *self.choices[name].alternatives)
            if (fault := _other_kind(value, kind))
        ]
        if problems:
            raise InputError(PROTOCOL.as_posix(), problems)
        return {name: self.choices[name].value for name in wanted}

    def table(self, names: Iterable[str]) -> pd.DataFrame:
        """Return choices one a row: value, alternatives, reason, and whether outcomes were known before."""
        return pd.DataFrame(
            [
                {
                    "choice": name.replace("_", " "),
                    "value": str(choice.value),
                    "alternatives": "; ".join(str(value) for value in choice.alternatives),
                    "known before": choice.known_before,
                    "reason": choice.reason,
                }
                for name, choice in ((name, self.choices[name]) for name in names)
            ]
        )

    def fit_of(self, claim: str) -> Fit | None:
        """Return the step that is fitted to a claim, or none."""
        return next((fit for fit in self.fits if claim in fit.targets), None)

    def deviations(self, parameters: Mapping[str, Any]) -> dict[str, Value]:
        """Return the parameters of a run that are not the protocol's central values."""
        return {
            name: value
            for name, value in parameters.items()
            if name in self.choices and self.choices[name].value != value
        }


def _other_kind(value: Value, kind: TypeAdapter[Any]) -> str:
    """Return why a value is not of a kind, or nothing."""
    try:
        kind.validate_python(value, strict=True)
    except ValidationError as error:
        return f"{error.errors()[0]['msg']}, got {value!r}"
    return ""


class Protocol(_Strict):
    """All of data/protocol.yaml with the hash that every fit carries."""

    studies: dict[str, StudyProtocol]
    sha256: str

    def __getitem__(self, study: str) -> StudyProtocol:
        """Return the protocol of a study, which must be there."""
        if study not in self.studies:
            problem = f"has no study {study!r}: it has {', '.join(self.studies) or 'none'}"
            raise InputError(PROTOCOL.as_posix(), [problem])
        return self.studies[study]


def read_protocol(root: Path) -> Protocol:
    """Read and validate data/protocol.yaml.

    Returns
    -------
    Protocol
        Its ``sha256`` is that of the text with line ends as LF, the same on every platform.

    Raises
    ------
    InputError
        Listing every unknown or missing key, wrong type and impossible value.
    """
    path = root / PROTOCOL
    studies = read_yaml(path, root)
    text, _ = decoded(path.read_bytes())
    digest = hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()
    protocol: Protocol = validated(Protocol, {"studies": studies, "sha256": digest}, PROTOCOL.as_posix())
    return protocol
