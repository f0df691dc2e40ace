"""EnergyPlus as it is driven: hours where its clock puts them, its own words in errors, nothing left behind."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from bcopt.loads import energyplus as module
from bcopt.loads import simulation
from bcopt.loads.buildings import building
from bcopt.loads.energyplus import EnergyPlusError, read_messages, simulate
from bcopt.loads.programs import standard_program
from bcopt.loads.weather import CALENDAR, read_weather

LAMP, AIR, METER = (
    "Exterior Lights Electricity Energy",
    "Site Outdoor Air Drybulb Temperature",
    "ExteriorLights:Electricity",
)
# No honeybee here: what EnergyPlus itself means by `Until`. A lamp of 1 kW, alone on a plot, from 19 to 20 o'clock.
LAMP_POST = """
Version,25.2;
Timestep,1;
Building,plot,0,City,0.04,0.4,MinimalShadowing,25,6;
GlobalGeometryRules,UpperLeftCorner,Counterclockwise,World;
SimulationControl,No,No,No,No,Yes;
RunPeriod,year,1,1,,12,31,,Sunday,No,No,No,Yes,Yes;
ScheduleTypeLimits,share,0,1,Continuous;
Schedule:Compact,evening,share,Through: 12/31,
  For: Weekdays,Until: 19:00,0,Until: 20:00,1,Until: 24:00,0,
  For: AllOtherDays,Until: 24:00,0;
Exterior:Lights,lamp,evening,1000,ScheduleNameOnly,General;
"""


def light(weather, idf=LAMP_POST, variables=(LAMP, AIR), meters=(METER,)):
    return simulate(idf, weather, "the lamp", variables, meters)


def messages(weather, idf=LAMP_POST, **asked):
    with pytest.raises(EnergyPlusError) as caught:
        light(weather, idf, **asked)
    assert str(caught.value).startswith("the lamp: EnergyPlus failed\n  - ")
    assert caught.value.name == "the lamp"
    return "\n".join(caught.value.messages)


@pytest.fixture(scope="module")
def lit(willard):
    return light(willard)


class TestHours:
    def test_the_hour_that_ends_at_twenty_is_hour_nineteen(self, lit):
        """On workdays alone, with 1 January a Sunday; CALENDAR's weekdays are of another year."""
        day = np.arange(8760) // 24
        workday = ~np.isin(day % 7, (0, 6))
        expected = ((CALENDAR.hour == 19) & workday).astype(float)
        assert lit.variables[LAMP].sel(key="LAMP").to_numpy().tolist() == expected.tolist()
        assert lit.meters[METER].to_numpy().tolist() == expected.tolist()
        assert expected.sum() == 260

    def test_weather_is_of_the_same_hour(self, lit, willard):
        """With one step an hour EnergyPlus takes the row of the hour; a series a row early or late would differ."""
        temperature = read_weather(willard)["dry_bulb_temperature"].to_numpy()
        found = lit.variables[AIR].isel(key=0).to_numpy()
        assert found == pytest.approx(temperature, abs=1e-9)
        assert abs(np.roll(found, 1) - temperature).max() > 1

    def test_labels_and_units(self, lit):
        lamp, air, meter = lit.variables[LAMP], lit.variables[AIR], lit.meters[METER]
        assert (lamp.dims, air.dims, meter.dims) == (("hour", "key"), ("hour", "key"), ("hour",))
        assert (lamp.attrs, air.attrs, meter.attrs) == ({"units": "kW"}, {"units": "C"}, {"units": "kW"})
        assert all(array["hour"].to_numpy().tolist() == list(range(8760)) for array in (lamp, air, meter))
        assert set(lit.variables) == {LAMP, AIR}
        assert set(lit.meters) == {METER}
        assert lit.warnings == ()

    def test_same_bytes_twice(self, lit, willard):
        again = light(willard)
        for name in (LAMP, AIR):
            assert again.variables[name].to_numpy().tobytes() == lit.variables[name].to_numpy().tobytes()
        assert again.meters[METER].to_numpy().tobytes() == lit.meters[METER].to_numpy().tobytes()

    def test_each_warning_once(self, willard):
        """EnergyPlus writes this one twice."""
        found = light(willard, LAMP_POST.replace("25.2", "9.0"), variables=(LAMP,), meters=())
        assert found.warnings == ('Version: in IDF="9.0" not the same as expected="25.2"',)
        assert found.meters == {}


