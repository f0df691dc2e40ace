"""What lets others run this elsewhere: the workflow of GitHub, the container, Binder, conda, and the shell scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = ".github/workflows/reproduce.yml"
CONTAINER = ".devcontainer/devcontainer.json"
REFERENCE = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
"""The Python of the reference environment."""
NEWER = re.search(r"(?m)^NEWER := (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8")).group(1)
"""The Python whose environment `make test` builds as well."""
SCHEMAS = {
    WORKFLOW: "vendor/github-workflows.json",
    "CITATION.cff": "vendor/citation-file-format.json",
    CONTAINER: "devcontainer.schema.json",
}
"""Schemas of others come with check-jsonschema, so that nothing is fetched; ours is below tests/schemas."""


class Yaml12(yaml.SafeLoader):
    """YAML as GitHub and JSON have it: `on` is a name, and true and false alone are truths."""


Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:bool"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def read(content: str) -> dict:
    return yaml.load(content, Loader=Yaml12)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def workflow() -> dict:
    return read(text(WORKFLOW))


def jobs() -> dict[str, dict]:
    return workflow()["jobs"]


def step(job: str, part: str) -> dict:
    """Return the one step of a job whose action or command holds a text."""
    (found,) = [s for s in jobs()[job]["steps"] if part in s.get("uses", "") + s.get("run", "")]
    return found


def commands(job: str) -> str:
    return "\n".join(s["run"] for s in jobs()[job]["steps"] if "run" in s)


# ---- valid by their schemas


def schema(name: str) -> dict:
    file = Path(SCHEMAS[name])
    if file.parts[0] == "vendor":
        place = Path(str(distribution("check-jsonschema").locate_file("check_jsonschema"))) / "builtin_schemas"
    else:
        place = ROOT / "tests" / "schemas"
    return json.loads((place / file).read_text(encoding="utf-8"))


def faults(name: str, content: str) -> list[str]:
    """Return what a committed file's schema says of a content."""
    rules = schema(name)
    validator = jsonschema.validators.validator_for(rules)
    validator.check_schema(rules)
    return [f"{fault.json_path}: {fault.message}" for fault in validator(rules).iter_errors(read(content))]


@pytest.mark.parametrize("name", SCHEMAS)
def test_valid_by_its_schema(name: str) -> None:
    assert faults(name, text(name)) == []


@pytest.mark.parametrize(
    ("name", "right", "wrong", "told"),
    [
        (WORKFLOW, "runs-on: ubuntu-24.04", "run-on: ubuntu-24.04", "run-on"),
        (WORKFLOW, "timeout-minutes: 15", "timeout: 15", "timeout"),
        (WORKFLOW, "on:\n  push:\n", "on:\n  pushed:\n", "pushed"),
        (CONTAINER, '"image"', '"picture"', "picture"),
        (CONTAINER, '"4gb"', '"4 GB"', "4 GB"),
        (CONTAINER, '"make environment"', "7", "postCreateCommand"),
        ("CITATION.cff", "authors:", "writers:", "writers"),
    ],
)
def test_schemas_see_a_slip(name: str, right: str, wrong: str, told: str) -> None:
    assert right in text(name)
    assert told in "\n".join(faults(name, text(name).replace(right, wrong, 1)))


# ---- the workflow


def test_workflow_runs_what_the_readme_tells() -> None:
    run = step("reproduce", ".ci/run")
    assert (run["run"], run["env"]) == ("bash .ci/run", {"CI": "true"})
    assert set(workflow()["on"]) == {"push", "pull_request", "workflow_dispatch"}


def test_workflow_sets_up_the_reference_python_and_a_newer_one() -> None:
    assert step("reproduce", "setup-python")["with"]["python-version"].split() == [NEWER, REFERENCE]
    assert step("elsewhere", "setup-python")["with"]["python-version"] == NEWER
    assert f"--python {NEWER} " in commands("elsewhere")


def test_workflow_keeps_downloads_by_the_lock() -> None:
    assert "hashFiles('requirements.lock')" in step("reproduce", "actions/cache")["with"]["key"]


def test_workflow_publishes_the_site_from_the_default_branch_alone() -> None:
    site = step("reproduce", "upload-pages-artifact")["with"]["path"]
    stage = yaml.safe_load(text("dvc.yaml"))["stages"]["site"]
    assert site in {name for out in stage["outs"] for name in ([out] if isinstance(out, str) else out)}
    steps = jobs()["reproduce"]["steps"]
    assert steps.index(step("reproduce", ".ci/run")) < steps.index(step("reproduce", "upload-pages-artifact"))
    publish = jobs()["publish"]
    assert publish["needs"] == "reproduce"
    assert "github.ref_name == github.event.repository.default_branch" in publish["if"]
    assert "github.event_name != 'pull_request'" in publish["if"]
    assert step("publish", "actions/deploy-pages")["id"] in publish["environment"]["url"]


