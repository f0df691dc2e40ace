"""The site as its reader has it: the real one, opened from its folder in a browser, without a server or a network."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import Watched, chromium, started

from bcopt.compendium import site

pytest.importorskip("jupyter_book")

PlaywrightError = pytest.importorskip("playwright.sync_api").Error

pytestmark = pytest.mark.slow

MATHEMATICS = ":is(span, div).math.notranslate"  # not what MathJax makes of it
TYPESET = "selector => [...document.querySelectorAll(selector)].every(x => x.querySelector('.MathJax'))"


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Build the project's own site; return its folder and what was warned of."""
    chromium()
    if not list((root / site.EXECUTED).glob("*/*.ipynb")):
        pytest.skip("no executed notebooks: run the pipeline first")
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    site.LOGGER.addHandler(handler)
    folder = tmp_path_factory.mktemp("built") / "site"
    site.build_site(root, folder)
    site.LOGGER.removeHandler(handler)
    return folder, warnings


@pytest.fixture(scope="module")
def folder(built: tuple[Path, list[str]]) -> Path:
    return built[0]


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with started() as browser:
        yield Watched(browser)


@pytest.fixture(scope="module")
def ledger(root: Path) -> list[dict[str, str]]:
    with (root / "results/ledger.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pages(folder: Path) -> list[Path]:
    return sorted(page for page in folder.rglob("*.html") if "_static" not in page.parts)


def test_nothing_warns(built: tuple[Path, list[str]]) -> None:
    assert built[1] == []


def test_every_page_loads_alone_with_its_mathematics_and_images(folder: Path, watched: Watched) -> None:
    """One visit a page: no complaint, no other host, no raw or faulty mathematics, no missing image, no overflow."""
    found: dict[str, list[str]] = {}
    typeset = images = 0
    for file in pages(folder):
        watched.faults.clear()
        page = watched.open(file)
        with suppress(PlaywrightError):  # what is not typeset by then is named below
            page.wait_for_function(TYPESET, arg=MATHEMATICS, timeout=10_000)
        seen = page.evaluate(
            """selector => ({
                mathematics: [...document.querySelectorAll(selector)].length,
                raw: [...document.querySelectorAll(selector)]
                    .filter(x => !x.querySelector('.MathJax'))
                    .map(x => x.textContent),
                faulty: [...document.querySelectorAll('.merror, .MathJax_Error, .MathJax_Processing')]
                    .map(x => x.textContent),
                left: /Math Processing Error/.test(document.body.innerText),
                images: document.images.length,
                broken: [...document.images].filter(x => !(x.complete && x.naturalWidth > 0)).map(x => x.src),
                wide: document.documentElement.scrollWidth - innerWidth,
            })""",
            MATHEMATICS,
        )
        page.set_viewport_size({"width": 800, "height": 900})
        seen["narrow"] = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        page.set_viewport_size({"width": 1280, "height": 900})
        faults = [*watched.faults]
        faults += [f"{kind}: {text}" for kind in ("raw", "faulty", "broken") for text in seen[kind]]
        faults += [f"{kind}: {seen[kind]} px too wide" for kind in ("wide", "narrow") if seen[kind] > 0]
        faults += ["Math Processing Error"] * seen["left"]
        if faults:
            found[file.relative_to(folder).as_posix()] = faults
        typeset, images = typeset + seen["mathematics"], images + seen["images"]
    assert found == {}
    assert typeset > 20
    assert images > 30


class Page(HTMLParser):
    """The addresses that a page links to or loads, and the anchors it has."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.anchors.add(value or "")
            elif name in ("href", "src"):
                self.addresses.append(value or "")


def test_every_internal_link_leads_somewhere(folder: Path) -> None:
    read = {file: Page(file) for file in pages(folder)}
    dead = []
    for file, page in read.items():
        for address in page.addresses:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in read and anchor not in read[target].anchors):
                dead.append((file.relative_to(folder).as_posix(), address))
    assert dead == []


class TestLedger:
    @pytest.fixture
    def rows(self, folder: Path, watched: Watched) -> Iterator[Callable[[str], list[str]]]:
        """Open the table afresh; return what reads a column of the rows that are shown."""
        watched.faults.clear()
        page = watched.open(folder / "ledger-table.html")

        def column(name: str) -> list[str]:
            heads = page.locator("#ledger thead th").all_inner_texts()
            cells = page.locator(f"#ledger tbody tr[id] td:nth-child({heads.index(name) + 1})")
            return [text.removeprefix("▸").strip() for text in cells.all_inner_texts()]

        yield column
        assert watched.faults == []

    def test_has_every_claim_in_order(self, rows, ledger) -> None:
        assert len(ledger) == 91
        assert rows("id") == [row["id"] for row in ledger]
        for shown, name in (("study", "paper"), ("printed", "printed"), ("verdict", "verdict"), ("class", "class")):
            assert rows(shown) == [row[name] for row in ledger]

    @pytest.mark.parametrize(
        ("shown", "name", "value"),
        [("verdict", "verdict", "missed"), ("class", "class", "held-out"), ("study", "paper", "frontiers2022")],
    )
    def test_filters(self, rows, watched, ledger, shown: str, name: str, value: str) -> None:
        watched.page.select_option(f"select[data-column={shown}]", value)
        expected = [row["id"] for row in ledger if row[name] == value]
        assert 0 < len(expected) < 91
        assert rows("id") == expected
        assert f"{len(expected)} rows" in watched.page.locator(".dt-info").inner_text()
        watched.page.select_option(f"select[data-column={shown}]", "")
        assert len(rows("id")) == 91

    def test_filters_add_up(self, rows, watched, ledger) -> None:
        watched.page.select_option("select[data-column=verdict]", "missed")
        watched.page.select_option("select[data-column=study]", "systems2024")
        expected = [row["id"] for row in ledger if (row["verdict"], row["paper"]) == ("missed", "systems2024")]
        assert rows("id") == expected

    def test_search_reads_notes_too(self, rows, watched, ledger) -> None:
        watched.page.fill(".ledger-search input", "no such words anywhere")
        assert rows("id") == []
        watched.page.fill(".ledger-search input", "morphed")
        expected = [row["id"] for row in ledger if "morphed" in " ".join(row.values())]
        assert rows("id") == expected
        assert expected

    @pytest.mark.parametrize("name", ["deviation", "printed"])
    def test_sorts_numbers_by_size_and_leaves_the_rest_last(self, rows, watched, name: str) -> None:
        def number(text: str) -> float | None:
            try:
                return float(text.replace(",", ""))
            except ValueError:
                return None

        for descending in (False, True):
            watched.page.get_by_role("columnheader", name=name).click()
            watched.page.wait_for_selector(f"th[aria-sort={'descending' if descending else 'ascending'}]")
            found = [number(text) for text in rows(name)]
            numbers = [x for x in found if x is not None]
            assert len(numbers) > 30
            assert numbers == sorted(numbers, reverse=descending)
            assert found[len(numbers) :] == [None] * (91 - len(numbers))

    def test_sorts_words(self, rows, watched) -> None:
        before = rows("id")
        watched.page.locator("#ledger thead th").first.click()
        watched.page.wait_for_selector("th[aria-sort=ascending]")
        assert rows("id") != before
        assert rows("id") == sorted(before, key=str.lower)

    @pytest.mark.usefixtures("rows")
    def test_notes_open(self, watched, ledger) -> None:
        noted = next(row for row in ledger if row["note"] and row["band"])
        row = watched.page.locator(f"tr[id='{noted['id']}']")
        details = row.locator("xpath=following-sibling::tr[1][contains(@class, 'ledger-details')]")
        assert details.count() == 0
        row.locator("button").click()
        assert details.locator("dd").all_inner_texts() == [noted["band"], noted["note"]]
        row.locator("button").click()
        assert details.count() == 0
        watched.page.click(".ledger-notes")
        expected = sum(bool(row["note"] or row["band"]) for row in ledger)
        assert watched.page.locator("tr.ledger-details").count() == expected

    def test_addresses_choose(self, folder, watched, ledger) -> None:
        page = watched.open(folder / "ledger-table.html", "?verdict=contradicted")
        expected = [row["id"] for row in ledger if row["verdict"] == "contradicted"]
        assert [row.get_attribute("id") for row in page.locator("#ledger tbody tr[id]").all()] == expected
        name = expected[0]
        page.goto("about:blank")
        page = watched.open(folder / "ledger-table.html", f"#{name}")
        assert page.locator(f"tr[id='{name}'] button").get_attribute("aria-expanded") == "true"

    @pytest.mark.usefixtures("rows")
    def test_rows_lead_to_their_notebooks(self, watched, ledger) -> None:
        links = watched.page.locator("#ledger tbody a").all()
        found = {link.inner_text(): link.get_attribute("href") for link in links}
        assert found == {row["id"]: f"notebooks/{row['notebook']}.html" for row in ledger if row["notebook"]}

    @pytest.mark.usefixtures("rows")
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_is_legible_in_both_themes(self, watched, theme: str) -> None:
        """Contrast of the words against what lies behind them, by WCAG 2: at least 4.5."""
        watched.page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        watched.page.wait_for_timeout(100)
        contrast = watched.page.evaluate(
            """() => {
                const light = ([r, g, b]) => [r, g, b].map(x => x / 255)
                    .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
                const parts = text => text.match(/[\\d.]+/g).map(Number);
                const cell = document.querySelector('#ledger tbody td:nth-child(4)');
                let behind = cell;
                while (parts(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
                const both = [getComputedStyle(cell).color, getComputedStyle(behind).backgroundColor]
                    .map(parts).map(light).sort((a, b) => b - a);
                return (both[0] + 0.05) / (both[1] + 0.05);
            }"""
        )
        assert contrast >= 4.5


def test_search_works_without_a_server(folder: Path, watched: Watched) -> None:
    watched.faults.clear()
    page = watched.open(folder / "search.html", "?q=district")
    page.wait_for_selector("#search-results li")
    page.wait_for_function("/finished|found/.test(document.querySelector('#search-results').innerText)")
    found = [link.get_attribute("href") for link in page.locator("#search-results li a").all()]
    assert any("3.3-district-system.html" in (address or "") for address in found)
    page.goto("about:blank")
    page = watched.open(folder / "search.html", "?q=nosuchwordanywhere")
    page.wait_for_function("/did not match/.test(document.querySelector('#search-results').innerText)")
    assert watched.faults == []


def test_reference_shows_a_function_with_its_parameters(folder: Path, watched: Watched) -> None:
    page = watched.open(folder / "reference/bcopt.models.html")
    entry = page.locator("dl.function", has=page.locator("dt[id='bcopt.models.store.add_store']"))
    text = entry.inner_text()
    for word in ("capacity", "soc_bounds", "Parameters", "Returns", "Raises", "Charge minus discharge [kW]"):
        assert word in text
    equation = entry.locator("pre").first.inner_text()
    assert equation.startswith("energy[t] = (1 - loss) energy[t-1] + charge[t] - discharge[t],")
    assert "\n" in equation.strip(), "lines of an equation stay apart"


def test_reference_has_every_module(root: Path, folder: Path) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in folder.glob("reference/*.html"))
    files = [file.relative_to(root).with_suffix("") for file in (root / "bcopt").rglob("*.py")]
    names = [".".join(file.parts) for file in files if not file.name.startswith("_")]
    assert len(names) > 90
    assert [name for name in names if f'id="module-{name}"' not in text] == []


def test_navigation_goes_by_study_and_section(folder: Path, watched: Watched) -> None:
    page = watched.open(folder / "index.html")
    captions = [text.strip() for text in page.locator(".bd-links .caption-text").all_inner_texts()]
    studies = ["energyeng2023", "frontiers2022", "systems2024"]
    assert captions == ["Results", "districts", *studies, "How to", "Reference", "About"]
    names = [link.get_attribute("href") for link in page.locator(".bd-links li a").all()]
    sections = [name for name in names if name and name.startswith("notebooks/systems2024/")]
    assert [name.rpartition("/")[2].partition("-")[0] for name in sections] == ["2.1", "3.1", "3.2.1", "3.2.2", "3.3"]
