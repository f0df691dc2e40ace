"""Photovoltaic yield and borehole heat: hand proofs, published and independent reference values, alignment, errors."""

from __future__ import annotations

import functools
import importlib.resources
import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pvlib.iotools import read_epw

from bcopt.loads import solar
from bcopt.loads.solar import PhotovoltaicArray, photovoltaic_yield, plane_of_array_irradiance, solar_position

SITE = {"latitude": 40.0, "longitude": 120.0, "time_zone": 8.0, "elevation": 50.0}
NAMES = {
    "temp_air": "dry_bulb_temperature",
    "ghi": "global_horizontal_radiation",
    "dni": "direct_normal_radiation",
    "dhi": "diffuse_horizontal_radiation",
    "wind_speed": "wind_speed",
}
# Days (from 0) on which the sundial agrees with the clock, is 14 minutes behind it and 16 before it.
EVEN, BEHIND, BEFORE = 105, 41, 306
HORIZONTAL = PhotovoltaicArray(tilt=0.0)


@functools.cache
def typical_year(station):
    folder = importlib.resources.files("pyenergyplus") / "data" / "weather"
    (path,) = (f for f in folder.iterdir() if station in f.name and f.name.endswith(".epw"))
    data, site = read_epw(str(path), coerce_year=2022)
    attrs = {
        "latitude": site["latitude"],
        "longitude": site["longitude"],
        "time_zone": site["TZ"],
        "elevation": site["altitude"],
    }
    variables = {name: ("hour", data[column].to_numpy(float)) for column, name in NAMES.items()}
    return xr.Dataset(variables, {"hour": np.arange(8760)}, attrs)


def day(number, direct=0.0, diffuse=0.0, total=0.0, air=20.0, wind=3.0, **site):
    """Return a day of weather; each variable a number or 24 of them."""
    values = dict(zip(NAMES.values(), (air, total, direct, diffuse, wind), strict=True))
    variables = {name: ("hour", np.broadcast_to(np.asarray(v, float), 24).copy()) for name, v in values.items()}
    return xr.Dataset(variables, {"hour": number * 24 + np.arange(24)}, SITE | site)


def sun_of_the_almanac(number, clock, longitude=120.0, time_zone=8.0):
    """Return declination and hour angle [rad] by the low-precision formulae of the Astronomical Almanac, for 2022."""
    days = 8035.5 + number + (clock - time_zone) / 24  # since noon of 1 January 2000
    longitude_mean, anomaly = np.radians(280.460 + 0.9856474 * days), np.radians(357.528 + 0.9856003 * days)
    ecliptic = longitude_mean + np.radians(1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    obliquity = np.radians(23.439)
    ascension = np.arctan2(np.cos(obliquity) * np.sin(ecliptic), np.cos(ecliptic))
    equation_of_time = (longitude_mean - ascension + np.pi) % (2 * np.pi) - np.pi
    solar_time = clock - time_zone + longitude / 15
    return np.arcsin(np.sin(obliquity) * np.sin(ecliptic)), np.radians(15 * (solar_time - 12)) + equation_of_time


def sundial(number, latitude=40.0, **place):
    """Return minute by minute the cosine of the zenith without refraction, (24, 60)."""
    declination, angle = sun_of_the_almanac(number, (np.arange(1440) + 0.5) / 60, **place)
    phi = np.radians(latitude)
    cosine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle)
    return cosine.reshape(24, 60)


def clear_day(number, **site):
    """Return a cloudless day whose hourly radiation is the mean of minutes under the textbook sun."""
    height = np.maximum(sundial(number), 0)
    direct = np.where(height > 0, 950 * np.exp(-0.1 / np.maximum(height, 0.05)), 0)
    total = (direct * height + 100 * height).mean(1)
    return day(number, direct.mean(1), (100 * height).mean(1), total, **site)


def relabelled(weather, hours):
    """Return the same weather, told later by a number of hours."""
    return weather.copy(data={name: np.roll(v.to_numpy(), hours) for name, v in weather.items()})


# ---- where the sun stands


def test_position_of_the_published_example():
    """Reda and Andreas (2004), table A5.1, 17 October 2003, 12:30:30; half a minute before, azimuth is 0.16 less."""
    site = {"latitude": 39.742476, "longitude": -105.1786, "time_zone": -7.0, "elevation": 1830.14}
    sun = solar_position(day(289, **site)).isel(hour=12)
    assert float(sun.zenith) == pytest.approx(50.11162, abs=0.15)
    assert float(sun.azimuth) == pytest.approx(194.34024 - 0.16, abs=0.15)


def test_position_of_an_independent_program():
    """Zenith of 22 June at Willard from PVWatts 5 in SAM (nrel-pysam 7.1.1), whole hours of sun."""
    weather = typical_year("Willard").isel(hour=slice(172 * 24 + 5, 172 * 24 + 19))
    published = [79.67, 68.79, 57.48, 46.02, 34.78, 24.52, 17.48, 18.14, 25.91, 36.40, 47.71, 59.16, 70.43, 81.22]
    assert solar_position(weather).zenith.values == pytest.approx(published, abs=0.02)


