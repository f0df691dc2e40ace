"""Figures: the same bytes, nobody's settings changed, colours that everybody tells apart."""

from __future__ import annotations

import hashlib
import itertools
import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

from bcopt.compendium import figures

DRAW = """\
import hashlib, sys
import matplotlib as mpl
from bcopt.compendium import figures
mpl.rcParams["lines.linewidth"] = float(sys.argv[1])
with figures.style():
    figure, axes = figures.new(1, 2, sharey=True)
    for i in range(6):
        axes[0].plot([0, 1, 2], [i, i / 3, 1], label=f"technology {i}")
    axes[1].plot([1], [0.5], **figures.PUBLISHED)
    axes[1].fill_between([0, 1], [0, 1])
    figures.label(axes[0], "hour", "cost [yuan]", "a").legend()
for kind in ("svg", "png", "svg"):
    content = figures.rendered(figure, kind)
    print(kind, hashlib.sha256(content).hexdigest())
"""

# Machado, Oliveira & Fernandes (2009), doi 10.1109/TVCG.2009.113, severity 1, in linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
SRGB_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]])  # fmt: skip  # noqa: E501


def lab(colour: str, sight: str) -> np.ndarray:
    """Return CIE L*a*b* (D65) of a colour as it is seen."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = SRGB_TO_XYZ @ np.clip(SIGHT[sight] @ linear, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHT)
def test_every_pair_of_lines_is_told_apart(sight: str) -> None:
    """A difference (CIE 1976) of 2.3 is just noticeable; six times that is safe for thin lines."""
    cycle = figures.STYLE["axes.prop_cycle"].by_key()["color"]
    assert len(set(cycle)) == len(cycle) >= 4
    distances = {
        (a, b): float(np.linalg.norm(lab(a, sight) - lab(b, sight))) for a, b in itertools.combinations(cycle, 2)
    }
    assert min(distances.values()) > 14, min(distances, key=distances.get)
    assert set(cycle) <= set(figures.PALETTE.values())


def test_the_measure_knows_bad_pairs() -> None:
    """Matplotlib's red and green of old are far apart for most and close for some."""
    distance = {s: np.linalg.norm(lab("#d62728", s) - lab("#8c8c1a", s)) for s in SIGHT}
    assert distance["normal"] > 60
    assert min(distance["protanopia"], distance["deuteranopia"]) < 30


@pytest.fixture(scope="module")
def drawn() -> list[list[str]]:
    started = [
        subprocess.Popen([sys.executable, "-c", DRAW, width], stdout=subprocess.PIPE, text=True)
        for width in ("1.5", "9")
    ]
    return [process.communicate(timeout=60)[0].split("\n") for process in started]


def test_same_bytes_in_two_processes_whatever_their_settings(drawn: list[list[str]]) -> None:
    assert len(drawn[0]) == 4
    assert drawn[0] == drawn[1]


def test_same_bytes_when_drawn_again(drawn: list[list[str]]) -> None:
    assert drawn[0][0] == drawn[0][2]


def example() -> mpl.figure.Figure:
    with figures.style():
        figure, axes = figures.new()
        figures.label(axes.plot([0, 1 / 3], label="x")[0].axes, "hour [h]", "cost [yuan]", "title").legend()
    return figure


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_no_date_and_no_software(kind: str) -> None:
    content = figures.rendered(example(), kind)
    assert content == figures.rendered(example(), kind)
    assert hashlib.sha256(content).digest()
    assert content.startswith({"svg": b"<?xml", "png": b"\x89PNG"}[kind])
    if kind == "svg":
        assert b"\r" not in content
        assert not re.search(rb"(?i)<dc:date>|\d{4}-\d\d-\d\dT|creator>|matplotlib (v|\d)", content)
        assert b"font-family" not in content, "letters are paths: no font is needed"
    else:
        assert b"tEXt" not in content
        assert b"tIME" not in content
        assert b"Software" not in content


def test_other_kinds_are_refused() -> None:
    with pytest.raises(KeyError):
        figures.rendered(example(), "pdf")


@pytest.mark.parametrize("fails", [False, True])
def test_style_leaves_the_settings_alone(fails: bool) -> None:
    with mpl.rc_context({"lines.linewidth": 9.0, "timezone": "Asia/Shanghai", "axes.grid": False}):
        before = dict(mpl.rcParams)
        try:
            with figures.style():
                assert mpl.rcParams["lines.linewidth"] == figures.STYLE["lines.linewidth"]
                assert mpl.rcParams["axes.grid"]
                assert mpl.rcParams["timezone"] == "Asia/Shanghai", "not a matter of looks"
                mpl.rcParams["font.size"] = 30
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        figures.rendered(example(), "svg")
        assert dict(mpl.rcParams) == before


def test_style_decorates() -> None:
    @figures.style()
    def width() -> float:
        return float(mpl.rcParams["lines.linewidth"])

    assert width() == width() == figures.STYLE["lines.linewidth"]


def test_new_and_label() -> None:
    figure, axes = figures.new(2, 3, height=2.0, sharex=True)
    assert figure.get_size_inches().tolist() == [figures.WIDTH, 4.0]
    assert axes.shape == (2, 3)
    assert figures.label(axes[0, 0], y="y [kW]").get_ylabel() == "y [kW]"
    assert (axes[0, 0].get_xlabel(), axes[0, 0].get_title()) == ("", "")
    assert "matplotlib.pyplot" not in sys.modules or not __import__("matplotlib.pyplot").pyplot.get_fignums()
