"""Section 3.3 by arithmetic: every relation to the printed digit and by hand, broken by another number in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from bcopt.compendium.ledger import read_claims
from bcopt.methods import inverse
from bcopt.studies.systems2024 import district_arithmetic as arithmetic
from bcopt.studies.systems2024.inputs import FUNCTIONS

ROOT = Path(__file__).parents[2]
GRID = 0.5810
ALL_PUMPS, GAS_SHARES, AS_PRINTED = arithmetic.READINGS
LOW, HIGH = "least heat [kWh]", "greatest heat [kWh]"
CAP_HEAT = {"residential": 27062 * 24, "office": 2834 * 24, "hotel": 4372 * 24, "mall": 2504 * 24}
SHARED = {"office": 46.54, "hotel": 65.01, "mall": 71.20}
UNSHARED = {"office": 21.80, "hotel": 22.46, "mall": 24.44}
HALF = 0.005


@pytest.fixture(scope="module")
def claims() -> pd.DataFrame:
    return read_claims(ROOT)


@pytest.fixture(scope="module")
def cases(claims: pd.DataFrame, study: xr.Dataset) -> pd.DataFrame:
    return arithmetic.group_heat_cases(claims, study)


def changed(claims: pd.DataFrame, **printed: str) -> pd.DataFrame:
    """Return the claims of section 3.3 with other numbers in print; underscores stand for hyphens."""
    found = claims.set_index("id")
    for name, text in printed.items():
        found.loc[f"S-3.3-{name.replace('_', '-')}", "printed"] = text
    return found.reset_index()


def with_cap(study: xr.Dataset, function: str, factor: float) -> xr.Dataset:
    cap = study["heat_pump_cap"]
    return study.assign(heat_pump_cap=cap.where(cap["function"] != function, factor * cap))


def ends(table: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return least and greatest heat in MWh, as the kilowatt-hours round."""
    rows = table.set_index("function")
    return {name: (rows[LOW][name] / 1000, rows[HIGH][name] / 1000) for name in rows.index}


