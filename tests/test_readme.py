"""The README followed literally: its commands run one after the other in a checkout, and what it names exists."""

import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from checkout import contents
from lab import end, free_port, settings

from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.pipeline import read_stages

SECONDS = 900
PRELUDE = r"""
# A server is waited for until it answers, and interrupted; the answer to its question is yes.
serve() {
    set -m; command "$@" <<< y & set +m
    until answer; do kill -0 $!; sleep 0.2; done
    kill -INT -- -$!
    wait $! || true
    ! answer
}
answer() {
    (exec 3<>"/dev/tcp/127.0.0.1/$JUPYTER_PORT"; printf 'GET /api HTTP/1.0\r\n\r\n' >&3; grep -q version <&3) 2>&-
}
# A second environment, of a newer Python, would only be built to collect what `make test` itself runs there.
make() { if [ "$*" = lab ]; then serve make lab; else command make "$@" NEWER=none; fi; }
jupyter() { if [ "${1:-}" = lab ]; then serve jupyter "$@"; else command jupyter "$@"; fi; }
unchanged() {
    local status
    status=$(git status --porcelain)
    [ -z "$status" ] || { echo "git status: $status"; false; }
}
"""


def blocks(text):
    """Return the commands of every ```sh block, each with its line in the document; backslashes join lines."""
    found, inside = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = not inside and line.strip() == "```sh"
            found += [[]] if inside else []
        elif inside and found[-1] and found[-1][-1][1].endswith("\\"):
            first, begun = found[-1].pop()
            found[-1].append((first, f"{begun}\n{line}"))
        elif inside and line.strip() and not line.startswith("#"):
            found[-1].append((number, line))
    return found


def script(text):
    """Return the document's commands as one session of bash that says where it is; conda's blocks need conda."""
    steps = [PRELUDE]
    for block in blocks(text):
        absent = block[0][1].startswith("conda ") and not shutil.which("conda")
        for number, command in block:
            place = shlex.quote(f"README.md:{number}: {command}")
            steps += [f"echo skipped, no conda: {place}"] if absent else [f"echo {place}", command, "unchanged"]
    return "\n".join(steps)


def user_environment(scratch):
    """Return the environment of a user's shell, but that pytest collects and JupyterLab opens no window."""
    here = {str(Path(sys.executable).parent), str(Path(sys.prefix) / "bin")}
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part not in here)
    surroundings = settings(scratch, free_port(), secrets.token_hex(16))
    surroundings.pop("VIRTUAL_ENV", None)
    return {
        **surroundings,
        "PATH": path,
        "PYTEST_ADDOPTS": "--collect-only -q -n 0",
        "CONDA_ENVS_DIRS": str(scratch / "conda"),
    }


def follow(text, folder, scratch):
    """Run the document's commands in a folder; fail with the line that fails and what it said."""
    log = scratch / "log.txt"
    scratch.mkdir()
    with log.open("w") as output:
        streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        command = ["bash", "-euo", "pipefail", "-c", script(text)]
        process = subprocess.Popen(command, cwd=folder, env=user_environment(scratch / "jupyter"), **streams)
    try:
        code = process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        code = f"no end after {SECONDS} s"
    finally:
        end(process)
    said = log.read_text()
    last = [line for line in said.splitlines() if line.startswith("README.md:")][-1:]
    assert code == 0, f"{' '.join(last)}: {code}\n{said[-5000:]}"
    return said


# ---------------------------------------------------------------- followed


@pytest.mark.slow
def test_readme_followed_literally(copied_project, run, tmp_path):
    assert "up to date" in run("dvc", "status", cwd=copied_project).stdout, "`make reproduce` first: this takes long"
    text = (copied_project / "README.md").read_text()
    before = contents(copied_project)
    try:
        said = follow(text, copied_project, tmp_path / "scratch")
    finally:
        for environment in (".venv", ".uv"):  # a gibibyte each time
            shutil.rmtree(copied_project / environment, ignore_errors=True)
    assert blocks(text)[0][0][1].split()[:2] == ["make", "reproduce"]
    for block in blocks(text):
        for number, _ in block:
            assert f"README.md:{number}: " in said
    assert contents(copied_project) == before
    assert run("git", "status", "--porcelain", cwd=copied_project).stdout == ""


@pytest.fixture
def folder(tmp_path):
    """Return an empty repository."""
    (tmp_path / "empty").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "empty", check=True)
    return tmp_path / "empty"


