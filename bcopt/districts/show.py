"""The parts of a district's notebook: the table and the figure of each, published and shown, or why there is none."""

from __future__ import annotations

from collections.abc import Callable

from IPython.display import display
from matplotlib.figure import Figure

from bcopt.compendium.page import Page
from bcopt.districts import figures
from bcopt.districts.answers import Answers

FIGURES: dict[str, Callable[[Answers], Figure]] = {
    "loads": figures.loads,
    "flexibility": figures.flexibility,
    "mix": figures.mixes,
    "front": figures.front,
    "dispatch": figures.dispatch,
    "prices": figures.prices,
    "provider": figures.provider,
    "renewables": figures.renewables,
    "page": figures.page,
}
"""What is drawn of the tables that have a figure."""
TASKS = {"front": "sizing", "margins": "sizing", "prices": "pricing", "loads": "clusters"}
"""What a folder has to ask for to have a table, where it is not called the same."""


class Show:
    """Publishes the parts of a district's answers on a page and shows them.

    Parameters
    ----------
    page : Page
        Of the notebook.
    answers : Answers
        From :func:`bcopt.districts.answer`. Its series and the list of its numbers are published at once.
    """

    def __init__(self, page: Page, answers: Answers) -> None:
        self._page, self._answers = page, answers
        page.solution(answers.series)
        page.table(answers.tables["answers"], "answers")

    def __call__(self, name: str) -> None:
        """Publish and show the table of this name and its figure, or say that the folder does not ask for it."""
        if name not in self._answers.tables:
            display(f"not asked for: district.yaml has no {TASKS.get(name, name)} under run")
            return
        display(self._page.table(self._answers.tables[name], name))
        if name in FIGURES:
            display(self._page.figure(FIGURES[name](self._answers), name))
