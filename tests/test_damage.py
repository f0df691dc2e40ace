"""A damaged checkout: each damage is told in one message with the command that mends it, and that command does."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import contents, copy_of_project

from bcopt.compendium import checkout, runner
from bcopt.compendium.page import Page
from bcopt.compendium.pipeline import read_stages
from bcopt.compendium.problems import InputError
from bcopt.loads import energyplus
from bcopt.studies import frontiers2022, systems2024

pytestmark = pytest.mark.slow
NO_CACHE = "no results here yet: `make reproduce` first"
PAGE, STAGE = "energyeng2023/5.3-renewable-energy", "energyeng2023-renewable-energy"
NOTEBOOK, SOLUTION = f"results/notebooks/{PAGE}.ipynb", f"results/{PAGE}.nc"
INPUT = "data/assumed/energyeng2023.csv"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 2997\n"
CONFLICT = b"<<<<<<< HEAD\n  cmd: one\n=======\n  cmd: other\n>>>>>>> theirs\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A whole checkout, with all of its files."""
    project = copy_of_project(tmp_path_factory.mktemp("damage") / "project")
    if not (project / SOLUTION).is_file() or not (project / ".dvc/cache/files").is_dir():
        pytest.skip(NO_CACHE)
    return project, everything(project)


@pytest.fixture
def project(whole, monkeypatch):
    """The whole checkout, as it was before the test after it."""
    project, before = whole
    monkeypatch.chdir(project)
    monkeypatch.delenv("BCOPT_STAGING", raising=False)
    yield project
    restore(project, before)


def everything(project):
    """Return the bytes of all that a test may damage, by path."""
    places = [project / name for name in ("data", "results", "notebooks", ".dvc/cache")]
    files = [p for place in places for p in place.rglob("*")] + [
        project / name for name in ("dvc.lock", "dvc.yaml", "params.yaml")
    ]
    return {p: p.read_bytes() for p in files if p.is_file() and not {".staging", "timings"} & set(p.parts)}


def restore(project, before):
    now = everything(project)
    for path in now.keys() - before.keys():
        path.unlink()
    for path, content in before.items():
        if now.get(path) != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(content)
    subprocess.run(["git", "reset", "-q"], cwd=project, check=True)


def told(capsys, *arguments):
    """Return what the check says of the checkout around the working directory: nothing if it is whole."""
    code = checkout.main(arguments)
    out, err = capsys.readouterr()
    assert code == (1 if err else 0)
    assert ("this checkout is whole" in out) == (not err and not arguments)
    assert "Traceback" not in err
    return err


def refused(capsys, page=PAGE):
    """Return what a stage says that refuses to begin."""
    before = contents(checkout.project_root())
    assert runner.main([page]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"{page} cannot run in this checkout: ")
    assert "Traceback" not in err
    assert contents(checkout.project_root()) == before
    return err


def command_of(said):
    """Return the command of the one problem that was told."""
    assert said.count("\n  - ") == 1, said
    return re.findall(r": `([^`]+)`$", said.strip())[0]


