"""FINDINGS.md says what the ledger says: every claim once, under the heading of its verdict, with its own numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

CLAIM = re.compile(r"`([SEF]-[\d.]+-[a-z0-9-]+)`")
NUMBER = re.compile(r"(?<![\w.,])-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w]|\.\d)")
BESIDE = re.compile(
    rf"({NUMBER.pattern})(?: (?!where)\S+)* where ({NUMBER.pattern})(?: \S+)? (?:is|are) printed \(`([\w.-]+)`"
    rf"(?:, band {NUMBER.pattern} to {NUMBER.pattern})?"
)
BAND = re.compile(rf"\(`([\w.-]+)`, band ({NUMBER.pattern}) to ({NUMBER.pattern})\)")
BEGINNING = re.compile(
    r"\d+ claims, of which \d+ could have come out otherwise: \d+ of these stand, \d+ of these (?:was|were) missed"
    r",? (?:and )?\d+ of these are contradicted"
)
SAID = ("statement", "locator", "printed", "reproduced", "tolerance", "band", "note")
EVIDENCE = ("held-out", "qualitative")
STANDS = ("reproduced", "within tolerance")
FAILS_OTHERWISE = re.compile(r"by the other definition[^;]*\bno\b")

# What may be counted in front of the studies and under the name of each.
COUNTS: dict[str, Callable[[pd.DataFrame], int]] = {
    r"(\d+) claims": len,
    r"(\d+)(?: of them)? could have come out otherwise": lambda rows: int(rows["class"].isin(EVIDENCE).sum()),
    r"(\d+) numbers predicted": lambda rows: int((rows["class"] == "held-out").sum()),
    r"(\d+) sentences tested": lambda rows: int((rows["class"] == "qualitative").sum()),
    r"(\d+) of these stand": lambda rows: _evidence(rows, *STANDS),
    r"(\d+) of these (?:was|were) missed": lambda rows: _evidence(rows, "missed"),
    r"(\d+) of these are contradicted": lambda rows: _evidence(rows, "contradicted"),
    r"(\d+) are fits": lambda rows: int((rows["class"] == "fit").sum()),
    r"(\d+) are contradicted": lambda rows: int((rows["verdict"] == "contradicted").sum()),
    r"(\d+) are inputs": lambda rows: int((rows["class"] == "input").sum()),
    r"(\d+) have nothing printed": lambda rows: int((rows["verdict"] == "nothing printed").sum()),
}


def _evidence(rows: pd.DataFrame, *verdicts: str) -> int:
    return int((rows["class"].isin(EVIDENCE) & rows["verdict"].isin(verdicts)).sum())


@dataclass(frozen=True)
class Item:
    """One point of a list, and the headings it stands under."""

    study: str
    heading: str
    text: str

    @property
    def claims(self) -> list[str]:
        return CLAIM.findall(self.text)


def items(page: str) -> list[Item]:
    """Every line of the page that is no heading; a list has one point a line."""
    study = heading = ""
    found = []
    for line in page.splitlines():
        if line.startswith("## "):
            study, heading = line[3:].split(":")[0], ""
        elif line.startswith("### "):
            heading = line[4:]
        elif line.strip() and not line.startswith("# "):
            found.append(Item(study, heading, line))
    return found


def place(row: pd.Series) -> str:
    """Return the heading a row belongs under; what follows from fits is with them."""
    if row["class"] == "fit":
        return "What was fitted"
    if row["verdict"] in ("contradicted", "used as input", "nothing printed"):
        return {
            "contradicted": "What is contradicted",
            "used as input": "What is used as input",
            "nothing printed": "What is not printed",
        }[row["verdict"]]
    if row["verdict"] in STANDS:
        of_fits = row["class"] == "closure" or (row["class"] == "identity" and "fitted" in row["note"])
        return "What was fitted" if of_fits else "What stands"
    return "What was missed"


def value(text: str) -> float:
    return float(text.replace(",", ""))


def numbers(text: str) -> list[float]:
    """Numbers of a text, without those of claims, links and names."""
    return [value(found) for found in NUMBER.findall(re.sub(r"`[^`]*`|\]\([^)]*\)", " ", text))]


def shown(text: str, known: float) -> bool:
    """Tell whether a number rounds to what is shown of it; nothing is nothing."""
    digits = len(text.partition(".")[2])
    return (value(text) == 0) == (known == 0) and abs(value(text) - known) <= 0.5 * 10.0**-digits * (1 + 1e-9)


def miscounted(item: Item, rows: pd.DataFrame) -> list[str]:
    """Everything wrong with a line without claims: its numbers are counts of the ledger, and all of them."""
    wrong, rest = [], item.text
    for pattern, count in COUNTS.items():
        for match in re.finditer(pattern, item.text):
            rest = rest.replace(match.group(0), " ")
            if int(match.group(1)) != count(rows):
                wrong.append(f"{match.group(0)}: the ledger has {count(rows)}")
    return wrong + [f"{number:g} is no count, in: {item.text[:60]}" for number in numbers(rest)]


def misquoted(item: Item, rows: pd.DataFrame) -> list[str]:
    """Everything wrong with a line with claims: places, numbers, values beside each other, bands, weakness."""
    unknown = [claim for claim in item.claims if claim not in rows.index]
    if unknown:
        return [f"{claim} is no claim" for claim in unknown]
    here, wrong = rows.loc[item.claims], []
    for claim, row in here.iterrows():
        if (item.study, item.heading) != (row["paper"], place(row)):
            wrong.append(f"{claim} stands under {item.study}, {item.heading}")
        if "weak" in row["note"] and "weak" not in item.text.lower():
            wrong.append(f"{claim} is weak")
        one_alone = row["verdict"] in STANDS and FAILS_OTHERWISE.search(row["note"])
        if one_alone and "other definition" not in item.text:
            wrong.append(f"{claim} stands by one definition alone")
    known = [number for field in SAID for text in here[field] for number in numbers(text)]
    wrong += [
        f"{text} is no number of {', '.join(item.claims)}"
        for text in NUMBER.findall(CLAIM.sub(" ", item.text))
        if not any(shown(text, number) for number in known)
    ]
    facts = []
    for ours, theirs, claim in BESIDE.findall(item.text):
        facts += [(claim, ours, rows.loc[claim, "reproduced"]), (claim, theirs, rows.loc[claim, "printed"])]
    for claim, *ends in BAND.findall(item.text):
        facts += [(claim, *pair) for pair in zip(ends, rows.loc[claim, "band"].split(" to "), strict=True)]
    wrong += [f"{claim}: {said} is not {fact}" for claim, said, fact in facts if not shown(said, value(fact))]
    return wrong


def left_out(page: str, rows: pd.DataFrame) -> list[str]:
    """Claims that are not there once, and what has to stand beside them and does not."""
    mentioned = pd.Series(CLAIM.findall(page), dtype=str).value_counts().reindex(rows.index, fill_value=0)
    wrong = [f"{claim} is mentioned {count} times" for claim, count in mentioned.items() if count != 1]
    beside, banded = ({found[at] for found in pattern.findall(page)} for pattern, at in ((BESIDE, 2), (BAND, 0)))
    for claim, row in rows.iterrows():
        compared = NUMBER.fullmatch(row["printed"]) and NUMBER.fullmatch(row["reproduced"])
        if compared and (row["verdict"] == "missed" or row["class"] == "held-out") and claim not in beside:
            wrong.append(f"{claim}: ours does not stand beside theirs")
        if row["class"] == "held-out" and row["band"] and claim not in banded:
            wrong.append(f"{claim}: no band")
    return wrong


def problems(page: str, ledger: pd.DataFrame) -> list[str]:
    """Everything in which the page and the ledger differ."""
    rows = ledger.set_index("id")
    wrong, seen = left_out(page, rows), set()
    for item in items(page):
        of_study = rows[rows["paper"] == item.study] if item.study else rows
        wrong += misquoted(item, rows) if item.claims else miscounted(item, of_study)
        if item.study not in seen | {""} and not BEGINNING.match(item.text):
            wrong.append(f"{item.study}: does not begin with its counts")
        seen.add(item.study)
    return wrong


@pytest.fixture(scope="module")
def ledger(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "results/ledger.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "FINDINGS.md").read_text()


def test_the_page_is_the_ledger_in_words(page: str, ledger: pd.DataFrame) -> None:
    assert problems(page, ledger) == []


def test_it_begins_with_five_lines_for_the_whole(page: str) -> None:
    lines = page.split("\n## ")[0].splitlines()
    assert sum(line.startswith("- ") for line in lines) == 5
    for pattern in COUNTS:
        assert re.search(pattern, page), pattern


def test_links_lead_to_files(root: Path, page: str) -> None:
    assert [target for target in re.findall(r"\]\(([^)]+)\)", page) if not (root / target).exists()] == []


@pytest.mark.parametrize(
    ("paper", "headings"),
    [(paper, 6) for paper in ("systems2024", "energyeng2023", "frontiers2022")],
)
def test_every_study_has_every_heading(page: str, paper: str, headings: int) -> None:
    (part,) = (part for part in page.split("\n## ")[1:] if part.startswith(f"{paper}: "))
    found = re.findall(r"^### (.+)$", part, re.MULTILINE)
    expected = ["What stands", "What was fitted", "What was missed", "What is contradicted", "What is used as input"]
    assert found == [*expected, "What is not printed"]
    assert len(found) == headings


# ---- a small ledger and its page, and what each fault of the page is called

ROWS = [
    ("S-1-warm", "input", "used as input", "26.7", "26.7", "", ""),
    ("S-1-cost", "fit", "reproduced", "26,457", "26457.0001", "", "knob: load scale 0.9144"),
    ("S-1-cut", "identity", "reproduced", "44.98", "44.9824", "", "identity over two fitted costs"),
    ("S-1-sum", "identity", "reproduced", "13.86", "13.8562", "", "from the printed numbers alone"),
    ("S-1-share", "held-out", "missed", "68.79", "74.7828", "69.7885 to 78.9131", ""),
    ("S-1-rest", "closure", "missed", "31.21", "25.2172", "", "complement of the ground heat"),
    ("S-1-night", "qualitative", "reproduced", "true", "true", "", "weak: in 43 of 45 scenarios"),
    ("S-1-density", "identity", "contradicted", "0.51", "0.52", "", ""),
    ("S-1-table", "unpublished", "nothing printed", "", "", "", ""),
]
SMALL = """# Findings

