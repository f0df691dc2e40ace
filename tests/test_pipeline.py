"""The pipeline as a user runs it: in copies of this checkout, by DVC's own commands."""

import json
import os
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from checkout import contents

from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.paths import outputs
from bcopt.compendium.pipeline import read_stages
from bcopt.compendium.protocol import read_protocol
from bcopt.loads.weather import shipped_weather

pytestmark = pytest.mark.slow
FIRST = "energyeng2023-renewable-energy"
FIRST_PAGE = "energyeng2023/5.3-renewable-energy"


def pipeline(root):
    return {"stages": read_stages(root)}


# ---------------------------------------------------------------- dvc.yaml


def test_one_stage_a_notebook_with_all_it_writes(root):
    stages = pipeline(root)["stages"]
    notebooks = {
        p.relative_to(root / "notebooks").with_suffix("").as_posix() for p in (root / "notebooks").rglob("*.ipynb")
    }
    run_by = {s["cmd"].split()[-1]: s for s in stages.values() if "runner" in s["cmd"]}
    of_districts = {page for page in run_by if page.startswith("districts/")}
    assert set(run_by) - of_districts == notebooks - {"own-district"}
    assert of_districts == {p.parent.relative_to(root).as_posix() for p in root.glob("districts/*/district.yaml")}
    for page, stage in run_by.items():
        declared = {name: options for out in stage["outs"] for name, options in out.items()}
        assert {p.as_posix() for p in outputs(page).values()} <= set(declared)
        assert all(options["persist"] for options in declared.values()), "DVC would delete it before a run"
        cached = [name for name, options in declared.items() if options.get("cache", True)]
        assert cached == [outputs(page)["solution"].as_posix()], "a fresh clone reruns a stage for its one cached out"
        source = "own-district" if page in of_districts else page
        assert f"notebooks/{source}.ipynb" in stage["deps"]


def test_every_parameter_reaches_a_stage(root):
    parameters = read_parameters(root)
    used = {name for stage in pipeline(root)["stages"].values() for name in stage.get("params", [])}
    for section, values in parameters.model_dump().items():
        for name in values:
            assert section in used or f"{section}.{name}" in used


def test_stage_parameters_are_those_of_its_notebook(root):
    from bcopt.compendium.runner import stage_parameters

    for stage in pipeline(root)["stages"].values():
        page = stage["cmd"].split()[-1]
        study = page.partition("/")[0]
        if "runner" not in stage["cmd"] or study in (page, "districts"):
            continue
        every = set(read_parameters(root).model_dump()[study])
        names = set(stage_parameters(root / "notebooks" / f"{page}.ipynb", study, root)) - {"engine"}
        declared = {p.removeprefix(f"{study}.") for p in stage["params"]} - {"search"}
        assert names <= (every if study in declared else declared)
        assert study in declared or declared == names


def test_defaults_are_the_central_values_of_the_protocol(root):
    protocol, parameters = read_protocol(root), read_parameters(root).model_dump()
    assert set(protocol.studies) <= set(parameters)
    for study in protocol.studies:
        assert protocol[study].deviations(parameters[study]) == {}


OF_THE_DISTRICT = ("district_loads", "account", "power_to_energy")
JUDGING = {
    "energyeng2023/5.5-dual-objective": (),
    "systems2024/3.1-self-optimisation": (
        "levelled_load", "area_reading", "heat_pump_sharing", "search_population", "search_generations",
        "crossover_probability", "mutation_probability", "front_mutation_probability", "seeds", *OF_THE_DISTRICT,
    ),
    "systems2024/3.2.1-load-levelling": ("heat_pump_sharing", "front_mutation_probability", *OF_THE_DISTRICT),
    "systems2024/3.2.2-renewable-penetration": (
        "levelled_load", "area_reading", "mutation_probability", *OF_THE_DISTRICT,
    ),
    "systems2024/3.3-district-system": (
        "levelled_load", "area_reading", "heat_pump_sharing", "search_population", "search_generations",
        "crossover_probability", "mutation_probability", "front_mutation_probability", "seeds",
    ),
    "frontiers2022/4.2.2-scheduling": ("learning_rate", "discount", "episodes", "seeds"),
    "frontiers2022/4.3-weight-sweep": ("penalty",),
}  # fmt: skip
"""Pages with held-out or qualitative rows, and the choices that act on none of theirs."""


