"""The compendium as a static site that opens from a folder without a network.

jupyter-book renders the notebooks as executed; the contents follow the files found; two builds give the same bytes.
"""

from __future__ import annotations

import json
import logging
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

import yaml

from bcopt.compendium.paths import project_root
from bcopt.compendium.runner import StageError, guarded

LOGGER = logging.getLogger(__name__)

EXECUTED = "results/notebooks"  # their sources, whose relative links they hold, and their pages are in notebooks/
UNUSED_MATHJAX = shutil.ignore_patterns("SVG", "localization", "a11y", "MathML")  # left: TeX to HTML, with its font
UNREAD = shutil.ignore_patterns(".buildinfo", "*.map", "objects.inv", "locales", "*webpack-macros.html")  # for tools

_LINK = re.compile(
    r"(?P<code>^[ \t]*(?P<fence>```+|~~~+).*?^[ \t]*(?P=fence)|`[^`\n]+`)"
    r"|!\[(?P<alt>[^\]]*)\]\(\s*https?:[^)]*\)|<img\b[^>]*\bsrc=\"https?:[^>]*>"  # images of other hosts
    r"|(?P<lead>\]\(\s*<?|^\[[^\]\n]+\]:\s*<?|<img\b[^>]*\bsrc=\")(?P<target>[^\s)>\"#]+)",
    re.DOTALL | re.MULTILINE,
)
_RANDOM = re.compile(r" id=\"equation-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\">\s*<span class=\"eqno\">.*?</span>")
_ASKS = re.compile(
    r"<(?:script|link|img|iframe|source|video|audio|object|embed)\b[^>]*?\b(?:src|href|data)=[\"'](?:https?:)?//[^\"']+"
)


class SiteError(RuntimeError):
    """The site could not be built; where jupyter-book failed, the message ends with what it said last."""


@dataclass(frozen=True)
class _Book:
    """Sources of a site: project, its page (staged path) by project file in reading order, staging and site folder."""

    root: Path
    pages: Mapping[str, str]
    stage: Path
    site: PurePosixPath

    def markdown(self, text: str, file: str) -> str:
        """Return a file's markdown with links that work within the site, images of other hosts reduced to words."""
        return _LINK.sub(
            lambda m: m["lead"] + self.follow(m["target"], file) if m["lead"] else m["alt"] or m["code"] or "", text
        )

    def follow(self, target: str, file: str) -> str:
        """Return a file's link as its page must spell it; other hosts, and links that lead nowhere, stay."""
        if re.match(r"[a-zA-Z][\w+.-]*:|/", target):
            return target
        here = posixpath.dirname(self.pages[file])
        for folder in (here, posixpath.dirname(file)):
            found = self.find(posixpath.normpath(posixpath.join(folder, unquote(target))))
            if found is not None:
                return quote(posixpath.relpath(found, here or "."))
        return target

    def find(self, file: str) -> str | None:
        """Return the staged path of a project file: its page, or a copy for download.

        A folder leads to its first page, or else to the nearest README above it.
        """
        path = PurePosixPath(file)
        if self.site in (path, *path.parents):
            return self.pages["README.md"]
        if file in self.pages or file in self.pages.values():
            return self.pages.get(file, file)
        inside = [to for page, to in self.pages.items() if f"\n{file}/" in f"\n{page}\n{to}"]
        if inside or ".." in path.parts or not (self.root / file).exists():
            return inside[0] if inside else None
        if (self.root / file).is_dir():
            above = (self.pages.get((up / "README.md").as_posix()) for up in (path, *path.parents))
            return next(page for page in above if page)
        (self.stage / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.root / file, self.stage / file)
        return file


def build_site(root: Path, destination: Path) -> None:
    """Build the HTML site of a compendium, executing nothing and asking no other host.

    Parameters
    ----------
    root : Path
        Project with README.md, site/_config.yml and executed notebooks below results/notebooks/; data/README.md and
        CHANGELOG.md become pages where they exist. Only read.
    destination : Path
        Folder of the site, replaced as a whole once the build has succeeded.

    Raises
    ------
    SiteError
        If there is no executed notebook or one is malformed, ``destination`` holds something other than a site,
        jupyter-book fails, or a page would ask another host.
    FileNotFoundError
        If ``root`` has no README.md or site/.
    """
    root, destination = root.resolve(), destination.resolve()
    if destination.exists() and any(destination.iterdir()) and not (destination / "searchindex.js").exists():
        raise SiteError(f"{destination} is not empty and holds no searchindex.js: it is no site that could be replaced")
    parts, pages = _contents(root)
    with tempfile.TemporaryDirectory(prefix="bcopt-site-") as name:
        folder = Path(name).resolve()
        _stage(_Book(root, pages, folder / "source", PurePosixPath(os.path.relpath(destination, root))), parts)
        _run_jupyter_book(folder)
        html = folder / "source" / "_build" / "html"
        _finish(html)
        beside = destination.with_name(f".{destination.name}.{os.getpid()}")
        shutil.copytree(html, beside, ignore=UNREAD)
    shutil.rmtree(destination, ignore_errors=True)
    beside.rename(destination)