class TestFiles:
    @pytest.fixture
    def scratch(self, tmp_path, monkeypatch):
        (tmp_path / "scratch").mkdir()
        (tmp_path / "work").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
        monkeypatch.chdir(tmp_path / "work")
        return tmp_path

    @pytest.mark.parametrize("fails", [False, True])
    def test_nothing_is_left(self, scratch, willard, fails):
        beside = sorted(willard.parent.iterdir())
        if fails:
            messages(willard, LAMP_POST.replace("lamp,evening", "lamp,morning"))
        else:
            light(willard)
        assert sorted(scratch.rglob("*")) == [scratch / "scratch", scratch / "work"]
        assert sorted(willard.parent.iterdir()) == beside

    def test_a_relative_path_is_of_the_caller(self, scratch, willard, lit):
        """The child runs in a folder of its own."""
        (scratch / "work" / "here.epw").write_bytes(willard.read_bytes())
        found = light(Path("here.epw"), variables=(AIR,), meters=())
        assert found.variables[AIR].to_numpy().tolist() == lit.variables[AIR].to_numpy().tolist()


class TestFaults:
    @pytest.mark.parametrize(
        ("right", "wrong", "named"),
        [
            ("lamp,evening", "lamp,morning", ["Exterior:Lights = LAMP", "Schedule Name = MORNING, item not found"]),
            ("evening,1000", "evening,-1000", ["[Exterior:Lights][lamp][design_level]", '"-1000"']),
            ("Exterior:Lights", "Exterior:Lamps", ['"Exterior:Lamps" is not a valid Object Type']),
            ("GlobalGeometryRules,UpperLeftCorner,Counterclockwise,World;", "", ["'GlobalGeometryRules'"]),
        ],
    )
    def test_model(self, willard, right, wrong, named):
        assert right in LAMP_POST
        found = messages(willard, LAMP_POST.replace(right, wrong))
        assert all(name in found for name in named)

    def test_nothing_produces_it(self, willard):
        found = messages(willard, variables=(LAMP, "Zone Flux Capacitor Energy"), meters=(METER, "Plutonium:Facility"))
        assert found == (
            "reported no Zone Flux Capacitor Energy: nothing in the model produces it\n"
            "reported no Plutonium:Facility: nothing in the model produces it"
        )

    def test_part_of_a_year(self, willard):
        found = messages(willard, LAMP_POST.replace("12,31,,Sunday", "1,31,,Sunday"))
        assert found == "reported 2232 values of 3 series, expected the 8760 hours of a year of each"

    def test_no_weather(self, tmp_path):
        assert messages(tmp_path / "none.epw") == f"weather file {tmp_path / 'none.epw'} does not exist"

    @pytest.mark.parametrize("rows", [0, 3, 8, 500])
    def test_truncated_weather(self, tmp_path, willard, rows):
        path = tmp_path / "short.epw"
        path.write_text("".join(f"{line}\n" for line in willard.read_text().splitlines()[:rows]))
        assert re.search("EPW|Weather Data", messages(path))

    def test_not_installed(self, monkeypatch, willard):
        monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == "pyenergyplus" else name)
        module._fault.cache_clear()
        try:
            found = messages(willard)
        finally:
            module._fault.cache_clear()
        assert found.startswith("its library pyenergyplus-lbnl is not installed\nthere are wheels of it for Linux")
        assert "`make -B environment`" in found

    @pytest.mark.parametrize(
        ("child", "said"),
        [
            ("import os; os.abort()", "ended with exit code -6: "),
            ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended with exit code -11: "),
            (
                "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
                "exit code -9, killed, perhaps for want of",
            ),
            ("import sys; sys.exit('out of memory')", "ended with exit code 1: out of memory"),
            ("raise SystemError('no library')", "SystemError: no library"),
        ],
    )
    def test_crash_of_the_child(self, monkeypatch, willard, child, said):
        """The session that asked goes on."""
        monkeypatch.setattr(module, "_CHILD", child)
        assert said in messages(willard)

    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform != "linux", reason="signals of Linux")
    def test_the_child_ends_with_who_asked(self, tmp_path, willard):
        note = tmp_path / "pid"
        child = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(60)"
        asking = "import pathlib, sys\nfrom bcopt.loads import energyplus\nenergyplus._CHILD = sys.argv[1]\n"
        asking += "energyplus.simulate('', pathlib.Path(sys.argv[2]), 'the lamp', [], [])"
        with subprocess.Popen([sys.executable, "-c", asking, child, willard]) as asked:
            end = time.monotonic() + 60
            while not (note.exists() and note.read_text()) and time.monotonic() < end:
                time.sleep(0.05)
            process = psutil.Process(int(note.read_text()))
            asked.kill()
        _, alive = psutil.wait_procs([process], timeout=5)
        assert not alive

    def test_a_crash_after_a_severe_fault_says_the_fault(self, monkeypatch, willard):
        child = "import os\nopen('eplusout.err', 'w').write('   ** Severe  ** roof: too heavy\\n')\nos.abort()"
        monkeypatch.setattr(module, "_CHILD", child)
        assert messages(willard) == "roof: too heavy"

    def test_a_severe_fault_counts_even_if_the_run_goes_on(self, monkeypatch, willard):
        child = "open('eplusout.err', 'w').write('   ** Severe  ** roof: too heavy\\n')"
        monkeypatch.setattr(module, "_CHILD", child)
        assert messages(willard) == "roof: too heavy"


