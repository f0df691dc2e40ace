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

from bcopt.compendium import site, site_ledger, site_reference
from bcopt.compendium.ledger import COLUMNS
from bcopt.compendium.report import COLOURS
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
TABLE = [
    '<table><tr><td>2.5</td><td><a href="first2020/3.1-price.ipynb#price">x</a>',
    '<a href="../../data/published/claims.csv">y</a><a href="https://example.org/z.ipynb">z</a></td></tr></table>',
]
PRICE = r"""# 3.1 Price
Inline $\sum_t p_t x_t$, see the [ledger](../ledger.ipynb) and the [sources](../../data/README.md#tables).

\begin{align}
a &= b \tag{18}
\end{align}
"""
LEDGER = f"""{",".join(COLUMNS)}
F-3.1-price,first2020,section 3.1,price < cost,yuan,"1,200",1250.5,50,5,held-out,missed,1 to 2,first2020/3.1-price,weak
F-3.2-load,first2020,section 3.2,load,kW,3,3,0,0.5,fit,reproduced,,first2020/3.2.1-load,
S-4.1-gone,second2021,section 4.1,gone,,true,,,,qualitative,not attempted,,,
"""
PAGES = (
    "index.html",
    "FINDINGS.html",
    "ledger-table.html",
    "notebooks/ledger.html",
    "notebooks/first2020/3.1-price.html",
    "notebooks/first2020/3.2.1-load.html",
    "notebooks/first2020/3.10-last.html",
    "errata/first2020.html",
    "notebooks/second2021/4.1-data.html",
    "docs/adding.html",
    "errata/third2022.html",
    "data/README.html",
    "CHANGELOG.html",
)
PRICED = PAGES[4]


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


def notebook(markdown: str, trap: Path, table: list[str] | str = "<table><tr><td>2.5</td></tr></table>") -> str:
    """Return an executed notebook whose code would leave a file behind if it ran again."""
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "stored output\n"},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": PNG, "text/plain": "figure"}},
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": table}},
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
        "FINDINGS.md": "# Findings\n\nMissed `F-3.1-price`, not `F-3.1-other`.\n\n## On `F-3.1-price`\n",
        "docs/adding.md": "# Adding\n\nTo [the code](../bcopt/code.py), as `F-3.1-price`.\n\n```python\n1 + 1\n```\n",
        "errata/first2020.md": "# Errata: first2020\n\nSee `S-4.1-gone`, [all](../FINDINGS.md).\n",
        "errata/third2022.md": "# Errata: third2022\n",
        "results/ledger.csv": LEDGER,
        "results/notebooks/ledger.ipynb": notebook("# Ledger", trap, TABLE),
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


@pytest.mark.slow
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
    text = (built[0] / PRICED).read_text(encoding="utf-8")
    assert "stored output" in text
    assert "fresh output" not in text
    assert "<td>2.5</td>" in text
    images = re.findall(r'<img[^>]+src="([^"]*_images/[^"]+)"', text)
    assert [(built[0] / PRICED).parent.joinpath(image).read_bytes() for image in images] == [base64.b64decode(PNG)]


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
        "ledger-table.html",
        "data/README.html",
        "#",
        "#",
        "CHANGELOG.html",
    ]
    assert len(body) > len(expected)
    assert body[: len(expected)] == expected
    table = Addresses(built[0] / "ledger-table.html").links
    (download,) = (link for link in table if link.endswith("/ledger.csv"))
    assert (built[0] / download).read_text(encoding="utf-8") == LEDGER


def test_mathematics_is_at_hand(built: tuple[Path, Path, list[str]]) -> None:
    text = (built[0] / PRICED).read_text(encoding="utf-8")
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
    assert sum(map(len, kept.values())) < 9e6
    assert [file for file, body in kept.items() if b"bcopt-site-" in body] == []


@pytest.mark.slow
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


