"""Weather files: what is read and written, every fault with its place, and that EnergyPlus takes what is written."""

from __future__ import annotations

import builtins
import importlib.resources
import re
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from bcopt.compendium.problems import InputError
from bcopt.loads import weather as module
from bcopt.loads.weather import (
    CALENDAR,
    COLUMNS,
    check_weather,
    extraterrestrial_radiation,
    read_weather,
    shipped_weather,
    write_weather,
)

HEAD = 8  # lines before the first hour
PLACE = {"city": "Nowhere", "state": "-", "country": "XYZ", "source": "test", "wmo_station": "012345"}
POSITION = {"latitude": 40.0, "longitude": 116.5, "time_zone": 8.0, "elevation": 31.0}
FIELDS = {column.name: 6 + k for k, column in enumerate(COLUMNS)}

try:
    SHIPPED = sorted(shipped_weather("Willard").parent.glob("*.epw"))
except FileNotFoundError:
    SHIPPED = []
needs_wheel = pytest.mark.skipif(not SHIPPED, reason="EnergyPlus has no wheel for this machine")


def clear_year():
    """A year without clouds, a third of the sun's radiation diffuse; rain in the first hour only."""
    hour = np.arange(8760)
    air = 12 - 14 * np.cos(2 * np.pi * hour / 8760) - 5 * np.cos(2 * np.pi * (hour % 24 - 2) / 24)
    values = {column.name: np.full(8760, np.nan) for column in COLUMNS}
    values |= {column.name: np.zeros(8760) for column in COLUMNS if column.bounds}
    values["dry_bulb_temperature"] = air
    values["dew_point_temperature"] = air - 4
    values["relative_humidity"] += 75
    values["atmospheric_pressure"] += 101_000
    values["horizontal_infrared_radiation"] += 300
    values["wind_speed"] += 2 + hour % 5
    values["liquid_precipitation_depth"][0] = 1.5
    weather = xr.Dataset(
        {c.name: ("hour", values[c.name], {"units": c.units, "long_name": c.long_name}) for c in COLUMNS},
        coords={"hour": hour},
        attrs=PLACE | POSITION,
    )
    sun = extraterrestrial_radiation(weather)
    weather["global_horizontal_radiation"].data = 0.6 * sun["horizontal"].to_numpy()
    weather["direct_normal_radiation"].data = 0.4 * sun["normal"].to_numpy()
    weather["diffuse_horizontal_radiation"].data = 0.2 * sun["horizontal"].to_numpy()
    return weather


@pytest.fixture(scope="module")
def year():
    return clear_year()


@pytest.fixture(scope="module")
def lines(year, tmp_path_factory):
    path = tmp_path_factory.mktemp("epw") / "year.epw"
    write_weather(year, path)
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def faults(tmp_path):
    """Write lines to a file and return what is wrong with it."""

    def call(content):
        path = tmp_path / "faulty.epw"
        path.write_text("\n".join(content) + "\n", encoding="utf-8")
        with pytest.raises(InputError) as error:
            read_weather(path)
        assert error.value.source == str(path)
        return list(error.value.problems)

    return call


def changed(lines, hour, **cells):
    """Return the lines with other cells in one hour."""
    row = lines[HEAD + hour].split(",")
    for name, text in cells.items():
        row[FIELDS[name]] = text
    return [*lines[: HEAD + hour], ",".join(row), *lines[HEAD + hour + 1 :]]


def header(lines, row, text):
    return [*lines[: row - 1], text, *lines[row:]]


