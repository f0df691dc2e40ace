"""The ledger at a glance: bars where the numbers are, links that lead, colours that mean one thing."""

from __future__ import annotations

import html.parser
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from bcopt.compendium import figures, report
from bcopt.compendium.ledger import CLASSES, COLUMNS, HEADLINE_CLASSES, VERDICTS

CHECKOUT = Path(__file__).parents[2]
FIELDS = ("id", "paper", "printed", "reproduced", "tolerance", "class", "verdict", "band", "notebook")
PLACE = "study2020/1-x y"
ROWS = [
    ("S-1-held", "study2020", "50", "60", "5", "held-out", "missed", "45 to 70", PLACE),
    ("S-1-inside", "study2020", "-200", "-190", "20", "held-out", "within tolerance", "-500 to -150", PLACE),
    ("S-1-far", "study2020", "20", "50", "2", "held-out", "missed", "10 to 60", PLACE),
    ("S-1-below", "study2020", "10", "-5", "2", "held-out", "missed", "-6 to 1", PLACE),
    ("S-1-fit", "study2020", "1,234.50", "1234.5", "0.005", "fit", "reproduced", "", PLACE),
    ("S-1-zero", "study2020", "0", "0", "0.5", "fit", "reproduced", "", PLACE),
    ("S-1-impossible", "study2020", "0.36", "0.27", "", "identity", "contradicted", "", PLACE),
    ("S-1-sentence", "study2020", "true", "false", "", "qualitative", "missed", "", PLACE),
    ("S-1-count", "study2020", "60", "true", "", "qualitative", "reproduced", "", PLACE),
    ("S-1-probable", "study2020", "true", "0.4", "probability >= 0.5", "qualitative", "missed", "0.3 to 0.7", PLACE),
    ("S-1-blank", "study2020", "", "7", "", "unpublished", "nothing printed", "", "study2020/2"),
    ("T-1-later", "study2021", "3", "", "", "held-out", "not attempted", "", ""),
    ("T-1-input", "study2021", "2", "2", "0.5", "input", "used as input", "", "study2021/1"),
]  # fmt: skip


@pytest.fixture
def rows() -> pd.DataFrame:
    found = pd.DataFrame(ROWS, columns=list(FIELDS))
    rest = {"locator": "section 1 & 2", "statement": "a <b> number", "unit": "kWh (printed kW)", "note": "x < y"}
    return found.assign(**rest, deviation="")[COLUMNS]


@pytest.fixture
def whole() -> pd.DataFrame:
    """The ledger of the studies as it is committed."""
    return pd.read_csv(CHECKOUT / "results" / "ledger.csv", dtype=str, keep_default_na=False)


# ---- deviations


def test_deviations_in_percent_of_what_is_printed(rows: pd.DataFrame) -> None:
    found = report.deviations(rows).set_index("id")[["deviation", "tolerance", "low", "high"]]
    expected = {
        "T-1-input": (0, 25, np.nan, np.nan),
        "S-1-impossible": (-25, np.nan, np.nan, np.nan),
        "S-1-fit": (0, 0.5 / 1234.5, np.nan, np.nan),
        "S-1-zero": (0, np.nan, np.nan, np.nan),
        "S-1-held": (20, 10, -10, 40),
        "S-1-inside": (5, 10, -150, 25),
        "S-1-far": (150, 10, -50, 200),
        "S-1-below": (-150, 20, -160, -90),
    }
    assert found.index.tolist() == list(expected)
    np.testing.assert_allclose(found.to_numpy(), [*expected.values()], rtol=1e-12, atol=1e-12)


def test_rows_without_two_numbers_have_no_deviation(rows: pd.DataFrame) -> None:
    assert not {"S-1-sentence", "S-1-count", "S-1-probable", "S-1-blank", "T-1-later"} & set(
        report.deviations(rows)["id"]
    )


def test_a_miss_of_a_printed_zero_is_infinitely_far(rows: pd.DataFrame) -> None:
    for value, deviation in (("0.1", np.inf), ("-3", -np.inf), ("0", 0.0)):
        missed = rows.assign(reproduced=rows["reproduced"].where(rows["id"] != "S-1-zero", value))
        assert report.deviations(missed).set_index("id").loc["S-1-zero", "deviation"] == deviation