class TestIdentities:
    def test_every_row_to_the_printed_digit(self, claims, study):
        table = arithmetic.identities(claims, study, GRID).set_index("claim")
        by_hand = {
            "S-3.3-gshp-utilisation": (756700 / 882528 * 100, 85.74),
            "S-3.3-gshp-share": (756700 / 1100000 * 100, 68.79),
            "S-3.3-gas-share": (343300 / 1100000 * 100, 31.21),
            "S-3.3-unshared-utilisation": (413930 / 882528 * 100, 46.90),
            "S-3.3-reduction": (44700 / 322600 * 100, 13.86),
            "S-3.3-export-utilised": (13667.06, 13667),
            "S-3.3-co2": (13667 * 0.5810, 7941),
        }
        assert table.index.tolist() == list(by_hand)
        assert table["computed"].tolist() == pytest.approx([computed for computed, _ in by_hand.values()])
        assert table["printed"].tolist() == [printed for _, printed in by_hand.values()]
        assert table["agrees"].all()
        assert table["unit"].tolist() == ["%"] * 5 + ["kWh", "kg"]
        assert table["half unit"].tolist() == pytest.approx([0.005] * 5 + [0.5, 0.5])

    def test_capacity(self, study):
        capacity = arithmetic.heat_pump_capacity(study)
        assert capacity.to_series().to_dict() == CAP_HEAT
        assert float(capacity.sum()) == 882_528

    @pytest.mark.parametrize(
        ("printed", "broken"),
        [
            ({"gshp_heat": "757,700"}, {"gshp-utilisation", "gshp-share", "gas-share", "unshared-utilisation"}),
            ({"gas_heat": "344,300"}, {"gshp-share", "gas-share", "unshared-utilisation"}),
            ({"unshared_share": "37.64"}, {"unshared-utilisation"}),
            ({"cost_before": "322,700"}, {"reduction"}),
            ({"cost_after": "278,000"}, {"reduction"}),
            ({"export_before": "21,370.66"}, {"export-utilised"}),
            ({"export_after": "7702"}, {"export-utilised"}),
            ({"export_utilised": "13,669"}, {"export-utilised", "co2"}),
            ({"co2": "7940"}, {"co2"}),
            ({"reduction": "13.85"}, {"reduction"}),
        ],
    )
    def test_another_number_breaks_its_rows_and_no_other(self, claims, study, printed, broken):
        table = arithmetic.identities(changed(claims, **printed), study, GRID)
        assert set(table.loc[~table["agrees"], "claim"]) == {f"S-3.3-{name}" for name in broken}

    def test_other_inputs_break_their_rows(self, claims, study):
        table = arithmetic.identities(claims, with_cap(study, "office", 1.01), 0.5811)
        broken = table.loc[~table["agrees"], "claim"].tolist()
        assert broken == ["S-3.3-gshp-utilisation", "S-3.3-unshared-utilisation", "S-3.3-co2"]

    @given(st.lists(st.floats(-1, 1), min_size=3, max_size=3))
    def test_range_holds_whatever_rounds_to_the_printed_numbers(self, claims, study, place):
        table = arithmetic.identities(claims, study, GRID).set_index("claim")
        share, pumped, gas = (value + x * half for (value, half), x in
                              zip(((37.63, HALF), (756700, 0.5), (343300, 0.5)), place, strict=True))  # fmt: skip
        for claim, value in {
            "S-3.3-gshp-share": 100 * pumped / (pumped + gas),
            "S-3.3-gas-share": 100 * gas / (pumped + gas),
            "S-3.3-unshared-utilisation": share * (pumped + gas) / 882528,
        }.items():
            low, high = table["from"][claim], table["to"][claim]
            assert low - 1e-9 <= value <= high + 1e-9
            assert low < table["computed"][claim] < high

    def test_widths_by_hand(self, claims, study):
        table = arithmetic.identities(claims, study, GRID).set_index("claim")
        assert table["to"]["S-3.3-co2"] == pytest.approx(13667.5 * GRID)
        assert table["from"]["S-3.3-export-utilised"] == pytest.approx(21370.055 - 7703.5)
        assert table["to"]["S-3.3-reduction"] == pytest.approx(100 * (1 - 277899.5 / 322600.5))

    @pytest.mark.parametrize("factor", [0.0, -0.5, np.nan, np.inf])
    def test_emission_factor(self, claims, study, factor):
        with pytest.raises(ValueError, match="positive numbers, got grid_emission_factor ="):
            arithmetic.identities(claims, study, factor)

    def test_claims_without_a_number_are_named_together(self, claims, study):
        faulty = changed(claims, gshp_heat="true", gas_heat="")
        with pytest.raises(ValueError, match=r"gshp-heat: prints no number(.|\n)*gas-heat: prints no number"):
            arithmetic.group_heats(faulty, study, ALL_PUMPS)
        with pytest.raises(ValueError, match=r"S-3\.3-gas-peak: missing"):
            arithmetic.gas_peak(claims[claims["id"] != "S-3.3-gas-peak"])