class TestReading:
    def test_hours_and_labels(self, lines, tmp_path):
        """The row of 1/1 hour 1 is the clock interval from midnight to one, hour 0."""
        path = tmp_path / "x.epw"
        text = changed(lines, 0, dry_bulb_temperature="-33.30", dew_point_temperature="-40")
        text = changed(text, 31 * 24 + 5, dry_bulb_temperature="33.30")
        assert text[HEAD].startswith("2001,1,1,1,")
        assert text[HEAD + 31 * 24 + 5].startswith("2001,2,1,6,")
        path.write_text("\n".join(text), encoding="utf-8")
        found = read_weather(path)
        assert found.sizes == {"hour": 8760}
        assert found["hour"].values.tolist() == list(range(8760))
        assert found["dry_bulb_temperature"].values[[0, 31 * 24 + 5]].tolist() == [-33.3, 33.3]

    def test_units_names_and_place(self, lines, tmp_path):
        path = tmp_path / "x.epw"
        path.write_text("\n".join(lines), encoding="utf-8")
        found = read_weather(path)
        assert found.attrs == PLACE | POSITION
        assert list(found) == [column.name for column in COLUMNS]
        units = {
            "dry_bulb_temperature": "degC",
            "dew_point_temperature": "degC",
            "relative_humidity": "%",
            "atmospheric_pressure": "Pa",
            "horizontal_infrared_radiation": "W/m2",
            "global_horizontal_radiation": "W/m2",
            "direct_normal_radiation": "W/m2",
            "diffuse_horizontal_radiation": "W/m2",
            "wind_direction": "degree",
            "wind_speed": "m/s",
            "total_sky_cover": "tenths",
            "opaque_sky_cover": "tenths",
        }
        assert {name: found[name].attrs["units"] for name in units} == units
        assert set(units) == {column.name for column in COLUMNS if column.bounds}
        assert all(found[name].attrs["long_name"] for name in found)

    @needs_wheel
    def test_published_first_and_other_rows(self):
        """Numbers copied from the Willard file: its first hour, and the 13th hour of 4 July."""
        found = read_weather(shipped_weather("Willard"))
        first = {
            "dry_bulb_temperature": -1.0,
            "dew_point_temperature": -4.0,
            "relative_humidity": 78,
            "atmospheric_pressure": 99700,
            "horizontal_infrared_radiation": 271,
            "wind_direction": 70,
            "wind_speed": 4.1,
            "total_sky_cover": 10,
            "opaque_sky_cover": 9,
            "visibility": 16.1,
            "ceiling_height": 77777,
            "precipitable_water": 89,
            "aerosol_optical_depth": 0.059,
            "albedo": 0.17,
            "liquid_precipitation_quantity": 6.0,
        }
        assert {name: float(found[name][0]) for name in first} == first
        assert found.attrs["wmo_station"] == "725315"
        assert (found.attrs["latitude"], found.attrs["longitude"]) == (40.06, -88.37)
        assert (found.attrs["time_zone"], found.attrs["elevation"]) == (-6.0, 213.0)
        text = shipped_weather("Willard").read_text(encoding="utf-8").splitlines()[HEAD + 184 * 24 + 12].split(",")
        assert text[1:4] == ["7", "4", "13"]
        assert float(found["direct_normal_radiation"][184 * 24 + 12]) == float(text[14])
        assert float(found["global_horizontal_radiation"][184 * 24 + 12]) == float(text[13])

    @needs_wheel
    @pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name.split(".")[0])
    def test_real_files_are_accepted(self, path):
        found = read_weather(path)
        assert all(np.isfinite(found[column.name]).all() for column in COLUMNS if column.bounds)

    @needs_wheel
    def test_against_another_reader(self):
        """All numbers that pvlib reads are read, in the same order."""
        import pvlib

        path = shipped_weather("Miami")
        found, (other, place) = read_weather(path), pvlib.iotools.read_epw(path)
        names = {
            "dry_bulb_temperature": "temp_air",
            "dew_point_temperature": "temp_dew",
            "relative_humidity": "relative_humidity",
            "atmospheric_pressure": "atmospheric_pressure",
            "horizontal_infrared_radiation": "ghi_infrared",
            "global_horizontal_radiation": "ghi",
            "direct_normal_radiation": "dni",
            "diffuse_horizontal_radiation": "dhi",
            "wind_direction": "wind_direction",
            "wind_speed": "wind_speed",
            "total_sky_cover": "total_sky_cover",
            "opaque_sky_cover": "opaque_sky_cover",
        }
        for name, column in names.items():
            assert found[name].values.tolist() == other[column].astype(float).tolist()
        assert found.attrs["elevation"] == place["altitude"]

    def test_missing_values_of_columns_that_may_have_them(self, lines, tmp_path):
        path = tmp_path / "x.epw"
        path.write_text("\n".join(changed(lines, 7, albedo="999.0", snow_depth="", visibility="2.5")), encoding="utf-8")
        found = read_weather(path).isel(hour=7)
        assert np.isnan(found["albedo"])
        assert np.isnan(found["snow_depth"])
        assert float(found["visibility"]) == 2.5

    @pytest.mark.parametrize("last", [32, 33, 34])
    def test_older_files_end_earlier(self, lines, tmp_path, last):
        path = tmp_path / "x.epw"
        cut = [",".join(line.split(",")[:last]) for line in lines[HEAD:]]
        path.write_text("\n".join(lines[:HEAD] + cut), encoding="utf-8")
        found = read_weather(path)
        assert np.isnan(found["liquid_precipitation_quantity"]).all()
        assert np.isnan(found["liquid_precipitation_depth"]).all() == (last < 34)

    @pytest.mark.parametrize(
        "change", [str.lower, lambda text: text.replace("\n", "\r\n"), lambda text: "\ufeff" + text]
    )
    def test_harmless_differences(self, lines, year, tmp_path, change):
        path = tmp_path / "x.epw"
        path.write_bytes((change("\n".join(lines)) + "\n\n").encode())
        assert np.allclose(read_weather(path)["dry_bulb_temperature"], year["dry_bulb_temperature"], atol=0.0051)


