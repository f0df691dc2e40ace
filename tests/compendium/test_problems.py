"""One error for all that is wrong with a file."""

from __future__ import annotations

import pytest

from bcopt.compendium.problems import InputError


@pytest.mark.parametrize(
    ("problems", "message"),
    [
        (["row 2: a"], "x.csv: 1 problem\n  - row 2: a"),
        (["row 2: a", "row 3: b"], "x.csv: 2 problems\n  - row 2: a\n  - row 3: b"),
        ([], "x.csv: 0 problems"),
    ],
)
def test_message(problems: list[str], message: str) -> None:
    error = InputError("x.csv", problems)
    assert isinstance(error, ValueError)
    assert str(error) == message
    assert (error.source, error.problems) == ("x.csv", tuple(problems))


def test_a_later_change_of_the_list_changes_nothing() -> None:
    problems = ["a"]
    error = InputError("x", problems)
    problems.append("b")
    assert error.problems == ("a",)