def test_deviations_of_the_studies_agree_with_their_verdicts(whole: pd.DataFrame) -> None:
    """Two ways to one verdict: by the numbers in the figure, and by what the ledger says."""
    found = report.deviations(whole)
    judged = found[found["tolerance"].notna()]
    hit = judged["deviation"].abs() <= judged["tolerance"] * (1 + 1e-6)
    assert (hit == ~judged["verdict"].isin(["missed"])).all()
    assert (found["class"].map(CLASSES.index).diff().dropna() >= 0).all()
    numbers = whole[["printed", "reproduced"]].apply(lambda texts: texts.str.fullmatch(r"-?[\d,.]+(e[+-]?\d+)?"))
    assert set(found["id"]) == set(whole.loc[numbers.all(axis=1), "id"])
    assert (found["low"].notna() == (whole.set_index("id").loc[found["id"], "band"] != "").to_numpy()).all()


# ---- published against reproduced


def drawn(rows: pd.DataFrame, study: str = "study2020") -> tuple[Figure, Axes, pd.DataFrame]:
    table = report.deviations(rows)
    table = table[table["paper"] == study].reset_index(drop=True)
    figure = report.published_against_reproduced(table)
    return figure, figure.axes[0], table


def row_of(axes: Axes, name: str) -> float:
    places = {text.get_text(): y for text, y in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)}
    return float(places[name])


def marker_at(axes: Axes, place: float) -> tuple[float, str, str]:
    """Return position, shape and colour of the one marker of a row."""
    (line,) = [x for x in axes.lines if x.get_markersize() == 7 and x.get_ydata()[0] == place]
    return float(line.get_xdata()[0]), str(line.get_marker()), to_hex(line.get_markerfacecolor()).upper()


@pytest.mark.parametrize(
    ("name", "x", "marker", "verdict"),
    [
        ("1-held", 20.0, "o", "missed"),
        ("1-inside", 5.0, "o", "within tolerance"),
        ("1-far", 100.0, ">", "missed"),
        ("1-below", -100.0, "<", "missed"),
        ("1-fit", 0.0, "s", "reproduced"),
        ("1-zero", 0.0, "s", "reproduced"),
        ("1-impossible", -25.0, "v", "contradicted"),
    ],
)
def test_markers(rows: pd.DataFrame, name: str, x: float, marker: str, verdict: str) -> None:
    _, axes, _ = drawn(rows)
    found = marker_at(axes, row_of(axes, name))
    assert found[0] == pytest.approx(x)
    assert found[1:] == (marker, report.COLOURS[verdict].upper())


def test_tolerances_are_bars_about_the_published_value(rows: pd.DataFrame) -> None:
    _, axes, _ = drawn(rows)
    bars = {round(bar.get_y() + bar.get_height() / 2, 6): bar for bar in axes.patches}
    for name, half in (("1-held", 10), ("1-inside", 10), ("1-far", 10), ("1-below", 20), ("1-fit", 0.5 / 1234.5)):
        bar = bars.pop(row_of(axes, name))
        assert (bar.get_x(), bar.get_width()) == (pytest.approx(-half), pytest.approx(2 * half))
    assert not bars, "no tolerance decides a contradiction, and none has a width about a printed zero"


def test_bands_are_lines_with_arrows_where_they_go_on(rows: pd.DataFrame) -> None:
    _, axes, _ = drawn(rows)
    ends: dict[float, list[tuple[float, str]]] = {}
    for line in axes.lines:
        if line.get_markersize() == 5:
            ends.setdefault(float(line.get_ydata()[0]), []).append((float(line.get_xdata()[0]), str(line.get_marker())))
    expected = {
        "1-held": [(-10, "|"), (40, "|")],
        "1-inside": [(-100, "<"), (25, "|")],
        "1-far": [(-50, "|"), (100, ">")],
        "1-below": [(-100, "<"), (-90, "|")],
    }
    assert set(ends) == {row_of(axes, name) for name in expected}
    for name, found in expected.items():
        for end, wanted in zip(ends[row_of(axes, name)], found, strict=True):
            assert end == (pytest.approx(wanted[0]), wanted[1])
    spans = [x for x in axes.lines if len(x.get_xdata()) == 2 and x.get_ydata()[0] == x.get_ydata()[1]]
    assert sorted(float(x.get_ydata()[0]) for x in spans) == sorted(ends)


def test_rows_stand_below_their_class(rows: pd.DataFrame) -> None:
    _, axes, table = drawn(rows)
    order = sorted(zip(axes.get_yticks(), (t.get_text() for t in axes.get_yticklabels()), strict=True))
    assert [name for _, name in order] == [
        "identity", "1-impossible", "fit", "1-fit", "1-zero", "held-out", "1-held", "1-inside", "1-far", "1-below",
    ]  # fmt: skip
    assert [place for place, _ in order] == list(range(len(order)))
    assert axes.yaxis_inverted()
    bold = {text.get_text() for text in axes.get_yticklabels() if text.get_fontweight() == "bold"}
    assert bold == set(table["class"])