def mended(run, project, said):
    """Run the command that was told."""
    done = run("bash", "-ec", command_of(said), cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr


def flipped(content):
    return content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 1]) + content[len(content) // 2 + 1 :]


DAMAGES = {
    "cut off": lambda content: content[: len(content) // 2],
    "emptied": lambda _: b"",
    "one bit": flipped,
    "text": lambda _: b"sorry, not found\n",
}


def damage(path, how):
    """Damage a file in place, its time stamp kept: nothing but its bytes tells."""
    stat = path.stat()
    content = DAMAGES[how](path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(stat.st_mode)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.usefixtures("project")
def test_whole(capsys):
    """Fails where code or inputs were changed since the results were made, and says what to run."""
    assert told(capsys, "--before-run") == ""
    assert told(capsys) == ""


def test_stages_are_found_by_their_notebooks(root):
    for name, stage in read_stages(root).items():
        words = stage["cmd"].split()
        if "bcopt.compendium.runner" in words:
            assert checkout.pipeline_stage(words[-1]) == name
    assert checkout.pipeline_stage(systems2024.simulation.STAGE) == "systems2024-simulation"
    assert checkout.pipeline_stage(frontiers2022.band.STAGE) == "frontiers2022-band"


# ---------------------------------------------------------------- inputs


READERS = {
    "data/derived/loads.nc": ("systems2024/2.1-clusters-and-loads", systems2024.analysis.read_results),
    "data/derived/load_variants.nc": ("systems2024/2.1-clusters-and-loads", systems2024.analysis.read_results),
    "data/derived/storey_balance.nc": ("systems2024/2.1-clusters-and-loads", systems2024.analysis.read_results),
    "data/derived/frontiers2022_days.nc": ("frontiers2022/4.1-basic-data", frontiers2022.simulation.read),
}


EVERY_WAY = [("data/derived/loads.nc", how) for how in (*DAMAGES, "missing")]
OTHERS = [(name, how) for name in [*READERS][1:] for how in ("cut off", "one bit")]


@pytest.mark.parametrize(("name", "how"), EVERY_WAY + OTHERS)
def test_simulated_loads(project, capsys, run, name, how):
    page, read = READERS[name]
    if how == "missing":
        (project / name).unlink()
    else:
        damage(project / name, how)
    said = refused(capsys, page)
    assert f"{name} is " in said
    assert command_of(said) == f"git checkout HEAD -- {name}"
    with pytest.raises(InputError, match=r"not what the stage .* wrote|does not exist: run `dvc repro") as caught:
        read()
    assert caught.value.source == name
    with pytest.raises(InputError, match=f"{name} is "):
        Page(page)
    mended(run, project, said)
    read()
    Page(page)


def test_loads_that_dvc_does_not_know_are_read_as_far_as_they_go(project):
    """Without dvc.lock nothing says what was written: then the file itself must be whole."""
    (project / "dvc.lock").unlink()
    damage(project / "data/derived/loads.nc", "cut off")
    with pytest.raises(InputError, match=r"is no whole NetCDF file: run `dvc repro --force systems2024-simulation`"):
        systems2024.analysis.read_results()


def test_edited_fits(project, capsys, run):
    table = project / "data/derived/energyeng2023_effective_areas.csv"
    table.write_text(re.sub(r"(\d)(,km2|,m2|,1)", r"7\2", table.read_text(), count=1))
    said = refused(capsys, "energyeng2023/5.4-cost-and-carbon")
    assert "is not what the stage energyeng2023-renewable-energy wrote" in said
    from bcopt.studies.energyeng2023.inputs import load_fitted

    with pytest.raises(InputError, match="is not what the stage"):
        load_fitted(table.name, project)
    mended(run, project, said)
    load_fitted(table.name, project)


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "missing"), (b"", "empty"), (POINTER, "holds a pointer of git-lfs"), ("half", "cut off")],
)
def test_half_checked_out_data(project, capsys, run, content, what):
    path = project / INPUT
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:1500] if content == "half" else content)
    for said in (refused(capsys), told(capsys, "--before-run"), told(capsys)):
        assert f"{INPUT}: {what}" in said
        assert command_of(said) == f"git checkout HEAD -- {INPUT}"
    with pytest.raises(InputError, match=what):
        Page(PAGE)
    mended(run, project, said)
    Page(PAGE)


def test_a_missing_folder_is_one_problem(project, capsys, run):
    shutil.rmtree(project / "data/standards")
    shutil.rmtree(project / "notebooks")
    said = told(capsys, "--before-run")
    assert "data/standards/" in said
    assert " more: missing" in said
    mended(run, project, said)
    assert told(capsys, "--before-run") == ""


def test_an_edited_input_is_no_damage(project, capsys):
    table = project / INPUT
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    assert told(capsys, "--before-run") == ""
    said = told(capsys)
    assert "dvc.lock is older than " in said
    assert INPUT in said
    assert command_of(said) == "dvc repro"


def test_a_last_row_deleted_by_an_editor_that_ends_without_a_line_end_is_an_edit(project, capsys):
    table = project / INPUT
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]).rstrip("\n"))
    assert told(capsys, "--before-run") == ""


def test_a_removal_that_is_staged_is_no_damage(project, capsys, run):
    removed = "data/standards/gb55015_rates.csv"
    assert run("git", "mv", removed, "data/standards/renamed.csv", cwd=project).returncode == 0
    assert told(capsys, "--before-run") == ""
    assert run("git", "mv", "data/standards/renamed.csv", removed, cwd=project).returncode == 0


def test_parameters_and_protocol_are_read_before_a_run(project, capsys):
    (project / "params.yaml").write_text("# nothing\n")
    assert "params.yaml" in told(capsys, "--before-run")