class TestGroupHeats:
    @pytest.mark.parametrize(
        ("switches", "expected"),
        [
            ({}, [(211.0, 212.7), (238.2, 257.7), (385.1, 467.3), (181.2, 245.9)]),
            ({"unshared_residential": False}, [(211.0, 275.8), (238.2, 312.1), (301.8, 467.3), (44.9, 245.9)]),
            ({"with_unshared_total": False}, [(182.9, 275.8), (203.7, 312.1), (301.8, 467.3), (44.9, 245.9)]),
            ({"own_caps": False}, [(204.0, 216.9), (185.0, 346.2), (0.0, 698.3), (0.0, 550.6)]),
            (
                {"own_caps": False, "with_unshared_total": False},
                [(0.0, 457.9), (0.0, 642.2), (0.0, 981.3), (0.0, 992.8)],
            ),
        ],
        ids=["all numbers", "homes open without sharing", "without 37.63", "without caps", "shared ground only"],
    )
    def test_ranges(self, claims, study, switches, expected):
        table = arithmetic.group_heats(claims, study, ALL_PUMPS, **switches)
        assert table["function"].tolist() == list(FUNCTIONS)
        assert (table["contradiction"] == "").all()
        found = ends(table)
        for function, (low, high) in zip(FUNCTIONS, expected, strict=True):
            assert found[function] == pytest.approx((low, high), abs=0.051), function

    def test_greatest_public_heats_by_hand(self, claims, study):
        """Each group's own cap over 24 h is a printed share of its heat; what sharing leaves may bind before that."""
        free = ends(arithmetic.group_heats(claims, study, ALL_PUMPS, with_unshared_total=False))
        for function, share in UNSHARED.items():
            by_cap = CAP_HEAT[function] / (share - HALF) * 100 / 1000
            assert free[function][1] == pytest.approx(by_cap, rel=1e-6)
        full = ends(arithmetic.group_heats(claims, study, ALL_PUMPS))
        assert [full[name][1] == pytest.approx(free[name][1]) for name in UNSHARED] == [False, True, True]

    @pytest.mark.parametrize("total", [True, False])
    def test_holds_what_unrounded_numbers_allow(self, claims, study, total):
        """The same balances as equations in four unknowns, every number exactly as printed, by another method."""
        shared, unshared = ({"residential": 100.0} | share for share in (SHARED, UNSHARED))
        rows = [
            [shared[name] / 100 for name in FUNCTIONS],
            [1.0] * 4,
            *([[unshared[name] / 100 for name in FUNCTIONS]] if total else []),
        ]
        sides = [756700.0, 1100000.0, *([413930.0] if total else [])]
        labels = {"equation": [f"e{k}" for k in range(len(rows))]}
        caps = xr.DataArray([100 * CAP_HEAT[name] / unshared[name] for name in FUNCTIONS], dims="function")
        exact = inverse.feasible_range(
            xr.DataArray(rows, coords=labels | {"function": list(FUNCTIONS)}),
            xr.DataArray(sides, coords=labels),
            "function",
            upper=caps.assign_coords(function=list(FUNCTIONS)),
        )
        table = arithmetic.group_heats(claims, study, ALL_PUMPS, total).set_index("function")
        low, high = exact["low"].to_series(), exact["high"].to_series()
        assert (table[LOW] <= low + 1).all()
        assert (table[HIGH] >= high - 1).all()
        assert table[LOW].to_numpy() == pytest.approx(low.to_numpy(), abs=1000)
        assert table[HIGH].to_numpy() == pytest.approx(high.to_numpy(), abs=1000)

    def test_every_number_left_out_admits_more(self, cases):
        cases = cases[cases["reading"] == ALL_PUMPS].set_index("left out")
        for function in FUNCTIONS:
            low, high = cases[f"{function} from [kWh]"], cases[f"{function} to [kWh]"]
            assert (low <= low["nothing"] + 1e-3).all()
            assert (high >= high["nothing"] - 1e-3).all()
            assert low["total without sharing, own caps"] == pytest.approx(low.min(), abs=1e-3)
            assert high["total without sharing, own caps"] == pytest.approx(high.max(), abs=1e-3)

    def test_cases(self, cases):
        assert len(cases) == 15
        assert set(cases["reading"]) == set(arithmetic.READINGS)
        assert list(cases.columns[:2]) == ["reading", "left out"]
        assert cases.columns[-1] == "contradiction"
        feasible = cases[cases["contradiction"] == ""]
        assert feasible.groupby("reading", sort=False).size().to_dict() == {ALL_PUMPS: 5, GAS_SHARES: 1, AS_PRINTED: 1}
        assert cases["hotel to [kWh]"].notna().equals(cases["contradiction"] == "")
        alone = feasible[feasible["reading"] != ALL_PUMPS]
        assert (alone["left out"] == "total without sharing, own caps").all()

    def test_gas_shares_contradict(self, claims, study):
        table = arithmetic.group_heats(claims, study, GAS_SHARES)
        assert table[[LOW, HIGH]].isna().all(axis=None)
        span = "each group has 75.55 to 100.00 % of its heat from heat pumps, all together 37.63 %"
        assert span in table["contradiction"].iloc[0]
        gas = sum(
            (share + HALF) / 100 * CAP_HEAT[name] / (1 - (UNSHARED[name] + HALF) / 100)
            for name, share in SHARED.items()
        )
        assert round(gas) == 185_107
        assert "185,107 kWh of heat from gas at most, 343,300 are printed" in table["contradiction"].iloc[0]

    def test_printed_heat_pump_shares_contradict(self, claims, study):
        text = arithmetic.group_heats(claims, study, AS_PRINTED)["contradiction"].iloc[0]
        assert "each group has 0.00 to 24.45 % of its heat from heat pumps, all together 37.63 %" in text
        pumped = sum((share + HALF) * CAP_HEAT[name] / (UNSHARED[name] - HALF) for name, share in SHARED.items())
        assert round(pumped) == 624_180
        assert "624,180 kWh of heat from heat pumps at most, 756,700 are printed" in text

    @pytest.mark.parametrize(("reading", "total"), [(GAS_SHARES, True), (AS_PRINTED, True)])
    def test_each_contradiction_is_enough(self, claims, study, reading, total):
        """With the caps alone or with the total alone the reading is infeasible, and each is named alone."""
        by_total = arithmetic.group_heats(claims, study, reading, total, own_caps=False)["contradiction"].iloc[0]
        by_caps = arithmetic.group_heats(claims, study, reading, not total)["contradiction"].iloc[0]
        assert by_total.startswith("without sharing each group has")
        assert by_caps.startswith("with what its own cap")
        assert ";" not in by_total + by_caps

    @pytest.mark.parametrize("reading", [GAS_SHARES, AS_PRINTED])
    def test_with_homes_open_the_total_is_no_contradiction_by_itself(self, claims, study, reading):
        text = arithmetic.group_heats(claims, study, reading, unshared_residential=False)["contradiction"].iloc[0]
        assert text.startswith("with what its own cap")
        assert ";" not in text

    def test_contradiction_of_all_together_names_the_balances(self, claims, study):
        """Little gas leaves homes nearly all heat, so 37.63 % without sharing fails though no share excludes it."""
        faulty = changed(claims, gas_heat="50,000")
        table = arithmetic.group_heats(faulty, study, ALL_PUMPS)
        assert "infeasible" in table["contradiction"].iloc[0]
        assert "missed by" in table["contradiction"].iloc[0]
        assert "with what its own cap" not in table["contradiction"].iloc[0]
        assert arithmetic.group_heats(faulty, study, ALL_PUMPS, False)["contradiction"].iloc[0] == ""

    @pytest.mark.parametrize(
        "printed",
        [
            {"gshp_heat": "760,000"},
            {"gas_heat": "340,000"},
            {"unshared_share": "37.00"},
            {"share_office": "46.00"},
            {"share_hotel": "64.50"},
            {"share_mall": "70.50"},
            {"unshared_office": "21.50"},
            {"unshared_hotel": "22.00"},
            {"unshared_mall": "24.00"},
        ],
    )
    def test_every_printed_number_moves_the_ranges(self, claims, study, printed):
        before = arithmetic.group_heats(claims, study, ALL_PUMPS)
        after = arithmetic.group_heats(changed(claims, **printed), study, ALL_PUMPS)
        moved = (after[[LOW, HIGH]] - before[[LOW, HIGH]]).abs().to_numpy()
        assert after["contradiction"].iloc[0] != "" or moved.max() > 300

    def test_printed_residential_share_is_no_input(self, claims, study):
        """It can only be the gas share, which is none; the row is qualitative."""
        other = changed(claims, share_residential="7", unshared_residential="7")
        pd.testing.assert_frame_equal(
            arithmetic.group_heats(other, study, ALL_PUMPS), arithmetic.group_heats(claims, study, ALL_PUMPS)
        )

    def test_caps_bind(self, claims, study):
        smaller = with_cap(study, "hotel", 0.9)
        free = arithmetic.group_heats(claims, smaller, ALL_PUMPS, False).set_index("function")
        assert free[HIGH]["hotel"] == pytest.approx(0.9 * CAP_HEAT["hotel"] / (0.2246 - HALF / 100), rel=1e-6)
        homes = arithmetic.group_heats(claims, with_cap(study, "residential", 0.3), ALL_PUMPS)
        assert "missed by" in homes["contradiction"].iloc[0]  # 195 MWh for homes, which have 211 or more

    def test_unknown_reading(self, claims, study):
        with pytest.raises(ValueError, match=r"expected one of heat pump shares, residential .*, got 'heat'"):
            arithmetic.group_heats(claims, study, "heat")  # type: ignore[arg-type]