def test_commands_share_one_session(folder, tmp_path):
    text = "text\n```sh\nword=several  # a comment\n\n# no command\n```\n```py\nfalse\n```\n"
    text += "```sh\necho $word \\\n  words\n```\n"
    assert blocks(text) == [[(3, "word=several  # a comment")], [(11, "echo $word \\\n  words")]]
    assert "\nseveral words\n" in follow(text, folder, tmp_path / "scratch")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("false", "README.md:3: false: 1"),
        ("false | true", "README.md:3: false | true: 1"),
        ("echo $unset_name", "unbound variable"),
        ("touch left", "?? left"),
        ("jupyter lab nowhere", "README.md:3: jupyter lab nowhere: "),
    ],
)
def test_a_command_that_fails_is_told_with_its_line(folder, tmp_path, command, told):
    with pytest.raises(AssertionError) as caught:
        follow(f"```sh\ntrue\n{command}\necho reached\n```\n", folder, tmp_path / "scratch")
    assert told in str(caught.value)
    assert "\nreached" not in str(caught.value)


def test_blocks_of_conda_need_conda(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    text = "```sh\nconda activate bcopt\nfalse\n```\n```sh\necho done\n```\n"
    said = follow(text, folder, tmp_path / "scratch")
    assert "skipped, no conda: README.md:2: conda activate bcopt\nskipped, no conda: README.md:3: false" in said


# ---------------------------------------------------------------- what it names exists


def code_of(text):
    """Return every command and every text in backticks."""
    commands = [command for block in blocks(text) for _, command in block]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [code.partition("#")[0].strip() for code in [*commands, *re.findall(r"`([^`\n]+)`", prose)]]


def unknown_names(text, root):
    """Return the targets, stages and parameters that commands and texts in backticks name and the project lacks."""
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    stages = set(read_stages(root))
    sections = read_parameters(root).model_dump()
    parameters = {f"{section}.{name}" for section, values in sections.items() for name in values}
    unknown = set()
    for code in code_of(text):
        unknown |= set(re.findall(r"^make ([\w-]+)", code)) - targets
        unknown |= set(re.findall(r"(?:-S|--set-param)[ =]([\w.]+)", code)) - parameters
        unknown |= set(re.findall(rf"^(?:{'|'.join(sections)})\.\w+(?=$|: )", code)) - parameters
        pipeline = re.match(r"dvc (?:repro|exp run)\b(.*)", code)
        if pipeline:
            words = re.sub(r"(-S|--set-param|-n|--name)[ =]\S+", "", pipeline[1]).split()
            unknown |= {word for word in words if not word.startswith("-")} - stages
    return unknown


def test_named_targets_stages_and_parameters_exist(root):
    assert unknown_names((root / "README.md").read_text(), root) == set()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("`make everything`", "everything"),
        ("```sh\ndvc repro ledger nothing  # a comment\n```", "nothing"),
        ("`dvc exp run --temp -S search.engine=pymoo nothing`", "nothing"),
        ("```sh\ndvc exp run --temp -S search.motor=pymoo ledger\n```", "search.motor"),
        ("`climate.epw` and `climate.epx`", "climate.epx"),
        ("`search.motor: pymoo`", "search.motor"),
    ],
)
def test_unknown_names_are_found(root, text, name):
    assert unknown_names(text, root) == {name}


def anchors(path):
    """Return what links may point to in a document: its headings as GitHub makes anchors of them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.sub(r"[`*]|\]\([^)]*\)|\[", "", "\n".join(re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)))
    seen, found = Counter(), set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in headings.splitlines():
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken_anchors(path):
    """Return the links of a document, into itself or another one, whose anchor is not there."""
    links = re.findall(r"\]\((?!https?:)([^)\s#]*)#([^)\s]+)\)", path.read_text())
    documents = [(path.parent / name if name else path, anchor) for name, anchor in links]
    return [f"{document.name}#{anchor}" for document, anchor in documents if anchor not in anchors(document)]


def test_anchors_exist(root):
    assert broken_anchors(root / "README.md") == []


def test_broken_anchors_are_found(tmp_path):
    (tmp_path / "other.md").write_text("# One, `two`: [three](x.md)\n## Same\n## Same\n```\n# none\n```\n")
    links = [f"[a](other.md#{name})" for name in ("one-two-three", "same", "same-1", "same-2", "none")]
    (tmp_path / "README.md").write_text("# Here\n[b](#here) [c](#there) " + " ".join(links))
    assert broken_anchors(tmp_path / "README.md") == ["README.md#there", "other.md#same-2", "other.md#none"]