def test_what_git_does_not_hold_is_never_removed(project, capsys, run):
    """As in an archive that was unpacked and made a repository, with nothing committed yet."""
    head = run("git", "rev-parse", "HEAD", cwd=project).stdout.strip()
    assert run("git", "update-ref", "-d", "HEAD", cwd=project).returncode == 0
    table = project / "data/derived/energyeng2023_coefficients.csv"
    table.write_text(table.read_text() + "\n")
    said = told(capsys)
    assert run("git", "update-ref", "HEAD", head, cwd=project).returncode == 0
    assert "energyeng2023_coefficients.csv is not what the stage" in said
    assert "rm -f" not in said


# ---------------------------------------------------------------- results


EDITED = [
    NOTEBOOK,
    "results/ledger.csv",
    f"results/tables/{PAGE}/demand.csv",
    "results/figures/ledger/verdicts.svg",
    "results/metrics.json",
    "data/README.md",
]


@pytest.mark.parametrize("name", EDITED)
def test_hand_edited_results(project, capsys, run, name):
    path = project / name
    good = path.read_bytes()
    path.write_bytes(good.replace(b"1", b"2", 1))
    said = told(capsys)
    assert name in said
    assert command_of(said) == f"git checkout HEAD -- {name}"
    if name.startswith("results/notebooks"):
        stage = run("dvc", "repro", "--single-item", "site", cwd=project)
        assert f"`git checkout HEAD -- {name}`" in stage.stderr, "nor is a site made of it"
    mended(run, project, said)
    assert path.read_bytes() == good


def test_files_put_among_results(project, capsys, run):
    folder = project / "results/tables" / PAGE
    before = contents(project)
    (folder / "mine.csv").write_text("a\n1\n")
    (folder / "demand.csv").unlink()
    said = told(capsys)
    assert "demand.csv, " in said
    assert "mine.csv" in said
    mended(run, project, said)
    assert contents(project) == before


def test_results_of_a_run_that_is_not_committed_are_made_again(project, capsys):
    """Where dvc.lock is not the committed one, git does not hold what the stage wrote."""
    (project / "dvc.lock").write_text((project / "dvc.lock").read_text() + "\n")
    path = project / "results/ledger.csv"
    path.write_text(path.read_text() + "\n")
    said = told(capsys)
    assert "results/ledger.csv is not what" in said
    assert re.findall(r"`([^`]+)`", said)[-1] == "dvc repro --force --single-item ledger"


@pytest.mark.parametrize("how", [*DAMAGES, "missing"])
def test_solutions(project, capsys, run, how):
    if how == "missing":
        (project / SOLUTION).unlink()
    else:
        damage(project / SOLUTION, how)
    said = told(capsys)
    assert f"{SOLUTION} is " in said
    assert command_of(said) == f"rm -rf {SOLUTION} && dvc checkout {SOLUTION}"
    if how == "one bit":
        mended(run, project, said)
        assert told(capsys) == ""


def cached(project, path):
    md5 = next(o.md5 for s in checkout.read_pipeline(project).values() for o in s.outputs if o.path == path)
    return project / checkout.CACHE / md5[:2] / md5[2:]


def test_damaged_cache_is_told_before_it_reaches_results(project, capsys, run):
    """DVC puts a damaged object in place and calls it up to date: the check must not."""
    kept = cached(project, "results/ledger.nc")
    damage(kept, "one bit")
    said = told(capsys)
    name = kept.relative_to(project).as_posix()
    assert f"{name}, the copy of results/ledger.nc, is damaged in DVC's cache" in said
    assert command_of(said) == f"rm -f {name} && dvc repro --single-item ledger"
    (project / "results/ledger.nc").unlink()
    run("dvc", "checkout", "results/ledger.nc", cwd=project)
    assert "up to date" in run("dvc", "status", "ledger", cwd=project).stdout
    both = told(capsys)
    assert "results/ledger.nc is not what the stage ledger wrote, nor is its copy in the cache" in both
    assert command_of(both) == f"rm -f {name} && dvc repro --force --single-item ledger"
    mended(run, project, both)
    assert told(capsys) == ""