class TestShipped:
    @needs_wheel
    def test_paths(self):
        assert shipped_weather("Willard").name == "USA_IL_University.of.Illinois-Willard.AP.725315_TMY3.epw"
        assert shipped_weather("Miami").is_file()

    def test_unknown(self):
        with pytest.raises(ValueError, match="no shipped weather 'Beijing', expected Willard or Miami"):
            shipped_weather("Beijing")

    def test_without_the_wheel(self, monkeypatch):
        def absent(package):
            raise ModuleNotFoundError(package)

        monkeypatch.setattr(importlib.resources, "files", absent)
        with pytest.raises(FileNotFoundError, match=r"weather of Miami comes with EnergyPlus .* is not installed"):
            shipped_weather("Miami")

    def test_another_wheel(self, monkeypatch, tmp_path):
        monkeypatch.setattr(importlib.resources, "files", lambda _: tmp_path)
        with pytest.raises(FileNotFoundError, match="does not carry USA_FL_Miami"):
            shipped_weather("Miami")


class TestFaultsOfTheFile:
    def test_missing(self, tmp_path):
        with pytest.raises(InputError, match="does not exist"):
            read_weather(tmp_path / "none.epw")

    @pytest.mark.parametrize("text", ["", "month,temperature\n1,2\n", "LOCATION,a,b,c,d,e,1,1,0,0\n"])
    def test_no_epw(self, tmp_path, text):
        path = tmp_path / "x.csv"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"is not an EPW: starts with .* expected LOCATION"):
            read_weather(path)

    def test_truncated(self, lines, faults):
        """Cut in the middle of a line, as by a broken download."""
        kept = [*lines[: HEAD + 3000], lines[HEAD + 3000][:70]]
        found = faults(kept)
        assert found[0] == (
            "has 3001 hourly rows, the last is row 3009 (5/6 hour 1), expected 8760 hours up to 12/31 hour 24"
        )
        assert re.fullmatch(r"row 3009 \(5/6 hour 1\): has \d+ columns, expected 32 to 35", found[1])
        assert len(found) == 2

    def test_no_hours(self, lines, faults):
        assert faults(lines[:HEAD]) == ["has 0 hourly rows, there is none, expected 8760 hours up to 12/31 hour 24"]

    def test_a_lost_hour(self, lines, faults):
        found = faults(lines[: HEAD + 100] + lines[HEAD + 101 :])
        assert found[0].startswith("row 109 (1/5 hour 6): is out of order, expected 1/5 hour 5")
        assert found[1].startswith("has 8759 hourly rows, the last is row 8767 (12/31 hour 24)")

    def test_a_doubled_hour(self, lines, faults):
        found = faults(lines[: HEAD + 101] + lines[HEAD + 100 :])
        assert found[0].startswith("row 110 (1/5 hour 5): is out of order, expected 1/5 hour 6")
        assert found[1].startswith("has 8761 hourly rows")

    def test_swapped_hours(self, lines, faults):
        a, b = lines[HEAD + 10], lines[HEAD + 11]
        (found,) = faults([*lines[: HEAD + 10], b, a, *lines[HEAD + 12 :]])
        assert found.startswith("row 19 (1/1 hour 12): is out of order, expected 1/1 hour 11")

    def test_leap_year(self, lines, faults):
        february = HEAD + 59 * 24
        day = [re.sub(r"^2001,3,1,", "2004,2,29,", line) for line in lines[february : february + 24]]
        found = faults(lines[:february] + day + lines[february:])
        row = february + 1
        assert found == [
            f"row {row} (2/29 hour 1): is of a leap year (8784 rows), expected the 8760 hours of a common year"
        ]

    def test_leap_year_observed(self, lines, faults):
        found = faults(header(lines, 5, "HOLIDAYS/DAYLIGHT SAVINGS,Yes,0,0,0"))
        assert found == ["row 5: LEAP YEAR OBSERVED is Yes, expected No: the 8760 hours of a common year"]

    def test_several_records_an_hour(self, lines, faults):
        (found,) = faults(header(lines, 8, "DATA PERIODS,1,4,Data,Sunday,1/1,12/31"))
        assert found == "row 8: DATA PERIODS has ['1', '4'], expected 1 period and 1 record an hour"

    @pytest.mark.parametrize(
        ("place", "problem"),
        [
            ("40,116.5,8", "LOCATION has 8 fields, expected city, state, country, source, wmo_station, latitude"),
            ("north,116.5,8,31", "latitude 'north' is not a number"),
            ("nan,116.5,8,31", "latitude 'nan' is not a number"),
            ("116.5,40,8,31", "latitude 116.5, expected -90 to 90"),
            ("40,216.5,8,31", "longitude 216.5, expected -180 to 180"),
            ("40,116.5,8,31000", "elevation 31000, expected -500 to 9000"),
            ("40,-116.5,8,31", "time_zone 8 h at longitude -116.5, expected within 3 h of -7.8 h"),
            ("40,116.5,-8,31", "time_zone -8 h at longitude 116.5, expected within 3 h of 7.8 h"),
        ],
    )
    def test_location(self, lines, faults, place, problem):
        (found,) = faults(header(lines, 1, f"LOCATION,a,b,c,d,e,{place}"))
        assert found.startswith(f"row 1: {problem}")

    def test_zone_across_the_date_line(self, year):
        """Samoa keeps 13 hours ahead at 172 degrees west, half a day and an hour from its sun's count."""
        check_weather(rotated(year, -172.0, 13.0), "Apia")


