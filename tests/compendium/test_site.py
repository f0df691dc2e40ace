"""The site: from what is there, executing nothing, byte for byte, and readable without a network."""

from __future__ import annotations

import base64
import json
import logging
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from bcopt.compendium import site
from bcopt.compendium.site import SiteError, build_site

pytest.importorskip("jupyter_book")

SETTINGS = Path(__file__).parents[2] / "site"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
README = r"""# Compendium
[![CI](https://example.org/badge.svg)](https://example.org/ci) <img src="https://example.org/x.png">
[ledger](results/notebooks/ledger.ipynb) [section](notebooks/first2020/3.1-price.ipynb#31-price)
[study](notebooks/first2020/) [table](results/ledger.csv) [data](data/published) [code](bcopt/)
[site](results/site/index.html) [by name][ref] `[code](notebooks/ledger.ipynb)` with $e^{i\pi}=-1$

![figure](results/a.png)

[ref]: CHANGELOG.md
"""
PRICE = r"""# 3.1 Price
Inline $\sum_t p_t x_t$, see the [ledger](../ledger.ipynb) and the [sources](../../data/README.md#tables).

\begin{align}
a &= b \tag{18}
\end{align}
"""
PAGES = (
    "index.html",
    "notebooks/ledger.html",
    "notebooks/first2020/3.1-price.html",
    "notebooks/first2020/3.2.1-load.html",
    "notebooks/first2020/3.10-last.html",
    "notebooks/second2021/4.1-data.html",
    "data/README.html",
    "CHANGELOG.html",
)