class TestExportShare:
    def test_the_total_that_is_needed(self, claims, study):
        table = arithmetic.export_share_readings(claims, study)
        assert table["needed [kWh]"].round().unique().tolist() == [175_885]
        assert table["needed from [kWh]"].unique() == pytest.approx([21370.055 / 0.12155])
        assert table["needed to [kWh]"].unique() == pytest.approx([21370.065 / 0.12145])

    def test_what_is_possible(self, claims, study):
        table = arithmetic.export_share_readings(claims, study).set_index("total")
        assert table.index[table["possible"]].tolist() == [
            "residential consumption",
            "residential purchases",
            "district photovoltaics",
        ]
        proof = table["proof"]
        assert proof["district purchases before"] == "1.83 yuan/kWh, no hour costs more than 1.37"
        assert proof["district purchases less export before"].startswith("1.64 yuan/kWh")
        assert proof["district purchases after"].startswith("1.58 yuan/kWh")
        assert "235,474 kWh" in proof["district consumption"]
        assert proof["residential photovoltaics"].startswith("1.18 times")
        assert proof["district photovoltaics"].startswith("0.70 times")

    def test_bounds_by_hand(self, claims, study):
        table = arithmetic.export_share_readings(claims, study).set_index("total")
        least, most = table["at least [kWh]"], table["at most [kWh]"]
        assert least["district purchases before"] == pytest.approx(322599.5 / 1.37)
        assert least["district purchases less export before"] == pytest.approx(322599.5 / 1.37 - 21370.065)
        assert least["district purchases after"] == pytest.approx(277899.5 / 1.37)
        homes = 27062e3 / (49.3 * 66000) * 24000  # plots of homes times the mean of their roofs
        assert most["residential photovoltaics"] == pytest.approx(0.337 * 2.22 * homes)
        assert np.isinf(most.drop(["residential photovoltaics", "district photovoltaics"])).all()

    @pytest.mark.parametrize(("dearest", "possible"), [(1.82, False), (1.84, True)])
    def test_a_dearer_hour_would_admit_the_purchases(self, claims, study, dearest, possible):
        price = study["electricity_price"]
        dear = study.assign(electricity_price=price.where(price < price.max(), dearest))
        table = arithmetic.export_share_readings(claims, dear).set_index("total")
        assert bool(table["possible"]["district purchases before"]) is possible
        assert bool(table["possible"]["district consumption"]) is possible

    def test_more_sun_would_admit_residential_photovoltaics(self, claims, study):
        sunny = study.assign(global_horizontal_radiation=1.2 * study["global_horizontal_radiation"])
        table = arithmetic.export_share_readings(claims, sunny).set_index("total")
        assert table["possible"]["residential photovoltaics"]

    def test_a_smaller_share_would_admit_the_purchases(self, claims, study):
        table = arithmetic.export_share_readings(changed(claims, export_share="9.07"), study).set_index("total")
        assert table["possible"]["district purchases before"]
        assert not arithmetic.export_share_readings(changed(claims, export_share="9.09"), study)["possible"][2]