def _contents(root: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the pages by part of the table of contents, and the page of each project file, in the order of reading."""
    found = [file.relative_to(root / EXECUTED).as_posix() for file in (root / EXECUTED).rglob("*.ipynb")]
    notebooks = sorted((name for name in found if ".ipynb_checkpoints" not in name), key=_by_section)
    if not notebooks:
        raise SiteError(f"no executed notebook below {root / EXECUTED}: run the pipeline first")
    parts: dict[str, list[str]] = {}
    for name in notebooks:
        parts.setdefault(posixpath.dirname(name) or "Results", []).append(f"notebooks/{name}")
    about = [name for name in ("data/README.md", "CHANGELOG.md") if (root / name).is_file()]
    pages = {"README.md": "index.md"} | {f"{EXECUTED}/{name}": f"notebooks/{name}" for name in notebooks}
    return parts | ({"About": about} if about else {}), pages | {name: name for name in about}


def _by_section(name: str) -> tuple[bool, str, list[int], str]:
    """Sort notebooks of no study (the ledger) first, then by study and section number: 3.10 after 3.2."""
    study, _, title = name.rpartition("/")
    return bool(study), study, [int(part) for part in re.findall(r"\d+", title.partition("-")[0])], title


def _stage(book: _Book, parts: Mapping[str, list[str]]) -> None:
    """Write the pages' sources, the settings, the table of contents and MathJax to the staging folder."""
    shutil.copytree(book.root / "site", book.stage)
    listed = {part: [{"file": posixpath.splitext(name)[0]} for name in names] for part, names in parts.items()}
    toc = {"format": "jb-book", "root": "index", "parts": [{"caption": k, "chapters": v} for k, v in listed.items()]}
    (book.stage / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    for file, to in book.pages.items():
        source = (book.root / file).read_text(encoding="utf-8")
        text = _notebook(source, book, file) if file.endswith(".ipynb") else book.markdown(source, file)
        (book.stage / to).parent.mkdir(parents=True, exist_ok=True)
        (book.stage / to).write_text(text, encoding="utf-8")
    mathjax = Path(str(files("jupyter_server_mathjax"))) / "static"
    shutil.copytree(mathjax, book.stage / "static" / "mathjax", ignore=UNUSED_MATHJAX)


def _notebook(text: str, book: _Book, file: str) -> str:
    """Return a notebook with its markdown cells rewritten and its language named, outputs untouched."""
    try:
        notebook = json.loads(text)
        notebook["metadata"].setdefault("language_info", {"name": "python"}).setdefault("pygments_lexer", "ipython3")
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = book.markdown("".join(cell["source"]), file)
    except (ValueError, KeyError, TypeError) as error:
        raise SiteError(f"{file} is no notebook: {error!r}") from error
    return json.dumps(notebook, ensure_ascii=False)


def _run_jupyter_book(folder: Path) -> None:
    """Render source/ to source/_build/html in a process of its own, whose output goes to the log."""
    fixed = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", "source", "-q"]
    env = os.environ | fixed | {"TMPDIR": str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False)  # noqa: S603 - all words ours
    noise = r"\x1b\[[\d;]*m|" + re.escape(f"{folder}/source/")
    said = re.sub(noise, "", (done.stdout + done.stderr).decode("utf-8", "replace")).splitlines()
    if done.returncode:
        raise SiteError("\n".join((f"jupyter-book ended with {done.returncode}:", *said[-40:])))
    for line in said:
        LOGGER.log(logging.WARNING if "WARNING:" in line or "ERROR:" in line else logging.DEBUG, line)


def _finish(html: Path) -> None:
    """Remove the random numbering of equations, whose numbers are the papers', and refuse to ask other hosts."""
    asks: list[str] = []
    for page in sorted(html.rglob("*.html")):
        text = _RANDOM.sub(">", page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
        asks += (f"{page.relative_to(html)}: {ask}" for ask in _ASKS.findall(text))
    if asks:
        raise SiteError("\n".join(("pages that would ask another host:", *asks)))


def main() -> int:
    """Build ``results/site`` as a stage of the pipeline: ``python -m bcopt.compendium.site``."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    root = project_root()
    try:
        with guarded("site", root):
            build_site(root, root / "results" / "site")
    except (SiteError, StageError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