def rotated(year, longitude, zone):
    moved = year.copy(deep=True).assign_attrs(longitude=longitude, time_zone=zone)
    sun = extraterrestrial_radiation(moved)
    moved["global_horizontal_radiation"].data = 0.5 * sun["horizontal"].to_numpy()
    return moved


NEEDED = [column.name for column in COLUMNS if column.bounds]
CODES = {
    "dry_bulb_temperature": "99.9",
    "dew_point_temperature": "99.9",
    "relative_humidity": "999",
    "atmospheric_pressure": "999999",
    "horizontal_infrared_radiation": "9999",
    "global_horizontal_radiation": "9999",
    "direct_normal_radiation": "9999",
    "diffuse_horizontal_radiation": "9999",
    "wind_direction": "999",
    "wind_speed": "999",
    "total_sky_cover": "99",
    "opaque_sky_cover": "99",
}
IMPOSSIBLE = [
    ("dry_bulb_temperature", "71", "71 degC, expected -70 to 70"),
    ("dew_point_temperature", "-71", "-71 degC, expected -70 to 70"),
    ("relative_humidity", "-1", "-1 %, expected 0 to 110"),
    ("relative_humidity", "111", "111 %, expected 0 to 110"),
    ("atmospheric_pressure", "1010", "1010 Pa, expected 31000 to 120000"),
    ("horizontal_infrared_radiation", "0", "0 W/m2, expected 40 to 700"),
    ("global_horizontal_radiation", "-1", "-1 W/m2, expected 0 to 1415"),
    ("direct_normal_radiation", "1416", "1416 W/m2, expected 0 to 1415"),
    ("diffuse_horizontal_radiation", "1416", "1416 W/m2, expected 0 to 1415"),
    ("wind_direction", "361", "361 degree, expected 0 to 360"),
    ("wind_speed", "41", "41 m/s, expected 0 to 40"),
    ("total_sky_cover", "11", "11 tenths, expected 0 to 10"),
    ("opaque_sky_cover", "-1", "-1 tenths, expected 0 to 10"),
]