class TestBoilersAndInstallation:
    def test_gas_peak(self, claims):
        found = arithmetic.gas_peak(claims).iloc[0]
        assert found["peak [kW]"] == 88_000
        assert found["full-load hours [h]"] == pytest.approx(3.9011, abs=5e-5)
        assert found["flat profile [kW]"] == pytest.approx(14_304.17, abs=5e-3)
        assert found["flat profile over peak [%]"] == pytest.approx(16.25, abs=5e-3)
        assert found["peak hour of the day's gas [%]"] == pytest.approx(25.63, abs=5e-3)
        assert found["peak over the mean of all heat"] == pytest.approx(1.92, abs=1e-9)

    def test_a_flat_profile_has_24_full_load_hours(self, claims):
        flat = arithmetic.gas_peak(changed(claims, gas_peak="100", gas_heat="2400")).iloc[0]
        assert flat["full-load hours [h]"] == 24
        assert flat["flat profile over peak [%]"] == 100

    def test_installation_costs(self, claims):
        boilers, storage = arithmetic.installation_costs(claims, 10.0, 15.0).to_dict("records")
        assert boilers["energy [kWh]"] == 343_300
        assert boilers["cost [yuan]"] == 5_149_500
        assert boilers["cost over saving"] == pytest.approx(115.2, abs=0.05)
        assert storage["energy [kWh]"] == pytest.approx(4_470)
        assert storage["cost [yuan]"] == pytest.approx(44_700)
        assert storage["cost over saving"] == pytest.approx(1.0)

    def test_prices_and_saving_act_on_their_own_rows(self, claims):
        boilers, storage = arithmetic.installation_costs(claims, 20.0, 3.0).to_dict("records")
        assert (storage["energy [kWh]"], boilers["cost [yuan]"]) == (pytest.approx(2_235), 1_029_900)
        less = arithmetic.installation_costs(changed(claims, cost_after="312,600"), 10.0, 15.0)
        assert less["energy [kWh]"].tolist() == [343_300, 1_000]

    def test_prices_that_are_not_positive_are_named_together(self, claims):
        with pytest.raises(ValueError, match="storage_installation_price = 0, boiler_installation_price = -1"):
            arithmetic.installation_costs(claims, 0.0, -1.0)