@pytest.mark.parametrize(
    ("latitude", "number", "hours"),
    [
        (40.0, 171, 15 + 1 / 60),  # U.S. Naval Observatory: 15 h 01 min at the summer solstice
        (40.0, 354, 9 + 20 / 60),  # 9 h 20 min at the winter solstice
        (0.0, 79, 12 + 7 / 60),  # 12 h 07 min at the equator all year
        (70.0, 171, 24.0),
        (70.0, 354, 0.0),
    ],
)
def test_sunlit_hours_add_up_to_the_day(latitude, number, hours):
    sunlit = solar_position(day(number, latitude=latitude)).sunlit
    assert float(sunlit.sum()) == pytest.approx(hours, abs=2 / 60)
    assert ((sunlit >= 0) & (sunlit <= 1)).all()


def test_in_the_hour_of_sunrise_the_sun_is_up():
    """At 40 degrees north in mid-April the sun rises at 5:21 and sets at 18:39: the positions are of 5:40 and 18:20."""
    sun = solar_position(day(EVEN))
    assert sun.sunlit.values[[4, 5, 6, 17, 18, 19]] == pytest.approx([0, 0.65, 1, 1, 0.65, 0], abs=0.01)
    minute = np.degrees(np.arccos(sundial(EVEN)))
    for hour, begins, ends in ((5, 60 * (1 - float(sun.sunlit[5])), 60), (18, 0, 60 * float(sun.sunlit[18]))):
        middle = minute[hour][int((begins + ends) / 2)]
        assert float(sun.zenith[hour]) == pytest.approx(middle, abs=0.5)  # refraction lifts by up to half a degree
        assert minute[hour][30] - middle > 1.5  # in the middle of the whole hour it is lower
    year = solar_position(typical_year("Willard"))
    assert float(year.zenith.where(year.sunlit > 0).max()) < 90.4


# ---- hour h is the interval from h to h + 1


def steady_beam(number, **site):
    """Return a day on which the sun shines alike in all hours in which it is up for all the hour."""
    return day(number, direct=np.where(sundial(number).min(1) > 0, 500.0, 0.0), **site)


def is_even_around_noon(weather):
    direct = plane_of_array_irradiance(weather, HORIZONTAL).sel(origin="direct").values
    highest = set(np.argsort(direct)[-2:].tolist())
    return highest == {11, 12} and direct == pytest.approx(direct[::-1], rel=0.01, abs=1)


def test_the_sun_is_highest_in_the_hours_around_noon():
    assert is_even_around_noon(steady_beam(EVEN))


@pytest.mark.parametrize("change", [{"time_zone": 9.0}, {"time_zone": 7.0}, {"longitude": 127.5}, {"longitude": 112.5}])
def test_a_displaced_clock_is_seen(change):
    """Half an hour or one more in either direction, and the property of the test before no longer holds."""
    assert not is_even_around_noon(steady_beam(EVEN, **change))


@pytest.mark.parametrize(("number", "noon"), [(EVEN, 12.0), (BEHIND, 12 + 14.2 / 60), (BEFORE, 12 - 16.4 / 60)])
def test_equation_of_time(number, noon):
    """The mean hour of a steady beam on the horizontal is that of solar noon; the clock differs from the sundial."""
    weather = steady_beam(number)
    weather["direct_normal_radiation"][:] = 500 * solar_position(weather).sunlit
    direct = plane_of_array_irradiance(weather, HORIZONTAL).sel(origin="direct")
    mean = float((direct * (weather.hour % 24 + 0.5)).sum() / direct.sum())
    assert mean == pytest.approx(noon, abs=1.5 / 60)


@pytest.mark.parametrize("number", [EVEN, BEHIND, BEFORE, 171, 354])
def test_hourly_means_of_a_clear_day_close(number):
    """What a horizontal plane gets hour by hour is the global radiation that was integrated from minutes.

    A little is lost in the hours of sunrise and sunset, where the beam is stronger when the sun is higher.
    """
    weather = clear_day(number)
    got = plane_of_array_irradiance(weather, HORIZONTAL).sum("origin").values
    total = weather.global_horizontal_radiation.values
    assert got == pytest.approx(total, abs=8)
    assert got.sum() == pytest.approx(total.sum(), rel=5e-3)
    high = sundial(number).min(1) > 0.3
    assert got[high] == pytest.approx(total[high], rel=0.01)


@pytest.mark.parametrize("station", ["Willard", "Phoenix", "Golden", "Miami"])
def test_three_measured_radiations_agree_at_no_other_time(station):
    """Global = diffuse + direct cos(zenith) in typical years; a quarter of an hour beside, and they are far apart."""
    weather = typical_year(station)

    def misfit(late):
        moved = weather.assign_attrs(time_zone=weather.time_zone - late)
        sun = solar_position(moved)
        height = np.maximum(np.cos(np.radians(sun.zenith)), 0)
        gap = weather.global_horizontal_radiation - weather.diffuse_horizontal_radiation
        gap = (gap - weather.direct_normal_radiation * height).where(sun.sunlit == 1, 0.0)
        return float(np.sqrt((gap**2).mean()))

    assert misfit(0) < 3.5
    assert min(misfit(-0.25), misfit(0.25)) > 7
    assert min(misfit(-1), misfit(1)) > 28


