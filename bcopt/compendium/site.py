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
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from bcopt.compendium import site_ledger, site_reference
from bcopt.compendium.lifeline import Lifeline, bound
from bcopt.compendium.runner import run_alone, staged
from bcopt.compendium.site_links import Book

LOGGER = logging.getLogger(__name__)

STAGE = "site"
RESULTS, GUIDES, REFERENCE, ABOUT = "Results", "How to", "Reference", "About"  # parts beside the studies
EXECUTED = "results/notebooks"  # their sources, whose relative links they hold, and their pages are in notebooks/
MATHJAX = "config/TeX-AMS-MML_HTMLorMML-full.js"
UNUSED_MATHJAX = shutil.ignore_patterns("SVG", "localization", "a11y", "MathML")  # left: TeX to HTML, with its font
UNREAD = shutil.ignore_patterns(".buildinfo", "*.map", "objects.inv", "locales", "*webpack-macros.html")  # for tools

_RANDOM = re.compile(r" id=\"equation-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\">\s*<span class=\"eqno\">.*?</span>")
_PRELOAD = re.compile(r"\s*<link\b[^>]*\brel=\"preload\"[^>]*\bas=\"font\"[^>]*>")
_BLANK = re.compile(r"url\('about:blank'\)")  # a font of MathJax that a page opened from a folder may not load
_ASKS = re.compile(
    r"<(?:script|link|img|iframe|source|video|audio|object|embed)\b[^>]*?\b(?:src|href|data)=[\"'](?:https?:)?//[^\"']+"
)


class SiteError(RuntimeError):
    """The site could not be built; where jupyter-book failed, the message ends with what it said last."""


def build_site(root: Path, destination: Path, beside: Path | None = None) -> None:
    """Build the HTML site of a compendium, executing nothing and asking no other host.

    Parameters
    ----------
    root : Path
        Project with README.md, site/_config.yml and executed notebooks below results/notebooks/. FINDINGS.md,
        results/ledger.csv, the files of errata/ and docs/, data/README.md and CHANGELOG.md become pages where they
        exist; the package becomes the reference. Only read.
    destination : Path
        Folder of the site, replaced as a whole once the build has succeeded.
    beside : Path, optional
        Folder to work in, on the file system of ``destination``: its parent by default.

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
    chapters, pages = _contents(root)
    try:
        claims = site_ledger.addresses(root)
    except ValueError as error:
        raise SiteError(str(error)) from error
    beside = beside or destination.parent
    beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}-", dir=beside) as name:
        folder = Path(name).resolve()
        target = PurePosixPath(os.path.relpath(destination, root))
        _stage(Book(root, pages, folder / "source", target, claims), chapters)
        _run_jupyter_book(folder, root)
        html = folder / "source" / "_build" / "html"
        _finish(html)
        shutil.copytree(html, folder / "new", ignore=UNREAD)
        if destination.exists():
            destination.rename(folder / "old")
        (folder / "new").rename(destination)


def _contents(root: Path) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """Return the chapters of the table of contents by part, and the page of each project file in the order of reading.

    Pages written by hand that do not exist are left out; those of a study close its part.
    """
    found = [file.relative_to(root / EXECUTED).as_posix() for file in (root / EXECUTED).rglob("*.ipynb")]
    notebooks = sorted((name for name in found if ".ipynb_checkpoints" not in name), key=_by_section)
    if not notebooks:
        raise SiteError(f"no executed notebook below {root / EXECUTED}: run the pipeline first")
    results = [name for name in ("FINDINGS.md", site_ledger.LEDGER) if (root / name).is_file()]
    parts: dict[str, list[str]] = {RESULTS: results} if results else {}
    for name in notebooks:
        parts.setdefault(posixpath.dirname(name) or RESULTS, []).append(f"{EXECUTED}/{name}")
    for errata in sorted(root.glob("errata/*.md")):
        parts.setdefault(errata.stem if errata.stem in parts else ABOUT, []).append(f"errata/{errata.name}")
    parts[GUIDES] = sorted(f"docs/{guide.name}" for guide in root.glob("docs/*.md"))
    parts.setdefault(ABOUT, []).extend(name for name in ("data/README.md", "CHANGELOG.md") if (root / name).is_file())
    packages = site_reference.packages(root)
    pages = {"README.md": "index.md"} | {name: _page(name) for names in parts.values() for name in names}
    about = parts.pop(ABOUT)
    listed = {part: [_chapter(pages[name]) for name in names] for part, names in parts.items()}
    listed[REFERENCE] = [_chapter(site_reference.page(package)) for package in packages]
    listed[ABOUT] = [_chapter(pages[name]) for name in about]
    files_of = {file: site_reference.page(package) for package, held in packages.items() for file in held.values()}
    return {part: chapters for part, chapters in listed.items() if chapters}, pages | files_of


def _page(name: str) -> str:
    return site_ledger.PAGE if name == site_ledger.LEDGER else name.removeprefix("results/")


def _chapter(page: str) -> dict[str, Any]:
    """Return a page's entry in the table of contents; the errata of a study stand in its part, where a word will do."""
    entry = {"file": posixpath.splitext(page)[0]}
    return entry | ({"title": "Errata"} if page.startswith("errata/") else {})