class TestGroundHeat:
    def test_values_by_hand(self, study):
        table = arithmetic.ground_heat_values(study).set_index("hour")
        for hour, residential, public in [
            (0, 0.16 - 0.18 / 3.5, 0.36 - 0.29 / 3.5),  # label 24, with the price as it is printed
            (3, 0.16 - 0.18 / 3.5, 0.25 - 0.29 / 3.5),
            (8, 0.40 - 0.50 / 3.5, 0.60 - 0.80 / 3.5),
            (11, 0.70 - 0.86 / 3.5, 1.10 - 1.37 / 3.5),
        ]:
            assert table["residential [yuan/kWh]"][hour] == pytest.approx(residential), hour
            assert table["public [yuan/kWh]"][hour] == pytest.approx(public), hour
        assert table.index.tolist() == list(range(24))

    @pytest.mark.parametrize("common", ["residential", "public"])
    def test_with_one_price_the_cheaper_electricity_decides(self, study, common):
        table = arithmetic.ground_heat_values(study, common).set_index("hour")
        ahead = table["residential [yuan/kWh]"] - table["public [yuan/kWh]"]
        price = study["electricity_price"]
        cheaper = (price.sel(group="public") - price.sel(group="residential")).to_numpy() / 3.5
        assert ahead.to_numpy() == pytest.approx(cheaper)
        night = float(study["heat_price"].sel(group=common, hour=3)) - 0.18 / 3.5
        assert table["residential [yuan/kWh]"][3] == pytest.approx(night)

    def test_order(self, study):
        order = arithmetic.ground_heat_order(study).set_index("price of heat")
        assert order.columns.tolist() == ["residential first [h]", "public first [h]", "either first [h]"]
        assert order.to_numpy().tolist() == [[0, 24, 0], [24, 0, 0], [24, 0, 0]]
        assert order.index.tolist() == ["each group its own", "public for both", "residential for both"]

    def test_cheaper_public_heat_at_night_would_turn_the_night(self, study):
        price = study["heat_price"]
        night = (price["group"] == "public") & price["hour"].isin([1, 2, 3, 4, 5, 6, 23])
        order = arithmetic.ground_heat_order(study.assign(heat_price=price.where(~night, 0.19)))
        assert order.iloc[0].tolist() == ["each group its own", 7, 17, 0]

    def test_equal_prices_leave_the_order_open(self, study):
        one = {name: study[name].sel(group="public", drop=True) + 0 * study[name] for name in
               ("heat_price", "electricity_price")}  # fmt: skip
        order = arithmetic.ground_heat_order(study.assign(one))
        assert order["either first [h]"].tolist() == [24, 24, 24]

    def test_unknown_group(self, study):
        with pytest.raises(ValueError, match="expected one of residential, public, got 'office'"):
            arithmetic.ground_heat_values(study, "office")