@pytest.mark.parametrize("station", ["Willard", "Phoenix", "Golden", "Miami"])
@pytest.mark.parametrize("hours", [-1, 1])
def test_weather_told_an_hour_late_or_early_is_refused(station, hours):
    photovoltaic_yield(typical_year(station), HORIZONTAL)
    with pytest.raises(ValueError, match=r"without sun, .* in hour \d+.* and \d+ more; possible causes: time zone"):
        photovoltaic_yield(relabelled(typical_year(station), hours), HORIZONTAL)


def test_a_trace_of_direct_radiation_before_sunrise_is_passed_over():
    """Records round and average: 0.0005 of the day's direct radiation in an hour without sun is no displaced clock."""
    weather = clear_day(EVEN)
    power = photovoltaic_yield(weather, HORIZONTAL)
    day_sum = float(weather.direct_normal_radiation.sum())
    weather["direct_normal_radiation"][3] = 0.0005 * day_sum
    assert photovoltaic_yield(weather, HORIZONTAL).equals(power)
    weather["direct_normal_radiation"][3] = 0.002 * day_sum
    with pytest.raises(ValueError, match=rf"without sun, \S+ in hour {EVEN * 24 + 3}; possible causes"):
        photovoltaic_yield(weather, HORIZONTAL)


def test_longitude_of_the_wrong_sign_is_refused():
    weather = typical_year("Willard")
    with pytest.raises(ValueError, match="sign of the longitude"):
        photovoltaic_yield(weather.assign_attrs(longitude=-weather.longitude), HORIZONTAL)


def test_hours_go_by_their_labels():
    year, array = typical_year("Willard"), PhotovoltaicArray()
    whole = photovoltaic_yield(year, array)
    some = year.isel(hour=[4000, 12, 11, 4004])
    assert photovoltaic_yield(some, array).values == pytest.approx(whole.values[[4000, 12, 11, 4004]], rel=1e-12)
    assert photovoltaic_yield(some, array).hour.values.tolist() == [4000, 12, 11, 4004]


# ---- irradiance on the modules


def test_horizontal_modules_get_the_diffuse_radiation():
    """Without tilt the sky's parts make up the diffuse radiation, and nothing comes from horizon and ground."""
    weather = typical_year("Willard")
    parts = plane_of_array_irradiance(weather, HORIZONTAL)
    high = (solar_position(weather).zenith < 85).values
    sky = parts.sel(origin=["circumsolar", "isotropic", "horizon"]).sum("origin").values
    assert sky[high] == pytest.approx(weather.diffuse_horizontal_radiation.values[high], abs=1e-9)
    assert np.abs(parts.sel(origin=["horizon", "ground"])).max() == 0


@pytest.mark.parametrize("tilt", [0.0, 10.0, 35.0, 60.0, 90.0])
def test_overcast_sky_is_nearly_isotropic(tilt):
    """Without direct radiation at low brightness the dome gives DHI (1 + cos tilt) / 2 within a tenth of DHI."""
    weather = day(171, diffuse=60.0, total=60.0).isel(hour=slice(10, 14))
    parts = plane_of_array_irradiance(weather, PhotovoltaicArray(tilt=tilt, albedo=0.2))
    view = (1 + np.cos(np.radians(tilt))) / 2
    assert parts.sel(origin="direct").values == pytest.approx(0)
    assert parts.sel(origin="ground").values == pytest.approx(60 * 0.2 * (1 - view))
    assert parts.drop_sel(origin="ground").sum("origin").values == pytest.approx(60 * view, abs=6)


def test_modules_that_face_away_get_no_beam():
    """A vertical plane to the north at noon: neither direct nor circumsolar; the ground's share remains."""
    weather = clear_day(79).isel(hour=[12])
    parts = plane_of_array_irradiance(weather, PhotovoltaicArray(tilt=90.0, azimuth=0.0)).isel(hour=0)
    assert float(parts.angle_of_incidence) > 90
    assert float(parts.sel(origin="direct")) == 0
    assert float(parts.sel(origin="circumsolar")) == 0
    assert float(parts.sel(origin="ground")) == pytest.approx(
        0.1 * float(weather.global_horizontal_radiation[0]), rel=1e-12
    )


@pytest.mark.parametrize(("direct", "diffuse"), [(0.0, 0.0), (800.0, 0.0), (0.0, 100.0)])
def test_hours_without_one_radiation_have_numbers(direct, diffuse):
    weather = day(171, direct=np.where(sundial(171).min(1) > 0, direct, 0.0), diffuse=diffuse, total=diffuse)
    array = PhotovoltaicArray(tilt=30.0)
    assert not plane_of_array_irradiance(weather, array).isnull().any()
    assert not photovoltaic_yield(weather, array).isnull().any()
    assert bool(photovoltaic_yield(weather, array).any()) == (direct + diffuse > 0)


def test_nothing_at_night():
    weather = typical_year("Willard")
    night = (solar_position(weather).sunlit == 0).values
    stray = weather.copy(deep=True)
    stray["diffuse_horizontal_radiation"][night] = 5.0
    stray["global_horizontal_radiation"][night] = 5.0
    assert 3900 < night.sum() < 4000  # 8760 less 4450 of sun and half an hour each at sunrise and sunset
    for some in (weather, stray):
        assert np.abs(plane_of_array_irradiance(some, PhotovoltaicArray()).values[:, night]).max() == 0
        assert photovoltaic_yield(some, PhotovoltaicArray()).values[night].max() == 0