def test_both_numbers_are_written_out(rows: pd.DataFrame) -> None:
    _, axes, _ = drawn(rows)
    texts = {text.xy[1]: text.get_text() for text in axes.texts}
    expected = {
        "1-held": "50 → 60 kWh",
        "1-far": "20 → 50 kWh (+150 %)",
        "1-below": "10 → -5 kWh (-150 %)",
        "1-fit": "1,234.50 → 1,234.50 kWh",
        "1-impossible": "0.36 → 0.27 kWh",
    }
    assert {name: texts[row_of(axes, name)] for name in expected} == expected


@pytest.mark.parametrize(
    ("number", "printed", "text"),
    [
        ("13667.06", "13,667", "13,667.1"),
        ("0.333333333", "0.36", "0.333"),
        ("26457", "26,457", "26,457"),
        ("7940.527", "7941", "7940.5"),
        ("57.0047826", "69.3", "57.0"),
        ("100", "90", "100"),
        ("-3.1", "-3.1", "-3.1"),
    ],
)
def test_a_number_is_written_like_the_printed_one(number: str, printed: str, text: str) -> None:
    assert report._as_printed(number, printed) == text


def test_the_legend_explains_what_is_drawn_and_nothing_else(rows: pd.DataFrame) -> None:
    classes_and_verdicts = ["identity", "fit", "held-out", "reproduced", "within tolerance", "missed", "contradicted"]
    for study, expected in (
        ("study2020", [*classes_and_verdicts, "tolerance", "band over the variants"]),
        ("study2021", ["input", "used as input", "tolerance"]),
    ):
        figure, _, _ = drawn(rows, study)
        assert [text.get_text() for text in figure.legends[0].get_texts()] == expected


def test_axis_has_its_unit_and_names_the_published_line(rows: pd.DataFrame) -> None:
    _, axes, _ = drawn(rows)
    assert "[% of published]" in axes.get_xlabel()
    assert "0 is the published value" in axes.get_xlabel()
    assert axes.get_title(loc="left") == "study2020"
    assert any(list(line.get_xdata()) == [0, 0] for line in axes.lines)


def test_every_class_has_a_marker_and_every_verdict_a_colour() -> None:
    assert set(report.MARKERS) == set(CLASSES) - {"unpublished"}
    assert len(set(report.MARKERS.values())) == len(report.MARKERS)
    assert not set(report.MARKERS.values()) & {"<", ">", figures.PUBLISHED["marker"]}
    assert tuple(report.COLOURS) == VERDICTS
    assert len(set(report.COLOURS.values())) == len(VERDICTS)


def boxes(figure: Figure, artists: list[Any]) -> list[Bbox]:
    figure.draw_without_rendering()  # only now is the layout decided
    return [artist.get_window_extent() for artist in artists]


def test_no_label_of_the_studies_overlaps_another_or_leaves_the_figure(whole: pd.DataFrame) -> None:
    for study in dict.fromkeys(whole["paper"]):
        figure, axes, _ = drawn(whole, study)
        with figures.style():
            labels, numbers = boxes(figure, axes.get_yticklabels()), boxes(figure, list(axes.texts))
            frame, page = axes.get_window_extent(), figure.bbox
            legend = figure.legends[0].get_window_extent()
        for one, other in itertools.combinations([*labels, *numbers], 2):
            overlap = Bbox.intersection(one, other)
            assert overlap is None or min(overlap.width, overlap.height) < 1, study
        assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in [*labels, *numbers, legend]), study
        assert all(box.x1 <= frame.x0 for box in labels), study
        assert all(box.x0 >= frame.x1 for box in numbers), study
        assert legend.y1 <= frame.y0, study
        assert frame.width > 0.45 * page.width, study


# ---- tables


