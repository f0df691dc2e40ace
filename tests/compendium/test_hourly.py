"""Hourly tables: which clock hour a label means, pinned; both conventions, every fault with its row and column."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from bcopt.compendium.hourly import CONVENTIONS, HOURS, clock_hour, read_hourly
from bcopt.compendium.problems import InputError

LABELS = [f"h{label}" for label in range(1, 25)]
COLUMNS = ["quantity", "group", "unit", "provenance", "source", "description", "convention", *LABELS]
NUMBERS = [str(label) for label in range(1, 25)]  # every hour holds its own label


def row(quantity="price", group="", convention="ends", values=NUMBERS, **changed):
    rest = {"unit": "yuan/kWh", "provenance": "published", "source": "Table 2", "description": quantity}
    found = {"quantity": quantity, "group": group, "convention": convention, **rest, **changed}
    return found | dict(zip(LABELS, values, strict=True))


def table(rows, columns=COLUMNS):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read(folder: Path, text: str) -> xr.Dataset:
    path = folder / "data" / "hours.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_hourly(path, folder)


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(folder, text)
    assert caught.value.source == "data/hours.csv"
    return list(caught.value.problems)


class TestLabels:
    @pytest.mark.parametrize(
        ("label", "starts", "ends"),
        [(1, 1, 0), (2, 2, 1), (7, 7, 6), (12, 12, 11), (20, 20, 19), (23, 23, 22), (24, 0, 23)],
    )
    def test_pinned(self, label, starts, ends):
        """Label 24 that starts is from midnight to one; label 1 that ends is the same hour."""
        assert clock_hour(label, "starts") == starts
        assert clock_hour(label, "ends") == ends

    @pytest.mark.parametrize("convention", CONVENTIONS)
    def test_every_hour_has_one_label(self, convention):
        assert sorted(clock_hour(range(1, 25), convention)) == list(HOURS) == list(range(24))

    @given(st.lists(st.integers(1, 24), min_size=1))
    def test_conventions_are_one_hour_apart(self, labels):
        assert ((clock_hour(labels, "starts") - clock_hour(labels, "ends")) % 24 == 1).all()

    @given(st.sampled_from(CONVENTIONS), st.integers(0, 23))
    def test_round_trip(self, convention, hour):
        label = hour + 1 if convention == "ends" else hour or 24
        assert clock_hour(label, convention) == hour

    @given(st.sampled_from(CONVENTIONS), st.integers(1, 23))
    def test_the_next_label_is_the_next_hour(self, convention, label):
        assert (clock_hour(label + 1, convention) - clock_hour(label, convention)) % 24 == 1

    def test_keeps_the_shape(self):
        assert clock_hour(np.ones((2, 3), dtype=np.uint8), "ends").tolist() == [[0, 0, 0], [0, 0, 0]]

    @pytest.mark.parametrize("wrong", [0, 25, -1, 1.0, 1.5, "1", True, [1, 0], [24, 25], float("nan")])
    @pytest.mark.parametrize("convention", CONVENTIONS)
    def test_no_such_label(self, wrong, convention):
        with pytest.raises(ValueError, match="expected whole numbers from 1 to 24"):
            clock_hour(wrong, convention)

    @pytest.mark.parametrize("wrong", ["start", "Ends", "", "hour"])
    def test_no_such_convention(self, wrong):
        with pytest.raises(ValueError, match=f"hour convention '{wrong}', expected one of starts, ends"):
            clock_hour(1, wrong)


class TestReading:
    def test_both_conventions_in_one_table(self, tmp_path):
        rows = [row("price", "a", "starts"), row("price", "b", "ends"), row("rate", convention="ends")]
        found = read(tmp_path, table(rows))
        assert found["hour"].to_numpy().tolist() == list(range(24))
        assert found["price"].sel(group="a").to_numpy().tolist() == [24, *range(1, 24)]
        assert found["price"].sel(group="b").to_numpy().tolist() == list(range(1, 25))
        assert found["rate"].dims == ("hour",)
        assert found["rate"].to_numpy().tolist() == list(range(1, 25))

    def test_attributes(self, tmp_path):
        found = read(tmp_path, table([row(provenance="assumed")]))["price"]
        expected = {"units": "yuan/kWh", "long_name": "price", "provenance": "assumed", "source": "Table 2"}
        assert found.attrs == expected
        assert found.dtype == float

    @pytest.mark.parametrize("step", range(1, 25))
    def test_a_convention_misread_moves_a_step_by_exactly_one_hour(self, tmp_path, step):
        """Printed from label k on: `ends` begins an hour before `starts`, at every k; nothing else changes."""
        values = [str(int(label >= step)) for label in range(1, 25)]
        ends, starts = (
            read(tmp_path, table([row(convention=convention, values=values)]))["price"].to_numpy()
            for convention in ("ends", "starts")
        )
        assert np.flatnonzero(ends)[0] == step - 1
        assert starts.tolist() == np.roll(ends, 1).tolist()
        assert step == 1 or starts.tolist() != ends.tolist()

    @pytest.mark.slow
    @given(
        st.dictionaries(
            st.tuples(st.sampled_from("abc"), st.sampled_from("xy")),
            st.tuples(st.sampled_from(CONVENTIONS), st.lists(st.floats(-1e9, 1e9), min_size=24, max_size=24)),
            min_size=1,
        ).filter(lambda days: len({g for _, g in days}) * len({q for q, _ in days}) == len(days))
    )
    def test_round_trip(self, tmp_path_factory, days):
        """What was written for a clock hour is read for it, whatever the convention and the order of rows."""
        rows = []
        for (quantity, group), (convention, by_clock) in days.items():
            values = [repr(by_clock[clock_hour(label, convention)]) for label in range(1, 25)]
            rows.append(row(quantity, group, convention, values))
        found = read(tmp_path_factory.mktemp("hours"), table(rows))
        for (quantity, group), (_, by_clock) in days.items():
            assert found[quantity].sel(group=group).to_numpy().tolist() == by_clock

    def test_the_order_of_columns_means_nothing(self, tmp_path):
        usual = read(tmp_path, table([row(convention="starts")]))
        xr.testing.assert_identical(usual, read(tmp_path, table([row(convention="starts")], COLUMNS[::-1])))


class TestFaults:
    def test_all_cells_at_once(self, tmp_path):
        rows = [row(convention="begins"), row("rate"), row("cost", convention="")]
        rows[1] |= {"h1": "x", "h24": ""}
        rows[2] |= {"h3": "nan", "h4": "inf"}
        assert faults(tmp_path, table(rows)) == [
            "row 2, column convention: 'begins', expected one of starts, ends",
            "row 4, column convention: '', expected one of starts, ends",
            "row 3, column h1: 'x' is not a number",
            "row 4, column h3: nan is not a finite number",
            "row 4, column h4: inf is not a finite number",
            "row 3, column h24: '' is not a number",
        ]

    def test_missing_columns(self, tmp_path):
        columns = [column for column in COLUMNS if column not in ("h7", "h24", "convention")]
        assert faults(tmp_path, table([row()], columns)) == [
            f"column {column}: missing, expected convention and h1 to h24" for column in ("convention", "h7", "h24")
        ]

    def test_columns_of_a_long_table(self, tmp_path):
        assert faults(tmp_path, table([row(hour="1", value="2")], [*COLUMNS, "hour", "value"])) == [
            "column hour: unknown beside h1 to h24",
            "column value: unknown beside h1 to h24",
        ]

    def test_what_a_long_table_would_be_told_names_the_row_of_the_file_once(self, tmp_path):
        rows = [row("rate"), row(provenance="heard", unit="")]
        found = faults(tmp_path, table(rows))
        assert len(found) == 2
        assert all(fault.startswith("row 3, column ") for fault in found)
        assert "'heard' is none of published" in "".join(found)

    def test_given_twice(self, tmp_path):
        found = faults(tmp_path, table([row("price", "a"), row("price", "b"), row("price", "b")]))
        assert len(found) == 24
        assert found[0] == "row 4: a second value of price at group b, hour 0"

    def test_given_twice_in_two_conventions(self, tmp_path):
        found = faults(tmp_path, table([row(convention="ends"), row(convention="starts")]))
        assert sorted(found) == sorted(f"row 3: a second value of price at hour {hour}" for hour in range(24))

    def test_a_label_that_is_missing(self, tmp_path):
        rows = [row("price", "a"), row("price", "b"), row("rate", "a")]
        assert faults(tmp_path, table(rows))[0] == "quantity rate: no row for group b, hour 0"

    def test_no_rows(self, tmp_path):
        assert faults(tmp_path, table([])) == ["has no rows below the header"]

    def test_no_file(self, tmp_path):
        with pytest.raises(InputError, match=r"data/none\.csv: 1 problem\n  - the file does not exist"):
            read_hourly(tmp_path / "data" / "none.csv", tmp_path)