def test_a_fresh_clone_has_nothing_but_one_problem(project, capsys):
    for path in (*(project / "results").rglob("*.nc"), *(project / "results").rglob("*.epw")):
        path.unlink()
    for folder in ("results/site", "results/systems2024", "results/frontiers2022", ".dvc/cache/files"):
        shutil.rmtree(project / folder)
    said = told(capsys)
    assert "not made here yet" in said
    assert command_of(said) == "dvc repro"
    assert told(capsys, "--before-run") == ""


# ---------------------------------------------------------------- dvc.lock


@pytest.mark.parametrize("how", ["conflict", "nonsense", "another list"])
def test_a_broken_lock(project, capsys, run, how):
    lock = project / "dvc.lock"
    content = lock.read_bytes()
    lines = content.splitlines(keepends=True)
    broken = {
        "conflict": b"".join(lines[:4]) + CONFLICT + b"".join(lines[5:]),
        "nonsense": b"sorry\n",
        "another list": b"stages:\n  a:\n    outs: [b]\n",
    }
    lock.write_bytes(broken[how])
    for said in (told(capsys), told(capsys, "--before-run")):
        assert said.startswith("dvc.lock: 1 problem")
        assert ("as after a merge with conflicts" in said) == (how == "conflict")
        assert command_of(said) == "git checkout HEAD -- dvc.lock"
    assert runner.main([PAGE]) == 1
    assert "`git checkout HEAD -- dvc.lock`" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"git checkout HEAD -- dvc\.lock"):
        Page(PAGE)
    mended(run, project, said)
    assert lock.read_bytes() == content


def test_a_merge_with_conflicts_is_mended(project, capsys, run):
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    start = run("git", "rev-parse", "HEAD", cwd=project).stdout.strip()
    lock, content = project / "dvc.lock", (project / "dvc.lock").read_bytes()
    old, first = run("git", "branch", "--show-current", cwd=project).stdout.strip(), content.split(b"\n", 1)[0]
    for branch, schema in (("theirs", b"schema: '2.1'"), ("ours", first + b" ")):
        run("git", "checkout", "-q", "-B", branch, start, cwd=project)
        lock.write_bytes(content.replace(first, schema, 1))
        run("git", *identity, "commit", "-q", "-a", "-m", branch, cwd=project)
    try:
        assert run("git", *identity, "merge", "-q", "theirs", cwd=project).returncode != 0
        said = told(capsys)
        assert "as after a merge with conflicts" in said
        mended(run, project, said)
        assert lock.read_bytes() == content.replace(first, first + b" ", 1)
    finally:
        run("git", "merge", "--abort", cwd=project)
        run("git", "checkout", "-q", "-f", old, cwd=project)


@pytest.mark.parametrize("how", ["missing", "empty", "cut off"])
def test_an_incomplete_lock(project, capsys, run, how):
    """DVC would run all again that it does not know; nothing wrong comes of it, so a run is not refused."""
    lock = project / "dvc.lock"
    content = lock.read_bytes()
    if how == "missing":
        lock.unlink()
    else:
        lock.write_bytes(b"" if how == "empty" else content.split(b"\n  systems2024-band:\n")[0][:-3])
    said = told(capsys)
    assert f"dvc.lock: {how}" in said
    with pytest.raises(InputError, match=f"dvc.lock: {how}"):
        Page(PAGE)
    assert told(capsys, "--before-run") == ""
    command = "git checkout HEAD -- dvc.lock"
    assert f"`{command}`" in said
    run("bash", "-ec", command, cwd=project)
    assert lock.read_bytes() == content


def test_a_lock_older_than_the_pipeline(project, capsys):
    path = project / "dvc.yaml"
    path.write_text(path.read_text().replace("bcopt.compendium.runner ledger", "bcopt.compendium.runner  ledger"))
    said = told(capsys)
    assert "dvc.lock is older than dvc.yaml: results of ledger are out of date" in said
    assert command_of(said) == "dvc repro"


def test_a_lock_of_other_results(project, capsys):
    """One taken from elsewhere does not fit what is here: no stage computes with what it does not know."""
    lock = project / "dvc.lock"
    loads = next(o for s in checkout.read_pipeline(project).values() for o in s.outputs if o.path.endswith("loads.nc"))
    lock.write_text(lock.read_text().replace(loads.md5, "f" * 32))
    said = refused(capsys, "systems2024/2.1-clusters-and-loads")
    assert command_of(said) == "dvc repro --force --single-item systems2024-simulation"