def test_workflow_may_do_little_and_ends() -> None:
    assert workflow()["permissions"] == {}
    assert {name: job["permissions"] for name, job in jobs().items()} == {
        "reproduce": {"contents": "read"},
        "elsewhere": {"contents": "read"},
        "publish": {"pages": "write", "id-token": "write"},
    }
    assert "github.ref" in workflow()["concurrency"]["group"]
    assert all(0 < job["timeout-minutes"] <= 120 for job in jobs().values())
    checkouts = [s for job in jobs().values() for s in job["steps"] if "checkout" in s.get("uses", "")]
    assert [s["with"]["persist-credentials"] for s in checkouts] == [False, False]


def test_workflow_names_actions_by_their_content() -> None:
    """A tag can be moved to other code; a commit cannot. The comment says which release it was."""
    used = re.findall(r"uses: (\S+)(.*)", text(WORKFLOW))
    assert len(used) == sum("uses" in s for job in jobs().values() for s in job["steps"])
    for action, rest in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", rest), action


def test_other_machines_are_expected_and_install_as_the_makefile_does() -> None:
    job = jobs()["elsewhere"]
    assert job["continue-on-error"] is True
    assert job["strategy"]["matrix"]["machine"] == ["windows-2025", "macos-15", "macos-15-intel"]
    assert 'pytest -m "not slow" tests' in commands("elsewhere")
    recipe = re.sub(r"--quiet |--compile-bytecode ", "", text("Makefile"))
    told = [line for line in commands("elsewhere").splitlines() if line.startswith("uv pip")]
    assert told
    for line in told:
        assert f'"$(UV)" {line.removeprefix("uv ")}\n' in recipe, line


# ---- the container


def container() -> dict:
    return read(text(CONTAINER))


def test_container_is_the_reference_environment() -> None:
    tag = container()["image"].partition(":")[2]
    assert tag.partition("-")[0] == REFERENCE
    command, target = container()["postCreateCommand"].split()
    assert command == "make"
    assert re.search(rf"(?m)^{target}:.*\.venv/", text("Makefile"))
    here = container()["customizations"]["vscode"]
    assert here["settings"]["python.defaultInterpreterPath"] == "${containerWorkspaceFolder}/.venv/bin/python"
    assert "ms-toolsai.jupyter" in here["extensions"]


def test_container_holds_the_browser_of_the_tests() -> None:
    package = re.search(r"apt-get install -y -qq ([\w-]+)", text(".ci/run")).group(1)
    assert container()["onCreateCommand"].endswith(f"apt-get install -y -qq {package}")


# ---- conda and Binder


def editable_install() -> str:
    """Return the README's command that follows `conda activate`."""
    block = text("README.md").partition("conda env create")[2].partition("```")[0]
    (command,) = [line for line in block.splitlines() if line.startswith("pip install")]
    return command


def test_conda_environment_is_the_lock() -> None:
    assert read(text("environment.yml")) == {
        "name": "bcopt",
        "channels": ["conda-forge"],
        "dependencies": [f"python={REFERENCE}", "pip", {"pip": ["-r requirements.lock"]}],
    }


def test_conda_binder_and_makefile_install_the_package_alike() -> None:
    command = editable_install()
    assert command in text("environment.yml"), "the comment that says what follows"
    assert text("postBuild").splitlines()[-1] == command
    assert "uv " + command in text("Makefile").replace('"$(UV)" ', "uv ").replace("--quiet ", "")


def test_binder_finds_what_it_needs() -> None:
    """The rules of repo2docker: environment.yml at the root names one Python, and postBuild can be run."""
    script = ROOT / "postBuild"
    assert script.read_bytes().startswith(b"#!/usr/bin/env bash\n")
    assert b"\r" not in script.read_bytes()
    assert os.access(script, os.X_OK) or sys.platform == "win32"
    dependencies = yaml.safe_load(text("environment.yml"))["dependencies"]
    assert [d for d in dependencies if isinstance(d, str) and d.startswith("python")] == [f"python={REFERENCE}"]
    # Each of these would be taken instead of environment.yml, or be ignored beside it.
    others = ["Dockerfile", "binder", ".binder", "requirements.txt", "runtime.txt", "Pipfile", "Project.toml"]
    assert [name for name in others if (ROOT / name).exists()] == []


# ---- shell


def scripts() -> dict[str, str]:
    """Return every piece of bash: files that name it in their first line, and the steps of the workflow."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    found = {name: text(name) for name in names if (ROOT / name).read_bytes()[:32].startswith(b"#!/usr/bin/env bash")}
    for job in jobs():
        steps = {f"{job} {number}": s["run"] for number, s in enumerate(jobs()[job]["steps"]) if "run" in s}
        found |= {name: re.sub(r"\$\{\{.*?\}\}", "x", source) for name, source in steps.items()}
    return found


def test_shell_scripts_parse_and_stop_at_the_first_fault() -> None:
    assert {".ci/run", "postBuild"} < set(scripts())
    for name, source in scripts().items():
        done = subprocess.run(["bash", "-n"], input=source, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), name
        assert "set -euo pipefail" in source or not source.startswith("#!"), name
