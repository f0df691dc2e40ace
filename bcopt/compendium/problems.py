"""One error for all that is wrong with a file."""

from __future__ import annotations

from collections.abc import Sequence


class InputError(ValueError):
    """Everything wrong with one input file, collected and raised once.

    Parameters
    ----------
    source : str
        The file, relative to the project's root where it is inside it.
    problems : sequence of str
        One line each: where (row, column, key, hour, cluster), what is there, and what was expected.
    """

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        super().__init__("\n  - ".join([f"{source}: {count}", *self.problems]))