- All 9 claims: 2 of them could have come out otherwise, and 1 have nothing printed.

## systems2024: a study

9 claims, of which 2 could have come out otherwise: 1 of these stand, 1 of these was missed, 0 of these are contradicted

### What stands

- At night (`S-1-night`), in 43 of 45 scenarios, which is weak.
- Arithmetic gives 13.86 (`S-1-sum`).

### What was fitted

- 0.9144 meets 26,457 (`S-1-cost`), and so 44.98 % (`S-1-cut`).

### What was missed

- 74.78 % of the heat where 68.79 % is printed (`S-1-share`, band 69.79 to 78.91).
- 25.2 % where 31.21 % is printed (`S-1-rest`).

### What is contradicted

- A density of 0.51 (`S-1-density`).

### What is used as input

- 26.7 °C (`S-1-warm`).

### What is not printed

- A table (`S-1-table`).
"""


@pytest.fixture
def small() -> pd.DataFrame:
    names = ["id", "class", "verdict", "printed", "reproduced", "band", "note"]
    rows = pd.DataFrame(ROWS, columns=names).assign(paper="systems2024")
    return rows.assign(**dict.fromkeys(("statement", "locator", "tolerance"), ""))


def test_a_sound_page_passes(small: pd.DataFrame) -> None:
    assert problems(SMALL, small) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("74.78 %", "74.79 %", "74.79 is no number of S-1-share"),
        ("68.79 %", "68.8 %", ""),
        ("68.79 %", "68.97 %", "68.97 is no number"),
        ("74.78 % of the heat where 68.79 %", "68.79 % of the heat where 74.78 %", "S-1-share: 68.79 is not 74.78"),
        ("band 69.79 to 78.91", "band 69.79 to 68.79", "S-1-share: 68.79 is not 78.91"),
        (", band 69.79 to 78.91", "", "S-1-share: no band"),
        ("25.2 % where 31.21 % is printed", "Not 31.21 %", "S-1-rest: ours does not stand beside theirs"),
        ("- A table (`S-1-table`).", "", "S-1-table is mentioned 0 times"),
        ("- A table (`S-1-table`).", "- A table (`S-1-table`, `S-1-table`).", "S-1-table is mentioned 2 times"),
        ("`S-1-table`", "`S-1-chair`", "S-1-chair is no claim"),
        ("and so 44.98 % (`S-1-cut`).\n", "and so.\n- 44.98 % (`S-1-cut`).\n", ""),
        ("### What was fitted\n", "### What stands\n", "S-1-cost stands under systems2024, What stands"),
        ("## systems2024", "## systems2025", "S-1-night stands under systems2025, What stands"),
        (", which is weak", "", "S-1-night is weak"),
        ("43 of 45", "44 of 45", "44 is no number of S-1-night"),
        ("0.9144", "0.9145", "0.9145 is no number"),
        ("All 9 claims", "All 8 claims", "8 claims: the ledger has 9"),
        ("1 of these was missed", "2 of these was missed", "2 of these was missed: the ledger has 1"),
        ("# Findings\n", "# Findings\n\nA further 7 are good.\n", "7 is no count"),
        ("9 claims, of which", "Of which", "systems2024: does not begin with its counts"),
    ],
)
def test_a_changed_page_is_refused(small: pd.DataFrame, old: str, new: str, said: str) -> None:
    assert SMALL.count(old) == 1
    found = problems(SMALL.replace(old, new), small)
    assert (found == []) if said == "" else any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("claim", "field", "text", "said"),
    [
        ("S-1-share", "reproduced", "74.7728", "74.78 is no number"),
        ("S-1-share", "verdict", "within tolerance", "S-1-share stands under systems2024, What was missed"),
        ("S-1-share", "band", "69.7885 to 79.5", "78.91 is no number"),
        ("S-1-night", "verdict", "missed", "S-1-night stands under systems2024, What stands"),
        ("S-1-cut", "note", "from the printed numbers alone", "S-1-cut stands under systems2024, What was fitted"),
        ("S-1-sum", "note", "over two fitted costs", "S-1-sum stands under systems2024, What stands"),
        ("S-1-cost", "verdict", "missed", "S-1-cost: ours does not stand beside theirs"),
        ("S-1-density", "verdict", "missed", "S-1-density stands under systems2024, What is contradicted"),
        ("S-1-warm", "note", "weak: it is", "S-1-warm is weak"),
        ("S-1-night", "note", "weak: 43 of 45; by the other definition no", "S-1-night stands by one definition alone"),
        ("S-1-night", "note", "weak: 43 of 45; by the other definition a: yes, b: no", "by one definition alone"),
        ("S-1-cost", "verdict", "nothing printed", "1 have nothing printed: the ledger has 2"),
        ("S-1-cut", "class", "held-out", "of them could have come out otherwise: the ledger has 3"),
    ],
)
def test_a_changed_ledger_breaks_the_page(small: pd.DataFrame, claim: str, field: str, text: str, said: str) -> None:
    changed = small.assign(**{field: small[field].where(small["id"] != claim, text)})
    found = problems(SMALL, changed)
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("note", "words"),
    [("no", ", and by the other definition not"), ("yes", ""), ("a: yes, b: yes; in no scenario", "")],
)
def test_the_other_definition_is_named_where_it_fails(small: pd.DataFrame, note: str, words: str) -> None:
    full = f"weak: in 43 of 45 scenarios; by the other definition {note}"
    changed = small.assign(note=small["note"].where(small["id"] != "S-1-night", full))
    assert problems(SMALL.replace(", which is weak", f", which is weak{words}"), changed) == []


def test_every_decimal_of_the_page_is_read(page: str, ledger: pd.DataFrame) -> None:
    """Another last digit is seen wherever it stands, but where it makes another number of the same point."""
    rows, unseen, tried = ledger.set_index("id"), [], 0
    for item in (item for item in items(page) if item.claims):
        for match in NUMBER.finditer(CLAIM.sub(lambda name: "`" * len(name.group(0)), item.text)):
            text = match.group(0)
            if "." in text:
                tried += 1
                other = text[:-1] + str((int(text[-1]) + 3) % 10)
                changed = item.text[: match.start()] + other + item.text[match.end() :]
                if other not in item.text and not misquoted(replace(item, text=changed), rows):
                    unseen.append((text, other, item.claims))
    assert tried > 80
    assert unseen == []