@pytest.mark.parametrize(("page", "elsewhere"), JUDGING.items())
def test_pages_that_judge_know_every_choice(root, page, elsewhere):
    """A held-out or qualitative row is decided under the central variant alone, so its page must see all choices."""
    study = page.partition("/")[0]
    names = set(read_parameters(root).model_dump()[study])
    chosen = names & set(read_protocol(root)[study].choices)
    assert set(elsewhere) <= chosen
    cells = json.loads((root / f"notebooks/{page}.ipynb").read_text())["cells"]
    source = "".join("".join(cell["source"]) for cell in cells)
    assert [name for name in sorted(chosen - set(elsewhere)) if f"{name}={name}" not in source] == []
    if study == "systems2024":
        assert 'weather=loads.attrs["weather"]' in source, "loads of a weather file are not the central variant's"


# ---------------------------------------------------------------- results are whole


def test_results_are_those_of_the_pipeline(root, run):
    """Fails when a committed result, an input or the code was changed without running the pipeline again."""
    status = run("dvc", "status", cwd=root)
    assert "up to date" in status.stdout, status.stdout + status.stderr


def test_a_changed_digit_in_a_committed_table_is_noticed(copied_project, run):
    assert "up to date" in run("dvc", "status", cwd=copied_project).stdout
    table = copied_project / "results/tables" / FIRST_PAGE / "demand.csv"
    table.write_text(table.read_text().replace("48910.917", "48910.916"))
    status = run("dvc", "status", cwd=copied_project).stdout
    assert "modified" in status
    assert f"results/tables/{FIRST_PAGE}" in status


def test_a_changed_digit_in_a_rendered_table_is_noticed(copied_project, run):
    page = copied_project / outputs(FIRST_PAGE)["notebook"]
    command = [
        "python",
        "-m",
        "pytest",
        "--nbval-lax",
        "--nbval-current-env",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        str(page),
    ]
    options = ["-o", "addopts=", "-o", "filterwarnings="]
    untouched = run(*command, *options, cwd=copied_project)
    assert untouched.returncode == 0, untouched.stdout[-3000:]
    text = page.read_text()
    assert text.count("48,910.9") > 0 or text.count("48910.9") > 0
    page.write_text(text.replace("48,910.9", "48,910.8").replace("48910.9", "48910.8"))
    broken = run(*command, *options, cwd=copied_project)
    assert broken.returncode == 1
    assert "48910.8" in broken.stdout + broken.stderr or "48,910.8" in broken.stdout + broken.stderr


def test_ledger_metrics_agree_with_the_ledger(root):
    table = pd.read_csv(root / "results/ledger.csv", dtype=str, keep_default_na=False)
    metrics = json.loads((root / "results/metrics.json").read_text())["ledger"]
    assert metrics["rows"] == len(table) == 91
    for name in ("class", "verdict"):
        assert {k: v for k, v in metrics[name].items() if v} == table[name].value_counts().to_dict()
    mine = table[table["paper"] == "energyeng2023"]
    assert len(mine) == 18
    assert (mine["verdict"] != "not attempted").all()
    loads = table[table["id"].str.startswith("S-2.1-")]
    assert loads["verdict"].value_counts().to_dict() == {"used as input": 2, "contradicted": 2, "reproduced": 1}
    demand_side = table[table["id"].str.match(r"S-3\.[12]")]
    assert len(demand_side) == 18
    assert (demand_side["verdict"] != "not attempted").all()
    fits = demand_side[demand_side["class"].isin(["fit", "identity"])].set_index("id")
    assert fits["verdict"].to_dict() == dict.fromkeys(
        ["S-3.1-cost-before", "S-3.1-cost-after", "S-3.1-reduction"], "reproduced"
    )
    district = table[table["id"].str.startswith("S-3.3-")].set_index("id")
    assert len(district) == 30
    assert (district["verdict"] != "not attempted").all()
    exact = district[district["class"].isin(["fit", "identity"])].drop("S-3.3-heat-total")
    assert set(exact["verdict"]) == {"reproduced"}
    assert float(district.loc["S-3.3-heat-total", "reproduced"]) == pytest.approx(1.1e6, rel=1e-9)
    held = district[district["class"] == "held-out"]
    assert len(held) == 11
    assert held["band"].str.contains(" to ").all()
    contradicted = {"S-3.3-public-purchase", "S-3.3-public-emissions", "S-3.3-gas-public-only"}
    contradicted.add("S-3.3-share-residential")
    assert set(district.index[district["verdict"] == "contradicted"]) == contradicted
    third = table[table["paper"] == "frontiers2022"].set_index("id")
    assert len(third) == 20
    assert (third["verdict"] != "not attempted").all()
    fitted = third[third["class"] == "fit"]
    assert len(fitted) == 7
    assert fitted["note"].str.contains("seven fits for seven numbers").all()
    missed = fitted[fitted["verdict"] == "missed"]
    assert missed["note"].str.contains("missed: jump from").all()
    assert set(third.loc[["F-4.3-esp-benefit", "F-4.3-cost-commercial"], "verdict"]) == {"reproduced"}
    sentences = third[third["class"] == "qualitative"]
    assert len(sentences) == 9
    assert sentences["note"].str.contains("guangdong-2021: ").all()
    assert set(third.loc[[f"F-4.3-weight-{name}" for name in ("plateau", "zero", "one")], "verdict"]) == {"missed"}
    assert " to " in third.loc["F-4.3-fuel-share", "band"]
    reductions = mine.set_index("id").loc[["E-5.5-ac-reduction", "E-5.5-co2-reduction"]]
    assert set(reductions["class"]) == {"identity"}
    assert reductions["note"].str.contains("fitted").all()