# ---------------------------------------------------------------- folders that are closed


def bound_by_permissions():
    """Return what makes permissions bind: root must give up the right to pass them over."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("runs as root, which no permission binds, and there is no setpriv")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def closed(folder, write):
    for path in (folder, *(p for p in folder.rglob("*") if p.is_dir())):
        path.chmod(path.stat().st_mode | 0o200 if write else path.stat().st_mode & ~0o222)


@pytest.mark.parametrize("name", ["results", f"results/tables/{PAGE}", "data/derived"])
def test_closed_folders(project, run, name):
    before = contents(project)
    binding = bound_by_permissions()
    (project / "results/.staging").mkdir(exist_ok=True)
    closed(project / name, write=False)
    try:
        command = ["dvc", "repro", "--force", "--single-item", STAGE]
        if name != "results":
            command = [sys.executable, "-m", "bcopt.compendium.runner", PAGE]
        done = run(*binding, *command, cwd=project)
        said = done.stderr.split("\nERROR: failed to reproduce")[0]
        assert done.returncode != 0
        assert "Traceback" not in done.stdout + done.stderr
        told = re.findall(r"  - (\S+) cannot be written to: `(.+)`", said)
        assert told
        assert all(folder.startswith(name) and command == f"chmod -R u+w {folder}" for folder, command in told)
        assert contents(project) == before
        run("bash", "-ec", "\n".join(command for _, command in told), cwd=project)
        check = f"from bcopt.compendium import checkout; checkout.require_ready({PAGE!r}, checkout.project_root())"
        assert run(*binding, sys.executable, "-c", check, cwd=project).stderr == ""
    finally:
        closed(project / name, write=True)


def test_read_only_file_system(project, run, tmp_path):
    script = f"mount --bind results results && mount -o remount,ro,bind results && {sys.executable} -m"
    check = ["unshare", "--mount", "bash", "-ec", f"{script} bcopt.compendium.checkout --before-run"]
    if not shutil.which("unshare") or run(*check[:3], "-ec", "mount --bind results results", cwd=project).returncode:
        pytest.skip("no read-only mount can be made here")
    said = run(*check, cwd=project).stderr
    assert "results cannot be written to" in said
    assert command_of(said) == "git clone . ~/bcopt"
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    subprocess.run(["bash", "-ec", command_of(said)], cwd=project, env=home, check=True, capture_output=True)
    assert checkout.obstacles(tmp_path / "bcopt") == []


# ---------------------------------------------------------------- EnergyPlus


@pytest.fixture
def library(tmp_path, monkeypatch):
    """The Python part of EnergyPlus where its compiled part can be damaged."""
    installed = Path(energyplus.importlib.util.find_spec("pyenergyplus").origin).parent
    shutil.copytree(installed, tmp_path / "pyenergyplus", ignore=shutil.ignore_patterns("data", "__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    energyplus._fault.cache_clear()
    yield tmp_path
    energyplus._fault.cache_clear()


@pytest.mark.parametrize("how", ["deleted", "emptied"])
def test_energyplus_library(project, library, capsys, how):
    if how == "emptied":
        for name in ("libenergyplusapi.so", "libenergyplusapi.dylib", "EnergyPlusAPI.dll"):
            (library / name).write_bytes(b"")
    before = contents(project)
    assert frontiers2022.simulation.main() == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.startswith("frontiers2022/simulation: EnergyPlus failed\n")
    assert "its library pyenergyplus-lbnl cannot be loaded (" in said
    for words in ("Linux x86-64, Windows and Apple silicon", "`make -B environment`", "data/derived/loads.nc"):
        assert words in said
    assert contents(project) == before


def test_energyplus_is_not_installed(project, run, tmp_path):
    """By DVC, where Python finds no such package; the loads are read all the same."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pyenergyplus'] = None\n")
    options = f"PYTHONPATH={tmp_path}"
    before = contents(project)
    done = run("env", options, "dvc", "repro", "--force", "--single-item", "systems2024-simulation", cwd=project)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "its library pyenergyplus-lbnl is not installed" in done.stderr
    assert "`make -B environment`" in done.stderr
    assert contents(project) == before
    read = "from bcopt.studies.systems2024 import analysis; print(analysis.read_results()[0].sizes['hour'])"
    assert run("env", options, sys.executable, "-c", read, cwd=project).stdout.strip() == "8760"