def test_minutes_of_sun_have_diffuse_radiation():
    """Where the sun shows for minutes, its centre may stay below the horizon; the sky shines none the less."""
    sun = solar_position(typical_year("Willard"))
    minutes = sun.hour[(sun.sunlit > 0) & (sun.zenith > 90)].values
    assert minutes.size > 10
    weather = typical_year("Willard").sel(hour=minutes) * 0 + 4.0
    weather = weather.assign_attrs(typical_year("Willard").attrs)
    parts = plane_of_array_irradiance(weather, HORIZONTAL)
    assert parts.sel(origin=["circumsolar", "isotropic"]).sum("origin").values == pytest.approx(4.0, abs=2)


# ---- power, by hand


def transmittance(angle, index=1.526, coating=1.3, extinction=4.0, thickness=0.002):
    """Return what passes air, coating and glass at an angle of incidence [rad], by Snell, Fresnel and Bouguer."""
    passed, angles = 1.0, [angle]
    for before, behind in ((1.0, coating), (coating, index)):
        inside = np.arcsin(np.sin(angles[-1]) * before / behind)
        total, less = angles[-1] + inside, angles[-1] - inside
        parallel = (np.tan(less) / np.tan(total)) ** 2
        passed *= 1 - (np.sin(less) ** 2 / np.sin(total) ** 2 + parallel) / 2
        angles.append(inside)
    return passed * np.exp(-extinction * thickness / np.cos(angles[-1]))


def relative_transmittance(angle):
    return transmittance(np.clip(angle, 1e-6, np.pi / 2 - 1e-9)) / transmittance(1e-6)


@functools.cache
def mean_over_directions(tilt, lowest, highest):
    """Return the mean relative transmittance over directions between two zenith angles, weighted by their cosine."""
    zenith = np.linspace(lowest, highest, 301)
    zenith = (zenith[1:] + zenith[:-1]) / 2
    around = (np.arange(360) + 0.5) * np.pi / 180
    z, a = np.meshgrid(zenith, around, indexing="ij")
    cosine = np.cos(z) * np.cos(tilt) + np.sin(z) * np.sin(tilt) * np.cos(a)
    weight = np.maximum(cosine, 0) * np.sin(z)
    return float((relative_transmittance(np.arccos(np.clip(cosine, 0, 1))) * weight).sum() / weight.sum())


def noon_by_hand(direct, diffuse, total, air, wind, tilt):
    """Return irradiance and power at half past twelve of 16 April at 40 degrees north, step by step."""
    declination, angle = sun_of_the_almanac(EVEN, 12.5)
    phi, tilt = np.radians(40.0), np.radians(tilt)
    zenith = np.arccos(np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle))
    south = np.arcsin(np.sin(angle) * np.cos(declination) / np.sin(zenith))  # azimuth of the sun from south
    incidence = np.arccos(np.cos(zenith) * np.cos(tilt) + np.sin(zenith) * np.sin(tilt) * np.cos(south))
    # Perez et al. (1990), table 6: clearness above 6.2 (the test asserts it), then brightness.
    clearness = ((diffuse + direct) / diffuse + 1.041 * zenith**3) / (1 + 1.041 * zenith**3)
    assert clearness > 6.2
    beyond = 1366.1 * (1.00011 + 0.034221 * np.cos(2 * np.pi * EVEN / 365) + 0.00128 * np.sin(2 * np.pi * EVEN / 365))
    brightness = diffuse / np.cos(zenith) / beyond
    around = 0.678 - 0.327 * brightness - 0.250 * zenith
    brim = 0.156 - 1.377 * brightness + 0.251 * zenith
    parts = {
        "direct": direct * np.cos(incidence),
        "circumsolar": diffuse * around * np.cos(incidence) / np.cos(zenith),
        "isotropic": diffuse * (1 - around) * (1 + np.cos(tilt)) / 2,
        "horizon": diffuse * brim * np.sin(tilt),
        "ground": total * 0.2 * (1 - np.cos(tilt)) / 2,
    }
    passes = {
        "direct": relative_transmittance(incidence),
        "circumsolar": relative_transmittance(incidence),
        "isotropic": mean_over_directions(tilt, 0, np.pi / 2),
        "horizon": mean_over_directions(tilt, np.radians(89.5), np.pi / 2),
        "ground": mean_over_directions(tilt, np.pi / 2, np.pi),
    }
    irradiance = sum(parts.values())
    cell = air + irradiance * np.exp(-3.56 - 0.075 * wind) + irradiance / 1000 * 3  # King et al. (2004), table 1
    effective = sum(parts[name] * passes[name] for name in parts)
    power = 0.19 * effective * (1 - 0.0035 * (cell - 25)) * (1 - 0.1408)
    load = power / (190 / 1.2 / 0.96)
    efficiency = 0.96 / 0.9637 * (-0.0162 * load - 0.0059 / load + 0.9858)  # Dobos (2014), equation 11
    return irradiance, min(power * efficiency, 190 / 1.2)