class TestFaultsOfAnHour:
    HOUR = 4000  # 16 June, the hour from 16 to 17
    PLACE = "row 4009 (6/16 hour 17)"

    def test_missing_column(self, lines, faults):
        row = lines[HEAD + self.HOUR].split(",")
        cut = [*lines[: HEAD + self.HOUR], ",".join(row[:20]), *lines[HEAD + self.HOUR + 1 :]]
        assert faults(cut) == [f"{self.PLACE}: has 20 columns, expected 32 to 35"]

    def test_empty_line(self, lines, faults):
        found = faults([*lines[: HEAD + self.HOUR], "", *lines[HEAD + self.HOUR + 1 :]])
        assert "row 4009: has 1 columns, expected 32 to 35" in found

    @pytest.mark.parametrize("text", ["nan", "text", "", "inf"])
    def test_no_number(self, lines, faults, text):
        """Every column in an hour of its own."""
        for hour, name in enumerate(NEEDED):
            lines = changed(lines, hour, **{name: text})
        assert faults(lines) == [
            f"row {HEAD + 1 + hour} (1/1 hour {hour + 1}): {name} {text!r} is not a number"
            for hour, name in enumerate(NEEDED)
        ]

    def test_no_number_where_values_may_be_missing(self, lines, faults):
        assert faults(changed(lines, self.HOUR, albedo="bright")) == [f"{self.PLACE}: albedo 'bright' is not a number"]

    def test_missing_values(self, lines, faults):
        """The codes as the data dictionary of the format gives them."""
        for hour, (name, code) in enumerate(CODES.items()):
            lines = changed(lines, hour, **{name: code})
        assert faults(lines) == [
            f"row {HEAD + 1 + hour} (1/1 hour {hour + 1}): {name} {code} is the code of a missing value, expected a "
            "value in every hour"
            for hour, (name, code) in enumerate(CODES.items())
        ]

    def test_impossible_values(self, lines, faults):
        expected = []
        for hour, (name, text, problem) in enumerate(IMPOSSIBLE):
            lines = changed(lines, hour, **{name: text})
            expected.append(f"row {HEAD + 1 + hour} (1/1 hour {hour + 1}): {name} {problem}")
        assert faults(lines) == expected

    def test_cases_cover_what_is_needed(self):
        assert list(CODES) == NEEDED
        assert {name for name, _, _ in IMPOSSIBLE} == set(NEEDED)

    @pytest.mark.slow
    def test_dew_point_above_dry_bulb(self, lines, faults, tmp_path):
        near = changed(lines, self.HOUR, dry_bulb_temperature="20", dew_point_temperature="20.4")
        (tmp_path / "near.epw").write_text("\n".join(near), encoding="utf-8")
        read_weather(tmp_path / "near.epw")  # rounding of real files
        found = faults(changed(lines, self.HOUR, dry_bulb_temperature="20", dew_point_temperature="20.6"))
        assert found == [
            f"{self.PLACE}: dew_point_temperature 20.6 degC, expected at most dry_bulb_temperature 20 degC"
        ]

    def test_all_are_told_at_once(self, lines, faults):
        text = changed(lines, 5, wind_speed="calm")
        text = changed(text, 6, dry_bulb_temperature="99.9")
        text = changed(text, 7, relative_humidity="150")
        text = header(text, 1, "LOCATION,a,b,c,d,e,95,116.5,8,31")
        found = faults(text)
        assert len(found) == 4
        assert [re.match(r"row (\d+)", problem).group(1) for problem in found] == ["1", "15", "14", "16"]

    def test_many_alike_are_counted(self, lines, faults):
        text = lines
        for hour in range(30, 42):
            text = changed(text, hour, wind_speed="x")
        found = faults(text)
        assert len(found) == 6
        assert found[4].startswith("row 43 ")
        assert found[5] == "and 7 more rows like the last"