class TestBuildings:
    """Faults in the model of a building, after honeybee wrote it."""

    @pytest.fixture(scope="class")
    @classmethod
    def idf(cls, cluster, profiles, envelope):
        model = building(cluster(storeys=1), standard_program("p", profiles()), envelope(), neighbours=False).model
        return "\n\n".join([simulation._settings(18.0), model.to.idf(model)])

    @staticmethod
    def field(idf, kind, name, comment, value):
        """Replace a field of an object, found by its comment."""
        head, body = idf.split(f"{kind},\n {name},", 1)
        before, line = body.split(f"!- {comment}", 1)
        start = before.rstrip().rfind("\n")
        return f"{head}{kind},\n {name},{before[:start]}\n {value},  !- {comment}{line}"

    def test_construction_that_does_not_exist(self, idf, willard):
        faulty = self.field(idf, "BuildingSurface:Detailed", "ground_Front", "construction name", "gingerbread")
        found = messages(willard, faulty)
        assert "GROUND_FRONT" in found.upper()
        assert "GINGERBREAD" in found.upper()

    def test_negative_thickness(self, idf, willard):
        faulty = self.field(idf, "Material", "tower wall concrete", "thickness {m}", "-0.2")
        found = messages(willard, faulty)
        assert "[Material][tower wall concrete][thickness]" in found
        assert '"-0.200000" - Expected number greater than 0' in found


class TestMessages:
    ERR = """\
Program Version,EnergyPlus, Version 25.2.0, YMD=2024.01.01 10:00,
   ** Warning ** Output:Meter: invalid
   **   ~~~   ** Key is Gas.
   **   ~~~   **   See the dictionary.
   ************* Testing Individual Branch Integrity
   ** Severe  ** roof: no construction
   **   ~~~   ** GINGERBREAD
   **  Fatal  ** Errors found. Program terminates.
   ...Summary of Errors that led to program termination:
   ..... Last severe error=roof: no construction
   *************  ** Warning ** Temperature out of bounds
   *************  **   ~~~   **   This error occurred 12 total times;
   ** Warning ** last
   ************* EnergyPlus Terminated--Fatal Error Detected. 3 Warning; 1 Severe Errors; Elapsed Time=00hr 00min
"""

    def test_by_kind_with_continued_lines(self, tmp_path):
        path = tmp_path / "eplusout.err"
        path.write_text(self.ERR)
        warnings, faults = read_messages(path)
        assert warnings == [
            "Output:Meter: invalid Key is Gas. See the dictionary.",
            "Temperature out of bounds This error occurred 12 total times;",
            "last",
        ]
        assert faults == ["roof: no construction GINGERBREAD", "Errors found. Program terminates."]

    @pytest.mark.parametrize(
        "text", ["", "   **   ~~~   ** of nothing\n", "EnergyPlus Completed Successfully-- 0 Warning\n"]
    )
    def test_nothing_to_say(self, tmp_path, text):
        path = tmp_path / "eplusout.err"
        path.write_text(text)
        assert read_messages(path) == ([], [])

    def test_no_file(self, tmp_path):
        assert read_messages(tmp_path / "eplusout.err") == ([], [])

    def test_bytes_that_are_no_text(self, tmp_path):
        path = tmp_path / "eplusout.err"
        path.write_bytes(b"   ** Severe  ** fa\xe7ade: no construction\n")
        assert read_messages(path) == ([], ["fa\N{REPLACEMENT CHARACTER}ade: no construction"])

    def test_all_words_in_one_error(self):
        assert str(EnergyPlusError("x1", ["a", "b"])) == "x1: EnergyPlus failed\n  - a\n  - b"
        assert isinstance(EnergyPlusError("x1", []), RuntimeError)