@pytest.mark.parametrize("tilt", [5.0, 15.0, 40.0])
@pytest.mark.parametrize(("air", "wind"), [(30.0, 1.0), (-10.0, 6.0)])
def test_clear_noon_by_hand(tilt, air, wind):
    radiation = {"direct": 750.0, "diffuse": 80.0, "total": 680.0}
    weather = day(EVEN, **radiation, air=air, wind=wind).isel(hour=[12])
    irradiance, power = noon_by_hand(**radiation, air=air, wind=wind, tilt=tilt)
    array = PhotovoltaicArray(tilt=tilt)
    assert power < 150  # the inverter does not limit here
    assert float(plane_of_array_irradiance(weather, array).sum()) == pytest.approx(irradiance, rel=2e-3)
    assert float(photovoltaic_yield(weather, array)[0]) == pytest.approx(power, rel=3e-3)


def without_inverter_curve(power, array):
    """Return the direct current of an alternating-current power below the limit, by the quadratic of the curve."""
    limit = array.efficiency * 1000 / array.dc_ac_ratio / array.inverter_efficiency
    scaled = power / limit * 0.9637 / array.inverter_efficiency
    load = (0.9858 - np.sqrt(0.9858**2 - 4 * 0.0162 * (0.0059 + scaled))) / (2 * 0.0162)
    return load * limit


@pytest.mark.parametrize("coefficient", [0.0, -0.0025, -0.0035, -0.0047])
def test_temperature_coefficient_by_hand(coefficient):
    """Ten kelvin more air temperature is ten more in the cell, which is 10 gamma of the power at 25 degrees."""
    array = PhotovoltaicArray(temperature_coefficient=coefficient)
    reference = PhotovoltaicArray(temperature_coefficient=0.0)
    noon = {"direct": 500.0, "diffuse": 80.0, "total": 480.0}
    cold, warm = (photovoltaic_yield(day(EVEN, **noon, air=t).isel(hour=[12]), array) for t in (10.0, 20.0))
    base = photovoltaic_yield(day(EVEN, **noon).isel(hour=[12]), reference)
    cold, warm, base = (
        without_inverter_curve(float(x[0]), a) for x, a in ((cold, array), (warm, array), (base, reference))
    )
    assert (warm - cold) / base == pytest.approx(10 * coefficient, abs=1e-9)


def test_losses_and_efficiency_scale_the_direct_current():
    weather = clear_day(EVEN).isel(hour=[12])
    usual = PhotovoltaicArray(dc_ac_ratio=0.9)
    for other, factor in (
        (PhotovoltaicArray(dc_ac_ratio=0.9, losses=0.0), 1 / (1 - 0.1408)),
        (PhotovoltaicArray(dc_ac_ratio=0.9, losses=0.5), 0.5 / (1 - 0.1408)),
        (PhotovoltaicArray(dc_ac_ratio=0.9, efficiency=0.095), 0.5),
    ):
        powers = [without_inverter_curve(float(photovoltaic_yield(weather, a)[0]), a) for a in (usual, other)]
        assert powers[1] / powers[0] == pytest.approx(factor, rel=1e-9)


def test_total_loss_gives_nothing():
    assert not photovoltaic_yield(clear_day(171), PhotovoltaicArray(losses=1.0)).any()


@pytest.mark.parametrize(("ratio", "limited"), [(1.0, 0), (1.2, 0), (2.0, 6)])
def test_inverter_limits_the_power(ratio, limited):
    """Twice as many modules as the inverter takes: 95 W/m2, not more, in the six hours around noon."""
    weather = clear_day(171)
    power = photovoltaic_yield(weather, PhotovoltaicArray(dc_ac_ratio=ratio)).values
    assert int(np.isclose(power, 190 / ratio, rtol=1e-12).sum()) == limited
    assert power.max() <= 190 / ratio * (1 + 1e-12)


def test_part_load_and_nominal_efficiency():
    """At full load, where direct current equals the limit, the inverter's efficiency is the nominal one."""
    array = PhotovoltaicArray(inverter_efficiency=0.9, dc_ac_ratio=1.2)
    limit = 190 / 1.2
    assert without_inverter_curve(limit, array) == pytest.approx(limit / 0.9, rel=1e-12)
    weather = clear_day(EVEN)
    good, poor = (photovoltaic_yield(weather, PhotovoltaicArray(inverter_efficiency=e)) for e in (0.98, 0.9))
    assert (poor <= good).all()
    assert float(poor.max() / good.max()) == pytest.approx(0.9 / 0.98, abs=0.01)


# ---- power, by symmetry and order


def test_east_and_west_mirror_each_other():
    """A day symmetric around noon: the morning of modules to the east is the afternoon of those to the west."""
    weather = clear_day(EVEN)
    east, west = (photovoltaic_yield(weather, PhotovoltaicArray(tilt=30.0, azimuth=a)) for a in (90.0, 270.0))
    assert east.values == pytest.approx(west.values[::-1], rel=0.02, abs=0.5)
    assert float(east[8]) > 2 * float(west[8])
    south = photovoltaic_yield(weather, PhotovoltaicArray(tilt=30.0))
    assert south.values == pytest.approx(south.values[::-1], rel=0.02, abs=0.5)


def test_east_and_west_of_a_typical_year_are_nearly_even():
    east, west = (
        float(photovoltaic_yield(typical_year("Phoenix"), PhotovoltaicArray(azimuth=a)).sum()) for a in (90.0, 270.0)
    )
    assert east / west == pytest.approx(1, abs=0.015)