class TestSun:
    def test_noon_of_the_equinox_on_the_equator(self, year):
        """Overhead at noon: (4/pi sin(pi/24))-like mean of the cosine over the hour, the Earth at its mean distance."""
        there = year.assign_attrs(latitude=0.0, longitude=0.0, time_zone=0.0)
        found = extraterrestrial_radiation(there).isel(hour=[78 * 24 + 11, 78 * 24 + 12])  # 20 March
        edge = np.pi / 12
        mean_cosine = np.sin(edge) / edge  # over the hour before or after noon, near enough to each
        assert found["normal"].values == pytest.approx([1367 * 1.008] * 2, rel=0.004)
        assert found["horizontal"].values == pytest.approx(found["normal"].values * mean_cosine, rel=0.01)

    def test_day_length(self, year):
        """Half the year is day; at 40 degrees the solstice day has 15 hours, its night no radiation."""
        sun = extraterrestrial_radiation(year)
        up = (sun["normal"] / sun["normal"].max() > 0.5).to_numpy().reshape(365, 24).sum(axis=1)
        assert up.mean() == pytest.approx(12, abs=0.2)
        assert up[171] == pytest.approx(15, abs=0.6)
        assert float(sun["horizontal"].where(sun["normal"] == 0, 0).max()) == 0

    def test_year_of_horizontal_radiation(self, year):
        """Published for 40 degrees north on the 15th: 15.0 MJ/m2 in January, 41.9 in June (FAO 56, annex 2)."""
        sun = extraterrestrial_radiation(year.assign_attrs(latitude=40.0))["horizontal"].to_numpy()
        days = sun.reshape(365, 24).sum(axis=1) * 3600 / 1e6
        assert days[14] == pytest.approx(15.0, abs=0.4)
        assert days[165] == pytest.approx(41.9, abs=0.4)

    @pytest.mark.parametrize("shift", [-12, -3, -1, 1, 3, 12])
    def test_shifted_hours(self, lines, faults, shift):
        """The values move against the labels, as when a label is taken for the start of its hour, or UTC for local."""
        labels = [line.split(",")[:6] for line in lines[HEAD:]]
        cells = [line.split(",")[6:] for line in lines[HEAD:]]
        moved = cells[-shift:] + cells[:-shift]
        (found,) = faults(lines[:HEAD] + [",".join(a + b) for a, b in zip(labels, moved, strict=True)])
        assert re.match(
            r"sun at night: .* dark hours, first on \d+/\d+ hour \d+, expected none at longitude 116.5", found
        )

    @pytest.mark.slow
    @needs_wheel
    @pytest.mark.parametrize("path", SHIPPED[::5], ids=lambda path: path.name.split(".")[0])
    def test_real_files_shifted_by_an_hour(self, path):
        found = read_weather(path)
        for shift in (-1, 1):
            with pytest.raises(InputError, match="sun at night"):
                check_weather(found.roll(hour=shift), "shifted")

    def test_wrong_sign_of_longitude_is_seen_from_the_sun(self, year):
        """Within three hours of its zone, but the sun is two hours away."""
        with pytest.raises(InputError, match="sun at night"):
            check_weather(year.assign_attrs(longitude=86.5), "x")