class Addresses(HTMLParser):
    """Collects what a page loads (scripts, styles, images) and what it links to, and its anchors."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.anchors.add(value or "")
            elif name in ("src", "href"):
                (self.links if tag == "a" else self.loads).append(value or "")


def notebook(markdown: str, trap: Path) -> str:
    """Return an executed notebook whose code would leave a file behind if it ran again."""
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "stored output\n"},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": PNG, "text/plain": "figure"}},
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": "<table><tr><td>2.5</td></tr></table>"}},
    ]
    code = f"open({str(trap)!r}, 'w').close()\nprint('fresh' + ' output')"
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": markdown.splitlines(keepends=True)},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": code, "execution_count": 1, "outputs": outputs},
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def write_project(root: Path, trap: Path) -> Path:
    files = {
        "README.md": README,
        "CHANGELOG.md": "# Changes\n\nFirst, see [the start](README.md).\n",
        "data/README.md": "# Data\n\n## Tables\n\n[claims](published/claims.csv)\n",
        "data/published/claims.csv": "id\n",
        "bcopt/code.py": "",
        "results/ledger.csv": "id\n",
        "results/notebooks/ledger.ipynb": notebook("# Ledger", trap),
        "results/notebooks/first2020/3.1-price.ipynb": notebook(PRICE, trap),
        "results/notebooks/first2020/3.10-last.ipynb": notebook("# 3.10 Last", trap),
        "results/notebooks/first2020/3.2.1-load.ipynb": notebook("# 3.2.1 Load\n\n$$ x^2 $$", trap),
        "results/notebooks/second2021/4.1-data.ipynb": notebook("# 4.1 Data", trap),
        "results/notebooks/.ipynb_checkpoints/ledger.ipynb": "{}",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "results/a.png").write_bytes(base64.b64decode(PNG))
    shutil.copytree(SETTINGS, root / "site")
    return root


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[str]]:
    """Build one project in two places, the second over a site that is there; return both sites and all warnings."""
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    site.LOGGER.addHandler(handler)
    trap = tmp_path_factory.mktemp("trap") / "executed"
    sites = []
    for name in ("one", "another-place"):
        root = write_project(tmp_path_factory.mktemp(name), trap)
        before = contents(root)
        if sites:
            (root / "results/site").mkdir()
            for old in ("searchindex.js", "index.html", "gone.html"):
                (root / "results/site" / old).write_text("old")
        build_site(root, root / "results/site")
        sites.append(root / "results/site")
        after = {file: body for file, body in contents(root).items() if not file.startswith("results/site/")}
        assert after == before, "a build writes to its destination only"
    site.LOGGER.removeHandler(handler)
    assert not trap.exists(), "a notebook was executed"
    return sites[0], sites[1], warnings


def test_two_builds_give_the_same_bytes(built: tuple[Path, Path, list[str]]) -> None:
    one, another, _ = built
    assert contents(one).keys() == contents(another).keys()
    assert [file for file, body in contents(one).items() if body != contents(another)[file]] == []


def test_nothing_warns(built: tuple[Path, Path, list[str]]) -> None:
    assert built[2] == []


def test_pages_follow_the_sections(built: tuple[Path, Path, list[str]]) -> None:
    index = (built[0] / "index.html").read_text(encoding="utf-8")
    listed = re.findall(r'class="toctree-l1[^"]*"><a class="reference internal" href="([^"]+)"', index)
    assert tuple(dict.fromkeys(listed)) == PAGES[1:]
    assert all((built[0] / page).is_file() for page in PAGES)


def test_outputs_are_the_stored_ones(built: tuple[Path, Path, list[str]]) -> None:
    text = (built[0] / PAGES[2]).read_text(encoding="utf-8")
    assert "stored output" in text
    assert "fresh output" not in text
    assert "<td>2.5</td>" in text
    images = re.findall(r'<img[^>]+src="([^"]*_images/[^"]+)"', text)
    assert [(built[0] / PAGES[2]).parent.joinpath(image).read_bytes() for image in images] == [base64.b64decode(PNG)]


def test_no_other_host_is_asked(built: tuple[Path, Path, list[str]]) -> None:
    loads = {load for page in built[0].rglob("*.html") for load in Addresses(page).loads}
    assert [load for load in loads if urlsplit(load).netloc] == []
    styles = "".join(style.read_text(encoding="utf-8") for style in built[0].rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^\"')]+", styles) == []
    scripts = "".join(page.read_text(encoding="utf-8") for page in built[0].rglob("*.html")).lower()
    assert [word for word in ("thebe", "binder", "cdn", "googleapis", "unpkg") if word in scripts] == []


def test_every_address_leads_to_a_file(built: tuple[Path, Path, list[str]]) -> None:
    for page in built[0].rglob("*.html"):
        found = Addresses(page)
        for address in found.loads + found.links:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.is_file(), (page, address)
            assert target.is_relative_to(built[0]), (page, address)
            if parts.fragment and target.suffix == ".html":
                assert unquote(parts.fragment) in Addresses(target).anchors, (page, address)


def test_links_of_the_readme_lead_to_pages(built: tuple[Path, Path, list[str]]) -> None:
    links = Addresses(built[0] / "index.html").links
    body = links[links.index("https://example.org/ci") :]
    expected = [
        "https://example.org/ci",
        "notebooks/ledger.html",
        "notebooks/first2020/3.1-price.html#price",
        "notebooks/first2020/3.1-price.html",
        None,
        "data/README.html",
        "#",
        "#",
        "CHANGELOG.html",
    ]
    assert len(body) > len(expected)
    assert [a for a, b in zip(body, expected, strict=False) if b is not None and a != b] == []
    assert re.fullmatch(r"_downloads/\w+/ledger\.csv", body[4])


def test_mathematics_is_at_hand(built: tuple[Path, Path, list[str]]) -> None:
    text = (built[0] / PAGES[2]).read_text(encoding="utf-8")
    assert r"\(\sum_t p_t x_t\)" in text
    assert '"_static' not in text.split("MathJax.Hub.Config")[1].split("</script>")[0]
    assert 'src="../../_static/mathjax/MathJax.js' in text
    assert "eqno" not in text, "an equation with the paper's number has a second one"
    mathjax = built[0] / "_static/mathjax"
    assert (mathjax / "config/TeX-AMS-MML_HTMLorMML-full.js").is_file()
    assert len(list(mathjax.glob("fonts/HTML-CSS/STIX-Web/woff/*.woff"))) > 20
    assert not (mathjax / "localization").exists()


def test_only_what_a_reader_opens_is_kept(built: tuple[Path, Path, list[str]]) -> None:
    kept = contents(built[0])
    unread = (".buildinfo", ".doctree", ".pickle", ".map", "objects.inv", "gone.html", ".po", ".ipynb")
    assert [file for file in kept if file.endswith(unread)] == []
    assert sum(map(len, kept.values())) < 8e6
    assert [file for file, body in kept.items() if b"bcopt-site-" in body] == []


def test_failure_tells_the_last_words_and_keeps_the_old_site(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project", tmp_path / "trap")
    settings = root / "site/_config.yml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("- myst_nb", "- no_such_extension"))
    (root / "results/site").mkdir()
    (root / "results/site/searchindex.js").write_text("old")
    with pytest.raises(SiteError, match=r"(?s)jupyter-book ended with 1:.*no_such_extension"):
        build_site(root, root / "results/site")
    assert list(contents(root / "results/site")) == ["searchindex.js"]


def test_no_notebooks(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="no executed notebook below"):
        build_site(tmp_path, tmp_path / "site")


def test_broken_notebook_is_named(tmp_path: Path) -> None:
    root = write_project(tmp_path, tmp_path / "trap")
    (root / "results/notebooks/ledger.ipynb").write_text("{}")
    with pytest.raises(SiteError, match=r"results/notebooks/ledger\.ipynb is no notebook: KeyError"):
        build_site(root, root / "results/site")


def test_a_folder_that_is_no_site_is_not_replaced(tmp_path: Path) -> None:
    root = write_project(tmp_path, tmp_path / "trap")
    with pytest.raises(SiteError, match="not empty"):
        build_site(root, root / "data")
    assert (root / "data/README.md").is_file()


def test_pages_that_ask_another_host_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="https://example.org">x</a><script src="https://example.org/x.js"></script>'
    )
    with pytest.raises(SiteError, match=r'a\.html: <script src="https://example\.org/x\.js'):
        site._finish(tmp_path)
    (tmp_path / "a.html").write_text('<a href="https://example.org">x</a><script src="x.js"></script>')
    site._finish(tmp_path)