def test_more_tilt_wins_winter_and_loses_summer():
    winter, summer = (clear_day(number) for number in (354, 171))
    flat, steep = PhotovoltaicArray(tilt=10.0), PhotovoltaicArray(tilt=60.0)
    assert photovoltaic_yield(winter, steep).sum() > 1.3 * photovoltaic_yield(winter, flat).sum()
    assert photovoltaic_yield(summer, steep).sum() < 0.85 * photovoltaic_yield(summer, flat).sum()


def test_best_tilt_at_forty_degrees():
    tilts = range(20, 56, 5)
    yields = [float(photovoltaic_yield(typical_year("Willard"), PhotovoltaicArray(tilt=t)).sum()) for t in tilts]
    assert tilts[int(np.argmax(yields))] in (30, 35, 40)


DAYS = st.integers(0, 364)
RADIATION = st.floats(0, 1000, allow_subnormal=False).map(lambda x: round(x, 1))
ARRAYS = st.builds(
    PhotovoltaicArray,
    tilt=st.floats(0, 90).map(lambda x: round(x, 1)),
    azimuth=st.integers(0, 360).map(float),
    efficiency=st.floats(0.1, 0.25),
    temperature_coefficient=st.floats(-0.006, 0),
    inverter_efficiency=st.floats(0.9, 0.99),
    dc_ac_ratio=st.floats(0.8, 2),
    losses=st.floats(0, 0.5),
    albedo=st.integers(0, 8).map(lambda x: x / 10),
)


@st.composite
def sunny_days(draw):
    number = draw(DAYS)
    up = solar_position(day(number)).sunlit.values > 0
    direct, diffuse = (np.array(draw(st.lists(RADIATION, min_size=24, max_size=24))) * up for _ in range(2))
    total = diffuse + direct * np.maximum(sundial(number), 0).mean(1)
    return day(number, direct, diffuse, total, draw(st.floats(-25, 42)), draw(st.floats(0, 20)))


@pytest.mark.slow
@settings(max_examples=50)
@given(sunny_days(), ARRAYS)
def test_energy_is_not_made(weather, array):
    """Power is not above the inverter's, nor what the irradiance gives in cells as cold as the air."""
    power = photovoltaic_yield(weather, array)
    irradiance = plane_of_array_irradiance(weather, array).sum("origin")
    colder = 1 + array.temperature_coefficient * (float(weather.dry_bulb_temperature[0]) - 25)
    assert (power >= 0).all()
    assert (power <= array.efficiency * 1000 / array.dc_ac_ratio * (1 + 1e-12)).all()
    assert (power <= np.maximum(irradiance, 0) * array.efficiency * colder * (1 - array.losses) + 1e-9).all()


@pytest.mark.slow
@settings(max_examples=30)
@given(sunny_days(), ARRAYS, st.floats(0.5, 30))
def test_hotter_or_calmer_air_gives_no_more(weather, array, kelvin):
    power = photovoltaic_yield(weather, array)
    hotter = weather.assign(dry_bulb_temperature=weather.dry_bulb_temperature + kelvin)
    windier = weather.assign(wind_speed=weather.wind_speed + kelvin)
    assert (photovoltaic_yield(hotter, array) <= power + 1e-9).all()
    assert (photovoltaic_yield(windier, array) >= power - 1e-9).all()


# ---- against an independent program

# PVWatts 5 and 8 in SAM (nrel-pysam 7.1.1) on the same hourly data, stamped at half past, 1 kW of premium modules, open
# rack, 96 %, ratio 1.2, losses 14.08 %, albedo 0.2: irradiance [kWh/m2 a], then energy of both versions [kWh/kW a].
PVWATTS = {
    ("Willard", 0, 180): (1363.0, 1083.5, 1058.4),
    ("Willard", 10, 180): (1461.1, 1166.5, 1144.3),
    ("Willard", 15, 180): (1497.7, 1197.5, 1175.9),
    ("Willard", 35, 180): (1557.1, 1248.8, 1228.5),
    ("Willard", 15, 90): (1345.8, 1071.6, 1048.5),
    ("Willard", 15, 270): (1338.8, 1063.9, 1040.4),
    ("Willard", 90, 180): (1029.5, 823.4, 801.7),
    ("Phoenix", 15, 180): (2303.4, 1729.0, 1718.8),
    ("Phoenix", 35, 180): (2383.4, 1793.4, 1783.0),
    ("Golden", 15, 180): (1814.0, 1438.7, 1418.7),
    ("Golden", 35, 180): (1920.8, 1523.6, 1504.7),
    ("Miami", 15, 180): (1865.0, 1447.4, 1419.9),
    ("Miami", 35, 180): (1864.1, 1447.1, 1421.0),
}


@pytest.mark.parametrize(("station", "tilt", "azimuth"), PVWATTS)
def test_years_of_pvwatts(station, tilt, azimuth):
    weather, array = typical_year(station), PhotovoltaicArray(tilt=float(tilt), azimuth=float(azimuth))
    irradiation, older, newer = PVWATTS[station, tilt, azimuth]
    assert float(plane_of_array_irradiance(weather, array).sum()) / 1000 == pytest.approx(irradiation, rel=2.5e-3)
    specific = float(photovoltaic_yield(weather, array).sum()) / (array.efficiency * 1000)
    assert specific == pytest.approx(newer, rel=0.015)
    assert specific < older