class TestWriting:
    def test_round_trip_to_the_printed_precision(self, year, tmp_path):
        rng = np.random.default_rng(1)
        full = year.copy(deep=True)
        full["albedo"].data = np.where(rng.random(8760) < 0.5, np.nan, rng.random(8760))
        full["present_weather_codes"].data = np.full(8760, 12_999_999.0)
        full["present_weather_observation"].data = np.zeros(8760)
        full["zenith_luminance"].data = 90_000 * rng.random(8760)
        write_weather(full, tmp_path / "x.epw")
        found = read_weather(tmp_path / "x.epw")
        assert found.attrs == full.attrs
        for column in COLUMNS:
            difference = abs(found[column.name] - full[column.name])
            assert (np.isnan(found[column.name]) == np.isnan(full[column.name])).all()
            assert float(difference.fillna(0).max()) <= 0.5 * 10**-column.decimals * (1 + 1e-9), column.name
            assert found[column.name].attrs == full[column.name].attrs
        assert ",012999999," in (tmp_path / "x.epw").read_text(encoding="utf-8")

    @pytest.mark.slow
    def test_second_round_changes_nothing(self, lines, tmp_path):
        (tmp_path / "a.epw").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        write_weather(read_weather(tmp_path / "a.epw"), tmp_path / "b.epw")
        assert (tmp_path / "a.epw").read_bytes() == (tmp_path / "b.epw").read_bytes()

    @pytest.mark.slow
    @needs_wheel
    @pytest.mark.parametrize("name", ["Willard", "Miami"])
    def test_shipped_files_come_back(self, name, tmp_path):
        """What a real file says is in the written one to the digit; only its years and flags are not."""
        source = read_weather(shipped_weather(name))
        write_weather(source, tmp_path / "x.epw")
        xr.testing.assert_identical(read_weather(tmp_path / "x.epw"), source)

    def test_format(self, lines):
        """Written out by hand: the first hour of the clear year, missing values by their codes."""
        assert lines[0] == "LOCATION,Nowhere,-,XYZ,test,012345,40,116.5,8,31"
        keys = ["DESIGN CONDITIONS", "TYPICAL/EXTREME PERIODS", "GROUND TEMPERATURES", "HOLIDAYS/DAYLIGHT SAVINGS"]
        keys += ["COMMENTS 1", "COMMENTS 2", "DATA PERIODS"]
        assert [line.split(",")[0] for line in lines[1:HEAD]] == keys
        assert len(lines) == HEAD + 8760
        label, _, rest = lines[HEAD].partition("?")
        assert label == "2001,1,1,1,0,"
        assert rest.partition(",")[2] == (
            "-6.33,-10.33,75,101000,9999,9999,300,0,0,0,999999,999999,999999,999999,0,2.00,0,0,9999.0,99999,9,"
            "999999999,999,0.9990,999,99,999.000,1.5,99.0"
        )
        assert lines[-1].startswith("2001,12,31,24,0,")

    def test_bytes(self, year, tmp_path):
        write_weather(year, tmp_path / "deep" / "a.epw")
        write_weather(year.copy(deep=True), tmp_path / "b.epw")
        content = (tmp_path / "b.epw").read_bytes()
        assert content == (tmp_path / "deep" / "a.epw").read_bytes()
        assert b"\r" not in content
        assert b",-0," not in content
        assert b"-0.00," not in content
        assert content.endswith(b"\n")

    def test_no_minus_zero(self, year, tmp_path):
        calm = year.copy(deep=True)
        calm["dry_bulb_temperature"].data = np.full(8760, -0.001)
        calm["dew_point_temperature"].data = np.full(8760, -0.004)
        write_weather(calm, tmp_path / "x.epw")
        assert b"-0.00" not in (tmp_path / "x.epw").read_bytes()

    def test_whole_or_not_at_all(self, year, tmp_path):
        """A refused year leaves the file that is there as it is, and nothing beside it."""
        path = tmp_path / "x.epw"
        path.write_text("old", encoding="utf-8")
        wrong = year.copy(deep=True)
        wrong["wind_speed"].data[3] = 400
        with pytest.raises(InputError, match=r"hour 3 \(1/1 hour 4\): wind_speed 400 m/s, expected 0 to 40"):
            write_weather(wrong, path)
        assert [p.name for p in tmp_path.iterdir()] == ["x.epw"]
        assert path.read_text(encoding="utf-8") == "old"

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_no_numbers(self, year, value):
        wrong = year.copy(deep=True)
        wrong["dry_bulb_temperature"].data[8759] = value
        with pytest.raises(InputError, match=r"hour 8759 \(12/31 hour 24\): dry_bulb_temperature is no finite number"):
            check_weather(wrong, "x")

    def test_infinite_where_values_may_be_missing(self, year):
        wrong = year.copy(deep=True)
        wrong["albedo"].data[1] = np.inf
        with pytest.raises(InputError, match="albedo is no finite number"):
            check_weather(wrong, "x")

    def test_incomplete(self, year):
        wrong = year.drop_vars(["albedo", "wind_speed"])
        del wrong.attrs["time_zone"]
        with pytest.raises(InputError) as error:
            check_weather(wrong, "a year")
        assert error.value.problems == (
            "variable wind_speed is missing",
            "variable albedo is missing",
            "attribute time_zone is missing",
        )

    @pytest.mark.parametrize("part", [slice(0, 8759), slice(None, None, -1)])
    def test_other_hours(self, year, part):
        with pytest.raises(InputError, match="expected hour 0 to 8759"):
            check_weather(year.isel(hour=part), "x")

    @pytest.mark.parametrize("city", ["Peking, China", "Two\nlines"])
    def test_texts_that_break_the_line(self, year, city):
        with pytest.raises(InputError, match="expected one line without a comma"):
            check_weather(year.assign_attrs(city=city), "x")

    def test_impossible_place(self, year):
        with pytest.raises(InputError, match="latitude 100, expected -90 to 90"):
            check_weather(year.assign_attrs(latitude=100.0), "x")

    def test_names_in_other_letters(self, year, tmp_path):
        write_weather(year.assign_attrs(city="北京"), tmp_path / "x.epw")
        assert read_weather(tmp_path / "x.epw").attrs["city"] == "北京"

    def test_source_is_not_changed(self, year, tmp_path):
        before = year.copy(deep=True)
        write_weather(year, tmp_path / "x.epw")
        xr.testing.assert_identical(year, before)