def test_notebooks_say_first_that_any_calibration_would_hit(root):
    for page in ("5.4-cost-and-carbon", "5.5-dual-objective"):
        first = json.loads((root / f"notebooks/energyeng2023/{page}.ipynb").read_text())["cells"][0]["source"]
        text = "".join(first).lower()
        assert "14.39" in text
        assert "72.65" in text
        assert "any" in text


# ---------------------------------------------------------------- running it


def test_second_run_does_nothing_and_changes_nothing(copied_project, run):
    before = contents(copied_project)
    again = run("dvc", "repro", cwd=copied_project)
    assert again.returncode == 0, again.stderr
    assert "Data and pipelines are up to date" in again.stdout
    assert contents(copied_project) == before
    assert run("git", "status", "--porcelain", cwd=copied_project).stdout == ""


def test_wrong_parameter_stops_before_anything_runs(copied_project, run):
    before = contents(copied_project)
    text = (copied_project / "params.yaml").read_text()
    wrong = (
        text.replace("reading: c", "reading: z")
        .replace("seeds: 20", "seeds: 0")
        .replace("population: 40", "popsize: 40")
    )
    (copied_project / "params.yaml").write_text(wrong)
    done = run("dvc", "repro", FIRST, "--force", cwd=copied_project)
    assert done.returncode != 0
    message = done.stdout + done.stderr
    for part in ("params.yaml", "reading", "seeds", "population", "popsize"):
        assert part in message
    assert "Traceback" not in message
    assert contents(copied_project) == before


def test_truncated_weather_stops_the_simulation_before_anything_runs(copied_project, run):
    before = contents(copied_project)
    (copied_project / "mine.epw").write_bytes(shipped_weather("Miami").read_bytes()[:100_000])
    text = (copied_project / "params.yaml").read_text()
    (copied_project / "params.yaml").write_text(text.replace("epw: null", "epw: mine.epw"))
    done = run("dvc", "repro", "--single-item", "systems2024-simulation", cwd=copied_project)
    assert done.returncode != 0
    message = done.stdout + done.stderr
    assert "mine.epw" in message
    assert "8760" in message
    assert "Traceback" not in message
    assert contents(copied_project) == before


# ---------------------------------------------------------------- the proof of reproduction


@pytest.mark.skipif(not os.environ.get("CI"), reason="only a clean checkout that has just been reproduced can prove it")
def test_reproduction_gives_what_is_committed(root, run):
    """Same bytes on the same processor; elsewhere within a millionth, simulated and sampled numbers more widely."""
    changed = run("git", "status", "--porcelain", cwd=root).stdout.splitlines()
    for line in changed:
        name = line[3:]
        if not name.endswith(".csv"):
            continue
        committed = pd.read_csv(StringIO(run("git", "show", f"HEAD:{name}", cwd=root).stdout))
        computed = pd.read_csv(root / name)
        assert list(committed.columns) == list(computed.columns), name
        sampled = any(word in name for word in ("identifiability", "predictions", "minimisers", "gaps", "front"))
        simulated = "systems2024/2.1" in name or "_band_" in name  # from series of six digits and four decimals
        rtol, atol = (0.02, 1e-9) if sampled else (1e-4, 1e-2) if simulated else (1e-6, 1e-9)
        for column in committed.select_dtypes("number"):
            np.testing.assert_allclose(computed[column], committed[column], rtol=rtol, atol=atol, err_msg=name)
    untracked = [line for line in changed if line.startswith("??")]
    assert not untracked
