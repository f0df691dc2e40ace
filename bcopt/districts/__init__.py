"""A district of one's own: a folder with a district.yaml, read, checked, computed and swept.

>>> from bcopt import districts
>>> answers = districts.answer(districts.read("districts/millbrook"))  # doctest: +SKIP
>>> answers.numbers["storage [kWh]"]  # doctest: +SKIP
"""

from bcopt.districts.answers import Answers, answer, numbers
from bcopt.districts.folder import District
from bcopt.districts.reading import read
from bcopt.districts.sweep import sweep

__all__ = ["Answers", "District", "answer", "numbers", "read", "sweep"]