CHILD = """
import sys
from pyenergyplus.api import EnergyPlusAPI
api = EnergyPlusAPI()
sys.exit(api.runtime.run_energyplus(api.state_manager.new_state(), sys.argv[1:]))
"""
WEATHER_ONLY = """
Version,25.2; Timestep,4;
Building,None,0,Suburbs,0.04,0.4,FullExterior,25,6;
GlobalGeometryRules,UpperLeftCorner,Counterclockwise,World;
SimulationControl,No,No,No,No,Yes;
RunPeriod,Year,1,1,,12,31,,Sunday,No,No,No,Yes,Yes;
Material,Concrete,Rough,0.2,1.0,2000,900;
Construction,Wall,Concrete;
Zone,Box;
BuildingSurface:Detailed,S,Wall,Wall,Box,,Outdoors,,SunExposed,WindExposed,autocalculate,4,0,0,3,0,0,0,5,0,0,5,0,3;
BuildingSurface:Detailed,E,Wall,Wall,Box,,Outdoors,,SunExposed,WindExposed,autocalculate,4,5,0,3,5,0,0,5,5,0,5,5,3;
BuildingSurface:Detailed,N,Wall,Wall,Box,,Outdoors,,SunExposed,WindExposed,autocalculate,4,5,5,3,5,5,0,0,5,0,0,5,3;
BuildingSurface:Detailed,W,Wall,Wall,Box,,Outdoors,,SunExposed,WindExposed,autocalculate,4,0,5,3,0,5,0,0,0,0,0,0,3;
BuildingSurface:Detailed,F,Floor,Wall,Box,,Adiabatic,,NoSun,NoWind,autocalculate,4,0,0,0,0,5,0,5,5,0,5,0,0;
BuildingSurface:Detailed,R,Roof,Wall,Box,,Outdoors,,SunExposed,WindExposed,autocalculate,4,0,5,3,0,0,3,5,0,3,5,5,3;
Output:Variable,*,Site Outdoor Air Drybulb Temperature,Hourly;
Output:Variable,*,Site Outdoor Air Dewpoint Temperature,Hourly;
Output:Variable,*,Site Wind Speed,Hourly;
"""


@needs_wheel
def test_energyplus_takes_it_without_a_word(year, tmp_path):
    """A year runs; no warning or error at all; the air of its hours has the mean that was written."""
    write_weather(year, tmp_path / "x.epw")
    (tmp_path / "x.idf").write_text(WEATHER_ONLY.replace(";", ";\n"), encoding="utf-8")
    command = [sys.executable, "-c", CHILD, "-d", str(tmp_path), "-w", str(tmp_path / "x.epw"), str(tmp_path / "x.idf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    messages = (tmp_path / "eplusout.err").read_text(encoding="utf-8")
    assert done.returncode == 0, messages
    assert re.findall(r"\*\* *(?:Warning|Severe|Fatal) *\*\*.*", messages) == []
    found = hourly(tmp_path / "eplusout.eso", "Site Outdoor Air Drybulb Temperature")
    assert len(found) == 8760
    assert found.mean() == pytest.approx(float(year["dry_bulb_temperature"].mean()), abs=0.01)
    assert np.corrcoef(found, year["dry_bulb_temperature"])[0, 1] > 0.995  # it interpolates within the hour


def hourly(path, name):
    text = path.read_text(encoding="utf-8")
    key = re.search(rf"^(\d+),1,Environment,{name}", text, re.MULTILINE).group(1)
    return np.array(re.findall(rf"^{key},([-+.\dE]+)$", text, re.MULTILINE), dtype=float)


def test_module_keeps_no_state():
    """Nothing at the top of the module can be filled by a call."""
    kinds = {name: type(value) for name, value in vars(module).items() if not name.startswith("__")}
    assert [name for name, kind in kinds.items() if kind in (builtins.list, builtins.set)] == []
    assert len(CALENDAR) == 8760