class TestImpliedPlots:
    def test_by_hand(self, study):
        table = arithmetic.implied_plots(study, 49.3, 0.693).set_index("function")
        open_land = {"residential": 66_000, "office": 57_600, "hotel": 57_600, "mall": 44_100}
        plots = {name: CAP_HEAT[name] / 24 * 1000 / 49.3 / land for name, land in open_land.items()}
        assert table["open land per plot [m2]"].dropna().to_dict() == pytest.approx(open_land)
        assert table["plots"].drop(["public", "all"]).to_dict() == pytest.approx(plots)
        assert table["plots"].round(2).tolist() == [8.32, 1.00, 1.54, 1.15, 3.69, 12.01]
        assert table["share of the ground [%]"].round(2).tolist() == [69.27, 8.31, 12.82, 9.59, 30.73, 100.0]

    def test_shares_are_the_printed_mix(self, study):
        table = arithmetic.implied_plots(study, 49.3, 0.693).set_index("function")
        assert table["printed [%]"].dropna().to_dict() == pytest.approx(
            {"residential": 69.3, "public": 30.7, "all": 100.0}
        )
        assert table["difference [%]"].dropna().abs().max() < 0.05
        assert table["difference [%]"]["residential"] == pytest.approx(-0.028, abs=5e-4)

    @given(st.floats(1.0, 500.0))
    def test_shares_need_no_borehole_heat(self, heat):
        study = _ground()
        table = arithmetic.implied_plots(study, heat, 0.693).set_index("function")
        assert table["share of the ground [%]"]["residential"] == pytest.approx(69.2719, abs=5e-5)
        assert table["plots"]["all"] * heat == pytest.approx(12.00638 * 49.3, rel=1e-6)

    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_another_cap_is_another_mix(self, study, function):
        table = arithmetic.implied_plots(with_cap(study, function, 1.05), 49.3, 0.693).set_index("function")
        assert abs(table["difference [%]"]["residential"]) > 0.05

    def test_densities_that_floors_imply_change_the_mix(self, study):
        """Offices and hotels of 30 storeys cover 0.333 of their plots, not 0.36."""
        towers = study["used_for"].isin(["office", "hotel"])
        table = arithmetic.implied_plots(
            study.assign(density=study["density"].where(~towers, 1 / 3)), 49.3, 0.693
        ).set_index("function")
        assert table["open land per plot [m2]"]["office"] == pytest.approx(60_000)
        assert table["difference [%]"]["residential"] > 0.05

    @pytest.mark.parametrize(
        ("heat", "share", "named"),
        [
            (0.0, 0.693, "borehole_heat = 0"),
            (-1.0, -0.1, "borehole_heat = -1, residential_share = -0.1"),
            (49.3, 69.3, "public_share = -68.3"),
        ],
    )
    def test_bad_numbers(self, study, heat, share, named):
        with pytest.raises(ValueError, match=f"positive numbers, got {named}$"):
            arithmetic.implied_plots(study, heat, share)


def _ground() -> xr.Dataset:
    """Return one cluster a function with the mean open land of its own, for many calls."""
    coords = {"cluster": ["x1", "x7", "x8", "x9"]}
    return xr.Dataset(
        {
            "heat_pump_cap": ("function", [27062.0, 2834.0, 4372.0, 2504.0]),
            "density": ("cluster", [1 - 66 / 90, 0.36, 0.36, 0.51]),
            "land_side": 300.0,
        },
        coords | {"function": list(FUNCTIONS), "used_for": ("cluster", list(FUNCTIONS))},
    )