def test_months_of_pvwatts():
    """PVWatts 5, Golden, tilt 15; it reflects only the beam, hence a little more in every month."""
    published = np.array([82, 89, 138, 146, 152, 147, 147, 148, 130, 104, 97, 59])
    power = photovoltaic_yield(typical_year("Golden"), PhotovoltaicArray()).values / 190
    ends = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) * 24
    months = np.diff(np.cumsum(np.append(0, power))[np.append(0, ends)])
    assert months == pytest.approx(published * 0.98, rel=0.02)


# ---- roofs


def clusters(*values):
    names = [f"x{k + 1}" for k in range(len(values))]
    return xr.DataArray(list(values), dims="cluster", coords={"cluster": names})


def test_roofs_by_hand():
    """27 % of 90,000 m2, of which modules cover 0.46: 11,178 m2, which at 100 W/m2 give 1,117.8 kW."""
    weather, array = clear_day(EVEN), PhotovoltaicArray()
    power = solar.roof_photovoltaics(weather, clusters(24_300.0, 0.0), array)
    assert power.dims == ("hour", "cluster")
    assert power.attrs == {"units": "kW", "long_name": "photovoltaic power of the roofs"}
    assert power.cluster.values.tolist() == ["x1", "x2"]
    per_module = photovoltaic_yield(weather, array)
    assert per_module.attrs["units"] == "W/m2"
    assert power.sel(cluster="x1").values == pytest.approx(per_module.values * 11.178, rel=1e-12)
    assert not power.sel(cluster="x2").any()


@pytest.mark.parametrize("coverage", [0.0, 0.3, 1.0])
def test_coverage_counts_on_roofs_alone(coverage):
    weather, array = clear_day(EVEN), PhotovoltaicArray(roof_coverage=coverage)
    assert photovoltaic_yield(weather, array).equals(photovoltaic_yield(weather, PhotovoltaicArray()))
    whole = solar.roof_photovoltaics(weather, clusters(1000.0), PhotovoltaicArray(roof_coverage=1.0))
    assert solar.roof_photovoltaics(weather, clusters(1000.0), array).values == pytest.approx(whole.values * coverage)


# ---- ground


@pytest.mark.parametrize(
    ("arguments", "heat"),
    [
        ((100.0, 5.0, 50.0), 200.0),  # 5 kW a borehole, one for 25 m2
        ((120.0, 6.0, 36.0), 120.0),
        ((100.0, 5.0, 50.0, 3.5), 280.0),  # 7 kW supplied: 5 from the ground and 2 of electricity
        ((100.0, 5.0, 50.0, 2.0), 400.0),
    ],
)
def test_boreholes_by_hand(arguments, heat):
    assert solar.borehole_heat_per_area(*arguments) == pytest.approx(heat, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 5.0, 50.0), "depth must be positive, got 0"),
        ((100.0, -5.0, 50.0), "spacing must be positive, got -5"),
        ((100.0, 5.0, float("nan")), "specific extraction must be positive, got nan"),
        ((100.0, 5.0, 50.0, 1.0), "coefficient of performance must be above 1, got 1"),
        ((100.0, 5.0, 50.0, float("nan")), "coefficient of performance must be above 1, got nan"),
        ((-1.0, -2.0, 50.0, 0.5), "depth .* spacing .* coefficient of performance"),
    ],
)
def test_boreholes_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        solar.borehole_heat_per_area(*arguments)


DENSITY = {
    "x1": 0.27,
    "x2": 0.32,
    "x3": 0.37,
    "x4": 0.16,
    "x5": 0.21,
    "x6": 0.27,
    "office": 0.36,
    "hotel": 0.36,
    "mall": 0.51,
}


def test_ground_by_hand():
    """90,000 m2 of land, 27 % built upon: 65,700 m2 open, which at 100 W/m2 give 6,570 kW."""
    heat = solar.ground_source_heat(clusters(90_000 * (1 - 0.27), 0.0), 100.0)
    assert heat.values == pytest.approx([6570.0, 0.0], rel=1e-12)
    assert heat.dims == ("cluster",)
    assert heat.attrs == {"units": "kW", "long_name": "heat of boreholes under open land"}


def test_published_caps_are_of_the_optimised_mix():
    """Office, hotel and mall caps of systems2024 are 30.7 % of twelve clusters at one heat per open land.

    That heat, 49.4 W/m2, then gives the residential cap on the other 69.3 %, which was not used to find it.
    """
    land = 90_000.0
    heat = (2834 + 4372) / (land * (1 - DENSITY["office"])) + 2504 / (land * (1 - DENSITY["mall"]))
    heat *= 1000 / (12 * 0.307)
    assert heat == pytest.approx(49.4, abs=0.05)
    residential = np.mean([DENSITY[f"x{k}"] for k in range(1, 7)])
    cap = solar.ground_source_heat(clusters(12 * 0.693 * land * (1 - residential)), heat)
    assert float(cap[0]) == pytest.approx(27_062, rel=0.002)