class Cells(html.parser.HTMLParser):
    """Collects links and the text of every cell."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.cells: list[str] = []
        self._href: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._href = dict(attrs)["href"]
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._href = None

    def handle_data(self, data: str) -> None:
        if self._href is not None:
            self.links.append((data, self._href))
        if self.cells:
            self.cells[-1] += data.strip()


def parsed(table: report.LinkedTable) -> Cells:
    found = Cells()
    found.feed(table._repr_html_())
    return found


def test_each_row_links_to_its_notebook(rows: pd.DataFrame) -> None:
    links = dict(parsed(report.linked(rows)).links)
    assert links["S-1-held"] == "study2020/1-x%20y.ipynb#Ledger"
    assert links["T-1-input"] == "study2021/1.ipynb#Ledger"
    assert set(links) == set(rows["id"]) - {"T-1-later"}, "no notebook has computed it"


def test_links_stay_with_their_rows_in_a_selection(rows: pd.DataFrame) -> None:
    some = rows[rows["class"] == "input"]
    assert parsed(report.linked(some)).links == [("T-1-input", "study2021/1.ipynb#Ledger")]


def test_cells_are_texts_and_no_markup(rows: pd.DataFrame) -> None:
    page = report.linked(rows)._repr_html_()
    assert "a &lt;b&gt; number" in page
    assert "<b>" not in page
    cells = parsed(report.linked(rows)).cells
    for text in ("section 1 & 2", "a <b> number", "x < y", "kWh (printed kW)", "1,234.50"):
        assert text in cells


def test_a_link_cannot_be_broken_out_of(rows: pd.DataFrame) -> None:
    page = report.linked(rows.assign(notebook='a"><script>', id='"><script>'))._repr_html_()
    assert "<script>" not in page


def test_whole_sentences_are_shown_whatever_the_settings(rows: pd.DataFrame) -> None:
    long = "word " * 100 + "end"
    with pd.option_context("display.max_colwidth", 20, "display.max_rows", 4):
        table = report.linked(rows.assign(note=long))
        assert table._repr_html_().count(long) == len(rows)
        assert len(repr(table).splitlines()) == len(rows) + 2


def test_plain_text_has_all_but_the_notes(rows: pd.DataFrame) -> None:
    text = repr(report.linked(rows.assign(note="a note")))
    assert "a note" not in text
    for name, locator, verdict in rows[["id", "locator", "verdict"]].itertuples(index=False):
        assert any(name in line and locator in line and verdict in line for line in text.splitlines())


def led(place: Path, target: str) -> bool:
    """Return whether a link leads to a heading of a notebook."""
    name, _, heading = target.partition("#")
    path = place / name
    return path.is_file() and f'"## {heading}' in path.read_text(encoding="utf-8")


def test_links_of_the_studies_lead_from_both_pages(whole: pd.DataFrame) -> None:
    links = parsed(report.linked(whole)).links
    assert [name for name, _ in links] == whole["id"].tolist()
    for place in (CHECKOUT / "notebooks", CHECKOUT / "results" / "notebooks"):
        assert [target for _, target in links if not led(place, target)] == []


def test_headline_by_study(rows: pd.DataFrame) -> None:
    found = report.headline_table(rows).set_index("study")
    assert found.loc["study2020"].tolist() == [1, 1, 5, 0, 7]
    assert found.loc["study2021"].tolist() == [0, 0, 0, 0, 0], "a row that is not attempted is no evidence"
    assert found.loc["all"].tolist() == [1, 1, 5, 0, 7]
    assert found.columns.tolist() == [*VERDICTS[:4], "rows"]


def test_fits_do_not_move_the_headline(rows: pd.DataFrame) -> None:
    other = rows.assign(verdict=rows["verdict"].where(rows["class"].isin(HEADLINE_CLASSES), "missed"))
    pd.testing.assert_frame_equal(report.headline_table(rows), report.headline_table(other))


def test_coverage_counts_every_row_once(rows: pd.DataFrame) -> None:
    found = report.coverage_table(rows).set_index("class")
    assert found["rows"].sum() == len(rows)
    assert found.loc["held-out", list(VERDICTS)].tolist() == [0, 1, 3, 0, 0, 0, 1]
    assert found.index[found["evidence"] != ""].tolist() == list(HEADLINE_CLASSES)


def test_numbers_as_a_dataset(rows: pd.DataFrame) -> None:
    found = report.as_dataset(rows)
    assert found["printed"].sel(claim="S-1-fit").item() == 1234.5
    assert np.isnan(found["printed"].sel(claim="S-1-sentence").item())
    assert VERDICTS[found["verdict"].sel(claim="S-1-impossible").item()] == "contradicted"


# ---- verdicts


def test_verdicts_are_bars_of_their_counts(rows: pd.DataFrame) -> None:
    figure = report.verdicts(rows)
    first, second = figure.axes
    widths = {(round(bar.get_y() + bar.get_height() / 2), to_hex(bar.get_facecolor()).upper()): bar.get_width()
              for bar in first.patches if bar.get_width()}  # fmt: skip
    held_out = CLASSES.index("held-out")
    assert widths[held_out, report.COLOURS["missed"].upper()] == 3
    assert widths[held_out, report.COLOURS["within tolerance"].upper()] == 1
    assert sum(widths.values()) == 11
    assert sum(bar.get_width() for bar in second.patches) == 2
    assert first.get_xlim() == second.get_xlim()
    assert first.get_xlim()[1] > 4, "the longest bar ends before the axis does"