def test_preloads_of_fonts_are_removed(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text('<p>a</p>\n<link rel="preload" as="font" type="font/woff2" crossorigin href="x.woff2" />\n<p>b</p>')
    site._finish(tmp_path)
    assert page.read_text() == "<p>a</p>\n<p>b</p>"


def test_links_in_tables_lead_to_pages(built: tuple[Path, Path, list[str]]) -> None:
    links = Addresses(built[0] / "notebooks/ledger.html").links
    assert {"first2020/3.1-price.html#price", "../_static/files/data/published/claims.csv"} <= set(links)
    assert "https://example.org/z.ipynb" in links
    assert (built[0] / "_static/files/data/published/claims.csv").read_text(encoding="utf-8") == "id\n"


def test_claims_named_in_texts_lead_to_their_rows(built: tuple[Path, Path, list[str]]) -> None:
    findings = Addresses(built[0] / "FINDINGS.html").links
    assert findings.count("ledger-table.html#F-3.1-price") == 1, "in the text, not in the heading"
    assert not [link for link in findings if "F-3.1-other" in link]
    assert "../ledger-table.html#S-4.1-gone" in Addresses(built[0] / "errata/first2020.html").links


def test_ledger_is_a_table_without_scripts(built: tuple[Path, Path, list[str]]) -> None:
    text = (built[0] / "ledger-table.html").read_text(encoding="utf-8")
    table = text.partition('<table id="ledger"')[2].partition("</table>")[0]
    assert re.findall(r"<th scope[^>]*>(.*?)</th>", table) == list(site_ledger.SHOWN.values())
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr id=.*?</tr>", table)]
    plain = [[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in rows]
    assert plain[0] == [
        "F-3.1-price", "first2020", "section 3.1", "price &lt; cost", "yuan", "1,200", "1250.5", "50", "5", "held-out",
        "missed", "1 to 2", "weak",
    ]  # fmt: skip
    assert [row[0] for row in plain] == ["F-3.1-price", "F-3.2-load", "S-4.1-gone"]
    assert 'href="notebooks/first2020/3.2.1-load.html"' in rows[1][0]
    assert "href" not in rows[2][0], "no notebook claims it"
    assert f"--verdict: {COLOURS['missed']}" in rows[0][10]
    assert re.findall(r'<option value="(\w*)">(.*?)</option>', text)[:3] == [
        ("", "all (3)"), ("first2020", "first2020 (2)"), ("second2021", "second2021 (1)"),
    ]  # fmt: skip


def test_scripts_are_at_hand(built: tuple[Path, Path, list[str]]) -> None:
    script = (built[0] / "_static/datatables.js").read_text(encoding="utf-8")
    assert script.startswith("(() => {")
    assert re.search(r'globalThis\.itables=\{.*"default":\w+', script)
    assert not re.search(r"export\s*\{", script)
    assert "about:blank')" not in (built[0] / "_static/mathjax" / site.MATHJAX).read_text(encoding="utf-8")


def test_ledger_without_columns_is_refused(tmp_path: Path) -> None:
    root = write_project(tmp_path, tmp_path / "trap")
    (root / "results/ledger.csv").write_text("id,paper\n")
    with pytest.raises(SiteError, match=r"results/ledger\.csv: no column locator, statement, unit"):
        build_site(root, root / "results/site")


def test_packages_are_found(tmp_path: Path) -> None:
    names = ("__init__", "main", "a/__init__", "a/one", "a/_hidden", "a/deep/__init__", "a/deep/two", "empty/__init__")
    for name in names:
        (tmp_path / "bcopt" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "bcopt" / f"{name}.py").touch()
    assert site_reference.packages(tmp_path) == {
        "bcopt": {"bcopt": "bcopt/__init__.py", "bcopt.main": "bcopt/main.py"},
        "bcopt.a": {"bcopt.a": "bcopt/a/__init__.py", "bcopt.a.one": "bcopt/a/one.py"},
        "bcopt.a.deep": {"bcopt.a.deep": "bcopt/a/deep/__init__.py", "bcopt.a.deep.two": "bcopt/a/deep/two.py"},
    }
    text = site_reference.text(site_reference.packages(tmp_path)["bcopt.a"])
    assert re.findall(r"automodule:: (\S+)", text) == ["bcopt.a", "bcopt.a.one"]
    assert site_reference.packages(tmp_path / "bcopt") == {}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Sum.", "", "    a = b", "    c = |d|", "", "So |x|."],
         ["Sum.", "", "::", "", "    a = b", "    c = |d|", "", r"So \|x\|."]),
        (["See::", "", "    a"], ["See::", "", "    a"]),
        (["Parameters", "----------", "a : int", "    One.", "", "b : int", "    ``|two|``."],
         ["Parameters", "----------", "a : int", "    One.", "", "b : int", "    ``|two|``."]),
        (["A.", "", "    b", "", "    c"], ["A.", "", "::", "", "    b", "", "    c"]),
        ([], []),
    ],
)  # fmt: skip
def test_equations_stay_as_written(lines: list[str], expected: list[str]) -> None:
    assert site_reference.as_written(lines) == expected