def _by_section(name: str) -> tuple[bool, str, list[int], str]:
    """Sort notebooks of no study (the ledger) first, then by study and section number: 3.10 after 3.2."""
    study, _, title = name.rpartition("/")
    return bool(study), study, [int(part) for part in re.findall(r"\d+", title.partition("-")[0])], title


def _stage(book: Book, chapters: Mapping[str, list[dict[str, Any]]]) -> None:
    """Write the pages' sources, the settings, the table of contents and the scripts to the staging folder."""
    shutil.copytree(book.root / "site", book.stage)
    parts = [{"caption": part, "chapters": listed} for part, listed in chapters.items()]
    toc = {"format": "jb-book", "root": "index", "parts": parts}
    (book.stage / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    written = {site_reference.page(k): site_reference.text(v) for k, v in site_reference.packages(book.root).items()}
    for file, to in book.pages.items():
        (book.stage / to).parent.mkdir(parents=True, exist_ok=True)
        (book.stage / to).write_text(written.get(to) or _source(book, file), encoding="utf-8")
    static = book.stage / "static"
    site_ledger.vendor(static)
    shutil.copytree(Path(str(files("jupyter_server_mathjax"))) / "static", static / "mathjax", ignore=UNUSED_MATHJAX)
    mathjax = static / "mathjax" / MATHJAX
    mathjax.write_text(_BLANK.sub("local('')", mathjax.read_text(encoding="utf-8")), encoding="utf-8")


def _source(book: Book, file: str) -> str:
    """Return the source of a page: a notebook, the ledger, or markdown."""
    if file == site_ledger.LEDGER:
        start = f"{EXECUTED}/"
        executed = [name.removeprefix(start).removesuffix(".ipynb") for name in book.pages if name.startswith(start)]
        (book.stage / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(book.root / file, book.stage / file)
        return site_ledger.text(book.root, {name: f"notebooks/{name}.html" for name in executed})
    text = (book.root / file).read_text(encoding="utf-8")
    return _notebook(text, book, file) if file.endswith(".ipynb") else book.markdown(text, file)


def _notebook(text: str, book: Book, file: str) -> str:
    """Return a notebook with the links of its markdown and its HTML outputs rewritten and its language named."""
    try:
        notebook = json.loads(text)
        notebook["metadata"].setdefault("language_info", {"name": "python"}).setdefault("pygments_lexer", "ipython3")
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = book.markdown("".join(cell["source"]), file)
            for data in (output["data"] for output in cell.get("outputs", ()) if "text/html" in output.get("data", {})):
                data["text/html"] = book.html("".join(data["text/html"]), file)
    except (ValueError, KeyError, TypeError) as error:
        raise SiteError(f"{file} is no notebook: {error!r}") from error
    return json.dumps(notebook, ensure_ascii=False)


def _run_jupyter_book(folder: Path, root: Path) -> None:
    """Render source/ to source/_build/html in a process of its own, whose output goes to the log.

    The modules documented are those of ``root``.
    """
    fixed = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    command = bound("from jupyter_book.cli.main import main; main()", "build", "source", "-q")
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    env = os.environ | fixed | {"TMPDIR": str(folder), "PYTHONPATH": path}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False)  # noqa: S603 - all words ours
    noise = r"\x1b\[[\d;]*m|" + re.escape(f"{folder}/source/")
    said = re.sub(noise, "", (done.stdout + done.stderr).decode("utf-8", "replace")).splitlines()
    if done.returncode:
        raise SiteError("\n".join((f"jupyter-book ended with {done.returncode}:", *said[-40:])))
    for line in said:
        LOGGER.log(logging.WARNING if "WARNING:" in line or "ERROR:" in line else logging.DEBUG, line)


def _finish(html: Path) -> None:
    """Remove the random numbers of equations, which have the papers', and preloads; refuse to ask other hosts.

    A page that is opened from a folder may not preload a font; its style loads it all the same.
    """
    asks: list[str] = []
    for page in sorted(html.rglob("*.html")):
        text = _PRELOAD.sub("", _RANDOM.sub(">", page.read_text(encoding="utf-8")))
        page.write_text(text, encoding="utf-8")
        asks += (f"{page.relative_to(html)}: {ask}" for ask in _ASKS.findall(text))
    if asks:
        raise SiteError("\n".join(("pages that would ask another host:", *asks)))


def run(root: Path, _: Lifeline) -> None:
    """Build ``results/site``; what a killed build leaves is removed by the next."""
    with staged(STAGE, root) as staging:
        build_site(root, root / "results" / "site", staging)


def main() -> int:
    """Build ``results/site`` as a stage of the pipeline: ``python -m bcopt.compendium.site``."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    return run_alone(STAGE, run, SiteError)


if __name__ == "__main__":
    sys.exit(main())