def test_one_of_each_residential_cluster_is_less_than_the_published_cap():
    open_land = clusters(*(90_000 * (1 - DENSITY[f"x{k}"]) for k in range(1, 7)))
    assert float(open_land.sum()) == pytest.approx(396_000)
    assert float(solar.ground_source_heat(open_land, 49.4).sum()) == pytest.approx(19_562.4)


# ---- what is refused


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_areas_that_cannot_be(value):
    weather = clear_day(EVEN)
    with pytest.raises(ValueError, match=rf"roof area must be 0 or more, got {value:g} in cluster x2$"):
        solar.roof_photovoltaics(weather, clusters(5.0, value), PhotovoltaicArray())
    with pytest.raises(ValueError, match=rf"open land must be 0 or more, got {value:g} in cluster x2$"):
        solar.ground_source_heat(clusters(5.0, value), 50.0)
    with pytest.raises(ValueError, match=f"heat per area must be 0 or more, got {value:g}"):
        solar.ground_source_heat(clusters(5.0), value)


@pytest.mark.parametrize(
    "area", [xr.DataArray(5.0), xr.DataArray([5.0], dims="cluster"), xr.DataArray([5.0], dims="x")]
)
def test_areas_without_labels(area):
    with pytest.raises(ValueError, match="open land must have the labelled dim cluster alone"):
        solar.ground_source_heat(area, 50.0)


@pytest.mark.parametrize(("name", "low"), [*((name, 0) for name in NAMES.values() if name != "dry_bulb_temperature")])
@pytest.mark.parametrize("value", [-0.5, float("nan"), float("inf")])
def test_improper_weather_names_variable_and_hour(name, low, value):
    weather = clear_day(EVEN)
    weather[name][7] = value
    with pytest.raises(ValueError, match=rf"^{name} must be {low} or more, got {value:g} in hour {EVEN * 24 + 7}$"):
        photovoltaic_yield(weather, PhotovoltaicArray())


def test_improper_temperature():
    weather = clear_day(EVEN)
    weather["dry_bulb_temperature"][3:5] = [np.nan, -273.0]
    with pytest.raises(ValueError, match=r"-90 or more, got nan in hour 2523, -273 in hour 2524$"):
        photovoltaic_yield(weather, PhotovoltaicArray())


def test_all_that_is_wrong_is_told_at_once():
    weather = clear_day(EVEN).drop_vars("wind_speed").assign_attrs(latitude=140.0)
    del weather.attrs["time_zone"]
    weather["direct_normal_radiation"][:] = np.nan
    weather["diffuse_horizontal_radiation"][3] = -1
    with pytest.raises(ValueError, match="must be from") as caught:
        photovoltaic_yield(weather, PhotovoltaicArray())
    problems = str(caught.value).split("; ")
    assert problems == [
        "attribute latitude must be from -90 to 90, got 140.0",
        "attribute time_zone must be from -12 to 14, got none",
        "direct_normal_radiation must be 0 or more, got nan in hour 2520, nan in hour 2521, nan in hour 2522,"
        " nan in hour 2523, nan in hour 2524 and 19 more",
        "diffuse_horizontal_radiation must be 0 or more, got -1 in hour 2523",
        "variable wind_speed with the dim hour alone is missing",
    ]


@pytest.mark.parametrize("hours", [[0, 0], [-1, 0], [8759, 8760], [0.5, 1.5]])
def test_hours_that_are_not_of_the_year(hours):
    weather = clear_day(EVEN).isel(hour=[0, 1]).assign_coords(hour=hours)
    for function in (lambda w: solar_position(w), lambda w: photovoltaic_yield(w, HORIZONTAL)):
        with pytest.raises(ValueError, match="hour must have different whole numbers from 0 to 8759"):
            function(weather)


def test_hours_without_labels():
    with pytest.raises(ValueError, match="coordinate hour must have"):
        solar_position(clear_day(EVEN).drop_vars("hour"))


def test_weather_of_another_shape():
    weather = clear_day(EVEN)
    weather["wind_speed"] = weather.wind_speed.expand_dims(station=2)
    with pytest.raises(ValueError, match="variable wind_speed with the dim hour alone is missing"):
        photovoltaic_yield(weather, PhotovoltaicArray())


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *itertools.product(("tilt",), (-1.0, 91.0, float("nan"))),
        *itertools.product(("azimuth",), (-1.0, 361.0)),
        *itertools.product(("efficiency",), (0.0, 19.0)),
        *itertools.product(("temperature_coefficient",), (0.0035, -0.35)),  # the sign, and per cent
        *itertools.product(("roof_coverage", "losses", "albedo"), (-0.1, 1.1, 14.08)),
        *itertools.product(("inverter_efficiency",), (0.0, 1.0, 96.0)),
        *itertools.product(("dc_ac_ratio",), (0.0, -1.0, 120.0)),
    ],
)
def test_arrays_that_cannot_be(parameter, value):
    with pytest.raises(ValueError, match=rf"photovoltaic array: {parameter} must be from .* got {value:g}$"):
        PhotovoltaicArray(**{parameter: value})


def test_all_parameters_out_of_range_are_named():
    with pytest.raises(ValueError, match=r"tilt must .* azimuth must .* albedo must "):
        PhotovoltaicArray(tilt=-1.0, azimuth=400.0, albedo=2.0)


def test_an_array_does_not_change():
    with pytest.raises(AttributeError):
        PhotovoltaicArray().tilt = 3.0
